//! What is done with many users at once.

use serde::{Deserialize, Serialize};

use super::{Filter, Mail};

/// One verb for many users.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UsersMany {
    /// These, as `login@domain`.
    #[serde(default)]
    pub names: Vec<String>,
    /// All that the filter means; with names, only those of them that are in its scope.
    #[serde(default)]
    pub filter: Option<Filter>,
    /// What is done.
    pub action: UserAction,
    /// Administrators whom the caller may not touch, as `login@domain`.
    #[serde(default)]
    pub above: Vec<String>,
}

/// What is done with many users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserAction {
    /// Their mailboxes are elsewhere from now on; a third party is their domain's relay.
    Mail(Mail),
    /// They live on this target.
    Target(String),
    /// They neither receive nor log in.
    Suspend,
    /// They do again.
    Resume,
    /// They are no more.
    Remove,
}

/// A file of users.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Import {
    /// Its text: comma-separated values (RFC 4180); the first line names the columns.
    pub text: String,
    /// Only what it would do.
    #[serde(default)]
    pub dry_run: bool,
    /// Peers are not asked about new addresses.
    #[serde(default)]
    pub force: bool,
    /// Only users of these domains; none: all.
    #[serde(default)]
    pub scope: Option<Vec<String>>,
    /// Targets of users may not be set.
    #[serde(default)]
    pub without_targets: bool,
    /// Administrators whom the caller may not touch, as `login@domain`.
    #[serde(default)]
    pub above: Vec<String>,
}
