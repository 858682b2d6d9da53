//! Table `user`.

use rusqlite::{Connection, OptionalExtension, Row, params};
use waypost_proto::mail::Domain;

use super::object::Objects;
use super::{Identity, address, bytes, identity, insert, parsed, parsed_if_any, run, stored, word};
use crate::model::{Kind, LOCAL, MailType, Stored, UserRecord};
use crate::password::PasswordHash;

const OBJECTS: Objects<Stored<UserRecord>> = Objects {
    kind: Kind::User,
    columns: "u.id, u.revision, u.origin, u.external_id, d.name, u.login, u.name, u.mail,
    u.relayed_all, t.name, u.password, u.quota_bytes, u.suspended",
    from: "user u JOIN domain d ON d.id = u.domain_id LEFT JOIN target t \
                    ON t.id = u.target_id",
    id: "u.id",
    record,
};
const IDENTITY: &str = "SELECT id, revision FROM user WHERE domain_id = ?1 AND login = ?2";
const INSERT: &str = "
    INSERT INTO user (revision, origin, domain_id, login, name, mail, relayed_all, target_id,
        password, quota_bytes, suspended)
    VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const UPDATE: &str = "
    UPDATE user SET revision = revision + 1, name = ?2, mail = ?3, relayed_all = ?4,
        target_id = ?5, password = ?6, quota_bytes = ?7, suspended = ?8
    WHERE id = ?1";
const DELETE: &str = "DELETE FROM user WHERE id = ?1";
const LOGIN: &str =
    "SELECT id, mail, suspended, password FROM user WHERE domain_id = ?1 AND login = ?2";
const LOGIN_BY_ID: &str = "SELECT id, mail, suspended, password FROM user WHERE id = ?1";

/// The numbers that a user's names stand for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct References {
    pub(crate) domain_id: u32,
    pub(crate) target_id: Option<u32>,
}

/// What a login is checked against.
#[derive(Debug, Clone)]
pub(crate) struct LoginRow {
    pub(crate) id: u32,
    pub(crate) may_log_in: bool,
    pub(crate) password: Option<PasswordHash>,
}

pub(crate) fn find(
    connection: &Connection,
    domain_id: u32,
    login: &str,
) -> rusqlite::Result<Option<Identity>> {
    identity(connection, IDENTITY, params![domain_id, login])
}

pub(crate) fn read(
    connection: &Connection,
    id: u32,
) -> rusqlite::Result<Option<Stored<UserRecord>>> {
    OBJECTS.read(connection, id)
}

/// Users in the order of their numbers, of one domain or of all.
pub(crate) fn list(
    connection: &Connection,
    domain_id: Option<u32>,
    after: u32,
    limit: usize,
) -> rusqlite::Result<Vec<Stored<UserRecord>>> {
    OBJECTS.list_in_domain(connection, domain_id, after, limit)
}

pub(crate) fn add(
    connection: &Connection,
    record: &UserRecord,
    references: References,
) -> rusqlite::Result<u32> {
    let row = params![
        LOCAL,
        references.domain_id,
        record.login,
        record.name,
        record.mail.as_str(),
        record.relayed.is_none(),
        references.target_id,
        record.password.as_ref().map(PasswordHash::expose),
        record.quota_bytes.map(bytes),
        record.suspended,
    ];
    insert(connection, INSERT, row)
}

pub(crate) fn set(
    connection: &Connection,
    id: u32,
    record: &UserRecord,
    references: References,
) -> rusqlite::Result<usize> {
    let row = params![
        id,
        record.name,
        record.mail.as_str(),
        record.relayed.is_none(),
        references.target_id,
        record.password.as_ref().map(PasswordHash::expose),
        record.quota_bytes.map(bytes),
        record.suspended,
    ];
    run(connection, UPDATE, row)
}

pub(crate) fn remove(connection: &Connection, id: u32) -> rusqlite::Result<usize> {
    run(connection, DELETE, [id])
}

/// The user with this login in a domain, for a password check.
pub(crate) fn login(
    connection: &Connection,
    domain_id: u32,
    login: &str,
) -> rusqlite::Result<Option<LoginRow>> {
    connection
        .prepare_cached(LOGIN)?
        .query_row(params![domain_id, login], login_row)
        .optional()
}

/// The user with this number, for a password check.
pub(crate) fn login_by_id(connection: &Connection, id: u32) -> rusqlite::Result<Option<LoginRow>> {
    connection
        .prepare_cached(LOGIN_BY_ID)?
        .query_row([id], login_row)
        .optional()
}

fn login_row(row: &Row<'_>) -> rusqlite::Result<LoginRow> {
    let mail = word(row, 1, MailType::parse)?;
    let suspended: bool = row.get(2)?;
    Ok(LoginRow {
        id: row.get(0)?,
        may_log_in: mail == MailType::Local && !suspended,
        password: parsed_if_any(row, 3, PasswordHash::parse)?,
    })
}

fn record(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<Stored<UserRecord>> {
    let id: u32 = row.get(0)?;
    let relayed_all: bool = row.get(8)?;
    let addresses = address::of_owner(connection, (Kind::User, id))?;
    let relayed = (!relayed_all).then(|| {
        let selected = addresses.iter().filter(|(_, selected)| *selected);
        selected.map(|(address, _)| address.clone()).collect()
    });
    let record = UserRecord {
        domain: parsed(row, 4, Domain::parse)?,
        login: row.get(5)?,
        name: row.get(6)?,
        mail: word(row, 7, MailType::parse)?,
        addresses: addresses.into_iter().map(|(address, _)| address).collect(),
        relayed,
        target: row.get(9)?,
        password: parsed_if_any(row, 10, PasswordHash::parse)?,
        quota_bytes: row.get(11)?,
        suspended: row.get(12)?,
    };
    stored(row, record)
}
