//! One shared mailbox, or one group.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Map, Value, json};

use super::account_form::{Addresses, QuotaForm, domains, lines};
use super::ask::Ask;
use super::layout::trouble;
use super::users::{InDomain, force, form_again, to};
use super::{Page, page as page_of};
use crate::address::encoded;
use crate::api::v1::accounts::Usage;
use crate::api::v1::domains::Domain;
use crate::api::v1::groups::Group;
use crate::api::v1::mailboxes::Mailbox;
use crate::auth::Right;
use crate::console::Console;
use crate::input::{Fields, Name, Params};
use crate::problem::Problem;
use crate::request::{Fault, words};

pub(crate) fn router() -> Router<Console> {
    Router::new()
        .route("/mailboxes/new", get(ask_new_mailbox))
        .route("/mailboxes", post(add_mailbox))
        .route("/mailboxes/{name}", get(mailbox).post(save_mailbox))
        .route(
            "/mailboxes/{name}/remove",
            get(ask_remove_mailbox).post(remove_mailbox),
        )
        .route("/groups/new", get(ask_new_group))
        .route("/groups", post(add_group))
        .route("/groups/{name}", get(group).post(save_group))
        .route(
            "/groups/{name}/remove",
            get(ask_remove_group).post(remove_group),
        )
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Group,
    Mailbox,
}

impl Sort {
    /// The word of addresses and texts.
    fn word(self) -> &'static str {
        match self {
            Self::Group => "groups",
            Self::Mailbox => "mailboxes",
        }
    }

    fn link(self, name: &str) -> String {
        format!("/{}/{}", self.word(), encoded(name))
    }
}

#[derive(Template)]
#[template(path = "shared/new.html")]
struct New<'a> {
    page: &'a Page,
    kind: &'static str,
    fields: &'a Fields,
    domain: String,
    domains: Vec<String>,
    problem: Option<&'a Problem>,
}

impl New<'_> {
    fn wrong(&self, field: &str) -> Option<&Fault> {
        self.problem?.of_field(field)
    }

    fn may_force(&self) -> bool {
        self.page.actor.may_force() && self.problem.is_some_and(Problem::is_objection)
    }
}

async fn ask_new_mailbox(
    State(console): State<Console>,
    page: Page,
    Params(place): Params<InDomain>,
) -> Response {
    let fields = Fields::default();
    let made = new(
        &console,
        &page,
        (Sort::Mailbox, &fields, place.domain),
        None,
    )
    .await;
    page_of(&page, made)
}

async fn ask_new_group(
    State(console): State<Console>,
    page: Page,
    Params(place): Params<InDomain>,
) -> Response {
    let fields = Fields::default();
    let made = new(&console, &page, (Sort::Group, &fields, place.domain), None).await;
    page_of(&page, made)
}

async fn new<'a>(
    console: &Console,
    page: &'a Page,
    (sort, fields, domain): (Sort, &'a Fields, String),
    problem: Option<&'a Problem>,
) -> Result<New<'a>, Problem> {
    page.actor.require(Right::AccountWrite)?;
    let domains = domains(console, page).await?;
    let domain = match domains.as_slice() {
        [only] if domain.is_empty() => only.clone(),
        _ => domain,
    };
    Ok(New {
        page,
        kind: sort.word(),
        fields,
        domain,
        domains,
        problem,
    })
}

async fn add_mailbox(State(console): State<Console>, page: Page, fields: Fields) -> Response {
    add(&console, &page, Sort::Mailbox, &fields).await
}

async fn add_group(State(console): State<Console>, page: Page, fields: Fields) -> Response {
    add(&console, &page, Sort::Group, &fields).await
}

async fn add(console: &Console, page: &Page, sort: Sort, fields: &Fields) -> Response {
    let domain = fields.text("domain").to_owned();
    let name = format!("{}@{domain}", fields.text("name"));
    let mut said = Map::new();
    said.insert("members".to_owned(), json!(lines(fields.text("members"))));
    force(fields, &mut said);
    let actor = &page.actor;
    let added = match (domain.is_empty(), sort) {
        (true, _) => Err(Problem::field("domain", words::USER_DOMAIN_MISSING)),
        (false, Sort::Mailbox) => console.add_account::<Mailbox>(actor, &name, said).await,
        (false, Sort::Group) => console.add_account::<Group>(actor, &name, said).await,
    };
    match added {
        Ok(_) => to(&format!("{}?done=added", sort.link(&name))),
        Err(problem) => {
            let form = new(console, page, (sort, fields, domain), Some(&problem)).await;
            form_again(page, &problem, form)
        }
    }
}

