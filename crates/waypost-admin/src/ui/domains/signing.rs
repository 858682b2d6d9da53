//! The keys that sign a domain's mail, and their DNS records.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;

use super::super::ask::Ask;
use super::super::form::Form;
use super::super::layout::{again, trouble};
use super::super::{Page, page as page_of};
use super::edit::may;
use crate::address::address;
use crate::api::v1::domain_list::ListedDomain;
use crate::api::v1::keys::{KeyAlgorithm, NewKey, SigningKey};
use crate::auth::Right;
use crate::console::Console;
use crate::input::{Name, Params};
use crate::problem::Problem;

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route("/domains/{name}/signing", get(show).post(add))
        .route(
            "/domains/{name}/signing/remove",
            get(ask_remove).post(remove),
        )
}

#[derive(Template)]
#[template(path = "domains/signing.html")]
struct Shown<'a> {
    page: &'a Page,
    listed: ListedDomain,
    may_write: bool,
    keys: Vec<SigningKey>,
    form: Form,
}

impl Shown<'_> {
    /// The names in From that can be signed for.
    fn names(&self) -> impl Iterator<Item = &str> {
        let aliases = self.listed.domain.aliases.iter();
        std::iter::once(self.listed.domain.name.as_str()).chain(aliases.map(String::as_str))
    }

    /// The page that asks whether a key is to be removed.
    fn removal(&self, key: &SigningKey) -> String {
        let path = format!("/domains/{}/signing/remove", self.listed.domain.name);
        let fields = [("domain", key.domain.as_str()), ("selector", &key.selector)];
        address(&path, &fields)
    }
}

async fn shown<'a>(
    console: &Console,
    page: &'a Page,
    name: &str,
    form: Form,
) -> Result<Shown<'a>, Problem> {
    let listed = console.domain(&page.actor, name).await?;
    let keys = console.keys(&page.actor, Some(name.to_owned())).await?;
    Ok(Shown {
        page,
        may_write: may(&page.actor, Right::DomainWrite, &listed.domain.name),
        listed,
        keys,
        form,
    })
}

async fn show(State(console): State<Console>, page: Page, Name(name): Name) -> Response {
    let mut form = Form::default();
    form.set("domain", name.clone());
    form.set("algorithm", KeyAlgorithm::Rsa.word());
    let made = shown(&console, &page, &name, form).await;
    page_of(&page, made)
}

async fn add(State(console): State<Console>, page: Page, Name(name): Name, form: Form) -> Response {
    let selector = form.get("selector").to_owned();
    let new = NewKey {
        domain: form.get("domain").to_owned(),
        selector: (!selector.is_empty()).then_some(selector),
        algorithm: match form.is("algorithm", "ed25519") {
            true => Some(KeyAlgorithm::Ed25519),
            false => Some(KeyAlgorithm::Rsa),
        },
    };
    let Err(problem) = console.add_key(&page.actor, new).await else {
        let to = format!("/domains/{name}/signing?done=signing-made");
        return Redirect::to(&to).into_response();
    };
    match shown(&console, &page, &name, form.refused(problem.clone())).await {
        Ok(shown) => again(&problem, &shown),
        Err(_) => trouble(&page, &problem),
    }
}

/// The key that is to be removed.
#[derive(Debug, serde::Deserialize)]
struct Which {
    domain: String,
    selector: String,
}

async fn ask_remove(page: Page, Name(name): Name, Params(which): Params<Which>) -> Response {
    let may = may(&page.actor, Right::DomainWrite, &name);
    let may = may.then_some(()).ok_or_else(Problem::forbidden);
    let made = may.map(|()| Ask {
        page: &page,
        title: page.say("signing-remove-title"),
        text: vec![
            format!("{}._domainkey.{}", which.selector, which.domain),
            page.say("signing-remove-lead"),
        ],
        action: format!("/domains/{name}/signing/remove"),
        hidden: vec![("domain", which.domain), ("selector", which.selector)],
        yes: page.say("list-remove"),
        back: format!("/domains/{name}/signing"),
    });
    page_of(&page, made)
}

async fn remove(
    State(console): State<Console>,
    page: Page,
    Name(name): Name,
    form: Form,
) -> Response {
    let (domain, selector) = (form.get("domain"), form.get("selector"));
    match console.remove_key(&page.actor, domain, selector).await {
        Ok(_) => {
            let to = format!("/domains/{name}/signing?done=signing-removed");
            Redirect::to(&to).into_response()
        }
        Err(problem) => trouble(&page, &problem),
    }
}
