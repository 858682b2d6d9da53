//! What the spool keeps, gives back and refuses.

use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use waypost_spool::{
    Call, Condition, Content, Disk, Hold, Op, OpenError, QueueId, ReadError, Settings, Spool,
    State, Unavailable,
};

use crate::support::{commit, commit_to, content, envelope, now, open, wait_until};

const SMALL: usize = 10_000;
const LARGE: usize = 300_000;

fn read(content: &Content) -> Vec<u8> {
    let mut all = vec![0; usize::try_from(content.len()).unwrap()];
    let mut from = 0;
    while from < all.len() {
        let to = all.len().min(from + 4096);
        from += content.read_at(from as u64, &mut all[from..to]).unwrap();
    }
    all
}

fn files(dir: &Path) -> usize {
    fs::read_dir(dir).unwrap().count()
}

#[test]
fn a_message_is_there_after_commit_and_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    for size in [0, 1, SMALL, 262_144, 262_145, LARGE] {
        let spool = open(dir.path());
        let sent = content(7, size);
        let committed = commit(&spool, &sent).unwrap();
        let id = committed.message().id;
        assert_eq!(committed.message().size, size as u64);
        assert_eq!(read(committed.content().unwrap()), sent);
        drop(spool);
        let spool = open(dir.path());
        let (message, stored) = spool.load(id).unwrap().unwrap();
        assert_eq!(&message, &**committed.message(), "size {size}");
        assert_eq!(read(&stored), sent, "size {size}");
        spool.remove(id).wait().unwrap();
        assert!(spool.load(id).unwrap().is_none(), "size {size}");
        assert_eq!(spool.stats().unwrap().messages, 0);
    }
    assert_eq!(files(&dir.path().join("content")), 0);
}

#[test]
fn removed_content_stays_readable_for_who_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    let sent = content(1, LARGE);
    let committed = commit(&spool, &sent).unwrap();
    let (_, stored) = spool.load(committed.message().id).unwrap().unwrap();
    spool.remove(committed.message().id).wait().unwrap();
    drop(spool);
    assert_eq!(files(&dir.path().join("content")), 0);
    assert_eq!(read(&stored), sent);
}

#[test]
fn a_staged_message_that_is_dropped_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    let mut staged = spool.stage(now()).unwrap();
    staged.write(&content(1, LARGE)).unwrap();
    assert_eq!(files(&dir.path().join("content")), 1);
    drop(staged);
    assert_eq!(files(&dir.path().join("content")), 0);
    assert_eq!(spool.stats().unwrap().messages, 0);
}

#[test]
fn an_update_changes_the_envelope_and_the_schedule_but_not_the_content() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    let sent = content(1, SMALL);
    let first = commit(&spool, &sent).unwrap().message().id;
    let second = commit(&spool, &sent).unwrap().message().id;
    let mut later = envelope("jdoe@example.com");
    later.recipients[0].due = now() + Duration::from_secs(300);
    later.recipients[0].attempts = 1;
    spool.update(first, &later).wait().unwrap();
    let due = |id, envelope: &waypost_spool::Envelope| (id, envelope.due());
    let expected = vec![
        due(second, &envelope("jdoe@example.com")),
        due(first, &later),
    ];
    assert_eq!(spool.index().unwrap(), expected);
    let (message, stored) = spool.load(first).unwrap().unwrap();
    assert_eq!(message.envelope, later);
    assert_eq!(read(&stored), sent);
}

#[test]
fn a_held_message_is_in_the_index_without_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    let id = commit(&spool, b"x").unwrap().message().id;
    let mut held = envelope("jdoe@example.com");
    held.hold = Some(Hold {
        reason: "asked by its sender".to_owned(),
        by: "admin".to_owned(),
        since: now(),
        until: None,
    });
    spool.update(id, &held).wait().unwrap();
    assert_eq!(spool.index().unwrap(), [(id, None)]);
    let end = now() + Duration::from_secs(60);
    held.hold.as_mut().unwrap().until = Some(end);
    spool.update(id, &held).wait().unwrap();
    assert_eq!(spool.index().unwrap(), [(id, Some(end))]);
}

#[test]
fn a_message_without_waiting_recipients_is_due_at_once() {
    let mut done = envelope("jdoe@example.com");
    done.recipients[0].state = State::Delivered;
    assert_eq!(done.due(), Some(std::time::SystemTime::UNIX_EPOCH));
}

