//! Targets: list, form, test, hold.

mod form;

use std::collections::BTreeSet;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde_json::{Map, Value};
use waypost_directory::{Directory, OnTarget, Scope, UserFilter};

use super::ask::Ask;
use super::layout::{again, trouble};
use super::until::{self, Until};
use super::{Page, page as page_of};
use crate::address::encoded;
use crate::api::v1::health::{Health, Party};
use crate::api::v1::holds::HoldKind;
use crate::api::v1::targets::{Target, TlsPolicy};
use crate::api::v1::trial::Trial;
use crate::api::{self, List};
use crate::auth::Right;
use crate::console::Console;
use crate::input::{Fields, Name, Params};
use crate::problem::Problem;
use crate::request::Fault;
use form::Form;

/// Domains, gateways and users that a page names.
const NAMED_MAX: usize = 20;

pub(crate) fn router() -> Router<Console> {
    Router::new()
        .route("/targets", get(list).post(add))
        .route("/targets/new", get(blank))
        .route("/targets/{name}", get(show).post(change))
        .route("/targets/{name}/test", get(ask_test).post(test))
        .route("/targets/{name}/pin", post(pin))
        .route("/targets/{name}/hold", get(ask_hold).post(hold))
        .route("/targets/{name}/release", post(release))
        .route("/targets/{name}/remove", get(ask_remove).post(remove))
}

impl Page {
    /// Whether he may change what is the site's.
    pub(crate) fn may_route(&self) -> bool {
        self.actor.require_everywhere(Right::RouteWrite).is_ok()
    }

    /// A part of an address.
    pub(crate) fn encoded(&self, text: &str) -> String {
        encoded(text)
    }

    /// A number of seconds in words.
    pub(crate) fn seconds(&self, seconds: &u64) -> String {
        self.language.span(std::time::Duration::from_secs(*seconds))
    }
}

#[derive(Template)]
#[template(path = "targets/list.html")]
struct Targets<'a> {
    page: &'a Page,
    targets: List<Target>,
    /// Those that domains and users name by their hosts only.
    implicit: Vec<Health>,
}

async fn list(
    State(console): State<Console>,
    page: Page,
    Params(part): Params<api::Page>,
) -> Response {
    let made = async {
        let (targets, others) = console.targets(&page.actor, &part).await?;
        // They have the names of hosts of other people's domains.
        let sees_all = page.actor.require_everywhere(Right::RouteRead).is_ok();
        let mut implicit: Vec<Health> = others
            .into_values()
            .filter(|one| sees_all && one.implicit && one.kind == Party::Target)
            .collect();
        implicit.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Targets {
            page: &page,
            targets,
            implicit,
        })
    };
    page_of(&page, made.await)
}

#[derive(Template)]
#[template(path = "targets/form.html")]
struct Edit<'a> {
    page: &'a Page,
    form: Form,
    /// As it is saved; none: it is a new one.
    target: Option<&'a Target>,
    problem: Option<&'a Problem>,
}

impl Edit<'_> {
    fn wrong(&self, field: &str) -> Option<&Fault> {
        self.problem?.of_field(field)
    }

    fn has_password(&self) -> bool {
        self.target.is_some_and(|target| target.has_password)
    }

    fn has_client_password(&self) -> bool {
        self.target.is_some_and(|target| target.has_client_password)
    }
}

async fn blank(page: Page) -> Response {
    if let Err(problem) = page.actor.require_everywhere(Right::RouteWrite) {
        return trouble(&page, &problem);
    }
    let edit = Edit {
        page: &page,
        form: Form {
            cut_through: true,
            ..Form::default()
        },
        target: None,
        problem: None,
    };
    page_of(&page, Ok(edit))
}

async fn add(State(console): State<Console>, page: Page, fields: Fields) -> Response {
    let form = Form::read(&fields);
    let added = console.add_target(&page.actor, &form.name, form.fields(&fields));
    match added.await {
        Ok(_) => there(&form.name, "target-added"),
        Err(problem) => {
            let edit = Edit {
                page: &page,
                form,
                target: None,
                problem: Some(&problem),
            };
            again(&problem, &edit)
        }
    }
}

