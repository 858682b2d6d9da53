//! What the log says now and then that an administrator should still see later.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::line::Line;
use super::piece::fold;

/// Things of one kind that are remembered.
const MOST: usize = 1_000;

/// What was seen since the start; times are milliseconds since 1970.
#[derive(Debug, Default)]
pub(crate) struct Signs(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    blind: BTreeMap<Blind, u64>,
    loops: BTreeMap<String, Loops>,
}

/// A relay that accepts every recipient of a domain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Blind {
    pub(crate) relay: String,
    pub(crate) domain: String,
}

/// Mail for a domain that was refused because it would go round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Loops {
    pub(crate) count: u64,
    pub(crate) last_ms: u64,
}

impl Signs {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Relays that accept everything, and when that was seen last.
    pub(crate) fn blind(&self) -> BTreeMap<Blind, u64> {
        self.seen().blind.clone()
    }

    /// Domains whose mail would have gone round.
    pub(crate) fn loops(&self) -> BTreeMap<String, Loops> {
        self.seen().loops.clone()
    }

    pub(super) fn look(&self, lines: &[Arc<Line>]) {
        for line in lines {
            match line.event() {
                Some("accepts-everything") => self.seen().accepts_everything(line),
                Some("rejected") if line.value("why") == Some("loop") => {
                    self.seen().goes_round(line);
                }
                _ => {}
            }
        }
    }
}

impl Seen {
    fn accepts_everything(&mut self, line: &Line) {
        let value = |name| line.value(name).unwrap_or_default().to_owned();
        let (relay, domain) = (value("relay"), value("domain"));
        if self.blind.len() < MOST {
            self.blind.insert(Blind { relay, domain }, line.at_ms);
        }
    }

    fn goes_round(&mut self, line: &Line) {
        let to = fold(line.value("to").unwrap_or_default());
        let Some((_, domain)) = to.rsplit_once('@') else {
            return;
        };
        if self.loops.len() < MOST || self.loops.contains_key(domain) {
            let loops = self.loops.entry(domain.to_owned()).or_default();
            loops.count += 1;
            loops.last_ms = line.at_ms;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::line;
    use super::*;

    #[test]
    fn blind_relays_and_loops_are_remembered() {
        let signs = Signs::default();
        let refused = |at, why, to| line(at, &[("event", "rejected"), ("why", why), ("to", to)]);
        let lines = [
            refused(1, "loop", "<a@B.example>"),
            refused(2, "unknown", "<a@c.example>"),
            refused(3, "loop", "<x@b.example>"),
            line(
                4,
                &[
                    ("event", "accepts-everything"),
                    ("relay", "old"),
                    ("domain", "b.example"),
                ],
            ),
        ];
        signs.look(&lines.map(Arc::new));
        let loops = Loops {
            count: 2,
            last_ms: 3,
        };
        assert_eq!(
            signs.loops(),
            BTreeMap::from([("b.example".to_owned(), loops)])
        );
        let blind = signs.blind();
        let (found, at) = blind.first_key_value().unwrap();
        assert_eq!(
            (found.relay.as_str(), found.domain.as_str(), *at),
            ("old", "b.example", 4)
        );
    }
}
