//! What has changed since the index was built.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::index::{DefaultAddress, Owner, Scope, UserEntry};
use crate::model::MailType;

/// A user, on his own memory.
#[derive(Debug, Clone)]
pub(crate) struct OverlayUser {
    pub(crate) id: u32,
    pub(crate) domain_id: u32,
    pub(crate) login: Box<str>,
    pub(crate) mail: MailType,
    pub(crate) suspended: bool,
    pub(crate) target: Option<u32>,
    pub(crate) quota_bytes: Option<u64>,
    pub(crate) default: Option<(Scope, Box<str>)>,
}

impl OverlayUser {
    pub(crate) fn entry(&self) -> UserEntry<'_> {
        UserEntry {
            id: self.id,
            domain_id: self.domain_id,
            login: &self.login,
            mail: self.mail,
            suspended: self.suspended,
            target: self.target,
            quota_bytes: self.quota_bytes,
            default: self
                .default
                .as_ref()
                .map(|(scope, local)| DefaultAddress::Is(*scope, local)),
        }
    }
}

#[derive(Debug, Clone)]
struct Slot {
    scope: Scope,
    local: Arc<str>,
    /// None: the index is not to be believed, the address is gone.
    owner: Option<(Owner, bool)>,
    change: u64,
}

#[derive(Debug, Clone)]
struct UserSlot {
    /// None: gone.
    user: Option<Arc<OverlayUser>>,
    change: u64,
}

/// Addresses and users that the index does not have, or has otherwise.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overlay {
    hasher: DefaultHashBuilder,
    addresses: HashTable<Slot>,
    users: HashMap<u32, UserSlot>,
    /// The write that what is set now belongs to.
    change: u64,
}

impl Overlay {
    /// A copy to which the writes up to a number are added.
    pub(crate) fn next(&self, change: u64) -> Self {
        Self {
            change,
            ..self.clone()
        }
    }

    /// A copy of what is newer than an index that was built after a write.
    pub(crate) fn since(&self, change: u64) -> Self {
        let mut newer = self.clone();
        newer.addresses.retain(|slot| slot.change > change);
        newer.users.retain(|_, slot| slot.change > change);
        newer
    }

    /// What the overlay says of an address; the outer none: nothing.
    pub(crate) fn find(&self, scope: Scope, local: &str) -> Option<Option<(Owner, bool)>> {
        if self.addresses.is_empty() {
            return None;
        }
        self.addresses
            .find(self.hasher.hash_one((scope, local)), |slot| {
                slot.scope == scope && *slot.local == *local
            })
            .map(|slot| slot.owner)
    }

    /// What the overlay says of a user; the outer none: nothing.
    pub(crate) fn user(&self, id: u32) -> Option<Option<UserEntry<'_>>> {
        let slot = self.users.get(&id)?;
        Some(slot.user.as_deref().map(OverlayUser::entry))
    }

    /// The numbers of all users of whom it says something.
    pub(crate) fn users(&self) -> impl Iterator<Item = u32> {
        self.users.keys().copied()
    }

    /// Replaces what is said of an address.
    pub(crate) fn set_address(&mut self, scope: Scope, local: &str, owner: Option<(Owner, bool)>) {
        let hash = self.hasher.hash_one((scope, local));
        let found = self
            .addresses
            .find_mut(hash, |slot| slot.scope == scope && *slot.local == *local);
        if let Some(slot) = found {
            (slot.owner, slot.change) = (owner, self.change);
            return;
        }
        let slot = Slot {
            scope,
            local: local.into(),
            owner,
            change: self.change,
        };
        let hasher = &self.hasher;
        self.addresses.insert_unique(hash, slot, |other| {
            hasher.hash_one((other.scope, &*other.local))
        });
    }

    /// Replaces what is said of a user.
    pub(crate) fn set_user(&mut self, id: u32, user: Option<OverlayUser>) {
        let slot = UserSlot {
            user: user.map(Arc::new),
            change: self.change,
        };
        self.users.insert(id, slot);
    }

    /// How much there is to copy at the next edit.
    pub(crate) fn len(&self) -> usize {
        self.addresses.len() + self.users.len()
    }
}
