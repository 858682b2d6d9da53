//! How targets and peers are.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::objects::read;
use super::super::refusals::Refusals;
use crate::auth::{Actor, Right};
use crate::console::Console;
use crate::problem::Problem;
use crate::request::{Request, TargetRequest};

/// How a target is, from what deliveries and questions last saw of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Health {
    /// Its name.
    pub(crate) name: String,
    /// What it is.
    pub(crate) kind: Party,
    /// A domain or user names it by its host only.
    pub(crate) implicit: bool,
    /// All in one word.
    pub(crate) state: Condition,
    /// The hold that is on it.
    pub(crate) hold: Option<Pause>,
    /// When it last did what it was asked for.
    pub(crate) last_success: Option<String>,
    /// How long it last took to answer.
    pub(crate) latency_ms: Option<u64>,
    /// What it last failed with.
    pub(crate) last_error: Option<String>,
    /// When.
    pub(crate) last_error_at: Option<String>,
    /// Failures among the last 16 results.
    pub(crate) recent_failures: u32,
    /// Connections that are in use.
    pub(crate) connections_in_use: u64,
    /// Connections that are kept for later.
    pub(crate) connections_kept: u64,
    /// Most connections at a time.
    pub(crate) connections_max: u32,
    /// Messages that could be tried now.
    pub(crate) ready: u64,
    /// Messages that wait until it is tried again.
    pub(crate) parked: u64,
    /// Recipients that wait for it.
    #[serde(default)]
    pub(crate) waiting: u64,
    /// The age of the oldest message among them.
    #[serde(default)]
    pub(crate) oldest_s: Option<u64>,
    /// How often in a row it could not be reached.
    pub(crate) failures: u32,
    /// While it is left alone: when it is tried again.
    pub(crate) tried_again: Option<String>,
}

/// What mail is exchanged with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Party {
    Peer,
    Target,
}

/// How a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Condition {
    /// It is there, and fails now or often.
    Degraded,
    /// Nobody was there the last time.
    Down,
    /// An administrator holds it.
    Held,
    /// Nothing went there since the start.
    Unused,
    /// It does what it is asked for.
    Up,
}

/// A hold, without what is held.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Pause {
    /// In the administrator's words.
    pub(crate) reason: String,
    /// Since when.
    pub(crate) since: String,
    /// When it ends by itself; null: when it is released.
    pub(crate) until: Option<String>,
}

/// How all targets and peers are.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Conditions {
    pub(crate) items: Vec<Health>,
}

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Lists how targets and peers are; who is limited to domains sees those that they use.
#[utoipa::path(get, path = "/health", tag = "targets", security(("token" = ["route-read"])),
    responses((status = 200, body = Conditions), Refusals))]
async fn list(State(console): State<Console>, actor: Actor) -> Result<Json<Conditions>, Problem> {
    console.conditions(&actor).await.map(Json)
}

impl Condition {
    /// Its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Degraded => "degraded",
            Self::Down => "down",
            Self::Held => "held",
            Self::Unused => "unused",
            Self::Up => "up",
        }
    }

    /// The class of its badge.
    pub(crate) fn badge(self) -> &'static str {
        match self {
            Self::Degraded => "warn",
            Self::Down => "bad",
            Self::Held => "held",
            Self::Unused => "quiet",
            Self::Up => "ok",
        }
    }
}

impl Console {
    /// How all targets and peers are, by name, with what waits for them.
    pub(crate) async fn health(&self, actor: &Actor) -> Result<HashMap<String, Health>, Problem> {
        let all = self.all_health(actor).await?.items.into_iter();
        Ok(all.map(|one| (one.name.clone(), one)).collect())
    }

    /// The same of those that he sees, in order.
    async fn conditions(&self, actor: &Actor) -> Result<Conditions, Problem> {
        let mut all = self.all_health(actor).await?;
        let sight = self.sight(actor).await?;
        all.items.retain(|one| sight.target(&one.name));
        Ok(all)
    }

    async fn all_health(&self, actor: &Actor) -> Result<Conditions, Problem> {
        actor.require(Right::RouteRead)?;
        let request = Request::Target(TargetRequest::Health);
        let mut all: Conditions = read(self.ask(actor, request).await?)?;
        let shape = self.queue_shape(actor).await?;
        for one in &mut all.items {
            let mut lines = shape.next_hops.iter();
            if let Some(line) = lines.find(|line| line.next_hop == one.name) {
                one.waiting = line.total;
                one.oldest_s = (line.total > 0).then_some(line.oldest_s);
            }
        }
        Ok(all)
    }
}
