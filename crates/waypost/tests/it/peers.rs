//! Beside servers nobody here wrote: Postfix in both roles, Dovecot behind, swaks and Python in
//! front.

use std::process::Command;

use anyhow::Result;
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::dovecot::Dovecot;
use waypost_testkit::postfix::Postfix;
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::wait;

use crate::{PROGRAM, message};

/// A Postfix that hosts bob, and hands everything else of the domain to `site`, unless it knows
/// that nobody has it.
fn postfix_half(site: std::net::IpAddr, knows: &str) -> Result<Postfix> {
    postfix_half_with(site, knows, "")
}

/// The same, with more lines in its `main.cf`.
fn postfix_half_with(site: std::net::IpAddr, knows: &str, more: &str) -> Result<Postfix> {
    Postfix::start(&format!(
        "virtual_mailbox_domains = example.com\n\
         virtual_mailbox_maps = inline:{{ {{bob@example.com=example.com/bob/}}, {knows} }}\n\
         transport_maps = inline:{{ {{bob@example.com=virtual:}}, \
         {{example.com=smtp:[{site}]:2525}} }}\n{more}"
    ))
}

/// A site that hosts alice, whose other half is `postfix`.
fn half(postfix: &Postfix, forward_unknown: bool, bob: &str) -> String {
    format!(
        r#"
[[target]]
name = "postfix"
host = "{}"
port = 2525
tls = "off"

[[domain]]
name = "example.com"
relay = "postfix"
forward_unknown = {forward_unknown}

[[user]]
domain = "example.com"
login = "alice"
mail = "local"
addresses = ["alice@example.com"]
{bob}
"#,
        postfix.address
    )
}

const BOB: &str = r#"
[[user]]
domain = "example.com"
login = "bob"
mail = "third-party"
addresses = ["bob@example.com"]
"#;

/// Mail for each half, sent to `server`, arrives at its half.
fn mail_reaches_both(server: &str, client: &mut Dialogue, site: &Site, postfix: &Postfix) {
    let subject = format!("through {server}");
    let both = ["alice@example.com", "bob@example.com"];
    let (replies, last) = client
        .submit("carol@example.net", &both, &message(&subject))
        .unwrap();
    assert!(replies.iter().all(|reply| reply.code == 250), "{replies:?}");
    assert_eq!(last.unwrap().code, 250);
    let alice = wait::until(&format!("alice's mail {subject}"), || {
        site.messages("example.com", "alice")
            .into_iter()
            .find(|text| text.contains(&subject))
    });
    alice.unwrap_or_else(|error| panic!("{error}\n{}\n{}", site.log(), postfix.log()));
    let bob = wait::until(&format!("bob's mail {subject}"), || {
        postfix
            .messages("example.com", "bob")
            .into_iter()
            .find(|text| text.contains(&subject))
    });
    bob.unwrap_or_else(|error| panic!("{error}\n{}\n{}", site.log(), postfix.log()));
}

#[test]
fn postfix_as_slave_hands_what_it_does_not_know_to_the_master() {
    let plan = Plan::new(PROGRAM).unwrap();
    let postfix = postfix_half(plan.address(), "{@example.com=elsewhere}").unwrap();
    let site = plan.site(&half(&postfix, false, BOB)).start().unwrap();
    let mut to_site = Dialogue::open(site.smtp()).unwrap();
    mail_reaches_both("the master", &mut to_site, &site, &postfix);
    let mut to_postfix = Dialogue::open(postfix.smtp()).unwrap();
    mail_reaches_both("the slave", &mut to_postfix, &site, &postfix);
    // Nobody has it: refused by the master at RCPT, whoever asks.
    to_site
        .expect("MAIL FROM:<carol@example.net>", 250)
        .unwrap();
    to_site.expect("RCPT TO:<nobody@example.com>", 550).unwrap();
    to_postfix
        .submit("", &["nobody@example.com"], &message("nobody"))
        .unwrap();
    let refused = ["to=<nobody@example.com>", "status=bounced", "User unknown"];
    postfix.wait_for_log(&refused).unwrap();
}

#[test]
fn postfix_as_slave_can_ask_the_master_first() {
    let plan = Plan::new(PROGRAM).unwrap();
    let asking = "smtpd_recipient_restrictions = reject_unauth_destination, \
        reject_unverified_recipient\nunverified_recipient_reject_code = 550\n";
    let postfix = postfix_half_with(plan.address(), "{@example.com=elsewhere}", asking).unwrap();
    let site = plan.site(&half(&postfix, false, BOB)).start().unwrap();
    let mut to_postfix = Dialogue::open(postfix.smtp()).unwrap();
    mail_reaches_both("the slave", &mut to_postfix, &site, &postfix);
    to_postfix
        .expect("MAIL FROM:<carol@example.net>", 250)
        .unwrap();
    to_postfix
        .expect("RCPT TO:<nobody@example.com>", 550)
        .unwrap();
}