#[test]
fn a_report_and_the_removal_that_causes_it_happen_together() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    let bounced = commit(&spool, &content(1, LARGE)).unwrap().message().id;
    for size in [SMALL, LARGE] {
        let mut report = spool.stage_report(now()).unwrap();
        report.write(&content(2, size)).unwrap();
        let ops = vec![
            Op::Commit(report, envelope("sender@example.net")),
            Op::Remove(bounced),
        ];
        let committed = spool.apply(ops).wait().unwrap();
        assert_eq!(committed.len(), 1);
        assert!(spool.load(bounced).unwrap().is_none());
        let report = committed[0].message().id;
        assert!(spool.load(report).unwrap().is_some());
        spool.remove(report).wait().unwrap();
    }
}

#[test]
fn a_list_goes_on_where_it_stopped_and_leaves_out_what_is_not_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    let mut ids = Vec::new();
    for number in 0..25 {
        let recipient = format!("user{}@example.com", number % 5);
        let committed = commit_to(&spool, b"x", envelope(&recipient)).unwrap();
        ids.push((number % 5, committed.message().id));
    }
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = spool
            .list(after, 2, |m| {
                m.envelope.recipients[0].address.local.as_str() != "user1"
            })
            .unwrap();
        assert!(page.messages.len() <= 2);
        found.extend(page.messages.iter().map(|m| m.id));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    let expected: Vec<_> = ids
        .iter()
        .filter(|(n, _)| *n != 1)
        .map(|(_, id)| *id)
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn ids_are_not_given_again_after_a_restart_with_the_clock_set_back() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    let first = commit(&spool, b"x").unwrap().message().id;
    spool.remove(first).wait().unwrap();
    drop(spool);
    let spool = open(dir.path());
    let staged = spool.stage(now() - Duration::from_secs(86_400)).unwrap();
    assert!(staged.id() > first);
}

#[test]
fn a_second_process_is_refused_and_told_whose_the_spool_is() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    let refused = Spool::open(dir.path(), Settings::default()).unwrap_err();
    let OpenError::InUse { pid, .. } = &refused else {
        panic!("{refused}");
    };
    assert_eq!(*pid, std::process::id().to_string());
    assert!(refused.to_string().contains("in use by process"));
    drop(spool);
    open(dir.path());
}

#[test]
fn a_store_of_a_newer_release_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let store = dir.path().join("spool.db");
    let db = rusqlite::Connection::open(&store).unwrap();
    db.execute_batch("PRAGMA user_version = 99; CREATE TABLE future (x)")
        .unwrap();
    drop(db);
    let before = fs::read(&store).unwrap();
    let refused = Spool::open(dir.path(), Settings::default()).unwrap_err();
    assert!(
        matches!(
            refused,
            OpenError::Newer {
                found: 99,
                known: 1,
                ..
            }
        ),
        "{refused}"
    );
    assert_eq!(fs::read(&store).unwrap(), before);
}

#[test]
fn a_store_that_is_none_is_reported_as_damaged() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("spool.db"), [b'x'; 8192]).unwrap();
    let refused = Spool::open(dir.path(), Settings::default()).unwrap_err();
    assert!(matches!(refused, OpenError::Damaged { .. }), "{refused}");
}

fn damage(dir: &Path, sql: &str) {
    let db = rusqlite::Connection::open(dir.join("spool.db")).unwrap();
    assert!(db.execute(sql, []).unwrap() > 0);
}

