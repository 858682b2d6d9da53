//! What reading objects of all kinds has in common.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rows;
use crate::model::Kind;

/// How objects of one kind are read.
pub(crate) struct Objects<T> {
    pub(crate) kind: Kind,
    pub(crate) columns: &'static str,
    pub(crate) from: &'static str,
    /// The column of the object's number.
    pub(crate) id: &'static str,
    /// What the columns say, with what other tables have of it.
    pub(crate) record: fn(&Connection, &Row<'_>) -> rusqlite::Result<T>,
}

impl<T> Objects<T> {
    /// The object with a number.
    pub(crate) fn read(&self, connection: &Connection, id: u32) -> rusqlite::Result<Option<T>> {
        let Self {
            columns,
            from,
            id: column,
            ..
        } = self;
        connection
            .prepare_cached(&format!("SELECT {columns} FROM {from} WHERE {column} = ?1"))?
            .query_row([id], |row| (self.record)(connection, row))
            .optional()
    }

    /// Those of all that fit the condition, in the order of their numbers.
    pub(crate) fn list(
        &self,
        connection: &Connection,
        condition: &str,
        after: u32,
        limit: usize,
    ) -> rusqlite::Result<Vec<T>> {
        rows(
            &mut connection.prepare_cached(&self.page(condition))?,
            self.kind,
            params![after, limit],
            |row| (self.record)(connection, row),
        )
    }

    /// Those of one domain `d` or of all, in the order of their numbers.
    pub(crate) fn list_in_domain(
        &self,
        connection: &Connection,
        domain_id: Option<u32>,
        after: u32,
        limit: usize,
    ) -> rusqlite::Result<Vec<T>> {
        let sql = self.page("(?3 IS NULL OR d.id = ?3)");
        rows(
            &mut connection.prepare_cached(&sql)?,
            self.kind,
            params![after, limit, domain_id],
            |row| (self.record)(connection, row),
        )
    }

    fn page(&self, condition: &str) -> String {
        let Self {
            columns, from, id, ..
        } = self;
        format!(
            "SELECT {columns} FROM {from} WHERE {id} > ?1 AND {condition} ORDER BY {id} LIMIT ?2"
        )
    }
}
