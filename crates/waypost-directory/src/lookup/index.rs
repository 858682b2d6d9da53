//! Addresses and users, in two tables of short entries.
//!
//! ```text
//! address   scope, length, local part | owner and whether it is selected
//! user      number | domain, flags, length, login, then if flagged: the default address's scope,
//!           its length and local part, target, quota
//! ```
//!
//! Numbers are varints. An owner's tag and the selection are in the three lowest bits of his number.

use std::collections::HashMap;
use std::hash::BuildHasher;

use hashbrown::DefaultHashBuilder;

use super::overlay::Overlay;
use super::table::{Table, Writes, each_varint_byte, push_varint, varint};
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

    /// As a number that is small where the domain's or name's is.
    fn packed(self) -> u64 {
        u64::from(self.0.rotate_left(1))
    }

    fn unpacked(packed: u64) -> Self {
        Self(u32::try_from(packed).unwrap_or_default().rotate_right(1))
    }

    /// The domain, when all its names are meant.
    pub(crate) fn domain_id(self) -> Option<u32> {
        (self.0 & Self::ALL != 0).then_some(self.0 & !Self::ALL)
    }
}

/// Whose an address is, by his number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    Group(u32),
    Shared(u32),
    User(u32),
}

impl Owner {
    fn packed(self, selected: bool) -> u64 {
        let (tag, id) = match self {
            Self::Group(id) => (0, id),
            Self::Shared(id) => (1, id),
            Self::User(id) => (2, id),
        };
        u64::from(id) << 3 | tag << 1 | u64::from(selected)
    }

    fn unpacked(packed: u64) -> (Self, bool) {
        let id = u32::try_from(packed >> 3).unwrap_or_default();
        let owner = match packed >> 1 & 3 {
            0 => Self::Group(id),
            1 => Self::Shared(id),
            _ => Self::User(id),
        };
        (owner, packed & 1 != 0)
    }
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
    pub(crate) default: Option<(Scope, &'a str)>,
}

const LOCAL: u8 = 0;
const NONE: u8 = 1;
const THIRD_PARTY: u8 = 2;
const MAIL_MASK: u8 = 3;
const SUSPENDED: u8 = 1 << 2;
const HAS_TARGET: u8 = 1 << 3;
const HAS_QUOTA: u8 = 1 << 4;
const HAS_DEFAULT: u8 = 1 << 5;
/// The local part of the default address is the login, and not written again.
const DEFAULT_IS_LOGIN: u8 = 1 << 6;

/// Longest text that is kept: local parts and logins are shorter.
const TEXT_MAX: usize = 255;

/// Addresses and users. A copy shares what neither writes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    hasher: DefaultHashBuilder,
    addresses: Table,
    users: Table,
    /// By domain.
    counts: HashMap<u32, UserCounts>,
}

impl Index {
    /// Whose the address is, and whether it is selected for the third party.
    pub(crate) fn find(&self, scope: Scope, local: &str) -> Option<(Owner, bool)> {
        let key = Key::of_address(scope, local);
        let mut value = self.addresses.find(self.hash(&key), key.bytes())?;
        Some(Owner::unpacked(varint(&mut value)))
    }

    /// The user with a number.
    pub(crate) fn user(&self, id: u32) -> Option<UserEntry<'_>> {
        let value = self.users.find(user_hash(id), Key::of_user(id).bytes())?;
        Some(user_of(id, value))
    }

    /// How many users there are, by domain.
    pub(crate) fn counts(&self) -> &HashMap<u32, UserCounts> {
        &self.counts
    }

    /// Takes over what lies above it.
    pub(crate) fn fold(&mut self, overlay: &Overlay) {
        let mut writer = IndexWriter::upon(std::mem::take(self));
        for (id, user) in overlay.users() {
            writer.forget_user(id);
            if let Some(user) = user {
                writer.user(&user);
            }
        }
        for (scope, local, owner) in overlay.addresses() {
            writer.address(scope, local, owner);
        }
        *self = writer.finish();
    }

    /// The users of this one, and the addresses of another one.
    pub(crate) fn with_addresses(self, other: Self) -> Self {
        Self {
            users: self.users,
            counts: self.counts,
            ..other
        }
    }

    /// The hash that this process has for a key.
    fn hash(&self, key: &Key) -> u32 {
        (self.hasher.hash_one(key.bytes()) >> 32) as u32
    }
}

