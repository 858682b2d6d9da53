//! What an administrator sees of the queue, and does to it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use thiserror::Error;
use tokio::sync::oneshot;
use waypost_proto::mail::Mailbox;
use waypost_proto::route::{Store, Verdict, Via};
use waypost_spool::{Hold, Message, QueueId, ReadError, Recipient, State};

pub use super::bulk::{Action, Bulk, Chosen, NotDone, Undone};
use super::conclude::since_then;
pub use super::find::{Ask, COUNT_MAX, Count, Order as Sorted, Page};
pub use super::index::wanted::Filter;
use super::orders::{Left, Verb};
use super::plan::{bound, request};
use super::round::{Rest, due_in};
use super::route::Held;
use super::{Inner, QueueHandle};
use crate::blocking;
use crate::deliver::NextHop;
use crate::event;
use crate::resolve::{Asking, Request};

/// Messages that are brought forward at once.
const FLUSH_PIECE: usize = 1000;
/// Who orders something for a message that is on its way waits so long to hear that it is done.
const ORDERED_WITHIN: Duration = Duration::from_secs(1);
/// The next hop of what goes nowhere now, as the log names it.
pub(super) const NOWHERE: &str = "none";

/// A message in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What is kept of it, with every recipient's last result.
    pub message: Message,
    /// What it is doing now.
    pub standing: Standing,
    /// For each recipient, the hold of the directory that keeps it.
    pub holds: Vec<Option<Held>>,
}

/// What a message is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// On its way, or ready for a next hop.
    Active,
    /// Waiting for its time.
    Deferred,
    /// Held by an administrator: the message, or all of its queued recipients.
    Held,
}

/// Which messages are tried at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flush {
    /// All.
    All,
    /// One.
    Message(QueueId),
    /// Those that wait for a target, by its name.
    Target(String),
}

/// A line of the summary: what waits for one next hop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The next hop of the last attempt; for what was not tried yet, where it would go.
    pub next_hop: String,
    /// Recipients by age of their message, in the columns of [`SUMMARY_AGES`]; the last column
    /// has those that are older.
    pub by_age: Vec<u64>,
    /// The age of the oldest message.
    pub oldest: Duration,
}

/// The upper ends of the summary's columns, as `qshape` has them.
pub const SUMMARY_AGES: [Duration; 9] = [
    Duration::from_mins(5),
    Duration::from_mins(10),
    Duration::from_mins(20),
    Duration::from_mins(40),
    Duration::from_mins(80),
    Duration::from_mins(160),
    Duration::from_mins(320),
    Duration::from_mins(640),
    Duration::from_mins(1280),
];

/// Who asks for a change, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The administrator.
    pub by: String,
    /// In his words; may be empty.
    pub reason: String,
    /// For a hold: when it ends by itself.
    pub until: Option<SystemTime>,
}

/// Why a verb was not done.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ControlError {
    /// No such message, or no longer.
    #[error("no message {0} in the queue")]
    NoMessage(QueueId),
    /// The message is not held.
    #[error("message {0} is not held; `waypost queue list --held` shows what is")]
    NotHeld(QueueId),
    /// None of the queued recipients has this address.
    #[error("message {0} has no recipient {1} that waits; `waypost queue show {0}` shows them")]
    NoRecipient(QueueId, Mailbox),
    /// The spool cannot be read or changed now.
    #[error("{0}")]
    Spool(String),
}

/// When an order is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// The message is on its way: when the attempts in flight have ended, for what is left of it.
    /// Lost if the program is killed before.
    AfterAttempt,
    /// It is done, and safe.
    Now,
}

fn queued(message: &Message) -> impl Iterator<Item = &Recipient> {
    let recipients = message.envelope.recipients.iter();
    recipients.filter(|recipient| recipient.state == State::Queued)
}