async fn show(State(console): State<Console>, page: Page, Name(name): Name) -> Response {
    match console.target(&page.actor, &name).await {
        Ok(target) => {
            let edit = Edit {
                page: &page,
                form: Form::of(&target),
                target: Some(&target),
                problem: None,
            };
            page_of(&page, Ok(edit))
        }
        Err(problem) => trouble(&page, &problem),
    }
}

async fn change(
    State(console): State<Console>,
    page: Page,
    Name(name): Name,
    fields: Fields,
) -> Response {
    let form = Form::read(&fields);
    let revision = fields.text("revision").parse().ok();
    let changed = console.change_target(&page.actor, &name, form.fields(&fields), revision);
    let Err(problem) = changed.await else {
        return there(&name, "target-saved");
    };
    let target = match console.target(&page.actor, &name).await {
        Ok(target) => target,
        Err(problem) => return trouble(&page, &problem),
    };
    // Who comes too late sees what is there now.
    let is_stale = problem.code() == axum::http::StatusCode::PRECONDITION_FAILED;
    let edit = Edit {
        page: &page,
        form: if is_stale { Form::of(&target) } else { form },
        target: Some(&target),
        problem: Some(&problem),
    };
    again(&problem, &edit)
}

fn there(name: &str, done: &str) -> Response {
    Redirect::to(&format!("/targets/{}?done={done}", encoded(name))).into_response()
}

#[derive(Template)]
#[template(path = "targets/test.html")]
struct Test<'a> {
    page: &'a Page,
    target: Target,
    address: String,
    trial: Option<Trial>,
}

async fn ask_test(State(console): State<Console>, page: Page, Name(name): Name) -> Response {
    let made = async {
        page.actor.require_everywhere(Right::RouteWrite)?;
        Ok(Test {
            page: &page,
            target: console.target(&page.actor, &name).await?,
            address: String::new(),
            trial: None,
        })
    };
    page_of(&page, made.await)
}

async fn test(
    State(console): State<Console>,
    page: Page,
    Name(name): Name,
    fields: Fields,
) -> Response {
    let made = async {
        let address = fields.text("address").to_owned();
        let trial = console.try_target(&page.actor, &name, Some(address.clone()));
        let trial = Some(trial.await?);
        Ok(Test {
            page: &page,
            target: console.target(&page.actor, &name).await?,
            address,
            trial,
        })
    };
    page_of(&page, made.await)
}

/// Pins the key that a test has shown.
async fn pin(
    State(console): State<Console>,
    page: Page,
    Name(name): Name,
    fields: Fields,
) -> Response {
    let revision = fields.text("revision").parse().ok();
    let pinned = Map::from_iter([
        ("tls".to_owned(), Value::from(TlsPolicy::Pinned.word())),
        ("tls_pin".to_owned(), Value::from(fields.text("pin"))),
    ]);
    let changed = console.change_target(&page.actor, &name, pinned, revision);
    match changed.await {
        Ok(_) => there(&name, "target-pinned"),
        Err(problem) => trouble(&page, &problem),
    }
}

#[derive(Template)]
#[template(path = "targets/hold.html")]
struct Hold<'a> {
    page: &'a Page,
    name: &'a str,
    reason: &'a str,
    until: &'a Until,
    problem: Option<&'a Problem>,
}

async fn ask_hold(State(console): State<Console>, page: Page, Name(name): Name) -> Response {
    let made = async {
        page.actor.require_everywhere(Right::RouteWrite)?;
        console.target(&page.actor, &name).await
    };
    if let Err(problem) = made.await {
        return trouble(&page, &problem);
    }
    let hold = Hold {
        page: &page,
        name: &name,
        reason: "",
        until: &Until::default(),
        problem: None,
    };
    page_of(&page, Ok(hold))
}

