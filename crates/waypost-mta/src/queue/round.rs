//! One round of a message: from its recipients that are due to what the spool knows afterwards.

use std::iter;
use std::sync::{Arc, MutexGuard, Weak};
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;
use waypost_directory::Span;
use waypost_proto::dsn::Action;
use waypost_proto::mail::Mailbox;
use waypost_proto::route::{TargetId, Verdict, Via};
use waypost_spool::{
    Committed, Envelope, Message, Op, QueueId, Receipt, Recipient, Staged, State, Unavailable,
};

use super::ahead::Told;
use super::attempt::Ready;
use super::conclude::{self, Conclusion, End, Facts, Way, conclude, hold_wait};
use super::orders::Left;
use super::plan::{Copy, bound, request};
use super::progress::{Progress, Round};
use super::ready::Placed;
use super::timetable::Tick;
use super::{Inner, ticks};
use crate::blocking;
use crate::bounce::{Notification, Reporter};
use crate::deliver::{NextHop, Trouble};
use crate::event;
use crate::resolve::Request;

/// What could not be stored is stored again after this, at first.
const STORE_AGAIN: Duration = Duration::from_secs(1);
const STORE_AGAIN_MAX: Duration = Duration::from_secs(60);

/// What was taken is recorded this many times, about, while others of a message are on their way.
const COPIES_PER_RECORD: usize = 16;

/// How a message rests until it is due again.
pub(super) struct Rest<'a> {
    /// None: it is done.
    pub(super) due_in: Option<Duration>,
    /// Next hops that may call it earlier.
    pub(super) parked: &'a [NextHop],
    /// A hold of the directory keeps it, which may change: how often that was seen when it was
    /// planned.
    pub(super) held: Option<u64>,
}

impl Rest<'_> {
    pub(super) fn until(due_in: Option<Duration>) -> Self {
        Self {
            due_in,
            parked: &[],
            held: None,
        }
    }
}

impl Inner {
    /// Makes a copy ready for its next hop, or ends it when that is not possible now. Tells how long
    /// it waits for its turn, as far as that is known.
    pub(super) fn place(self: &Arc<Self>, round: &Arc<Round>, copy: Copy) -> Option<Tick> {
        let next_hop = copy.next_hop.clone();
        let limit = self.limit(&next_hop);
        let now = self.tick();
        let ready = Ready {
            round: Arc::clone(round),
            copy,
            since: now,
            opened: None,
        };
        let mut state = self.state();
        let placed = state.hops.place(&next_hop, limit, ready, now);
        let wait = state.hops.wait(&next_hop, now);
        self.placed(state, next_hop, placed);
        wait
    }

    /// Makes a copy whose envelope was told already the next one of its next hop.
    pub(super) fn place_next(self: &Arc<Self>, round: &Arc<Round>, copy: Copy, told: Told) {
        let next_hop = copy.next_hop.clone();
        let now = self.tick();
        let ready = Ready {
            round: Arc::clone(round),
            copy,
            since: now,
            opened: Some(told.opened),
        };
        told.turn.used();
        let mut state = self.state();
        let placed = state.hops.use_turn(&next_hop, ready, now);
        self.placed(state, next_hop, placed);
    }

    /// Does what placing a copy came to.
    fn placed(
        self: &Arc<Self>,
        state: MutexGuard<'_, super::State>,
        next_hop: NextHop,
        placed: Placed<Ready>,
    ) {
        match placed {
            Placed::Ready => {}
            Placed::Start => {
                drop(state);
                self.start_worker(next_hop);
            }
            Placed::Full(ready) => {
                drop(state);
                ready.round.park(&next_hop);
                self.end_parked(&ready);
            }
            Placed::Silent(ready) => {
                let trouble = state.hops.trouble(&next_hop).to_owned();
                drop(state);
                self.suspend(ready, &trouble);
            }
        }
    }

    /// Most attempts at a time.
    pub(super) fn limit(&self, next_hop: &NextHop) -> u32 {
        let concurrency = self.settings.concurrency;
        match next_hop {
            NextHop::Lmtp => concurrency.lmtp,
            NextHop::Maildir => concurrency.maildir,
            NextHop::Mx(_) => concurrency.mx,
            NextHop::SmartHost => concurrency.smart_host,
            NextHop::Target(id) => self.routes.target(*id).map_or(1, |facts| facts.connections),
        }
    }

    /// Ends a copy for which there was no room or no need, without an attempt.
    pub(super) fn end_parked(self: &Arc<Self>, ready: &Ready) {
        let addressees = ready.copy.addressees.iter();
        let indexes = addressees.flat_map(|a| iter::once(a.job.index).chain(a.same.clone()));
        let ends = indexes.map(|index| (index, End::Parked)).collect();
        self.end(&ready.round, ends);
    }

