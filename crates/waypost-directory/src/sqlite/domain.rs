//! Tables `domain` and `domain_name`.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use waypost_proto::mail::{Domain, Mailbox};

use super::object::Objects;
use super::{
    Identity, bytes, identity, insert, parsed, parsed_if_any, readable, run, stored, word,
};
use crate::model::{DomainRecord, HostPort, Kind, LOCAL, Quota, Relay, Stored, VerifyUnknown};

const OBJECTS: Objects<Row1> = Objects {
    kind: Kind::Domain,
    columns: "d.id, d.revision, d.origin, d.external_id, d.name, t.name, t.implicit,
    d.forward_unknown, d.verify_unknown, d.protect_senders, d.postmaster, d.user_max,
    d.user_default, d.shared_max, d.shared_default, d.relay_id",
    from: "domain d LEFT JOIN target t ON t.id = d.relay_id",
    id: "d.id",
    record,
};
const IDENTITY: &str = "SELECT id, revision FROM domain WHERE name = ?1";
const NAMES: &str = "SELECT id, name FROM domain_name WHERE domain_id = ?1 ORDER BY position";
const INSERT: &str = "
    INSERT INTO domain (revision, origin, name, relay_id, forward_unknown, verify_unknown,
        protect_senders, postmaster, user_max, user_default, shared_max, shared_default)
    VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
const UPDATE: &str = "
    UPDATE domain SET revision = revision + 1, relay_id = ?2, forward_unknown = ?3,
        verify_unknown = ?4, protect_senders = ?5, postmaster = ?6, user_max = ?7,
        user_default = ?8, shared_max = ?9, shared_default = ?10
    WHERE id = ?1";
const DELETE: &str = "DELETE FROM domain WHERE id = ?1";
const SHARING: &str = "
    SELECT t.id, t.name FROM domain_peer s JOIN target t ON t.id = s.target_id
    WHERE s.domain_id = ?1 ORDER BY s.position";
const DELETE_SHARING: &str = "DELETE FROM domain_peer WHERE domain_id = ?1";
const INSERT_SHARING: &str = "
    INSERT INTO domain_peer (domain_id, position, target_id) VALUES (?1, ?2, ?3)";
const DELETE_NAMES: &str = "DELETE FROM domain_name WHERE domain_id = ?1";
const DELETE_NAME: &str = "DELETE FROM domain_name WHERE id = ?1";
const INSERT_NAME: &str = "INSERT INTO domain_name (domain_id, position, name) VALUES (?1, ?2, ?3)";
const MOVE_NAME: &str = "UPDATE domain_name SET position = ?2 WHERE id = ?1";
const OTHER_WITH_NAME: &str = "
    SELECT d.name FROM domain_name n JOIN domain d ON d.id = n.domain_id
    WHERE n.name = ?1 AND n.domain_id <> ?2 LIMIT 1";

pub(crate) fn find(connection: &Connection, name: &Domain) -> rusqlite::Result<Option<Identity>> {
    identity(connection, IDENTITY, [name.as_str()])
}

/// A stored domain with the number of its relay.
pub(crate) type Row1 = (Stored<DomainRecord>, Option<u32>);

pub(crate) fn read(connection: &Connection, id: u32) -> rusqlite::Result<Option<Row1>> {
    OBJECTS.read(connection, id)
}

/// Domains in the order of their numbers.
pub(crate) fn list(
    connection: &Connection,
    after: u32,
    limit: usize,
) -> rusqlite::Result<Vec<Row1>> {
    OBJECTS.list(connection, "TRUE", after, limit)
}

/// The names of a domain with their numbers, the main name first.
pub(crate) fn names(connection: &Connection, id: u32) -> rusqlite::Result<Vec<(u32, Domain)>> {
    connection
        .prepare_cached(NAMES)?
        .query_map([id], |row| {
            Ok((row.get(0)?, parsed(row, 1, Domain::parse)?))
        })?
        .collect()
}

