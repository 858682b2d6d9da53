//! Table `token`.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::admin::{grants, grants_of, scope_of, words};
use super::object::Objects;
use super::{Identity, from_ms, identity, insert, rows, run, stored, to_ms, word};
use crate::model::{Kind, LOCAL, Role, Stored, TokenHash, TokenRecord};

const OBJECTS: Objects<Stored<TokenRecord>> = Objects {
    kind: Kind::Token,
    columns: "t.id, t.revision, t.origin, t.external_id, t.token, a.login, t.name, t.hash, t.role,
    t.domains, t.grants, t.expires_ms, t.created_ms, t.last_used_ms",
    from: "token t JOIN admin a ON a.id = t.admin_id",
    id: "t.id",
    record,
};
const IDENTITY: &str = "SELECT id, revision FROM token WHERE token = ?1";
const BY_HASH: &str = "SELECT id FROM token WHERE hash = ?1";
const OF_ADMIN: &str = "SELECT id FROM token WHERE admin_id = ?1 ORDER BY id";
const INSERT: &str = "
    INSERT INTO token (revision, origin, token, admin_id, name, hash, role, domains, grants,
        expires_ms, created_ms)
    VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const UPDATE: &str = "
    UPDATE token SET revision = revision + 1, name = ?2, hash = ?3, role = ?4, domains = ?5,
        grants = ?6, expires_ms = ?7
    WHERE id = ?1";
const TOUCH: &str = "UPDATE token SET last_used_ms = ?2 WHERE token = ?1";
const DELETE: &str = "DELETE FROM token WHERE id = ?1";

pub(crate) fn find(connection: &Connection, token: &str) -> rusqlite::Result<Option<Identity>> {
    identity(connection, IDENTITY, [token])
}

pub(crate) fn read(
    connection: &Connection,
    id: u32,
) -> rusqlite::Result<Option<Stored<TokenRecord>>> {
    OBJECTS.read(connection, id)
}

/// The token with a secret of this hash.
pub(crate) fn by_hash(connection: &Connection, hash: &TokenHash) -> rusqlite::Result<Option<u32>> {
    connection
        .prepare_cached(BY_HASH)?
        .query_row([hash.0], |row| row.get(0))
        .optional()
}

/// The tokens of an administrator, by number.
pub(crate) fn of_admin(
    connection: &Connection,
    admin_id: u32,
) -> rusqlite::Result<Vec<Stored<TokenRecord>>> {
    let mut statement = connection.prepare_cached(OF_ADMIN)?;
    let ids = rows(&mut statement, Kind::Token, [admin_id], |row| row.get(0))?;
    let mut all = Vec::with_capacity(ids.len());
    for id in ids {
        match read(connection, id) {
            Err(error) if super::is_damage(&error) => {}
            found => all.extend(found?),
        }
    }
    Ok(all)
}

/// Tokens in the order of their numbers.
pub(crate) fn list(
    connection: &Connection,
    after: u32,
    limit: usize,
) -> rusqlite::Result<Vec<Stored<TokenRecord>>> {
    OBJECTS.list(connection, "TRUE", after, limit)
}

pub(crate) fn add(
    connection: &Connection,
    record: &TokenRecord,
    admin_id: u32,
) -> rusqlite::Result<u32> {
    let row = params![
        LOCAL,
        record.id,
        admin_id,
        record.name,
        record.hash.0,
        record.role.as_str(),
        words(&record.domains.words()),
        grants(&record.grants),
        to_ms(record.expires_at),
        to_ms(record.created_at),
    ];
    insert(connection, INSERT, row)
}

pub(crate) fn set(
    connection: &Connection,
    id: u32,
    record: &TokenRecord,
) -> rusqlite::Result<usize> {
    let row = params![
        id,
        record.name,
        record.hash.0,
        record.role.as_str(),
        words(&record.domains.words()),
        grants(&record.grants),
        to_ms(record.expires_at),
    ];
    run(connection, UPDATE, row)
}

/// Notes when it was used.
pub(crate) fn touch(
    connection: &Connection,
    token: &str,
    at: SystemTime,
) -> rusqlite::Result<usize> {
    run(connection, TOUCH, params![token, to_ms(at)])
}

pub(crate) fn remove(connection: &Connection, id: u32) -> rusqlite::Result<usize> {
    run(connection, DELETE, [id])
}

fn record(_: &Connection, row: &Row<'_>) -> rusqlite::Result<Stored<TokenRecord>> {
    let last_used: Option<i64> = row.get(13)?;
    let record = TokenRecord {
        id: row.get(4)?,
        admin: row.get(5)?,
        name: row.get(6)?,
        hash: TokenHash(row.get(7)?),
        role: word(row, 8, Role::parse)?,
        domains: word(row, 9, scope_of)?,
        grants: word(row, 10, grants_of)?,
        expires_at: from_ms(row.get(11)?),
        created_at: from_ms(row.get(12)?),
        last_used_at: last_used.map(from_ms),
    };
    stored(row, record)
}
