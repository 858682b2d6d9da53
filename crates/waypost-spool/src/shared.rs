//! What the callers, the writer and the syncing threads of one spool share.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::content::Fresh;
use crate::disk::Disk;
use crate::id::IdSource;
use crate::limits;
use crate::line::Line;
use crate::sqlite::Readers;
use crate::writer::{Chore, Work};
use crate::{QueueId, Unavailable};

/// Where things lie in the spool's directory.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) dir: PathBuf,
    pub(crate) store: PathBuf,
    pub(crate) content: PathBuf,
    pub(crate) quarantine: PathBuf,
    pub(crate) reserve: PathBuf,
    pub(crate) lock: PathBuf,
}

impl Layout {
    pub(crate) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            store: dir.join("spool.db"),
            content: dir.join("content"),
            quarantine: dir.join("quarantine"),
            reserve: dir.join("reserve"),
            lock: dir.join("lock"),
        }
    }

    /// The file of a message's large content.
    pub(crate) fn content_of(&self, id: QueueId) -> PathBuf {
        self.content.join(id.to_string())
    }
}

/// How the spool stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It takes mail.
    Open,
    /// Only what is here already is worked on, until there is space again.
    Full,
    /// Something could not be synced; nothing is taken or changed until the disk is proved again.
    Suspect,
    /// It was closed.
    Closed,
}

/// What the space is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// New mail: not from the reserve.
    Accept,
    /// Finishing what was accepted.
    Finish,
}

/// Something that a person should look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// The message it is about.
    pub id: Option<QueueId>,
    /// What happened.
    pub text: String,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) layout: Layout,
    pub(crate) disk: Disk,
    pub(crate) ids: IdSource,
    pub(crate) readers: Readers,
    pub(crate) fresh: Arc<Fresh>,
    pub(crate) work: Line<Work>,
    pub(crate) chores: Line<Chore>,
    pub(crate) bin: Bin,
    /// Messages in the store.
    pub(crate) messages: AtomicU64,
    pub(crate) waiting: Waiting,
    pub(crate) reserve_bytes: u64,
    pub(crate) wait_for_writer: bool,
    free_bytes: AtomicU64,
    condition: AtomicU8,
    alarms: Mutex<VecDeque<Alarm>>,
}

/// The parts of [`Shared`] that are known at open.
pub(crate) struct Parts {
    pub(crate) layout: Layout,
    pub(crate) disk: Disk,
    pub(crate) ids: IdSource,
    pub(crate) messages: u64,
    pub(crate) reserve_bytes: u64,
    pub(crate) fresh_bytes: u64,
    pub(crate) wait_for_writer: bool,
}

impl Shared {
    pub(crate) fn new(parts: Parts) -> Self {
        let shared = Self {
            readers: Readers::new(parts.layout.store.clone()),
            layout: parts.layout,
            disk: parts.disk,
            ids: parts.ids,
            fresh: Fresh::new(parts.fresh_bytes),
            work: Line::default(),
            chores: Line::default(),
            bin: Bin::default(),
            messages: AtomicU64::new(parts.messages),
            waiting: Waiting::default(),
            reserve_bytes: parts.reserve_bytes,
            wait_for_writer: parts.wait_for_writer,
            free_bytes: AtomicU64::new(u64::MAX),
            condition: AtomicU8::new(Condition::Open as u8),
            alarms: Mutex::default(),
        };
        shared.measure_space();
        shared
    }

    pub(crate) fn condition(&self) -> Condition {
        let now = self.condition.load(Ordering::SeqCst);
        [Condition::Open, Condition::Full, Condition::Suspect]
            .into_iter()
            .find(|c| *c as u8 == now)
            .unwrap_or(Condition::Closed)
    }

    pub(crate) fn set_condition(&self, condition: Condition) {
        self.condition.store(condition as u8, Ordering::SeqCst);
    }

    pub(crate) fn free_bytes(&self) -> u64 {
        self.free_bytes.load(Ordering::Relaxed)
    }

