//! How far the wall clock was off when messages came: one that was set back, and is right again,
//! makes nobody old.
//!
//! What came since the start is dated by a wall clock that may have been wrong; how wrong it was,
//! against the steady clock, is remembered with the first message behind each jump. Ids never go
//! back, whatever clocks do: they tell of messages from before the start that their date did.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use waypost_spool::QueueId;

/// Jumps that are remembered; of more, the oldest are forgotten.
const JUMPS_MAX: usize = 64;
/// A smaller difference is a clock that is being steered.
const JUMP: Duration = Duration::from_secs(5);
/// So far an id may be ahead of a right clock: a minute is reserved, and taken up at a start.
const AHEAD: Duration = Duration::from_mins(2);

/// By how much the steady clock was ahead of the wall clock, or behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Skew {
    Ahead(Duration),
    Behind(Duration),
}

impl Skew {
    fn of(steady: SystemTime, wall: SystemTime) -> Self {
        match steady.duration_since(wall) {
            Ok(ahead) => Self::Ahead(ahead),
            Err(behind) => Self::Behind(behind.duration()),
        }
    }

    fn differs(self, other: Self) -> bool {
        let difference = match (self, other) {
            (Self::Ahead(one), Self::Ahead(two)) | (Self::Behind(one), Self::Behind(two)) => {
                one.abs_diff(two)
            }
            (Self::Ahead(one), Self::Behind(two)) | (Self::Behind(one), Self::Ahead(two)) => {
                one + two
            }
        };
        difference > JUMP
    }
}

/// How far the wall clock was off, from which message on.
#[derive(Debug, Default)]
pub(super) struct Skews(Mutex<VecDeque<(QueueId, Skew)>>);

impl Skews {
    /// A message is dated now, as both clocks say. What was dated before the last jump and is named
    /// after it tells nothing.
    pub(super) fn note(&self, id: QueueId, steady: SystemTime, wall: SystemTime) {
        let skew = Skew::of(steady, wall);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = |(first, last): &(QueueId, Skew)| id < *first || !last.differs(skew);
        if all.back().is_some_and(is_known) {
            return;
        }
        if all.len() == JUMPS_MAX {
            all.pop_front();
        }
        all.push_back((id, skew));
    }

    /// What the wall clock would say now, had it stayed as it was when the message came; for a
    /// message from before the start, the earlier of what both clocks say, as far back as its date
    /// is behind its id.
    pub(super) fn now_for(
        &self,
        (id, arrived): (QueueId, SystemTime),
        steady: SystemTime,
        wall: SystemTime,
    ) -> SystemTime {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let skew = all.iter().rev().find(|(first, _)| *first <= id);
        match skew.map(|(_, skew)| *skew) {
            Some(Skew::Ahead(ahead)) => steady.checked_sub(ahead).unwrap_or(wall),
            Some(Skew::Behind(behind)) => steady.checked_add(behind).unwrap_or(wall),
            None => {
                let now = wall.min(steady);
                now - set_back(id, arrived, now)
            }
        }
    }
}

/// By how much the clock had been set back when the message came.
fn set_back(id: QueueId, arrived: SystemTime, now: SystemTime) -> Duration {
    let named = id.time();
    match named.duration_since(arrived) {
        Ok(back) if back > AHEAD && named <= now + AHEAD => back,
        // A clock that was far ahead once leaves ids that say nothing.
        _ => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn a_message_ages_by_the_clock_that_dated_it() {
        let id = |number| QueueId::from_number(number).unwrap();
        let right = UNIX_EPOCH + 100_000 * HOUR;
        let wrong = right - 9_000 * HOUR;
        let skews = Skews::default();
        skews.note(id(10), right, right);
        skews.note(id(11), right + Duration::from_secs(1), right);
        // Set back by a year, then right again, then set forward.
        skews.note(id(20), right + HOUR, wrong + HOUR);
        skews.note(id(30), right + 2 * HOUR, right + 2 * HOUR);
        skews.note(id(40), right + 3 * HOUR, right + 900 * HOUR);
        let (steady, wall) = (right + 4 * HOUR, right + 4 * HOUR);
        let now = |number| skews.now_for((id(number), right), steady, wall);
        assert_eq!(now(9), wall, "from before the start");
        assert_eq!(now(15), steady);
        assert_eq!(now(25), wrong + 4 * HOUR);
        assert_eq!(now(35), steady);
        assert_eq!(now(45), right + 901 * HOUR);
    }

    #[test]
    fn a_date_behind_its_id_says_how_far_the_clock_was_set_back() {
        let ids = |at: SystemTime| {
            let micros = at.duration_since(UNIX_EPOCH).unwrap().as_micros();
            // The low eight bits are the node's.
            let number = u64::try_from(micros).unwrap() << 8;
            QueueId::from_number(number).unwrap()
        };
        let right = UNIX_EPOCH + 400_000 * HOUR;
        assert!(
            ids(right)
                .time()
                .duration_since(right)
                .is_ok_and(|d| d < JUMP)
        );
        let now = right + 10 * HOUR;
        let skews = Skews::default();
        let age = |named, arrived| {
            let now = skews.now_for((ids(named), arrived), now, now + HOUR);
            now.duration_since(arrived).unwrap()
        };
        assert_eq!(age(right, right), 10 * HOUR, "a clock that was right");
        assert_eq!(
            age(right, right - HOUR / 60),
            10 * HOUR + HOUR / 60,
            "steered"
        );
        assert_eq!(age(right, right - 9_000 * HOUR), 10 * HOUR, "set back");
        let far = right + 9_000 * HOUR;
        assert_eq!(
            age(far, right),
            10 * HOUR,
            "ids from a clock that was ahead"
        );
    }

    #[test]
    fn jumps_that_are_remembered_are_few() {
        let skews = Skews::default();
        for number in 1..1_000 {
            let off = HOUR * u32::try_from(number % 2).unwrap();
            let id = QueueId::from_number(number).unwrap();
            skews.note(id, UNIX_EPOCH + 2 * HOUR, UNIX_EPOCH + off);
        }
        assert_eq!(skews.0.lock().unwrap().len(), JUMPS_MAX);
    }
}