async fn hold(
    State(console): State<Console>,
    page: Page,
    Name(name): Name,
    fields: Fields,
) -> Response {
    let held = async {
        let until = until::read(&fields, console.now())?;
        let reason = fields.text("reason").to_owned();
        let what = (HoldKind::Target, name.as_str());
        console.hold(&page.actor, what, reason, until).await
    };
    match held.await {
        Ok(_) => there(&name, "target-held"),
        Err(problem) => {
            let hold = Hold {
                page: &page,
                name: &name,
                reason: fields.text("reason"),
                until: &Until::of(&fields),
                problem: Some(&problem),
            };
            again(&problem, &hold)
        }
    }
}

async fn release(State(console): State<Console>, page: Page, Name(name): Name) -> Response {
    let released = console.release(&page.actor, HoldKind::Target, &name);
    match released.await {
        Ok(_) => there(&name, "target-released"),
        Err(problem) => trouble(&page, &problem),
    }
}

/// What would have to go elsewhere without a target.
#[derive(Debug, Default)]
struct Uses {
    domains: BTreeSet<String>,
    gateways: BTreeSet<String>,
    users: u64,
}

impl Uses {
    fn of(directory: &Directory, name: &str) -> Result<Self, Problem> {
        let snapshot = directory.snapshot();
        let Some(target) = snapshot.targets().find(|target| target.name == name) else {
            return Ok(Self::default());
        };
        let domains = snapshot
            .domains()
            .filter(|domain| domain.relay == Some(target.id));
        let gateways = snapshot
            .gateways()
            .filter(|gateway| gateway.target == target.id);
        let filter = UserFilter {
            target: Some(OnTarget::Own(name.to_owned())),
            ..UserFilter::within(Scope::All)
        };
        let users = directory.count_users(&filter)?;
        Ok(Self {
            domains: domains.map(|domain| domain.name.to_string()).collect(),
            gateways: gateways.map(|gateway| gateway.domain.to_string()).collect(),
            users: users.values().map(|counts| counts.all()).sum(),
        })
    }

    fn text(&self, page: &Page, waiting: u64) -> Vec<String> {
        let named = |names: &BTreeSet<String>| {
            let first: Vec<&str> = names.iter().take(NAMED_MAX).map(String::as_str).collect();
            let more = if names.len() > NAMED_MAX { ", …" } else { "" };
            format!("{}{more}", first.join(", "))
        };
        let mut text = Vec::new();
        if !self.domains.is_empty() {
            text.push(page.with("target-used-domains", "names", &named(&self.domains)));
        }
        if !self.gateways.is_empty() {
            text.push(page.with("target-used-gateways", "names", &named(&self.gateways)));
        }
        if self.users > 0 {
            text.push(page.with("target-used-users", "count", self.users));
        }
        if text.is_empty() {
            text.push(page.say("target-used-not"));
        } else {
            text.push(page.say("target-used-first"));
        }
        if waiting > 0 {
            text.push(page.with("target-used-waiting", "count", waiting));
        }
        text
    }
}

async fn ask_remove(State(console): State<Console>, page: Page, Name(name): Name) -> Response {
    let made = async {
        page.actor.require_everywhere(Right::RouteWrite)?;
        let target = console.target(&page.actor, &name).await?;
        let wanted = name.clone();
        let uses = console.directory(move |directory| Uses::of(directory, &wanted));
        let uses = uses.await??;
        let waiting = target.health.as_ref().map_or(0, |health| health.waiting);
        let path = format!("/targets/{}", encoded(&name));
        Ok(Ask {
            page: &page,
            title: page.with("target-remove-title", "name", &name),
            text: uses.text(&page, waiting),
            action: format!("{path}/remove"),
            hidden: vec![("revision", target.revision.to_string())],
            yes: page.say("target-remove"),
            back: path,
        })
    };
    page_of(&page, made.await)
}

async fn remove(
    State(console): State<Console>,
    page: Page,
    Name(name): Name,
    fields: Fields,
) -> Response {
    let revision = fields.text("revision").parse().ok();
    match console.remove_target(&page.actor, &name, revision).await {
        Ok(_) => Redirect::to("/targets?done=target-removed").into_response(),
        Err(problem) => trouble(&page, &problem),
    }
}
