//! One verb for many messages: in pieces, watched, and stopped when nobody wants it any more.

use waypost_spool::QueueId;

use super::QueueHandle;
use super::control::{ControlError, Flush, Order};
use super::index::wanted::Filter;

/// Messages that are changed at the same time: they share the spool's transactions.
const TOGETHER: usize = 64;
/// Messages named that a verb was not done for; all are counted.
const NAMED_MAX: usize = 10_000;

/// Which messages are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// These.
    Ids(Vec<QueueId>),
    /// Those that a filter means when it begins; what is accepted later is not touched.
    Filter(Filter),
}

/// What is done with each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// It is held.
    Hold(Order),
    /// Its hold ends, and it is tried.
    Release(Order),
    /// It is removed, and nobody is told.
    Remove(Order),
    /// It is tried now.
    Retry,
}

/// A message that a verb was not done for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// The message.
    pub id: QueueId,
    /// Why not.
    pub why: NotDone,
}

/// Why a verb was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotDone {
    /// It is on its way already.
    Active,
    /// It is not in the queue any more.
    Gone,
    /// It is held, so that trying it does nothing.
    Held,
    /// It is not held.
    NotHeld,
    /// The spool cannot be read or changed.
    Spool(String),
}

impl NotDone {
    /// The word of the command line and the API.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Gone => "gone",
            Self::Held => "held",
            Self::NotHeld => "not-held",
            Self::Spool(_) => "spool",
        }
    }
}

/// What a verb for many messages came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bulk {
    /// Messages that were meant.
    pub chosen: usize,
    /// For so many it was done.
    pub done: usize,
    /// So many it was not done for.
    pub undone: usize,
    /// The first 10,000 of those.
    pub named: Vec<Undone>,
    /// It was stopped: the rest was not touched.
    pub cancelled: bool,
}

impl Bulk {
    fn note(&mut self, id: QueueId, result: Result<(), NotDone>) {
        match result {
            Ok(()) => self.done += 1,
            Err(why) => {
                self.undone += 1;
                if self.named.len() < NAMED_MAX {
                    self.named.push(Undone { id, why });
                }
            }
        }
    }
}

impl QueueHandle {
    /// Does the same for many messages, the oldest first. After each piece `go_on` is told how many
    /// are done with, of how many; when it says no, the rest is left as it is.
    ///
    /// # Errors
    ///
    /// When the spool cannot be read for a filter.
    pub async fn all(
        &self,
        chosen: Chosen,
        action: &Action,
        mut go_on: impl FnMut(usize, usize) -> bool,
    ) -> Result<Bulk, ControlError> {
        let ids = match chosen {
            Chosen::Ids(mut ids) => {
                ids.sort_unstable();
                ids.dedup();
                ids
            }
            Chosen::Filter(filter) => self.find(filter).await?,
        };
        let mut bulk = Bulk {
            chosen: ids.len(),
            ..Bulk::default()
        };
        let mut over = 0;
        for piece in ids.chunks(TOGETHER) {
            if !go_on(over, ids.len()) {
                bulk.cancelled = true;
                break;
            }
            self.piece(piece, action, &mut bulk).await;
            over += piece.len();
        }
        go_on(over, ids.len());
        Ok(bulk)
    }

    async fn piece(&self, ids: &[QueueId], action: &Action, bulk: &mut Bulk) {
        let mut tasks = Vec::with_capacity(ids.len());
        for id in ids {
            let (queue, id, action) = (self.clone(), *id, action.clone());
            let task = tokio::spawn(async move { queue.act(id, action).await });
            tasks.push((id, task));
        }
        for (id, task) in tasks {
            let result = task.await;
            let bug = |error: tokio::task::JoinError| Err(NotDone::Spool(error.to_string()));
            bulk.note(id, result.unwrap_or_else(bug));
        }
    }

    async fn act(&self, id: QueueId, action: Action) -> Result<(), NotDone> {
        let done = match action {
            Action::Hold(order) => self.hold(id, order).await.map(drop),
            Action::Release(order) => self.release(id, order).await.map(drop),
            Action::Remove(order) => self.remove(id, Vec::new(), order).await.map(drop),
            Action::Retry => return self.retry(id).await,
        };
        done.map_err(NotDone::from)
    }

    async fn retry(&self, id: QueueId) -> Result<(), NotDone> {
        use super::control::Standing;
        match self.show(id).await.map_err(NotDone::from)?.standing {
            Standing::Active => Err(NotDone::Active),
            Standing::Held => Err(NotDone::Held),
            Standing::Deferred => match self.flush(Flush::Message(id)).await {
                Ok(0) => Err(NotDone::Active),
                Ok(_) => Ok(()),
                Err(error) => Err(error.into()),
            },
        }
    }
}

impl From<ControlError> for NotDone {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::NoMessage(_) | ControlError::NoRecipient(..) => Self::Gone,
            ControlError::NotHeld(_) => Self::NotHeld,
            ControlError::Spool(text) => Self::Spool(text),
        }
    }
}
