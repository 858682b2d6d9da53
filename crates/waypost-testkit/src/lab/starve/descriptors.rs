//! As many clients as there are descriptors.

use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{goes_on, recovers, wait_in_queue};
use crate::lab::world::{IN_FLIGHT, Shape, World};
use crate::lab::{Found, Trial};
use crate::wait;

/// Descriptors that the program may have in all.
const ALLOWED: usize = 300;
/// Connections that are made, many more than that.
const CLIENTS: usize = 600;
/// How long the number of open descriptors is watched for growing.
const FILLED: Duration = Duration::from_secs(1);

/// All descriptors go to clients that stay.
///
/// # Errors
///
/// When the program ends, or does not take mail again.
pub fn starve(trial: &Trial<'_>, found: &mut Found) -> Result<()> {
    let shape = Shape {
        limits: "connections = 5000\nconnections_per_client = 5000\n",
        ..Shape::default()
    };
    let mut world = World::start(trial.program, trial.seed, &shape)?;
    world.site.stop()?;
    let limit = format!("--nofile={ALLOWED}:{ALLOWED}");
    world.site.launch_under(&["prlimit", &limit])?;
    wait_in_queue(&world)?;
    let server = world.site.smtp();
    let pid = world.site.pid().context("the site is not running")?;
    let mut clients = Vec::new();
    while clients.len() < CLIENTS {
        clients.push(TcpStream::connect(server)?);
    }
    let mut most = 0;
    let filled = wait::until_within(FILLED, "all descriptors to be used", || {
        most = most.max(used(pid));
        (most + 4 >= ALLOWED).then_some(())
    });
    // Where some are kept for the server itself, it never comes to that.
    drop(filled);
    found.measure(2, "descriptors used, of 300", most.try_into()?);
    goes_on(&mut world, found)?;
    drop(clients);
    recovers(&world, 1_000, found)?;
    found.count("times without a descriptor left", 1);
    world.settle(IN_FLIGHT, found)
}

fn used(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}
