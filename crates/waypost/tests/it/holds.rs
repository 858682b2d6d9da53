//! Holds with an end: what is under them waits, the rest flows, and they end by themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::peer::Peer;
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::wait;

use crate::{PROGRAM, message, split};

/// A hold ends with a whole second.
const SECOND: Duration = Duration::from_secs(1);

/// A target that takes everything, or has no time when told so.
fn target() -> (Peer, Arc<AtomicBool>) {
    split::target_that_may_say("451 4.3.2 Come back later", false)
}

/// Alice here, jdoe at the target, and another domain with bob here.
fn site(target: &Peer, times: &str) -> Site {
    let more = r#"
[[domain]]
name = "example.org"

[[user]]
domain = "example.org"
login = "bob"
mail = "local"
addresses = ["bob@example.org"]
"#;
    let file = split::site_file(target, "") + more;
    let plan = Plan::new(PROGRAM).unwrap().section("queue", times);
    plan.site(&file).start().unwrap()
}

const OFTEN: &str = "retry_first = \"100ms\"\nretry_max = \"200ms\"\n";
/// So rarely that a test sees no second attempt that is not caused by a hold's end.
const RARELY: &str = "retry_first = \"1h\"\nretry_max = \"1h\"\n";

fn write(site: &Site, recipients: &[&str]) {
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client
        .submit("alice@example.com", recipients, &message("held"))
        .unwrap();
}

/// Holds something for so many seconds; when the hold ends, at the earliest.
fn hold(site: &Site, what: &[&str], seconds: u64) -> SystemTime {
    let end = SystemTime::now() + Duration::from_secs(seconds) - SECOND;
    let until = format!("{seconds}s");
    let words = [&["queue", "hold"], what, &["--until", &until]].concat();
    site.tell(&words).unwrap();
    end
}

fn is_over(end: SystemTime) -> bool {
    SystemTime::now() >= end
}

#[test]
fn what_is_held_waits_for_the_end_while_the_rest_flows() {
    for (what, held, free) in [
        (
            ["--target", "old"],
            "jdoe@example.com",
            ["alice@example.com", "bob@example.org"].as_slice(),
        ),
        (
            ["--domain", "example.com"],
            "jdoe@example.com",
            &["bob@example.org"],
        ),
        (
            ["--user", "jdoe@example.com"],
            "jdoe@example.com",
            &["alice@example.com", "bob@example.org"],
        ),
    ] {
        let (old, _) = target();
        let site = site(&old, RARELY);
        let end = hold(&site, &what, 3);
        write(&site, &[&[held], free].concat());
        for address in free {
            let (login, domain) = address.split_once('@').unwrap();
            site.wait_for_messages(domain, login, 1).unwrap();
        }
        assert!(old.taken().is_empty() || is_over(end), "{what:?}");
        // Nobody releases it.
        let taken = old.wait_for_taken(1).unwrap();
        assert!(is_over(end), "{what:?} went before its time");
        assert_eq!(taken[0].recipients.len(), 1, "{taken:?}");
    }
}

#[test]
fn a_local_user_can_be_held_until_a_time() {
    let (old, _) = target();
    let site = site(&old, RARELY);
    let end = hold(&site, &["--user", "alice@example.com"], 3);
    write(&site, &["alice@example.com", "jdoe@example.com"]);
    old.wait_for_taken(1).unwrap();
    assert!(site.messages("example.com", "alice").is_empty() || is_over(end));
    site.wait_for_messages("example.com", "alice", 1).unwrap();
    assert!(is_over(end));
}

#[test]
fn a_message_can_be_held_until_a_time() {
    let (old, is_busy) = target();
    is_busy.store(true, Ordering::SeqCst);
    let site = site(&old, RARELY);
    write(&site, &["jdoe@example.com"]);
    site.wait_for_log(&["to=<jdoe@example.com>", "status=deferred"])
        .unwrap();
    is_busy.store(false, Ordering::SeqCst);
    let log = site.log();
    let line = log.lines().find(|line| line.contains("status=deferred"));
    let id = line.unwrap().split(": ").nth(1).unwrap().to_owned();
    let end = hold(&site, &[&id], 3);
    let told = site.ask(&["queue", "flush"]).unwrap();
    assert!(old.taken().is_empty() || is_over(end), "{told}");
    old.wait_for_taken(1).unwrap();
    assert!(is_over(end));
}

#[test]
fn a_new_end_replaces_the_old_one() {
    let (old, _) = target();
    let site = site(&old, RARELY);
    site.tell(&["queue", "hold", "--target", "old"]).unwrap();
    write(&site, &["jdoe@example.com", "alice@example.com"]);
    site.wait_for_messages("example.com", "alice", 1).unwrap();
    let end = hold(&site, &["--target", "old"], 3);
    old.wait_for_taken(1).unwrap();
    assert!(is_over(end));
}

fn attempts(target: &Peer) -> usize {
    let heard = target.heard();
    heard.iter().filter(|line| line.starts_with("RCPT")).count()
}

fn waiting(site: &Site) -> Option<Value> {
    site.ask(&["queue", "list"]).ok()
}

#[test]
fn time_under_hold_does_not_count_towards_the_lifetime() {
    for restarts in [false, true] {
        let (old, is_busy) = target();
        is_busy.store(true, Ordering::SeqCst);
        let times = format!("{OFTEN}lifetime = \"3s\"\ndelay_notice = \"0s\"\n");
        let mut site = site(&old, &times);
        let end = hold(&site, &["--target", "old"], 5);
        write(&site, &["jdoe@example.com", "bob@example.org"]);
        site.wait_for_messages("example.org", "bob", 1).unwrap();
        if restarts {
            site.stop().unwrap();
            site.launch().unwrap();
        }
        wait::until("the hold's end", || is_over(end).then_some(())).unwrap();
        assert!(waiting(&site).unwrap().to_string().contains("jdoe"));
        // Not given up at once, as it would be if the hold had counted.
        wait::until("attempts", || (attempts(&old) > 3).then_some(())).unwrap();
        let report = site.wait_for_messages("example.com", "alice", 1).unwrap();
        assert!(report[0].contains("Status: 4.4.7\n"), "{}", report[0]);
    }
}

#[test]
fn time_under_hold_does_not_count_towards_the_notice_of_a_delay() {
    let (old, is_busy) = target();
    is_busy.store(true, Ordering::SeqCst);
    let site = site(&old, &format!("{OFTEN}delay_notice = \"3s\"\n"));
    let end = hold(&site, &["--target", "old"], 5);
    write(&site, &["jdoe@example.com"]);
    wait::until("the hold's end", || is_over(end).then_some(())).unwrap();
    wait::until("attempts", || (attempts(&old) > 3).then_some(())).unwrap();
    let reports = site.messages("example.com", "alice");
    let noticed = |limit| SystemTime::now() > end + Duration::from_secs(limit);
    assert!(reports.is_empty() || noticed(3), "{reports:?}");
    let reports = site.wait_for_messages("example.com", "alice", 1).unwrap();
    assert!(reports[0].contains("Action: delayed\n"), "{reports:?}");
}
