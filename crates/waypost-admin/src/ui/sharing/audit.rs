//! All addresses of a domain compared with its peers.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::super::form::Form;
use super::super::layout::trouble;
use super::super::{Page, page as page_of};
use crate::console::Console;
use crate::input::Name;
use crate::jobs::{Job, State as Stage};
use crate::live;
use crate::problem::Problem;
use crate::request::words;

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route("/sharing/audit", post(begin))
        .route("/sharing/audits/{id}", get(show))
        .route("/sharing/audits/{id}/live", get(follow))
}

/// What an audit has found.
#[derive(Debug, Deserialize)]
struct Audit {
    domain: String,
    at: String,
    addresses: u64,
    conflicts: Vec<Finding>,
    conflict_count: u64,
    unchecked: Vec<Finding>,
    unchecked_count: u64,
}

/// An address that another server has, or did not say whether.
#[derive(Debug, Deserialize)]
struct Finding {
    address: String,
    here: String,
    peer: String,
    says: String,
}

impl Audit {
    /// The keys of their titles, and what was found.
    fn lists(&self) -> [(&'static str, &[Finding]); 2] {
        [
            ("sharing-audit-twice", &self.conflicts),
            ("sharing-audit-unchecked", &self.unchecked),
        ]
    }
}

#[derive(Template)]
#[template(path = "sharing/audit.html")]
struct Show<'a> {
    page: &'a Page,
    job: Job,
    audit: Option<Audit>,
}

#[derive(Template)]
#[template(path = "sharing/audited.html")]
struct Audited<'a> {
    page: &'a Page,
    job: Job,
    audit: Option<Audit>,
}

async fn begin(State(console): State<Console>, page: Page, form: Form) -> Response {
    let domain = form.get("domain");
    match console.audit_sharing(&page.actor, domain).await {
        Ok(job) => Redirect::to(&format!("/sharing/audits/{job}")).into_response(),
        Err(problem) => trouble(&page, &problem),
    }
}

async fn show(State(console): State<Console>, page: Page, Name(id): Name) -> Response {
    let job = job(&console, &page, &id);
    let made = job.map(|job| Show {
        page: &page,
        audit: found(&job),
        job,
    });
    page_of(&page, made)
}

async fn follow(
    State(console): State<Console>,
    page: Page,
    Name(id): Name,
) -> Result<Response, Problem> {
    job(&console, &page, &id)?;
    live::fragments(move || {
        let audited = job(&console, &page, &id).ok().map(|job| Audited {
            page: &page,
            audit: found(&job),
            job,
        });
        let html = audited.and_then(|audited| audited.render().ok());
        async move { html }
    })
}

fn job(console: &Console, page: &Page, id: &str) -> Result<Job, Problem> {
    let missing = || Problem::of(StatusCode::NOT_FOUND, words::JOB_UNKNOWN.having("id", id));
    let number = id.parse().map_err(|_| missing())?;
    let job = console.job(&page.actor, number)?;
    (job.what == "sharing-audit")
        .then_some(job)
        .ok_or_else(missing)
}

fn found(job: &Job) -> Option<Audit> {
    match &job.state {
        Stage::Done(value) => serde_json::from_value(value.clone()).ok(),
        _ => None,
    }
}
