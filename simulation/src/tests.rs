//! What the simulation itself must be, besides what it finds.

use std::sync::{Mutex, PoisonError};

use crate::world::run;

/// Seeds of all wirings, still worlds and others.
const SEEDS: std::ops::Range<u64> = 1..13;

/// One world at a time in a process: tokio draws the numbers of tasks for all threads together, and
/// when a site crashes they decide in which order its connections end.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn the_same_seed_shows_the_same_again() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    for seed in SEEDS {
        let first = run(seed, folder.path()).unwrap();
        let again = run(seed, folder.path()).unwrap();
        let lines = first.log.lines().zip(again.log.lines()).enumerate();
        for (number, (was, is)) in lines {
            assert_eq!(was, is, "seed {seed}, line {}", number + 1);
        }
        assert_eq!(first.log.len(), again.log.len(), "seed {seed}");
        assert_eq!(first.found, again.found, "seed {seed}");
    }
}

#[test]
fn every_promise_is_kept_in_a_handful_of_worlds() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for seed in SEEDS {
        let run = run(seed, folder.path()).unwrap();
        assert!(
            run.found.broke.is_empty(),
            "seed {seed}: {:#?}",
            run.found.broke
        );
        let seen = run.found.seen.iter();
        let sums = seen.filter(|(what, _)| *what == "acknowledged");
        acknowledged += sums.map(|(_, count)| count).sum::<u64>();
    }
    assert!(acknowledged > 100, "only {acknowledged} acknowledged");
}
