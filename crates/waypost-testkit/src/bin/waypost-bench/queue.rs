//! How cost grows with the queue: start, memory, and what is delivered beside mail that waits.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::lab::backlog::{fill, later};
use waypost_testkit::site::Site;

use crate::load::{self, Load, Passage};
use crate::report::median;
use crate::results::Results;
use crate::servers::{self, Job, Way};
use crate::sink::Sink;
use crate::usage::resident_mib;
use crate::{PAIRS, open_to_all, sink_address};

/// Messages that wait.
const WAITING: [u64; 4] = [0, 10_000, 100_000, 1_000_000];
/// Users that are known.
const KNOWN: u64 = 1_000;
/// Messages of one run.
const MESSAGES: u32 = 20_000;

/// A queue that is full beside one that is empty, in pairs, by way of the spool.
pub(crate) fn run(program: &Path, quick: bool, results: &mut Results) -> Result<()> {
    println!(
        "\n| messages that wait | greeting s | MiB after the runs | delivered/s | of an empty queue \
         | slowest pair |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    let dir = tempfile::tempdir()?;
    open_to_all(dir.path())?;
    let job = Job::new(KNOWN, sink_address()?);
    let sink = Sink::start(&job.hops, None)?;
    let empty = servers::waypost(program, &job, Way::Spool, dir.path())?;
    for waiting in WAITING {
        if quick && waiting > 10_000 {
            continue;
        }
        let mut full = servers::waypost(program, &job, Way::Spool, dir.path())?;
        full.stop()?;
        let spool = full.dir().join("data/spool");
        fill(&spool, waiting, |number| {
            ("user2@example.com", later(number))
        })?;
        let begun = Instant::now();
        full.launch()?;
        let (_, greeting) = Dialogue::connect(full.smtp())?;
        anyhow::ensure!(greeting.code == 220, "greeted with {}", greeting.text);
        let greeted = begun.elapsed().as_secs_f64();
        let mut runs = Vec::new();
        for _ in 0..PAIRS {
            let beside = delivered(&empty, &sink)?;
            runs.push((delivered(&full, &sink)?, beside));
        }
        let mib = resident_mib(pid(&full)?);
        let rate = median(runs.iter().map(|(full, _)| *full));
        let ratios = || runs.iter().map(|(full, beside)| full / beside);
        let (ratio, slowest) = (median(ratios()), ratios().fold(f64::INFINITY, f64::min));
        println!("| {waiting} | {greeted:.2} | {mib:.0} | {rate:.0} | {ratio:.2} | {slowest:.2} |");
        let figures = [
            ("greeting", greeted),
            ("mib", mib),
            ("delivered", rate),
            ("of_empty", ratio),
        ];
        results.keep("queue", &[("waiting", waiting)], "Waypost", &figures)?;
    }
    Ok(())
}

fn pid(site: &Site) -> Result<u32> {
    site.pid().context("Waypost is not running")
}

fn delivered(site: &Site, sink: &Sink) -> Result<f64> {
    let passage = Passage {
        server: site.smtp(),
        pid: None,
        sink,
        tls: None,
    };
    let run = load::run(&Load::new(10_000, 50, MESSAGES), &passage)?;
    Ok(run.delivered_rate)
}
