//! What was ordered for messages that somebody works on: done with what is left of them.

use std::time::SystemTime;

use tokio::sync::oneshot;
use waypost_proto::mail::Mailbox;
use waypost_spool::{Hold, Message, QueueId, State};

use super::Inner;
use super::conclude::{Conclusion, release};
use super::round::due_in;

/// What an administrator ordered for a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verb {
    Hold(Hold),
    Release,
    Remove,
    RemoveRecipients(Vec<Mailbox>),
}

impl Verb {
    pub(super) fn apply(&self, message: &mut Message, wall: SystemTime) {
        match self {
            Self::Hold(hold) => {
                release(message, wall);
                message.envelope.hold = Some(hold.clone());
            }
            Self::Release => release(message, wall),
            Self::Remove => remove(message, |_| true),
            Self::RemoveRecipients(these) => remove(message, |to| these.contains(to)),
        }
    }
}

fn remove(message: &mut Message, is_meant: impl Fn(&Mailbox) -> bool) {
    for recipient in &mut message.envelope.recipients {
        if recipient.state == State::Queued && is_meant(&recipient.address) {
            recipient.state = State::Removed;
        }
    }
}

/// An order for a message that somebody works on.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) verb: Verb,
    /// Who is told when it is done, and safe.
    pub(super) done: Option<oneshot::Sender<()>>,
}

impl Left {
    /// One that nobody waits for.
    pub(super) fn alone(verb: Verb) -> Self {
        Self { verb, done: None }
    }

    pub(super) fn tell(self) {
        if let Some(done) = self.done {
            // Who asked may have gone.
            let _ = done.send(());
        }
    }
}

impl Inner {
    /// Leaves an order for a message that is on its way; gives it back for one that is not, and
    /// is claimed from now on.
    pub(super) fn leave_order(
        &self,
        id: QueueId,
        verb: Verb,
    ) -> Result<oneshot::Receiver<()>, Verb> {
        let mut state = self.state();
        if let Some(orders) = state.active.get_mut(&id) {
            let (done, is_done) = oneshot::channel();
            let done = Some(done);
            orders.push(Left { verb, done });
            return Ok(is_done);
        }
        state.table.remove(id);
        state.held.remove(&id);
        state.active.insert(id, Vec::new());
        Err(verb)
    }

    /// Does what administrators ordered while the message was on its way.
    pub(super) fn obey(&self, conclusion: &mut Conclusion) -> Vec<Left> {
        let orders = self.take_orders(conclusion.message.id);
        let wall = self.clock.wall();
        for order in &orders {
            order.verb.apply(&mut conclusion.message, wall);
            conclusion.due_in = due_in(&conclusion.message, wall);
        }
        orders
    }

    /// The orders that were left for a message that somebody works on.
    pub(super) fn take_orders(&self, id: QueueId) -> Vec<Left> {
        let orders = self.state().active.get_mut(&id).map(std::mem::take);
        orders.unwrap_or_default()
    }

    /// Whether something was ordered that is still to be done.
    #[cfg(test)]
    pub(super) fn is_ordered(&self, id: QueueId) -> bool {
        let state = self.state();
        state
            .active
            .get(&id)
            .is_some_and(|orders| !orders.is_empty())
    }
}
