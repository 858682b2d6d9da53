//! Servers that Waypost hands mail on to.

use std::net::SocketAddr;

use waypost_testkit::abroad::{Abroad, Wish};
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::overheard::Overheard;
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, SMTP_PORT, Site};
use waypost_testkit::tls::Authority;
use waypost_testkit::wait;

use super::{body, hand_in, received_with, tried, wait_for_mail, written};
use crate::PROGRAM;

const ALICE: &str = "<alice@example.com>";
const BOB: &str = "<bob@example.net>";

/// The version, and what came out.
type Found = (String, String);

/// example.net is hosted by the server abroad, says Waypost, and knows four addresses of it, one
/// of which nobody has there; alice is here.
fn directory(target: SocketAddr, tls: &str) -> String {
    let mut text = format!(
        "[[target]]\nname = \"abroad\"\nhost = \"{}\"\nport = 2525\ntls = \"{tls}\"\n\n\
         [[domain]]\nname = \"example.net\"\nrelay = \"abroad\"\n\n\
         [[domain]]\nname = \"example.com\"\n\n\
         [[user]]\ndomain = \"example.com\"\nlogin = \"alice\"\nmail = \"local\"\n\
         addresses = [\"alice@example.com\"]\n",
        target.ip()
    );
    for (login, address) in [
        ("bob", "bob@example.net"),
        ("later", "later@example.net"),
        ("gone", "gone@example.net"),
        ("jurgen", "jürgen@example.net"),
    ] {
        text.push_str(&format!(
            "\n[[user]]\ndomain = \"example.net\"\nlogin = \"{login}\"\nmail = \"third-party\"\n\
             addresses = [\"{address}\"]\n"
        ));
    }
    text
}

/// A server abroad, and a site that hands it mail as if it were this target.
fn both<A: Abroad>() -> (Site, A) {
    let plan = Plan::new(PROGRAM).unwrap();
    let wish = Wish::new(SocketAddr::new(plan.address(), SMTP_PORT));
    let abroad = A::start(&wish).unwrap();
    let site = plan.site(&directory(abroad.smtp(), "off")).start().unwrap();
    (site, abroad)
}

/// The same, with somebody between them who listens.
fn overheard<A: Abroad>(largest: Option<u64>) -> (Site, A, Overheard) {
    let plan = Plan::new(PROGRAM).unwrap();
    let mut wish = Wish::new(SocketAddr::new(plan.address(), SMTP_PORT));
    wish.largest = largest.unwrap_or(wish.largest);
    let abroad = A::start(&wish).unwrap();
    let between = Overheard::start(unused_address().unwrap(), abroad.smtp()).unwrap();
    let site = plan.site(&directory(between.address(), "off"));
    (site.start().unwrap(), abroad, between)
}

/// What alice hears who sends this.
fn refusal(site: &Site, from: &str, to: &str, content: &str) -> String {
    let error = hand_in(site.smtp(), from, &[to], content.as_bytes()).unwrap_err();
    assert!(site.messages("example.com", "alice").is_empty());
    error.to_string()
}

/// What came back to alice.
fn report(site: &Site, words: &[&str]) -> String {
    let messages = site.wait_for_messages("example.com", "alice", 1).unwrap();
    let found = messages
        .into_iter()
        .find(|text| words.iter().all(|word| text.contains(word)));
    found.unwrap_or_else(|| panic!("no report with {words:?}\n{}", site.log()))
}

fn plain<A: Abroad>() -> Found {
    let (site, abroad) = both::<A>();
    let long = "x".repeat(990);
    let wanted = format!("Hello.\r\n.\r\n..\r\n.one\r\n{long}\r\n\r\nEnd.\r\n");
    let content = written("plain", &wanted.replace("\r\n.", "\r\n.."));
    hand_in(site.smtp(), ALICE, &[BOB], content.as_bytes()).unwrap();
    let message = wait_for_mail(&abroad, "bob", &["Subject: plain"]);
    assert_eq!(body(&message), wanted);
    let with = received_with(&message).to_uppercase();
    assert!(message.contains("alice@example.com"), "{message}");
    (
        abroad.version().unwrap(),
        format!("body unchanged, with {with}"),
    )
}

