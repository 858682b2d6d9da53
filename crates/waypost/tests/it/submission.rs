//! Submission: who may log in, as whom they may send, and where their mail goes.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::peer::{Moment, Peer, Reaction};
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, Site};

use crate::{PROGRAM, message};

/// Speaks SMTP under TLS: logs in if told to, then says the lines; prints each reply on a line.
const CLIENT: &str = r#"
import smtplib, ssl, sys
host, port, certificate, login, password, *lines = sys.argv[1:]
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
if certificate:
    context.load_cert_chain(certificate)
if port == "2465":
    client = smtplib.SMTP_SSL(host, int(port), context=context)
else:
    client = smtplib.SMTP(host, int(port))
    client.ehlo()
    client.starttls(context=context)
client.ehlo()
def show(reply):
    print(reply[0], reply[1].decode().replace("\n", " "))
if login:
    try:
        show(client.login(login, password))
    except smtplib.SMTPAuthenticationError as error:
        show((error.smtp_code, error.smtp_error))
for line in lines:
    if line.startswith("CONTENT "):
        client.send(line[8:].encode().decode("unicode_escape").encode() + b"\r\n.\r\n")
        show(client.getreply())
    else:
        show(client.docmd(line))
"#;

/// What the server answers to each line under TLS, after a login when one is given.
pub(crate) fn say(site: &Site, port: u16, login: (&str, &str), lines: &[&str]) -> Vec<String> {
    say_with(site, port, None, login, lines)
}

/// As [`say`], with the certificate and key in this file.
pub(crate) fn say_with(
    site: &Site,
    port: u16,
    certificate: Option<&Path>,
    login: (&str, &str),
    lines: &[&str],
) -> Vec<String> {
    let output = Command::new("python3")
        .args([
            "-c",
            CLIENT,
            &site.address.to_string(),
            &port.to_string(),
            &certificate.map_or_else(String::new, |path| path.display().to_string()),
            login.0,
            login.1,
        ])
        .args(lines)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{}", site.log());
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(String::from)
        .collect()
}

const SUBMISSION: u16 = 2587;
const SUBMISSIONS: u16 = 2465;
const ALICE: (&str, &str) = ("alice@example.com", "correct horse battery");

/// The relay takes no message with this word.
const REFUSED: &str = "refuse.me";

/// A slave of example.com with users of every kind who have passwords, and its relay, which says
/// of every unknown address that it cannot tell now.
fn site() -> Result<(Site, Peer)> {
    let relay = Peer::start_scripted(unused_address()?, |moment| match moment {
        Moment::Command(line) if line.starts_with("RCPT TO:<later@") => {
            Some(Reaction::Say("450 4.2.0 Not now".to_owned()))
        }
        Moment::End(taken) if taken.text().contains(REFUSED) => {
            Some(Reaction::Say("554 5.6.0 Not this".to_owned()))
        }
        _ => None,
    })?;
    let user = |login: &str, kind: &str| {
        format!(
            "[[user]]\ndomain = \"example.com\"\nlogin = \"{login}\"\n{kind}\n\
             addresses = [\"{login}@example.com\"]\n"
        )
    };
    let site = Plan::new(PROGRAM)?
        // Failed logins are slowed down; here many come from one address.
        .section(
            "limits",
            "login_delay = \"1ms\"\nlogin_delay_max = \"10ms\"\n",
        )
        .section(
            "outbound",
            &format!(
                "source = \"%ADDRESS%\"\nsmart_host = \"{}\"\n",
                relay.smtp()
            ),
        )
        .site(
            &[
                format!(
                    "[[target]]\nname = \"relay\"\nhost = \"{}\"\nport = 2525\ntls = \"off\"\n",
                    relay.smtp().ip()
                ),
                "[[domain]]\nname = \"example.com\"\nrelay = \"relay\"\nforward_unknown = true\n"
                    .to_owned(),
                user("alice", "mail = \"local\""),
                user("bob", "mail = \"local\""),
                user("gone", "mail = \"local\"\nsuspended = true"),
                user("away", "mail = \"third-party\""),
                user("nomail", "mail = \"none\""),
                "[[mailbox]]\ndomain = \"example.com\"\nname = \"support\"\n\
             addresses = [\"support@example.com\"]\nmembers = [\"alice@example.com\"]\n"
                    .to_owned(),
            ]
            .join("\n"),
        )
        .start()?;
    for login in ["alice", "bob", "gone", "away", "nomail"] {
        let arguments = [
            "user",
            "set",
            &format!("{login}@example.com"),
            "--password-stdin",
        ];
        let output = site.run_with_input(&arguments, &format!("{}\n", ALICE.1))?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        anyhow::ensure!(output.status.success(), "{arguments:?}: {said}");
    }
    Ok((site, relay))
}

