//! How next hops did of late: what the last attempts and questions saw of them.
//!
//! Kept for what an administrator named: targets, the smart host and the mail store here. The MX
//! hosts of the world are not counted, so that the table stays as small as the directory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::{NextHop, Outcome, Trouble};
use crate::clock::Clock;

/// What was seen of a next hop since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Attempts and questions under way: the connections in use.
    pub in_use: u32,
    /// Connections that are kept for the next message.
    pub kept: u32,
    /// When it last did what it was asked for.
    pub last_success: Option<SystemTime>,
    /// How long that took.
    pub latency: Option<Duration>,
    /// When and why it last did not.
    pub last_error: Option<(SystemTime, String)>,
    /// Whether nobody was there the last time.
    pub is_silent: bool,
    /// The last results, the newest in the lowest bit; set: it failed.
    failures: u16,
    /// How many of them there were.
    results: u16,
}

/// What one attempt or question says about the next hop itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It did what it was asked for.
    Works,
    /// It answers, and has reasons of its own: nothing about how it does.
    Answers,
    /// It is there, but takes nothing now.
    Fails(String),
    /// Nobody is there, or nobody who lets us in.
    Silent(String),
}

impl Seen {
    /// How many of the last 16 results were failures.
    #[must_use]
    pub fn recent_failures(&self) -> u32 {
        self.failures.count_ones()
    }

    /// Whether the last of them was.
    #[must_use]
    pub fn failed_last(&self) -> bool {
        self.failures & 1 == 1
    }

    /// Whether anything was seen at all.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.results > 0
    }

    fn note(&mut self, verdict: Verdict, wall: SystemTime, took: Duration) {
        let failed = matches!(verdict, Verdict::Fails(_) | Verdict::Silent(_));
        self.failures = (self.failures << 1) | u16::from(failed);
        self.results = self.results.saturating_add(1);
        self.is_silent = matches!(verdict, Verdict::Silent(_));
        match verdict {
            Verdict::Works => {
                self.last_success = Some(wall);
                self.latency = Some(took);
            }
            Verdict::Answers => {}
            Verdict::Fails(text) | Verdict::Silent(text) => self.last_error = Some((wall, text)),
        }
    }
}

impl Verdict {
    /// Of an attempt.
    pub(super) fn of(outcomes: &[Outcome]) -> Self {
        if outcomes.iter().any(|outcome| outcome.result.is_ok()) {
            return Self::Works;
        }
        let troubles = outcomes.iter().filter_map(|o| o.result.as_ref().err());
        Self::worst(troubles)
    }

    /// Of a question.
    pub(super) fn of_question<T>(answer: &Result<T, Trouble>) -> Self {
        match answer {
            Ok(_) => Self::Works,
            Err(trouble) => Self::worst(std::iter::once(trouble)),
        }
    }

    /// A single recipient that it does not want says nothing about it, all of them put off do.
    fn worst<'a>(troubles: impl Iterator<Item = &'a Trouble>) -> Self {
        let mut text = String::new();
        for trouble in troubles {
            if trouble.unopened {
                return Self::Silent(trouble.to_string());
            }
            if !trouble.is_transient() {
                return Self::Answers;
            }
            text = trouble.to_string();
        }
        Self::Fails(text)
    }
}

/// All of them.
#[derive(Debug)]
pub(super) struct Health {
    clock: Arc<dyn Clock>,
    seen: Mutex<HashMap<NextHop, Seen>>,
}

/// A connection in use; without a verdict when it is dropped early.
pub(super) struct Use<'a> {
    health: &'a Health,
    next_hop: &'a NextHop,
    began: tokio::time::Instant,
}

