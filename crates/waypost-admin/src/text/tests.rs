//! Every text is there in every language, and none that nobody shows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Language, Locales};

/// Keys that are made of a word and a value: `word("role", …)`.
const CALLS: [(&str, bool); 6] = [
    (".say(\"", false),
    (".with(\"", false),
    (".count_with(\"", false),
    (".remark_word(\"", true),
    (".word(\"", true),
    (".words(\"", true),
];

fn keys(language: Language) -> BTreeMap<String, String> {
    let mut keys = BTreeMap::new();
    let folder = format!("{}/", language.code());
    for name in Locales::iter().filter(|name| name.starts_with(&folder)) {
        let file = Locales::get(&name).unwrap();
        let text = String::from_utf8(file.data.into_owned()).unwrap();
        let resource = fluent_bundle::FluentResource::try_new(text.clone());
        assert!(
            resource.is_ok(),
            "{name} cannot be read: {:?}",
            resource.err()
        );
        for line in text.lines() {
            let is_key = line.starts_with(|c: char| c.is_ascii_lowercase());
            if let (true, Some((key, value))) = (is_key, line.split_once('=')) {
                let before = keys.insert(key.trim().to_owned(), value.to_owned());
                assert!(before.is_none(), "{name}: {key} is there twice");
            }
        }
    }
    keys
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// The keys that pages use, and the beginnings of those that are made of a word.
fn used() -> (BTreeSet<String>, BTreeSet<String>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    files(&root.join("templates"), &mut sources);
    files(&root.join("src"), &mut sources);
    let (mut whole, mut begun) = (BTreeSet::new(), BTreeSet::new());
    for source in sources
        .iter()
        .filter(|path| !path.ends_with("text/tests.rs"))
    {
        let text = fs::read_to_string(source).unwrap();
        for (call, is_begun) in CALLS {
            for piece in text.split(call).skip(1) {
                let key = piece.split('"').next().unwrap().to_owned();
                let set = if is_begun { &mut begun } else { &mut whole };
                set.insert(key);
            }
        }
    }
    (whole, begun)
}

#[test]
fn every_language_has_the_same_texts() {
    let english: BTreeSet<_> = keys(Language::English).into_keys().collect();
    for language in [Language::French, Language::German] {
        let other: BTreeSet<_> = keys(language).into_keys().collect();
        let missing: Vec<_> = english.difference(&other).collect();
        let more: Vec<_> = other.difference(&english).collect();
        let code = language.code();
        assert!(missing.is_empty(), "{code} has no text for {missing:?}");
        assert!(more.is_empty(), "only {code} has {more:?}");
    }
}

#[test]
fn every_text_that_a_page_shows_is_there_and_every_text_is_shown() {
    let keys: BTreeSet<_> = keys(Language::English).into_keys().collect();
    let (whole, begun) = used();
    let missing: Vec<_> = whole.difference(&keys).collect();
    assert!(missing.is_empty(), "no text for {missing:?}");
    let is_used = |key: &&String| {
        let mut begun = begun.iter();
        !whole.contains(*key) && !begun.any(|begun| key.starts_with(&format!("{begun}-")))
    };
    let unused: Vec<_> = keys.iter().filter(is_used).collect();
    assert!(unused.is_empty(), "nobody shows {unused:?}");
    let nothing: Vec<_> = begun
        .iter()
        .filter(|begun| !keys.iter().any(|key| key.starts_with(&format!("{begun}-"))))
        .collect();
    assert!(nothing.is_empty(), "no text begins with {nothing:?}");
}

#[test]
fn values_have_the_same_names_in_every_language() {
    let names = |text: &str| -> BTreeSet<String> {
        let pieces = text.split('$').skip(1);
        pieces
            .map(|piece| piece.chars().take_while(|c| c.is_alphanumeric()).collect())
            .collect()
    };
    let english = keys(Language::English);
    for language in [Language::French, Language::German] {
        for (key, text) in keys(language) {
            let (ours, theirs) = (names(&english[&key]), names(&text));
            assert_eq!(ours, theirs, "{} in {}", key, language.code());
        }
    }
}

#[test]
fn numbers_and_sizes_are_written_by_language() {
    let [english, french, german] = Language::ALL;
    assert_eq!(english.number(1_204_000), "1,204,000");
    assert_eq!(french.number(1_204), "1\u{202f}204");
    assert_eq!(german.number(999), "999");
    assert_eq!(english.size(1_610_612_736), "1.5\u{a0}GiB");
    assert_eq!(german.size(1_610_612_736), "1,5\u{a0}GiB");
    assert_eq!(
        english.span(Duration::from_secs(12_000)),
        "3\u{a0}h 20\u{a0}min"
    );
    assert_eq!(french.span(Duration::from_secs(172_800)), "2\u{a0}j");
    assert_eq!(english.span(Duration::from_millis(12)), "12\u{a0}ms");
    assert_eq!(english.span(Duration::ZERO), "0\u{a0}s");
}

#[test]
fn moments_are_written_by_language() {
    let at = "2026-11-22T14:03:09Z";
    let [english, french, german] = Language::ALL;
    assert_eq!(english.moment(at), "22 Nov 2026, 14:03 UTC");
    assert_eq!(french.moment(at), "22 nov. 2026, 14:03 UTC");
    assert_eq!(german.moment(at), "22. Nov. 2026, 14:03 UTC");
    assert_eq!(german.moment("soon"), "soon");
}

#[test]
fn moments_are_read_in_every_form() {
    use super::seconds;

    for (text, expected) in [
        ("1970-01-01T00:00:00Z", Some(0)),
        ("2026-11-22T14:03:09Z", Some(1_795_356_189)),
        ("2026-11-22T14:03", Some(1_795_356_180)),
        ("2026-11-22T15:03:09.250+01:00", Some(1_795_356_189)),
        ("2024-02-29T00:00:00-00:30", Some(1_709_166_600)),
        ("1969-12-31T00:00:00Z", None),
        ("2026-13-01T00:00:00Z", None),
        ("2026-11-22", None),
        ("2026-11-22T", None),
        ("2026-11-22T1:+3", None),
        ("soon", None),
        ("", None),
    ] {
        assert_eq!(seconds(text), expected, "{text}");
    }
}

#[test]
fn the_browser_says_which_language_is_wanted() {
    assert_eq!(
        Language::accepted("fr-CH, fr;q=0.9"),
        Some(Language::French)
    );
    assert_eq!(Language::accepted("it, de;q=0.7"), Some(Language::German));
    assert_eq!(Language::accepted("it"), None);
}
