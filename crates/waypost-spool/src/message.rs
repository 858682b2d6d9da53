//! What is kept of a message besides its content.

use std::time::{Duration, SystemTime};

use waypost_proto::mail::{Mailbox, ReversePath};
use waypost_proto::route::{Side, TargetId};
use waypost_proto::smtp::params::{MailParams, RcptParams};
use waypost_proto::smtp::reply::RemoteReply;
use waypost_proto::smtp::status::EnhancedStatus;

use crate::QueueId;

/// A message in our charge, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its name.
    pub id: QueueId,
    /// When it was accepted, to the microsecond.
    pub arrived: SystemTime,
    /// Bytes of content.
    pub size: u64,
    /// Everything else.
    pub envelope: Envelope,
}

/// What came with the content and what became of it (RFC 5321 §2.3.1).
///
/// Times are kept to the microsecond.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The argument of MAIL.
    pub reverse_path: ReversePath,
    /// The parameters of MAIL.
    pub params: MailParams,
    /// The side it came from.
    pub side: Side,
    /// Who handed it in, as log and `queue show` name it: `name[ip]`.
    pub client: String,
    /// By which protocol: `ESMTPS`, `LMTP`, `local`.
    pub protocol: String,
    /// What the MAC of trace fields is made over besides the recipient: Message-ID or queue id.
    pub message_key: String,
    /// Final recipients; those that are done stay until the whole message is removed.
    pub recipients: Vec<Recipient>,
    /// Set while an administrator holds the message.
    pub hold: Option<Hold>,
    /// Header fields with their line ends that sign the content and go in front of it.
    pub signatures: String,
}

impl Envelope {
    /// When the message next needs somebody's attention; none while it is held without end.
    ///
    /// The beginning of time when no recipient waits any more and it should have been removed.
    #[must_use]
    pub fn due(&self) -> Option<SystemTime> {
        let waiting = self.recipients.iter().filter(|r| r.state == State::Queued);
        let due = waiting.map(|r| r.due).min();
        let due = due.unwrap_or(SystemTime::UNIX_EPOCH);
        match &self.hold {
            Some(hold) => hold.until.map(|until| until.max(due)),
            None => Some(due),
        }
    }
}

/// An administrator's hold on a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// Since when.
    pub since: SystemTime,
    /// When it ends by itself.
    pub until: Option<SystemTime>,
}

/// How a recipient stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Delivered here, or handed to the next hop, which said 2yz.
    Delivered,
    /// Given up: reported to the sender, or shown to the administrator as undeliverable.
    Failed,
    /// Still ours.
    Queued,
    /// Removed by an administrator.
    Removed,
}

/// One final recipient of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The address as accepted.
    pub address: Mailbox,
    /// The group it came through: `orig_to` in the log.
    pub original: Option<Mailbox>,
    /// The parameters of RCPT.
    pub params: RcptParams,
    /// Replaces the reverse-path for this recipient: the owner of a group (RFC 5321 §3.9.2).
    pub sender: Option<ReversePath>,
    /// Targets that it was already sent to, as trace fields and our own relays tell.
    pub visited: Vec<TargetId>,
    /// How it stands.
    pub state: State,
    /// Attempts made.
    pub attempts: u32,
    /// When it is tried next.
    pub due: SystemTime,
    /// When it is given up.
    pub expires: SystemTime,
    /// Whether the sender was told of the delay.
    pub delay_notified: bool,
    /// The last attempt.
    pub last: Option<LastAttempt>,
    /// Time under hold so far, which does not count towards lifetime or delay notice.
    pub held_for: Duration,
    /// Since when a hold on its target, domain or user keeps it; its time is added to `held_for`
    /// when the hold is over.
    pub held_since: Option<SystemTime>,
    /// Since when the next hop refuses an address that its authority says it has.
    pub contradicted_since: Option<SystemTime>,
}

impl Recipient {
    /// A recipient that was just accepted.
    #[must_use]
    pub fn new(address: Mailbox, due: SystemTime, expires: SystemTime) -> Self {
        Self {
            address,
            original: None,
            params: RcptParams::default(),
            sender: None,
            visited: Vec::new(),
            state: State::Queued,
            attempts: 0,
            due,
            expires,
            delay_notified: false,
            last: None,
            held_for: Duration::ZERO,
            held_since: None,
            contradicted_since: None,
        }
    }
}

/// What the last attempt for a recipient came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastAttempt {
    /// When.
    pub at: SystemTime,
    /// The next hop, as the log names it.
    pub next_hop: String,
    /// The host that was reached; empty when none was.
    pub host: String,
    /// The status, as the DSN would say it.
    pub status: EnhancedStatus,
    /// What the host said, when it said anything.
    pub reply: Option<RemoteReply>,
    /// What happened, in our words; empty when the reply says it.
    pub text: String,
    /// The rule that decided the way: `why=` in the log.
    pub rule: String,
}
