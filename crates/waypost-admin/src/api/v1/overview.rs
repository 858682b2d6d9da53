//! How the whole site is at this moment.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::objects::read;
use super::super::refusals::Refusals;
use crate::auth::{Actor, Right, Sight};
use crate::console::Console;
use crate::problem::Problem;
use crate::request::Request;

/// How the whole site is at this moment, as far as it concerns who asks.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Overview {
    pub(crate) server: ThisServer,
    /// Missing, as all numbers of mail, for who is limited to domains: they are the whole site's.
    pub(crate) flow: Option<FlowPerMinute>,
    /// Where mail comes from.
    pub(crate) sources: Vec<MailSource>,
    /// Where it goes.
    pub(crate) next_hops: Vec<NextHop>,
    /// What is wrong, the worst first.
    pub(crate) wrong: Vec<Wrong>,
}

/// This server.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct ThisServer {
    pub(crate) hostname: String,
    pub(crate) version: String,
    /// When it was started.
    #[schema(format = DateTime)]
    pub(crate) up_since: String,
    pub(crate) up_s: u64,
    /// Messages in the queue.
    pub(crate) queue: Option<u64>,
    /// Recipients that wait in it.
    pub(crate) waiting: Option<u64>,
    /// The age of the oldest message that waits.
    pub(crate) oldest_s: Option<u64>,
    /// When `waiting` and `oldest_s` were counted.
    #[schema(format = DateTime)]
    pub(crate) counted_at: Option<String>,
}

/// Numbers per minute, over the last five.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct FlowPerMinute {
    pub(crate) connections: f64,
    /// Messages taken in.
    pub(crate) messages: f64,
    /// Their recipients.
    pub(crate) recipients: f64,
    /// Recipients refused.
    pub(crate) refused: f64,
    pub(crate) sent: f64,
    pub(crate) deferred: f64,
    pub(crate) bounced: f64,
}

/// Who brings mail.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct MailSource {
    pub(crate) name: String,
    pub(crate) kind: SourceKind,
    pub(crate) messages_per_minute: f64,
}

/// What a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SourceKind {
    /// This server itself.
    Here,
    /// Anybody.
    Strangers,
    /// A target or a peer.
    Target,
    /// Clients in trusted networks.
    Trusted,
    /// Users who are logged in.
    Users,
}

/// Where mail goes.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct NextHop {
    pub(crate) name: String,
    pub(crate) kind: HopKind,
    /// How it does; missing for what is no target.
    pub(crate) condition: Option<HopCondition>,
    /// Messages that came from it.
    pub(crate) incoming_per_minute: Option<f64>,
    /// Recipients that it took.
    pub(crate) sent_per_minute: Option<f64>,
    pub(crate) deferred_per_minute: Option<f64>,
    pub(crate) bounced_per_minute: Option<f64>,
    /// Recipients that wait for it.
    pub(crate) waiting: Option<u64>,
    /// The age of the oldest message among them.
    pub(crate) oldest_s: Option<u64>,
    /// Connections that are used.
    #[serde(default)]
    pub(crate) connections: Option<u64>,
    #[serde(default)]
    pub(crate) connections_max: Option<u64>,
    /// When it last took mail.
    #[schema(format = DateTime)]
    pub(crate) last_success: Option<String>,
    /// Missing also for who is limited to domains: its text may name an address of another.
    pub(crate) last_error: Option<LastError>,
    /// It is held.
    pub(crate) held: Option<HoldNow>,
    /// How a peer answers.
    pub(crate) minger: Option<MingerNow>,
}

/// What a next hop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum HopKind {
    /// Mailboxes here.
    Local,
    /// The MX hosts of other domains.
    Mx,
    /// Not known yet.
    None,
    Peer,
    SmartHost,
    Target,
}

/// How a target does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum HopCondition {
    Down,
    Degraded,
    Held,
    Up,
    /// Nothing went there.
    Unused,
}

/// The last failure.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct LastError {
    #[schema(format = DateTime)]
    pub(crate) at: String,
    pub(crate) text: String,
}

/// A hold that is on.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct HoldNow {
    pub(crate) reason: String,
    #[schema(format = DateTime)]
    pub(crate) since: String,
    /// Missing: until somebody ends it.
    #[schema(format = DateTime)]
    pub(crate) until: Option<String>,
}

/// How a peer answers questions about addresses.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct MingerNow {
    pub(crate) state: MingerState,
    #[schema(format = DateTime)]
    pub(crate) last_answer: Option<String>,
    /// It is not asked for so long.
    pub(crate) paused_s: Option<u64>,
}

/// Whether a peer answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MingerState {
    Answering,
    NotAsked,
    Silent,
}

/// Something that is wrong.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Wrong {
    pub(crate) severity: Severity,
    /// What it is, such as `target-down`.
    pub(crate) code: String,
    /// What there is to say about it; which, depends on the code.
    pub(crate) parameters: BTreeMap<String, Value>,
    pub(crate) object: WrongObject,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Severity {
    Error,
    Notice,
    Warning,
}

/// What is wrong.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct WrongObject {
    pub(crate) kind: WrongKind,
    pub(crate) name: String,
}

/// Kinds of things that may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum WrongKind {
    Address,
    Domain,
    NextHop,
    Peer,
    Server,
    Target,
    User,
}

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(show))
}

/// Shows how the whole site is; who is limited to domains sees no other domain's names, and no
/// numbers of mail, which are counted for the whole site.
#[utoipa::path(get, path = "/overview", tag = "overview",
    security(("token" = ["statistics-read"])),
    responses((status = 200, body = Overview), Refusals))]
