//! The writer thread: everything that waits goes into one transaction, then all are answered.
//!
//! Large content is synced on threads of its own before its message comes here.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::content::Content;
use crate::disk::NewFile;
use crate::limits;
use crate::line::Taken;
use crate::message::Message;
use crate::receipt::Promise;
use crate::recover::Doubt;
use crate::shared::{Condition, Room, Shared};
use crate::sqlite::{Applied, Change, Store, StoreError};
use crate::{QueueId, Unavailable};

/// Proof of custody: the message is on disk, and ours until it is removed from the spool.
///
/// Only the spool makes it.
#[derive(Debug, Clone)]
pub struct Committed {
    pub(crate) message: Arc<Message>,
    pub(crate) content: Option<Content>,
}

impl Committed {
    /// The message.
    #[must_use]
    pub fn message(&self) -> &Arc<Message> {
        &self.message
    }

    /// Its content, if there was room to keep it at hand; otherwise `Spool::load` has it.
    #[must_use]
    pub fn content(&self) -> Option<&Content> {
        self.content.as_ref()
    }

    /// Both.
    #[must_use]
    pub fn into_parts(self) -> (Arc<Message>, Option<Content>) {
        (self.message, self.content)
    }
}

/// What the writer does.
#[derive(Debug)]
pub(crate) enum Work {
    /// Changes that somebody waits for.
    Request(Request),
    /// Setting a damaged message aside; answers whether it was there.
    Quarantine(QueueId, String, Promise<bool>),
    /// A sync failed elsewhere.
    Suspect(String),
}

/// What the syncing threads do.
#[derive(Debug)]
pub(crate) enum Chore {
    /// Removing a content file whose message is gone.
    Remove(std::path::PathBuf),
    /// Syncing the files of a request, which then goes to the writer.
    Sync(Request),
}

/// Changes of one caller: all or none.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) changes: Vec<Change>,
    pub(crate) files: Vec<NewFile>,
    pub(crate) room: Room,
    pub(crate) answer: Answer,
}

/// Who is told, and what.
#[derive(Debug)]
pub(crate) enum Answer {
    Committed(Promise<Committed>, Committed),
    Applied(Promise<Vec<Committed>>, Vec<Committed>),
    Done(Promise<()>),
}

impl Request {
    /// Bytes of content that wait with it.
    pub(crate) fn weight(&self) -> usize {
        let content = |change: &Change| match change {
            Change::Insert(new) => new.content.as_ref().map_or(0, bytes::Bytes::len),
            Change::Remove(_) | Change::Update { .. } => 0,
        };
        self.changes.iter().map(content).sum()
    }

    fn inserts(&self) -> impl Iterator<Item = QueueId> {
        self.changes.iter().filter_map(|change| match change {
            Change::Insert(new) => Some(new.id),
            Change::Remove(_) | Change::Update { .. } => None,
        })
    }

    /// Everything in it is durable.
    fn succeed(self) {
        self.files.into_iter().for_each(NewFile::keep);
        // First, so that who hears of it finds the memory free.
        drop(self.changes);
        match self.answer {
            Answer::Committed(promise, committed) => promise.answer(Ok(committed)),
            Answer::Applied(promise, committed) => promise.answer(Ok(committed)),
            Answer::Done(promise) => promise.answer(Ok(())),
        }
    }

    /// Nothing in it counts as stored; its files go.
    pub(crate) fn fail(self, why: Unavailable) {
        drop(self.files);
        match self.answer {
            Answer::Committed(promise, _) => promise.answer(Err(why)),
            Answer::Applied(promise, _) => promise.answer(Err(why)),
            Answer::Done(promise) => promise.answer(Err(why)),
        }
    }
}

/// Ends a request, and with it what it counts as waiting.
fn end(shared: &Shared, request: Request, result: Result<(), Unavailable>) {
    if request.room == Room::Accept {
        shared.waiting.leave(request.weight());
    }
    match result {
        Ok(()) => request.succeed(),
        Err(why) => request.fail(why),
    }
}

/// The thread that owns the writer's connection.
pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    /// None while the store is suspect.
    pub(crate) store: Option<Store>,
    /// Messages whose content lies in files.
    pub(crate) filed: HashSet<QueueId>,
    /// Why the store is suspect, and when it is tried again.
    pub(crate) doubt: Option<Doubt>,
}

