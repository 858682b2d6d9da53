//! Administrators.

use std::fmt;

use crate::password::PasswordHash;

/// What an administrator may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Role {
    /// Everything.
    #[default]
    Admin,
}

impl Role {
    /// The word that commands and the store write.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text == "admin").then_some(Self::Admin)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A person with administrative rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminRecord {
    /// The name to log in with.
    pub login: String,
    /// Missing: cannot log in.
    pub password: Option<PasswordHash>,
    /// What he may do.
    pub role: Role,
}
