//! Connections that only read, shared by all who ask.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::StoreError;
use crate::QueueId;
use crate::limits;

/// A message as it is stored.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: QueueId,
    pub(crate) arrived: i64,
    pub(crate) size: u64,
    pub(crate) content_sum: u32,
    pub(crate) filed: bool,
    pub(crate) envelope: Vec<u8>,
}

/// A message with its content, when that lies in the store.
pub(crate) type Whole = (Row, Option<Vec<u8>>);

impl Row {
    const COLUMNS: &'static str = "id, arrived, size, content_sum, filed, envelope";

    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            arrived: row.get(1)?,
            size: row.get::<_, i64>(2)?.unsigned_abs(),
            content_sum: row.get(3)?,
            filed: row.get(4)?,
            envelope: row.get(5)?,
        })
    }
}

/// A few connections; who finds all of them in use waits.
#[derive(Debug)]
pub(crate) struct Readers {
    path: PathBuf,
    slots: [Mutex<Option<Connection>>; limits::READERS],
    turn: AtomicUsize,
    closed: AtomicBool,
}

impl Readers {
    /// Opens nothing yet.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            slots: [const { Mutex::new(None) }; limits::READERS],
            turn: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        }
    }

    /// Closes all connections once their readers are done, and opens none until `reopen`.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        for slot in &self.slots {
            *lock(slot) = None;
        }
    }

    /// Lets reading go on.
    pub(crate) fn reopen(&self) {
        self.closed.store(false, Ordering::SeqCst);
    }

    /// Reads with one of the connections.
    pub(crate) fn with<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut slot = self.slot();
        if self.closed.load(Ordering::SeqCst) {
            return Err(StoreError::Failing("the store is closed".to_owned()));
        }
        let connection = match slot.take() {
            Some(open) => open,
            None => connect(&self.path)?,
        };
        let done = read(&connection);
        *slot = Some(connection);
        done
    }

    fn slot(&self) -> MutexGuard<'_, Option<Connection>> {
        let free = self.slots.iter().find_map(|slot| slot.try_lock().ok());
        free.unwrap_or_else(|| {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed);
            lock(&self.slots[turn % self.slots.len()])
        })
    }

    /// One message and its content, when that lies in the store.
    pub(crate) fn message(&self, id: QueueId) -> Result<Option<Whole>, StoreError> {
        self.with(|db| {
            // One transaction, so that a removal does not come between.
            let reading = db.unchecked_transaction()?;
            let row = row_of(&reading, id)?;
            let Some(row) = row else {
                return Ok(None);
            };
            let content = if row.filed {
                None
            } else {
                reading
                    .prepare_cached("SELECT bytes FROM content WHERE id = ?1")?
                    .query_row([id], |row| row.get(0))
                    .optional()?
            };
            Ok(Some((row, content)))
        })
    }

    /// One message without its content.
    pub(crate) fn row(&self, id: QueueId) -> Result<Option<Row>, StoreError> {
        self.with(|db| row_of(db, id))
    }

    /// The messages that come after `after`, by age.
    pub(crate) fn rows(
        &self,
        after: Option<QueueId>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.with(|db| {
            let sql = format!(
                "SELECT {} FROM message WHERE id > coalesce(?1, -1) ORDER BY id LIMIT ?2",
                Row::COLUMNS
            );
            let mut statement = db.prepare_cached(&sql)?;
            let rows = statement.query_map(
                params![after, i64::try_from(limit).unwrap_or(i64::MAX)],
                Row::read,
            )?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// All messages and when they are due, the first due first.
    pub(crate) fn schedule(&self) -> Result<Vec<(QueueId, Option<i64>)>, StoreError> {
        self.with(|db| {
            let sql = "SELECT id, due FROM message INDEXED BY message_due ORDER BY due";
            let mut statement = db.prepare_cached(sql)?;
            let mut rows = statement.query([])?;
            let mut schedule = Vec::new();
            while let Some(row) = rows.next()? {
                schedule.push((row.get(0)?, row.get(1)?));
            }
            Ok(schedule)
        })
    }

    /// The oldest message.
    pub(crate) fn oldest(&self) -> Result<Option<QueueId>, StoreError> {
        self.with(|db| Ok(db.query_row("SELECT min(id) FROM message", [], |row| row.get(0))?))
    }

    /// What was set aside, and why.
    pub(crate) fn quarantined(&self) -> Result<Vec<(QueueId, String)>, StoreError> {
        self.with(|db| {
            let mut statement = db.prepare("SELECT id, reason FROM quarantine ORDER BY id")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn row_of(db: &Connection, id: QueueId) -> Result<Option<Row>, StoreError> {
    let sql = format!("SELECT {} FROM message WHERE id = ?1", Row::COLUMNS);
    let mut statement = db.prepare_cached(&sql)?;
    Ok(statement.query_row([id], Row::read).optional()?)
}

fn lock<T>(slot: &Mutex<T>) -> MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.busy_timeout(limits::IDLE)?;
    Ok(connection)
}
