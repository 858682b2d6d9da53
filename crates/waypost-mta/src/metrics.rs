//! Counts for Prometheus, in OpenMetrics text. No label ever holds an address.
//!
//! What happens for every message is counted in plain atomics, where it is logged; everything else
//! is read from the parts when somebody looks.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::TypedMetric as _;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use waypost_proto::route::{Rule, TargetId};
use waypost_proto::smtp::reply::{Reply, Severity};

use crate::deliver::{By, Level, Security};
use crate::minger;
use crate::queue::QueueHandle;
use crate::resolve::{Answer, Authority, Resolver, Source};

/// The rules by which a recipient is refused; behind them those who are refused for no rule of
/// routes, such as too many recipients.
const RULES: [Rule; 12] = [
    Rule::Gateway,
    Rule::Group,
    Rule::Local,
    Rule::Loop,
    Rule::NoMail,
    Rule::NotServed,
    Rule::Postmaster,
    Rule::Sharing,
    Rule::Suspended,
    Rule::ThirdParty,
    Rule::ForwardUnknown,
    Rule::Unknown,
];
/// Classes of replies that refuse: 4yz and 5yz.
const CLASSES: [&str; 2] = ["4", "5"];
/// What becomes of a recipient in an attempt, as the log says it.
const RESULTS: [&str; 4] = ["sent", "deferred", "bounced", "refused"];
/// Kinds of next hops.
const HOPS: [&str; 6] = ["lmtp", "maildir", "mx", "none", "smart_host", "target"];

/// Who decides how a connection to another server is secured.
const DECIDERS: [By; 4] = [By::Dane, By::MtaSts, By::Opportunistic, By::Target];
/// What comes of it.
const LEVELS: [Level; 3] = [Level::None, Level::Untrusted, Level::Verified];

/// Connections by who decided and what came of it; behind those that were made, those that were not.
static SECURED: [[AtomicU64; LEVELS.len() + 1]; DECIDERS.len()] =
    [const { [const { AtomicU64::new(0) }; LEVELS.len() + 1] }; DECIDERS.len()];

/// MTA-STS policies that were fetched, and that could not be.
static FETCHED: AtomicU64 = AtomicU64::new(0);
static NOT_FETCHED: AtomicU64 = AtomicU64::new(0);

static ACCEPTED: AtomicU64 = AtomicU64::new(0);
static REFUSED: [[AtomicU64; RULES.len() + 1]; CLASSES.len()] =
    [const { [const { AtomicU64::new(0) }; RULES.len() + 1] }; CLASSES.len()];
/// Recipients whom next hops refused while the client waited.
static REFUSED_BEYOND: AtomicU64 = AtomicU64::new(0);
/// Stands for a rule where the next hop refused.
const NEXT_HOP: &str = "next-hop";
static DELIVERIES: [[AtomicU64; HOPS.len()]; RESULTS.len()] =
    [const { [const { AtomicU64::new(0) }; HOPS.len()] }; RESULTS.len()];

/// Lines about mail that the history has no room for.
static LEFT_OUT: AtomicU64 = AtomicU64::new(0);

/// Messages whose senders were told later that they are queued, as more came than a next hop takes.
static HELD_BACK: AtomicU64 = AtomicU64::new(0);

/// Messages taken into our charge.
#[must_use]
pub fn messages() -> u64 {
    ACCEPTED.load(Ordering::Relaxed)
}

/// Messages whose senders were held back for a moment.
#[must_use]
pub(crate) fn messages_held_back() -> u64 {
    HELD_BACK.load(Ordering::Relaxed)
}

/// Recipients refused, as rule, class of the reply, and count; what was never refused is not named.
#[must_use]
pub fn refusals() -> Vec<(String, &'static str, u64)> {
    let mut refusals = Vec::new();
    for (class, row) in CLASSES.iter().zip(&REFUSED) {
        let rules = RULES.iter().map(ToString::to_string);
        let rules = rules.chain(std::iter::once("policy".to_owned()));
        let counted = rules.zip(row.iter().map(|count| count.load(Ordering::Relaxed)));
        let counted = counted.filter(|(_, count)| *count > 0);
        refusals.extend(counted.map(|(rule, count)| (rule, *class, count)));
    }
    let beyond = REFUSED_BEYOND.load(Ordering::Relaxed);
    if beyond > 0 {
        refusals.push((NEXT_HOP.to_owned(), "5", beyond));
    }
    refusals
}

/// So many lines about mail are missing in the history.
pub fn left_out_of_history(lines: u64) {
    LEFT_OUT.fetch_add(lines, Ordering::Relaxed);
}

/// A message was taken into our charge.
pub fn accepted() {
    ACCEPTED.fetch_add(1, Ordering::Relaxed);
}

/// The sender of a message is held back for a moment.
pub(crate) fn held_back() {
    HELD_BACK.fetch_add(1, Ordering::Relaxed);
}

