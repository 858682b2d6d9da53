//! Why a command failed, and the exit code that says so.

use std::fmt;
use std::process::ExitCode;

/// Failures, by what the caller can do about them.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The answer, which is printed already, is a no.
    Answered,
    /// The thing asked for failed.
    Failed(anyhow::Error),
    /// The server cannot be reached, or cannot do it now.
    Later(String),
    /// The command was used wrongly.
    Usage(String),
}

impl Failure {
    /// A failure that is one sentence.
    pub(crate) fn failed(text: impl Into<String>) -> Self {
        Self::Failed(anyhow::Error::msg(text.into()))
    }

    /// The exit code of `sysexits.h`, where it has one.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Answered | Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Later(_) => 75,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered => Ok(()),
            Self::Failed(error) => write!(f, "{error:#}"),
            Self::Later(text) | Self::Usage(text) => f.write_str(text),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.into())
    }
}
