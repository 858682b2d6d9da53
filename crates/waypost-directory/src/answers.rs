//! What other servers said of addresses, over restarts.
//!
//! A file of its own, beside the directory: nothing in it is anybody's decision, whatever is lost
//! is asked again, and the file may be deleted while the server is down. Calls block.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, Row, TransactionBehavior, params};

use crate::error::Unavailable;

/// Rows are worth nothing without the sync of a mailbox; a torn file would be.
const OPEN: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS answer (
        authority TEXT NOT NULL,
        number    INTEGER NOT NULL,
        address   TEXT NOT NULL,
        active    INTEGER NOT NULL,
        given_s   INTEGER NOT NULL,
        PRIMARY KEY (authority, number, address)
    ) WITHOUT ROWID, STRICT;
    CREATE INDEX IF NOT EXISTS answer_given ON answer (given_s);";
const KEEP: &str = "
    INSERT INTO answer (authority, number, address, active, given_s) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (authority, number, address) DO UPDATE SET
    active = excluded.active, given_s = excluded.given_s";
const FORGET: &str = "DELETE FROM answer WHERE authority = ?1 AND number = ?2 AND address = ?3";
const ALL: &str = "SELECT authority, number, address, active, given_s FROM answer";
const TRIM: &str = "
    DELETE FROM answer WHERE given_s <= coalesce(
        (SELECT given_s FROM answer ORDER BY given_s DESC LIMIT 1 OFFSET ?1), -1)";

/// The oldest answers are looked for after changes to this part of those allowed.
const TRIM_PART: usize = 10;

/// Who said something, and about which address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AnswerKey {
    /// How it was learned: a word of the caller's.
    pub authority: Box<str>,
    /// The number of the target or gateway that said it.
    pub number: u32,
    /// The address, local part without letter case.
    pub address: Box<str>,
}

/// What was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Whether it has the address.
    pub active: bool,
    /// When that was said, to the second.
    pub given: SystemTime,
}

/// The file.
#[derive(Debug)]
pub struct AnswerStore {
    connection: Connection,
    /// Changes since the oldest answers were last forgotten.
    untrimmed: usize,
}

impl AnswerStore {
    /// Opens the file, and makes it when it is not there.
    ///
    /// # Errors
    ///
    /// When it cannot be opened or is no such file: it may be deleted then.
    pub fn open(path: &Path) -> Result<Self, Unavailable> {
        let connection = Connection::open(path)?;
        connection.execute_batch(OPEN)?;
        Ok(Self {
            connection,
            untrimmed: 0,
        })
    }

    /// Gives every answer to `take`, in no order.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn each(&self, mut take: impl FnMut(AnswerKey, KeptAnswer)) -> Result<(), Unavailable> {
        let mut statement = self.connection.prepare(ALL)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (key, answer) = answer(row)?;
            take(key, answer);
        }
        Ok(())
    }

    /// Keeps answers, or forgets them (none), all or nothing; now and then the oldest above `most`
    /// are forgotten.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn change(
        &mut self,
        changes: &[(AnswerKey, Option<KeptAnswer>)],
        most: usize,
    ) -> Result<(), Unavailable> {
        self.untrimmed += changes.len();
        let behavior = TransactionBehavior::Immediate;
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        for (key, answer) in changes {
            let AnswerKey {
                authority,
                number,
                address,
            } = key;
            match answer {
                Some(KeptAnswer { active, given }) => transaction
                    .prepare_cached(KEEP)?
                    .execute(params![authority, number, address, active, seconds(*given)])?,
                None => transaction
                    .prepare_cached(FORGET)?
                    .execute(params![authority, number, address])?,
            };
        }
        if self.untrimmed > most / TRIM_PART {
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            transaction.prepare_cached(TRIM)?.execute(params![most])?;
            self.untrimmed = 0;
        }
        transaction.commit()?;
        Ok(())
    }
}

fn answer(row: &Row<'_>) -> rusqlite::Result<(AnswerKey, KeptAnswer)> {
    let given_s: i64 = row.get(4)?;
    let key = AnswerKey {
        authority: row.get(0)?,
        number: row.get(1)?,
        address: row.get(2)?,
    };
    let answer = KeptAnswer {
        active: row.get(3)?,
        given: UNIX_EPOCH + Duration::from_secs(u64::try_from(given_s).unwrap_or(0)),
    };
    Ok((key, answer))
}

fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(address: &str, given_s: u64) -> (AnswerKey, KeptAnswer) {
        let key = AnswerKey {
            authority: "callout".into(),
            number: 1,
            address: address.into(),
        };
        let given = UNIX_EPOCH + Duration::from_secs(given_s);
        let active = true;
        (key, KeptAnswer { active, given })
    }

    fn all(store: &AnswerStore) -> Vec<(AnswerKey, KeptAnswer)> {
        let mut all = Vec::new();
        store.each(|key, answer| all.push((key, answer))).unwrap();
        all.sort_by_key(|(_, answer)| answer.given);
        all
    }

    fn keep((key, answer): (AnswerKey, KeptAnswer)) -> (AnswerKey, Option<KeptAnswer>) {
        (key, Some(answer))
    }

    #[test]
    fn keeps_answers_over_a_restart_and_no_more_than_allowed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("answers");
        let mut store = AnswerStore::open(&path).unwrap();
        let changes: Vec<_> = (1..=5)
            .map(|n| keep(said(&format!("user{n}@example.com"), n)))
            .collect();
        store.change(&changes, 3).unwrap();
        drop(store);
        let mut store = AnswerStore::open(&path).unwrap();
        let [three, four, five] = [3, 4, 5].map(|n| said(&format!("user{n}@example.com"), n));
        assert_eq!(all(&store), [three.clone(), four.clone(), five.clone()]);
        let again = said("user3@example.com", 9);
        store
            .change(&[keep(again.clone()), (four.0, None)], 3)
            .unwrap();
        assert_eq!(all(&store), [five, again]);
    }

    #[test]
    fn says_so_when_the_file_is_something_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("answers");
        std::fs::write(&path, "not a database, and long enough to be none").unwrap();
        assert!(AnswerStore::open(&path).is_err());
    }
}
