//! How often logins may be tried: guessers wait, and cannot make others wait for them.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};

use super::browser::Nonce;

/// Failures are forgotten after this time.
pub(super) const MEMORY: Duration = Duration::from_mins(15);
/// Failures from one address, or one IPv6 /64, until it must wait.
pub(super) const PER_ADDRESS: usize = 10;
/// Failures from one IPv6 /48, which is what one customer has.
const PER_SITE: usize = 50;
/// Failures for one login from everywhere, from which on somebody guesses: nobody is locked out,
/// but each address has no more than [`PER_GUESSER`].
pub(super) const PER_LOGIN: usize = 30;
/// Failures from one address while somebody guesses.
const PER_GUESSER: usize = 3;
/// Failures in a browser in which the owner has logged in before. It waits for nobody else.
const PER_BROWSER: usize = 5;
/// Failures from all addresses together that there is no room to remember.
const PER_REST: usize = 100;
/// Addresses, logins and browsers that are remembered, each.
const MOST: usize = 16_384;
/// Between two looks for what is over.
const SWEEP: Duration = Duration::from_mins(1);

/// Who has tried of late.
#[derive(Debug, Default)]
pub(crate) struct Logins(Mutex<Tries>);

#[derive(Debug, Default)]
struct Tries {
    places: HashMap<Place, Times>,
    /// By a hash: what was typed may be long.
    logins: HashMap<[u8; 32], Times>,
    browsers: HashMap<Nonce, Times>,
    /// When all that is over was last thrown away.
    swept: Option<SystemTime>,
}

/// When something failed; never more times than its limit.
type Times = VecDeque<SystemTime>;

/// Where tries come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    /// An address, or the first one of its /64.
    Address(IpAddr),
    /// The first one of its /48.
    Site(IpAddr),
    /// All that there is no room for.
    Rest,
}

/// One try.
#[derive(Debug, Clone, Copy)]
pub(super) struct Try<'a> {
    pub(super) login: &'a str,
    pub(super) address: IpAddr,
    /// The owner has logged in there before.
    pub(super) browser: Option<Nonce>,
    pub(super) at: SystemTime,
}

/// What a try that fails brings about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    /// Its address must wait.
    Address,
    /// Somebody guesses at the login.
    Login,
}

impl Logins {
    /// Counts the try as a failure before it is made, so that many at once are not more than many
    /// in a row. An error says how long to wait.
    pub(super) fn begin(&self, one: &Try<'_>) -> Result<Vec<Reached>, Duration> {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tries.sweep(one.at);
        if let Some(browser) = one.browser
            && has_room(&tries.browsers, &browser)
        {
            let times = tries.browsers.entry(browser).or_default();
            wait(times, PER_BROWSER, one.at)?;
            times.push_back(one.at);
            return Ok(Vec::new());
        }
        let login = hash(one.login);
        // Where there is no room, nobody knows.
        let has_room_for_login = has_room(&tries.logins, &login);
        let guessed = match tries.logins.get_mut(&login) {
            Some(times) => wait(times, PER_LOGIN, one.at).is_err(),
            None => !has_room_for_login,
        };
        let places = tries.places(one.address);
        let limits = places.map(|place| place.map(|place| (place, place.limit(guessed))));
        for (place, most) in limits.iter().flatten() {
            if let Some(times) = tries.places.get_mut(place) {
                wait(times, *most, one.at)?;
            }
        }
        let mut reached = Vec::new();
        for (place, _) in limits.iter().flatten() {
            let times = tries.places.entry(*place).or_default();
            times.push_back(one.at);
            if matches!(place, Place::Address(_)) && times.len() == PER_ADDRESS {
                reached.push(Reached::Address);
            }
        }
        if has_room_for_login {
            let times = tries.logins.entry(login).or_default();
            times.push_back(one.at);
            if times.len() > PER_LOGIN {
                times.pop_front();
            } else if times.len() == PER_LOGIN {
                reached.push(Reached::Login);
            }
        }
        Ok(reached)
    }

