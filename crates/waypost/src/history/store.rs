//! The file of the history: pieces, and an index by hashes of addresses and by queue ids.

use std::path::Path;

use anyhow::Context as _;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};
use waypost_spool::QueueId;

use super::piece::{Piece, Step, fold, keys, steps, stored};

/// The layout of the file; another one is made anew.
const VERSION: u32 = 2;
/// A lost second does no harm, a torn file would.
const OPEN: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA journal_size_limit = 16777216;
    CREATE TABLE IF NOT EXISTS piece (
        id       INTEGER PRIMARY KEY,
        queue_id TEXT NOT NULL,
        at_ms    INTEGER NOT NULL,
        lines    BLOB NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS seen (
        mark  INTEGER NOT NULL,
        piece INTEGER NOT NULL,
        PRIMARY KEY (mark, piece)
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE IF NOT EXISTS seed (number INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS sample (
        step_s INTEGER NOT NULL,
        at_s   INTEGER NOT NULL,
        points TEXT NOT NULL,
        PRIMARY KEY (step_s, at_s)
    ) WITHOUT ROWID, STRICT;";
const NEWEST: &str = "SELECT coalesce(max(id), 0) FROM piece";
const ADD: &str = "INSERT INTO piece (id, queue_id, at_ms, lines) VALUES (?1, ?2, ?3, ?4)";
const SEE: &str = "INSERT OR IGNORE INTO seen (mark, piece) VALUES (?1, ?2)";
const OLDEST: &str = "
    SELECT id, queue_id, at_ms, lines FROM piece WHERE id < ?1 ORDER BY id LIMIT ?2";
const DROP: &str = "DELETE FROM piece WHERE id = ?1";
const UNSEE: &str = "DELETE FROM seen WHERE mark = ?1 AND piece = ?2";
const NEWEST_FIRST: &str = "
    SELECT p.id, p.queue_id, p.at_ms, p.lines FROM seen s JOIN piece p ON p.id = s.piece
    WHERE s.mark = ?1 AND s.piece BETWEEN ?2 AND ?3 ORDER BY s.piece DESC";
const OLDEST_FIRST: &str = "
    SELECT p.id, p.queue_id, p.at_ms, p.lines FROM seen s JOIN piece p ON p.id = s.piece
    WHERE s.mark = ?1 AND s.piece BETWEEN ?2 AND ?3 ORDER BY s.piece";
const EMPTY: &str = "DELETE FROM seen; DELETE FROM piece; VACUUM;";
const SAMPLE: &str = "INSERT OR REPLACE INTO sample (step_s, at_s, points) VALUES (?1, ?2, ?3)";
const FORGET: &str = "DELETE FROM sample WHERE step_s = ?1 AND at_s < ?2";
const SAMPLES: &str = "SELECT step_s, at_s, points FROM sample ORDER BY step_s, at_s";

/// Bits of a piece's number below its second: most pieces within one second; those beyond take
/// numbers of the next one.
const WITHIN: u32 = 16;
/// A piece may hold lines that are later than its first one by this, if the disk was busy.
const SLACK_S: u64 = 120;
/// Bits of an address's hash; one more, which marks queue ids, is what SQLite stores in six bytes.
const HASH_BITS: u32 = 46;
/// Milliseconds that the writer waits for a reader's lock, and the other way round.
const BUSY_MS: &str = "PRAGMA busy_timeout = 5000;";

/// The file, open for writing.
#[derive(Debug)]
pub(super) struct Store {
    connection: Connection,
    seed: u64,
    newest: u64,
}

/// The file, open for searching.
#[derive(Debug)]
pub(super) struct Reader {
    connection: Connection,
    seed: u64,
}

/// What is wanted of the history.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    /// An address or a queue id.
    pub(crate) key: String,
    /// The first and the last second wanted, since 1970.
    pub(crate) span_s: (u64, u64),
    pub(crate) newest_first: bool,
    /// What the page before gave last.
    pub(crate) after: Option<Place>,
    pub(crate) limit: usize,
}

/// Where a line is: its piece, and which one there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) piece: u64,
    pub(crate) line: usize,
}

/// A line that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) place: Place,
    /// Empty: about no message.
    pub(crate) queue_id: String,
    pub(crate) step: Step,
}

