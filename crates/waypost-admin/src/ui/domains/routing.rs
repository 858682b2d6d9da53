//! Where a domain's mail goes: the form, and what a change would do before it is saved.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use serde_json::{Map, Value, json};

use super::super::form::Form;
use super::super::layout::{again, trouble};
use super::super::{Page, page as page_of};
use super::edit::{may, reloaded, save};
use crate::api::v1::domain_change::{Preview, Remark};
use crate::api::v1::domain_list::ListedDomain;
use crate::api::v1::domains::{Domain, VerifyUnknown};
use crate::auth::Right;
use crate::console::Console;
use crate::input::Name;
use crate::problem::Problem;
use crate::request::{Kind, List, Request};

/// Targets and peers to choose from.
const CHOICES: usize = 500;

pub(super) fn router() -> Router<Console> {
    Router::new().route("/domains/{name}/routing", get(ask).post(act))
}

#[derive(Template)]
#[template(path = "domains/routing.html")]
struct Routing<'a> {
    page: &'a Page,
    listed: ListedDomain,
    may_write: bool,
    may_route: bool,
    targets: Vec<Choice>,
    peers: Vec<Choice>,
    form: Form,
}

/// A server to choose.
struct Choice {
    name: String,
    host: String,
}

impl Routing<'_> {
    /// The peers as the form has them, in order.
    fn chosen(&self) -> Vec<String> {
        self.form.parted("sharing")
    }

    /// The peers that could be added.
    fn others(&self) -> Vec<&Choice> {
        let chosen = self.chosen();
        let others = self.peers.iter();
        others.filter(|peer| !chosen.contains(&peer.name)).collect()
    }

    fn host<'c>(&'c self, peer: &str) -> &'c str {
        let mut peers = self.peers.iter();
        peers
            .find(|known| known.name == peer)
            .map_or("", |known| &known.host)
    }
}

#[derive(Template)]
#[template(path = "domains/preview.html")]
struct Shown<'a> {
    page: &'a Page,
    listed: ListedDomain,
    preview: Preview,
    form: Form,
    /// Something was not ticked.
    is_unconfirmed: bool,
}

/// Fields of the form that the preview carries along.
const CARRIED: [&str; 6] = [
    "revision",
    "relay",
    "forward_unknown",
    "verify_unknown",
    "sharing",
    "protect_senders",
];

impl Shown<'_> {
    fn carried(&self) -> Vec<(&'static str, &str)> {
        let carried = CARRIED.into_iter();
        let carried = carried.map(|name| (name, self.form.get(name)));
        carried.filter(|(_, value)| !value.is_empty()).collect()
    }

    /// What changes from one word to another.
    fn changes(&self) -> Vec<(&'static str, String, String)> {
        let text = |remark: &Remark, name: &str| {
            let value = remark.parameters.get(name).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        let effects = self.preview.effects.iter();
        let changes = effects.filter_map(|remark| match remark.code.as_str() {
            "role" => Some(("role", text(remark, "before"), text(remark, "after"))),
            "unknown" => Some(("unknown", text(remark, "before"), text(remark, "after"))),
            _ => None,
        });
        changes.collect()
    }

    /// All other effects.
    fn sentences(&self) -> Vec<&Remark> {
        let effects = self.preview.effects.iter();
        effects
            .filter(|remark| !["role", "unknown"].contains(&remark.code.as_str()))
            .collect()
    }

    fn is_confirmed(&self, code: &str) -> bool {
        self.form.has(&format!("confirm-{code}"))
    }
}

fn filled(domain: &Domain) -> Form {
    let mut form = Form::default();
    form.set("revision", domain.revision.to_string());
    form.set("relay", domain.relay.clone().unwrap_or_default());
    form.tick("forward_unknown", domain.forward_unknown);
    let asks = domain.verify_unknown == VerifyUnknown::Callout;
    form.set("verify_unknown", if asks { "callout" } else { "none" });
    form.set("sharing", domain.sharing.join(","));
    form.tick("protect_senders", domain.protect_senders);
    form
}

/// The fields that the form says.
fn fields(form: &Form, may_route: bool) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    set("protect_senders", json!(form.has("protect_senders")));
    if may_route {
        set("relay", json!(form.get("relay")));
        set("forward_unknown", json!(form.has("forward_unknown")));
        let asks = !form.is("verify_unknown", "none");
        set(
            "verify_unknown",
            json!(if asks { "callout" } else { "none" }),
        );
        set("sharing", json!(form.parted("sharing")));
    }
    fields
}

