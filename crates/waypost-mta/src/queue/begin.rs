//! The beginning of a round: where each recipient goes is planned, and asked where it is not known.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use waypost_spool::{Committed, Content, Message};

use super::Inner;
use super::plan::{Ground, Plan, plan, request};
use super::progress::Round;
use super::timekeeper::far;
use super::timetable::Tick;
use crate::event;
use crate::resolve::Decided;

impl Inner {
    /// Begins with a new message; how long it waits for its turns, as far as that is known.
    pub(super) fn submit(self: &Arc<Self>, committed: &Committed) -> Option<Tick> {
        let message = committed.message();
        let content = committed.content();
        self.keeper.came(message);
        let mut state = self.state();
        if state.active.contains_key(&message.id) || state.table.contains(message.id) {
            // The index had it first.
            return None;
        }
        let Some(content) = content.filter(|_| !self.is_stopping()) else {
            state.table.insert(message.id, self.tick());
            drop(state);
            self.wake.notify_one();
            return None;
        };
        state.active.insert(message.id, Vec::new());
        drop(state);
        let due = far(self.clock.wall());
        self.begin(Arc::clone(message), content.clone(), due)
    }

    /// Starts a round for every recipient that is due at `due`. The message is active already.
    /// Tells how long it waits for its turns, as far as that is known.
    pub(super) fn begin(
        self: &Arc<Self>,
        message: Arc<Message>,
        content: Content,
        due: SystemTime,
    ) -> Option<Tick> {
        self.active(&message);
        let plan = self.plan(&message, due, &HashMap::new());
        if plan.unasked.is_empty() {
            return self.launch(message, content, plan);
        }
        self.enter();
        let queue = Arc::clone(self);
        tokio::spawn(async move {
            let asked = queue.ask(&message, &plan.unasked).await;
            let plan = queue.plan(&message, due, &asked);
            queue.launch(message, content, plan);
            queue.leave();
        });
        None
    }

    /// Says that a message is worked on.
    pub(super) fn active(&self, message: &Message) {
        let envelope = &message.envelope;
        event::queue_active(
            &message.id,
            &envelope.reverse_path,
            message.size,
            envelope.recipients.len(),
        );
    }

    pub(super) fn plan(
        &self,
        message: &Message,
        due: SystemTime,
        asked: &HashMap<usize, Decided>,
    ) -> Plan {
        let ground = Ground {
            routes: &*self.routes,
            local: &self.settings.local,
            asked,
        };
        let hold_changes = self.state().hold_changes;
        Plan {
            hold_changes,
            ..plan(message, due, self.clock.wall(), &ground)
        }
    }

    /// Decides recipients whom nobody here knows, by asking. One after the other: together they
    /// would be a flood, and what one answer teaches is remembered for the next.
    async fn ask(&self, message: &Message, unasked: &[usize]) -> HashMap<usize, Decided> {
        let mut asked = HashMap::with_capacity(unasked.len());
        for index in unasked {
            if let Some(recipient) = message.envelope.recipients.get(*index) {
                let decided = self.routes.ask(request(message, recipient)).await;
                asked.insert(*index, decided);
            }
        }
        asked
    }

    fn launch(
        self: &Arc<Self>,
        message: Arc<Message>,
        content: Content,
        plan: Plan,
    ) -> Option<Tick> {
        let round = Arc::new(Round::new(message, content, &plan));
        for (index, end) in &plan.ends {
            self.log_unsent(&round, *index, end);
        }
        self.run(&round, plan)
    }

    /// Makes the copies of a new round ready; how long they wait for their turns, as far as known.
    pub(super) fn run(self: &Arc<Self>, round: &Arc<Round>, plan: Plan) -> Option<Tick> {
        let waits = plan.copies.into_iter().map(|copy| self.place(round, copy));
        // Each of them is placed, whatever the others wait.
        let wait = waits.fold(None, Ord::max);
        self.end(round, plan.ends);
        wait
    }
}
