//! The one task that owns the schedule: starts what is due, and reads it from the spool first.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use waypost_directory::HoldKey;
use waypost_spool::{Content, Message, QueueId, ReadError};

use super::conclude::{hold_wait, release, since_then};
use super::ready::READY_MAX;
use super::timetable::{Due, Timetable};
use super::{Inner, State, ticks};
use crate::{blocking, event};

/// Messages read at once.
const LOAD_BATCH: usize = 64;
/// A message that could not be read is read again after this.
const READ_AGAIN: Duration = Duration::from_secs(60);
/// How soon it is noticed that a hold of the directory is gone.
const HOLDS_SEEN: Duration = Duration::from_secs(1);
/// The longest sleep; bounds what a clock that stands still can do.
const LONGEST_SLEEP: Duration = Duration::from_secs(600);

type Loaded = Result<Option<(Message, Content)>, ReadError>;

/// Runs until the queue stops.
pub(super) async fn run(queue: Arc<Inner>) {
    let mut holds = queue.routes.holds();
    fill(&queue).await;
    while !queue.is_stopping() {
        release_held(&queue, &mut holds);
        let due = take_due(&queue);
        if due.is_empty() {
            let sleep = tokio::time::sleep(until_next(&queue));
            tokio::select! {
                biased;
                () = queue.wake.notified() => {}
                () = sleep => {}
            }
        } else {
            start(&queue, due).await;
        }
    }
}

/// Learns from the spool's index what there is. What was submitted meanwhile is already known.
async fn fill(queue: &Arc<Inner>) {
    let index = loop {
        let spool = queue.spool.clone();
        match blocking::spawn_blocking(move || spool.index()).await {
            Ok(Ok(index)) => break index,
            Ok(Err(error)) => event::queue_trouble(&"queue", &error),
            Err(error) => event::queue_trouble(&"queue", &error),
        }
        if queue.is_stopping() {
            return;
        }
        tokio::time::sleep(READ_AGAIN).await;
    };
    let (now, wall) = (queue.tick(), queue.clock.wall());
    let schedule = queue.schedule();
    let ticks_until = |due: Option<SystemTime>| {
        let wait = due.map_or(schedule.retry_max, |due| since_then(due, wall));
        // A message under hold is looked at early and then waits for its end.
        now + ticks(schedule.believed(wait))
    };
    let mut state = queue.state();
    let known = |id: &QueueId| state.active.contains_key(id) || state.table.contains(*id);
    let entries: Vec<_> = (index.into_iter())
        .filter(|(id, _)| !known(id))
        .map(|(id, due)| (ticks_until(due), id))
        .collect();
    if state.table.len() == 0 {
        state.table = Timetable::fill(entries);
    } else {
        for (at, id) in entries {
            state.table.insert(id, at);
        }
    }
}

/// Messages whose time has come, as many as there is room for; they are active from here on.
fn take_due(queue: &Inner) -> Vec<Due> {
    let now = queue.tick();
    let mut state = queue.state();
    let mut due = Vec::new();
    state.starving = state.hops.ready() >= READY_MAX / 2;
    if state.starving {
        return due;
    }
    let State { hops, table, .. } = &mut *state;
    hops.probe(now, |id| table.hasten(id, now, false));
    while due.len() < LOAD_BATCH
        && let Some(next) = state.table.pop(now)
    {
        state.held.remove(&next.id);
        state.active.insert(next.id, Vec::new());
        due.push(next);
    }
    due
}

fn until_next(queue: &Inner) -> Duration {
    let state = queue.state();
    let mut wait = LONGEST_SLEEP;
    if !state.starving {
        let next = [state.table.first(), state.hops.first_probe()];
        if let Some(next) = next.into_iter().flatten().min() {
            let ms = next.saturating_sub(queue.tick());
            wait = wait.min(Duration::from_millis(ms.max(1)));
        }
    }
    if !state.held.is_empty() {
        wait = wait.min(HOLDS_SEEN);
    }
    wait
}

/// Looks again at what was held when the directory's holds have changed.
fn release_held(queue: &Inner, seen: &mut Vec<(HoldKey, Option<SystemTime>)>) {
    let holds = queue.routes.holds();
    if holds == *seen {
        return;
    }
    *seen = holds;
    let now = queue.tick();
    let mut state = queue.state();
    state.hold_changes += 1;
    for id in std::mem::take(&mut state.held) {
        state.table.hasten(id, now, false);
    }
}

async fn start(queue: &Arc<Inner>, due: Vec<Due>) {
    let spool = queue.spool.clone();
    let ids: Vec<QueueId> = due.iter().map(|due| due.id).collect();
    let load = move || ids.into_iter().map(|id| spool.load(id)).collect();
    let loaded: Vec<Loaded> = match blocking::spawn_blocking(load).await {
        Ok(loaded) => loaded,
        Err(error) => {
            // A bug of the reader: the batch waits, so that it does not spin.
            event::queue_trouble(&"queue", &error);
            return due.into_iter().for_each(|due| later(queue, due.id));
        }
    };
    for (due, loaded) in due.into_iter().zip(loaded) {
        match loaded {
            Ok(Some((message, content))) => begin(queue, due, message, content),
            // Gone meanwhile.
            Ok(None) => queue.forget(due.id),
            Err(error @ ReadError::Damaged { .. }) => {
                tracing::error!(target: "waypost::qmgr", "{}: {error}", due.id);
                queue.forget(due.id);
            }
            Err(error) => {
                event::queue_trouble(&due.id, &error);
                later(queue, due.id);
            }
        }
    }
}

fn later(queue: &Arc<Inner>, id: QueueId) {
    queue.settle_at(id, READ_AGAIN);
}

/// Starts on a message that was read, unless it is held.
fn begin(queue: &Arc<Inner>, due: Due, mut message: Message, content: Content) {
    let wall = queue.clock.wall();
    if let Some(hold) = &message.envelope.hold {
        if hold.until.is_none_or(|until| until > wall) {
            let wait = hold_wait(hold, wall);
            return queue.settle_at(due.id, wait);
        }
        release(&mut message, wall);
    }
    let recipients = message.envelope.recipients.iter();
    let queued = recipients.filter(|r| r.state == waypost_spool::State::Queued);
    // Something is due, or the timetable would not say so: a clock that was set back does not
    // make it wait.
    let first = queued.map(|recipient| recipient.due).min();
    let threshold = match (due.flushed, first) {
        (false, Some(first)) => first.max(wall),
        _ => far(wall),
    };
    queue.begin(Arc::new(message), content, threshold);
}

/// Later than any recipient is due.
pub(super) fn far(wall: SystemTime) -> SystemTime {
    wall + Duration::from_hours(24 * 365 * 100)
}