    /// Asks the file system how much is free; when it does not say, the last answer holds.
    pub(crate) fn measure_space(&self) {
        match Disk::free_space(&self.layout.dir) {
            Ok(free) => {
                let before = self.free_bytes.swap(free, Ordering::Relaxed);
                self.note_space(before, free);
            }
            Err(error) => tracing::warn!(%error, "free space under the spool is not known"),
        }
    }

    /// Says once that new mail is refused, and once that it is not any more.
    fn note_space(&self, before: u64, free: u64) {
        let mebibytes = |bytes: u64| bytes >> 20;
        let wanted = mebibytes(self.reserve_bytes);
        if before >= self.reserve_bytes && free < self.reserve_bytes {
            let free = mebibytes(free);
            let text = format!(
                "only {free} MiB are free under the spool: no new mail is taken until there are \
                 {wanted} MiB"
            );
            self.raise(None, text);
        } else if before < self.reserve_bytes && free >= self.reserve_bytes {
            tracing::info!("{wanted} MiB are free under the spool again: new mail is taken");
        }
    }

    /// Whether `bytes` more may be written.
    pub(crate) fn room_for(&self, room: Room, bytes: u64) -> Result<(), Unavailable> {
        match (self.condition(), room) {
            (Condition::Closed, _) => Err(Unavailable::Closed),
            (Condition::Suspect, _) => Err(Unavailable::Failing),
            (Condition::Full, Room::Accept) => Err(Unavailable::Full),
            (Condition::Full, Room::Finish) | (Condition::Open, Room::Finish) => Ok(()),
            (Condition::Open, Room::Accept) => {
                let wanted = self.reserve_bytes.saturating_add(bytes);
                if self.free_bytes() < wanted {
                    Err(Unavailable::Full)
                } else {
                    Ok(())
                }
            }
        }
    }

    pub(crate) fn raise(&self, id: Option<QueueId>, text: String) {
        match id {
            Some(id) => tracing::error!(queue_id = %id, "{text}"),
            None => tracing::error!("{text}"),
        }
        let mut alarms = lock(&self.alarms);
        if alarms.len() == limits::ALARMS {
            alarms.pop_front();
        }
        alarms.push_back(Alarm { id, text });
    }

    pub(crate) fn alarms(&self) -> Vec<Alarm> {
        lock(&self.alarms).iter().cloned().collect()
    }

    /// Removes the content file of a message that is no more, or later when a backup needs it.
    pub(crate) fn discard(&self, id: QueueId) {
        let path = self.layout.content_of(id);
        if let Some(path) = self.bin.put(path) {
            // When the spool is being closed the next start sweeps it.
            let _ = self.chores.push(Chore::Remove(path));
        }
    }
}

/// New mail on its way to the disk.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    messages: AtomicUsize,
    bytes: AtomicUsize,
}

impl Waiting {
    /// Counts one more, unless too much waits.
    pub(crate) fn enter(&self, bytes: usize) -> Result<(), Unavailable> {
        let messages = self.messages.fetch_add(1, Ordering::Relaxed);
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        if messages >= limits::WAITING_MESSAGES || before > limits::WAITING_BYTES {
            self.leave(bytes);
            return Err(Unavailable::Busy);
        }
        Ok(())
    }

    pub(crate) fn leave(&self, bytes: usize) {
        self.messages.fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Content files that go, held back while a backup links them.
#[derive(Debug, Default)]
pub(crate) struct Bin {
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    holders: usize,
    files: Vec<PathBuf>,
}

impl Bin {
    /// The path back when it can go now.
    fn put(&self, path: PathBuf) -> Option<PathBuf> {
        let mut held = lock(&self.held);
        if held.holders == 0 {
            return Some(path);
        }
        held.files.push(path);
        None
    }

    pub(crate) fn hold(&self) {
        lock(&self.held).holders += 1;
    }

    /// The files that can go now.
    pub(crate) fn release(&self) -> Vec<PathBuf> {
        let mut held = lock(&self.held);
        held.holders = held.holders.saturating_sub(1);
        if held.holders == 0 {
            std::mem::take(&mut held.files)
        } else {
            Vec::new()
        }
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
