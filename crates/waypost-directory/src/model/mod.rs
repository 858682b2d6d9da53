//! What the directory keeps, as an administrator says it: every record names others by name.
//!
//! A record can be written down without being allowed; the rules are checked where it is saved.

mod address;
mod admin;
mod domain;
mod gateway;
mod group;
mod hold;
mod host;
mod mailbox;
mod peer;
mod target;
mod user;

use std::fmt;

use waypost_proto::mail::Domain;

pub use address::{Address, AddressError, Names};
pub use admin::{AdminRecord, Grant, Role, Scope, TokenHash, TokenRecord};
pub use domain::{DomainRecord, Quota, Relay, VerifyUnknown};
pub use gateway::{GatewayRecord, GatewayVerify, Unreachable};
pub use group::GroupRecord;
pub use hold::{Hold, HoldKey, Span};
pub use host::{Host, HostError, HostPort};
pub use mailbox::SharedRecord;
pub use peer::{Minger, PeerRecord};
pub use target::{RecipientForm, TargetRecord, TlsPin, TlsPolicy};
pub use user::{MailType, UserRecord};

/// A domain's number; never used again for another domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DomainId(pub u32);

/// A gateway domain's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GatewayId(pub u32);

/// A shared mailbox's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SharedId(pub u32);

/// A group's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(pub u32);

/// The kinds of object, in the words of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A person with administrative rights.
    Admin,
    /// A served domain.
    Domain,
    /// A domain that lives wholly on a target.
    Gateway,
    /// A list of members.
    Group,
    /// A pause of deliveries.
    Hold,
    /// A shared mailbox.
    Mailbox,
    /// A target that shares domains as an equal.
    Peer,
    /// Another mail server.
    Target,
    /// What a script logs in with.
    Token,
    /// A person of a domain.
    User,
}

impl Kind {
    /// The word, as commands, the site file and the store write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Domain => "domain",
            Self::Gateway => "gateway",
            Self::Group => "group",
            Self::Hold => "hold",
            Self::Mailbox => "mailbox",
            Self::Peer => "peer",
            Self::Target => "target",
            Self::Token => "token",
            Self::User => "user",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What identifies an object for people: kind and name. A key never changes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// By login.
    Admin(String),
    /// By main name.
    Domain(Domain),
    /// By the domain's name.
    Gateway(Domain),
    /// By domain and name.
    Group(Domain, String),
    /// By what is held.
    Hold(HoldKey),
    /// By domain and name.
    Mailbox(Domain, String),
    /// By name, which no target has.
    Peer(String),
    /// By name.
    Target(String),
    /// By its public name.
    Token(String),
    /// By domain and login.
    User(Domain, String),
}

impl Key {
    /// The kind of object.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Admin(_) => Kind::Admin,
            Self::Domain(_) => Kind::Domain,
            Self::Gateway(_) => Kind::Gateway,
            Self::Group(..) => Kind::Group,
            Self::Hold(_) => Kind::Hold,
            Self::Mailbox(..) => Kind::Mailbox,
            Self::Peer(_) => Kind::Peer,
            Self::Target(_) => Kind::Target,
            Self::Token(_) => Kind::Token,
            Self::User(..) => Kind::User,
        }
    }

    /// The name without the kind: `old`, `example.com`, `jdoe@example.com`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Admin(name) | Self::Peer(name) | Self::Target(name) | Self::Token(name) => {
                name.clone()
            }
            Self::Domain(name) | Self::Gateway(name) => name.to_string(),
            Self::Group(domain, name) | Self::Mailbox(domain, name) | Self::User(domain, name) => {
                format!("{name}@{domain}")
            }
            Self::Hold(key) => key.to_string(),
        }
    }
}

impl fmt::Display for Key {
    /// As problems and the audit name it: `user jdoe@example.com`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.name())
    }
}

/// A record of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// A person with administrative rights.
    Admin(AdminRecord),
    /// A served domain.
    Domain(DomainRecord),
    /// A domain that lives wholly on a target.
    Gateway(GatewayRecord),
    /// A list of members.
    Group(GroupRecord),
    /// A pause of deliveries.
    Hold(HoldKey, Hold),
    /// A shared mailbox.
    Mailbox(SharedRecord),
    /// A target that shares domains as an equal.
    Peer(PeerRecord),
    /// Another mail server.
    Target(TargetRecord),
    /// What a script logs in with.
    Token(TokenRecord),
    /// A person of a domain.
    User(UserRecord),
}

impl Object {
    /// The kind of object.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Admin(_) => Kind::Admin,
            Self::Domain(_) => Kind::Domain,
            Self::Gateway(_) => Kind::Gateway,
            Self::Group(_) => Kind::Group,
            Self::Hold(..) => Kind::Hold,
            Self::Mailbox(_) => Kind::Mailbox,
            Self::Peer(_) => Kind::Peer,
            Self::Target(_) => Kind::Target,
            Self::Token(_) => Kind::Token,
            Self::User(_) => Kind::User,
        }
    }

    /// What identifies the object.
    #[must_use]
    pub fn key(&self) -> Key {
        match self {
            Self::Admin(record) => Key::Admin(record.login.clone()),
            Self::Domain(record) => Key::Domain(record.name.clone()),
            Self::Gateway(record) => Key::Gateway(record.domain.clone()),
            Self::Group(record) => Key::Group(record.domain.clone(), record.name.clone()),
            Self::Hold(key, _) => Key::Hold(key.clone()),
            Self::Mailbox(record) => Key::Mailbox(record.domain.clone(), record.name.clone()),
            Self::Peer(record) => Key::Peer(record.target.name.clone()),
            Self::Target(record) => Key::Target(record.name.clone()),
            Self::Token(record) => Key::Token(record.id.clone()),
            Self::User(record) => Key::User(record.domain.clone(), record.login.clone()),
        }
    }
}

/// A record as it is in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored<T> {
    /// The object's number; never used again for another object of its kind.
    pub id: u32,
    /// Counts the writes to this object, from 1.
    pub revision: u64,
    /// Who looks after the object: `local`, or the source that brings it.
    pub origin: String,
    /// The object's name at that source.
    pub external_id: Option<String>,
    /// What it says.
    pub record: T,
}

/// The origin of what administrators write here.
pub const LOCAL: &str = "local";