#[test]
fn postfix_as_master_decides_what_the_slave_does_not_know() {
    let plan = Plan::new(PROGRAM).unwrap();
    let postfix = postfix_half(plan.address(), "{alice@example.com=elsewhere}").unwrap();
    let site = plan.site(&half(&postfix, true, "")).start().unwrap();
    let mut to_site = Dialogue::open(site.smtp()).unwrap();
    mail_reaches_both("the slave", &mut to_site, &site, &postfix);
    let mut to_postfix = Dialogue::open(postfix.smtp()).unwrap();
    mail_reaches_both("the master", &mut to_postfix, &site, &postfix);
    for client in [&mut to_site, &mut to_postfix] {
        client.expect("MAIL FROM:<carol@example.net>", 250).unwrap();
        client.expect("RCPT TO:<nobody@example.com>", 550).unwrap();
    }
}

/// A site with alice and bob, whose mailboxes are where `delivery` says.
fn site_with_two_users(delivery: &str) -> Site {
    let users = r#"
[[domain]]
name = "example.com"

[[user]]
domain = "example.com"
login = "alice"
mail = "local"
addresses = ["alice@example.com"]

[[user]]
domain = "example.com"
login = "bob"
mail = "local"
addresses = ["bob@example.com"]
"#;
    let local = format!("delivery = \"{delivery}\"\n");
    Plan::new(PROGRAM)
        .unwrap()
        .section("local", &local)
        .site(users)
        .start()
        .unwrap()
}

#[test]
fn dovecot_stores_over_lmtp_and_answers_for_each_recipient() {
    // Dovecot knows only alice: bob's mail comes back to the sender.
    let dovecot = Dovecot::start(&["alice@example.com"]).unwrap();
    for delivery in [
        format!("lmtp:{}", dovecot.lmtp()),
        format!("lmtp:unix:{}", dovecot.lmtp_socket().display()),
    ] {
        let site = site_with_two_users(&delivery);
        let mut client = Dialogue::open(site.smtp()).unwrap();
        let both = ["alice@example.com", "bob@example.com"];
        client
            .submit("alice@example.com", &both, &message(&delivery))
            .unwrap();
        site.wait_for_log(&["to=<alice@example.com>", "status=sent"])
            .unwrap();
        site.wait_for_log(&["to=<bob@example.com>", "status=bounced", "dsn=5.1.1"])
            .unwrap();
        let inbox = wait::until("the message and its bounce", || {
            let inbox = dovecot.inbox("alice@example.com").ok()?;
            let about_bob = |text: &&String| text.contains("multipart/report");
            let own = inbox
                .iter()
                .any(|text| text.contains(&format!("Subject: {delivery}")));
            (own && inbox.iter().any(|text| about_bob(&text))).then_some(inbox)
        });
        inbox.unwrap_or_else(|error| panic!("{error}\n{}\n{}", site.log(), dovecot.log()));
    }
}

#[test]
fn dovecot_reads_the_maildirs_written_here() {
    let dovecot = Dovecot::start(&["alice@example.com"]).unwrap();
    let maildirs = format!("maildir:{}/{{domain}}/{{login}}", dovecot.mail().display());
    let site = site_with_two_users(&maildirs);
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client
        .submit(
            "carol@example.net",
            &["alice@example.com"],
            &message("to read"),
        )
        .unwrap();
    site.wait_for_log(&["to=<alice@example.com>", "status=sent"])
        .unwrap();
    dovecot.take_over_mail().unwrap();
    let inbox = dovecot.inbox("alice@example.com").unwrap();
    assert_eq!(inbox.len(), 1, "{inbox:?}\n{}", dovecot.log());
    assert!(inbox[0].contains("Subject: to read"), "{inbox:?}");
    assert!(
        inbox[0].starts_with("Return-Path: <carol@example.net>"),
        "{inbox:?}"
    );
}

#[test]
fn swaks_and_python_deliver_mail() {
    let site = site_with_two_users("maildir:%DIR%/mail/{domain}/{login}");
    let (host, port) = (site.address.to_string(), site.smtp().port().to_string());
    let swaks = Command::new("swaks")
        .args([
            "--server",
            &host,
            "--port",
            &port,
            "--from",
            "carol@example.net",
        ])
        .args([
            "--to",
            "alice@example.com",
            "--header",
            "Subject: by swaks",
            "--tls",
        ])
        .output()
        .unwrap();
    assert!(
        swaks.status.success(),
        "{}",
        String::from_utf8_lossy(&swaks.stdout)
    );
    let script = format!(
        "import smtplib, email.message\n\
         m = email.message.EmailMessage()\n\
         m['From'], m['To'], m['Subject'] = 'carol@example.net', 'bob@example.com', 'by Python'\n\
         m.set_content('Hello.')\n\
         with smtplib.SMTP('{host}', {port}) as s:\n    s.send_message(m)\n"
    );
    let python = Command::new("python3")
        .args(["-c", &script])
        .output()
        .unwrap();
    assert!(
        python.status.success(),
        "{}",
        String::from_utf8_lossy(&python.stderr)
    );
    for (login, subject) in [("alice", "by swaks"), ("bob", "by Python")] {
        let messages = site.wait_for_messages("example.com", login, 1).unwrap();
        assert!(
            messages[0].contains(&format!("Subject: {subject}")),
            "{messages:?}"
        );
    }
}
