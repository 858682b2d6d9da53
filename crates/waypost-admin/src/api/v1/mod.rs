//! The first version: one file for each resource.

pub(crate) mod admins;
pub(crate) mod domains;
pub(crate) mod jobs;
pub(crate) mod messages;
pub(crate) mod overview;
pub(crate) mod session;
pub(crate) mod site;
pub(crate) mod statistics;
pub(crate) mod tokens;

use utoipa_axum::router::OpenApiRouter;

use crate::console::Console;

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .merge(admins::router())
        .merge(domains::router())
        .merge(jobs::router())
        .merge(messages::router())
        .merge(overview::router())
        .merge(session::router())
        .merge(site::router())
        .merge(statistics::router())
        .merge(tokens::router())
}
