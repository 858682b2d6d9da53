//! What an administrator sees of the queue, and does to it.

use std::time::{Duration, SystemTime};

use thiserror::Error;
use waypost_proto::mail::Domain;
use waypost_spool::{Message, QueueId};

/// Which messages are meant; what is not set does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// A queued recipient in this domain.
    pub domain: Option<Domain>,
    /// Only held messages.
    pub held: bool,
    /// A queued recipient whose last attempt went this way, as `relay=` and `route=` name it.
    pub next_hop: Option<String>,
    /// This text in the reverse-path.
    pub sender: Option<String>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Messages, oldest first.
    pub messages: Vec<Listed>,
    /// Where the next page begins; none behind the last.
    pub next: Option<QueueId>,
}

/// A message in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What is kept of it, with every recipient's last result.
    pub message: Message,
    /// What it is doing now.
    pub standing: Standing,
}

/// What a message is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// On its way, or ready for a next hop.
    Active,
    /// Waiting for its time.
    Deferred,
    /// Held by an administrator: the message, or all of its queued recipients.
    Held,
}

/// Which messages are tried at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flush {
    /// All.
    All,
    /// One.
    Message(QueueId),
    /// Those that wait for a target, by its name.
    Target(String),
}

/// A line of the summary: what waits for one next hop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The next hop of the last attempt; empty for what was not tried yet.
    pub next_hop: String,
    /// Recipients by age of their message, in the columns of [`SUMMARY_AGES`]; the last column
    /// has those that are older.
    pub by_age: Vec<u64>,
    /// The age of the oldest message.
    pub oldest: Duration,
}

/// The upper ends of the summary's columns, as `qshape` has them.
pub const SUMMARY_AGES: [Duration; 9] = [
    Duration::from_mins(5),
    Duration::from_mins(10),
    Duration::from_mins(20),
    Duration::from_mins(40),
    Duration::from_mins(80),
    Duration::from_mins(160),
    Duration::from_mins(320),
    Duration::from_mins(640),
    Duration::from_mins(1280),
];

/// Who asks for a change, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The administrator.
    pub by: String,
    /// In his words; may be empty.
    pub reason: String,
    /// For a hold: when it ends by itself.
    pub until: Option<SystemTime>,
}

/// Why a verb was not done.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ControlError {
    /// No such message, or no longer.
    #[error("no message {0} in the queue")]
    NoMessage(QueueId),
    /// No such target.
    #[error("no target {0}")]
    NoTarget(String),
    /// The message is not held.
    #[error("message {0} is not held")]
    NotHeld(QueueId),
    /// The spool cannot be read or changed now.
    #[error("{0}")]
    Spool(String),
}
