//! When a recipient is tried again, when its sender hears of a delay, when it is given up.
//!
//! Pure: ages and counts come in, durations come out. Nothing here knows what time it is.

use std::time::Duration;

/// How long a contradicted recipient is tried again before it is believed to be unknown.
pub const CONTRADICTION_MAX: Duration = Duration::from_secs(4 * 3600);

/// How long after a start a next hop may take to be there before mail for it is given up.
const ARRIVING_MAX: Duration = Duration::from_secs(3600);

/// The times of the retry schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Wait after the first failed attempt.
    pub retry_first: Duration,
    /// The longest wait between two attempts.
    pub retry_max: Duration,
    /// Age at which a recipient is given up, time under hold not counted.
    pub lifetime: Duration,
    /// Age at which the sender is told of the delay; zero: never.
    pub delay_notice: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            retry_first: Duration::from_secs(5 * 60),
            retry_max: Duration::from_secs(70 * 60),
            lifetime: Duration::from_secs(5 * 24 * 3600),
            delay_notice: Duration::from_secs(4 * 3600),
        }
    }
}

/// What is known of a recipient when an attempt has failed for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waited {
    /// Attempts so far, the failed one included.
    pub attempts: u32,
    /// Time since the message was accepted, time under hold not counted.
    pub age: Duration,
    /// Whether the sender has already been told, or does not want to be.
    pub notice_done: bool,
}

/// What comes of a recipient whose attempt has failed for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Given up: one report of failure.
    Expire,
    /// Tried again after this wait.
    Retry {
        /// The wait.
        after: Duration,
        /// Whether the sender is told of the delay now.
        notice: bool,
    },
}

impl Schedule {
    /// What comes of a recipient whose attempt has just failed for now.
    ///
    /// Called after an attempt only: nothing expires that has not just been tried. The wait never
    /// passes the moments at which a notice or the end of the lifetime is due, so that both come
    /// with a fresh result.
    #[must_use]
    pub fn after_failure(&self, waited: Waited) -> Next {
        if waited.age >= self.lifetime {
            return Next::Expire;
        }
        let notice_done = waited.notice_done || self.delay_notice.is_zero();
        let notice = !notice_done && waited.age >= self.delay_notice;
        let mut after = self.wait(waited.attempts);
        after = after.min(self.lifetime.saturating_sub(waited.age));
        if !notice_done && !notice {
            after = after.min(self.delay_notice.saturating_sub(waited.age));
        }
        // Two moments that nearly meet do not cause two attempts.
        let least = self.retry_first.min(self.retry_max) / 4;
        Next::Retry {
            after: after.max(least),
            notice,
        }
    }

    /// The wait after so many failed attempts: doubled each time, up to the longest.
    #[must_use]
    pub fn wait(&self, attempts: u32) -> Duration {
        let doublings = attempts.saturating_sub(1).min(31);
        self.retry_first
            .saturating_mul(1 << doublings)
            .min(self.retry_max)
    }

    /// The age that counts so long after the start where nobody was reached, neither a next hop nor
    /// who knows of one; at most the lifetime.
    ///
    /// A machine that comes back after days finds mail that is too old, and may be there before
    /// its network and its peers are: one look at them is not enough to give everything up.
    #[must_use]
    pub fn age_unreached(&self, age: Duration, up: Duration) -> Duration {
        let arriving = ARRIVING_MAX.min(self.lifetime / 20);
        age.min(self.lifetime.saturating_sub(arriving.saturating_sub(up)))
    }

    /// How long a next hop that could not be reached so many times is left alone.
    ///
    /// Shorter than a recipient's own wait, because one connection tells it for all of them.
    #[must_use]
    pub fn hop_wait(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        (self.retry_first / 5)
            .saturating_mul(1 << doublings)
            .min(self.retry_first)
    }

