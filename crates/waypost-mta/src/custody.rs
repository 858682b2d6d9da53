//! Who has charge of a message after its end of data: the one thing a 250 is made from.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use waypost_proto::smtp::reply::Reply;
use waypost_spool::{Committed, Content, Envelope, Message, QueueId, Staged, Unavailable};

use crate::queue::Ahead;

/// Proof that somebody has charge of a message, for all of its recipients.
#[derive(Debug)]
pub enum Custody {
    /// The next hops: each of them has said 2yz.
    Beyond(Beyond),
    /// We: it is on disk.
    Ours(Committed),
}

/// Proof that next hops have charge of a message. Only the queue makes it.
#[derive(Debug)]
pub struct Beyond {
    pub(crate) id: QueueId,
}

impl Beyond {
    /// The id under which the log tells of it.
    #[must_use]
    pub fn id(&self) -> QueueId {
        self.id
    }
}

/// Why nobody has charge of a message.
#[derive(Debug)]
pub enum Denied {
    /// Next hops refuse it for good, for every recipient: what the client is told.
    Refused(Reply),
    /// It cannot be stored now.
    Unavailable(Unavailable),
}

impl From<Unavailable> for Denied {
    fn from(why: Unavailable) -> Self {
        Self::Unavailable(why)
    }
}

/// Custody on its way.
pub type Taking<'a> = Pin<Box<dyn Future<Output = Result<Custody, Denied>> + Send + 'a>>;

/// What was done for a message before its content was whole. Dropped, it is undone.
#[derive(Debug)]
pub struct Begun(pub(crate) Ahead);

impl Begun {
    /// So much of the content is here, among it the header, in which nothing was found that keeps
    /// the message here. Nobody has charge of it before [`Take::take`].
    pub fn grew(&self, message_key: &str, content: Content) {
        self.0.grew(message_key, content);
    }
}

/// Finds somebody who takes charge of a message whose sender waits.
pub trait Take: Send + Sync {
    /// A message has just got this id and its date: the clocks may jump before its content is whole.
    fn dated(&self, id: QueueId) {
        let _ = id;
    }

    /// The content of this message is on its way, and its true size and its key are not known yet:
    /// does what can be done meanwhile.
    fn begin(&self, message: Message) -> Option<Begun> {
        drop(message);
        None
    }

    /// Hands it on, or stores it.
    fn take(&self, staged: Staged, envelope: Envelope, begun: Option<Begun>) -> Taking<'_>;
}

impl fmt::Debug for dyn Take {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Take")
    }
}
