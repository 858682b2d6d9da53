//! `make prove`: runs the fault laboratory for as long as it is told, and prints a row for each
//! promise: what was tried, and what was found. Ends with 1 when a promise is broken.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing a table, and how far it is, is what this program is for"
)]

mod machine;
mod options;
mod promises;
mod schedule;
mod suite;
mod table;

use std::process::ExitCode;

use anyhow::Result;

use options::Options;

/// For 10,000 connections, here and in the program under test.
const DESCRIPTORS: u64 = 65_536;

fn main() -> ExitCode {
    match prove() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("waypost-prove: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether every promise that was looked at is kept.
fn prove() -> Result<bool> {
    let options = Options::read(std::env::args().skip(1))?;
    raise_descriptors();
    let tests = match options.with_tests {
        true => suite::run(&promises::tests())?,
        false => suite::Results::default(),
    };
    let findings = schedule::run(&options)?;
    let table = table::render(&options, &tests, &findings);
    println!("{}\n\n{table}", machine::describe());
    let broken = table::broken(&tests, &findings);
    for line in &broken {
        println!("\nBROKEN: {line}");
    }
    if let Some(file) = &options.write {
        table::write(file, &format!("{}\n\n{table}", machine::describe()))?;
    }
    Ok(broken.is_empty())
}

/// Thousands of connections need as many descriptors, here and in the program under test.
fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let most = getrlimit(Resource::Nofile).maximum;
    let limit = |most| Rlimit {
        current: most,
        maximum: most,
    };
    // Only root may have more than the most; what is missing shows when connections are made.
    if setrlimit(Resource::Nofile, limit(Some(DESCRIPTORS))).is_err() {
        let _ = setrlimit(Resource::Nofile, limit(most));
    }
}
