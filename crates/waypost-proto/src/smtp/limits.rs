//! Sizes of a session, named (RFC 5321 §4.5.3.1).

/// Longest command line, CRLF included: 512 octets of RFC 5321 §4.5.3.1.4 and what the extensions
/// offered here add to MAIL and RCPT (RFC 1870, RFC 3461 §5.4, RFC 6531 §3.4), with room to spare.
pub const COMMAND_LINE_OCTETS: usize = 2048;

/// Longest AUTH command or answer to a challenge, CRLF included (RFC 4954 §4).
pub const AUTH_LINE_OCTETS: usize = 12_288;

/// Unread input a session keeps; more than one whole line of any kind, and one large read.
pub const INPUT_OCTETS: usize = 64 * 1024;

/// Room made for one read, unless it is content and the read before was filled.
pub const READ_OCTETS: usize = 16 * 1024;

/// Replies that may wait to be written before no further command is taken.
pub const OUTPUT_OCTETS: usize = 32 * 1024;

/// Content that is refused for its size is read on, so that its sender hears why at its end, up to
/// so many times the size that is offered; then the connection is closed.
pub const DISCARDED_SIZES: u64 = 10;

/// Recipients of one message, unless configured; RFC 5321 §4.5.3.1.8 asks for 100 at least.
pub const RECIPIENTS: usize = 1000;

/// Errors of a client before the connection is closed, unless configured.
pub const ERRORS: u32 = 20;

/// Longest name in EHLO, HELO or LHLO (RFC 5321 §4.5.3.1.2).
pub const HELLO_OCTETS: usize = 255;

/// Longest ENVID value, encoded (RFC 3461 §5.4).
pub const ENVID_OCTETS: usize = 100;

/// Longest ORCPT value, encoded (RFC 3461 §5.4).
pub const ORCPT_OCTETS: usize = 500;
