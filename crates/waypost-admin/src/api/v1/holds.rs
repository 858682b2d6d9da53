//! Holds: deliveries that wait while the rest flows.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use waypost_proto::mail::Domain;

use super::super::objects::read;
use super::super::refusals::Refusals;
use super::health::Pause;
use super::queue::Outcome;
use crate::auth::{Actor, Right};
use crate::console::Console;
use crate::input::{self, Names};
use crate::problem::Problem;
use crate::request::{QueueRequest, Request, Selection, words};
use crate::text::seconds;

/// What is held, and why.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Hold {
    /// What it is.
    pub(crate) kind: HoldKind,
    /// Its name.
    pub(crate) name: String,
    /// In the administrator's words.
    pub(crate) reason: String,
    /// Since when.
    pub(crate) since: String,
    /// When it ends by itself; null: when it is released.
    pub(crate) until: Option<String>,
}

/// What can be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HoldKind {
    /// All recipients in a domain.
    Domain,
    /// All deliveries to a target or peer.
    Target,
    /// All deliveries for a user.
    User,
}

/// All that is held.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct HoldList {
    pub(crate) items: Vec<Hold>,
}

/// Why something is held, and for how long.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Because {
    /// In the administrator's words.
    pub(crate) reason: String,
    /// When it ends by itself (RFC 3339); missing: when it is released.
    #[schema(example = "2026-12-24T18:00:00Z")]
    pub(crate) until: Option<String>,
}

/// A hold as the running server says it.
#[derive(Deserialize)]
struct Said {
    held: String,
    #[serde(flatten)]
    pause: Pause,
}

impl Because {
    /// The end, in seconds since 1970.
    pub(crate) fn until(&self) -> Result<Option<u64>, Problem> {
        let Some(text) = self.until.as_deref().filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let end = seconds(text).ok_or_else(|| {
            let mend = "write it as 2026-12-24T18:00:00Z";
            Problem::key("until", "this is no time", mend)
        });
        end.map(Some)
    }
}

impl HoldKind {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "domain" => Some(Self::Domain),
            "target" => Some(Self::Target),
            "user" => Some(Self::User),
            _ => None,
        }
    }

    /// Its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Domain => "domain",
            Self::Target => "target",
            Self::User => "user",
        }
    }

    fn selection(self, name: &str) -> Selection {
        match self {
            Self::Domain => Selection::Domain(name.to_owned()),
            Self::Target => Selection::Target(name.to_owned()),
            Self::User => Selection::User(name.to_owned()),
        }
    }

    /// The domain that it belongs to; none: it is the site's.
    fn domain(self, name: &str) -> Option<Domain> {
        let domain = match self {
            Self::Domain => name,
            Self::Target => return None,
            Self::User => name.rsplit_once('@').map_or("", |(_, domain)| domain),
        };
        Domain::parse(domain).ok()
    }
}

impl Hold {
    fn of(said: Said) -> Option<Self> {
        let (kind, name) = said.held.split_once(' ')?;
        Some(Self {
            kind: HoldKind::parse(kind)?,
            name: name.to_owned(),
            reason: said.pause.reason,
            since: said.pause.since,
            until: said.pause.until,
        })
    }

    /// Whether he sees it.
    fn is_seen_by(&self, actor: &Actor) -> bool {
        match self.kind.domain(&self.name) {
            None => actor.may(Right::RouteRead),
            Some(domain) => actor.may_in(Right::QueueRead, &domain) || everywhere(actor),
        }
    }

    /// Whether he may end it.
    pub(crate) fn is_changed_by(&self, actor: &Actor) -> bool {
        may_hold(actor, self.kind, &self.name).is_ok()
    }
}

fn everywhere(actor: &Actor) -> bool {
    actor.require_everywhere(Right::QueueRead).is_ok()
}

/// Refuses who may not hold this.
fn may_hold(actor: &Actor, kind: HoldKind, name: &str) -> Result<(), Problem> {
    match (kind, kind.domain(name)) {
        (HoldKind::Target, _) => actor.require_everywhere(Right::RouteWrite),
        (_, Some(domain)) => actor.require_in(Right::QueueWrite, &domain),
        (_, None) => actor.require_everywhere(Right::QueueWrite),
    }
}

fn kind(word: &str) -> Result<HoldKind, Problem> {
    let missing = || Problem::new(StatusCode::NOT_FOUND, "hold a domain, a target or a user");
    HoldKind::parse(word).ok_or_else(missing)
}

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(put, remove))
}

impl Console {
    /// The holds that he sees.
    pub(crate) async fn holds(&self, actor: &Actor) -> Result<Vec<Hold>, Problem> {
        actor.require(Right::QueueRead)?;
        let request = Request::Queue(QueueRequest::Holds);
        let said: Vec<Said> = read(self.ask(actor, request).await?)?;
        let holds = said.into_iter().filter_map(Hold::of);
        Ok(holds.filter(|hold| hold.is_seen_by(actor)).collect())
    }

    /// Holds a domain, target or user; an earlier hold gets this reason and end.
    pub(crate) async fn hold(
        &self,
        actor: &Actor,
        (kind, name): (HoldKind, &str),
        reason: String,
        until: Option<u64>,
    ) -> Result<Outcome, Problem> {
        may_hold(actor, kind, name)?;
        if reason.trim().is_empty() {
            return Err(Problem::field("reason", words::HOLD_REASON));
        }
        let request = QueueRequest::Hold {
            what: kind.selection(name),
            reason,
            until,
        };
        read(self.ask(actor, Request::Queue(request)).await?)
    }

    /// Ends a hold.
    pub(crate) async fn release(
        &self,
        actor: &Actor,
        kind: HoldKind,
        name: &str,
    ) -> Result<Outcome, Problem> {
        may_hold(actor, kind, name)?;
        let what = kind.selection(name);
        let request = Request::Queue(QueueRequest::Release { what });
        read(self.ask(actor, request).await?)
    }
}

/// Lists the holds on targets, and on domains and users of one's own.
#[utoipa::path(get, path = "/holds", tag = "queue", security(("token" = ["queue-read"])),
    responses((status = 200, body = HoldList), Refusals))]
async fn list(State(console): State<Console>, actor: Actor) -> Result<Json<HoldList>, Problem> {
    let items = console.holds(&actor).await?;
    Ok(Json(HoldList { items }))
}

/// Holds a target (which needs `route-write`), a domain or a user.
#[utoipa::path(put, path = "/holds/{kind}/{name}", tag = "queue", request_body = Because,
    params(("kind" = HoldKind, Path, description = "What it is."),
        ("name" = String, Path, description = "Its name.")),
    security(("token" = ["queue-write"])),
    responses((status = 200, body = Outcome), Refusals))]
async fn put(
    State(console): State<Console>,
    actor: Actor,
    Names(word, name): Names,
    input::Json(because): input::Json<Because>,
) -> Result<Json<Outcome>, Problem> {
    let until = because.until()?;
    let what = (kind(&word)?, name.as_str());
    let held = console.hold(&actor, what, because.reason, until);
    held.await.map(Json)
}

/// Ends a hold.
#[utoipa::path(delete, path = "/holds/{kind}/{name}", tag = "queue",
    params(("kind" = HoldKind, Path, description = "What it is."),
        ("name" = String, Path, description = "Its name.")),
    security(("token" = ["queue-write"])),
    responses((status = 200, body = Outcome), Refusals))]
async fn remove(
    State(console): State<Console>,
    actor: Actor,
    Names(word, name): Names,
) -> Result<Json<Outcome>, Problem> {
    let released = console.release(&actor, kind(&word)?, &name);
    released.await.map(Json)
}
