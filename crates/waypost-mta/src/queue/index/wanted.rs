//! Which messages are meant, made ready for a walk through the index.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use memchr::memmem;
use waypost_proto::mail::Domain;
use waypost_spool::QueueId;

use super::super::control::Standing;
use super::super::route::Holding;
use super::{Entry, HOP_FIRST, HOP_MX, Line, Table, code_of, domain_of, fold};

/// Digits of a queue id, as it is printed until the year 2112.
const ID_DIGITS: usize = 12;
/// Bits below the microseconds in the number of an id.
const NODE_BITS: u32 = 8;

/// Which messages are meant; what is not set does not matter. What is said of recipients must be
/// true of one and the same that still waits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// This text in the reverse-path, whatever its letter case.
    pub sender: Option<String>,
    /// This text in the recipient's address.
    pub recipient: Option<String>,
    /// The queue id begins so.
    pub id: Option<String>,
    /// A recipient in this domain.
    pub domain: Option<Domain>,
    /// A recipient whose last attempt went this way, as `relay=` and `route=` name it; who was not
    /// tried, where it would go.
    pub next_hop: Option<String>,
    /// Accepted at least so long ago.
    pub age_min: Option<Duration>,
    /// Accepted at most so long ago.
    pub age_max: Option<Duration>,
    /// What it is doing.
    pub standing: Option<Standing>,
    /// Only messages with the sender, or a recipient that waits, in one of these domains: what an
    /// administrator of these domains may see. Empty: none.
    pub scope: Option<Vec<Domain>>,
    /// With a scope: the sender, or every recipient that waits, must be in it: what he may change.
    pub is_whole: bool,
}

/// What messages are doing, as far as the index does not know it.
#[derive(Debug, Default)]
pub(in super::super) struct Doing {
    /// On their way.
    pub(in super::super) active: HashSet<QueueId>,
    /// The holds of the directory, if there are any.
    pub(in super::super) holding: Option<Holding>,
}

/// A filter made ready.
pub(in super::super) struct Wanted<'a> {
    first: QueueId,
    last: QueueId,
    sender: Option<memmem::Finder<'static>>,
    recipient: Option<memmem::Finder<'static>>,
    domain: Option<Vec<u8>>,
    hop: Option<Hop>,
    scope: Option<HashSet<Vec<u8>>>,
    is_whole: bool,
    standing: Option<(Standing, &'a Doing)>,
    /// For each next hop with a number, whether a hold of the directory is on it.
    held_hops: Vec<bool>,
    /// Texts each of which a message must have, the longest first.
    finders: Vec<memmem::Finder<'static>>,
    hint: Option<Hint>,
}

/// A next hop, as entries name it.
struct Hop {
    number: Option<u32>,
    /// The domain of whose MX it is.
    mx: Option<Vec<u8>>,
}

fn bytes(text: &str) -> Vec<u8> {
    fold(text).into_bytes()
}

fn finder(needle: &[u8]) -> memmem::Finder<'static> {
    memmem::Finder::new(needle).into_owned()
}

impl<'a> Wanted<'a> {
    /// Makes a filter ready for this table; none when nothing can be meant.
    pub(in super::super) fn new(
        filter: &Filter,
        table: &Table,
        wall: SystemTime,
        doing: &'a Doing,
    ) -> Option<Self> {
        let (first, last) = ids(filter, wall)?;
        let texts = [filter.sender.as_deref(), filter.recipient.as_deref()];
        let [sender, recipient] = texts.map(|text| text.map(bytes));
        let domain = filter.domain.as_ref().map(|d| bytes(d.as_str()));
        let hop = match &filter.next_hop {
            Some(name) => Some(Hop::named(name, table)?),
            None => None,
        };
        let mut needles: Vec<Vec<u8>> = [&sender, &recipient]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        needles.extend(domain.as_ref().map(|name| joined(b"@", name, b"\t")));
        needles.extend(hop.as_ref().and_then(Hop::needle));
        needles.retain(|needle| !needle.is_empty());
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
        let scope = filter.scope.as_ref();
        let scope = scope.map(|all| all.iter().map(|name| bytes(name.as_str())).collect());
        let standing = filter.standing.map(|standing| (standing, doing));
        let holding = doing.holding.as_ref().filter(|_| standing.is_some());
        Some(Self {
            first,
            last,
            sender: sender.as_deref().map(finder),
            recipient: recipient.as_deref().map(finder),
            domain,
            hop,
            hint: scope.as_ref().map(Hint::new),
            scope,
            is_whole: filter.is_whole,
            standing,
            held_hops: holding.map_or_else(Vec::new, |holding| {
                let hops = table.hops().iter();
                hops.map(|name| holding.is_target_held(name)).collect()
            }),
            finders: needles.iter().map(|needle| finder(needle)).collect(),
        })
    }

