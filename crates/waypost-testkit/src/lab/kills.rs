//! kill -9 at random moments under load: what was acknowledged is delivered, bounced or queued.

use anyhow::{Context as _, Result};

use super::load::under_load;
use super::world::{IN_FLIGHT, Shape, World};
use super::{Found, Trial};
use crate::chance::Chance;
use crate::ledger::Ledger;
use crate::site::Site;
use crate::wait;

/// Kills of one world; then its account is settled.
const KILLS: usize = 40;
/// Acknowledged pairs between two kills, at most.
const BETWEEN: u64 = 60;

/// Kills and starts the program until the time is over, or often enough.
///
/// # Errors
///
/// When the program does not come back.
pub fn run(trial: &Trial<'_>) -> Result<Found> {
    let mut found = Found::default();
    let mut world = World::start(trial.program, trial.seed, &Shape::default())?;
    let mut kills = 0;
    let mut chance = trial.chance();
    let beaten = under_load(&mut world, trial.seed, |site, ledger| {
        while kills == 0 || (kills < KILLS && trial.has_time()) {
            kill_once(site, ledger, &mut chance)?;
            kills += 1;
        }
        Ok(())
    });
    found.count("kills under load", kills.try_into()?);
    beaten.with_context(|| world.tail())?;
    world.settle(kills * IN_FLIGHT, &mut found)?;
    Ok(found)
}

/// Kills the program after some more acknowledged mail, and starts it again.
///
/// # Errors
///
/// When nothing is acknowledged any more, or it does not come back.
pub fn kill_once(site: &mut Site, ledger: &Ledger, chance: &mut Chance) -> Result<()> {
    let enough = ledger.len() + 1 + usize::try_from(chance.below(BETWEEN))?;
    wait::until("more acknowledged mail", || {
        (ledger.len() >= enough).then_some(())
    })?;
    site.kill()?;
    site.launch()
}
