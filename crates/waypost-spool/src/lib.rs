//! Mail in our charge: kept until it is delivered, whatever happens in between.
//!
//! # The crash contract
//!
//! * When a [`Receipt`] is ready with `Ok`, what was asked for survives the end of the process and
//!   of power at any later moment: small content and envelopes are in a synced transaction of the
//!   store, large content is in a synced file whose directory is synced.
//! * When it is ready with an error, nothing of it counts as stored, and nothing is half stored.
//!   Only a process that ends in the very moment of a failure may find it stored after all.
//! * A failed sync is never repeated: the store is closed, its log is cut to what was durable
//!   before, and nothing is taken or changed until a write, a sync and a reading back succeed.
//! * Everything the crate does blocks, except [`Spool::commit`], [`Spool::apply`] and the like,
//!   which hand over to the writer thread and give a [`Receipt`].
//!
//! What is on disk, and how to look at it, is in docs/spool.md.

mod backup;
mod content;
mod disk;
mod encoding;
mod error;
mod id;
mod limits;
mod line;
mod message;
mod read;
mod receipt;
mod recover;
mod sealed;
mod shared;
mod sqlite;
mod writer;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::SystemTime;

use encoding::{encode, from_micros, to_micros};

use disk::{Lock, NewFile};
use id::IdSource;
use shared::{Layout, Parts, Room, Shared};
use sqlite::{Change, Store, StoreError};
use writer::{Answer, Chore, Request, Work, Writer};

pub use content::{Content, Staged};
pub use disk::{Call, Disk, StoredFile};
pub use error::{OpenError, ReadError, Unavailable};
pub use id::{NotAnId, QueueId};
pub use message::{Envelope, Hold, LastAttempt, Message, Recipient, State};
pub use read::{Page, Stats};
pub use receipt::Receipt;
pub use recover::Recovered;
pub use sealed::Sealed;
pub use shared::{Alarm, Condition};
pub use writer::Committed;

/// What a spool is opened with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Marks the ids of this node among those of other nodes.
    pub node: u8,
    /// New mail is refused when fewer bytes are free.
    pub reserve_bytes: u64,
    /// Fresh content that is kept in memory for its first delivery, in all.
    pub fresh_bytes: u64,
    /// The disk; in tests one that fails.
    pub disk: Disk,
    /// Whether the caller's thread waits until the writer has answered, so that a receipt is ready
    /// when it is given: for simulations, whose time would run on meanwhile.
    pub wait_for_writer: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            node: 0,
            reserve_bytes: limits::RESERVE_BYTES,
            fresh_bytes: limits::FRESH_BYTES,
            disk: Disk::default(),
            wait_for_writer: false,
        }
    }
}

/// One change among several that are made together: all or none.
#[derive(Debug)]
pub enum Op {
    /// A new message.
    Commit(Staged, Envelope),
    /// A message that goes.
    Remove(QueueId),
    /// A message whose envelope is replaced.
    Update(QueueId, Envelope),
}

/// The mail in our charge. Cheap to clone; closed when the last clone is dropped, which waits for
/// what was already handed to the writer.
#[derive(Debug, Clone)]
pub struct Spool {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    syncers: Vec<JoinHandle<()>>,
    writer: Option<JoinHandle<()>>,
    _lock: Lock,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // In this order: what the syncers still have goes through the writer.
        self.shared.chores.close();
        for syncer in self.syncers.drain(..) {
            joined(syncer);
        }
        self.shared.work.close();
        if let Some(writer) = self.writer.take() {
            joined(writer);
        }
        self.shared.set_condition(Condition::Closed);
        self.shared.readers.close();
    }
}

fn joined(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        tracing::error!("a thread of the spool ended with a bug");
    }
}

impl Spool {
    /// Opens the spool in `dir`, or makes it, after whatever happened to it before.
    ///
    /// # Errors
    ///
    /// When another process has it, a newer release wrote it, or the disk or the store fails.
    pub fn open(dir: &Path, settings: Settings) -> Result<(Self, Recovered), OpenError> {
        let layout = Layout::new(dir);
        let disk = settings.disk;
        let lock = prepare(&disk, &layout)?;
        let store = open_store(&disk, &layout)?;
        // The engine does not sync the name of its file.
        disk.sync_directory(dir).map_err(|source| at(dir, source))?;
        let read = |error| store_error(&layout, error);
        let filed: HashSet<_> = store.filed().map_err(read)?.into_iter().collect();
        let messages = store.count().map_err(read)?;
        let (orphans, damaged) = recover::sweep(&disk, &layout, &filed)?;
        let shared = Arc::new(Shared::new(Parts {
            ids: IdSource::new(settings.node, store.id_floor()),
            layout,
            disk,
            messages,
            reserve_bytes: settings.reserve_bytes,
            fresh_bytes: settings.fresh_bytes,
            wait_for_writer: settings.wait_for_writer,
        }));
        let quarantined = shared.readers.quarantined();
        let recovered = Recovered {
            messages,
            orphans,
            damaged,
            quarantined: quarantined.map_err(|error| store_error(&shared.layout, error))?,
        };
        take_reserve(&shared);
        let writer = Writer {
            shared: Arc::clone(&shared),
            store: Some(store),
            filed,
            doubt: None,
        };
        let inner = start(&shared, writer, lock).map_err(|source| at(dir, source))?;
        Ok((
            Self {
                inner: Arc::new(inner),
            },
            recovered,
        ))
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.inner.shared
    }

