//! The audit: who has changed what, field by field.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use serde_json::Value;

use super::layout::{Page, View, again, page as page_of};
use super::pager::Pager;
use crate::address::{address, encoded};
use crate::api::v1::audit::{Change, Wanted};
use crate::auth::Right;
use crate::console::Console;
use crate::input::Params;
use crate::problem::Problem;
use crate::text::clock;

/// Kinds of objects, as the audit names them.
const KINDS: [&str; 12] = [
    "admin", "cache", "domain", "gateway", "group", "hold", "mailbox", "peer", "queue", "target",
    "token", "user",
];
/// Stands for the name of a message where there are many.
const MANY: &str = "many";
/// What may have been done to messages, as far as there are words for it.
const DONE: [&str; 4] = ["held", "released", "removed", "retried"];
/// Fields that are sizes in bytes.
const SIZES: [&str; 6] = [
    "quota",
    "shared_default",
    "shared_max",
    "size",
    "user_default",
    "user_max",
];

pub(crate) fn router() -> Router<Console> {
    Router::new().route("/audit", get(list))
}

/// The filters of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    who: String,
    kind: String,
    name: String,
    from: String,
    /// Minutes by which it is ahead of UTC.
    from_zone: String,
    to: String,
    to_zone: String,
    after: String,
}

#[derive(Template)]
#[template(path = "audit/list.html")]
struct Listed<'a> {
    page: &'a Page,
    asked: &'a Asked,
    lines: Vec<Told>,
    pager: Pager,
    problem: Option<&'a Problem>,
}

/// One change in words.
struct Told {
    at: String,
    who: String,
    from: String,
    /// The key of what was done, without `audit-verb-`, and the class of its badge.
    verb: &'static str,
    class: &'static str,
    /// The key of its kind, without `audit-kind-`.
    kind: String,
    name: String,
    /// Its page, while it is there.
    address: Option<String>,
    fields: Vec<Difference>,
}

/// What became of one field.
#[derive(Debug, PartialEq, Eq)]
struct Difference {
    /// As the site file names it.
    name: String,
    before: Vec<String>,
    after: Vec<String>,
}

async fn list(
    State(console): State<Console>,
    page: Page,
    Params(asked): Params<Asked>,
) -> Response {
    let kind = Some(asked.kind.as_str()).filter(|kind| KINDS.contains(kind));
    let wanted = Wanted {
        who: Some(asked.who.clone()),
        object: kind.map(|kind| format!("{kind} {}", asked.name.trim())),
        from: Some(clock::utc(&asked.from, &asked.from_zone)),
        to: Some(clock::utc(&asked.to, &asked.to_zone)),
        after: Some(asked.after.clone()),
        limit: None,
    };
    let filters = [
        ("who", asked.who.as_str()),
        ("kind", &asked.kind),
        ("name", &asked.name),
        ("from", &asked.from),
        ("from_zone", &asked.from_zone),
        ("to", &asked.to),
        ("to_zone", &asked.to_zone),
    ];
    match console.audit(&page.actor, &wanted).await {
        Ok(found) => {
            let next = found.next.as_deref();
            let listed = Listed {
                page: &page,
                asked: &asked,
                lines: found
                    .items
                    .iter()
                    .map(|change| told(&page, change))
                    .collect(),
                pager: Pager::of("/audit", &filters, Some(&asked.after), next),
                problem: None,
            };
            page_of(&page, Ok(listed))
        }
        Err(problem) if problem.problems.is_empty() => super::layout::trouble(&page, &problem),
        Err(problem) => {
            let listed = Listed {
                page: &page,
                asked: &asked,
                lines: Vec::new(),
                pager: Pager::of("/audit", &filters, None, None),
                problem: Some(&problem),
            };
            again(&problem, &listed)
        }
    }
}

fn told(page: &Page, change: &Change) -> Told {
    let (verb, class) = match (&change.before, &change.after) {
        (None, _) => ("added", "ok"),
        (Some(_), Some(_)) => ("changed", "info"),
        (Some(_), None) => ("removed", "bad"),
    };
    let (kind, name) = change
        .object
        .split_once(' ')
        .unwrap_or(("", &change.object));
    let known = KINDS.contains(&kind);
    let is_there = change.after.is_some() && name != MANY;
    Told {
        at: change.at.clone(),
        who: change.who.clone(),
        from: change.from.clone(),
        verb,
        class,
        kind: if known { kind } else { "other" }.to_owned(),
        name: match kind {
            "queue" if name == MANY => page.say("audit-many"),
            "domain" | "gateway" => page.domain(name),
            _ => name.to_owned(),
        },
        address: home(page, kind, name).filter(|_| is_there),
        fields: differences(page, change),
    }
}

