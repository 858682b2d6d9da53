//! Simulates worlds, one seed after the other, and says what was found, a line each.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing what was found is what this program is for"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use waypost_simulation::run;
use waypost_testkit::lab::{Fault, Found};

const USAGE: &str = "usage: waypost-simulation [--seed FIRST] [--seeds N] [--seconds N] [--log]";
/// Where stores lie in memory, on systems that have it.
const IN_MEMORY: &str = "/dev/shm";

/// What is asked for.
struct Options {
    first: u64,
    seeds: u64,
    lasts: Option<Duration>,
    /// Everything that happens is printed too.
    with_log: bool,
}

impl Options {
    fn read(words: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut words = words.into_iter();
        let mut options = Self {
            first: 1,
            seeds: 0,
            lasts: None,
            with_log: false,
        };
        while let Some(word) = words.next() {
            let mut number = || words.next().context(USAGE)?.parse().context(USAGE);
            match word.as_str() {
                "--seed" => options.first = number()?,
                "--seeds" => options.seeds = number()?,
                "--seconds" => options.lasts = Some(Duration::from_secs(number()?)),
                "--log" => options.with_log = true,
                _ => anyhow::bail!(USAGE),
            }
        }
        if options.seeds == 0 {
            options.seeds = if options.lasts.is_some() { u64::MAX } else { 1 };
        }
        Ok(options)
    }
}

fn main() -> ExitCode {
    let simulated = Options::read(std::env::args().skip(1)).and_then(|options| all(&options));
    match simulated {
        Ok(found) => {
            print(&found);
            match found.broke.is_empty() {
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            }
        }
        Err(error) => {
            eprintln!("waypost-simulation: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Seeds one after the other, on all processors.
fn all(options: &Options) -> Result<Found> {
    let begun = Instant::now();
    let parent = match Path::new(IN_MEMORY).is_dir() {
        true => PathBuf::from(IN_MEMORY),
        false => std::env::temp_dir(),
    };
    let folder = tempfile::Builder::new()
        .prefix("waypost-simulation-")
        .tempdir_in(parent)?;
    let (next, all) = (AtomicU64::new(0), Mutex::new(Ok(Found::default())));
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let is_late = options.lasts.is_some_and(|lasts| begun.elapsed() >= lasts);
            if number >= options.seeds || is_late {
                return;
            }
            let found = one(options.first.wrapping_add(number), options, folder.path());
            let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
            match (&mut *all, found) {
                (Ok(sum), Ok(found)) => sum.add(found),
                (Ok(_), Err(error)) => *all = Err(error),
                (Err(_), _) => return,
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    all.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// One seed; every fault tells how to have it again.
fn one(seed: u64, options: &Options, folder: &Path) -> Result<Found> {
    let run = run(seed, folder)?;
    if options.with_log {
        println!("{}", run.log);
    }
    let mut found = run.found;
    let seconds = run.lasted.as_secs();
    found.count("simulated seconds", seconds);
    for Fault { what, .. } in &mut found.broke {
        what.insert_str(
            0,
            &format!("[cd simulation && cargo run -- --seed {seed} --log] "),
        );
    }
    Ok(found)
}

/// A line each: what it is, a tab, and what it says.
fn print(found: &Found) {
    for (what, times) in &found.tried {
        println!("tried\t{what}\t{times}");
    }
    for (what, times) in &found.seen {
        println!("seen\t{what}\t{times}");
    }
    for measured in &found.measured {
        let (promise, what, worst) = (measured.promise, measured.what, measured.worst);
        println!("measured\t{promise}\t{what}\t{worst}");
    }
    for fault in &found.broke {
        println!("broke\t{}\t{}", fault.promise, fault.what);
    }
}