    /// Begins a new message, which arrives `now`.
    ///
    /// # Errors
    ///
    /// When the spool takes no mail now; what to answer to the client.
    pub fn stage(&self, now: SystemTime) -> Result<Staged, Unavailable> {
        self.stage_in(now, Room::Accept)
    }

    /// Begins a message of our own that finishes an accepted one, such as a report: it may use
    /// the reserve. To be committed with [`Spool::apply`].
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn stage_report(&self, now: SystemTime) -> Result<Staged, Unavailable> {
        self.stage_in(now, Room::Finish)
    }

    fn stage_in(&self, now: SystemTime, room: Room) -> Result<Staged, Unavailable> {
        let shared = self.shared();
        shared.room_for(room, 0)?;
        let id = shared.ids.next(now);
        // As it will be read back.
        let arrived = from_micros(to_micros(now));
        Ok(Staged::new(Arc::clone(shared), id, arrived, room))
    }

    /// Whether a new message of this size (RFC 1870) could be taken now.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn room_for(&self, bytes: u64) -> Result<(), Unavailable> {
        self.shared().room_for(Room::Accept, bytes)
    }

    /// Joins the content of a message with its envelope.
    ///
    /// # Errors
    ///
    /// When a part of the content was lost.
    pub fn seal(&self, staged: Staged, envelope: Envelope) -> Result<Sealed, Unavailable> {
        Sealed::new(staged, envelope, &self.shared().fresh)
    }

    /// Takes a message into our charge.
    pub fn commit(&self, staged: Staged, envelope: Envelope) -> Receipt<Committed> {
        match self.seal(staged, envelope) {
            Ok(sealed) => self.commit_sealed(sealed),
            Err(why) => {
                let (promise, receipt) = receipt::pair();
                promise.answer(Err(why));
                self.given(receipt)
            }
        }
    }

    /// Takes a whole message into our charge. It is encoded on the caller's thread, so that the
    /// writer's only writes.
    pub fn commit_sealed(&self, sealed: Sealed) -> Receipt<Committed> {
        let (promise, receipt) = receipt::pair();
        let room = sealed.room;
        let (change, file, committed) = sealed.into_change();
        self.hand_over(Request {
            changes: vec![change],
            files: file.into_iter().collect(),
            room,
            answer: Answer::Committed(promise, committed),
        });
        self.given(receipt)
    }

    /// Replaces a message's envelope; without effect when it is no longer there.
    pub fn update(&self, id: QueueId, envelope: &Envelope) -> Receipt<()> {
        self.finish(vec![updated(id, envelope)])
    }

    /// Lets a message go; without effect when it is no longer there.
    pub fn remove(&self, id: QueueId) -> Receipt<()> {
        self.finish(vec![Change::Remove(id)])
    }

    fn finish(&self, changes: Vec<Change>) -> Receipt<()> {
        let (promise, receipt) = receipt::pair();
        self.hand_over(Request {
            changes,
            files: Vec::new(),
            room: Room::Finish,
            answer: Answer::Done(promise),
        });
        self.given(receipt)
    }

    /// Makes several changes together, in order: all or none. What was committed comes back in
    /// the order of the commits. Allowed to use the reserve.
    pub fn apply(&self, ops: Vec<Op>) -> Receipt<Vec<Committed>> {
        let (promise, receipt) = receipt::pair();
        match self.prepare_all(ops) {
            Err(why) => promise.answer(Err(why)),
            Ok((changes, files, committed)) => self.hand_over(Request {
                changes,
                files,
                room: Room::Finish,
                answer: Answer::Applied(promise, committed),
            }),
        }
        self.given(receipt)
    }

    /// A receipt as it is given to who asked.
    fn given<T>(&self, receipt: Receipt<T>) -> Receipt<T> {
        if self.shared().wait_for_writer {
            receipt.until_answered();
        }
        receipt
    }

    #[expect(
        clippy::type_complexity,
        reason = "three lists that go into one request"
    )]
    fn prepare_all(
        &self,
        ops: Vec<Op>,
    ) -> Result<(Vec<Change>, Vec<NewFile>, Vec<Committed>), Unavailable> {
        let mut changes = Vec::with_capacity(ops.len());
        let mut files = Vec::new();
        let mut all = Vec::new();
        for op in ops {
            changes.push(match op {
                Op::Commit(staged, envelope) => {
                    let sealed = self.seal(staged, envelope)?;
                    let (change, file, committed) = sealed.into_change();
                    files.extend(file);
                    all.push(committed);
                    change
                }
                Op::Remove(id) => Change::Remove(id),
                Op::Update(id, envelope) => updated(id, &envelope),
            });
        }
        Ok((changes, files, all))
    }

    fn hand_over(&self, request: Request) {
        let shared = self.shared();
        // The writer tries the disk again when nobody wants anything of it: whoever keeps asking
        // must not keep it from that.
        if shared.condition() == Condition::Suspect {
            return request.fail(Unavailable::Failing);
        }
        if request.room == Room::Accept
            && let Err(why) = shared.waiting.enter(request.weight())
        {
            return request.fail(why);
        }
        if request.files.is_empty() {
            // Refused only when closed, which takes the last clone of this.
            let _ = shared.work.push(Work::Request(request));
        } else {
            let _ = shared.chores.push(Chore::Sync(request));
        }
    }

    /// Copies the spool as it is at one moment into `dir`, while it works; the copy is a spool.
    /// Content files are linked where the file systems allow it. How many there are.
    ///
    /// # Errors
    ///
    /// When there is a spool in `dir` already, or the copy cannot be written and synced.
    pub fn backup(&self, dir: &Path) -> Result<u64, ReadError> {
        backup::backup(self.shared(), dir)
    }
}

