//! Tables `mailbox` and `mailbox_member`.

use rusqlite::{Connection, Row, params};
use waypost_proto::mail::{Domain, Mailbox};

use super::object::Objects;
use super::{Identity, address, bytes, identity, insert, parsed, run, stored};
use crate::model::{Kind, LOCAL, SharedRecord, Stored};

const OBJECTS: Objects<Stored<SharedRecord>> = Objects {
    kind: Kind::Mailbox,
    columns: "m.id, m.revision, m.origin, m.external_id, d.name, m.name, m.quota_bytes",
    from: "mailbox m JOIN domain d ON d.id = m.domain_id",
    id: "m.id",
    record,
};
const IDENTITY: &str = "SELECT id, revision FROM mailbox WHERE domain_id = ?1 AND name = ?2";
const MEMBERS: &str = "
    SELECT user_id, address FROM mailbox_member WHERE mailbox_id = ?1 ORDER BY position";
const INSERT: &str = "
    INSERT INTO mailbox (revision, origin, domain_id, name, quota_bytes)
    VALUES (1, ?1, ?2, ?3, ?4)";
const UPDATE: &str = "UPDATE mailbox SET revision = revision + 1, quota_bytes = ?2 WHERE id = ?1";
const DELETE: &str = "DELETE FROM mailbox WHERE id = ?1";
const DELETE_MEMBERS: &str = "DELETE FROM mailbox_member WHERE mailbox_id = ?1";
const INSERT_MEMBER: &str = "
    INSERT INTO mailbox_member (mailbox_id, position, user_id, address) VALUES (?1, ?2, ?3, ?4)";
const OF_USER: &str = "
    SELECT m.name || '@' || d.name, x.address
    FROM mailbox_member x JOIN mailbox m ON m.id = x.mailbox_id JOIN domain d ON d.id = m.domain_id
    WHERE x.user_id = ?1";

pub(crate) fn find(
    connection: &Connection,
    domain_id: u32,
    name: &str,
) -> rusqlite::Result<Option<Identity>> {
    identity(connection, IDENTITY, params![domain_id, name])
}

pub(crate) fn read(
    connection: &Connection,
    id: u32,
) -> rusqlite::Result<Option<Stored<SharedRecord>>> {
    OBJECTS.read(connection, id)
}

/// Shared mailboxes in the order of their numbers, of one domain or of all.
pub(crate) fn list(
    connection: &Connection,
    domain_id: Option<u32>,
    after: u32,
    limit: usize,
) -> rusqlite::Result<Vec<Stored<SharedRecord>>> {
    OBJECTS.list_in_domain(connection, domain_id, after, limit)
}

/// The users who share it, by number, each with the address that names him.
pub(crate) fn members(connection: &Connection, id: u32) -> rusqlite::Result<Vec<(u32, Mailbox)>> {
    connection
        .prepare_cached(MEMBERS)?
        .query_map([id], |row| {
            Ok((row.get(0)?, parsed(row, 1, Mailbox::parse)?))
        })?
        .collect()
}

/// The shared mailboxes that a user is in, each with the address that names him there.
pub(crate) fn of_user(
    connection: &Connection,
    user_id: u32,
) -> rusqlite::Result<Vec<(String, Mailbox)>> {
    connection
        .prepare_cached(OF_USER)?
        .query_map([user_id], |row| {
            Ok((row.get(0)?, parsed(row, 1, Mailbox::parse)?))
        })?
        .collect()
}

pub(crate) fn add(
    connection: &Connection,
    record: &SharedRecord,
    domain_id: u32,
) -> rusqlite::Result<u32> {
    let row = params![LOCAL, domain_id, record.name, record.quota_bytes.map(bytes)];
    insert(connection, INSERT, row)
}

pub(crate) fn set(
    connection: &Connection,
    id: u32,
    record: &SharedRecord,
) -> rusqlite::Result<usize> {
    run(
        connection,
        UPDATE,
        params![id, record.quota_bytes.map(bytes)],
    )
}

pub(crate) fn set_members(
    connection: &Connection,
    id: u32,
    members: &[(u32, &Mailbox)],
) -> rusqlite::Result<()> {
    run(connection, DELETE_MEMBERS, [id])?;
    for (position, (user_id, address)) in members.iter().enumerate() {
        let row = params![id, position, user_id, address.to_string()];
        run(connection, INSERT_MEMBER, row)?;
    }
    Ok(())
}

pub(crate) fn remove(connection: &Connection, id: u32) -> rusqlite::Result<()> {
    run(connection, DELETE_MEMBERS, [id])?;
    run(connection, DELETE, [id])?;
    Ok(())
}

fn record(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<Stored<SharedRecord>> {
    let id: u32 = row.get(0)?;
    let record = SharedRecord {
        domain: parsed(row, 4, Domain::parse)?,
        name: row.get(5)?,
        addresses: address::of_owner(connection, (Kind::Mailbox, id))?
            .into_iter()
            .map(|(address, _)| address)
            .collect(),
        members: members(connection, id)?
            .into_iter()
            .map(|(_, address)| address)
            .collect(),
        quota_bytes: row.get(6)?,
    };
    stored(row, record)
}
