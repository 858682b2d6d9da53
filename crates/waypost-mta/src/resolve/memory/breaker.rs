//! Asking a peer less often that does not answer.
//!
//! A question that is not asked counts as unanswered, never as a yes or a no: what would be 451
//! stays 451, only sooner.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::resolve::ask::Authority;

/// Questions in a row without an answer before the pauses begin.
const SILENT_MOST: u32 = 3;
/// The first pause; each further one is twice as long.
const PAUSE_FIRST: Duration = Duration::from_secs(5);
/// The longest one.
const PAUSE_MOST: Duration = Duration::from_secs(60);

/// How well an authority answers.
#[derive(Debug, Clone, Copy, Default)]
struct Line {
    silent: u32,
    /// Nobody asks before; from then on one at a time.
    pause_until: Option<Instant>,
    /// When it answered last.
    answered: Option<Instant>,
}

/// The breakers of all authorities that were asked.
#[derive(Default)]
pub(super) struct Breakers(Mutex<HashMap<Authority, Line>>);

impl Breakers {
    /// Whether this authority may be asked now. Who is let through after a pause asks for everybody:
    /// the pause goes on until he has told what became of it.
    pub(super) fn admit(&self, authority: Authority, now: Instant) -> bool {
        let mut lines = self.lock();
        let Some(line) = lines.get_mut(&authority) else {
            return true;
        };
        match line.pause_until {
            Some(until) if now < until => false,
            Some(_) => {
                line.pause_until = Some(now + pause(line.silent));
                true
            }
            None => true,
        }
    }

    /// It has answered, whatever it said: no more pauses. Returns whether there were any.
    pub(super) fn answered(&self, authority: Authority, now: Instant) -> bool {
        let line = Line {
            answered: Some(now),
            ..Line::default()
        };
        let before = self.lock().insert(authority, line);
        before.is_some_and(|line| line.pause_until.is_some())
    }

    /// How long ago it answered last.
    pub(super) fn answered_ago(&self, authority: Authority, now: Instant) -> Option<Duration> {
        let answered = self.lock().get(&authority)?.answered?;
        Some(now.saturating_duration_since(answered))
    }

    /// It has not answered. Returns whether the pauses begin by that.
    pub(super) fn silent(&self, authority: Authority, now: Instant) -> bool {
        let mut lines = self.lock();
        let line = lines.entry(authority).or_default();
        line.silent = line.silent.saturating_add(1);
        if line.silent >= SILENT_MOST {
            line.pause_until = Some(now + pause(line.silent));
        }
        line.silent == SILENT_MOST
    }

    /// How long this authority is not asked from now on; none: it is asked.
    pub(super) fn paused_for(&self, authority: Authority, now: Instant) -> Option<Duration> {
        let until = self.lock().get(&authority)?.pause_until?;
        (until > now).then(|| until - now)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Authority, Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pause(silent: u32) -> Duration {
    let doublings = silent.saturating_sub(SILENT_MOST).min(8);
    (PAUSE_FIRST * 2_u32.pow(doublings)).min(PAUSE_MOST)
}

#[cfg(test)]
mod tests {
    use waypost_proto::route::TargetId;

    use super::*;

    const PEER: Authority = Authority::Peer(TargetId(1));

    #[test]
    fn asks_a_silent_peer_less_and_less_often() {
        let breakers = Breakers::default();
        let mut now = Instant::now();
        for _ in 0..SILENT_MOST {
            assert!(breakers.admit(PEER, now));
            breakers.silent(PEER, now);
        }
        for pause_s in [5, 10, 20, 40, 60, 60] {
            let pause = Duration::from_secs(pause_s);
            assert_eq!(breakers.paused_for(PEER, now), Some(pause));
            assert!(!breakers.admit(PEER, now + pause - Duration::from_millis(1)));
            now += pause;
            assert!(breakers.admit(PEER, now), "one asks after the pause");
            assert!(!breakers.admit(PEER, now), "and one alone");
            breakers.silent(PEER, now);
        }
    }

    #[test]
    fn one_answer_ends_the_pauses() {
        let breakers = Breakers::default();
        let now = Instant::now();
        for _ in 0..10 {
            breakers.silent(PEER, now);
        }
        assert!(!breakers.admit(PEER, now));
        assert!(breakers.admit(Authority::Peer(TargetId(2)), now));
        assert!(breakers.answered(PEER, now));
        assert!(!breakers.answered(PEER, now), "it was back already");
        assert!(breakers.admit(PEER, now));
        assert_eq!(breakers.paused_for(PEER, now), None);
    }
}
