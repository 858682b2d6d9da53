//! Administrators.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::location::{Created, created};
use super::super::objects::{List, Page, Resource, Shown, Written, complete, text};
use super::super::refusals::Refusals;
use crate::auth::{Actor, Right};
use crate::console::Console;
use crate::input::{self, IfMatch, Name, Params};
use crate::problem::Problem;
use crate::request::{Kind, words};
use crate::secret;

/// Shortest password of an administrator.
pub(crate) const PASSWORD_MIN: usize = 10;

/// Somebody with administrative rights.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Admin {
    /// The name to log in with; with an `@`: a user's, who logs in with his own password.
    #[schema(example = "berta")]
    pub(crate) login: String,
    /// What people call him.
    pub(crate) name: String,
    /// What he may do.
    pub(crate) role: RoleWord,
    /// Where, by main names; `*`: everywhere.
    pub(crate) domains: Vec<String>,
    /// And what else.
    pub(crate) grants: Vec<GrantWord>,
    /// He has a password of his own.
    pub(crate) has_password: bool,
    /// At the next login he must choose another one.
    pub(crate) must_change: bool,
    /// Neither logs in, nor do his tokens.
    pub(crate) suspended: bool,
    /// What a change names in `If-Match`.
    pub(crate) revision: u64,
}

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RoleWord {
    /// Everything inside his domains.
    DomainAdministrator,
    /// Reads and explains; changes nothing.
    Helpdesk,
    /// Everything.
    Superadministrator,
    /// Users and their mail settings.
    UserAdministrator,
}

/// What somebody may beyond his role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum GrantWord {
    /// Where mail of his domains goes.
    Routing,
}

/// The fields of an administrator that are set.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of a body, for the description")]
pub(crate) struct AdminFields {
    name: Option<String>,
    role: Option<RoleWord>,
    domains: Option<Vec<String>>,
    grants: Option<Vec<GrantWord>>,
    suspended: Option<bool>,
}

/// An administrator to make.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of a body, for the description")]
pub(crate) struct NewAdmin {
    /// The name to log in with.
    #[schema(example = "berta")]
    login: String,
    name: Option<String>,
    role: RoleWord,
    /// Needed, but for a superadministrator.
    domains: Option<Vec<String>>,
    grants: Option<Vec<GrantWord>>,
    suspended: Option<bool>,
    /// Missing: one for the first login is made, and told in the answer.
    #[schema(format = Password, min_length = 10)]
    password: Option<String>,
}

/// A password to set.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPassword {
    /// Missing: one for the next login is made, and told in the answer.
    #[schema(format = Password, min_length = 10)]
    #[serde(default)]
    pub(crate) password: Option<String>,
    /// Whether another one must be chosen at the next login.
    #[serde(default)]
    pub(crate) must_change: Option<bool>,
}

/// What a new administrator, or a new password, came to.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Made {
    /// Allowed, but worth knowing.
    pub(crate) notes: Vec<String>,
    /// The password that was made, told this once.
    #[serde(default)]
    pub(crate) password: Option<String>,
}

impl Resource for Admin {
    const KIND: Kind = Kind::Admin;
    const READ: Right = Right::Admin;
    const WRITE: Right = Right::Admin;

    fn revision(&self) -> u64 {
        self.revision
    }
}

impl RoleWord {
    pub(crate) const ALL: [Self; 4] = [
        Self::Superadministrator,
        Self::DomainAdministrator,
        Self::UserAdministrator,
        Self::Helpdesk,
    ];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::DomainAdministrator => "domain-administrator",
            Self::Helpdesk => "helpdesk",
            Self::Superadministrator => "superadministrator",
            Self::UserAdministrator => "user-administrator",
        }
    }
}

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(show, change, remove))
        .routes(routes!(set_password))
}

/// Lists administrators.
#[utoipa::path(get, path = "/admins", tag = "admins", params(Page),
    security(("token" = ["admin"])),
    responses((status = 200, body = List<Admin>), Refusals))]
async fn list(
    State(console): State<Console>,
    actor: Actor,
    Params(page): Params<Page>,
) -> Result<Json<List<Admin>>, Problem> {
    console.admins(&actor, &page).await.map(Json)
}

/// Adds an administrator.
#[utoipa::path(post, path = "/admins", tag = "admins", request_body = NewAdmin,
    security(("token" = ["admin"])),
    responses((status = 201, body = Made,
        headers(("location" = String, description = "Where he is."))), Refusals))]
async fn add(
    State(console): State<Console>,
    actor: Actor,
    input::Json(mut fields): input::Json<Map<String, Value>>,
) -> Result<Created<Made>, Problem> {
    actor.require_everywhere(Right::Admin)?;
    complete(&fields, &["login", "role"])?;
    let login = text(&mut fields, "login")?;
    let made = console.add_admin(&actor, &login, fields).await?;
    Ok(created("admins", &login, made))
}

/// Shows an administrator.
#[utoipa::path(get, path = "/admins/{login}", tag = "admins",
    params(("login" = String, Path, description = "His login.")),
    security(("token" = ["admin"])),
    responses((status = 200, body = Admin,
        headers(("etag" = String, description = "The revision."))), Refusals))]
