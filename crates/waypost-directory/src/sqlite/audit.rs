//! Tables `change` and `audit`.

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::{from_ms, run, to_ms};
use crate::edit::{Actor, AuditEntry, AuditQuery, Deed, DeedOf};
use crate::model::{Key, Kind, Scope};

const CHANGE: &str = "
    INSERT INTO change (kind, object_id, object_key, removed) VALUES (?1, ?2, ?3, ?4)";
const AUDIT: &str = "
    INSERT INTO audit (change, at_ms, who, from_where, kind, object_key, before, after)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const CONCERNED: &str = "INSERT OR IGNORE INTO audit_concerned (domain, change) VALUES (?1, ?2)";
const LAST: &str = "SELECT coalesce(max(number), 0) FROM change";
const LIST: &str = "
    SELECT change, at_ms, who, from_where, kind || ' ' || object_key, domain, before, after
    FROM audit";

const CHANGED: &str = "
    SELECT DISTINCT object_id FROM change WHERE number > ?1 AND kind = ?2 LIMIT ?3";

/// One write: what it was before, and what it is now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Write<'a> {
    pub(crate) id: u32,
    pub(crate) before: Option<&'a str>,
    pub(crate) after: Option<&'a str>,
}

/// Numbers a write and records who made it.
pub(crate) fn record(
    connection: &Connection,
    actor: &Actor<'_>,
    key: &Key,
    write: &Write<'_>,
) -> rusqlite::Result<()> {
    let (kind, name) = (key.kind().as_str(), key.name());
    line(connection, actor, (kind, &name), write)?;
    Ok(())
}

/// Records who did something to what is not an object.
pub(crate) fn record_deed(
    connection: &Connection,
    actor: &Actor<'_>,
    deed: &Deed<'_>,
) -> rusqlite::Result<()> {
    let write = Write {
        id: 0,
        before: deed.before,
        after: deed.after,
    };
    let change = line(connection, actor, (deed.of.as_str(), deed.name), &write)?;
    for domain in deed.domains {
        run(connection, CONCERNED, params![domain.as_str(), change])?;
    }
    Ok(())
}

fn line(
    connection: &Connection,
    actor: &Actor<'_>,
    (kind, name): (&str, &str),
    write: &Write<'_>,
) -> rusqlite::Result<i64> {
    run(
        connection,
        CHANGE,
        params![kind, write.id, name, write.after.is_none()],
    )?;
    let change = connection.last_insert_rowid();
    let row = params![
        change,
        to_ms(actor.at),
        actor.name,
        actor.from,
        kind,
        name,
        write.before,
        write.after
    ];
    run(connection, AUDIT, row)?;
    Ok(change)
}

/// The number of the last write.
pub(crate) fn last(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached(LAST)?
        .query_row([], |row| row.get(0))
}

/// The numbers of the objects of a kind that were written after a change.
pub(crate) fn changed(
    connection: &Connection,
    kind: Kind,
    after: u64,
    limit: usize,
) -> rusqlite::Result<Vec<u32>> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    connection
        .prepare_cached(CHANGED)?
        .query_map(params![after, kind.as_str(), limit], |row| row.get(0))?
        .collect()
}

/// Lines that a query wants, the latest first.
pub(crate) fn list(
    connection: &Connection,
    query: &AuditQuery,
) -> rusqlite::Result<Vec<AuditEntry>> {
    let mut conditions = Conditions::of(query);
    if query.from.is_some() || query.to.is_some() {
        conditions.within_times(connection)?;
    }
    if query.object.is_some() && conditions.are_many(connection)? {
        conditions.by_number();
    }
    let Scope::Domains(domains) = &query.scope else {
        return conditions.run(connection, query.limit);
    };
    let mut all = Vec::new();
    for domain in domains {
        for which in ["domain =", CONCERNS] {
            let mut of_domain = conditions.clone();
            of_domain.and(which, domain.as_str().to_owned());
            all.extend(of_domain.run(connection, query.limit)?);
        }
    }
    if let Some(own) = &query.own {
        let mut done = conditions;
        done.and("kind =", DeedOf::Queue.as_str().to_owned());
        done.and("who =", own.clone());
        all.extend(done.run(connection, query.limit)?);
    }
    all.sort_by_key(|entry: &AuditEntry| std::cmp::Reverse(entry.change));
    all.dedup_by_key(|entry| entry.change);
    all.truncate(query.limit);
    Ok(all)
}

