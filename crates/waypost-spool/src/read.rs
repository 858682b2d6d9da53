//! Looking at what is kept; finding damage.

use std::sync::atomic::Ordering;
use std::time::SystemTime;

use crate::content::Content;
use crate::disk::Disk;
use crate::encoding::{self, decode, from_micros};
use crate::limits;
use crate::message::Message;
use crate::receipt;
use crate::shared::{Alarm, Condition};
use crate::sqlite::{self, Row, StoreError};
use crate::writer::Work;
use crate::{QueueId, ReadError, Spool};

/// Some messages, and where the next ones begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The oldest first.
    pub messages: Vec<Message>,
    /// Where to go on; none at the end.
    pub next: Option<QueueId>,
}

/// The spool in figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// How it stands.
    pub condition: Condition,
    /// Messages in our charge.
    pub messages: u64,
    /// The oldest of them.
    pub oldest: Option<QueueId>,
    /// Bytes of the store, without its log and without content files.
    pub store_bytes: u64,
    /// Bytes of the store's log.
    pub log_bytes: u64,
    /// Bytes free under the spool.
    pub free_bytes: u64,
}

impl Spool {
    /// A message and its content; none when it is not in the spool.
    ///
    /// # Errors
    ///
    /// [`ReadError::Damaged`] once: the message was then set aside and is no longer there.
    pub fn load(&self, id: QueueId) -> Result<Option<(Message, Content)>, ReadError> {
        let stored = match self.shared().readers.message(id) {
            Ok(stored) => stored,
            Err(StoreError::Damaged(reason)) => return self.damaged(id, reason),
            Err(error) => return Err(error.into()),
        };
        let Some((row, bytes)) = stored else {
            return Ok(None);
        };
        let message = match message_of(&row) {
            Ok(message) => message,
            Err(reason) => return self.damaged(id, reason.to_owned()),
        };
        match self.content_of(&row, bytes) {
            Ok(content) => Ok(Some((message, content))),
            Err(StoreError::Damaged(reason)) => self.damaged(id, reason),
            Err(error) => Err(error.into()),
        }
    }

    fn content_of(&self, row: &Row, bytes: Option<Vec<u8>>) -> Result<Content, StoreError> {
        let damaged = |what: String| Err(StoreError::Damaged(what));
        let content = match bytes {
            Some(bytes) => Content::Memory(bytes.into()),
            None if row.filed => {
                match Disk::open(&self.shared().layout.content_of(row.id), row.size) {
                    Ok(file) => Content::File(file),
                    Err(error) if is_damage(&error) => {
                        return damaged(format!("content file: {error}"));
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            None => return damaged("content is missing".to_owned()),
        };
        let sum = match &content {
            Content::File(file) => file.check_sum()?,
            Content::Memory(bytes) => crc32fast::hash(bytes),
        };
        if content.len() != row.size || sum != row.content_sum {
            return damaged("content check sum is wrong".to_owned());
        }
        Ok(content)
    }

    /// A message without its content; none when it is not in the spool.
    ///
    /// # Errors
    ///
    /// As [`Spool::load`].
    pub fn message(&self, id: QueueId) -> Result<Option<Message>, ReadError> {
        match self.shared().readers.row(id) {
            Ok(None) => Ok(None),
            Ok(Some(row)) => match message_of(&row) {
                Ok(message) => Ok(Some(message)),
                Err(reason) => self.damaged(id, reason.to_owned()),
            },
            Err(StoreError::Damaged(reason)) => self.damaged(id, reason),
            Err(error) => Err(error.into()),
        }
    }

    /// Sets a message aside; none when it went by itself in the meantime.
    fn damaged<T>(&self, id: QueueId, reason: String) -> Result<Option<T>, ReadError> {
        let (promise, receipt) = receipt::pair();
        // Refused only when closed.
        let _ = self
            .shared()
            .work
            .push(Work::Quarantine(id, reason.clone(), promise));
        match receipt.wait() {
            Ok(false) => Ok(None),
            Ok(true) => Err(ReadError::Damaged { id, reason }),
            Err(why) => Err(ReadError::Unavailable(why.to_string())),
        }
    }

    /// All messages and when they are next due, the first due first; none: held without end.
    ///
    /// Reads the index only: a million messages take well under a second.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn index(&self) -> Result<Vec<(QueueId, Option<SystemTime>)>, ReadError> {
        let schedule = self.shared().readers.schedule()?;
        let timed = |(id, due): (QueueId, Option<i64>)| (id, due.map(from_micros));
        Ok(schedule.into_iter().map(timed).collect())
    }

    /// Up to `limit` messages behind `after` that are `wanted`, the oldest first.
    ///
    /// Looks at a bounded number of messages, so that a page may hold fewer than asked for, or
    /// none, and still have a next one. Damaged messages are set aside and left out.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn list(
        &self,
        after: Option<QueueId>,
        limit: usize,
        mut wanted: impl FnMut(&Message) -> bool,
    ) -> Result<Page, ReadError> {
        let mut page = Page {
            messages: Vec::new(),
            next: after,
        };
        for _ in 0..limits::LIST_PIECES {
            let rows = self.shared().readers.rows(page.next, limits::LIST_ROWS)?;
            let last = rows.len() < limits::LIST_ROWS;
            for row in rows {
                if page.messages.len() == limit {
                    return Ok(page);
                }
                page.next = Some(row.id);
                let message = match message_of(&row) {
                    Ok(message) => Ok(Some(message)),
                    Err(reason) => self.damaged(row.id, reason.to_owned()),
                };
                match message {
                    Ok(message) => page.messages.extend(message.filter(&mut wanted)),
                    Err(ReadError::Damaged { .. }) => {}
                    Err(error @ ReadError::Unavailable(_)) => return Err(error),
                }
            }
            if last {
                page.next = None;
                break;
            }
        }
        Ok(page)
    }

    /// What was set aside as damaged and waits for a person: id and reason.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn quarantined(&self) -> Result<Vec<(QueueId, String)>, ReadError> {
        Ok(self.shared().readers.quarantined()?)
    }

    /// What a person should look at, the oldest first; since the start.
    #[must_use]
    pub fn alarms(&self) -> Vec<Alarm> {
        self.shared().alarms()
    }

    /// How the spool stands.
    #[must_use]
    pub fn condition(&self) -> Condition {
        self.shared().condition()
    }

    /// The spool in figures.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn stats(&self) -> Result<Stats, ReadError> {
        let shared = self.shared();
        Ok(Stats {
            condition: shared.condition(),
            messages: shared.messages.load(Ordering::Relaxed),
            oldest: shared.readers.oldest()?,
            store_bytes: Disk::len(&shared.layout.store),
            log_bytes: Disk::len(&sqlite::log_path(&shared.layout.store)),
            free_bytes: shared.free_bytes(),
        })
    }
}

fn message_of(row: &Row) -> Result<Message, encoding::Damage> {
    Ok(Message {
        id: row.id,
        arrived: from_micros(row.arrived),
        size: row.size,
        envelope: decode(row.id, &row.envelope)?,
    })
}

/// Whether a file is not what it was, rather than not to be read now.
fn is_damage(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::UnexpectedEof)
}
