//! Nothing left of what a server needs: room on the disk, names on it, descriptors, memory. It
//! refuses for now, goes on delivering, and takes mail again by itself when there is enough.

pub mod descriptors;
mod memory;

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::client::{LARGE, Letter, Told, Way, send};
use super::world::{IN_FLIGHT, SENDER, Shape, World, is_taken};
use super::{Found, Trial};
use crate::small_disk::SmallDisk;
use crate::wait;

/// Room for a spool with the space that it keeps free, in MiB.
const DISK_MIB: u32 = 160;
/// Files that the small file system can have.
const NAMES: u32 = 400;
/// Messages that wait while nothing is left.
const WAITING: usize = 20;
/// Promised.
const RECOVERED_MS: u64 = 5_000;

/// Starves the program of each in turn.
///
/// # Errors
///
/// When the program ends, or does not take mail again.
pub fn run(trial: &Trial<'_>) -> Result<Found> {
    let mut found = Found::default();
    let mut round = 0;
    while round == 0 || (trial.has_time() && !trial.is_short) {
        round += 1;
        full(trial, &mut found).context("a full disk")?;
        nameless(trial, &mut found).context("no inodes left")?;
        descriptors::starve(trial, &mut found).context("no descriptors left")?;
        memory::starve(trial, &mut found).context("little memory")?;
    }
    Ok(found)
}

/// No octet is left.
fn full(trial: &Trial<'_>, found: &mut Found) -> Result<()> {
    let Some(disk) = mounted(SmallDisk::mount(DISK_MIB), found) else {
        return Ok(());
    };
    let mut world = on(trial, disk.path())?;
    wait_in_queue(&world)?;
    disk.fill(0)?;
    wait_for_refusal(&world, 1_000, found)?;
    goes_on(&mut world, found)?;
    disk.clear()?;
    recovers(&world, 1_000, found)?;
    found.count("times with a full disk", 1);
    world.settle(IN_FLIGHT, found)
}

/// No file can be made, though there is room.
fn nameless(trial: &Trial<'_>, found: &mut Found) -> Result<()> {
    let Some(disk) = mounted(SmallDisk::mount_with(DISK_MIB, NAMES), found) else {
        return Ok(());
    };
    let mut world = on(trial, disk.path())?;
    wait_in_queue(&world)?;
    disk.use_up_names()?;
    // What needs a file of its own.
    wait_for_refusal(&world, LARGE, found)?;
    goes_on(&mut world, found)?;
    disk.give_names_back()?;
    recovers(&world, LARGE, found)?;
    found.count("times without an inode left", 1);
    world.settle(IN_FLIGHT, found)
}

fn mounted(disk: Result<SmallDisk>, found: &mut Found) -> Option<SmallDisk> {
    if disk.is_err() {
        found.not_here = Some("full disks: no file system can be mounted".to_owned());
    }
    disk.ok()
}

fn on(trial: &Trial<'_>, place: &Path) -> Result<World> {
    let shape = Shape {
        place: Some(place),
        ..Shape::default()
    };
    World::start(trial.program, trial.seed, &shape)
}

fn letter(world: &World, name: &str, to: &str, size: usize) -> Told {
    let recipients = [format!("{to}@example.com")];
    let letter = Letter {
        name,
        sender: SENDER,
        recipients: &recipients,
        size,
        way: Way::Data,
    };
    send(world.site.smtp(), &letter, &world.ledger)
}

/// Messages for a server that has no time.
fn wait_in_queue(world: &World) -> Result<()> {
    for number in 0..WAITING {
        let told = letter(world, &format!("w{number}"), "busy", 1_000);
        anyhow::ensure!(matches!(told, Told::Taken(_)), "{told:?}");
    }
    Ok(())
}

/// Mail is refused, and not for ever.
fn wait_for_refusal(world: &World, size: usize, found: &mut Found) -> Result<()> {
    let mut number = 0;
    let told = wait::until("a refusal", || {
        number += 1;
        let told = letter(world, &format!("r{number}"), "local", size);
        (!matches!(told, Told::Taken(_))).then_some(told)
    })?;
    if told.is_permanent() {
        found.broke(2, format!("refused for ever: {told:?}"));
    }
    Ok(())
}

/// What waited leaves all the same.
fn goes_on(world: &mut World, found: &mut Found) -> Result<()> {
    world.is_busy.store(false, Ordering::SeqCst);
    let begun = Instant::now();
    let gone = wait::until("what waited to be delivered", || {
        world.site.tell(&["queue", "flush"]).ok();
        world
            .busy
            .look(|taken| (taken.len() >= WAITING).then_some(()))
    });
    found.measure(2, "what waited was delivered within, ms", millis(begun)?);
    if gone.is_err() {
        found.broke(2, format!("deliveries do not go on:\n{}", world.tail()));
    }
    Ok(())
}

/// Mail is taken again soon after there is enough.
fn recovers(world: &World, size: usize, found: &mut Found) -> Result<()> {
    let begun = Instant::now();
    let mut last = Told::Nothing;
    let mut tries = 0;
    let taken = wait::until("mail to be taken again", || {
        tries += 1;
        if size < LARGE {
            return is_taken(world, &format!("p{tries}"), &mut last).then_some(());
        }
        last = letter(world, &format!("p{tries}"), "local", size);
        matches!(last, Told::Taken(_)).then_some(())
    });
    taken.with_context(|| format!("{last:?}\n{}", world.tail()))?;
    found.within(
        2,
        "mail taken again after, ms",
        millis(begun)?,
        RECOVERED_MS,
    );
    Ok(())
}

fn millis(since: Instant) -> Result<u64> {
    Ok(since.elapsed().as_millis().try_into()?)
}
