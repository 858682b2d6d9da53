//! How the whole site is at this moment: this server, whoever it exchanges mail with, the flows.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use waypost_admin::request::Refused;
use waypost_mta::clock::{Clock as _, SystemClock};
use waypost_mta::flow;
use waypost_mta::queue::health::{Condition, TargetHealth};

use super::{Asked, Bridge, blocking, wrong};
use crate::statistics::{Points, Waiting, named, seconds};
use crate::time;

/// What flows is told as the mean of so many minutes.
const MINUTES: u64 = 5;

/// The moment that is shown.
pub(super) struct Moment {
    pub(super) now: SystemTime,
    pub(super) health: Vec<TargetHealth>,
    pub(super) waiting: BTreeMap<String, Waits>,
    points: Points,
}

/// What waits for a next hop.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Waits {
    pub(super) recipients: u64,
    pub(super) oldest: Duration,
}

impl Asked {
    pub(super) async fn overview(self) -> Result<Value, Refused> {
        let queue = self.statistics.waiting().await;
        let snapshot = self.directory.snapshot();
        let minutes = Duration::from_secs(MINUTES * 60);
        let moment = Moment {
            now: SystemClock.wall(),
            health: self.queue.health(&snapshot),
            waiting: waits(queue.as_ref()),
            points: self.statistics.points(minutes, Duration::ZERO, |_| true),
        };
        let counted = queue.map(|queue| time::show(queue.at));
        let asked = self.clone();
        // Disk and mailbox are looked at.
        blocking(move || {
            Ok(json!({
                "server": asked.server(&moment, counted.as_deref()),
                "flow": moment.flow(),
                "sources": moment.sources(),
                "next_hops": asked.next_hops(&moment),
                "wrong": wrong::all(&asked, &moment),
            }))
        })
        .await
    }
}

impl Bridge {
    fn server(&self, moment: &Moment, counted: Option<&str>) -> Value {
        let (active, deferred) = self.queue.len();
        let up = moment.now.duration_since(self.since).unwrap_or_default();
        let waits = moment.waiting.values();
        json!({
            "hostname": self.hostname.to_string(),
            "version": env!("CARGO_PKG_VERSION"),
            "up_since": time::show(self.since),
            "up_s": up.as_secs(),
            "queue": active + deferred,
            "waiting": waits.clone().map(|waits| waits.recipients).sum::<u64>(),
            "oldest_s": waits.map(|waits| waits.oldest.as_secs()).max().unwrap_or_default(),
            "counted_at": counted,
        })
    }

    /// Targets and peers, then whatever else mail went or waits to go to.
    fn next_hops(&self, moment: &Moment) -> Vec<Value> {
        let targets = moment.health.iter().map(|target| {
            let mut hop = moment.hop(&target.name, &format!("target.{}", target.name));
            let seen = &target.seen;
            let error = seen.last_error.as_ref();
            let error = error.map(|(at, text)| json!({ "at": time::show(*at), "text": text }));
            let held = target.hold.as_ref().map(|hold| {
                json!({
                    "reason": hold.reason,
                    "since": time::show(hold.since),
                    "until": hold.until.map(time::show),
                })
            });
            hop["kind"] = json!(if target.is_peer { "peer" } else { "target" });
            hop["condition"] = json!(self.condition(target).word());
            hop["connections"] = json!(seen.in_use);
            hop["connections_max"] = json!(target.connections_max);
            hop["last_success"] = json!(seen.last_success.map(time::show));
            hop["last_error"] = json!(error);
            hop["held"] = json!(held);
            hop["minger"] = json!(target.is_peer.then(|| self.minger_state(target)));
            hop
        });
        let mut hops: Vec<Value> = targets.collect();
        let words = ["local", "mx", "smart-host", "none"];
        for word in words.into_iter().filter(|word| moment.knows(word)) {
            let mut hop = moment.hop(word, word);
            hop["kind"] = json!(word);
            for missing in ["condition", "last_success", "last_error", "held", "minger"] {
                hop[missing] = Value::Null;
            }
            hops.push(hop);
        }
        hops
    }

