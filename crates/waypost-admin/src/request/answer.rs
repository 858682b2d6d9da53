//! What comes back: progress, a result, or a refusal that says how to mend it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A line of the answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It was refused.
    Error(Refused),
    /// It goes on.
    Progress(Progress),
    /// It is done.
    Result(Value),
}

/// How far a long command is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done.
    pub what: String,
    /// Steps done.
    pub done: u64,
    /// All steps; 0: not known.
    pub total: u64,
}

/// Why the server did not do it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// One sentence.
    pub message: String,
    /// Everything that is wrong, when it is more than one sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Fault>,
    /// What kind of refusal it is.
    #[serde(default)]
    pub cause: Cause,
}

/// What kind of refusal it is: what an exit code, or a status over HTTP, is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// It cannot be done as it was asked for.
    #[default]
    Asked,
    /// Somebody has asked it to stop.
    Cancelled,
    /// Another server has what would be made here (409).
    Conflict,
    /// It is there already (409).
    Exists,
    /// The same may work later (503).
    Later,
    /// There is no such thing (404).
    Missing,
    /// Somebody else has changed it since (412).
    Stale,
}

/// One thing that is wrong with one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Which object, such as `user jdoe@example.com`.
    pub object: String,
    /// The line of the site file, when one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The field at fault, as the site file names it; empty: the whole object.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub mend: String,
}

impl Refused {
    /// A refusal of one sentence.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            problems: Vec::new(),
            cause: Cause::Asked,
        }
    }

    /// A refusal that may be gone later.
    pub fn later(message: impl Into<String>) -> Self {
        Self {
            cause: Cause::Later,
            ..Self::new(message)
        }
    }

    /// There is no such thing.
    #[must_use]
    pub fn missing(message: impl Into<String>) -> Self {
        Self {
            cause: Cause::Missing,
            ..Self::new(message)
        }
    }
}
