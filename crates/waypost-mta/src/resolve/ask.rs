//! Questions to other servers: who answers them, and what is remembered.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use waypost_directory::GatewayId;
use waypost_proto::mail::Mailbox;
use waypost_proto::minger::Status;
use waypost_proto::route::TargetId;
use waypost_proto::smtp::reply::{RemoteReply, Severity};
use waypost_proto::smtp::status::EnhancedStatus;

/// Who says whether an address exists, and how that is learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Authority {
    /// A target, asked with RCPT and a null reverse-path.
    Callout(TargetId),
    /// A target that took mail for the address. It is never asked: deliveries tell.
    Delivery(TargetId),
    /// The server that a gateway domain names for it, asked over Minger.
    Gateway(GatewayId),
    /// The file of a gateway domain's addresses.
    List(GatewayId),
    /// A peer of a shared domain, asked over Minger.
    Peer(TargetId),
}

impl fmt::Display for Authority {
    /// How it is learned, not from whom.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Callout(_) => "callout",
            Self::Delivery(_) => "delivery",
            Self::Gateway(_) | Self::Peer(_) => "minger",
            Self::List(_) => "list",
        })
    }
}

/// What must be asked before a recipient can be decided.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// Who is asked.
    pub authority: Authority,
    /// About which address: a callout about the outgoing one, others about the one received.
    pub address: Mailbox,
}

impl Question {
    /// Would this target take mail for this recipient?
    #[must_use]
    pub fn callout(target: TargetId, outgoing: Mailbox) -> Self {
        Self {
            authority: Authority::Callout(target),
            address: outgoing,
        }
    }

    /// Does this peer have the address?
    #[must_use]
    pub fn peer(target: TargetId, address: Mailbox) -> Self {
        Self {
            authority: Authority::Peer(target),
            address,
        }
    }
}

/// What an authority says about an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It has the address, or takes mail for it.
    Active,
    /// It has the address, which cannot receive at the moment.
    Full,
    /// It could not be asked, or did not say.
    Unavailable,
    /// It does not have the address.
    Unknown,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Full => "cannot receive",
            Self::Unavailable => "unavailable",
            Self::Unknown => "unknown",
        })
    }
}

/// The words an answer was given in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Words {
    /// Over Minger.
    Minger(Status),
    /// To RCPT.
    Reply(RemoteReply),
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Minger(status) => write!(f, "{} {status}", status.digit()),
            Self::Reply(reply) => reply.fmt(f),
        }
    }
}

/// An answer just given, with the words it was given in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What it means.
    pub answer: Answer,
    /// The words; none when there was only silence, or none are needed.
    pub words: Option<Words>,
}

impl Said {
    /// Nobody answered.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            answer: Answer::Unavailable,
            words: None,
        }
    }

    /// What a reply to RCPT says about the recipient.
    ///
    /// Only a refusal of the address itself, X.1.X of RFC 3463 §3.2 or a bare 550, 551 or 553,
    /// means that nobody is there, and X.4.6: the relay does not have it, and would hand it back to
    /// us. Any other refusal says something about us or about now.
    #[must_use]
    pub fn in_reply(reply: RemoteReply) -> Self {
        let answer = match (reply.severity(), reply.status) {
            (Severity::Success, _) => Answer::Active,
            (Severity::Permanent, Some(status)) if denies(status) => Answer::Unknown,
            (Severity::Permanent, None) if matches!(reply.code, 550 | 551 | 553) => Answer::Unknown,
            _ => Answer::Unavailable,
        };
        Self {
            answer,
            words: Some(Words::Reply(reply)),
        }
    }

    /// What a Minger answer says about the address (draft-hathcock-minger-06 §2.2). That we may not
    /// ask, or asked wrongly, says nothing about it.
    #[must_use]
    pub fn in_status(status: Status) -> Self {
        let answer = match status {
            Status::Active => Answer::Active,
            Status::Unavailable => Answer::Full,
            Status::Unknown => Answer::Unknown,
            Status::BadCredentials | Status::Denied | Status::Malformed => Answer::Unavailable,
        };
        Self {
            answer,
            words: Some(Words::Minger(status)),
        }
    }
}

fn denies(status: EnhancedStatus) -> bool {
    status.subject == 1 || (status.subject, status.detail) == (4, 6)
}

/// An answer on its way.
pub type Asked<'a> = Pin<Box<dyn Future<Output = Said> + Send + 'a>>;

/// Who asks other servers.
pub trait Ask: Send + Sync {
    /// Puts one question to its authority, and sends nothing else: a callout is RCPT after a null
    /// reverse-path (RFC 5321 §3.3). Gives up by itself.
    fn ask<'a>(&'a self, question: &'a Question) -> Asked<'a>;
}

/// Where an answer was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Asked for this recipient.
    Asked,
    /// The target says yes to every address, so that its yes means nothing.
    Blind,
    /// Remembered from an earlier question, or from a delivery.
    Cache,
    /// Not asked: it has not answered lately, and is asked less often for a while.
    Suspended,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asked => "asked",
            Self::Blind => "blind",
            Self::Cache => "cache",
            Self::Suspended => "suspended",
        })
    }
}

/// An answer, with where it was found and how old it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Who said it.
    pub authority: Authority,
    /// What was said.
    pub answer: Answer,
    /// Where it was found.
    pub source: Source,
    /// How long ago it was given.
    pub age: Duration,
    /// How long it was waited for; zero when it was remembered.
    pub took: Duration,
    /// The words, where they are still known.
    pub words: Option<Words>,
}

/// The answers known so far.
#[derive(Debug, Clone, Default)]
pub struct Answers(Vec<(Question, Heard)>);

impl Answers {
    /// The answer to a question.
    #[must_use]
    pub fn to(&self, question: &Question) -> Option<&Heard> {
        self.0.iter().find(|(q, _)| q == question).map(|(_, a)| a)
    }

    /// Drops an answer; whether there was one.
    pub fn drop(&mut self, question: &Question) -> bool {
        let before = self.0.len();
        self.0.retain(|(known, _)| known != question);
        self.0.len() < before
    }

    /// Adds an answer.
    pub fn add(&mut self, question: Question, heard: Heard) {
        self.0.push((question, heard));
    }
}
