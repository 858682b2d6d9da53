//! The table: a row for each promise.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use waypost_testkit::lab::{Fault, Found};

use crate::options::Options;
use crate::promises::{PROMISES, Promise};
use crate::schedule::Findings;
use crate::suite::Results;

/// In the document, what comes behind this line is the last table.
const HEADING: &str = "## The last run";
/// Characters of a fault that a cell shows; the whole is said below the table.
const CELL: usize = 160;

/// All rows.
pub(crate) fn render(options: &Options, tests: &Results, findings: &Findings) -> String {
    let mut table = "| # | promise | tried | found |\n| --- | --- | --- | --- |".to_owned();
    for promise in &PROMISES {
        let of = Of::promise(promise, findings);
        let tried = tried(promise, &of, tests, options);
        let found = found(promise, &of, tests);
        let Promise { number, short, .. } = promise;
        table.push_str(&format!("\n| {number} | {short} | {tried} | {found} |"));
    }
    table
}

/// What experiments found that concerns one promise.
struct Of<'a> {
    found: Vec<&'a Found>,
}

impl<'a> Of<'a> {
    fn promise(promise: &Promise, findings: &'a Findings) -> Self {
        let names = promise.experiments.iter();
        Self {
            found: names.filter_map(|name| findings.get(name)).collect(),
        }
    }

    /// The sum over the experiments.
    fn sum(&self) -> Found {
        let mut sum = Found::default();
        for found in &self.found {
            sum.add((*found).clone());
        }
        sum
    }
}

fn tried(promise: &Promise, of: &Of<'_>, tests: &Results, options: &Options) -> String {
    let mut parts: Vec<String> = of
        .sum()
        .tried
        .iter()
        .map(|(what, count)| format!("{} {what}", grouped(*count)))
        .collect();
    let ran = promise.tests.iter().filter(|test| tests.of(test).is_some());
    let names = promise.tests.iter().map(|test| format!("`{test}`"));
    match (promise.tests.len(), tests.is_empty()) {
        (0, _) => {}
        (count, true) if options.is_short => {
            parts.push(format!("{count} tests of `make test`"));
        }
        (_, true) => {}
        (_, false) => parts.push(format!(
            "{} tests: {}",
            ran.count(),
            names.collect::<Vec<_>>().join(", ")
        )),
    }
    parts.join("; ")
}

fn found(promise: &Promise, of: &Of<'_>, tests: &Results) -> String {
    let sum = of.sum();
    let broke = sum
        .broke
        .iter()
        .filter(|fault| fault.promise == promise.number);
    let mut bad: Vec<String> = broke.map(|fault| shortened(&fault.what)).collect();
    let failed = promise
        .tests
        .iter()
        .filter(|test| tests.of(test) == Some(false));
    bad.extend(failed.map(|test| format!("`{test}` failed")));
    if !bad.is_empty() {
        return format!("**BROKEN**: {}", bad.join("; "));
    }
    let mut good = Vec::new();
    if promise.is_counted {
        let seen = sum.seen.iter();
        let seen = seen.map(|(what, count)| format!("{} {what}", grouped(*count)));
        good.extend(seen);
    }
    let measured = sum
        .measured
        .iter()
        .filter(|one| one.promise == promise.number);
    good.extend(measured.map(|one| format!("{}: {}", one.what, grouped(one.worst))));
    if let Some(why) = &sum.not_here {
        good.push(format!("not proved here: {why}"));
    }
    let missing = promise.tests.iter().filter(|test| tests.of(test).is_none());
    let missing = missing.count();
    if !tests.is_empty() && missing > 0 {
        good.push(format!("not proved here: {missing} tests did not run"));
    }
    match (good.is_empty(), of.found.is_empty() && tests.is_empty()) {
        (true, true) => "not proved here: by tests of `make test`".to_owned(),
        (true, false) => "kept".to_owned(),
        (false, _) => format!("kept: {}", good.join(", ")),
    }
}

/// In one line that fits a cell.
fn shortened(what: &str) -> String {
    let line = what.lines().next().unwrap_or_default().replace('|', "/");
    line.chars().take(CELL).collect()
}

/// With a comma before every three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Everything that broke, in full.
pub(crate) fn broken(tests: &Results, findings: &Findings) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for Fault { promise, what } in findings.values().flat_map(|found| &found.broke) {
        all.push(format!("promise {promise}: {what}"));
    }
    for promise in &PROMISES {
        let failed = promise
            .tests
            .iter()
            .filter(|test| tests.of(test) == Some(false));
        all.extend(failed.map(|test| format!("promise {}: {test} failed", promise.number)));
    }
    all
}

/// Puts the table into the document, in place of the last one.
pub(crate) fn write(file: &Path, table: &str) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    let (above, _) = text
        .split_once(HEADING)
        .with_context(|| format!("{} has no line {HEADING:?}", file.display()))?;
    fs::write(file, format!("{above}{HEADING}\n\n{table}\n"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_shown_in_the_row_of_its_promise_only() {
        let mut kills = Found::default();
        kills.count("kills under load", 1200);
        kills.see("lost", 1);
        kills.broke(1, "1 lost");
        let findings = Findings::from([("kills", kills)]);
        let options = Options::read(["waypost".to_owned()]).unwrap();
        let table = render(&options, &Results::default(), &findings);
        let row = |number: u8| {
            let start = format!("| {number} |");
            table
                .lines()
                .find(|line| line.starts_with(&start))
                .unwrap()
                .to_owned()
        };
        assert!(row(1).contains("1,200 kills under load"), "{table}");
        assert!(row(1).contains("**BROKEN**: 1 lost"), "{table}");
        assert!(!row(3).contains("BROKEN"), "{table}");
        assert_eq!(
            broken(&Results::default(), &findings),
            ["promise 1: 1 lost"]
        );
    }
}
