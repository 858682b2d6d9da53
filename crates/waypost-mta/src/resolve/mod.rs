//! Where does this recipient go: one verdict per recipient, the same for everybody who asks.

pub mod ask;
mod conflict;
pub mod expand;
mod explain;
mod finding;
mod gateway;
mod hear;
mod memory;
mod outgoing;
mod resolver;
mod rules;
mod sharing;
pub mod step;

use waypost_directory::{Here, Snapshot};
use waypost_proto::mail::{ForwardPath, Mailbox};
use waypost_proto::route::{Rule, Side, TargetId, Verdict, Via};
use waypost_proto::smtp::replies;
use waypost_proto::smtp::reply::Reply;

pub use ask::{Answer, Answers, Ask, Asked, Authority, Heard, Question, Said, Source, Words};
pub use conflict::Conflict;
pub use explain::{Explanation, Subject};
pub use finding::{Conclusion, Finding};
pub use memory::{
    CacheSettings, CacheStats, Keep, KeepNothing, Kept, Place, Remembered, Tallied, nobody_at,
};
pub(crate) use outgoing::Local;
pub use resolver::{Background, Parts, Resolver, Snapshots, Standing};
pub use step::{Step, Steps, Tried};

/// What the site's configuration says about routes.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `postmaster` at this server's own name: the mailbox of the site itself.
    pub postmaster: Mailbox,
    /// What separates a sub-address from its tag (RFC 5233); none: there are no sub-addresses.
    pub delimiter: Option<char>,
    /// Outbound mail goes to the smart host instead of MX hosts.
    pub smart_host: bool,
}

impl Settings {
    /// Whom RCPT names: `<postmaster>` is the site's own (RFC 5321 §4.1.1.3).
    #[must_use]
    pub fn recipient<'a>(&'a self, path: &'a ForwardPath) -> &'a Mailbox {
        match path {
            ForwardPath::Mailbox(mailbox) => mailbox,
            ForwardPath::Postmaster => &self.postmaster,
        }
    }
}

/// Whether questions may be asked on the way to a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// What no answer is known for is asked.
    Allowed,
    /// It is asked, but nothing is remembered of it: for `explain`.
    Aside,
    /// After a refusal that contradicts what was known: the relay is asked whoever the client is.
    Doubtful,
    /// Nobody is asked: what the relay would be asked is forwarded to it, as for a known client;
    /// what peers would be asked is tried later.
    Forbidden,
    /// Peers are asked; a relay is not, since the delivery itself will tell.
    InQueue,
}

/// Whether the steps that led to the verdict are wanted, or the verdict alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// The steps too, for `explain`.
    Steps,
    /// The verdict and its rule.
    Verdict,
}

/// Whether the recipient may be of a domain that is not served here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outbound {
    /// Outbound mail is taken from this client, or was.
    Allowed,
    /// Relay access denied.
    Denied,
}

/// One recipient to decide.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The recipient.
    pub recipient: &'a Mailbox,
    /// The address it came in with, when a group or a postmaster setting stands between.
    pub original: Option<&'a Mailbox>,
    /// The side it came from.
    pub side: &'a Side,
    /// Whether it may leave for a domain that is not served here.
    pub outbound: Outbound,
    /// Targets that this recipient was already sent to, by the message's trace fields.
    pub visited: &'a [TargetId],
    /// Whether questions may be asked.
    pub asking: Asking,
    /// Whether the steps are wanted.
    pub detail: Detail,
}

impl<'a> Request<'a> {
    /// A recipient named by a client.
    #[must_use]
    pub fn at_rcpt(recipient: &'a Mailbox, side: &'a Side) -> Self {
        let outbound = match side {
            Side::Authenticated(_) | Side::Here | Side::Trusted => Outbound::Allowed,
            Side::Stranger | Side::Target(_) => Outbound::Denied,
        };
        Self {
            recipient,
            original: None,
            side,
            outbound,
            visited: &[],
            asking: Asking::Allowed,
            detail: Detail::Verdict,
        }
    }

    /// A recipient already accepted: nobody asks again whether it may leave, and no relay is asked
    /// what the delivery itself will tell.
    #[must_use]
    pub fn in_queue(recipient: &'a Mailbox, side: &'a Side) -> Self {
        Self {
            outbound: Outbound::Allowed,
            asking: Asking::InQueue,
            ..Self::at_rcpt(recipient, side)
        }
    }
}

impl Request<'_> {
    /// The address as the client named it.
    fn received(&self) -> &Mailbox {
        self.original.unwrap_or(self.recipient)
    }
}

/// What is decided for a recipient, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// Where it goes, or the reply.
    pub verdict: Verdict,
    /// The rule that decided: `why=` in the log.
    pub rule: Rule,
    /// The answer of another server that it rests on: `proof=` in the log.
    pub proof: Option<Heard>,
    /// The steps that led there; empty unless asked for.
    pub steps: Vec<Step>,
}

impl Decided {
    /// The reply to RCPT; a group's own reply needs its members, see [`expand::Expanded`].
    #[must_use]
    pub fn reply(&self) -> Reply {
        match &self.verdict {
            Verdict::Refuse(reply) | Verdict::TryLater(reply) => reply.clone(),
            Verdict::Deliver(_) | Verdict::Expand(_) | Verdict::Relay { .. } => {
                replies::recipient_ok()
            }
        }
    }
}

/// The end of one look at a recipient.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolution {
    /// These must be answered first.
    Ask(Vec<Question>),
    /// This is decided.
    Decided(Decided),
}

/// Everything a decision rests on besides the recipient.
pub struct Facts<'a> {
    /// The directory at one moment.
    pub snapshot: &'a Snapshot,
    /// The answers of other servers so far.
    pub answers: &'a Answers,
    /// The site's configuration.
    pub settings: &'a Settings,
    /// Which addresses lead to this server itself.
    pub here: &'a dyn Here,
}

impl Facts<'_> {
    /// A target's name, for the administrator only.
    fn target_name(&self, id: TargetId) -> &str {
        let target = self.snapshot.target(id);
        target.map_or("a target that is gone", |target| &target.name)
    }

    fn authority_name(&self, authority: Authority) -> String {
        authority_name(self.snapshot, authority)
    }

    fn way(&self, via: Via) -> &str {
        match via {
            Via::Mx => "the MX hosts of the domain",
            Via::SmartHost => "the smart host",
            Via::Target(id) => self.target_name(id),
        }
    }

    fn onward(&self, via: Via) -> Finding {
        match via {
            Via::Mx => Finding::OnwardMx,
            Via::SmartHost => Finding::OnwardSmartHost,
            Via::Target(id) => Finding::Onward(self.target_name(id).to_owned()),
        }
    }
}

/// What an authority is called, for the administrator only.
fn authority_name(snapshot: &Snapshot, authority: Authority) -> String {
    let name = match authority {
        Authority::Callout(id) | Authority::Delivery(id) | Authority::Peer(id) => {
            snapshot.target(id).map(|target| target.name.clone())
        }
        Authority::Gateway(id) | Authority::List(id) => {
            let mut gateways = snapshot.gateways();
            let gateway = gateways.find(|gateway| gateway.id == id);
            gateway.map(|gateway| format!("gateway {}", gateway.domain))
        }
    };
    name.unwrap_or_else(|| "somebody who is gone".to_owned())
}

/// Decides a recipient: pure, total, and the same for everybody who asks.
#[must_use]
pub fn resolve(request: &Request<'_>, facts: &Facts<'_>) -> Resolution {
    rules::resolve(request, facts)
}

#[cfg(test)]
pub(crate) mod tests;
