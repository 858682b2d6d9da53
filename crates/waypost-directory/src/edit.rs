//! Writes: what an edit is, who makes it, and what comes of it.

use std::ops::ControlFlow;
use std::time::SystemTime;

use waypost_proto::mail::Domain;

use crate::model::{Host, Key, Object, Scope};
use crate::rules::words;
use crate::secret::Secret;
use crate::wording::{Wording, Words};

/// Who edits, for the audit.
#[derive(Debug, Clone, Copy)]
pub struct Actor<'a> {
    /// His login.
    pub name: &'a str,
    /// Where he is: `command line`, a client's address.
    pub from: &'a str,
    /// When.
    pub at: SystemTime,
}

/// Is told from time to time how many of how many steps are done; to break is to cancel.
pub type Progress<'a> = dyn FnMut(usize, usize) -> ControlFlow<()> + 'a;

/// What must hold before an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum When {
    /// There is no such object: it is added.
    Absent,
    /// Whatever there is.
    Any,
    /// There is such an object.
    Present,
    /// There is such an object, and nobody has written it since it had this revision.
    Revision(u64),
}

/// One write; those made together are all saved, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "where there are many edits, nearly all of them are Put"
)]
pub enum Edit {
    /// Make the object what the record says.
    Put(Object, When),
    /// Remove the object.
    Remove(Key, When),
}

impl Edit {
    /// The object it is about.
    #[must_use]
    pub fn key(&self) -> Key {
        match self {
            Self::Put(object, _) => object.key(),
            Self::Remove(key, _) => key.clone(),
        }
    }
}

/// What an edit has changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changed {
    /// The number of the last write; the present one when nothing changed.
    pub change: u64,
    /// Objects that are new.
    pub created: usize,
    /// Objects that say something else now.
    pub changed: usize,
    /// Objects that are gone.
    pub removed: usize,
    /// Objects that already were what the edit says.
    pub unchanged: usize,
    /// Allowed, but worth knowing.
    pub notes: Vec<String>,
}

/// Answers whether an address leads to this server itself.
///
/// Asked outside any transaction, so it may look names up; what cannot be looked up is not here,
/// unless it is the server's own name.
pub trait Here {
    /// Whether a connection to this host and port ends at one of our own listeners.
    fn is_here(&self, host: &Host, port: u16) -> bool;

    /// Whether a Minger question to this host and port would come to ourselves.
    fn is_minger_here(&self, _host: &Host, _port: u16) -> bool {
        false
    }

    /// Whether the host has the name that this server gives itself.
    fn is_hostname(&self, _host: &Host) -> bool {
        false
    }

    /// Who gets an answer over Minger here; anybody, where nobody says otherwise.
    fn minger(&self) -> MingerHere {
        MingerHere {
            listens: true,
            anonymous: true,
            secrets: Vec::new(),
        }
    }
}

/// Whether and how this site answers over Minger: its peers must be able to ask back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MingerHere {
    /// It answers at all.
    pub listens: bool,
    /// Who has no secret gets an answer.
    pub anonymous: bool,
    /// The secrets that everybody may use, beside those of single peers.
    pub secrets: Vec<Secret>,
}

/// Why a peer could not ask this site back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hindrance {
    /// Nothing answers Minger here.
    Unanswered,
    /// It has no secret that counts here, and needs one.
    WithoutSecret,
}

impl Hindrance {
    /// What is wrong with sharing a domain with this peer, and what to do about it.
    #[must_use]
    pub fn of_sharing(self, peer: &str) -> Words {
        self.in_sharing().having("peer", peer)
    }

    /// What is missing, in English.
    #[must_use]
    pub fn why(self) -> &'static str {
        let said = self.in_sharing().message;
        said.rsplit(": ").next().unwrap_or(said)
    }

    fn in_sharing(self) -> &'static Wording {
        match self {
            Self::Unanswered => words::SHARING_UNANSWERED,
            Self::WithoutSecret => words::SHARING_WITHOUT_SECRET,
        }
    }

    /// What is wrong with a peer that this domain is shared with, and what to do about it.
    #[must_use]
    pub fn of_peer(self, domain: &str) -> Words {
        let words = match self {
            Self::Unanswered => words::PEER_UNANSWERED,
            Self::WithoutSecret => words::PEER_WITHOUT_SECRET,
        };
        words.having("domain", domain)
    }
}

impl MingerHere {
    /// Why a peer with this secret of its own could not ask back who our users are, if it could
    /// not.
    #[must_use]
    pub fn hinders(&self, accept: &Secret) -> Option<Hindrance> {
        if !self.listens {
            return Some(Hindrance::Unanswered);
        }
        let has_secret = self.anonymous || !self.secrets.is_empty() || !accept.is_empty();
        (!has_secret).then_some(Hindrance::WithoutSecret)
    }
}

/// Nothing leads here: for tests, and for a directory without a server.
#[derive(Debug, Clone, Copy)]
pub struct Nowhere;

impl Here for Nowhere {
    fn is_here(&self, _: &Host, _: u16) -> bool {
        false
    }
}

/// Something done to what the directory does not keep, for the audit.
#[derive(Debug, Clone, Copy)]
pub struct Deed<'a> {
    /// To what.
    pub of: DeedOf,
    /// Its name.
    pub name: &'a str,
    /// What it was, as JSON; missing: nothing.
    pub before: Option<&'a str>,
    /// What it is, as JSON; missing: it is gone.
    pub after: Option<&'a str>,
    /// The main names of domains that it concerns, beside that in its name.
    pub domains: &'a [Domain],
}

/// What a deed is done to, beside objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeedOf {
    /// What is remembered of an address.
    Cache,
    /// What a domain has beside its object: the keys that sign its mail.
    Domain,
    /// Mail that waits.
    Queue,
}

impl DeedOf {
    /// As the audit names it, where objects have their kind.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Domain => "domain",
            Self::Queue => "queue",
        }
    }
}

/// Which lines of the audit are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditQuery {
    /// Lines of these domains only; all: those of the site too.
    pub scope: Scope,
    /// What this login has done to mail, whatever domains it concerned.
    pub own: Option<String>,
    /// Lines before this change.
    pub before: Option<u64>,
    /// Most lines.
    pub limit: usize,
    /// A kind (`user`), or a kind and how the name begins (`user jd`).
    pub object: Option<String>,
    /// By this login.
    pub who: Option<String>,
    /// Not earlier.
    pub from: Option<SystemTime>,
    /// Earlier.
    pub to: Option<SystemTime>,
}

impl AuditQuery {
    /// The latest lines of all.
    #[must_use]
    pub fn latest(limit: usize) -> Self {
        Self {
            scope: Scope::All,
            own: None,
            before: None,
            limit,
            object: None,
            who: None,
            from: None,
            to: None,
        }
    }
}

/// A line of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// The number of the write.
    pub change: u64,
    /// When.
    pub at: SystemTime,
    /// Who.
    pub who: String,
    /// From where.
    pub from: String,
    /// What: `user jdoe@example.com`.
    pub object: String,
    /// The domain it belongs to; missing: to the site.
    pub domain: Option<String>,
    /// The record before, as JSON; missing: it is new.
    pub before: Option<String>,
    /// The record after, as JSON; missing: it is gone. Passwords are `***`.
    pub after: Option<String>,
}
