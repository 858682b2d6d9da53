//! A domain's names, postmaster and quotas.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use serde_json::{Map, Value, json};

use super::super::form::Form;
use super::super::layout::{again, trouble};
use super::super::{Page, page as page_of};

use crate::api::v1::domain_list::ListedDomain;
use crate::api::v1::domains::{Domain, Quotas};
use crate::auth::{Actor, Right};
use crate::console::Console;
use crate::input::Name;
use crate::problem::Problem;

/// The quotas of a domain.
const QUOTAS: [&str; 4] = ["user_max", "user_default", "shared_max", "shared_default"];
/// Units that sizes are given in.
const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route("/domains/{name}", get(ask_general).post(general))
        .route("/domains/{name}/mail", get(ask_quotas).post(quotas))
}

/// Whether he may do this in the domain.
pub(super) fn may(actor: &Actor, right: Right, domain: &str) -> bool {
    let name = waypost_proto::mail::Domain::parse(domain);
    name.is_ok_and(|name| actor.may_in(right, &name))
}

#[derive(Template)]
#[template(path = "domains/general.html")]
struct General<'a> {
    page: &'a Page,
    listed: ListedDomain,
    may_write: bool,
    may_serve: bool,
    form: Form,
}

fn general_of<'a>(page: &'a Page, listed: ListedDomain, form: Form) -> General<'a> {
    General {
        page,
        may_write: may(&page.actor, Right::DomainWrite, &listed.domain.name),
        may_serve: page.actor.require_everywhere(Right::DomainServe).is_ok(),
        listed,
        form,
    }
}

fn general_form(domain: &Domain) -> Form {
    let mut form = Form::default();
    form.set("aliases", domain.aliases.join("\n"));
    form.set("postmaster", domain.postmaster.clone().unwrap_or_default());
    form.set("revision", domain.revision.to_string());
    form
}

async fn ask_general(State(console): State<Console>, page: Page, Name(name): Name) -> Response {
    let listed = console.domain(&page.actor, &name).await;
    let made = listed.map(|listed| {
        let form = general_form(&listed.domain);
        general_of(&page, listed, form)
    });
    page_of(&page, made)
}

async fn general(
    State(console): State<Console>,
    page: Page,
    Name(name): Name,
    form: Form,
) -> Response {
    let mut fields = Map::new();
    fields.insert("postmaster".to_owned(), json!(form.get("postmaster")));
    if page.actor.require_everywhere(Right::DomainServe).is_ok() {
        fields.insert("aliases".to_owned(), json!(form.parted("aliases")));
    }
    let to = format!("/domains/{name}?done=domain-saved");
    match save(&console, &page, &name, (fields, &form)).await {
        Ok(()) => Redirect::to(&to).into_response(),
        Err(problem) => match console.domain(&page.actor, &name).await {
            Ok(listed) => {
                let form = reloaded(form, &problem, || general_form(&listed.domain));
                again(&problem, &general_of(&page, listed, form))
            }
            Err(_) => trouble(&page, &problem),
        },
    }
}

/// Saves fields of a domain, if nobody else has changed it.
pub(super) async fn save(
    console: &Console,
    page: &Page,
    name: &str,
    (fields, form): (Map<String, Value>, &Form),
) -> Result<(), Problem> {
    let (actor, revision) = (&page.actor, form.revision());
    console.allowed(actor, name, &fields)?;
    let saved = console.change::<Domain>(actor, name, fields, revision);
    saved.await.map(|_| ())
}

/// The form with what is wrong; made anew when somebody else has changed the domain since.
pub(super) fn reloaded(form: Form, problem: &Problem, anew: impl FnOnce() -> Form) -> Form {
    let form = if problem.code() == StatusCode::PRECONDITION_FAILED {
        anew()
    } else {
        form
    };
    form.refused(problem.clone())
}

#[derive(Template)]
#[template(path = "domains/mail.html")]
struct Mail<'a> {
    page: &'a Page,
    listed: ListedDomain,
    may_write: bool,
    quotas: [&'static str; 4],
    form: Form,
}

impl Mail<'_> {
    /// The units to choose from; one that was set otherwise is kept.
    fn units(&self, quota: &str) -> Vec<&str> {
        let own = self.form.get(&format!("{quota}_unit"));
        let mut units = UNITS.to_vec();
        if !own.is_empty() && !units.contains(&own) {
            units.push(own);
        }
        units
    }

    fn size(&self, quota: &str) -> &str {
        self.form.get(&format!("{quota}_size"))
    }

    fn has_unit(&self, quota: &str, unit: &str) -> bool {
        self.form.is(&format!("{quota}_unit"), unit)
    }

    /// The name of the quota in keys.
    fn key(&self, quota: &str) -> String {
        quota.replace('_', "-")
    }
}

fn mail_of<'a>(page: &'a Page, listed: ListedDomain, form: Form) -> Mail<'a> {
    Mail {
        page,
        may_write: may(&page.actor, Right::DomainWrite, &listed.domain.name),
        listed,
        quotas: QUOTAS,
        form,
    }
}

fn quotas_form(domain: &Domain) -> Form {
    let Quotas {
        user_max,
        user_default,
        shared_max,
        shared_default,
    } = &domain.quota;
    let mut form = Form::default();
    form.set("revision", domain.revision.to_string());
    let values = [user_max, user_default, shared_max, shared_default];
    for (name, value) in QUOTAS.into_iter().zip(values) {
        let (number, unit) = value.split_once(' ').unwrap_or(("", "GiB"));
        let is_none = number.is_empty() || number == "0";
        form.set(name, if is_none { "none" } else { "size" });
        form.set(&format!("{name}_size"), if is_none { "" } else { number });
        form.set(&format!("{name}_unit"), if is_none { "GiB" } else { unit });
    }
    form
}

async fn ask_quotas(State(console): State<Console>, page: Page, Name(name): Name) -> Response {
    let listed = console.domain(&page.actor, &name).await;
    let made = listed.map(|listed| {
        let form = quotas_form(&listed.domain);
        mail_of(&page, listed, form)
    });
    page_of(&page, made)
}

async fn quotas(
    State(console): State<Console>,
    page: Page,
    Name(name): Name,
    form: Form,
) -> Response {
    let mut quota = Map::new();
    for name in QUOTAS {
        let size = format!(
            "{} {}",
            form.get(&format!("{name}_size")),
            form.get(&format!("{name}_unit"))
        );
        let is_size = form.is(name, "size");
        let size = if is_size { size } else { "0".to_owned() };
        quota.insert(name.to_owned(), size.into());
    }
    let mut fields = Map::new();
    fields.insert("quota".to_owned(), Value::Object(quota));
    let to = format!("/domains/{name}/mail?done=domain-saved");
    match save(&console, &page, &name, (fields, &form)).await {
        Ok(()) => Redirect::to(&to).into_response(),
        Err(problem) => match console.domain(&page.actor, &name).await {
            Ok(listed) => {
                let form = reloaded(form, &problem, || quotas_form(&listed.domain));
                again(&problem, &mail_of(&page, listed, form))
            }
            Err(_) => trouble(&page, &problem),
        },
    }
}
