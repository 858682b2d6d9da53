//! Statements: one file per kind of object, the words of the tables as in the migrations.

pub(crate) mod address;
pub(crate) mod admin;
pub(crate) mod any;
pub(crate) mod audit;
pub(crate) mod domain;
pub(crate) mod gateway;
pub(crate) mod group;
pub(crate) mod hold;
pub(crate) mod mailbox;
mod object;
pub(crate) mod peer;
pub(crate) mod target;
pub(crate) mod token;
pub(crate) mod user;

use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::types::Type;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row};
use waypost_proto::mail::LocalPart;

use crate::model::{Kind, Stored};

/// Number and revision of an object that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) id: u32,
    pub(crate) revision: u64,
}

/// The id and revision that a query finds, if any.
pub(crate) fn identity(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> rusqlite::Result<Option<Identity>> {
    connection
        .prepare_cached(sql)?
        .query_row(params, |row| {
            Ok(Identity {
                id: row.get(0)?,
                revision: row.get(1)?,
            })
        })
        .optional()
}

/// Runs a statement that gives no rows.
pub(crate) fn run(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> rusqlite::Result<usize> {
    connection.prepare_cached(sql)?.execute(params)
}

/// Runs an INSERT and gives the new row's number.
pub(crate) fn insert(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> rusqlite::Result<u32> {
    run(connection, sql, params)?;
    u32::try_from(connection.last_insert_rowid())
        .map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, connection.last_insert_rowid()))
}

/// The rows of a query; a row that cannot be understood is logged and left out.
pub(crate) fn rows<T>(
    statement: &mut CachedStatement<'_>,
    kind: Kind,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut rows = statement.query(params)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.extend(readable(kind, row, read(row))?);
    }
    Ok(all)
}

/// Tells a row that cannot be understood from a store that cannot be read.
pub(crate) fn readable<T>(
    kind: Kind,
    row: &Row<'_>,
    result: rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if is_damage(&error) => {
            let id: i64 = row.get(0).unwrap_or_default();
            tracing::error!(%kind, id, %error, "object in the directory cannot be read, left out");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Whether the row is at fault, not the store.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..)
            | rusqlite::Error::QueryReturnedNoRows
    )
}

/// The first four columns of every object, around its record.
pub(crate) fn stored<T>(row: &Row<'_>, record: T) -> rusqlite::Result<Stored<T>> {
    Ok(Stored {
        id: row.get(0)?,
        revision: row.get(1)?,
        origin: row.get(2)?,
        external_id: row.get(3)?,
        record,
    })
}

/// A text column, parsed.
pub(crate) fn parsed<T, E: Error + Send + Sync + 'static>(
    row: &Row<'_>,
    column: usize,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> rusqlite::Result<T> {
    parse(row.get_ref(column)?.as_str()?).map_err(|error| damage(column, error))
}

/// A text column that may be NULL, parsed.
pub(crate) fn parsed_if_any<T, E: Error + Send + Sync + 'static>(
    row: &Row<'_>,
    column: usize,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> rusqlite::Result<Option<T>> {
    let text = row.get_ref(column)?.as_str_or_null()?;
    text.map(|text| parse(text).map_err(|error| damage(column, error)))
        .transpose()
}

/// A column with one of a few words.
pub(crate) fn word<T>(
    row: &Row<'_>,
    column: usize,
    parse: impl FnOnce(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    parse(text).ok_or_else(|| damage(column, Unknown(text.to_owned())))
}

pub(crate) fn damage(column: usize, error: impl Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}

#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not known here")]
struct Unknown(String);

/// A local part as the store keeps it: without quotes.
pub(crate) fn local_part(text: &str) -> Result<LocalPart, waypost_proto::mail::SyntaxError> {
    LocalPart::parse(text).or_else(|_| {
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
        LocalPart::parse(&format!("\"{escaped}\""))
    })
}

/// A number of bytes as the store keeps it; the rules refuse what does not fit.
pub(crate) fn bytes(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// A time as the store keeps it.
pub(crate) fn to_ms(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or_default()
}

/// A time from the store.
pub(crate) fn from_ms(ms: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(ms).unwrap_or_default())
}
