//! How long a client waits for a server (RFC 5321 §4.5.3.2).

use std::time::Duration;

/// For the greeting (§4.5.3.2.1).
pub const GREETING: Duration = Duration::from_mins(5);
/// For the answer to MAIL, RCPT and every command that has no time of its own (§4.5.3.2.2, .3).
pub const COMMAND: Duration = Duration::from_mins(5);
/// For the answer to DATA (§4.5.3.2.4).
pub const DATA: Duration = Duration::from_mins(2);
/// For the server to take a piece of content (§4.5.3.2.5).
pub const PIECE: Duration = Duration::from_mins(3);
/// For the answer to the end of content (§4.5.3.2.6).
pub const END: Duration = Duration::from_mins(10);
