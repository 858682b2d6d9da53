//! Table `target`.

use rusqlite::{Connection, OptionalExtension, Row, params};
use waypost_proto::net::{Network, NetworkError};

use super::object::Objects;
use super::{Identity, identity, insert, parsed, parsed_if_any, run, stored, word};
use crate::model::{
    Host, HostPort, Kind, LOCAL, RecipientForm, Stored, TargetRecord, TlsPin, TlsPolicy,
};
use crate::password::PasswordHash;
use crate::secret::Secret;

const OBJECTS: Objects<(Stored<TargetRecord>, bool)> = Objects {
    kind: Kind::Target,
    columns: "id, revision, origin, external_id, name, host, port, sources, tls, tls_pin,
    username, password, connections, recipient, smart_host_on_error, implicit,
    client_pin, client_login, client_password, cut_through",
    from: "target",
    id: "id",
    record,
};
const IDENTITY: &str = "SELECT id, revision FROM target WHERE name = ?1";
const IS_PEER: &str = "EXISTS (SELECT 1 FROM peer WHERE target_id = target.id)";
const INSERT: &str = "
    INSERT INTO target (revision, origin, name, implicit, host, port, sources, tls, tls_pin,
        username, password, connections, recipient, smart_host_on_error, client_pin,
        client_login, client_password, cut_through)
    VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";
const UPDATE: &str = "
    UPDATE target SET revision = revision + 1, host = ?2, port = ?3, sources = ?4, tls = ?5,
        tls_pin = ?6, username = ?7, password = ?8, connections = ?9, recipient = ?10,
        smart_host_on_error = ?11, client_pin = ?12, client_login = ?13,
        client_password = ?14, cut_through = ?15
    WHERE id = ?1";
const OTHER_WITH_PIN: &str = "SELECT name FROM target WHERE client_pin = ?1 AND id <> ?2";
const OTHER_WITH_LOGIN: &str =
    "SELECT name FROM target WHERE client_login = ?1 AND client_login <> '' AND id <> ?2";
const DELETE: &str = "DELETE FROM target WHERE id = ?1";
const DELETE_UNUSED: &str = "
    DELETE FROM target WHERE implicit
    AND NOT EXISTS (SELECT 1 FROM domain WHERE relay_id = target.id)
    AND NOT EXISTS (SELECT 1 FROM gateway WHERE target_id = target.id)";
const USERS: &str = "
    SELECT 'domain ' || name FROM domain WHERE relay_id = ?1
    UNION ALL
    SELECT 'user ' || u.login || '@' || d.name FROM user u JOIN domain d ON d.id = u.domain_id
    WHERE u.target_id = ?1
    UNION ALL
    SELECT 'gateway ' || domain FROM gateway WHERE target_id = ?1
    UNION ALL
    SELECT 'the sharing of domain ' || d.name FROM domain_peer s
    JOIN domain d ON d.id = s.domain_id WHERE s.target_id = ?1
    LIMIT 3";

/// The target with a name, which may be a peer.
pub(crate) fn find(connection: &Connection, name: &str) -> rusqlite::Result<Option<Identity>> {
    identity(connection, IDENTITY, [name])
}

/// The target with a name that is no peer.
pub(crate) fn find_plain(
    connection: &Connection,
    name: &str,
) -> rusqlite::Result<Option<Identity>> {
    let sql = format!("{IDENTITY} AND NOT {IS_PEER}");
    identity(connection, &sql, [name])
}

/// The record with a number, and whether it is implicit.
pub(crate) fn read(
    connection: &Connection,
    id: u32,
) -> rusqlite::Result<Option<(Stored<TargetRecord>, bool)>> {
    OBJECTS.read(connection, id)
}

/// Targets in the order of their numbers, with whether each is implicit.
pub(crate) fn list(
    connection: &Connection,
    after: u32,
    limit: usize,
) -> rusqlite::Result<Vec<(Stored<TargetRecord>, bool)>> {
    OBJECTS.list(connection, "TRUE", after, limit)
}

/// Targets that have a name of their own: those that are peers, or those that are none.
pub(crate) fn list_of(
    connection: &Connection,
    kind: Kind,
    after: u32,
    limit: usize,
) -> rusqlite::Result<Vec<Stored<TargetRecord>>> {
    let wanted = match kind {
        Kind::Peer => IS_PEER.to_owned(),
        _ => format!("NOT implicit AND NOT {IS_PEER}"),
    };
    let list = OBJECTS.list(connection, &wanted, after, limit)?;
    Ok(list.into_iter().map(|(stored, _)| stored).collect())
}

