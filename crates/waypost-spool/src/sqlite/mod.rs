//! The engine: one SQLite database in WAL mode, written by one connection.
//!
//! The writer's connection never closes or checkpoints by itself: each step that has to reach the
//! disk is a call here, so that its failure is seen.

mod reader;

use std::path::{Path, PathBuf};

use bytes::Bytes;
use rusqlite::config::DbConfig;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ErrorCode, OpenFlags, params};

use crate::QueueId;
use crate::disk::{Call, Disk};
use crate::error::OpenError;
use crate::limits;

pub(crate) use reader::{Readers, Row};

/// In order; never edited once released.
const MIGRATIONS: [&str; 1] = [include_str!("0001_init.sql")];
/// Set while the file is empty, or without effect.
const CREATE: &str = "PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;";
/// Bytes in front of the log, and of each page in it.
const LOG_HEADER_BYTES: u64 = 32;
const FRAME_BYTES: u64 = 24 + 4096;
/// Before the first id.
const NO_ID: QueueId = match QueueId::from_number(0) {
    Some(id) => id,
    None => unreachable!(),
};

/// One change to the store.
#[derive(Debug)]
pub(crate) enum Change {
    /// A new message.
    Insert(Insert),
    /// A message that goes.
    Remove(QueueId),
    /// A new envelope for a message.
    Update {
        id: QueueId,
        due: Option<i64>,
        envelope: Vec<u8>,
    },
}

/// A new message, ready to be stored.
#[derive(Debug)]
pub(crate) struct Insert {
    pub(crate) id: QueueId,
    pub(crate) arrived: i64,
    pub(crate) due: Option<i64>,
    pub(crate) size: i64,
    pub(crate) content_sum: u32,
    pub(crate) envelope: Vec<u8>,
    /// None: the content lies in a file.
    pub(crate) content: Option<Bytes>,
}

impl ToSql for QueueId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        // An id has 63 bits.
        Ok(ToSqlOutput::from(self.number().cast_signed()))
    }
}

impl FromSql for QueueId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        let id = u64::try_from(number).ok().and_then(Self::from_number);
        id.ok_or(FromSqlError::OutOfRange(number))
    }
}

/// Why the store did not do something; the transaction is rolled back.
#[derive(Debug)]
pub(crate) enum StoreError {
    /// What is stored makes no sense.
    Damaged(String),
    /// The disk, or the system, fails.
    Failing(String),
    /// No space.
    Full,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(
                ErrorCode::ConstraintViolation
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase,
            )
            | None => Self::Damaged(error.to_string()),
            Some(_) => Self::Failing(error.to_string()),
        }
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Failing(error.to_string()),
        }
    }
}

/// What one transaction did.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    pub(crate) inserted: u64,
    pub(crate) removed: u64,
}

/// The writer's connection.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Connection,
    disk: Disk,
    path: PathBuf,
    /// Pages in the log, all of them of transactions that are durable.
    log_pages: u64,
    /// The reserved end of the ids.
    id_floor: QueueId,
}

impl Store {
    /// Opens the file, makes or migrates its schema, and leaves the log empty.
    pub(crate) fn open(disk: &Disk, path: &Path) -> Result<Self, OpenError> {
        // SQLite would make it readable by all, and gives its log the mode of the file.
        if !Disk::exists(path) {
            let made = disk.create(path.to_owned());
            let made = made.map_err(|source| OpenError::Disk {
                path: path.to_owned(),
                source,
            })?;
            made.keep();
        }
        let connection = connect(disk, path).map_err(|error| open_error(path, error))?;
        migrate(&connection, path)?;
        let mut store = Self {
            connection,
            disk: disk.clone(),
            path: path.to_owned(),
            log_pages: 0,
            id_floor: NO_ID,
        };
        store.settle().map_err(|error| open_error(path, error))?;
        Ok(store)
    }

