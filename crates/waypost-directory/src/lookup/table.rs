//! A table of short entries in many small shards, of which a copy shares all that it does not
//! write.
//!
//! ```text
//! hash    upper 16 bits: the shard; lower 16 bits: the mark
//! shard   bits u8 | entries u32 | where each of 2^bits buckets begins, u32 | entries by mark
//! entry   mark u16 | length | key, value
//! ```
//!
//! Numbers of fixed size are little-endian, a length is a [`varint`]. No key begins another one. A
//! bucket has the entries whose marks have the same upper bits: about [`IN_BUCKET`].

use std::sync::Arc;

/// Shards that lie together: a write copies the pointers to so many.
const ON_SHELF: usize = 256;
const SHELVES: usize = 256;
/// Entries of a bucket, about: they are looked through one by one.
const IN_BUCKET: usize = 4;
/// A mark has no more bits.
const BITS_MAX: u32 = 14;
/// What lies before the buckets.
const HEAD: usize = 5;

type Shelf = [Option<Arc<[u8]>>; ON_SHELF];

/// The table.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    /// None, or all.
    shelves: Vec<Option<Arc<Shelf>>>,
}

/// Entries to be set or removed; of several with one key the last counts.
#[derive(Debug, Default)]
pub(super) struct Writes {
    bytes: Vec<u8>,
    list: Vec<Write>,
}

#[derive(Debug, Clone, Copy)]
struct Write {
    hash: u32,
    start: u32,
    key: u16,
    value: u16,
}

impl Writes {
    /// Adds one; an empty value removes the entry.
    pub(super) fn push(&mut self, hash: u32, key: &[u8], value: &[u8]) {
        let lengths = (u16::try_from(key.len()), u16::try_from(value.len()));
        // Whatever fills one has at most some hundred bytes, and empties it long before 4 GiB.
        let (Ok(start), (Ok(key_length), Ok(value_length))) =
            (u32::try_from(self.bytes.len()), lengths)
        else {
            return;
        };
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value);
        self.list.push(Write {
            hash,
            start,
            key: key_length,
            value: value_length,
        });
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    fn key(&self, write: &Write) -> &[u8] {
        let start = write.start as usize;
        &self.bytes[start..start + usize::from(write.key)]
    }

    /// Key and value.
    fn entry(&self, write: &Write) -> &[u8] {
        let start = write.start as usize;
        &self.bytes[start..start + usize::from(write.key) + usize::from(write.value)]
    }
}

impl Table {
    /// The value of a key.
    pub(super) fn find(&self, hash: u32, key: &[u8]) -> Option<&[u8]> {
        let (shelf, place) = place(hash);
        let shard = self.shelves.get(shelf)?.as_ref()?.get(place)?.as_ref()?;
        bucket(shard, mark(hash))?
            .filter(|entry| entry.mark == mark(hash))
            .find_map(|entry| entry.content.strip_prefix(key))
    }

    /// Makes the writes, and empties them.
    pub(super) fn write(&mut self, writes: &mut Writes) {
        let mut list = std::mem::take(&mut writes.list);
        list.sort_unstable_by_key(|write| (write.hash, write.start));
        if self.shelves.is_empty() && !list.is_empty() {
            self.shelves = vec![None; SHELVES];
        }
        let mut shard = Shard::default();
        for run in list.chunk_by(|a, b| place(a.hash) == place(b.hash)) {
            let Some((shelf, place)) = run.first().map(|write| place(write.hash)) else {
                continue;
            };
            let Some(shelf) = self.shelves.get_mut(shelf) else {
                continue;
            };
            let shelf = shelf.get_or_insert_with(|| Arc::new([const { None }; ON_SHELF]));
            if let Some(slot) = Arc::make_mut(shelf).get_mut(place) {
                shard.merge(slot.as_deref().unwrap_or_default(), run, writes);
                *slot = shard.finish();
            }
        }
        list.clear();
        writes.bytes.clear();
        writes.list = list;
    }
}

/// The shelf, and the shard on it.
fn place(hash: u32) -> (usize, usize) {
    ((hash >> 24) as usize, (hash >> 16 & 0xff) as usize)
}

