//! Administrators.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::ask::Ask;
use super::layout::{again, trouble};
use super::{Page, page as page_of};
use crate::address::encoded;
use crate::api::v1::admins::{Admin, GrantWord, NewPassword, RoleWord};
use crate::api::{List, Page as Part};
use crate::auth::Right;
use crate::console::Console;
use crate::input::{Form, Name, Params};
use crate::problem::Problem;

pub(crate) fn router() -> Router<Console> {
    Router::new()
        .route("/admins", get(list))
        .route("/admins/new", get(ask_new).post(add))
        .route("/admins/{login}", get(edit).post(change))
        .route("/admins/{login}/password", post(make_password))
        .route("/admins/{login}/remove", get(ask_remove).post(remove))
}

#[derive(Template)]
#[template(path = "admins/list.html")]
struct Admins<'a> {
    page: &'a Page,
    admins: List<Admin>,
}

#[derive(Template)]
#[template(path = "admins/new.html")]
struct New<'a> {
    page: &'a Page,
    given: &'a Given,
    problem: Option<&'a Problem>,
    action: &'a str,
    is_new: bool,
}

#[derive(Template)]
#[template(path = "admins/edit.html")]
struct Edit<'a> {
    page: &'a Page,
    given: &'a Given,
    problem: Option<&'a Problem>,
    action: &'a str,
    is_new: bool,
    address: &'a str,
}

#[derive(Template)]
#[template(path = "admins/password.html")]
struct Password<'a> {
    page: &'a Page,
    login: &'a str,
    password: &'a str,
}

/// What a form says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Given {
    revision: String,
    login: String,
    name: String,
    role: String,
    /// `everywhere`, or those that are named.
    where_: String,
    /// One on each line.
    domains: String,
    routing: Option<String>,
    suspended: Option<String>,
}

impl Admin {
    /// The last part of his address.
    pub(crate) fn address(&self) -> String {
        encoded(&self.login)
    }

    pub(crate) fn is_everywhere(&self) -> bool {
        self.domains == ["*"]
    }

    /// `active`, `suspended`, `first-login`, `no-password`.
    pub(crate) fn state(&self) -> &'static str {
        let is_user = self.login.contains('@');
        match (self.suspended, self.must_change) {
            (true, _) => "suspended",
            (false, true) => "first-login",
            (false, false) if !is_user && !self.has_password => "no-password",
            (false, false) => "active",
        }
    }

    pub(crate) fn badge(&self) -> &'static str {
        match self.state() {
            "active" => "ok",
            "suspended" => "held",
            "no-password" => "warn",
            _ => "info",
        }
    }
}

/// The names in a text of several lines.
pub(super) fn names(text: &str) -> Vec<&str> {
    let is_between = |c: char| c.is_whitespace() || c == ',' || c == ';';
    text.split(is_between)
        .filter(|name| !name.is_empty())
        .collect()
}

impl Given {
    fn of(admin: &Admin) -> Self {
        let is_everywhere = admin.is_everywhere();
        let domains = if is_everywhere {
            &[][..]
        } else {
            &admin.domains
        };
        let on = |is: bool| is.then(|| "on".to_owned());
        Self {
            revision: admin.revision.to_string(),
            login: admin.login.clone(),
            name: admin.name.clone(),
            role: admin.role.word().to_owned(),
            where_: if is_everywhere { "everywhere" } else { "here" }.to_owned(),
            domains: domains.join("\n"),
            routing: on(admin.grants.contains(&GrantWord::Routing)),
            suspended: on(admin.suspended),
        }
    }

    fn fields(&self) -> Map<String, Value> {
        let is_super = self.role == RoleWord::Superadministrator.word();
        let is_helpdesk = self.role == RoleWord::Helpdesk.word();
        let domains = match self.where_ == "everywhere" || is_super {
            true => vec!["*"],
            false => names(&self.domains),
        };
        let routes = self.routing.is_some() && !is_super && !is_helpdesk;
        let grants = if routes { &["routing"][..] } else { &[] };
        let fields = json!({
            "name": self.name,
            "role": self.role,
            "domains": domains,
            "grants": grants,
            "suspended": self.suspended.is_some(),
        });
        fields.as_object().cloned().unwrap_or_default()
    }
}

