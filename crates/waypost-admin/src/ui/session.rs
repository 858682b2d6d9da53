//! Login, logout, the first password, the language.

use askama::Template;
use axum::Router;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::Page;
use super::layout::{View, again, language_cookie, page};
use crate::auth::{Attempt, Cookie, Proof, log_in};
use crate::console::{Console, Origin};
use crate::input::Form;
use crate::problem::Problem;
use crate::request::Request;
use crate::text::Language;

/// Shortest password of an administrator.
const PASSWORD_MIN: usize = 10;

pub(crate) fn router() -> Router<Console> {
    Router::new()
        .route("/login", get(ask).post(begin))
        .route("/logout", post(end))
        .route("/password", get(ask_password).post(change_password))
        .route("/language", post(choose_language))
}

#[derive(Template)]
#[template(path = "session/login.html")]
struct Login<'a> {
    page: &'a View,
    login: &'a str,
    problem: Option<&'a Problem>,
}

#[derive(Deserialize)]
struct Credentials {
    login: String,
    password: String,
}

async fn ask(view: View) -> Response {
    let login = Login {
        page: &view,
        login: "",
        problem: None,
    };
    page(&view, Ok(login))
}

async fn begin(
    State(console): State<Console>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    view: View,
    Form(credentials): Form<Credentials>,
) -> Response {
    let Credentials { login, password } = credentials;
    let attempt = Attempt {
        login: &login,
        password,
        origin,
        headers: &headers,
    };
    match log_in(&console, attempt).await {
        Ok(begun) => (begun.cookies, Redirect::to("/")).into_response(),
        Err(problem) => again(
            &problem,
            &Login {
                page: &view,
                login: &login,
                problem: Some(&problem),
            },
        ),
    }
}

async fn end(State(console): State<Console>, page: Page) -> Response {
    if let Proof::Session { id, .. } = &page.actor.proof {
        console.sessions.end(id);
    }
    let cookie = [(header::SET_COOKIE, Cookie::clear())];
    (cookie, Redirect::to("/login")).into_response()
}

#[derive(Template)]
#[template(path = "session/password.html")]
struct Password<'a> {
    page: &'a Page,
    /// The key of what is wrong, without `password-wrong-`.
    wrong: Option<&'static str>,
}

#[derive(Deserialize)]
struct NewPassword {
    password: String,
    again: String,
}

async fn ask_password(page: Page) -> Response {
    let form = Password {
        page: &page,
        wrong: None,
    };
    super::page(&page, Ok(form))
}

async fn change_password(
    State(console): State<Console>,
    page: Page,
    Form(new): Form<NewPassword>,
) -> Response {
    if let Some(wrong) = new.wrong(&page.actor.login) {
        let form = Password {
            page: &page,
            wrong: Some(wrong),
        };
        return super::page(&page, Ok(form));
    }
    let request = Request::AdminPassword {
        login: page.actor.login.clone(),
        password: new.password,
    };
    if let Err(problem) = console.ask(&page.actor, request).await {
        return super::layout::trouble(&page, &problem);
    }
    if let Proof::Session { id, .. } = &page.actor.proof {
        console.sessions.end_others(&page.actor.login, id);
    }
    Redirect::to("/?done=password").into_response()
}

impl NewPassword {
    /// Why it cannot be his password.
    fn wrong(&self, login: &str) -> Option<&'static str> {
        if login.contains('@') {
            // A user's password is changed where users are.
            return Some("user");
        }
        if self.password.chars().count() < PASSWORD_MIN {
            return Some("short");
        }
        (self.password != self.again).then_some("differs")
    }
}

#[derive(Deserialize)]
struct Chosen {
    language: String,
    back: String,
}

async fn choose_language(Form(chosen): Form<Chosen>) -> Response {
    let language = Language::parse(&chosen.language).unwrap_or_default();
    // Only to a page of ours.
    let is_ours = chosen.back.starts_with('/') && !chosen.back.starts_with("//");
    let back = chosen.back.replace('\\', "");
    let back = if is_ours { back.as_str() } else { "/" };
    let cookie = [(header::SET_COOKIE, language_cookie(language))];
    (cookie, Redirect::to(back)).into_response()
}
