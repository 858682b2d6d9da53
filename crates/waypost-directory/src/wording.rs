//! What is said of something wrong: one code for every language, the values, the English text.
//!
//! Whoever finds something wrong names the code and the values; the English sentence and what to
//! do about it stand in a table beside the rules. So the same values fill every language.

use std::fmt::{Display, Write as _};

/// A sentence and what to do about it, in English, under the code of both.
///
/// Values stand in them as `{name}`; one whose name ends in `_bytes` is a size.
#[derive(Debug, PartialEq, Eq)]
pub struct Wording {
    /// The name of the constant: `USER_NEEDS_RELAY`.
    pub name: &'static str,
    /// What is wrong.
    pub message: &'static str,
    /// What to do about it; empty: nothing, or what another wording says.
    pub mend: &'static str,
}

/// Makes constants of a table: who sees them, then lines `NAME: "message" => "mend";`, and `ALL`,
/// which has all of them.
#[macro_export]
macro_rules! wordings {
    ($seen:vis, $($name:ident: $message:literal => $mend:literal;)+) => {
        $(
            #[doc = $message]
            $seen const $name: &$crate::Wording = &$crate::Wording {
                name: stringify!($name),
                message: $message,
                mend: $mend,
            };
        )+

        /// All of the table.
        $seen const ALL: &[&$crate::Wording] = &[$($name),+];
    };
}

/// A value in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WordingValue {
    /// An amount.
    Number(u64),
    /// Anything else.
    Text(String),
}

impl From<u64> for WordingValue {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<usize> for WordingValue {
    fn from(number: usize) -> Self {
        Self::Number(number as u64)
    }
}

impl<T: Display + ?Sized> From<&T> for WordingValue {
    fn from(text: &T) -> Self {
        Self::Text(text.to_string())
    }
}

/// What is said of one thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    said: &'static Wording,
    mend: &'static Wording,
    values: Vec<(&'static str, WordingValue)>,
}

impl Wording {
    /// The code: `user-needs-relay`.
    #[must_use]
    pub fn code(&self) -> String {
        self.name.to_ascii_lowercase().replace('_', "-")
    }

    /// The words with one value.
    #[must_use]
    pub fn having(&'static self, name: &'static str, value: impl Into<WordingValue>) -> Words {
        Words::from(self).having(name, value)
    }

    /// The words with one value as a programmer would write it, without the quotes around it.
    #[must_use]
    pub fn quoting(&'static self, name: &'static str, value: &str) -> Words {
        let quoted = format!("{value:?}");
        let inner = quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"'));
        self.having(name, inner.unwrap_or(value))
    }

    /// The words, mended as another wording says.
    #[must_use]
    pub fn mended(&'static self, mend: &'static Self) -> Words {
        Words::from(self).mended(mend)
    }
}

impl From<&'static Wording> for Words {
    fn from(said: &'static Wording) -> Self {
        Self {
            said,
            mend: said,
            values: Vec::new(),
        }
    }
}

impl Words {
    /// The same with one more value.
    #[must_use]
    pub fn having(mut self, name: &'static str, value: impl Into<WordingValue>) -> Self {
        self.values.push((name, value.into()));
        self
    }

    /// The same, mended as another wording says.
    #[must_use]
    pub fn mended(mut self, mend: &'static Wording) -> Self {
        self.mend = mend;
        self
    }

    /// The code of the sentence.
    #[must_use]
    pub fn code(&self) -> String {
        self.said.code()
    }

    /// The code of what to do about it, where it is another one.
    #[must_use]
    pub fn mend_code(&self) -> Option<String> {
        (self.mend.name != self.said.name).then(|| self.mend.code())
    }

    /// What is wrong, in English.
    #[must_use]
    pub fn message(&self) -> String {
        self.filled(self.said.message)
    }

    /// What to do about it, in English.
    #[must_use]
    pub fn mend(&self) -> String {
        self.filled(self.mend.mend)
    }

    /// The values by name.
    #[must_use]
    pub fn values(&self) -> &[(&'static str, WordingValue)] {
        &self.values
    }

    fn filled(&self, text: &str) -> String {
        let mut filled = String::new();
        for piece in pieces(text) {
            // Writing to a String cannot fail.
            let _ = match piece {
                Piece::Plain(text) => write!(filled, "{text}"),
                Piece::Value(name) => match self.value(name) {
                    Some(WordingValue::Text(text)) => write!(filled, "{text}"),
                    Some(WordingValue::Number(bytes)) if name.ends_with("_bytes") => {
                        write!(filled, "{bytes} bytes")
                    }
                    Some(WordingValue::Number(number)) => write!(filled, "{number}"),
                    None => write!(filled, "{{{name}}}"),
                },
            };
        }
        filled
    }

    fn value(&self, wanted: &str) -> Option<&WordingValue> {
        let found = self.values.iter().find(|(name, _)| *name == wanted);
        debug_assert!(found.is_some(), "{} has no {wanted}", self.said.name);
        found.map(|(_, value)| value)
    }
}

/// A part of a text of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// As it stands.
    Plain(&'a str),
    /// The value of this name.
    Value(&'a str),
}

/// A text of the table in its parts; braces around anything but a name are braces.
pub fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let is_name = |text: &str| {
        let mut letters = text.bytes();
        !text.is_empty() && letters.all(|c| c.is_ascii_lowercase() || c == b'_')
    };
    let parts = text.split_inclusive('}').flat_map(move |part| {
        let opened = part.rfind('{').and_then(|at| {
            let name = part.get(at + 1..)?.strip_suffix('}')?;
            is_name(name).then(|| [Piece::Plain(&part[..at]), Piece::Value(name)])
        });
        opened.unwrap_or([Piece::Plain(part), Piece::Plain("")])
    });
    parts.filter(|piece| *piece != Piece::Plain(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: &Wording = &Wording {
        name: "QUOTA_ABOVE",
        message: "{own_bytes} are above \"{limit}\", of {count}",
        mend: "write { key = value, … }, or raise {limit}",
    };
    const OTHER: &Wording = &Wording {
        name: "OTHER",
        message: "",
        mend: "ask {limit}",
    };

    #[test]
    fn values_fill_the_sentence_and_its_mend() {
        let words = QUOTA.quoting("limit", "user\n{max}").having("count", 3_u64);
        let words = words.having("own_bytes", 2048_u64);
        assert_eq!(words.code(), "quota-above");
        assert_eq!(words.mend_code(), None);
        assert_eq!(
            words.message(),
            r#"2048 bytes are above "user\n{max}", of 3"#
        );
        assert_eq!(
            words.mend(),
            r"write { key = value, … }, or raise user\n{max}"
        );
        let words = words.mended(OTHER);
        assert_eq!(words.mend_code().as_deref(), Some("other"));
        assert_eq!(words.mend(), r"ask user\n{max}");
    }
}