/// Users whose numbers follow each other lie together.
fn user_hash(id: u32) -> u32 {
    id >> 8 << 16 | (id & 0xff) << 8
}

/// A scope and the longest text, or a number.
const KEY_MAX: usize = 5 + 2 + TEXT_MAX;

/// A key, on the stack: it is made for every look.
struct Key {
    bytes: [u8; KEY_MAX],
    length: usize,
}

impl Key {
    fn of_address(scope: Scope, local: &str) -> Self {
        let local = &local.as_bytes()[..local.len().min(TEXT_MAX)];
        let mut key = Self::of_number(scope.packed());
        key.push_number(local.len() as u64);
        let end = key.length + local.len();
        key.bytes[key.length..end].copy_from_slice(local);
        key.length = end;
        key
    }

    fn of_user(id: u32) -> Self {
        Self::of_number(id.into())
    }

    fn of_number(number: u64) -> Self {
        let mut key = Self {
            bytes: [0; KEY_MAX],
            length: 0,
        };
        key.push_number(number);
        key
    }

    fn push_number(&mut self, number: u64) {
        each_varint_byte(number, |byte| {
            self.bytes[self.length] = byte;
            self.length += 1;
        });
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

fn push_text(bytes: &mut Vec<u8>, text: &str) {
    let length = text.len().min(TEXT_MAX);
    push_varint(bytes, length as u64);
    bytes.extend_from_slice(&text.as_bytes()[..length]);
}

fn text<'a>(bytes: &mut &'a [u8]) -> &'a str {
    let length = usize::try_from(varint(bytes)).unwrap_or(usize::MAX);
    let (text, rest) = bytes.split_at(length.min(bytes.len()));
    *bytes = rest;
    std::str::from_utf8(text).unwrap_or_default()
}

fn number(bytes: &mut &[u8]) -> u32 {
    u32::try_from(varint(bytes)).unwrap_or_default()
}

fn user_of(id: u32, mut value: &[u8]) -> UserEntry<'_> {
    let value = &mut value;
    let domain_id = number(value);
    let flags = value.split_off_first().copied().unwrap_or_default();
    let has = |flag: u8| flags & flag != 0;
    let login = text(value);
    UserEntry {
        id,
        domain_id,
        login,
        mail: match flags & MAIL_MASK {
            LOCAL => MailType::Local,
            THIRD_PARTY => MailType::ThirdParty,
            _ => MailType::None,
        },
        suspended: has(SUSPENDED),
        default: has(HAS_DEFAULT).then(|| {
            let scope = Scope::unpacked(varint(value));
            let local = if has(DEFAULT_IS_LOGIN) {
                login
            } else {
                text(value)
            };
            (scope, local)
        }),
        target: has(HAS_TARGET).then(|| number(value)),
        quota_bytes: has(HAS_QUOTA).then(|| varint(value)),
    }
}

fn push_user(value: &mut Vec<u8>, user: &UserEntry<'_>) {
    push_varint(value, user.domain_id.into());
    value.push(flags_of(user));
    push_text(value, user.login);
    if let Some((scope, local)) = user.default {
        push_varint(value, scope.packed());
        if local != user.login {
            push_text(value, local);
        }
    }
    if let Some(target) = user.target {
        push_varint(value, target.into());
    }
    if let Some(quota) = user.quota_bytes {
        push_varint(value, quota);
    }
}

fn flags_of(user: &UserEntry<'_>) -> u8 {
    let mail = match user.mail {
        MailType::Local => LOCAL,
        MailType::None => NONE,
        MailType::ThirdParty => THIRD_PARTY,
    };
    let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
    let default_is_login = user.default.is_some_and(|(_, local)| local == user.login);
    mail | flag(user.suspended, SUSPENDED)
        | flag(user.target.is_some(), HAS_TARGET)
        | flag(user.quota_bytes.is_some(), HAS_QUOTA)
        | flag(user.default.is_some(), HAS_DEFAULT)
        | flag(default_is_login, DEFAULT_IS_LOGIN)
}

/// Writes are gathered until there are so many: each shard is then written for some of them.
const TOGETHER: usize = 1 << 19;

/// Writes an [`Index`].
#[derive(Debug, Default)]
pub(crate) struct IndexWriter {
    index: Index,
    addresses: Writes,
    users: Writes,
    value: Vec<u8>,
}

