//! Keeps rosters for as long as they are used.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use rusqlite::{Connection, TransactionBehavior};

use super::roster::{Base, Roster};
use crate::directory::{connect, lock};
use crate::lookup::Snapshot;
use crate::model::Kind;

#[derive(Debug)]
struct Kept {
    roster: Roster,
    is_used: bool,
}

type Shelf = Arc<Mutex<HashMap<Kind, Kept>>>;

/// The rosters, and the thread that makes one when it runs; dropping waits for it.
#[derive(Debug)]
pub(crate) struct Keeper {
    path: PathBuf,
    shelf: Shelf,
    maker: Mutex<Option<JoinHandle<()>>>,
}

impl Keeper {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            shelf: Arc::default(),
            maker: Mutex::default(),
        }
    }

    /// The roster with all that the snapshot has; made here when there is none, and nobody is
    /// making one.
    pub(super) fn roster(
        &self,
        kind: Kind,
        snapshot: &Snapshot,
        reader: &Mutex<Connection>,
    ) -> rusqlite::Result<Roster> {
        let mut shelf = open(&self.shelf);
        if !shelf.contains_key(&kind) && self.is_making() {
            // Two at a time would take each more than twice as long.
            drop(shelf);
            self.finish();
            shelf = open(&self.shelf);
        }
        if let Some(kept) = shelf.get_mut(&kind) {
            kept.is_used = true;
            if kept.roster.follow(&lock(reader), snapshot)? {
                let roster = kept.roster.clone();
                drop(shelf);
                if roster.is_old() {
                    self.make(kind);
                }
                return Ok(roster);
            }
        }
        let mut roster = Roster::upon(kind, base(&self.path, kind)?);
        roster.follow(&lock(reader), snapshot)?;
        let kept = Kept {
            roster: roster.clone(),
            is_used: true,
        };
        shelf.insert(kind, kept);
        Ok(roster)
    }

    /// Begins to make one, unless it is there.
    pub(super) fn prepare(&self, kind: Kind) {
        // Whoever has the shelf is making one.
        let is_there = match self.shelf.try_lock() {
            Ok(shelf) => shelf.contains_key(&kind),
            Err(_) => true,
        };
        if !is_there {
            self.make(kind);
        }
    }

    /// Drops those that were not used since the last call.
    pub(super) fn drop_unused(&self) {
        open(&self.shelf).retain(|_, kept| std::mem::take(&mut kept.is_used));
    }

    #[cfg(test)]
    pub(crate) fn keeps(&self, kind: Kind) -> bool {
        open(&self.shelf).contains_key(&kind)
    }

    /// Whether the thread runs, or somebody waits for it.
    fn is_making(&self) -> bool {
        !matches!(self.maker.try_lock(), Ok(maker) if maker.is_none())
    }

    #[cfg(test)]
    pub(crate) fn has_maker(&self) -> bool {
        self.is_making()
    }

    fn make(&self, kind: Kind) {
        // Whoever has it waits for the thread.
        let Ok(mut maker) = self.maker.try_lock() else {
            return;
        };
        if maker.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        let (path, shelf) = (self.path.clone(), Arc::clone(&self.shelf));
        let work = move || match base(&path, kind) {
            Ok(base) => {
                let mut shelf = open(&shelf);
                let old = shelf.get(&kind);
                if old.is_none_or(|old| old.roster.base.change < base.change) {
                    let kept = Kept {
                        roster: Roster::upon(kind, base),
                        is_used: true,
                    };
                    shelf.insert(kind, kept);
                }
            }
            Err(error) => tracing::warn!(%error, "what finding needs is not made now"),
        };
        match Builder::new().name("directory roster".into()).spawn(work) {
            Ok(thread) => *maker = Some(thread),
            Err(error) => tracing::warn!(%error, "what finding needs is not made now"),
        }
    }

    /// Waits for the thread.
    pub(crate) fn finish(&self) {
        let mut maker = self.maker.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = maker.take()
            && thread.join().is_err()
        {
            tracing::error!("bug: making the directory roster panicked");
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.finish();
    }
}

fn open(shelf: &Shelf) -> MutexGuard<'_, HashMap<Kind, Kept>> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As the store is at one moment, by a connection that nobody else waits for.
fn base(path: &Path, kind: Kind) -> rusqlite::Result<Base> {
    let mut connection = connect(path)?;
    let moment = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    Base::read(&moment, kind)
}
