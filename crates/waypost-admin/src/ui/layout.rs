//! What every page has: who looks at it, in which language, what is above and beside it.

use std::borrow::Borrow;

use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde_json::Value;
use waypost_directory::Role;
use waypost_proto::mail::Domain;

use crate::api::v1::domain_change::Remark;
use crate::assets;
use crate::auth::{Actor, Proof, Right, cookie};
use crate::console::Console;
use crate::problem::Problem;
use crate::request::{Fault, Refused};
use crate::text::{Language, Word};

/// Which language the reader has chosen.
const LANGUAGE: &str = "waypost_language";

/// A page for somebody who is logged in; handlers of pages take it as an argument, and whoever is
/// not logged in is sent to the login.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) actor: Actor,
    pub(crate) view: View,
}

/// A page for anybody.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) language: Language,
    /// The path of the address: what is open in the menu.
    pub(crate) path: String,
    /// The path with its query: where a change of the language leads back to.
    pub(crate) address: String,
    /// Which server this is.
    pub(crate) hostname: String,
    /// What was done by the page before, by a key `done-…`.
    pub(crate) done: Option<String>,
    /// Who looks at it; none: nobody is logged in, or he must choose a password first.
    pub(crate) reader: Option<Actor>,
}

/// An entry of the menu.
pub(crate) struct Entry {
    pub(crate) address: &'static str,
    /// The key of its text, without `nav-`.
    pub(crate) name: &'static str,
    pub(crate) is_open: bool,
}

/// Address, name and the right that shows it.
type Item = (&'static str, &'static str, Right);

/// The menu: groups of entries.
const MENU: [(&str, &[Item]); 4] = [
    (
        "overview",
        &[
            ("/", "overview", Right::StatisticsRead),
            ("/domains", "domains", Right::DomainRead),
            ("/directory", "directory", Right::AccountRead),
        ],
    ),
    (
        "mail",
        &[
            ("/queue", "queue", Right::QueueRead),
            ("/explain", "explain", Right::Explain),
            ("/trace", "trace", Right::Explain),
            ("/test-message", "test-message", Right::QueueWrite),
            ("/cache", "cache", Right::CacheRead),
        ],
    ),
    (
        "routes",
        &[
            ("/targets", "targets", Right::RouteRead),
            ("/sharing", "sharing", Right::RouteRead),
            ("/gateways", "gateways", Right::RouteRead),
        ],
    ),
    (
        "site",
        &[
            ("/admins", "admins", Right::Admin),
            ("/tokens", "tokens", Right::Own),
            ("/audit", "audit", Right::AuditRead),
            ("/system", "system", Right::System),
            ("/log", "log", Right::System),
        ],
    ),
];

/// Characters of an address that is short.
const SHORT: usize = 26;

/// A moment of which a line is broken between date and time only.
fn unbroken(moment: &str) -> String {
    match moment.split_once(", ") {
        Some((date, time)) => {
            let [date, time] = [date, time].map(|part| part.replace(' ', "\u{a0}"));
            format!("{date}, {time}")
        }
        None => moment.to_owned(),
    }
}

impl Page {
    /// What changes of this page must carry.
    pub(crate) fn csrf(&self) -> &str {
        match &self.actor.proof {
            Proof::Session { csrf, .. } => csrf,
            Proof::Token(_) => "",
        }
    }

    /// The menu, as far as he may use it.
    pub(crate) fn menu(&self) -> Vec<(&'static str, Vec<Entry>)> {
        let groups = MENU.iter().map(|(name, entries)| {
            let entries = entries.iter().filter(|(.., right)| self.actor.may(*right));
            let entries = entries.map(|(address, name, _)| Entry {
                address,
                name,
                is_open: self.view.is_under(address) || self.view.is_of(address),
            });
            (*name, entries.collect::<Vec<_>>())
        });
        groups.filter(|(_, entries)| !entries.is_empty()).collect()
    }

    /// Whether he may do this, somewhere.
    pub(crate) fn may(&self, right: Right) -> bool {
        self.actor.may(right)
    }

    /// The key of his role.
    pub(crate) fn role(&self) -> Role {
        self.actor.role
    }
}

