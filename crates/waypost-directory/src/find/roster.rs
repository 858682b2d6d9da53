//! Everybody's text and columns, in the order of domain and login.
//!
//! A line of text is the login, the name and each address without letter case, each ended by a
//! line feed, which none of them can hold. An address at all names of its domain ends in its `@`.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, Rows};

use crate::lookup::Snapshot;
use crate::model::{Kind, MailType};
use crate::sqlite::{audit, readable, word};

/// Changes above the base from which on it is made anew, beside those who look.
pub(super) const MUCH: usize = 4096;
/// Most changes above the base: with more it is made anew at once.
const MAX: usize = 16 * MUCH;

const SUSPENDED: u8 = 1 << 2;
const HAS_STAR: u8 = 1 << 3;

/// What is known of somebody beside his text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) id: u32,
    pub(super) domain_id: u32,
    /// His own target; 0: none.
    pub(super) target: u32,
    flags: u8,
}

impl Columns {
    pub(super) fn mail(self) -> MailType {
        match self.flags & 3 {
            0 => MailType::Local,
            1 => MailType::None,
            _ => MailType::ThirdParty,
        }
    }

    pub(super) fn is_suspended(self) -> bool {
        self.flags & SUSPENDED != 0
    }

    /// Whether an address of his is at all names of the domain.
    pub(super) fn has_star(self) -> bool {
        self.flags & HAS_STAR != 0
    }
}

/// Somebody.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) columns: Columns,
    pub(super) line: String,
}

impl Entry {
    pub(super) fn login(&self) -> &str {
        self.line.split('\n').next().unwrap_or_default()
    }
}

/// All as they were at one moment.
#[derive(Debug, Default)]
pub(super) struct Base {
    pub(super) change: u64,
    columns: Vec<Columns>,
    /// Where each line begins, and where the last one ends.
    starts: Vec<usize>,
    text: Vec<u8>,
    /// Which rows are of which domain.
    domains: HashMap<u32, Range<usize>>,
}

impl Base {
    /// Reads everything.
    pub(super) fn read(store: &Connection, kind: Kind) -> rusqlite::Result<Self> {
        let change = audit::last(store)?;
        let mut entries = entries(store, kind)?;
        entries.sort_unstable_by(|a, b| {
            let key = |entry: &Entry| entry.columns.domain_id;
            key(a).cmp(&key(b)).then_with(|| a.login().cmp(b.login()))
        });
        let mut base = Self {
            change,
            columns: Vec::with_capacity(entries.len()),
            starts: Vec::with_capacity(entries.len() + 1),
            text: Vec::with_capacity(entries.iter().map(|entry| entry.line.len()).sum()),
            domains: HashMap::new(),
        };
        for entry in entries {
            let row = base.columns.len();
            let domain = base.domains.entry(entry.columns.domain_id);
            domain.or_insert(row..row).end = row + 1;
            base.columns.push(entry.columns);
            base.starts.push(base.text.len());
            base.text.extend_from_slice(entry.line.as_bytes());
        }
        base.starts.push(base.text.len());
        Ok(base)
    }

    pub(super) fn columns(&self, row: usize) -> Option<Columns> {
        self.columns.get(row).copied()
    }

    /// The rows of a domain.
    pub(super) fn of_domain(&self, domain_id: u32) -> Range<usize> {
        self.domains.get(&domain_id).cloned().unwrap_or_default()
    }

    pub(super) fn line(&self, row: usize) -> &[u8] {
        self.text(row..row + 1)
    }

    pub(super) fn login(&self, row: usize) -> &[u8] {
        let line = self.line(row);
        let end = memchr::memchr(b'\n', line).unwrap_or(line.len());
        line.get(..end).unwrap_or_default()
    }

    /// The lines of some rows, one after the other.
    pub(super) fn text(&self, rows: Range<usize>) -> &[u8] {
        self.text
            .get(self.start(rows.start)..self.start(rows.end))
            .unwrap_or_default()
    }

