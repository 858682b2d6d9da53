//! Delivery status notifications (RFC 3461, RFC 3464; addresses beyond ASCII: RFC 6533).
//!
//! Writes one `multipart/report` (RFC 6522) for a message and a sender, with all recipients that
//! there is something to say about. Every part is 7bit, so that a report can go wherever mail goes.
//! Who gets a report, and whether, is decided elsewhere.

pub mod action;
pub mod report;

mod mask;

mod encode;

pub use action::Action;
pub use mask::mask;
pub use report::{About, Report, Returned, SevenBit, header_section};