    /// A stored wait as it is believed after a restart: no clock jump makes it longer than this.
    #[must_use]
    pub fn believed(&self, wait: Duration) -> Duration {
        wait.min(self.retry_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn waited(attempts: u32, age: Duration) -> Waited {
        Waited {
            attempts,
            age,
            notice_done: false,
        }
    }

    #[test]
    fn waits_grow_from_five_to_seventy_minutes() {
        let schedule = Schedule::default();
        for (attempts, minutes) in [
            (0, 5),
            (1, 5),
            (2, 10),
            (3, 20),
            (4, 40),
            (5, 70),
            (6, 70),
            (u32::MAX, 70),
        ] {
            assert_eq!(schedule.wait(attempts), minutes * MINUTE, "{attempts}");
        }
    }

    #[test]
    fn a_hop_is_asked_again_between_one_and_five_minutes() {
        let schedule = Schedule::default();
        for (failures, minutes) in [(1, 1), (2, 2), (3, 4), (4, 5), (u32::MAX, 5)] {
            assert_eq!(schedule.hop_wait(failures), minutes * MINUTE, "{failures}");
        }
    }

    #[test]
    fn failures_are_retried_noticed_once_and_expire() {
        let hour = 60 * MINUTE;
        let retry = |after, notice| Next::Retry { after, notice };
        for (waited, next) in [
            (waited(1, Duration::ZERO), retry(5 * MINUTE, false)),
            (waited(5, 75 * MINUTE), retry(70 * MINUTE, false)),
            // The attempt before the notice is due comes at the notice.
            (waited(6, 3 * hour), retry(hour, false)),
            (
                waited(6, 4 * hour - MINUTE),
                retry(75 * Duration::from_secs(1), false),
            ),
            (waited(7, 4 * hour), retry(70 * MINUTE, true)),
            (
                Waited {
                    notice_done: true,
                    ..waited(7, 4 * hour)
                },
                retry(70 * MINUTE, false),
            ),
            (
                Waited {
                    notice_done: true,
                    ..waited(99, 120 * hour - 30 * MINUTE)
                },
                retry(30 * MINUTE, false),
            ),
            (waited(1, 120 * hour), Next::Expire),
            (waited(99, 9999 * hour), Next::Expire),
        ] {
            assert_eq!(
                Schedule::default().after_failure(waited),
                next,
                "{waited:?}"
            );
        }
    }

    #[test]
    fn who_was_not_reached_is_not_too_old_until_an_hour_after_the_start() {
        let schedule = Schedule::default();
        let hour = 60 * MINUTE;
        for (age, up, counts) in [
            (hour, MINUTE, hour),
            (9999 * hour, Duration::ZERO, 119 * hour),
            (9999 * hour, 40 * MINUTE, 119 * hour + 40 * MINUTE),
            (9999 * hour, hour, schedule.lifetime),
            (9999 * hour, 9999 * hour, schedule.lifetime),
        ] {
            assert_eq!(schedule.age_unreached(age, up), counts, "{age:?} {up:?}");
        }
        let short = Schedule {
            lifetime: 20 * MINUTE,
            ..schedule
        };
        assert_eq!(short.age_unreached(hour, Duration::ZERO), 19 * MINUTE);
        assert_eq!(short.age_unreached(hour, MINUTE), short.lifetime);
    }

    #[test]
    fn every_recipient_expires_after_a_bounded_number_of_attempts() {
        let schedule = Schedule::default();
        let (mut age, mut attempts, mut notices) = (Duration::ZERO, 0, 0);
        loop {
            attempts += 1;
            match schedule.after_failure(Waited {
                attempts,
                age,
                notice_done: notices > 0,
            }) {
                Next::Expire => break,
                Next::Retry { after, notice } => {
                    notices += u32::from(notice);
                    age += after;
                }
            }
        }
        assert_eq!((age, notices), (schedule.lifetime, 1));
        assert!((100..120).contains(&attempts), "{attempts}");
    }

    #[test]
    fn a_clock_jump_cannot_make_a_stored_wait_longer_than_the_longest() {
        let schedule = Schedule::default();
        assert_eq!(schedule.believed(MINUTE), MINUTE);
        assert_eq!(schedule.believed(99_999 * MINUTE), schedule.retry_max);
    }
}
