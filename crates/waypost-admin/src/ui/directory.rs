//! All users, shared mailboxes and groups, and what is done with many of them.

mod bulk;

use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use waypost_proto::mail::Domain;

use super::account_form::{domains, targets};
use super::layout::{again, trouble};
use super::{Page, page as page_of};
use crate::address::{address, encoded};
use crate::api::Page as Part;
use crate::api::v1::groups::Group;
use crate::api::v1::mailboxes::Mailbox;
use crate::api::v1::users::User;
use crate::api::v1::users_many::{IMPORT_MAX, Importing};
use crate::auth::Right;
use crate::console::Console;
use crate::input::{Csv, Fields, Params};
use crate::problem::Problem;
use crate::request::{Filter, Mail, Request, UserAction, UsersMany, words};

/// Objects of one page.
const LIMIT: usize = 50;
/// The tabs.
const KINDS: [&str; 3] = ["users", "mailboxes", "groups"];

pub(crate) fn router() -> Router<Console> {
    let file = Router::new()
        .route("/directory/import/file", post(import_file))
        .layer(DefaultBodyLimit::max(IMPORT_MAX));
    Router::new()
        .route("/directory", get(list))
        .route("/directory/confirm", post(confirm))
        .route("/directory/actions", post(act))
        .route("/directory/export", get(export))
        .route("/directory/import", get(ask_import).post(import))
        .merge(file)
}

/// What is looked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    kind: String,
    domain: String,
    text: String,
    mail: String,
    target: String,
    state: String,
    after: String,
}

impl Wanted {
    /// As the fields of a form repeat it.
    fn of(fields: &Fields) -> Self {
        let text = |name: &str| fields.text(name).to_owned();
        Self {
            kind: String::new(),
            domain: text("domain"),
            text: text("text"),
            mail: text("of-mail"),
            target: text("of-target"),
            state: text("state"),
            after: String::new(),
        }
    }

    fn filter(&self) -> Filter {
        let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Filter {
            scope: None,
            domain: some(&self.domain),
            text: self.text.clone(),
            mail: mail(&self.mail),
            target: some(&self.target),
            suspended: match self.state.as_str() {
                "suspended" => Some(true),
                "active" => Some(false),
                _ => None,
            },
        }
    }

    /// Where the same is shown of another kind, from another place on.
    fn address(&self, path: &str, kind: &str, after: &str) -> String {
        let is_users = kind == "users";
        let of_users = |text: &String| {
            if is_users {
                text.clone()
            } else {
                String::new()
            }
        };
        address(
            path,
            &[
                ("kind", if is_users { "" } else { kind }),
                ("domain", &self.domain),
                ("text", &self.text),
                ("mail", &of_users(&self.mail)),
                ("target", &of_users(&self.target)),
                ("state", &of_users(&self.state)),
                ("after", after),
            ],
        )
    }

    fn is_state(&self, word: &str) -> bool {
        self.state == word
    }

    fn is_on(&self, target: &str) -> bool {
        self.target == target
    }

    fn is_filtered(&self) -> bool {
        let fields = [
            &self.domain,
            &self.text,
            &self.mail,
            &self.target,
            &self.state,
        ];
        fields.into_iter().any(|field| !field.is_empty())
    }
}

/// A row of the list.
struct Row {
    /// As verbs name it.
    name: String,
    title: String,
    address: String,
    mail: Option<Mail>,
    target: Option<String>,
    /// The relay of his domain, on which who has no other target lives.
    relay: Option<String>,
    is_suspended: bool,
    domain: String,
    link: String,
}

/// What a list shows of an account.
fn row(kind: &str, (name, domain): (&str, &str), addresses: &[String]) -> Row {
    let full = format!("{name}@{domain}");
    let first = addresses.first().cloned().unwrap_or_default();
    let address = match first.strip_suffix("@*") {
        Some(local) => format!("{local}@{domain}"),
        None => first,
    };
    Row {
        link: format!("/{kind}/{}", encoded(&full)),
        name: full,
        title: name.to_owned(),
        address,
        mail: None,
        target: None,
        relay: None,
        is_suspended: false,
        domain: domain.to_owned(),
    }
}

