//! Addresses that two servers say they have: for the administrator to mend.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use waypost_proto::mail::Mailbox;

use super::ask::Authority;

/// Conflicts remembered; the oldest ones make room.
const MOST: usize = 1000;

/// An address that lives on two servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The address.
    pub address: Mailbox,
    /// Who gets its mail.
    pub winner: Authority,
    /// Who says that he has it, too.
    pub other: Authority,
    /// When that was last seen.
    pub seen: SystemTime,
}

/// The conflicts seen lately.
#[derive(Default)]
pub(super) struct Conflicts(Mutex<VecDeque<Conflict>>);

impl Conflicts {
    /// Notes a conflict. False: it was known.
    pub(super) fn note(&self, conflict: Conflict) -> bool {
        let mut conflicts = self.lock();
        let known = conflicts.iter_mut().find(|known| {
            (&known.address, known.winner, known.other)
                == (&conflict.address, conflict.winner, conflict.other)
        });
        if let Some(known) = known {
            known.seen = conflict.seen;
            return false;
        }
        if conflicts.len() >= MOST {
            conflicts.pop_front();
        }
        conflicts.push_back(conflict);
        true
    }

    /// Forgets those about an address, or all; returns how many there were.
    pub(super) fn forget(&self, address: Option<&Mailbox>) -> usize {
        let mut conflicts = self.lock();
        let before = conflicts.len();
        conflicts.retain(|known| address.is_some_and(|address| known.address != *address));
        before - conflicts.len()
    }

    /// All of them, the latest last.
    pub(super) fn list(&self) -> Vec<Conflict> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Conflict>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
