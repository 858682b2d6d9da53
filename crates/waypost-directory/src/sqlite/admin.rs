//! Table `admin`.

use rusqlite::{Connection, Row, params};

use super::object::Objects;
use super::{Identity, identity, insert, parsed_if_any, run, stored, word};
use crate::model::{AdminRecord, Kind, LOCAL, Role, Stored};
use crate::password::PasswordHash;

const OBJECTS: Objects<Stored<AdminRecord>> = Objects {
    kind: Kind::Admin,
    columns: "id, revision, origin, external_id, login, password, role",
    from: "admin",
    id: "id",
    record,
};
const IDENTITY: &str = "SELECT id, revision FROM admin WHERE login = ?1";
const INSERT: &str = "
    INSERT INTO admin (revision, origin, login, password, role) VALUES (1, ?1, ?2, ?3, ?4)";
const UPDATE: &str = "
    UPDATE admin SET revision = revision + 1, password = ?2, role = ?3 WHERE id = ?1";
const DELETE: &str = "DELETE FROM admin WHERE id = ?1";

pub(crate) fn find(connection: &Connection, login: &str) -> rusqlite::Result<Option<Identity>> {
    identity(connection, IDENTITY, [login])
}

pub(crate) fn read(
    connection: &Connection,
    id: u32,
) -> rusqlite::Result<Option<Stored<AdminRecord>>> {
    OBJECTS.read(connection, id)
}

/// Administrators in the order of their numbers.
pub(crate) fn list(
    connection: &Connection,
    after: u32,
    limit: usize,
) -> rusqlite::Result<Vec<Stored<AdminRecord>>> {
    OBJECTS.list(connection, "TRUE", after, limit)
}

pub(crate) fn add(connection: &Connection, record: &AdminRecord) -> rusqlite::Result<u32> {
    let password = record.password.as_ref().map(PasswordHash::expose);
    let row = params![LOCAL, record.login, password, record.role.as_str()];
    insert(connection, INSERT, row)
}

pub(crate) fn set(
    connection: &Connection,
    id: u32,
    record: &AdminRecord,
) -> rusqlite::Result<usize> {
    let password = record.password.as_ref().map(PasswordHash::expose);
    run(
        connection,
        UPDATE,
        params![id, password, record.role.as_str()],
    )
}

pub(crate) fn remove(connection: &Connection, id: u32) -> rusqlite::Result<usize> {
    run(connection, DELETE, [id])
}

fn record(_: &Connection, row: &Row<'_>) -> rusqlite::Result<Stored<AdminRecord>> {
    let record = AdminRecord {
        login: row.get(4)?,
        password: parsed_if_any(row, 5, PasswordHash::parse)?,
        role: word(row, 6, Role::parse)?,
    };
    stored(row, record)
}