impl From<User> for Row {
    fn from(user: User) -> Self {
        let row = row("users", (&user.login, &user.domain), &user.addresses);
        Self {
            title: match user.name.is_empty() {
                true => user.login,
                false => user.name,
            },
            mail: Some(user.mail),
            target: user.target,
            is_suspended: user.suspended,
            ..row
        }
    }
}

impl From<Mailbox> for Row {
    fn from(mailbox: Mailbox) -> Self {
        row(
            "mailboxes",
            (&mailbox.name, &mailbox.domain),
            &mailbox.addresses,
        )
    }
}

impl From<Group> for Row {
    fn from(group: Group) -> Self {
        row("groups", (&group.name, &group.domain), &group.addresses)
    }
}

#[derive(Template)]
#[template(path = "directory/list.html")]
struct Directory<'a> {
    page: &'a Page,
    kind: &'a str,
    wanted: Wanted,
    rows: Vec<Row>,
    next: Option<String>,
    /// How many users the filter means.
    count: u64,
    domains: Vec<String>,
    targets: Vec<String>,
    may_write: bool,
}

impl Directory<'_> {
    /// Where the mail of somebody goes who has no target of his own.
    fn relay(&self, row: &Row) -> String {
        relay_word(self.page, row.relay.as_ref())
    }

    /// The tabs, and which is open.
    fn tabs(&self) -> [(&'static str, bool); 3] {
        KINDS.map(|kind| (kind, kind == self.kind))
    }
}

async fn list(
    State(console): State<Console>,
    page: Page,
    Params(wanted): Params<Wanted>,
) -> Response {
    let kind = KINDS.into_iter().find(|kind| *kind == wanted.kind);
    let made = found(&console, &page, kind.unwrap_or("users"), wanted).await;
    page_of(&page, made)
}

async fn found<'a>(
    console: &Console,
    page: &'a Page,
    kind: &'a str,
    wanted: Wanted,
) -> Result<Directory<'a>, Problem> {
    let actor = &page.actor;
    let after = Some(wanted.after.clone()).filter(|after| !after.is_empty());
    let part = Part {
        after: after.clone(),
        limit: Some(LIMIT),
    };
    let mut count = 0;
    let (rows, next) = match kind {
        "mailboxes" => {
            let found = console
                .find::<Mailbox>(actor, wanted.filter(), &part)
                .await?;
            (found.items.into_iter().map(Row::from).collect(), found.next)
        }
        "groups" => {
            let found = console.find::<Group>(actor, wanted.filter(), &part).await?;
            (found.items.into_iter().map(Row::from).collect(), found.next)
        }
        _ => {
            let found = console.counted_users(actor, wanted.filter(), (after, LIMIT));
            let found = found.await?;
            count = found.all();
            let next = found.next;
            let rows = found.items.into_iter().map(|user| {
                let relay = relay(console, &user.domain);
                let row = Row::from(user);
                Row { relay, ..row }
            });
            (rows.collect(), next)
        }
    };
    Ok(Directory {
        page,
        kind,
        wanted,
        rows,
        next,
        count,
        domains: domains(console, page).await?,
        targets: targets(console, page).await?,
        may_write: actor.may(Right::AccountWrite),
    })
}

/// The server that a domain's third-party users live on.
fn relay(console: &Console, domain: &str) -> Option<String> {
    let snapshot = console.parts.directory.snapshot();
    let name = Domain::parse(domain).ok()?;
    let relay = snapshot.target(snapshot.domain(&name)?.domain.relay?)?;
    Some(match relay.implicit {
        true => relay.host.to_string(),
        false => relay.name.clone(),
    })
}

async fn export(
    State(console): State<Console>,
    page: Page,
    Params(wanted): Params<Wanted>,
) -> Response {
    let exported = console.export_users(page.actor.clone(), wanted.filter());
    match exported.await {
        Ok(file) => file.into_response(),
        Err(problem) => trouble(&page, &problem),
    }
}

