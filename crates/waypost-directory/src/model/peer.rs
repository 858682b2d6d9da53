//! Peers: targets that share a domain as equals and are asked over Minger ("Domain Sharing").

use waypost_proto::minger;

use waypost_proto::mail::Domain;

use super::TargetRecord;
use crate::secret::Secret;

/// How a peer is asked over Minger, and how it asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minger {
    /// Where it answers, on the host of its target; never 0.
    pub port: u16,
    /// What it wants from us; empty: it is asked anonymously.
    pub secret: Secret,
    /// What this peer alone may use towards us; empty: nothing of its own.
    pub accept: Secret,
    /// What it may ask about; empty: all domains.
    pub domains: Vec<Domain>,
}

/// A target that is asked over Minger who its users are, and asks us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerRecord {
    /// Where its mail goes; its name is the peer's.
    pub target: TargetRecord,
    /// Where it answers Minger, on the same host; never 0.
    pub minger_port: u16,
    /// What it wants from us; empty: it is asked anonymously.
    pub minger_secret: Secret,
    /// What this peer alone may use towards us; empty: nothing of its own.
    pub minger_accept: Secret,
    /// The domains that it may ask about, by any of their names; empty: all.
    pub minger_domains: Vec<Domain>,
}

impl PeerRecord {
    /// A peer with defaults.
    #[must_use]
    pub fn new(target: TargetRecord) -> Self {
        Self {
            target,
            minger_port: minger::PORT,
            minger_secret: Secret::default(),
            minger_accept: Secret::default(),
            minger_domains: Vec::new(),
        }
    }
}
