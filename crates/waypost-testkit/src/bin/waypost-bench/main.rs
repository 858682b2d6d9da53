//! `make bench`: Waypost, a tuned Postfix and others, in turn, on one machine, with the same load.
//!
//! Source and sink of messages are its own, since Postfix's need more CPU than the servers that
//! they are to measure. Figures are medians over turns; a ratio is the median of the turns' ratios.
//! Nothing here judges: `docs/benchmarks.md` keeps the tables.

#![expect(
    clippy::print_stdout,
    reason = "printing a table is what this program is for"
)]

mod arrivals;
mod chart;
mod charts;
mod connections;
mod console;
mod contenders;
mod content;
mod growth;
mod haraka;
mod load;
mod messages;
mod minger;
mod queue;
mod rcpt;
mod report;
mod results;
mod rows;
mod servers;
mod sharing;
mod sink;
mod source;
mod steady;
mod targets;
mod usage;
mod week;

use std::env;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use waypost_testkit::place::unused_address;

use messages::Wanted;
use rcpt::Questions;
use report::{Pair, cell, median};
use results::Results;
use servers::{Job, Way};

/// Turns behind every figure.
const PAIRS: usize = 5;
/// What can be measured by itself; `messages` is all tables of messages. Those that are steady are
/// no part of the whole.
const PARTS: [&str; 16] = [
    "messages",
    "sizes",
    "pace",
    "recipients",
    "tls",
    "targets",
    "decisions",
    "minger",
    "sharing",
    "console",
    "connections",
    "directory",
    "queue",
    "week",
    "steady-spool",
    "steady-cut-through",
];

fn main() -> Result<()> {
    let usage = format!(
        "usage: waypost-bench PROGRAM [{}]... [quick] [turns=N] [sessions=N] [results=FILE]",
        PARTS.join("|")
    );
    let usage = usage + "\n       waypost-bench charts RESULTS FOLDER";
    let mut words = env::args().skip(1);
    let program = PathBuf::from(words.next().context(usage.clone())?);
    let words: Vec<String> = words.collect();
    if let ("charts", [results, folder]) = (program.to_string_lossy().as_ref(), words.as_slice()) {
        return charts::write(&results::read(Path::new(results))?, Path::new(folder));
    }
    let option = |name: &str| words.iter().find_map(|word| word.strip_prefix(name));
    let is_known = |word: &String| {
        let mut options = ["results=", "turns=", "sessions="].iter();
        let is_option = options.any(|it| word.starts_with(it));
        PARTS.contains(&word.as_str()) || word == "quick" || is_option
    };
    anyhow::ensure!(words.iter().all(is_known), usage);
    let said = |part: &str| words.iter().any(|word| word == part);
    let all = !PARTS.into_iter().any(said);
    let quick = said("quick");
    // A single row is no table.
    let file = option("results=").filter(|_| !quick);
    let mut results = Results::new(file.map(PathBuf::from))?;
    let messages = all || said("messages");
    let turns = match option("turns=") {
        Some(turns) => turns.parse().context(usage.clone())?,
        None if quick => 1,
        None => PAIRS,
    };
    println!("Messages: medians of {turns} turns. All else: of {PAIRS} pairs.");
    let wanted = Wanted {
        sizes: messages || said("sizes"),
        recipients: messages || said("recipients"),
        pace: messages || said("pace"),
        tls: messages || said("tls"),
        targets: messages || said("targets"),
        quick,
        turns,
    };
    messages::run(&program, wanted, &mut results)?;
    if all || said("decisions") {
        decisions(&program, quick)?;
    }
    if all || said("minger") {
        questions(&program, quick)?;
    }
    if all || said("sharing") {
        shared(&program, quick)?;
    }
    if all || said("console") {
        console::run(&program, quick)?;
    }
    if all || said("connections") {
        connections::run(&program, quick, &mut results)?;
    }
    if all || said("directory") {
        growth::run(&program, quick, &mut results)?;
    }
    if all || said("queue") {
        queue::run(&program, quick, &mut results)?;
    }
    if all || said("week") {
        week::run(&program, quick)?;
    }
    let sessions = option("sessions=").unwrap_or("50");
    let sessions = sessions.parse().context(usage)?;
    profiled(&program, said, sessions)
}

/// Waypost by itself, to be looked at with a profiler.
fn profiled(program: &Path, said: impl Fn(&str) -> bool, sessions: u32) -> Result<()> {
    let steady = [
        ("steady-spool", Way::Spool),
        ("steady-cut-through", Way::CutThrough),
    ];
    let mut steady = steady.into_iter().filter(|(part, _)| said(part));
    steady.try_for_each(|(_, way)| steady::run(program, way, sessions))
}

