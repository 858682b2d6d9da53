//! The nouns of RFC 5321 §2 that everything else is said in.
//!
//! Every type here is valid by construction: none can hold CR, LF or NUL, so that what is printed
//! into a command, a header field or a log line can never begin another one.

mod address;
mod date;
pub mod dkim;
mod domain;
pub mod header;
mod path;
pub mod trace;

pub use address::{LocalPart, Mailbox};
pub use date::Date;
pub use domain::Domain;
pub use path::{ForwardPath, ReversePath};

use thiserror::Error;

/// What is wrong with an address, a domain or a path that somebody wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SyntaxError {
    /// There is nothing where an address should be.
    #[error("the address is empty")]
    Empty,
    /// No `@` between local part and domain.
    #[error("the address has no @")]
    NoAt,
    /// RFC 5321 §4.1.2: neither a dot-string nor a quoted string.
    #[error("the local part is not valid")]
    LocalPart,
    /// RFC 5321 §4.5.3.1.1: more than 64 octets.
    #[error("the local part is longer than 64 octets")]
    LocalPartTooLong,
    /// RFC 5321 §4.1.2: neither a domain nor an address literal.
    #[error("the domain is not valid")]
    Domain,
    /// RFC 5321 §4.5.3.1.2: more than 255 octets.
    #[error("the domain is longer than 255 octets")]
    DomainTooLong,
    /// RFC 5321 §4.1.2: a path is written `<...>`.
    #[error("the path is not enclosed in < and >")]
    Brackets,
    /// RFC 6531 §3.2: non-ASCII needs SMTPUTF8.
    #[error("the address needs SMTPUTF8")]
    NeedsSmtpUtf8,
}
