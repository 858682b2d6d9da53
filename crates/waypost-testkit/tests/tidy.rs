//! The rules of STYLE.md that a program can check.
#![expect(clippy::unwrap_used, reason = "a test may end here")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a file, its tests aside.
const MAX_LINES: usize = 600;
/// Files whose length is their nature.
const LONG: [&str; 1] = ["crates/waypost-proto/src/smtp/replies.rs"];

/// Folders that are made here and by others.
const NOT_OURS: [&str; 3] = ["target", "run", "node_modules"];

/// The stages of the MTA, and which other stages each may use: the call sites of the flow.
const STAGES: [(&str, &[&str]); 7] = [
    ("listener", &["session"]),
    ("session", &["policy", "resolve", "deliver"]),
    ("policy", &[]),
    ("resolve", &["deliver"]),
    ("queue", &["resolve", "deliver", "bounce"]),
    ("deliver", &[]),
    ("bounce", &["queue"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

struct Source {
    /// From the root of the repository.
    name: String,
    text: String,
}

impl Source {
    /// Whether it is not shipped: tests and measurements.
    fn is_test(&self) -> bool {
        ["/tests", "/examples/", "waypost-testkit", "simulation/"]
            .iter()
            .any(|part| self.name.contains(part))
    }

    /// The lines in front of the unit tests.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self
            .text
            .lines()
            .enumerate()
            .map(|(number, line)| (number + 1, line));
        lines.take_while(|(_, line)| *line != "#[cfg(test)]")
    }

    /// Lines of code that hold this, as `file:line`.
    fn holding(&self, words: &[&str]) -> Vec<String> {
        self.code()
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
            .filter(|(_, line)| words.iter().any(|word| line.contains(word)))
            .map(|(number, line)| format!("{}:{number}: {}", self.name, line.trim()))
            .collect()
    }
}

fn files(dir: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let is_ours = !name.starts_with('.') && !NOT_OURS.contains(&name.as_str());
        if path.is_dir() && is_ours {
            files(&path, ending, found);
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

fn sources() -> Vec<Source> {
    let root = root();
    let mut paths = Vec::new();
    for folder in ["crates", "simulation"] {
        files(&root.join(folder), ".rs", &mut paths);
    }
    let read = |path: &PathBuf| Source {
        name: path.strip_prefix(&root).unwrap().display().to_string(),
        text: fs::read_to_string(path).unwrap(),
    };
    paths.iter().map(read).collect()
}

/// Fails with all lines of shipped code that hold one of the words outside the files named.
fn only_in(places: &[&str], words: &[&str]) {
    let mut found = Vec::new();
    for source in sources() {
        if !source.is_test() && !places.iter().any(|place| source.name.contains(place)) {
            found.extend(source.holding(words));
        }
    }
    assert!(
        found.is_empty(),
        "{words:?} outside {places:?}:\n{}",
        found.join("\n")
    );
}

#[test]
fn files_are_short_enough_to_say_one_thing() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|source| !source.is_test() && !LONG.contains(&source.name.as_str()))
        .map(|source| (source.name.clone(), source.code().count()))
        .filter(|(_, lines)| *lines > MAX_LINES)
        .map(|(name, lines)| format!("{name}: {lines}"))
        .collect();
    assert!(
        long.is_empty(),
        "over {MAX_LINES} lines:\n{}",
        long.join("\n")
    );
}

#[test]
fn time_enters_through_the_clock() {
    only_in(
        &["mta/src/clock.rs"],
        &["Instant::now", "SystemTime::now", "thread::sleep"],
    );
}

#[test]
fn files_are_touched_in_few_places() {
    only_in(
        &[
            "spool/src/disk.rs",
            "deliver/maildir",
            "mta/src/tls.rs",
            "crates/waypost/src",
        ],
        &["std::fs", "File::open", "File::create"],
    );
}

#[test]
fn replies_are_written_in_one_place() {
    let is_reply = |line: &str| {
        line.match_indices('"').any(|(at, _)| {
            let rest = line.as_bytes().get(at + 1..at + 5).unwrap_or_default();
            matches!(rest, [b'2'..=b'5', d, e, b' '] if d.is_ascii_digit() && e.is_ascii_digit())
        })
    };
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        for (number, line) in source.code() {
            if is_reply(line) && !line.trim_start().starts_with("//") {
                found.push(format!("{}:{number}: {}", source.name, line.trim()));
            }
        }
    }
    assert!(
        found.is_empty(),
        "reply texts belong in replies.rs:\n{}",
        found.join("\n")
    );
}

#[test]
fn stages_use_other_stages_only_at_the_call_sites_of_the_flow() {
    let mut found = Vec::new();
    for source in sources() {
        let Some(rest) = source.name.strip_prefix("crates/waypost-mta/src/") else {
            continue;
        };
        let stage = rest.split(['/', '.']).next().unwrap_or_default().to_owned();
        let Some((_, allowed)) = STAGES.iter().find(|(name, _)| *name == stage) else {
            continue;
        };
        for (other, _) in STAGES.iter().filter(|(name, _)| *name != stage) {
            if !allowed.contains(other) && !source.is_test() {
                found.extend(source.holding(&[&format!("crate::{other}")]));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_protocol_crate_stays_pure() {
    let manifest = fs::read_to_string(root().join("crates/waypost-proto/Cargo.toml")).unwrap();
    let dependencies = manifest
        .split("[dev-dependencies]")
        .next()
        .unwrap_or_default();
    for foreign in [
        "tokio",
        "serde",
        "rustls",
        "tracing",
        "rand",
        "getrandom",
        "rusqlite",
    ] {
        assert!(
            !dependencies.contains(foreign),
            "waypost-proto depends on {foreign}"
        );
    }
}

#[test]
fn tests_do_not_sleep_and_are_not_skipped() {
    // Assembled, so that this file does not find itself.
    let words = [["#[ig", "nore"].concat(), ["thread::sl", "eep("].concat()];
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let found: Vec<String> = sources()
        .iter()
        .flat_map(|source| source.holding(&words))
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_rfc_named_in_code_is_listed() {
    let table = fs::read_to_string(root().join("docs/rfc.md")).unwrap();
    let listed: BTreeSet<u32> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok())
        .collect();
    for source in sources() {
        for number in numbers(&source.text) {
            assert!(
                listed.contains(&number),
                "{} names RFC {number}: add it to docs/rfc.md",
                source.name
            );
        }
    }
}

/// The numbers behind `RFC ` in a text.
fn numbers(text: &str) -> BTreeSet<u32> {
    text.match_indices("RFC ")
        .filter_map(|(at, word)| {
            let rest = &text[at + word.len()..];
            let end = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            rest[..end].parse().ok()
        })
        .collect()
}

#[test]
fn documents_name_only_files_that_are_there() {
    let mut documents = Vec::new();
    files(&root(), ".md", &mut documents);
    for document in documents {
        let text = fs::read_to_string(&document).unwrap();
        for quoted in text.split('`').skip(1).step_by(2) {
            let is_path = ["crates/", "docs/", "etc/", "man/", "tests/", "make/"]
                .iter()
                .any(|folder| quoted.starts_with(folder));
            if is_path && !quoted.contains(['*', '<', ' ', '{']) {
                let there = root().join(quoted).exists();
                assert!(
                    there,
                    "{} names {quoted}, which is not there",
                    document.display()
                );
            }
        }
    }
}

#[test]
fn no_line_has_a_tab_or_ends_in_a_blank() {
    for source in sources() {
        for (number, line) in source.text.lines().enumerate() {
            let clean = !line.contains('\t') && line.trim_end() == line;
            assert!(
                clean,
                "{}:{}: a tab or a trailing blank",
                source.name,
                number + 1
            );
        }
    }
}