#[test]
fn damaged_messages_are_set_aside_with_an_alarm_and_the_others_stay() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    let ids: Vec<QueueId> = [SMALL, SMALL, SMALL, LARGE, LARGE, LARGE, SMALL]
        .into_iter()
        .map(|size| commit(&spool, &content(1, size)).unwrap().message().id)
        .collect();
    drop(spool);
    let where_id = |n: usize| format!("WHERE id = {}", ids[n].number());
    damage(
        dir.path(),
        &format!("UPDATE message SET envelope = x'0102' {}", where_id(0)),
    );
    damage(
        dir.path(),
        &format!("UPDATE content SET bytes = x'0102' {}", where_id(1)),
    );
    damage(dir.path(), &format!("DELETE FROM content {}", where_id(2)));
    let file = |n: usize| dir.path().join("content").join(ids[n].to_string());
    fs::remove_file(file(3)).unwrap();
    let cut = fs::OpenOptions::new().write(true).open(file(4)).unwrap();
    cut.set_len(1000).unwrap();
    let changed = fs::OpenOptions::new().write(true).open(file(5)).unwrap();
    changed.write_all_at(b"?", 1000).unwrap();

    let (spool, recovered) = Spool::open(dir.path(), Settings::default()).unwrap();
    assert_eq!(recovered.damaged, [ids[3]]);
    for id in &ids[..6] {
        let loaded = spool.load(*id);
        assert!(
            matches!(loaded, Err(ReadError::Damaged { .. })),
            "{loaded:?}"
        );
        assert!(spool.load(*id).unwrap().is_none());
    }
    assert!(spool.load(ids[6]).unwrap().is_some());
    assert_eq!(spool.stats().unwrap().messages, 1);
    assert_eq!(spool.index().unwrap().len(), 1);
    let alarmed: Vec<_> = spool.alarms().into_iter().filter_map(|a| a.id).collect();
    assert_eq!(alarmed, &ids[..6]);
    assert_eq!(files(&dir.path().join("quarantine")), 2);
    drop(spool);
    let (_, recovered) = Spool::open(dir.path(), Settings::default()).unwrap();
    assert_eq!(recovered.quarantined.len(), 6);
}

#[test]
fn a_list_sets_damaged_messages_aside_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    let bad = commit(&spool, b"x").unwrap().message().id;
    let good = commit(&spool, b"x").unwrap().message().id;
    drop(spool);
    damage(
        dir.path(),
        &format!(
            "UPDATE message SET envelope = x'' WHERE id = {}",
            bad.number()
        ),
    );
    let spool = open(dir.path());
    let page = spool.list(None, 10, |_| true).unwrap();
    assert_eq!(
        page.messages.iter().map(|m| m.id).collect::<Vec<_>>(),
        [good]
    );
    assert_eq!(spool.quarantined().unwrap().len(), 1);
}

#[test]
fn orphans_are_swept_when_the_spool_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    let kept = commit(&spool, &content(1, LARGE)).unwrap().message().id;
    drop(spool);
    let content_dir = dir.path().join("content");
    fs::write(content_dir.join("0123456789AB"), "never acknowledged").unwrap();
    fs::write(content_dir.join("probe"), "of a suspect store").unwrap();
    let (spool, recovered) = Spool::open(dir.path(), Settings::default()).unwrap();
    assert_eq!((recovered.messages, recovered.orphans), (1, 2));
    assert_eq!(files(&content_dir), 1);
    assert!(spool.load(kept).unwrap().is_some());
}

/// A disk on which one kind of call fails while the switch is on.
fn switched(call: Call, kind: io::ErrorKind) -> (Settings, Arc<AtomicBool>) {
    let failing = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&failing);
    let disk = Disk::failing(move |asked, _| {
        if asked == call && failing.load(Ordering::SeqCst) {
            Err(kind.into())
        } else {
            Ok(())
        }
    });
    let settings = Settings {
        disk,
        ..Settings::default()
    };
    (settings, switch)
}

#[test]
fn who_waits_for_the_writer_gets_receipts_that_are_ready() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings {
        wait_for_writer: true,
        ..Settings::default()
    };
    let (spool, _) = Spool::open(dir.path(), settings).unwrap();
    for size in [SMALL, LARGE] {
        let mut staged = spool.stage(now()).unwrap();
        staged.write(&content(1, size)).unwrap();
        let mut receipt = spool.commit(staged, envelope("a@example.com"));
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(committed)) = Pin::new(&mut receipt).poll(&mut cx) else {
            panic!("{size} octets are not on disk yet");
        };
        let id = committed.message().id;
        let mut removed = spool.remove(id);
        assert_eq!(Pin::new(&mut removed).poll(&mut cx), Poll::Ready(Ok(())));
        assert!(spool.load(id).unwrap().is_none());
    }
}

