//! Power failures: everything that the server keeps lies on a file system in a file, which is cut
//! off under load without having flushed anything that was not synced.

use anyhow::{Context as _, Result};

use super::load::under_load;
use super::world::{IN_FLIGHT, Shape, World};
use super::{Found, Trial};
use crate::loop_disk::LoopDisk;
use crate::site::{Signal, Site};
use crate::wait;

/// Room for the queue, the mailboxes and the space that the spool keeps free.
const DISK_MIB: u32 = 400;
/// Cuts of one world; then its account is settled, before its mailboxes fill the disk.
const CUTS: u64 = 30;
/// In a short run.
const SHORT_CUTS: u64 = 6;
/// Acknowledged pairs between two cuts, at most.
const BETWEEN: u64 = 80;

/// Cuts the power until the time is over.
///
/// # Errors
///
/// When the program does not come back.
pub fn run(trial: &Trial<'_>) -> Result<Found> {
    let disk = match LoopDisk::mount(DISK_MIB) {
        Ok(disk) => disk,
        Err(error) => {
            let why = format!("no ext4 in a file can be mounted: {error:#}");
            return Ok(Found::not_here(why));
        }
    };
    let mut found = Found::default();
    let shape = Shape {
        place: Some(&disk.path()),
        ..Shape::default()
    };
    let mut world = World::start(trial.program, trial.seed, &shape)?;
    let mut chance = trial.chance();
    let most = trial.sized(SHORT_CUTS, CUTS);
    let mut cuts = 0;
    let survived = under_load(&mut world, trial.seed, |site, ledger| {
        while cuts == 0 || (cuts < most && trial.has_time()) {
            let enough = ledger.len() + 1 + usize::try_from(chance.below(BETWEEN))?;
            wait::until("more acknowledged mail", || {
                (ledger.len() >= enough).then_some(())
            })?;
            cut_once(site, &disk)?;
            cuts += 1;
        }
        Ok(())
    });
    found.count("power failures under load", cuts);
    if let Err(error) = survived {
        found.broke(1, format!("not started after a power failure: {error:#}"));
        return Ok(found);
    }
    let in_flight = usize::try_from(cuts)? * IN_FLIGHT;
    world
        .settle(in_flight, &mut found)
        .with_context(|| world.tail())?;
    drop(world);
    Ok(found)
}

/// The machine stops, loses its power, and comes back.
fn cut_once(site: &mut Site, disk: &LoopDisk) -> Result<()> {
    site.signal(Signal::STOP)?;
    disk.cut()?;
    site.kill()?;
    disk.remount()?;
    site.launch()
}
