//! How often whom was asked, what came of it, and how long it took.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use prometheus_client::metrics::histogram::Histogram;

use crate::resolve::ask::{Answer, Authority, Source};

const ANSWERS: [Answer; 4] = [
    Answer::Active,
    Answer::Full,
    Answer::Unavailable,
    Answer::Unknown,
];
const SOURCES: [Source; 4] = [
    Source::Asked,
    Source::Blind,
    Source::Cache,
    Source::Suspended,
];
/// Upper ends of the classes of the histogram, in seconds: from loopback to the longest wait.
const SECONDS: [f64; 11] = [
    0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

/// What came of the questions to one authority since the start.
#[derive(Debug, Clone)]
pub struct Tallied {
    /// Whom.
    pub authority: Authority,
    /// How often each answer was found in each place; those that never were are left out.
    pub counts: Vec<(Answer, Source, u64)>,
    /// How long answers took that were waited for.
    pub took: Histogram,
    /// How many of them took at most each of [`SECONDS`], and no shorter class; then the rest.
    classes: [u64; SECONDS.len() + 1],
}

impl Tallied {
    /// The time in which so many of a hundred answers were there: the upper end of its class.
    #[must_use]
    pub fn within(&self, percent: u64) -> Option<Duration> {
        let all: u64 = self.classes.iter().sum();
        let wanted = (all * percent).div_ceil(100).max(1);
        let mut sum = 0;
        let class = self.classes.iter().position(|count| {
            sum += count;
            sum >= wanted
        })?;
        let end = SECONDS.get(class).or(SECONDS.last())?;
        Some(Duration::from_secs_f64(*end))
    }
}

#[derive(Debug)]
struct Row {
    counts: [[AtomicU64; SOURCES.len()]; ANSWERS.len()],
    took: Histogram,
    classes: [AtomicU64; SECONDS.len() + 1],
}

/// The counts of all authorities: as many rows as the directory has had targets and gateways.
#[derive(Debug, Default)]
pub(super) struct Tally(RwLock<HashMap<Authority, Arc<Row>>>);

impl Tally {
    /// An answer was found.
    pub(super) fn found(&self, authority: Authority, answer: Answer, source: Source) {
        let row = self.row(authority);
        let places = (
            ANSWERS.iter().position(|known| *known == answer),
            SOURCES.iter().position(|known| *known == source),
        );
        if let (Some(answer), Some(source)) = places
            && let Some(count) = row.counts.get(answer).and_then(|row| row.get(source))
        {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// An answer was waited for.
    pub(super) fn took(&self, authority: Authority, time: Duration) {
        let row = self.row(authority);
        let seconds = time.as_secs_f64();
        row.took.observe(seconds);
        let class = SECONDS.iter().position(|end| seconds <= *end);
        if let Some(count) = row.classes.get(class.unwrap_or(SECONDS.len())) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// All counts up to now.
    pub(super) fn read(&self) -> Vec<Tallied> {
        let rows = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut asked: Vec<Tallied> = rows.iter().map(|(of, row)| row.read(*of)).collect();
        asked.sort_by_key(|asked| asked.authority);
        asked
    }

    fn row(&self, authority: Authority) -> Arc<Row> {
        let rows = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(row) = rows.get(&authority) {
            return Arc::clone(row);
        }
        drop(rows);
        let mut rows = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(rows.entry(authority).or_insert_with(|| {
            Arc::new(Row {
                counts: Default::default(),
                took: Histogram::new(SECONDS),
                classes: Default::default(),
            })
        }))
    }
}

impl Row {
    fn read(&self, authority: Authority) -> Tallied {
        let mut counts = Vec::new();
        for (answer, row) in ANSWERS.iter().zip(&self.counts) {
            for (source, count) in SOURCES.iter().zip(row) {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    counts.push((*answer, *source, count));
                }
            }
        }
        Tallied {
            authority,
            counts,
            took: self.took.clone(),
            classes: std::array::from_fn(|class| {
                let count = self.classes.get(class);
                count.map_or(0, |count| count.load(Ordering::Relaxed))
            }),
        }
    }
}
