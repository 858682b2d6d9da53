//! Many clients at once that send messages of all sizes to changing recipients.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::client::{LARGE, Letter, Told, Way, send};
use super::world::{SENDER, World};
use crate::chance::Chance;
use crate::ledger::Ledger;

/// Clients that send at the same time.
pub const CLIENTS: u64 = 4;
/// After an attempt that nobody answered.
const PAUSE: Duration = Duration::from_millis(5);

/// Runs the load beside what `meanwhile` does, and returns what that returned.
///
/// # Errors
///
/// Those of `meanwhile`.
pub fn under_load<T>(
    world: &mut World,
    seed: u64,
    meanwhile: impl FnOnce(&mut crate::site::Site, &Ledger) -> Result<T>,
) -> Result<T> {
    let stop = AtomicBool::new(false);
    let server = world.site.smtp();
    let World { site, ledger, .. } = world;
    let ledger = &*ledger;
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let stop = &stop;
            scope.spawn(move || client(server, (seed, number), stop, ledger));
        }
        let result = meanwhile(site, ledger);
        stop.store(true, Ordering::Relaxed);
        result
    })
}

fn client(server: SocketAddr, (seed, number): (u64, u64), stop: &AtomicBool, ledger: &Ledger) {
    let mut chance = Chance::new(seed.wrapping_add(number));
    let mut count = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        let all = ["never", "local", "steady", "shaky"];
        // Failures for ever are one in ten.
        let first = match chance.below(10) {
            0 => 0,
            drawn => 1 + usize::try_from(drawn % 3).unwrap_or(0),
        };
        // For one alone, it may be handed on while its sender waits.
        let last = match chance.below(3) {
            0 => first + 1,
            _ => all.len(),
        };
        let recipients: Vec<String> = all[first..last]
            .iter()
            .map(|login| format!("{login}@example.com"))
            .collect();
        let letter = Letter {
            name: &format!("m{number}-{count}"),
            sender: SENDER,
            recipients: &recipients,
            size: match chance.below(20) {
                0 => LARGE,
                1..5 => 20_000,
                _ => 1_000,
            },
            way: match chance.below(2) {
                0 => Way::Bdat,
                _ => Way::Data,
            },
        };
        if send(server, &letter, ledger) == Told::Nothing {
            thread::park_timeout(PAUSE);
        }
        count += 1;
    }
}
