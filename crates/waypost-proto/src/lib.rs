//! Protocols of mail as plain values and functions.
//!
//! Pure means: no I/O, no clock, no randomness, no async, no global state. Bytes and values come
//! in as arguments, values and bytes come out, so that everything here can be tested as a table,
//! fuzzed, and driven by any runtime.
//!
//! RFC 5321 (SMTP), RFC 2033 (LMTP), RFC 2920 (PIPELINING), RFC 1870 (SIZE), RFC 6152 (8BITMIME),
//! RFC 6531 (SMTPUTF8), RFC 3030 (CHUNKING), RFC 3461 and RFC 3464 (DSN), RFC 2034 and RFC 3463
//! (enhanced status codes), RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 6698 and RFC 7672 (DANE),
//! RFC 8461 (MTA-STS); draft-hathcock-minger.

#![deny(missing_docs)]

pub mod dane;
pub mod dsn;
pub mod mail;
pub mod minger;
pub mod mta_sts;
pub mod net;
pub mod route;
pub mod smtp;
