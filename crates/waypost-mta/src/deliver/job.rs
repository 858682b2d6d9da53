//! What goes into an attempt and what comes out of it.

use std::fmt;
use std::sync::Arc;

use waypost_proto::mail::{Domain, Mailbox, ReversePath};
use waypost_proto::route::{Destination, TargetId};
use waypost_proto::smtp::params::{Orcpt, RcptParams, Xtext};
use waypost_proto::smtp::reply::RemoteReply;
use waypost_spool::{Content, Message};

use super::{Security, Trouble};

/// Where a copy goes next: the key of connection pools, limits, ready queues and holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NextHop {
    /// The local mail store, over LMTP (RFC 2033).
    Lmtp,
    /// Mailboxes on this machine.
    Maildir,
    /// The MX hosts of a domain (RFC 5321 §5.1), or the host of an address literal.
    Mx(Domain),
    /// The site's smart host.
    SmartHost,
    /// A target of the directory.
    Target(TargetId),
}

impl fmt::Display for NextHop {
    /// As the log and `queue list` name it; targets have a better name in the directory.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lmtp => f.write_str("lmtp"),
            Self::Maildir => f.write_str("maildir"),
            Self::Mx(domain) => write!(f, "mx:{domain}"),
            Self::SmartHost => f.write_str("smart-host"),
            Self::Target(id) => write!(f, "target:{}", id.0),
        }
    }
}

/// One copy of a message for one next hop.
#[derive(Debug, Clone)]
pub struct Job {
    /// The message.
    pub message: Arc<Message>,
    /// Its content.
    pub content: Content,
    /// Where it goes.
    pub next_hop: NextHop,
    /// The reverse-path of this copy: the message's, or the owner's of a group.
    pub reverse_path: ReversePath,
    /// For whom.
    pub recipients: Vec<JobRecipient>,
    /// Whole header fields with their line ends that go in front of the content.
    pub front: Vec<u8>,
}

/// One recipient of a copy.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRecipient {
    /// Its place in [`waypost_spool::Envelope::recipients`].
    pub index: usize,
    /// The outgoing address.
    pub address: Mailbox,
    /// The parameters of RCPT; passed on where the next hop offers DSN.
    pub params: RcptParams,
    /// The mailbox, for a delivery here.
    pub destination: Option<Destination>,
}

/// A recipient that the next hop took charge of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The host that took it, as `name[address]:port`, the LMTP socket, or `maildir`.
    pub host: String,
    /// What it said; none for a Maildir.
    pub reply: Option<RemoteReply>,
    /// Whether the next hop reports on delivery itself (RFC 3461 §5.2.1).
    pub offers_dsn: bool,
    /// How the connection was secured; none on this machine.
    pub security: Option<Security>,
}

/// What became of one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its place in [`waypost_spool::Envelope::recipients`].
    pub index: usize,
    /// Taken, or not and why.
    pub result: Result<Delivered, Trouble>,
}

/// The address as ORCPT tells it (RFC 3461 §4.2, RFC 6533 §3).
pub(super) fn orcpt(address: &Mailbox) -> Option<Orcpt> {
    let kind = if address.is_ascii() {
        "rfc822"
    } else {
        "utf-8"
    };
    Some(Orcpt {
        kind: kind.into(),
        address: Xtext::from_decoded(&address.to_string())?,
    })
}