impl Health {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            seen: Mutex::default(),
        }
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<NextHop, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something begins; none for next hops that are not looked after.
    pub(super) fn begin<'a>(&'a self, next_hop: &'a NextHop) -> Option<Use<'a>> {
        if matches!(next_hop, NextHop::Mx(_)) {
            return None;
        }
        let mut all = self.seen();
        match all.get_mut(next_hop) {
            Some(seen) => seen.in_use += 1,
            None => {
                let first = Seen {
                    in_use: 1,
                    ..Seen::default()
                };
                all.insert(next_hop.clone(), first);
            }
        }
        drop(all);
        Some(Use {
            health: self,
            next_hop,
            began: self.clock.now(),
        })
    }

    /// Everything that was seen.
    pub(super) fn all(&self) -> HashMap<NextHop, Seen> {
        self.seen().clone()
    }

    /// Forgets next hops that are gone.
    pub(super) fn retain(&self, is_there: impl Fn(&NextHop) -> bool) {
        self.seen().retain(|next_hop, _| is_there(next_hop));
    }
}

impl Use<'_> {
    /// It has ended, and this is what it says.
    pub(super) fn end(self, verdict: Verdict) {
        let took = self.health.clock.now() - self.began;
        let wall = self.health.clock.wall();
        if let Some(seen) = self.health.seen().get_mut(self.next_hop) {
            seen.note(verdict, wall, took);
        }
    }
}

impl Drop for Use<'_> {
    fn drop(&mut self) {
        if let Some(seen) = self.health.seen().get_mut(self.next_hop) {
            seen.in_use = seen.in_use.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use waypost_proto::smtp::reply::RemoteReply;

    use super::*;
    use crate::deliver::Delivered;

    fn outcome(result: Result<Delivered, Trouble>) -> Outcome {
        Outcome { index: 0, result }
    }

    fn said(code: u16) -> Result<Delivered, Trouble> {
        let text: &[u8] = b"no";
        Err(Trouble::refused(RemoteReply::new(code, [text])))
    }

    fn taken() -> Result<Delivered, Trouble> {
        Ok(Delivered {
            host: "mail".into(),
            reply: None,
            offers_dsn: false,
            security: None,
        })
    }

    #[test]
    fn what_an_attempt_says_about_the_next_hop_itself() {
        let silent = || Err(Trouble::transient(4, 1, "refused").unopened());
        let cases: [(Vec<Result<Delivered, Trouble>>, &str); 6] = [
            (vec![taken()], "works"),
            (vec![said(450), taken()], "works"),
            (vec![said(550)], "answers"),
            (vec![said(450), said(550)], "answers"),
            (vec![said(450), said(451)], "fails"),
            (vec![silent()], "silent"),
        ];
        for (results, wanted) in cases {
            let outcomes: Vec<_> = results.into_iter().map(outcome).collect();
            let found = match Verdict::of(&outcomes) {
                Verdict::Works => "works",
                Verdict::Answers => "answers",
                Verdict::Fails(_) => "fails",
                Verdict::Silent(_) => "silent",
            };
            assert_eq!(found, wanted, "{outcomes:?}");
        }
    }

    #[test]
    fn uses_are_counted_while_they_last_and_the_newest_result_comes_first() {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let health = Health::new(Arc::new(crate::clock::ManualClock::new(wall)));
        let hop = NextHop::SmartHost;
        let using = health.begin(&hop).unwrap();
        assert_eq!(health.all()[&hop].in_use, 1);
        using.end(Verdict::Silent("refused".into()));
        let seen = health.all()[&hop].clone();
        assert!(seen.is_silent && seen.failed_last() && seen.in_use == 0);
        assert_eq!(seen.last_error, Some((wall, "refused".into())));
        health.begin(&hop).unwrap().end(Verdict::Works);
        let seen = health.all()[&hop].clone();
        assert!(!seen.is_silent && !seen.failed_last());
        assert_eq!((seen.recent_failures(), seen.last_success), (1, Some(wall)));
        drop(health.begin(&hop));
        assert_eq!(health.all()[&hop].recent_failures(), 1);
        assert!(
            health
                .begin(&NextHop::Mx(
                    waypost_proto::mail::Domain::parse("x.example").unwrap()
                ))
                .is_none()
        );
    }
}
