//! Who has failed to log in of late, from where and as whom: in bounded memory.
//!
//! A client that keeps failing waits longer and longer. Many clients that guess at one account
//! together are stopped by a limit of the account, which does not count for those from which it was
//! used of late: whoever guesses never shuts its owner out there.

use std::convert::Infallible;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::time::Instant;

use crate::policy::Pace;
use crate::policy::rate::{self, Limiter, Rate};

/// Clients, accounts, and pairs of them of which something is remembered.
const MAX_REMEMBERED: usize = 100_000;
/// After this long without a failure a client is as good as new.
const FORGIVEN_AFTER: Duration = Duration::from_mins(30);
/// Attempts at one account by all clients together from which it was not used of late.
const STRANGE: Rate = Rate {
    count: 30,
    period: Duration::from_mins(30),
};
/// A client from which an account was used is known for it for so long.
const FAMILIAR_FOR: Duration = Duration::from_hours(30 * 24);

/// A login as the tables know it: a digest that nobody outside can foretell, of one size.
type Account = u64;

#[derive(Debug)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Failures {
    /// One more; how many there were before.
    fn add(&mut self, now: Instant) -> u32 {
        if now.saturating_duration_since(self.last) > FORGIVEN_AFTER {
            self.count = 0;
        }
        let before = self.count;
        self.count = before.saturating_add(1);
        self.last = now;
        before
    }
}

type Shared = Arc<Mutex<Failures>>;

fn lock(failures: &Shared) -> MutexGuard<'_, Failures> {
    failures.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How an attempt stands before its password is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The account was used from this client of late.
    Familiar,
    /// Nothing is known of the two.
    Strange,
    /// Too many strange ones came before it.
    TooMany,
}

/// An attempt that is under way.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) standing: Standing,
    /// Failures of its client before.
    pub(super) failures: u32,
    counted: Option<Counted>,
}

/// Where an attempt is counted as failed.
#[derive(Debug)]
struct Counted {
    pair: (IpAddr, Account),
    of_client: Shared,
    of_pair: Shared,
}

/// What is remembered of attempts.
pub(super) struct Record {
    digest: RandomState,
    clients: Cache<IpAddr, Shared>,
    pairs: Cache<(IpAddr, Account), Shared>,
    /// Written after a success only, so that failures push nobody out.
    familiar: Cache<(IpAddr, Account), Instant>,
    strange: Limiter<Account>,
}

impl Record {
    pub(super) fn new() -> Self {
        Self {
            digest: RandomState::new(),
            clients: Cache::new(MAX_REMEMBERED),
            pairs: Cache::new(MAX_REMEMBERED),
            familiar: Cache::new(MAX_REMEMBERED),
            strange: Limiter::new(STRANGE, MAX_REMEMBERED),
        }
    }

    /// Counts an attempt as failed until it has succeeded, so that attempts side by side slow each
    /// other down.
    ///
    /// Whether there is such an account plays no part: what is told tells nothing.
    pub(super) fn begin(&self, client: Option<IpAddr>, login: &str, now: Instant) -> Attempt {
        let Some(client) = client.map(rate::client) else {
            return Attempt {
                standing: Standing::Strange,
                failures: 0,
                counted: None,
            };
        };
        let pair = (client, self.digest.hash_one(login.to_ascii_lowercase()));
        let (of_client, of_pair) = (
            entry(&self.clients, &client, now),
            entry(&self.pairs, &pair, now),
        );
        let failures = lock(&of_client).add(now);
        lock(&of_pair).add(now);
        let used = self.familiar.get(&pair);
        let standing = match used {
            Some(used) if now.saturating_duration_since(used) <= FAMILIAR_FOR => Standing::Familiar,
            // A login that nobody has, for whom none may be told.
            _ if login.is_empty() => Standing::Strange,
            _ => match self.strange.count(&pair.1, now) {
                Pace::Kept => Standing::Strange,
                Pace::TooFast => Standing::TooMany,
            },
        };
        Attempt {
            standing,
            failures,
            counted: Some(Counted {
                pair,
                of_client,
                of_pair,
            }),
        }
    }

