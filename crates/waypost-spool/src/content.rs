//! The content of a message: small in memory, large in a file; read in pieces.

use std::io;

use bytes::Bytes;

use crate::disk::StoredFile;

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
}
