//! What is asked about the queue.

use serde::{Deserialize, Serialize};

/// The verbs of `waypost queue`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub enum QueueRequest {
    /// Everything, one message, or what waits for a target.
    Flush {
        /// The message.
        id: Option<String>,
        /// The target.
        target: Option<String>,
    },
    /// Keeps something from being delivered.
    Hold {
        /// What.
        what: Selection,
        /// Why, in the words of who does it.
        reason: String,
        /// Seconds since 1970.
        until: Option<u64>,
    },
    /// The holds on targets, domains and users.
    Holds,
    /// Messages, a page at a time.
    List(QueueList),
    /// Ends a hold.
    Release {
        /// What was held.
        what: Selection,
    },
    /// Takes a message, or some of its recipients, out of the queue for good.
    Remove {
        /// The message.
        id: String,
        /// Only these; empty: all.
        #[serde(default)]
        recipients: Vec<String>,
        /// Why, in the words of who does it.
        reason: String,
    },
    /// One message.
    Show {
        /// Which.
        id: String,
        /// The content too.
        content: bool,
    },
    /// What waits, by next hop and age.
    Summary,
}

/// A page of the queue's list, and which messages are wanted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct QueueList {
    /// A queued recipient is in this domain.
    pub domain: Option<String>,
    /// Only held messages.
    pub held: bool,
    /// The last attempt went this way.
    pub next_hop: Option<String>,
    /// This text is in the reverse-path.
    pub sender: Option<String>,
    /// What the page before said comes next.
    pub after: Option<String>,
    /// Most messages.
    pub limit: usize,
}

/// What is held or released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selection {
    /// All mail to a domain.
    Domain(String),
    /// One message.
    Message(String),
    /// All mail to a target.
    Target(String),
    /// All mail to a user.
    User(String),
}