    fn settle(&mut self) -> Result<(), StoreError> {
        self.empty_log()?;
        self.id_floor = self.connection.query_row(
            "SELECT max(coalesce((SELECT value FROM note WHERE name = 'id_floor'), 0),
                        coalesce((SELECT max(id) FROM message), 0),
                        coalesce((SELECT max(id) FROM quarantine), 0))",
            [],
            |row| row.get(0),
        )?;
        Ok(())
    }

    /// No id up to here may be given again.
    pub(crate) fn id_floor(&self) -> QueueId {
        self.id_floor
    }

    /// Messages in the store.
    pub(crate) fn count(&self) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM message INDEXED BY message_due";
        let count: i64 = self.connection.query_row(sql, [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// The messages whose content lies in files.
    pub(crate) fn filed(&self) -> Result<Vec<QueueId>, StoreError> {
        let mut statement = self
            .connection
            .prepare("SELECT id FROM message INDEXED BY message_filed WHERE filed = 1")?;
        let ids = statement.query_map([], |row| row.get(0))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// All changes or none, durable when this returns.
    pub(crate) fn apply<'a>(
        &mut self,
        changes: impl Iterator<Item = &'a Change>,
    ) -> Result<Applied, StoreError> {
        let id_floor = self.id_floor;
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let done = self.change(changes).and_then(|applied| {
            self.disk.ask(Call::Commit, &self.path)?;
            self.connection.execute_batch("COMMIT")?;
            Ok(applied)
        });
        if done.is_err() {
            self.roll_back();
            self.id_floor = id_floor;
        } else {
            self.count_log_pages();
        }
        done
    }

    fn roll_back(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::warn!(%error, "spool transaction could not be rolled back");
        }
    }

    fn change<'a>(
        &mut self,
        changes: impl Iterator<Item = &'a Change>,
    ) -> Result<Applied, StoreError> {
        let mut applied = Applied::default();
        let mut newest = self.id_floor;
        let mut statements = Statements::new(&self.connection)?;
        for change in changes {
            match change {
                Change::Insert(new) => {
                    statements.insert(new)?;
                    newest = newest.max(new.id);
                    applied.inserted += 1;
                }
                Change::Remove(id) => applied.removed += statements.remove(*id)?,
                Change::Update { id, due, envelope } => {
                    statements.update.execute(params![id, due, envelope])?;
                }
            }
        }
        drop(statements);
        if newest > self.id_floor {
            self.reserve_ids(newest)?;
        }
        Ok(applied)
    }

    /// Notes that ids up to some way behind `newest` are taken.
    fn reserve_ids(&mut self, newest: QueueId) -> Result<(), StoreError> {
        let floor = newest.minute_later();
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO note (name, value) VALUES ('id_floor', ?1)")?
            .execute([floor])?;
        self.id_floor = floor;
        Ok(())
    }

    /// Sets a damaged message aside as it is; false when it is not there.
    pub(crate) fn quarantine(&mut self, id: QueueId, reason: &str) -> Result<bool, StoreError> {
        let db = &self.connection;
        db.execute_batch("BEGIN IMMEDIATE")?;
        let done = (|| {
            let found = db.execute(
                "INSERT OR REPLACE INTO quarantine
                 SELECT id, ?2, arrived, size, content_sum, filed, envelope,
                        (SELECT bytes FROM content WHERE content.id = message.id)
                 FROM message WHERE id = ?1",
                params![id, reason],
            )?;
            db.execute("DELETE FROM message WHERE id = ?1", [id])?;
            db.execute("DELETE FROM content WHERE id = ?1", [id])?;
            self.disk.ask(Call::Commit, &self.path)?;
            db.execute_batch("COMMIT")?;
            Ok(found > 0)
        })();
        if done.is_err() {
            self.roll_back();
        } else {
            self.count_log_pages();
        }
        done
    }

    /// Pages in the log.
    pub(crate) fn log_pages(&self) -> u64 {
        self.log_pages
    }

    /// Bytes at the start of the log file that only durable transactions wrote.
    pub(crate) fn durable_log_bytes(&self) -> u64 {
        LOG_HEADER_BYTES + self.log_pages * FRAME_BYTES
    }

    /// Bytes of the log file, those counted in that a checkpoint left to be written over.
    pub(crate) fn log_file_bytes(&self) -> u64 {
        Disk::len(&log_path(&self.path))
    }

    /// Asks the engine; should it not say, the file's length is never too short.
    fn count_log_pages(&mut self) {
        let counted = self
            .connection
            .prepare_cached("PRAGMA wal_checkpoint(NOOP)")
            .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(1)));
        self.log_pages = match counted.map(u64::try_from) {
            Ok(Ok(pages)) => pages,
            _ => self.log_file_bytes() / FRAME_BYTES,
        };
    }

    /// Moves the log into the file, as far as readers let it.
    pub(crate) fn checkpoint(&mut self) -> Result<(), StoreError> {
        self.disk.ask(Call::Checkpoint, &self.path)?;
        self.connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        Ok(())
    }

    /// Moves the log into the file and cuts it to nothing.
    pub(crate) fn empty_log(&mut self) -> Result<(), StoreError> {
        self.disk.ask(Call::Checkpoint, &self.path)?;
        self.connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        self.count_log_pages();
        Ok(())
    }

    /// Gives some free pages back to the file system; whether there are more to give.
    pub(crate) fn vacuum(&mut self) -> Result<bool, StoreError> {
        let count =
            |db: &Connection| db.query_row("PRAGMA freelist_count", [], |row| row.get::<_, i64>(0));
        let free = count(&self.connection)?;
        if free <= limits::SLACK_PAGES {
            return Ok(false);
        }
        let step = limits::VACUUM_PAGES.min(free - limits::SLACK_PAGES);
        let mut statement = self
            .connection
            .prepare(&format!("PRAGMA incremental_vacuum({step})"))?;
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {}
        drop(rows);
        drop(statement);
        self.count_log_pages();
        Ok(free - step > limits::SLACK_PAGES)
    }

    /// Writes a note, syncs it into the file, and reads it back over another connection.
    pub(crate) fn probe(&mut self) -> Result<(), StoreError> {
        let sql = "INSERT INTO note (name, value) VALUES ('probe', 1)
                   ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value";
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let written = self
            .connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .map_err(StoreError::from)
            .and_then(|written| {
                self.disk.ask(Call::Commit, &self.path)?;
                self.connection.execute_batch("COMMIT")?;
                Ok(written)
            });
        if written.is_err() {
            self.roll_back();
        }
        let written = written?;
        self.empty_log()?;
        let read: i64 = reader::connect(&self.path)?.query_row(
            "SELECT value FROM note WHERE name = 'probe'",
            [],
            |row| row.get(0),
        )?;
        if read == written {
            Ok(())
        } else {
            Err(StoreError::Failing("probe read back wrong".to_owned()))
        }
    }
}

