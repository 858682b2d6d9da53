//! What is asked about tokens.

use serde::{Deserialize, Serialize};

/// The verbs of `waypost token`.
///
/// A token is shown as `id`, `admin`, `name`, `role`, `domains`, `grants`, `created_at`,
/// `expires_at` (RFC 3339) and `last_used_at` (null: never).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub enum TokenRequest {
    /// Makes one; answers `id`, `secret`, `expires_at` and `notes`. The secret is never told again.
    Add(NewToken),
    /// Tokens in the order in which they were made: `items` and `next`.
    List {
        /// Only those of this administrator.
        admin: Option<String>,
        /// What the page before said comes next; 0: the first page.
        #[serde(default)]
        after: u32,
        /// Most tokens.
        limit: usize,
    },
    /// Makes one worthless, for ever.
    Revoke {
        /// Its public name.
        id: String,
    },
    /// Shows one, without its secret.
    Show {
        /// Its public name.
        id: String,
    },
}

/// A token to make.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewToken {
    /// The login of the administrator whose it is.
    pub admin: String,
    /// What it is for.
    pub name: String,
    /// What it may do; none: all that he may.
    pub role: Option<String>,
    /// Where, `*`: everywhere; none: wherever he may.
    pub domains: Option<Vec<String>>,
    /// And what else; none: whatever he may.
    pub grants: Option<Vec<String>>,
    /// Seconds until it is worth nothing.
    pub expires_s: u64,
}
