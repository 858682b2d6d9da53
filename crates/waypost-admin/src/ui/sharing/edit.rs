//! A peer: new, changed, removed.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use serde_json::{Map, Value, json};

use super::super::form::Form;
use super::super::layout::{again, trouble};
use super::super::{Page, page as page_of};
use crate::api::v1::peers::Peer;
use crate::auth::Right;
use crate::console::Console;
use crate::input::Name;
use crate::problem::Problem;

/// What stands for itself.
const TEXTS: [&str; 7] = [
    "host",
    "tls",
    "tls_pin",
    "username",
    "recipient",
    "client_pin",
    "client_login",
];
/// What is a number.
const NUMBERS: [&str; 3] = ["port", "connections", "minger_port"];
/// What is a list.
const LISTS: [&str; 2] = ["sources", "minger_domains"];
/// Ticks.
const FLAGS: [&str; 2] = ["smart_host_on_error", "cut_through"];
/// What is never shown: empty leaves it, a tick removes it.
const SECRETS: [&str; 4] = [
    "password",
    "client_password",
    "minger_secret",
    "minger_accept",
];

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route("/sharing/new", get(ask_new).post(make))
        .route("/sharing/peers/{name}", get(ask).post(change))
        .route("/sharing/peers/{name}/remove", get(ask_remove).post(remove))
}

#[derive(Template)]
#[template(path = "sharing/edit.html")]
struct Edit<'a> {
    page: &'a Page,
    /// The peer; none: a new one.
    peer: Option<Peer>,
    policies: [&'static str; 5],
    form: Form,
}

impl<'a> Edit<'a> {
    fn of(page: &'a Page, peer: Option<Peer>, form: Form) -> Self {
        Self {
            page,
            peer,
            policies: ["opportunistic", "required", "verified", "pinned", "off"],
            form,
        }
    }

    /// Whether a secret is there.
    fn has(&self, secret: &str) -> bool {
        self.peer.as_ref().is_some_and(|peer| match secret {
            "password" => peer.password_set,
            "client_password" => peer.client_password_set,
            "minger_secret" => peer.minger_secret_set,
            _ => peer.minger_accept_set,
        })
    }
}

fn empty() -> Form {
    let mut form = Form::default();
    for (name, value) in [
        ("port", "25"),
        ("tls", "opportunistic"),
        ("connections", "20"),
        ("recipient", "original"),
        ("minger_port", "4069"),
    ] {
        form.set(name, value);
    }
    form.tick("cut_through", true);
    form
}

fn filled(peer: &Peer) -> Form {
    let mut form = Form::default();
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    for (name, value) in [
        ("host", peer.host.clone()),
        ("port", peer.port.to_string()),
        ("sources", peer.sources.join("\n")),
        ("tls", peer.tls.word().to_owned()),
        ("tls_pin", text(&peer.tls_pin)),
        ("username", peer.username.clone()),
        ("connections", peer.connections.to_string()),
        ("recipient", peer.recipient.clone()),
        ("client_pin", text(&peer.client_pin)),
        ("client_login", peer.client_login.clone()),
        ("minger_port", peer.minger_port.to_string()),
        ("minger_domains", peer.minger_domains.join("\n")),
        ("revision", peer.revision.to_string()),
    ] {
        form.set(name, value);
    }
    form.tick("smart_host_on_error", peer.smart_host_on_error);
    form.tick("cut_through", peer.cut_through);
    form
}

/// The fields that the form says; numbers that are none go on as they are and are refused.
fn fields(form: &Form) -> Map<String, Value> {
    let mut fields = Map::new();
    for name in TEXTS {
        fields.insert(name.to_owned(), json!(form.get(name)));
    }
    for name in NUMBERS {
        let text = form.get(name);
        let number = text.parse::<u64>().map(Value::from);
        fields.insert(name.to_owned(), number.unwrap_or_else(|_| json!(text)));
    }
    for name in LISTS {
        fields.insert(name.to_owned(), json!(form.parted(name)));
    }
    for name in SECRETS {
        let secret = form.get(name);
        if form.has(&format!("{name}_remove")) {
            fields.insert(name.to_owned(), json!(""));
        } else if !secret.is_empty() {
            fields.insert(name.to_owned(), json!(secret));
        }
    }
    for name in FLAGS {
        fields.insert(name.to_owned(), json!(form.has(name)));
    }
    // The port of the host is the one that is meant.
    if form.get("host").contains(':') && !form.get("host").contains("::") {
        fields.remove("port");
    }
    fields
}

