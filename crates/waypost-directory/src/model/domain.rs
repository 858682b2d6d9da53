//! Served domains.

use std::fmt;

use waypost_proto::mail::{Domain, Mailbox};

use super::{HostError, HostPort};

/// How a stranger's unknown recipient is checked before it is forwarded to the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum VerifyUnknown {
    /// The relay is asked with RCPT.
    #[default]
    Callout,
    /// Not at all.
    None,
}

impl VerifyUnknown {
    /// The word of the site file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Callout => "callout",
            Self::None => "none",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "callout" => Some(Self::Callout),
            "none" => Some(Self::None),
            _ => None,
        }
    }
}

/// "Relay for split domains": the server that hosts the rest of a domain's users.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Relay {
    /// A server without a target of its own, with the settings that a target has by default.
    Host(HostPort),
    /// A target, by name.
    Target(String),
}

impl Relay {
    /// Reads a target's name, or `host[:port]`: what has a `.`, `:` or `[` is a host.
    ///
    /// # Errors
    ///
    /// What is wrong with the host.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if text.contains(['.', ':', '[']) {
            HostPort::parse(text).map(Self::Host)
        } else {
            Ok(Self::Target(text.to_owned()))
        }
    }
}

impl fmt::Display for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => write!(f, "{host}"),
            Self::Target(name) => f.write_str(name),
        }
    }
}

/// Limits in bytes; 0: none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Quota {
    /// Most that a user may be given; with one, no user is without quota.
    pub user_max: u64,
    /// What a user gets who has no quota of his own.
    pub user_default: u64,
    /// Most that a shared mailbox may be given.
    pub shared_max: u64,
    /// What a shared mailbox gets that has no quota of its own.
    pub shared_default: u64,
}

impl Quota {
    /// What holds for a user: his own quota, else the default, else the maximum.
    #[must_use]
    pub fn of_user(&self, own: Option<u64>) -> u64 {
        effective(own, self.user_default, self.user_max)
    }

    /// What holds for a shared mailbox.
    #[must_use]
    pub fn of_shared(&self, own: Option<u64>) -> u64 {
        effective(own, self.shared_default, self.shared_max)
    }
}

fn effective(own: Option<u64>, default: u64, max: u64) -> u64 {
    own.unwrap_or(if default == 0 { max } else { default })
}

/// A served domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainRecord {
    /// The main name; never changes.
    pub name: Domain,
    /// Other names of the same domain.
    pub aliases: Vec<Domain>,
    /// "Relay for split domains".
    pub relay: Option<Relay>,
    /// "Forward unknown addresses to the relay".
    pub forward_unknown: bool,
    /// "Domain Sharing": the names of the peers, in their order; empty: off.
    pub sharing: Vec<String>,
    /// How a stranger's unknown recipient is checked before it is forwarded.
    pub verify_unknown: VerifyUnknown,
    /// Refuse senders of the domain from outside that are not logged in.
    pub protect_senders: bool,
    /// Gets postmaster@ and abuse@ mail that nobody else has.
    pub postmaster: Option<Mailbox>,
    /// Limits of its mailboxes.
    pub quota: Quota,
}

impl DomainRecord {
    /// A plain domain: no relay, no aliases, no limits.
    #[must_use]
    pub fn new(name: Domain) -> Self {
        Self {
            name,
            aliases: Vec::new(),
            relay: None,
            forward_unknown: false,
            sharing: Vec::new(),
            verify_unknown: VerifyUnknown::default(),
            protect_senders: false,
            postmaster: None,
            quota: Quota::default(),
        }
    }

    /// The main name and the aliases.
    pub fn names(&self) -> impl Iterator<Item = &Domain> {
        std::iter::once(&self.name).chain(&self.aliases)
    }
}