impl std::ops::Deref for Page {
    type Target = View;

    fn deref(&self) -> &View {
        &self.view
    }
}

impl View {
    pub(crate) fn of(parts: &Parts, console: &Console) -> Self {
        let query = parts.uri.query().unwrap_or_default();
        let done = query.split('&').find_map(|pair| pair.strip_prefix("done="));
        let is_word = |c: char| c.is_ascii_lowercase() || c == '-';
        Self {
            language: language(&parts.headers),
            path: parts.uri.path().to_owned(),
            address: parts.uri.to_string(),
            hostname: console.parts.hostname.clone(),
            done: done
                .filter(|word| word.chars().all(is_word))
                .map(str::to_owned),
            reader: parts
                .extensions
                .get::<Actor>()
                .filter(|actor| !actor.must_change())
                .cloned(),
        }
    }

    /// Whether the page shows something that the entry of the menu leads to.
    fn is_of(&self, address: &str) -> bool {
        let accounts = ["/users", "/mailboxes", "/groups"];
        address == "/directory" && accounts.into_iter().any(|path| self.is_under(path))
    }

    fn is_under(&self, address: &str) -> bool {
        let rest = self.path.strip_prefix(address);
        rest.is_some_and(|rest| rest.is_empty() || (address != "/" && rest.starts_with('/')))
    }

    /// The text of a key.
    pub(crate) fn say(&self, key: &str) -> String {
        self.language.say(key)
    }

    /// The text of a key that is made of a word: `role-helpdesk`.
    pub(crate) fn word(&self, key: &str, word: impl std::fmt::Display) -> String {
        self.language.word(key, word)
    }

    /// The same with values in it.
    pub(crate) fn words(
        &self,
        key: &str,
        word: impl std::fmt::Display,
        values: &[(&str, Word)],
    ) -> String {
        self.language.words(key, word, values)
    }

    /// What is wrong with a field, and what to do about it.
    pub(crate) fn told(&self, fault: &Fault) -> String {
        self.language.told(fault)
    }

    /// What is wrong with the whole request.
    pub(crate) fn detail(&self, problem: &Problem) -> String {
        self.language.whole(&problem.said, &problem.detail)
    }

    /// Why the server did not do it.
    pub(crate) fn refusal(&self, refused: &Refused) -> String {
        self.language.whole(&refused.said, &refused.message)
    }

    /// An object by kind and name.
    pub(crate) fn object(&self, object: &str) -> String {
        self.language.objects(object)
    }

    /// A step of a job in the reader's words, where there are some.
    pub(crate) fn step(&self, what: &str) -> String {
        let key = what.replace(' ', "-");
        let said = self.word("job-step", &key);
        match said == format!("job-step-{key}") {
            true => what.to_owned(),
            false => said,
        }
    }

    /// A text with a value in it.
    pub(crate) fn with(&self, key: &str, name: &str, value: impl Into<Word>) -> String {
        self.language.with(key, &[(name, value.into())])
    }