#[derive(Template)]
#[template(path = "shared/show.html")]
struct Show<'a> {
    page: &'a Page,
    kind: &'static str,
    name: String,
    link: String,
    domain: Domain,
    addresses: Addresses,
    members: String,
    /// Of shared mailboxes.
    quota: Option<QuotaForm>,
    usage: Option<Usage>,
    /// Of groups.
    owner: String,
    revision: u64,
    may_write: bool,
    problem: Option<&'a Problem>,
}

impl Show<'_> {
    fn wrong(&self, field: &str) -> Option<&Fault> {
        self.problem?.of_field(field)
    }

    fn may_force(&self) -> bool {
        self.page.actor.may_force() && self.problem.is_some_and(Problem::is_objection)
    }

    /// The list that it is in.
    fn list(&self) -> String {
        format!("/directory?kind={}", self.kind)
    }

    /// What was sent, instead of what is saved.
    fn repeat(&mut self, fields: &Fields) {
        self.addresses = Addresses::said(fields, &self.domain);
        fields.text("members").clone_into(&mut self.members);
        fields.text("owner").clone_into(&mut self.owner);
        if let Some(quota) = &mut self.quota {
            *quota = QuotaForm::said(fields, &quota.default);
        }
    }
}

async fn mailbox(State(console): State<Console>, page: Page, Name(name): Name) -> Response {
    let made = shown(&console, &page, (Sort::Mailbox, &name), None).await;
    page_of(&page, made)
}

async fn group(State(console): State<Console>, page: Page, Name(name): Name) -> Response {
    let made = shown(&console, &page, (Sort::Group, &name), None).await;
    page_of(&page, made)
}

async fn shown<'a>(
    console: &Console,
    page: &'a Page,
    (sort, name): (Sort, &str),
    problem: Option<&'a Problem>,
) -> Result<Show<'a>, Problem> {
    let actor = &page.actor;
    let (domain, addresses, members, revision, mut quota, mut owner) = match sort {
        Sort::Mailbox => {
            let found: Mailbox = console.show(actor, name).await?;
            let quota = Some(found.quota);
            (
                found.domain,
                found.addresses,
                found.members,
                found.revision,
                quota,
                None,
            )
        }
        Sort::Group => {
            let found: Group = console.show(actor, name).await?;
            let owner = found.owner;
            (
                found.domain,
                found.addresses,
                found.members,
                found.revision,
                None,
                owner,
            )
        }
    };
    let domain: Domain = console.show(actor, &domain).await?;
    let usage = match sort {
        Sort::Mailbox => Some(console.usage::<Mailbox>(actor, name).await?),
        Sort::Group => None,
    };
    let default = domain.quota.shared_default.as_str();
    let quota = quota
        .take()
        .map(|quota| QuotaForm::of(quota.as_deref(), default));
    Ok(Show {
        page,
        kind: sort.word(),
        name: name.to_owned(),
        link: sort.link(name),
        addresses: Addresses::of(&addresses, None, &domain),
        members: members.join("\n"),
        quota,
        usage,
        owner: owner.take().unwrap_or_default(),
        revision,
        may_write: page.may(Right::AccountWrite),
        problem,
        domain,
    })
}

async fn save_mailbox(
    State(console): State<Console>,
    page: Page,
    Name(name): Name,
    fields: Fields,
) -> Response {
    save(&console, &page, (Sort::Mailbox, &name), &fields).await
}

async fn save_group(
    State(console): State<Console>,
    page: Page,
    Name(name): Name,
    fields: Fields,
) -> Response {
    save(&console, &page, (Sort::Group, &name), &fields).await
}

