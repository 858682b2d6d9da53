//! Supervised domains: the list, new ones, and those that go.

mod edit;
mod routing;
mod signing;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use serde_json::{Map, Value, json};

use super::form::{Form, Sought};
use super::layout::{again, trouble};
use super::pager::Pager;
use super::{Page, page as page_of};
use crate::api::List;
use crate::api::v1::domain_list::{DomainQuery, ListedDomain};
use crate::api::v1::domains::Domain;
use crate::auth::Right;
use crate::console::Console;
use crate::input::{Name, Params};
use crate::problem::Problem;
use crate::request::{Filter, Find, Kind, Request};

/// So many shared mailboxes and groups are counted.
const COUNTED: usize = 1000;

pub(crate) fn router() -> Router<Console> {
    Router::new()
        .route("/domains", get(list))
        .route("/domains/new", get(ask_new).post(make))
        .route("/domains/{name}/remove", get(ask_remove).post(remove))
        .merge(edit::router())
        .merge(routing::router())
        .merge(signing::router())
}

#[derive(Template)]
#[template(path = "domains/list.html")]
struct Domains<'a> {
    page: &'a Page,
    text: &'a str,
    pager: Pager,
    domains: List<ListedDomain>,
}

async fn list(
    State(console): State<Console>,
    page: Page,
    Params(sought): Params<Sought>,
) -> Response {
    let query = DomainQuery {
        text: Some(sought.text.clone()),
        after: sought.after,
        limit: None,
    };
    let domains = console.domains(&page.actor, &query).await;
    let made = domains.map(|domains| Domains {
        page: &page,
        text: &sought.text,
        pager: Pager::of(
            "/domains",
            &[("text", &sought.text)],
            query.after.as_deref(),
            domains.next.as_deref(),
        ),
        domains,
    });
    page_of(&page, made)
}

#[derive(Template)]
#[template(path = "domains/new.html")]
struct New<'a> {
    page: &'a Page,
    form: Form,
}

async fn ask_new(page: Page) -> Response {
    let made = page.actor.require_everywhere(Right::DomainServe);
    let form = Form::default();
    page_of(&page, made.map(|()| New { page: &page, form }))
}

async fn make(State(console): State<Console>, page: Page, form: Form) -> Response {
    let name = form.get("name").to_lowercase();
    let made = async {
        page.actor.require_everywhere(Right::DomainServe)?;
        let mut fields = Map::new();
        fields.insert("aliases".to_owned(), json!(form.parted("aliases")));
        console.add::<Domain>(&page.actor, &name, fields).await
    };
    match made.await {
        Ok(_) if form.is("act", "edit") => {
            Redirect::to(&format!("/domains/{name}/routing?done=domain-made")).into_response()
        }
        Ok(_) => Redirect::to("/domains?done=domain-made").into_response(),
        Err(problem) => {
            let form = form.refused(problem.clone());
            again(&problem, &New { page: &page, form })
        }
    }
}

#[derive(Template)]
#[template(path = "domains/remove.html")]
struct Remove<'a> {
    page: &'a Page,
    listed: ListedDomain,
    mailboxes: u64,
    groups: u64,
    form: Form,
}

impl Remove<'_> {
    fn is_empty(&self) -> bool {
        self.listed.users.all() == 0 && self.mailboxes == 0 && self.groups == 0
    }
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
    page.actor.require_everywhere(Right::DomainServe)?;
    let listed = console.domain(&page.actor, name).await?;
    let mut counts = [0; 2];
    for (count, kind) in counts.iter_mut().zip([Kind::Mailbox, Kind::Group]) {
        let find = Find {
            kind,
            filter: Filter {
                domain: Some(name.to_owned()),
                ..Filter::default()
            },
            after: None,
            limit: COUNTED,
            count: false,
        };
        let found = console.ask(&page.actor, Request::Find(find)).await?;
        let items = found.get("items").and_then(Value::as_array);
        *count = items.map_or(0, |items| items.len() as u64);
    }
    let [mailboxes, groups] = counts;
    Ok(Remove {
        page,
        listed,
        mailboxes,
        groups,
        form,
    })
}

async fn remove(
    State(console): State<Console>,
    page: Page,
    Name(name): Name,
    form: Form,
) -> Response {
    let removed = async {
        page.actor.require_everywhere(Right::DomainServe)?;
        let revision = form.revision();
        console.remove::<Domain>(&page.actor, &name, revision).await
    };
    let Err(problem) = removed.await else {
        return Redirect::to("/domains?done=domain-removed").into_response();
    };
    let form = form.refused(problem.clone());
    match removal(&console, &page, &name, form).await {
        Ok(shown) => again(&problem, &shown),
        Err(_) => trouble(&page, &problem),
    }
}