/// A recipient was refused, or put off, at RCPT.
pub fn refused(rule: Option<Rule>, reply: &Reply) {
    let class = usize::from(reply.severity() == Severity::Permanent);
    let rule = rule.and_then(|rule| RULES.iter().position(|known| *known == rule));
    let rule = rule.unwrap_or(RULES.len());
    if let Some(count) = REFUSED.get(class).and_then(|row| row.get(rule)) {
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// So many recipients were refused for good by next hops while the client waited.
pub fn refused_beyond(recipients: usize) {
    REFUSED_BEYOND.fetch_add(recipients as u64, Ordering::Relaxed);
}

/// An attempt to deliver to one recipient is over: its status and route as the log has them.
pub fn delivered(status: &str, route: &str) {
    let hop = match route {
        "lmtp" => "lmtp",
        "maildir" => "maildir",
        "smart-host" => "smart_host",
        "none" | "" => "none",
        route if route.starts_with("mx:") => "mx",
        _ => "target",
    };
    let result = RESULTS.iter().position(|known| *known == status);
    let hop = HOPS.iter().position(|known| *known == hop);
    if let (Some(result), Some(hop)) = (result, hop)
        && let Some(count) = DELIVERIES.get(result).and_then(|row| row.get(hop))
    {
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// A connection to another server is ready, secured so.
pub fn secured(security: Security) {
    let level = LEVELS.iter().position(|known| *known == security.level);
    count_secured(security.by, level.unwrap_or(LEVELS.len()));
}

/// A connection to another server could not be secured as it must be, or was not tried for that.
pub fn not_secured(by: By) {
    count_secured(by, LEVELS.len());
}

fn count_secured(by: By, result: usize) {
    let by = DECIDERS.iter().position(|known| *known == by);
    if let Some(count) = by.and_then(|by| SECURED.get(by)?.get(result)) {
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// The MTA-STS policy of a domain was fetched.
pub fn policy_fetched() {
    FETCHED.fetch_add(1, Ordering::Relaxed);
}

/// The MTA-STS policy of a domain could not be fetched.
pub fn policy_not_fetched() {
    NOT_FETCHED.fetch_add(1, Ordering::Relaxed);
}

/// The parts that are looked at.
pub struct Parts<'a> {
    /// Who asks other servers, and remembers.
    pub resolver: &'a Resolver,
    /// What waits.
    pub queue: &'a QueueHandle,
    /// Who answers other servers.
    pub minger: &'a minger::Server,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Question {
    target: String,
    method: String,
    result: String,
    source: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Wait {
    target: String,
    method: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    target: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Query {
    asker: &'static str,
    target: String,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refusal {
    rule: String,
    class: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Attempt {
    result: &'static str,
    next_hop: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Secured {
    by: String,
    result: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Fetched {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

impl Parts<'_> {
    /// All metrics as OpenMetrics text.
    ///
    /// # Errors
    ///
    /// When a metric cannot be written as text.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut registry = Registry::with_prefix("waypost");
        self.questions(&mut registry);
        self.cache(&mut registry);
        self.queries(&mut registry);
        self.mail(&mut registry);
        connections(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry)?;
        Ok(text)
    }

    fn questions(&self, registry: &mut Registry) {
        let questions = Family::<Question, Counter>::default();
        let mut waits = Vec::new();
        for asked in self.resolver.asked() {
            let target = self.resolver.authority_name(asked.authority);
            let method = asked.authority.to_string();
            let is_wait = |(_, source, _): &(Answer, Source, u64)| {
                matches!(source, Source::Asked | Source::Blind)
            };
            if asked.counts.iter().any(is_wait) {
                let (target, method) = (target.clone(), method.clone());
                waits.push((Wait { target, method }, asked.took));
            }
            for (answer, source, count) in asked.counts {
                let labels = Question {
                    target: target.clone(),
                    method: method.clone(),
                    result: answer.to_string().replace(' ', "_"),
                    source: source.to_string(),
                };
                questions.get_or_create(&labels).inc_by(count);
            }
        }
        let help = "Questions to other servers about addresses";
        registry.register("verification_questions", help, questions);
        registry.register_collector(Box::new(Waits(waits)));
        let paused = Family::<Of, Gauge>::default();
        for peer in self.resolver.snapshot().peers() {
            let labels = Of {
                target: peer.name.clone(),
            };
            let pause = self.resolver.paused_for(peer.id).is_some();
            paused.get_or_create(&labels).set(i64::from(pause));
        }
        let help = "Whether a peer is not asked for a while, as it does not answer";
        registry.register("peer_paused", help, paused);
        let conflicts = gauge(self.resolver.conflicts().len());
        let help = "Addresses that two servers have";
        registry.register("address_conflicts", help, conflicts);
    }

    fn cache(&self, registry: &mut Registry) {
        let stats = self.resolver.cache_stats();
        for (name, help, count) in [
            ("cache_hits", "Answers that were remembered", stats.hits),
            (
                "cache_misses",
                "Answers that had to be asked for",
                stats.misses,
            ),
            (
                "cache_refreshes",
                "Answers that were asked for again in the background",
                stats.refreshes,
            ),
        ] {
            registry.register(name, help, counter(count));
        }
        let help = "Answers remembered";
        registry.register("cache_entries", help, gauge(stats.entries));
        let help = "Most answers remembered";
        registry.register("cache_entries_max", help, gauge(stats.bound));
    }

    fn queries(&self, registry: &mut Registry) {
        let queries = Family::<Query, Counter>::default();
        let snapshot = self.resolver.snapshot();
        for (asker, counts) in self.minger.counts().tally() {
            let target = asker.and_then(|id| snapshot.target(id));
            let kind = match (asker, target) {
                (None, _) => "stranger",
                (Some(_), Some(target)) if target.minger.is_some() => "peer",
                (Some(_), _) => "target",
            };
            let name = asker.map_or_else(String::new, |id: TargetId| {
                self.resolver.authority_name(Authority::Peer(id))
            });
            for (result, count) in minger::counts::names().iter().zip(counts) {
                if count > 0 {
                    let labels = Query {
                        asker: kind,
                        target: name.clone(),
                        result,
                    };
                    queries.get_or_create(&labels).inc_by(count);
                }
            }
        }
        let help = "Minger queries of others, and what became of them";
        registry.register("minger_queries", help, queries);
    }

    fn mail(&self, registry: &mut Registry) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let help = "Messages taken into our charge";
        registry.register("messages_accepted", help, counter(read(&ACCEPTED)));
        let help = "Messages whose senders waited as a next hop was slower than they";
        registry.register("messages_held_back", help, counter(messages_held_back()));
        let help = "Lines about mail that the history had no room for";
        registry.register("history_lines_left_out", help, counter(read(&LEFT_OUT)));
        let refusals = Family::<Refusal, Counter>::default();
        for (class, row) in CLASSES.iter().zip(&REFUSED) {
            let rules = RULES.iter().map(ToString::to_string);
            let rules = rules.chain(std::iter::once("policy".to_owned()));
            for (rule, count) in rules.zip(row) {
                let labels = Refusal { rule, class };
                refusals.get_or_create(&labels).inc_by(read(count));
            }
        }
        let beyond = Refusal {
            rule: NEXT_HOP.to_owned(),
            class: "5",
        };
        refusals
            .get_or_create(&beyond)
            .inc_by(read(&REFUSED_BEYOND));
        let help = "Recipients refused to the client, by rule and class of the reply";
        registry.register("recipients_refused", help, refusals);
        let attempts = Family::<Attempt, Counter>::default();
        for (result, row) in RESULTS.iter().zip(&DELIVERIES) {
            for (next_hop, count) in HOPS.iter().zip(row) {
                let labels = Attempt { result, next_hop };
                attempts.get_or_create(&labels).inc_by(read(count));
            }
        }
        let help = "Recipients of delivery attempts, by what became of them";
        registry.register("deliveries", help, attempts);
        let waiting = Family::<State, Gauge>::default();
        let (active, deferred) = self.queue.len();
        for (state, count) in [("active", active), ("deferred", deferred)] {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            waiting.get_or_create(&State { state }).set(count);
        }
        let help = "Messages in the queue";
        registry.register("queue_messages", help, waiting);
    }
}

fn connections(registry: &mut Registry) {
    let connections = Family::<Secured, Counter>::default();
    for (by, row) in DECIDERS.iter().zip(&SECURED) {
        let levels = LEVELS.iter().map(|level| level.to_string().to_lowercase());
        let results = levels.chain(std::iter::once("failed".to_owned()));
        for (result, count) in results.zip(row) {
            let by = by.to_string();
            let count = count.load(Ordering::Relaxed);
            connections
                .get_or_create(&Secured { by, result })
                .inc_by(count);
        }
    }
    let help = "Connections to other servers, by who decided on TLS and what came of it";
    registry.register("tls_connections", help, connections);
    let fetches = Family::<Fetched, Counter>::default();
    for (result, count) in [("failed", &NOT_FETCHED), ("good", &FETCHED)] {
        let count = count.load(Ordering::Relaxed);
        fetches.get_or_create(&Fetched { result }).inc_by(count);
    }
    let help = "MTA-STS policies asked for, by whether they could be fetched";
    registry.register("mta_sts_fetches", help, fetches);
}

fn counter(count: u64) -> Counter {
    let counter = Counter::default();
    counter.inc_by(count);
    counter
}

fn gauge(count: usize) -> Gauge {
    let gauge = Gauge::default();
    gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
    gauge
}

/// Histograms that others keep.
#[derive(Debug)]
struct Waits(Vec<(Wait, Histogram)>);

impl Collector for Waits {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        let help = "How long answers of other servers took";
        let name = "verification_seconds";
        let mut all = encoder.encode_descriptor(name, help, None, Histogram::TYPE)?;
        for (labels, histogram) in &self.0 {
            histogram.encode(all.encode_family(labels)?)?;
        }
        Ok(())
    }
}
