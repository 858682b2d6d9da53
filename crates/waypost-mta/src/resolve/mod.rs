//! Where does this recipient go: one verdict per recipient, the same for everybody who asks.

pub mod ask;
pub mod step;

use waypost_proto::mail::{Domain, Mailbox};
use waypost_proto::route::{Rule, Side, TargetId, Verdict};
use waypost_proto::smtp::replies;
use waypost_proto::smtp::reply::Reply;

pub use ask::{Answer, Answers, Asked, Callout, Heard, Question, Said, Source};
pub use step::{Step, Steps, Tried};

/// What the site's configuration says about routes.
#[derive(Debug, Clone)]
pub struct Settings {
    /// This server's name: `postmaster` at it, and without a domain, is the site's own mailbox.
    pub hostname: Domain,
    /// What separates a sub-address from its tag (RFC 5233); none: there are no sub-addresses.
    pub delimiter: Option<char>,
    /// Outbound mail goes to the smart host instead of MX hosts.
    pub smart_host: bool,
}

/// Whether questions may be asked on the way to a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// What no answer is known for is asked.
    Allowed,
    /// Nobody is asked: what the relay would be asked is forwarded to it, as for a known client.
    Forbidden,
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

    /// A recipient already accepted: nobody asks again whether it may leave, and nobody is asked
    /// what the delivery itself will tell.
    #[must_use]
    pub fn in_queue(recipient: &'a Mailbox, side: &'a Side) -> Self {
        Self {
            outbound: Outbound::Allowed,
            asking: Asking::Forbidden,
            ..Self::at_rcpt(recipient, side)
        }
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
    /// The reply to RCPT; a group's own reply needs its members, see the expansion of groups.
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
