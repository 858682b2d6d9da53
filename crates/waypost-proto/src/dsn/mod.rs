//! Delivery status notifications (RFC 3461, RFC 3464; addresses beyond ASCII: RFC 6533).
//!
//! Writes one `multipart/report` (RFC 6522) for a message and a sender, with all recipients that
//! there is something to say about. Every part is 7bit, so that a report can go wherever mail goes,
//! but for an 8bit message that is returned whole: [`headers_only`] is for where that cannot go.
//! Who gets a report, and whether, is decided elsewhere.

pub mod action;
pub mod report;

mod mask;

mod encode;

pub use action::Action;
pub use mask::mask;
pub use report::{About, Lines, Report, Returned, Whole, header_section, headers_only};

/// As much of a header section as is returned.
pub const HEADERS_MAX: usize = 256 * 1024;
/// A longer opening is followed by a header section and not by a whole message.
pub const OPENING_MAX: usize = 1024 * 1024;
