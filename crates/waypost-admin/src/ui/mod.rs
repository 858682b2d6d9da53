//! The pages of the console: one file for each resource, as in the API.

mod account_form;
mod address;
mod admins;
mod ask;
mod audit;
mod cache;
mod directory;
mod domains;
mod explain;
mod form;
mod gateways;
mod jobs;
mod label;
mod layout;
mod overview;
mod paged;
mod pager;
mod queue;
mod session;
mod shared;
mod sharing;
pub(crate) mod stale;
mod system;
mod targets;
mod test_message;
mod tokens;
mod trace;
mod until;
mod users;

use axum::Router;
use axum::middleware::from_fn_with_state;

use crate::console::Console;
use layout::{Page, page};

/// All pages.
pub(crate) fn router(console: &Console) -> Router<Console> {
    Router::new()
        .merge(admins::router())
        .merge(audit::router())
        .merge(cache::router())
        .merge(directory::router())
        .merge(domains::router())
        .merge(explain::router())
        .merge(gateways::router())
        .merge(jobs::router())
        .merge(overview::router())
        .merge(queue::router())
        .merge(session::router())
        .merge(sharing::router())
        .merge(targets::router())
        .merge(system::router())
        .merge(tokens::router())
        .merge(test_message::router())
        .merge(trace::router())
        .merge(shared::router())
        .merge(users::router())
        .fallback(paged::nothing)
        .method_not_allowed_fallback(paged::not_so)
        .layer(from_fn_with_state(console.clone(), paged::problems))
}
