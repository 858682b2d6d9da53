//! What can go wrong, sorted by what the caller does about it.

use std::path::PathBuf;

use thiserror::Error;

use crate::QueueId;
use crate::sqlite::StoreError;

/// The spool cannot take or change anything now; ours, and transient: 4yz to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unavailable {
    /// More is waiting for the disk than is allowed.
    #[error("too many messages wait for the disk")]
    Busy,
    /// The spool was closed.
    #[error("the spool is closed")]
    Closed,
    /// Writing or syncing failed; nothing of what was asked counts as stored.
    #[error("the disk under the spool fails")]
    Failing,
    /// Only the reserve is left: what is here can still be delivered and removed.
    #[error("the disk under the spool is full")]
    Full,
}

/// A message could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReadError {
    /// What is stored under the id is damaged. It was set aside, with an alarm.
    #[error("message {id} is damaged and was set aside: {reason}")]
    Damaged {
        /// The message.
        id: QueueId,
        /// What is wrong with it.
        reason: String,
    },
    /// Reading failed; another time it may succeed.
    #[error("the spool cannot be read now: {0}")]
    Unavailable(String),
}

/// The spool cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The store itself is damaged, not only one message; needs a person.
    #[error("{path}: the store is damaged: {reason}; see docs/spool.md, \"A damaged store\"")]
    Damaged {
        /// The store's file.
        path: PathBuf,
        /// What the engine says.
        reason: String,
    },
    /// A file or directory cannot be made, read or written.
    #[error("{path}: {source}")]
    Disk {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Another process has the spool.
    #[error("{path}: in use by process {pid}; one spool has one process")]
    InUse {
        /// The lock file.
        path: PathBuf,
        /// Who, as far as the lock file says.
        pid: String,
    },
    /// A newer Waypost wrote the store.
    #[error(
        "{path}: written by a newer Waypost (schema {found}, this one knows {known}); \
         run that release, or restore a backup made before it"
    )]
    Newer {
        /// The store's file.
        path: PathBuf,
        /// The schema it has.
        found: u32,
        /// The newest schema known here.
        known: u32,
    },
}

impl OpenError {
    /// Whether there was no space for it.
    pub(crate) fn is_full(&self) -> bool {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        match self {
            Self::Disk { source, .. } => matches!(source.kind(), StorageFull | QuotaExceeded),
            Self::Damaged { .. } | Self::InUse { .. } | Self::Newer { .. } => false,
        }
    }
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(match error {
            StoreError::Damaged(reason) | StoreError::Failing(reason) => reason,
            StoreError::Full => "the disk is full".to_owned(),
        })
    }
}
