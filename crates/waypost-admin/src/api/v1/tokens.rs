//! Tokens: what scripts log in with.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use waypost_directory::{Grant, Role, Scope};

use super::super::location::{Created, created};
use super::super::objects::{List, Page, Written, read};
use super::super::refusals::Refusals;
use super::admins::{GrantWord, RoleWord};
use crate::auth::{Actor, Proof, Right};
use crate::console::Console;
use crate::input::{self, Name, Params};
use crate::problem::Problem;
use crate::request::{self, Request, TokenRequest, words};

/// Days that a token is good for when nobody says otherwise.
pub(crate) const DAYS: u64 = 90;
const DAY_S: u64 = 86_400;

/// A token, without its secret.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Token {
    /// Its public name.
    #[schema(example = "abcdefgh")]
    pub(crate) id: String,
    /// The login of the administrator whose it is.
    pub(crate) admin: String,
    /// What it is for.
    pub(crate) name: String,
    /// What it may do; never more than its administrator may now.
    pub(crate) role: RoleWord,
    /// Where, by main names; `*`: everywhere.
    pub(crate) domains: Vec<String>,
    /// And what else.
    pub(crate) grants: Vec<GrantWord>,
    /// When it was made.
    #[schema(format = DateTime)]
    pub(crate) created_at: String,
    /// From when on it is worth nothing.
    #[schema(format = DateTime)]
    pub(crate) expires_at: String,
    /// When it was last used, to a minute.
    #[schema(format = DateTime)]
    pub(crate) last_used_at: Option<String>,
}

/// A token to make.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewToken {
    /// The login of the administrator whose it will be; missing: oneself.
    #[serde(default)]
    pub(crate) admin: Option<String>,
    /// What it is for.
    #[schema(example = "nightly import")]
    pub(crate) name: String,
    /// What it may do; missing: all that he may.
    #[serde(default)]
    pub(crate) role: Option<RoleWord>,
    /// Where; missing: wherever he may.
    #[serde(default)]
    pub(crate) domains: Option<Vec<String>>,
    /// And what else; missing: whatever he may.
    #[serde(default)]
    pub(crate) grants: Option<Vec<GrantWord>>,
    /// Seconds that it is good for; missing: 90 days.
    #[schema(minimum = 1, maximum = 316_224_000)]
    #[serde(default)]
    pub(crate) expires_s: Option<u64>,
}

/// A token that was made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct NewSecret {
    /// Its public name.
    pub(crate) id: String,
    /// The token, for `Authorization: Bearer`; it is never told again.
    pub(crate) secret: String,
    /// From when on it is worth nothing.
    #[schema(format = DateTime)]
    pub(crate) expires_at: String,
    /// Allowed, but worth knowing.
    pub(crate) notes: Vec<String>,
}

/// Which tokens are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Only those of this administrator; who is no superadministrator sees his own alone.
    pub(crate) admin: Option<String>,
    /// What the answer before said comes next.
    pub(crate) after: Option<String>,
    /// Most tokens.
    #[param(minimum = 1, maximum = 500)]
    pub(crate) limit: Option<usize>,
}

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(show, revoke))
}

/// Lists one's own tokens; a superadministrator sees all.
#[utoipa::path(get, path = "/tokens", tag = "tokens", params(Wanted),
    security(("token" = ["own"])),
    responses((status = 200, body = List<Token>), Refusals))]
async fn list(
    State(console): State<Console>,
    actor: Actor,
    Params(wanted): Params<Wanted>,
) -> Result<Json<List<Token>>, Problem> {
    console.tokens(&actor, wanted).await.map(Json)
}

/// Makes a token with no more rights than one has; not with a token, unless it is a
/// superadministrator's.
#[utoipa::path(post, path = "/tokens", tag = "tokens", request_body = NewToken,
    security(("token" = ["own"])),
    responses((status = 201, body = NewSecret,
        headers(("location" = String, description = "Where it is."))), Refusals))]
async fn add(
    State(console): State<Console>,
    actor: Actor,
    input::Json(new): input::Json<NewToken>,
) -> Result<Created<NewSecret>, Problem> {
    let made = console.add_token(&actor, new).await?;
    Ok(created("tokens", &made.id.clone(), made))
}

/// Shows a token without its secret.
#[utoipa::path(get, path = "/tokens/{id}", tag = "tokens",
    params(("id" = String, Path, description = "Its public name.")),
    security(("token" = ["own"])),
    responses((status = 200, body = Token), Refusals))]
