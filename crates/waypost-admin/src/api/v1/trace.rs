//! What happened to a message, or to the mail of an address.

use std::collections::{BTreeMap, HashSet};
use std::time::SystemTime;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::objects::read;
use super::super::refusals::Refusals;
use crate::auth::{Actor, Right};
use crate::console::Console;
use crate::input::Params;
use crate::problem::Problem;
use crate::request::{Request, Trace, words};
use crate::text::clock;

/// Most steps of one answer.
const PAGE_MAX: usize = 1_000;
const PAGE: usize = 200;

/// What is looked for.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// A queue id, or an address.
    #[param(example = "jdoe@example.com")]
    pub(crate) what: String,
    /// Nothing before this moment, in UTC.
    #[param(example = "2026-11-22T06:00:00Z")]
    pub(crate) from: Option<String>,
    /// Nothing after it.
    pub(crate) to: Option<String>,
    /// What the answer before said comes next.
    pub(crate) after: Option<String>,
    /// With an address: also how each message came in, though that names nobody but its sender.
    pub(crate) arrivals: Option<bool>,
    /// Most steps; arrivals come on top.
    #[param(minimum = 1, maximum = 1000)]
    pub(crate) limit: Option<usize>,
}

/// What happened: of a queue id the oldest first, of an address the newest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Traced {
    pub(crate) items: Vec<TraceStep>,
    /// Where the next page begins; missing behind the last.
    pub(crate) next: Option<String>,
    /// For how long history is kept; 0: not at all.
    pub(crate) kept_s: u64,
}

/// One thing that happened.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct TraceStep {
    #[schema(format = DateTime)]
    pub(crate) at: String,
    /// Milliseconds since 1970.
    pub(crate) at_ms: u64,
    /// Missing: refused before there was one.
    pub(crate) queue_id: Option<String>,
    /// What: `client`, `message-id`, `rejected`, `member-refused`, `active`, `delivery`,
    /// `expired`, `report`, `ordered`, `lives-twice`, `trouble` or `removed`.
    pub(crate) event: String,
    /// What the log says of it, such as `from`, `to`, `reply`.
    pub(crate) fields: BTreeMap<String, String>,
}

/// What the server answers: the fields of a step stand beside its name.
#[derive(Deserialize)]
struct Answer {
    items: Vec<Map<String, Value>>,
    next: Option<String>,
    kept_s: u64,
}

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(show))
}

/// Shows what happened to a message, or to the mail of an address; who is limited to domains sees
/// what concerns their addresses.
#[utoipa::path(get, path = "/trace", tag = "explain", params(Wanted),
    security(("token" = ["explain"])),
    responses((status = 200, body = Traced), Refusals))]
async fn show(
    State(console): State<Console>,
    actor: Actor,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Traced>, Problem> {
    console.trace(&actor, &wanted).await.map(Json)
}

impl Console {
    /// What happened, as far as he sees it.
    pub(crate) async fn trace(&self, actor: &Actor, wanted: &Wanted) -> Result<Traced, Problem> {
        actor.require(Right::Explain)?;
        let sight = self.sight(actor).await?;
        let domains = sight.domains();
        let trace = Trace {
            what: wanted.what.trim().to_owned(),
            from: moment("from", wanted.from.as_deref())?.map(seconds),
            to: moment("to", wanted.to.as_deref())?.map(seconds),
            domains: domains.clone().unwrap_or_default(),
            after: wanted.after.clone().filter(|after| !after.is_empty()),
            arrivals: wanted.arrivals.unwrap_or(false),
            limit: wanted.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX),
        };
        let answer: Answer = read(self.ask(actor, Request::Trace(trace)).await?)?;
        // To the server, no domain means all of them.
        let sees_nothing = domains.is_some_and(|domains| domains.is_empty());
        let items = answer.items.into_iter().filter(|_| !sees_nothing);
        let mut items: Vec<_> = items.map(TraceStep::from).collect();
        let snapshot = self.parts.directory.snapshot();
        let servers = snapshot.targets().chain(snapshot.peers());
        let hidden = servers.map(|server| server.name.as_str());
        let hidden: HashSet<&str> = hidden.filter(|name| !sight.target(name)).collect();
        items.iter_mut().for_each(|step| step.narrow(&hidden));
        Ok(Traced {
            items,
            next: answer.next.filter(|_| !sees_nothing),
            kept_s: answer.kept_s,
        })
    }
}

/// A moment that somebody has written; nothing: none.
pub(crate) fn moment(field: &str, text: Option<&str>) -> Result<Option<SystemTime>, Problem> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
        return Ok(None);
    };
    let moment = clock::read(text);
    let wrong = || Problem::field(field, words::MOMENT_BAD.having("value", text));
    moment.map(Some).ok_or_else(wrong)
}

fn seconds(at: SystemTime) -> u64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// What names the server that a message went to, or is in its words.
const OF_SERVER: [&str; 6] = ["proof", "relay", "route", "said", "tls", "tls_version"];

impl TraceStep {
    /// Says nothing of servers that only other domains use.
    fn narrow(&mut self, hidden: &HashSet<&str>) {
        let route = self.fields.get("route").map(String::as_str);
        if route.is_some_and(|route| hidden.contains(route)) {
            self.fields
                .retain(|name, _| !OF_SERVER.contains(&name.as_str()));
        }
    }
}

impl From<Map<String, Value>> for TraceStep {
    fn from(mut step: Map<String, Value>) -> Self {
        let mut text = |name: &str| match step.remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let (at, event) = (
            text("at").unwrap_or_default(),
            text("event").unwrap_or_default(),
        );
        let queue_id = text("queue_id");
        let at_ms = step
            .remove("at_ms")
            .and_then(|at| at.as_u64())
            .unwrap_or_default();
        let fields = step.into_iter().filter_map(|(name, value)| match value {
            Value::String(text) => Some((name, text)),
            Value::Null => None,
            other => Some((name, other.to_string())),
        });
        Self {
            at,
            at_ms,
            queue_id,
            event,
            fields: fields.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_of_other_domains_is_not_named() {
        let step = |route: &str| {
            let fields = [("to", "jo@b.test"), ("route", route), ("said", "no")];
            let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let mut step = TraceStep {
                at: String::new(),
                at_ms: 0,
                queue_id: None,
                event: "delivery".to_owned(),
                fields: fields.into(),
            };
            step.narrow(&HashSet::from(["hers"]));
            step.fields.into_keys().collect::<Vec<_>>()
        };
        assert_eq!(step("hers"), ["to"]);
        assert_eq!(step("his"), ["route", "said", "to"]);
    }
}
