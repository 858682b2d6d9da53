//! Servers that are known by more than their addresses.

use std::path::PathBuf;

use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::tls::{Authority, Identity};

use crate::PROGRAM;
use crate::submission::{say, say_with};

const SMTP: u16 = 2525;
const SUBMISSIONS: u16 = 2465;
const NOBODY: (&str, &str) = ("", "");

/// A slave of example.com, with alice here and jdoe at `old`, which has these lines.
fn slave(old: &str) -> Site {
    let address = unused_address().unwrap();
    let file = format!(
        r#"
[[target]]
name = "old"
host = "{address}"
port = 2525
tls = "off"
{old}

[[domain]]
name = "example.com"
relay = "old"
forward_unknown = true
verify_unknown = "none"
protect_senders = true

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
"#
    );
    let quick = "login_delay = \"1ms\"\nlogin_delay_max = \"10ms\"\n";
    let plan = Plan::new(PROGRAM).unwrap().section("limits", quick);
    plan.site(&file).start().unwrap()
}

/// A certificate with its key, and the file that both are in.
struct Shown {
    identity: Identity,
    file: PathBuf,
    _folder: tempfile::TempDir,
}

fn certificate() -> Shown {
    let identity = Authority::new().unwrap().identity("old.test").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("client.pem");
    let both = format!("{}{}", identity.certificate_pem, identity.key_pem);
    std::fs::write(&file, both).unwrap();
    Shown {
        identity,
        file,
        _folder: folder,
    }
}

fn replies(site: &Site, shown: Option<&Shown>, sender: &str, recipient: &str) -> Vec<String> {
    let sender = format!("MAIL FROM:<{sender}>");
    let recipient = format!("RCPT TO:<{recipient}>");
    let file = shown.map(|shown| shown.file.as_path());
    say_with(site, SMTP, file, NOBODY, &[&sender, &recipient])
}

#[test]
fn a_target_is_known_by_its_certificate_wherever_it_calls_from() {
    let (own, other) = (certificate(), certificate());
    let site = slave(&format!("client_pin = \"{}\"", own.identity.pin));
    let unknown = |shown| {
        replies(&site, shown, "a@elsewhere.test", "nobody@example.com")
            .pop()
            .unwrap()
    };
    let looping = "554 5.4.6 <nobody@example.com>: Routing loop detected";
    assert_eq!(unknown(Some(&own)), looping);
    site.wait_for_log(&["is the target old, by its certificate"])
        .unwrap();
    for stranger in [None, Some(&other)] {
        assert!(unknown(stranger).starts_with("250 "), "{}", site.log());
    }
    site.tell(&["target", "set", "old", "--client-pin", &other.identity.pin])
        .unwrap();
    assert_eq!(unknown(Some(&other)), looping);
    assert!(unknown(Some(&own)).starts_with("250 "), "{}", site.log());
}

#[test]
fn a_protected_sender_address_may_come_with_the_certificate_of_its_home() {
    let (own, other) = (certificate(), certificate());
    let site = slave(&format!("client_pin = \"{}\"", own.identity.pin));
    let jdoe = |shown| replies(&site, shown, "jdoe@example.com", "alice@example.com");
    let last = jdoe(Some(&own)).pop().unwrap();
    assert!(last.starts_with("250 "), "{last}");
    for stranger in [None, Some(&other)] {
        assert_eq!(
            jdoe(stranger)[0],
            "553 5.7.1 <jdoe@example.com>: Sender address rejected: not logged in"
        );
    }
}

#[test]
fn a_certificate_gives_no_right_to_send_outward() {
    let own = certificate();
    let site = slave(&format!("client_pin = \"{}\"", own.identity.pin));
    let last = replies(&site, Some(&own), "a@elsewhere.test", "b@elsewhere.test")
        .pop()
        .unwrap();
    assert_eq!(last, "554 5.7.1 <b@elsewhere.test>: Relay access denied");
    let mail = ["MAIL FROM:<a@elsewhere.test>"];
    let heard = say_with(&site, SUBMISSIONS, Some(&own.file), NOBODY, &mail);
    assert_eq!(heard, ["530 5.7.0 Authentication required"]);
}

