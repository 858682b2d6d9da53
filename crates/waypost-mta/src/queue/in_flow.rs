//! In-flow control, as Postfix's `in_flow_delay`: what comes faster than a next hop takes it would
//! pile up here, in memory first, and each message arrive the later. Its sender waits with it
//! instead, for a moment.

use std::time::Duration;

use super::timetable::Tick;

/// What waits no longer than this for its turn delays no sender; milliseconds, as all here.
const EASY: Tick = 25;
/// The longest delay.
const DELAY_MAX: Tick = 500;
/// Where a turn is farther away, the next hop is slow or a great deal waits: a moment gains nothing.
const BURST: Tick = 2_000;

/// How much later the sender of a message hears that it is queued, by how long that waits for its
/// turn.
pub(super) fn delay(wait: Tick) -> Option<Duration> {
    let is_helped = (EASY + 1..=BURST).contains(&wait);
    is_helped.then(|| Duration::from_millis((wait - EASY).min(DELAY_MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_delayed_where_that_helps_and_never_for_long() {
        for (wait, expected) in [
            (0, None),
            (EASY, None),
            (EASY + 50, Some(50)),
            (BURST / 2, Some(DELAY_MAX)),
            (BURST, Some(DELAY_MAX)),
            (BURST + 1, None),
        ] {
            assert_eq!(delay(wait), expected.map(Duration::from_millis), "{wait}");
        }
    }
}
