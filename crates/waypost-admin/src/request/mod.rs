//! What can be asked of the running server, and what comes back.
//!
//! The control socket, the HTTP API and the console all ask the same requests; the names are those
//! of the command line.

mod answer;
mod cache;
mod dkim;
mod domain;
mod find;
mod flow;
mod object;
mod peer;
mod queue;
mod report;
mod target;
mod token;
mod users;
pub mod words;

pub use answer::{Answer, Cause, Fault, Progress, Refused, Saying};
pub use cache::{CacheAnswer, CacheList, CacheRequest};
pub use dkim::DkimRequest;
pub use domain::Routing;
pub use find::{Filter, Find, Mail};
pub use flow::{LogLevel, LogLines, Statistics, Trace};
pub use object::{Apply, Kind, List, Object, Removal};
pub use peer::PeerRequest;
pub use queue::{
    QueueAction, QueueFilter, QueueList, QueueMany, QueueOrder, QueueRequest, QueueStanding,
    Selection,
};
pub use report::{Cancel, Following, Report};
pub use target::TargetRequest;
pub use token::{NewToken, TokenRequest};
pub use users::{Import, UserAction, UsersMany};

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
    /// Lists, makes and removes the keys that sign mail.
    Dkim(DkimRequest),
    /// Decides about one address without sending anything.
    Explain(Explain),
    /// Prints the directory as a site file.
    Export,
    /// Finds domains, users, shared mailboxes or groups, by name.
    ///
    /// Answers `items` (each with its fields and its `revision`) and `next`; when it is asked to
    /// count, also `counts`: for each domain with users that the filter means, `local`, `none`,
    /// `relayed` (by the domain's relay), `own_target` and, of all these, `suspended`.
    Find(Find),
    /// Makes and changes users as a file of comma-separated values says.
    ///
    /// Answers `created`, `changed`, `unchanged` and `refused` in numbers, `named` (why each of
    /// those was refused, up to a limit), `cancelled` and a `summary`.
    Import(Import),
    /// Lists objects of one kind, a page at a time.
    List(List),
    /// The last lines of the log.
    Log(LogLines),
    /// Prints counts for Prometheus.
    Metrics,
    /// How the whole site is at this moment, and what is wrong.
    ///
    /// Answers an object:
    ///
    /// * `server`: `hostname`, `version`, `up_since`, `up_s`, `queue` (messages), `waiting`
    ///   (recipients), `oldest_s`, `counted_at` (when `waiting` and `oldest_s` were counted)
    /// * `flow`, numbers per minute over the last five: `connections`, `messages`, `recipients`,
    ///   `refused`, `sent`, `deferred`, `bounced`
    /// * `sources`: `[{"name", "kind": "users"|"strangers"|"trusted"|"here"|"target",
    ///   "messages_per_minute"}]`
    /// * `next_hops`: `[{"name", "kind": "local"|"mx"|"smart-host"|"none"|"target"|"peer",
    ///   "condition", "incoming_per_minute", "sent_per_minute", "deferred_per_minute",
    ///   "bounced_per_minute", "waiting", "oldest_s", "connections", "connections_max",
    ///   "last_success", "last_error": {"at", "text"}|null, "held": {"reason", "since",
    ///   "until"}|null, "minger": null|{"state": "answering"|"silent"|"not-asked", "last_answer",
    ///   "paused_s"}}]`, every target and peer and whatever else mail goes to; `condition` is
    ///   `up`, `degraded`, `down`, `held` or `unused`, null for what is no target
    /// * `wrong`, the worst first: `[{"severity": "error"|"warning"|"notice", "code", "parameters":
    ///   {…}, "object": {"kind", "name"}}]`
    ///
    /// | `code` | object | parameters |
    /// | --- | --- | --- |
    /// | `spool-suspect` | server | |
    /// | `disk-full`, `disk-nearly-full` | server | `free_bytes`, `total_bytes` |
    /// | `certificate-expired`, `certificate-expires` | server | `at`, `days` |
    /// | `certificate-not-given` | server | `error`, `since`, `tried_again` |
    /// | `target-down`, `target-degraded` | target, peer | `error`, `since`, `tried_again`, `waiting` |
    /// | `held` | target, domain, user | `reason`, `since`, `until` |
    /// | `peer-silent` | peer | `paused_s`, `last_answer` |
    /// | `queue-old` | next-hop, target, peer | `oldest_s`, `waiting` |
    /// | `address-twice` | address | `mail_goes_to`, `also_on`, `seen` |
    /// | `accepts-everything` | target | `domain`, `at` |
    /// | `both-forward` | domain | `target`, `loops` |
    /// | `postmaster-mail` | server | `messages` |
    Overview,
    /// Tries peers, and compares addresses with them.
    Peer(PeerRequest),
    /// Asks about or changes the queue.
    Queue(QueueRequest),
    /// Says what saving an object would do, without saving it: refused as saving it would be.
    ///
    /// Answers `{"notes": [text…], "effects": [{"code", "parameters"}…], "warnings": [the same…]}`;
    /// the last two are for domains, whose split relay is tried for them:
    ///
    /// | effect | parameters |
    /// | --- | --- |
    /// | `role` | `before`, `after`: as [`Routing::role`] |
    /// | `unknown` | `before`, `after`: as [`Routing::unknown`] |
    /// | `users-here`, `users-own-target` | `count` |
    /// | `users-relayed` | `count`, `relay` |
    /// | `users-move` | `count`, `from`, `to` |
    /// | `cached` | `count`, `server`: answers that are asked for anew |
    /// | `names-added`, `names-removed` | `names` |
    /// | `peers`, `peers-on`, `peers-off` | `before`, `after` |
    /// | `protect-on`, `protect-off`, `nothing` | |
    /// | `postmaster` | `before`, `after` |
    /// | `quota` | `which`, `before`, `after`, in bytes |
    ///
    /// | warning | parameters |
    /// | --- | --- |
    /// | `relay-unreachable`, `relay-refuses`, `relay-lacks-domain` | `relay`, `detail` |
    /// | `relay-takes-everything`, `relay-own-name`, `verify-none` | `relay` |
    /// | `unknown-refused` | `users` |
    /// | `went-round` | `relay`, `count` |
    /// | `peers-silent`, `sharing-ends` | `peers` |
    /// | `protect-without-sources` | `servers` |
    Rehearse(Object),
    /// Whether mail can be taken: refused with a cause of `later` when it cannot.
    Ready,
    /// Reads the configuration file again.
    Reload,
    /// Removes an object.
    Remove(Removal),
    /// Changes fields of an object.
    Set(Object),
    /// Sends a message of the server's own.
    TestMessage {
        /// Its recipient.
        to: String,
    },
    /// Shows one object.
    Show {
        /// What it is.
        kind: Kind,
        /// Its name.
        name: String,
    },
    /// Numbers over time.
    Statistics(Statistics),
    /// The server itself: `hostname`, `version`, `up_since`, `up_s`, `certificate` (`subject`,
    /// `names`, `issuer`, `not_before`, `not_after`, `days_left`, `pin`), `listeners` (`service`, `address`),
    /// `disk` (`path`, `free_bytes`, `total_bytes`, `parts`: `what`, `path`, `bytes`),
    /// `postmaster_messages`, `configuration` (`file`, `settings`: `section`, `name`, `value`,
    /// `is_default`).
    System,
    /// Asks how targets are, and tries them.
    Target(TargetRequest),
    /// Makes, lists and revokes tokens.
    Token(TokenRequest),
    /// What happened to a message, or to the mail of an address.
    Trace(Trace),
    /// How full the mailbox of a user, or a shared mailbox, is: `quota_bytes` (0: no limit) and
    /// `used_bytes`, null where it is not known.
    Usage {
        /// Users or shared mailboxes.
        kind: Kind,
        /// Its name.
        name: String,
    },
    /// Does the same to many users; answers as an import does, with `removed` too.
    Users(UsersMany),
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
