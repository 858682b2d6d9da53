//! A message in the queue.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use waypost_proto::mail::Domain;

use super::health::Pause;
use crate::request::QueueStanding;

/// A message in the queue.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Message {
    /// Its queue id.
    pub(crate) id: String,
    /// When it was accepted.
    pub(crate) arrived: String,
    /// Octets.
    pub(crate) size: u64,
    /// The reverse-path; `<>`: none, it is a report.
    pub(crate) sender: String,
    /// What it is doing.
    pub(crate) standing: Standing,
    /// The hold on the message itself.
    pub(crate) hold: Option<MessageHold>,
    /// Those that one may see: an administrator of some domains sees all when the sender is in
    /// one of them, and else those in them.
    pub(crate) recipients: Vec<Recipient>,
}

/// What a message is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Standing {
    /// On its way.
    Active,
    /// Waiting for its time.
    Deferred,
    /// Held by an administrator: itself, or where all of it goes.
    Held,
}

/// A hold on a message.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct MessageHold {
    /// In the administrator's words.
    pub(crate) reason: String,
    /// Who holds it.
    pub(crate) by: String,
    /// Since when.
    pub(crate) since: String,
    /// When it ends by itself; null: when it is released.
    pub(crate) until: Option<String>,
}

/// A recipient of a message.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Recipient {
    /// Where it is sent.
    pub(crate) address: String,
    /// The address that the sender wrote, where it is another one.
    pub(crate) original: Option<String>,
    /// What became of it.
    pub(crate) state: RecipientState,
    /// The hold of a target, domain or user that keeps it.
    pub(crate) hold: Option<RecipientHold>,
    /// How often it was tried.
    pub(crate) attempts: u32,
    /// When it is tried next.
    pub(crate) due: String,
    /// When it is given up.
    pub(crate) expires: String,
    /// Where the last attempt went.
    pub(crate) next_hop: Option<String>,
    /// The host of the last attempt.
    pub(crate) host: Option<String>,
    /// Its status (RFC 3463).
    pub(crate) status: Option<String>,
    /// What was said.
    pub(crate) reason: Option<String>,
    /// The rule that chose the next hop.
    pub(crate) why: Option<String>,
    /// When the last attempt was.
    pub(crate) last_attempt: Option<String>,
}

/// What became of a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RecipientState {
    Delivered,
    Failed,
    Queued,
    Removed,
}

/// A hold that keeps a recipient.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct RecipientHold {
    /// What is held, such as `target old`.
    pub(crate) held: String,
    /// The hold in one line.
    pub(crate) says: String,
    #[serde(flatten)]
    pub(crate) pause: Pause,
}

/// A message with its header.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct WholeMessage {
    #[serde(flatten)]
    pub(crate) message: Message,
    /// The client that sent it.
    pub(crate) client: String,
    /// How, such as `ESMTPS`.
    pub(crate) protocol: String,
    /// What names it in trace fields of all servers that it passes.
    pub(crate) message_key: String,
    /// The fields of the header, decoded.
    #[serde(default)]
    pub(crate) header: Vec<HeaderField>,
    /// Whether the header is longer.
    #[serde(default)]
    pub(crate) header_cut: bool,
    /// Whether one may hold, release, retry and remove it.
    #[serde(default)]
    pub(crate) changeable: bool,
}

/// A field of a header.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct HeaderField {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl Standing {
    /// Its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deferred => "deferred",
            Self::Held => "held",
        }
    }

    /// The class of its badge.
    pub(crate) fn badge(self) -> &'static str {
        match self {
            Self::Active => "info",
            Self::Deferred => "warn",
            Self::Held => "held",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Active, Self::Deferred, Self::Held]
            .into_iter()
            .find(|standing| standing.word() == word)
    }
}

impl From<Standing> for QueueStanding {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Active => Self::Active,
            Standing::Deferred => Self::Deferred,
            Standing::Held => Self::Held,
        }
    }
}

