//! What is wrong, in the reader's language: a text for each code, filled with its values.

use std::time::Duration;

use fluent_bundle::FluentArgs;
use serde_json::Value;
use waypost_directory::{Piece, RULES, Wording, pieces};

use super::{Language, Word};
use crate::request::{Fault, Saying, words};

/// All that can be said of something wrong.
pub(super) fn wordings() -> impl Iterator<Item = &'static Wording> {
    RULES.iter().chain(words::ALL).copied()
}

/// The English texts, as the tables have them.
pub(super) fn english() -> String {
    let mut texts = String::new();
    for wording in wordings() {
        let code = wording.code();
        for (key, text) in [("fault", wording.message), ("mend", wording.mend)] {
            if !text.is_empty() {
                texts += &format!("{key}-{code} = {}\n", fluent(text));
            }
        }
    }
    texts
}

/// A text of the tables as Fluent writes it.
fn fluent(text: &str) -> String {
    let parts = pieces(text).map(|piece| match piece {
        Piece::Value(name) => format!("{{ ${name} }}"),
        Piece::Plain(text) => {
            let letters = text.chars().map(|c| match c {
                '{' | '}' => format!("{{\"{c}\"}}"),
                c => c.to_string(),
            });
            letters.collect()
        }
    });
    parts.collect()
}

impl Language {
    /// What is wrong with a field, and what to do about it.
    pub(crate) fn told(self, fault: &Fault) -> String {
        let (message, mend) = self.both(fault);
        match (mend.is_empty(), message.ends_with('.')) {
            (true, _) => message,
            (false, true) => format!("{message} {mend}"),
            (false, false) => format!("{message}; {mend}"),
        }
    }

    /// The same in two.
    pub(crate) fn both(self, fault: &Fault) -> (String, String) {
        let Saying {
            code, mend_code, ..
        } = &*fault.said;
        let message = self.sentence("fault", code, &fault.said);
        let mend = self.sentence("mend", mend_code.as_ref().unwrap_or(code), &fault.said);
        (
            message.unwrap_or_else(|| fault.message.clone()),
            mend.unwrap_or_else(|| fault.mend.clone()),
        )
    }

    /// What is wrong with a whole request; in English where there is no text for it.
    pub(crate) fn whole(self, said: &Saying, english: &str) -> String {
        let sentence = self.sentence("fault", &said.code, said);
        sentence.unwrap_or_else(|| english.to_owned())
    }

    fn sentence(self, key: &str, code: &str, said: &Saying) -> Option<String> {
        let message = self.bundle().get_message(&format!("{key}-{code}"))?;
        let pattern = message.value()?;
        let mut arguments = FluentArgs::new();
        for (name, value) in &said.parameters {
            arguments.set(name.as_str(), self.value(name, value).0);
        }
        let mut errors = Vec::new();
        let text = self
            .bundle()
            .format_pattern(pattern, Some(&arguments), &mut errors);
        // A value that is not there: the English text has it.
        errors.is_empty().then(|| text.into_owned())
    }

    /// A value as it is written in a text: its name says what it is.
    pub(crate) fn value(self, name: &str, value: &Value) -> Word {
        match (value.as_u64(), value.as_str()) {
            (Some(bytes), _) if name.ends_with("_bytes") => Word::from(&self.size(bytes)),
            (Some(span), _) if name.ends_with("_s") => {
                Word::from(&self.span(Duration::from_secs(span.max(1))))
            }
            (Some(number), _) => Word::from(number),
            (None, Some(text)) => Word::from(&self.named(name, text)),
            (None, None) => Word::from(""),
        }
    }

    /// Words of the site file as the console calls them; in English they stay.
    fn named(self, name: &str, text: &str) -> String {
        let begun = match name {
            "limit" => "domain-quota",
            "object" | "objects" => return self.objects(text),
            "owner_role" | "role" => "role",
            "tls" => "target-tls",
            _ => return text.to_owned(),
        };
        let key = format!("{begun}-{}", text.replace('_', "-"));
        match self == Self::English || !self.has(&key) {
            true => text.to_owned(),
            false => self.say(&key),
        }
    }

    /// Objects by kind and name, such as `user jdoe@example.com, domain example.com`.
    pub(crate) fn objects(self, text: &str) -> String {
        if self == Self::English {
            return text.to_owned();
        }
        let each = text.split(", ").map(|object| {
            let object = object.strip_prefix("the sharing of ").unwrap_or(object);
            let parts = object.split_once(' ');
            let kind = parts.and_then(|(kind, name)| Some((self.kind(kind)?, name)));
            kind.map_or_else(
                || object.to_owned(),
                |(kind, name)| format!("{kind} {name}"),
            )
        });
        each.collect::<Vec<_>>().join(", ")
    }

    fn kind(self, kind: &str) -> Option<String> {
        let key = format!("audit-kind-{kind}");
        self.has(&key).then(|| self.say(&key))
    }
}
