//! Addresses and users in two byte arenas, found through tables of 32-bit offsets.
//!
//! ```text
//! address   scope u32 | owner u32 | flags u8 | length u8 | local part
//! user      id u32 | domain u32 | default address u32 | flags u8 | length u8 | login
//!           | target u32, if flagged | quota u64, if flagged
//! ```
//!
//! Numbers are little-endian. An owner is a tag in the two upper bits, and below it the offset of
//! a user, or the number of a shared mailbox or group.

use std::collections::HashMap;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::find::UserCounts;
use crate::model::MailType;

/// The names at which an address is valid: one name, or all names of a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Scope(pub(crate) u32);

impl Scope {
    const ALL: u32 = 1 << 31;

    /// All names of the domain.
    pub(crate) fn all(domain_id: u32) -> Self {
        Self(domain_id | Self::ALL)
    }

    /// One name.
    pub(crate) fn one(name_id: u32) -> Self {
        Self(name_id & !Self::ALL)
    }

    /// The domain, when all its names are meant.
    pub(crate) fn domain_id(self) -> Option<u32> {
        (self.0 & Self::ALL != 0).then_some(self.0 & !Self::ALL)
    }
}

/// Whose an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    Group(u32),
    Shared(u32),
    /// In the index: the offset of the user. In the overlay: his number.
    User(u32),
}

impl Owner {
    const SHIFT: u32 = 30;
    const MASK: u32 = (1 << Self::SHIFT) - 1;

    fn pack(self) -> u32 {
        let (tag, value) = match self {
            Self::Group(id) => (0, id),
            Self::Shared(id) => (1, id),
            Self::User(offset) => (2, offset),
        };
        tag << Self::SHIFT | (value & Self::MASK)
    }

    fn unpack(packed: u32) -> Self {
        let value = packed & Self::MASK;
        match packed >> Self::SHIFT {
            0 => Self::Group(value),
            1 => Self::Shared(value),
            _ => Self::User(value),
        }
    }
}

/// A default address: where it is written in the index, or itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DefaultAddress<'a> {
    At(u32),
    Is(Scope, &'a str),
}

/// What is kept of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UserEntry<'a> {
    pub(crate) id: u32,
    pub(crate) domain_id: u32,
    pub(crate) login: &'a str,
    pub(crate) mail: MailType,
    pub(crate) suspended: bool,
    pub(crate) target: Option<u32>,
    pub(crate) quota_bytes: Option<u64>,
    pub(crate) default: Option<DefaultAddress<'a>>,
}

const SELECTED: u8 = 1;

const LOCAL: u8 = 0;
const NONE: u8 = 1;
const THIRD_PARTY: u8 = 2;
const MAIL_MASK: u8 = 3;
const SUSPENDED: u8 = 1 << 2;
const HAS_TARGET: u8 = 1 << 3;
const HAS_QUOTA: u8 = 1 << 4;

/// Offset of the field that the builder fills in last.
const USER_DEFAULT: usize = 8;
const NO_DEFAULT: u32 = u32::MAX;

/// The address table, once built.
#[derive(Debug, Default)]
pub(crate) struct Index {
    hasher: DefaultHashBuilder,
    addresses: Vec<u8>,
    by_address: HashTable<u32>,
    users: Vec<u8>,
    by_id: HashTable<u32>,
    /// By domain.
    counts: HashMap<u32, UserCounts>,
}

impl Index {
    /// Whose the address is, and whether it is selected for the third party.
    pub(crate) fn find(&self, scope: Scope, local: &str) -> Option<(Owner, bool)> {
        let hash = self.hasher.hash_one((scope, local));
        let offset = *self.by_address.find(hash, |offset| {
            let (found, _, _, bytes) = self.address(*offset);
            found == scope && bytes == local.as_bytes()
        })?;
        let (_, owner, flags, _) = self.address(offset);
        Some((owner, flags & SELECTED != 0))
    }

    /// The user at an offset.
    pub(crate) fn user_at(&self, offset: u32) -> UserEntry<'_> {
        let mut bytes = Bytes(self.users.get(offset as usize..).unwrap_or_default());
        let (id, domain_id, default) = (bytes.u32(), bytes.u32(), bytes.u32());
        let flags = bytes.u8();
        let login = bytes.text();
        UserEntry {
            id,
            domain_id,
            login,
            mail: match flags & MAIL_MASK {
                LOCAL => MailType::Local,
                THIRD_PARTY => MailType::ThirdParty,
                _ => MailType::None,
            },
            suspended: flags & SUSPENDED != 0,
            target: (flags & HAS_TARGET != 0).then(|| bytes.u32()),
            quota_bytes: (flags & HAS_QUOTA != 0).then(|| bytes.u64()),
            default: (default != NO_DEFAULT).then_some(DefaultAddress::At(default)),
        }
    }

    /// The user with a number.
    pub(crate) fn user(&self, id: u32) -> Option<UserEntry<'_>> {
        let hash = self.hasher.hash_one(id);
        let offset = self.by_id.find(hash, |offset| self.id_at(*offset) == id)?;
        Some(self.user_at(*offset))
    }

    /// How many users there are, by domain.
    pub(crate) fn counts(&self) -> &HashMap<u32, UserCounts> {
        &self.counts
    }

    /// The address at an offset.
    pub(crate) fn address_at(&self, offset: u32) -> (Scope, &str) {
        let (scope, _, _, local) = self.address(offset);
        (scope, std::str::from_utf8(local).unwrap_or_default())
    }

    fn id_at(&self, offset: u32) -> u32 {
        Bytes(self.users.get(offset as usize..).unwrap_or_default()).u32()
    }

    fn address(&self, offset: u32) -> (Scope, Owner, u8, &[u8]) {
        let mut bytes = Bytes(self.addresses.get(offset as usize..).unwrap_or_default());
        let scope = Scope(bytes.u32());
        let owner = Owner::unpack(bytes.u32());
        let flags = bytes.u8();
        (scope, owner, flags, bytes.short())
    }
}

