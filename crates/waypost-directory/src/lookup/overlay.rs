//! What the index does not have yet.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::index::{Owner, Scope, UserEntry};
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
    pub(crate) fn of(user: &UserEntry<'_>) -> Self {
        Self {
            id: user.id,
            domain_id: user.domain_id,
            login: user.login.into(),
            mail: user.mail,
            suspended: user.suspended,
            target: user.target,
            quota_bytes: user.quota_bytes,
            default: user.default.map(|(scope, local)| (scope, local.into())),
        }
    }

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
                .map(|(scope, local)| (*scope, &**local)),
        }
    }
}

#[derive(Debug, Clone)]
struct Slot {
    scope: Scope,
    local: Arc<str>,
    /// None: the index is not to be believed, the address is gone.
    owner: Option<(Owner, bool)>,
}

/// Addresses and users that the index does not have, or has otherwise.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overlay {
    hasher: DefaultHashBuilder,
    addresses: HashTable<Slot>,
    /// None: gone.
    users: HashMap<u32, Option<Arc<OverlayUser>>>,
}

impl Overlay {
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
        let user = self.users.get(&id)?;
        Some(user.as_deref().map(OverlayUser::entry))
    }

    /// All that it says of users.
    pub(crate) fn users(&self) -> impl Iterator<Item = (u32, Option<UserEntry<'_>>)> {
        let users = self.users.iter();
        users.map(|(id, user)| (*id, user.as_deref().map(OverlayUser::entry)))
    }

    /// All that it says of addresses.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (Scope, &str, Option<(Owner, bool)>)> {
        let slots = self.addresses.iter();
        slots.map(|slot| (slot.scope, &*slot.local, slot.owner))
    }

    /// Replaces what is said of an address.
    pub(crate) fn set_address(&mut self, scope: Scope, local: &str, owner: Option<(Owner, bool)>) {
        let hash = self.hasher.hash_one((scope, local));
        let found = self
            .addresses
            .find_mut(hash, |slot| slot.scope == scope && *slot.local == *local);
        if let Some(slot) = found {
            slot.owner = owner;
            return;
        }
        let slot = Slot {
            scope,
            local: local.into(),
            owner,
        };
        let hasher = &self.hasher;
        self.addresses.insert_unique(hash, slot, |other| {
            hasher.hash_one((other.scope, &*other.local))
        });
    }

    /// Replaces what is said of a user.
    pub(crate) fn set_user(&mut self, id: u32, user: Option<OverlayUser>) {
        self.users.insert(id, user.map(Arc::new));
    }

    /// How much there is to copy at the next edit.
    pub(crate) fn len(&self) -> usize {
        self.addresses.len() + self.users.len()
    }
}
