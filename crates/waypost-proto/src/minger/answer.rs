//! What is answered (draft-hathcock-minger-06 §2.2).

use std::fmt;

use thiserror::Error;

use super::{MAX_DATAGRAM_OCTETS, Status, is_address, split, text};

/// What a server says of one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer<'a> {
    /// As the query had it.
    pub address: &'a str,
    /// What is said of it.
    pub status: Status,
}

/// A datagram that is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it is not an address, one space and a digit from 0 to 5")]
pub struct NoAnswer;

impl<'a> Answer<'a> {
    /// Reads a datagram.
    ///
    /// # Errors
    ///
    /// [`NoAnswer`].
    pub fn parse(datagram: &'a [u8]) -> Result<Self, NoAnswer> {
        if datagram.len() > MAX_DATAGRAM_OCTETS {
            return Err(NoAnswer);
        }
        let (address, rest) = split(text(datagram).ok_or(NoAnswer)?);
        let [b' ', digit] = *rest.as_bytes() else {
            return Err(NoAnswer);
        };
        let status = Status::of(digit).ok_or(NoAnswer)?;
        if !is_address(address) {
            return Err(NoAnswer);
        }
        Ok(Self { address, status })
    }

    /// Whether it is about this address: letter case may differ, nothing else.
    #[must_use]
    pub fn is_about(&self, address: &str) -> bool {
        self.address.eq_ignore_ascii_case(address)
    }

    /// Appends what is sent.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.address.as_bytes());
        out.extend_from_slice(&[b' ', b'0' + self.status.digit()]);
    }
}

impl fmt::Display for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.address, self.status.digit())
    }
}
