//! When a message goes: the schedule, what is ready, and how an administrator changes it.
//!
//! The spool is the only truth about mail in our charge; the queue is rebuilt from its index at
//! start. In memory a waiting message is its id and its time. A message whose time has come, and
//! one that was just accepted, makes a *round*: every recipient that is due is decided again, the
//! copies are made ready for their next hops, and when the last attempt has ended the round is
//! concluded: states and times go to the spool, reports to the senders, in one transaction.
//!
//! ```text
//! submit ───────────────▶ round ─▶ plan ─▶ ready (per next hop) ─▶ attempt ─┐
//! timetable ─▶ load ─────▶   ▲                  │ full, silent              │
//!    ▲                       └── conclude ◀─────┴───────────────────────────┘
//!    └──── due again ◀───────────┘ └─▶ spool, reports
//! ```
//!
//! A message that was accepted and delivered at once is never read back, and of the store it
//! touches only its commit and its removal, both in groups with others.

mod ahead;
mod attempt;
mod begin;
mod bulk;
mod conclude;
pub mod control;
mod find;
pub mod health;
mod in_flow;
mod index;
mod orders;
mod plan;
mod progress;
mod ready;
mod round;
pub mod route;
pub mod schedule;
mod skew;
mod through;
mod timekeeper;
mod timetable;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use waypost_proto::mail::{Domain, Mailbox};
use waypost_spool::{Committed, QueueId, Receipt, Spool};

use crate::bounce::Reporter;
use crate::clock::Clock;
use crate::deliver::{Job, NextHop, Opened, Outcome, Seen};
use crate::trace::Tracer;
pub(crate) use ahead::Ahead;
use attempt::Ready;
use index::keeper::Keeper;
use orders::Left;
use ready::{Hops, READY_MAX};
use route::Route;
use schedule::Schedule;
use skew::Skews;
use through::Slow;
use timetable::{Tick, Timetable};

/// Removals whose receipts are waited for; more wait for their turn.
const REMOVALS_MAX: usize = 10_000;

/// An attempt on its way.
pub type Attempting<'a> = Pin<Box<dyn Future<Output = Vec<Outcome>> + Send + 'a>>;

/// An envelope that is being told ahead of its content.
pub type Opening<'a> = Pin<Box<dyn Future<Output = Option<Opened>> + Send + 'a>>;

/// Who makes attempts.
pub trait Attempt: Send + Sync {
    /// Hands one copy to its next hop; one outcome per recipient.
    fn attempt(&self, job: Job) -> Attempting<'_>;

    /// Tells the next hop of a copy its envelope, while the content is still on its way; none where
    /// that is not done.
    fn open(&self, job: Job) -> Opening<'_> {
        drop(job);
        Box::pin(async { None })
    }

    /// The attempt that an envelope was told for.
    fn attempt_over(&self, job: Job, opened: Opened) -> Attempting<'_> {
        drop(opened);
        self.attempt(job)
    }

    /// What was seen of next hops since the start.
    fn seen(&self) -> HashMap<NextHop, Seen> {
        HashMap::new()
    }
}

/// Attempts at a time, for next hops that are no targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    /// Sessions with the local mail store.
    pub lmtp: u32,
    /// Deliveries into mailboxes on this machine.
    pub maildir: u32,
    /// Connections to the MX hosts of one domain.
    pub mx: u32,
    /// Connections to the smart host.
    pub smart_host: u32,
}

impl Default for Concurrency {
    fn default() -> Self {
        Self {
            lmtp: 20,
            maildir: 32,
            mx: 20,
            smart_host: 20,
        }
    }
}

/// What the site's configuration says about the queue.
#[derive(Debug, Clone)]
pub struct Settings {
    /// This server's name, in reports.
    pub hostname: Domain,
    /// The site's own mailbox.
    pub postmaster: Mailbox,
    /// The times of the retry schedule, as of the start.
    pub schedule: Schedule,
    /// Where deliveries to users go: [`NextHop::Lmtp`] or [`NextHop::Maildir`].
    pub local: NextHop,
    /// Whether there is a smart host.
    pub smart_host: bool,
    /// Attempts at a time.
    pub concurrency: Concurrency,
    /// How long a sender waits at most for the next hop's own answer; zero: not at all.
    pub cut_through: Duration,
}

/// What the queue is made of.
pub struct Parts {
    /// The mail in our charge.
    pub spool: Spool,
    /// Where recipients go.
    pub routes: Arc<dyn Route>,
    /// Who makes attempts.
    pub deliverer: Arc<dyn Attempt>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Writes trace fields.
    pub tracer: Tracer,
    /// The site's configuration.
    pub settings: Settings,
}

/// The queue.
#[derive(Debug)]
pub struct Queue;