    /// The try was no failure. Those before it were: whoever has a login of his own guesses no
    /// more than others.
    pub(super) fn succeeded(&self, one: &Try<'_>) {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(times) = one.browser.and_then(|nonce| tries.browsers.get_mut(&nonce)) {
            times.clear();
            return;
        }
        for place in tries.places(one.address).into_iter().flatten() {
            if let Some(times) = tries.places.get_mut(&place) {
                take_back(times, one.at);
            }
        }
        if let Some(times) = tries.logins.get_mut(&hash(one.login)) {
            take_back(times, one.at);
        }
    }
}

impl Tries {
    fn sweep(&mut self, now: SystemTime) {
        if self.swept.is_some_and(|at| age(at, now) < SWEEP) {
            return;
        }
        self.swept = Some(now);
        let is_left = |times: &mut Times| {
            forget(times, now);
            !times.is_empty()
        };
        self.places.retain(|_, times| is_left(times));
        self.logins.retain(|_, times| is_left(times));
        self.browsers.retain(|_, times| is_left(times));
    }

    /// Where the try is counted.
    fn places(&self, address: IpAddr) -> [Option<Place>; 2] {
        let site = match address {
            IpAddr::V4(_) => None,
            IpAddr::V6(_) => Some(Place::Site(network(address, 48))),
        };
        let places = [Some(Place::Address(network(address, 64))), site];
        let known = places.iter().flatten();
        match known.clone().all(|place| has_room(&self.places, place)) {
            true => places,
            false => [Some(Place::Rest), None],
        }
    }
}

impl Place {
    fn limit(self, guessed: bool) -> usize {
        match self {
            Self::Address(_) if guessed => PER_GUESSER,
            Self::Address(_) => PER_ADDRESS,
            Self::Site(_) => PER_SITE,
            Self::Rest => PER_REST,
        }
    }
}

fn has_room<K: Eq + Hash>(table: &HashMap<K, Times>, key: &K) -> bool {
    // Two rows may come at once, and the rest has one.
    table.len() + 3 <= MOST || table.contains_key(key)
}

/// An error when there have been as many as there may be: until the first of them is forgotten.
fn wait(times: &mut Times, most: usize, now: SystemTime) -> Result<(), Duration> {
    forget(times, now);
    let Some(first) = times.len().checked_sub(most).and_then(|at| times.get(at)) else {
        return Ok(());
    };
    Err(MEMORY.saturating_sub(age(*first, now)))
}

fn forget(times: &mut Times, now: SystemTime) {
    while times.front().is_some_and(|at| age(*at, now) >= MEMORY) {
        times.pop_front();
    }
}

fn take_back(times: &mut Times, at: SystemTime) {
    if let Some(place) = times.iter().rposition(|known| *known == at) {
        times.remove(place);
    }
}

fn age(at: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(at).unwrap_or_default()
}

fn hash(login: &str) -> [u8; 32] {
    Sha256::digest(login.as_bytes()).into()
}

