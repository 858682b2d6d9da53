//! What the administrator sees of the resolver, and what he corrects.

use std::time::Duration;

use waypost_proto::mail::Mailbox;
use waypost_proto::route::TargetId;

use super::Resolver;
use crate::resolve::ask::Authority;
use crate::resolve::conflict::Conflict;
use crate::resolve::memory::{CacheStats, Place, Remembered, Tallied};

/// How well a peer answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// How long it is not asked, because it has not answered lately.
    pub paused: Option<Duration>,
    /// How long ago it answered last; none: not since the start.
    pub answered: Option<Duration>,
}

impl Resolver {
    /// Addresses that two servers say they have, as far as that was noticed.
    #[must_use]
    pub fn conflicts(&self) -> Vec<Conflict> {
        self.0.conflicts.list()
    }

    /// Forgets the conflicts about an address, or all; returns how many there were.
    pub fn forget_conflicts(&self, address: Option<&Mailbox>) -> usize {
        self.0.conflicts.forget(address)
    }

    /// How well a peer answers.
    #[must_use]
    pub fn standing(&self, peer: TargetId) -> Standing {
        Standing {
            paused: self.paused_for(peer),
            answered: self.0.memory.answered(Authority::Peer(peer)),
        }
    }

    /// How long a peer is not asked, because it has not answered lately.
    #[must_use]
    pub fn paused_for(&self, peer: TargetId) -> Option<Duration> {
        self.spared_for(Authority::Peer(peer))
    }

    /// How long an authority is not asked, because it has not answered lately.
    pub(in crate::resolve) fn spared_for(&self, authority: Authority) -> Option<Duration> {
        self.0.memory.paused_for(authority)
    }

    /// The answers that are remembered.
    #[must_use]
    pub fn remembered(&self) -> Vec<Remembered> {
        self.0.memory.list()
    }

    /// So many of the answers that are wanted, in the order of their addresses, from behind a
    /// place: for `cache list`.
    #[must_use]
    pub fn remembered_page(
        &self,
        wanted: &dyn Fn(&Remembered) -> bool,
        after: Option<&Place>,
        limit: usize,
    ) -> Vec<Remembered> {
        self.0.memory.page(wanted, after, limit)
    }

    /// How well the memory of answers serves.
    #[must_use]
    pub fn cache_stats(&self) -> CacheStats {
        self.0.memory.stats()
    }

    /// What came of the questions to each authority since the start.
    #[must_use]
    pub fn asked(&self) -> Vec<Tallied> {
        self.0.memory.asked()
    }
}