#[test]
fn only_active_local_users_log_in_and_all_others_hear_the_same() {
    let (site, _relay) = site().unwrap();
    for port in [SUBMISSION, SUBMISSIONS] {
        assert!(say(&site, port, ALICE, &[])[0].starts_with("235 2.7.0"));
    }
    let wrong = say(&site, SUBMISSION, ("alice@example.com", "wrong"), &[]);
    assert!(wrong[0].starts_with("535 5.7.8"), "{wrong:?}");
    for login in ["gone", "away", "nomail", "nobody"] {
        let login = format!("{login}@example.com");
        assert_eq!(
            say(&site, SUBMISSION, (&login, ALICE.1), &[]),
            wrong,
            "{login}"
        );
    }
}

#[test]
fn nothing_is_submitted_without_login_nor_logged_in_without_tls() {
    let (site, _relay) = site().unwrap();
    let mut plain = Dialogue::open(site.submission()).unwrap();
    let heard = plain.say("EHLO client.test").unwrap();
    assert!(!heard.text.contains("AUTH"), "{}", heard.text);
    assert!(heard.text.contains("STARTTLS"), "{}", heard.text);
    let login = plain
        .say("AUTH PLAIN AGFsaWNlQGV4YW1wbGUuY29tAHg=")
        .unwrap();
    assert!(login.text.starts_with("538 5.7.11"), "{}", login.text);
    let mail = plain.say("MAIL FROM:<alice@example.com>").unwrap();
    assert!(mail.text.starts_with("530 5.7.0"), "{}", mail.text);
    let under_tls = say(
        &site,
        SUBMISSION,
        ("", ""),
        &["MAIL FROM:<alice@example.com>"],
    );
    assert_eq!(under_tls, ["530 5.7.0 Authentication required"]);
}

#[test]
fn a_user_sends_only_as_himself() {
    let (site, relay) = site().unwrap();
    let replies = say(
        &site,
        SUBMISSION,
        ALICE,
        &[
            "MAIL FROM:<alice@example.com>",
            "RSET",
            "MAIL FROM:<support@example.com>",
            "RSET",
            "MAIL FROM:<bob@example.com>",
            "MAIL FROM:<alice@elsewhere.test>",
            "MAIL FROM:<alice@example.com>",
            "RCPT TO:<bob@example.com>",
            "DATA",
            r"CONTENT From: bob@example.com\r\nSubject: not me\r\n\r\nHello.",
        ],
    );
    let not_owned = |address: &str| {
        format!("553 5.7.1 <{address}>: Sender address rejected: not owned by user")
    };
    assert!(replies[1].starts_with("250"), "{replies:?}");
    assert!(replies[3].starts_with("250"), "{replies:?}");
    assert_eq!(replies[5], not_owned("bob@example.com"));
    assert_eq!(replies[6], not_owned("alice@elsewhere.test"));
    assert_eq!(replies[10], not_owned("bob@example.com"));
    assert!(relay.taken().is_empty() && site.messages("example.com", "bob").is_empty());
}