    /// The local part of an address, and the rest, before which a line may be broken.
    pub(crate) fn parts_of<'a>(&self, address: &'a str) -> (&'a str, &'a str) {
        let at = address.rfind('@').unwrap_or(address.len());
        address.split_at_checked(at).unwrap_or((address, ""))
    }

    /// Whether a line is never broken in an address where there is room.
    pub(crate) fn is_short(&self, address: &str) -> bool {
        address.chars().count() <= SHORT
    }

    /// A domain's name as people write it.
    pub(crate) fn domain(&self, name: &str) -> String {
        Domain::parse(name).map_or_else(|_| name.to_owned(), |name| name.shown())
    }

    /// A number as the language writes it.
    pub(crate) fn count(&self, number: impl Borrow<u64>) -> String {
        self.language.number(*number.borrow())
    }

    /// A text with a number in it, which chooses the plural.
    pub(crate) fn count_with(&self, key: &str, name: &str, number: impl Borrow<u64>) -> String {
        self.with(key, name, *number.borrow())
    }

    /// The sentence of a code with its parameters: `peer-test-smtp-good`.
    pub(crate) fn remark_word(&self, key: &str, remark: &Remark) -> String {
        let values = remark.parameters.iter().map(|(name, value)| {
            let word = match value {
                Value::Null => Word::from(""),
                Value::Number(number) => Word::from(number.as_u64().unwrap_or(0)),
                Value::String(text) => Word::from(text),
                other => Word::from(other),
            };
            (name.as_str(), word)
        });
        let values: Vec<_> = values.collect();
        self.language
            .with(&format!("{key}-{}", remark.code), &values)
    }

    /// A moment, which the browser shows in its own time; nothing in it needs escaping.
    pub(crate) fn time(&self, moment: &str) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-:+.".contains(c);
        let machine: String = moment.chars().filter(|c| is_plain(*c)).collect();
        let text = unbroken(&self.language.moment(&machine));
        format!("<time datetime=\"{machine}\">{text}</time>")
    }

    /// The same to the second.
    pub(crate) fn second(&self, moment: &str) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-:+.".contains(c);
        let machine: String = moment.chars().filter(|c| is_plain(*c)).collect();
        let text = unbroken(&self.language.second(&machine));
        format!("<time data-time=\"second\" datetime=\"{machine}\">{text}</time>")
    }

    /// The address of a file.
    pub(crate) fn asset(&self, name: &str) -> String {
        assets::address(name)
    }

    /// All languages.
    pub(crate) fn languages(&self) -> [Language; 3] {
        Language::ALL
    }
}

/// The language that the reader has chosen, or his browser.
pub(crate) fn language(headers: &HeaderMap) -> Language {
    let chosen = cookie(headers, LANGUAGE).and_then(Language::parse);
    let accepted = || {
        let header = headers.get(header::ACCEPT_LANGUAGE)?;
        Language::accepted(header.to_str().ok()?)
    };
    chosen.or_else(accepted).unwrap_or_default()
}

/// The cookie that keeps a language.
pub(crate) fn language_cookie(language: Language) -> String {
    let code = language.code();
    format!("{LANGUAGE}={code}; Path=/; Max-Age=31536000; SameSite=Strict")
}

impl FromRequestParts<Console> for View {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &Console,
    ) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts, state))
    }
}

impl FromRequestParts<Console> for Page {
    type Rejection = Redirect;

    async fn from_request_parts(parts: &mut Parts, state: &Console) -> Result<Self, Redirect> {
        let Some(actor) = parts.extensions.get::<Actor>().cloned() else {
            return Err(Redirect::to("/login"));
        };
        if actor.must_change() && parts.uri.path() != "/password" {
            return Err(Redirect::to("/password"));
        }
        Ok(Self {
            actor,
            view: View::of(parts, state),
        })
    }
}

/// Why a page cannot be shown.
#[derive(Template)]
#[template(path = "parts/problem.html")]
struct Trouble<'a> {
    page: &'a View,
    problem: &'a Problem,
}

/// The same for who is logged in, with the menu.
#[derive(Template)]
#[template(path = "parts/trouble.html")]
struct Inside<'a> {
    page: &'a Page,
    problem: &'a Problem,
}

/// The page, or what is wrong with it, as a page.
pub(crate) fn page<T: Template>(view: &View, made: Result<T, Problem>) -> Response {
    match made {
        Ok(template) => shown(StatusCode::OK, &template),
        Err(problem) => trouble(view, &problem),
    }
}

/// A form that was not accepted, with what is wrong.
pub(crate) fn again<T: Template>(problem: &Problem, template: &T) -> Response {
    shown(problem.code(), template)
}

/// What is wrong, as a page.
pub(crate) fn trouble(view: &View, problem: &Problem) -> Response {
    if let Some(actor) = view.reader.clone() {
        let page = &Page {
            actor,
            view: view.clone(),
        };
        return shown(problem.code(), &Inside { page, problem });
    }
    shown(
        problem.code(),
        &Trouble {
            page: view,
            problem,
        },
    )
}

fn shown<T: Template>(status: StatusCode, template: &T) -> Response {
    match template.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!("a page cannot be made: {error}");
            Problem::internal().into_response()
        }
    }
}