impl Writer {
    /// Works until the line is closed and empty.
    pub(crate) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let mut patience = limits::IDLE;
        loop {
            match shared.work.take(limits::BATCH_CHANGES, patience) {
                Taken::Some(work) => {
                    self.work(work);
                    patience = limits::IDLE;
                }
                Taken::Nothing => patience = self.rest(),
                Taken::Closed => break,
            }
        }
        if let Some(store) = &mut self.store
            && let Err(error) = store.empty_log()
        {
            tracing::warn!(?error, "the spool's log stays for the next start");
        }
    }

    fn work(&mut self, work: Vec<Work>) {
        let mut requests = Vec::with_capacity(work.len());
        for piece in work {
            match piece {
                Work::Request(request) => requests.push(request),
                Work::Quarantine(id, reason, promise) => self.quarantine(id, &reason, promise),
                Work::Suspect(reason) => self.suspect(&reason),
            }
        }
        if !requests.is_empty() {
            self.write(requests);
        }
        self.checkpoint();
        self.measure();
    }

    /// One transaction for all; one for each when one of them does harm.
    fn write(&mut self, requests: Vec<Request>) {
        let Some(store) = &mut self.store else {
            return self.fail(requests, Unavailable::Failing);
        };
        let alone = requests.len() == 1;
        match store.apply(requests.iter().flat_map(|r| &r.changes)) {
            Ok(applied) => self.succeed(requests, &applied),
            Err(StoreError::Damaged(reason)) if alone => {
                self.shared
                    .raise(None, format!("the spool's store is damaged: {reason}"));
                self.fail(requests, Unavailable::Failing);
            }
            Err(StoreError::Damaged(_)) => {
                for request in requests {
                    self.write(vec![request]);
                }
            }
            Err(StoreError::Failing(reason)) => {
                // Suspect first: what is refused must not come back from the log at the next
                // start, and who hears of it must not get in before the condition shows.
                self.suspect(&reason);
                self.fail(requests, Unavailable::Failing);
            }
            Err(StoreError::Full) => self.write_from_reserve(requests),
        }
    }

    /// What finishes accepted mail goes on; new mail is refused until there is space.
    fn write_from_reserve(&mut self, requests: Vec<Request>) {
        self.become_full();
        let finishing = |r: &Request| r.room == Room::Finish;
        let (finish, accept): (Vec<_>, Vec<_>) = requests.into_iter().partition(finishing);
        self.fail(accept, Unavailable::Full);
        let Some(store) = &mut self.store else {
            return self.fail(finish, Unavailable::Failing);
        };
        if finish.is_empty() {
            return;
        }
        match store.apply(finish.iter().flat_map(|r| &r.changes)) {
            Ok(applied) => self.succeed(finish, &applied),
            Err(StoreError::Failing(reason)) => {
                self.suspect(&reason);
                self.fail(finish, Unavailable::Failing);
            }
            Err(StoreError::Damaged(_)) => self.fail(finish, Unavailable::Failing),
            Err(StoreError::Full) => self.fail(finish, Unavailable::Full),
        }
    }

    fn succeed(&mut self, requests: Vec<Request>, applied: &Applied) {
        let messages = &self.shared.messages;
        messages.fetch_add(applied.inserted, Ordering::Relaxed);
        messages.fetch_sub(applied.removed, Ordering::Relaxed);
        for request in requests {
            if !request.files.is_empty() {
                self.filed.extend(request.inserts());
            }
            if !self.filed.is_empty() {
                self.discard_files(&request);
            }
            end(&self.shared, request, Ok(()));
        }
    }

    /// The content files of what a request removed.
    fn discard_files(&mut self, request: &Request) {
        for change in &request.changes {
            if let Change::Remove(id) = change
                && self.filed.remove(id)
            {
                self.shared.discard(*id);
            }
        }
    }

    fn fail(&self, requests: Vec<Request>, why: Unavailable) {
        for request in requests {
            end(&self.shared, request, Err(why));
        }
    }

    fn quarantine(&mut self, id: QueueId, reason: &str, promise: Promise<bool>) {
        let Some(store) = &mut self.store else {
            return promise.answer(Err(Unavailable::Failing));
        };
        let done = store.quarantine(id, reason);
        match done {
            Ok(false) => promise.answer(Ok(false)),
            Ok(true) => {
                self.shared.messages.fetch_sub(1, Ordering::Relaxed);
                self.shared
                    .raise(Some(id), format!("damaged message set aside: {reason}"));
                if self.filed.remove(&id) {
                    self.set_file_aside(id);
                }
                promise.answer(Ok(true));
            }
            Err(error) => {
                self.shared.raise(
                    Some(id),
                    format!("damaged message cannot be set aside: {reason}; {error:?}"),
                );
                promise.answer(Ok(true));
                if let StoreError::Failing(reason) = error {
                    self.suspect(&reason);
                }
            }
        }
    }

    fn set_file_aside(&self, id: QueueId) {
        let layout = &self.shared.layout;
        let from = layout.content_of(id);
        let to = layout.quarantine.join(id.to_string());
        if let Err(error) = self.shared.disk.rename(&from, &to) {
            tracing::warn!(queue_id = %id, %error, "no content file to set aside");
        }
    }

    fn checkpoint(&mut self) {
        let Some(store) = &mut self.store else {
            return;
        };
        if store.log_pages() < limits::CHECKPOINT_PAGES {
            return;
        }
        match store.checkpoint() {
            Ok(()) => {}
            Err(StoreError::Full) => self.become_full(),
            Err(StoreError::Failing(reason) | StoreError::Damaged(reason)) => {
                self.suspect(&reason);
            }
        }
    }

    /// Housekeeping while nothing is asked for; how long to wait before the next piece of it.
    fn rest(&mut self) -> Duration {
        self.shared.measure_space();
        if self.doubt.is_some() {
            self.try_again();
            return limits::IDLE;
        }
        self.measure();
        let Some(store) = &mut self.store else {
            return limits::IDLE;
        };
        let more = store.vacuum().and_then(|more| {
            if !more && store.log_file_bytes() > limits::IDLE_LOG_BYTES {
                store.empty_log()?;
            }
            Ok(more)
        });
        match more {
            Ok(true) => Duration::from_millis(10),
            Ok(false) => limits::IDLE,
            Err(StoreError::Full) => limits::IDLE,
            Err(StoreError::Failing(reason) | StoreError::Damaged(reason)) => {
                self.suspect(&reason);
                limits::IDLE
            }
        }
    }

    /// Notes how much is free; ends the condition `Full` once the reserve is whole again.
    fn measure(&self) {
        let shared = &self.shared;
        shared.measure_space();
        let wanted = shared
            .reserve_bytes
            .saturating_add(limits::RESERVE_FILE_BYTES);
        if shared.condition() != Condition::Full || shared.free_bytes() < wanted {
            return;
        }
        let reserve = &shared.layout.reserve;
        if shared
            .disk
            .allocate(reserve, limits::RESERVE_FILE_BYTES)
            .is_ok()
        {
            tracing::info!("there is space under the spool again");
            shared.set_condition(Condition::Open);
        }
    }

    fn become_full(&self) {
        let shared = &self.shared;
        if shared.condition() == Condition::Open {
            shared.set_condition(Condition::Full);
            shared.raise(
                None,
                "the disk under the spool is full: no new mail is taken".to_owned(),
            );
        }
        if let Err(error) = shared.disk.cut(&shared.layout.reserve, 0) {
            tracing::warn!(%error, "the reserve cannot be given up");
        }
    }
}

