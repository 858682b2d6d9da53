//! What happened to mail: every line of the log about it, kept for some time and searchable by
//! queue id and by address, in a file that one thread writes behind everybody's back.
//!
//! Nothing waits for it. A crash may cost what was said last; what comes faster than it can be
//! written is left out, counted, and said in the log. Without the file, or with another release's,
//! it begins anew.

mod line;
mod piece;
mod signs;
mod store;
mod tap;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use waypost_mta::clock::{Clock as _, SystemClock};
use waypost_mta::metrics;

pub(crate) use line::{Line, fields};
#[cfg(test)]
pub(crate) use piece::Step;
pub(crate) use piece::bare;
pub(crate) use signs::Signs;
pub(crate) use store::{Hit, Place, Sample, Search};
pub(crate) use tap::{LAST, Tap};

use store::{Reader, Store};
use tap::Batch;

/// Lines are gathered this long.
const GATHER: Duration = Duration::from_millis(500);
/// How long a search waits for what was said last.
const SETTLE: Duration = Duration::from_secs(2);
/// Pieces that are removed at once, at least; twice as many as are added, if that is more.
const PRUNE: usize = 500;
/// What the spool must be able to take beside it while the history grows.
pub(crate) const ROOM: u64 = 64 << 20;
/// First steps of a message among which its arrival is.
const ARRIVAL: usize = 16;
/// What says who brought a message, and that it was taken.
const BEFORE: [&str; 4] = ["active", "client", "message-id", "passing"];
/// What is left out is said again after this time.
const SAY_AGAIN: Duration = Duration::from_secs(60);

/// The history, and the thread that writes it.
pub(crate) struct History {
    tap: Tap,
    file: PathBuf,
    kept: Duration,
    signs: Arc<Signs>,
    samples: Mutex<Vec<Sample>>,
    orders: Sender<Order>,
    thread: Mutex<Option<JoinHandle<()>>>,
    reader: Mutex<Option<Reader>>,
}

/// Points to keep, and those to forget.
type Order = (Vec<Sample>, Vec<(u64, u64)>);

/// What the history is made with.
pub(crate) struct Settings<'a> {
    pub(crate) file: &'a Path,
    /// How long lines are kept; zero: not at all.
    pub(crate) keep: Duration,
    /// Whether there is room on the disk.
    pub(crate) has_room: Box<dyn Fn() -> bool + Send>,
}

impl History {
    /// Opens the file and begins to write.
    pub(crate) fn start(tap: Tap, settings: Settings<'_>) -> anyhow::Result<Self> {
        let file = settings.file.to_owned();
        let store = Store::open(&file).or_else(|error| {
            tracing::warn!("{} is made anew: {error:#}", file.display());
            for ending in ["", "-wal", "-shm"] {
                let mut name = file.clone().into_os_string();
                name.push(ending);
                // What is not there needs not be removed; what cannot be fails below.
                let _ = std::fs::remove_file(name);
            }
            Store::open(&file).with_context(|| format!("cannot make {}", file.display()))
        })?;
        let signs = Arc::new(Signs::default());
        let samples = store.samples().unwrap_or_else(|error| {
            tracing::warn!("statistics from before the restart are lost: {error}");
            Vec::new()
        });
        let (orders, ordered) = channel();
        let writer = Writer {
            tap: tap.clone(),
            store,
            keep: settings.keep,
            has_room: settings.has_room,
            signs: Arc::clone(&signs),
            ordered,
            left_out: 0,
            said: None,
        };
        let thread = std::thread::Builder::new()
            .name("history".to_owned())
            .spawn(move || writer.run())
            .context("cannot start the thread that keeps the history")?;
        Ok(Self {
            tap,
            file,
            kept: settings.keep,
            signs,
            samples: Mutex::new(samples),
            orders,
            thread: Mutex::new(Some(thread)),
            reader: Mutex::new(None),
        })
    }

    /// How long lines are kept; zero: not at all.
    pub(crate) fn kept(&self) -> Duration {
        self.kept
    }

    /// Where the last lines are.
    pub(crate) fn tap(&self) -> &Tap {
        &self.tap
    }

    /// What was seen now and then.
    pub(crate) fn signs(&self) -> &Signs {
        &self.signs
    }

    /// Searches; blocks.
    pub(crate) fn search(&self, search: &Search) -> anyhow::Result<Vec<Hit>> {
        self.tap.settle(SETTLE);
        self.read(|reader| reader.search(search))
    }

