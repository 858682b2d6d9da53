//! Space that is not needed any more goes back to the file system.

use crate::support::{commit, content, envelope, now, open, wait_until};

const SMALL: usize = 10_000;

#[test]
fn the_file_shrinks_again_after_a_flood() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    let receipts: Vec<_> = (0..4000)
        .map(|number| {
            let mut staged = spool.stage(now()).unwrap();
            staged.write(&content(number, SMALL)).unwrap();
            spool.commit(staged, envelope("jdoe@example.com"))
        })
        .collect();
    let ids = receipts.into_iter().map(|r| r.wait().unwrap().message().id);
    let removals: Vec<_> = ids.map(|id| spool.remove(id)).collect();
    removals.into_iter().for_each(|r| r.wait().unwrap());
    wait_until("shrinking", || {
        let stats = spool.stats().unwrap();
        stats.store_bytes < 20_000_000 && stats.log_bytes == 0
    });
}

#[test]
fn a_long_log_is_cut_though_few_of_its_pages_are_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    let log_bytes = || spool.stats().unwrap().log_bytes;
    let mut before = 0;
    // Until a checkpoint lets it start again, within the length it has.
    while before == 0 || log_bytes() > before {
        before = log_bytes();
        commit(&spool, &content(1, 200_000)).unwrap();
    }
    wait_until("cutting", || log_bytes() == 0);
}