    /// One copy of a round has ended; the last one concludes the round.
    pub(super) fn end(self: &Arc<Self>, round: &Arc<Round>, mut ends: Vec<(usize, End)>) {
        let progress = {
            let mut progress = round.progress();
            progress.left = progress.left.saturating_sub(1);
            let taken = ends.iter().any(|(_, end)| matches!(end, End::Taken(_)));
            progress.ends.append(&mut ends);
            if progress.left > 0 {
                progress.unrecorded += usize::from(taken && progress.waits.is_none());
                if progress.unrecorded > progress.copies / COPIES_PER_RECORD {
                    progress.unrecorded = 0;
                    self.record_taken(&round.message, &progress.ends);
                }
                return;
            }
            if let Some(waits) = progress.waits.take() {
                // Whoever waited may be gone: then nobody was promised anything.
                let _ = waits.send(std::mem::take(&mut *progress));
                return;
            }
            std::mem::take(&mut *progress)
        };
        self.finish(round, progress);
    }

    /// Concludes a round that is over, of a message in the spool.
    pub(super) fn finish(self: &Arc<Self>, round: &Arc<Round>, progress: Progress) {
        if self.is_delivered(&round.message, &progress.ends) {
            return self.remove(round.message.id);
        }
        if progress.ends.iter().all(|(_, end)| *end == End::Parked) {
            let rest = Rest {
                due_in: Some(self.schedule().retry_max),
                parked: &progress.parked,
                held: None,
            };
            return self.settle(round.message.id, &rest);
        }
        self.enter();
        let (queue, round) = (Arc::clone(self), Arc::clone(round));
        tokio::spawn(async move {
            queue.conclude(&round, progress).await;
            queue.leave();
        });
    }

    /// Others of the same message are still on their way: what was taken is recorded now, so that
    /// a crash does not send it again.
    fn record_taken(&self, message: &Message, ends: &[(usize, End)]) {
        if !ends.iter().any(|(_, end)| matches!(end, End::Taken(_))) {
            return;
        }
        let mut envelope = message.envelope.clone();
        note_taken(&mut envelope, ends);
        // A failure is mended by the conclusion, which stores the same and more.
        drop(self.spool.update(message.id, &envelope));
    }

    /// Whether nothing is left of the message, and nobody is to be told.
    pub(super) fn is_delivered(&self, message: &Message, ends: &[(usize, End)]) -> bool {
        let recipients = &message.envelope.recipients;
        let queued = recipients.iter().filter(|r| r.state == State::Queued);
        queued.count() == ends.len()
            && ends.iter().all(|(_, end)| matches!(end, End::Taken(_)))
            && !recipients.iter().any(wants_success)
    }

    /// Lets a message go that is done; nobody waits for it.
    fn remove(self: &Arc<Self>, id: QueueId) {
        self.enter();
        self.keeper.went(id);
        let receipt = self.spool.remove(id);
        if let Err(mpsc::error::TrySendError::Full(removal)) = self.removals.try_send((id, receipt))
        {
            let queue = Arc::clone(self);
            tokio::spawn(async move {
                // Closed only when the queue is gone.
                let _ = queue.removals.send(removal).await;
            });
        }
    }

    /// Concludes a round: asks again where there is doubt, stores the result, reports.
    async fn conclude(self: &Arc<Self>, round: &Round, mut progress: Progress) {
        if !progress.doubts.is_empty() {
            // Whoever is asked may be slow to answer.
            self.record_taken(&round.message, &progress.ends);
        }
        for index in self.settle_doubts(round, &mut progress).await {
            if let Some((_, end)) = progress.ends.iter().find(|(i, _)| *i == index) {
                self.log_unsent(round, index, end);
            }
        }
        let held = progress
            .ends
            .iter()
            .any(|(_, end)| matches!(end, End::Held(_)))
            .then_some(round.hold_changes);
        let leaves = |to: &Mailbox| {
            let side = waypost_proto::route::Side::Here;
            let decided = self.routes.decide(&Request::in_queue(to, &side));
            !decided.is_some_and(|decided| matches!(decided.verdict, Verdict::Deliver(_)))
        };
        let wall = self.clock.wall();
        let held_before = |recipient: &Recipient, since: SystemTime| {
            let request = request(&round.message, recipient);
            let time = Span { since, ended: wall };
            self.routes.held_within(bound(&request, recipient), time)
        };
        let dated = (round.message.id, round.message.arrived);
        let mut conclusion = conclude(
            &round.message,
            progress.ends,
            &Facts {
                wall,
                now: self.skews.now_for(dated, self.steady(), wall),
                up: Duration::from_millis(self.tick()),
                schedule: self.schedule(),
                postmaster: &self.settings.postmaster,
                leaves: &leaves,
                held: &held_before,
            },
        );
        let id = round.message.id;
        for index in &conclusion.expired {
            if let Some(recipient) = round.message.envelope.recipients.get(*index) {
                event::expired(
                    &id,
                    &round.message.envelope.reverse_path,
                    &recipient.address,
                );
            }
        }
        loop {
            let obeyed = self.obey(&mut conclusion);
            if self.store(round, &mut conclusion).await {
                obeyed.into_iter().for_each(Left::tell);
            }
            let rest = Rest {
                due_in: conclusion.due_in,
                parked: &progress.parked,
                held,
            };
            if self.try_settle(id, &rest) {
                break;
            }
        }
    }

