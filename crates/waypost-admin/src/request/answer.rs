//! What comes back: progress, a result, or a refusal that says how to mend it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use waypost_directory::{WordingValue, Words};

use super::words;

/// A line of the answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It was refused.
    Error(Refused),
    /// It goes on.
    Progress(Progress),
    /// It is done.
    Result(Value),
}

/// How far a long command is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done.
    pub what: String,
    /// Steps done.
    pub done: u64,
    /// All steps; 0: not known.
    pub total: u64,
}

/// Why the server did not do it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// One sentence, in English.
    pub message: String,
    /// The same in any language.
    #[serde(flatten)]
    pub said: Box<Saying>,
    /// Everything that is wrong, when it is more than one sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Fault>,
    /// What kind of refusal it is.
    #[serde(default)]
    pub cause: Cause,
}

/// What kind of refusal it is: what an exit code, or a status over HTTP, is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// It cannot be done as it was asked for.
    #[default]
    Asked,
    /// Somebody has asked it to stop.
    Cancelled,
    /// Another server has what would be made here (409).
    Conflict,
    /// It is there already (409).
    Exists,
    /// The same may work later (503).
    Later,
    /// There is no such thing (404).
    Missing,
    /// Somebody else has changed it since (412).
    Stale,
}

/// A sentence in no language: whoever shows it has a text for its code.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Saying {
    /// What is said, such as `user-needs-relay`; missing: there is only the English text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub code: String,
    /// What says what to do about it, where that is not said under the same code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mend_code: Option<String>,
    /// The values in the sentence and in what to do about it; which, depends on the code.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    pub parameters: Map<String, Value>,
}

impl From<&Words> for Saying {
    fn from(words: &Words) -> Self {
        let values = words.values().iter().map(|(name, value)| {
            let value = match value {
                WordingValue::Number(number) => Value::from(*number),
                WordingValue::Text(text) => Value::from(text.as_str()),
            };
            ((*name).to_owned(), value)
        });
        Self {
            code: words.code(),
            mend_code: words.mend_code(),
            parameters: values.collect(),
        }
    }
}

/// One thing that is wrong with one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = FieldProblem)]
pub struct Fault {
    /// Which object, such as `user jdoe@example.com`.
    pub object: String,
    /// The line of the site file, when one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The field at fault, as the site file names it; empty: the whole object.
    pub field: String,
    /// What is wrong, in English.
    pub message: String,
    /// What to do about it, in English.
    pub mend: String,
    /// Both in any language.
    #[serde(flatten)]
    pub said: Box<Saying>,
}

impl Fault {
    /// What is wrong with a field of an object.
    #[must_use]
    pub fn new(object: &str, field: &str, words: impl Into<Words>) -> Self {
        let words = words.into();
        Self {
            object: object.to_owned(),
            line: None,
            field: field.to_owned(),
            message: words.message(),
            mend: words.mend(),
            said: Box::new(Saying::from(&words)),
        }
    }

    /// The same on a line of a file.
    #[must_use]
    pub fn on(self, line: Option<usize>) -> Self {
        Self { line, ..self }
    }
}

impl Refused {
    /// A refusal in any language.
    #[must_use]
    pub fn of(words: impl Into<Words>) -> Self {
        let words = words.into();
        let (message, mend) = (words.message(), words.mend());
        let message = match mend.is_empty() {
            true => message,
            false => format!("{message}; {mend}"),
        };
        Self {
            said: Box::new(Saying::from(&words)),
            ..Self::new(message)
        }
    }

    /// Nothing was saved, for these reasons.
    #[must_use]
    pub fn unsaved(problems: Vec<Fault>) -> Self {
        let words = match problems.len() {
            1 => words::NOT_SAVED_ONE.into(),
            count => words::NOT_SAVED.having("count", count),
        };
        Self {
            problems,
            ..Self::of(words)
        }
    }

    /// The same for another cause.
    #[must_use]
    pub fn because(self, cause: Cause) -> Self {
        Self { cause, ..self }
    }

    /// A refusal of one sentence that there is in English only.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            said: Box::default(),
            problems: Vec::new(),
            cause: Cause::Asked,
        }
    }

    /// A refusal that may be gone later.
    pub fn later(message: impl Into<String>) -> Self {
        Self {
            cause: Cause::Later,
            ..Self::new(message)
        }
    }

    /// There is no such thing.
    #[must_use]
    pub fn missing(message: impl Into<String>) -> Self {
        Self {
            cause: Cause::Missing,
            ..Self::new(message)
        }
    }
}
