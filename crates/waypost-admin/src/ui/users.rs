//! One user: who he is, and where his mail goes.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::account_form::{Addresses, QuotaForm, offered, targets};
use super::ask::Ask;
use super::layout::{again, trouble};
use super::{Page, page as page_of};
use crate::address::encoded;
use crate::api::v1::accounts::Usage;
use crate::api::v1::domains::Domain;
use crate::api::v1::users::User;
use crate::auth::Right;
use crate::console::Console;
use crate::input::{Fields, Name, Params};
use crate::problem::Problem;
use crate::request::{Fault, Mail, words};

pub(crate) fn router() -> Router<Console> {
    Router::new()
        .route("/users/new", get(ask_new))
        .route("/users", post(add))
        .route("/users/{name}", get(general).post(save_general))
        .route("/users/{name}/mail", get(mail).post(save_mail))
        .route("/users/{name}/suspend", post(suspend))
        .route("/users/{name}/resume", post(resume))
        .route("/users/{name}/remove", get(ask_remove).post(remove))
}

/// The domain in which one is to be made.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct InDomain {
    pub(crate) domain: String,
}

#[derive(Template)]
#[template(path = "users/new.html")]
struct New<'a> {
    page: &'a Page,
    fields: &'a Fields,
    domain: String,
    domains: Vec<String>,
    targets: Vec<String>,
    /// The domains whose users can live on a third party, as `data-when` wants them; none: there
    /// are more than a form offers.
    relayed: Option<String>,
    /// It is made for a domain whose users cannot.
    is_without: bool,
    problem: Option<&'a Problem>,
}

impl New<'_> {
    fn wrong(&self, field: &str) -> Option<&Fault> {
        self.problem?.of_field(field)
    }

    fn may_force(&self) -> bool {
        self.page.actor.may_force() && self.problem.is_some_and(Problem::is_objection)
    }

    /// Whether users of some domain can live on a third party.
    fn has_third_party(&self) -> bool {
        let is_some = self.relayed.as_ref().is_none_or(|names| !names.is_empty());
        is_some && !self.is_without
    }

    fn has_mail(&self, mail: &str) -> bool {
        let said = self.fields.text("mail");
        said == mail || (said.is_empty() && mail == "local")
    }
}

async fn ask_new(
    State(console): State<Console>,
    page: Page,
    Params(place): Params<InDomain>,
) -> Response {
    let fields = Fields::default();
    let made = new(&console, &page, (&fields, place.domain), None).await;
    page_of(&page, made)
}

async fn new<'a>(
    console: &Console,
    page: &'a Page,
    (fields, domain): (&'a Fields, String),
    problem: Option<&'a Problem>,
) -> Result<New<'a>, Problem> {
    page.actor.require(Right::AccountWrite)?;
    let offered = offered(console, page).await?;
    let is_cut = offered.next.is_some();
    let listed = offered.items.into_iter().map(|listed| listed.domain);
    let (relayed, others): (Vec<_>, Vec<_>) = listed
        .map(|domain| (domain.name, domain.relay))
        .partition(|(_, relay)| relay.is_some());
    let relayed: Vec<String> = relayed.into_iter().map(|(name, _)| name).collect();
    let mut domains: Vec<String> = others.into_iter().map(|(name, _)| name).collect();
    let is_without = problem.is_none() && domains.contains(&domain);
    domains.extend(relayed.iter().cloned());
    domains.sort();
    let domain = match domains.as_slice() {
        [only] if domain.is_empty() => only.clone(),
        _ => domain,
    };
    Ok(New {
        page,
        fields,
        domain,
        domains,
        targets: targets(console, page).await?,
        relayed: (!is_cut).then(|| relayed.join("|")),
        is_without,
        problem,
    })
}

async fn add(State(console): State<Console>, page: Page, fields: Fields) -> Response {
    let domain = fields.text("domain").to_owned();
    let name = format!("{}@{domain}", fields.text("login"));
    let mut said = Map::new();
    said.insert("name".to_owned(), fields.text("name").into());
    said.insert("mail".to_owned(), fields.text("mail").into());
    if let Some(password) = password(&fields) {
        said.insert("password".to_owned(), password.into());
    }
    let is_third_party = fields.text("mail") == "third-party";
    if let Some(target) = fields.given("target").filter(|_| is_third_party) {
        said.insert("target".to_owned(), target.into());
    }
    force(&fields, &mut said);
    let added = match domain.is_empty() {
        true => Err(Problem::field("domain", words::USER_DOMAIN_MISSING)),
        false => console.add_account::<User>(&page.actor, &name, said).await,
    };
    match added {
        Ok(_) => to(&format!("/users/{}/mail?done=user-added", encoded(&name))),
        Err(problem) => {
            let form = new(&console, &page, (&fields, domain), Some(&problem)).await;
            form_again(&page, &problem, form)
        }
    }
}

