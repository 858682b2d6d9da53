//! Supervised domains.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use super::{Page, page as page_of};
use crate::api::List;
use crate::api::v1::domains::{Domain, Wanted};
use crate::console::Console;
use crate::input::Params;

pub(crate) fn router() -> Router<Console> {
    Router::new().route("/domains", get(list))
}

#[derive(Template)]
#[template(path = "domains/list.html")]
struct Domains<'a> {
    page: &'a Page,
    domains: List<Domain>,
}

async fn list(
    State(console): State<Console>,
    page: Page,
    Params(wanted): Params<Wanted>,
) -> Response {
    let domains = console.domains(&page.actor, &wanted).await;
    let made = domains.map(|domains| Domains {
        page: &page,
        domains,
    });
    page_of(&page, made)
}

impl Domain {
    /// Its role in words: `master`, `slave`, `shared`, `plain`.
    pub(crate) fn role(&self) -> &'static str {
        match (&self.relay, self.forward_unknown, self.sharing.is_empty()) {
            (Some(_), true, _) => "slave",
            (Some(_), false, _) => "master",
            (None, _, false) => "shared",
            (None, _, true) => "plain",
        }
    }
}
