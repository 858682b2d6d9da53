//! What other servers answered about addresses.

use std::collections::HashSet;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::objects::{List, read};
use super::super::refusals::Refusals;
use super::explain::readable;
use crate::auth::{Actor, Right, Sight};
use crate::console::Console;
use crate::input::{Name, Params};
use crate::problem::Problem;
use crate::request::{CacheAnswer, CacheList, CacheRequest, Request, words};

/// Most answers of one page.
const PAGE_MAX: usize = 500;
const PAGE: usize = 50;

/// Which answers are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Only what this server said.
    pub(crate) target: Option<String>,
    /// Only these answers.
    #[param(inline)]
    pub(crate) answer: Option<WantedAnswer>,
    /// Only addresses that hold this text.
    pub(crate) text: Option<String>,
    /// What the answer before said comes next.
    pub(crate) after: Option<String>,
    /// Most answers.
    #[param(minimum = 1, maximum = 500)]
    pub(crate) limit: Option<usize>,
}

/// Which answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum WantedAnswer {
    /// The address is there.
    Active,
    /// It is not.
    Unknown,
}

/// A remembered answer.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct CacheEntry {
    pub(crate) address: String,
    /// Who said it.
    pub(crate) target: String,
    pub(crate) source: CacheSource,
    pub(crate) answer: CachedAnswer,
    /// How old it is.
    pub(crate) age_s: u64,
    /// In how long it is forgotten.
    pub(crate) expires_s: u64,
}

/// How it was learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CacheSource {
    /// It was asked with RCPT.
    Callout,
    /// It took mail.
    Delivery,
    /// A file says so.
    List,
    /// It was asked over Minger.
    Minger,
}

/// What was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CachedAnswer {
    Active,
    #[serde(rename = "cannot receive")]
    Full,
    Unavailable,
    Unknown,
}

/// What was dropped.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Dropped {
    /// So many answers.
    pub(crate) dropped: u64,
    /// In one sentence.
    pub(crate) summary: String,
}

/// Whose answers are dropped.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whose {
    /// Only what this server said.
    pub(crate) target: Option<String>,
}

/// How full the cache is, and how it does.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct CacheStatistics {
    pub(crate) entries: u64,
    /// Most entries.
    pub(crate) bound: u64,
    /// Questions that it answered.
    pub(crate) hits: u64,
    /// Questions that had to be asked.
    pub(crate) misses: u64,
    /// Answers that were asked for again before they were forgotten.
    pub(crate) refreshes: u64,
    pub(crate) peers: Vec<PeerStanding>,
}

/// How a peer answers.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct PeerStanding {
    pub(crate) peer: String,
    /// In words.
    pub(crate) state: String,
    #[schema(format = DateTime)]
    pub(crate) last_answer: Option<String>,
}

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(statistics))
        .routes(routes!(show, forget))
}

/// Lists remembered answers; who is limited to domains sees those about their addresses.
#[utoipa::path(get, path = "/cache", tag = "cache", params(Wanted),
    security(("token" = ["cache-read"])),
    responses((status = 200, body = List<CacheEntry>), Refusals))]
async fn list(
    State(console): State<Console>,
    actor: Actor,
    Params(wanted): Params<Wanted>,
) -> Result<Json<List<CacheEntry>>, Problem> {
    console.cache(&actor, &wanted).await.map(Json)
}

/// Shows how full the cache is.
#[utoipa::path(get, path = "/cache/statistics", tag = "cache",
    security(("token" = ["cache-read"])),
    responses((status = 200, body = CacheStatistics), Refusals))]
async fn statistics(
    State(console): State<Console>,
    actor: Actor,
) -> Result<Json<CacheStatistics>, Problem> {
    console.cache_statistics(&actor).await.map(Json)
}

/// Shows all that is remembered about an address.
#[utoipa::path(get, path = "/cache/{address}", tag = "cache",
    params(("address" = String, Path, description = "The address.")),
    security(("token" = ["cache-read"])),
    responses((status = 200, body = Vec<CacheEntry>), Refusals))]
