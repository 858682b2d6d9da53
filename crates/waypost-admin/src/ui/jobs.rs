//! Work that is under way: its page, and its progress while it is open.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};

use super::{Page, page as page_of};
use crate::console::Console;
use crate::input::Name;
use crate::jobs::{Job, State as Stage};
use crate::live;
use crate::problem::Problem;

pub(crate) fn router() -> Router<Console> {
    Router::new()
        .route("/jobs/{id}", get(show))
        .route("/jobs/{id}/cancel", post(cancel))
        .route("/jobs/{id}/live", get(follow))
}

#[derive(Template)]
#[template(path = "jobs/show.html")]
struct Show<'a> {
    page: &'a Page,
    job: Job,
}

#[derive(Template)]
#[template(path = "jobs/progress.html")]
struct Progress<'a> {
    page: &'a Page,
    job: &'a Job,
}

impl Job {
    /// The summary of what came of it.
    pub(crate) fn summary(&self) -> Option<&str> {
        match &self.state {
            Stage::Done(value) => value.get("summary").and_then(serde_json::Value::as_str),
            Stage::Failed(refused) => Some(&refused.message),
            Stage::Running(_) => None,
        }
    }
}

async fn show(State(console): State<Console>, page: Page, Name(id): Name) -> Response {
    let job = number(&id).and_then(|id| console.job(&page.actor, id));
    let made = job.map(|job| Show { page: &page, job });
    page_of(&page, made)
}

async fn cancel(State(console): State<Console>, page: Page, Name(id): Name) -> Response {
    match number(&id).and_then(|id| console.job(&page.actor, id)) {
        Ok(job) => {
            job.cancel();
            axum::response::Redirect::to(&format!("/jobs/{}", job.id)).into_response()
        }
        Err(problem) => super::layout::trouble(&page, &problem),
    }
}

async fn follow(
    State(console): State<Console>,
    page: Page,
    Name(id): Name,
) -> Result<Response, Problem> {
    let id = number(&id)?;
    console.job(&page.actor, id)?;
    live::fragments(move || {
        let job = console.job(&page.actor, id).ok();
        let progress = job
            .as_ref()
            .and_then(|job| Progress { page: &page, job }.render().ok());
        async move { progress }
    })
}

fn number(id: &str) -> Result<u64, Problem> {
    let missing = |_| Problem::new(axum::http::StatusCode::NOT_FOUND, format!("no job {id}"));
    id.parse().map_err(missing)
}
