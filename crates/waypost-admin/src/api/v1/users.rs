//! Users.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::location::{Created, created};
use super::super::objects::{List, Page, Resource, Shown, Written, read, require};
use super::super::refusals::Refusals;
use super::accounts::{Usage, named};
use crate::auth::{Actor, Right};
use crate::console::Console;
use crate::input::{self, IfMatch, Name, Params};
use crate::problem::Problem;
use crate::request::{Filter, Find, Kind, Mail, Request};

/// A person of a domain.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct User {
    /// The main name of his domain.
    #[schema(example = "example.com")]
    pub(crate) domain: String,
    /// The name to log in with, before `@domain`.
    #[schema(example = "jdoe")]
    pub(crate) login: String,
    /// What people call him.
    pub(crate) name: String,
    /// Where his mailbox is.
    pub(crate) mail: Mail,
    /// Where he receives: `local@name`, or `local@*` for all names of the domain. The first is
    /// the default address.
    pub(crate) addresses: Vec<String>,
    /// Which of them go to the third party; null: all.
    #[serde(default)]
    pub(crate) relayed: Option<Vec<String>>,
    /// A third-party user's own target; null: the domain's relay.
    #[serde(default)]
    pub(crate) target: Option<String>,
    /// The most that his mailbox may hold, `0`: no limit; null: the domain's default.
    #[serde(default)]
    pub(crate) quota: Option<String>,
    /// Neither receives nor logs in.
    pub(crate) suspended: bool,
    /// A password is set: he can log in, if his mailbox is here.
    #[serde(default, alias = "password", deserialize_with = "is_said")]
    pub(crate) has_password: bool,
    /// What a change names in `If-Match`.
    pub(crate) revision: u64,
}

/// The fields that are set.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of a body, for the description")]
pub(crate) struct UserFields {
    name: Option<String>,
    mail: Option<Mail>,
    addresses: Option<Vec<String>>,
    relayed: Option<Vec<String>>,
    /// Needs the grant `routing`.
    target: Option<String>,
    quota: Option<String>,
    suspended: Option<bool>,
    /// A new password, as it is; it is never shown again. null: he cannot log in.
    #[schema(write_only)]
    password: Option<String>,
    /// Saved although peers have its addresses, or cannot be asked about them.
    force: Option<bool>,
}

/// A user to make.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of a body, for the description")]
pub(crate) struct NewUser {
    #[schema(example = "example.com")]
    domain: String,
    #[schema(example = "jdoe")]
    login: String,
    #[schema(inline)]
    #[schema(value_type = UserFields)]
    #[serde(flatten)]
    fields: UserFields,
}

/// Which users are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// In this domain, by its main name.
    pub(crate) domain: Option<String>,
    /// Is in the login, the name or an address.
    pub(crate) text: Option<String>,
    /// Where the mailbox is.
    pub(crate) mail: Option<Mail>,
    /// Who lives on this target, by his own setting or his domain's.
    pub(crate) target: Option<String>,
    /// Suspended or not.
    pub(crate) state: Option<UserState>,
    /// What the answer before said comes next.
    pub(crate) after: Option<String>,
    /// Most users.
    #[param(minimum = 1, maximum = 500)]
    pub(crate) limit: Option<usize>,
}

/// Whether a user may receive and log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum UserState {
    /// He may.
    Active,
    /// He may not.
    Suspended,
}

impl Wanted {
    pub(crate) fn parts(self) -> (Filter, Page) {
        let filter = Filter {
            scope: None,
            domain: self.domain,
            text: self.text.unwrap_or_default(),
            mail: self.mail,
            target: self.target,
            suspended: self.state.map(|state| state == UserState::Suspended),
        };
        let page = Page {
            after: self.after,
            limit: self.limit,
        };
        (filter, page)
    }
}

/// Whether something was said, which is not shown.
fn is_said<'de, D: serde::Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    let said = Option::<String>::deserialize(value)?;
    Ok(said.is_some_and(|said| !said.is_empty()))
}

/// A page of users, and how many there are of each sort.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Counted {
    pub(crate) items: Vec<User>,
    pub(crate) next: Option<String>,
    counts: BTreeMap<String, Count>,
}

/// How many users of a domain there are.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
struct Count {
    local: u64,
    none: u64,
    relayed: u64,
    own_target: u64,
}

impl Counted {
    /// How many of this mail type.
    pub(crate) fn of(&self, mail: Mail) -> u64 {
        let counts = self.counts.values();
        let of = |count: &Count| match mail {
            Mail::Local => count.local,
            Mail::None => count.none,
            Mail::ThirdParty => count.relayed + count.own_target,
        };
        counts.map(of).sum()
    }

    /// How many in all.
    pub(crate) fn all(&self) -> u64 {
        Mail::ALL.into_iter().map(|mail| self.of(mail)).sum()
    }
}

impl Console {
    /// A page of users, and how many the filter means; without a limit, only how many.
    pub(crate) async fn counted_users(
        &self,
        actor: &Actor,
        filter: Filter,
        (after, limit): (Option<String>, usize),
    ) -> Result<Counted, Problem> {
        actor.require(Right::AccountRead)?;
        let request = Request::Find(Find {
            kind: Kind::User,
            filter: Filter {
                scope: actor.domains(),
                ..filter
            },
            after,
            limit,
            count: true,
        });
        read(self.ask(actor, request).await?)
    }

