//! Groups.

use waypost_proto::mail::{Domain, Mailbox};

use super::Address;

/// A list of members; mail to it is expanded here (RFC 5321 §3.9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRecord {
    /// The main name of its domain.
    pub domain: Domain,
    /// Its name.
    pub name: String,
    /// Where it receives.
    pub addresses: Vec<Address>,
    /// Who gets its mail, here or elsewhere; other groups too.
    pub members: Vec<Mailbox>,
    /// Replaces the sender of expanded mail, when set (RFC 5321 §3.9.2).
    pub owner: Option<Mailbox>,
}