    /// How these messages came in; blocks, and is to follow a search.
    pub(crate) fn arrivals(&self, ids: &BTreeSet<String>) -> anyhow::Result<Vec<Hit>> {
        self.read(|reader| {
            let mut all = Vec::new();
            for id in ids {
                let first = Search {
                    key: id.clone(),
                    span_s: (0, u64::MAX),
                    newest_first: false,
                    after: None,
                    limit: ARRIVAL,
                };
                let first = reader.search(&first)?;
                // It becomes active again with each attempt.
                let taken = first
                    .iter()
                    .position(|hit| is(hit, "active") || is(hit, "passing"));
                let first = first
                    .into_iter()
                    .take(taken.map_or(ARRIVAL, |place| place + 1));
                all.extend(first.filter(|hit| BEFORE.iter().any(|event| is(hit, event))));
            }
            Ok(all)
        })
    }

    fn read<T>(&self, read: impl FnOnce(&Reader) -> rusqlite::Result<T>) -> anyhow::Result<T> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        if reader.is_none() {
            *reader = Some(Reader::open(&self.file)?);
        }
        let reader = reader.as_ref().context("it is not open")?;
        Ok(read(reader)?)
    }

    /// The points from before the start, once.
    pub(crate) fn samples(&self) -> Vec<Sample> {
        std::mem::take(&mut self.samples.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps points of all series, and forgets those of each step from before a second.
    pub(crate) fn keep(&self, samples: Vec<Sample>, before: Vec<(u64, u64)>) {
        // The thread is gone only behind the end.
        let _ = self.orders.send((samples, before));
    }

    /// Writes what waits; what comes later is not kept.
    pub(crate) fn close(&self) {
        self.tap.close();
        let thread = self.thread.lock();
        let thread = thread.unwrap_or_else(PoisonError::into_inner).take();
        // A bug there has been logged by the panic itself.
        let _ = thread.map(JoinHandle::join);
    }
}

fn is(hit: &Hit, event: &str) -> bool {
    let mut fields = hit.step.fields.iter();
    fields.any(|(name, value)| name == "event" && value == event)
}

struct Writer {
    tap: Tap,
    store: Store,
    keep: Duration,
    has_room: Box<dyn Fn() -> bool + Send>,
    signs: Arc<Signs>,
    ordered: Receiver<Order>,
    left_out: u64,
    /// When it was said last that lines are left out.
    said: Option<SystemTime>,
}

impl Writer {
    fn run(mut self) {
        if self.keep.is_zero()
            && let Err(error) = self.store.empty()
        {
            tracing::warn!("the history cannot be emptied: {error}");
        }
        loop {
            let batch = self.tap.batch(GATHER);
            self.signs.look(&batch.lines);
            self.leave_out(batch.left_out);
            if !self.keep.is_zero() {
                self.write(&batch);
            }
            for (samples, before) in self.ordered.try_iter() {
                if let Err(error) = self.store.keep(&samples, &before) {
                    tracing::warn!("statistics were not kept: {error}");
                }
            }
            self.tap.written(&batch);
            if batch.is_last {
                return;
            }
        }
    }

    fn write(&mut self, batch: &Batch) {
        let pieces = piece::pieces(&batch.lines);
        if !pieces.is_empty() {
            let count = batch.lines.len() as u64;
            if !(self.has_room)() {
                self.leave_out(count);
            } else if let Err(error) = self.store.add(&pieces) {
                tracing::warn!("{count} lines are missing in the history: {error}");
                metrics::left_out_of_history(count);
            }
        }
        let before = SystemClock.wall().checked_sub(self.keep);
        let before = before.and_then(|before| before.duration_since(SystemTime::UNIX_EPOCH).ok());
        if let Some(before) = before
            && let Err(error) = self
                .store
                .prune(before.as_secs(), PRUNE.max(2 * pieces.len()))
        {
            tracing::warn!("old history was not removed: {error}");
        }
    }

    /// Counts lines that are missing, and says so now and then.
    fn leave_out(&mut self, lines: u64) {
        metrics::left_out_of_history(if self.keep.is_zero() { 0 } else { lines });
        self.left_out += lines;
        let now = SystemClock.wall();
        let is_time = |said: SystemTime| now.duration_since(said).is_ok_and(|ago| ago > SAY_AGAIN);
        if self.left_out > 0 && !self.keep.is_zero() && self.said.is_none_or(is_time) {
            tracing::warn!(
                "{} lines about mail are missing in the history: they came faster than they can \
                 be written, or the disk is nearly full",
                self.left_out
            );
            self.left_out = 0;
            self.said = Some(now);
        }
    }
}