    /// How full a mailbox is.
    pub(crate) async fn usage<T: Resource>(
        &self,
        actor: &Actor,
        name: &str,
    ) -> Result<Usage, Problem> {
        require(actor, T::READ, T::KIND, name)?;
        let request = Request::Usage {
            kind: T::KIND,
            name: name.to_owned(),
        };
        read(self.ask(actor, request).await?)
    }

    /// Suspends a user, or ends that.
    pub(crate) async fn suspend(
        &self,
        actor: &Actor,
        name: &str,
        suspended: bool,
    ) -> Result<Written, Problem> {
        let mut fields = Map::new();
        fields.insert("suspended".to_owned(), suspended.into());
        self.change_account::<User>(actor, name, fields, None).await
    }
}

impl Resource for User {
    const KIND: Kind = Kind::User;
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
        .routes(routes!(suspend))
        .routes(routes!(resume))
        .routes(routes!(usage))
}

/// Lists users, by domain and name.
#[utoipa::path(get, path = "/users", tag = "users", params(Wanted),
    security(("token" = ["account-read"])),
    responses((status = 200, body = List<User>), Refusals))]
async fn list(
    State(console): State<Console>,
    actor: Actor,
    Params(wanted): Params<Wanted>,
) -> Result<Json<List<User>>, Problem> {
    let (filter, page) = wanted.parts();
    console.find(&actor, filter, &page).await.map(Json)
}

/// Adds a user.
#[utoipa::path(post, path = "/users", tag = "users", request_body = NewUser,
    security(("token" = ["account-write"])),
    responses((status = 201, body = Written,
        headers(("location" = String, description = "Where it is."))), Refusals))]
async fn add(
    State(console): State<Console>,
    actor: Actor,
    input::Json(mut fields): input::Json<Map<String, Value>>,
) -> Result<Created<Written>, Problem> {
    actor.require(Right::AccountWrite)?;
    let name = named(&mut fields, "login")?;
    let written = console.add_account::<User>(&actor, &name, fields).await?;
    Ok(created("users", &name, written))
}

/// Shows a user.
#[utoipa::path(get, path = "/users/{name}", tag = "users",
    params(("name" = String, Path, description = "`login@domain`.")),
    security(("token" = ["account-read"])),
    responses((status = 200, body = User,
        headers(("etag" = String, description = "Its revision."))), Refusals))]
async fn show(
    State(console): State<Console>,
    actor: Actor,
    Name(name): Name,
) -> Result<Shown<User>, Problem> {
    console.show(&actor, &name).await.map(Shown)
}

/// Changes the fields that are given.
#[utoipa::path(patch, path = "/users/{name}", tag = "users", request_body = UserFields,
    params(("name" = String, Path, description = "`login@domain`."),
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
    let written = console.change_account::<User>(&actor, &name, fields, revision);
    written.await.map(Json)
}

/// Removes a user.
#[utoipa::path(delete, path = "/users/{name}", tag = "users",
    params(("name" = String, Path, description = "`login@domain`."),
        ("if-match" = Option<String>, Header, description = "The revision it must still have.")),
    security(("token" = ["account-write"])),
    responses((status = 200, body = Written), Refusals))]
async fn remove(
    State(console): State<Console>,
    actor: Actor,
    Name(name): Name,
    IfMatch(revision): IfMatch,
) -> Result<Json<Written>, Problem> {
    let written = console.remove_account::<User>(&actor, &name, revision);
    written.await.map(Json)
}

/// Suspends a user: he neither receives nor logs in.
#[utoipa::path(post, path = "/users/{name}/suspend", tag = "users",
    params(("name" = String, Path, description = "`login@domain`.")),
    security(("token" = ["account-write"])),
    responses((status = 200, body = Written), Refusals))]
async fn suspend(
    State(console): State<Console>,
    actor: Actor,
    Name(name): Name,
) -> Result<Json<Written>, Problem> {
    console.suspend(&actor, &name, true).await.map(Json)
}

/// Ends it.
#[utoipa::path(post, path = "/users/{name}/resume", tag = "users",
    params(("name" = String, Path, description = "`login@domain`.")),
    security(("token" = ["account-write"])),
    responses((status = 200, body = Written), Refusals))]
async fn resume(
    State(console): State<Console>,
    actor: Actor,
    Name(name): Name,
) -> Result<Json<Written>, Problem> {
    console.suspend(&actor, &name, false).await.map(Json)
}

/// Says how full it is, where this server keeps it and it has a quota.
#[utoipa::path(get, path = "/users/{name}/usage", tag = "users",
    params(("name" = String, Path, description = "`login@domain`.")),
    security(("token" = ["account-read"])),
    responses((status = 200, body = Usage), Refusals))]
async fn usage(
    State(console): State<Console>,
    actor: Actor,
    Name(name): Name,
) -> Result<Json<Usage>, Problem> {
    console.usage::<User>(&actor, &name).await.map(Json)
}