/// What a transaction is made of.
struct Statements<'a> {
    insert: CachedStatement<'a>,
    insert_content: CachedStatement<'a>,
    update: CachedStatement<'a>,
    remove: CachedStatement<'a>,
    remove_content: CachedStatement<'a>,
}

impl<'a> Statements<'a> {
    fn new(db: &'a Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            insert: db.prepare_cached(
                "INSERT INTO message (id, arrived, due, size, content_sum, filed, envelope)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?,
            insert_content: db.prepare_cached("INSERT INTO content (id, bytes) VALUES (?1, ?2)")?,
            update: db
                .prepare_cached("UPDATE message SET due = ?2, envelope = ?3 WHERE id = ?1")?,
            remove: db.prepare_cached("DELETE FROM message WHERE id = ?1")?,
            remove_content: db.prepare_cached("DELETE FROM content WHERE id = ?1")?,
        })
    }

    fn insert(&mut self, new: &Insert) -> rusqlite::Result<()> {
        self.insert.execute(params![
            new.id,
            new.arrived,
            new.due,
            new.size,
            new.content_sum,
            new.content.is_none(),
            new.envelope
        ])?;
        if let Some(content) = &new.content {
            self.insert_content.execute(params![new.id, &content[..]])?;
        }
        Ok(())
    }

    /// How many there were.
    fn remove(&mut self, id: QueueId) -> rusqlite::Result<u64> {
        self.remove_content.execute([id])?;
        Ok(self.remove.execute([id])? as u64)
    }
}

/// Copies the store as it is at one moment into a new file at `to`.
pub(crate) fn copy_into(reader: &Connection, to: &Path) -> Result<(), StoreError> {
    reader.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    Ok(())
}

/// The messages of a copied store whose content lies in files.
pub(crate) fn filed_in(copy: &Path) -> Result<Vec<QueueId>, StoreError> {
    let connection = Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement = connection.prepare("SELECT id FROM message WHERE filed = 1")?;
    let ids = statement.query_map([], |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// The engine's log, beside its file.
pub(crate) fn log_path(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

fn connect(disk: &Disk, path: &Path) -> Result<Connection, StoreError> {
    disk.ask(Call::Open, path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.busy_timeout(limits::IDLE)?;
    connection.execute_batch(CREATE)?;
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
         PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{};",
        limits::WRITER_CACHE_KIB
    ))?;
    Ok(connection)
}

fn migrate(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    let failed = |error: rusqlite::Error| open_error(path, error.into());
    let found: u32 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(failed)?;
    if found > known {
        return Err(OpenError::Newer {
            path: path.to_owned(),
            found,
            known,
        });
    }
    for (version, sql) in (1_u32..).zip(MIGRATIONS).skip(found as usize) {
        let step = format!("BEGIN IMMEDIATE; {sql} PRAGMA user_version = {version}; COMMIT;");
        connection.execute_batch(&step).map_err(failed)?;
    }
    Ok(())
}

pub(crate) fn open_error(path: &Path, error: StoreError) -> OpenError {
    let path = path.to_owned();
    match error {
        StoreError::Damaged(reason) => OpenError::Damaged { path, reason },
        StoreError::Failing(reason) => OpenError::Disk {
            path,
            source: std::io::Error::other(reason),
        },
        StoreError::Full => OpenError::Disk {
            path,
            source: std::io::ErrorKind::StorageFull.into(),
        },
    }
}
