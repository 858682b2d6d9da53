//! What one target allows, and what it cannot do to the others.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::lab::starve::descriptors::starve;
use waypost_testkit::lab::{Found, Trial};
use waypost_testkit::peer::{Moment, Peer, Plan as PeerPlan, Reaction};
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::wait::{self, PATIENCE};

use crate::{PROGRAM, message};

/// A site with alice here, jdoe at the first target and mary at the second.
fn site(first: IpAddr, lines: &str, second: IpAddr) -> Site {
    let file = format!(
        r#"
[[target]]
name = "first"
host = "{first}"
port = 2525
tls = "off"
{lines}

[[target]]
name = "second"
host = "{second}"
port = 2525
tls = "off"

[[domain]]
name = "example.com"
relay = "first"

[[user]]
domain = "example.com"
login = "alice"
mail = "local"
addresses = ["alice@example.com"]

[[user]]
domain = "example.com"
login = "jdoe"
mail = "third-party"
addresses = ["jdoe@example.com"]

[[user]]
domain = "example.com"
login = "mary"
mail = "third-party"
target = "second"
addresses = ["mary@example.com"]
"#
    );
    Plan::new(PROGRAM).unwrap().site(&file).start().unwrap()
}

/// Alice writes so many messages to somebody.
fn write(site: &Site, recipient: &str, count: usize) {
    let mut client = Dialogue::open(site.smtp()).unwrap();
    for _ in 0..count {
        let recipient = format!("{recipient}@example.com");
        client
            .submit("alice@example.com", &[&recipient], &message("out"))
            .unwrap();
    }
}

/// What is shut until it is opened, and counts who waits before it.
#[derive(Default)]
struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
    waiting: AtomicUsize,
    most: AtomicUsize,
}

impl Gate {
    fn pass(&self) {
        let waiting = self.waiting.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(waiting, Ordering::SeqCst);
        let is_open = self.is_open.lock().unwrap();
        let waited = self
            .opened
            .wait_timeout_while(is_open, PATIENCE, |is_open| !*is_open);
        drop(waited.unwrap());
        self.waiting.fetch_sub(1, Ordering::SeqCst);
    }

    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

#[test]
fn no_more_connections_are_made_than_a_target_allows() {
    let gate = Arc::new(Gate::default());
    let before_end = Arc::clone(&gate);
    let first = PeerPlan::new(unused_address().unwrap()).start(move |moment| {
        if matches!(moment, Moment::End(_)) {
            before_end.pass();
        }
        None
    });
    let (first, second) = (
        first.unwrap(),
        Peer::start(unused_address().unwrap()).unwrap(),
    );
    let (at_first, at_second) = (first.smtp().ip(), second.smtp().ip());
    let site = site(at_first, "connections = 2", at_second);
    write(&site, "jdoe", 8);
    // What came last is through, so that all of the others had their turn.
    write(&site, "mary", 1);
    second.wait_for_taken(1).unwrap();
    wait::until("two at once", || {
        (gate.waiting.load(Ordering::SeqCst) == 2).then_some(())
    })
    .unwrap();
    gate.open();
    first.wait_for_taken(8).unwrap();
    assert_eq!(gate.most.load(Ordering::SeqCst), 2);
}

#[test]
fn a_target_that_says_nothing_delays_nobody_else() {
    for stalls_at_greeting in [true, false] {
        let first = Peer::start_scripted(unused_address().unwrap(), move |moment| match moment {
            Moment::Connect if stalls_at_greeting => Some(Reaction::Stall),
            Moment::End(_) => Some(Reaction::Stall),
            _ => None,
        })
        .unwrap();
        let second = Peer::start(unused_address().unwrap()).unwrap();
        let site = site(first.smtp().ip(), "", second.smtp().ip());
        // Many more than the first one's connections.
        write(&site, "jdoe", 100);
        for count in 1..=3 {
            write(&site, "mary", 1);
            write(&site, "alice", 1);
            second.wait_for_taken(count).unwrap();
            site.wait_for_messages("example.com", "alice", count)
                .unwrap();
        }
        assert!(first.taken().is_empty());
        let waiting = site.ask(&["queue", "summary"]).unwrap().to_string();
        assert!(waiting.contains("\"total\":100"), "{waiting}");
    }
}

#[test]
fn what_is_larger_than_a_target_announces_is_refused_unsent() {
    let plan = PeerPlan::new(unused_address().unwrap()).offers("PIPELINING\nSIZE 2000");
    let first = plan.start(|_| None).unwrap();
    let site = site(first.smtp().ip(), "", unused_address().unwrap());
    let mut client = Dialogue::open(site.smtp()).unwrap();
    let large = format!("{}{}", message("large"), "Much more.\r\n".repeat(200));
    let to = ["jdoe@example.com"];
    let (_, last) = client.submit("alice@example.com", &to, &large).unwrap();
    assert!(
        last.as_ref().unwrap().text.starts_with("554 5.3.4 "),
        "{last:?}"
    );
    // It may have heard the envelope while the content was on its way.
    assert!(first.taken().is_empty());
    write(&site, "jdoe", 1);
    first.wait_for_taken(1).unwrap();
}

#[test]
fn a_target_that_comes_back_is_not_left_alone_for_long() {
    let is_there = Arc::new(AtomicBool::new(false));
    let answers = Arc::clone(&is_there);
    let first = Peer::start_scripted(unused_address().unwrap(), move |moment| match moment {
        Moment::Connect if !answers.load(Ordering::SeqCst) => Some(Reaction::Close),
        _ => None,
    })
    .unwrap();
    let site = site(first.smtp().ip(), "", unused_address().unwrap());
    write(&site, "jdoe", 20);
    site.wait_for_log(&["to=<jdoe@example.com>", "status=deferred"])
        .unwrap();
    is_there.store(true, Ordering::SeqCst);
    first.wait_for_taken(20).unwrap();
}

#[test]
fn clients_that_use_up_the_descriptors_hinder_no_delivery() {
    let trial = Trial {
        program: std::path::Path::new(PROGRAM),
        seed: 1,
        until: Instant::now() + PATIENCE,
        is_short: true,
    };
    let mut found = Found::default();
    starve(&trial, &mut found).unwrap();
    assert!(found.broke.is_empty(), "{:#?}", found.broke);
}
