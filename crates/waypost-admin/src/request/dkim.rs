//! What is asked about the keys that sign mail.

use serde::{Deserialize, Serialize};

/// The verbs of `waypost dkim`.
///
/// A key is shown as `domain`, `selector`, `algorithm` (`rsa` or `ed25519`), `record_name` and
/// `record` (the TXT record that must be in DNS), and `published`: what DNS has there, `yes`,
/// `no`, `other` (another key) or `unknown` (no name server answered).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub enum DkimRequest {
    /// Makes a key, which signs from then on; answers it.
    Add {
        /// The name in From that it signs for: a served domain or an alias of one.
        domain: String,
        /// Its name; missing: one with year and month.
        #[serde(default)]
        selector: Option<String>,
        /// What it is: `rsa`, which every verifier knows, or `ed25519`; missing: `rsa`.
        #[serde(default)]
        algorithm: Option<String>,
    },
    /// All keys: `keys`.
    List {
        /// Only those of this domain and its aliases.
        #[serde(default)]
        domain: Option<String>,
    },
    /// Removes a key; answers `notes`.
    Remove {
        /// Whose.
        domain: String,
        /// Which.
        selector: String,
    },
}
