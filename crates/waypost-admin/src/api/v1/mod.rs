//! The first version: one file for each resource.

pub(crate) mod admins;
pub(crate) mod audit;
pub(crate) mod cache;
pub(crate) mod domains;
pub(crate) mod explain;
pub(crate) mod jobs;
pub(crate) mod messages;
pub(crate) mod overview;
pub(crate) mod session;
pub(crate) mod site;
pub(crate) mod statistics;
pub(crate) mod tokens;
pub(crate) mod trace;

use utoipa_axum::router::OpenApiRouter;

use crate::console::Console;

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .merge(admins::router())
        .merge(audit::router())
        .merge(cache::router())
        .merge(domains::router())
        .merge(explain::router())
        .merge(jobs::router())
        .merge(messages::router())
        .merge(overview::router())
        .merge(session::router())
        .merge(site::router())
        .merge(statistics::router())
        .merge(tokens::router())
        .merge(trace::router())
}
