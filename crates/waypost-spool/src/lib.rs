//! Mail in our charge: kept until it is delivered, whatever happens in between.

mod content;
mod disk;
mod error;
mod id;
mod message;
mod receipt;

pub use content::Content;
pub use disk::{Call, Disk, StoredFile};
pub use error::{OpenError, ReadError, Unavailable};
pub use id::{NotAnId, QueueId};
pub use message::{Envelope, Hold, LastAttempt, Message, Recipient, State};
pub use receipt::Receipt;
