//! How cost grows with the directory: import, start, memory and decisions at RCPT.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::http::Client;
use waypost_testkit::site::Site;
use waypost_testkit::wait;

use crate::rcpt::{self, Questions};
use crate::report::median;
use crate::results::Results;
use crate::servers::{self, Job};
use crate::usage::{PeakMemory, resident_mib};
use crate::{PAIRS, sink_address};

/// Known addresses, one for each user.
const KNOWN: [u64; 4] = [10_000, 100_000, 1_000_000, 10_000_000];
/// Rows of one file that is imported.
const ROWS: u64 = 1_000_000;
/// The longest that one import may take.
const LIMIT: Duration = Duration::from_secs(600);
/// Between two recipients that are asked about beside an import.
const PAUSE: Duration = Duration::from_millis(5);

pub(crate) fn run(program: &Path, quick: bool, results: &mut Results) -> Result<()> {
    println!(
        "\n| known addresses | import s | rows/s | RCPT beside it, p99 ms | slowest ms | peak MiB \
         | MiB after it | start s | MiB after it | RCPT/s | CPU µs each |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for known in KNOWN {
        if quick && known > 100_000 {
            continue;
        }
        let mut site = servers::plan(program, &Job::new(1, sink_address()?))?
            .with_console()
            .start()?;
        let memory = PeakMemory::watch(pid(&site)?);
        let begun = Instant::now();
        let waited = beside(&site, || import(&site, known))?;
        let (import, peak, then) = (begun.elapsed(), memory.stop(), resident_mib(pid(&site)?));
        print!(
            "| {known} | {:.1} | {:.0} | {:.1} | {:.1} | {peak:.0} | {then:.0} ",
            import.as_secs_f64(),
            known as f64 / import.as_secs_f64(),
            quantile(&waited, 0.99).as_secs_f64() * 1e3,
            quantile(&waited, 1.0).as_secs_f64() * 1e3,
        );
        site.stop()?;
        let begun = Instant::now();
        site.launch()?;
        let start = begun.elapsed().as_secs_f64();
        let mib = resident_mib(pid(&site)?);
        let questions = Questions {
            connections: 50,
            recipients: 500_000,
            known,
        };
        let runs = (0..PAIRS).map(|_| rcpt::run(questions, site.smtp(), pid(&site)?));
        let runs = runs.collect::<Result<Vec<_>>>()?;
        let rate = median(runs.iter().map(|run| run.rate));
        let cpu = median(runs.iter().map(|run| run.cpu_micros));
        println!("| {start:.2} | {mib:.0} | {rate:.0} | {cpu:.1} |");
        let figures = [
            ("import", import.as_secs_f64()),
            ("start", start),
            ("mib", mib),
            ("rcpt", rate),
        ];
        results.keep("directory", &[("known", known)], "Waypost", &figures)?;
    }
    Ok(())
}

fn pid(site: &Site) -> Result<u32> {
    site.pid().context("Waypost is not running")
}

/// Imports `user2` and so on up to this number, as a script does over the API.
fn import(site: &Site, known: u64) -> Result<()> {
    let mut client = Client::first_admin(site)?;
    for first in (2..=known).step_by(usize::try_from(ROWS)?) {
        let last = known.min(first + ROWS - 1);
        let file = users(first, last);
        let begun = client.ask("POST", "/api/v1/users/import", Some(("text/csv", &file)))?;
        let job = begun.header("location").context("no job was begun")?;
        let job = job.to_owned();
        let done = wait::until_within(LIMIT, "the import to end", || {
            let job = client.get(&job).ok()?.json().ok()?;
            (job["state"] != "running").then_some(job)
        })?;
        let created = done["result"]["created"].as_u64();
        anyhow::ensure!(created == Some(last + 1 - first), "{done}");
    }
    Ok(())
}

/// A file of users with the columns that a list of people has.
fn users(first: u64, last: u64) -> String {
    let mut text = String::from("login,name,mail\n");
    for number in first..=last {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "user{number}@example.com,Number {number},third-party");
    }
    text
}

/// Names recipients one after the other while something is done; how long each took, in order.
fn beside(site: &Site, work: impl FnOnce() -> Result<()>) -> Result<Vec<Duration>> {
    let is_over = AtomicBool::new(false);
    let mut times = thread::scope(|scope| {
        let asking = scope.spawn(|| ask(site, &is_over));
        let done = work();
        is_over.store(true, Ordering::Relaxed);
        let times = asking
            .join()
            .map_err(|_| anyhow::anyhow!("a client panicked"))?;
        done.and(times)
    })?;
    times.sort_unstable();
    Ok(times)
}

fn ask(site: &Site, is_over: &AtomicBool) -> Result<Vec<Duration>> {
    let mut dialogue = Dialogue::open(site.smtp())?;
    let mut times = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        dialogue.expect("MAIL FROM:<sender@example.net>", 250)?;
        let begun = Instant::now();
        dialogue.expect("RCPT TO:<user1@example.com>", 250)?;
        times.push(begun.elapsed());
        dialogue.expect("RSET", 250)?;
        thread::park_timeout(PAUSE);
    }
    Ok(times)
}

/// Of times in order, the one that this part of them does not exceed.
fn quantile(times: &[Duration], part: f64) -> Duration {
    let at = (times.len() as f64 * part) as usize;
    let last = times.len().saturating_sub(1);
    times.get(at.min(last)).copied().unwrap_or_default()
}