/// Syncs large content, several files for one sync of their directory, and removes what is gone.
pub(crate) fn run_chores(shared: &Shared) {
    loop {
        match shared.chores.take(limits::SYNC_FILES, limits::IDLE) {
            Taken::Some(chores) => do_chores(shared, chores),
            Taken::Nothing => {}
            Taken::Closed => return,
        }
    }
}

fn do_chores(shared: &Shared, chores: Vec<Chore>) {
    let mut synced = Vec::new();
    for chore in chores {
        match chore {
            Chore::Remove(path) => {
                if let Err(error) = shared.disk.remove(&path) {
                    tracing::warn!(path = %path.display(), %error, "content file stays for now");
                }
            }
            Chore::Sync(request) => match request.files.iter().try_for_each(NewFile::sync) {
                Ok(()) => synced.push(request),
                Err(error) => sync_failed(shared, request, &error),
            },
        }
    }
    if synced.is_empty() {
        return;
    }
    if let Err(error) = shared.disk.sync_directory(&shared.layout.content) {
        for request in synced {
            sync_failed(shared, request, &error);
        }
        return;
    }
    for request in synced {
        if let Err(Work::Request(request)) = shared.work.push(Work::Request(request)) {
            end(shared, request, Err(Unavailable::Closed));
        }
    }
}

fn sync_failed(shared: &Shared, request: Request, error: &std::io::Error) {
    let why = match StoreError::from(std::io::Error::from(error.kind())) {
        StoreError::Full => Unavailable::Full,
        StoreError::Damaged(_) | StoreError::Failing(_) => Unavailable::Failing,
    };
    // Whatever the error: what a failed sync covered is lost, and the disk has to be proved.
    shared.set_condition(Condition::Suspect);
    end(shared, request, Err(why));
    let reason = format!("content cannot be synced: {error}");
    // A closed line has no writer that could doubt the store.
    let _ = shared.work.push(Work::Suspect(reason));
}
