//! When a delivery is tried again, when its sender hears of a delay, and when it is given up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::peer::Peer;
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::wait;

use crate::{PROGRAM, message, split};

const ALICE: &str = "alice@example.com";
const JDOE: &str = "jdoe@example.com";

/// Many attempts within a second, a notice after one, the end after three.
const TIMES: &str = "retry_first = \"100ms\"\nretry_max = \"200ms\"\n\
    delay_notice = \"1s\"\nlifetime = \"3s\"\n";

/// A target that has no time for anybody until it is told to.
fn busy_target() -> (Peer, Arc<AtomicBool>) {
    split::target_that_may_say("451 4.3.2 Come back later", true)
}

/// A site with alice here and jdoe at the target; these times in its configuration.
fn site(target: &Peer, times: &str) -> Site {
    let file = split::site_file(target, "");
    let plan = Plan::new(PROGRAM).unwrap().section("queue", times);
    plan.site(&file).start().unwrap()
}

/// Alice writes to jdoe, with these parameters to RCPT.
fn write(site: &Site, parameters: &str) {
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client.expect(&format!("MAIL FROM:<{ALICE}>"), 250).unwrap();
    let rcpt = format!("RCPT TO:<{JDOE}>{parameters}");
    client.expect(&rcpt, 250).unwrap();
    client.expect("DATA", 354).unwrap();
    client.send(message("late").as_bytes()).unwrap();
    client.expect(".", 250).unwrap();
}

fn attempts(target: &Peer) -> usize {
    let heard = target.heard();
    heard.iter().filter(|line| line.starts_with("RCPT")).count()
}

fn wait_for_attempts(target: &Peer, more: usize) {
    let wanted = attempts(target) + more;
    wait::until("more attempts", || {
        (attempts(target) >= wanted).then_some(())
    })
    .unwrap();
}

fn reports(site: &Site) -> Vec<String> {
    site.messages("example.com", "alice")
}

fn wait_for_expiry(site: &Site) {
    let to = format!("to=<{JDOE}>");
    site.wait_for_log(&[&to, "status=expired"]).unwrap();
    wait::until("an empty queue", || {
        let list = site.ask(&["queue", "list"]).ok()?;
        let left = list.as_array().or_else(|| list["messages"].as_array())?;
        let waits = |message: &&serde_json::Value| message["sender"].as_str() == Some(ALICE);
        (left.iter().filter(waits).count() == 0).then_some(())
    })
    .unwrap();
}

#[test]
fn a_delivery_is_tried_again_until_it_is_taken() {
    let (old, is_busy) = busy_target();
    let site = site(&old, "retry_first = \"100ms\"\nretry_max = \"200ms\"\n");
    write(&site, "");
    wait_for_attempts(&old, 3);
    is_busy.store(false, Ordering::SeqCst);
    old.wait_for_taken(1).unwrap();
    site.wait_for_log(&["to=<jdoe@example.com>", "status=sent"])
        .unwrap();
    assert!(reports(&site).is_empty());
}

#[test]
fn the_sender_hears_of_a_delay_once() {
    let (old, is_busy) = busy_target();
    let site = site(&old, &TIMES.replace("3s", "1h"));
    write(&site, "");
    let notices = site.wait_for_messages("example.com", "alice", 1).unwrap();
    for line in [
        "Action: delayed\n",
        "Status: 4.3.2\n",
        "Will-Retry-Until: ",
        "Final-Recipient: rfc822;jdoe@example.com\n",
    ] {
        assert!(notices[0].contains(line), "{line} in {}", notices[0]);
    }
    wait_for_attempts(&old, 3);
    is_busy.store(false, Ordering::SeqCst);
    old.wait_for_taken(1).unwrap();
    assert_eq!(reports(&site).len(), 1);
}

#[test]
fn no_notice_of_a_delay_is_sent_where_it_is_turned_off() {
    let (old, _) = busy_target();
    let site = site(&old, &TIMES.replace("\"1s\"", "\"0s\""));
    write(&site, "");
    wait_for_expiry(&site);
    let reports = site.wait_for_messages("example.com", "alice", 1).unwrap();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(reports[0].contains("Action: failed\n"), "{reports:?}");
}

#[test]
fn what_was_not_delivered_in_time_comes_back_with_what_was_said_last() {
    let (old, _) = busy_target();
    let site = site(&old, &TIMES.replace("\"1s\"", "\"1h\""));
    write(&site, "");
    let reports = site.wait_for_messages("example.com", "alice", 1).unwrap();
    assert_eq!(reports.len(), 1, "{reports:?}");
    for line in ["Action: failed\n", "Status: 4.4.7\n", "Come back later"] {
        assert!(reports[0].contains(line), "{line} in {}", reports[0]);
    }
    wait_for_expiry(&site);
}

#[test]
fn a_sender_who_asks_for_failures_only_hears_of_no_delay() {
    let (old, _) = busy_target();
    let site = site(&old, TIMES);
    write(&site, " NOTIFY=FAILURE");
    wait_for_expiry(&site);
    let reports = site.wait_for_messages("example.com", "alice", 1).unwrap();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(reports[0].contains("Action: failed\n"), "{reports:?}");
}

#[test]
fn a_sender_who_asks_for_delays_only_hears_of_no_failure() {
    let (old, _) = busy_target();
    let site = site(&old, TIMES);
    write(&site, " NOTIFY=DELAY");
    wait_for_expiry(&site);
    let reports = reports(&site);
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(reports[0].contains("Action: delayed\n"), "{reports:?}");
}

#[test]
fn a_sender_who_asks_for_nothing_hears_nothing() {
    let (old, _) = busy_target();
    let site = site(&old, TIMES);
    write(&site, " NOTIFY=NEVER");
    wait_for_expiry(&site);
    assert!(reports(&site).is_empty(), "{:?}", reports(&site));
}

#[test]
fn nothing_expires_without_an_attempt_after_a_restart() {
    let (old, is_busy) = busy_target();
    let mut site = site(&old, &TIMES.replace("\"1s\"", "\"1h\""));
    write(&site, "");
    let accepted = SystemTime::now();
    wait_for_attempts(&old, 1);
    site.stop().unwrap();
    let over = accepted + Duration::from_secs(4);
    wait::until("the lifetime to be over", || {
        (SystemTime::now() > over).then_some(())
    })
    .unwrap();
    is_busy.store(false, Ordering::SeqCst);
    site.launch().unwrap();
    old.wait_for_taken(1).unwrap();
    site.wait_for_log(&["to=<jdoe@example.com>", "status=sent"])
        .unwrap();
    assert!(reports(&site).is_empty(), "{:?}", reports(&site));
}

#[test]
fn one_attempt_after_a_restart_is_enough_to_give_up() {
    let (old, _) = busy_target();
    let mut site = site(&old, &TIMES.replace("\"1s\"", "\"1h\""));
    write(&site, "");
    wait_for_attempts(&old, 1);
    site.kill().unwrap();
    let killed = SystemTime::now();
    wait::until("the lifetime to be over", || {
        (SystemTime::now() > killed + Duration::from_secs(4)).then_some(())
    })
    .unwrap();
    let before = attempts(&old);
    site.launch().unwrap();
    wait_for_expiry(&site);
    assert_eq!(attempts(&old), before + 1);
}
