//! Finding messages of a long queue by what is said of them: an index that lives while somebody
//! looks at the queue.
//!
//! One arena of folded text per segment, entries in the order of their ids. Text is found with one
//! scan of the arena, which takes some 10 ns a message; so a million is looked through before a
//! person notices. An entry is 12 bytes and its text:
//!
//! ```text
//! flag sender LF { recipient TAB next-hop(4) LF }
//! ```
//!
//! Only recipients that still wait are in it. A flag, and the number of a next hop, hold no octet
//! that can be in a text that is looked for.

pub(super) mod keeper;
pub(super) mod wanted;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use memchr::memchr;
use waypost_spool::{Message, QueueId, Recipient, State};

use wanted::{Hint, Wanted};

/// Entries of a segment; a change moves what is behind it in the segment.
const SEGMENT_MAX: usize = 1024;
/// A segment with fewer entries joins the one before it.
const SEGMENT_MIN: usize = 128;
/// Next hops that have a number; further ones are not found by their name.
const HOPS_MAX: usize = 100_000;

const FREE: u8 = 1;
const HELD: u8 = 2;
/// The next hop is the MX of the recipient's own domain: such names are not kept twice.
const HOP_MX: u32 = 0;
/// The next hop has no number.
const HOP_OTHER: u32 = 1;
/// The first number that is given.
const HOP_FIRST: u32 = 2;
const HOP_OCTETS: usize = 4;

/// The number of a next hop in the arena: 6 bits an octet, none of them of ASCII.
pub(super) fn code_of(number: u32) -> [u8; HOP_OCTETS] {
    [18, 12, 6, 0].map(|shift| 0x80 | u8::try_from((number >> shift) & 0x3f).unwrap_or(0))
}

fn number_of(code: &[u8]) -> u32 {
    let bits = code.iter().map(|octet| u32::from(octet & 0x3f));
    bits.fold(0, |number, bits| number << 6 | bits)
}

/// The messages of the queue, and the names of their next hops.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// By the first id of each; none is empty.
    segments: BTreeMap<QueueId, Segment>,
    len: usize,
    hops: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u32>,
}

#[derive(Debug, Default)]
struct Segment {
    ids: Vec<QueueId>,
    /// Where the text of each begins.
    starts: Vec<u32>,
    text: Vec<u8>,
}

/// A recipient line of an entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) address: &'a [u8],
    pub(super) hop: u32,
}

impl Line<'_> {
    pub(super) fn domain(&self) -> &[u8] {
        domain_of(self.address)
    }
}

/// What stands behind the last `@`.
pub(super) fn domain_of(address: &[u8]) -> &[u8] {
    let at = memchr::memrchr(b'@', address);
    at.and_then(|at| address.get(at + 1..)).unwrap_or_default()
}

/// An entry of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) id: QueueId,
    text: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Whether an administrator holds the message itself.
    pub(super) fn is_held(&self) -> bool {
        self.text.first() == Some(&HELD)
    }

    pub(super) fn sender(&self) -> &'a [u8] {
        let rest = self.text.get(1..).unwrap_or_default();
        let end = memchr(b'\n', rest).unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default()
    }

    /// The recipients that wait.
    pub(super) fn lines(&self) -> impl Iterator<Item = Line<'a>> + use<'a> {
        let mut rest = self.text.get(self.sender().len() + 2..).unwrap_or_default();
        std::iter::from_fn(move || {
            let tab = memchr(b'\t', rest)?;
            let code = rest.get(tab + 1..=tab + HOP_OCTETS)?;
            let line = Line {
                address: rest.get(..tab)?,
                hop: number_of(code),
            };
            rest = rest.get(tab + HOP_OCTETS + 2..).unwrap_or_default();
            Some(line)
        })
    }
}

