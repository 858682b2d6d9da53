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
    /// Since when: its time does not count towards lifetime or delay notice.
    pub since: SystemTime,
    /// Missing: until it is released.
    pub until: Option<SystemTime>,
}

impl Hold {
    /// Whether it is not over yet.
    #[must_use]
    pub fn is_on(&self, now: SystemTime) -> bool {
        self.until.is_none_or(|until| until > now)
    }

    /// From when to when it kept deliveries back, if it is ended at the latest now.
    #[must_use]
    pub fn span(&self, now: SystemTime) -> Span {
        Span {
            since: self.since,
            ended: self.until.map_or(now, |until| until.min(now)),
        }
    }
}

/// The time of a hold that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// Its beginning.
    pub since: SystemTime,
    /// Its end.
    pub ended: SystemTime,
}
