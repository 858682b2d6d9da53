//! The only place that reads a clock.
//!
//! Schedules run on the monotonic clock, which tokio may pause in tests; deadlines that survive a
//! restart are kept as wall-clock time.

use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// What time it is, on both clocks.
pub trait Clock: Debug + Send + Sync {
    /// The monotonic clock: never goes back, means nothing after a restart.
    fn now(&self) -> Instant;

    /// The wall clock: may jump, means the same after a restart.
    fn wall(&self) -> SystemTime;
}

/// The machine's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// A clock that moves only when told to, for tests.
#[derive(Debug)]
pub struct ManualClock(Mutex<(Instant, SystemTime)>);

impl ManualClock {
    /// Starts at the given wall-clock time.
    #[must_use]
    pub fn new(wall: SystemTime) -> Self {
        Self(Mutex::new((Instant::now(), wall)))
    }

    /// Moves both clocks forward.
    pub fn advance(&self, by: Duration) {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        times.0 += by;
        times.1 += by;
    }

    /// Sets the wall clock alone, as an administrator or a time server does.
    pub fn jump(&self, wall: SystemTime) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1 = wall;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn wall(&self) -> SystemTime {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_only_when_told_to() {
        let clock = ManualClock::new(SystemTime::UNIX_EPOCH);
        let start = clock.now();
        clock.advance(Duration::from_secs(5));
        assert_eq!(clock.now() - start, Duration::from_secs(5));
        clock.jump(SystemTime::UNIX_EPOCH);
        assert_eq!(clock.wall(), SystemTime::UNIX_EPOCH);
        assert_eq!(clock.now() - start, Duration::from_secs(5));
    }
}