/// A password as it was typed; spaces are part of it.
fn password(fields: &Fields) -> Option<String> {
    let said = fields.all("password").into_iter().next();
    said.filter(|password| !password.is_empty())
}

/// What peers object to is saved all the same.
pub(crate) fn force(fields: &Fields, said: &mut Map<String, Value>) {
    if fields.has("force") {
        said.insert("force".to_owned(), true.into());
    }
}

pub(crate) fn to(address: &str) -> Response {
    Redirect::to(address).into_response()
}

/// The form as it was sent, with what is wrong.
pub(crate) fn form_again<T: Template>(
    page: &Page,
    problem: &Problem,
    form: Result<T, Problem>,
) -> Response {
    match form {
        Ok(form) => again(problem, &form),
        // The first problem is what matters: it may be why there is no form.
        Err(_) => trouble(page, problem),
    }
}

#[derive(Template)]
#[template(path = "users/general.html")]
struct General<'a> {
    page: &'a Page,
    user: User,
    link: String,
    tab: &'static str,
    may_write: bool,
    problem: Option<&'a Problem>,
}

impl General<'_> {
    fn wrong(&self, field: &str) -> Option<&Fault> {
        self.problem?.of_field(field)
    }
}

async fn general(State(console): State<Console>, page: Page, Name(name): Name) -> Response {
    let made = show_general(&console, &page, &name, None).await;
    page_of(&page, made)
}

async fn show_general<'a>(
    console: &Console,
    page: &'a Page,
    name: &str,
    problem: Option<&'a Problem>,
) -> Result<General<'a>, Problem> {
    let user: User = console.show(&page.actor, name).await?;
    Ok(General {
        page,
        user,
        link: format!("/users/{}", encoded(name)),
        tab: "general",
        may_write: page.may(Right::AccountWrite),
        problem,
    })
}

async fn save_general(
    State(console): State<Console>,
    page: Page,
    Name(name): Name,
    fields: Fields,
) -> Response {
    let mut said = Map::new();
    said.insert("name".to_owned(), fields.text("name").into());
    said.insert("suspended".to_owned(), fields.has("suspended").into());
    if fields.has("no-password") {
        said.insert("password".to_owned(), "".into());
    } else if let Some(password) = password(&fields) {
        said.insert("password".to_owned(), password.into());
    }
    let revision = fields.text("revision").parse().ok();
    let saved = console.change_account::<User>(&page.actor, &name, said, revision);
    match saved.await {
        Ok(_) => to(&format!("/users/{}?done=saved", encoded(&name))),
        Err(problem) => {
            let form = show_general(&console, &page, &name, Some(&problem)).await;
            let form = form.map(|mut form| {
                if problem.code() != StatusCode::PRECONDITION_FAILED {
                    fields.text("name").clone_into(&mut form.user.name);
                    form.user.suspended = fields.has("suspended");
                }
                form
            });
            form_again(&page, &problem, form)
        }
    }
}

#[derive(Template)]
#[template(path = "users/mail.html")]
struct MailPage<'a> {
    page: &'a Page,
    user: User,
    link: String,
    tab: &'static str,
    domain: Domain,
    addresses: Addresses,
    quota: QuotaForm,
    usage: Option<Usage>,
    targets: Vec<String>,
    may_write: bool,
    problem: Option<&'a Problem>,
}

impl MailPage<'_> {
    fn wrong(&self, field: &str) -> Option<&Fault> {
        self.problem?.of_field(field)
    }

    /// Whether the domain's users can live on a third party.
    fn has_third_party(&self) -> bool {
        self.domain.relay.is_some() || self.user.mail == Mail::ThirdParty
    }

    /// Whether what peers said can be overruled by him.
    fn may_force(&self) -> bool {
        self.page.actor.may_force() && self.problem.is_some_and(Problem::is_objection)
    }
}

async fn mail(State(console): State<Console>, page: Page, Name(name): Name) -> Response {
    let made = show_mail(&console, &page, &name, None).await;
    page_of(&page, made)
}

async fn show_mail<'a>(
    console: &Console,
    page: &'a Page,
    name: &str,
    problem: Option<&'a Problem>,
) -> Result<MailPage<'a>, Problem> {
    let actor = &page.actor;
    let user: User = console.show(actor, name).await?;
    let domain: Domain = console.show(actor, &user.domain).await?;
    let usage = match user.mail {
        Mail::Local => Some(console.usage::<User>(actor, name).await?),
        _ => None,
    };
    Ok(MailPage {
        addresses: Addresses::of(&user.addresses, user.relayed.as_deref(), &domain),
        quota: QuotaForm::of(user.quota.as_deref(), &domain.quota.user_default),
        targets: targets(console, page).await?,
        page,
        user,
        link: format!("/users/{}", encoded(name)),
        tab: "mail",
        domain,
        usage,
        may_write: page.may(Right::AccountWrite),
        problem,
    })
}

