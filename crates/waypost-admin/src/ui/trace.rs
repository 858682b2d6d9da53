//! Trace: what happened to a message, or to the mail of an address, in order.

use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use super::explain::rule;
use super::layout::{Page, again, page as page_of};
use super::pager::Pager;
use crate::address::address;
use crate::api::v1::trace::{TraceStep, Wanted};
use crate::auth::Right;
use crate::console::Console;
use crate::input::Params;
use crate::problem::Problem;
use crate::text::{Language, Word, clock};

/// The next hop in the log of what nobody was asked for.
pub(super) const NOWHERE: &str = "none";
/// Steps on one page.
const PAGE: usize = 100;
/// What may have happened, as far as there are words for it.
const EVENTS: [&str; 19] = [
    "active",
    "again",
    "client",
    "delivery-bounced",
    "delivery-deferred",
    "delivery-failed",
    "delivery-refused",
    "delivery-sent",
    "delivery-unreached",
    "expired",
    "lives-twice",
    "member-refused",
    "message-id",
    "ordered",
    "passing",
    "rejected",
    "removed",
    "report",
    "trouble",
];
/// Fields that sentences name.
const NAMED: [&str; 19] = [
    "also_on",
    "by",
    "client",
    "from",
    "kind",
    "mail_goes_to",
    "message_id",
    "nrcpt",
    "orig_to",
    "relay",
    "report",
    "route",
    "sasl_username",
    "size",
    "stage",
    "status",
    "to",
    "trouble",
    "verb",
];
/// Fields that stand below the sentence, when there are any.
const BELOW: [&str; 12] = [
    "reply",
    "said",
    "why",
    "route",
    "proof",
    "tls",
    "dsn",
    "delay",
    "reason",
    "sasl_username",
    "orig_to",
    "helo",
];

/// How well the other end is known, in the log and here.
const LEVELS: [(&str, &str); 3] = [
    ("none", "none"),
    ("Untrusted", "untrusted"),
    ("Verified", "verified"),
];
/// Who decided how a connection is secured.
const DEMANDS: [&str; 4] = ["dane", "mta-sts", "opportunistic", "target"];

pub(crate) fn router() -> Router<Console> {
    Router::new().route("/trace", get(show))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    what: String,
    from: String,
    /// Minutes by which it is ahead of UTC.
    from_zone: String,
    to: String,
    to_zone: String,
    after: String,
}

#[derive(Template)]
#[template(path = "trace/show.html")]
struct Show<'a> {
    page: &'a Page,
    asked: &'a Asked,
    found: Option<Found>,
    problem: Option<&'a Problem>,
}

struct Found {
    /// The newest first; of a queue id there is one.
    stories: Vec<Story>,
    pager: Pager,
    /// For how long history is kept.
    kept: Duration,
}

/// What happened to one message, the oldest first; without one, a refusal alone.
struct Story {
    queue_id: Option<String>,
    steps: Vec<Told>,
}

/// One thing that happened, in words.
struct Told {
    class: &'static str,
    at: String,
    text: String,
    /// The key of a field without `trace-field-`, and what is in it.
    fields: Vec<(&'static str, String)>,
}

impl Show<'_> {
    /// Whether a field is what a server said, letter by letter.
    fn is_said(name: &str) -> bool {
        ["dsn", "helo", "reply", "said"].contains(&name)
    }

    /// Whether this field was not accepted.
    fn is_wrong(&self, field: &str) -> bool {
        let problem = self.problem.and_then(|problem| problem.of_field(field));
        problem.is_some()
    }
}

async fn show(
    State(console): State<Console>,
    page: Page,
    Params(asked): Params<Asked>,
) -> Response {
    if let Err(problem) = page.actor.require(Right::Explain) {
        return super::layout::trouble(&page, &problem);
    }
    let mut form = Show {
        page: &page,
        asked: &asked,
        found: None,
        problem: None,
    };
    if asked.what.trim().is_empty() {
        return page_of(&page, Ok(form));
    }
    let wanted = Wanted {
        what: asked.what.clone(),
        from: Some(clock::utc(&asked.from, &asked.from_zone)),
        to: Some(clock::utc(&asked.to, &asked.to_zone)),
        after: Some(asked.after.clone()),
        arrivals: Some(true),
        limit: Some(PAGE),
    };
    match console.trace(&page.actor, &wanted).await {
        Ok(traced) => {
            let filters = [
                ("what", asked.what.as_str()),
                ("from", &asked.from),
                ("from_zone", &asked.from_zone),
                ("to", &asked.to),
                ("to_zone", &asked.to_zone),
            ];
            let next = traced.next.as_deref();
            form.found = Some(Found {
                pager: Pager::of("/trace", &filters, Some(&asked.after), next),
                stories: stories(&page, &traced.items, asked.what.contains('@')),
                kept: Duration::from_secs(traced.kept_s),
            });
            page_of(&page, Ok(form))
        }
        Err(problem) => again(
            &problem,
            &Show {
                problem: Some(&problem),
                ..form
            },
        ),
    }
}

