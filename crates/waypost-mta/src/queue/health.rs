//! How the targets are: what deliveries and probes last saw, and what waits for them.

use std::time::{Duration, SystemTime};

use waypost_directory::{Hold, HoldKey, Snapshot, Target};
use waypost_proto::route::TargetId;

use super::ready::Look;
use super::{Inner, QueueHandle};
use crate::deliver::{NextHop, Seen};

/// Failures among the last 16 results that make a target degraded.
const DEGRADED_FAILURES: u32 = 4;
/// Failures older than this are no news.
const NEWS: Duration = Duration::from_hours(1);

/// How a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Condition {
    /// An administrator holds it.
    Held,
    /// Nobody was there the last time.
    Down,
    /// It is there, and fails now or often.
    Degraded,
    /// It does what it is asked for.
    Up,
    /// Nothing went there since the start.
    Unused,
}

impl Condition {
    /// The word of the command line and the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Down => "down",
            Self::Degraded => "degraded",
            Self::Up => "up",
            Self::Unused => "unused",
        }
    }
}

/// A target, and how it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetHealth {
    /// Its number.
    pub id: TargetId,
    /// Its name, as `route=` in the log and `queue list` have it.
    pub name: String,
    /// Whether it is a peer.
    pub is_peer: bool,
    /// Whether a domain names it by its host only.
    pub is_implicit: bool,
    /// All in one word.
    pub condition: Condition,
    /// The hold that is on it.
    pub hold: Option<Hold>,
    /// What was seen of it.
    pub seen: Seen,
    /// Most connections at a time.
    pub connections_max: u32,
    /// Copies that are ready for it.
    pub ready: usize,
    /// Messages that wait for it to come back, or for room.
    pub parked: usize,
    /// How often in a row it could not be reached.
    pub failures: u32,
    /// While it is left alone: when it is tried again.
    pub tried_again: Option<SystemTime>,
}

impl QueueHandle {
    /// How every target and peer of the directory is, in the order of their numbers.
    #[must_use]
    pub fn health(&self, snapshot: &Snapshot) -> Vec<TargetHealth> {
        let seen = self.0.deliverer.seen();
        let targets = snapshot.targets();
        let each = targets.map(|target| {
            let seen = seen.get(&NextHop::Target(target.id)).cloned();
            self.0.health_of(target, snapshot, seen.unwrap_or_default())
        });
        each.collect()
    }
}

impl Inner {
    fn health_of(&self, target: &Target, snapshot: &Snapshot, seen: Seen) -> TargetHealth {
        let (wall, now) = (self.clock.wall(), self.tick());
        let look = self.state().hops.look(&NextHop::Target(target.id));
        let hold = snapshot.hold(&HoldKey::Target(target.name.clone()));
        let hold = hold.filter(|hold| hold.is_on(wall)).cloned();
        let silent = look.map_or(0, |look| look.silent_until.saturating_sub(now));
        TargetHealth {
            id: target.id,
            name: target.name.clone(),
            is_peer: target.minger.is_some(),
            is_implicit: target.implicit,
            condition: condition(hold.is_some(), look.as_ref(), &seen, wall),
            hold,
            connections_max: target.connections,
            ready: look.map_or(0, |look| look.ready),
            parked: look.map_or(0, |look| look.parked),
            failures: look.map_or(0, |look| look.failures),
            tried_again: (silent > 0).then(|| wall + Duration::from_millis(silent)),
            seen,
        }
    }
}

fn condition(held: bool, look: Option<&Look>, seen: &Seen, wall: SystemTime) -> Condition {
    let is_news = |at: SystemTime| wall.duration_since(at).is_ok_and(|age| age < NEWS);
    let news = seen.last_error.as_ref().is_some_and(|(at, _)| is_news(*at));
    if held {
        Condition::Held
    } else if look.is_some_and(|look| look.failures > 0) || seen.is_silent {
        Condition::Down
    } else if seen.failed_last() || (news && seen.recent_failures() >= DEGRADED_FAILURES) {
        Condition::Degraded
    } else if seen.is_known() {
        Condition::Up
    } else {
        Condition::Unused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_that_is_known_is_said_and_a_hold_before_all() {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let look = |failures| Look {
            ready: 0,
            parked: 0,
            failures,
            silent_until: 0,
        };
        let unused = Seen::default();
        let mut silent = unused.clone();
        silent.is_silent = true;
        let of = |held, look: Option<Look>, seen: &Seen| condition(held, look.as_ref(), seen, wall);
        assert_eq!(of(false, None, &unused), Condition::Unused);
        assert_eq!(of(false, Some(look(0)), &unused), Condition::Unused);
        assert_eq!(of(false, Some(look(1)), &unused), Condition::Down);
        assert_eq!(of(false, None, &silent), Condition::Down);
        assert_eq!(of(true, Some(look(1)), &silent), Condition::Held);
    }
}
