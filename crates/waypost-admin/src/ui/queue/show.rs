//! One message: envelope, header, recipients, everything that was tried.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::super::layout::trouble;
use super::super::{Page, page as page_of};
use super::history::Step;
use crate::api::v1::message::WholeMessage;
use crate::console::Console;
use crate::input::Name;

#[derive(Template)]
#[template(path = "queue/show.html")]
struct Show<'a> {
    page: &'a Page,
    id: &'a str,
    /// None: it is not in the queue any more.
    whole: Option<WholeMessage>,
    steps: Vec<Step>,
}

pub(super) async fn show(State(console): State<Console>, page: Page, Name(id): Name) -> Response {
    let whole = console.message(&page.actor, &id).await;
    let steps = console.history(&page.actor, &id).await;
    let (whole, steps) = match (whole, steps) {
        (Err(problem), Err(_)) => return trouble(&page, &problem),
        // What cannot be read of the history is left out.
        (whole, steps) => (whole.ok(), steps.unwrap_or_default()),
    };
    let show = Show {
        page: &page,
        id: &id,
        whole,
        steps,
    };
    page_of(&page, Ok(show))
}