/// One point of all series: its step, its beginning since 1970, and the numbers as JSON.
pub(crate) type Sample = (u64, u64, String);

impl Store {
    /// Opens the file, and makes it when it is not there.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let connection = Connection::open(path)?;
        let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        anyhow::ensure!(
            version == 0 || version == VERSION,
            "it was written by another release"
        );
        connection.execute_batch(OPEN)?;
        connection.execute_batch(BUSY_MS)?;
        connection.pragma_update(None, "user_version", VERSION)?;
        let newest = connection.query_row(NEWEST, [], |row| row.get(0))?;
        if seed(&connection)?.is_none() {
            let mut bytes = [0; 8];
            getrandom::fill(&mut bytes).context("no random number")?;
            // SQLite's numbers are signed.
            let number = i64::from_le_bytes(bytes);
            connection.execute("INSERT INTO seed (number) VALUES (?1)", [number])?;
        }
        let seed = seed(&connection)?.context("it has no seed")?;
        Ok(Self {
            connection,
            seed,
            newest,
        })
    }

    /// Adds pieces, all or none.
    pub(super) fn add(&mut self, pieces: &[Piece]) -> rusqlite::Result<()> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut newest = self.newest;
        let mut entries = Vec::with_capacity(pieces.len() * 3);
        for piece in pieces {
            newest = (newest + 1).max(first_of(piece.at_ms / 1_000));
            let Piece {
                queue_id,
                at_ms,
                lines,
                ..
            } = piece;
            transaction
                .prepare_cached(ADD)?
                .execute(params![newest, queue_id, at_ms, lines])?;
            let marks = piece.keys.iter().map(|key| mark(self.seed, key));
            entries.extend(marks.map(|mark| (mark, newest)));
        }
        // In the order of the tree its pages are visited once each.
        entries.sort_unstable();
        let mut see = transaction.prepare_cached(SEE)?;
        for (mark, piece) in entries {
            see.execute([mark, piece])?;
        }
        drop(see);
        transaction.commit()?;
        self.newest = newest;
        Ok(())
    }

    /// Removes pieces from before this second, the oldest first, so many at most; how many.
    pub(super) fn prune(&mut self, before_s: u64, most: usize) -> rusqlite::Result<usize> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut pieces = Vec::new();
        {
            let mut oldest = transaction.prepare_cached(OLDEST)?;
            let mut rows = oldest.query(params![first_of(before_s), most])?;
            while let Some(row) = rows.next()? {
                let piece = stored(row.get(1)?, row.get(2)?, row.get(3)?);
                pieces.push((row.get::<_, u64>(0)?, piece));
            }
            let mut entries = Vec::with_capacity(pieces.len() * 3);
            for (id, piece) in &pieces {
                transaction.prepare_cached(DROP)?.execute([id])?;
                let marks = keys(piece).into_iter().map(|key| mark(self.seed, &key));
                entries.extend(marks.map(|mark| (mark, *id)));
            }
            entries.sort_unstable();
            let mut unsee = transaction.prepare_cached(UNSEE)?;
            for (mark, piece) in entries {
                unsee.execute([mark, piece])?;
            }
        }
        transaction.commit()?;
        Ok(pieces.len())
    }

    /// Removes all pieces.
    pub(super) fn empty(&self) -> rusqlite::Result<()> {
        if self.newest > 0 {
            self.connection.execute_batch(EMPTY)?;
        }
        Ok(())
    }

    /// Keeps points of all series, and forgets those of each step from before a second.
    pub(super) fn keep(&self, samples: &[Sample], before: &[(u64, u64)]) -> rusqlite::Result<()> {
        for (step, at, points) in samples {
            let mut keep = self.connection.prepare_cached(SAMPLE)?;
            keep.execute(params![step, at, points])?;
        }
        for (step, at) in before {
            self.connection
                .prepare_cached(FORGET)?
                .execute([step, at])?;
        }
        Ok(())
    }

    /// All points that were kept.
    pub(super) fn samples(&self) -> rusqlite::Result<Vec<Sample>> {
        let mut samples = self.connection.prepare(SAMPLES)?;
        let rows = samples.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        rows.collect()
    }
}

