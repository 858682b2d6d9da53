//! What is asked about targets, beside what they are.

use serde::{Deserialize, Serialize};

/// What can be asked about targets and peers, beside what they are.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub enum TargetRequest {
    /// How all targets and peers are, from what deliveries and questions last saw.
    ///
    /// Answer: `items`, each `name`, `kind` (`target`, `peer`), `implicit`, `state` (`up`,
    /// `degraded`, `down`, `held`, `unused`), `hold` (`reason`, `since`, `until`), `last_success`,
    /// `latency_ms`, `last_error` and `last_error_at`, `recent_failures` (of 16), `connections_in_use`,
    /// `connections_kept`, `connections_max`, `ready` and `parked` messages, `failures` in a row and
    /// `tried_again`.
    Health,
    /// Connects to a target as a delivery would, sends nothing, and says what is wrong.
    Test {
        /// The target or peer.
        name: String,
        /// A recipient to ask it about; none: the postmaster of a domain that goes there.
        address: Option<String>,
    },
}
