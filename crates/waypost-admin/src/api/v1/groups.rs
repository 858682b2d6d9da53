//! Groups.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::location::{Created, created};
use super::super::objects::{List, Resource, Shown, Written};
use super::super::refusals::Refusals;
use super::accounts::{Wanted, named};
use crate::auth::{Actor, Right};
use crate::console::Console;
use crate::input::{self, IfMatch, Name, Params};
use crate::problem::Problem;
use crate::request::Kind;

/// A list of members; mail to it goes to them all.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Group {
    /// The main name of its domain.
    #[schema(example = "example.com")]
    pub(crate) domain: String,
    /// Its name.
    #[schema(example = "staff")]
    pub(crate) name: String,
    /// Where it receives: `local@name`, or `local@*` for all names of the domain.
    pub(crate) addresses: Vec<String>,
    /// Who gets its mail, here or elsewhere; other groups too.
    pub(crate) members: Vec<String>,
    /// Replaces the sender of its mail, and so gets bounces.
    #[serde(default)]
    pub(crate) owner: Option<String>,
    /// What a change names in `If-Match`.
    pub(crate) revision: u64,
}

/// The fields that are set.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of a body, for the description")]
pub(crate) struct GroupFields {
    addresses: Option<Vec<String>>,
    members: Option<Vec<String>>,
    owner: Option<String>,
    /// Saved although peers have its addresses, or cannot be asked about them.
    force: Option<bool>,
}

/// A group to make.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of a body, for the description")]
pub(crate) struct NewGroup {
    #[schema(example = "example.com")]
    domain: String,
    #[schema(example = "staff")]
    name: String,
    #[schema(inline)]
    #[schema(value_type = GroupFields)]
    #[serde(flatten)]
    fields: GroupFields,
}

impl Resource for Group {
    const KIND: Kind = Kind::Group;
    const READ: Right = Right::AccountRead;
    const WRITE: Right = Right::AccountWrite;

    fn revision(&self) -> u64 {
        self.revision
    }
}

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(show, change, remove))
}

/// Lists groups, by domain and name.
#[utoipa::path(get, path = "/groups", tag = "groups", params(Wanted),
    security(("token" = ["account-read"])),
    responses((status = 200, body = List<Group>), Refusals))]
async fn list(
    State(console): State<Console>,
    actor: Actor,
    Params(wanted): Params<Wanted>,
) -> Result<Json<List<Group>>, Problem> {
    let (filter, page) = wanted.parts();
    console.find(&actor, filter, &page).await.map(Json)
}

/// Adds a group.
#[utoipa::path(post, path = "/groups", tag = "groups", request_body = NewGroup,
    security(("token" = ["account-write"])),
    responses((status = 201, body = Written,
        headers(("location" = String, description = "Where it is."))), Refusals))]
async fn add(
    State(console): State<Console>,
    actor: Actor,
    input::Json(mut fields): input::Json<Map<String, Value>>,
) -> Result<Created<Written>, Problem> {
    actor.require(Right::AccountWrite)?;
    let name = named(&mut fields, "name")?;
    let written = console.add_account::<Group>(&actor, &name, fields).await?;
    Ok(created("groups", &name, written))
}

/// Shows a group.
#[utoipa::path(get, path = "/groups/{name}", tag = "groups",
    params(("name" = String, Path, description = "`name@domain`.")),
    security(("token" = ["account-read"])),
    responses((status = 200, body = Group,
        headers(("etag" = String, description = "Its revision."))), Refusals))]
async fn show(
    State(console): State<Console>,
    actor: Actor,
    Name(name): Name,
) -> Result<Shown<Group>, Problem> {
    console.show(&actor, &name).await.map(Shown)
}

/// Changes the fields that are given.
#[utoipa::path(patch, path = "/groups/{name}", tag = "groups", request_body = GroupFields,
    params(("name" = String, Path, description = "`name@domain`."),
        ("if-match" = Option<String>, Header, description = "The revision it must still have.")),
    security(("token" = ["account-write"])),
    responses((status = 200, body = Written), Refusals))]
async fn change(
    State(console): State<Console>,
    actor: Actor,
    Name(name): Name,
    IfMatch(revision): IfMatch,
    input::Json(fields): input::Json<Map<String, Value>>,
) -> Result<Json<Written>, Problem> {
    let written = console.change_account::<Group>(&actor, &name, fields, revision);
    written.await.map(Json)
}

/// Removes a group.
#[utoipa::path(delete, path = "/groups/{name}", tag = "groups",
    params(("name" = String, Path, description = "`name@domain`."),
        ("if-match" = Option<String>, Header, description = "The revision it must still have.")),
    security(("token" = ["account-write"])),
    responses((status = 200, body = Written), Refusals))]
async fn remove(
    State(console): State<Console>,
    actor: Actor,
    Name(name): Name,
    IfMatch(revision): IfMatch,
) -> Result<Json<Written>, Problem> {
    let written = console.remove_account::<Group>(&actor, &name, revision);
    written.await.map(Json)
}
