//! Which addresses a target took mail for in the last 24 hours.
//!
//! Against a target that suddenly says otherwise. Bounded, and forgotten with the process: then a
//! refusal is believed, as it would be by any other server.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::mem;

use waypost_proto::mail::Mailbox;
use waypost_proto::route::TargetId;

use super::timetable::Tick;

/// How long a delivery proves that an address exists.
const PROOF_MS: Tick = 24 * 3600 * 1000;
/// Addresses remembered per generation, at 16 bytes each; there are two generations.
const MOST: usize = 500_000;

/// Digests of (target, address), in two generations of at most a day each.
#[derive(Debug, Default)]
pub(super) struct Recent {
    hasher: RandomState,
    young: HashMap<u64, Tick>,
    old: HashMap<u64, Tick>,
    began: Tick,
}

impl Recent {
    fn digest(&self, target: TargetId, recipient: &Mailbox) -> u64 {
        let local = recipient.local.folded();
        self.hasher
            .hash_one((target, local, recipient.domain.as_str()))
    }

    /// The target has taken mail for this outgoing address.
    pub(super) fn delivered(&mut self, target: TargetId, recipient: &Mailbox, now: Tick) {
        if self.young.len() >= MOST || now >= self.began + PROOF_MS {
            self.old = mem::take(&mut self.young);
            self.began = now;
        }
        let digest = self.digest(target, recipient);
        self.young.insert(digest, now);
    }

    /// Whether it has, in the last 24 hours.
    pub(super) fn knows(&self, target: TargetId, recipient: &Mailbox, now: Tick) -> bool {
        let digest = self.digest(target, recipient);
        let at = self.young.get(&digest).or_else(|| self.old.get(&digest));
        at.is_some_and(|at| now < at + PROOF_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_proves_an_address_for_a_day() {
        let [jane, joe] =
            ["Jane@example.com", "joe@example.com"].map(|a| Mailbox::parse(a).unwrap());
        let target = TargetId(1);
        let mut recent = Recent::default();
        recent.delivered(target, &jane, 5);
        let folded = Mailbox::parse("jane@example.com").unwrap();
        assert!(recent.knows(target, &folded, 5 + PROOF_MS - 1));
        assert!(!recent.knows(target, &jane, 5 + PROOF_MS));
        assert!(!recent.knows(TargetId(2), &jane, 5));
        assert!(!recent.knows(target, &joe, 5));
        recent.delivered(target, &joe, PROOF_MS);
        assert!(recent.knows(target, &jane, PROOF_MS + 4));
    }
}