impl Segment {
    fn entry(&self, at: usize) -> Option<Entry<'_>> {
        let id = *self.ids.get(at)?;
        let text = self.text.get(self.span(at)?)?;
        Some(Entry { id, text })
    }

    fn span(&self, at: usize) -> Option<std::ops::Range<usize>> {
        let start = *self.starts.get(at)? as usize;
        let end = self
            .starts
            .get(at + 1)
            .map_or(self.text.len(), |s| *s as usize);
        Some(start..end)
    }

    /// Which entry the octet at this place belongs to.
    fn entry_at(&self, octet: usize) -> usize {
        let behind = self
            .starts
            .partition_point(|start| *start as usize <= octet);
        behind.saturating_sub(1)
    }

    fn insert(&mut self, at: usize, id: QueueId, text: &[u8]) {
        let start = self.starts.get(at).map_or(self.text.len(), |s| *s as usize);
        self.text.splice(start..start, text.iter().copied());
        self.ids.insert(at, id);
        self.starts
            .insert(at, u32::try_from(start).unwrap_or(u32::MAX));
        self.shift(at + 1, |start| start + octets(text.len()));
    }

    fn remove(&mut self, at: usize) {
        let Some(span) = self.span(at) else { return };
        let length = octets(span.len());
        self.text.drain(span);
        self.ids.remove(at);
        self.starts.remove(at);
        self.shift(at, |start| start - length);
    }

    fn shift(&mut self, from: usize, to: impl Fn(u32) -> u32) {
        for start in self.starts.get_mut(from..).unwrap_or_default() {
            *start = to(*start);
        }
    }

    /// The second half.
    fn split(&mut self) -> Self {
        let at = self.ids.len() / 2;
        let start = self.starts.get(at).copied().unwrap_or(0);
        let mut half = Self {
            ids: self.ids.split_off(at),
            starts: self.starts.split_off(at),
            text: self.text.split_off(start as usize),
        };
        half.shift(0, |begin| begin - start);
        self.fit();
        half
    }

    fn append(&mut self, mut other: Self) {
        let start = octets(self.text.len());
        other.shift(0, |begin| begin + start);
        self.ids.append(&mut other.ids);
        self.starts.append(&mut other.starts);
        self.text.append(&mut other.text);
    }

    /// Gives back room that is not needed.
    fn fit(&mut self) {
        self.ids.shrink_to_fit();
        self.starts.shrink_to_fit();
        self.text.shrink_to_fit();
    }
}

fn octets(length: usize) -> u32 {
    // A segment of messages with a recipient limit stays far below.
    u32::try_from(length).unwrap_or(u32::MAX)
}

impl Table {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The names of next hops, by their number less [`HOP_FIRST`].
    pub(super) fn hops(&self) -> &[Box<str>] {
        &self.hops
    }