/// Its certificate is signed by an authority that Waypost believes, and is for another name.
fn verified_tls<A: Abroad>() -> Found {
    let plan = Plan::new(PROGRAM).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new().unwrap();
    let believed = authority.write(folder.path()).unwrap();
    let mut wish = Wish::new(SocketAddr::new(plan.address(), SMTP_PORT));
    wish.identity = Some(authority.identity("mail.test").unwrap());
    let abroad = A::start(&wish).unwrap();
    let plan = plan.environment("SSL_CERT_FILE", &believed.display().to_string());
    let site = plan.site(&directory(abroad.smtp(), "verified"));
    let site = site.start().unwrap();
    let content = written("secret", "Hello.\r\n");
    hand_in(site.smtp(), ALICE, &[BOB], content.as_bytes()).unwrap();
    site.wait_for_log(&["to=<bob@example.net>", "status=deferred", "dsn=4.7.5"])
        .unwrap();
    assert!(abroad.messages("bob").is_empty());
    if !A::ABILITIES.serves_tls {
        site.tell(&["target", "set", "abroad", "--tls", "opportunistic"])
            .unwrap();
        let message = wait_for_mail(&abroad, "bob", &["Subject: secret"]);
        assert_eq!(received_with(&message), "ESMTP");
        let came_out = "its handshake fails: put off; opportunistic: goes on without";
        return (abroad.version().unwrap(), came_out.to_owned());
    }
    site.tell(&["target", "set", "abroad", "--tls", "required"])
        .unwrap();
    let message = wait_for_mail(&abroad, "bob", &["Subject: secret"]);
    let sent = site.wait_for_log(&["to=<bob@example.net>", "status=sent"]);
    let sent = sent.unwrap();
    let tls = sent.split("tls=").nth(1).unwrap_or_default();
    let tls = tls.split(' ').next().unwrap_or_default();
    let with = received_with(&message).to_uppercase();
    assert_eq!((with.as_str(), tls.is_empty()), ("ESMTPS", false), "{sent}");
    (
        abroad.version().unwrap(),
        format!("wrong name: put off; required: with {with}, {tls}"),
    )
}

/// Two messages, with somebody listening.
fn commands<A: Abroad>() -> Found {
    let (site, abroad, between) = overheard::<A>(None);
    for subject in ["first", "second"] {
        let content = written(subject, "Hello.\r\n");
        hand_in(site.smtp(), ALICE, &[BOB], content.as_bytes()).unwrap();
        wait_for_mail(&abroad, "bob", &[&format!("Subject: {subject}")]);
    }
    let chunks = between.clients().contains("BDAT ");
    assert_eq!(chunks, A::ABILITIES.takes_chunks, "{}", between.clients());
    let flight = match between.in_one_flight("MAIL FROM", "RCPT TO") {
        true => "in one flight",
        false => "one by one",
    };
    assert_eq!(between.connections(), 1);
    let content = if chunks { "BDAT" } else { "DATA" };
    (
        abroad.version().unwrap(),
        format!("commands {flight}, content by {content}, two messages in one session"),
    )
}

fn too_large<A: Abroad>() -> Found {
    let (site, abroad, between) = overheard::<A>(Some(100_000));
    let line = format!("{}\r\n", "x".repeat(70));
    let content = written("large", &line.repeat(3000));
    let refusal = refusal(&site, ALICE, BOB, &content);
    assert!(refusal.contains(" 5.3.4 "), "{refusal}");
    assert!(abroad.messages("bob").is_empty());
    let how = match between.clients().contains("MAIL FROM") {
        true => "refused by it",
        false => "not tried, by what EHLO said",
    };
    (
        abroad.version().unwrap(),
        format!("{how}; the sender hears 5.3.4"),
    )
}

fn eight_bit<A: Abroad>() -> Found {
    let (site, abroad) = both::<A>();
    let text = "Grüße, 世界.\r\n";
    let from = format!("{ALICE} BODY=8BITMIME");
    let content = written("8bit", text);
    hand_in(site.smtp(), &from, &[BOB], content.as_bytes()).unwrap();
    let message = wait_for_mail(&abroad, "bob", &["Subject: 8bit"]);
    assert_eq!(body(&message), text, "{message}");
    (abroad.version().unwrap(), "8-bit body unchanged".to_owned())
}

