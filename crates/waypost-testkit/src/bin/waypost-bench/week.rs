//! Memory of one Waypost under a week's worth of mail, replayed in minutes.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::contenders::{CUT_THROUGH, SPOOL};
use crate::load::{self, Load, Passage};
use crate::servers::{self, Job, Way};
use crate::sink::Sink;
use crate::usage::resident_mib;
use crate::{open_to_all, sink_address};

/// Users that are known.
const KNOWN: u64 = 1_000;
/// Sessions at a time.
const SESSIONS: u32 = 20;
/// One round of mail: octets, and how many messages of that size, the more the smaller.
const ROUND: [(u32, u32); 4] = [
    (1_000, 8_000),
    (10_000, 4_000),
    (100_000, 800),
    (1_000_000, 160),
];
/// Rounds; all together 168,480 messages.
const ROUNDS: u32 = 13;

pub(crate) fn run(program: &Path, quick: bool) -> Result<()> {
    println!("\n| messages of 1 kB to 1 MB | server | MiB after them | peak MiB of the round |");
    println!("| --- | --- | --- | --- |");
    let rounds = if quick { 2 } else { ROUNDS };
    replay(program, (Way::Spool, SPOOL), rounds)?;
    replay(program, (Way::CutThrough, CUT_THROUGH), rounds)
}

fn replay(program: &Path, (way, name): (Way, &str), rounds: u32) -> Result<()> {
    let dir = tempfile::tempdir()?;
    open_to_all(dir.path())?;
    let job = Job::new(KNOWN, sink_address()?);
    let sink = Sink::start(&job.hops, None)?;
    let site = servers::waypost(program, &job, way, dir.path())?;
    let pid = site.pid().context("Waypost is not running")?;
    let each: u32 = ROUND.iter().map(|(_, messages)| messages).sum();
    for round in 1..=rounds {
        let mut peak = 0_f64;
        for (size, messages) in ROUND {
            let passage = Passage {
                server: site.smtp(),
                pid: Some(pid),
                sink: &sink,
                tls: None,
            };
            let run = load::run(&Load::new(size, SESSIONS, messages), &passage)?;
            peak = peak.max(run.peak_mib);
        }
        let after = resident_mib(pid);
        println!("| {} | {name} | {after:.1} | {peak:.1} |", round * each);
    }
    Ok(())
}
