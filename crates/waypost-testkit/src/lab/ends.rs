//! SIGTERM under load: the program ends in time, nothing is lost, nothing comes twice.

use std::time::Instant;

use anyhow::{Context as _, Result};

use super::load::under_load;
use super::world::{Shape, World};
use super::{Found, Trial};
use crate::wait;

/// Ends of one world; then its account is settled.
const ENDS: u64 = 20;
/// Promised.
const MOST_MS: u64 = 30_000;

/// Ends and starts the program until the time is over, or often enough.
///
/// # Errors
///
/// When the program does not end, or does not come back.
pub fn run(trial: &Trial<'_>) -> Result<Found> {
    let mut found = Found::default();
    let mut world = World::start(trial.program, trial.seed, &Shape::default())?;
    let mut chance = trial.chance();
    let mut ends = 0;
    let mut slowest = 0;
    let ended = under_load(&mut world, trial.seed, |site, ledger| {
        while ends == 0 || (ends < ENDS && trial.has_time()) {
            let enough = ledger.len() + 1 + usize::try_from(chance.below(60))?;
            wait::until("more acknowledged mail", || {
                (ledger.len() >= enough).then_some(())
            })?;
            let begun = Instant::now();
            site.stop()?;
            slowest = slowest.max(u64::try_from(begun.elapsed().as_millis())?);
            ends += 1;
            site.launch()?;
        }
        Ok(())
    });
    found.count("SIGTERM under load", ends);
    found.within(21, "slowest end, ms", slowest, MOST_MS);
    ended.with_context(|| world.tail())?;
    // What is in flight is waited for: nothing but a lost reply makes a duplicate.
    let mut account = Found::default();
    world.settle(0, &mut account)?;
    for fault in &mut account.broke {
        if fault.promise == 4 {
            fault.promise = 21;
        }
    }
    found.add(account);
    Ok(found)
}