impl RecipientState {
    /// Its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Queued => "queued",
            Self::Removed => "removed",
        }
    }

    /// The class of its badge.
    pub(crate) fn badge(self) -> &'static str {
        match self {
            Self::Delivered => "ok",
            Self::Failed => "bad",
            Self::Queued => "warn",
            Self::Removed => "quiet",
        }
    }
}

impl Recipient {
    /// Whether it still waits.
    pub(crate) fn is_queued(&self) -> bool {
        self.state == RecipientState::Queued
    }
}

/// Whether an address is in one of these domains.
fn is_in(names: &[String], address: &str) -> bool {
    let domain = address.rsplit_once('@').map(|(_, domain)| domain);
    let domain = domain.and_then(|domain| Domain::parse(domain.trim_end_matches('>')).ok());
    domain.is_some_and(|domain| names.iter().any(|name| *name == domain.as_str()))
}

/// Recipients that a list names.
const NAMED: usize = 2;

impl Message {
    /// The first recipients, those that wait before the others.
    pub(crate) fn first(&self) -> Vec<&Recipient> {
        let (waiting, rest): (Vec<_>, Vec<_>) =
            self.recipients.iter().partition(|to| to.is_queued());
        waiting.into_iter().chain(rest).take(NAMED).collect()
    }

    /// How many more there are.
    pub(crate) fn more(&self) -> usize {
        self.recipients.len().saturating_sub(NAMED)
    }

    /// Where the last attempt went.
    pub(crate) fn next_hop(&self) -> Option<&str> {
        self.first()
            .into_iter()
            .find_map(|to| to.next_hop.as_deref())
    }

    /// What was last said.
    pub(crate) fn last_reply(&self) -> Option<&str> {
        self.first().into_iter().find_map(|to| to.reason.as_deref())
    }

    /// Leaves what an administrator of these domains may see; false: nothing.
    pub(crate) fn is_left_for(&mut self, names: &[String]) -> bool {
        if is_in(names, &self.sender) {
            return true;
        }
        self.recipients
            .retain(|recipient| is_in(names, &recipient.address));
        !self.recipients.is_empty()
    }

    /// Whether an administrator of these domains may change it: the sender is in them, or every
    /// recipient that waits.
    pub(crate) fn is_changed_for(&self, names: &[String]) -> bool {
        let mut waiting = self.recipients.iter().filter(|r| r.is_queued());
        is_in(names, &self.sender) || waiting.all(|r| is_in(names, &r.address))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(sender: &str, recipients: &[(&str, &str)]) -> Message {
        let recipients = recipients.iter().map(|(address, state)| {
            json!({
                "address": address, "state": state, "attempts": 0,
                "due": "2026-11-22T00:00:00Z", "expires": "2026-11-27T00:00:00Z",
            })
        });
        let recipients: Vec<_> = recipients.collect();
        let message = json!({
            "id": "1", "arrived": "2026-11-22T00:00:00Z", "size": 1, "sender": sender,
            "standing": "deferred", "recipients": recipients,
        });
        serde_json::from_value(message).unwrap()
    }

    #[test]
    fn an_administrator_of_a_domain_sees_and_changes_what_is_his() {
        let own = ["example.com".to_owned()];
        let two = [("a@Example.com", "queued"), ("b@b.test", "queued")];
        let mut mixed = message("x@c.test", &two);
        assert!(!mixed.is_changed_for(&own));
        assert!(mixed.is_left_for(&own));
        assert_eq!(mixed.recipients.len(), 1);
        let mut sent = message("x@example.com", &two);
        assert!(sent.is_changed_for(&own) && sent.is_left_for(&own));
        assert_eq!(sent.recipients.len(), 2);
        let done = [("a@example.com", "queued"), ("b@b.test", "delivered")];
        assert!(message("<>", &done).is_changed_for(&own));
        let mut foreign = message("x@example.com.c.test", &[("b@b.test", "queued")]);
        assert!(!foreign.is_changed_for(&own) && !foreign.is_left_for(&own));
    }
}