/// The address exists for Waypost; abroad, nobody has it.
fn utf8_address<A: Abroad>() -> Found {
    let (site, abroad) = both::<A>();
    let content = written("Grüße", "Hello.\r\n");
    let from = format!("{ALICE} SMTPUTF8");
    let to = "<jürgen@example.net>";
    let refusal = refusal(&site, &from, to, &content);
    let (wanted, came_out) = match A::ABILITIES.utf8 {
        true => (" 5.1.1 ", "the address was asked about, and refused"),
        false => (" 5.6.7 ", "not offered: the sender hears 5.6.7"),
    };
    assert!(refusal.contains(wanted), "{refusal}\n{}", abroad.log());
    (abroad.version().unwrap(), came_out.to_owned())
}

/// A header beyond ASCII to an address within.
fn utf8_header<A: Abroad>() -> Found {
    let (site, abroad) = both::<A>();
    let content = written("Grüße", "Hello.\r\n");
    let from = format!("{ALICE} SMTPUTF8");
    let version = abroad.version().unwrap();
    if A::ABILITIES.utf8 {
        hand_in(site.smtp(), &from, &[BOB], content.as_bytes()).unwrap();
        let message = wait_for_mail(&abroad, "bob", &["Subject: Grüße"]);
        assert!(message.to_uppercase().contains("UTF8"), "{message}");
        return (version, "header unchanged".to_owned());
    }
    let refusal = refusal(&site, &from, BOB, &content);
    assert!(refusal.contains(" 5.6.7 "), "{refusal}");
    (version, "not offered: the sender hears 5.6.7".to_owned())
}

fn one_of_two_refused<A: Abroad>() -> Found {
    let (site, abroad) = both::<A>();
    let to = ["<gone@example.net>", BOB];
    let content = written("two", "Hello.\r\n");
    hand_in(site.smtp(), ALICE, &to, content.as_bytes()).unwrap();
    wait_for_mail(&abroad, "bob", &["Subject: two"]);
    let report = report(&site, &["Action: failed", "gone@example.net"]);
    assert!(!report.contains("Final-Recipient: rfc822; bob"), "{report}");
    let status = report.lines().find(|line| line.starts_with("Status: "));
    let status = status.unwrap_or_default().trim_start_matches("Status: ");
    assert!(status.starts_with("5."), "{report}");
    (
        abroad.version().unwrap(),
        format!("bob got it, alice a report on gone with {status}"),
    )
}

fn put_off_then_taken<A: Abroad>() -> Found {
    let (site, abroad) = both::<A>();
    let content = written("later", "Hello.\r\n");
    hand_in(
        site.smtp(),
        ALICE,
        &["<later@example.net>"],
        content.as_bytes(),
    )
    .unwrap();
    let deferred = ["to=<later@example.net>", "status=deferred"];
    let line = site.wait_for_log(&deferred).unwrap();
    assert!(line.contains("451"), "{line}");
    abroad.relent().unwrap();
    wait_for_mail(&abroad, "later", &["Subject: later"]);
    site.wait_for_log(&["to=<later@example.net>", "status=sent"])
        .unwrap();
    assert_eq!(abroad.messages("later").len(), 1);
    assert!(site.messages("example.com", "alice").is_empty());
    (
        abroad.version().unwrap(),
        "kept after 451 at RCPT, then delivered once".to_owned(),
    )
}

/// The sender wants to know; who knows more than Waypost says it.
fn success_report<A: Abroad>() -> Found {
    let (site, abroad) = both::<A>();
    let from = format!("{ALICE} RET=HDRS ENVID=q1");
    let to = format!("{BOB} NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Bob@example.net");
    let content = written("tell me", "Hello.\r\n");
    hand_in(site.smtp(), &from, &[&to], content.as_bytes()).unwrap();
    wait_for_mail(&abroad, "bob", &["Subject: tell me"]);
    let messages = site.wait_for_messages("example.com", "alice", 1);
    let messages = messages.unwrap_or_else(|error| panic!("{error:#}\n{}", abroad.log()));
    assert_eq!(messages.len(), 1, "{messages:?}");
    let report = &messages[0];
    assert!(report.contains("multipart/"), "{report}");
    let action = report.lines().find(|line| line.starts_with("Action: "));
    let action = action.unwrap_or_default().trim_start_matches("Action: ");
    let whose = match report.contains("dns; site.test") && action.starts_with("relayed") {
        true => "ours",
        false => "its own",
    };
    (
        abroad.version().unwrap(),
        format!("one report, {whose}: {}", action.trim()),
    )
}