    /// The number of a next hop that some message has.
    pub(super) fn hop(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    fn number(&mut self, hop: &str, recipient: &Recipient) -> u32 {
        if hop.strip_prefix("mx:") == Some(recipient.address.domain.as_str()) {
            return HOP_MX;
        }
        if let Some(number) = self.numbers.get(hop) {
            return *number;
        }
        if self.hops.len() == HOPS_MAX {
            return HOP_OTHER;
        }
        let number = octets(self.hops.len()) + HOP_FIRST;
        self.hops.push(hop.into());
        self.numbers.insert(hop.into(), number);
        number
    }

    /// Adds a message, or takes it as it is now.
    pub(super) fn put(&mut self, message: &Message, hop: impl Fn(&Recipient) -> String) {
        let envelope = &message.envelope;
        let held = envelope.hold.is_some();
        let mut text = vec![if held { HELD } else { FREE }];
        text.extend(fold(&envelope.reverse_path.to_string()).bytes());
        text.push(b'\n');
        let recipients = envelope.recipients.iter();
        for recipient in recipients.filter(|recipient| recipient.state == State::Queued) {
            text.extend(fold(&recipient.address.to_string()).bytes());
            text.push(b'\t');
            let number = self.number(&hop(recipient), recipient);
            text.extend(code_of(number));
            text.push(b'\n');
        }
        self.insert(message.id, &text);
    }

    fn insert(&mut self, id: QueueId, text: &[u8]) {
        let before = self.segments.range(..=id).next_back();
        let Some(key) = before
            .or_else(|| self.segments.first_key_value())
            .map(|(key, _)| *key)
        else {
            let mut segment = Segment::default();
            segment.insert(0, id, text);
            self.segments.insert(id, segment);
            self.len += 1;
            return;
        };
        let Some(mut segment) = self.segments.remove(&key) else {
            return;
        };
        match segment.ids.binary_search(&id) {
            Ok(at) if segment.span(at).and_then(|span| segment.text.get(span)) == Some(text) => {}
            Ok(at) => {
                segment.remove(at);
                segment.insert(at, id, text);
            }
            Err(at) => {
                segment.insert(at, id, text);
                self.len += 1;
            }
        }
        if segment.ids.len() > SEGMENT_MAX {
            let half = segment.split();
            self.keep(half);
        }
        self.keep(segment);
    }

    fn keep(&mut self, segment: Segment) {
        if let Some(first) = segment.ids.first() {
            self.segments.insert(*first, segment);
        }
    }

    pub(super) fn remove(&mut self, id: QueueId) {
        let Some((key, segment)) = self.segments.range_mut(..=id).next_back() else {
            return;
        };
        let Ok(at) = segment.ids.binary_search(&id) else {
            return;
        };
        let key = *key;
        segment.remove(at);
        self.len -= 1;
        if at > 0 && segment.ids.len() >= SEGMENT_MIN {
            return;
        }
        // Its first is another one now, or it is small.
        let Some(segment) = self.segments.remove(&key) else {
            return;
        };
        let before = self.segments.range_mut(..key).next_back();
        match before {
            Some((_, before))
                if segment.ids.len() < SEGMENT_MIN
                    && before.ids.len() + segment.ids.len() < SEGMENT_MAX * 3 / 4 =>
            {
                before.append(segment);
            }
            _ => self.keep(segment),
        }
    }

    /// Calls `found` for every message that is wanted, in order, until it says that it has enough.
    pub(super) fn walk(
        &self,
        wanted: &Wanted<'_>,
        newest_first: bool,
        mut found: impl FnMut(&Entry<'_>) -> Walk,
    ) {
        let (first, last) = wanted.ids();
        if first > last {
            return;
        }
        // The segment that begins before the first id may hold it.
        let start = self
            .segments
            .range(..=first)
            .next_back()
            .map(|(key, _)| *key);
        let start = start.map_or(Bound::Included(first), Bound::Included);
        let segments = self.segments.range((start, Bound::Included(last)));
        if newest_first {
            for (_, segment) in segments.rev() {
                let mut hits = segment.hits(wanted);
                hits.reverse();
                if hits.into_iter().any(|entry| found(&entry) == Walk::Enough) {
                    return;
                }
            }
        } else {
            for (_, segment) in segments {
                let hits = segment.hits(wanted);
                if hits.into_iter().any(|entry| found(&entry) == Walk::Enough) {
                    return;
                }
            }
        }
    }

    /// The name of a line's next hop; none when it has no number.
    pub(super) fn hop_name(&self, line: &Line<'_>) -> Option<Cow<'_, str>> {
        if line.hop == HOP_MX {
            let domain = String::from_utf8_lossy(line.domain());
            return Some(Cow::Owned(format!("mx:{domain}")));
        }
        let at = line.hop.checked_sub(HOP_FIRST)?;
        let name = self.hops.get(at as usize)?;
        Some(Cow::Borrowed(name))
    }
}

/// Whether a walk goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Walk {
    On,
    Enough,
}

impl Segment {
    fn hits(&self, wanted: &Wanted<'_>) -> Vec<Entry<'_>> {
        let [finder, others @ ..] = wanted.finders() else {
            return match wanted.hint() {
                Some(hint) => self.hits_in_scope(wanted, hint),
                None => self.hits_of_all(wanted),
            };
        };
        // What is nowhere here spares looking at where the rest is.
        if others.iter().any(|other| other.find(&self.text).is_none()) {
            return Vec::new();
        }
        let mut hits = Vec::new();
        let mut from = 0;
        while let Some(text) = self.text.get(from..)
            && let Some(place) = finder.find(text)
        {
            let at = self.entry_at(from + place);
            let Some(span) = self.span(at) else { break };
            hits.extend(self.entry(at).filter(|entry| wanted.is(entry)));
            from = span.end;
        }
        hits
    }

    fn hits_of_all(&self, wanted: &Wanted<'_>) -> Vec<Entry<'_>> {
        let all = (0..self.ids.len()).filter_map(|at| self.entry(at));
        all.filter(|entry| wanted.is(entry)).collect()
    }

    /// By the domains behind every `@`.
    fn hits_in_scope(&self, wanted: &Wanted<'_>, hint: &Hint) -> Vec<Entry<'_>> {
        let mut hits = Vec::new();
        let mut end = 0;
        for place in memchr::memchr_iter(b'@', &self.text) {
            let text = self.text.get(place + 1..).unwrap_or_default();
            if place < end || !hint.may_be(text) || !wanted.is_scope(text) {
                continue;
            }
            let at = self.entry_at(place);
            end = self.span(at).map_or(end, |span| span.end);
            hits.extend(self.entry(at).filter(|entry| wanted.is(entry)));
        }
        hits
    }
}

/// Text as it is compared: without regard to letter case, and without what separates entries.
pub(super) fn fold(text: &str) -> String {
    let clean = |c: char| !c.is_control();
    if text.bytes().all(|c| c.is_ascii_graphic()) {
        text.to_ascii_lowercase()
    } else {
        text.to_lowercase().chars().filter(|c| clean(*c)).collect()
    }
}

#[cfg(test)]
mod tests;
