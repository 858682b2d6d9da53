//! Brings the file to the schema of this program; refuses one that is newer.

use rusqlite::{Connection, TransactionBehavior};

use crate::error::OpenError;

/// In order, the first one making version 1. A released file is never edited.
const MIGRATIONS: [&str; 9] = [
    include_str!("../migrations/sqlite/0001_init.sql"),
    include_str!("../migrations/sqlite/0002_peers.sql"),
    include_str!("../migrations/sqlite/0003_hold_times.sql"),
    include_str!("../migrations/sqlite/0004_client_pin.sql"),
    include_str!("../migrations/sqlite/0005_client_login.sql"),
    include_str!("../migrations/sqlite/0006_admins.sql"),
    include_str!("../migrations/sqlite/0007_deeds.sql"),
    include_str!("../migrations/sqlite/0008_concerned.sql"),
    include_str!("../migrations/sqlite/0009_cut_through.sql"),
];

/// The schema version that this program writes.
pub(crate) const VERSION: u32 = MIGRATIONS.len() as u32;

/// Applies what is missing, each migration in a transaction of its own.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    loop {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found = version(&transaction)?;
        if found > VERSION {
            return Err(OpenError::Newer {
                found,
                known: VERSION,
            });
        }
        let Some(migration) = MIGRATIONS.get(found as usize) else {
            return Ok(());
        };
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", found + 1)?;
        transaction.commit()?;
        tracing::info!(version = found + 1, "directory schema brought up to date");
    }
}

fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}