/// The condition about domains that are kept beside a line.
const CONCERNS: &str = "change IN (SELECT change FROM audit_concerned WHERE domain = ?)";
/// Lines of some objects that are sorted for a page of them.
const MANY: usize = 5000;
/// The conditions about objects.
const OBJECT: [&str; 3] = ["kind =", "object_key >=", "object_key <"];

/// What must hold of a line, each with its value.
#[derive(Debug, Clone, Default)]
struct Conditions {
    texts: Vec<&'static str>,
    values: Vec<Value>,
}

impl Conditions {
    fn of(query: &AuditQuery) -> Self {
        let mut all = Self::default();
        if let Some(before) = query.before {
            all.and("change <", i64::try_from(before).unwrap_or(i64::MAX));
        }
        if let Some(who) = &query.who {
            all.and("who =", who.clone());
        }
        if let Some(from) = query.from {
            all.and("+at_ms >=", to_ms(from));
        }
        if let Some(to) = query.to {
            all.and("+at_ms <", to_ms(to));
        }
        if let Some(object) = &query.object {
            match object.split_once(' ') {
                Some((kind, name)) => {
                    all.and("kind =", kind.to_owned());
                    all.and("object_key >=", name.to_owned());
                    all.and("object_key <", format!("{name}\u{10ffff}"));
                }
                None => all.and("kind =", object.clone()),
            }
        }
        all
    }

    fn and(&mut self, text: &'static str, value: impl Into<Value>) {
        self.texts.push(text);
        self.values.push(value.into());
    }

    /// The changes between the times: what is outside need not be looked at.
    fn within_times(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut times = Self::default();
        for (text, value) in self.texts.iter().zip(&self.values) {
            if let Some(indexed) = text
                .strip_prefix('+')
                .filter(|text| text.starts_with("at_ms"))
            {
                times.and(indexed, value.clone());
            }
        }
        let sql = format!(
            "SELECT min(change), max(change) FROM audit {}",
            times.text()
        );
        let (least, most): (Option<i64>, Option<i64>) = connection
            .prepare_cached(&sql)?
            .query_row(params_from_iter(&times.values), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        self.and("change >=", least.unwrap_or(i64::MAX));
        self.and("change <=", most.unwrap_or_default());
        Ok(())
    }

    /// Whether so many lines are about such objects that the latest are found soonest by going
    /// back through all lines, instead of sorting these.
    fn are_many(&self, connection: &Connection) -> rusqlite::Result<bool> {
        let mut objects = Self::default();
        for (text, value) in self.texts.iter().zip(&self.values) {
            if OBJECT.contains(text) {
                objects.and(text, value.clone());
            }
        }
        let sql = format!(
            "SELECT count(*) > {MANY} FROM (SELECT 1 FROM audit {} LIMIT {MANY} + 1)",
            objects.text()
        );
        connection
            .prepare_cached(&sql)?
            .query_row(params_from_iter(&objects.values), |row| row.get(0))
    }

    /// Does without the index of objects.
    fn by_number(&mut self) {
        for text in &mut self.texts {
            *text = match *text {
                "kind =" => "+kind =",
                "object_key >=" => "+object_key >=",
                "object_key <" => "+object_key <",
                other => other,
            };
        }
    }

    fn text(&self) -> String {
        let mut sql = String::new();
        for (index, text) in self.texts.iter().enumerate() {
            sql += if index == 0 { "WHERE " } else { " AND " };
            let value = format!("?{}", index + 1);
            sql += &match text.strip_suffix("?)") {
                Some(text) => format!("{text}{value})"),
                None => format!("{text} {value}"),
            };
        }
        sql
    }

    fn run(&self, connection: &Connection, limit: usize) -> rusqlite::Result<Vec<AuditEntry>> {
        let sql = format!("{LIST} {} ORDER BY change DESC LIMIT {limit}", self.text());
        connection
            .prepare(&sql)?
            .query_map(params_from_iter(&self.values), entry)?
            .collect()
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<AuditEntry> {
    Ok(AuditEntry {
        change: row.get(0)?,
        at: from_ms(row.get(1)?),
        who: row.get(2)?,
        from: row.get(3)?,
        object: row.get(4)?,
        domain: row.get(5)?,
        before: row.get(6)?,
        after: row.get(7)?,
    })
}