fn mark(hash: u32) -> u16 {
    (hash & 0xffff) as u16
}

fn bucket_of(mark: u16, bits: u32) -> usize {
    (u32::from(mark) >> (u16::BITS - bits)) as usize
}

/// The bucket in which a mark is.
fn bucket(shard: &[u8], mark: u16) -> Option<Entries<'_>> {
    let bits = u32::from(*shard.first()?);
    let bucket = bucket_of(mark, bits);
    let begins = shard.get(HEAD..HEAD + (4 << bits))?;
    let entries = shard.get(HEAD + (4 << bits)..)?;
    let at = |bucket: usize| -> Option<usize> {
        let bytes = begins.get(4 * bucket..4 * bucket + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?) as usize)
    };
    let end = at(bucket + 1).unwrap_or(entries.len());
    Some(Entries(entries.get(at(bucket)?..end)?))
}

/// All entries of a shard, by mark; and how many there are.
fn all(shard: &[u8]) -> (Entries<'_>, usize) {
    let head = shard.split_first_chunk::<HEAD>();
    let Some(([bits, count @ ..], rest)) = head else {
        return (Entries(&[]), 0);
    };
    let entries = rest.get(4_usize << bits..).unwrap_or_default();
    (Entries(entries), u32::from_le_bytes(*count) as usize)
}

#[derive(Debug, Clone, Copy)]
struct Entry<'a> {
    mark: u16,
    /// Key and value.
    content: &'a [u8],
}

/// Entries one after the other.
#[derive(Debug, Clone)]
struct Entries<'a>(&'a [u8]);

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let (mark, mut rest) = self.0.split_first_chunk::<2>()?;
        let length = usize::try_from(varint(&mut rest)).ok()?;
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(Entry {
            mark: u16::from_le_bytes(*mark),
            content,
        })
    }
}

/// A shard that is being written; its memory serves one after the other.
#[derive(Debug, Default)]
struct Shard {
    bits: u32,
    count: u32,
    begins: Vec<u32>,
    entries: Vec<u8>,
}

impl Shard {
    /// Takes the entries of a shard with what is written in it, which is in order.
    fn merge(&mut self, old: &[u8], run: &[Write], writes: &Writes) {
        let (old, count) = all(old);
        self.begin(count + run.len());
        let mut old = old.peekable();
        for same in run.chunk_by(|a, b| a.hash == b.hash) {
            let at = same.first().map_or(0, |write| mark(write.hash));
            while let Some(entry) = old.next_if(|entry| entry.mark < at) {
                self.push(entry);
            }
            while let Some(entry) = old.next_if(|entry| entry.mark == at) {
                let is_written = |write| entry.content.starts_with(writes.key(write));
                if !same.iter().any(is_written) {
                    self.push(entry);
                }
            }
            for (number, write) in same.iter().enumerate() {
                let again = |later| writes.key(later) == writes.key(write);
                if write.value > 0 && !same[number + 1..].iter().any(again) {
                    self.push(Entry {
                        mark: at,
                        content: writes.entry(write),
                    });
                }
            }
        }
        old.for_each(|entry| self.push(entry));
    }

    fn begin(&mut self, most: usize) {
        self.bits = (most / IN_BUCKET).max(1).ilog2().min(BITS_MAX);
        self.count = 0;
        self.begins.clear();
        self.entries.clear();
    }

    fn push(&mut self, entry: Entry<'_>) {
        self.begin_buckets(bucket_of(entry.mark, self.bits) + 1);
        self.count += 1;
        self.entries.extend_from_slice(&entry.mark.to_le_bytes());
        push_varint(&mut self.entries, entry.content.len() as u64);
        self.entries.extend_from_slice(entry.content);
    }

    /// From the next one to this one, buckets begin here.
    fn begin_buckets(&mut self, count: usize) {
        if self.begins.len() < count {
            // A shard stays far below 4 GiB.
            let here = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
            self.begins.resize(count, here);
        }
    }

