//! What the administrator sees of the memory: pages of answers, and counts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::tally::Tallied;
use super::{DELIVERY, Entry, Key, Memory};
use crate::resolve::ask::{Answer, Authority};

/// An answer as `cache list` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// Who said it.
    pub authority: Authority,
    /// About which address.
    pub address: Box<str>,
    /// What.
    pub answer: Answer,
    /// How long ago.
    pub age: Duration,
    /// How much longer it counts.
    pub left: Duration,
}

/// Behind which answer a page begins: answers are in the order of their addresses.
pub type Place = (Box<str>, Authority);

/// How well the memory serves, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheStats {
    /// Answers that were found.
    pub hits: u64,
    /// Answers that had to be asked for.
    pub misses: u64,
    /// Answers that were asked for again in the background.
    pub refreshes: u64,
    /// Answers held now, those counted in whose time is over.
    pub entries: usize,
    /// Most answers held.
    pub bound: usize,
}

/// What the statistics count.
#[derive(Debug, Default)]
pub(super) struct Uses {
    pub(super) hits: AtomicU64,
    pub(super) misses: AtomicU64,
    pub(super) refreshes: AtomicU64,
}

impl Uses {
    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl Memory {
    /// Everything remembered that still counts.
    pub(in crate::resolve) fn list(&self) -> Vec<Remembered> {
        self.all().collect()
    }

    /// So many of those that are wanted, in order, from behind a place. Never holds more than that.
    pub(in crate::resolve) fn page(
        &self,
        wanted: &dyn Fn(&Remembered) -> bool,
        after: Option<&Place>,
        limit: usize,
    ) -> Vec<Remembered> {
        let mut page = BTreeMap::new();
        for entry in self.all().filter(wanted) {
            let place = (entry.address.clone(), entry.authority);
            if after.is_none_or(|after| place > *after) {
                page.insert(place, entry);
            }
            if page.len() > limit {
                page.pop_last();
            }
        }
        page.into_values().collect()
    }

    /// How well it serves.
    pub(in crate::resolve) fn stats(&self) -> CacheStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CacheStats {
            hits: read(&self.uses.hits),
            misses: read(&self.uses.misses),
            refreshes: read(&self.uses.refreshes),
            entries: self.entries.len(),
            bound: self.settings().entries,
        }
    }

    /// What came of all questions.
    pub(in crate::resolve) fn asked(&self) -> Vec<Tallied> {
        self.tally.read()
    }

    /// How long ago an authority answered last, if it has since the start.
    pub(in crate::resolve) fn answered(&self, authority: Authority) -> Option<Duration> {
        self.breakers
            .answered_ago(authority, self.outside.clock.now())
    }

    fn all(&self) -> impl Iterator<Item = Remembered> {
        let now = self.outside.clock.now();
        let entries = self.entries.iter();
        entries.filter_map(move |(Key(authority, address), entry)| {
            let age = now.saturating_duration_since(entry.given);
            let counts = self.counts(authority, entry, now);
            counts.then(|| Remembered {
                authority,
                address,
                answer: entry.answer,
                age,
                left: self.lifetime(authority, entry).saturating_sub(age),
            })
        })
    }

    /// How long an answer counts in all.
    pub(super) fn lifetime(&self, authority: Authority, entry: Entry) -> Duration {
        match (authority, entry.answer) {
            (Authority::Delivery(_), _) => DELIVERY,
            (_, Answer::Active) => self.settings().positive,
            (_, Answer::Full | Answer::Unavailable) => Duration::ZERO,
            (_, Answer::Unknown) => self.settings().negative,
        }
    }
}