/// Leaves out what a new peer need not say.
fn without_empty(mut fields: Map<String, Value>) -> Map<String, Value> {
    fields.retain(|_, value| *value != json!("") && *value != json!([]));
    fields
}

async fn ask_new(page: Page) -> Response {
    let made = page.actor.require_everywhere(Right::RouteWrite);
    page_of(&page, made.map(|()| Edit::of(&page, None, empty())))
}

async fn make(State(console): State<Console>, page: Page, form: Form) -> Response {
    let name = form.get("name").to_owned();
    let made = async {
        page.actor.require_everywhere(Right::RouteWrite)?;
        let fields = without_empty(fields(&form));
        console.add::<Peer>(&page.actor, &name, fields).await
    };
    match made.await {
        Ok(_) => {
            Redirect::to(&format!("/sharing/peers/{name}/test?done=peer-made")).into_response()
        }
        Err(problem) => {
            let form = form.refused(problem.clone());
            again(&problem, &Edit::of(&page, None, form))
        }
    }
}

async fn ask(State(console): State<Console>, page: Page, Name(name): Name) -> Response {
    let made = async {
        page.actor.require_everywhere(Right::RouteWrite)?;
        console.peer(&page.actor, &name).await
    };
    let made = made.await.map(|peer| {
        let form = filled(&peer);
        Edit::of(&page, Some(peer), form)
    });
    page_of(&page, made)
}

async fn change(
    State(console): State<Console>,
    page: Page,
    Name(name): Name,
    form: Form,
) -> Response {
    let changed = async {
        page.actor.require_everywhere(Right::RouteWrite)?;
        let (fields, revision) = (fields(&form), form.revision());
        let changed = console.change::<Peer>(&page.actor, &name, fields, revision);
        changed.await
    };
    let Err(problem) = changed.await else {
        return Redirect::to("/sharing?done=peer-saved").into_response();
    };
    let Ok(peer) = console.peer(&page.actor, &name).await else {
        return trouble(&page, &problem);
    };
    let is_stale = problem.code() == axum::http::StatusCode::PRECONDITION_FAILED;
    let form = if is_stale { filled(&peer) } else { form };
    let form = form.refused(problem.clone());
    again(&problem, &Edit::of(&page, Some(peer), form))
}

#[derive(Template)]
#[template(path = "sharing/remove.html")]
struct Remove<'a> {
    page: &'a Page,
    peer: Peer,
    form: Form,
}

async fn ask_remove(State(console): State<Console>, page: Page, Name(name): Name) -> Response {
    let made = removal(&console, &page, &name, Form::default()).await;
    page_of(&page, made)
}

async fn removal<'a>(
    console: &Console,
    page: &'a Page,
    name: &str,
    form: Form,
) -> Result<Remove<'a>, Problem> {
    page.actor.require_everywhere(Right::RouteWrite)?;
    let peer = console.peer(&page.actor, name).await?;
    Ok(Remove { page, peer, form })
}

async fn remove(
    State(console): State<Console>,
    page: Page,
    Name(name): Name,
    form: Form,
) -> Response {
    let removed = async {
        page.actor.require_everywhere(Right::RouteWrite)?;
        let revision = form.revision();
        console.remove::<Peer>(&page.actor, &name, revision).await
    };
    let Err(problem) = removed.await else {
        return Redirect::to("/sharing?done=peer-removed").into_response();
    };
    let form = form.refused(problem.clone());
    match removal(&console, &page, &name, form).await {
        Ok(shown) => again(&problem, &shown),
        Err(_) => trouble(&page, &problem),
    }
}
