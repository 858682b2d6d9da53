//! Calls that change files fail under load: every write of content and mailboxes counts, which
//! strace cannot tell from a write to a socket.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::client::Told;
use super::load::under_load;
use super::world::{Shape, World, is_taken};
use super::{Found, Trial};
use crate::wait;

/// Calls of a start and its first site file, which have to succeed.
const FIRST: u64 = 600;
/// How far on the first failure may be.
const WITHIN: u64 = 4_000;
/// What calls fail with.
const ERRORS: [i32; 2] = [5, 28];
/// How many fail, one after the other.
const COUNTS: [u64; 4] = [1, 2, 9, 30];
/// How long the load goes on.
const LOADED: Duration = Duration::from_secs(3);
/// How long all failures may take to be used up.
const PATIENCE: Duration = Duration::from_mins(5);
/// Deliveries that may be in flight when their result cannot be written down.
const IN_FLIGHT: usize = super::world::IN_FLIGHT;

/// Preloaded into the program, it fails calls on files below a folder.
const SHIM: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../waypost-spool/tests/it/disk_log.c"
);

/// Runs one world after the other until the time is over.
///
/// # Errors
///
/// When there is no C compiler, or the program does not come back.
pub fn run(trial: &Trial<'_>) -> Result<Found> {
    let mut found = Found::default();
    let mut chance = trial.chance();
    let dir = tempfile::tempdir()?;
    let shim = dir.path().join("shim.so");
    build(&shim)?;
    let mut runs = 0;
    while runs == 0 || (trial.has_time() && (!trial.is_short || runs < 2)) {
        runs += 1;
        let first = FIRST + chance.below(WITHIN);
        let count = COUNTS[usize::try_from(chance.below(4))?];
        let error = ERRORS[usize::try_from(chance.below(2))?];
        let syncs_only = chance.below(3) == 0;
        let first = if syncs_only {
            FIRST / 20 + first / 20
        } else {
            first
        };
        let fail = format!("{first} {count} {error} {}", u8::from(syncs_only));
        one(trial, &shim, &fail, &mut found).with_context(|| format!("failing {fail}"))?;
    }
    Ok(found)
}

fn one(trial: &Trial<'_>, shim: &Path, fail: &str, found: &mut Found) -> Result<()> {
    let place = tempfile::tempdir()?;
    let (shim, root) = (
        shim.display().to_string(),
        place.path().display().to_string(),
    );
    let environment = [
        ("LD_PRELOAD", shim.as_str()),
        ("WAYPOST_DISK_ROOT", root.as_str()),
        ("WAYPOST_DISK_LOG", "/dev/null"),
        ("WAYPOST_DISK_FAIL", fail),
    ];
    let shape = Shape {
        place: Some(place.path()),
        environment: &environment,
        ..Shape::default()
    };
    let mut world = World::start(trial.program, trial.seed, &shape)?;
    let pid = world.site.pid();
    under_load(&mut world, trial.seed, |_, _| {
        thread::park_timeout(LOADED);
        Ok(())
    })?;
    // Each attempt to mend the store uses up some of the failures that are left.
    let mut tries = 0;
    let mut last = Told::Nothing;
    let taken = wait::until_within(PATIENCE, "mail to be taken again", || {
        tries += 1;
        is_taken(&world, &format!("p{tries}"), &mut last).then_some(())
    });
    taken.with_context(|| format!("{last:?}\n{}", world.tail()))?;
    found.count("runs with failing calls under load", 1);
    if world.site.pid() != pid {
        found.broke(2, format!("failing {fail} ended the program"));
    }
    world.settle(IN_FLIGHT, found)
}

fn build(shim: &Path) -> Result<()> {
    let built = Command::new("cc")
        .args(["-O1", "-shared", "-fPIC", "-o"])
        .arg(shim)
        .args([SHIM, "-ldl"])
        .output()
        .context("run cc (Debian package gcc)")?;
    let said = String::from_utf8_lossy(&built.stderr);
    anyhow::ensure!(built.status.success(), "cc: {said}");
    Ok(())
}
