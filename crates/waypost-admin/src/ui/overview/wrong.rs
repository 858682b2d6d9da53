//! What is wrong, in the reader's words.

use serde_json::Value;

use crate::api::v1::overview::{Severity, Wrong};
use crate::text::Word;
use crate::ui::address;
use crate::ui::layout::View;

/// Codes that there are words for.
const CODES: [&str; 18] = [
    "accepts-everything",
    "address-twice",
    "both-forward",
    "certificate-expired",
    "certificate-expires",
    "certificate-not-given",
    "disk-full",
    "disk-nearly-full",
    "held",
    "other",
    "peer-silent",
    "postmaster-mail",
    "queue-old",
    "spool-suspect",
    "target-degraded",
    "target-degraded-alone",
    "target-down",
    "target-down-alone",
];
/// Moments that are worth a line of their own, by their keys.
const MOMENTS: [(&str, &str); 6] = [
    ("since", "since"),
    ("until", "until"),
    ("last_answer", "last-answer"),
    ("tried_again", "tried-again"),
    ("seen", "seen"),
    ("at", "at"),
];

/// One thing that is wrong, in words.
pub(super) struct Told {
    /// The class of its notice.
    pub(super) class: &'static str,
    /// The key of how bad it is, without `severity-`.
    pub(super) severity: &'static str,
    pub(super) text: String,
    /// Where its cause is.
    pub(super) address: String,
    /// What a server said, or somebody wrote, as it is.
    pub(super) said: Option<String>,
    /// Key and moment.
    pub(super) moments: Vec<(&'static str, String)>,
}

/// All of them.
pub(super) fn told(view: &View, wrong: &[Wrong]) -> Vec<Told> {
    wrong.iter().map(|wrong| Told::of(view, wrong)).collect()
}

impl Told {
    fn of(view: &View, wrong: &Wrong) -> Self {
        let (class, severity) = match wrong.severity {
            Severity::Error => ("error", "error"),
            Severity::Notice => ("info", "notice"),
            Severity::Warning => ("warning", "warning"),
        };
        // Who is limited to domains hears not how much waits: that is the whole site's.
        let is_target = wrong.code.starts_with("target-");
        let code = match is_target && !wrong.parameters.contains_key("waiting") {
            true => format!("{}-alone", wrong.code),
            false => wrong.code.clone(),
        };
        let known = CODES.into_iter().find(|known| *known == code);
        let mut values = vec![
            ("name", Word::from(&wrong.object.name)),
            ("code", Word::from(&wrong.code)),
        ];
        let parameters = wrong.parameters.iter();
        let words =
            parameters.map(|(name, value)| (name.as_str(), view.language.value(name, value)));
        values.extend(words);
        let text = |name: &str| wrong.parameters.get(name).and_then(Value::as_str);
        // A target that is down has succeeded at that moment for the last time.
        let moments = MOMENTS.into_iter().filter_map(|(name, key)| {
            let key = if is_target && name == "since" {
                "last-success"
            } else {
                key
            };
            Some((key, text(name)?.to_owned()))
        });
        let said = text("error").or_else(|| text("reason"));
        Self {
            class,
            severity,
            text: view.words("wrong", known.unwrap_or("other"), &values),
            address: address::of_object(wrong.object.kind, &wrong.object.name),
            said: said.filter(|said| !said.is_empty()).map(str::to_owned),
            moments: moments.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Language;

    #[test]
    fn every_code_has_words_in_every_language() {
        for language in Language::ALL {
            for code in CODES {
                let key = format!("wrong-{code}");
                assert_ne!(language.say(&key), key, "{}", language.code());
            }
        }
    }
}
