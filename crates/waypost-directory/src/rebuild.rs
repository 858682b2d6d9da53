//! Builds the index anew while readers read and writers write.
//!
//! The thread reads the store as it is at one moment. What is written meanwhile stays above the
//! new index, as the write number of each change tells.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use arc_swap::ArcSwap;
use rusqlite::{Connection, TransactionBehavior};

use crate::directory::{connect, lock};
use crate::lookup::{Snapshot, load};

/// The thread that rebuilds, when one runs; dropping waits for it.
#[derive(Debug)]
pub(crate) struct Rebuild {
    job: Job,
    running: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Clone)]
struct Job {
    path: PathBuf,
    writer: Arc<Mutex<Connection>>,
    snapshot: Arc<ArcSwap<Snapshot>>,
}

impl Rebuild {
    pub(crate) fn new(
        path: &Path,
        writer: &Arc<Mutex<Connection>>,
        snapshot: &Arc<ArcSwap<Snapshot>>,
    ) -> Self {
        Self {
            job: Job {
                path: path.to_owned(),
                writer: Arc::clone(writer),
                snapshot: Arc::clone(snapshot),
            },
            running: Mutex::default(),
        }
    }

    /// Begins, unless it is at it.
    pub(crate) fn start(&self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        let job = self.job.clone();
        let thread = Builder::new().name("directory index".into());
        match thread.spawn(move || job.run()) {
            Ok(thread) => *running = Some(thread),
            Err(error) => tracing::warn!(%error, "directory index not rebuilt now"),
        }
    }

    /// Waits until the thread has ended.
    pub(crate) fn finish(&self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = running.take()
            && thread.join().is_err()
        {
            tracing::error!("bug: rebuilding the directory index panicked");
        }
    }
}

impl Drop for Rebuild {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Job {
    fn run(&self) {
        match self.build() {
            Ok(built) => {
                let _writer = lock(&self.writer);
                if let Some(next) = self.snapshot.load().upon(&built) {
                    self.snapshot.store(Arc::new(next));
                }
            }
            Err(error) => tracing::warn!(%error, "directory index not rebuilt now"),
        }
    }

    fn build(&self) -> rusqlite::Result<Snapshot> {
        let mut connection = connect(&self.path)?;
        let moment = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
        load::all(&moment)
    }
}
