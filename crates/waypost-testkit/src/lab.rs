//! The fault laboratory: experiments with the real program, each of which is told where to find
//! chance and how long it may take, and says what it tried and what broke.
//!
//! `waypost-prove` runs them and prints a row for each promise; tests run some with fixed seeds.

pub mod account;
pub mod backlog;
pub mod calls;
pub mod client;
pub mod cuts;
pub mod ends;
pub mod errors;
pub mod kills;
pub mod load;
pub mod simulation;
pub mod slow;
pub mod starve;
pub mod strace;
pub mod wires;
pub mod world;

use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use crate::chance::Chance;

/// One run of an experiment.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    /// The program under test.
    pub program: &'a Path,
    /// Where its chance comes from: the same seed does the same again, as far as clocks allow.
    pub seed: u64,
    /// When it should come to its end.
    pub until: Instant,
    /// Whether it is a short run: smaller numbers, the same questions.
    pub is_short: bool,
}

impl Trial<'_> {
    /// The chance of this run.
    #[must_use]
    pub fn chance(&self) -> Chance {
        Chance::new(self.seed)
    }

    /// Whether there is time for one more try.
    #[must_use]
    pub fn has_time(&self) -> bool {
        Instant::now() < self.until
    }

    /// This many in a short run, that many in a long one.
    #[must_use]
    pub fn sized<T>(&self, short: T, long: T) -> T {
        if self.is_short { short } else { long }
    }
}

/// Something that the program promises and did not keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The number of the promise.
    pub promise: u8,
    /// What was seen.
    pub what: String,
}

/// A measurement that matters to a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// The number of the promise.
    pub promise: u8,
    /// What, with its unit.
    pub what: &'static str,
    /// The worst value.
    pub worst: u64,
}

/// What an experiment tried and found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// How often what was tried; runs are added up.
    pub tried: Vec<(&'static str, u64)>,
    /// What was counted at the end: acknowledged, lost, duplicates, ghosts.
    pub seen: Vec<(&'static str, u64)>,
    /// The worst of what was measured.
    pub measured: Vec<Measured>,
    /// What broke.
    pub broke: Vec<Fault>,
    /// Why it, or a part of it, could not be tried here.
    pub not_here: Option<String>,
}

impl Found {
    /// Nothing was tried, and why.
    #[must_use]
    pub fn not_here(why: impl Into<String>) -> Self {
        Self {
            not_here: Some(why.into()),
            ..Self::default()
        }
    }

    /// Counts what was tried.
    pub fn count(&mut self, what: &'static str, times: u64) {
        add_to(&mut self.tried, what, times);
    }

    /// Counts what was seen at the end.
    pub fn see(&mut self, what: &'static str, times: u64) {
        add_to(&mut self.seen, what, times);
    }

    /// Keeps the worst of a measurement.
    pub fn measure(&mut self, promise: u8, what: &'static str, value: u64) {
        let known = self.measured.iter_mut();
        match known
            .into_iter()
            .find(|known| known.promise == promise && known.what == what)
        {
            Some(known) => known.worst = value.max(known.worst),
            None => self.measured.push(Measured {
                promise,
                what,
                worst: value,
            }),
        }
    }

    /// Notes that a promise is not kept.
    pub fn broke(&mut self, promise: u8, what: impl Into<String>) {
        self.broke.push(Fault {
            promise,
            what: what.into(),
        });
    }

    /// Measures, and notes it when it is more than what is promised.
    pub fn within(&mut self, promise: u8, what: &'static str, value: u64, limit: u64) {
        self.measure(promise, what, value);
        if value > limit {
            self.broke(promise, format!("{what}: {value}, promised {limit}"));
        }
    }

    /// Adds what another run found.
    pub fn add(&mut self, other: Self) {
        for (what, times) in other.tried {
            self.count(what, times);
        }
        for (what, times) in other.seen {
            self.see(what, times);
        }
        for Measured {
            promise,
            what,
            worst,
        } in other.measured
        {
            self.measure(promise, what, worst);
        }
        self.broke.extend(other.broke);
        self.not_here = self.not_here.take().or(other.not_here);
    }
}

fn add_to(counts: &mut Vec<(&'static str, u64)>, what: &'static str, times: u64) {
    match counts.iter_mut().find(|(known, _)| *known == what) {
        Some((_, count)) => *count += times,
        None => counts.push((what, times)),
    }
}

/// One way of trying to break promises.
#[derive(Debug, Clone, Copy)]
pub struct Experiment {
    /// Its name on the command line and beside a seed.
    pub name: &'static str,
    /// Its share of the time, against those of the others.
    pub share: u32,
    /// How often it runs at most; 0: as often as there is time.
    pub rounds: u32,
    /// What it does; an error is trouble with the laboratory or the program, and counts.
    pub run: fn(&Trial<'_>) -> Result<Found>,
}

/// All of them.
pub const EXPERIMENTS: [Experiment; 10] = [
    Experiment {
        name: "kills",
        share: 3,
        rounds: 0,
        run: kills::run,
    },
    Experiment {
        name: "calls",
        share: 8,
        rounds: 0,
        run: calls::run,
    },
    Experiment {
        name: "errors",
        share: 2,
        rounds: 0,
        run: errors::run,
    },
    Experiment {
        name: "cuts",
        share: 4,
        rounds: 0,
        run: cuts::run,
    },
    Experiment {
        name: "ends",
        share: 1,
        rounds: 0,
        run: ends::run,
    },
    Experiment {
        name: "starve",
        share: 2,
        rounds: 0,
        run: starve::run,
    },
    Experiment {
        name: "wires",
        share: 3,
        rounds: 0,
        run: wires::run,
    },
    Experiment {
        name: "simulation",
        share: 4,
        rounds: 0,
        run: simulation::run,
    },
    Experiment {
        name: "slow",
        share: 2,
        rounds: 1,
        run: slow::run,
    },
    Experiment {
        name: "backlog",
        share: 3,
        rounds: 1,
        run: backlog::run,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_added_and_the_worst_is_kept() {
        let mut all = Found::default();
        for value in [3, 7, 5] {
            let mut one = Found::default();
            one.count("kills", value);
            one.within(2, "wait, ms", value, 6);
            all.add(one);
        }
        assert_eq!(all.tried, [("kills", 15)]);
        assert_eq!(all.measured.len(), 1);
        assert_eq!((all.measured[0].promise, all.measured[0].worst), (2, 7));
        assert_eq!(all.broke.len(), 1);
        assert_eq!(all.broke[0].what, "wait, ms: 7, promised 6");
    }
}
