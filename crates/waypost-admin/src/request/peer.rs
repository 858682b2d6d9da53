//! What is asked about peers, beside what they are.

use serde::{Deserialize, Serialize};

/// What can be asked about peers, beside what they are.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub enum PeerRequest {
    /// Compares all addresses of a domain with its peers.
    Audit {
        /// The domain.
        domain: String,
    },
    /// Addresses that two servers were seen to have.
    Conflicts,
    /// Forgets those about an address, or all.
    Forget {
        /// The address; none: all.
        address: Option<String>,
    },
    /// What is wrong with a peer.
    Test {
        /// The peer.
        name: String,
        /// An address to ask it about.
        address: Option<String>,
    },
}
