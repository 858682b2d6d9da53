//! The steps that led to a verdict, as `explain` shows them.

use std::fmt;

use super::Detail;
use super::ask::Heard;
use super::finding::Finding;

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// Whether the domain is served here, and under which name.
    Domain,
    /// What the directory knows of the address.
    Directory,
    /// The setting *forward unknown*.
    ForwardUnknown,
    /// A domain that lives wholly on a target, and who verifies its recipients.
    Gateway,
    /// Where the recipient has been already.
    Journey,
    /// A member of a group.
    Member,
    /// The address it leaves with.
    OutgoingAddress,
    /// Mail for postmaster and abuse.
    Postmaster,
    /// The relay, asked by callout.
    Callout,
    /// Who sends it.
    Sender,
    /// The peers of a shared domain.
    Sharing,
    /// The server the recipient came from.
    Source,
    /// The server it goes to.
    Target,
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Domain => "domain",
            Self::Directory => "directory",
            Self::ForwardUnknown => "forward-unknown",
            Self::Gateway => "gateway",
            Self::Journey => "journey",
            Self::Member => "member",
            Self::OutgoingAddress => "outgoing-address",
            Self::Postmaster => "postmaster",
            Self::Callout => "callout",
            Self::Sender => "sender",
            Self::Sharing => "sharing",
            Self::Source => "source",
            Self::Target => "target",
        })
    }
}

/// One step: what was looked at, what was found, and whose answer it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What was looked at.
    pub tried: Tried,
    /// What was found, for the administrator: names of targets included.
    pub found: Finding,
    /// The answer of another server, when one was needed.
    pub heard: Option<Heard>,
}

/// Collects steps when they are wanted, and costs nothing when not.
#[derive(Debug)]
pub struct Steps(Option<Vec<Step>>);

impl Steps {
    /// An empty list, or none at all.
    #[must_use]
    pub fn new(detail: Detail) -> Self {
        Self((detail == Detail::Steps).then(Vec::new))
    }

    /// Adds a step; the finding is made only when it is wanted.
    pub fn add(&mut self, tried: Tried, found: impl FnOnce() -> Finding) {
        if let Some(steps) = &mut self.0 {
            steps.push(Step {
                tried,
                found: found(),
                heard: None,
            });
        }
    }

    /// Adds a step that rests on an answer, in words.
    pub fn add_heard(&mut self, tried: Tried, heard: &Heard, found: impl FnOnce() -> String) {
        if let Some(steps) = &mut self.0 {
            steps.push(Step {
                tried,
                found: Finding::Answer(found()),
                heard: Some(heard.clone()),
            });
        }
    }

    /// The steps so far.
    #[must_use]
    pub fn into_vec(self) -> Vec<Step> {
        self.0.unwrap_or_default()
    }
}