    fn finish(&mut self) -> Option<Arc<[u8]>> {
        if self.count == 0 {
            return None;
        }
        self.begin_buckets(1 << self.bits);
        let head = std::iter::once(self.bits as u8).chain(self.count.to_le_bytes());
        let begins = self.begins.iter().flat_map(|begin| begin.to_le_bytes());
        let mut shard = Vec::with_capacity(HEAD + 4 * self.begins.len() + self.entries.len());
        shard.extend(head.chain(begins));
        shard.extend_from_slice(&self.entries);
        Some(shard.into())
    }
}

/// A number in as few bytes as it needs, seven bits in each, the lower ones first.
pub(super) fn varint(bytes: &mut &[u8]) -> u64 {
    let (mut number, mut shift) = (0_u64, 0);
    while let Some((byte, rest)) = bytes.split_first() {
        *bytes = rest;
        number |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        shift += 7;
        if byte & 0x80 == 0 {
            break;
        }
    }
    number
}

/// The other way.
pub(super) fn push_varint(bytes: &mut Vec<u8>, number: u64) {
    each_varint_byte(number, |byte| bytes.push(byte));
}

/// The bytes of a number, one after the other.
pub(super) fn each_varint_byte(mut number: u64, mut take: impl FnMut(u8)) {
    while number >= 0x80 {
        take((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    take(number as u8);
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// A key that tells its length, and a hash that few keys have for themselves.
    fn key(number: u16) -> (u32, Vec<u8>) {
        let mut key = Vec::new();
        push_varint(&mut key, u64::from(number));
        let hash = u32::from(number % 3) << 30 | u32::from(number % 2) << 16;
        (
            hash | u32::from(number / 4).wrapping_mul(40_503) & 0xffff,
            key,
        )
    }

    fn found(table: &Table, number: u16) -> Option<Vec<u8>> {
        let (hash, key) = key(number);
        table.find(hash, &key).map(<[u8]>::to_vec)
    }

    proptest! {
        #[test]
        fn a_table_has_what_was_written_last_and_its_copy_what_was_written_before(
            batches in prop::collection::vec(
                prop::collection::vec((0_u16..400, prop::option::of(1_u8..200)), 0..300), 1..6),
        ) {
            let mut table = Table::default();
            let mut writes = Writes::default();
            let mut model: HashMap<u16, Vec<u8>> = HashMap::new();
            for batch in batches {
                let (before, had) = (table.clone(), model.clone());
                for (number, length) in batch {
                    let (hash, key) = key(number);
                    let value = vec![7; usize::from(length.unwrap_or(0))];
                    writes.push(hash, &key, &value);
                    match length {
                        Some(_) => model.insert(number, value),
                        None => model.remove(&number),
                    };
                }
                table.write(&mut writes);
                prop_assert_eq!(writes.len(), 0);
                for number in 0..400 {
                    prop_assert_eq!(found(&table, number), model.get(&number).cloned());
                    prop_assert_eq!(found(&before, number), had.get(&number).cloned());
                }
            }
        }
    }

    #[test]
    fn numbers_come_back_from_as_few_bytes_as_they_need() {
        for (number, length) in [
            (0, 1),
            (127, 1),
            (128, 2),
            (u64::from(u32::MAX), 5),
            (u64::MAX, 10),
        ] {
            let mut bytes = Vec::new();
            push_varint(&mut bytes, number);
            assert_eq!(bytes.len(), length);
            assert_eq!(varint(&mut &*bytes), number);
        }
    }

    #[test]
    fn what_is_not_written_is_not_copied() {
        let mut table = Table::default();
        let mut writes = Writes::default();
        for number in 0..400 {
            let (hash, key) = key(number);
            writes.push(hash, &key, b"value");
        }
        table.write(&mut writes);
        let before = table.clone();
        let (hash, key) = key(6);
        writes.push(hash, &key, b"other");
        table.write(&mut writes);
        let shards = |table: &Table| -> Vec<*const u8> {
            let shelves = table.shelves.iter().flatten();
            let shards = shelves.flat_map(|shelf| shelf.iter().flatten());
            shards.map(|shard| shard.as_ptr()).collect()
        };
        let (old, new) = (shards(&before), shards(&table));
        assert_eq!(old.len(), 6);
        assert_eq!(old.iter().filter(|shard| !new.contains(shard)).count(), 1);
    }
}
