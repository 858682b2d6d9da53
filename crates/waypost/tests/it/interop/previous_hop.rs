//! Servers that hand mail on to Waypost.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use waypost_testkit::abroad::{Abroad, Onward, Wish};
use waypost_testkit::overheard::Overheard;
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{LMTP_PORT, Plan, SMTP_PORT, Site};
use waypost_testkit::wait;

use super::{body, hand_in, received_with, tried, wait_for_mail, written};
use crate::PROGRAM;
use crate::split::target_that_may_say;

const BOB: &str = "<bob@example.net>";
const ALICE: &str = "<alice@example.com>";

/// The version, and what came out.
type Found = (String, String);

/// A domain with alice, and two users whose addresses are not in ASCII.
const EXAMPLE_COM: &str = r#"
[[domain]]
name = "example.com"

[[user]]
domain = "example.com"
login = "alice"
mail = "local"
addresses = ["alice@example.com"]

[[user]]
domain = "example.com"
login = "jurgen"
mail = "local"
addresses = ["jürgen@example.com"]
"#;

/// What Waypost is before the server abroad is started; it is started after it, as its reports go
/// there.
struct Here {
    plan: Plan,
    smtp: SocketAddr,
    lmtp: SocketAddr,
}

fn here() -> Here {
    let plan = Plan::new(PROGRAM).unwrap();
    let (smtp, lmtp) = (
        SocketAddr::new(plan.address(), SMTP_PORT),
        SocketAddr::new(plan.address(), LMTP_PORT),
    );
    Here { plan, smtp, lmtp }
}

impl Here {
    /// Starts it; reports for senders abroad go to that server.
    fn start<A: Abroad>(self, abroad: &A, directory: &str) -> Site {
        let outbound = format!(
            "source = \"%ADDRESS%\"\nsmart_host = \"{}\"\n",
            abroad.smtp()
        );
        let plan = self.plan.section("outbound", &outbound).site(directory);
        plan.start().unwrap()
    }
}

/// A site and a server abroad that hands example.com on to it.
fn both<A: Abroad>(onward: Onward) -> (Site, A) {
    let here = here();
    let mut wish = Wish::new(if onward == Onward::Lmtp {
        here.lmtp
    } else {
        here.smtp
    });
    wish.onward = onward;
    let abroad = A::start(&wish).unwrap();
    let site = here.start(&abroad, EXAMPLE_COM);
    (site, abroad)
}

/// Waits for a message in a mailbox here.
fn arrived<A: Abroad>(site: &Site, abroad: &A, login: &str) -> String {
    let found = site.wait_for_messages("example.com", login, 1);
    found
        .unwrap_or_else(|error| panic!("{error:#}\n{}", abroad.log()))
        .remove(0)
}

/// Lines that begin with dots, a very long line, an empty one, and no line end at the end.
fn plain<A: Abroad>() -> Found {
    let (site, abroad) = both::<A>(Onward::Smtp);
    let long = "x".repeat(990);
    let wanted = format!("Hello.\r\n.\r\n..\r\n.one\r\n{long}\r\n\r\nEnd.\r\n");
    let content = written("plain", &wanted.replace("\r\n.", "\r\n.."));
    hand_in(abroad.smtp(), BOB, &[ALICE], content.as_bytes()).unwrap();
    let message = arrived(&site, &abroad, "alice");
    assert_eq!(body(&message), wanted);
    let with = received_with(&message);
    assert_eq!(with, "ESMTP");
    assert!(message.starts_with("Return-Path: <bob@example.net>"));
    (
        abroad.version().unwrap(),
        format!("body unchanged, with {with}"),
    )
}

fn starttls<A: Abroad>() -> Found {
    let (site, abroad) = both::<A>(Onward::Secured);
    hand_in(
        abroad.smtp(),
        BOB,
        &[ALICE],
        written("secret", "Hello.\r\n").as_bytes(),
    )
    .unwrap();
    let message = arrived(&site, &abroad, "alice");
    let with = received_with(&message);
    assert_eq!(with, "ESMTPS", "{message}");
    let tls = message.split("TLS").nth(1).unwrap_or_default();
    let tls: String = tls.chars().take_while(|c| !" )\r\n".contains(*c)).collect();
    (abroad.version().unwrap(), format!("with {with}, TLS{tls}"))
}