impl Reader {
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.execute_batch(BUSY_MS)?;
        let seed = seed(&connection)?.context("it has no seed")?;
        Ok(Self { connection, seed })
    }

    /// The lines wanted, and one more if there is.
    pub(super) fn search(&self, search: &Search) -> rusqlite::Result<Vec<Hit>> {
        let key = fold(&search.key);
        let (from_s, to_s) = search.span_s;
        let mut first = first_of(from_s.saturating_sub(SLACK_S));
        let mut last = first_of(to_s.saturating_add(1)).saturating_sub(1);
        let statement = if search.newest_first {
            last = search.after.map_or(last, |after| last.min(after.piece));
            NEWEST_FIRST
        } else {
            first = search.after.map_or(first, |after| first.max(after.piece));
            OLDEST_FIRST
        };
        let bounds = |id: u64| i64::try_from(id).unwrap_or(i64::MAX);
        let mut statement = self.connection.prepare_cached(statement)?;
        let mark = mark(self.seed, &key);
        let mut rows = statement.query(params![mark, bounds(first), bounds(last)])?;
        let mut hits = Vec::new();
        while hits.len() <= search.limit
            && let Some(row) = rows.next()?
        {
            let id = row.get(0)?;
            let piece = stored(row.get(1)?, row.get(2)?, row.get(3)?);
            let mut found = steps(&piece, &key);
            if search.newest_first {
                found.reverse();
            }
            let found = found.into_iter().map(|(line, step)| Hit {
                place: Place { piece: id, line },
                queue_id: piece.queue_id.clone(),
                step,
            });
            hits.extend(found.filter(|hit| search.wants(hit)));
        }
        hits.truncate(search.limit + 1);
        Ok(hits)
    }
}

impl Search {
    fn wants(&self, hit: &Hit) -> bool {
        let (from, to) = self.span_s;
        let is_behind = self.after.is_none_or(|after| {
            if self.newest_first {
                hit.place < after
            } else {
                hit.place > after
            }
        });
        is_behind && (from..=to).contains(&(hit.step.at_ms / 1_000))
    }
}

/// The number of the first piece that can begin in a second.
fn first_of(second: u64) -> u64 {
    second.min(u64::from(u32::MAX) << 8) << WITHIN
}

/// What the hashes of this file begin with, so that nobody outside can make keys collide.
fn seed(connection: &Connection) -> rusqlite::Result<Option<u64>> {
    let mut seed = connection.prepare("SELECT number FROM seed")?;
    let mut rows = seed.query([])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let number: i64 = row.get(0)?;
    Ok(Some(number.cast_unsigned()))
}

/// What a key is found by; what is found is compared itself. Queue ids keep their order, so that
/// those of a batch stand together in the tree instead of each on a page of its own.
fn mark(seed: u64, key: &str) -> u64 {
    key.parse().map_or_else(
        |_| hash(seed, key),
        |id: QueueId| (1 << HASH_BITS) | id.number() & ((1 << HASH_BITS) - 1),
    )
}

/// FNV-1a, which is the same for ever, mixed at its end.
fn hash(seed: u64, key: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325 ^ seed;
    for byte in key.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^= hash >> 32;
    hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - HASH_BITS)
}

#[cfg(test)]
mod tests;
