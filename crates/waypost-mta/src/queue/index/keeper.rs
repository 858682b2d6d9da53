//! Keeps the index while somebody looks at the queue: builds it from the spool when it is first
//! asked, follows every change, and drops it when nobody has asked for a while.
//!
//! Whoever takes, changes or finishes a message only notes that, in one short lock; the note is
//! worked in by those who ask. A message that came and went between two questions leaves no trace.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, Weak};
use std::time::Duration;

use waypost_spool::{Message, QueueId, ReadError, Recipient};

use super::super::timetable::Tick;
use super::super::{Inner, ticks};
use super::Table;
use crate::blocking;

/// Changes that wait to be worked in; with more of them the index is given up and built anew.
const CHANGES_MAX: usize = 50_000;
/// How often they are worked in while nobody asks.
const WORK_IN: Duration = Duration::from_secs(1);
/// The index is dropped when nobody has asked for so long.
const UNUSED: Duration = Duration::from_secs(120);

/// What became of a message since the index was last looked at.
#[derive(Debug)]
enum Change {
    /// It came, and the index does not know it.
    Came(Arc<Message>),
    /// It is otherwise now.
    Is(Arc<Message>),
    /// It went.
    Went,
}

#[derive(Debug, Default)]
struct Changes {
    by_id: HashMap<QueueId, Change>,
    /// The spool is being read: what came may be there already.
    building: bool,
    /// There were too many: the index is wrong.
    lost: bool,
}

/// The index, if there is one.
#[derive(Debug, Default)]
pub(in super::super) struct Keeper {
    in_use: AtomicBool,
    changes: Mutex<Changes>,
    table: RwLock<Option<Table>>,
    /// Who builds it.
    turn: tokio::sync::Mutex<()>,
    asked: AtomicU64,
}

impl Keeper {
    fn changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, id: QueueId, change: Change) {
        let mut changes = self.changes();
        if changes.lost {
            return;
        }
        if changes.by_id.len() >= CHANGES_MAX {
            changes.by_id = HashMap::new();
            changes.lost = true;
            return;
        }
        changes.by_id.insert(id, change);
    }

    /// A message was taken.
    pub(in super::super) fn came(&self, message: &Arc<Message>) {
        if !self.in_use.load(Ordering::Acquire) {
            return;
        }
        let building = self.changes().building;
        let message = Arc::clone(message);
        let id = message.id;
        let change = if building {
            Change::Is(message)
        } else {
            Change::Came(message)
        };
        self.note(id, change);
    }

    /// A message is otherwise now.
    pub(in super::super) fn changed(&self, message: &Message) {
        if self.in_use.load(Ordering::Acquire) {
            self.note(message.id, Change::Is(Arc::new(message.clone())));
        }
    }

    /// A message is gone.
    pub(in super::super) fn went(&self, id: QueueId) {
        if !self.in_use.load(Ordering::Acquire) {
            return;
        }
        let mut changes = self.changes();
        if let Some(Change::Came(_)) = changes.by_id.get(&id) {
            changes.by_id.remove(&id);
            return;
        }
        drop(changes);
        self.note(id, Change::Went);
    }

    /// Works in what was noted; false when the index is wrong.
    fn work_in(&self, table: &mut Table, hop: &dyn Fn(&Message, &Recipient) -> String) -> bool {
        let mut changes = self.changes();
        let noted = std::mem::take(&mut changes.by_id);
        changes.building = false;
        if changes.lost {
            return false;
        }
        drop(changes);
        for (id, change) in noted {
            match change {
                Change::Came(message) | Change::Is(message) => {
                    table.put(&message, |recipient| hop(&message, recipient));
                }
                Change::Went => table.remove(id),
            }
        }
        true
    }

    /// The index as it is now; none when there is none.
    fn table(&self) -> RwLockReadGuard<'_, Option<Table>> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self, table: Option<Table>) {
        let mut held = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *held, table);
        drop(held);
        drop(old);
    }

    fn give_up(&self) {
        self.in_use.store(false, Ordering::Release);
        *self.changes() = Changes::default();
        self.replace(None);
    }
}

impl Inner {
    /// Looks at the index, which is built first where there is none. Blocks; for a million
    /// messages some seconds when it is built, and never long again while it is used.
    pub(in super::super) async fn with_index<T: Send + 'static>(
        self: &Arc<Self>,
        look: impl FnOnce(&Table) -> T + Send + 'static,
    ) -> Result<T, ReadError> {
        let _turn = self.keeper.turn.lock().await;
        self.keeper.asked.store(self.tick(), Ordering::Relaxed);
        let queue = Arc::clone(self);
        let looking = blocking::spawn_blocking(move || {
            if !queue.refresh() {
                queue.build()?;
            }
            let table = queue.keeper.table();
            let gone = || ReadError::Unavailable("the server ends".to_owned());
            table.as_ref().map(look).ok_or_else(gone)
        });
        let looked = looking.await;
        looked.unwrap_or_else(|error| Err(ReadError::Unavailable(error.to_string())))
    }

    /// Works in what was noted; false when there is no index, or it has become wrong.
    fn refresh(&self) -> bool {
        let keeper = &self.keeper;
        let mut held = keeper.table.write().unwrap_or_else(PoisonError::into_inner);
        let Some(table) = &mut *held else {
            return false;
        };
        let hop = |message: &Message, recipient: &Recipient| self.hop_of(message, recipient);
        keeper.work_in(table, &hop)
    }

    fn build(self: &Arc<Self>) -> Result<(), ReadError> {
        let keeper = &self.keeper;
        keeper.replace(None);
        *keeper.changes() = Changes {
            building: true,
            ..Changes::default()
        };
        // From here on every change is noted.
        let was_in_use = keeper.in_use.swap(true, Ordering::AcqRel);
        let mut table = Table::default();
        let read = self.each(|message| {
            table.put(message, |recipient| self.hop_of(message, recipient));
        });
        let hop = |message: &Message, recipient: &Recipient| self.hop_of(message, recipient);
        if let Err(error) = read {
            keeper.give_up();
            return Err(error);
        }
        if !keeper.work_in(&mut table, &hop) {
            keeper.give_up();
            let text = "the queue changes faster than it can be read; try again";
            return Err(ReadError::Unavailable(text.to_owned()));
        }
        keeper.replace(Some(table));
        if !was_in_use {
            self.runtime.spawn(keep_on(Arc::downgrade(self)));
        }
        Ok(())
    }
}

/// Keeps the index for as long as there is one.
async fn keep_on(queue: Weak<Inner>) {
    loop {
        tokio::time::sleep(WORK_IN).await;
        let Some(queue) = queue.upgrade() else { return };
        if !keep(&queue).await {
            return;
        }
    }
}

/// Works changes in, or drops the index when nobody asks any more; whether there is one still.
async fn keep(queue: &Arc<Inner>) -> bool {
    let keeper = &queue.keeper;
    let _turn = keeper.turn.lock().await;
    let asked: Tick = keeper.asked.load(Ordering::Relaxed);
    if queue.is_stopping() || queue.tick().saturating_sub(asked) > ticks(UNUSED) {
        keeper.give_up();
        return false;
    }
    let working = Arc::clone(queue);
    let kept = blocking::spawn_blocking(move || working.refresh()).await;
    if !kept.unwrap_or(false) {
        keeper.give_up();
        return false;
    }
    true
}
