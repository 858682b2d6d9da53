//! What became of queries, by who asked.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use waypost_proto::minger::{Silence, Status};
use waypost_proto::route::TargetId;

use super::decide::Why;

/// What became of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was told this.
    Answered(Status),
    /// It was told nothing.
    Silent(Why),
}

const OUTCOMES: usize = 15;
/// Names of outcomes in the log and in metrics; an outcome's number is its place here.
const NAMES: [&str; OUTCOMES] = [
    "malformed",
    "denied",
    "bad_credentials",
    "unknown",
    "unavailable",
    "active",
    "guessing",
    "not_allowed",
    "too_fast",
    "test_mailbox",
    "answer",
    "empty",
    "no_address",
    "not_printable",
    "too_long",
];

impl Outcome {
    fn number(self) -> usize {
        match self {
            Self::Answered(status) => usize::from(status.digit()),
            Self::Silent(why) => match why {
                Why::Guessing => 6,
                Why::NotAllowed => 7,
                Why::TooFast => 8,
                Why::TestMailbox => 9,
                Why::NoQuery(Silence::Answer) => 10,
                Why::NoQuery(Silence::Empty) => 11,
                Why::NoQuery(Silence::NoAddress) => 12,
                Why::NoQuery(Silence::NotPrintable) => 13,
                Why::NoQuery(Silence::TooLong) => 14,
            },
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES.get(self.number()).copied().unwrap_or_default())
    }
}

type Row = [AtomicU64; OUTCOMES];

/// Outcomes since the start; by target, and of all who are none.
#[derive(Debug, Default)]
pub struct Counts(RwLock<HashMap<Option<TargetId>, Row>>);

/// Outcomes at one moment.
pub type Tally = BTreeMap<Option<TargetId>, [u64; OUTCOMES]>;

impl Counts {
    /// How often this became of a query of this asker.
    #[must_use]
    pub fn of(&self, asker: Option<TargetId>, outcome: Outcome) -> u64 {
        let row = self.tally().get(&asker).copied().unwrap_or_default();
        row.get(outcome.number()).copied().unwrap_or_default()
    }

    /// All outcomes up to now, in the order of [`names`].
    #[must_use]
    pub fn tally(&self) -> Tally {
        let rows = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let read = |row: &Row| row.each_ref().map(|count| count.load(Ordering::Relaxed));
        rows.iter()
            .map(|(asker, row)| (*asker, read(row)))
            .collect()
    }

    pub(super) fn count(&self, asker: Option<TargetId>, outcome: Outcome) {
        let add = |row: &Row| {
            if let Some(count) = row.get(outcome.number()) {
                count.fetch_add(1, Ordering::Relaxed);
            }
        };
        let rows = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(row) = rows.get(&asker) {
            return add(row);
        }
        drop(rows);
        let mut rows = self.0.write().unwrap_or_else(PoisonError::into_inner);
        add(rows.entry(asker).or_default());
    }
}

/// The names of outcomes, in the order of a [`Tally`].
#[must_use]
pub fn names() -> &'static [&'static str] {
    &NAMES
}

/// What was added since, as `active=3 unknown=1`; none when nothing was.
pub(super) fn added(before: Option<&[u64; OUTCOMES]>, now: &[u64; OUTCOMES]) -> Option<String> {
    let mut text = String::new();
    let zeros = [0; OUTCOMES];
    for ((name, before), now) in NAMES.iter().zip(before.unwrap_or(&zeros)).zip(now) {
        if now > before {
            let space = if text.is_empty() { "" } else { " " };
            // Writing to a String does not fail.
            let _ = write!(text, "{space}{name}={}", now - before);
        }
    }
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_a_name_of_its_own() {
        let silences = [
            Silence::Answer,
            Silence::Empty,
            Silence::NoAddress,
            Silence::NotPrintable,
            Silence::TooLong,
        ];
        let whys = [
            Why::Guessing,
            Why::NotAllowed,
            Why::TooFast,
            Why::TestMailbox,
        ];
        let whys = whys.into_iter().chain(silences.map(Why::NoQuery));
        let outcomes = Status::ALL.into_iter().map(Outcome::Answered);
        let outcomes = outcomes.chain(whys.map(Outcome::Silent));
        let named: Vec<_> = outcomes.map(|outcome| outcome.to_string()).collect();
        assert_eq!(named, NAMES);
    }

    #[test]
    fn says_what_was_added_by_whom() {
        let counts = Counts::default();
        let lyon = Some(TargetId(7));
        let (active, silent) = (
            Outcome::Answered(Status::Active),
            Outcome::Silent(Why::TooFast),
        );
        counts.count(lyon, active);
        let before = counts.tally();
        counts.count(lyon, active);
        counts.count(lyon, active);
        counts.count(lyon, silent);
        counts.count(None, silent);
        let now = counts.tally();
        let said = |asker| added(before.get(&asker), now.get(&asker).unwrap());
        assert_eq!(said(lyon).as_deref(), Some("active=2 too_fast=1"));
        assert_eq!(said(None).as_deref(), Some("too_fast=1"));
        assert_eq!(added(now.get(&lyon), now.get(&lyon).unwrap()), None);
        assert_eq!(counts.of(lyon, active), 3);
        assert_eq!(counts.of(None, active), 0);
    }
}
