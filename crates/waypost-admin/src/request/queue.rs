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
    /// The same for many messages, in pieces; its report says how far it is, and can stop it.
    Many(QueueMany),
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
        /// The fields of the header too, decoded for showing: `header`, each `name` and `value`,
        /// and `header_cut`.
        #[serde(default)]
        header: bool,
    },
    /// What waits, by next hop and age.
    Summary {
        /// Which messages are counted; with a scope, of those recipients that are in it, or whose
        /// sender is.
        #[serde(default)]
        filter: QueueFilter,
    },
}

/// Which messages are meant; what is not set does not matter. What is said of recipients must be
/// true of one and the same that still waits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct QueueFilter {
    /// This text is in the reverse-path, whatever its letter case.
    pub sender: Option<String>,
    /// This text is in the recipient's address.
    pub recipient: Option<String>,
    /// The queue id begins so.
    pub id: Option<String>,
    /// A recipient is in this domain.
    pub domain: Option<String>,
    /// The last attempt went to this target or next hop; who was not tried would go there.
    pub next_hop: Option<String>,
    /// Accepted at least so many seconds ago.
    pub age_min: Option<u64>,
    /// Accepted at most so many seconds ago.
    pub age_max: Option<u64>,
    /// What it is doing.
    pub standing: Option<QueueStanding>,
    /// Only messages with the sender or a recipient in one of these domains: what an administrator
    /// of these domains may see. For a verb: with the sender or every recipient in them.
    pub scope: Option<Vec<String>>,
}

/// What a message is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueueStanding {
    /// On its way.
    Active,
    /// Waiting for its time.
    Deferred,
    /// Held by an administrator: itself, or where all of it goes.
    Held,
}

/// What comes first in a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueueOrder {
    /// The newest.
    Newest,
    /// The oldest.
    #[default]
    Oldest,
}

/// A page of the queue's list.
///
/// Answer: `items`, each as [`QueueRequest::Show`] without its own members; `next`, the `after` of
/// the next page, or null; with `count`: `matching`, at most 1000, `or_more`, and `of`, all
/// messages in the queue.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct QueueList {
    /// Which messages.
    #[serde(default)]
    pub filter: QueueFilter,
    /// What comes first.
    #[serde(default)]
    pub order: QueueOrder,
    /// What the page before said comes next.
    pub after: Option<String>,
    /// Most messages.
    pub limit: usize,
    /// Whether matches are counted.
    #[serde(default)]
    pub count: bool,
}

/// One verb for many messages.
///
/// Answer: `chosen`, `done`, `undone`, `cancelled`, `summary`, and `named`, the first 10,000 that
/// it was not done for: `id`, `why` (`active`, `gone`, `held`, `not-held`, `spool`), `says`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct QueueMany {
    /// These messages; none: all that the filter means.
    #[serde(default)]
    pub ids: Vec<String>,
    /// Which messages; with ids, which of them. Without both nothing is meant.
    pub filter: Option<QueueFilter>,
    /// What is done.
    pub action: QueueAction,
    /// Why, in the words of who does it.
    #[serde(default)]
    pub reason: String,
    /// For a hold: when it ends by itself, in seconds since 1970.
    pub until: Option<u64>,
}

/// What is done with many messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueueAction {
    /// They are held.
    Hold,
    /// Their holds end.
    Release,
    /// They are removed, and nobody is told.
    Remove,
    /// They are tried now.
    Retry,
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
