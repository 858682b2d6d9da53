//! Shared mailboxes.

use waypost_proto::mail::{Domain, Mailbox};

use super::Address;

/// A mailbox of several people, kept here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedRecord {
    /// The main name of its domain.
    pub domain: Domain,
    /// Its name; no user's login in the same domain.
    pub name: String,
    /// Where it receives.
    pub addresses: Vec<Address>,
    /// The users who share it, by any of their addresses: they may send as it.
    pub members: Vec<Mailbox>,
    /// Most bytes it may hold; 0: no limit; missing: the domain's default.
    pub quota_bytes: Option<u64>,
}
