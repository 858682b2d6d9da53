//! Holds: deliveries that wait while the rest flows.

use std::fmt;
use std::time::SystemTime;

use waypost_proto::mail::Domain;

/// What is held.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HoldKey {
    /// All recipients in this domain, served here or not.
    Domain(Domain),
    /// All deliveries to this target, by name.
    Target(String),
    /// All deliveries for this user: domain and login.
    User(Domain, String),
}

impl fmt::Display for HoldKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(name) => write!(f, "domain {name}"),
            Self::Target(name) => write!(f, "target {name}"),
            Self::User(domain, login) => write!(f, "user {login}@{domain}"),
        }
    }
}

/// Why and how long.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Hold {
    /// In the administrator's words.
    pub reason: String,
    /// Missing: until it is released.
    pub until: Option<SystemTime>,
}
