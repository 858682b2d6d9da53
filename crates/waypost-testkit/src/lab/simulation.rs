//! Sites in a simulated network and time: thousands of worlds, each drawn from a seed of its own.
//!
//! The simulation is a program apart (see `docs/design/0010-simulation.md`), so that nothing of it
//! gets into the one that ships; here it is run, and what it prints is read.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::{Found, Trial};

/// The variable that says where the simulation is.
pub const PROGRAM: &str = "WAYPOST_SIMULATION";
/// Worlds of a short run.
const SHORT: u64 = 200;

/// Simulates worlds until the time is over.
///
/// # Errors
///
/// When the simulation does not run, or prints what cannot be read.
pub fn run(trial: &Trial<'_>) -> Result<Found> {
    let Some(program) = std::env::var_os(PROGRAM).map(PathBuf::from) else {
        return Ok(Found::not_here(format!("{PROGRAM} names no simulation")));
    };
    let left = trial.until.saturating_duration_since(Instant::now());
    let mut simulation = Command::new(&program);
    simulation.args(["--seed", &trial.seed.wrapping_mul(1_000_000).to_string()]);
    simulation.args(["--seconds", &left.as_secs().max(1).to_string()]);
    if trial.is_short {
        simulation.args(["--seeds", &SHORT.to_string()]);
    }
    let output = simulation
        .output()
        .with_context(|| format!("run {}", program.display()))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let mut found = Found::default();
    for line in printed.lines() {
        read(line, &mut found).with_context(|| format!("read {line:?}"))?;
    }
    anyhow::ensure!(
        output.status.success() || !found.broke.is_empty(),
        "the simulation failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(found)
}

/// One line of what it prints.
fn read(line: &str, found: &mut Found) -> Result<()> {
    let fields: Vec<&str> = line.split('\t').collect();
    match *fields {
        ["tried", what, times] => found.count(known(what), times.parse()?),
        ["seen", what, times] => found.see(known(what), times.parse()?),
        ["measured", promise, what, worst] => {
            found.measure(promise.parse()?, known(what), worst.parse()?);
        }
        ["broke", promise, ref what @ ..] => found.broke(promise.parse()?, what.join("\t")),
        _ => found.broke(0, line),
    }
    Ok(())
}

/// The same words, as long as this program lives.
fn known(what: &str) -> &'static str {
    /// All that the simulation counts and measures.
    const WORDS: [&str; 10] = [
        "above in flight",
        "acknowledged",
        "datagrams without the secret",
        "delivered beside a server that stalls, ms",
        "duplicates",
        "faults in simulated worlds",
        "ghosts",
        "lost",
        "simulated seconds",
        "simulated worlds",
    ];
    let same = WORDS.into_iter().find(|word| *word == what);
    same.unwrap_or("other things in simulated worlds")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_simulation_prints_is_read() {
        let mut found = Found::default();
        for line in [
            "tried\tsimulated worlds\t7",
            "seen\tlost\t1",
            "measured\t6\tdelivered beside a server that stalls, ms\t900",
            "broke\t1\t[cargo run -- --seed 3]\tlost",
        ] {
            read(line, &mut found).unwrap();
        }
        assert_eq!(found.tried, [("simulated worlds", 7)]);
        assert_eq!(found.seen, [("lost", 1)]);
        assert_eq!(
            (found.measured[0].promise, found.measured[0].worst),
            (6, 900)
        );
        assert_eq!(found.broke[0].what, "[cargo run -- --seed 3]\tlost");
    }
}
