//! Logins, and how often they may be tried.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use waypost_directory::LoginError;

use crate::console::{Console, Origin};
use crate::problem::Problem;
use crate::request::words;

/// Failures that are forgotten after this time.
const MEMORY: Duration = Duration::from_mins(15);
/// Failures from one address, or one /64, until it must wait.
const PER_ADDRESS: usize = 10;
/// Failures for one login from everywhere, until strangers must wait; who has logged in from his
/// address before need not, so that nobody can lock the owner out.
const PER_LOGIN: usize = 30;
/// Addresses and logins that are remembered.
const MOST: usize = 16_384;

/// Who has failed of late, and who has not.
#[derive(Debug, Default)]
pub(crate) struct Logins(Mutex<Tries>);

#[derive(Debug, Default)]
struct Tries {
    failures: HashMap<Key, Vec<SystemTime>>,
    /// Where a login has succeeded.
    known: HashMap<(String, IpAddr), SystemTime>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Address(IpAddr),
    Login(String),
}

/// Whose logins have failed too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    Address,
    Login,
}

impl Logins {
    /// How long whoever tries must wait, if he must.
    fn wait(&self, login: &str, address: IpAddr, now: SystemTime) -> Option<Duration> {
        let tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let address = network(address);
        let of_address = tries.wait(&Key::Address(address), PER_ADDRESS, now);
        let is_known = tries.known.contains_key(&(login.to_owned(), address));
        let of_login = tries.wait(&Key::Login(login.to_owned()), PER_LOGIN, now);
        of_address.max(of_login.filter(|_| !is_known))
    }

    /// Remembers a failure; who must wait from now on, if anybody.
    fn failed(&self, login: &str, address: IpAddr, now: SystemTime) -> Vec<Waits> {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tries.forget(now);
        let mut waits = Vec::new();
        for (key, most, who) in [
            (Key::Address(network(address)), PER_ADDRESS, Waits::Address),
            (Key::Login(login.to_owned()), PER_LOGIN, Waits::Login),
        ] {
            let room = tries.failures.len() < MOST;
            if room || tries.failures.contains_key(&key) {
                let times = tries.failures.entry(key).or_default();
                if times.len() < PER_LOGIN {
                    times.push(now);
                    waits.extend((times.len() == most).then_some(who));
                }
            }
        }
        waits
    }

    fn succeeded(&self, login: &str, address: IpAddr, now: SystemTime) {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let address = network(address);
        tries.failures.remove(&Key::Address(address));
        if tries.known.len() < MOST {
            tries.known.insert((login.to_owned(), address), now);
        }
    }
}

impl Tries {
    fn wait(&self, key: &Key, most: usize, now: SystemTime) -> Option<Duration> {
        let times = self.failures.get(key)?;
        let recent: Vec<_> = times.iter().filter(|at| is_recent(**at, now)).collect();
        let oldest = recent.first().filter(|_| recent.len() >= most)?;
        let age = now.duration_since(**oldest).unwrap_or_default();
        Some(MEMORY.saturating_sub(age))
    }

    fn forget(&mut self, now: SystemTime) {
        self.failures.retain(|_, times| {
            times.retain(|at| is_recent(*at, now));
            !times.is_empty()
        });
    }
}

fn is_recent(at: SystemTime, now: SystemTime) -> bool {
    now.duration_since(at).unwrap_or_default() < MEMORY
}

/// One who has many addresses has a /64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let kept = u128::from(v6) & (u128::MAX << 64);
            IpAddr::V6(kept.into())
        }
    }
}

/// Checks login and password and begins a session; its name is the answer.
///
/// Whoever may not log in hears the same, after the same time.
pub(crate) async fn log_in(
    console: &Console,
    origin: Origin,
    login: &str,
    password: String,
) -> Result<String, Problem> {
    let (now, address) = (console.now(), origin.address.ip());
    let login = login.trim().to_lowercase();
    if let Some(wait) = console.logins.wait(&login, address, now) {
        let mut problem = Problem::of(StatusCode::TOO_MANY_REQUESTS, words::LOGINS_TOO_MANY);
        problem.retry_after_s = Some(wait.as_secs() + 1);
        return Err(problem);
    }
    let name = login.clone();
    let checked = console.directory(move |directory| {
        let checked = directory.check_admin(&name, &password);
        let known = directory.admin(&name).is_ok_and(|admin| admin.is_some());
        (checked, known)
    });
    let (checked, is_known) = checked.await?;
    match checked {
        Ok(admin) => {
            console.logins.succeeded(&login, address, now);
            tracing::info!("{login} has logged in from {address}");
            // The first search should not have to wait for it.
            console.parts.directory.prepare_find();
            let begun = console
                .sessions
                .begin(&admin.record.login, admin.record.must_change, now);
            begun.map_err(|error| {
                tracing::error!("a session cannot begin: {error}");
                Problem::internal()
            })
        }
        Err(LoginError::Refused) => {
            let waits = console.logins.failed(&login, address, now);
            // What was typed may be a password in the wrong field: only names are logged that
            // administrators have.
            let name = if is_known {
                login.as_str()
            } else {
                "nobody here"
            };
            tracing::warn!("a login of {name} from {address} was refused");
            for who in waits {
                let minutes = MEMORY.as_secs() / 60;
                match who {
                    Waits::Address => tracing::warn!(
                        "{address} must wait {minutes} minutes: {PER_ADDRESS} logins from there \
                         were refused, the last one of {name}"
                    ),
                    Waits::Login => tracing::warn!(
                        "whoever logs in as {name} from where he has not been before must wait \
                         {minutes} minutes: {PER_LOGIN} such logins were refused"
                    ),
                }
            }
            Err(Problem::of(StatusCode::UNAUTHORIZED, words::LOGIN_WRONG))
        }
        Err(LoginError::Unavailable(error)) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;
    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    #[test]
    fn an_address_waits_after_ten_failures_and_not_for_ever() {
        let logins = Logins::default();
        for _ in 0..PER_ADDRESS {
            assert_eq!(logins.wait("x", HERE, NOW), None);
            logins.failed("x", HERE, NOW);
        }
        assert_eq!(logins.failed("x", HERE, NOW), [], "it is said once");
        assert_eq!(logins.wait("y", HERE, NOW), Some(MEMORY));
        assert_eq!(logins.wait("y", HERE, NOW + MEMORY), None);
    }

    #[test]
    fn strangers_cannot_lock_the_owner_out() {
        let logins = Logins::default();
        logins.succeeded("admin0", HERE, NOW);
        for host in 0..PER_LOGIN {
            let address = IpAddr::from([198, 51, 100, host as u8]);
            logins.failed("admin0", address, NOW);
        }
        let stranger = IpAddr::from([203, 0, 113, 9]);
        assert!(logins.wait("admin0", stranger, NOW).is_some());
        assert_eq!(logins.wait("admin0", HERE, NOW), None);
    }

    #[test]
    fn addresses_of_one_network_count_together() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
