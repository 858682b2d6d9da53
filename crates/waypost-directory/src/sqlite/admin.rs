//! Table `admin`.

use rusqlite::{Connection, Row, params};
use waypost_proto::mail::Domain;

use super::object::Objects;
use super::{Identity, identity, insert, parsed_if_any, run, stored, user, word};
use crate::model::{AdminRecord, Grant, Kind, LOCAL, Role, Scope, Stored};
use crate::password::PasswordHash;

const OBJECTS: Objects<Stored<AdminRecord>> = Objects {
    kind: Kind::Admin,
    columns: "id, revision, origin, external_id, login, password, role, name, domains, grants,
    must_change, suspended",
    from: "admin",
    id: "id",
    record,
};
const IDENTITY: &str = "SELECT id, revision FROM admin WHERE login = ?1";
const INSERT: &str = "
    INSERT INTO admin (revision, origin, login, password, role, name, domains, grants,
        must_change, suspended)
    VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const UPDATE: &str = "
    UPDATE admin SET revision = revision + 1, password = ?2, role = ?3, name = ?4, domains = ?5,
        grants = ?6, must_change = ?7, suspended = ?8
    WHERE id = ?1";
const DELETE: &str = "DELETE FROM admin WHERE id = ?1";
/// Who is limited to a domain, whether by his own record or by a token's.
const NAMING: &str = "
    SELECT 'admin ' || login FROM admin
    WHERE EXISTS (SELECT 1 FROM json_each(domains) WHERE value = ?1)
    UNION ALL
    SELECT 'token ' || token FROM token
    WHERE EXISTS (SELECT 1 FROM json_each(domains) WHERE value = ?1)
    LIMIT 3";

pub(crate) fn find(connection: &Connection, login: &str) -> rusqlite::Result<Option<Identity>> {
    identity(connection, IDENTITY, [login])
}

pub(crate) fn read(
    connection: &Connection,
    id: u32,
) -> rusqlite::Result<Option<Stored<AdminRecord>>> {
    OBJECTS.read(connection, id)
}

/// The administrator with a login.
pub(crate) fn by_login(
    connection: &Connection,
    login: &str,
) -> rusqlite::Result<Option<Stored<AdminRecord>>> {
    match find(connection, login)? {
        Some(found) => read(connection, found.id),
        None => Ok(None),
    }
}

/// Administrators in the order of their numbers.
pub(crate) fn list(
    connection: &Connection,
    after: u32,
    limit: usize,
) -> rusqlite::Result<Vec<Stored<AdminRecord>>> {
    OBJECTS.list(connection, "TRUE", after, limit)
}

/// The superadministrators who can log in, by login.
pub(crate) fn usable(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let all = list(connection, 0, usize::MAX >> 1)?;
    let mut usable = Vec::new();
    for admin in all.into_iter().map(|stored| stored.record) {
        if admin.role == Role::Superadministrator && can_log_in(connection, &admin)? {
            usable.push(admin.login);
        }
    }
    Ok(usable)
}

/// Whether the right password would let him in.
fn can_log_in(connection: &Connection, admin: &AdminRecord) -> rusqlite::Result<bool> {
    Ok(!admin.suspended
        && match admin.login.contains('@') {
            true => user_of(connection, admin)?
                .is_some_and(|user| user.may_log_in && user.password.is_some()),
            false => admin.password.is_some(),
        })
}

/// The user who an administrator is.
pub(crate) fn user_of(
    connection: &Connection,
    admin: &AdminRecord,
) -> rusqlite::Result<Option<user::LoginRow>> {
    let Some(mailbox) = admin.user() else {
        return Ok(None);
    };
    match super::domain::find(connection, &mailbox.domain)? {
        Some(domain) => user::login(connection, domain.id, &mailbox.local.folded()),
        None => Ok(None),
    }
}

/// Some of the administrators and tokens that are limited to a domain.
pub(crate) fn naming(connection: &Connection, domain: &Domain) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached(NAMING)?
        .query_map([domain.as_str()], |row| row.get(0))?
        .collect()
}

pub(crate) fn add(connection: &Connection, record: &AdminRecord) -> rusqlite::Result<u32> {
    let row = params![
        LOCAL,
        record.login,
        record.password.as_ref().map(PasswordHash::expose),
        record.role.as_str(),
        record.name,
        words(&record.domains.words()),
        grants(&record.grants),
        record.must_change,
        record.suspended,
    ];
    insert(connection, INSERT, row)
}

pub(crate) fn set(
    connection: &Connection,
    id: u32,
    record: &AdminRecord,
) -> rusqlite::Result<usize> {
    let row = params![
        id,
        record.password.as_ref().map(PasswordHash::expose),
        record.role.as_str(),
        record.name,
        words(&record.domains.words()),
        grants(&record.grants),
        record.must_change,
        record.suspended,
    ];
    run(connection, UPDATE, row)
}

pub(crate) fn remove(connection: &Connection, id: u32) -> rusqlite::Result<usize> {
    run(connection, DELETE, [id])
}

fn record(_: &Connection, row: &Row<'_>) -> rusqlite::Result<Stored<AdminRecord>> {
    let record = AdminRecord {
        login: row.get(4)?,
        password: parsed_if_any(row, 5, PasswordHash::parse)?,
        role: word(row, 6, Role::parse)?,
        name: row.get(7)?,
        domains: word(row, 8, scope_of)?,
        grants: word(row, 9, grants_of)?,
        must_change: row.get(10)?,
        suspended: row.get(11)?,
    };
    stored(row, record)
}

/// Words as a JSON list.
pub(super) fn words(words: &[impl AsRef<str>]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    serde_json::Value::from(words).to_string()
}

pub(super) fn grants(grants: &[Grant]) -> String {
    let all: Vec<&str> = grants.iter().map(|grant| grant.as_str()).collect();
    words(&all)
}

pub(super) fn scope_of(text: &str) -> Option<Scope> {
    let words: Vec<String> = serde_json::from_str(text).ok()?;
    Scope::from_words(&words)
}

pub(super) fn grants_of(text: &str) -> Option<Vec<Grant>> {
    let words: Vec<String> = serde_json::from_str(text).ok()?;
    words.iter().map(|word| Grant::parse(word)).collect()
}
