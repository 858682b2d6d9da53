//! The server itself, and the last lines of its log.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::objects::read;
use super::super::refusals::Refusals;
use crate::auth::{Actor, Right};
use crate::console::Console;
use crate::input::Params;
use crate::problem::Problem;
use crate::request::{LogLevel, LogLines, Request};

/// Most lines of an answer.
const LINES_MAX: usize = 2_000;

/// The server itself.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct System {
    /// Its name.
    pub(crate) hostname: String,
    /// The version that runs.
    pub(crate) version: String,
    /// When it was started.
    #[schema(format = DateTime)]
    pub(crate) up_since: String,
    /// Seconds since then.
    pub(crate) up_s: u64,
    /// The certificate that it shows; missing when it cannot be read.
    pub(crate) certificate: Option<Certificate>,
    /// Where it listens.
    pub(crate) listeners: Vec<Listener>,
    /// Its files.
    pub(crate) disk: Disk,
    /// Messages in the postmaster's mailbox that nobody has read.
    pub(crate) postmaster_messages: u64,
    /// The configuration as it is in force.
    pub(crate) configuration: Configuration,
}

/// A certificate.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = OwnCertificate)]
pub(crate) struct Certificate {
    /// Whose it is.
    pub(crate) subject: String,
    /// The names that it is for.
    pub(crate) names: Vec<String>,
    /// Who says so.
    pub(crate) issuer: String,
    /// When it begins to hold.
    #[schema(format = DateTime)]
    pub(crate) not_before: String,
    /// When it ends.
    #[schema(format = DateTime)]
    pub(crate) not_after: String,
    /// Whole days until then.
    pub(crate) days_left: u64,
    /// The digest of its key, as `tls_pin` takes it.
    pub(crate) pin: String,
}

/// A place where a service listens.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Listener {
    /// As the configuration names it.
    #[schema(example = "smtp")]
    pub(crate) service: String,
    /// The address.
    #[schema(example = "0.0.0.0:25")]
    pub(crate) address: String,
}

/// Files and room.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Disk {
    /// The folder of all of them.
    pub(crate) path: String,
    /// Room that is left.
    pub(crate) free_bytes: u64,
    /// All of the disk.
    pub(crate) total_bytes: u64,
    /// What is in the folder.
    pub(crate) parts: Vec<Part>,
}

/// A part of what is kept.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Part {
    /// What it is.
    pub(crate) what: PartWord,
    /// Where it is.
    pub(crate) path: String,
    /// How large it is.
    pub(crate) bytes: u64,
}

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PartWord {
    /// What other servers said.
    Answers,
    /// Domains, users and all that.
    Directory,
    /// What happened to mail.
    History,
    /// The postmaster's mailbox.
    Postmaster,
    /// Messages under way.
    Spool,
}

/// The configuration.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Configuration {
    /// The file.
    pub(crate) file: String,
    /// Every key.
    pub(crate) settings: Vec<Setting>,
}

/// A key and its value.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Setting {
    /// Empty: above all sections.
    pub(crate) section: String,
    /// The key.
    pub(crate) name: String,
    /// The value, as the file would write it; secrets as `***`.
    pub(crate) value: String,
    /// It is what holds when the file does not say.
    pub(crate) is_default: bool,
}

/// Which lines of the log are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WantedLines {
    /// Only lines with higher numbers: `next` of the answer before.
    pub(crate) after: u64,
    /// The least level.
    #[param(inline)]
    pub(crate) level: Level,
    /// Only lines that hold this text.
    pub(crate) text: Option<String>,
    /// Most lines: without `after` the newest, else the next ones.
    #[param(minimum = 1, maximum = 2000)]
    pub(crate) limit: Option<usize>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// Somebody must do something.
    Error,
    /// Somebody should look.
    Warn,
    /// What happens.
    #[default]
    Info,
}

/// Lines of the log, the oldest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Log {
    pub(crate) items: Vec<LogLine>,
    /// The number of the last line there is; below `after`: numbers began again, ask with 0.
    pub(crate) newest: u64,
    /// For `after`.
    pub(crate) next: u64,
    /// Lines in between have gone already.
    pub(crate) skipped: bool,
}

/// A line of the log.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct LogLine {
    pub(crate) number: u64,
    #[schema(format = DateTime)]
    pub(crate) at: String,
    /// Milliseconds since 1970.
    pub(crate) at_ms: u64,
    pub(crate) level: Level,
    /// The part of the program that says it.
    pub(crate) target: String,
    pub(crate) text: String,
    /// What it says beside the text.
    #[schema(value_type = std::collections::HashMap<String, String>)]
    pub(crate) fields: Map<String, Value>,
}

impl PartWord {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Answers => "answers",
            Self::Directory => "directory",
            Self::History => "history",
            Self::Postmaster => "postmaster",
            Self::Spool => "spool",
        }
    }
}

impl Level {
    pub(crate) const ALL: [Self; 3] = [Self::Info, Self::Warn, Self::Error];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
        }
    }
}

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(system))
        .routes(routes!(log))
}

/// Shows versions, certificate, listeners, disk and configuration.
#[utoipa::path(get, path = "/system", tag = "system", security(("token" = ["system"])),
    responses((status = 200, body = System), Refusals))]
async fn system(State(console): State<Console>, actor: Actor) -> Result<Json<System>, Problem> {
    console.system(&actor).await.map(Json)
}

/// Shows the last lines of the log.
#[utoipa::path(get, path = "/log", tag = "system", params(WantedLines),
    security(("token" = ["system"])),
    responses((status = 200, body = Log), Refusals))]
async fn log(
    State(console): State<Console>,
    actor: Actor,
    Params(wanted): Params<WantedLines>,
) -> Result<Json<Log>, Problem> {
    console.log(&actor, wanted).await.map(Json)
}

impl Console {
    /// The server itself.
    pub(crate) async fn system(&self, actor: &Actor) -> Result<System, Problem> {
        actor.require_everywhere(Right::System)?;
        read(self.ask(actor, Request::System).await?)
    }

    /// Lines of the log.
    pub(crate) async fn log(&self, actor: &Actor, wanted: WantedLines) -> Result<Log, Problem> {
        actor.require_everywhere(Right::System)?;
        let request = LogLines {
            after: wanted.after,
            level: match wanted.level {
                Level::Error => LogLevel::Error,
                Level::Warn => LogLevel::Warn,
                Level::Info => LogLevel::Info,
            },
            text: wanted.text.filter(|text| !text.is_empty()),
            limit: wanted.limit.unwrap_or(500).clamp(1, LINES_MAX),
        };
        read(self.ask(actor, Request::Log(request)).await?)
    }
}
