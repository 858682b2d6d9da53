//! The HTTP API: everything that the console and the command line can do.

mod location;
mod objects;
mod refusals;
pub(crate) mod v1;

use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Info, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use waypost_directory::Role;

use crate::auth::Right;
use crate::console::Console;
use crate::problem::Problem;

pub(crate) use objects::{List, Page, read};

/// What the version of the API is.
const VERSION: &str = "1";

/// `/api/…`
pub(crate) fn router() -> Router<Console> {
    let (router, document) = parts();
    router
        .route("/api/openapi.json", get(async move || Json(document)))
        .route("/api/{*rest}", axum::routing::any(nothing))
        .method_not_allowed_fallback(not_so)
}

/// The API's description (OpenAPI 3.1), made from its code.
#[must_use]
pub fn description() -> OpenApi {
    parts().1
}

fn parts() -> (Router<Console>, OpenApi) {
    let (router, mut document) = OpenApiRouter::new()
        .nest("/api/v1", v1::router())
        .split_for_parts();
    document.info = Info::new("Waypost", VERSION);
    document.info.description = Some(
        "Administers a running Waypost server. The scopes of an operation's security name the \
         right that it needs."
            .to_owned(),
    );
    let roles = Extensions::builder()
        .add("x-waypost-rights", rights())
        .build();
    document.info.extensions = Some(roles);
    let components = document.components.get_or_insert_default();
    let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let session = ApiKey::Cookie(ApiKeyValue::new("waypost_session"));
    components.add_security_scheme("token", token);
    components.add_security_scheme("session", SecurityScheme::ApiKey(session));
    (router, document)
}

/// Which roles have which right, in their domains; `routing` is a grant.
fn rights() -> Value {
    let rights = Right::ALL.map(|right| {
        let roles = Role::ALL.into_iter().filter(|role| right.is_of(*role, &[]));
        let roles: Vec<_> = roles.map(Role::as_str).collect();
        (right.word().to_owned(), Value::from(roles))
    });
    Value::Object(rights.into_iter().collect())
}

async fn nothing() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "there is nothing here; /api/openapi.json says what there is",
    )
}

async fn not_so() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this cannot be done here; /api/openapi.json says what can",
    )
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_committed_description_is_the_one_that_the_code_makes() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let committed = fs::read_to_string(root.join("docs/api/openapi.json"));
        let made = serde_json::to_string_pretty(&description()).unwrap();
        assert!(
            committed.unwrap_or_default().trim_end() == made,
            "docs/api/openapi.json is old: run `make api-description`"
        );
    }

    #[test]
    fn no_two_schemas_have_the_same_name() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api/v1");
        let mut names: Vec<String> = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            for part in text.split("ToSchema)]").skip(1) {
                let head = part.split('{').next().unwrap();
                let given = head.split("schema(as = ").nth(1);
                let given = given.and_then(|rest| rest.split(')').next());
                let written = head.split_whitespace().last();
                names.push(given.or(written).unwrap().to_owned());
            }
        }
        names.sort();
        let twice = names.windows(2).find(|pair| pair[0] == pair[1]);
        assert_eq!(twice, None, "one would hide the other in the description");
    }
}