/// RCPT decisions of Waypost and Postfix, with short and long lists of addresses.
fn decisions(program: &Path, quick: bool) -> Result<()> {
    println!("\n| known addresses | connections | RCPT/s | CPU µs each |");
    println!("| --- | --- | --- | --- |");
    for known in [10_000, 1_000_000] {
        if quick && known > 10_000 {
            continue;
        }
        let dir = tempfile::tempdir()?;
        open_to_all(dir.path())?;
        let job = Job::new(known, sink_address()?);
        let waypost = servers::waypost(program, &job, Way::Spool, dir.path())?;
        let postfix = servers::postfix(&job, dir.path())?;
        let waypost_pid = waypost.pid().context("Waypost is not running")?;
        for connections in [1, 50] {
            let ours = Questions {
                connections,
                recipients: 500_000,
                known,
            };
            // The same flights, fewer of them: the slower server takes as long.
            let theirs = Questions {
                recipients: 50_000,
                ..ours
            };
            let mut rates = Vec::new();
            let mut costs = Vec::new();
            for _ in 0..PAIRS {
                let waypost = rcpt::run(ours, waypost.smtp(), waypost_pid).context("Waypost")?;
                let postfix = rcpt::run(theirs, postfix.smtp(), postfix.pid())
                    .with_context(|| postfix.log())?;
                rates.push(Pair {
                    waypost: waypost.rate,
                    postfix: postfix.rate,
                });
                costs.push(Pair {
                    waypost: waypost.cpu_micros,
                    postfix: postfix.cpu_micros,
                });
            }
            println!(
                "| {known} | {connections} | {} | {} |",
                cell(&rates, 0),
                cell(&costs, 1)
            );
        }
    }
    Ok(())
}

/// Minger queries, with and without digest; Postfix has nothing of the kind.
fn questions(program: &Path, quick: bool) -> Result<()> {
    println!("\n| known addresses | digest | answers/s | per core | p50 µs | p99 µs |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for known in [10_000, 1_000_000] {
        if quick && known > 10_000 {
            continue;
        }
        let job = Job::new(known, sink_address()?);
        let waypost = servers::plan(program, &job)?.start()?;
        let pid = waypost.pid().context("Waypost is not running")?;
        for digest in [false, true] {
            let asked = minger::Questions { known, digest };
            let runs = if quick { 1 } else { PAIRS };
            let runs = (0..runs).map(|_| minger::run(asked, waypost.minger(), pid));
            let runs = runs.collect::<Result<Vec<_>>>()?;
            let middle = |figure: fn(&minger::Answers) -> f64| median(runs.iter().map(figure));
            println!(
                "| {known} | {digest} | {:.0} | {:.0} | {:.0} | {:.0} |",
                middle(|run| run.rate),
                middle(|run| run.per_core),
                middle(|run| run.p50_micros),
                middle(|run| run.p99_micros),
            );
        }
    }
    Ok(())
}

/// What Domain Sharing costs at RCPT, and a flood of questions at the same time.
fn shared(program: &Path, quick: bool) -> Result<()> {
    let runs = if quick { 1 } else { PAIRS as u64 };
    let pair = sharing::Pair::start(program, runs)?;
    let costs = (0..runs)
        .map(|number| pair.run(number))
        .collect::<Result<Vec<_>>>()?;
    println!("\n| time to an answer | p50 µs | p95 µs | p99 µs |");
    println!("| --- | --- | --- | --- |");
    let of = |what: fn(&sharing::Run) -> sharing::Times| costs.iter().map(what).collect::<Vec<_>>();
    times("Minger, the peer itself", &of(|run| run.peer));
    times("RCPT, own address", &of(|run| run.local));
    times("RCPT, peer asked", &of(|run| run.uncached));
    times("RCPT, remembered", &of(|run| run.cached));
    let mut beside = (Vec::new(), Vec::new());
    for _ in 0..runs {
        beside.0.push(pair.rcpt_under_flood(false)?);
        beside.1.push(pair.rcpt_under_flood(true)?);
    }
    times("RCPT, own, beside datagrams to nobody", &beside.0);
    times("RCPT, own, under a flood of questions", &beside.1);
    Ok(())
}

fn times(what: &str, runs: &[sharing::Times]) {
    let middle = |figure: fn(&sharing::Times) -> f64| median(runs.iter().map(figure));
    println!(
        "| {what} | {:.0} | {:.0} | {:.0} |",
        middle(|run| run.p50),
        middle(|run| run.p95),
        middle(|run| run.p99)
    );
}

fn sink_address() -> Result<SocketAddr> {
    Ok(SocketAddr::new(unused_address()?, 2525))
}

/// Lets Postfix's own user read what is put there.
fn open_to_all(dir: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755))?;
    Ok(())
}
