//! The pages of the console: one file for each resource, as in the API.

mod address;
mod ask;
mod domains;
mod jobs;
mod layout;
mod session;

use axum::Router;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;

use crate::console::Console;
use layout::{Page, page};

/// All pages.
pub(crate) fn router() -> Router<Console> {
    Router::new()
        .route("/", get(home))
        .merge(domains::router())
        .merge(jobs::router())
        .merge(session::router())
}

async fn home() -> Response {
    Redirect::to("/domains").into_response()
}
