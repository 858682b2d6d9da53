//! Questions to other servers: who answers them, and what is remembered.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use waypost_proto::mail::Mailbox;
use waypost_proto::route::TargetId;
use waypost_proto::smtp::reply::{RemoteReply, Severity};
use waypost_proto::smtp::status::EnhancedStatus;

/// What must be asked before a recipient can be decided.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Question {
    /// Would this target take mail for this recipient? Asked with RCPT and a null reverse-path.
    Callout {
        /// Who is asked.
        target: TargetId,
        /// The outgoing address.
        recipient: Mailbox,
    },
}

/// What an authority says about an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It has the address, or takes mail for it.
    Active,
    /// It could not be asked, or did not say.
    Unavailable,
    /// It does not have the address.
    Unknown,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Unavailable => "unavailable",
            Self::Unknown => "unknown",
        })
    }
}

/// An answer just given, with the words it was given in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What it means.
    pub answer: Answer,
    /// The reply itself; none when there was only silence.
    pub reply: Option<RemoteReply>,
}

impl Said {
    /// Nobody answered.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            answer: Answer::Unavailable,
            reply: None,
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
            reply: Some(reply),
        }
    }
}

fn denies(status: EnhancedStatus) -> bool {
    status.subject == 1 || (status.subject, status.detail) == (4, 6)
}

/// An answer on its way.
pub type Asked<'a> = Pin<Box<dyn Future<Output = Said> + Send + 'a>>;

/// Who asks a target whether it would take mail for a recipient.
pub trait Callout: Send + Sync {
    /// Asks with RCPT and a null reverse-path, and sends nothing (RFC 5321 §3.3).
    fn callout<'a>(&'a self, target: TargetId, recipient: &'a Mailbox) -> Asked<'a>;
}

/// Where an answer was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Asked for this recipient.
    Asked,
    /// The target says yes to every address, so that its yes means nothing.
    Blind,
    /// Remembered from an earlier question.
    Cache,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asked => "asked",
            Self::Blind => "blind",
            Self::Cache => "cache",
        })
    }
}

/// An answer, with where it was found and how old it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Who said it.
    pub target: TargetId,
    /// What was said.
    pub answer: Answer,
    /// Where it was found.
    pub source: Source,
    /// How long ago it was given.
    pub age: Duration,
    /// The words, where they are still known.
    pub reply: Option<RemoteReply>,
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

    /// Adds an answer.
    pub fn add(&mut self, question: Question, heard: Heard) {
        self.0.push((question, heard));
    }
}