#[test]
fn submitted_mail_goes_by_the_same_rules() {
    let (site, relay) = site().unwrap();
    let replies = say(
        &site,
        SUBMISSIONS,
        ALICE,
        &[
            "MAIL FROM:<alice@example.com>",
            "RCPT TO:<bob@example.com>",
            "RCPT TO:<away@example.com>",
            "RCPT TO:<unknown.here@example.com>",
            // A stranger would hear 451; a mail program does not try again.
            "RCPT TO:<later@example.com>",
            "RCPT TO:<someone@elsewhere.test>",
            "RCPT TO:<gone@example.com>",
            "DATA",
            r"CONTENT From: alice@example.com\r\nSubject: out\r\n\r\nHello.",
        ],
    );
    let codes: Vec<&str> = replies.iter().map(|reply| &reply[..3]).collect();
    assert_eq!(
        codes,
        [
            "235", "250", "250", "250", "250", "250", "250", "550", "354", "250"
        ],
        "{replies:?}"
    );
    let bob = site.wait_for_messages("example.com", "bob", 1).unwrap();
    // RFC 6409 §8: what a mail program left out is added.
    assert!(
        bob[0].contains("\r\nMessage-ID: <") || bob[0].contains("\nMessage-ID: <"),
        "{bob:?}"
    );
    assert!(bob[0].contains("\nDate: "), "{bob:?}");
    // To the split relay as such, and to the smart host, which is the same server here.
    let taken = relay.wait_for_taken(2).unwrap();
    let mut recipients: Vec<String> = taken
        .iter()
        .flat_map(|taken| taken.recipients.clone())
        .collect();
    recipients.sort();
    let starts: Vec<&str> = recipients
        .iter()
        .map(|r| r.split(' ').next().unwrap_or_default())
        .collect();
    assert_eq!(
        starts,
        [
            "<away@example.com>",
            "<someone@elsewhere.test>",
            "<unknown.here@example.com>"
        ]
    );
    site.wait_for_log(&["to=<later@example.com>", "status=deferred"])
        .unwrap();
}

#[test]
fn a_mail_program_hears_what_the_server_of_its_only_recipient_says() {
    let (site, relay) = site().unwrap();
    let lines = [
        "MAIL FROM:<alice@example.com>",
        "RCPT TO:<away@example.com>",
        "DATA",
        r"CONTENT From: alice@example.com\r\nSubject: %\r\n\r\nHello.",
    ];
    let replies = say(&site, SUBMISSIONS, ALICE, &lines);
    let last = replies.last().unwrap();
    assert!(last.starts_with("250 2.0.0 Ok: relayed as "), "{replies:?}");
    let taken = relay.taken();
    assert_eq!(taken.len(), 1);
    assert!(taken[0].text().contains("\nMessage-ID: <"), "{taken:?}");
    let refused = lines.map(|line| line.replace('%', REFUSED));
    let replies = say(&site, SUBMISSIONS, ALICE, &refused.each_ref().map(|l| &**l));
    assert_eq!(replies.last().unwrap(), "554 5.6.0 Not this");
    assert_eq!(relay.taken().len(), 1);
    assert!(site.messages("example.com", "alice").is_empty());
}

#[test]
fn a_login_in_one_connection_gives_nothing_to_another() {
    let (site, _relay) = site().unwrap();
    say(&site, SUBMISSION, ALICE, &["MAIL FROM:<alice@example.com>"]);
    let mut stranger = Dialogue::open(site.smtp()).unwrap();
    let sent = stranger.submit(
        "alice@example.com",
        &["someone@elsewhere.test"],
        &message("x"),
    );
    assert_eq!(sent.unwrap().0[0].code, 554);
}

#[test]
fn the_log_names_the_method_of_a_login() {
    let (site, _relay) = site().unwrap();
    // alice@example.com, her password, and a wrong one.
    let name = "YWxpY2VAZXhhbXBsZS5jb20=";
    let (right, wrong) = ("Y29ycmVjdCBob3JzZSBiYXR0ZXJ5", "d3Jvbmc=");
    let refused = say(&site, SUBMISSIONS, ("", ""), &["AUTH LOGIN", name, wrong]);
    assert!(refused[2].starts_with("535 5.7.8"), "{refused:?}");
    site.wait_for_log(&["SASL LOGIN authentication failed"])
        .unwrap();
    let lines = [
        "AUTH LOGIN",
        name,
        right,
        "MAIL FROM:<alice@example.com>",
        "RCPT TO:<bob@example.com>",
        "DATA",
        "CONTENT From: alice@example.com\\r\\nSubject: x\\r\\n\\r\\nHello",
    ];
    let said = say(&site, SUBMISSIONS, ("", ""), &lines);
    assert!(said[6].starts_with("250"), "{said:?}");
    site.wait_for_log(&["sasl_method=LOGIN, sasl_username=alice@example.com"])
        .unwrap();
}
