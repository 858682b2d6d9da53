//! Simulates worlds, one seed after the other, and says what was found, a line each.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing what was found is what this program is for"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use waypost_simulation::run;
use waypost_testkit::lab::{Fault, Found};

const USAGE: &str =
    "usage: waypost-simulation [--seed FIRST] [--seeds N] [--every N] [--seconds N] [--log]";
/// Where stores lie in memory, on systems that have it.
const IN_MEMORY: &str = "/dev/shm";

/// What is asked for.
struct Options {
    first: u64,
    seeds: u64,
    /// From one seed to the next; none: all of them, shared out among processes.
    every: Option<u64>,
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
            every: None,
            lasts: None,
            with_log: false,
        };
        while let Some(word) = words.next() {
            let mut number = || words.next().context(USAGE)?.parse().context(USAGE);
            match word.as_str() {
                "--seed" => options.first = number()?,
                "--seeds" => options.seeds = number()?,
                "--every" => options.every = Some(number()?),
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

    /// What the process with this number does, of so many.
    fn share(&self, number: u64, processes: u64) -> Vec<String> {
        let seeds = (self.seeds - number).div_ceil(processes);
        let mut words = vec![
            ("--seed", self.first.wrapping_add(number)),
            ("--seeds", seeds),
            ("--every", processes),
        ];
        words.extend(self.lasts.map(|lasts| ("--seconds", lasts.as_secs())));
        let words = words.into_iter();
        let mut words: Vec<_> = words
            .flat_map(|(word, value)| [word.to_owned(), value.to_string()])
            .collect();
        if self.with_log {
            words.push("--log".to_owned());
        }
        words
    }
}

fn main() -> ExitCode {
    let simulated = Options::read(std::env::args().skip(1)).and_then(|options| {
        if options.every.is_some() || options.seeds == 1 {
            return all(&options);
        }
        shared_out(&options)
    });
    match simulated {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("waypost-simulation: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// A process for each processor. Threads of one process would share the numbers that tokio gives to
/// tasks, and a seed would not show the same twice.
fn shared_out(options: &Options) -> Result<bool> {
    let processes = thread::available_parallelism().map_or(1, usize::from) as u64;
    let processes = processes.min(options.seeds);
    let program = std::env::current_exe()?;
    let start = |number| {
        Command::new(&program)
            .args(options.share(number, processes))
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("run {}", program.display()))
    };
    let running = (0..processes).map(start).collect::<Result<Vec<_>>>()?;
    let mut are_kept = true;
    for process in running {
        let output = process.wait_with_output()?;
        print!("{}", String::from_utf8_lossy(&output.stdout));
        are_kept &= output.status.success();
        let failed = output.status.code().is_none_or(|code| code > 1);
        anyhow::ensure!(!failed, "a part of it failed: {}", output.status);
    }
    Ok(are_kept)
}

/// Seeds one after the other; whether every promise was kept.
fn all(options: &Options) -> Result<bool> {
    let begun = Instant::now();
    let parent = match Path::new(IN_MEMORY).is_dir() {
        true => PathBuf::from(IN_MEMORY),
        false => std::env::temp_dir(),
    };
    let folder = tempfile::Builder::new()
        .prefix("waypost-simulation-")
        .tempdir_in(parent)?;
    let every = options.every.unwrap_or(1);
    let mut all = Found::default();
    for number in 0..options.seeds {
        if options.lasts.is_some_and(|lasts| begun.elapsed() >= lasts) {
            break;
        }
        let seed = options.first.wrapping_add(number.wrapping_mul(every));
        all.add(one(seed, options, folder.path())?);
    }
    print(&all);
    Ok(all.broke.is_empty())
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
