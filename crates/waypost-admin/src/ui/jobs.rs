//! Work that is under way: its page, and its progress while it is open.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::Value;

use super::layout::View;
use super::{Page, page as page_of};
use crate::api::v1::users_many::csv_line;
use crate::console::Console;
use crate::input::Name;
use crate::jobs::{Job, State as Stage};
use crate::live;
use crate::problem::Problem;
use crate::request::{Fault, words};
use crate::text::{Language, Word};

/// Refusals that a page shows; all are in a file.
pub(super) const SHOWN: usize = 200;
/// Why something is not done to a message, as far as there are words for it.
const UNDONE: [&str; 4] = ["active", "gone", "held", "not-held"];

pub(crate) fn router() -> Router<Console> {
    Router::new()
        .route("/jobs", get(list))
        .route("/jobs/{id}", get(show))
        .route("/jobs/{id}/cancel", post(cancel))
        .route("/jobs/{id}/live", get(follow))
        .route("/jobs/{id}/next", post(begin_next))
        .route("/jobs/{id}/refused", get(refused))
}

#[derive(Template)]
#[template(path = "jobs/list.html")]
struct List<'a> {
    page: &'a Page,
    jobs: Vec<Job>,
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

/// What came of many users.
#[derive(Debug, Deserialize)]
pub(super) struct Outcome {
    #[serde(default)]
    pub(super) dry_run: bool,
    pub(super) created: u64,
    pub(super) changed: u64,
    pub(super) removed: u64,
    pub(super) unchanged: u64,
    pub(super) refused: u64,
    pub(super) named: Vec<Fault>,
    pub(super) cancelled: bool,
}

impl Outcome {
    /// The numbers that say something.
    pub(super) fn counts(&self, language: Language) -> Vec<(&'static str, String)> {
        let all = [
            ("created", self.created),
            ("changed", self.changed),
            ("removed", self.removed),
            ("unchanged", self.unchanged),
            ("refused", self.refused),
        ];
        let said = all.into_iter();
        said.filter(|(word, count)| *count > 0 || *word == "refused")
            .map(|(word, count)| (word, language.number(count)))
            .collect()
    }

    /// Whether there is something to be done.
    pub(super) fn may_begin(&self) -> bool {
        self.dry_run && self.created + self.changed > 0
    }
}

/// What came of one verb for many messages.
#[derive(Debug, Deserialize)]
pub(super) struct MessagesOutcome {
    pub(super) done: u64,
    pub(super) undone: u64,
    /// The first of those that it was not done to.
    pub(super) named: Vec<Undone>,
    pub(super) cancelled: bool,
}

/// A message that stays as it was.
#[derive(Debug, Deserialize)]
pub(super) struct Undone {
    pub(super) id: String,
    /// As a word.
    why: String,
    /// In English, or in the words of the disk.
    says: String,
}

impl Undone {
    /// Why, in the reader's language where there are words for it.
    pub(super) fn reason(&self, page: &Page) -> String {
        match UNDONE.contains(&self.why.as_str()) {
            true => page.word("job-undone", &self.why),
            false => self.says.clone(),
        }
    }

    /// Whether there is something to look at.
    pub(super) fn is_there(&self) -> bool {
        self.why != "gone"
    }
}

/// The numbers of a result, where it has some.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Sums {
    created: Option<u64>,
    changed: u64,
    removed: u64,
    /// New addresses that no peer was asked about.
    unasked: u64,
}

/// What a site file came to, in numbers.
pub(super) fn sums(view: &View, value: &Value) -> String {
    let sums = Sums::deserialize(value).unwrap_or_default();
    let Some(created) = sums.created else {
        return String::new();
    };
    let counts = [
        ("created", created),
        ("changed", sums.changed),
        ("removed", sums.removed),
    ];
    let counts = counts.into_iter().filter(|(_, count)| *count > 0);
    let counts: Vec<String> = counts
        .map(|(word, count)| {
            let what = view.word("job-count", word);
            let values = [("what", Word::from(&what)), ("count", Word::from(count))];
            view.language.with("job-sum-of", &values)
        })
        .collect();
    let mut said = match counts.is_empty() {
        true => vec![view.say("job-sum-nothing")],
        false => vec![counts.join(", ") + "."],
    };
    if sums.unasked > 0 {
        said.push(view.count_with("job-sum-unasked", "count", sums.unasked));
    }
    said.join(" ")
}