/// The peers of a domain with their numbers, in their order.
pub(crate) fn sharing(connection: &Connection, id: u32) -> rusqlite::Result<Vec<(u32, String)>> {
    connection
        .prepare_cached(SHARING)?
        .query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// The numbers of what a domain names.
#[derive(Debug)]
pub(crate) struct References {
    pub(crate) relay: Option<u32>,
    pub(crate) sharing: Vec<u32>,
}

pub(crate) fn add(
    connection: &Connection,
    record: &DomainRecord,
    references: &References,
) -> rusqlite::Result<u32> {
    let row = params![
        LOCAL,
        record.name.as_str(),
        references.relay,
        record.forward_unknown,
        record.verify_unknown.as_str(),
        record.protect_senders,
        record.postmaster.as_ref().map(Mailbox::to_string),
        bytes(record.quota.user_max),
        bytes(record.quota.user_default),
        bytes(record.quota.shared_max),
        bytes(record.quota.shared_default),
    ];
    let id = insert(connection, INSERT, row)?;
    set_names(connection, id, record)?;
    set_sharing(connection, id, references)?;
    Ok(id)
}

pub(crate) fn set(
    connection: &Connection,
    id: u32,
    record: &DomainRecord,
    references: &References,
) -> rusqlite::Result<()> {
    let row = params![
        id,
        references.relay,
        record.forward_unknown,
        record.verify_unknown.as_str(),
        record.protect_senders,
        record.postmaster.as_ref().map(Mailbox::to_string),
        bytes(record.quota.user_max),
        bytes(record.quota.user_default),
        bytes(record.quota.shared_max),
        bytes(record.quota.shared_default),
    ];
    run(connection, UPDATE, row)?;
    set_names(connection, id, record)?;
    set_sharing(connection, id, references)
}

fn set_sharing(connection: &Connection, id: u32, references: &References) -> rusqlite::Result<()> {
    run(connection, DELETE_SHARING, [id])?;
    for (position, target) in references.sharing.iter().enumerate() {
        run(connection, INSERT_SHARING, params![id, position, target])?;
    }
    Ok(())
}

/// Names that stay keep their numbers: addresses refer to them.
fn set_names(connection: &Connection, id: u32, record: &DomainRecord) -> rusqlite::Result<()> {
    let mut old: HashMap<Domain, u32> = names(connection, id)?
        .into_iter()
        .map(|(name_id, name)| (name, name_id))
        .collect();
    for (position, name) in record.names().enumerate() {
        match old.remove(name) {
            Some(name_id) => run(connection, MOVE_NAME, params![name_id, position])?,
            None => run(
                connection,
                INSERT_NAME,
                params![id, position, name.as_str()],
            )?,
        };
    }
    for name_id in old.into_values() {
        run(connection, DELETE_NAME, [name_id])?;
    }
    Ok(())
}

pub(crate) fn remove(connection: &Connection, id: u32) -> rusqlite::Result<()> {
    run(connection, DELETE_NAMES, [id])?;
    run(connection, DELETE_SHARING, [id])?;
    run(connection, DELETE, [id])?;
    Ok(())
}

/// The main name of another domain that has this name.
pub(crate) fn other_with_name(
    connection: &Connection,
    id: u32,
    name: &Domain,
) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached(OTHER_WITH_NAME)?
        .query_row(params![name.as_str(), id], |row| row.get(0))
        .optional()
}

fn record(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<Row1> {
    let id: u32 = row.get(0)?;
    let implicit: Option<bool> = row.get(6)?;
    let relay = match implicit {
        None => None,
        Some(true) => Some(Relay::Host(parsed(row, 5, HostPort::parse)?)),
        Some(false) => Some(Relay::Target(row.get(5)?)),
    };
    let record = DomainRecord {
        name: parsed(row, 4, Domain::parse)?,
        aliases: names(connection, id)?
            .into_iter()
            .skip(1)
            .map(|(_, name)| name)
            .collect(),
        relay,
        forward_unknown: row.get(7)?,
        sharing: sharing(connection, id)?
            .into_iter()
            .map(|(_, name)| name)
            .collect(),
        verify_unknown: word(row, 8, VerifyUnknown::parse)?,
        protect_senders: row.get(9)?,
        postmaster: postmaster(row)?,
        quota: Quota {
            user_max: row.get(11)?,
            user_default: row.get(12)?,
            shared_max: row.get(13)?,
            shared_default: row.get(14)?,
        },
    };
    Ok((stored(row, record)?, row.get(15)?))
}

/// A domain without its postmaster is better than no domain.
fn postmaster(row: &Row<'_>) -> rusqlite::Result<Option<Mailbox>> {
    let read = parsed_if_any(row, 10, Mailbox::parse);
    Ok(readable(Kind::Domain, row, read)?.flatten())
}