async fn show(
    State(console): State<Console>,
    actor: Actor,
    Name(login): Name,
) -> Result<Shown<Admin>, Problem> {
    console.show(&actor, &login).await.map(Shown)
}

/// Changes the fields that are given.
#[utoipa::path(patch, path = "/admins/{login}", tag = "admins", request_body = AdminFields,
    params(("login" = String, Path, description = "His login."),
        ("if-match" = Option<String>, Header, description = "The revision he must still have.")),
    security(("token" = ["admin"])),
    responses((status = 200, body = Written), Refusals))]
async fn change(
    State(console): State<Console>,
    actor: Actor,
    Name(login): Name,
    IfMatch(revision): IfMatch,
    input::Json(fields): input::Json<Map<String, Value>>,
) -> Result<Json<Written>, Problem> {
    for field in ["password", "must_change"] {
        if fields.contains_key(field) {
            let mend = "post it to /api/v1/admins/{login}/password";
            return Err(Problem::key(field, "is not set here", mend));
        }
    }
    let written = console.change::<Admin>(&actor, &login, fields, revision);
    written.await.map(Json)
}

/// Removes an administrator with his tokens.
#[utoipa::path(delete, path = "/admins/{login}", tag = "admins",
    params(("login" = String, Path, description = "His login."),
        ("if-match" = Option<String>, Header, description = "The revision he must still have.")),
    security(("token" = ["admin"])),
    responses((status = 200, body = Written), Refusals))]
async fn remove(
    State(console): State<Console>,
    actor: Actor,
    Name(login): Name,
    IfMatch(revision): IfMatch,
) -> Result<Json<Written>, Problem> {
    let written = console.remove_admin(&actor, &login, revision);
    written.await.map(Json)
}

/// Sets the password of an administrator, and ends his sessions.
#[utoipa::path(post, path = "/admins/{login}/password", tag = "admins",
    request_body = NewPassword,
    params(("login" = String, Path, description = "His login.")),
    security(("token" = ["admin"])),
    responses((status = 200, body = Made), Refusals))]
async fn set_password(
    State(console): State<Console>,
    actor: Actor,
    Name(login): Name,
    input::Json(new): input::Json<NewPassword>,
) -> Result<Json<Made>, Problem> {
    console.set_password(&actor, &login, new).await.map(Json)
}

impl Console {
    /// A page of the administrators.
    pub(crate) async fn admins(&self, actor: &Actor, page: &Page) -> Result<List<Admin>, Problem> {
        actor.require_everywhere(Right::Admin)?;
        self.page_of(actor, page).await
    }

    /// Makes one, with a password for the first login if none is given.
    pub(crate) async fn add_admin(
        &self,
        actor: &Actor,
        login: &str,
        mut fields: Map<String, Value>,
    ) -> Result<Made, Problem> {
        actor.require_everywhere(Right::Admin)?;
        let mut made = None;
        match fields.get("password") {
            Some(Value::String(password)) => long_enough(password)?,
            Some(_) => {
                let mend = "write a text, or leave it out";
                return Err(Problem::key("password", "is of another type", mend));
            }
            // A user logs in with his own.
            None if login.contains('@') => {}
            None => {
                let password = one_time_password()?;
                fields.insert("password".to_owned(), password.clone().into());
                fields.insert("must_change".to_owned(), true.into());
                made = Some(password);
            }
        }
        let written = self.add::<Admin>(actor, login, fields).await?;
        Ok(Made {
            notes: written.notes,
            password: made,
        })
    }

    /// Removes one; who logs in under the same name later is somebody else.
    pub(crate) async fn remove_admin(
        &self,
        actor: &Actor,
        login: &str,
        revision: Option<u64>,
    ) -> Result<Written, Problem> {
        actor.require_everywhere(Right::Admin)?;
        let written = self.remove::<Admin>(actor, login, revision).await?;
        self.sessions.end_all(login);
        Ok(written)
    }

    /// Sets a password, or makes one for the next login.
    pub(crate) async fn set_password(
        &self,
        actor: &Actor,
        login: &str,
        new: NewPassword,
    ) -> Result<Made, Problem> {
        actor.require_everywhere(Right::Admin)?;
        let is_made = new.password.is_none();
        let password = match new.password {
            Some(password) => {
                long_enough(&password)?;
                password
            }
            None => one_time_password()?,
        };
        let must_change = new.must_change.unwrap_or(true) || is_made;
        let mut fields = Map::new();
        fields.insert("password".to_owned(), password.clone().into());
        fields.insert("must_change".to_owned(), must_change.into());
        let written = self.change::<Admin>(actor, login, fields, None).await?;
        self.sessions.end_all(login);
        Ok(Made {
            notes: written.notes,
            password: is_made.then_some(password),
        })
    }
}

fn long_enough(password: &str) -> Result<(), Problem> {
    if password.chars().count() < PASSWORD_MIN {
        let words = words::PASSWORD_SHORT.having("count", PASSWORD_MIN);
        return Err(Problem::field("password", words));
    }
    Ok(())
}

fn one_time_password() -> Result<String, Problem> {
    secret::one_time_password().map_err(|error| {
        tracing::error!("no password can be made: {error}");
        Problem::internal()
    })
}
