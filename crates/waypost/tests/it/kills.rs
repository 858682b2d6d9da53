//! kill -9 in the middle: what was acknowledged is delivered, bounced or queued.

use std::collections::BTreeSet;
use std::path::Path;

use waypost_testkit::chance::Chance;
use waypost_testkit::lab::Found;
use waypost_testkit::lab::client::{LARGE, Letter, Way, send};
use waypost_testkit::lab::kills::kill_once;
use waypost_testkit::lab::load::under_load;
use waypost_testkit::lab::strace::{Blow, CALLS, Strace, has_ended};
use waypost_testkit::lab::world::{IN_FLIGHT, SENDER, Shape, World};
use waypost_testkit::wait;

use crate::PROGRAM;

/// How often the program is killed under load.
const KILLS: usize = 100;
/// More calls of one kind than one accept and two deliveries make in any thread.
const MOST_CALLS: usize = 60;

fn world(seed: u64) -> World {
    World::start(Path::new(PROGRAM), seed, &Shape::default()).unwrap()
}

fn seen(found: &Found, what: &str) -> u64 {
    let seen = found.seen.iter().find(|(known, _)| *known == what);
    seen.map_or(0, |(_, count)| *count)
}

#[test]
fn a_hundred_kills_under_load_lose_nothing() {
    let (mut chance, seed) = Chance::from_environment();
    let mut world = world(seed);
    let killed = under_load(&mut world, seed, |site, ledger| {
        (0..KILLS).try_for_each(|_| kill_once(site, ledger, &mut chance))
    });
    killed.unwrap_or_else(|error| panic!("{error}\n{}", world.tail()));
    let mut found = Found::default();
    world.settle(KILLS * IN_FLIGHT, &mut found).unwrap();
    eprintln!("{KILLS} kills, WAYPOST_SEED={seed}: {:?}", found.seen);
    assert!(found.broke.is_empty(), "{:#?}", found.broke);
    assert!(seen(&found, "acknowledged") > KILLS as u64, "{found:#?}");
}

#[test]
fn a_kill_at_any_write_of_an_accept_and_its_deliveries_loses_nothing() {
    let mut world = world(0);
    let recipients = ["local@example.com", "steady@example.com"].map(str::to_owned);
    let mut hit = BTreeSet::new();
    for call in CALLS {
        for number in 1..MOST_CALLS {
            let name = format!("{}-{number}", call.name);
            let pid = world.site.pid().unwrap();
            let strace = Strace::attach(pid, call, number, Blow::Kill).unwrap();
            let letter = Letter {
                name: &name,
                sender: SENDER,
                recipients: &recipients,
                size: if number % 2 == 0 { LARGE } else { 1_000 },
                way: Way::Data,
            };
            send(world.site.smtp(), &letter, &world.ledger);
            let killed = wait::until("the end of the message or of the program", || {
                if has_ended(pid) {
                    return Some(true);
                }
                let there = world.arrived();
                let done = recipients
                    .iter()
                    .all(|to| there.contains(&(name.clone(), to.clone())));
                done.then_some(false)
            })
            .unwrap();
            drop(strace);
            if !killed {
                break;
            }
            hit.insert(name);
            world.site.wait_until_ended().unwrap();
            world.site.launch().unwrap();
        }
    }
    let mut found = Found::default();
    world
        .settle(hit.len() * recipients.len(), &mut found)
        .unwrap();
    eprintln!("{} calls hit: {:?}", hit.len(), found.seen);
    assert!(found.broke.is_empty(), "{:#?}", found.broke);
    assert!(
        hit.iter().any(|name| name.starts_with("fdatasync")),
        "{hit:?}"
    );
}
