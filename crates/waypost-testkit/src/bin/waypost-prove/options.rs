//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// Without `--minutes`.
const MINUTES: u64 = 10;
/// The seed of short runs, so that they try the same every time.
const SHORT_SEED: u64 = 1;

const USAGE: &str = "usage: waypost-prove PROGRAM [--minutes N] [--short] [--tests] \
    [--only NAME] [--seed N] [--write FILE]";

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Options {
    /// The program under test.
    pub(crate) program: PathBuf,
    /// For how long.
    pub(crate) lasts: Duration,
    /// Each experiment once, with a fixed seed and small numbers.
    pub(crate) is_short: bool,
    /// Whether the tests that prove promises are run too.
    pub(crate) with_tests: bool,
    /// Only this experiment.
    pub(crate) only: Option<String>,
    /// The first seed.
    pub(crate) seed: Option<u64>,
    /// Where the table goes, besides standard output.
    pub(crate) write: Option<PathBuf>,
}

impl Options {
    pub(crate) fn read(words: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut words = words.into_iter();
        let mut options = Self {
            program: program(words.next())?,
            lasts: Duration::from_secs(MINUTES * 60),
            is_short: false,
            with_tests: false,
            only: None,
            seed: None,
            write: None,
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().context(USAGE);
            match word.as_str() {
                "--minutes" => options.lasts = Duration::from_secs(60 * value()?.parse::<u64>()?),
                "--short" => {
                    options.is_short = true;
                    options.seed = options.seed.or(Some(SHORT_SEED));
                }
                "--tests" => options.with_tests = true,
                "--only" => options.only = Some(value()?),
                "--seed" => options.seed = Some(value()?.parse()?),
                "--write" => options.write = Some(value()?.into()),
                _ => anyhow::bail!(USAGE),
            }
        }
        Ok(options)
    }
}

/// An option in its place is a question, not a program.
fn program(word: Option<String>) -> Result<PathBuf> {
    let word = word.filter(|word| !word.starts_with('-'));
    Ok(word.context(USAGE)?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_no_program() {
        let read = |line: &str| Options::read(line.split_whitespace().map(str::to_owned));
        for line in ["", "--help", "--short waypost", "waypost --fast"] {
            let error = read(line).unwrap_err();
            assert!(error.to_string().starts_with("usage:"), "{line}: {error}");
        }
        let options = read("waypost --short --only calls").unwrap();
        assert_eq!(options.program, PathBuf::from("waypost"));
        assert_eq!(options.seed, Some(SHORT_SEED));
    }
}
