//! What a DKIM signature is made over, and how it is written (RFC 6376, RFC 8463).
//!
//! A [`Reading`] is fed with content as it streams by and keeps the fields that are signed and the
//! digest of the body. Keys and the arithmetic are elsewhere: this module has neither.

mod body;
mod header;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use thiserror::Error;

use self::body::Body;
use self::header::{Fields, Header};
use super::Domain;

/// Where a line of a signature is folded (RFC 5322 §2.1.1).
const FOLD_COLUMN: usize = 76;
/// Longest label of a domain name (RFC 1035 §2.3.4).
const MAX_LABEL_OCTETS: usize = 63;

/// How a signature is made (RFC 6376 §3.3.1, RFC 8463 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: every verifier knows it.
    Rsa,
    /// Ed25519: short keys, not known to every verifier.
    Ed25519,
}

impl Algorithm {
    /// The word of the tag `k` of a key record (RFC 6376 §3.6.1).
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Rsa => "rsa",
            Self::Ed25519 => "ed25519",
        }
    }
}

/// The name of one of a domain's keys (RFC 6376 §3.1): one label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Selector(Box<str>);

/// Text that is no selector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a selector is 1 to 63 of a-z 0-9 -, a letter or digit first and last")]
pub struct NoSelector;

impl Selector {
    /// Takes text as a selector.
    ///
    /// # Errors
    ///
    /// [`NoSelector`] says what one may be.
    pub fn parse(text: &str) -> Result<Self, NoSelector> {
        let plain = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit();
        let octets = text.as_bytes();
        let ends_are_plain = octets.first().is_some_and(|octet| plain(*octet))
            && octets.last().is_some_and(|octet| plain(*octet));
        let all = octets.iter().all(|octet| plain(*octet) || *octet == b'-');
        if !ends_are_plain || !all || octets.len() > MAX_LABEL_OCTETS {
            return Err(NoSelector);
        }
        Ok(Self(text.into()))
    }

    /// It as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where verifiers look for the key (RFC 6376 §3.6.2.1).
    #[must_use]
    pub fn record_name(&self, domain: &Domain) -> String {
        format!("{self}._domainkey.{domain}")
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text of a key record (RFC 6376 §3.6.1).
///
/// `public` is a `SubjectPublicKeyInfo` for RSA, the bare 32 octets for Ed25519 (RFC 8463 §4).
#[must_use]
pub fn record(algorithm: Algorithm, public: &[u8]) -> String {
    let word = algorithm.word();
    format!("v=DKIM1; k={word}; p={}", BASE64.encode(public))
}

/// Whether a record that was found in DNS has this key; white space in it does not count.
#[must_use]
pub fn record_has(found: &str, algorithm: Algorithm, public: &[u8]) -> bool {
    let bare = |text: &str| text.split_whitespace().collect::<String>();
    let tag = |name: &str| {
        let mut tags = found.split(';').filter_map(|tag| tag.split_once('='));
        tags.find(|(it, _)| it.trim() == name)
            .map(|(_, value)| bare(value))
    };
    let kind = tag("k").unwrap_or_else(|| Algorithm::Rsa.word().to_owned());
    kind == algorithm.word() && tag("p") == Some(BASE64.encode(public))
}

/// Reads content that will be signed.
#[derive(Debug, Clone)]
pub struct Reading {
    header: Header,
    body: Body,
}

impl Default for Reading {
    fn default() -> Self {
        Self::new()
    }
}

impl Reading {
    /// At the first octet of a message.
    #[must_use]
    pub fn new() -> Self {
        Self {
            header: Header::default(),
            body: Body::new(),
        }
    }

    /// Takes the next piece of the content.
    pub fn feed(&mut self, chunk: &[u8]) {
        let body = self.header.feed(chunk);
        self.body.feed(body);
    }

    /// What is signed; none when the header is longer than 64 KiB.
    #[must_use]
    pub fn finish(self) -> Option<Canonical> {
        Some(Canonical {
            fields: self.header.finish()?,
            body: self.body.finish(),
        })
    }
}

/// A message as far as signatures see it.
#[derive(Debug, Clone)]
pub struct Canonical {
    fields: Fields,
    body: [u8; 32],
}

/// Who signs, how and when.
#[derive(Debug, Clone, Copy)]
pub struct Signer<'a> {
    /// The domain that answers for the message.
    pub domain: &'a Domain,
    /// Which of its keys is used.
    pub selector: &'a Selector,
    /// What kind of key that is.
    pub algorithm: Algorithm,
    /// When.
    pub at: SystemTime,
}

/// A signature field that lacks the signature.
#[derive(Debug, Clone)]
pub struct Unsigned {
    field: String,
    signed: Vec<u8>,
}

impl Canonical {
    /// Begins a signature.
    #[must_use]
    pub fn unsigned(&self, signer: &Signer<'_>) -> Unsigned {
        let (names, mut signed) = self.fields.in_order();
        let at = signer.at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut field = format!(
            "DKIM-Signature: v=1; a={}-sha256; c=relaxed/relaxed;\r\n\td={}; s={}; t={};\r\n\th=",
            signer.algorithm.word(),
            signer.domain,
            signer.selector,
            at.as_secs()
        );
        let mut column = "\th=".len();
        for (index, name) in names.iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            column += name.len() + colon.len();
            field.push_str(colon);
            if column > FOLD_COLUMN {
                field.push_str("\r\n\t ");
                column = "\t ".len() + name.len();
            }
            field.push_str(name);
        }
        field.push_str(";\r\n\tbh=");
        field.push_str(&BASE64.encode(self.body));
        field.push_str(";\r\n\tb=");
        signed.extend_from_slice(&header::canonical(field.as_bytes()));
        Unsigned { field, signed }
    }
}

impl Unsigned {
    /// What the signature is made over: its SHA-256 for Ed25519, itself for RSA.
    #[must_use]
    pub fn signed(&self) -> &[u8] {
        &self.signed
    }

    /// The whole field with its line end, to stand above the header.
    #[must_use]
    pub fn complete(self, signature: &[u8]) -> String {
        let mut field = self.field;
        let mut column = "\tb=".len();
        for letter in BASE64.encode(signature).chars() {
            if column >= FOLD_COLUMN {
                field.push_str("\r\n\t ");
                column = "\t ".len();
            }
            field.push(letter);
            column += 1;
        }
        field.push_str("\r\n");
        field
    }
}
