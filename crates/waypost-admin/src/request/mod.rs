//! What can be asked of the running server, and what comes back.
//!
//! The control socket, the HTTP API and the console all ask the same requests; the names are those
//! of the command line.

mod answer;
mod cache;
mod object;
mod peer;
mod queue;
mod report;
mod target;

pub use answer::{Answer, Cause, Fault, Progress, Refused};
pub use cache::{CacheAnswer, CacheList, CacheRequest};
pub use object::{Apply, Kind, List, Object, Removal};
pub use peer::PeerRequest;
pub use queue::{
    QueueAction, QueueFilter, QueueList, QueueMany, QueueOrder, QueueRequest, QueueStanding,
    Selection,
};
pub use report::{Cancel, Following, Report};
pub use target::TargetRequest;

use serde::{Deserialize, Serialize};

/// Longest request: a site file of a million users fits.
pub const REQUEST_MAX: u64 = 256 << 20;

/// Who asks, for the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// His login.
    pub name: String,
    /// Where he is: `command line`, or the address he comes from.
    pub from: String,
}

/// What is asked of the running server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// Makes an object.
    Add(Object),
    /// Sets the password of an administrator, who is made if he is not there.
    AdminPassword {
        /// His name to log in with.
        login: String,
        /// The new password, as it is.
        password: String,
    },
    /// Makes the directory what the site file says.
    Apply(Apply),
    /// Copies directory, spool and keys.
    Backup {
        /// The folder that is made for them.
        directory: String,
    },
    /// Asks about or changes what is remembered of other servers' answers.
    Cache(CacheRequest),
    /// Decides about one address without sending anything.
    Explain(Explain),
    /// Prints the directory as a site file.
    Export,
    /// Lists objects of one kind, a page at a time.
    List(List),
    /// Prints counts for Prometheus.
    Metrics,
    /// Tries peers, and compares addresses with them.
    Peer(PeerRequest),
    /// Asks about or changes the queue.
    Queue(QueueRequest),
    /// Reads the configuration file again.
    Reload,
    /// Removes an object.
    Remove(Removal),
    /// Changes fields of an object.
    Set(Object),
    /// Shows one object.
    Show {
        /// What it is.
        kind: Kind,
        /// Its name.
        name: String,
    },
    /// Asks how targets are, and tries them.
    Target(TargetRequest),
}

/// An address to decide about.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Explain {
    /// The address.
    pub address: String,
    /// The reverse-path that the message would have.
    pub sender: Option<String>,
    /// The client that would send it, by IP address.
    pub client: Option<String>,
}
