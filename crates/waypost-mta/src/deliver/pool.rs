//! Connections kept for the next message to the same next hop.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::connect::Connection;
use super::hosts::Way;
use super::{Limits, NextHop};
use crate::clock::Clock;

/// A connection that waits for work.
struct Idle {
    way: Way,
    connection: Connection,
    since: Instant,
}

struct Shared {
    clock: Arc<dyn Clock>,
    limits: Limits,
    /// In an order, so that a simulation closes them in the same each time.
    idle: Mutex<BTreeMap<NextHop, Vec<Idle>>>,
    turns: Mutex<HashMap<NextHop, Arc<Semaphore>>>,
}

/// Keeps connections; closes them when they were idle for too long.
pub(super) struct Pool(Arc<Shared>);

impl Pool {
    /// An empty pool and the task that closes what is idle; the task ends with the pool.
    pub(super) fn start(limits: &Limits, clock: Arc<dyn Clock>) -> Self {
        let shared = Arc::new(Shared {
            clock,
            limits: limits.clone(),
            idle: Mutex::default(),
            turns: Mutex::default(),
        });
        let weak = Arc::downgrade(&shared);
        let pause = limits.idle / 2;
        if !pause.is_zero() {
            tokio::spawn(sweep(weak, pause));
        }
        Self(shared)
    }

    /// The connection used last, if one is left that was made the same way and still lives.
    pub(super) fn take(&self, next_hop: &NextHop, way: &Way) -> Option<Connection> {
        let now = self.0.clock.now();
        let mut taken = None;
        let mut dropped = Vec::new();
        {
            let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let kept = idle.get_mut(next_hop)?;
            while let Some(mut candidate) = kept.pop() {
                let is_fresh = now - candidate.since < self.0.limits.idle;
                if is_fresh && candidate.way == *way && !candidate.connection.has_ended() {
                    taken = Some(candidate.connection);
                    break;
                }
                dropped.push(candidate);
            }
            if kept.is_empty() {
                idle.remove(next_hop);
            }
        }
        quit_all(dropped);
        taken.map(|mut connection| {
            connection.is_kept = true;
            connection
        })
    }

    /// Keeps a connection if it can be used again, and closes it otherwise.
    pub(super) fn put(&self, next_hop: &NextHop, way: &Way, connection: Connection) {
        let is_worn = connection.transactions >= self.0.limits.messages_per_connection;
        if !connection.session.is_idle() || is_worn || self.0.limits.idle.is_zero() {
            return connection.quit();
        }
        let since = self.0.clock.now();
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle.entry(next_hop.clone()).or_default();
        if kept.len() < self.0.limits.idle_connections {
            let way = way.clone();
            kept.push(Idle {
                way,
                connection,
                since,
            });
        } else {
            drop(idle);
            connection.quit();
        }
    }

    /// Waits for a turn to ask this next hop about a recipient.
    pub(super) async fn callout_turn(&self, next_hop: &NextHop) -> Option<OwnedSemaphorePermit> {
        let turns = {
            let mut turns = self.0.turns.lock().unwrap_or_else(PoisonError::into_inner);
            let made = || Arc::new(Semaphore::new(self.0.limits.callouts));
            turns.entry(next_hop.clone()).or_insert_with(made).clone()
        };
        turns.acquire_owned().await.ok()
    }

    /// How many connections are kept for whom.
    pub(super) fn kept(&self) -> Vec<(NextHop, u32)> {
        let idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |kept: &Vec<Idle>| u32::try_from(kept.len()).unwrap_or(u32::MAX);
        let kept = idle.iter().map(|(hop, kept)| (hop.clone(), count(kept)));
        kept.collect()
    }

    /// Closes everything that is kept.
    pub(super) fn close(&self) {
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let all = std::mem::take(&mut *idle);
        drop(idle);
        all.into_values().for_each(quit_all);
    }

    #[cfg(test)]
    pub(super) fn idle(&self) -> usize {
        let idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.values().map(Vec::len).sum()
    }
}

impl Shared {
    fn close_expired(&self) {
        let now = self.clock.now();
        let expired = |kept: &mut Idle| now - kept.since >= self.limits.idle;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let over: Vec<_> = idle
            .values_mut()
            .flat_map(|kept| kept.extract_if(.., expired))
            .collect();
        idle.retain(|_, kept| !kept.is_empty());
        drop(idle);
        quit_all(over);
    }
}

/// Closes what is idle for as long as there is a pool.
async fn sweep(pool: Weak<Shared>, pause: Duration) {
    loop {
        tokio::time::sleep(pause).await;
        match pool.upgrade() {
            Some(shared) => shared.close_expired(),
            None => return,
        }
    }
}

fn quit_all(over: Vec<Idle>) {
    for kept in over {
        kept.connection.quit();
    }
}
