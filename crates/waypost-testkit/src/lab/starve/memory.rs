//! Less memory than the mail that comes in at the same time.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context as _, Result};

use super::recovers;
use crate::lab::client::{Letter, Told, Way, send};
use crate::lab::world::{IN_FLIGHT, SENDER, Shape, World};
use crate::lab::{Found, Trial};

/// What the program may have, the pages of its files counted in.
const ALLOWED_BYTES: u64 = 160 << 20;
/// Clients, and octets that each sends in one message: more than is allowed.
const CLIENTS: usize = 24;
const SIZE: usize = 12 << 20;

/// A control group of our own; removed when dropped.
struct Group(PathBuf);

impl Group {
    /// Makes one with this limit and puts a process into it; none where that is not possible.
    fn around(pid: u32) -> Option<Self> {
        let roots = [
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            ("/sys/fs/cgroup", "memory.max"),
        ];
        let name = format!("waypost-{pid}");
        roots.iter().find_map(|(root, limit)| {
            let group = Self(Path::new(root).join(&name));
            fs::create_dir(&group.0).ok()?;
            fs::write(group.0.join(limit), ALLOWED_BYTES.to_string()).ok()?;
            fs::write(group.0.join("cgroup.procs"), pid.to_string()).ok()?;
            Some(group)
        })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

/// Many large messages at once.
pub(crate) fn starve(trial: &Trial<'_>, found: &mut Found) -> Result<()> {
    let shape = Shape::default();
    let mut world = World::start(trial.program, trial.seed, &shape)?;
    let pid = world.site.pid().context("the site is not running")?;
    let Some(group) = Group::around(pid) else {
        found.not_here = Some("little memory: no control group can be made".to_owned());
        return Ok(());
    };
    let told: Vec<Told> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let world = &world;
                scope.spawn(move || large(world, number))
            })
            .collect();
        let joined = clients.into_iter().map(thread::ScopedJoinHandle::join);
        joined.map(|told| told.unwrap_or(Told::Nothing)).collect()
    });
    if let Some(told) = told.iter().find(|told| told.is_permanent()) {
        found.broke(2, format!("refused for ever: {told:?}"));
    }
    let taken = told.iter().filter(|told| matches!(told, Told::Taken(_)));
    found.count(
        "large messages taken with little memory",
        taken.count().try_into()?,
    );
    if crate::lab::strace::has_ended(pid) {
        // Killed for want of memory: as any other kill.
        found.count("kills for want of memory", 1);
        world.site.wait_until_ended()?;
        world.site.launch()?;
    }
    recovers(&world, 1_000, found)?;
    found.count("times with little memory", 1);
    world.settle(IN_FLIGHT, found)?;
    drop(world);
    drop(group);
    Ok(())
}

fn large(world: &World, number: usize) -> Told {
    let recipients = ["local@example.com".to_owned()];
    let letter = Letter {
        name: &format!("l{number}"),
        sender: SENDER,
        recipients: &recipients,
        size: SIZE,
        way: Way::Data,
    };
    send(world.site.smtp(), &letter, &world.ledger)
}