/// Reads an entry from its start; past its end everything is 0 or empty.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn u8(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    fn short(&mut self) -> &'a [u8] {
        let length = usize::from(self.u8()).min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes
    }

    fn text(&mut self) -> &'a str {
        std::str::from_utf8(self.short()).unwrap_or_default()
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk::<N>() {
            Some((bytes, rest)) => {
                self.0 = rest;
                *bytes
            }
            None => [0; N],
        }
    }
}

/// Fills an [`Index`].
#[derive(Debug, Default)]
pub(crate) struct IndexBuilder {
    index: Index,
}

impl IndexBuilder {
    /// A builder with room for so many, which need not be exact.
    pub(crate) fn with_room(users: usize, addresses: usize) -> Self {
        let mut builder = Self::default();
        builder.index.by_id = HashTable::with_capacity(users);
        builder.index.by_address = HashTable::with_capacity(addresses);
        builder
    }

    /// Adds a user without addresses, and tells where he lies.
    pub(crate) fn user(&mut self, user: &UserEntry<'_>) -> u32 {
        let Index {
            hasher,
            users,
            by_id,
            counts,
            ..
        } = &mut self.index;
        let offset = offset_of(users);
        let count = counts.entry(user.domain_id).or_default();
        count.add(user.mail, user.target.is_some(), user.suspended);
        users.extend_from_slice(&user.id.to_le_bytes());
        users.extend_from_slice(&user.domain_id.to_le_bytes());
        users.extend_from_slice(&NO_DEFAULT.to_le_bytes());
        users.push(flags_of(user));
        push_short(users, user.login);
        if let Some(target) = user.target {
            users.extend_from_slice(&target.to_le_bytes());
        }
        if let Some(quota) = user.quota_bytes {
            users.extend_from_slice(&quota.to_le_bytes());
        }
        let users = &*users;
        by_id.insert_unique(hasher.hash_one(user.id), offset, |other| {
            let mut bytes = Bytes(users.get(*other as usize..).unwrap_or_default());
            hasher.hash_one(bytes.u32())
        });
        offset
    }

    /// Adds an address, and tells where it lies.
    pub(crate) fn address(
        &mut self,
        scope: Scope,
        local: &str,
        owner: Owner,
        selected: bool,
    ) -> u32 {
        let Index {
            hasher,
            addresses,
            by_address,
            ..
        } = &mut self.index;
        let offset = offset_of(addresses);
        addresses.extend_from_slice(&scope.0.to_le_bytes());
        addresses.extend_from_slice(&owner.pack().to_le_bytes());
        addresses.push(u8::from(selected) * SELECTED);
        push_short(addresses, local);
        let addresses = &*addresses;
        by_address.insert_unique(hasher.hash_one((scope, local)), offset, |other| {
            let mut bytes = Bytes(addresses.get(*other as usize..).unwrap_or_default());
            let scope = Scope(bytes.u32());
            bytes.u32();
            bytes.u8();
            hasher.hash_one((scope, bytes.text()))
        });
        offset
    }

    /// Makes an address the default of a user.
    pub(crate) fn set_default(&mut self, user: u32, address: u32) {
        let at = user as usize + USER_DEFAULT;
        if let Some(field) = self.index.users.get_mut(at..at + 4) {
            field.copy_from_slice(&address.to_le_bytes());
        }
    }

    /// The finished index, without spare room.
    pub(crate) fn finish(mut self) -> Index {
        self.index.addresses.shrink_to_fit();
        self.index.users.shrink_to_fit();
        self.index
    }
}

fn flags_of(user: &UserEntry<'_>) -> u8 {
    let mail = match user.mail {
        MailType::Local => LOCAL,
        MailType::None => NONE,
        MailType::ThirdParty => THIRD_PARTY,
    };
    let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
    mail | flag(user.suspended, SUSPENDED)
        | flag(user.target.is_some(), HAS_TARGET)
        | flag(user.quota_bytes.is_some(), HAS_QUOTA)
}

fn push_short(arena: &mut Vec<u8>, text: &str) {
    let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
    arena.push(length);
    arena.extend_from_slice(&text.as_bytes()[..usize::from(length)]);
}

/// Arenas stay far below 4 GiB: an entry has some 25 bytes, and there are at most 2^30 users.
fn offset_of(arena: &[u8]) -> u32 {
    u32::try_from(arena.len()).unwrap_or(u32::MAX)
}
