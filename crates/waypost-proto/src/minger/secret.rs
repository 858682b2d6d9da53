//! The secret that two servers share.

use std::fmt;

use thiserror::Error;

/// One query that was overheard allows guessing; what is shorter is guessed.
const MIN_OCTETS: usize = 16;
/// The grammar of the draft.
const MAX_OCTETS: usize = 50;

/// 16 to 50 visible ASCII characters, never on the wire; prints `***`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(Box<str>);

/// Text that cannot be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SecretError {
    /// Fewer than 16 characters.
    #[error("the secret has fewer than 16 characters: write one of 16 to 50")]
    TooShort,
    /// More than 50 characters.
    #[error("the secret has more than 50 characters: write one of 16 to 50")]
    TooLong,
    /// A space, a control character, or not ASCII.
    #[error("the secret holds a character that is not visible ASCII: write others")]
    Character,
}

impl Secret {
    /// Takes text as a secret.
    ///
    /// # Errors
    ///
    /// What makes it none.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        if !text.bytes().all(|octet| octet.is_ascii_graphic()) {
            return Err(SecretError::Character);
        }
        match text.len() {
            ..MIN_OCTETS => Err(SecretError::TooShort),
            MIN_OCTETS..=MAX_OCTETS => Ok(Self(text.into())),
            _ => Err(SecretError::TooLong),
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