impl QueueHandle {
    /// One message.
    ///
    /// # Errors
    ///
    /// When there is none, or the spool cannot be read.
    pub async fn show(&self, id: QueueId) -> Result<Listed, ControlError> {
        let queue = Arc::clone(&self.0);
        let message = blocking(move || queue.spool.message(id)).await?;
        let message = message.ok_or(ControlError::NoMessage(id))?;
        Ok(self.0.listed(message))
    }

    /// Tries messages at once, whatever their time is; how many were waiting.
    ///
    /// # Errors
    ///
    /// When there is no such message, or the spool cannot be read.
    pub async fn flush(&self, what: Flush) -> Result<usize, ControlError> {
        let queue = &self.0;
        let count = match what {
            Flush::All => queue.flush_all().await?,
            Flush::Message(id) => {
                let listed = self.show(id).await?;
                usize::from(listed.standing != Standing::Active && queue.flush([id]) > 0)
            }
            Flush::Target(name) => {
                queue.end_silence(&name);
                let queue = Arc::clone(queue);
                blocking(move || queue.flush_target(&name)).await?
            }
        };
        self.0.wake.notify_one();
        Ok(count)
    }

    /// Holds a message until it is released, or until the order says.
    ///
    /// # Errors
    ///
    /// When there is no such message, or the spool cannot be changed.
    pub async fn hold(&self, id: QueueId, order: Order) -> Result<Done, ControlError> {
        let hold = Hold {
            reason: order.reason.clone(),
            by: order.by.clone(),
            since: self.0.clock.wall(),
            until: order.until,
        };
        self.order(id, "held", &order, Verb::Hold(hold)).await
    }

    /// Ends the hold on a message; it is tried at once.
    ///
    /// # Errors
    ///
    /// When there is no such message, it is not held, or the spool cannot be changed.
    pub async fn release(&self, id: QueueId, order: Order) -> Result<Done, ControlError> {
        if self.show(id).await?.message.envelope.hold.is_none() {
            return Err(ControlError::NotHeld(id));
        }
        self.order(id, "released", &order, Verb::Release).await
    }

    /// Removes a message, or only these of its recipients: nobody gets it, and its sender is not
    /// told.
    ///
    /// # Errors
    ///
    /// When there is no such message or recipient, or the spool cannot be changed.
    pub async fn remove(
        &self,
        id: QueueId,
        recipients: Vec<Mailbox>,
        order: Order,
    ) -> Result<Done, ControlError> {
        if recipients.is_empty() {
            return self.order(id, "removed", &order, Verb::Remove).await;
        }
        let message = self.show(id).await?.message;
        for wanted in &recipients {
            if !queued(&message).any(|recipient| recipient.address == *wanted) {
                return Err(ControlError::NoRecipient(id, wanted.clone()));
            }
        }
        let names: Vec<String> = recipients.iter().map(|to| format!("to=<{to}> ")).collect();
        let word = format!("{}removed", names.concat());
        let verb = Verb::RemoveRecipients(recipients);
        self.order(id, &word, &order, verb).await
    }

    async fn order(
        &self,
        id: QueueId,
        word: &str,
        order: &Order,
        verb: Verb,
    ) -> Result<Done, ControlError> {
        let queue = &self.0;
        let verb = match queue.leave_order(id, verb) {
            Ok(done) => {
                event::ordered(&id, word, &order.by, &order.reason);
                return self.obeyed(id, done).await;
            }
            Err(verb) => verb,
        };
        queue.enter();
        let (task, order, word) = (Arc::clone(queue), order.clone(), word.to_owned());
        // In a task of its own: who asked may go away, the message must not stay claimed.
        let changed = tokio::spawn(async move {
            let changed = task.change(id, vec![Left::alone(verb)]).await;
            if changed.is_ok() {
                event::ordered(&id, &word, &order.by, &order.reason);
            }
            task.leave();
            changed
        });
        let changed = changed.await;
        changed.map_err(|error| ControlError::Spool(error.to_string()))??;
        Ok(Done::Now)
    }

