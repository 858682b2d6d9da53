//! A whole message before anybody has charge of it.

use std::sync::Arc;

use bytes::Bytes;

use crate::content::{Body, Content, Fresh, Staged};
use crate::disk::NewFile;
use crate::encoding::{encode, to_micros};
use crate::message::{Envelope, Message};
use crate::shared::Room;
use crate::sqlite::{Change, Insert};
use crate::writer::Committed;
use crate::{QueueId, Unavailable};

/// A whole message: it can be read and handed on, and no promise was made. Dropped, it is gone.
#[derive(Debug)]
pub struct Sealed {
    message: Arc<Message>,
    /// None where there is no room to keep it in memory beside the store.
    content: Option<Content>,
    place: Place,
    sum: u32,
    pub(crate) room: Room,
}

/// Where the content lies.
#[derive(Debug)]
enum Place {
    File(NewFile),
    Memory(Bytes),
}

impl Sealed {
    /// Joins content and envelope.
    pub(crate) fn new(
        staged: Staged,
        envelope: Envelope,
        fresh: &Arc<Fresh>,
    ) -> Result<Self, Unavailable> {
        let (content, place) = match staged.body {
            Body::File(file) => (Some(Content::File(file.stored())), Place::File(file)),
            Body::Lost(why) => return Err(why),
            Body::Memory(memory) => {
                let (bytes, fits) = fresh.share(memory);
                let kept = fits.then(|| Content::Memory(bytes.clone()));
                (kept, Place::Memory(bytes))
            }
        };
        Ok(Self {
            message: Arc::new(Message {
                id: staged.id,
                arrived: staged.arrived,
                size: staged.len,
                envelope,
            }),
            content,
            place,
            sum: staged.sum.finalize(),
            room: staged.room,
        })
    }

    /// The id that it will have.
    #[must_use]
    pub fn id(&self) -> QueueId {
        self.message.id
    }

    /// The message, as it would be committed.
    #[must_use]
    pub fn message(&self) -> &Arc<Message> {
        &self.message
    }

    /// Its content, unless there is no room to keep it at hand.
    #[must_use]
    pub fn content(&self) -> Option<&Content> {
        self.content.as_ref()
    }

    /// The change that stores it, the file that must be synced before, and the proof of custody.
    pub(crate) fn into_change(self) -> (Change, Option<NewFile>, Committed) {
        let (at_hand, file) = match self.place {
            Place::File(file) => (None, Some(file)),
            Place::Memory(bytes) => (Some(bytes), None),
        };
        let message = self.message;
        let change = Change::Insert(Insert {
            id: message.id,
            arrived: to_micros(message.arrived),
            due: message.envelope.due().map(to_micros),
            size: i64::try_from(message.size).unwrap_or(i64::MAX),
            content_sum: self.sum,
            envelope: encode(message.id, &message.envelope),
            content: at_hand,
        });
        let content = self.content;
        (change, file, Committed { message, content })
    }
}