/// The page of an object.
fn home(page: &Page, kind: &str, name: &str) -> Option<String> {
    let (path, right) = match kind {
        "admin" => ("admins", Right::Admin),
        "domain" => ("domains", Right::DomainRead),
        "gateway" => ("gateways/domains", Right::RouteRead),
        "group" => ("groups", Right::AccountRead),
        "mailbox" => ("mailboxes", Right::AccountRead),
        "peer" => ("sharing/peers", Right::RouteRead),
        "target" => ("targets", Right::RouteRead),
        "queue" => ("queue", Right::QueueRead),
        "user" => ("users", Right::AccountRead),
        _ => return None,
    };
    page.may(right)
        .then(|| format!("/{path}/{}", encoded(name)))
}

/// The fields that differ; of what is new or gone, those that say something.
fn differences(view: &View, change: &Change) -> Vec<Difference> {
    let names = change.before.iter().chain(&change.after);
    let names: BTreeSet<&String> = names.flat_map(|record| record.keys()).collect();
    let value = |record: &Option<std::collections::BTreeMap<String, Value>>, name: &str| {
        record.as_ref().and_then(|record| record.get(name)).cloned()
    };
    let differing = names.into_iter().filter_map(|name| {
        let (before, after) = (value(&change.before, name), value(&change.after, name));
        if before == after {
            return None;
        }
        let (gone, new) = match (&before, &after) {
            (Some(Value::Array(before)), Some(Value::Array(after))) => apart(before, after),
            _ => (before.into_iter().collect(), after.into_iter().collect()),
        };
        let words = |values: Vec<Value>| -> Vec<String> {
            let words = values.iter().flat_map(|value| words(view, name, value));
            words.collect()
        };
        let difference = Difference {
            name: name.clone(),
            before: words(gone),
            after: words(new),
        };
        let says = !difference.before.is_empty() || !difference.after.is_empty();
        says.then_some(difference)
    });
    differing.collect()
}

/// What is only in the one, and only in the other; of lists in another order, all.
fn apart(before: &[Value], after: &[Value]) -> (Vec<Value>, Vec<Value>) {
    let only = |these: &[Value], others: &[Value]| -> Vec<Value> {
        let these = these.iter().filter(|value| !others.contains(value));
        these.cloned().collect()
    };
    let (gone, new) = (only(before, after), only(after, before));
    if gone.is_empty() && new.is_empty() {
        return (before.to_vec(), after.to_vec());
    }
    (gone, new)
}

/// A value as people read it; nothing for what says nothing.
fn words(view: &View, name: &str, value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => {
            let words = values.iter().flat_map(|value| words(view, name, value));
            words.collect()
        }
        Value::Bool(true) => vec![view.say("audit-yes")],
        Value::Bool(false) => vec![view.say("audit-no")],
        Value::Null => Vec::new(),
        Value::Number(number) => vec![match number.as_u64() {
            Some(0) if SIZES.contains(&name) => view.say("audit-no-quota"),
            Some(bytes) if SIZES.contains(&name) => view.language.size(bytes),
            Some(ms) if name.ends_with("_ms") => {
                let at = SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
                view.language.moment(&clock::written(at))
            }
            // A port is no amount.
            Some(port) if name.ends_with("port") => port.to_string(),
            Some(number) => view.language.number(number),
            None => number.to_string(),
        }],
        Value::Object(_) => vec![value.to_string()],
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::String(word) if name == "done" && DONE.contains(&word.as_str()) => {
            vec![view.word("audit-done", word)]
        }
        Value::String(at) if matches!(name, "arrived" | "until") => {
            vec![view.language.moment(at)]
        }
        Value::String(text) => vec![view.field_word(name, text)],
    }
}

impl Told {
    /// All that was done by the same administrator.
    fn his(&self) -> String {
        address("/audit", &[("who", &self.who)])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_are_told_by_what_is_only_in_one_of_them() {
        let list =
            |values: &[&str]| -> Vec<Value> { values.iter().map(|one| json!(one)).collect() };
        let (gone, new) = apart(&list(&["a", "b"]), &list(&["b", "c"]));
        assert_eq!((gone, new), (list(&["a"]), list(&["c"])));
        let turned = apart(&list(&["a", "b"]), &list(&["b", "a"]));
        assert_eq!(turned, (list(&["a", "b"]), list(&["b", "a"])));
    }
}
