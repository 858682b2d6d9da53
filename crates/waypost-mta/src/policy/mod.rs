//! May it come in: pure rules over facts that the session gathers.

pub mod rate;
pub mod sender;

use waypost_proto::mail::{Mailbox, ReversePath};
use waypost_proto::route::{Side, TargetId, Verdict};
use waypost_proto::smtp::replies;
use waypost_proto::smtp::reply::Reply;
use waypost_proto::smtp::status::EnhancedStatus;

/// What a client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Come in.
    Accept,
    /// The reply, and the connection ends with it (421).
    Disconnect(Reply),
    /// The reply; the session goes on.
    Refuse(Reply),
}

/// Limits on what one client may do.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at the same time, all clients together.
    pub connections: usize,
    /// Connections at the same time from one client; known targets are not counted.
    pub connections_per_client: usize,
    /// Recipients of one message (RFC 5321 §4.5.3.1.8: at least 100).
    pub recipients: usize,
}

/// What is known at one point of a session.
#[derive(Debug)]
pub enum Facts<'a> {
    /// A client has connected.
    Connection(Connection<'a>),
    /// An author's address in the header of a submitted message.
    From(Author<'a>),
    /// MAIL.
    Mail(Mail<'a>),
    /// RCPT, with its verdict.
    Rcpt(Rcpt<'a>),
}

/// A client that has just connected.
#[derive(Debug)]
pub struct Connection<'a> {
    /// Who it is, as far as its address tells.
    pub side: &'a Side,
    /// Open connections, this one not counted.
    pub open: usize,
    /// Open connections of this client, this one not counted.
    pub open_from_client: usize,
    /// Whether the client keeps to its pace, see [`rate::Limiter`].
    pub pace: Pace,
    /// The limits.
    pub limits: &'a Limits,
}

/// Whether a client keeps to a pace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Within its rate.
    Kept,
    /// Faster than that.
    TooFast,
}

/// Which door a client came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// LMTP (RFC 2033).
    Lmtp,
    /// Relay between servers (RFC 5321).
    Smtp,
    /// Message submission (RFC 6409).
    Submission,
}

/// Whether an address belongs to a user who is logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// Not his.
    Foreign,
    /// His own, or that of a shared mailbox he belongs to.
    Own,
}

/// Where the mail of a sender address comes from, when its domain protects its senders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// Of the domain, but not of a user on another server: from here, logged in.
    Here,
    /// Of a user who lives on this target.
    Target(TargetId),
    /// Of a domain that does not protect its senders, or is not served.
    Unprotected,
}

/// MAIL, as it was said.
#[derive(Debug)]
pub struct Mail<'a> {
    /// The door.
    pub service: Service,
    /// Who says it.
    pub side: &'a Side,
    /// The reverse-path.
    pub reverse_path: &'a ReversePath,
    /// Whether it is the client's own, when he is logged in.
    pub ownership: Ownership,
    /// Where it lives.
    pub home: Home,
}

/// An author's address in the header of a submitted message (RFC 5322 §3.6.2).
#[derive(Debug)]
pub struct Author<'a> {
    /// Who submits.
    pub side: &'a Side,
    /// The address.
    pub address: &'a Mailbox,
    /// Whether it is the client's own.
    pub ownership: Ownership,
}

/// Room in a mailbox that is kept here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Most bytes; 0: no limit.
    pub quota_bytes: u64,
    /// Bytes in use.
    pub used_bytes: u64,
    /// Bytes the client declared for this message, or 0 (RFC 1870 §6.1).
    pub size_bytes: u64,
}

/// RCPT, with what was resolved.
#[derive(Debug)]
pub struct Rcpt<'a> {
    /// Who says it.
    pub side: &'a Side,
    /// Recipients accepted before this one.
    pub accepted: usize,
    /// The verdict.
    pub verdict: &'a Verdict,
    /// Room in the mailbox, where this server keeps it itself.
    pub room: Option<Room>,
    /// Whether the client guesses addresses too fast; only unknown recipients count towards it.
    pub guessing: Pace,
    /// The limits.
    pub limits: &'a Limits,
}

