//! What is believed of a refusal, and who is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::peer::Peer;
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::{maildir, wait};

use crate::{PROGRAM, message, split};

/// A domain with alice here and jdoe on the peer; more lines for the domain.
fn site(peer: &Peer, domain: &str) -> Site {
    let more = r#"
[[group]]
domain = "example.com"
name = "team"
addresses = ["team@example.com"]
members = ["jdoe@example.com"]
owner = "alice@example.com"
"#;
    let file = split::site_file(peer, domain) + more;
    Plan::new(PROGRAM).unwrap().site(&file).start().unwrap()
}

/// A peer that takes everything until told to refuse every recipient.
fn turning_peer() -> (Peer, Arc<AtomicBool>) {
    split::target_that_may_say("550 5.1.1 No such user at mail.internal.test", false)
}

#[test]
fn a_refusal_that_contradicts_a_delivery_is_not_believed_at_once() {
    let (old, refuses) = turning_peer();
    let site = site(&old, "");
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client
        .submit(
            "alice@example.com",
            &["jdoe@example.com"],
            &message("first"),
        )
        .unwrap();
    old.wait_for_taken(1).unwrap();
    site.wait_for_log(&["to=<jdoe@example.com>", "status=sent"])
        .unwrap();
    refuses.store(true, Ordering::SeqCst);
    client
        .submit(
            "alice@example.com",
            &["jdoe@example.com"],
            &message("second"),
        )
        .unwrap();
    site.wait_for_log(&["to=<jdoe@example.com>", "status=deferred", "5.1.1"])
        .unwrap();
    assert!(site.messages("example.com", "alice").is_empty());
    refuses.store(false, Ordering::SeqCst);
    site.tell(&["queue", "flush"]).unwrap();
    old.wait_for_taken(2).unwrap();
}

#[test]
fn a_bounce_goes_to_the_owner_of_a_group() {
    let (old, refuses) = turning_peer();
    refuses.store(true, Ordering::SeqCst);
    let site = site(&old, "");
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client
        .submit(
            "someone@elsewhere.test",
            &["team@example.com"],
            &message("to all"),
        )
        .unwrap();
    let bounces = site.wait_for_messages("example.com", "alice", 1).unwrap();
    let recipient = "jdoe@example.com";
    let about = |line: &str| line.starts_with("Final-Recipient:") && line.ends_with(recipient);
    assert!(bounces[0].lines().any(about), "{}", bounces[0]);
    assert!(bounces[0].contains("Action: failed") && bounces[0].contains("Status: 5.1.1"));
    assert!(bounces[0].starts_with("Return-Path: <>"), "{}", bounces[0]);
}

#[test]
fn a_bounce_of_a_bounce_goes_to_the_postmaster_only() {
    let (old, refuses) = turning_peer();
    refuses.store(true, Ordering::SeqCst);
    let site = site(&old, "");
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client
        .submit("", &["jdoe@example.com"], &message("a report"))
        .unwrap();
    let kept = site.dir().join("data/postmaster");
    let reports = wait::until("the double bounce", || {
        Some(maildir::messages(&kept)).filter(|messages| !messages.is_empty())
    })
    .unwrap();
    assert!(reports[0].contains("jdoe@example.com"), "{reports:?}");
    assert!(site.messages("example.com", "alice").is_empty());
}

#[test]
fn a_relay_that_accepts_everybody_is_trusted_blindly_with_a_warning() {
    let old = Peer::start(unused_address().unwrap()).unwrap();
    let site = site(&old, "forward_unknown = true");
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client.expect("MAIL FROM:<a@elsewhere.test>", 250).unwrap();
    client.expect("RCPT TO:<anybody@example.com>", 250).unwrap();
    site.wait_for_log(&["warning", "accepts"]).unwrap();
}

#[test]
fn success_is_reported_when_the_sender_asks_and_the_next_hop_cannot() {
    let offers = "PIPELINING\nSIZE 1000000\n8BITMIME";
    let old = Peer::start_with(unused_address().unwrap(), offers, |_| None).unwrap();
    let site = site(&old, "");
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client
        .expect("MAIL FROM:<alice@example.com> RET=HDRS ENVID=abc", 250)
        .unwrap();
    client
        .expect("RCPT TO:<jdoe@example.com> NOTIFY=SUCCESS", 250)
        .unwrap();
    client.expect("DATA", 354).unwrap();
    client.send(message("please confirm").as_bytes()).unwrap();
    client.expect(".", 250).unwrap();
    let reports = site.wait_for_messages("example.com", "alice", 1).unwrap();
    assert!(reports[0].contains("Action: relayed"), "{}", reports[0]);
    assert!(
        reports[0].contains("Original-Envelope-Id: abc"),
        "{}",
        reports[0]
    );
}
