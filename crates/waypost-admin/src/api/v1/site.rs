//! The site as a file.

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderName, header};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::location::{Accepted, Begun, accepted};
use super::super::refusals::Refusals;
use crate::auth::{Actor, Right};
use crate::console::Console;
use crate::input::Params;
use crate::problem::Problem;
use crate::request::{Apply, Request};

/// A site file: of a million users one fits.
const SITE_MAX: usize = 256 << 20;
/// The name that errors give to a site file that came over HTTP.
const FILE: &str = "site file";

/// How a site file is applied.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Application {
    /// Only the plan; nothing is changed.
    pub(crate) dry_run: bool,
    /// What the file does not name is removed.
    pub(crate) prune: bool,
    /// Peers are not asked about new addresses.
    pub(crate) force: bool,
}

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(export, apply))
        .layer(DefaultBodyLimit::max(SITE_MAX))
}

/// Prints the directory as a site file.
#[utoipa::path(get, path = "/site", tag = "site", security(("token" = ["site"])),
    responses((status = 200, body = String, content_type = "application/toml"), Refusals))]
async fn export(
    State(console): State<Console>,
    actor: Actor,
) -> Result<([(HeaderName, &'static str); 1], String), Problem> {
    actor.require_everywhere(Right::Site)?;
    let value = console.ask(&actor, Request::Export).await?;
    let text = value.get("site_file").and_then(Value::as_str);
    let text = text.ok_or_else(Problem::internal)?.to_owned();
    Ok(([(header::CONTENT_TYPE, "application/toml")], text))
}

/// Makes the directory what a site file says, as a job.
#[utoipa::path(post, path = "/site", tag = "site", params(Application),
    request_body(content = String, content_type = "application/toml"),
    security(("token" = ["site"])),
    responses((status = 202, body = Begun,
        headers(("location" = String, description = "The job."))), Refusals))]
async fn apply(
    State(console): State<Console>,
    actor: Actor,
    Params(how): Params<Application>,
    text: String,
) -> Result<Accepted, Problem> {
    console.apply(&actor, how, text).map(accepted)
}

impl Console {
    /// Begins to apply a site file.
    pub(crate) fn apply(
        &self,
        actor: &Actor,
        how: Application,
        text: String,
    ) -> Result<u64, Problem> {
        actor.require_everywhere(Right::Site)?;
        let request = Request::Apply(Apply {
            file: FILE.to_owned(),
            text,
            dry_run: how.dry_run,
            prune: how.prune,
            force: how.force,
        });
        self.begin(actor, "site-apply", request)
    }
}