#[test]
fn after_a_failed_sync_nothing_is_taken_until_the_disk_is_proved() {
    for (call, size) in [
        (Call::Commit, SMALL),
        (Call::Sync, LARGE),
        (Call::SyncDirectory, LARGE),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (settings, failing) = switched(call, io::ErrorKind::Other);
        let (spool, _) = Spool::open(dir.path(), settings).unwrap();
        let kept = commit(&spool, &content(1, size)).unwrap().message().id;
        failing.store(true, Ordering::SeqCst);
        let refused = commit(&spool, &content(2, size)).unwrap_err();
        assert_eq!(refused, Unavailable::Failing, "{call:?}");
        assert_eq!(spool.condition(), Condition::Suspect, "{call:?}");
        assert_eq!(
            spool.stage(now()).unwrap_err(),
            Unavailable::Failing,
            "{call:?}"
        );
        failing.store(false, Ordering::SeqCst);
        wait_until("the store's return", || {
            spool.condition() == Condition::Open
        });
        let id = commit(&spool, &content(3, size)).unwrap().message().id;
        let there: Vec<_> = spool.index().unwrap().iter().map(|(id, _)| *id).collect();
        assert_eq!(there, [kept, id], "{call:?}");
        assert_eq!(
            read(&spool.load(kept).unwrap().unwrap().1),
            content(1, size)
        );
        let on_disk = files(&dir.path().join("content"));
        assert_eq!(on_disk, if size == LARGE { 2 } else { 0 }, "{call:?}");
        assert!(spool.alarms()[0].text.contains("suspect"));
    }
}

#[test]
fn a_suspect_store_comes_back_though_results_of_deliveries_keep_coming() {
    let dir = tempfile::tempdir().unwrap();
    let (settings, failing) = switched(Call::Commit, io::ErrorKind::Other);
    let (spool, _) = Spool::open(dir.path(), settings).unwrap();
    let kept = commit(&spool, &content(1, SMALL)).unwrap().message().id;
    failing.store(true, Ordering::SeqCst);
    commit(&spool, &content(2, SMALL)).unwrap_err();
    assert_eq!(spool.condition(), Condition::Suspect);
    failing.store(false, Ordering::SeqCst);
    wait_until("the store's return", || {
        let _ = spool.update(kept, &envelope("jdoe@example.com")).wait();
        spool.condition() == Condition::Open
    });
    spool
        .update(kept, &envelope("jdoe@example.com"))
        .wait()
        .unwrap();
}

#[test]
fn a_store_that_was_suspect_has_all_that_was_acknowledged_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let (settings, failing) = switched(Call::Commit, io::ErrorKind::Other);
    let (spool, _) = Spool::open(dir.path(), settings).unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..5 {
        failing.store(true, Ordering::SeqCst);
        commit(&spool, &content(round, SMALL)).unwrap_err();
        failing.store(false, Ordering::SeqCst);
        wait_until("the store's return", || {
            spool.condition() == Condition::Open
        });
        acknowledged.push(commit(&spool, &content(round, SMALL)).unwrap().message().id);
    }
    let copy = tempfile::tempdir().unwrap();
    for name in ["spool.db", "spool.db-wal"] {
        fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
    }
    let crashed = open(copy.path());
    let there: Vec<_> = crashed.index().unwrap().iter().map(|(id, _)| *id).collect();
    assert_eq!(there, acknowledged);
}

#[test]
fn on_a_full_disk_new_mail_is_refused_and_what_is_here_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let full = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&full);
    let reserve = dir.path().join("reserve");
    // Full until the reserve is given up.
    let disk = Disk::failing(move |call, _| {
        let reserved = reserve.metadata().is_ok_and(|m| m.len() > 0);
        match call {
            Call::Commit if full.load(Ordering::SeqCst) && reserved => {
                Err(io::ErrorKind::StorageFull.into())
            }
            Call::Allocate if full.load(Ordering::SeqCst) => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    });
    let settings = Settings {
        disk,
        ..Settings::default()
    };
    let (spool, _) = Spool::open(dir.path(), settings).unwrap();
    let first = commit(&spool, &content(1, SMALL)).unwrap().message().id;
    let second = commit(&spool, &content(2, SMALL)).unwrap().message().id;
    switch.store(true, Ordering::SeqCst);
    assert_eq!(
        commit(&spool, &content(3, SMALL)).unwrap_err(),
        Unavailable::Full
    );
    assert_eq!(spool.condition(), Condition::Full);
    assert_eq!(spool.stage(now()).unwrap_err(), Unavailable::Full);
    spool
        .update(first, &envelope("jdoe@example.com"))
        .wait()
        .unwrap();
    spool.remove(second).wait().unwrap();
    let mut report = spool.stage_report(now()).unwrap();
    report.write(b"report").unwrap();
    let ops = vec![
        Op::Commit(report, envelope("a@example.net")),
        Op::Remove(first),
    ];
    spool.apply(ops).wait().unwrap();
    switch.store(false, Ordering::SeqCst);
    wait_until("space", || spool.condition() == Condition::Open);
    commit(&spool, &content(4, SMALL)).unwrap();
    assert_eq!(spool.stats().unwrap().messages, 2);
}

