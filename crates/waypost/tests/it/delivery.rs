//! What the domain and target settings do to a delivery, beyond where it goes.

use anyhow::Result;
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::peer::Peer;
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, Site};

use crate::{PROGRAM, message};

/// A domain with a local user and one on a target; lines for the target, the domain and alice.
fn site(target: &str, domain: &str, alice: &str) -> Result<(Site, Peer)> {
    let peer = Peer::start(unused_address()?)?;
    let site = Plan::new(PROGRAM)?
        .site(&format!(
            r#"
[[target]]
name = "old"
host = "{}"
port = 2525
{target}

[[domain]]
name = "example.com"
aliases = ["example.org"]
relay = "old"
{domain}

[[user]]
domain = "example.com"
login = "alice"
mail = "local"
addresses = ["alice@example.com"]
{alice}

[[user]]
domain = "example.com"
login = "jdoe"
mail = "third-party"
addresses = ["jdoe@example.com", "john.doe@*"]
"#,
            peer.smtp().ip()
        ))
        .start()?;
    Ok((site, peer))
}

#[test]
fn a_target_may_want_the_default_address() {
    let (site, old) = site("tls = \"off\"\nrecipient = \"default\"", "", "").unwrap();
    let mut client = Dialogue::open(site.smtp()).unwrap();
    let both = ["john.doe@example.org", "jdoe@example.com"];
    client
        .submit("a@elsewhere.test", &both, &message("default"))
        .unwrap();
    let taken = old.wait_for_taken(1).unwrap();
    // Both are the same after rewriting: sent once.
    assert_eq!(taken[0].recipients.len(), 1, "{taken:?}");
    assert!(
        taken[0].recipients[0].starts_with("<jdoe@example.com>"),
        "{taken:?}"
    );
}

#[test]
fn a_full_maildir_refuses_for_now_with_the_announced_size_counted_in() {
    let (site, _old) = site("tls = \"off\"", "", "quota = \"20 KiB\"").unwrap();
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client
        .submit("a@elsewhere.test", &["alice@example.com"], &message("fits"))
        .unwrap();
    site.wait_for_messages("example.com", "alice", 1).unwrap();
    client
        .expect("MAIL FROM:<a@elsewhere.test> SIZE=30000", 250)
        .unwrap();
    let heard = client.say("RCPT TO:<alice@example.com>").unwrap();
    assert_eq!(
        heard.text,
        "452 4.2.2 <alice@example.com>: Recipient address rejected: Mailbox full"
    );
    client.expect("RSET", 250).unwrap();
    client
        .expect("MAIL FROM:<a@elsewhere.test> SIZE=1000", 250)
        .unwrap();
    client.expect("RCPT TO:<alice@example.com>", 250).unwrap();
}

#[test]
fn a_protected_sender_address_comes_only_from_where_it_lives() {
    let (site, old) = site("tls = \"off\"", "protect_senders = true", "").unwrap();
    let refused = |client: &mut Dialogue, sender: &str| {
        let mail = client.say(&format!("MAIL FROM:<{sender}>")).unwrap();
        let last = if mail.code == 250 {
            client.say("RCPT TO:<alice@example.com>").unwrap()
        } else {
            mail
        };
        client.expect("RSET", 250).unwrap();
        (last.code != 250).then_some(last.text)
    };
    let not_logged_in = |sender: &str| {
        Some(format!(
            "553 5.7.1 <{sender}>: Sender address rejected: not logged in"
        ))
    };
    let mut stranger = Dialogue::open(site.smtp()).unwrap();
    assert_eq!(
        refused(&mut stranger, "jdoe@example.com"),
        not_logged_in("jdoe@example.com")
    );
    assert_eq!(refused(&mut stranger, "a@elsewhere.test"), None);
    let mut target = Dialogue::open_from(old.smtp().ip(), site.smtp()).unwrap();
    assert_eq!(refused(&mut target, "jdoe@example.com"), None);
    assert_eq!(
        refused(&mut target, "alice@example.com"),
        not_logged_in("alice@example.com")
    );
}

#[test]
fn a_held_target_gets_nothing_until_it_is_released() {
    let (site, old) = site("tls = \"off\"", "", "").unwrap();
    site.tell(&[
        "queue",
        "hold",
        "--target",
        "old",
        "--reason",
        "moving house",
    ])
    .unwrap();
    let mut client = Dialogue::open(site.smtp()).unwrap();
    let both = ["jdoe@example.com", "alice@example.com"];
    client
        .submit("a@elsewhere.test", &both, &message("held"))
        .unwrap();
    // The rest flows.
    site.wait_for_messages("example.com", "alice", 1).unwrap();
    assert!(old.taken().is_empty(), "{:?}", old.taken());
    site.tell(&["queue", "release", "--target", "old"]).unwrap();
    let taken = old.wait_for_taken(1).unwrap();
    assert_eq!(taken[0].recipients.len(), 1, "{taken:?}");
}

#[test]
fn required_tls_is_required() {
    let (site, old) = site("tls = \"required\"", "", "").unwrap();
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client
        .submit(
            "a@elsewhere.test",
            &["jdoe@example.com"],
            &message("secret"),
        )
        .unwrap();
    // The target offers no STARTTLS.
    site.wait_for_log(&["to=<jdoe@example.com>", "status=deferred"])
        .unwrap();
    assert!(old.taken().is_empty());
    assert!(
        old.heard().iter().all(|line| !line.starts_with("MAIL")),
        "{:?}",
        old.heard()
    );
}