    /// Where the line of a row begins.
    pub(super) fn start(&self, row: usize) -> usize {
        self.starts.get(row).copied().unwrap_or(self.text.len())
    }

    /// The row in which an octet of the text is, at or after another row that begins before it.
    pub(super) fn row_at(&self, from: usize, offset: usize) -> usize {
        let mut step = 1;
        while self.start(from + step) <= offset && from + step < self.columns.len() {
            step *= 2;
        }
        let low = from + step / 2;
        let high = (from + step).min(self.starts.len());
        let starts = self.starts.get(low..high).unwrap_or_default();
        (low + starts.partition_point(|start| *start <= offset)).saturating_sub(1)
    }

    /// The first of these rows whose login comes after this one.
    pub(super) fn row_after(&self, rows: Range<usize>, login: &str) -> usize {
        let (mut low, mut high) = (rows.start, rows.end);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.login(middle) <= login.as_bytes() {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        low
    }
}

/// What has changed since the base was made.
#[derive(Debug, Clone, Default)]
pub(super) struct Extra {
    change: u64,
    /// The base is not to be believed about these.
    pub(super) replaced: HashSet<u32>,
    /// Those who are there now, by domain and login.
    entries: Vec<Arc<Entry>>,
}

impl Extra {
    /// Those of a domain, by login.
    pub(super) fn of_domain(&self, domain_id: u32) -> &[Arc<Entry>] {
        let domain = |entry: &Arc<Entry>| entry.columns.domain_id;
        let first = self.entries.partition_point(|e| domain(e) < domain_id);
        let end = self.entries.partition_point(|e| domain(e) <= domain_id);
        self.entries.get(first..end).unwrap_or_default()
    }
}

/// The base with what has changed since.
#[derive(Debug, Clone)]
pub(crate) struct Roster {
    pub(super) kind: Kind,
    pub(super) base: Arc<Base>,
    pub(super) extra: Arc<Extra>,
}

impl Roster {
    pub(super) fn upon(kind: Kind, base: Base) -> Self {
        let extra = Extra {
            change: base.change,
            ..Extra::default()
        };
        Self {
            kind,
            base: Arc::new(base),
            extra: Arc::new(extra),
        }
    }

    /// Whether so much has changed that the base should be made anew.
    pub(super) fn is_old(&self) -> bool {
        self.extra.replaced.len() > MUCH
    }

    /// Takes in what the store says of those who have changed; false: too many have.
    pub(super) fn follow(
        &mut self,
        store: &Connection,
        snapshot: &Snapshot,
    ) -> rusqlite::Result<bool> {
        if self.extra.change >= snapshot.change() {
            return Ok(true);
        }
        let last = audit::last(store)?;
        let room = MAX - self.extra.replaced.len().min(MAX);
        let changed = audit::changed(store, self.kind, self.extra.change, room + 1)?;
        if changed.len() > room {
            return Ok(false);
        }
        let extra = Arc::make_mut(&mut self.extra);
        extra.change = last;
        if changed.is_empty() {
            return Ok(true);
        }
        let now: HashSet<u32> = changed.into_iter().collect();
        extra
            .entries
            .retain(|entry| !now.contains(&entry.columns.id));
        for id in &now {
            extra
                .entries
                .extend(entry(store, self.kind, *id)?.map(Arc::new));
        }
        extra.replaced.extend(now);
        extra.entries.sort_unstable_by(|a, b| {
            let key = |entry: &Entry| entry.columns.domain_id;
            key(a).cmp(&key(b)).then_with(|| a.login().cmp(b.login()))
        });
        Ok(true)
    }
}

fn objects(kind: Kind) -> &'static str {
    match kind {
        Kind::Group => "SELECT id, domain_id, name, '', 'local', 0, NULL FROM mail_group",
        Kind::Mailbox => "SELECT id, domain_id, name, '', 'local', 0, NULL FROM mailbox",
        _ => "SELECT id, domain_id, login, name, mail, suspended, target_id FROM user",
    }
}

