//! How often something may happen: the generic cell rate algorithm, per client.

use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::time::Instant;

use super::Pace;

/// So many in such a time: that many at once, then evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In what time.
    pub period: Duration,
}

impl Rate {
    /// The theoretical arrival time after one more event at `now`; none when it comes too early.
    ///
    /// Pure: `before` is what the previous call returned, or nothing for the first event.
    #[must_use]
    pub fn next(self, before: Option<Instant>, now: Instant) -> Option<Instant> {
        let interval = self.period / self.count.max(1);
        let due = before.map_or(now, |before| before.max(now));
        let next = due + interval;
        (next <= now + self.period).then_some(next)
    }
}

/// One rate for each of many clients, in bounded memory: the least recent are forgotten.
#[derive(Debug)]
pub struct Limiter<K> {
    rate: Rate,
    due: Cache<K, Instant>,
}

impl<K: Clone + Eq + Hash> Limiter<K> {
    /// A limiter that remembers so many clients.
    #[must_use]
    pub fn new(rate: Rate, clients: usize) -> Self {
        Self {
            rate,
            due: Cache::new(clients),
        }
    }

    /// Counts one event of this client.
    ///
    /// An event that comes too fast is not counted: a client that goes on is not shut out longer.
    pub fn count(&self, client: &K, now: Instant) -> Pace {
        match self.rate.next(self.due.get(client), now) {
            Some(next) => {
                self.due.insert(client.clone(), next);
                Pace::Kept
            }
            None => Pace::TooFast,
        }
    }

    /// Whether one more event would be too fast, without counting it.
    #[must_use]
    pub fn look(&self, client: &K, now: Instant) -> Pace {
        match self.rate.next(self.due.get(client), now) {
            Some(_) => Pace::Kept,
            None => Pace::TooFast,
        }
    }
}

/// What counts as one client: an IPv4 address, or the /64 that an IPv6 host is given.
#[must_use]
pub fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (!0 << 64))),
    }
}

/// What counts as one neighbourhood of guessers: a /24 of IPv4, a /48 of IPv6.
#[must_use]
pub fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & (!0 << 8))),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (!0 << 80))),
    }
}

/// Counts recipients that nobody has, per client and per neighbourhood; never known ones.
#[derive(Debug)]
pub struct Guesses {
    clients: Limiter<IpAddr>,
    neighbourhoods: Limiter<IpAddr>,
}

impl Guesses {
    /// How much more a neighbourhood may guess than one client of it.
    const NEIGHBOURS: u32 = 4;

    /// So many unknown recipients per client, four times that from its neighbourhood.
    #[must_use]
    pub fn new(rate: Rate, clients: usize) -> Self {
        let neighbourhood = Rate {
            count: rate.count.saturating_mul(Self::NEIGHBOURS),
            ..rate
        };
        Self {
            clients: Limiter::new(rate, clients),
            neighbourhoods: Limiter::new(neighbourhood, clients),
        }
    }

    /// Counts one recipient that was refused as unknown.
    pub fn count(&self, address: IpAddr, now: Instant) -> Pace {
        let client = self.clients.count(&client(address), now);
        let neighbours = self.neighbourhoods.count(&neighbourhood(address), now);
        if client == Pace::Kept && neighbours == Pace::Kept {
            Pace::Kept
        } else {
            Pace::TooFast
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use proptest::prelude::*;

    use super::*;
    use crate::clock::{Clock, ManualClock};

    const TEN_A_MINUTE: Rate = Rate {
        count: 10,
        period: Duration::from_secs(60),
    };

    fn start() -> Instant {
        ManualClock::new(SystemTime::UNIX_EPOCH).now()
    }

    #[test]
    fn so_many_at_once_then_evenly() {
        let limiter = Limiter::new(TEN_A_MINUTE, 10);
        let now = start();
        let kept = (0..20).filter(|_| limiter.count(&1, now) == Pace::Kept);
        assert_eq!(kept.count(), 10);
        let later = now + Duration::from_secs(6);
        assert_eq!(limiter.count(&1, later), Pace::Kept);
        assert_eq!(limiter.look(&1, later), Pace::TooFast);
        assert_eq!(limiter.count(&2, later), Pace::Kept, "each its own");
    }

    #[test]
    fn neighbours_share_a_limit_that_one_guesser_alone_never_reaches() {
        let guesses = Guesses::new(TEN_A_MINUTE, 100);
        let now = start();
        let guess = |last: u8| guesses.count(IpAddr::from([192, 0, 2, last]), now);
        let kept = (0..=255).filter(|last| guess(*last) == Pace::Kept).count();
        assert_eq!(kept, 40);
        assert_eq!(guesses.count([198, 51, 100, 1].into(), now), Pace::Kept);
    }

    #[test]
    fn an_ipv6_host_is_its_64() {
        let of = |text: &str| client(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }

    proptest! {
        /// In every window of one period at most twice the count passes, and after a quiet period
        /// the count passes at once: what the algorithm promises.
        #[test]
        fn never_more_than_the_rate(gaps in prop::collection::vec(0_u64..20_000, 1..200)) {
            let mut now = start();
            let mut due = None;
            let mut kept = Vec::new();
            for gap in gaps {
                now += Duration::from_millis(gap);
                if let Some(next) = TEN_A_MINUTE.next(due, now) {
                    due = Some(next);
                    kept.push(now);
                }
            }
            for (i, from) in kept.iter().enumerate() {
                let within = kept[i..].iter().filter(|t| **t < *from + TEN_A_MINUTE.period);
                prop_assert!(within.count() <= 20);
            }
        }
    }
}
