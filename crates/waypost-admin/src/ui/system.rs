//! The server itself: its page, its log while it runs, the site as a file.

use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::Value;

use super::layout::{View, again, trouble};
use super::{Page, page as page_of};
use crate::address::address;
use crate::api::v1::site::Application;
use crate::api::v1::system::{Level, LogLine, Setting, System, WantedLines};
use crate::auth::{Proof, Right};
use crate::console::Console;
use crate::input::{Form, Params};
use crate::live;
use crate::problem::Problem;
use crate::request::{Apply, Request};

/// Lines of a page.
const LINES: usize = 500;
/// A site file in a form; longer ones go over the API or the command line.
const FORM_MAX: usize = 4 << 20;
/// Steps of a plan that a page shows.
const STEPS: usize = 1_000;

/// Characters of a value that stands in a text by no accident.
const TELLING: usize = 4;

pub(crate) fn router() -> Router<Console> {
    let apply = post(apply).layer(DefaultBodyLimit::max(FORM_MAX));
    Router::new()
        .route("/system", get(show))
        .route("/system/site.toml", get(export))
        .route("/system/site", get(ask_site).merge(apply))
        .route("/log", get(log))
        .route("/log/live", get(follow))
}

#[derive(Template)]
#[template(path = "system/show.html")]
struct Show<'a> {
    page: &'a Page,
    system: System,
}

#[derive(Template)]
#[template(path = "system/site.html")]
struct Site<'a> {
    page: &'a Page,
    given: &'a GivenSite,
    problem: Option<&'a Problem>,
    plan: Option<Plan>,
}

#[derive(Template)]
#[template(path = "system/log.html")]
struct Log<'a> {
    page: &'a Page,
    lines: Vec<LogLine>,
    wanted: &'a Shown,
    levels: [Level; 3],
    /// Where new lines come from; none: it stands still.
    live: Option<String>,
    /// The same page, standing still or going on.
    other: String,
}

#[derive(Template)]
#[template(path = "system/lines.html")]
struct Lines<'a> {
    page: &'a Page,
    lines: &'a [LogLine],
}

/// What a site file would change.
struct Plan {
    summary: String,
    steps: Vec<String>,
    /// Steps that are not shown.
    more: usize,
}

/// What a form says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct GivenSite {
    text: String,
    prune: Option<String>,
    force: Option<String>,
    /// `apply`: the plan was seen.
    step: String,
}

/// Which lines a page shows.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Shown {
    level: String,
    text: String,
    after: String,
    /// `no`: it stands still.
    live: String,
}

impl System {
    /// How the certificate does: `ok`, `warn`, `bad`.
    pub(crate) fn badge(&self) -> &'static str {
        match self.certificate.as_ref().map(|shown| shown.days_left) {
            None | Some(0) => "bad",
            Some(1..21) => "warn",
            Some(_) => "ok",
        }
    }

    pub(crate) fn up(&self) -> Duration {
        Duration::from_secs(self.up_s)
    }

    /// The sections of the configuration with their keys, in the order of the file.
    pub(crate) fn sections(&self) -> Vec<(&str, Vec<&Setting>)> {
        let mut sections: Vec<(&str, Vec<&Setting>)> = Vec::new();
        for setting in &self.configuration.settings {
            match sections.last_mut() {
                Some((section, keys)) if *section == setting.section => keys.push(setting),
                _ => sections.push((&setting.section, vec![setting])),
            }
        }
        sections
    }
}

impl LogLine {
    /// What it says beside the text: `name=value`. What the text says already is not repeated.
    pub(crate) fn said(&self) -> Vec<String> {
        let fields = self.fields.iter().filter(|(name, value)| {
            let value = value.as_str().unwrap_or_default();
            let is_known = value.len() >= TELLING && self.text.contains(value);
            *name != "event" && !is_known && !self.text.contains(&format!("{name}="))
        });
        let said = fields.map(|(name, value)| match value {
            Value::String(text) => format!("{name}={text}"),
            other => format!("{name}={other}"),
        });
        said.collect()
    }
}

impl Shown {
    fn wanted(&self, after: u64) -> WantedLines {
        let level = Level::ALL
            .into_iter()
            .find(|level| level.word() == self.level);
        WantedLines {
            after,
            level: level.unwrap_or_default(),
            text: Some(self.text.clone()),
            limit: Some(LINES),
        }
    }

    fn address(&self, path: &str, more: (&str, &str)) -> String {
        address(path, &[("level", &self.level), ("text", &self.text), more])
    }
}

async fn show(State(console): State<Console>, page: Page) -> Response {
    let system = console.system(&page.actor).await;
    let made = system.map(|system| Show {
        page: &page,
        system,
    });
    page_of(&page, made)
}

async fn export(State(console): State<Console>, page: Page) -> Response {
    let may = page.actor.require_everywhere(Right::Site);
    if let Err(problem) = may {
        return trouble(&page, &problem);
    }
    match console.ask(&page.actor, Request::Export).await {
        Ok(value) => {
            let text = value.get("site_file").and_then(Value::as_str);
            let text = text.unwrap_or_default().to_owned();
            let kind = HeaderValue::from_static("application/toml");
            let name = HeaderValue::from_static("attachment; filename=\"site.toml\"");
            let headers = [
                (header::CONTENT_TYPE, kind),
                (header::CONTENT_DISPOSITION, name),
            ];
            (headers, text).into_response()
        }
        Err(problem) => trouble(&page, &problem),
    }
}