async fn show(State(console): State<Console>, actor: Actor) -> Result<Json<Overview>, Problem> {
    console.overview(&actor).await.map(Json)
}

impl Console {
    /// How the site is, as far as he sees it.
    pub(crate) async fn overview(&self, actor: &Actor) -> Result<Overview, Problem> {
        actor.require(Right::StatisticsRead)?;
        let sight = self.sight(actor).await?;
        let mut overview: Overview = read(self.ask(actor, Request::Overview).await?)?;
        if *sight != Sight::All {
            overview.narrow(&sight);
        }
        Ok(overview)
    }
}

impl Overview {
    /// Leaves what somebody who is limited to domains sees: how the servers are that his domains
    /// use. Mail is counted for the whole site, so its numbers would tell of other domains.
    fn narrow(&mut self, sight: &Sight) {
        self.flow = None;
        self.sources.clear();
        self.server.narrow();
        self.next_hops.retain(|hop| match hop.kind {
            HopKind::Peer | HopKind::Target => sight.target(&hop.name),
            HopKind::Local | HopKind::Mx | HopKind::None | HopKind::SmartHost => false,
        });
        for hop in &mut self.next_hops {
            hop.narrow();
        }
        self.wrong.retain_mut(|wrong| wrong.narrow(sight));
    }
}

impl ThisServer {
    fn narrow(&mut self) {
        self.queue = None;
        self.waiting = None;
        self.oldest_s = None;
        self.counted_at = None;
    }
}

impl NextHop {
    fn narrow(&mut self) {
        self.incoming_per_minute = None;
        self.sent_per_minute = None;
        self.deferred_per_minute = None;
        self.bounced_per_minute = None;
        self.waiting = None;
        self.oldest_s = None;
        self.connections = None;
        self.last_error = None;
    }
}

impl Wrong {
    /// Whether he sees it, and no more of it than he may.
    fn narrow(&mut self, sight: &Sight) -> bool {
        let name = &self.object.name;
        // The words of a target may name anybody's address.
        self.parameters.remove("error");
        // The mail of all domains waits there.
        self.parameters.remove("waiting");
        let domain = self.parameters.get("domain").and_then(Value::as_str);
        let is_seen = match self.object.kind {
            WrongKind::Address | WrongKind::User => sight.address(name),
            WrongKind::Domain => sight.domain(name),
            WrongKind::Peer | WrongKind::Target => sight.target(name) && self.code != "queue-old",
            WrongKind::NextHop | WrongKind::Server => false,
        };
        is_seen && domain.is_none_or(|domain| sight.domain(domain))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::json;

    use super::*;

    fn hop(name: &str, kind: &str) -> Value {
        json!({
            "name": name, "kind": kind, "condition": "up", "incoming_per_minute": 77.0,
            "sent_per_minute": 77.0, "deferred_per_minute": 77.0, "bounced_per_minute": 77.0,
            "waiting": 77, "oldest_s": 77, "connections": 77, "last_success": null, "held": null, "minger": null,
            "last_error": { "at": "2026-11-22T06:00:00Z", "text": "550 <jo@b.test> unknown" },
        })
    }

    fn wrong(kind: &str, name: &str, parameters: &Value) -> Value {
        let object = json!({ "kind": kind, "name": name });
        json!({ "severity": "error", "code": "c", "parameters": parameters, "object": object })
    }

    #[test]
    fn who_is_limited_to_domains_reads_no_name_and_no_number_of_another() {
        let flow = json!({
            "connections": 77.0, "messages": 77.0, "recipients": 77.0, "refused": 77.0,
            "sent": 77.0, "deferred": 77.0, "bounced": 77.0,
        });
        let server = json!({
            "hostname": "mx", "version": "1", "up_since": "", "up_s": 1, "queue": 77, "waiting": 77,
            "oldest_s": 77, "counted_at": null,
        });
        let mut overview: Overview = serde_json::from_value(json!({
            "server": server,
            "flow": flow,
            "sources": [
                { "name": "strangers", "kind": "strangers", "messages_per_minute": 77.0 },
                { "name": "his", "kind": "target", "messages_per_minute": 77.0 },
            ],
            "next_hops": [hop("his", "target"), hop("hers", "peer"), hop("mx", "mx")],
            "wrong": [
                wrong("server", "mx", &json!({})),
                wrong("target", "his", &json!({ "error": "550 <jo@b.test> unknown", "waiting": 77 })),
                wrong("next-hop", "mx", &json!({ "waiting": 77, "oldest_s": 77 })),
                wrong("target", "his", &json!({ "domain": "b.test" })),
                wrong("target", "hers", &json!({})),
                wrong("user", "jo@b.test", &json!({})),
                wrong("address", "jo@A.test", &json!({})),
            ],
        }))
        .unwrap();
        overview.narrow(&Sight::Part {
            domains: HashSet::from(["a.test".to_owned()]),
            targets: HashSet::from(["his".to_owned()]),
        });
        let said = serde_json::to_string(&overview).unwrap();
        assert!(!said.contains("hers") && !said.contains("b.test"), "{said}");
        assert!(!said.contains("77"), "{said}");
        let names = overview.wrong.iter().map(|wrong| &wrong.object.name);
        assert_eq!(names.collect::<Vec<_>>(), ["his", "jo@A.test"]);
        assert_eq!(overview.next_hops.len(), 1);
    }
}
