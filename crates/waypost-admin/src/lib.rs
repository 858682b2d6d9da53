//! The console and the HTTP API: how people and scripts administer a running server.
//!
//! A sibling of the mail transfer agent that knows nothing of it: whatever it wants of the running
//! server it asks through [`Control`], in the same requests that the command line makes.

#![deny(missing_docs)]
#![expect(
    unused_qualifications,
    reason = "the macros that describe the API name types by their paths"
)]

mod address;
mod api;
mod assets;
mod auth;
mod console;
mod control;
mod health;
mod input;
mod jobs;
mod live;
mod looks;
mod problem;
pub mod request;
pub mod secret;
mod text;
mod ui;

use axum::Router;

pub use api::description;
pub use console::{Origin, Parts};
pub use control::{Answering, Control};

/// Everything that is served: pages, API, health, metrics.
///
/// Each request must carry an [`Origin`] as an extension.
pub fn router(parts: Parts) -> Router {
    let console = console::Console::new(parts);
    let router = Router::new()
        .merge(api::router())
        .merge(ui::router(&console))
        .merge(health::router())
        .merge(assets::router());
    auth::guarded(router, &console).with_state(console)
}