    /// Asks again where there is doubt; the recipients that are refused for good after all. Their
    /// attempts were logged as deferred, before anybody had been asked again.
    pub(super) async fn settle_doubts(&self, round: &Round, progress: &mut Progress) -> Vec<usize> {
        let mut refused = Vec::new();
        for (index, target, outgoing) in std::mem::take(&mut progress.doubts) {
            let end = self
                .ask_again(&round.message, index, target, &outgoing)
                .await;
            if let (Some(end), Some((_, old))) =
                (end, progress.ends.iter_mut().find(|(i, _)| *i == index))
                && let End::Contradicted(trouble, way) = &*old
            {
                *old = end(trouble.clone(), way.clone());
                refused.extend(matches!(old, End::Failed(..)).then_some(index));
            }
        }
        refused
    }

    /// Asks the authorities again about a recipient that a target has refused although it was
    /// known to have it. What that makes of the refusal; none when it stays as it is.
    async fn ask_again(
        &self,
        message: &Message,
        index: usize,
        target: TargetId,
        outgoing: &Mailbox,
    ) -> Option<fn(Trouble, Way) -> End> {
        let recipient = message.envelope.recipients.get(index)?;
        let request = request(message, recipient);
        let decided = self.routes.decide_again(request, target, outgoing).await;
        match decided.verdict {
            Verdict::Refuse(_) => Some(End::Failed),
            Verdict::TryLater(_) => None,
            Verdict::Relay { via, recipient }
                if via == Via::Target(target) && recipient == *outgoing =>
            {
                None
            }
            _ => Some(End::Rerouted),
        }
    }