fn site<'a>(page: &'a Page, given: &'a GivenSite, problem: Option<&'a Problem>) -> Site<'a> {
    Site {
        page,
        given,
        problem,
        plan: None,
    }
}

async fn ask_site(page: Page) -> Response {
    let may = page.actor.require_everywhere(Right::Site);
    let given = GivenSite::default();
    page_of(&page, may.map(|()| site(&page, &given, None)))
}

async fn apply(
    State(console): State<Console>,
    page: Page,
    Form(given): Form<GivenSite>,
) -> Response {
    let (prune, force) = (given.prune.is_some(), given.force.is_some());
    if given.step == "apply" {
        let how = Application {
            dry_run: false,
            prune,
            force,
        };
        return match console.apply(&page.actor, how, given.text) {
            Ok(job) => Redirect::to(&format!("/jobs/{job}")).into_response(),
            Err(problem) => trouble(&page, &problem),
        };
    }
    if let Err(problem) = page.actor.require_everywhere(Right::Site) {
        return trouble(&page, &problem);
    }
    let request = Request::Apply(Apply {
        file: "site file".to_owned(),
        text: given.text.clone(),
        dry_run: true,
        prune,
        force,
    });
    match console.ask(&page.actor, request).await {
        Ok(value) => {
            let form = Site {
                plan: Some(Plan::of(&page, &value)),
                ..site(&page, &given, None)
            };
            page_of(&page, Ok(form))
        }
        Err(problem) => again(&problem, &site(&page, &given, Some(&problem))),
    }
}

impl Plan {
    fn of(view: &View, value: &Value) -> Self {
        let text = |value: &Value| step(view, value.as_str().unwrap_or_default());
        let steps = value.get("plan").and_then(Value::as_array);
        let steps = steps.map(Vec::as_slice).unwrap_or_default();
        Self {
            summary: super::jobs::sums(view, value),
            steps: steps.iter().take(STEPS).map(text).collect(),
            more: steps.len().saturating_sub(STEPS),
        }
    }
}

/// A step in the reader's words: `change user jdoe@example.com`, and its fields on lines below it.
fn step(view: &View, text: &str) -> String {
    let mut lines = text.lines();
    let (verb, object) = lines
        .next()
        .and_then(|l| l.split_once(' '))
        .unwrap_or_default();
    let object = view.object(object);
    let mut told = match verb {
        "create" => view.with("system-step-create", "object", &object),
        "remove" => view.with("system-step-remove", "object", &object),
        _ => view.with("system-step-change", "object", &object),
    };
    for line in lines {
        let (field, values) = line.trim_start().split_once(": ").unwrap_or_default();
        let unset = view.say("system-step-unset");
        let values = values.split(" → ").map(|value| match value {
            "not set" => unset.as_str(),
            value => value,
        });
        let values: Vec<&str> = values.collect();
        told += &format!("\n  {}: {}", view.field(field), values.join(" → "));
    }
    told
}

async fn log(
    State(console): State<Console>,
    page: Page,
    Params(wanted): Params<Shown>,
) -> Response {
    let log = match console.log(&page.actor, wanted.wanted(0)).await {
        Ok(log) => log,
        Err(problem) => return trouble(&page, &problem),
    };
    let is_live = wanted.live != "no";
    let next = log.next.to_string();
    let live = is_live.then(|| wanted.address("/log/live", ("after", &next)));
    let other = wanted.address("/log", ("live", if is_live { "no" } else { "" }));
    let made = Log {
        page: &page,
        lines: log.items,
        wanted: &wanted,
        levels: Level::ALL,
        live,
        other,
    };
    page_of(&page, Ok(made))
}

async fn follow(
    State(console): State<Console>,
    page: Page,
    Params(wanted): Params<Shown>,
) -> Result<Response, Problem> {
    page.actor.require_everywhere(Right::System)?;
    let after = wanted.after.parse().unwrap_or(0);
    live::appended(after, move |after| {
        let (console, page, wanted) = (console.clone(), page.clone(), wanted.clone());
        async move { console.later(&page, &wanted, after).await }
    })
}

impl Console {
    /// The lines that have come since, and the number of the last; none when he has logged out.
    async fn later(&self, page: &Page, wanted: &Shown, after: u64) -> Option<(u64, String)> {
        if let Proof::Session { id, .. } = &page.actor.proof
            && !self.sessions.has(id, self.now())
        {
            return None;
        }
        let log = self
            .log(&page.actor, wanted.wanted(after.max(1)))
            .await
            .ok()?;
        if log.newest < after {
            // Numbers have begun again.
            return Some((0, String::new()));
        }
        if log.items.is_empty() {
            return Some((log.next, String::new()));
        }
        let lines = Lines {
            page,
            lines: &log.items,
        };
        lines.render().ok().map(|html| (log.next, html))
    }
}
