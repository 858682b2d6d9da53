//! Every text is there in every language, and none that nobody shows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use waypost_directory::Words;

use super::{Language, texts, told};
use crate::request::{Fault, words};

/// Keys that are made of a word and a value: `word("role", …)`.
const CALLS: [(&str, bool); 7] = [
    (".say(\"", false),
    (".with(\"", false),
    (".count_with(\"", false),
    (".remark_word(\"", true),
    (".sentence(\"", true),
    (".word(\"", true),
    (".words(\"", true),
];

fn keys(language: Language) -> BTreeMap<String, String> {
    let mut keys = BTreeMap::new();
    for text in texts(language) {
        let resource = fluent_bundle::FluentResource::try_new(text.clone());
        if let Err((_, errors)) = resource {
            panic!("{} cannot be read: {errors:?}", language.code());
        }
        let mut last = String::new();
        for line in text.lines() {
            let is_key = line.starts_with(|c: char| c.is_ascii_lowercase());
            if let (true, Some((key, value))) = (is_key, line.split_once('=')) {
                key.trim().clone_into(&mut last);
                let before = keys.insert(last.clone(), value.to_owned());
                assert!(before.is_none(), "{key} is there twice");
            } else if let Some(text) = keys.get_mut(&last) {
                text.push_str(line);
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
            .map(|piece| {
                let letters = piece.chars();
                let name = letters.take_while(|c| c.is_alphanumeric() || *c == '_');
                name.collect()
            })
            .collect()
    };
    let english = keys(Language::English);
    for language in [Language::French, Language::German] {
        for (key, text) in keys(language) {
            let (mut ours, theirs) = (names(&english[&key]), names(&text));
            if key.starts_with("mend-") {
                // What to type in a shell is left out of pages.
                ours.retain(|name| theirs.contains(name));
            }
            assert_eq!(ours, theirs, "{} in {}", key, language.code());
        }
    }
}

#[test]
fn what_is_wrong_is_said_in_every_language_with_the_same_values() {
    let rule = |name: &str| {
        let mut rules = told::wordings();
        rules.find(|wording| wording.name == name).unwrap()
    };
    let over = rule("QUOTA_ABOVE_MAX").having("own_bytes", 3_u64 << 30);
    let over = over
        .having("limit", "user_max")
        .having("max_bytes", 2_u64 << 30);
    let fault = Fault::new("user jdoe@example.com", "quota", over);
    assert_eq!(
        fault.message,
        "3221225472 bytes are above the domain's user_max (2147483648 bytes)"
    );
    let [english, french, german] = Language::ALL.map(|language| language.told(&fault));
    let start = "3\u{a0}GiB are above the domain's user_max (2\u{a0}GiB); lower it";
    assert!(english.starts_with(start), "{english}");
    let start = "3\u{a0}Gio dépassent la limite du domaine (Quota utilisateur maximal";
    assert!(french.starts_with(start), "{french}");
    assert!(
        german.contains("2\u{a0}GiB). Geben Sie weniger"),
        "{german}"
    );

    let used = rule("TARGET_USED").having(
        "objects",
        "user jdoe@example.com, the sharing of domain a.test",
    );
    let fault = Fault::new("target old", "name", used);
    let told = Language::German.told(&fault);
    let start = "Es wird benutzt von: Benutzer jdoe@example.com, Domain a.test. Lassen";
    assert!(told.starts_with(start), "{told}");
}

#[test]
fn numbers_choose_the_plural_of_what_is_wrong() {
    let told = |count: usize| {
        let mut problem = crate::problem::Problem::internal();
        *problem.said = (&words::NOT_SAVED.having("count", count)).into();
        Language::German.whole(&problem.said, "")
    };
    assert_eq!(told(1), "Nicht gespeichert: ein Fehler.");
    assert_eq!(told(1204), "Nicht gespeichert: 1.204 Fehler.");
}

#[test]
fn what_has_no_text_in_a_language_is_said_in_english() {
    let words = Words::from(words::HOLD_KIND);
    let mut fault = Fault::new("", "kind", words);
    fault.said.code = "something-new".to_owned();
    fault.mend = "do so".to_owned();
    let english = "this cannot be held; do so";
    assert_eq!(Language::French.told(&fault), english);
    // A value that the text needs is not there.
    fault.said.code = "connections".to_owned();
    fault.said.parameters.insert("max".to_owned(), json!(3));
    assert!(
        Language::French
            .told(&fault)
            .starts_with("this cannot be held")
    );
}

#[test]
fn numbers_and_sizes_are_written_by_language() {
    let [english, french, german] = Language::ALL;
    assert_eq!(english.number(1_204_000), "1,204,000");
    assert_eq!(french.number(1_204), "1\u{202f}204");
    assert_eq!(german.number(999), "999");
    assert_eq!(english.size(1_610_612_736), "1.5\u{a0}GiB");
    assert_eq!(german.size(1_610_612_736), "1,5\u{a0}GiB");
    assert_eq!(french.size(1_610_612_736), "1,5\u{a0}Gio");
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
