//! The session of a browser or a script.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::AppendHeaders;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::refusals::Refusals;
use crate::auth::{Actor, Attempt, Cookie, Proof, log_in};
use crate::console::{Console, Origin};
use crate::input;
use crate::problem::Problem;

/// Login and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    #[schema(example = "admin0")]
    login: String,
    #[schema(format = Password)]
    password: String,
}

/// Who is logged in, and what he may do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Session {
    login: String,
    /// `superadministrator`, `domain-administrator`, `user-administrator` or `helpdesk`.
    role: String,
    /// His domains; `*`: all.
    domains: Vec<String>,
    /// What he may beyond his role.
    grants: Vec<String>,
    /// What changes of this session must say in `X-CSRF-Token`; missing with a token.
    csrf: Option<String>,
}

/// What a change of a new session must carry.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SessionBegun)]
pub(crate) struct Begun {
    /// For `X-CSRF-Token`.
    csrf: String,
    /// A password of one's own must be chosen first.
    must_change: bool,
}

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(show, begin, end))
}

/// Shows who is logged in.
#[utoipa::path(get, path = "/session", tag = "session", security(("token" = ["own"])),
    responses((status = 200, body = Session), Refusals))]
async fn show(actor: Actor) -> Json<Session> {
    Json(Session {
        role: actor.role.to_string(),
        domains: actor.scope.words(),
        grants: actor
            .grants
            .iter()
            .map(|grant| grant.as_str().to_owned())
            .collect(),
        csrf: match actor.proof {
            Proof::Session { csrf, .. } => Some(csrf),
            Proof::Token(_) => None,
        },
        login: actor.login,
    })
}

/// Logs in; the first cookie is the session, the second one lets its owner log in there though
/// others guess his password.
#[utoipa::path(post, path = "/session", tag = "session", request_body = Credentials, security(()),
    responses((status = 200, body = Begun,
        headers(("set-cookie" = String, description = "The session."))), Refusals))]
async fn begin(
    State(console): State<Console>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    input::Json(credentials): input::Json<Credentials>,
) -> Result<(AppendHeaders<[(HeaderName, HeaderValue); 2]>, Json<Begun>), Problem> {
    let attempt = Attempt {
        login: &credentials.login,
        password: credentials.password,
        origin,
        headers: &headers,
    };
    let logged_in = log_in(&console, attempt).await?;
    let session = console.sessions.find(&logged_in.id, console.now());
    let session = session.ok_or_else(Problem::internal)?;
    let begun = Begun {
        csrf: session.csrf,
        must_change: session.must_change,
    };
    Ok((logged_in.cookies, Json(begun)))
}

/// Logs out.
#[utoipa::path(delete, path = "/session", tag = "session", security(("session" = ["own"])),
    responses((status = 204), Refusals))]
async fn end(
    State(console): State<Console>,
    actor: Actor,
) -> (StatusCode, [(HeaderName, HeaderValue); 1]) {
    if let Proof::Session { id, .. } = &actor.proof {
        console.sessions.end(id);
    }
    (
        StatusCode::NO_CONTENT,
        [(header::SET_COOKIE, Cookie::clear())],
    )
}
