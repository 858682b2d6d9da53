//! What is asked about mail as it flows, and about what happened.

use serde::{Deserialize, Serialize};

/// What happened to a message, or to the mail of an address.
///
/// Answers `{"items": [step…], "next": cursor|null, "kept_s": seconds}`; `kept_s` is how long
/// history is kept, 0: not at all. The steps of a queue id come with the oldest first, those of an
/// address with the newest first. A step has `at` (RFC 3339), `at_ms`, `queue_id` (null: refused
/// before there was one), `event`, and as texts those of the log's fields that it has:
///
/// | `event` | fields |
/// | --- | --- |
/// | `client` | `client`, `sasl_method`, `sasl_username` |
/// | `message-id` | `message_id` |
/// | `rejected` | `stage`, `client`, `reply`, `from`, `to`, `proto`, `helo`, `why` |
/// | `member-refused` | `client`, `reply`, `to` (the member), `orig_to` (the group), `why` |
/// | `active` | `from`, `size`, `nrcpt` |
/// | `passing` | the same: it is passed on while its sender waits, and not in the queue |
/// | `delivery` | `from`, `to`, `orig_to`, `relay`, `delay`, `dsn`, `status` (`sent`, `deferred`, `bounced`, `refused`: the client was told), `said`, `route`, `why`, `proof`, `tls` |
/// | `expired` | `from`, `to`, `status` |
/// | `report` | `kind`, `report` (its queue id) |
/// | `ordered` | `verb`, `by`, `reason` |
/// | `lives-twice` | `to`, `mail_goes_to`, `also_on` |
/// | `trouble` | `trouble` |
/// | `removed` | |
///
/// Addresses are bare, without brackets; the null reverse-path is the empty text.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Trace {
    /// A queue id, or an address, whatever its letter case.
    pub what: String,
    /// Seconds since 1970; nothing before.
    #[serde(default)]
    pub from: Option<u64>,
    /// Seconds since 1970; nothing after.
    #[serde(default)]
    pub to: Option<u64>,
    /// Only steps that concern addresses in these domains, and what those messages say of nobody;
    /// empty: all.
    #[serde(default)]
    pub domains: Vec<String>,
    /// What the page before said comes next.
    #[serde(default)]
    pub after: Option<String>,
    /// With an address: how each message came in too, though that names nobody but its sender.
    #[serde(default)]
    pub arrivals: bool,
    /// Most steps, 1 to 1000; arrivals come on top.
    pub limit: usize,
}

/// The last lines of the log, of which 2000 are kept.
///
/// Answers `{"items": [line…], "newest": number, "next": number, "skipped": bool}`, the oldest
/// first: ask with `after` = `next` for what comes behind. `newest` is the number of the last line
/// there is. `skipped`: lines between `after` and the first one have gone already. A line has
/// `number`, `at`, `at_ms`, `level` (`error`, `warn`, `info`), `target`, `text` and `fields` (an
/// object of texts). After a restart numbers begin at 1: when `newest` is below `after`, ask with
/// 0.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LogLines {
    /// Only lines with higher numbers; 0: all.
    #[serde(default)]
    pub after: u64,
    /// The least level.
    #[serde(default)]
    pub level: LogLevel,
    /// Only lines that hold this text, whatever its letter case, in text, target or fields.
    #[serde(default)]
    pub text: Option<String>,
    /// Most lines, 1 to 2000: with `after` = 0 the newest, else the next ones.
    pub limit: usize,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// Somebody must do something.
    Error,
    /// Somebody should look.
    Warn,
    /// What happens.
    #[default]
    Info,
}

/// Numbers over time.
///
/// Answers `{"from": RFC 3339, "from_s": seconds, "step_s": seconds, "count": n, "series": {name:
/// [n numbers, the oldest first]}, "delay": {"p50_s": [n], "p95_s": [n]}}`. Series without anything
/// but zeros are left out. The last point is still growing. `delay` is there when series that begin
/// with `delay.` are asked for: the end of the class that half, or 95 of 100, of the deliveries are
/// within; null where nothing was delivered, or where it took longer than all classes.
///
/// | series | what |
/// | --- | --- |
/// | `connections`, `messages`, `recipients` | taken in |
/// | `from.users`, `from.strangers`, `from.trusted`, `from.here`, `from.target.NAME` | messages taken, by whom they came from |
/// | `refused.CLASS.WHY` | recipients refused to the client: class `4` or `5`, and the rule, or `next-hop` |
/// | `sent.HOP`, `deferred.HOP`, `bounced.HOP` | recipients in attempts; HOP is `local`, `mx`, `smart-host`, `none` or `target.NAME` |
/// | `delay.SECONDS`, `delay.more` | recipients delivered within so many seconds, from `0.002` to `2592000` (and not within fewer) |
/// | `minger.RESULT` | questions of others |
/// | `queue` | most messages in the queue |
/// | `waiting.HOP`, `oldest_s.HOP` | most recipients that waited, and the age of their oldest message |
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Statistics {
    /// Their names, or beginnings with `*` behind; empty: all.
    #[serde(default)]
    pub series: Vec<String>,
    /// Seconds up to now; a day at most has minutes, 30 days at most have hours.
    pub span: u64,
    /// Seconds of each point, at least; 0: as short as there is.
    #[serde(default)]
    pub step: u64,
}