    /// As it is, also when only a peer's silence says so.
    fn condition(&self, target: &TargetHealth) -> Condition {
        let is_silent = target.is_peer && self.resolver.standing(target.id).paused.is_some();
        match target.condition {
            Condition::Up | Condition::Unused if is_silent => Condition::Degraded,
            condition => condition,
        }
    }

    fn minger_state(&self, target: &TargetHealth) -> Value {
        let standing = self.resolver.standing(target.id);
        let state = match (standing.paused, standing.answered) {
            (Some(_), _) => "silent",
            (None, Some(_)) => "answering",
            (None, None) => "not-asked",
        };
        json!({
            "state": state,
            "last_answer": self.last_answer(target.id),
            "paused_s": standing.paused.map(|pause| pause.as_secs()),
        })
    }
}

impl Moment {
    /// The mean of the last minutes, to a hundredth; the one that is growing counts as far as it
    /// goes.
    fn per_minute(&self, wanted: impl Fn(&str) -> bool) -> f64 {
        let series = self.points.series.iter();
        let those = series.filter(|(name, _)| wanted(name));
        let sum: u64 = those.flat_map(|(_, points)| points).sum();
        let passed_s = seconds(self.now).saturating_sub(self.points.from_s).max(60);
        (sum as f64 * 6_000.0 / passed_s as f64).round() / 100.0
    }

    fn flow(&self) -> Value {
        let of = |name: &'static str| self.per_minute(|known| known == name);
        let all = |beginning: &'static str| self.per_minute(|name| name.starts_with(beginning));
        json!({
            "connections": of("connections"),
            "messages": of("messages"),
            "recipients": of("recipients"),
            "refused": all("refused."),
            "sent": all("sent."),
            "deferred": all("deferred."),
            "bounced": all("bounced."),
        })
    }

    fn sources(&self) -> Vec<Value> {
        let names = self.points.series.keys();
        let sources = names.filter_map(|name| Some((name, name.strip_prefix("from.")?)));
        let shown = sources.map(|(series, source)| {
            let (kind, name) = match source.strip_prefix("target.") {
                Some(name) => ("target", name),
                None => (source, source),
            };
            json!({
                "name": name,
                "kind": kind,
                "messages_per_minute": self.per_minute(|known| known == series),
            })
        });
        shown.collect()
    }

    fn hop(&self, name: &str, series: &str) -> Value {
        let of = |kind: &str| {
            let wanted = format!("{kind}.{series}");
            self.per_minute(|known| known == wanted)
        };
        let waits = self.waiting.get(series).copied().unwrap_or_default();
        json!({
            "name": name,
            "incoming_per_minute": of("from"),
            "sent_per_minute": of("sent"),
            "deferred_per_minute": of("deferred"),
            "bounced_per_minute": of("bounced"),
            "waiting": waits.recipients,
            "oldest_s": waits.oldest.as_secs(),
        })
    }

    fn knows(&self, hop: &str) -> bool {
        let mut names = self.points.series.keys();
        let flows = names.any(|name| {
            let parts = name.split_once('.');
            parts.is_some_and(|(kind, name)| flow::results().contains(&kind) && name == hop)
        });
        flows || self.waiting.contains_key(hop)
    }
}

/// What waits, by the names that next hops have in series.
fn waits(queue: Option<&Waiting>) -> BTreeMap<String, Waits> {
    let mut waits: BTreeMap<String, Waits> = BTreeMap::new();
    for line in queue.iter().flat_map(|queue| &queue.hops) {
        let hop = waits.entry(named(flow::hop(&line.next_hop))).or_default();
        hop.recipients += line.by_age.iter().sum::<u64>();
        hop.oldest = hop.oldest.max(line.oldest);
    }
    waits
}
