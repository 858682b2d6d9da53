//! The content of a message: small in the store, large in a file; written and read in pieces.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use bytes::Bytes;

use crate::disk::{NewFile, StoredFile};
use crate::limits;
use crate::shared::{Room, Shared};
use crate::{QueueId, Unavailable};

/// What followed DATA, without the final dot.
///
/// Cheap to clone. A message that is removed while its content is read stays readable.
#[derive(Debug, Clone)]
pub enum Content {
    /// Content that lies in a file.
    File(StoredFile),
    /// Content that is at hand.
    Memory(Bytes),
}

impl Content {
    /// Bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::File(file) => file.len(),
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `buffer` from `offset` on, as far as there is content; blocks on a file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or ends before its recorded length.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read_at(offset, buffer),
            Self::Memory(bytes) => {
                let from = usize::try_from(offset).map_or(bytes.len(), |o| o.min(bytes.len()));
                let count = buffer.len().min(bytes.len() - from);
                buffer[..count].copy_from_slice(&bytes[from..from + count]);
                Ok(count)
            }
        }
    }

    /// All of it at once, when it is at hand.
    #[must_use]
    pub fn memory(&self) -> Option<&Bytes> {
        match self {
            Self::File(_) => None,
            Self::Memory(bytes) => Some(bytes),
        }
    }
}

/// A message that is being received: it has an id, and no promise was made. Dropped, it is gone.
#[derive(Debug)]
pub struct Staged {
    pub(crate) id: QueueId,
    pub(crate) arrived: SystemTime,
    pub(crate) len: u64,
    pub(crate) sum: crc32fast::Hasher,
    pub(crate) body: Body,
    pub(crate) room: Room,
    shared: Arc<Shared>,
}

/// Where the content of a staged message is.
#[derive(Debug)]
pub(crate) enum Body {
    File(NewFile),
    /// Something failed; the message cannot be committed any more.
    Lost(Unavailable),
    Memory(Vec<u8>),
}

impl Staged {
    pub(crate) fn new(shared: Arc<Shared>, id: QueueId, arrived: SystemTime, room: Room) -> Self {
        Self {
            id,
            arrived,
            len: 0,
            sum: crc32fast::Hasher::new(),
            body: Body::Memory(Vec::new()),
            room,
            shared,
        }
    }

    /// The id the message will have.
    #[must_use]
    pub fn id(&self) -> QueueId {
        self.id
    }

    /// Bytes written so far.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing was written yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What was written so far, once it lies in a file: it can be read while more is written.
    #[must_use]
    pub fn so_far(&self) -> Option<Content> {
        match &self.body {
            Body::File(file) => Some(Content::File(file.stored())),
            Body::Lost(_) | Body::Memory(_) => None,
        }
    }

    /// Appends content. Large content goes to a file here and now, through the page cache.
    ///
    /// # Errors
    ///
    /// [`Unavailable::Full`] or [`Unavailable::Failing`]; the message is lost then, and whatever
    /// comes after fails in the same way.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Unavailable> {
        if let Err(why) = self.append(bytes) {
            self.body = Body::Lost(why);
            return Err(why);
        }
        self.sum.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Unavailable> {
        if let Body::Memory(memory) = &mut self.body {
            if memory.len() + bytes.len() <= limits::INLINE_BYTES {
                if memory.capacity() == 0 {
                    memory.reserve(limits::STAGED_BYTES);
                }
                memory.extend_from_slice(bytes);
                return Ok(());
            }
            let mut file = self.create()?;
            if let Body::Memory(memory) = &self.body {
                write_to(&mut file, memory)?;
            }
            self.body = Body::File(file);
        }
        match &mut self.body {
            Body::File(file) => {
                let before = file.len() / limits::SPACE_CHECK_BYTES;
                write_to(file, bytes)?;
                if file.len() / limits::SPACE_CHECK_BYTES > before {
                    self.shared.measure_space();
                    self.shared.room_for(self.room, 0)?;
                }
                Ok(())
            }
            Body::Lost(why) => Err(*why),
            Body::Memory(_) => Ok(()),
        }
    }

    fn create(&self) -> Result<NewFile, Unavailable> {
        self.shared.room_for(self.room, 0)?;
        let path = self.shared.layout.content_of(self.id);
        self.shared
            .disk
            .create(path)
            .map_err(|error| unavailable(&error))
    }
}

fn write_to(file: &mut NewFile, bytes: &[u8]) -> Result<(), Unavailable> {
    file.write(bytes).map_err(|error| {
        tracing::warn!(path = %file.path().display(), %error, "content cannot be written");
        unavailable(&error)
    })
}

fn unavailable(error: &io::Error) -> Unavailable {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Unavailable::Full,
        _ => Unavailable::Failing,
    }
}

/// How much fresh content is in memory, and how much may be.
#[derive(Debug)]
pub(crate) struct Fresh {
    used: AtomicU64,
    limit: u64,
}

impl Fresh {
    pub(crate) fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self {
            used: AtomicU64::new(0),
            limit,
        })
    }

    /// The bytes, counted until the last slice of them is dropped; whether there was room to keep
    /// them for the first delivery.
    pub(crate) fn share(self: &Arc<Self>, mut memory: Vec<u8>) -> (Bytes, bool) {
        // It may wait for its turn with many others.
        memory.shrink_to_fit();
        let size = memory.capacity() as u64;
        let used = self.used.fetch_add(size, Ordering::Relaxed);
        let counted = Counted {
            memory,
            fresh: Arc::clone(self),
        };
        (Bytes::from_owner(counted), used + size <= self.limit)
    }
}

struct Counted {
    memory: Vec<u8>,
    fresh: Arc<Fresh>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.memory
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let size = self.memory.capacity() as u64;
        self.fresh.used.fetch_sub(size, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_in_memory_is_read_in_pieces() {
        let content = Content::Memory(Bytes::from_static(b"abcdef"));
        let mut buffer = [0; 4];
        assert_eq!(content.read_at(0, &mut buffer).unwrap(), 4);
        assert_eq!(&buffer, b"abcd");
        assert_eq!(content.read_at(4, &mut buffer).unwrap(), 2);
        assert_eq!(content.read_at(6, &mut buffer).unwrap(), 0);
        assert_eq!(content.read_at(u64::MAX, &mut buffer).unwrap(), 0);
    }

    #[test]
    fn fresh_content_is_counted_until_its_last_slice_is_gone() {
        let fresh = Fresh::new(10);
        let (first, kept) = fresh.share(vec![0; 8]);
        assert!(kept);
        let slice = first.slice(2..4);
        drop(first);
        assert!(!fresh.share(vec![0; 8]).1);
        drop(slice);
        assert!(fresh.share(vec![0; 8]).1);
    }
}