/// What it says between two servers is heard.
fn commands<A: Abroad>() -> Found {
    let here = here();
    let between = Overheard::start(unused_address().unwrap(), here.smtp).unwrap();
    let abroad = A::start(&Wish::new(between.address())).unwrap();
    let site = here.start(&abroad, EXAMPLE_COM);
    hand_in(
        abroad.smtp(),
        BOB,
        &[ALICE],
        written("heard", "Hello.\r\n").as_bytes(),
    )
    .unwrap();
    arrived(&site, &abroad, "alice");
    let pipelines = between.in_one_flight("MAIL FROM", "RCPT TO");
    let chunks = between.clients().contains("BDAT ");
    let can = A::ABILITIES;
    assert_eq!(
        (pipelines, chunks),
        (can.pipelines, can.sends_chunks),
        "{}",
        between.clients()
    );
    let flight = if pipelines {
        "in one flight"
    } else {
        "one by one"
    };
    let content = if chunks { "BDAT" } else { "DATA" };
    (
        abroad.version().unwrap(),
        format!("taken: commands {flight}, content by {content}"),
    )
}

/// A message is larger than Waypost takes, and not larger than the server abroad does.
fn too_large<A: Abroad>() -> Found {
    let mut here = here();
    here.plan = here.plan.section("limits", "message_size = \"100 KiB\"\n");
    let between = Overheard::start(unused_address().unwrap(), here.smtp).unwrap();
    let abroad = A::start(&Wish::new(between.address())).unwrap();
    let site = here.start(&abroad, EXAMPLE_COM);
    let line = format!("{}\r\n", "x".repeat(70));
    let content = written("large", &line.repeat(3000));
    hand_in(abroad.smtp(), BOB, &[ALICE], content.as_bytes()).unwrap();
    wait_for_mail(&abroad, "bob", &["large"]);
    assert!(site.messages("example.com", "alice").is_empty());
    let said = between.clients();
    let how = if said.contains("SIZE=") {
        "refused at MAIL by its SIZE"
    } else if said.contains("MAIL FROM") {
        "refused at the end of content"
    } else {
        "not tried, by what EHLO said"
    };
    (
        abroad.version().unwrap(),
        format!("{how}; the sender got its report"),
    )
}

fn eight_bit<A: Abroad>() -> Found {
    let (site, abroad) = both::<A>(Onward::Smtp);
    let text = "Grüße, 世界.\r\n";
    let from = format!("{BOB} BODY=8BITMIME");
    let content = written("8bit", text).replace(
        "\r\n\r\n",
        "\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 8bit\r\n\r\n",
    );
    hand_in(abroad.smtp(), &from, &[ALICE], content.as_bytes()).unwrap();
    let message = arrived(&site, &abroad, "alice");
    assert_eq!(body(&message), text, "{message}");
    (abroad.version().unwrap(), "8-bit body unchanged".to_owned())
}

/// An address and a subject beyond ASCII.
fn utf8_address<A: Abroad>() -> Found {
    let (site, abroad) = both::<A>(Onward::Smtp);
    let content = written("Grüße", "Hello.\r\n");
    let to = "<jürgen@example.com>";
    let from = format!("{BOB} SMTPUTF8");
    let sent = hand_in(abroad.smtp(), &from, &[to], content.as_bytes());
    let version = abroad.version().unwrap();
    if !A::ABILITIES.utf8 {
        let refusal = format!("{:#}", sent.unwrap_err());
        assert!(refusal.contains("\"MAIL FROM"), "{refusal}");
        return (version, "it does not know SMTPUTF8 itself".to_owned());
    }
    sent.unwrap();
    let message = arrived(&site, &abroad, "jurgen");
    let with = received_with(&message);
    assert_eq!(with, "UTF8SMTP", "{message}");
    assert!(message.contains("Subject: Grüße"), "{message}");
    (
        version,
        format!("header and address unchanged, with {with}"),
    )
}

fn one_of_two_refused<A: Abroad>() -> Found {
    let (site, abroad) = both::<A>(Onward::Smtp);
    let to = ["<nobody@example.com>", ALICE];
    let content = written("two", "Hello.\r\n");
    hand_in(abroad.smtp(), BOB, &to, content.as_bytes()).unwrap();
    arrived(&site, &abroad, "alice");
    let report = wait_for_mail(&abroad, "bob", &["nobody@example.com", "550"]);
    assert!(
        !report.contains("Final-Recipient: rfc822;alice"),
        "{report}"
    );
    let status = if report.contains("5.1.1") {
        "with 550 5.1.1"
    } else {
        "with 550"
    };
    (
        abroad.version().unwrap(),
        format!("alice got it, bob a report on nobody {status}"),
    )
}

