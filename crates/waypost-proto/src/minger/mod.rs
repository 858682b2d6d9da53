//! Minger: one server asks another whether an address exists (draft-hathcock-minger-06).
//!
//! One UDP datagram is a query, one is its answer, both a line of ASCII without a line end:
//!
//! ```text
//! user01@example.com d=bzH4tg0sLx9JA9J34a1weg==
//! user01@example.com 5
//! ```
//!
//! Strict in what is printed; what is read may end in one CRLF, LF or NUL, and a query may carry
//! extension tags, which mean nothing here.

mod answer;
mod digest;
mod query;
mod secret;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::mail::Mailbox;

pub use answer::{Answer, NoAnswer};
pub use digest::Digest;
pub use query::{NoQuery, NotAscii, Query, Silence};
pub use secret::{Secret, SecretError};

/// The port that servers are asked at.
pub const PORT: u16 = 4069;
/// The longest datagram that is read at all.
pub const MAX_DATAGRAM_OCTETS: usize = 1024;
/// The longest datagram that is printed: a mailbox of RFC 5321 §4.5.3.1 with its digest.
pub const MAX_PRINTED_OCTETS: usize = 512;
/// Extension tags of one query; the drafts define none.
pub const MAX_EXTENSIONS: usize = 16;
/// The mailbox that only tests whether the credentials are good. In no draft, but in the field.
pub const TEST_MAILBOX: &str = "*";

/// What is said of an address (draft-hathcock-minger-06 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// 0: the query is not valid.
    Malformed,
    /// 1: this client may not ask.
    Denied,
    /// 2: the digest is wrong or missing.
    BadCredentials,
    /// 3: there is no such address.
    Unknown,
    /// 4: the address exists and cannot receive now.
    Unavailable,
    /// 5: the address exists and receives.
    Active,
}

impl Status {
    /// All of them, in the order of their digits.
    pub const ALL: [Self; 6] = [
        Self::Malformed,
        Self::Denied,
        Self::BadCredentials,
        Self::Unknown,
        Self::Unavailable,
        Self::Active,
    ];

    /// The digit on the wire.
    #[must_use]
    pub fn digit(self) -> u8 {
        match self {
            Self::Malformed => 0,
            Self::Denied => 1,
            Self::BadCredentials => 2,
            Self::Unknown => 3,
            Self::Unavailable => 4,
            Self::Active => 5,
        }
    }

    fn of(octet: u8) -> Option<Self> {
        let digit = octet.checked_sub(b'0')?;
        Self::ALL.get(usize::from(digit)).copied()
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "malformed query",
            Self::Denied => "access denied",
            Self::BadCredentials => "wrong or missing credentials",
            Self::Unknown => "no such address",
            Self::Unavailable => "cannot receive now",
            Self::Active => "active",
        })
    }
}

/// The text of a datagram: one CRLF, LF or NUL at its end does not count, and what is left is
/// printable ASCII, so that nothing in it can leave a log line or forge a longer digest.
fn text(datagram: &[u8]) -> Option<&str> {
    let text = datagram
        .strip_suffix(b"\r\n")
        .or_else(|| datagram.strip_suffix(b"\n"))
        .or_else(|| datagram.strip_suffix(b"\0"))
        .unwrap_or(datagram);
    if !text.iter().all(|octet| matches!(octet, b' '..=b'~')) {
        return None;
    }
    std::str::from_utf8(text).ok()
}

/// The address at the start, and what follows it; an address with a quoted local part may hold
/// spaces.
fn split(text: &str) -> (&str, &str) {
    let quoted = if text.starts_with('"') {
        quoted_octets(text)
    } else {
        0
    };
    let rest = text.get(quoted..).unwrap_or_default();
    let end = quoted + rest.find(' ').unwrap_or(rest.len());
    text.split_at(end)
}

/// How long the quoted string at the start is, its quotes counted in; 0 when it does not end.
fn quoted_octets(text: &str) -> usize {
    let mut escaped = false;
    for (at, octet) in text.bytes().enumerate().skip(1) {
        match octet {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    0
}

/// Whether the text is a mailbox, or the one that only tests credentials.
fn is_address(text: &str) -> bool {
    text == TEST_MAILBOX || Mailbox::parse(text).is_ok()
}