async fn ask(State(console): State<Console>, page: Page, Name(name): Name) -> Response {
    let made = match console.domain(&page.actor, &name).await {
        Ok(listed) => {
            let form = filled(&listed.domain);
            Ok(asked(&console, &page, listed, form).await)
        }
        Err(problem) => Err(problem),
    };
    page_of(&page, made)
}

async fn asked<'a>(
    console: &Console,
    page: &'a Page,
    listed: ListedDomain,
    form: Form,
) -> Routing<'a> {
    let may_route = may(&page.actor, Right::DomainRoute, &listed.domain.name);
    let (targets, peers) = if may_route {
        (
            choices(console, page, Kind::Target).await,
            choices(console, page, Kind::Peer).await,
        )
    } else {
        (Vec::new(), Vec::new())
    };
    Routing {
        page,
        may_write: may(&page.actor, Right::DomainWrite, &listed.domain.name),
        may_route,
        listed,
        targets,
        peers,
        form,
    }
}

/// Servers to choose from; none when they cannot be read, as names can be typed.
async fn choices(console: &Console, page: &Page, kind: Kind) -> Vec<Choice> {
    let list = Request::List(List {
        kind,
        domain: None,
        after: 0,
        limit: CHOICES,
    });
    let list = console.ask(&page.actor, list).await.unwrap_or_default();
    let items = list.get("items").and_then(Value::as_array);
    let text = |item: &Value, name: &str| {
        let value = item.get(name).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let items = items.into_iter().flatten().map(|item| Choice {
        name: text(item, "name"),
        host: text(item, "host"),
    });
    items.collect()
}

async fn act(
    State(console): State<Console>,
    page: Page,
    Name(name): Name,
    mut form: Form,
) -> Response {
    let listed = match console.domain(&page.actor, &name).await {
        Ok(listed) if may(&page.actor, Right::DomainWrite, &name) => listed,
        Ok(_) => return trouble(&page, &Problem::forbidden()),
        Err(problem) => return trouble(&page, &problem),
    };
    let act = form.get("act").to_owned();
    if act == "save" || act == "preview" {
        return previewed(&console, &page, listed, form).await;
    }
    arrange(&mut form, &act);
    page_of(&page, Ok(asked(&console, &page, listed, form).await))
}

/// Adds, removes and moves peers in the form.
fn arrange(form: &mut Form, act: &str) {
    let mut peers = form.parted("sharing");
    let (verb, name) = act.split_once(':').unwrap_or((act, ""));
    let place = peers.iter().position(|peer| peer == name);
    match (verb, place) {
        ("add", _) => {
            let new = form.get("add_peer").to_owned();
            if !new.is_empty() && !peers.contains(&new) {
                peers.push(new);
            }
        }
        ("drop", Some(place)) => {
            peers.remove(place);
        }
        ("up", Some(place)) if place > 0 => peers.swap(place, place - 1),
        ("down", Some(place)) if place + 1 < peers.len() => peers.swap(place, place + 1),
        _ => {}
    }
    form.set("sharing", peers.join(","));
}

/// Says what the change would do; saves it when that is confirmed.
async fn previewed(console: &Console, page: &Page, listed: ListedDomain, form: Form) -> Response {
    let name = listed.domain.name.clone();
    let may_route = may(&page.actor, Right::DomainRoute, &name);
    let fields = fields(&form, may_route);
    let revision = form.revision();
    let preview = console.preview_domain(&page.actor, &name, fields.clone(), revision);
    let preview = match preview.await {
        Ok(preview) => preview,
        Err(problem) => return refused(console, page, listed, (form, problem)).await,
    };
    let wants_save = form.is("act", "save");
    let mut shown = Shown {
        page,
        listed,
        preview,
        form,
        is_unconfirmed: false,
    };
    let mut warnings = shown.preview.warnings.iter();
    let all_confirmed = warnings.all(|warning| shown.is_confirmed(&warning.code));
    if !wants_save || !all_confirmed {
        shown.is_unconfirmed = wants_save;
        return page_of(page, Ok(shown));
    }
    let to = format!("/domains/{name}/routing?done=domain-saved");
    match save(console, page, &name, (fields, &shown.form)).await {
        Ok(()) => Redirect::to(&to).into_response(),
        Err(problem) => {
            let (listed, form) = (shown.listed, shown.form);
            refused(console, page, listed, (form, problem)).await
        }
    }
}

async fn refused(
    console: &Console,
    page: &Page,
    listed: ListedDomain,
    (form, problem): (Form, Problem),
) -> Response {
    let form = reloaded(form, &problem, || filled(&listed.domain));
    let form = asked(console, page, listed, form).await;
    again(&problem, &form)
}
