//! Logins of users and targets: a password check that takes its time, and takes longer for who
//! keeps failing.

mod record;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use waypost_proto::route::Side;

use self::record::{Record, Standing};
use crate::blocking;
use crate::clock::Clock;

/// Hashes computed at a time in a lane; each needs some 20 MB and a core.
const HASHES_AT_ONCE: usize = 2;
/// Attempts that may wait for their turn; more are told to come again.
const MAX_WAITING: usize = 200;

/// A user or target that has logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The side that recipients come from.
    pub side: Side,
    /// The login, as the log names it.
    pub name: String,
}

/// Why a login was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LoginError {
    /// Unknown, wrong, suspended or without a mailbox here: nobody outside learns which.
    #[error("wrong login or password")]
    Refused,
    /// Strangers have tried too often to be this user of late.
    #[error("too many logins as this user failed of late")]
    TooMany,
    /// It cannot be checked now.
    #[error("logins cannot be checked now")]
    Unavailable,
}

/// Checks a login and a password, blocking.
pub type CheckPassword = dyn Fn(&str, &str) -> Result<Login, LoginError> + Send + Sync;

/// How long a client that keeps failing has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delays {
    /// After the first failure; doubled with every further one.
    pub first: Duration,
    /// The longest.
    pub max: Duration,
}

impl Delays {
    /// The wait of a client with so many failures.
    fn after(self, failures: u32) -> Duration {
        match failures.checked_sub(1) {
            None => Duration::ZERO,
            Some(doublings) => self
                .first
                .saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX))
                .min(self.max),
        }
    }
}

/// Attempts whose passwords are checked, or wait for that.
struct Lane {
    turns: Arc<Semaphore>,
    places: Semaphore,
}

impl Lane {
    fn new() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
            places: Semaphore::new(MAX_WAITING),
        }
    }
}

/// Checks logins for all sessions.
pub struct Logins {
    check: Arc<CheckPassword>,
    clock: Arc<dyn Clock>,
    record: Record,
    /// Of accounts from where they were used of late: a flood from elsewhere is not in their way.
    familiar: Lane,
    strange: Lane,
}

impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Logins")
    }
}

impl Logins {
    /// Logins that are checked with this function, on threads that may block.
    #[must_use]
    pub fn new(check: Arc<CheckPassword>, clock: Arc<dyn Clock>) -> Self {
        Self {
            check,
            clock,
            record: Record::new(),
            familiar: Lane::new(),
            strange: Lane::new(),
        }
    }

    /// Checks one login. A client that has failed before waits first, whatever comes out, so that
    /// neither the answer nor its time tells anything.
    ///
    /// # Errors
    ///
    /// [`LoginError`].
    pub async fn check(
        &self,
        client: Option<IpAddr>,
        delays: Delays,
        login: &str,
        password: &str,
    ) -> Result<Login, LoginError> {
        let attempt = self.record.begin(client, login, self.clock.now());
        sleep(delays.after(attempt.failures)).await;
        let lane = match attempt.standing {
            Standing::Familiar => &self.familiar,
            Standing::Strange => &self.strange,
            Standing::TooMany => return Err(LoginError::TooMany),
        };
        let Ok(_place) = lane.places.try_acquire() else {
            return Err(LoginError::Unavailable);
        };
        let turn = Arc::clone(&lane.turns).acquire_owned().await;
        let check = Arc::clone(&self.check);
        let (login, password) = (login.to_owned(), password.to_owned());
        let checked = blocking::spawn_blocking(move || {
            let _turn = turn;
            check(&login, &password)
        })
        .await
        .unwrap_or(Err(LoginError::Unavailable));
        if checked.is_ok() {
            self.record.succeeded(&attempt, self.clock.now());
        }
        checked
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use waypost_proto::route::UserId;

    const DELAYS: Delays = Delays {
        first: Duration::from_secs(1),
        max: Duration::from_secs(10),
    };

    fn logins() -> Logins {
        let check = |login: &str, password: &str| match password {
            "right" => Ok(Login {
                side: Side::Authenticated(UserId(1)),
                name: login.to_owned(),
            }),
            _ => Err(LoginError::Refused),
        };
        Logins::new(Arc::new(check), Arc::new(SystemClock))
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let waits: Vec<_> = (0..7).map(|n| DELAYS.after(n).as_secs()).collect();
        assert_eq!(waits, [0, 1, 2, 4, 8, 10, 10]);
        assert_eq!(DELAYS.after(u32::MAX), DELAYS.max);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_fails_waits_and_a_success_clears_it() {
        let logins = logins();
        let client = Some(IpAddr::from([192, 0, 2, 1]));
        let start = SystemClock.now();
        for password in ["wrong", "wrong", "wrong"] {
            let failed = logins.check(client, DELAYS, "a", password).await;
            assert_eq!(failed, Err(LoginError::Refused));
        }
        assert_eq!((SystemClock.now() - start).as_secs(), 3);
        logins.check(client, DELAYS, "a", "right").await.unwrap();
        assert_eq!((SystemClock.now() - start).as_secs(), 7);
        logins.check(client, DELAYS, "a", "right").await.unwrap();
        assert_eq!((SystemClock.now() - start).as_secs(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn guessers_who_wait_take_no_place_from_anybody() {
        let logins = Arc::new(logins());
        for round in 0..=MAX_WAITING {
            let logins = Arc::clone(&logins);
            let client = Some(IpAddr::from([198, 51, 100, 1]));
            let guess = async move {
                let login = format!("{round}@example.com");
                logins.check(client, DELAYS, &login, "wrong").await
            };
            tokio::spawn(guess);
        }
        sleep(Duration::from_secs(2)).await;
        let client = Some(IpAddr::from([192, 0, 2, 1]));
        logins.check(client, DELAYS, "a", "right").await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn one_client_does_not_slow_down_another() {
        let logins = logins();
        let start = SystemClock.now();
        for last in 1..5 {
            let client = Some(IpAddr::from([192, 0, 2, last]));
            logins
                .check(client, DELAYS, "a", "wrong")
                .await
                .unwrap_err();
        }
        assert_eq!(SystemClock.now(), start);
    }
}
