//! Domains served here.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::location::{Created, created};
use super::super::objects::{List, Resource, Shown, Written, text};
use super::super::refusals::Refusals;
use super::domain_list::{DomainQuery, ListedDomain};
use crate::auth::{Actor, Right};
use crate::console::Console;
use crate::input::{self, IfMatch, Name, Params};
use crate::problem::Problem;
use crate::request::Kind;

/// A domain served here.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Domain {
    /// Its main name.
    #[schema(example = "example.com")]
    pub(crate) name: String,
    /// Its other names.
    pub(crate) aliases: Vec<String>,
    /// The split relay: a target, or `host[:port]`.
    #[serde(default)]
    pub(crate) relay: Option<String>,
    /// Addresses that nobody here has go to the relay.
    pub(crate) forward_unknown: bool,
    /// Domain Sharing with these peers, in this order.
    pub(crate) sharing: Vec<String>,
    /// How a stranger's unknown recipient is checked before it is forwarded.
    pub(crate) verify_unknown: VerifyUnknown,
    /// Own sender addresses from outside are refused without login.
    pub(crate) protect_senders: bool,
    /// Who gets mail to postmaster@ and abuse@.
    #[serde(default)]
    pub(crate) postmaster: Option<String>,
    /// Quotas.
    pub(crate) quota: Quotas,
    /// What a change names in `If-Match`.
    pub(crate) revision: u64,
}

/// How a stranger's unknown recipient is checked before it is forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum VerifyUnknown {
    /// The relay is asked with RCPT.
    Callout,
    /// It is not.
    None,
}

/// Quotas of a domain's mailboxes, as sizes; `0 B`: none.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Quotas {
    /// The most that a user may have.
    #[schema(example = "10 GiB")]
    pub(crate) user_max: String,
    /// What a user has when nobody says otherwise.
    pub(crate) user_default: String,
    /// The most that a shared mailbox may have.
    pub(crate) shared_max: String,
    /// What a shared mailbox has when nobody says otherwise.
    pub(crate) shared_default: String,
}

/// The fields of a domain that are set.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of a body, for the description")]
pub(crate) struct DomainFields {
    aliases: Option<Vec<String>>,
    relay: Option<String>,
    forward_unknown: Option<bool>,
    sharing: Option<Vec<String>>,
    verify_unknown: Option<VerifyUnknown>,
    protect_senders: Option<bool>,
    postmaster: Option<String>,
    quota: Option<Quotas>,
}

/// A domain to make.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of a body, for the description")]
pub(crate) struct NewDomain {
    /// Its main name.
    #[schema(example = "example.com")]
    name: String,
    #[schema(inline)]
    #[schema(value_type = DomainFields)]
    #[serde(flatten)]
    fields: DomainFields,
}

impl Resource for Domain {
    const KIND: Kind = Kind::Domain;
    const READ: Right = Right::DomainRead;
    const WRITE: Right = Right::DomainWrite;

    fn revision(&self) -> u64 {
        self.revision
    }
}

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(show, change, remove))
}

/// Lists domains by name.
#[utoipa::path(get, path = "/domains", tag = "domains", params(DomainQuery),
    security(("token" = ["domain-read"])),
    responses((status = 200, body = List<ListedDomain>), Refusals))]
async fn list(
    State(console): State<Console>,
    actor: Actor,
    Params(query): Params<DomainQuery>,
) -> Result<Json<List<ListedDomain>>, Problem> {
    console.domains(&actor, &query).await.map(Json)
}

/// Adds a domain.
#[utoipa::path(post, path = "/domains", tag = "domains", request_body = NewDomain,
    security(("token" = ["domain-serve"])),
    responses((status = 201, body = Written,
        headers(("location" = String, description = "Where it is."))), Refusals))]
async fn add(
    State(console): State<Console>,
    actor: Actor,
    input::Json(mut fields): input::Json<Map<String, Value>>,
) -> Result<Created<Written>, Problem> {
    actor.require_everywhere(Right::DomainServe)?;
    let name = text(&mut fields, "name")?;
    let written = console.add::<Domain>(&actor, &name, fields).await?;
    Ok(created("domains", &name, written))
}

/// Shows a domain.
#[utoipa::path(get, path = "/domains/{name}", tag = "domains",
    params(("name" = String, Path, description = "Its main name.")),
    security(("token" = ["domain-read"])),
    responses((status = 200, body = Domain,
        headers(("etag" = String, description = "Its revision."))), Refusals))]
async fn show(
    State(console): State<Console>,
    actor: Actor,
    Name(name): Name,
) -> Result<Shown<Domain>, Problem> {
    console.show(&actor, &name).await.map(Shown)
}

/// Changes the fields that are given.
#[utoipa::path(patch, path = "/domains/{name}", tag = "domains", request_body = DomainFields,
    params(("name" = String, Path, description = "Its main name."),
        ("if-match" = Option<String>, Header, description = "The revision it must still have.")),
    security(("token" = ["domain-write"])),
    responses((status = 200, body = Written), Refusals))]
async fn change(
    State(console): State<Console>,
    actor: Actor,
    Name(name): Name,
    IfMatch(revision): IfMatch,
    input::Json(fields): input::Json<Map<String, Value>>,
) -> Result<Json<Written>, Problem> {
    actor.require(Right::DomainWrite)?;
    console.allowed(&actor, &name, &fields)?;
    if fields.contains_key("relay") || fields.contains_key("forward_unknown") {
        // What only a trial of the relay shows is refused too.
        let tried = console.preview_domain(&actor, &name, fields.clone(), revision);
        tried.await?;
    }
    let written = console.change::<Domain>(&actor, &name, fields, revision);
    written.await.map(Json)
}

/// Removes a domain that has no users any more.
#[utoipa::path(delete, path = "/domains/{name}", tag = "domains",
    params(("name" = String, Path, description = "Its main name."),
        ("if-match" = Option<String>, Header, description = "The revision it must still have.")),
    security(("token" = ["domain-serve"])),
    responses((status = 200, body = Written), Refusals))]
async fn remove(
    State(console): State<Console>,
    actor: Actor,
    Name(name): Name,
    IfMatch(revision): IfMatch,
) -> Result<Json<Written>, Problem> {
    actor.require_everywhere(Right::DomainServe)?;
    console
        .remove::<Domain>(&actor, &name, revision)
        .await
        .map(Json)
}