/// One who has many IPv6 addresses has a network of them.
fn network(address: IpAddr, prefix: u32) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let kept = u128::from(v6) & (u128::MAX << (128 - prefix));
            IpAddr::V6(kept.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;
    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const MINE: Option<Nonce> = Some([1; 16]);

    fn one(login: &str, address: IpAddr) -> Try<'_> {
        Try {
            login,
            address,
            browser: None,
            at: NOW,
        }
    }

    fn v4(host: usize) -> IpAddr {
        IpAddr::V4(std::net::Ipv4Addr::from_bits(0x0a00_0000 + host as u32))
    }

    /// So many tries fail, until one must wait.
    fn fails(logins: &Logins, tried: &Try<'_>) -> usize {
        (0..1_000)
            .find(|_| logins.begin(tried).is_err())
            .expect("somebody may guess for ever")
    }

    #[test]
    fn an_address_waits_after_ten_failures_and_not_for_ever() {
        let logins = Logins::default();
        let said: Vec<_> = (0..PER_ADDRESS)
            .map(|_| logins.begin(&one("x", HERE)))
            .collect();
        assert_eq!(said.last(), Some(&Ok(vec![Reached::Address])));
        assert!(
            said.iter()
                .rev()
                .skip(1)
                .all(|said| *said == Ok(Vec::new()))
        );
        assert_eq!(logins.begin(&one("y", HERE)), Err(MEMORY));
        let half = Try {
            at: NOW + MEMORY / 2,
            ..one("y", HERE)
        };
        assert_eq!(logins.begin(&half), Err(MEMORY / 2));
        let later = Try {
            at: NOW + MEMORY,
            ..one("y", HERE)
        };
        assert_eq!(logins.begin(&later), Ok(Vec::new()));
    }

    #[test]
    fn a_success_is_no_failure_and_forgives_none() {
        let logins = Logins::default();
        for _ in 0..PER_ADDRESS - 1 {
            logins.begin(&one("admin0", HERE)).unwrap();
        }
        // Somebody with a login of his own goes on guessing.
        for _ in 0..20 {
            logins.begin(&one("berta", HERE)).unwrap();
            logins.succeeded(&one("berta", HERE));
        }
        assert_eq!(fails(&logins, &one("admin0", HERE)), 1);
    }

    #[test]
    fn who_guesses_from_everywhere_does_not_lock_the_owner_out() {
        let logins = Logins::default();
        let guessed = (0..1_000).map(|host| fails(&logins, &one("admin0", v4(host))));
        let guessed: Vec<_> = guessed.collect();
        assert_eq!(guessed[..3], [PER_ADDRESS; 3]);
        assert!(
            guessed[3..].iter().all(|count| *count == PER_GUESSER),
            "{guessed:?}"
        );
        // From an address that nobody guesses from he has some tries, and others have all.
        assert!(logins.begin(&one("admin0", HERE)).is_ok());
        assert_eq!(fails(&logins, &one("berta", v4(5_000))), PER_ADDRESS);
    }

    #[test]
    fn a_known_browser_waits_for_nobody_but_itself() {
        let logins = Logins::default();
        fails(&logins, &one("admin0", HERE));
        let mine = Try {
            browser: MINE,
            ..one("admin0", HERE)
        };
        assert!(logins.begin(&mine).is_ok());
        logins.succeeded(&mine);
        assert_eq!(fails(&logins, &mine), PER_BROWSER);
        let other = Try {
            browser: Some([2; 16]),
            ..mine
        };
        assert_eq!(fails(&logins, &other), PER_BROWSER);
        assert!(
            logins.begin(&one("admin0", v4(1))).is_ok(),
            "and it counts nowhere else"
        );
    }

    #[test]
    fn addresses_of_one_network_count_together() {
        let of = |text: &str| network(text.parse().unwrap(), 64);
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        let logins = Logins::default();
        let guess = |net: usize| {
            let address = format!("2001:db8:7:{net:x}::1").parse().unwrap();
            fails(&logins, &one(&format!("login{net}"), address))
        };
        assert_eq!((0..100).map(guess).sum::<usize>(), PER_SITE);
    }

    #[test]
    fn the_tables_are_bounded_and_full_ones_let_nobody_guess_for_ever() {
        let logins = Logins::default();
        for host in 0..MOST * 2 {
            let _ = logins.begin(&one(&format!("login{host}"), v4(host)));
        }
        let tries = logins.0.lock().unwrap();
        assert!(tries.places.len() <= MOST && tries.logins.len() <= MOST);
        assert_eq!(tries.places[&Place::Rest].len(), PER_REST);
        drop(tries);
        let mine = Try {
            browser: MINE,
            ..one("admin0", HERE)
        };
        assert!(logins.begin(&one("admin0", HERE)).is_err());
        assert!(logins.begin(&mine).is_ok());
    }
}
