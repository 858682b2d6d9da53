//! Tables `mail_group` and `group_member`.

use rusqlite::{Connection, Row, params};
use waypost_proto::mail::{Domain, Mailbox};

use super::object::Objects;
use super::{Identity, address, identity, insert, parsed, parsed_if_any, run, stored};
use crate::model::{GroupRecord, Kind, LOCAL, Stored};

const OBJECTS: Objects<Stored<GroupRecord>> = Objects {
    kind: Kind::Group,
    columns: "g.id, g.revision, g.origin, g.external_id, d.name, g.name, g.owner",
    from: "mail_group g JOIN domain d ON d.id = g.domain_id",
    id: "g.id",
    record,
};
const IDENTITY: &str = "SELECT id, revision FROM mail_group WHERE domain_id = ?1 AND name = ?2";
const MEMBERS: &str = "SELECT address FROM group_member WHERE group_id = ?1 ORDER BY position";
const INSERT: &str = "
    INSERT INTO mail_group (revision, origin, domain_id, name, owner) VALUES (1, ?1, ?2, ?3, ?4)";
const UPDATE: &str = "UPDATE mail_group SET revision = revision + 1, owner = ?2 WHERE id = ?1";
const DELETE: &str = "DELETE FROM mail_group WHERE id = ?1";
const DELETE_MEMBERS: &str = "DELETE FROM group_member WHERE group_id = ?1";
const INSERT_MEMBER: &str = "
    INSERT INTO group_member (group_id, position, address) VALUES (?1, ?2, ?3)";
const NAME: &str = "
    SELECT g.name || '@' || d.name FROM mail_group g JOIN domain d ON d.id = g.domain_id
    WHERE g.id = ?1";
const ALL: &str = "SELECT id FROM mail_group ORDER BY id";

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
) -> rusqlite::Result<Option<Stored<GroupRecord>>> {
    OBJECTS.read(connection, id)
}

/// Groups in the order of their numbers, of one domain or of all.
pub(crate) fn list(
    connection: &Connection,
    domain_id: Option<u32>,
    after: u32,
    limit: usize,
) -> rusqlite::Result<Vec<Stored<GroupRecord>>> {
    OBJECTS.list_in_domain(connection, domain_id, after, limit)
}

/// Who gets its mail.
pub(crate) fn members(connection: &Connection, id: u32) -> rusqlite::Result<Vec<Mailbox>> {
    connection
        .prepare_cached(MEMBERS)?
        .query_map([id], |row| parsed(row, 0, Mailbox::parse))?
        .collect()
}

/// What people call it: `team@example.com`.
pub(crate) fn name(connection: &Connection, id: u32) -> rusqlite::Result<String> {
    connection
        .prepare_cached(NAME)?
        .query_row([id], |row| row.get(0))
}

/// The numbers of all groups.
pub(crate) fn all(connection: &Connection) -> rusqlite::Result<Vec<u32>> {
    connection
        .prepare_cached(ALL)?
        .query_map([], |row| row.get(0))?
        .collect()
}

pub(crate) fn add(
    connection: &Connection,
    record: &GroupRecord,
    domain_id: u32,
) -> rusqlite::Result<u32> {
    let owner = record.owner.as_ref().map(Mailbox::to_string);
    let id = insert(
        connection,
        INSERT,
        params![LOCAL, domain_id, record.name, owner],
    )?;
    set_members(connection, id, record)?;
    Ok(id)
}

pub(crate) fn set(connection: &Connection, id: u32, record: &GroupRecord) -> rusqlite::Result<()> {
    let owner = record.owner.as_ref().map(Mailbox::to_string);
    run(connection, UPDATE, params![id, owner])?;
    set_members(connection, id, record)
}

fn set_members(connection: &Connection, id: u32, record: &GroupRecord) -> rusqlite::Result<()> {
    run(connection, DELETE_MEMBERS, [id])?;
    for (position, member) in record.members.iter().enumerate() {
        let row = params![id, position, member.to_string()];
        run(connection, INSERT_MEMBER, row)?;
    }
    Ok(())
}

pub(crate) fn remove(connection: &Connection, id: u32) -> rusqlite::Result<()> {
    run(connection, DELETE_MEMBERS, [id])?;
    run(connection, DELETE, [id])?;
    Ok(())
}

fn record(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<Stored<GroupRecord>> {
    let id: u32 = row.get(0)?;
    let record = GroupRecord {
        domain: parsed(row, 4, Domain::parse)?,
        name: row.get(5)?,
        addresses: address::of_owner(connection, (Kind::Group, id))?
            .into_iter()
            .map(|(address, _)| address)
            .collect(),
        members: members(connection, id)?,
        owner: parsed_if_any(row, 6, Mailbox::parse)?,
    };
    stored(row, record)
}
