//! A disk that is full: no new mail, nothing lost, and all goes on by itself when there is space.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::peer::Peer;
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::small_disk::SmallDisk;
use waypost_testkit::wait;

use crate::{PROGRAM, message, split};

const MEBIBYTE: u64 = 1 << 20;
/// As much as the spool keeps free for what it has accepted.
const RESERVE: u64 = 72 * MEBIBYTE;
/// How soon a server notices that there is space again.
const NOTICED: Duration = Duration::from_secs(5);
const FULL: &str = "452 4.3.1 Insufficient system storage, try again";

/// A site whose data lies on the disk, with alice here (on another disk) and jdoe at the target.
fn site(disk: &SmallDisk, target: &Peer) -> Site {
    let file = split::site_file(target, "");
    let plan = Plan::new(PROGRAM).unwrap().data(&disk.path().join("data"));
    plan.site(&file).start().unwrap()
}

/// A target that has no time until it is told to.
fn busy_target() -> (Peer, Arc<AtomicBool>) {
    split::target_that_may_say("451 4.3.2 Come back later", true)
}

fn write(site: &Site, subject: &str) {
    let mut client = Dialogue::open(site.smtp()).unwrap();
    let (_, last) = client
        .submit("a@elsewhere.test", &["jdoe@example.com"], &message(subject))
        .unwrap();
    assert_eq!(last.unwrap().code, 250);
}

/// What is said where a message could begin.
fn at_data(site: &Site) -> String {
    let mut client = Dialogue::open(site.smtp()).unwrap();
    for line in ["MAIL FROM:<a@elsewhere.test>", "RCPT TO:<jdoe@example.com>"] {
        let heard = client.say(line).unwrap();
        if heard.code != 250 {
            return heard.text;
        }
    }
    client.say("DATA").unwrap().text
}

fn wait_until_full(site: &Site) {
    wait::until_within(NOTICED, "452 to DATA", || {
        at_data(site).starts_with("452 4.3.1").then_some(())
    })
    .unwrap();
}

fn wait_until_open(site: &Site) {
    wait::until_within(NOTICED, "354 to DATA", || {
        at_data(site).starts_with("354").then_some(())
    })
    .unwrap();
}

#[test]
fn a_full_disk_refuses_before_data_delivers_what_is_queued_and_recovers() {
    // Little space; none at all.
    for left in [RESERVE - 10 * MEBIBYTE, 0] {
        let disk = SmallDisk::mount(160).unwrap();
        let (old, is_busy) = busy_target();
        let site = site(&disk, &old);
        for number in 0..10 {
            write(&site, &format!("before-{number}"));
        }
        disk.fill(left).unwrap();
        wait_until_full(&site);
        assert_eq!(at_data(&site), FULL);
        // What was accepted leaves all the same.
        is_busy.store(false, Ordering::SeqCst);
        old.wait_for_taken(10).unwrap();
        wait::until("an empty queue", || {
            let list = site.tell(&["queue", "list", "--json"]).ok()?;
            (!list.contains("elsewhere.test")).then_some(())
        })
        .unwrap();
        assert_eq!(at_data(&site), FULL);
        disk.clear().unwrap();
        wait_until_open(&site);
        write(&site, "after");
        let taken = old.wait_for_taken(11).unwrap();
        assert_eq!(taken.len(), 11);
        let refused = ["reject: DATA", "452 4.3.1", "from=<a@elsewhere.test>"];
        site.wait_for_log(&refused).unwrap();
        site.wait_for_log(&["under the spool: no new mail is taken"])
            .unwrap();
    }
}

#[test]
fn a_full_disk_refuses_chunks_and_lmtp_too() {
    let disk = SmallDisk::mount(160).unwrap();
    let (old, _) = busy_target();
    let site = site(&disk, &old);
    disk.fill(MEBIBYTE).unwrap();
    wait_until_full(&site);
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client.expect("MAIL FROM:<a@elsewhere.test>", 250).unwrap();
    client.expect("RCPT TO:<jdoe@example.com>", 250).unwrap();
    client.send(b"BDAT 5 LAST\r\nabcde").unwrap();
    let heard = client.hear().unwrap();
    assert!(heard.text.starts_with("452 4.3.1"), "{}", heard.text);
    client.expect("NOOP", 250).unwrap();
    let lmtp = std::net::SocketAddr::new(site.address, waypost_testkit::site::LMTP_PORT);
    let (mut client, _) = Dialogue::connect(lmtp).unwrap();
    client.expect("LHLO client.test", 250).unwrap();
    client.expect("MAIL FROM:<a@elsewhere.test>", 250).unwrap();
    client.expect("RCPT TO:<jdoe@example.com>", 250).unwrap();
    let heard = client.say("DATA").unwrap();
    assert!(heard.text.starts_with("452 4.3.1"), "{}", heard.text);
}

#[test]
fn a_message_that_outgrows_the_disk_is_refused_at_its_end() {
    let disk = SmallDisk::mount(160).unwrap();
    let (old, is_busy) = busy_target();
    is_busy.store(false, Ordering::SeqCst);
    let site = site(&disk, &old);
    write(&site, "small");
    old.wait_for_taken(1).unwrap();
    disk.fill(RESERVE + 8 * MEBIBYTE).unwrap();
    wait_until_open(&site);
    let before = disk.free().unwrap();
    let mut client = Dialogue::open(site.smtp()).unwrap();
    let line = format!("{}\r\n", "x".repeat(998));
    let large = format!("{}{}", message("large"), line.repeat(20_000));
    let (_, last) = client
        .submit("a@elsewhere.test", &["jdoe@example.com"], &large)
        .unwrap();
    let last = last.unwrap().text;
    assert!(last.starts_with("452 4.3.1"), "{last}");
    wait::until("its space to be given back", || {
        (disk.free().ok()? + MEBIBYTE > before).then_some(())
    })
    .unwrap();
    // The session goes on, and so does small mail.
    wait_until_open(&site);
    let (_, last) = client
        .submit("a@elsewhere.test", &["jdoe@example.com"], &message("next"))
        .unwrap();
    assert_eq!(last.unwrap().code, 250);
    let taken = old.wait_for_taken(2).unwrap();
    assert!(taken[1].text().contains("Subject: next"), "{taken:?}");
}

#[test]
fn a_restart_on_a_full_disk_delivers_what_was_queued() {
    let disk = SmallDisk::mount(160).unwrap();
    let (old, is_busy) = busy_target();
    let mut site = site(&disk, &old);
    for number in 0..10 {
        write(&site, &format!("before-{number}"));
    }
    site.kill().unwrap();
    disk.fill(0).unwrap();
    is_busy.store(false, Ordering::SeqCst);
    site.launch().unwrap();
    old.wait_for_taken(10).unwrap();
    wait_until_full(&site);
    disk.clear().unwrap();
    wait_until_open(&site);
}
