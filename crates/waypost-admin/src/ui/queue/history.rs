//! What happened to a message, from the history.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::Page;
use super::super::trace::{NOWHERE, secured};
use crate::api::v1::queue::nobody;
use crate::auth::{Actor, Right};
use crate::console::Console;
use crate::problem::Problem;
use crate::request::{Request, Trace};

/// Steps of one message that are shown.
const STEPS_MAX: usize = 500;
/// The fields of a step that are told, in this order.
const TOLD: [&str; 20] = [
    "client",
    "sasl_username",
    "message_id",
    "from",
    "nrcpt",
    "to",
    "orig_to",
    "relay",
    "status",
    "dsn",
    "said",
    "reply",
    "tls",
    "delay",
    "verb",
    "by",
    "reason",
    "report",
    "also_on",
    "trouble",
];

/// What may have happened, as far as there are words for it.
const EVENTS: [&str; 13] = [
    "active",
    "client",
    "delivery",
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
/// What became of an attempt.
const STATUSES: [&str; 5] = ["bounced", "deferred", "expired", "refused", "sent"];

/// One thing that happened.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Step {
    pub(super) at: String,
    /// It was in the queue before.
    #[serde(skip)]
    is_further: bool,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

#[derive(Deserialize)]
struct Steps {
    items: Vec<Step>,
}

impl Step {
    fn field(&self, name: &str) -> &str {
        let field = self.fields.get(name);
        field.and_then(Value::as_str).unwrap_or_default()
    }

    /// What it is, as far as there are words for it.
    pub(super) fn event(&self) -> &str {
        match self.field("event") {
            "active" if self.is_further => "again",
            event if EVENTS.contains(&event) => event,
            _ => "other",
        }
    }

    /// The class of its line.
    pub(super) fn class(&self) -> &'static str {
        match (self.event(), self.field("status")) {
            ("delivery", "sent") => "ok",
            ("delivery", "deferred") | ("trouble" | "lives-twice", _) => "warn",
            ("delivery" | "expired" | "rejected" | "member-refused", _) => "bad",
            _ => "",
        }
    }

    /// Its fields that say something, with their names.
    pub(super) fn told(&self, page: &Page) -> Vec<(&'static str, String)> {
        let is_unasked = self.field("relay") == NOWHERE;
        let told = TOLD.iter().map(|name| match *name {
            // Where it would have gone, if somebody had been asked.
            "relay" if is_unasked => ("relay", page.hop(self.field("route"))),
            "relay" => ("relay", page.hop(self.field("relay"))),
            "said" if is_unasked => ("why-not", self.field("said").to_owned()),
            "status" if STATUSES.contains(&self.field("status")) => {
                ("status", page.word("queue-status", self.field("status")))
            }
            "tls" if !self.field("tls").is_empty() => {
                let version = Some(self.field("tls_version")).filter(|text| !text.is_empty());
                ("tls", secured(page.language, self.field("tls"), version))
            }
            "delay" => ("delay", page.language.delay(self.field("delay"))),
            "verb" => ("verb", page.verb(self.field("verb"))),
            name => (name, self.field(name).to_owned()),
        });
        told.filter(|(_, value)| !value.is_empty()).collect()
    }
}

impl Console {
    /// What happened to a message, as far as he may see it, the oldest first; none is a problem.
    pub(super) async fn history(&self, actor: &Actor, id: &str) -> Result<Vec<Step>, Problem> {
        actor.require(Right::QueueRead)?;
        let domains = self.names_of(actor);
        if id.contains('@') || domains.as_ref().is_some_and(Vec::is_empty) {
            return Err(nobody(id));
        }
        let request = Request::Trace(Trace {
            what: id.to_owned(),
            from: None,
            to: None,
            domains: domains.unwrap_or_default(),
            after: None,
            arrivals: false,
            limit: STEPS_MAX,
        });
        let mut steps: Steps = crate::api::read(self.ask(actor, request).await?)?;
        if steps.items.is_empty() {
            return Err(nobody(id));
        }
        let entries = steps.items.iter_mut();
        let entries = entries.filter(|step| step.field("event") == "active");
        entries.skip(1).for_each(|step| step.is_further = true);
        Ok(steps.items)
    }
}
