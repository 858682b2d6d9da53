//! Table `hold`.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OptionalExtension, Row, params};
use waypost_proto::mail::Domain;

use super::{Identity, from_ms, identity, insert, parsed, rows, run, to_ms};
use crate::model::{Hold, HoldKey, Kind, LOCAL, Span};

const COLUMNS: &str = "id, kind, domain, name, reason, until_ms, since_ms";
const IDENTITY: &str = "
    SELECT id, revision FROM hold WHERE kind = ?1 AND domain = ?2 AND name = ?3";
const INSERT: &str = "
    INSERT INTO hold (revision, origin, kind, domain, name, reason, until_ms, since_ms)
    VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const UPDATE: &str = "
    UPDATE hold SET revision = revision + 1, reason = ?2, until_ms = ?3, since_ms = ?4
    WHERE id = ?1";
const INSERT_PAST: &str = "
    INSERT INTO past_hold (kind, domain, name, since_ms, ended_ms) VALUES (?1, ?2, ?3, ?4, ?5)";
const DELETE_PAST: &str = "
    DELETE FROM past_hold
    WHERE ended_ms < ?1 OR id <= (SELECT max(id) FROM past_hold) - ?2";
const PAST: &str = "
    SELECT id, kind, domain, name, since_ms, ended_ms FROM past_hold ORDER BY id";
/// How long a hold that is over is remembered: longer than messages wait.
const PAST_KEPT: Duration = Duration::from_hours(24 * 60);
/// Most holds that are over and remembered.
const PAST_MAX: u32 = 10_000;
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
        hold.until.map(to_ms),
        to_ms(hold.since)
    ];
    insert(connection, INSERT, row)
}

pub(crate) fn set(connection: &Connection, id: u32, hold: &Hold) -> rusqlite::Result<usize> {
    run(
        connection,
        UPDATE,
        params![id, hold.reason, hold.until.map(to_ms), to_ms(hold.since)],
    )
}

/// Remembers a hold that ends now or is over, and forgets those that no message can remember.
pub(crate) fn end(
    connection: &Connection,
    key: &HoldKey,
    hold: &Hold,
    now: SystemTime,
) -> rusqlite::Result<()> {
    let (kind, domain, name) = columns(key);
    let span = hold.span(now);
    let row = params![kind, domain, name, to_ms(span.since), to_ms(span.ended)];
    insert(connection, INSERT_PAST, row)?;
    let forgotten = now.checked_sub(PAST_KEPT).map_or(0, to_ms);
    run(connection, DELETE_PAST, params![forgotten, PAST_MAX])?;
    Ok(())
}

/// Holds that are over and still remembered, the oldest first.
pub(crate) fn past(connection: &Connection) -> rusqlite::Result<HashMap<HoldKey, Vec<Span>>> {
    let mut statement = connection.prepare_cached(PAST)?;
    let spans = statement.query_map([], |row| {
        let span = Span {
            since: from_ms(row.get(4)?),
            ended: from_ms(row.get(5)?),
        };
        Ok((key(row)?, span))
    })?;
    let mut past: HashMap<HoldKey, Vec<Span>> = HashMap::new();
    for read in spans {
        let (key, span) = read?;
        past.entry(key).or_default().push(span);
    }
    Ok(past)
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

fn key(row: &Row<'_>) -> rusqlite::Result<HoldKey> {
    let kind: String = row.get(1)?;
    Ok(match kind.as_str() {
        "target" => HoldKey::Target(row.get(3)?),
        "user" => HoldKey::User(parsed(row, 2, Domain::parse)?, row.get(3)?),
        _ => HoldKey::Domain(parsed(row, 2, Domain::parse)?),
    })
}

fn record(row: &Row<'_>) -> rusqlite::Result<(HoldKey, Hold)> {
    let key = key(row)?;
    let until: Option<i64> = row.get(5)?;
    let hold = Hold {
        reason: row.get(4)?,
        since: from_ms(row.get(6)?),
        until: until.map(from_ms),
    };
    Ok((key, hold))
}
