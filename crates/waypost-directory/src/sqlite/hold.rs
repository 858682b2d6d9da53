//! Table `hold`.

use rusqlite::{Connection, OptionalExtension, Row, params};
use waypost_proto::mail::Domain;

use super::{Identity, from_ms, identity, insert, parsed, rows, run, to_ms};
use crate::model::{Hold, HoldKey, Kind, LOCAL};

const COLUMNS: &str = "id, kind, domain, name, reason, until_ms";
const IDENTITY: &str = "
    SELECT id, revision FROM hold WHERE kind = ?1 AND domain = ?2 AND name = ?3";
const INSERT: &str = "
    INSERT INTO hold (revision, origin, kind, domain, name, reason, until_ms)
    VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)";
const UPDATE: &str = "
    UPDATE hold SET revision = revision + 1, reason = ?2, until_ms = ?3 WHERE id = ?1";
const DELETE: &str = "DELETE FROM hold WHERE id = ?1";

pub(crate) fn find(connection: &Connection, key: &HoldKey) -> rusqlite::Result<Option<Identity>> {
    let (kind, domain, name) = columns(key);
    identity(connection, IDENTITY, [kind, domain, name])
}

pub(crate) fn read(connection: &Connection, id: u32) -> rusqlite::Result<Option<(HoldKey, Hold)>> {
    let sql = format!("SELECT {COLUMNS} FROM hold WHERE id = ?1");
    connection
        .prepare_cached(&sql)?
        .query_row([id], record)
        .optional()
}

pub(crate) fn list(connection: &Connection) -> rusqlite::Result<Vec<(HoldKey, Hold)>> {
    let sql = format!("SELECT {COLUMNS} FROM hold ORDER BY id");
    rows(
        &mut connection.prepare_cached(&sql)?,
        Kind::Hold,
        [],
        record,
    )
}

pub(crate) fn add(connection: &Connection, key: &HoldKey, hold: &Hold) -> rusqlite::Result<u32> {
    let (kind, domain, name) = columns(key);
    let row = params![
        LOCAL,
        kind,
        domain,
        name,
        hold.reason,
        hold.until.map(to_ms)
    ];
    insert(connection, INSERT, row)
}

pub(crate) fn set(connection: &Connection, id: u32, hold: &Hold) -> rusqlite::Result<usize> {
    run(
        connection,
        UPDATE,
        params![id, hold.reason, hold.until.map(to_ms)],
    )
}

pub(crate) fn remove(connection: &Connection, id: u32) -> rusqlite::Result<usize> {
    run(connection, DELETE, [id])
}

fn columns(key: &HoldKey) -> (&'static str, &str, &str) {
    match key {
        HoldKey::Domain(name) => ("domain", name.as_str(), ""),
        HoldKey::Target(name) => ("target", "", name),
        HoldKey::User(domain, login) => ("user", domain.as_str(), login),
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<(HoldKey, Hold)> {
    let kind: String = row.get(1)?;
    let key = match kind.as_str() {
        "target" => HoldKey::Target(row.get(3)?),
        "user" => HoldKey::User(parsed(row, 2, Domain::parse)?, row.get(3)?),
        _ => HoldKey::Domain(parsed(row, 2, Domain::parse)?),
    };
    let until: Option<i64> = row.get(5)?;
    let hold = Hold {
        reason: row.get(4)?,
        until: until.map(from_ms),
    };
    Ok((key, hold))
}