    /// The same, behind this id.
    pub(in super::super) fn behind(mut self, after: Option<QueueId>, newest_first: bool) -> Self {
        let Some(after) = after else { return self };
        if newest_first {
            let before = after.number().checked_sub(1).and_then(QueueId::from_number);
            match before {
                Some(before) => self.last = self.last.min(before),
                None => (self.first, self.last) = nothing(),
            }
        } else {
            match QueueId::from_number(after.number() + 1) {
                Some(next) => self.first = self.first.max(next),
                None => (self.first, self.last) = nothing(),
            }
        }
        self
    }

    pub(super) fn ids(&self) -> (QueueId, QueueId) {
        (self.first, self.last)
    }

    /// Texts each of which a message must have, the longest first.
    pub(super) fn finders(&self) -> &[memmem::Finder<'static>] {
        &self.finders
    }

    /// Where else to look, when there is a scope.
    pub(super) fn hint(&self) -> Option<&Hint> {
        self.hint.as_ref()
    }

    /// Whether the text behind an `@` is a domain of the scope.
    pub(super) fn is_scope(&self, text: &[u8]) -> bool {
        let end = memchr::memchr2(b'\t', b'>', text).unwrap_or(text.len());
        let domain = text.get(..end).unwrap_or_default();
        self.scope
            .as_ref()
            .is_none_or(|scope| scope.contains(domain))
    }

    pub(super) fn is(&self, entry: &Entry<'_>) -> bool {
        let has = |finder: &memmem::Finder<'_>, text: &[u8]| finder.find(text).is_some();
        let in_order = self.first <= entry.id && entry.id <= self.last;
        in_order
            && self.sender.as_ref().is_none_or(|f| has(f, entry.sender()))
            && self.stands(entry)
            && self.is_one(entry)
            && (self.scope.as_ref()).is_none_or(|scope| self.is_within(entry, scope))
    }

    /// Whether a recipient of a message that is wanted may be counted for who sees this scope.
    pub(in super::super) fn shows(&self, entry: &Entry<'_>, line: &Line<'_>) -> bool {
        self.scope.as_ref().is_none_or(|scope| {
            scope.contains(line.domain()) || scope.contains(domain_of(address_of(entry.sender())))
        })
    }

    fn is_within(&self, entry: &Entry<'_>, scope: &HashSet<Vec<u8>>) -> bool {
        let is_in = |line: Line<'_>| scope.contains(line.domain());
        // Where nobody waits any more, there is nothing to change.
        scope.contains(domain_of(address_of(entry.sender())))
            || (entry.lines().any(is_in) && (!self.is_whole || entry.lines().all(is_in)))
    }

    fn is_one(&self, entry: &Entry<'_>) -> bool {
        if self.recipient.is_none() && self.domain.is_none() && self.hop.is_none() {
            return true;
        }
        entry.lines().any(|line| {
            let text = self.recipient.as_ref();
            text.is_none_or(|finder| finder.find(line.address).is_some())
                && (self.domain.as_deref()).is_none_or(|name| line.domain() == name)
                && self.hop.as_ref().is_none_or(|hop| hop.is(&line))
        })
    }

    fn stands(&self, entry: &Entry<'_>) -> bool {
        let Some((wanted, doing)) = self.standing else {
            return true;
        };
        wanted == self.standing(entry, doing)
    }

    fn standing(&self, entry: &Entry<'_>, doing: &Doing) -> Standing {
        if entry.is_held() {
            Standing::Held
        } else if doing.active.contains(&entry.id) {
            Standing::Active
        } else if let Some(holding) = &doing.holding
            && entry.lines().all(|line| self.is_line_held(&line, holding))
        {
            Standing::Held
        } else {
            Standing::Deferred
        }
    }

