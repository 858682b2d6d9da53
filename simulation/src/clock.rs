//! The clocks of a simulated site.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use waypost_mta::clock::{Clock, SystemClock};

/// When every simulation begins: in November 2023.
const BEGIN: Duration = Duration::from_secs(1_700_000_000);

/// Monotonic time as the simulation has it, and a wall clock that somebody sets.
#[derive(Debug, Default)]
pub(crate) struct SiteClock {
    /// What was added to the wall clock so far, in seconds.
    offset: AtomicI64,
    was_forward: AtomicBool,
}

impl SiteClock {
    /// Sets the wall clock forward, or back.
    pub(crate) fn jump(&self, seconds: i64) {
        self.offset.fetch_add(seconds, Ordering::Relaxed);
        self.was_forward.fetch_or(seconds > 0, Ordering::Relaxed);
    }

    pub(crate) fn has_been_set_forward(&self) -> bool {
        self.was_forward.load(Ordering::Relaxed)
    }
}

impl Clock for SiteClock {
    fn now(&self) -> Instant {
        SystemClock.now()
    }

    fn wall(&self) -> SystemTime {
        let steady = BEGIN + turmoil::sim_elapsed().unwrap_or_default();
        let offset = self.offset.load(Ordering::Relaxed);
        let distance = Duration::from_secs(offset.unsigned_abs());
        SystemTime::UNIX_EPOCH
            + match offset < 0 {
                true => steady.saturating_sub(distance),
                false => steady + distance,
            }
    }
}