pub(crate) fn add(connection: &Connection, record: &TargetRecord) -> rusqlite::Result<u32> {
    write_new(connection, record, false)
}

/// The target that a relay given as a host stands for; made if there is none yet.
pub(crate) fn implicit(connection: &Connection, host: &HostPort) -> rusqlite::Result<u32> {
    let name = host.to_string();
    if let Some(found) = find(connection, &name)? {
        return Ok(found.id);
    }
    let mut record = TargetRecord::new(name, host.host.clone());
    record.port = host.port;
    write_new(connection, &record, true)
}

fn write_new(
    connection: &Connection,
    record: &TargetRecord,
    implicit: bool,
) -> rusqlite::Result<u32> {
    let row = params![
        LOCAL,
        record.name,
        implicit,
        record.host.to_string(),
        record.port,
        sources(record),
        record.tls.as_str(),
        record.tls_pin.map(|pin| pin.to_string()),
        record.username,
        record.password.expose(),
        record.connections,
        record.recipient.to_string(),
        record.smart_host_on_error,
        record.client_pin.map(|pin| pin.to_string()),
        record.client_login,
        record.client_password.as_ref().map(PasswordHash::expose),
        record.cut_through,
    ];
    insert(connection, INSERT, row)
}

pub(crate) fn set(
    connection: &Connection,
    id: u32,
    record: &TargetRecord,
) -> rusqlite::Result<usize> {
    let row = params![
        id,
        record.host.to_string(),
        record.port,
        sources(record),
        record.tls.as_str(),
        record.tls_pin.map(|pin| pin.to_string()),
        record.username,
        record.password.expose(),
        record.connections,
        record.recipient.to_string(),
        record.smart_host_on_error,
        record.client_pin.map(|pin| pin.to_string()),
        record.client_login,
        record.client_password.as_ref().map(PasswordHash::expose),
        record.cut_through,
    ];
    run(connection, UPDATE, row)
}

pub(crate) fn remove(connection: &Connection, id: u32) -> rusqlite::Result<usize> {
    run(connection, DELETE, [id])
}

/// Removes targets that were made for a relay which no domain names any more.
pub(crate) fn remove_unused(connection: &Connection) -> rusqlite::Result<usize> {
    run(connection, DELETE_UNUSED, [])
}

/// Another target that shows the same key as a client.
pub(crate) fn other_with_client_pin(
    connection: &Connection,
    id: u32,
    pin: TlsPin,
) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached(OTHER_WITH_PIN)?
        .query_row(params![pin.to_string(), id], |row| row.get(0))
        .optional()
}

/// Another target that logs in here with the same name.
pub(crate) fn other_with_client_login(
    connection: &Connection,
    id: u32,
    login: &str,
) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached(OTHER_WITH_LOGIN)?
        .query_row(params![login, id], |row| row.get(0))
        .optional()
}

/// Some of the objects that name the target.
pub(crate) fn used_by(connection: &Connection, id: u32) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached(USERS)?
        .query_map([id], |row| row.get(0))?
        .collect()
}

fn sources(record: &TargetRecord) -> String {
    let networks: Vec<String> = record.sources.iter().map(Network::to_string).collect();
    networks.join(" ")
}

fn record(_: &Connection, row: &Row<'_>) -> rusqlite::Result<(Stored<TargetRecord>, bool)> {
    let record = TargetRecord {
        name: row.get(4)?,
        host: parsed(row, 5, Host::parse)?,
        port: row.get(6)?,
        sources: parsed(row, 7, networks)?,
        tls: word(row, 8, TlsPolicy::parse)?,
        tls_pin: pin(row, 9)?,
        username: row.get(10)?,
        password: Secret::new(row.get::<_, String>(11)?),
        connections: row.get(12)?,
        recipient: word(row, 13, RecipientForm::parse)?,
        smart_host_on_error: row.get(14)?,
        client_pin: pin(row, 16)?,
        client_login: row.get(17)?,
        client_password: parsed_if_any(row, 18, PasswordHash::parse)?,
        cut_through: row.get(19)?,
    };
    Ok((stored(row, record)?, row.get(15)?))
}

fn pin(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<TlsPin>> {
    match row.get::<_, Option<String>>(column)? {
        Some(_) => word(row, column, TlsPin::parse).map(Some),
        None => Ok(None),
    }
}

fn networks(text: &str) -> Result<Vec<Network>, NetworkError> {
    text.split_whitespace().map(Network::parse).collect()
}
