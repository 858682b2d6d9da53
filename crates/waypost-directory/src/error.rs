//! What can go wrong, by whose fault.

use std::fmt;

use thiserror::Error;

use crate::wording::Words;

/// What a problem is to a program that must answer with a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Breach {
    /// A rule about what may be saved.
    Rule,
    /// The object is there, and should not be.
    Exists,
    /// There is no such object.
    Missing,
    /// Somebody has written the object since the revision that the edit was made for.
    Stale,
}

/// One thing that is wrong with what somebody wanted to save.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which edit of the batch it is about, counted from 0; missing: an object that no edit names.
    pub edit: Option<usize>,
    /// Whether the edit itself found not what it expected, or what it says breaks a rule.
    pub breach: Breach,
    /// The object: `user jdoe@example.com`.
    pub object: String,
    /// The field, as the site file names it.
    pub field: &'static str,
    /// What is wrong, in English.
    pub message: String,
    /// What to do about it, in English.
    pub mend: String,
    /// Both, in any language.
    pub words: Words,
}

impl Problem {
    /// A problem with what an edit says.
    pub(crate) fn new(edit: usize, object: String, field: &'static str, words: Words) -> Self {
        Self {
            edit: Some(edit),
            breach: Breach::Rule,
            object,
            field,
            message: words.message(),
            mend: words.mend(),
            words,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            object,
            field,
            message,
            mend,
            ..
        } = self;
        write!(f, "{object}: {field}: {message}; {mend}")
    }
}

/// Nothing was saved: all the reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl Rejected {
    /// The weightiest breach: stale before missing, missing before existing, then rules.
    #[must_use]
    pub fn breach(&self) -> Breach {
        let breaches = self.problems.iter().map(|problem| problem.breach);
        breaches.max().unwrap_or(Breach::Rule)
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Rejected {}

/// The store cannot answer now.
#[derive(Debug, Error)]
#[error("the directory's store is not available")]
pub struct Unavailable(#[from] pub(crate) rusqlite::Error);

/// Why an edit was not saved.
#[derive(Debug, Error)]
pub enum EditError {
    /// It breaks a rule.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// Whoever watched the progress wanted no more of it; nothing was saved.
    #[error("cancelled; nothing was saved")]
    Cancelled,
    /// The store cannot take it now; nothing was saved.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<rusqlite::Error> for EditError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unavailable(Unavailable(error))
    }
}

/// Why the directory could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// A later release has written it.
    #[error(
        "the directory has schema version {found}, and this program knows versions up to {known}: \
         use the release that wrote it, or restore a backup made before the upgrade"
    )]
    Newer {
        /// In the file.
        found: u32,
        /// In this program.
        known: u32,
    },
    /// The file cannot be opened or is no directory.
    #[error("the directory cannot be opened")]
    Store(#[from] rusqlite::Error),
}

/// Why a login was refused.
#[derive(Debug, Error)]
pub enum LoginError {
    /// Unknown, wrong, suspended, not local: nobody outside is told which.
    #[error("wrong login or password")]
    Refused,
    /// The store cannot answer now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}
