//! What is asked about remembered answers.

use serde::{Deserialize, Serialize};

/// The verbs of `waypost cache`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub enum CacheRequest {
    /// Forgets what is known about an address.
    Drop {
        /// The address.
        address: String,
        /// What this server said alone.
        target: Option<String>,
    },
    /// What is remembered, a page at a time.
    List(CacheList),
    /// All that is known about an address.
    Show {
        /// The address.
        address: String,
    },
    /// How full it is, and how it does.
    Stats,
}

/// A page of what is remembered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CacheList {
    /// Only what this server said.
    pub target: Option<String>,
    /// Only these answers.
    pub answer: Option<CacheAnswer>,
    /// Only addresses that hold this text, whatever its letter case.
    #[serde(default)]
    pub text: Option<String>,
    /// Only addresses in these domains; none: all.
    #[serde(default)]
    pub domains: Option<Vec<String>>,
    /// What the page before said comes next.
    pub after: Option<String>,
    /// Most entries.
    pub limit: usize,
}

/// Answers that are remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CacheAnswer {
    /// The address is there.
    Active,
    /// It is not.
    Unknown,
}
