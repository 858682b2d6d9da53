//! Tables `change` and `audit`.

use rusqlite::{Connection, params};

use super::{from_ms, run, to_ms};
use crate::edit::{Actor, AuditEntry};
use crate::model::Key;

const CHANGE: &str = "
    INSERT INTO change (kind, object_id, object_key, removed) VALUES (?1, ?2, ?3, ?4)";
const AUDIT: &str = "
    INSERT INTO audit (change, at_ms, who, from_where, kind, object_key, before, after)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const LAST: &str = "SELECT coalesce(max(number), 0) FROM change";
const LIST: &str = "
    SELECT change, at_ms, who, from_where, kind || ' ' || object_key, before, after FROM audit
    WHERE change < ?1 ORDER BY change DESC LIMIT ?2";

/// One write: what it was before, and what it is now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Write<'a> {
    pub(crate) key: &'a Key,
    pub(crate) id: u32,
    pub(crate) before: Option<&'a str>,
    pub(crate) after: Option<&'a str>,
}

/// Numbers a write and records who made it.
pub(crate) fn record(
    connection: &Connection,
    actor: &Actor<'_>,
    write: &Write<'_>,
) -> rusqlite::Result<()> {
    let (kind, name) = (write.key.kind().as_str(), write.key.name());
    run(
        connection,
        CHANGE,
        params![kind, write.id, name, write.after.is_none()],
    )?;
    let change = connection.last_insert_rowid();
    let row = params![
        change,
        to_ms(actor.at),
        actor.name,
        actor.from,
        kind,
        name,
        write.before,
        write.after
    ];
    run(connection, AUDIT, row)?;
    Ok(())
}

/// The number of the last write.
pub(crate) fn last(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached(LAST)?
        .query_row([], |row| row.get(0))
}

/// Entries before a change, the latest first.
pub(crate) fn list(
    connection: &Connection,
    before: u64,
    limit: usize,
) -> rusqlite::Result<Vec<AuditEntry>> {
    let before = i64::try_from(before).unwrap_or(i64::MAX);
    connection
        .prepare_cached(LIST)?
        .query_map(params![before, limit], |row| {
            Ok(AuditEntry {
                change: row.get(0)?,
                at: from_ms(row.get(1)?),
                who: row.get(2)?,
                from: row.get(3)?,
                object: row.get(4)?,
                before: row.get(5)?,
                after: row.get(6)?,
            })
        })?
        .collect()
}
