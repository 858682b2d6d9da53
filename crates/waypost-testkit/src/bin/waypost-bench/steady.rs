//! One Waypost by itself under the same load for a while, to be looked at with a profiler.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::load::{self, Load, Passage};
use crate::servers::{self, Job, Way};
use crate::sink::Sink;
use crate::{open_to_all, sink_address};

/// Users that are known.
const KNOWN: u64 = 1_000;
/// Messages of one load; several follow each other, so that none has to wait for too long.
const MESSAGES: u32 = 20_000;
/// Loads.
const TIMES: usize = 10;

/// Relays messages of 10 kB over so many sessions, and says by which process.
pub(crate) fn run(program: &Path, way: Way, sessions: u32) -> Result<()> {
    let dir = tempfile::tempdir()?;
    open_to_all(dir.path())?;
    let job = Job::new(KNOWN, sink_address()?);
    let sink = Sink::start(&job.hops, None)?;
    let site = servers::waypost(program, &job, way, dir.path())?;
    let pid = site.pid().context("Waypost is not running")?;
    println!("\n{way:?}, {sessions} sessions: process {pid}\n");
    println!("| delivered/s | accepted/s | CPU s per 1,000 | peak MiB |");
    println!("| --- | --- | --- | --- |");
    for _ in 0..TIMES {
        let passage = Passage {
            server: site.smtp(),
            pid: Some(pid),
            sink: &sink,
            tls: None,
        };
        let run = load::run(&Load::new(10_000, sessions, MESSAGES), &passage)?;
        println!(
            "| {:.0} | {:.0} | {:.3} | {:.0} |",
            run.delivered_rate, run.accepted_rate, run.cpu_per_thousand, run.peak_mib
        );
    }
    Ok(())
}