const ADDRESSES: &str = "SELECT owner_id, name_id, local FROM address WHERE owner_kind = ?1";

/// Objects and their addresses, both in the order of the objects' numbers, side by side.
fn entries(store: &Connection, kind: Kind) -> rusqlite::Result<Vec<Entry>> {
    let names = names(store)?;
    let mut objects = store.prepare(&format!("{} ORDER BY id", objects(kind)))?;
    let mut objects = objects.query([])?;
    let mut addresses = store.prepare(&format!("{ADDRESSES} ORDER BY owner_id, position"))?;
    let mut addresses = addresses.query([kind.as_str()])?;
    let mut next = next_address(&mut addresses)?;
    let mut entries = Vec::new();
    while let Some(row) = objects.next()? {
        let Some(mut entry) = readable(kind, row, begun(row))? else {
            continue;
        };
        while let Some((owner, name_id, local)) = next.as_ref() {
            if *owner > entry.columns.id {
                break;
            }
            if *owner == entry.columns.id {
                add_address(&mut entry, local, *name_id, &names);
            }
            next = next_address(&mut addresses)?;
        }
        entry.line.shrink_to_fit();
        entries.push(entry);
    }
    Ok(entries)
}

/// One object with its addresses.
fn entry(store: &Connection, kind: Kind, id: u32) -> rusqlite::Result<Option<Entry>> {
    let mut statement = store.prepare_cached(&format!("{} WHERE id = ?1", objects(kind)))?;
    let mut rows = statement.query([id])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let Some(mut entry) = readable(kind, row, begun(row))? else {
        return Ok(None);
    };
    let sql = format!("{ADDRESSES} AND owner_id = ?2 ORDER BY position");
    let mut addresses = store.prepare_cached(&sql)?;
    let mut addresses = addresses.query((kind.as_str(), id))?;
    let mut name = store.prepare_cached("SELECT name FROM domain_name WHERE id = ?1")?;
    while let Some((_, name_id, local)) = next_address(&mut addresses)? {
        let mut names = HashMap::new();
        if let Some(name_id) = name_id {
            let found: Option<String> = name.query_row([name_id], |row| row.get(0)).optional()?;
            names.extend(found.map(|name| (name_id, name)));
        }
        add_address(&mut entry, &local, name_id, &names);
    }
    Ok(Some(entry))
}

/// Login and name.
fn begun(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let mail = match word(row, 4, MailType::parse)? {
        MailType::Local => 0,
        MailType::None => 1,
        MailType::ThirdParty => 2,
    };
    let suspended: bool = row.get(5)?;
    let target: Option<u32> = row.get(6)?;
    let columns = Columns {
        id: row.get(0)?,
        domain_id: row.get(1)?,
        target: target.unwrap_or_default(),
        flags: mail | if suspended { SUSPENDED } else { 0 },
    };
    let (login, name) = (row.get_ref(2)?.as_str()?, row.get_ref(3)?.as_str()?);
    let mut line = String::with_capacity(96);
    line.push_str(login);
    line.push('\n');
    if !name.is_empty() {
        line.push_str(&name.to_lowercase());
        line.push('\n');
    }
    Ok(Entry { columns, line })
}

type AddressRow = (u32, Option<u32>, String);

fn next_address(rows: &mut Rows<'_>) -> rusqlite::Result<Option<AddressRow>> {
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    Ok(Some((row.get(0)?, row.get(1)?, row.get(2)?)))
}

fn add_address(entry: &mut Entry, local: &str, name_id: Option<u32>, names: &HashMap<u32, String>) {
    entry.line.push_str(local);
    entry.line.push('@');
    match name_id {
        Some(id) => entry
            .line
            .push_str(names.get(&id).map_or("", String::as_str)),
        None => entry.columns.flags |= HAS_STAR,
    }
    entry.line.push('\n');
}

fn names(store: &Connection) -> rusqlite::Result<HashMap<u32, String>> {
    store
        .prepare_cached("SELECT id, name FROM domain_name")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}
