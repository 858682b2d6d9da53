//! Administrators and their tokens.

use std::fmt;
use std::time::SystemTime;

use waypost_proto::mail::{Domain, Mailbox};

use crate::password::PasswordHash;

/// What an administrator may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Reads and explains; changes nothing.
    Helpdesk,
    /// Users and their mail settings.
    UserAdministrator,
    /// Everything inside his domains.
    DomainAdministrator,
    /// Everything.
    Superadministrator,
}

impl Role {
    /// From the one that may least to the one that may most.
    pub const ALL: [Self; 4] = [
        Self::Helpdesk,
        Self::UserAdministrator,
        Self::DomainAdministrator,
        Self::Superadministrator,
    ];

    /// The word that commands and the store write.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Helpdesk => "helpdesk",
            Self::UserAdministrator => "user-administrator",
            Self::DomainAdministrator => "domain-administrator",
            Self::Superadministrator => "superadministrator",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// How much the role may: every role may all that lower ones may.
    #[must_use]
    pub fn rank(self) -> u8 {
        match self {
            Self::Helpdesk => 0,
            Self::UserAdministrator => 1,
            Self::DomainAdministrator => 2,
            Self::Superadministrator => 3,
        }
    }

    /// Whether the role may no more than the other.
    #[must_use]
    pub fn within(self, other: Self) -> bool {
        self.rank() <= other.rank()
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// In which domains somebody may do what he may.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// `*`: all, later ones too.
    All,
    /// These, by main name.
    Domains(Vec<Domain>),
}

impl Scope {
    /// Whether the domain with this main name is among them.
    #[must_use]
    pub fn has(&self, domain: &Domain) -> bool {
        match self {
            Self::All => true,
            Self::Domains(domains) => domains.contains(domain),
        }
    }

    /// Whether every domain is one of the other's too.
    #[must_use]
    pub fn within(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::All) => true,
            (Self::All, Self::Domains(_)) => false,
            (Self::Domains(domains), other) => domains.iter().all(|domain| other.has(domain)),
        }
    }

    /// The domains that are in both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::All, other) => other.clone(),
            (Self::Domains(domains), other) => {
                let both = domains.iter().filter(|domain| other.has(domain));
                Self::Domains(both.cloned().collect())
            }
        }
    }

    /// The names; `*` for all.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        match self {
            Self::All => vec!["*".to_owned()],
            Self::Domains(domains) => domains.iter().map(Domain::to_string).collect(),
        }
    }

    /// Reads names, or `*`; none when a name is no domain's, or `*` is not alone.
    #[must_use]
    pub fn from_words(words: &[impl AsRef<str>]) -> Option<Self> {
        if let [all] = words
            && all.as_ref() == "*"
        {
            return Some(Self::All);
        }
        let domains = words.iter().map(|word| Domain::parse(word.as_ref()).ok());
        domains.collect::<Option<_>>().map(Self::Domains)
    }
}

/// What an administrator may beyond his role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Grant {
    /// Where mail of his domains goes: relay, sharing, targets of users.
    Routing,
}

impl Grant {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Routing => "routing",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text == "routing").then_some(Self::Routing)
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A person with administrative rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminRecord {
    /// The name to log in with; with an `@`: a user's, who logs in with his own password.
    pub login: String,
    /// What people call him.
    pub name: String,
    /// Missing: cannot log in, unless he is a user.
    pub password: Option<PasswordHash>,
    /// What he may do.
    pub role: Role,
    /// Where.
    pub domains: Scope,
    /// And what else.
    pub grants: Vec<Grant>,
    /// The password is for one login, at which he gives himself another.
    pub must_change: bool,
    /// Neither logs in, nor do his tokens.
    pub suspended: bool,
}

impl AdminRecord {
    /// An administrator of all domains, without a password yet.
    #[must_use]
    pub fn new(login: impl Into<String>, role: Role) -> Self {
        Self {
            login: login.into(),
            name: String::new(),
            password: None,
            role,
            domains: Scope::All,
            grants: Vec::new(),
            must_change: false,
            suspended: false,
        }
    }

    /// The user who he is, when his login is a user's.
    #[must_use]
    pub fn user(&self) -> Option<Mailbox> {
        Mailbox::parse(&self.login).ok()
    }

    /// Whether he has been granted something; a superadministrator has everything.
    #[must_use]
    pub fn is_granted(&self, grant: Grant) -> bool {
        self.role == Role::Superadministrator || self.grants.contains(&grant)
    }
}

/// The SHA-256 of a token's secret; prints `***`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What a script logs in with, on behalf of an administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// Its public name: 8 characters of base32 in lower case.
    pub id: String,
    /// The login of the administrator whose it is.
    pub admin: String,
    /// What it is for, in his words.
    pub name: String,
    /// Of the secret.
    pub hash: TokenHash,
    /// What it may do.
    pub role: Role,
    /// Where.
    pub domains: Scope,
    /// And what else.
    pub grants: Vec<Grant>,
    /// Worth nothing from then on.
    pub expires_at: SystemTime,
    /// When it was made.
    pub created_at: SystemTime,
    /// When it was last used, about; writing a record does not change it.
    pub last_used_at: Option<SystemTime>,
}

impl TokenRecord {
    /// The same with no more rights than the administrator has.
    #[must_use]
    pub fn clipped(mut self, owner: &AdminRecord) -> Self {
        if !self.role.within(owner.role) {
            self.role = owner.role;
        }
        self.domains = self.domains.and(&owner.domains);
        self.grants.retain(|grant| owner.is_granted(*grant));
        self
    }
}
