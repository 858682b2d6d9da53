//! What is asked (draft-hathcock-minger-06 §2.1).

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

use super::{
    Answer, Digest, MAX_DATAGRAM_OCTETS, MAX_EXTENSIONS, Secret, TEST_MAILBOX, split, text,
};
use crate::mail::Mailbox;

/// A question about one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query<'a> {
    /// As it was written: what is digested and echoed.
    address: Cow<'a, str>,
    /// What the address means; none for [`TEST_MAILBOX`].
    mailbox: Option<Mailbox>,
    /// What stands behind `d=`: base64.
    digest: Option<Cow<'a, str>>,
    /// The tags behind it, with the space in front of each.
    extensions: &'a str,
}

/// A datagram that is no query, and what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NoQuery<'a> {
    /// About this address it can be said that the query is malformed.
    #[error("the query about {address} is malformed")]
    Malformed {
        /// As it was written.
        address: &'a str,
    },
    /// Nothing is said.
    #[error("{0}")]
    Silent(#[from] Silence),
}

/// Why a datagram is not answered at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Silence {
    /// Two servers that answer each other's answers would never end.
    #[error("it is an answer")]
    Answer,
    /// Nothing in it.
    #[error("it is empty")]
    Empty,
    /// Nothing that could be echoed.
    #[error("it has no address")]
    NoAddress,
    /// Something else than printable ASCII.
    #[error("it is not printable ASCII")]
    NotPrintable,
    /// More than [`MAX_DATAGRAM_OCTETS`].
    #[error("it is too long")]
    TooLong,
}

/// Minger has no way to name a mailbox that is not ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the address is not ASCII, and Minger has no way to ask about it")]
pub struct NotAscii;

impl<'a> Query<'a> {
    /// Reads a datagram.
    ///
    /// The order of the checks is part of the protocol's safety: the address has been found good
    /// before anybody can look at the digest, so that no digest can be stretched to a longer
    /// address.
    ///
    /// # Errors
    ///
    /// What is wrong, and whether to answer.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, NoQuery<'a>> {
        if datagram.len() > MAX_DATAGRAM_OCTETS {
            return Err(Silence::TooLong.into());
        }
        let text = text(datagram).ok_or(Silence::NotPrintable)?;
        if text.is_empty() {
            return Err(Silence::Empty.into());
        }
        if Answer::parse(datagram).is_ok() {
            return Err(Silence::Answer.into());
        }
        let (address, tags) = split(text);
        let mailbox = match Mailbox::parse(address) {
            Ok(mailbox) => Some(mailbox),
            Err(_) if address == TEST_MAILBOX => None,
            Err(_) => return Err(Silence::NoAddress.into()),
        };
        let malformed = NoQuery::Malformed { address };
        let (digest, extensions) = match tags.strip_prefix(" d=") {
            None => (None, tags),
            Some(rest) => {
                let (digest, extensions) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
                if !super::digest::is_base64(digest) {
                    return Err(malformed);
                }
                (Some(Cow::Borrowed(digest)), extensions)
            }
        };
        if !are_extensions(extensions) {
            return Err(malformed);
        }
        Ok(Self {
            address: Cow::Borrowed(address),
            mailbox,
            digest,
            extensions,
        })
    }

    /// A question about a mailbox. All of it is in lower case, which is right whether the server
    /// asked folds case before it digests or not.
    ///
    /// # Errors
    ///
    /// [`NotAscii`].
    pub fn new(mailbox: &Mailbox, secret: Option<&Secret>) -> Result<Query<'static>, NotAscii> {
        if !mailbox.is_ascii() {
            return Err(NotAscii);
        }
        let mut address = mailbox.to_string();
        address.make_ascii_lowercase();
        let lower = Mailbox::parse(&address).unwrap_or_else(|_| mailbox.clone());
        Ok(Query::about(address, Some(lower), secret))
    }

    /// A question about nothing, to test the credentials.
    #[must_use]
    pub fn test(secret: Option<&Secret>) -> Query<'static> {
        Query::about(TEST_MAILBOX.to_owned(), None, secret)
    }

    fn about(address: String, mailbox: Option<Mailbox>, secret: Option<&Secret>) -> Query<'static> {
        let digest = secret.map(|secret| Digest::new(secret, &address).print().into());
        Query {
            address: Cow::Owned(address),
            mailbox,
            digest,
            extensions: "",
        }
    }

    /// The address as it was written, or [`TEST_MAILBOX`].
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The address as it was written, for the answer.
    #[must_use]
    pub fn into_address(self) -> Cow<'a, str> {
        self.address
    }

    /// The mailbox that is asked about; none when only the credentials are tested.
    #[must_use]
    pub fn mailbox(&self) -> Option<&Mailbox> {
        self.mailbox.as_ref()
    }

    /// Whether there is a digest, good or not.
    #[must_use]
    pub fn is_authenticated(&self) -> bool {
        self.digest.is_some()
    }

    /// The first of these secrets that the digest was made with. All are tried, so that the time it
    /// takes does not tell which one it was.
    ///
    /// The digest may be of the address as it was written, or of the address in lower case.
    pub fn verified_by<'s>(&self, secrets: impl IntoIterator<Item = &'s Secret>) -> Option<usize> {
        let given = Digest::read(self.digest.as_deref()?)?;
        let has_case = self.address.bytes().any(|octet| octet.is_ascii_uppercase());
        let lower = has_case.then(|| self.address.to_ascii_lowercase());
        let mut found = None;
        for (number, secret) in secrets.into_iter().enumerate() {
            let mut good = given.is(&Digest::new(secret, &self.address));
            if let Some(lower) = &lower {
                good |= given.is(&Digest::new(secret, lower));
            }
            if good && found.is_none() {
                found = Some(number);
            }
        }
        found
    }
}

impl fmt::Display for Query<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)?;
        if let Some(digest) = &self.digest {
            write!(f, " d={digest}")?;
        }
        f.write_str(self.extensions)
    }
}

/// Whether the text is any number of ` name=value`, each name once and none of them `d`.
fn are_extensions(text: &str) -> bool {
    let Some(tags) = text.strip_prefix(' ') else {
        return text.is_empty();
    };
    let is_word = |word: &str| {
        let mut octets = word.bytes();
        !word.is_empty() && octets.all(|octet| octet.is_ascii_alphanumeric() || octet == b'_')
    };
    let mut names = [""; MAX_EXTENSIONS];
    for (number, tag) in tags.split(' ').enumerate() {
        let Some((name, value)) = tag.split_once('=') else {
            return false;
        };
        let Some((free, before)) = names
            .get_mut(..=number)
            .and_then(|names| names.split_last_mut())
        else {
            return false;
        };
        if !is_word(name) || !is_word(value) || name == "d" || before.contains(&name) {
            return false;
        }
        *free = name;
    }
    true
}