/// What the client is told.
#[must_use]
pub fn decide(facts: &Facts<'_>) -> Decision {
    match facts {
        Facts::Connection(connection) => decide_connection(connection),
        Facts::From(author) => decide_author(author),
        Facts::Mail(mail) => decide_mail(mail),
        Facts::Rcpt(rcpt) => decide_rcpt(rcpt),
    }
}

fn decide_connection(facts: &Connection<'_>) -> Decision {
    if facts.open >= facts.limits.connections {
        return Decision::Disconnect(replies::too_many_connections());
    }
    // Another server of the site's domains carries the mail of many people.
    if matches!(facts.side, Side::Target(_)) {
        return Decision::Accept;
    }
    if facts.open_from_client >= facts.limits.connections_per_client {
        return Decision::Disconnect(replies::too_many_connections());
    }
    if facts.pace == Pace::TooFast {
        return Decision::Disconnect(replies::connecting_too_often());
    }
    Decision::Accept
}

fn decide_mail(facts: &Mail<'_>) -> Decision {
    let authenticated = matches!(facts.side, Side::Authenticated(_));
    if facts.service == Service::Submission && !authenticated {
        return Decision::Refuse(replies::authentication_required());
    }
    // The null path is nobody's address: reports must be able to leave (RFC 8098 §3).
    let ReversePath::Mailbox(sender) = facts.reverse_path else {
        return Decision::Accept;
    };
    match (facts.side, facts.home) {
        (Side::Authenticated(_), _) => owned(facts.ownership, sender),
        (Side::Here | Side::Trusted, _) | (_, Home::Unprotected) => Decision::Accept,
        (Side::Target(from), Home::Target(home)) if *from == home => Decision::Accept,
        (Side::Stranger | Side::Target(_), Home::Here | Home::Target(_)) => {
            Decision::Refuse(replies::not_logged_in(sender))
        }
    }
}

fn decide_author(facts: &Author<'_>) -> Decision {
    match facts.side {
        Side::Authenticated(_) => owned(facts.ownership, facts.address),
        Side::Here | Side::Stranger | Side::Target(_) | Side::Trusted => Decision::Accept,
    }
}

fn owned(ownership: Ownership, address: &Mailbox) -> Decision {
    match ownership {
        Ownership::Foreign => Decision::Refuse(replies::not_owned(address)),
        Ownership::Own => Decision::Accept,
    }
}

fn decide_rcpt(facts: &Rcpt<'_>) -> Decision {
    match facts.verdict {
        // The guesser learns nothing more; a message to known recipients never meets this limit.
        Verdict::Refuse(reply)
            if facts.guessing == Pace::TooFast && is_guess(facts.side, reply) =>
        {
            return Decision::Disconnect(replies::too_many_unknown());
        }
        Verdict::Refuse(reply) => return Decision::Refuse(reply.clone()),
        Verdict::TryLater(reply) if !queued_unresolved(facts.side, reply) => {
            return Decision::Refuse(reply.clone());
        }
        Verdict::Deliver(destination) if facts.room.is_some_and(|room| room.is_full()) => {
            return Decision::Refuse(replies::mailbox_full(&destination.recipient));
        }
        Verdict::Deliver(_) | Verdict::Expand(_) | Verdict::Relay { .. } | Verdict::TryLater(_) => {
        }
    }
    if facts.accepted >= facts.limits.recipients {
        return Decision::Refuse(replies::too_many_recipients());
    }
    Decision::Accept
}

/// Whether a refusal counts towards the limit on guesses: a stranger's recipient that nobody has.
#[must_use]
pub fn is_guess(side: &Side, reply: &Reply) -> bool {
    *side == Side::Stranger && reply.status() == Some(EnhancedStatus::new(5, 1, 1))
}

/// A person's mail program does not retry, so that "cannot tell now" is our business, not his
/// (RFC 6409 §3).
fn queued_unresolved(side: &Side, reply: &Reply) -> bool {
    matches!(side, Side::Authenticated(_)) && reply.status() == Some(EnhancedStatus::new(4, 4, 3))
}

impl Room {
    /// Whether the message does not fit any more.
    #[must_use]
    pub fn is_full(self) -> bool {
        let wanted = self.used_bytes.saturating_add(self.size_bytes);
        self.quota_bytes > 0 && (wanted > self.quota_bytes || self.used_bytes >= self.quota_bytes)
    }
}

#[cfg(test)]
mod tests;
