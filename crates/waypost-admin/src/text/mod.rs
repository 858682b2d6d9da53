//! What people read, in their language (Fluent).

pub(crate) mod clock;
mod moment;
mod number;
#[cfg(test)]
mod tests;
mod told;

pub(crate) use moment::seconds;

use std::fmt;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use rust_embed::Embed;
use unic_langid::LanguageIdentifier;

/// A language of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum Language {
    #[default]
    English,
    French,
    German,
}

/// The texts: `LANGUAGE/SCREEN.ftl`.
#[derive(Embed)]
#[folder = "locales/"]
struct Locales;

type Bundle = FluentBundle<FluentResource>;

static BUNDLES: LazyLock<[Bundle; 3]> = LazyLock::new(|| Language::ALL.map(bundle));

impl Language {
    pub(crate) const ALL: [Self; 3] = [Self::English, Self::French, Self::German];

    /// Its code (BCP 47).
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
            Self::German => "de",
        }
    }

    /// What it calls itself.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::French => "Français",
            Self::German => "Deutsch",
        }
    }

    pub(crate) fn parse(code: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|language| language.code() == code)
    }

    /// The first language of `Accept-Language` that there is (RFC 9110 §12.5.4); its weights are
    /// in the order in which browsers write them.
    pub(crate) fn accepted(header: &str) -> Option<Self> {
        let mut wanted = header.split(',').map(|range| {
            let range = range.split(';').next().unwrap_or_default();
            range
                .trim()
                .split('-')
                .next()
                .unwrap_or_default()
                .to_lowercase()
        });
        wanted.find_map(|code| Self::parse(&code))
    }

    fn bundle(self) -> &'static Bundle {
        let [english, french, german] = &*BUNDLES;
        match self {
            Self::English => english,
            Self::French => french,
            Self::German => german,
        }
    }

    /// The text of a key.
    pub(crate) fn say(self, key: &str) -> String {
        self.format(key, None)
    }

    /// Whether there is a text of a key.
    pub(crate) fn has(self, key: &str) -> bool {
        self.bundle().has_message(key)
    }

    /// The same with values in it.
    pub(crate) fn with(self, key: &str, values: &[(&str, Word)]) -> String {
        let mut arguments = FluentArgs::new();
        for (name, value) in values {
            arguments.set(*name, value.0.clone());
        }
        self.format(key, Some(&arguments))
    }

    /// The text of a key that is made of a word: `role-helpdesk`.
    pub(crate) fn word(self, key: &str, word: impl fmt::Display) -> String {
        self.say(&format!("{key}-{word}"))
    }

    /// The same with values in it.
    pub(crate) fn words(
        self,
        key: &str,
        word: impl fmt::Display,
        values: &[(&str, Word)],
    ) -> String {
        self.with(&format!("{key}-{word}"), values)
    }

    fn format(self, key: &str, arguments: Option<&FluentArgs<'_>>) -> String {
        let bundle = self.bundle();
        let pattern = bundle.get_message(key).and_then(|message| message.value());
        let Some(pattern) = pattern else {
            // A test finds those; what is left shows what is meant.
            return key.to_owned();
        };
        let mut errors = Vec::new();
        bundle
            .format_pattern(pattern, arguments, &mut errors)
            .into_owned()
    }
}

/// A value in a text: numbers choose the plural and are written by language.
#[derive(Debug, Clone)]
pub(crate) struct Word(FluentValue<'static>);

impl From<u64> for Word {
    fn from(number: u64) -> Self {
        Self(FluentValue::from(number))
    }
}

impl From<usize> for Word {
    fn from(number: usize) -> Self {
        Self(FluentValue::from(number))
    }
}

impl<T: fmt::Display + ?Sized> From<&T> for Word {
    fn from(text: &T) -> Self {
        Self(FluentValue::from(text.to_string()))
    }
}

/// The texts of a language: its files, and for English what the tables of the program say.
fn texts(language: Language) -> Vec<String> {
    let folder = format!("{}/", language.code());
    let names = Locales::iter().filter(|name| name.starts_with(&folder));
    let files = names.filter_map(|name| Locales::get(&name));
    let files = files.map(|file| String::from_utf8_lossy(&file.data).into_owned());
    let tables = (language == Language::English).then(told::english);
    files.chain(tables).collect()
}

fn bundle(language: Language) -> Bundle {
    let code: LanguageIdentifier = language.code().parse().unwrap_or_default();
    let mut bundle = Bundle::new_concurrent(vec![code]);
    // Marks of direction around values are for languages that we do not have.
    bundle.set_use_isolating(false);
    bundle.set_formatter(Some(match language {
        Language::English => |value, _| number::formatted(value, Language::English),
        Language::French => |value, _| number::formatted(value, Language::French),
        Language::German => |value, _| number::formatted(value, Language::German),
    }));
    for text in texts(language) {
        // What does not parse, and what is there twice, a test finds.
        let resource = FluentResource::try_new(text).unwrap_or_else(|(resource, _)| resource);
        let _ = bundle.add_resource(resource);
    }
    bundle
}
