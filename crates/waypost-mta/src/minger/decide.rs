//! What is said to whom: from the directory alone, nobody else is asked.
//!
//! The order of the checks matters. Until an asker has proved that it may know, nothing depends on
//! whether an address exists, neither the answer nor the time it takes.

#[cfg(test)]
pub(super) mod tests;

use std::borrow::Cow;
use std::net::IpAddr;

use tokio::time::Instant;
use waypost_directory::{Found, Group, MailType, Snapshot, UserRoute};
use waypost_proto::mail::{Domain, Mailbox};
use waypost_proto::minger::{NoQuery, Query, Secret, Silence, Status};
use waypost_proto::net::Network;
use waypost_proto::route::{Destination, Store, TargetId};

use super::peers::Peers;
use super::rate::{Limits, Rates};
use crate::policy::Pace;
use crate::resolve::Local;
use crate::session::is_in;

/// What the configuration says about answering.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Any of these is good, whoever uses it.
    pub secrets: Vec<Secret>,
    /// Whether who shows no secret gets an answer.
    pub anonymous: bool,
    /// Networks that get an answer at all; peers always do.
    pub allow: Vec<Network>,
    /// Whether a group whose members are all elsewhere counts as an address that exists.
    pub outside_aliases_active: bool,
    /// Whether the mailbox `*` is answered, which tests credentials only.
    pub test_mailbox: bool,
    /// Between a local part and its tag.
    pub delimiter: Option<char>,
    /// How much is answered.
    pub rates: Rates,
}

/// A datagram that came in.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// All of it, or so much that it is too long.
    pub octets: &'a [u8],
    /// Who sent it, or pretends to have.
    pub from: IpAddr,
    /// When.
    pub now: Instant,
}

/// What an answer depends on.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Who and where.
    pub snapshot: &'a Snapshot,
    /// The target that has the asker's address.
    pub caller: Option<TargetId>,
    /// Which targets are peers.
    pub peers: &'a Peers,
    /// What the configuration says.
    pub settings: &'a Settings,
    /// Whether somebody can tell how full mailboxes are.
    pub measured: bool,
}

/// What is done about a datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided<'a> {
    /// The target that asks, as far as that is known.
    pub asker: Option<TargetId>,
    /// What it is told.
    pub reaction: Reaction<'a>,
}

/// What is said, if anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reaction<'a> {
    /// This, about the address as it was written.
    Answer(Cow<'a, str>, Status),
    /// Active, unless the mailbox is full.
    Measure(Cow<'a, str>, Place<'a>),
    /// Nothing.
    Silent(Why),
}

/// Why nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// Its network has been refused too often.
    Guessing,
    /// Its network is not one that gets an answer.
    NotAllowed,
    /// There is nothing that could be answered.
    NoQuery(Silence),
    /// It asks faster than it may.
    TooFast,
    /// It asks about `*`, which is switched off.
    TestMailbox,
}

/// A mailbox here that has a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// Whose it is, with a number that is its own among those.
    pub key: (Store, u32),
    /// Most bytes it may hold; never 0.
    pub quota_bytes: u64,
    domain: &'a Domain,
    login: &'a str,
}

impl Place<'_> {
    /// As deliveries name it.
    #[must_use]
    pub fn destination(&self, mailbox: Mailbox) -> Destination {
        Destination {
            store: self.key.0,
            domain: self.domain.clone(),
            login: self.login.into(),
            quota_bytes: self.quota_bytes,
            recipient: mailbox,
        }
    }
}

/// What the directory says of an address.
enum Standing<'a> {
    Is(Status),
    In(Place<'a>),
}

/// Decides about a datagram, and counts it.
#[must_use]
pub fn decide<'a>(received: Received<'a>, facts: &Facts<'a>, limits: &Limits) -> Decided<'a> {
    let mut asker = facts.caller;
    let reaction = match react(received, facts, limits, &mut asker) {
        Ok(reaction) => reaction,
        Err(why) => Reaction::Silent(why),
    };
    Decided { asker, reaction }
}