impl Job {
    /// What came of it, where it was about messages.
    pub(super) fn messages(&self) -> Option<MessagesOutcome> {
        match &self.state {
            Stage::Done(value) => serde_json::from_value(value.clone()).ok(),
            _ => None,
        }
    }

    /// The page to go on with: where it was begun.
    pub(super) fn home(&self) -> (&'static str, &'static str) {
        match self.what.split('-').next() {
            Some("queue") => ("/queue", "nav-queue"),
            Some("sharing") => ("/sharing", "nav-sharing"),
            Some("site") => ("/system", "nav-system"),
            _ => ("/directory", "nav-directory"),
        }
    }

    pub(super) fn outcome(&self) -> Option<Outcome> {
        match &self.state {
            Stage::Done(value) => serde_json::from_value(value.clone()).ok(),
            _ => None,
        }
    }

    /// Whether nothing was saved, as nothing should be.
    pub(super) fn is_rehearsal(&self) -> bool {
        match &self.state {
            Stage::Done(value) => value.get("dry_run").is_some_and(|dry| *dry == true),
            _ => false,
        }
    }

    /// What came of it, in numbers.
    pub(super) fn sums(&self, view: &View) -> String {
        match &self.state {
            Stage::Done(value) => sums(view, value),
            _ => String::new(),
        }
    }
}

impl Stage {
    /// The class of its badge, and its word.
    pub(super) fn in_words(&self) -> (&'static str, &'static str) {
        match self {
            Self::Running(_) => ("info", "running"),
            Self::Done(_) => ("ok", "done"),
            Self::Failed(_) => ("bad", "failed"),
        }
    }
}

async fn list(State(console): State<Console>, page: Page) -> Response {
    let made = List {
        jobs: console.jobs_of(&page.actor),
        page: &page,
    };
    page_of(&page, Ok(made))
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

async fn begin_next(State(console): State<Console>, page: Page, Name(id): Name) -> Response {
    match number(&id).and_then(|id| console.begin_next(&page.actor, id)) {
        Ok(id) => axum::response::Redirect::to(&format!("/jobs/{id}")).into_response(),
        Err(problem) => super::layout::trouble(&page, &problem),
    }
}

/// Everything that was refused, as a file.
async fn refused(State(console): State<Console>, page: Page, Name(id): Name) -> Response {
    let job = match number(&id).and_then(|id| console.job(&page.actor, id)) {
        Ok(job) => job,
        Err(problem) => return super::layout::trouble(&page, &problem),
    };
    let text = match job.messages() {
        Some(outcome) => undone_file(&page, &outcome),
        None => refused_file(&page, job.outcome()),
    };
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"refused.csv\"",
        ),
    ];
    (headers, text).into_response()
}

fn undone_file(page: &Page, outcome: &MessagesOutcome) -> String {
    let mut text = String::new();
    csv_line(&mut text, &["queue_id", "why", "message"]);
    for undone in &outcome.named {
        csv_line(&mut text, &[&undone.id, &undone.why, &undone.reason(page)]);
    }
    text
}

fn refused_file(page: &Page, outcome: Option<Outcome>) -> String {
    let mut text = String::new();
    csv_line(&mut text, &["line", "object", "field", "message", "mend"]);
    for fault in outcome.into_iter().flat_map(|outcome| outcome.named) {
        let line = fault.line.map(|line| line.to_string()).unwrap_or_default();
        let (message, mend) = page.language.both(&fault);
        let cells = [&line, &fault.object, &fault.field, &message, &mend];
        csv_line(&mut text, &cells.map(String::as_str));
    }
    text
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
    let missing = |_| Problem::of(StatusCode::NOT_FOUND, words::JOB_UNKNOWN.having("id", id));
    id.parse().map_err(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_why_a_message_stays_has_words_in_every_language() {
        for language in Language::ALL {
            for why in UNDONE {
                let key = format!("job-undone-{why}");
                assert_ne!(language.say(&key), key, "{}", language.code());
            }
        }
    }
}
