//! What is looked for, and what is found.

use std::fmt;

use waypost_proto::mail::Domain;

use crate::model::{MailType, Scope, Stored};

/// Where a page ends: the next one begins after it. Its text means nothing to anybody else.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cursor {
    domain: Domain,
    name: String,
}

impl Cursor {
    pub(super) fn new(domain: &Domain, name: &str) -> Self {
        Self {
            domain: domain.clone(),
            name: name.to_owned(),
        }
    }

    /// Reads what [`Cursor`] prints.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (name, domain) = text.rsplit_once('@')?;
        Some(Self::new(&Domain::parse(domain).ok()?, name))
    }

    pub(super) fn domain(&self) -> &str {
        self.domain.as_str()
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.domain)
    }
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPage<T> {
    /// In order.
    pub items: Vec<Stored<T>>,
    /// Missing: there are no more.
    pub next: Option<Cursor>,
}

/// Which target a user must have to be found, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnTarget {
    /// The third party on which he lives: his own target, or his domain's relay.
    Lives(String),
    /// His own target, set on himself.
    Own(String),
}

/// What users must be to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserFilter {
    /// In these domains: those of the administrator who looks.
    pub scope: Scope,
    /// And in one of these, by main name; empty: any.
    pub domains: Vec<Domain>,
    /// Is in the login, the name or an address at one of its names, without letter case; empty:
    /// whatever they are.
    pub text: String,
    /// Where the mailbox is.
    pub mail: Option<MailType>,
    /// On which target.
    pub target: Option<OnTarget>,
    /// Whether suspended.
    pub suspended: Option<bool>,
}

impl UserFilter {
    /// All users of these domains.
    #[must_use]
    pub fn within(scope: Scope) -> Self {
        Self {
            scope,
            domains: Vec::new(),
            text: String::new(),
            mail: None,
            target: None,
            suspended: None,
        }
    }

    /// Whether nothing is asked but the domain.
    pub(super) fn is_plain(&self) -> bool {
        self.text.trim().is_empty()
            && self.mail.is_none()
            && self.target.is_none()
            && self.suspended.is_none()
    }
}

/// Which users are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserQuery {
    /// What they must be.
    pub filter: UserFilter,
    /// Where the page before ended.
    pub after: Option<Cursor>,
    /// Most users.
    pub limit: usize,
}

/// Which shared mailboxes, groups or domains are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectQuery {
    /// In these domains: those of the administrator who looks.
    pub scope: Scope,
    /// And in one of these, by main name; empty: any.
    pub domains: Vec<Domain>,
    /// Is in the name or an address, without letter case; empty: whatever they are.
    pub text: String,
    /// Where the page before ended.
    pub after: Option<Cursor>,
    /// Most objects.
    pub limit: usize,
}

/// How many users there are of each sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UserCounts {
    /// With a mailbox here.
    pub local: u64,
    /// Without mail.
    pub none: u64,
    /// On a third party, by the domain's relay.
    pub relayed: u64,
    /// On a third party, by a target of their own.
    pub own_target: u64,
    /// Of all these, suspended.
    pub suspended: u64,
}

impl UserCounts {
    /// On a third party.
    #[must_use]
    pub fn third_party(&self) -> u64 {
        self.relayed + self.own_target
    }

    /// Of whatever sort.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.local + self.none + self.third_party()
    }

    pub(crate) fn add(&mut self, mail: MailType, has_target: bool, suspended: bool) {
        *self.of(mail, has_target) += 1;
        self.suspended += u64::from(suspended);
    }

    pub(crate) fn take(&mut self, mail: MailType, has_target: bool, suspended: bool) {
        let count = self.of(mail, has_target);
        *count = count.saturating_sub(1);
        self.suspended = self.suspended.saturating_sub(u64::from(suspended));
    }

    fn of(&mut self, mail: MailType, has_target: bool) -> &mut u64 {
        match (mail, has_target) {
            (MailType::Local, _) => &mut self.local,
            (MailType::None, _) => &mut self.none,
            (MailType::ThirdParty, false) => &mut self.relayed,
            (MailType::ThirdParty, true) => &mut self.own_target,
        }
    }
}