#[test]
fn new_mail_is_refused_before_the_reserve_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings {
        reserve_bytes: u64::MAX / 2,
        ..Settings::default()
    };
    let (spool, _) = Spool::open(dir.path(), settings).unwrap();
    assert_eq!(spool.stage(now()).unwrap_err(), Unavailable::Full);
    assert_eq!(spool.room_for(1), Err(Unavailable::Full));
    let report = spool.stage_report(now()).unwrap();
    spool
        .apply(vec![Op::Commit(report, envelope("a@example.net"))])
        .wait()
        .unwrap();
}

#[test]
fn large_content_that_cannot_be_written_is_refused_and_removed() {
    for (kind, expected) in [
        (io::ErrorKind::StorageFull, Unavailable::Full),
        (io::ErrorKind::Other, Unavailable::Failing),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (settings, failing) = switched(Call::Write, kind);
        let (spool, _) = Spool::open(dir.path(), settings).unwrap();
        let mut staged = spool.stage(now()).unwrap();
        staged.write(&content(1, LARGE)).unwrap();
        failing.store(true, Ordering::SeqCst);
        assert_eq!(staged.write(b"more"), Err(expected));
        failing.store(false, Ordering::SeqCst);
        assert_eq!(staged.write(b"more"), Err(expected), "half a message");
        let receipt = spool.commit(staged, envelope("jdoe@example.com"));
        assert_eq!(receipt.wait().unwrap_err(), expected);
        assert_eq!(files(&dir.path().join("content")), 0);
    }
}

#[test]
fn fresh_content_beyond_its_limit_is_read_back_from_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings {
        fresh_bytes: SMALL as u64 * 3 / 2,
        ..Settings::default()
    };
    let (spool, _) = Spool::open(dir.path(), settings).unwrap();
    let first = commit(&spool, &content(1, SMALL)).unwrap();
    assert!(first.content().is_some());
    let second = commit(&spool, &content(2, SMALL)).unwrap();
    assert!(second.content().is_none());
    let (_, stored) = spool.load(second.message().id).unwrap().unwrap();
    assert_eq!(read(&stored), content(2, SMALL));
    drop(first);
    assert!(
        commit(&spool, &content(3, SMALL))
            .unwrap()
            .content()
            .is_some()
    );
}

#[test]
fn a_backup_made_under_load_is_a_spool_with_every_message_of_one_moment() {
    let dir = tempfile::tempdir().unwrap();
    let copies = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    let kept: Vec<_> = [SMALL, LARGE]
        .into_iter()
        .map(|size| commit(&spool, &content(9, size)).unwrap().message().id)
        .collect();
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0.. {
                let size = if number % 2 == 0 { SMALL } else { LARGE };
                let id = commit(&spool, &content(number, size)).unwrap().message().id;
                spool.remove(id).wait().unwrap();
                if ended.load(Ordering::SeqCst) {
                    break;
                }
            }
        });
        for number in 0..5 {
            let copy = copies.path().join(number.to_string());
            spool.backup(&copy).unwrap();
            let (restored, recovered) = Spool::open(&copy, Settings::default()).unwrap();
            assert_eq!((recovered.orphans, recovered.damaged.len()), (0, 0));
            for (id, _) in restored.index().unwrap() {
                restored.load(id).unwrap().unwrap();
            }
            for id in &kept {
                assert!(restored.load(*id).unwrap().is_some());
            }
        }
        ended.store(true, Ordering::SeqCst);
    });
    drop(spool);
    assert_eq!(files(&dir.path().join("content")), 1);
    let again = open(dir.path()).backup(&copies.path().join("0"));
    assert!(again.is_err(), "a backup does not write over a spool");
}