/// Steps by their messages, in the order in which these are met; each is read from its arrival on.
fn stories(page: &Page, steps: &[TraceStep], is_newest_first: bool) -> Vec<Story> {
    let mut stories: Vec<(Option<&String>, Vec<&TraceStep>)> = Vec::new();
    for step in steps {
        let id = step.queue_id.as_ref();
        let known = stories
            .iter_mut()
            .find(|(known, _)| id.is_some() && *known == id);
        match known {
            Some((_, story)) => story.push(step),
            None => stories.push((id, vec![step])),
        }
    }
    let told = stories.into_iter().map(|(id, mut steps)| {
        if is_newest_first {
            steps.reverse();
        }
        let mut entries = 0;
        let steps = steps.into_iter().map(|step| {
            entries += usize::from(step.event == "active");
            told(page, step, entries > 1)
        });
        Story {
            queue_id: id.cloned(),
            steps: steps.collect(),
        }
    });
    told.collect()
}

/// A step in words; whether the message was in the queue before says what a further entry is.
fn told(page: &Page, step: &TraceStep, is_further: bool) -> Told {
    let field = |name: &str| step.fields.get(name).map(String::as_str);
    // Whom nobody was asked for, nobody has refused.
    let is_unasked = field("relay") == Some(NOWHERE);
    let event = match (step.event.as_str(), field("status")) {
        ("active", _) if is_further => "again".to_owned(),
        ("delivery", Some("deferred")) if is_unasked => "delivery-unreached".to_owned(),
        ("delivery", Some("bounced")) if is_unasked => "delivery-failed".to_owned(),
        ("delivery", Some(status)) => format!("delivery-{status}"),
        (event, _) => event.to_owned(),
    };
    let class = match event.as_str() {
        "delivery-sent" => "ok",
        "delivery-deferred" | "delivery-unreached" | "lives-twice" | "ordered" => "warn",
        "delivery-bounced" | "delivery-failed" | "delivery-refused" | "expired"
        | "member-refused" | "rejected" | "trouble" => "bad",
        _ => "",
    };
    let known = EVENTS.into_iter().find(|known| *known == event);
    let mut values = vec![("event", Word::from(&event))];
    values.extend(NAMED.into_iter().map(|name| {
        let value = match (name, field(name).unwrap_or_default()) {
            ("from", "") => "<>".to_owned(),
            ("relay" | "route", hop) => page.hop(hop),
            ("verb", verb) => page.verb(verb),
            ("size", size) => match size.parse() {
                Ok(bytes) => page.language.size(bytes),
                Err(_) => size.to_owned(),
            },
            (_, value) => value.to_owned(),
        };
        (name, Word::from(&value))
    }));
    let below = BELOW.into_iter().filter_map(|name| {
        let value = field(name).filter(|value| !value.is_empty())?;
        let value = match name {
            "why" => rule(page, value),
            "route" => page.hop(value),
            "delay" => page.language.delay(value),
            "tls" => secured(page.language, value, field("tls_version")),
            _ => value.to_owned(),
        };
        let own = name == "said" && is_unasked;
        Some((if own { "why-not" } else { name }, value))
    });
    Told {
        class,
        at: step.at.clone(),
        text: page.words("event", known.unwrap_or("other"), &values),
        fields: below.collect(),
    }
}

/// How a connection was secured, and by whose demand, in words.
pub(super) fn secured(language: Language, tls: &str, version: Option<&str>) -> String {
    let (level, by) = tls.split_once('/').unwrap_or((tls, "opportunistic"));
    let level = LEVELS.into_iter().find(|(known, _)| *known == level);
    let by = DEMANDS.into_iter().find(|known| *known == by);
    let (Some((_, level)), Some(by)) = (level, by) else {
        return tls.to_owned();
    };
    let version = version.unwrap_or("TLS").replace('v', " ");
    let values = [("version", Word::from(&version))];
    let said = language.words("tls-level", level, &values);
    match by {
        "opportunistic" => said,
        by => format!("{said} {}", language.word("tls-by", by)),
    }
}

impl Story {
    /// What happened to the whole message.
    fn message(&self) -> Option<String> {
        let id = self.queue_id.as_deref()?;
        Some(address("/trace", &[("what", id)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_connection_was_secured_is_said_in_words() {
        let said = |tls, version| secured(Language::English, tls, version);
        let dane = said("Verified/dane", Some("TLSv1.3"));
        let words = "TLS 1.3; the certificate was checked. As TLSA records of the host demand \
                     (DANE).";
        assert_eq!(dane, words);
        let plain = said("Untrusted", None);
        assert_eq!(plain, "TLS; the certificate was not checked.");
        assert_eq!(said("none", None), "not encrypted.");
        assert_eq!(said("Verified/somebody", None), "Verified/somebody");
    }

    #[test]
    fn every_event_and_field_has_words_in_every_language() {
        for language in Language::ALL {
            let events = EVENTS.map(|event| format!("event-{event}"));
            let fields = BELOW.map(|name| format!("trace-field-{name}"));
            let own = ["trace-field-why-not".to_owned()];
            let levels = LEVELS.map(|(_, level)| format!("tls-level-{level}"));
            let demands = DEMANDS.into_iter().filter(|by| *by != "opportunistic");
            let tls = levels
                .into_iter()
                .chain(demands.map(|by| format!("tls-by-{by}")));
            for key in events.into_iter().chain(fields).chain(own).chain(tls) {
                assert_ne!(language.say(&key), key, "{}", language.code());
            }
        }
    }
}