/// Waypost cannot tell now, since its relay cannot, and later can.
fn put_off_then_taken<A: Abroad>() -> Found {
    let (relay, says_not_now) = target_that_may_say("450 4.2.0 Not now", true);
    let directory = format!(
        "[[target]]\nname = \"relay\"\nhost = \"{}\"\nport = 2525\ntls = \"off\"\n\n\
         [[domain]]\nname = \"example.com\"\nrelay = \"relay\"\nforward_unknown = true\n",
        relay.smtp().ip()
    );
    let here = here();
    let between = Overheard::start(unused_address().unwrap(), here.smtp).unwrap();
    let abroad = A::start(&Wish::new(between.address())).unwrap();
    let site = here.start(&abroad, &directory);
    let content = written("later", "Hello.\r\n");
    hand_in(abroad.smtp(), BOB, &[ALICE], content.as_bytes()).unwrap();
    site.wait_for_log(&["reject: RCPT", "alice@example.com", " 45"])
        .unwrap();
    says_not_now.store(false, Ordering::SeqCst);
    let taken = wait::until("the message at the relay", || {
        abroad.hurry().unwrap();
        (!relay.taken().is_empty()).then(|| relay.taken())
    });
    let taken = taken.unwrap_or_else(|error| panic!("{error}\n{}", abroad.log()));
    assert_eq!(taken.len(), 1);
    assert!(abroad.messages("bob").is_empty());
    (
        abroad.version().unwrap(),
        "kept after 45x at RCPT, then delivered once".to_owned(),
    )
}

/// The sender wants to know that the message was delivered.
fn success_report<A: Abroad>() -> Found {
    let (site, abroad) = both::<A>(Onward::Smtp);
    let from = format!("{BOB} RET=HDRS ENVID=q1");
    let to = format!("{ALICE} NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Alice@example.com");
    hand_in(
        abroad.smtp(),
        &from,
        &[&to],
        written("tell me", "Hello.\r\n").as_bytes(),
    )
    .unwrap();
    arrived(&site, &abroad, "alice");
    let version = abroad.version().unwrap();
    let report = wait_for_mail(&abroad, "bob", &["multipart/report", "alice@example.com"]);
    let by_waypost = report.contains("Reporting-MTA: dns; site.test");
    if by_waypost {
        for line in ["Action: delivered", "Original-Envelope-Id: q1"] {
            assert!(report.contains(line), "{report}");
        }
        assert!(report.contains("Original-Recipient: rfc822;Alice@example.com"));
        return (
            version,
            "its DSN request came along; our report came back".to_owned(),
        );
    }
    (
        version,
        "reports itself, DSN request not passed on".to_owned(),
    )
}

/// Twenty million octets.
fn big<A: Abroad>() -> Found {
    let (site, abroad) = both::<A>(Onward::Smtp);
    let line = format!("{}\r\n", "0123456789".repeat(7));
    let wanted = line.repeat(20_000_000 / line.len());
    let content = written("big", &wanted);
    hand_in(abroad.smtp(), BOB, &[ALICE], content.as_bytes()).unwrap();
    let message = arrived(&site, &abroad, "alice");
    assert!(body(&message) == wanted, "the body has changed");
    (abroad.version().unwrap(), "20 MB unchanged".to_owned())
}

/// LMTP: one of the recipients is refused, the other has its reply after the content.
fn lmtp<A: Abroad>() -> Found {
    let (site, abroad) = both::<A>(Onward::Lmtp);
    let to = ["<nobody@example.com>", ALICE];
    let content = written("local", "Hello.\r\n");
    hand_in(abroad.smtp(), BOB, &to, content.as_bytes()).unwrap();
    let message = arrived(&site, &abroad, "alice");
    let with = received_with(&message);
    assert_eq!(with, "LMTP", "{message}");
    wait_for_mail(&abroad, "bob", &["nobody@example.com", "550"]);
    (
        abroad.version().unwrap(),
        format!("alice got it with {with}, bob a report on nobody"),
    )
}

/// The same for each server.
macro_rules! server {
    ($module:ident, $program:ident) => {
        mod $module {
            use super::tried;
            use waypost_testkit::abroad::$program;

            tried! { $program, "previous hop",
                plain => "plain: dots, a line of 990 octets";
                starttls => "STARTTLS, required";
                commands => "PIPELINING, CHUNKING";
                too_large => "SIZE: larger than is taken";
                eight_bit => "8BITMIME";
                utf8_address => "SMTPUTF8";
                one_of_two_refused => "two recipients, one refused at RCPT";
                put_off_then_taken => "temporary refusal, then another try";
                success_report => "DSN: NOTIFY=SUCCESS";
                big => "20 MB";
                lmtp => "LMTP, one of two refused";
            }
        }
    };
}

server!(exim, Exim);
server!(opensmtpd, OpenSmtpd);
server!(postfix, OwnPostfix);
