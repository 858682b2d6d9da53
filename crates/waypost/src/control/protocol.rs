//! What is said over the control socket: one request as a JSON line, then progress lines, then
//! one result. The names are those of the command line.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Longest request: a site file of a million users fits.
pub(crate) const REQUEST_MAX: u64 = 256 << 20;

/// What is asked of the running server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Request {
    /// Makes an object.
    Add(Object),
    /// Sets the password of an administrator, who is made if he is not there.
    AdminPassword { login: String, password: String },
    /// Makes the directory what the site file says.
    Apply(Apply),
    /// Copies directory, spool and keys.
    Backup { directory: String },
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
    Remove { kind: Kind, name: String },
    /// Changes fields of an object.
    Set(Object),
    /// Shows one object.
    Show { kind: Kind, name: String },
}

/// Kinds of objects of the directory, as the command line names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Admin,
    Domain,
    Gateway,
    Group,
    Mailbox,
    Peer,
    Target,
    User,
}

impl Kind {
    /// The word of the command line.
    pub(crate) fn word(self) -> &'static str {
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
pub(crate) struct Object {
    pub(crate) kind: Kind,
    /// The name by which the command line knows it: `example.com`, `jdoe@example.com`, `old`.
    pub(crate) name: String,
    /// The fields, as the site file writes them.
    pub(crate) fields: serde_json::Map<String, Value>,
    /// Members or addresses to add to what is there.
    #[serde(default)]
    pub(crate) append: serde_json::Map<String, Value>,
    /// Members or addresses to take out of what is there.
    #[serde(default)]
    pub(crate) take: serde_json::Map<String, Value>,
    /// Saved although peers have its addresses, or cannot be asked about them.
    #[serde(default)]
    pub(crate) force: bool,
}

/// A site file to apply.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Apply {
    /// The file's name, for errors.
    pub(crate) file: String,
    pub(crate) text: String,
    pub(crate) dry_run: bool,
    pub(crate) prune: bool,
    /// Peers are not asked about new addresses.
    #[serde(default)]
    pub(crate) force: bool,
}

/// An address to decide about.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Explain {
    pub(crate) address: String,
    pub(crate) sender: Option<String>,
    pub(crate) client: Option<String>,
}

/// A page of a list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct List {
    pub(crate) kind: Kind,
    /// Only objects of this domain.
    pub(crate) domain: Option<String>,
    /// What the page before said comes next; 0: the first page.
    pub(crate) after: u32,
    pub(crate) limit: usize,
}

/// The verbs of `waypost cache`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum CacheRequest {
    Drop {
        address: String,
        /// What this server said alone.
        target: Option<String>,
    },
    List(CacheList),
    Show {
        address: String,
    },
    Stats,
}

/// A page of what is remembered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CacheList {
    pub(crate) target: Option<String>,
    pub(crate) answer: Option<CacheAnswer>,
    /// What the page before said comes next.
    pub(crate) after: Option<String>,
    pub(crate) limit: usize,
}

/// Answers that are remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CacheAnswer {
    Active,
    Unknown,
}

impl CacheAnswer {
    pub(crate) fn is(self, answer: waypost_mta::resolve::Answer) -> bool {
        use waypost_mta::resolve::Answer;
        match self {
            Self::Active => answer == Answer::Active,
            Self::Unknown => answer == Answer::Unknown,
        }
    }
}

/// What can be asked about peers, beside what they are.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum PeerRequest {
    /// Compares all addresses of a domain with its peers.
    Audit { domain: String },
    /// Addresses that two servers were seen to have.
    Conflicts,
    /// Forgets those about an address, or all.
    Forget { address: Option<String> },
    /// What is wrong with a peer.
    Test {
        name: String,
        address: Option<String>,
    },
}

/// The verbs of `waypost queue`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum QueueRequest {
    /// Everything, one message, or what waits for a target.
    Flush {
        id: Option<String>,
        target: Option<String>,
    },
    Hold {
        what: Selection,
        reason: String,
        /// Seconds since 1970.
        until: Option<u64>,
    },
    /// The holds on targets, domains and users.
    Holds,
    List(QueueList),
    Release {
        what: Selection,
    },
    Remove {
        id: String,
        /// Only these; empty: all.
        #[serde(default)]
        recipients: Vec<String>,
        reason: String,
    },
    Show {
        id: String,
        /// The content too.
        content: bool,
    },
    Summary,
}

/// A page of the queue's list, and which messages are wanted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct QueueList {
    pub(crate) domain: Option<String>,
    pub(crate) held: bool,
    pub(crate) next_hop: Option<String>,
    pub(crate) sender: Option<String>,
    /// What the page before said comes next.
    pub(crate) after: Option<String>,
    pub(crate) limit: usize,
}

/// What is held or released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Selection {
    Domain(String),
    Message(String),
    Target(String),
    User(String),
}

/// A line of the answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    Error(Refused),
    Progress(Progress),
    Result(Value),
}

/// How far a long command is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) what: String,
    pub(crate) done: u64,
    pub(crate) total: u64,
}

/// Why the server did not do it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refused {
    /// One sentence.
    pub(crate) message: String,
    /// Everything that is wrong, when it is more than one sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) problems: Vec<Fault>,
    /// What kind of refusal it is.
    #[serde(default)]
    pub(crate) cause: Cause,
}

/// What kind of refusal it is: what an exit code, or a status over HTTP, is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Cause {
    /// It cannot be done as it was asked for.
    #[default]
    Asked,
    /// Another server has what would be made here (409).
    Conflict,
    /// The same may work later (503).
    Later,
}

/// One thing that is wrong with one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fault {
    /// Which object, such as `user jdoe@example.com`.
    pub(crate) object: String,
    /// The line of the site file, when one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<usize>,
    pub(crate) field: String,
    pub(crate) message: String,
    pub(crate) mend: String,
}

impl Refused {
    /// A refusal of one sentence.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            problems: Vec::new(),
            cause: Cause::Asked,
        }
    }

    /// A refusal that may be gone later.
    pub(crate) fn later(message: impl Into<String>) -> Self {
        Self {
            cause: Cause::Later,
            ..Self::new(message)
        }
    }
}
