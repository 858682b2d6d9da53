//! Every size and count of the spool, by name.

use std::time::Duration;

/// Content up to here lies in the store, larger content in a file. A message of 100 kB costs half
/// the CPU in the store, since it shares one sync with others; at 1 MB the file is faster.
pub(crate) const INLINE_BYTES: usize = 256 * 1024;
/// Room made for content before its size is known.
pub(crate) const STAGED_BYTES: usize = 16 * 1024;
/// Messages that may wait for the writer; more are refused as busy. Twice what 10,000 sessions do.
pub(crate) const WAITING_MESSAGES: usize = 20_000;
/// Bytes of content that may wait for the writer.
pub(crate) const WAITING_BYTES: usize = 256 * 1024 * 1024;
/// Changes in one transaction; bounds how long the first waits for the last.
pub(crate) const BATCH_CHANGES: usize = 2000;
/// Fresh content kept in memory for its first delivery, in all.
pub(crate) const FRESH_BYTES: u64 = 64 * 1024 * 1024;
/// New mail is refused when less is free.
pub(crate) const RESERVE_BYTES: u64 = 64 * 1024 * 1024;
/// Held in a file that is given up when the disk is full all the same.
pub(crate) const RESERVE_FILE_BYTES: u64 = 8 * 1024 * 1024;
/// Free space is asked for again after this much was written to a content file.
pub(crate) const SPACE_CHECK_BYTES: u64 = 1024 * 1024;

/// Pages in the log before they are moved to the store's file.
pub(crate) const CHECKPOINT_PAGES: u64 = 8000;
/// A log larger than this is cut when the spool is idle.
pub(crate) const IDLE_LOG_BYTES: u64 = 4 * 1024 * 1024;
/// Free pages given back to the file system in one step.
pub(crate) const VACUUM_PAGES: i64 = 1000;
/// Free pages that stay for the next messages: 16 MB.
pub(crate) const SLACK_PAGES: i64 = 4096;
/// The writer's page cache, in KiB: at the end of each transaction SQLite may walk through all its
/// buckets, which with 32 MiB and a million messages was a tenth of the CPU.
pub(crate) const WRITER_CACHE_KIB: u64 = 8 * 1024;

/// Connections that read; more readers wait.
pub(crate) const READERS: usize = 4;
/// Threads that sync large content.
pub(crate) const SYNCERS: usize = 2;
/// The spool counts as idle after this long without a change.
pub(crate) const IDLE: Duration = Duration::from_secs(1);
/// A suspect store rests at most this many times `IDLE` between two tries: mail is taken again
/// within five seconds of the disk's return.
pub(crate) const SUSPECT_TICKS: u32 = 3;
/// Ids are reserved this far ahead of the last one, so that few transactions have to note it.
pub(crate) const ID_RESERVE_US: u64 = 60_000_000;
/// Alarms kept; older ones are dropped.
pub(crate) const ALARMS: usize = 100;
/// Files that share one sync of their directory.
pub(crate) const SYNC_FILES: usize = 16;
/// Messages read at once by a list, and how often, before it gives what it has.
pub(crate) const LIST_ROWS: usize = 500;
pub(crate) const LIST_PIECES: usize = 40;