    fn is_line_held(&self, line: &Line<'_>, holding: &Holding) -> bool {
        let number = line.hop.checked_sub(HOP_FIRST).map(|at| at as usize);
        let by_hop = number.and_then(|at| self.held_hops.get(at)).copied();
        by_hop.unwrap_or(false)
            || std::str::from_utf8(line.address).is_ok_and(|text| holding.is_address_held(text))
    }
}

/// Which domains a scope may mean, by their first octets: most others need no closer look.
pub(super) struct Hint {
    /// Octets that are looked at.
    octets: usize,
    known: Vec<bool>,
}

impl Hint {
    const SLOTS: usize = 1 << 16;

    fn new(scope: &HashSet<Vec<u8>>) -> Self {
        let shortest = scope.iter().map(Vec::len).min().unwrap_or(0);
        let mut hint = Self {
            octets: shortest.min(8),
            known: vec![false; Self::SLOTS],
        };
        for name in scope {
            let slot = hint.slot(name);
            hint.known[slot] = true;
        }
        hint
    }

    fn slot(&self, text: &[u8]) -> usize {
        let front = text.iter().take(self.octets);
        let front = front.fold(0_u64, |front, octet| front << 8 | u64::from(*octet));
        // Fibonacci hashing: the high bits depend on all.
        usize::try_from(front.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48).unwrap_or(0)
    }

    /// Whether the text behind an `@` may begin with a domain of the scope.
    pub(super) fn may_be(&self, text: &[u8]) -> bool {
        self.known.get(self.slot(text)).copied().unwrap_or(true)
    }
}

impl Hop {
    fn named(name: &str, table: &Table) -> Option<Self> {
        let number = table.hop(name);
        let mx = name.strip_prefix("mx:").map(bytes);
        // Nothing goes that way.
        (number.is_some() || mx.is_some()).then_some(Self { number, mx })
    }

    fn needle(&self) -> Option<Vec<u8>> {
        match (&self.mx, self.number) {
            (Some(domain), None) => Some(joined(b"@", domain, b"\t")),
            (None, Some(number)) => Some(joined(b"\t", &code_of(number), b"\n")),
            _ => None,
        }
    }

    fn is(&self, line: &Line<'_>) -> bool {
        let by_mx = || {
            self.mx
                .as_deref()
                .is_some_and(|domain| line.domain() == domain)
        };
        Some(line.hop) == self.number || (line.hop == HOP_MX && by_mx())
    }
}

fn joined(front: &[u8], middle: &[u8], end: &[u8]) -> Vec<u8> {
    [front, middle, end].concat()
}

/// A reverse-path without its brackets.
fn address_of(path: &[u8]) -> &[u8] {
    let path = path.strip_prefix(b"<").unwrap_or(path);
    path.strip_suffix(b">").unwrap_or(path)
}

fn id(number: u64) -> QueueId {
    let all = u64::MAX >> 1;
    QueueId::from_number(number & all).unwrap_or_else(|| unreachable!())
}

fn nothing() -> (QueueId, QueueId) {
    (id(1), id(0))
}

/// The first and the last id that age and prefix leave; ids are in the order of their times.
fn ids(filter: &Filter, wall: SystemTime) -> Option<(QueueId, QueueId)> {
    let (mut first, mut last) = (0, u64::MAX >> 1);
    let at = |age: Duration| {
        let since = wall
            .checked_sub(age)?
            .duration_since(SystemTime::UNIX_EPOCH);
        u64::try_from(since.ok()?.as_micros()).ok()
    };
    if let Some(age) = filter.age_max {
        first = at(age).map_or(0, |micros| micros << NODE_BITS);
    }
    if let Some(age) = filter.age_min {
        last = (at(age)? << NODE_BITS) | ((1 << NODE_BITS) - 1);
    }
    if let Some(prefix) = filter.id.as_deref().filter(|prefix| !prefix.is_empty()) {
        let (from, to) = span_of(prefix)?;
        first = first.max(from);
        last = last.min(to);
    }
    Some((id(first), id(last)))
}

/// The ids that begin so.
fn span_of(prefix: &str) -> Option<(u64, u64)> {
    if prefix.len() > ID_DIGITS || !prefix.is_ascii() {
        return prefix
            .parse()
            .ok()
            .map(|id: QueueId| (id.number(), id.number()));
    }
    let filled = |digit: &str| {
        let text = prefix.to_owned() + &digit.repeat(ID_DIGITS - prefix.len());
        text.parse().ok().map(|id: QueueId| id.number())
    };
    Some((filled("0")?, filled("Z")?))
}
