//! A form of an earlier session: nothing is done, and nothing that was entered is lost.

use askama::Template;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest as _, Request};
use axum::http::request::Parts;
use axum::response::Response;

use super::layout::{Page, View, again, trouble};
use crate::auth::Actor;
use crate::console::Console;
use crate::input::Fields;
use crate::problem::Problem;

/// Where scripts are answered, in their form.
const API: &str = "/api/";

#[derive(Template)]
#[template(path = "parts/stale.html")]
struct Stale<'a> {
    page: &'a Page,
    fields: &'a Fields,
}

/// What a browser shows instead of a problem; none: a script has asked, and reads the problem.
pub(crate) fn refusal(console: &Console, head: &Parts, problem: &Problem) -> Option<Response> {
    let is_page = !head.uri.path().starts_with(API);
    is_page.then(|| trouble(&View::of(head, console), problem))
}

/// The form once more, to be sent by whoever is logged in now; another site cannot have sent it.
pub(crate) async fn form(
    console: &Console,
    (head, body): (Parts, Bytes),
    actor: Actor,
    problem: &Problem,
) -> Option<Response> {
    if head.uri.path().starts_with(API) {
        return None;
    }
    let page = Page {
        actor,
        view: View::of(&head, console),
    };
    let request = Request::from_parts(head, Body::from(body));
    let fields = Fields::from_request(request, console).await.ok()?;
    let page = &page;
    let stale = Stale {
        page,
        fields: &fields,
    };
    Some(again(problem, &stale))
}
