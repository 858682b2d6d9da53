//! What is wrong with a configuration file, said so that it can be mended at once.

use std::fmt;

/// One thing that is wrong with one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The file, as it was named.
    pub(crate) file: String,
    /// The line, counted from 1; none when no line is at fault.
    pub(crate) line: Option<usize>,
    /// The key with its section, such as `limits.message_size`.
    pub(crate) key: String,
    /// What was found there.
    pub(crate) found: String,
    /// What would be right.
    pub(crate) mend: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        f.write_str(": ")?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.found)?;
        if !self.mend.is_empty() {
            write!(f, "; {}", self.mend)?;
        }
        Ok(())
    }
}
