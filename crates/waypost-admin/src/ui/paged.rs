//! Whatever goes wrong before a page is made is shown as a page too.

use axum::body::to_bytes;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::layout::{View, trouble};
use crate::console::Console;
use crate::problem::Problem;
use crate::request::words;

/// A problem is a few sentences.
const PROBLEM_MAX: usize = 1 << 20;

/// Makes a page of a problem that a handler of pages answers with.
pub(super) async fn problems(
    State(console): State<Console>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(view) = View::from_request_parts(&mut parts, &console).await;
    let response = next.run(Request::from_parts(parts, body)).await;
    let kind = response.headers().get(header::CONTENT_TYPE);
    if kind.is_none_or(|kind| kind != "application/problem+json") {
        return response;
    }
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body, PROBLEM_MAX).await.unwrap_or_default();
    let problem = serde_json::from_slice(&bytes);
    let problem: Problem = problem.unwrap_or_else(|_| Problem::internal());
    let mut page = trouble(&view, &problem);
    if let Some(wait) = head.headers.get(header::RETRY_AFTER) {
        page.headers_mut().insert(header::RETRY_AFTER, wait.clone());
    }
    page
}

/// An address that is no page.
pub(super) async fn nothing() -> Problem {
    Problem::of(StatusCode::NOT_FOUND, words::PAGE_UNKNOWN)
}

/// A form that was loaded as a page.
pub(super) async fn not_so() -> Problem {
    Problem::of(StatusCode::METHOD_NOT_ALLOWED, words::FORM_ONLY)
}
