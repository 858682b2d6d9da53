//! When messages came to the sink.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use waypost_testkit::wait;

/// The messages of the run that is under way.
#[derive(Default)]
pub(crate) struct Arrivals(Mutex<Expected>);

#[derive(Default)]
struct Expected {
    /// The number of the first message.
    first: u64,
    /// Of each message, the recipients that it has not reached, and since when it has them all.
    messages: Vec<(u32, Option<Instant>)>,
}

impl Expected {
    fn note(&mut self, number: u64, recipients: u32, at: Instant) {
        // Of another run is what an attempt repeats that was cut off.
        let Some(index) = number.checked_sub(self.first) else {
            return;
        };
        let message = usize::try_from(index)
            .ok()
            .and_then(|index| self.messages.get_mut(index));
        let Some((missing, whole)) = message else {
            return;
        };
        *missing = missing.saturating_sub(recipients);
        if *missing == 0 {
            whole.get_or_insert(at);
        }
    }

    fn are_here(&self, awaited: &dyn Fn(usize) -> bool) -> bool {
        let mut messages = self.messages.iter().enumerate();
        messages.all(|(index, (_, whole))| whole.is_some() || !awaited(index))
    }
}

impl Arrivals {
    /// From now on, messages from this number on are counted, with so many recipients each.
    pub(crate) fn expect(&self, first: u64, recipients: impl Iterator<Item = u32>) {
        let mut expected = self.expected();
        expected.first = first;
        expected.messages = recipients.map(|count| (count, None)).collect();
    }

    /// A message for so many recipients has come.
    pub(crate) fn note(&self, number: u64, recipients: u32, at: Instant) {
        self.expected().note(number, recipients, at);
    }

    /// Waits for all that are awaited; when each came.
    pub(crate) fn wait(
        &self,
        limit: Duration,
        awaited: &dyn Fn(usize) -> bool,
    ) -> Result<Vec<Option<Instant>>> {
        let here = wait::until_within(limit, "all messages at the sink", || {
            let expected = self.expected();
            expected
                .are_here(awaited)
                .then(|| expected.messages.clone())
        });
        let here = here.with_context(|| {
            let expected = self.expected();
            let came = expected
                .messages
                .iter()
                .filter(|(_, whole)| whole.is_some());
            format!("{} of {} came", came.count(), expected.messages.len())
        })?;
        Ok(here.into_iter().map(|(_, whole)| whole).collect())
    }

    fn expected(&self) -> MutexGuard<'_, Expected> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_a_message_when_it_has_reached_all_its_recipients() {
        let arrivals = Arrivals::default();
        arrivals.expect(100, [1, 3].into_iter());
        let (early, late) = (Instant::now(), Instant::now() + Duration::from_secs(1));
        arrivals.note(99, 1, early);
        arrivals.note(102, 1, early);
        arrivals.note(101, 2, early);
        assert!(!arrivals.expected().are_here(&|_| true));
        arrivals.note(101, 1, late);
        assert!(arrivals.expected().are_here(&|index| index == 1));
        arrivals.note(100, 1, early);
        arrivals.note(100, 1, late);
        let came = arrivals.wait(Duration::ZERO, &|_| true).unwrap();
        assert_eq!(came, [Some(early), Some(late)]);
    }
}