    /// Waits a little for what was ordered to be done with what is left of a message.
    async fn obeyed(&self, id: QueueId, done: oneshot::Receiver<()>) -> Result<Done, ControlError> {
        match tokio::time::timeout(ORDERED_WITHIN, done).await {
            Ok(Ok(())) => Ok(Done::Now),
            // Nothing may be left of it.
            Ok(Err(_)) => self.show(id).await.map(|_| Done::AfterAttempt),
            Err(_) => Ok(Done::AfterAttempt),
        }
    }

    /// What waits for which next hop, and for how long.
    ///
    /// # Errors
    ///
    /// When the spool cannot be read.
    pub async fn summary(&self) -> Result<Vec<Summary>, ControlError> {
        let queue = Arc::clone(&self.0);
        blocking(move || {
            let now = queue.clock.wall();
            let mut lines = BTreeMap::new();
            let hop = |message: &Message, recipient: &Recipient| queue.hop_of(message, recipient);
            queue.each(|message| count(&mut lines, message, now, &hop))?;
            Ok(lines.into_values().collect())
        })
        .await
    }
}

/// Adds a message's queued recipients to the summary.
fn count(
    lines: &mut BTreeMap<String, Summary>,
    message: &Message,
    now: SystemTime,
    hop: &dyn Fn(&Message, &Recipient) -> String,
) {
    let age = since_then(now, message.arrived);
    for recipient in queued(message) {
        let next_hop = hop(message, recipient);
        let line = lines.entry(next_hop);
        let line = line.or_insert_with_key(|next_hop| Summary::of(next_hop));
        line.count(age);
    }
}

impl Summary {
    pub(super) fn of(next_hop: &str) -> Self {
        Self {
            next_hop: next_hop.to_owned(),
            by_age: vec![0; SUMMARY_AGES.len() + 1],
            oldest: Duration::ZERO,
        }
    }

    /// Adds a recipient of a message of this age.
    pub(super) fn count(&mut self, age: Duration) {
        let column = SUMMARY_AGES.iter().position(|end| age < *end);
        let column = column.unwrap_or(SUMMARY_AGES.len());
        self.oldest = self.oldest.max(age);
        if let Some(count) = self.by_age.get_mut(column) {
            *count += 1;
        }
    }
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
) -> Result<T, ControlError> {
    let done = blocking::spawn_blocking(work).await;
    let done = done.map_err(|error| ControlError::Spool(error.to_string()))?;
    done.map_err(|error| ControlError::Spool(error.to_string()))
}

impl Inner {
    pub(super) fn listed(&self, message: Message) -> Listed {
        let recipients = message.envelope.recipients.iter();
        Listed {
            standing: self.standing(&message),
            holds: recipients.map(|r| self.held(&message, r)).collect(),
            message,
        }
    }

    fn standing(&self, message: &Message) -> Standing {
        if message.envelope.hold.is_some() {
            Standing::Held
        } else if self.state().active.contains_key(&message.id) {
            Standing::Active
        } else if queued(message).all(|recipient| self.held(message, recipient).is_some()) {
            Standing::Held
        } else {
            Standing::Deferred
        }
    }

    /// The hold of the directory that keeps a recipient.
    fn held(&self, message: &Message, recipient: &Recipient) -> Option<Held> {
        if recipient.state != State::Queued {
            return None;
        }
        let request = request(message, recipient);
        let bound = bound(&request, recipient);
        self.routes.held(bound, self.clock.wall())
    }

    /// Where a recipient went the last time, or would go.
    pub(super) fn hop_of(&self, message: &Message, recipient: &Recipient) -> String {
        if let Some(last) = &recipient.last {
            return last.next_hop.clone();
        }
        let request = Request {
            asking: Asking::Forbidden,
            ..request(message, recipient)
        };
        let next_hop = match self.routes.decide(&request).map(|decided| decided.verdict) {
            Some(Verdict::Deliver(to)) if to.store == Store::Postmaster => NextHop::Maildir,
            Some(Verdict::Deliver(_)) => self.settings.local.clone(),
            Some(Verdict::Relay { via, recipient }) => match via {
                Via::Mx => NextHop::Mx(recipient.domain),
                Via::SmartHost => NextHop::SmartHost,
                Via::Target(id) => NextHop::Target(id),
            },
            _ => return NOWHERE.to_owned(),
        };
        self.route_name(&next_hop)
    }

