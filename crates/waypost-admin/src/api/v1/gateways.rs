//! Gateway domains, which live wholly on another server.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use waypost_directory::Scope;

use super::super::location::{Created, created};
use super::super::objects::{List, Page, Resource, Shown, Written, complete, text};
use super::super::refusals::Refusals;
use super::peers::is_set;
use crate::auth::{Actor, Right};
use crate::console::Console;
use crate::input::{self, IfMatch, Name, Params};
use crate::problem::Problem;
use crate::request::Kind;

/// A domain that lives wholly on another server. The secret is only ever written.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Gateway {
    /// Its name.
    #[schema(example = "branch.example.com")]
    pub(crate) domain: String,
    /// Where it lives: a target, or `host[:port]`.
    pub(crate) target: String,
    /// How recipients are verified.
    pub(crate) verify: GatewayVerify,
    /// Who is asked over Minger; missing: the target's host.
    #[serde(default)]
    pub(crate) minger_host: Option<String>,
    /// Its port for Minger.
    pub(crate) minger_port: u16,
    /// Whether there is a secret that it wants from here.
    #[serde(default, alias = "minger_secret", deserialize_with = "is_set")]
    pub(crate) minger_secret_set: bool,
    /// The file of addresses, with `list`.
    #[serde(default)]
    pub(crate) list: Option<String>,
    /// Verification also asks all peers of the site.
    pub(crate) sharing_too: bool,
    /// What happens when who verifies cannot be reached.
    pub(crate) unreachable: GatewayUnreachable,
    /// What a change names in `If-Match`.
    pub(crate) revision: u64,
}

/// How recipients of a gateway domain are verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum GatewayVerify {
    /// The target is asked with RCPT.
    Callout,
    /// A file names every address.
    List,
    /// A server is asked over Minger.
    Minger,
    /// Not at all.
    None,
}

/// What becomes of a recipient that cannot be verified now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum GatewayUnreachable {
    /// It is accepted.
    Accept,
    /// The sender is told to try later.
    Later,
}

impl GatewayVerify {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Callout => "callout",
            Self::List => "list",
            Self::Minger => "minger",
            Self::None => "none",
        }
    }
}

impl GatewayUnreachable {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Later => "later",
        }
    }
}

/// The fields of a gateway domain that are set.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of a body, for the description")]
pub(crate) struct GatewayFields {
    target: Option<String>,
    verify: Option<GatewayVerify>,
    minger_host: Option<String>,
    #[schema(minimum = 1)]
    minger_port: Option<u16>,
    #[schema(format = Password)]
    minger_secret: Option<String>,
    list: Option<String>,
    sharing_too: Option<bool>,
    unreachable: Option<GatewayUnreachable>,
}

/// A gateway domain to make.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of a body, for the description")]
pub(crate) struct NewGateway {
    /// Its name.
    #[schema(example = "branch.example.com")]
    domain: String,
    #[schema(inline)]
    #[schema(value_type = GatewayFields)]
    #[serde(flatten)]
    fields: GatewayFields,
}

impl Resource for Gateway {
    const KIND: Kind = Kind::Gateway;
    const READ: Right = Right::RouteRead;
    const WRITE: Right = Right::RouteWrite;

    fn revision(&self) -> u64 {
        self.revision
    }
}

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(show, change, remove))
}

/// Lists gateway domains.
#[utoipa::path(get, path = "/gateways", tag = "gateways", params(Page),
    security(("token" = ["route-read"])),
    responses((status = 200, body = List<Gateway>), Refusals))]
async fn list(
    State(console): State<Console>,
    actor: Actor,
    Params(page): Params<Page>,
) -> Result<Json<List<Gateway>>, Problem> {
    console.gateways(&actor, &page).await.map(Json)
}

/// Adds a gateway domain.
#[utoipa::path(post, path = "/gateways", tag = "gateways", request_body = NewGateway,
    security(("token" = ["route-write"])),
    responses((status = 201, body = Written,
        headers(("location" = String, description = "Where it is."))), Refusals))]
async fn add(
    State(console): State<Console>,
    actor: Actor,
    input::Json(mut fields): input::Json<Map<String, Value>>,
) -> Result<Created<Written>, Problem> {
    actor.require_everywhere(Right::RouteWrite)?;
    complete(&fields, &["domain", "target"])?;
    let name = text(&mut fields, "domain")?;
    let written = console.add::<Gateway>(&actor, &name, fields).await?;
    Ok(created("gateways", &name, written))
}

/// Shows a gateway domain.
#[utoipa::path(get, path = "/gateways/{name}", tag = "gateways",
    params(("name" = String, Path, description = "Its name.")),
    security(("token" = ["route-read"])),
    responses((status = 200, body = Gateway,
        headers(("etag" = String, description = "Its revision."))), Refusals))]
async fn show(
    State(console): State<Console>,
    actor: Actor,
    Name(name): Name,
) -> Result<Shown<Gateway>, Problem> {
    console.gateway(&actor, &name).await.map(Shown)
}

/// Changes the fields that are given.
#[utoipa::path(patch, path = "/gateways/{name}", tag = "gateways",
    request_body = GatewayFields,
    params(("name" = String, Path, description = "Its name."),
        ("if-match" = Option<String>, Header, description = "The revision it must still have.")),
    security(("token" = ["route-write"])),
    responses((status = 200, body = Written), Refusals))]
async fn change(
    State(console): State<Console>,
    actor: Actor,
    Name(name): Name,
    IfMatch(revision): IfMatch,
    input::Json(fields): input::Json<Map<String, Value>>,
) -> Result<Json<Written>, Problem> {
    actor.require_everywhere(Right::RouteWrite)?;
    let written = console.change::<Gateway>(&actor, &name, fields, revision);
    written.await.map(Json)
}

/// Removes a gateway domain.
#[utoipa::path(delete, path = "/gateways/{name}", tag = "gateways",
    params(("name" = String, Path, description = "Its name."),
        ("if-match" = Option<String>, Header, description = "The revision it must still have.")),
    security(("token" = ["route-write"])),
    responses((status = 200, body = Written), Refusals))]
async fn remove(
    State(console): State<Console>,
    actor: Actor,
    Name(name): Name,
    IfMatch(revision): IfMatch,
) -> Result<Json<Written>, Problem> {
    actor.require_everywhere(Right::RouteWrite)?;
    let removed = console.remove::<Gateway>(&actor, &name, revision);
    removed.await.map(Json)
}

impl Gateway {
    fn is_seen_by(&self, actor: &Actor) -> bool {
        let domain = waypost_proto::mail::Domain::parse(&self.domain);
        actor.scope == Scope::All || domain.is_ok_and(|domain| actor.scope.has(&domain))
    }
}

impl Console {
    /// A page of the gateway domains that he sees.
    pub(crate) async fn gateways(
        &self,
        actor: &Actor,
        page: &Page,
    ) -> Result<List<Gateway>, Problem> {
        let mut list: List<Gateway> = self.page_of(actor, page).await?;
        list.items.retain(|gateway| gateway.is_seen_by(actor));
        Ok(list)
    }

    /// One gateway domain.
    pub(crate) async fn gateway(&self, actor: &Actor, name: &str) -> Result<Gateway, Problem> {
        let gateway = self.show::<Gateway>(actor, name).await;
        if actor.scope == Scope::All {
            return gateway;
        }
        let seen = gateway.ok().filter(|gateway| gateway.is_seen_by(actor));
        seen.ok_or_else(Problem::forbidden)
    }
}
