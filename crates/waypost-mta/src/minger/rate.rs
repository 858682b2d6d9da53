//! How much is answered: generously to peers, less to others, little to who guesses.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use waypost_proto::route::TargetId;

use crate::policy::Pace;
use crate::policy::rate::{Limiter, Rate, client, neighbourhood};

/// Networks whose rates are remembered.
const MAX_NETWORKS: usize = 100_000;
/// Peers whose rates are remembered.
const MAX_PEERS: usize = 10_000;
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// How many queries are answered; 0: no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// From one peer, per second.
    pub peer: u32,
    /// From one network (a /24 of IPv4, a /64 of IPv6) that is no peer's, per second.
    pub network: u32,
    /// From all who are no peers, per second.
    pub strangers: u32,
    /// About addresses that are not here, or without good credentials, from one network, per
    /// minute. Beyond that the network hears nothing, so that silence does not tell either.
    pub refused: u32,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            peer: 20_000,
            network: 100,
            strangers: 5_000,
            refused: 300,
        }
    }
}

/// What was answered of late, in bounded memory.
#[derive(Debug)]
pub struct Limits {
    peers: Option<Limiter<TargetId>>,
    networks: Option<Limiter<IpAddr>>,
    refused: Option<Limiter<IpAddr>>,
    strangers: Option<(Rate, Mutex<Option<Instant>>)>,
}

impl Limits {
    /// Nothing was answered yet.
    #[must_use]
    pub fn new(rates: Rates) -> Self {
        let rate = |count: u32, period| (count > 0).then_some(Rate { count, period });
        Self {
            peers: rate(rates.peer, SECOND).map(|rate| Limiter::new(rate, MAX_PEERS)),
            networks: rate(rates.network, SECOND).map(|rate| Limiter::new(rate, MAX_NETWORKS)),
            refused: rate(rates.refused, MINUTE).map(|rate| Limiter::new(rate, MAX_NETWORKS)),
            strangers: rate(rates.strangers, SECOND).map(|rate| (rate, Mutex::new(None))),
        }
    }

    /// Counts a query of who is no peer, before anything is known of it.
    pub(super) fn stranger(&self, from: IpAddr, now: Instant) -> Pace {
        let networks = self.networks.as_ref();
        if networks.is_some_and(|networks| networks.count(&network(from), now) == Pace::TooFast) {
            return Pace::TooFast;
        }
        let Some((rate, due)) = &self.strangers else {
            return Pace::Kept;
        };
        let mut due = due.lock().unwrap_or_else(PoisonError::into_inner);
        match rate.next(*due, now) {
            None => Pace::TooFast,
            next => {
                *due = next;
                Pace::Kept
            }
        }
    }

    /// Counts a query that a peer has proved to be his own.
    pub(super) fn peer(&self, peer: TargetId, now: Instant) -> Pace {
        let peers = self.peers.as_ref();
        peers.map_or(Pace::Kept, |peers| peers.count(&peer, now))
    }

    /// Counts an answer that refuses, before it is given.
    pub(super) fn refusal(&self, from: IpAddr, now: Instant) -> Pace {
        let refused = self.refused.as_ref();
        refused.map_or(Pace::Kept, |refused| refused.count(&network(from), now))
    }

    /// Whether this network has had all its refusals.
    pub(super) fn look_refused(&self, from: IpAddr, now: Instant) -> Pace {
        let refused = self.refused.as_ref();
        refused.map_or(Pace::Kept, |refused| refused.look(&network(from), now))
    }
}

/// What counts as one asker: who can ask from one address can as well from its neighbours.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        v4 @ IpAddr::V4(_) => neighbourhood(v4),
        v6 @ IpAddr::V6(_) => client(v6),
    }
}
