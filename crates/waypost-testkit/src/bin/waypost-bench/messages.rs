//! Messages from a source through both servers into a sink: Waypost by way of its spool and by
//! cut-through, Postfix, and the source straight into the sink, in turn.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::{PAIRS, open_to_all, sink_address};
use crate::load::{self, Load, Run, Sink};
use crate::report::{Pair, cell, median};
use crate::servers::{self, Way};

/// Addresses known while messages are relayed.
const KNOWN: u64 = 1_000;
/// Bytes, and messages for a run with that size over many sessions.
const SIZES: [(u32, u32); 4] = [
    (1_000, 1_500),
    (10_000, 1_500),
    (100_000, 500),
    (1_000_000, 80),
];
/// Connections at the same time.
const SESSIONS: [u32; 4] = [1, 10, 50, 200];

/// One turn of all.
struct Turn {
    /// Source to sink, messages per second.
    direct: f64,
    spool: Run,
    cut_through: Run,
    postfix: Run,
}

/// For all sizes and numbers of sessions; `quick`: for one of each.
pub(crate) fn run(program: &Path, quick: bool) -> Result<()> {
    let dir = tempfile::tempdir()?;
    open_to_all(dir.path())?;
    let (by_spool, by_cut, by_postfix) = (sink_address()?, sink_address()?, sink_address()?);
    let spool = servers::waypost(program, KNOWN, by_spool, Way::Spool)?;
    let cut = servers::waypost(program, KNOWN, by_cut, Way::CutThrough)?;
    let postfix = servers::postfix(KNOWN, by_postfix, dir.path())?;
    let sinks = (
        Sink::start(by_spool)?,
        Sink::start(by_cut)?,
        Sink::start(by_postfix)?,
    );
    let (spool_pid, cut_pid) = (spool.pid(), cut.pid());
    let (spool_pid, cut_pid) = spool_pid.zip(cut_pid).context("Waypost is not running")?;
    println!(
        "| size | sessions | way | delivered/s | of no server | accepted/s | CPU s per 1,000 \
         | peak MiB |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for (size_bytes, most) in SIZES {
        for sessions in SESSIONS {
            if quick && (size_bytes, sessions) != (10_000, 50) {
                continue;
            }
            let load = Load {
                size_bytes,
                sessions,
                // A single session waits for each sync in turn.
                messages: if sessions == 1 { most / 4 } else { most },
            };
            let turns = (0..PAIRS).map(|_| {
                Ok(Turn {
                    direct: load::ceiling(load, (by_spool, &sinks.0))?,
                    spool: load::run(load, spool.smtp(), spool_pid, &sinks.0)?,
                    cut_through: load::run(load, cut.smtp(), cut_pid, &sinks.1)?,
                    postfix: load::run(load, postfix.smtp(), postfix.pid(), &sinks.2)?,
                })
            });
            let turns = turns.collect::<Result<Vec<_>>>()?;
            row(load, "spool", &turns, |turn| turn.spool);
            row(load, "cut-through", &turns, |turn| turn.cut_through);
        }
    }
    Ok(())
}

fn row(load: Load, way: &str, turns: &[Turn], ours: fn(&Turn) -> Run) {
    let column = |figure: fn(&Run) -> f64, digits| {
        let pairs = turns.iter().map(|turn| Pair {
            waypost: figure(&ours(turn)),
            postfix: figure(&turn.postfix),
        });
        cell(&pairs.collect::<Vec<_>>(), digits)
    };
    let direct = median(turns.iter().map(|turn| turn.direct));
    let share = turns
        .iter()
        .map(|turn| ours(turn).delivered_rate / turn.direct);
    println!(
        "| {} | {} | {way} | {} | {:.0} % of {direct:.0} | {} | {} | {} |",
        load.size_bytes,
        load.sessions,
        column(|run| run.delivered_rate, 0),
        median(share) * 100.0,
        column(|run| run.accepted_rate, 0),
        column(|run| run.cpu_per_thousand, 2),
        column(|run| run.peak_mib, 0),
    );
}