async fn show(
    State(console): State<Console>,
    actor: Actor,
    Name(id): Name,
) -> Result<Json<Token>, Problem> {
    console.token(&actor, &id).await.map(Json)
}

/// Makes a token worthless, for ever.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "tokens",
    params(("id" = String, Path, description = "Its public name.")),
    security(("token" = ["own"])),
    responses((status = 200, body = Written), Refusals))]
async fn revoke(
    State(console): State<Console>,
    actor: Actor,
    Name(id): Name,
) -> Result<Json<Written>, Problem> {
    console.revoke_token(&actor, &id).await.map(Json)
}

impl Console {
    /// A page of the tokens that he sees.
    pub(crate) async fn tokens(
        &self,
        actor: &Actor,
        wanted: Wanted,
    ) -> Result<List<Token>, Problem> {
        actor.require(Right::Own)?;
        let admin = match actor.may(Right::Admin) {
            true => wanted.admin,
            false => Some(actor.login.clone()),
        };
        let page = Page {
            after: wanted.after,
            limit: wanted.limit,
        };
        let request = TokenRequest::List {
            admin,
            after: page.number()?,
            limit: page.limit(),
        };
        read(self.ask(actor, Request::Token(request)).await?)
    }

    /// One, if it is his.
    pub(crate) async fn token(&self, actor: &Actor, id: &str) -> Result<Token, Problem> {
        actor.require(Right::Own)?;
        let request = TokenRequest::Show { id: id.to_owned() };
        let token: Token = read(self.ask(actor, Request::Token(request)).await?)?;
        if token.admin != actor.login && !actor.may(Right::Admin) {
            let words = words::TOKEN_UNKNOWN.having("id", id);
            return Err(Problem::of(StatusCode::NOT_FOUND, words));
        }
        Ok(token)
    }

    /// Makes one that may no more than who makes it.
    pub(crate) async fn add_token(
        &self,
        actor: &Actor,
        new: NewToken,
    ) -> Result<NewSecret, Problem> {
        actor.require(Right::Own)?;
        // Else one that was stolen could make itself last.
        if matches!(actor.proof, Proof::Token(_)) && !actor.may(Right::Admin) {
            let detail = "a token makes no tokens; log in for that";
            return Err(Problem::new(StatusCode::FORBIDDEN, detail));
        }
        let mut new = request::NewToken {
            admin: new.admin.unwrap_or_else(|| actor.login.clone()),
            name: new.name,
            role: new.role.map(|role| role.word().to_owned()),
            domains: new.domains,
            grants: new
                .grants
                .map(|all| all.iter().map(|grant| grant.word().to_owned()).collect()),
            expires_s: new.expires_s.unwrap_or(DAYS * DAY_S),
        };
        if !actor.may(Right::Admin) {
            within(actor, &mut new)?;
        }
        read(
            self.ask(actor, Request::Token(TokenRequest::Add(new)))
                .await?,
        )
    }

    /// Makes one worthless, if it is his.
    pub(crate) async fn revoke_token(&self, actor: &Actor, id: &str) -> Result<Written, Problem> {
        self.token(actor, id).await?;
        let request = TokenRequest::Revoke { id: id.to_owned() };
        read(self.ask(actor, Request::Token(request)).await?)
    }
}

impl GrantWord {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Routing => Grant::Routing.as_str(),
        }
    }
}

/// What is left out becomes what he may himself; more than that is refused.
fn within(actor: &Actor, new: &mut request::NewToken) -> Result<(), Problem> {
    if new.admin != actor.login {
        return Err(Problem::forbidden());
    }
    let role = new.role.get_or_insert_with(|| actor.role.to_string());
    if Role::parse(role).is_none_or(|role| !role.within(actor.role)) {
        let words = words::TOKEN_BEYOND_ROLE.having("role", &actor.role);
        return Err(Problem::field("role", words));
    }
    let domains = new.domains.get_or_insert_with(|| actor.scope.words());
    if Scope::from_words(domains).is_none_or(|scope| !scope.within(&actor.scope)) {
        let own = actor.scope.words().join(", ");
        let words = words::TOKEN_BEYOND_DOMAINS.having("domains", &own);
        return Err(Problem::field("domains", words));
    }
    let own = || actor.grants.iter().map(|grant| grant.as_str().to_owned());
    let grants = new.grants.get_or_insert_with(|| own().collect());
    if grants.iter().any(|grant| own().all(|own| own != *grant)) {
        return Err(Problem::field("grants", words::TOKEN_BEYOND_GRANTS));
    }
    Ok(())
}
