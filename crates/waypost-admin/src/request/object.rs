//! Objects of the directory, as commands, the API and the console name and change them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Kinds of objects of the directory, as the command line names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Administrators.
    Admin,
    /// Domains served here.
    Domain,
    /// Gateway domains.
    Gateway,
    /// Groups.
    Group,
    /// Shared mailboxes.
    Mailbox,
    /// Peers.
    Peer,
    /// Targets.
    Target,
    /// Users.
    User,
}

impl Kind {
    /// The word of the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Domain => "domain",
            Self::Gateway => "gateway",
            Self::Group => "group",
            Self::Mailbox => "mailbox",
            Self::Peer => "peer",
            Self::Target => "target",
            Self::User => "user",
        }
    }
}

/// An object with the fields that are given, named as in the site file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Object {
    /// What it is.
    pub kind: Kind,
    /// The name by which the command line knows it: `example.com`, `jdoe@example.com`, `old`.
    pub name: String,
    /// The fields, as the site file writes them.
    pub fields: serde_json::Map<String, Value>,
    /// Members or addresses to add to what is there.
    #[serde(default)]
    pub append: serde_json::Map<String, Value>,
    /// Members or addresses to take out of what is there.
    #[serde(default)]
    pub take: serde_json::Map<String, Value>,
    /// Saved although peers have its addresses, or cannot be asked about them.
    #[serde(default)]
    pub force: bool,
    /// Changed only if it still has this revision.
    #[serde(default)]
    pub revision: Option<u64>,
}

/// An object to remove.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Removal {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Removed only if it still has this revision.
    #[serde(default)]
    pub revision: Option<u64>,
}

/// A site file to apply.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Apply {
    /// The file's name, for errors.
    pub file: String,
    /// What is in it.
    pub text: String,
    /// Only the plan.
    pub dry_run: bool,
    /// What the file does not name is removed.
    pub prune: bool,
    /// Peers are not asked about new addresses.
    #[serde(default)]
    pub force: bool,
}

/// A page of a list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct List {
    /// What they are.
    pub kind: Kind,
    /// Only objects of this domain.
    pub domain: Option<String>,
    /// What the page before said comes next; 0: the first page.
    pub after: u32,
    /// Most objects.
    pub limit: usize,
}