fn updated(id: QueueId, envelope: &Envelope) -> Change {
    Change::Update {
        id,
        due: envelope.due().map(to_micros),
        envelope: encode(id, envelope),
    }
}

/// Makes the directories and takes the lock.
fn prepare(disk: &Disk, layout: &Layout) -> Result<Lock, OpenError> {
    for dir in [&layout.dir, &layout.content, &layout.quarantine] {
        disk.create_directory(dir)
            .map_err(|source| at(dir, source))?;
    }
    match Disk::lock(&layout.lock).map_err(|source| at(&layout.lock, source))? {
        Ok(lock) => Ok(lock),
        Err(pid) => Err(OpenError::InUse {
            path: layout.lock.clone(),
            pid,
        }),
    }
}

/// Opens the store; on a full disk with the space of the reserve, so that what was accepted leaves.
fn open_store(disk: &Disk, layout: &Layout) -> Result<Store, OpenError> {
    match Store::open(disk, &layout.store) {
        Err(error) if error.is_full() => {
            let reserve = &layout.reserve;
            disk.cut(reserve, 0).map_err(|source| at(reserve, source))?;
            Store::open(disk, &layout.store)
        }
        opened => opened,
    }
}

/// Holds back some space; on a disk without it the spool opens all the same, to deliver.
fn take_reserve(shared: &Shared) {
    let reserve = &shared.layout.reserve;
    if let Err(error) = shared.disk.allocate(reserve, limits::RESERVE_FILE_BYTES) {
        shared.raise(None, format!("no space for the spool's reserve: {error}"));
        shared.set_condition(Condition::Full);
        // A part of it would be missed where it is needed now.
        if let Err(error) = shared.disk.cut(reserve, 0) {
            tracing::warn!(%error, "the reserve cannot be given up");
        }
    }
}

fn start(shared: &Arc<Shared>, writer: Writer, lock: Lock) -> std::io::Result<Inner> {
    let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
    let mut inner = Inner {
        shared: Arc::clone(shared),
        syncers: Vec::new(),
        writer: None,
        _lock: lock,
    };
    inner.writer = Some(named("spool-writer").spawn(move || writer.run())?);
    for _ in 0..limits::SYNCERS {
        let shared = Arc::clone(shared);
        let syncer = named("spool-sync").spawn(move || writer::run_chores(&shared))?;
        inner.syncers.push(syncer);
    }
    Ok(inner)
}

fn at(path: &Path, source: std::io::Error) -> OpenError {
    OpenError::Disk {
        path: path.to_owned(),
        source,
    }
}

fn store_error(layout: &Layout, error: StoreError) -> OpenError {
    sqlite::open_error(&layout.store, error)
}
