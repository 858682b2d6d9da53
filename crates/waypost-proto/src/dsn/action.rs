//! What became of a recipient (RFC 3464 §2.3.3).

use std::fmt;

/// The value of an `Action` field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Given up.
    Failed,
    /// Not delivered so far; tried again.
    Delayed,
    /// In the recipient's mailbox.
    Delivered,
    /// Handed to a server that does not report by itself.
    Relayed,
    /// Handed to the members of a group.
    Expanded,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Relayed => "relayed",
            Self::Expanded => "expanded",
        })
    }
}
