//! Tests of `make test` that prove promises: run once by name, and some again and again with fresh
//! seeds.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context as _, Result};
use waypost_testkit::lab::{Experiment, Found, Trial};

/// Whether each test passed, by its name without its modules.
#[derive(Debug, Default)]
pub(crate) struct Results(BTreeMap<String, bool>);

impl Results {
    /// How a test went; none: it was not run.
    pub(crate) fn of(&self, test: &str) -> Option<bool> {
        self.0.get(test).copied()
    }

    /// Whether any was run.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Tests whose chance has a seed: what one run leaves open, many may find.
pub(crate) const AGAIN: [Experiment; 3] = [
    Experiment {
        name: "disks",
        share: 2,
        rounds: 0,
        run: disks,
    },
    Experiment {
        name: "beliefs",
        share: 1,
        rounds: 0,
        run: beliefs,
    },
    Experiment {
        name: "grammar",
        share: 1,
        rounds: 0,
        run: grammar,
    },
];

/// A disk below the operating system that forgets what was not synced.
fn disks(trial: &Trial<'_>) -> Result<Found> {
    let tests = [
        "every_acknowledged_message_survives_a_power_failure_at_any_moment",
        "what_fails_is_refused_and_what_was_acknowledged_survives_that_too",
    ];
    again(&tests, trial, "runs on a disk that forgets", 1)
}

/// Sites in memory that believe anything of each other.
fn beliefs(trial: &Trial<'_>) -> Result<Found> {
    let tests = [
        "every_journey_ends",
        "arrangements_of_four_sites_end_every_journey",
    ];
    again(&tests, trial, "runs of sites in memory", 11)
}

/// Protocols as tables of chance: whatever comes, the state is what the RFC says.
fn grammar(trial: &Trial<'_>) -> Result<Found> {
    again(&PROTOCOL, trial, "runs of the protocols' properties", 8)
}

/// Properties of sessions and content.
const PROTOCOL: [&str; 3] = [
    "any_bytes_in_any_pieces_never_panic_and_stay_bounded",
    "content_never_begins_a_second_message",
    "every_reply_and_message_is_what_the_rules_say",
];

/// Runs tests with the trial's seed, with many more cases where they count cases.
fn again(tests: &[&str], trial: &Trial<'_>, what: &'static str, promise: u8) -> Result<Found> {
    let environment = [
        ("WAYPOST_SEED", trial.seed.to_string()),
        ("PROPTEST_CASES", "200".to_owned()),
    ];
    let results = nextest(tests, &environment)?;
    let mut found = Found::default();
    found.count(what, 1);
    for (test, passed) in &results.0 {
        if !passed {
            found.broke(promise, format!("{test} failed"));
        }
    }
    Ok(found)
}

/// Runs these tests once.
pub(crate) fn run(tests: &[&str]) -> Result<Results> {
    nextest(tests, &[])
}

fn nextest(tests: &[&str], environment: &[(&str, String)]) -> Result<Results> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let filter: Vec<String> = tests
        .iter()
        .map(|test| format!("test(/(^|::){test}$/)"))
        .collect();
    let output = Command::new(cargo)
        .args([
            "nextest",
            "run",
            "--locked",
            "--workspace",
            "--no-fail-fast",
        ])
        .args([
            "--color",
            "never",
            "--status-level",
            "pass",
            "--final-status-level",
            "none",
        ])
        .args(["-E", &filter.join(" + ")])
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .output()
        .context("run cargo nextest")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let results = Results(read(&said));
    anyhow::ensure!(!results.0.is_empty(), "no test was run:\n{said}");
    for (test, _) in results.0.iter().filter(|(_, passed)| !**passed) {
        eprintln!("{test} failed:\n{said}");
    }
    Ok(results)
}

/// The lines of the test runner that say how a test went.
fn read(said: &str) -> BTreeMap<String, bool> {
    let mut results = BTreeMap::new();
    for line in said.lines() {
        let mut words = line.split_whitespace();
        let passed = match words.next() {
            Some("PASS" | "SLOW") => true,
            Some(word) if ["FAIL", "TIMEOUT", "ABORT"].contains(&word) => false,
            Some(word) if word.starts_with("SIG") => false,
            _ => continue,
        };
        let Some(name) = words.next_back().and_then(|path| path.rsplit("::").next()) else {
            continue;
        };
        let known = results.entry(name.to_owned()).or_insert(true);
        *known &= passed;
    }
    results
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_passes_when_nothing_says_otherwise() {
        let said = "    PASS [   1.2s] (1/3) waypost::it kills::a_kill\n\
            \x20   FAIL [   0.2s] (2/3) waypost::it disk::a_disk\n    Summary [ 3s] 2 tests run\n\
            \x20   SIGABRT [   0.2s] (3/3) waypost-spool::it power::a_cut\n";
        let results = read(said);
        let expected = [("a_cut", false), ("a_disk", false), ("a_kill", true)];
        let expected = expected.map(|(name, passed)| (name.to_owned(), passed));
        assert_eq!(results, BTreeMap::from(expected));
    }
}
