//! Users.

use std::fmt;

use waypost_proto::mail::Domain;

use super::Address;
use crate::password::PasswordHash;

/// Where a user's mailbox is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MailType {
    /// Here.
    #[default]
    Local,
    /// Nowhere: no mail at all.
    None,
    /// On a target.
    ThirdParty,
}

impl MailType {
    /// The word of the site file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::None => "none",
            Self::ThirdParty => "third-party",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Local, Self::None, Self::ThirdParty]
            .into_iter()
            .find(|mail| mail.as_str() == text)
    }
}

impl fmt::Display for MailType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A person of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// The main name of his domain.
    pub domain: Domain,
    /// The name to log in with, before `@domain`.
    pub login: String,
    /// What people call him.
    pub name: String,
    /// Where his mailbox is.
    pub mail: MailType,
    /// Where he receives; the first is the default address.
    pub addresses: Vec<Address>,
    /// The addresses that go to the third party; missing: all of them.
    pub relayed: Option<Vec<Address>>,
    /// A third-party user's own target, by name; missing: the domain's relay.
    pub target: Option<String>,
    /// Missing: cannot log in.
    pub password: Option<PasswordHash>,
    /// Most bytes his mailbox may hold; 0: no limit; missing: the domain's default.
    pub quota_bytes: Option<u64>,
    /// Neither receives nor logs in.
    pub suspended: bool,
}

impl UserRecord {
    /// A local user with the given login and no address yet.
    #[must_use]
    pub fn new(domain: Domain, login: impl Into<String>) -> Self {
        Self {
            domain,
            login: login.into(),
            name: String::new(),
            mail: MailType::default(),
            addresses: Vec::new(),
            relayed: None,
            target: None,
            password: None,
            quota_bytes: None,
            suspended: false,
        }
    }
}
