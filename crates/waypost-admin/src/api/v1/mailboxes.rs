//! Shared mailboxes.

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
use super::accounts::{Usage, Wanted, named};
use crate::auth::{Actor, Right};
use crate::console::Console;
use crate::input::{self, IfMatch, Name, Params};
use crate::problem::Problem;
use crate::request::Kind;

/// A mailbox of several people, kept here.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Mailbox {
    /// The main name of its domain.
    #[schema(example = "example.com")]
    pub(crate) domain: String,
    /// Its name.
    #[schema(example = "info")]
    pub(crate) name: String,
    /// Where it receives: `local@name`, or `local@*` for all names of the domain.
    pub(crate) addresses: Vec<String>,
    /// The users who share it, by any of their addresses.
    pub(crate) members: Vec<String>,
    /// The most that it may hold, `0`: no limit; null: the domain's default.
    #[serde(default)]
    pub(crate) quota: Option<String>,
    /// What a change names in `If-Match`.
    pub(crate) revision: u64,
}

/// The fields that are set.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of a body, for the description")]
pub(crate) struct MailboxFields {
    addresses: Option<Vec<String>>,
    members: Option<Vec<String>>,
    quota: Option<String>,
    /// Saved although peers have its addresses, or cannot be asked about them.
    force: Option<bool>,
}

/// A shared mailbox to make.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of a body, for the description")]
pub(crate) struct NewMailbox {
    #[schema(example = "example.com")]
    domain: String,
    #[schema(example = "info")]
    name: String,
    #[schema(inline)]
    #[schema(value_type = MailboxFields)]
    #[serde(flatten)]
    fields: MailboxFields,
}

impl Resource for Mailbox {
    const KIND: Kind = Kind::Mailbox;
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
        .routes(routes!(usage))
}

/// Lists shared mailboxes, by domain and name.
#[utoipa::path(get, path = "/mailboxes", tag = "mailboxes", params(Wanted),
    security(("token" = ["account-read"])),
    responses((status = 200, body = List<Mailbox>), Refusals))]
async fn list(
    State(console): State<Console>,
    actor: Actor,
    Params(wanted): Params<Wanted>,
) -> Result<Json<List<Mailbox>>, Problem> {
    let (filter, page) = wanted.parts();
    console.find(&actor, filter, &page).await.map(Json)
}

/// Adds a shared mailbox.
#[utoipa::path(post, path = "/mailboxes", tag = "mailboxes", request_body = NewMailbox,
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
    let written = console
        .add_account::<Mailbox>(&actor, &name, fields)
        .await?;
    Ok(created("mailboxes", &name, written))
}

/// Shows a shared mailbox.
#[utoipa::path(get, path = "/mailboxes/{name}", tag = "mailboxes",
    params(("name" = String, Path, description = "`name@domain`.")),
    security(("token" = ["account-read"])),
    responses((status = 200, body = Mailbox,
        headers(("etag" = String, description = "Its revision."))), Refusals))]
async fn show(
    State(console): State<Console>,
    actor: Actor,
    Name(name): Name,
) -> Result<Shown<Mailbox>, Problem> {
    console.show(&actor, &name).await.map(Shown)
}

/// Changes the fields that are given.
#[utoipa::path(patch, path = "/mailboxes/{name}", tag = "mailboxes", request_body = MailboxFields,
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
    let written = console.change_account::<Mailbox>(&actor, &name, fields, revision);
    written.await.map(Json)
}

/// Removes a shared mailbox.
#[utoipa::path(delete, path = "/mailboxes/{name}", tag = "mailboxes",
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
    let written = console.remove_account::<Mailbox>(&actor, &name, revision);
    written.await.map(Json)
}

/// Says how full it is, where this server keeps it and it has a quota.
#[utoipa::path(get, path = "/mailboxes/{name}/usage", tag = "mailboxes",
    params(("name" = String, Path, description = "`name@domain`.")),
    security(("token" = ["account-read"])),
    responses((status = 200, body = Usage), Refusals))]
async fn usage(
    State(console): State<Console>,
    actor: Actor,
    Name(name): Name,
) -> Result<Json<Usage>, Problem> {
    console.usage::<Mailbox>(&actor, &name).await.map(Json)
}
