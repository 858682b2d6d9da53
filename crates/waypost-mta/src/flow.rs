//! How much mail comes from whom and goes to whom, since the start: what series over time are
//! made of. No name ever holds an address.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, PoisonError, RwLock};
use std::time::Duration;

use waypost_proto::route::{Side, TargetId};

/// Upper ends of the classes of delivery delays, in milliseconds, up to 30 days; the last class has
/// what took longer. A figure is the end of a class, so where most deliveries are they are narrow.
pub const DELAYS_MS: [u64; 26] = [
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    15_000,
    30_000,
    60_000,
    120_000,
    300_000,
    900_000,
    1_800_000,
    3_600_000,
    7_200_000,
    14_400_000,
    43_200_000,
    86_400_000,
    172_800_000,
    432_000_000,
    2_592_000_000,
];
/// Next hops that are counted apart; those beyond are counted together.
const HOPS_MAX: usize = 1_000;
/// What is counted together.
const OTHERS: &str = "others";
/// What becomes of a recipient in an attempt.
const RESULTS: [&str; 3] = ["sent", "deferred", "bounced"];

static CONNECTIONS: AtomicU64 = AtomicU64::new(0);
static RECIPIENTS: AtomicU64 = AtomicU64::new(0);
static DELAYS: [AtomicU64; DELAYS_MS.len() + 1] =
    [const { AtomicU64::new(0) }; DELAYS_MS.len() + 1];
static SOURCES: LazyLock<RwLock<HashMap<Source, AtomicU64>>> = LazyLock::new(RwLock::default);
static HOPS: LazyLock<RwLock<HashMap<Box<str>, [AtomicU64; RESULTS.len()]>>> =
    LazyLock::new(RwLock::default);

/// Whom messages come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Users of this site.
    Users,
    /// This site itself.
    Here,
    /// Nobody that is known.
    Strangers,
    /// A target or peer.
    Target(TargetId),
    /// Clients in trusted networks.
    Trusted,
}

impl From<&Side> for Source {
    fn from(side: &Side) -> Self {
        match side {
            Side::Authenticated(_) => Self::Users,
            Side::Here => Self::Here,
            Side::Stranger => Self::Strangers,
            Side::Target(id) => Self::Target(*id),
            Side::Trusted => Self::Trusted,
        }
    }
}

/// What went to one next hop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// As the log's `route=` has it; all domains of the MX together are `mx`, mailboxes here
    /// `local`.
    pub name: String,
    /// Recipients by what became of them in an attempt: sent, deferred, bounced.
    pub counts: [u64; RESULTS.len()],
}

/// All counts at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Sessions begun.
    pub connections: u64,
    /// Recipients of the messages taken.
    pub recipients: u64,
    /// Messages taken, by whom they came from.
    pub sources: Vec<(Source, u64)>,
    /// Recipients in attempts.
    pub hops: Vec<Hop>,
    /// Recipients delivered, by how long after their message was taken: see [`DELAYS_MS`].
    pub delays: [u64; DELAYS_MS.len() + 1],
}

/// The words for the places of [`Hop::counts`].
#[must_use]
pub fn results() -> &'static [&'static str] {
    &RESULTS
}

/// A client has connected.
pub(crate) fn connected() {
    CONNECTIONS.fetch_add(1, Ordering::Relaxed);
}

/// A message was taken into our charge.
pub(crate) fn received(side: &Side, recipients: usize) {
    RECIPIENTS.fetch_add(recipients as u64, Ordering::Relaxed);
    let source = Source::from(side);
    let counts = SOURCES.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(count) = counts.get(&source) {
        count.fetch_add(1, Ordering::Relaxed);
        return;
    }
    drop(counts);
    let mut counts = SOURCES.write().unwrap_or_else(PoisonError::into_inner);
    let count = counts.entry(source).or_default();
    count.fetch_add(1, Ordering::Relaxed);
}

/// An attempt for one recipient is over.
pub(crate) fn delivered(status: &str, route: &str, delay: Duration) {
    let Some(result) = RESULTS.iter().position(|known| *known == status) else {
        return;
    };
    if result == 0 {
        let class = DELAYS_MS
            .iter()
            .position(|end| delay < Duration::from_millis(*end));
        if let Some(count) = DELAYS.get(class.unwrap_or(DELAYS_MS.len())) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
    let add = |row: &[AtomicU64; RESULTS.len()]| {
        if let Some(count) = row.get(result) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    };
    let name = hop(route);
    let rows = HOPS.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(row) = rows.get(name) {
        return add(row);
    }
    drop(rows);
    let mut rows = HOPS.write().unwrap_or_else(PoisonError::into_inner);
    let name = if rows.len() < HOPS_MAX { name } else { OTHERS };
    add(rows.entry(name.into()).or_default());
}

/// The name under which a route is counted.
#[must_use]
pub fn hop(route: &str) -> &str {
    match route {
        "lmtp" | "maildir" => "local",
        "" => "none",
        route if route.starts_with("mx:") => "mx",
        route => route,
    }
}

/// All counts up to now.
#[must_use]
pub fn counts() -> Flow {
    let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let sources = SOURCES.read().unwrap_or_else(PoisonError::into_inner);
    let sources = sources
        .iter()
        .map(|(source, count)| (*source, read(count)))
        .collect();
    let hops = HOPS.read().unwrap_or_else(PoisonError::into_inner);
    let hops = hops.iter().map(|(name, row)| Hop {
        name: name.to_string(),
        counts: row.each_ref().map(read),
    });
    Flow {
        connections: read(&CONNECTIONS),
        recipients: read(&RECIPIENTS),
        sources,
        hops: hops.collect(),
        delays: DELAYS.each_ref().map(read),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_next_hop_and_delay() {
        let sent = |delay| delivered("sent", "mx:flow.example.com", Duration::from_millis(delay));
        let before = counts();
        sent(0);
        sent(49);
        sent(50);
        sent(31 * 86_400_000);
        delivered("deferred", "flow-test", Duration::ZERO);
        delivered("expired", "flow-test", Duration::ZERO);
        let after = counts();
        let of = |flow: &Flow, name: &str| {
            let hop = flow.hops.iter().find(|hop| hop.name == name);
            hop.map(|hop| hop.counts).unwrap_or_default()
        };
        assert_eq!(of(&after, "mx")[0] - of(&before, "mx")[0], 4);
        assert_eq!(of(&after, "flow-test"), [0, 1, 0]);
        for end in [2, 50, 100, u64::MAX] {
            let class = DELAYS_MS.iter().position(|known| *known == end);
            let class = class.unwrap_or(DELAYS_MS.len());
            assert!(after.delays[class] > before.delays[class], "{end}");
        }
    }
}