    /// Stores what a round came to, with its reports, until that has succeeded; it has not only
    /// when the program ends.
    async fn store(self: &Arc<Self>, round: &Round, conclusion: &mut Conclusion) -> bool {
        let gone = conclusion.due_in.is_none();
        if !gone && conclusion.notifications.is_empty() && conclusion.message == *round.message {
            return true;
        }
        let mut wait = STORE_AGAIN;
        loop {
            match self.write(round, conclusion).await {
                Ok(reports) => {
                    for report in &reports {
                        self.submit(report);
                    }
                    conclusion.notifications.clear();
                    return true;
                }
                Err(error) => event::queue_trouble(&round.message.id, &error),
            }
            if self.is_stopping() {
                // It is done again after the next start.
                return false;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(STORE_AGAIN_MAX);
        }
    }

    async fn write(
        self: &Arc<Self>,
        round: &Round,
        conclusion: &Conclusion,
    ) -> Result<Vec<Committed>, Unavailable> {
        let (id, wall, steady) = (round.message.id, self.clock.wall(), self.steady());
        let mut ops = Vec::with_capacity(conclusion.notifications.len() + 1);
        for notification in &conclusion.notifications {
            let (staged, envelope) = self.stage(round, notification, wall).await?;
            self.skews.note(staged.id(), steady, wall);
            let kind = kind(notification);
            event::notified(&id, kind, &staged.id());
            ops.push(Op::Commit(staged, envelope));
        }
        ops.push(match conclusion.due_in {
            None => Op::Remove(id),
            Some(_) => Op::Update(id, conclusion.message.envelope.clone()),
        });
        let reports = self.spool.apply(ops).await?;
        if conclusion.due_in.is_none() {
            self.keeper.went(id);
            event::removed(&id);
        } else {
            self.keeper.changed(&conclusion.message);
        }
        Ok(reports)
    }

    async fn stage(
        self: &Arc<Self>,
        round: &Round,
        notification: &Notification,
        wall: SystemTime,
    ) -> Result<(Staged, Envelope), Unavailable> {
        let queue = Arc::clone(self);
        let (message, content) = (Arc::clone(&round.message), round.content.clone());
        let notification = notification.clone();
        let reporter = Reporter {
            lifetime: self.schedule().lifetime,
            ..self.reporter.clone()
        };
        let stage = move || {
            let about = (&*message, &content);
            reporter.stage(&queue.spool, about, &notification, wall)
        };
        if round.content.memory().is_some() {
            return stage();
        }
        let staged = blocking::spawn_blocking(stage).await;
        staged.unwrap_or(Err(Unavailable::Failing))
    }

    /// Puts a message that is not active any more where it belongs, unless something was ordered
    /// meanwhile.
    pub(super) fn try_settle(&self, id: QueueId, rest: &Rest<'_>) -> bool {
        let mut state = self.state();
        if rest.due_in.is_some()
            && state
                .active
                .get(&id)
                .is_some_and(|orders| !orders.is_empty())
        {
            return false;
        }
        state.active.remove(&id);
        let Some(wait) = rest.due_in else {
            return true;
        };
        let now = self.tick();
        state.table.insert(id, now.saturating_add(ticks(wait)));
        match rest.held {
            // Whoever waits for changes has seen one since: it was planned under another hold.
            Some(planned) if planned != state.hold_changes => {
                state.table.hasten(id, now, false);
            }
            Some(_) => {
                state.held.insert(id);
            }
            None => {}
        }
        for next_hop in rest.parked {
            state.hops.park(next_hop, id);
            for id in state.hops.unpark(next_hop, now) {
                state.table.hasten(id, now, false);
            }
        }
        drop(state);
        self.wake.notify_one();
        true
    }

    fn settle(self: &Arc<Self>, id: QueueId, rest: &Rest<'_>) {
        if !self.try_settle(id, rest) {
            // Ordered in the very moment: through the door that is there for waiting messages.
            let orders = self.take_orders(id);
            self.enter();
            let queue = Arc::clone(self);
            tokio::spawn(async move {
                // It is only this message's state that could not be changed, and it says so.
                if let Err(error) = queue.change(id, orders).await {
                    event::queue_trouble(&id, &error);
                }
                queue.leave();
            });
        }
    }

    /// Puts an active message back for later.
    pub(super) fn settle_at(self: &Arc<Self>, id: QueueId, wait: Duration) {
        self.settle(id, &Rest::until(Some(wait)));
    }

    /// An active message turned out to be gone.
    pub(super) fn forget(&self, id: QueueId) {
        self.state().active.remove(&id);
    }
}

/// When a message is due whose round is over, or that was waiting; none when it is done.
pub(super) fn due_in(message: &Message, wall: SystemTime) -> Option<Duration> {
    let queued = message.envelope.recipients.iter();
    let queued = queued.filter(|recipient| recipient.state == State::Queued);
    let first = queued.map(|recipient| recipient.due).min()?;
    Some(match &message.envelope.hold {
        Some(hold) => hold_wait(hold, wall),
        None => conclude::since_then(first, wall),
    })
}

/// What is taken stays so, even if nothing more is recorded of it.
fn note_taken(envelope: &mut Envelope, ends: &[(usize, End)]) {
    for (index, end) in ends {
        if let (End::Taken(_), Some(recipient)) = (end, envelope.recipients.get_mut(*index))
            // Its report is written with the conclusion.
            && !wants_success(recipient)
        {
            recipient.state = State::Delivered;
        }
    }
}

pub(super) fn wants_success(recipient: &Recipient) -> bool {
    recipient.params.notify.is_some_and(|notify| notify.success)
}

fn kind(notification: &Notification) -> &'static str {
    let any = |action| notification.recipients.iter().any(|a| a.action == action);
    match (&notification.to, any(Action::Failed), any(Action::Delayed)) {
        (None, ..) => "postmaster non-delivery notification",
        (_, true, _) => "sender non-delivery notification",
        (_, _, true) => "sender delay notification",
        _ => "sender delivery status notification",
    }
}

/// Waits for the receipts of removals, in their order, and does again what failed.
pub(super) async fn record(
    queue: Weak<Inner>,
    mut removals: mpsc::Receiver<(QueueId, Receipt<()>)>,
) {
    while let Some((id, receipt)) = removals.recv().await {
        let mut result = receipt.await;
        let mut wait = STORE_AGAIN;
        let Some(queue) = queue.upgrade() else {
            return;
        };
        while let Err(error) = result {
            event::queue_trouble(&id, &error);
            if queue.is_stopping() {
                break;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(STORE_AGAIN_MAX);
            result = queue.spool.remove(id).await;
        }
        if result.is_ok() {
            event::removed(&id);
        }
        queue.forget(id);
        queue.leave();
    }
}