/// The verb that a form says, and its key in the texts.
fn action(fields: &Fields) -> Result<(UserAction, String), Problem> {
    let word = fields.text("action");
    let action = match word {
        "suspend" => UserAction::Suspend,
        "resume" => UserAction::Resume,
        "remove" => UserAction::Remove,
        "target" => UserAction::Target(fields.text("target").to_owned()),
        other => {
            let mail = other.strip_prefix("mail-").and_then(mail);
            let missing = || Problem::field("action", words::NOTHING_TICKED);
            UserAction::Mail(mail.ok_or_else(missing)?)
        }
    };
    Ok((action, word.to_owned()))
}

/// Who is meant: those with a tick, or all that the filter means.
fn chosen(fields: &Fields) -> Result<(Vec<String>, Option<Filter>), Problem> {
    if fields.has("all") {
        return Ok((Vec::new(), Some(Wanted::of(fields).filter())));
    }
    let names = fields.all("select");
    match names.is_empty() {
        true => Err(Problem::field("select", words::NOBODY_TICKED)),
        false => Ok((names, None)),
    }
}

async fn confirm(State(console): State<Console>, page: Page, fields: Fields) -> Response {
    let made = bulk::question(&console, &page, &fields).await;
    page_of(&page, made)
}

fn relay_word(page: &Page, relay: Option<&String>) -> String {
    match relay {
        Some(relay) => page.with("target-relay-named", "relay", relay),
        None => page.say("target-relay"),
    }
}

async fn act(State(console): State<Console>, page: Page, fields: Fields) -> Response {
    let many = action(&fields).and_then(|(action, _)| {
        let (names, filter) = chosen(&fields)?;
        Ok(UsersMany {
            names,
            filter,
            action,
            above: Vec::new(),
        })
    });
    let begun = match many {
        Ok(many) => console.act_on_users(&page.actor, many).await,
        Err(problem) => Err(problem),
    };
    job(&page, begun)
}

/// The page of a job that has begun.
fn job(page: &Page, begun: Result<u64, Problem>) -> Response {
    match begun {
        Ok(id) => Redirect::to(&format!("/jobs/{id}")).into_response(),
        Err(problem) => trouble(page, &problem),
    }
}

#[derive(Template)]
#[template(path = "directory/import.html")]
struct Import<'a> {
    page: &'a Page,
    problem: Option<&'a Problem>,
    text: &'a str,
}

async fn ask_import(page: Page) -> Response {
    let made = page.actor.require(Right::AccountWrite).map(|()| Import {
        page: &page,
        problem: None,
        text: "",
    });
    page_of(&page, made)
}

async fn import(State(console): State<Console>, page: Page, fields: Fields) -> Response {
    let text = fields.text("csv");
    if text.is_empty() {
        let problem = Problem::field("csv", words::CSV_NO_FILE);
        let form = Import {
            page: &page,
            problem: Some(&problem),
            text,
        };
        return again(&problem, &form);
    }
    let begun = rehearse(&console, &page, fields.has("force"), text.to_owned()).await;
    job(&page, begun)
}

#[derive(Debug, Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Forced {
    force: String,
}

async fn import_file(
    State(console): State<Console>,
    page: Page,
    Params(how): Params<Forced>,
    Csv(text): Csv,
) -> Response {
    let begun = rehearse(&console, &page, !how.force.is_empty(), text).await;
    job(&page, begun)
}

/// Shows what a file would do; it can then be done.
async fn rehearse(
    console: &Console,
    page: &Page,
    force: bool,
    text: String,
) -> Result<u64, Problem> {
    let how = |dry_run| Importing { dry_run, force };
    let rehearsal = console
        .importing(&page.actor, how(true), text.clone())
        .await?;
    let import = console.importing(&page.actor, how(false), text).await?;
    let both = (Request::Import(rehearsal), Request::Import(import));
    console.rehearse(&page.actor, "users-import", both)
}

fn mail(word: &str) -> Option<Mail> {
    Mail::ALL.into_iter().find(|mail| mail.as_str() == word)
}