fn big<A: Abroad>() -> Found {
    let (site, abroad) = both::<A>();
    let line = format!("{}\r\n", "0123456789".repeat(7));
    let wanted = line.repeat(20_000_000 / line.len());
    let content = written("big", &wanted);
    hand_in(site.smtp(), ALICE, &[BOB], content.as_bytes()).unwrap();
    let sent = site.wait_for_log(&["to=<bob@example.net>", "status=sent"]);
    sent.unwrap();
    let message = wait_for_mail(&abroad, "bob", &["Subject: big"]);
    assert!(body(&message) == wanted, "the body has changed");
    (abroad.version().unwrap(), "20 MB unchanged".to_owned())
}

/// Half of it is there before the client has sent its end.
fn big_before_its_end<A: Abroad>() -> Found {
    let (site, abroad, between) = overheard::<A>(None);
    let half = ".0123456789\r\n".repeat(60_000);
    let wanted = format!("Begin.\r\n{half}in the middle\r\n{half}");
    let content = written("ahead", &wanted.replace("\r\n.", "\r\n.."));
    // On a machine that is busy for a second its turn is over before; then with another one.
    let mut tries = 0..3;
    let mut client = loop {
        tries.next().expect("nothing went ahead of its end");
        let mut client = Dialogue::open(site.smtp()).unwrap();
        client.expect(&format!("MAIL FROM:{ALICE}"), 250).unwrap();
        client.expect(&format!("RCPT TO:{BOB}"), 250).unwrap();
        client.expect("DATA", 354).unwrap();
        client.send(content.as_bytes()).unwrap();
        if between.wait_for("in the middle").is_ok() {
            break client;
        }
    };
    assert!(abroad.messages("bob").is_empty());
    client.expect(".", 250).unwrap();
    let message = wait_for_mail(&abroad, "bob", &["Subject: ahead"]);
    assert!(body(&message) == wanted, "the body has changed");
    assert_eq!(abroad.messages("bob").len(), 1);
    site.wait_for_log(&["passed on while its sender waits"])
        .unwrap();
    let came_out = "half there before the end was sent, then taken once, unchanged";
    (abroad.version().unwrap(), came_out.to_owned())
}

/// It comes up only after the message has come.
fn absent_at_first<A: Abroad>() -> Found {
    let plan = Plan::new(PROGRAM).unwrap();
    let wish = Wish::new(SocketAddr::new(plan.address(), SMTP_PORT));
    let nobody = SocketAddr::new(unused_address().unwrap(), SMTP_PORT);
    let site = plan.site(&directory(nobody, "off")).start().unwrap();
    let content = written("absent", "Hello.\r\n");
    hand_in(site.smtp(), ALICE, &[BOB], content.as_bytes()).unwrap();
    site.wait_for_log(&["to=<bob@example.net>", "status=deferred"])
        .unwrap();
    let abroad = A::start(&wish).unwrap();
    let host = abroad.smtp().ip().to_string();
    site.tell(&["target", "set", "abroad", "--host", &host])
        .unwrap();
    wait_for_mail(&abroad, "bob", &["Subject: absent"]);
    wait::until("an empty queue", || {
        let list = site.tell(&["queue", "list"]).ok()?;
        (!list.contains("bob@example.net")).then_some(())
    })
    .unwrap();
    assert_eq!(abroad.messages("bob").len(), 1);
    (
        abroad.version().unwrap(),
        "kept while nobody was there, then delivered once".to_owned(),
    )
}

/// The same for each server.
macro_rules! server {
    ($module:ident, $program:ident) => {
        mod $module {
            use super::tried;
            use waypost_testkit::abroad::$program;

            tried! { $program, "next hop",
                plain => "plain: dots, a line of 990 octets";
                verified_tls => "STARTTLS, verified, then required";
                commands => "PIPELINING, CHUNKING, sessions";
                too_large => "SIZE: larger than is taken";
                eight_bit => "8BITMIME";
                utf8_address => "SMTPUTF8, address";
                utf8_header => "SMTPUTF8, header";
                one_of_two_refused => "two recipients, one refused at RCPT";
                put_off_then_taken => "temporary refusal, then another try";
                success_report => "DSN: NOTIFY=SUCCESS";
                big => "20 MB";
                big_before_its_end => "1.5 MB passed on while it comes";
                absent_at_first => "started after the message came";
            }
        }
    };
}

server!(exim, Exim);
server!(opensmtpd, OpenSmtpd);
server!(postfix, OwnPostfix);