fn react<'a>(
    received: Received<'a>,
    facts: &Facts<'a>,
    limits: &Limits,
    asker: &mut Option<TargetId>,
) -> Result<Reaction<'a>, Why> {
    let Received { octets, from, now } = received;
    let query = Query::parse(octets);
    if let Err(NoQuery::Silent(silence)) = query {
        return Err(Why::NoQuery(silence));
    }
    if facts.peer(*asker).is_none() {
        if !is_in(&facts.settings.allow, from) {
            return Err(Why::NotAllowed);
        }
        kept(limits.stranger(from, now), Why::TooFast)?;
        kept(limits.look_refused(from, now), Why::Guessing)?;
    }
    let refused = || kept(limits.refusal(from, now), Why::Guessing);
    let query = match query {
        Ok(query) => query,
        Err(NoQuery::Malformed { address }) => {
            refused()?;
            return Ok(Reaction::Answer(address.into(), Status::Malformed));
        }
        Err(NoQuery::Silent(silence)) => return Err(Why::NoQuery(silence)),
    };
    match facts.credentials(&query) {
        Some(Credentials::Own(peer)) => *asker = Some(peer),
        Some(Credentials::Shared) => {}
        None => {
            refused()?;
            return Ok(Reaction::Answer(
                query.into_address(),
                Status::BadCredentials,
            ));
        }
    }
    let peer = facts.peer(*asker);
    if let Some(peer) = peer {
        kept(limits.peer(peer, now), Why::TooFast)?;
    }
    let standing = match query.mailbox() {
        Some(mailbox) => facts.standing(mailbox, *asker),
        None if facts.settings.test_mailbox => Standing::Is(Status::Active),
        None => return Err(Why::TestMailbox),
    };
    let address = query.into_address();
    match standing {
        Standing::In(place) => Ok(Reaction::Measure(address, place)),
        Standing::Is(status) => {
            if status == Status::Unknown && peer.is_none() {
                refused()?;
            }
            Ok(Reaction::Answer(address, status))
        }
    }
}

fn kept(pace: Pace, why: Why) -> Result<(), Why> {
    match pace {
        Pace::Kept => Ok(()),
        Pace::TooFast => Err(why),
    }
}

/// What an asker has shown.
enum Credentials {
    /// A secret that only this peer may use.
    Own(TargetId),
    /// A secret of the site, or none where none is wanted.
    Shared,
}

impl<'a> Facts<'a> {
    /// The target, if it is a peer.
    fn peer(&self, id: Option<TargetId>) -> Option<TargetId> {
        id.filter(|id| self.peers.has(*id))
    }

    /// What proves that it may ask. Where none is wanted, a wrong one does not count against it:
    /// it would learn the same without.
    fn credentials(&self, query: &Query<'_>) -> Option<Credentials> {
        let secrets = self.peers.secrets().chain(&self.settings.secrets);
        let verified = query.verified_by(secrets);
        let shared = Some(Credentials::Shared);
        match verified {
            Some(number) => self
                .peers
                .of_secret(number)
                .map(Credentials::Own)
                .or(shared),
            None if self.settings.anonymous => shared,
            None => None,
        }
    }

    fn standing(&self, mailbox: &Mailbox, asker: Option<TargetId>) -> Standing<'a> {
        let domain = self.snapshot.domain(&mailbox.domain);
        let main = domain.map_or(&mailbox.domain, |domain| &domain.domain.name);
        if !self.peers.may_ask(asker, &[&mailbox.domain, main]) {
            return Standing::Is(Status::Denied);
        }
        let Some(domain) = domain else {
            return Standing::Is(Status::Unknown);
        };
        let local = Local::new(&mailbox.local, self.settings.delimiter);
        let found = self.snapshot.lookup(&domain, local.folded());
        let found = found.or_else(|| self.snapshot.lookup(&domain, local.without_tag()?));
        match found {
            None => Standing::Is(Status::Unknown),
            Some(Found::User(user)) => self.user(&user, asker),
            Some(Found::Group(group)) => Standing::Is(self.group(group)),
            Some(Found::Shared(shared)) => self.mailbox(Place {
                key: (Store::Shared, shared.id.0),
                quota_bytes: shared.quota_bytes,
                domain: &domain.domain.name,
                login: &shared.name,
            }),
        }
    }

    fn user(&self, user: &UserRoute<'a>, asker: Option<TargetId>) -> Standing<'a> {
        if user.suspended {
            return Standing::Is(Status::Unavailable);
        }
        match user.mail {
            MailType::Local => self.mailbox(Place {
                key: (Store::User, user.id.0),
                quota_bytes: user.quota_bytes,
                domain: &user.domain.name,
                login: user.login,
            }),
            MailType::ThirdParty if user.selected => {
                // Whose mailbox server asks has it itself, or nobody has.
                let lives_on = user.target.or(user.domain.relay);
                Standing::Is(match (lives_on, asker) {
                    (None, _) => Status::Unavailable,
                    (Some(target), Some(asker)) if self.snapshot.same_server(target, asker) => {
                        Status::Unknown
                    }
                    (Some(_), _) => Status::Active,
                })
            }
            MailType::ThirdParty | MailType::None => Standing::Is(Status::Unknown),
        }
    }

    fn mailbox(&self, place: Place<'a>) -> Standing<'a> {
        if self.measured && place.quota_bytes > 0 {
            Standing::In(place)
        } else {
            Standing::Is(Status::Active)
        }
    }

    fn group(&self, group: &Group) -> Status {
        let is_here = |member: &Mailbox| self.snapshot.domain(&member.domain).is_some();
        if self.settings.outside_aliases_active || group.members.iter().any(is_here) {
            Status::Active
        } else {
            Status::Unknown
        }
    }
}