    /// Looks at every message.
    pub(super) fn each(&self, mut look: impl FnMut(&Message)) -> Result<(), ReadError> {
        let mut after = None;
        loop {
            let page = self.spool.list(after, usize::MAX, |message| {
                look(message);
                false
            })?;
            if page.next.is_none() {
                return Ok(());
            }
            after = page.next;
        }
    }

    pub(super) fn flush(&self, ids: impl IntoIterator<Item = QueueId>) -> usize {
        let now = self.tick();
        let mut state = self.state();
        let ids = ids.into_iter();
        ids.filter(|id| state.table.hasten(*id, now, true)).count()
    }

    /// Piece by piece, the oldest first: others want to look at the state between.
    async fn flush_all(self: &Arc<Self>) -> Result<usize, ControlError> {
        let keys = self.state().hops.keys();
        for next_hop in keys {
            self.state().hops.flush(&next_hop);
        }
        let spool = self.spool.clone();
        let index = blocking(move || spool.index()).await?;
        let mut ids: Vec<QueueId> = index.into_iter().map(|(id, _)| id).collect();
        ids.sort_unstable();
        let mut count = 0;
        for piece in ids.chunks(FLUSH_PIECE) {
            count += self.flush(piece.iter().copied());
            self.wake.notify_one();
            tokio::task::yield_now().await;
        }
        Ok(count)
    }

    /// Lets a target be tried again at once.
    fn end_silence(&self, name: &str) {
        let keys = self.state().hops.keys();
        for next_hop in keys {
            if self.route_name(&next_hop) == name {
                let parked = self.state().hops.flush(&next_hop);
                self.hasten(parked);
            }
        }
    }

    fn flush_target(&self, name: &str) -> Result<usize, ReadError> {
        let mut ids = Vec::new();
        self.each(|message| {
            if queued(message).any(|recipient| self.hop_of(message, recipient) == name) {
                ids.push(message.id);
            }
        })?;
        // Piece by piece: others want to look at the state between.
        let pieces = ids.chunks(FLUSH_PIECE);
        Ok(pieces.map(|ids| self.flush(ids.iter().copied())).sum())
    }

    /// Changes a message that is not on its way, and is claimed as active meanwhile.
    pub(super) async fn change(
        self: &Arc<Self>,
        id: QueueId,
        mut orders: Vec<Left>,
    ) -> Result<(), ControlError> {
        loop {
            let queue = Arc::clone(self);
            let message = match blocking(move || queue.spool.message(id)).await {
                Ok(message) => message,
                Err(error) => {
                    let again = Some(self.schedule().retry_first);
                    self.try_settle(id, &Rest::until(again));
                    return Err(error);
                }
            };
            let Some(mut message) = message else {
                self.forget(id);
                return Err(ControlError::NoMessage(id));
            };
            let wall = self.clock.wall();
            for order in &orders {
                order.verb.apply(&mut message, wall);
            }
            let mut due = due_in(&message, wall);
            let receipt = match due {
                None => self.spool.remove(id),
                Some(_) => self.spool.update(id, &message.envelope),
            };
            let stored = receipt.await;
            match due {
                None => self.keeper.went(id),
                Some(_) => self.keeper.changed(&message),
            }
            match &stored {
                Ok(()) => orders.drain(..).for_each(Left::tell),
                Err(_) => due = Some(self.schedule().retry_first),
            }
            if self.try_settle(id, &Rest::until(due)) {
                return stored.map_err(|error| ControlError::Spool(error.to_string()));
            }
            orders.extend(self.take_orders(id));
        }
    }
}