#[test]
fn what_a_target_is_known_by_is_exported() {
    let own = certificate();
    let line = format!("client_pin = \"{}\"", own.identity.pin);
    let site = slave(&line);
    assert!(site.tell(&["export"]).unwrap().contains(&line));
    let shown = site.ask(&["target", "show", "old"]).unwrap();
    assert!(shown.to_string().contains(&own.identity.pin), "{shown}");
    site.tell(&["target", "set", "old", "--client-pin", ""])
        .unwrap();
    assert!(!site.tell(&["export"]).unwrap().contains("client_pin"));
}

const LOGIN: (&str, &str) = ("old-server", "correct horse battery");

/// A slave whose target logs in; alice has a password too.
fn slave_with_login() -> Site {
    let site = slave("");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, LOGIN.1).unwrap();
    let file = file.display().to_string();
    let login = ["--client-login", LOGIN.0, "--client-password-file", &file];
    site.tell(&[&["target", "set", "old"], &login[..]].concat())
        .unwrap();
    let set = ["user", "set", "alice@example.com", "--password-stdin"];
    let output = site.run_with_input(&set, LOGIN.1).unwrap();
    assert!(output.status.success());
    site
}

#[test]
fn a_target_is_known_by_its_login() {
    let site = slave_with_login();
    let lines = [
        "MAIL FROM:<a@elsewhere.test>",
        "RCPT TO:<nobody@example.com>",
        "RCPT TO:<b@elsewhere.test>",
        "RSET",
        "MAIL FROM:<jdoe@example.com>",
        "RCPT TO:<alice@example.com>",
    ];
    let heard = say(&site, SMTP, LOGIN, &lines);
    assert!(heard[0].starts_with("235 2.7.0"), "{heard:?}");
    assert_eq!(
        heard[2..4],
        [
            "554 5.4.6 <nobody@example.com>: Routing loop detected",
            "554 5.7.1 <b@elsewhere.test>: Relay access denied",
        ]
    );
    assert!(heard[6].starts_with("250 "), "{heard:?}");
    // It is no user, who may submit.
    let heard = say(&site, SUBMISSIONS, LOGIN, &lines[..1]);
    assert_eq!(heard[1], "530 5.7.0 Authentication required");
}

#[test]
fn only_targets_log_in_where_mail_is_exchanged_and_all_others_hear_the_same() {
    let site = slave_with_login();
    for login in [
        ("alice@example.com", LOGIN.1),
        ("alice@example.com", "wrong"),
        ("nobody", LOGIN.1),
        (LOGIN.0, "wrong"),
    ] {
        let heard = say(&site, SMTP, login, &[]);
        assert!(heard[0].starts_with("535 5.7.8 "), "{heard:?}");
    }
    let heard = say(&site, SUBMISSIONS, ("alice@example.com", LOGIN.1), &[]);
    assert!(heard[0].starts_with("235 "), "{heard:?}");
}

#[test]
fn a_login_is_offered_where_mail_is_exchanged_only_while_a_target_has_one() {
    let site = slave_with_login();
    let offer = || say(&site, SMTP, NOBODY, &["EHLO client.test"]).remove(0);
    assert!(offer().contains("AUTH PLAIN LOGIN"), "{}", offer());
    // A change of something else keeps the password, which is shown to nobody.
    site.tell(&["target", "set", "old", "--connections", "7"])
        .unwrap();
    assert!(say(&site, SMTP, LOGIN, &[])[0].starts_with("235 "));
    let shown = site.tell(&["target", "show", "old", "--json"]).unwrap();
    assert!(!shown.contains("argon2id"), "{shown}");
    let export = site.tell(&["export"]).unwrap();
    assert!(
        export.contains("client_password = \"$argon2id$"),
        "{export}"
    );
    let none = ["--client-login", "", "--client-password-file", ""];
    site.tell(&[&["target", "set", "old"], &none[..]].concat())
        .unwrap();
    assert!(!offer().contains("AUTH"), "{}", offer());
}
