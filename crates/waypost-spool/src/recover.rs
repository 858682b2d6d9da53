//! Getting back to a store that can be trusted: at open, and after a failed sync.

use std::collections::HashSet;

use crate::disk::Disk;
use crate::limits;
use crate::shared::{Condition, Layout, Shared};
use crate::sqlite::{Store, StoreError, log_path};
use crate::writer::Writer;
use crate::{OpenError, QueueId};

/// What was found when the spool was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Messages in our charge.
    pub messages: u64,
    /// Content files without a message, removed: transactions that were never acknowledged.
    pub orphans: u64,
    /// Messages whose content file is missing or cut; loading them sets them aside.
    pub damaged: Vec<QueueId>,
    /// What was set aside, now or earlier, and waits for a person: id and reason.
    pub quarantined: Vec<(QueueId, String)>,
}

/// Removes content files that belong to no message; tells which messages lack their file.
pub(crate) fn sweep(
    disk: &Disk,
    layout: &Layout,
    filed: &HashSet<QueueId>,
) -> Result<(u64, Vec<QueueId>), OpenError> {
    let failed = |source| OpenError::Disk {
        path: layout.content.clone(),
        source,
    };
    let mut missing = filed.clone();
    let mut orphans = 0;
    for name in Disk::names(&layout.content).map_err(failed)? {
        let id = name.parse::<QueueId>().ok();
        if id.is_some_and(|id| filed.contains(&id)) {
            id.map(|id| missing.remove(&id));
        } else {
            disk.remove(&layout.content.join(name)).map_err(failed)?;
            orphans += 1;
        }
    }
    let mut missing: Vec<_> = missing.into_iter().collect();
    missing.sort_unstable();
    Ok((orphans, missing))
}

/// A store that may not have what it says.
#[derive(Debug)]
pub(crate) struct Doubt {
    /// Bytes at the start of the log that were synced; what is behind them never counted.
    durable_log_bytes: u64,
    /// Times of rest until the next try, and how many there were before this one.
    rests_left: u32,
    rests: u32,
}

impl Writer {
    /// Closes the store after a failed sync and tries to prove the disk.
    ///
    /// What the failed sync covered stays in nobody's view: the engine's own index of the log
    /// ends before it, and the log is cut there before it is read again.
    pub(crate) fn suspect(&mut self, reason: &str) {
        self.shared.set_condition(Condition::Suspect);
        let Some(store) = self.store.take() else {
            return;
        };
        self.shared
            .raise(None, format!("the spool's store is suspect: {reason}"));
        self.shared.readers.close();
        self.doubt = Some(Doubt {
            durable_log_bytes: store.durable_log_bytes(),
            rests_left: 0,
            rests: 1,
        });
        drop(store);
        self.try_again();
    }

    /// Reopens the store when it is time to; it stays suspect when the disk is not proved.
    pub(crate) fn try_again(&mut self) {
        let Some(doubt) = &mut self.doubt else {
            return;
        };
        if doubt.rests_left > 0 {
            doubt.rests_left -= 1;
            return;
        }
        let durable = doubt.durable_log_bytes;
        match reopen(&self.shared, durable) {
            Ok(store) => {
                self.store = Some(store);
                self.doubt = None;
                self.shared.readers.reopen();
                self.shared.set_condition(Condition::Open);
                tracing::warn!("the disk under the spool is proved: mail is taken again");
            }
            Err(error) => {
                doubt.rests_left = doubt.rests;
                doubt.rests = longer(doubt.rests);
                tracing::warn!(%error, "the disk under the spool is not proved");
            }
        }
    }
}

/// How long a suspect store rests next, when it has just rested for so long in vain.
fn longer(rests: u32) -> u32 {
    (rests * 2).min(limits::SUSPECT_TICKS)
}

/// Opens the store with its recovery and proves the disk: write, sync, read back.
fn reopen(shared: &Shared, durable_log_bytes: u64) -> Result<Store, OpenError> {
    let layout = &shared.layout;
    let failed = |source| OpenError::Disk {
        path: layout.dir.clone(),
        source,
    };
    let log = log_path(&layout.store);
    shared.disk.cut(&log, durable_log_bytes).map_err(failed)?;
    probe_files(shared).map_err(failed)?;
    let mut store = Store::open(&shared.disk, &layout.store)?;
    store.probe().map_err(|error| match error {
        StoreError::Full => failed(std::io::ErrorKind::StorageFull.into()),
        StoreError::Damaged(why) | StoreError::Failing(why) => failed(std::io::Error::other(why)),
    })?;
    Ok(store)
}

/// A content file goes the whole way: made, written, synced with its directory, read, removed.
fn probe_files(shared: &Shared) -> std::io::Result<()> {
    const TEXT: &[u8] = b"a write, a sync, a read";
    let path = shared.layout.content.join("probe");
    shared.disk.remove(&path)?;
    let mut file = shared.disk.create(path)?;
    file.write(TEXT)?;
    file.sync()?;
    shared.disk.sync_directory(&shared.layout.content)?;
    let stored = Disk::open(file.path(), TEXT.len() as u64)?;
    let mut read = [0; TEXT.len()];
    stored.read_at(0, &mut read)?;
    if read == TEXT {
        Ok(())
    } else {
        Err(std::io::Error::other("probe read back wrong"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_disk_that_fails_for_long_is_tried_again_every_few_seconds() {
        let mut rests = 1;
        for _ in 0..100 {
            // The try itself comes with the next tick.
            assert!(
                limits::IDLE * (rests + 1) < Duration::from_secs(5),
                "{rests}"
            );
            rests = longer(rests);
        }
    }
}