async fn show(
    State(console): State<Console>,
    actor: Actor,
    Name(address): Name,
) -> Result<Json<Vec<CacheEntry>>, Problem> {
    let sight = console.sight(&actor).await?;
    seen(&actor, Right::CacheRead, &sight, &address)?;
    let request = Request::Cache(CacheRequest::Show { address });
    read(console.ask(&actor, request).await?).map(Json)
}

/// Forgets what is remembered about an address; it is asked about again when it is needed.
#[utoipa::path(delete, path = "/cache/{address}", tag = "cache",
    params(("address" = String, Path, description = "The address."), Whose),
    security(("token" = ["cache-drop"])),
    responses((status = 200, body = Dropped), Refusals))]
async fn forget(
    State(console): State<Console>,
    actor: Actor,
    Name(address): Name,
    Params(whose): Params<Whose>,
) -> Result<Json<Dropped>, Problem> {
    console
        .forget(&actor, &address, whose.target)
        .await
        .map(Json)
}

/// Refuses who may not, and what is no address.
fn seen(actor: &Actor, right: Right, sight: &Sight, address: &str) -> Result<(), Problem> {
    actor.require(right)?;
    if *sight != Sight::All && !sight.address(address) {
        return Err(Problem::forbidden());
    }
    readable("address", address, words::WRITE_RECIPIENT).map(drop)
}

impl Console {
    /// A page of remembered answers.
    pub(crate) async fn cache(
        &self,
        actor: &Actor,
        wanted: &Wanted,
    ) -> Result<List<CacheEntry>, Problem> {
        actor.require(Right::CacheRead)?;
        let given = |field: &Option<String>| field.clone().filter(|text| !text.is_empty());
        let request = Request::Cache(CacheRequest::List(CacheList {
            target: given(&wanted.target),
            answer: wanted.answer.map(|answer| match answer {
                WantedAnswer::Active => CacheAnswer::Active,
                WantedAnswer::Unknown => CacheAnswer::Unknown,
            }),
            text: given(&wanted.text),
            domains: self.sight(actor).await?.domains(),
            after: given(&wanted.after),
            limit: wanted.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX),
        }));
        read(self.ask(actor, request).await?)
    }

    /// How full the cache is; peers as far as he sees them.
    pub(crate) async fn cache_statistics(&self, actor: &Actor) -> Result<CacheStatistics, Problem> {
        actor.require(Right::CacheRead)?;
        let sight = self.sight(actor).await?;
        let value = self.ask(actor, Request::Cache(CacheRequest::Stats)).await?;
        let mut statistics: CacheStatistics = read(value)?;
        statistics.peers.retain(|peer| sight.target(&peer.peer));
        Ok(statistics)
    }

    /// Forgets what is remembered about an address.
    pub(crate) async fn forget(
        &self,
        actor: &Actor,
        address: &str,
        target: Option<String>,
    ) -> Result<Dropped, Problem> {
        let sight = self.sight(actor).await?;
        seen(actor, Right::CacheDrop, &sight, address)?;
        let request = Request::Cache(CacheRequest::Drop {
            address: address.to_owned(),
            target: target.filter(|target| !target.is_empty()),
        });
        read(self.ask(actor, request).await?)
    }

    /// Servers whose answers may be remembered, by name.
    pub(crate) async fn answering(&self, actor: &Actor) -> Result<Vec<String>, Problem> {
        let sight = self.sight(actor).await?;
        let snapshot = self.parts.directory.snapshot();
        let all = snapshot.targets().chain(snapshot.peers());
        let names: HashSet<String> = all
            .filter(|target| sight.target(&target.name))
            .map(|target| target.name.clone())
            .collect();
        let mut names: Vec<_> = names.into_iter().collect();
        names.sort();
        Ok(names)
    }
}

impl CacheSource {
    /// The word of the API, for keys.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Callout => "callout",
            Self::Delivery => "delivery",
            Self::List => "list",
            Self::Minger => "minger",
        }
    }
}

impl CachedAnswer {
    /// A word for keys, and the class of a badge.
    pub(crate) fn word(self) -> (&'static str, &'static str) {
        match self {
            Self::Active => ("active", "ok"),
            Self::Full => ("full", "warn"),
            Self::Unavailable => ("unavailable", "warn"),
            Self::Unknown => ("unknown", "quiet"),
        }
    }
}