async fn list(State(console): State<Console>, page: Page, Params(part): Params<Part>) -> Response {
    let admins = console.admins(&page.actor, &part).await;
    let made = admins.map(|admins| Admins {
        page: &page,
        admins,
    });
    page_of(&page, made)
}

fn new_form<'a>(page: &'a Page, given: &'a Given, problem: Option<&'a Problem>) -> New<'a> {
    New {
        page,
        given,
        problem,
        action: "/admins/new",
        is_new: true,
    }
}

async fn ask_new(page: Page) -> Response {
    let given = Given {
        role: RoleWord::Helpdesk.word().to_owned(),
        ..Given::default()
    };
    let may = page.actor.require_everywhere(Right::Admin);
    page_of(&page, may.map(|()| new_form(&page, &given, None)))
}

async fn add(State(console): State<Console>, page: Page, Form(given): Form<Given>) -> Response {
    let login = given.login.trim().to_lowercase();
    match console.add_admin(&page.actor, &login, given.fields()).await {
        Ok(made) => match made.password {
            Some(password) => page_of(&page, Ok(once(&page, &login, &password))),
            None => Redirect::to("/admins?done=admin-added").into_response(),
        },
        Err(problem) => again(&problem, &new_form(&page, &given, Some(&problem))),
    }
}

fn once<'a>(page: &'a Page, login: &'a str, password: &'a str) -> Password<'a> {
    Password {
        page,
        login,
        password,
    }
}

async fn edit(State(console): State<Console>, page: Page, Name(login): Name) -> Response {
    match console.show::<Admin>(&page.actor, &login).await {
        Ok(admin) => shown(&page, &Given::of(&admin), None),
        Err(problem) => trouble(&page, &problem),
    }
}

fn shown(page: &Page, given: &Given, problem: Option<&Problem>) -> Response {
    let address = encoded(&given.login);
    let form = Edit {
        page,
        given,
        problem,
        action: &format!("/admins/{address}"),
        is_new: false,
        address: &address,
    };
    match problem {
        None => page_of(page, Ok(form)),
        Some(problem) => again(problem, &form),
    }
}

async fn change(
    State(console): State<Console>,
    page: Page,
    Name(login): Name,
    Form(given): Form<Given>,
) -> Response {
    let revision = given.revision.parse().ok();
    let fields = given.fields();
    let changed = console.change::<Admin>(&page.actor, &login, fields, revision);
    let Err(problem) = changed.await else {
        return Redirect::to("/admins?done=admin-changed").into_response();
    };
    if problem.status != 412 {
        let given = Given { login, ..given };
        return shown(&page, &given, Some(&problem));
    }
    // Somebody else was faster: what he has saved is shown.
    match console.show::<Admin>(&page.actor, &login).await {
        Ok(admin) => shown(&page, &Given::of(&admin), Some(&problem)),
        Err(problem) => trouble(&page, &problem),
    }
}

async fn make_password(State(console): State<Console>, page: Page, Name(login): Name) -> Response {
    let made = console.set_password(&page.actor, &login, NewPassword::default());
    match made.await {
        Ok(made) => {
            let password = made.password.unwrap_or_default();
            page_of(&page, Ok(once(&page, &login, &password)))
        }
        Err(problem) => trouble(&page, &problem),
    }
}

async fn ask_remove(State(console): State<Console>, page: Page, Name(login): Name) -> Response {
    let admin = console.show::<Admin>(&page.actor, &login).await;
    let made = admin.map(|admin| {
        let address = format!("/admins/{}", admin.address());
        Ask {
            page: &page,
            title: page.with("admins-remove-ask", "login", &admin.login),
            text: vec![page.say("admins-remove-hint")],
            action: format!("{address}/remove"),
            hidden: Vec::new(),
            yes: page.say("admins-remove"),
            back: address,
        }
    });
    page_of(&page, made)
}

async fn remove(State(console): State<Console>, page: Page, Name(login): Name) -> Response {
    match console.remove_admin(&page.actor, &login, None).await {
        Ok(_) => Redirect::to("/admins?done=admin-removed").into_response(),
        Err(problem) => trouble(&page, &problem),
    }
}
