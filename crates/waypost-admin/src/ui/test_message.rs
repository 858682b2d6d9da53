//! A test message: sent, and watched on its way.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use super::layout::again;
use super::{Page, page as page_of};
use crate::address::address;
use crate::auth::Right;
use crate::console::Console;
use crate::input::{Form, Params};
use crate::problem::Problem;

pub(crate) fn router() -> Router<Console> {
    Router::new().route("/test-message", get(ask).post(send))
}

#[derive(Template)]
#[template(path = "test_message/form.html")]
struct Ask<'a> {
    page: &'a Page,
    to: &'a str,
    problem: Option<&'a Problem>,
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    to: String,
}

async fn ask(page: Page, Params(wanted): Params<Wanted>) -> Response {
    let may = page.actor.require(Right::QueueWrite);
    let made = may.map(|()| Ask {
        page: &page,
        to: &wanted.to,
        problem: None,
    });
    page_of(&page, made)
}

async fn send(State(console): State<Console>, page: Page, Form(wanted): Form<Wanted>) -> Response {
    match console.send_test(&page.actor, &wanted.to).await {
        Ok(queued) => {
            let path = [("what", queued.queue_id.as_str()), ("done", "test-message")];
            Redirect::to(&address("/trace", &path)).into_response()
        }
        Err(problem) => again(
            &problem,
            &Ask {
                page: &page,
                to: &wanted.to,
                problem: Some(&problem),
            },
        ),
    }
}
