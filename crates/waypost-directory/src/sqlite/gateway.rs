//! Table `gateway`.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Row, params};
use waypost_proto::mail::Domain;

use super::object::Objects;
use super::{Identity, identity, insert, parsed, parsed_if_any, run, stored, word};
use crate::model::{
    GatewayRecord, GatewayVerify, Host, HostPort, Kind, LOCAL, Relay, Stored, Unreachable,
};
use crate::secret::Secret;

const OBJECTS: Objects<WithTarget> = Objects {
    kind: Kind::Gateway,
    columns: "g.id, g.revision, g.origin, g.external_id, g.domain, t.name, t.implicit,
    g.verify, g.minger_host, g.minger_port, g.minger_secret, g.list, g.sharing_too,
    g.unreachable, g.target_id",
    from: "gateway g JOIN target t ON t.id = g.target_id",
    id: "g.id",
    record,
};
const IDENTITY: &str = "SELECT id, revision FROM gateway WHERE domain = ?1";
const INSERT: &str = "
    INSERT INTO gateway (revision, origin, domain, target_id, verify, minger_host, minger_port,
        minger_secret, list, sharing_too, unreachable)
    VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const UPDATE: &str = "
    UPDATE gateway SET revision = revision + 1, target_id = ?2, verify = ?3, minger_host = ?4,
        minger_port = ?5, minger_secret = ?6, list = ?7, sharing_too = ?8, unreachable = ?9
    WHERE id = ?1";
const DELETE: &str = "DELETE FROM gateway WHERE id = ?1";
const ASKS_TARGET: &str = "
    SELECT domain FROM gateway
    WHERE target_id = ?1 AND verify = 'minger' AND minger_host IS NULL LIMIT 1";

pub(crate) fn find(connection: &Connection, domain: &Domain) -> rusqlite::Result<Option<Identity>> {
    identity(connection, IDENTITY, [domain.as_str()])
}

/// A stored gateway domain with the number of its target.
pub(crate) type WithTarget = (Stored<GatewayRecord>, u32);

pub(crate) fn read(connection: &Connection, id: u32) -> rusqlite::Result<Option<WithTarget>> {
    OBJECTS.read(connection, id)
}

/// Gateway domains in the order of their numbers.
pub(crate) fn list(
    connection: &Connection,
    after: u32,
    limit: usize,
) -> rusqlite::Result<Vec<WithTarget>> {
    OBJECTS.list(connection, "TRUE", after, limit)
}

pub(crate) fn add(
    connection: &Connection,
    record: &GatewayRecord,
    target: u32,
) -> rusqlite::Result<u32> {
    let row = params![
        LOCAL,
        record.domain.as_str(),
        target,
        record.verify.as_str(),
        record.minger_host.as_ref().map(Host::to_string),
        record.minger_port,
        record.minger_secret.expose(),
        list_text(record),
        record.sharing_too,
        record.unreachable.as_str(),
    ];
    insert(connection, INSERT, row)
}

pub(crate) fn set(
    connection: &Connection,
    id: u32,
    record: &GatewayRecord,
    target: u32,
) -> rusqlite::Result<usize> {
    let row = params![
        id,
        target,
        record.verify.as_str(),
        record.minger_host.as_ref().map(Host::to_string),
        record.minger_port,
        record.minger_secret.expose(),
        list_text(record),
        record.sharing_too,
        record.unreachable.as_str(),
    ];
    run(connection, UPDATE, row)
}

pub(crate) fn remove(connection: &Connection, id: u32) -> rusqlite::Result<usize> {
    run(connection, DELETE, [id])
}

/// A gateway domain that is verified by asking the host of this target over Minger.
pub(crate) fn asks_target(
    connection: &Connection,
    target: u32,
) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached(ASKS_TARGET)?
        .query_row([target], |row| row.get(0))
        .optional()
}

fn list_text(record: &GatewayRecord) -> Option<String> {
    let list = record.list.as_deref().map(Path::to_string_lossy);
    list.map(std::borrow::Cow::into_owned)
}

fn record(_: &Connection, row: &Row<'_>) -> rusqlite::Result<WithTarget> {
    let target = match row.get(6)? {
        true => Relay::Host(parsed(row, 5, HostPort::parse)?),
        false => Relay::Target(row.get(5)?),
    };
    let list: Option<String> = row.get(11)?;
    let record = GatewayRecord {
        domain: parsed(row, 4, Domain::parse)?,
        target,
        verify: word(row, 7, GatewayVerify::parse)?,
        minger_host: parsed_if_any(row, 8, Host::parse)?,
        minger_port: row.get(9)?,
        minger_secret: Secret::new(row.get::<_, String>(10)?),
        list: list.map(PathBuf::from),
        sharing_too: row.get(12)?,
        unreachable: word(row, 13, Unreachable::parse)?,
    };
    Ok((stored(row, record)?, row.get(14)?))
}