    /// An attempt has succeeded: its client is known for this account, and its failures there are
    /// forgiven; not those at other accounts, or a login of one's own would be a pardon.
    pub(super) fn succeeded(&self, attempt: &Attempt, now: Instant) {
        if let Some(counted) = &attempt.counted {
            self.familiar.insert(counted.pair, now);
            let forgiven = std::mem::take(&mut lock(&counted.of_pair).count);
            let mut of_client = lock(&counted.of_client);
            of_client.count = of_client.count.saturating_sub(forgiven);
        }
    }
}

fn entry<K>(cache: &Cache<K, Shared>, key: &K, now: Instant) -> Shared
where
    K: Clone + Eq + std::hash::Hash,
{
    let fresh = || {
        let failures = Failures {
            count: 0,
            last: now,
        };
        Ok::<_, Infallible>(Arc::new(Mutex::new(failures)))
    };
    let Ok(found) = cache.get_or_insert_with(key, fresh);
    found
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::clock::{Clock as _, ManualClock};

    const OWNER: &str = "alice@example.com";

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    fn start() -> Instant {
        ManualClock::new(SystemTime::UNIX_EPOCH).now()
    }

    #[test]
    fn guesses_of_many_at_one_account_are_stopped_and_its_owner_is_not() {
        let (record, now) = (Record::new(), start());
        let own = record.begin(address(1), OWNER, now);
        record.succeeded(&own, now);
        let guess = |last: u8| {
            record
                .begin(address(last), "Alice@Example.com", now)
                .standing
        };
        let strange = (2..=200).filter(|last| guess(*last) == Standing::Strange);
        // The owner's first one was a strange one too.
        assert_eq!(strange.count(), 29);
        let standing = |last, login, at| record.begin(address(last), login, at).standing;
        assert_eq!(standing(1, OWNER, now), Standing::Familiar);
        assert_eq!(standing(2, "bob@example.com", now), Standing::Strange);
        assert_eq!(standing(1, "bob@example.com", now), Standing::Strange);
        // One a minute goes on, and everything is forgotten at last.
        let later = now + Duration::from_mins(1);
        assert_eq!(standing(2, OWNER, later), Standing::Strange);
        assert_eq!(standing(2, OWNER, later), Standing::TooMany);
        assert_eq!(standing(1, OWNER, now + FAMILIAR_FOR), Standing::Familiar);
        let much_later = now + FAMILIAR_FOR + Duration::from_secs(1);
        assert_eq!(standing(1, OWNER, much_later), Standing::Strange);
    }

    #[test]
    fn a_success_forgives_failures_at_the_same_account_only() {
        let (record, now) = (Record::new(), start());
        for login in [OWNER, OWNER, "bob@example.com"] {
            record.begin(address(1), login, now);
        }
        let own = record.begin(address(1), OWNER, now);
        assert_eq!(own.failures, 3);
        record.succeeded(&own, now);
        assert_eq!(record.begin(address(1), OWNER, now).failures, 1);
        let forgiven = now + FORGIVEN_AFTER + Duration::from_secs(1);
        assert_eq!(record.begin(address(1), OWNER, forgiven).failures, 0);
    }

    #[test]
    fn the_tables_are_bounded() {
        let (record, now) = (Record::new(), start());
        for number in 0..3 * MAX_REMEMBERED {
            let client = IpAddr::from(u32::try_from(number).unwrap().to_be_bytes());
            let attempt = record.begin(Some(client), &format!("{number}@example.com"), now);
            record.succeeded(&attempt, now);
        }
        let sizes = [
            record.clients.len(),
            record.pairs.len(),
            record.familiar.len(),
        ];
        assert!(
            sizes.iter().all(|size| *size <= MAX_REMEMBERED),
            "{sizes:?}"
        );
    }
}
