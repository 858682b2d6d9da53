//! What is believed of a refusal, and who is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::peer::{Moment, Peer, Reaction};
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::{maildir, wait};

use crate::{PROGRAM, message, split};

/// Nobody is told at once what the next hop refuses: it is reported.
fn plan() -> Plan {
    let plan = Plan::new(PROGRAM).unwrap();
    plan.section("outbound", "cut_through = \"0s\"\n")
}

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
    plan().site(&file).start().unwrap()
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
    site.flush(&[]).unwrap();
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

/// What a third party at the target is told of a message that the target refuses, where the target
/// offers this.
fn report_over(offers: &str, mail: &str, content: &str) -> waypost_testkit::peer::Taken {
    let plan = waypost_testkit::peer::Plan::new(unused_address().unwrap()).offers(offers);
    let old = plan
        .start(|moment| match moment {
            Moment::Command(line) if line.starts_with("RCPT TO:<gone@") => {
                Some(Reaction::Say("550 5.1.1 No such user".to_owned()))
            }
            _ => None,
        })
        .unwrap();
    let more = r#"
[[user]]
domain = "example.com"
login = "gone"
mail = "third-party"
addresses = ["gone@example.com"]
"#;
    let file = split::site_file(&old, "") + more;
    let site = self::plan().site(&file).start().unwrap();
    let mut client = Dialogue::open(site.smtp()).unwrap();
    let command = format!("MAIL FROM:<jdoe@example.com> RET=FULL{mail}");
    client.expect(&command, 250).unwrap();
    client.expect("RCPT TO:<gone@example.com>", 250).unwrap();
    client.expect("DATA", 354).unwrap();
    client.send(content.as_bytes()).unwrap();
    client.expect(".", 250).unwrap();
    let report = old.wait_for_taken(1).unwrap().remove(0);
    let kept = site.dir().join("data/postmaster");
    assert!(maildir::messages(&kept).is_empty(), "a report of a report");
    report
}

/// 8bit, in its header or below it.
fn eight_bit(subject: &str) -> String {
    format!("From: jdoe@example.com\r\nSubject: {subject}\r\n\r\nViele Grüße.\r\n")
}

#[test]
fn eight_bit_content_is_returned_whole_as_eight_bit() {
    for (subject, mail, kind) in [
        ("plain", "", "message/rfc822"),
        ("plain", " BODY=8BITMIME", "message/rfc822"),
        ("grüße", " BODY=8BITMIME SMTPUTF8", "message/global"),
    ] {
        let content = eight_bit(subject);
        let report = report_over("PIPELINING\n8BITMIME\nSMTPUTF8\nDSN", mail, &content);
        let text = report.text();
        assert!(report.mail.contains("BODY=8BITMIME"), "{}", report.mail);
        assert!(!report.mail.contains("SMTPUTF8"), "{}", report.mail);
        let declared = format!("Content-Type: {kind}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
        let (_, returned) = text.split_once(&declared).expect(&text);
        assert!(returned.contains(&content), "{text}");
    }
}

#[test]
fn eight_bit_content_is_cut_to_its_header_where_the_next_hop_takes_no_8bitmime() {
    let report = report_over("PIPELINING\nDSN", "", &eight_bit("plain"));
    let text = report.text();
    assert!(report.content.is_ascii(), "{text}");
    assert!(!report.mail.contains("8BITMIME"), "{}", report.mail);
    assert!(text.contains("Content-Type: text/rfc822-headers"), "{text}");
    assert!(text.contains("Subject: plain\r\n"), "{text}");
    assert!(!text.contains("8bit") && !text.contains("Viele"), "{text}");
}

#[test]
fn content_beyond_the_next_hops_size_is_cut_to_its_header() {
    let content = format!("Subject: long\r\n\r\n{}", "Hello.\r\n".repeat(400));
    let report = report_over("PIPELINING\nSIZE 3000", "", &content);
    let text = report.text();
    assert!(
        text.contains("Subject: long\r\n") && !text.contains("Hello."),
        "{text}"
    );
}
