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

/// A message for jdoe that waits for a second attempt long from now; its id.
fn deferred(site: &Site, is_busy: &AtomicBool) -> String {
    is_busy.store(true, Ordering::SeqCst);
    write(site, &["jdoe@example.com"]);
    let deferred = ["to=<jdoe@example.com>", "status=deferred"];
    let line = site.wait_for_log(&deferred).unwrap();
    line.split(": ").nth(1).unwrap().to_owned()
}

#[test]
fn time_under_a_hold_between_two_attempts_does_not_count() {
    for is_released in [true, false] {
        let (old, is_busy) = target();
        let times = format!("{RARELY}lifetime = \"3s\"\ndelay_notice = \"0s\"\n");
        let site = site(&old, &times);
        let id = deferred(&site, &is_busy);
        let hold = ["queue", "hold", "--target", "old"];
        let end = SystemTime::now() + Duration::from_secs(4);
        if is_released {
            site.tell(&hold).unwrap();
            wait::until("the lifetime's end", || is_over(end).then_some(())).unwrap();
            site.tell(&["queue", "release", "--target", "old"]).unwrap();
        } else {
            let hold = [hold.as_slice(), &["--until", "4s"]].concat();
            site.tell(&hold).unwrap();
            let end = end + SECOND;
            wait::until("the hold's end", || is_over(end).then_some(())).unwrap();
        }
        site.tell(&["queue", "flush", &id]).unwrap();
        wait::until("an attempt", || (attempts(&old) > 1).then_some(())).unwrap();
        let again = wait::until("its result", || {
            let log = site.log();
            let mut lines = log.lines().filter(|line| line.contains("status="));
            lines.nth(1).map(str::to_owned)
        });
        let again = again.unwrap();
        assert!(again.contains("status=deferred"), "{is_released}: {again}");
    }
}

#[test]
fn holds_are_listed_with_their_reason_and_end() {
    let (old, _) = target();
    let site = site(&old, RARELY);
    assert_eq!(
        site.tell(&["queue", "holds"]).unwrap().trim(),
        "Nothing is held"
    );
    let hold = |words: &[&str]| site.tell(&[&["queue", "hold"], words].concat()).unwrap();
    hold(&["--target", "old", "--reason", "new disk", "--until", "4h"]);
    hold(&["--domain", "elsewhere.test"]);
    hold(&["--user", "bob@example.org", "--until", "1s"]);
    // What is over is not shown.
    let holds = wait::until("the end of bob's hold", || {
        let holds = site.ask(&["queue", "holds"]).ok()?;
        (holds.as_array()?.len() == 2).then_some(holds)
    })
    .unwrap();
    assert_eq!(holds[0]["held"], "domain elsewhere.test");
    assert!(holds[0]["until"].is_null(), "{holds}");
    assert_eq!(holds[1]["held"], "target old");
    assert_eq!(holds[1]["reason"], "new disk");
    let said = site.tell(&["queue", "holds"]).unwrap();
    assert!(said.contains("new disk"), "{said}");
    // A longer hold began when the first one did.
    hold(&["--target", "old", "--reason", "another disk"]);
    let again = site.ask(&["queue", "holds"]).unwrap();
    assert_eq!(again[1]["since"], holds[1]["since"]);
    assert_eq!(again[1]["reason"], "another disk");
}

#[test]
fn what_waits_says_at_once_that_it_is_held_now() {
    let (old, is_busy) = target();
    let site = site(&old, RARELY);
    let id = deferred(&site, &is_busy);
    for what in [
        ["--target", "old"],
        ["--domain", "example.com"],
        ["--user", "jdoe@example.com"],
    ] {
        let reason = ["--reason", "new disk"];
        site.tell(&[["queue", "hold"], what, reason].concat())
            .unwrap();
        let shown = site.tell(&["queue", "show", &id]).unwrap();
        let says = format!(
            "{} is held: new disk",
            what.join(" ").trim_start_matches("--")
        );
        assert!(shown.contains(&says), "{shown}");
        assert!(shown.contains("standing:    held\n"), "{shown}");
        let listing = site.tell(&["queue", "list", "--held"]).unwrap();
        assert!(listing.contains(&says), "{listing}");
        site.tell(&[["queue", "release"], what].concat()).unwrap();
        let shown = site.tell(&["queue", "show", &id]).unwrap();
        assert!(shown.contains("standing:    deferred\n"), "{shown}");
    }
}

#[test]
fn what_is_held_is_not_flushed_but_said() {
    let (old, is_busy) = target();
    let site = site(&old, RARELY);
    let id = deferred(&site, &is_busy);
    let refused = |words: &[&str]| {
        let output = site.run(words).unwrap();
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    site.tell(&["queue", "hold", "--target", "old", "--reason", "new disk"])
        .unwrap();
    for words in [&["--target", "old"][..], &[&id]] {
        let said = refused(&[&["queue", "flush"], words].concat());
        assert!(said.contains("target old is held: new disk"), "{said}");
        assert!(
            said.contains("`waypost queue release --target old`"),
            "{said}"
        );
    }
    let all = site.tell(&["queue", "flush"]).unwrap();
    assert!(all.contains("`waypost queue holds`"), "{all}");
    site.tell(&["queue", "release", "--target", "old"]).unwrap();
    site.tell(&["queue", "hold", &id, "--reason", "odd"])
        .unwrap();
    let said = refused(&["queue", "flush", &id]);
    assert!(said.contains(&format!("{id} is held: odd")), "{said}");
    assert!(
        said.contains(&format!("`waypost queue release {id}`")),
        "{said}"
    );
}

#[test]
fn errors_about_holds_name_what_is_wrong_and_the_mend() {
    let (old, is_busy) = target();
    let site = site(&old, RARELY);
    let id = deferred(&site, &is_busy);
    for (words, says, mend) in [
        (
            ["release", "--target", "old"].as_slice(),
            "target old is not held",
            "queue holds",
        ),
        (
            &["release", "--user", "x@example.com"],
            "user x@example.com is not held",
            "queue holds",
        ),
        (
            &["release", &id],
            &format!("{id} is not held"),
            "queue list --held",
        ),
        (
            &["hold", "--target", "nix"],
            "there is no target nix",
            "target list",
        ),
        (
            &["hold", "--user", "x@example.com"],
            "there is no user x@example.com",
            "user list",
        ),
        (
            &["flush", "--target", "nix"],
            "no such target",
            "target list",
        ),
    ] {
        let output = site.run(&[&["queue"], words].concat()).unwrap();
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            said.contains(says) && said.contains(mend),
            "{words:?}: {said}"
        );
    }
}