impl Queue {
    /// Starts the queue on the present runtime, with what the spool holds.
    #[must_use]
    pub fn start(parts: Parts) -> QueueHandle {
        let (removals, receipts) = mpsc::channel(REMOVALS_MAX);
        let reporter = Reporter {
            hostname: parts.settings.hostname.clone(),
            postmaster: parts.settings.postmaster.clone(),
            lifetime: parts.settings.schedule.lifetime,
        };
        let inner = Arc::new(Inner {
            began: parts.clock.now(),
            began_wall: parts.clock.wall(),
            spool: parts.spool,
            routes: parts.routes,
            deliverer: parts.deliverer,
            clock: parts.clock,
            tracer: parts.tracer,
            schedule: RwLock::new(parts.settings.schedule),
            settings: parts.settings,
            reporter,
            state: Mutex::new(State {
                table: Timetable::default(),
                hops: Hops::new(READY_MAX),
                active: HashMap::new(),
                held: HashSet::new(),
                hold_changes: 0,
                starving: false,
            }),
            wake: Notify::new(),
            idle: Notify::new(),
            busy: AtomicUsize::new(0),
            stopping: watch::channel(false).0,
            skews: Skews::default(),
            slow: Slow::default(),
            removals,
            keeper: Keeper::default(),
            runtime: tokio::runtime::Handle::current(),
        });
        tokio::spawn(timekeeper::run(Arc::clone(&inner)));
        tokio::spawn(round::record(Arc::downgrade(&inner), receipts));
        QueueHandle(inner)
    }
}

/// The running queue. Cheap to clone.
#[derive(Clone)]
pub struct QueueHandle(Arc<Inner>);

impl fmt::Debug for QueueHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueHandle").finish_non_exhaustive()
    }
}

impl QueueHandle {
    /// Notes by which clocks a message has just been dated; each is named here before it comes.
    pub fn dated(&self, id: QueueId) {
        let queue = &self.0;
        queue.skews.note(id, queue.steady(), queue.clock.wall());
    }

    /// Takes a message that was just committed, and starts on it at once.
    ///
    /// A group that was expanded while the message was accepted may be among the recipients, with
    /// state `Delivered`: when its parameters ask for success, its sender is told that it was
    /// expanded, or, when [`waypost_spool::Recipient::sender`] names its owner, delivered
    /// (RFC 3461 §5.2.7).
    pub fn submit(&self, committed: &Committed) {
        self.0.submit(committed);
    }

    /// Other times from now on; what waits already waits for the time that was set.
    pub fn reschedule(&self, schedule: Schedule) {
        let mut held = (self.0.schedule.write()).unwrap_or_else(PoisonError::into_inner);
        *held = schedule;
    }

    /// Starts no further attempt, and waits for those in flight, no longer than `grace`.
    ///
    /// What is not done then is in the spool, and is found there at the next start.
    pub async fn stop(&self, grace: Duration) {
        self.0.stopping.send_replace(true);
        self.0.wake.notify_one();
        let all_done = async {
            loop {
                let idle = self.0.idle.notified();
                if self.0.busy.load(Ordering::SeqCst) == 0 {
                    return;
                }
                idle.await;
            }
        };
        // What is late is not lost, only done again.
        let _ = tokio::time::timeout(grace, all_done).await;
    }

    /// Messages on their way, and messages that wait for their time.
    #[must_use]
    pub fn len(&self) -> (usize, usize) {
        let state = self.0.state();
        (state.active.len(), state.table.len())
    }
}

/// What everybody in the queue shares.
pub(crate) struct Inner {
    spool: Spool,
    routes: Arc<dyn Route>,
    deliverer: Arc<dyn Attempt>,
    clock: Arc<dyn Clock>,
    tracer: Tracer,
    settings: Settings,
    /// The times that hold now.
    schedule: RwLock<Schedule>,
    reporter: Reporter,
    began: Instant,
    began_wall: SystemTime,
    state: Mutex<State>,
    /// Wakes the timekeeper.
    wake: Notify,
    /// Told when nothing is in flight any more.
    idle: Notify,
    /// Workers, conclusions and removals in flight.
    busy: AtomicUsize,
    stopping: watch::Sender<bool>,
    skews: Skews,
    slow: Slow,
    removals: mpsc::Sender<(QueueId, Receipt<()>)>,
    /// Finds messages for who looks at the queue.
    keeper: Keeper,
    runtime: tokio::runtime::Handle,
}

struct State {
    table: Timetable,
    hops: Hops<NextHop, Ready>,
    /// Messages that somebody works on, with what administrators ordered meanwhile.
    active: HashMap<QueueId, Vec<Left>>,
    /// Waiting messages with a recipient under a hold of the directory.
    held: HashSet<QueueId>,
    /// How often a change of the directory's holds was seen.
    hold_changes: u64,
    /// Whether something is due for which there was no room.
    starving: bool,
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn schedule(&self) -> Schedule {
        *self.schedule.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn tick(&self) -> Tick {
        let since = self.clock.now().saturating_duration_since(self.began);
        ticks(since)
    }

    /// The wall clock as it would be had it not jumped since the start.
    fn steady(&self) -> SystemTime {
        self.began_wall + Duration::from_millis(self.tick())
    }

    fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Waits until no further attempt is started.
    async fn stopped(&self) {
        // The sender is our own.
        let _ = self
            .stopping
            .subscribe()
            .wait_for(|stopping| *stopping)
            .await;
    }

    /// Counts something in flight.
    fn enter(&self) {
        self.busy.fetch_add(1, Ordering::SeqCst);
    }

    fn leave(&self) {
        if self.busy.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.idle.notify_waiters();
        }
    }

    /// Brings waiting messages forward to now.
    fn hasten(&self, ids: impl IntoIterator<Item = QueueId>) {
        let now = self.tick();
        let mut state = self.state();
        let mut any = false;
        for id in ids {
            any |= state.table.hasten(id, now, false);
        }
        drop(state);
        if any {
            self.wake.notify_one();
        }
    }
}

fn ticks(duration: Duration) -> Tick {
    Tick::try_from(duration.as_millis()).unwrap_or(Tick::MAX / 2)
}
