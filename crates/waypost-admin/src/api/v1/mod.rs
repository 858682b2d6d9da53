//! The first version: one file for each resource.

pub(crate) mod accounts;
pub(crate) mod admins;
pub(crate) mod audit;
pub(crate) mod cache;
pub(crate) mod domain_change;
pub(crate) mod domain_list;
pub(crate) mod domains;
pub(crate) mod explain;
pub(crate) mod gateways;
pub(crate) mod groups;
pub(crate) mod health;
pub(crate) mod holds;
pub(crate) mod jobs;
pub(crate) mod keys;
pub(crate) mod mailboxes;
pub(crate) mod message;
pub(crate) mod messages;
pub(crate) mod overview;
pub(crate) mod peers;
pub(crate) mod queue;
pub(crate) mod session;
pub(crate) mod site;
pub(crate) mod statistics;
pub(crate) mod system;
pub(crate) mod targets;
pub(crate) mod tokens;
pub(crate) mod trace;
pub(crate) mod trial;
pub(crate) mod users;
pub(crate) mod users_many;

use utoipa_axum::router::OpenApiRouter;

use crate::console::Console;

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .merge(admins::router())
        .merge(audit::router())
        .merge(cache::router())
        .merge(domain_change::router())
        .merge(domains::router())
        .merge(explain::router())
        .merge(health::router())
        .merge(holds::router())
        .merge(groups::router())
        .merge(gateways::router())
        .merge(peers::router())
        .merge(jobs::router())
        .merge(keys::router())
        .merge(messages::router())
        .merge(mailboxes::router())
        .merge(overview::router())
        .merge(queue::router())
        .merge(session::router())
        .merge(site::router())
        .merge(statistics::router())
        .merge(targets::router())
        .merge(system::router())
        .merge(tokens::router())
        .merge(trace::router())
        .merge(users::router())
        .merge(users_many::router())
}