impl IndexWriter {
    /// Writes upon what there is.
    pub(crate) fn upon(index: Index) -> Self {
        Self {
            index,
            ..Self::default()
        }
    }

    /// Adds a user whom there is not.
    pub(crate) fn user(&mut self, user: &UserEntry<'_>) {
        let count = self.index.counts.entry(user.domain_id).or_default();
        count.add(user.mail, user.target.is_some(), user.suspended);
        self.value.clear();
        push_user(&mut self.value, user);
        self.set_user(user.id);
    }

    /// Removes a user, if there is one.
    pub(crate) fn forget_user(&mut self, id: u32) {
        let Some(old) = self.index.user(id) else {
            return;
        };
        let (domain, mail) = (old.domain_id, old.mail);
        let (has_target, suspended) = (old.target.is_some(), old.suspended);
        let count = self.index.counts.entry(domain).or_default();
        count.take(mail, has_target, suspended);
        self.value.clear();
        self.set_user(id);
    }

    fn set_user(&mut self, id: u32) {
        let key = Key::of_user(id);
        self.users.push(user_hash(id), key.bytes(), &self.value);
        if self.users.len() >= TOGETHER {
            self.index.users.write(&mut self.users);
        }
    }

    /// Says whose an address is, and whether it is selected; or that it is nobody's.
    pub(crate) fn address(&mut self, scope: Scope, local: &str, owner: Option<(Owner, bool)>) {
        let key = Key::of_address(scope, local);
        self.value.clear();
        if let Some((owner, selected)) = owner {
            push_varint(&mut self.value, owner.packed(selected));
        }
        let hash = self.index.hash(&key);
        self.addresses.push(hash, key.bytes(), &self.value);
        if self.addresses.len() >= TOGETHER {
            self.index.addresses.write(&mut self.addresses);
        }
    }

    /// The index with all that was written.
    pub(crate) fn finish(mut self) -> Index {
        self.index.users.write(&mut self.users);
        self.index.addresses.write(&mut self.addresses);
        self.index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users() -> [UserEntry<'static>; 3] {
        let plain = UserEntry {
            id: 7,
            domain_id: 1,
            login: "jdoe",
            mail: MailType::Local,
            suspended: false,
            target: None,
            quota_bytes: None,
            default: None,
        };
        let full = UserEntry {
            id: u32::MAX,
            domain_id: 70_000,
            mail: MailType::ThirdParty,
            suspended: true,
            target: Some(u32::MAX >> 2),
            quota_bytes: Some(u64::MAX),
            default: Some((Scope::all(9), "jdoe")),
            ..plain
        };
        let other = UserEntry {
            id: 7 + (1 << 24),
            mail: MailType::None,
            quota_bytes: Some(0),
            default: Some((Scope::one(3), "j.doe")),
            ..plain
        };
        [plain, full, other]
    }

    #[test]
    fn users_come_back_as_they_were_written() {
        let mut writer = IndexWriter::default();
        for user in users() {
            writer.user(&user);
        }
        let index = writer.finish();
        for user in users() {
            assert_eq!(index.user(user.id), Some(user));
        }
        assert_eq!(index.user(8), None);
        let mut writer = IndexWriter::upon(index.clone());
        writer.forget_user(7);
        writer.forget_user(8);
        let without = writer.finish();
        assert_eq!((without.user(7), index.user(7)), (None, Some(users()[0])));
        assert_eq!(index.counts()[&1].all(), 2);
        assert_eq!(without.counts()[&1].all(), 1);
    }

    #[test]
    fn addresses_come_back_with_their_owners() {
        let (all, one) = (Scope::all(1), Scope::one(1));
        let written = [
            (all, "jdoe", (Owner::User(u32::MAX), true)),
            (one, "jdoe", (Owner::Group(1), false)),
            (one, "jdoe2", (Owner::Shared(1 << 30), false)),
            (Scope::one(1 << 30), "", (Owner::User(0), false)),
        ];
        let mut writer = IndexWriter::default();
        for (scope, local, owner) in written {
            writer.address(scope, local, Some(owner));
        }
        writer.address(all, "jdo", Some((Owner::User(2), false)));
        writer.address(all, "jdo", None);
        let index = writer.finish();
        for (scope, local, owner) in written {
            assert_eq!(index.find(scope, local), Some(owner), "{local}");
        }
        assert_eq!(index.find(all, "jdo"), None);
        assert_eq!(index.find(all, "jdoe2"), None);
    }
}
