//! Tokens.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use waypost_directory::{Grant, Role};

use super::admins::names;
use super::layout::{again, trouble};
use super::{Page, page as page_of};
use crate::address::encoded;
use crate::api::List;
use crate::api::v1::admins::{GrantWord, RoleWord};
use crate::api::v1::tokens::{NewSecret, NewToken, Token, Wanted};
use crate::auth::Right;
use crate::console::Console;
use crate::input::{Form, Name, Params};
use crate::problem::Problem;

/// Days that a token may be good for.
const SPANS: &[u64] = &[1, 7, 30, 90, 365];
const DAY_S: u64 = 86_400;

pub(crate) fn router() -> Router<Console> {
    Router::new()
        .route("/tokens", get(list))
        .route("/tokens/new", get(ask_new).post(add))
        .route("/tokens/{id}/made", get(look))
        .route("/tokens/{id}/revoke", post(revoke))
}

#[derive(Template)]
#[template(path = "tokens/list.html")]
struct Tokens<'a> {
    page: &'a Page,
    tokens: List<Token>,
    /// He sees those of others too.
    is_of_all: bool,
}

#[derive(Template)]
#[template(path = "tokens/new.html")]
struct New<'a> {
    page: &'a Page,
    given: &'a Given,
    problem: Option<&'a Problem>,
    roles: Vec<RoleWord>,
    is_of_all: bool,
    may_route: bool,
}

#[derive(Template)]
#[template(path = "tokens/secret.html")]
struct Secret<'a> {
    page: &'a Page,
    made: NewSecret,
}

/// What a form says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Given {
    name: String,
    admin: String,
    role: String,
    /// `own`: wherever he may; else those that are named.
    where_: String,
    /// One on each line.
    domains: String,
    routing: Option<String>,
    days: u64,
}

impl Token {
    pub(crate) fn is_everywhere(&self) -> bool {
        self.domains == ["*"]
    }
}

async fn list(
    State(console): State<Console>,
    page: Page,
    Params(wanted): Params<Shown>,
) -> Response {
    let wanted = Wanted {
        admin: wanted.admin,
        after: wanted.after,
        limit: None,
    };
    let tokens = console.tokens(&page.actor, wanted).await;
    let made = tokens.map(|tokens| Tokens {
        page: &page,
        tokens,
        is_of_all: page.may(Right::Admin),
    });
    page_of(&page, made)
}

/// Which part of the list a page shows.
#[derive(Deserialize)]
struct Shown {
    admin: Option<String>,
    after: Option<String>,
}

fn form<'a>(page: &'a Page, given: &'a Given, problem: Option<&'a Problem>) -> New<'a> {
    let actor = &page.actor;
    let may = |role: &RoleWord| {
        let role = Role::parse(role.word());
        role.is_some_and(|role| role.within(actor.role))
    };
    New {
        page,
        given,
        problem,
        roles: RoleWord::ALL.into_iter().filter(may).collect(),
        is_of_all: page.may(Right::Admin),
        may_route: page.may(Right::Admin) || actor.grants.contains(&Grant::Routing),
    }
}

async fn ask_new(page: Page) -> Response {
    let given = Given {
        admin: page.actor.login.clone(),
        role: page.actor.role.to_string(),
        days: 90,
        ..Given::default()
    };
    page_of(&page, Ok(form(&page, &given, None)))
}

async fn add(State(console): State<Console>, page: Page, Form(given): Form<Given>) -> Response {
    let role = RoleWord::ALL
        .into_iter()
        .find(|role| role.word() == given.role);
    let admin = given.admin.trim();
    let routing = given.routing.as_ref().map(|_| GrantWord::Routing);
    let domains = names(&given.domains).into_iter().map(str::to_owned);
    let new = NewToken {
        admin: (!admin.is_empty()).then(|| admin.to_owned()),
        name: given.name.clone(),
        role,
        domains: (given.where_ == "here").then(|| domains.collect()),
        grants: Some(routing.into_iter().collect()),
        expires_s: Some(given.days.saturating_mul(DAY_S)),
    };
    match console.add_token(&page.actor, new).await {
        Ok(made) => {
            // Shown by a page of its own: who loads that again makes no second token.
            let address = format!("/tokens/{}/made", encoded(&made.id));
            console.looks.put(&page.actor.login, made, console.now());
            Redirect::to(&address).into_response()
        }
        Err(problem) => again(&problem, &form(&page, &given, Some(&problem))),
    }
}

/// The new token, once.
async fn look(State(console): State<Console>, page: Page, Name(id): Name) -> Response {
    match console.looks.take(&page.actor.login, &id, console.now()) {
        Some(made) => page_of(&page, Ok(Secret { page: &page, made })),
        None => Redirect::to("/tokens").into_response(),
    }
}

async fn revoke(State(console): State<Console>, page: Page, Name(id): Name) -> Response {
    match console.revoke_token(&page.actor, &id).await {
        Ok(_) => Redirect::to("/tokens?done=token-revoked").into_response(),
        Err(problem) => trouble(&page, &problem),
    }
}