async fn save(
    console: &Console,
    page: &Page,
    (sort, name): (Sort, &str),
    fields: &Fields,
) -> Response {
    let saved = match said(console, page, (sort, name), fields).await {
        Ok(said) => write(console, page, (sort, name), (said, fields)).await,
        Err(problem) => Err(problem),
    };
    match saved {
        Ok(()) => to(&format!("{}?done=saved", sort.link(name))),
        Err(problem) => {
            let form = shown(console, page, (sort, name), Some(&problem)).await;
            let form = form.map(|mut form| {
                if problem.code() != StatusCode::PRECONDITION_FAILED {
                    form.repeat(fields);
                }
                form
            });
            form_again(page, &problem, form)
        }
    }
}

/// The fields that the form means.
async fn said(
    console: &Console,
    page: &Page,
    (sort, name): (Sort, &str),
    fields: &Fields,
) -> Result<Map<String, Value>, Problem> {
    let actor = &page.actor;
    let domain = match sort {
        Sort::Mailbox => console.show::<Mailbox>(actor, name).await?.domain,
        Sort::Group => console.show::<Group>(actor, name).await?.domain,
    };
    let domain: Domain = console.show(actor, &domain).await?;
    let mut said = Map::new();
    let addresses = Addresses::said(fields, &domain).all();
    said.insert("addresses".to_owned(), json!(addresses));
    said.insert("members".to_owned(), json!(lines(fields.text("members"))));
    match sort {
        Sort::Mailbox => {
            let quota = QuotaForm::said(fields, "");
            said.insert("quota".to_owned(), quota.value());
        }
        Sort::Group => {
            said.insert("owner".to_owned(), fields.text("owner").into());
        }
    }
    force(fields, &mut said);
    Ok(said)
}

async fn write(
    console: &Console,
    page: &Page,
    (sort, name): (Sort, &str),
    (said, fields): (Map<String, Value>, &Fields),
) -> Result<(), Problem> {
    let revision = fields.text("revision").parse().ok();
    let actor = &page.actor;
    let written = match sort {
        Sort::Mailbox => {
            let written = console.change_account::<Mailbox>(actor, name, said, revision);
            written.await
        }
        Sort::Group => {
            let written = console.change_account::<Group>(actor, name, said, revision);
            written.await
        }
    };
    written.map(|_| ())
}

async fn ask_remove_mailbox(
    State(console): State<Console>,
    page: Page,
    Name(name): Name,
) -> Response {
    let found = console.show::<Mailbox>(&page.actor, &name).await;
    let found = found.map(|found| (found.addresses, found.revision));
    let made = found.and_then(|found| question(&page, (Sort::Mailbox, &name), found));
    page_of(&page, made)
}

async fn ask_remove_group(
    State(console): State<Console>,
    page: Page,
    Name(name): Name,
) -> Response {
    let found = console.show::<Group>(&page.actor, &name).await;
    let found = found.map(|found| (found.addresses, found.revision));
    let made = found.and_then(|found| question(&page, (Sort::Group, &name), found));
    page_of(&page, made)
}

fn question<'a>(
    page: &'a Page,
    (sort, name): (Sort, &str),
    (addresses, revision): (Vec<String>, u64),
) -> Result<Ask<'a>, Problem> {
    page.actor.require(Right::AccountWrite)?;
    Ok(Ask {
        page,
        title: page.with("user-remove-ask", "name", name),
        text: vec![
            addresses.join(", "),
            page.word("shared-remove", sort.word()),
        ],
        action: format!("{}/remove", sort.link(name)),
        hidden: vec![("revision", revision.to_string())],
        yes: page.say("remove"),
        back: sort.link(name),
    })
}

async fn remove_mailbox(
    State(console): State<Console>,
    page: Page,
    Name(name): Name,
    fields: Fields,
) -> Response {
    let revision = fields.text("revision").parse().ok();
    let removed = console
        .remove::<Mailbox>(&page.actor, &name, revision)
        .await;
    removed_from(&page, "mailboxes", removed.map(|_| ()))
}

async fn remove_group(
    State(console): State<Console>,
    page: Page,
    Name(name): Name,
    fields: Fields,
) -> Response {
    let revision = fields.text("revision").parse().ok();
    let removed = console.remove::<Group>(&page.actor, &name, revision).await;
    removed_from(&page, "groups", removed.map(|_| ()))
}

fn removed_from(page: &Page, kind: &str, removed: Result<(), Problem>) -> Response {
    match removed {
        Ok(()) => to(&format!("/directory?kind={kind}&done=removed")),
        Err(problem) => trouble(page, &problem),
    }
}