async fn save_mail(
    State(console): State<Console>,
    page: Page,
    Name(name): Name,
    fields: Fields,
) -> Response {
    let revision = fields.text("revision").parse().ok();
    let saved = match mail_fields(&console, &page, &name, &fields).await {
        Ok(said) => {
            let saved = console.change_account::<User>(&page.actor, &name, said, revision);
            saved.await
        }
        Err(problem) => Err(problem),
    };
    match saved {
        Ok(_) => to(&format!("/users/{}/mail?done=saved", encoded(&name))),
        Err(problem) => {
            let form = show_mail(&console, &page, &name, Some(&problem)).await;
            let form = form.map(|mut form| {
                if problem.code() != StatusCode::PRECONDITION_FAILED {
                    form.repeat(&fields);
                }
                form
            });
            form_again(&page, &problem, form)
        }
    }
}

impl MailPage<'_> {
    /// What was sent, instead of what is saved.
    fn repeat(&mut self, fields: &Fields) {
        self.addresses = Addresses::said(fields, &self.domain);
        self.quota = QuotaForm::said(fields, &self.domain.quota.user_default);
        let word = fields.text("mail");
        let said = Mail::ALL.into_iter().find(|mail| mail.as_str() == word);
        self.user.mail = said.unwrap_or(self.user.mail);
        if fields.has("target") {
            self.user.target = fields.given("target");
        }
    }
}

/// The fields that the form means.
async fn mail_fields(
    console: &Console,
    page: &Page,
    name: &str,
    fields: &Fields,
) -> Result<Map<String, Value>, Problem> {
    let user: User = console.show(&page.actor, name).await?;
    let domain: Domain = console.show(&page.actor, &user.domain).await?;
    let addresses = Addresses::said(fields, &domain);
    let mail = fields.text("mail");
    let mut said = Map::new();
    said.insert("mail".to_owned(), mail.into());
    said.insert("addresses".to_owned(), json!(addresses.all()));
    if mail == "third-party" {
        let relayed = addresses.relayed();
        if relayed.as_ref().is_some_and(Vec::is_empty) {
            return Err(Problem::field("relayed", words::RELAYED_NONE));
        }
        said.insert("relayed".to_owned(), json!(relayed.unwrap_or_default()));
        if fields.has("target") && page.actor.may_target() {
            said.insert("target".to_owned(), fields.text("target").into());
        }
    }
    if mail == "local" {
        let quota = QuotaForm::said(fields, "");
        said.insert("quota".to_owned(), quota.value());
    }
    force(fields, &mut said);
    Ok(said)
}

async fn suspend(State(console): State<Console>, page: Page, Name(name): Name) -> Response {
    switch(&console, &page, &name, true).await
}

async fn resume(State(console): State<Console>, page: Page, Name(name): Name) -> Response {
    switch(&console, &page, &name, false).await
}

async fn switch(console: &Console, page: &Page, name: &str, suspended: bool) -> Response {
    match console.suspend(&page.actor, name, suspended).await {
        Ok(_) => {
            let done = if suspended { "suspended" } else { "resumed" };
            to(&format!("/users/{}?done={done}", encoded(name)))
        }
        Err(problem) => trouble(page, &problem),
    }
}

async fn ask_remove(State(console): State<Console>, page: Page, Name(name): Name) -> Response {
    let found = console.show::<User>(&page.actor, &name).await;
    let made = found.and_then(|user| {
        page.actor.require(Right::AccountWrite)?;
        let note = page.word("user-remove", user.mail);
        let text = vec![user.name.clone(), user.addresses.join(", "), note];
        Ok(Ask {
            page: &page,
            title: page.with("user-remove-ask", "name", &name),
            text: text.into_iter().filter(|line| !line.is_empty()).collect(),
            action: format!("/users/{}/remove", encoded(&name)),
            hidden: vec![("revision", user.revision.to_string())],
            yes: page.say("remove"),
            back: format!("/users/{}", encoded(&name)),
        })
    });
    page_of(&page, made)
}

async fn remove(
    State(console): State<Console>,
    page: Page,
    Name(name): Name,
    fields: Fields,
) -> Response {
    let revision = fields.text("revision").parse().ok();
    match console
        .remove_account::<User>(&page.actor, &name, revision)
        .await
    {
        Ok(_) => to("/directory?done=removed"),
        Err(problem) => trouble(&page, &problem),
    }
}
