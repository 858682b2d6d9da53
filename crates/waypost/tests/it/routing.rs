//! The tables of `docs/routing.md`, row by row, through the running program.

use std::net::IpAddr;

use anyhow::Result;
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::peer::{Moment, Peer, Reaction};
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, Site};

use crate::{PROGRAM, message};

/// What `old` says to RCPT: it knows two users of slave.test, and one it cannot tell about now.
fn old_knows(moment: &Moment<'_>) -> Option<Reaction> {
    let Moment::Command(line) = moment else {
        return None;
    };
    let line = line.to_ascii_lowercase();
    if !line.starts_with("rcpt to:") || !line.contains("@slave.test") {
        return None;
    }
    if ["<known@", "<known+tag@", "<postmaster@"]
        .iter()
        .any(|known| line.contains(known))
    {
        return None;
    }
    let reply = if line.contains("<later@") {
        "450 4.2.0 Greylisted"
    } else {
        "550 5.1.1 No such user at old.internal.test"
    };
    Some(Reaction::Say(reply.to_owned()))
}

/// A master, a slave and a plain domain; three targets; users of every kind. OLD and OTHER stand
/// for the addresses of the two peers.
const SITE: &str = r#"
[[target]]
name = "old"
host = "OLD"
port = 2525
tls = "off"

[[target]]
name = "other"
host = "OTHER:2525"
tls = "off"
recipient = "@other.example.net"

[[target]]
name = "short"
host = "OTHER"
port = 2526
tls = "off"
recipient = "default"

[[domain]]
name = "example.com"
aliases = ["example.org"]
relay = "old"

[[domain]]
name = "slave.test"
relay = "old"
forward_unknown = true

[[domain]]
name = "trusting.test"
relay = "old"
forward_unknown = true
verify_unknown = "none"

[[domain]]
name = "plain.test"
postmaster = "alice@example.com"

[[user]]
domain = "example.com"
login = "alice"
mail = "local"
addresses = ["alice@example.com", "a.lice@*"]

[[user]]
domain = "example.com"
login = "jdoe"
mail = "third-party"
addresses = ["jdoe@example.com", "john.doe@*", "j.doe@*"]
relayed = ["jdoe@example.com", "john.doe@*"]

[[user]]
domain = "example.com"
login = "own"
mail = "third-party"
addresses = ["own@example.com"]
target = "other"

[[user]]
domain = "example.com"
login = "nomail"
mail = "none"
addresses = ["nomail@example.com"]

[[user]]
domain = "example.com"
login = "gone"
mail = "local"
addresses = ["gone@example.com"]
suspended = true

[[user]]
domain = "slave.test"
login = "away"
mail = "third-party"
addresses = ["away@slave.test"]
suspended = true

[[user]]
domain = "slave.test"
login = "here"
mail = "local"
addresses = ["here@slave.test"]

[[user]]
domain = "slave.test"
login = "silent"
mail = "none"
addresses = ["silent@slave.test"]

[[mailbox]]
domain = "example.com"
name = "support"
addresses = ["support@*"]
members = ["alice@example.com"]

[[group]]
domain = "example.com"
name = "team"
addresses = ["team@example.com"]
members = ["alice@example.com", "jdoe@example.com", "gone@example.com"]

[[group]]
domain = "example.com"
name = "ghosts"
addresses = ["ghosts@example.com"]
members = ["gone@example.com", "nomail@example.com"]
"#;

/// A site with its two peers.
struct World {
    site: Site,
    old: Peer,
    other: Peer,
    /// A client in the trusted network.
    trusted: IpAddr,
}

fn world() -> Result<World> {
    let old = Peer::start_scripted(unused_address()?, old_knows)?;
    let other = Peer::start(unused_address()?)?;
    let trusted = unused_address()?;
    let site = Plan::new(PROGRAM)?
        .section("trust", &format!("networks = [\"{trusted}/32\"]\n"))
        .site(
            &SITE
                .replace("OLD", &old.smtp().ip().to_string())
                .replace("OTHER", &other.smtp().ip().to_string()),
        )
        .start()?;
    Ok(World {
        site,
        old,
        other,
        trusted,
    })
}

/// Every recipient in a transaction of its own, each with the reply that must come.
fn expect_replies(client: &mut Dialogue, rows: &[(&str, &str)]) {
    for (recipient, reply) in rows {
        client
            .expect("MAIL FROM:<sender@elsewhere.test>", 250)
            .unwrap();
        let heard = client.say(&format!("RCPT TO:{recipient}")).unwrap();
        assert_eq!(
            heard.text,
            reply.replace("%", &recipient[1..recipient.len() - 1]),
            "{recipient}"
        );
        client.expect("RSET", 250).unwrap();
    }
}

const OK: &str = "250 2.1.5 Ok";
const UNKNOWN: &str = "550 5.1.1 <%>: Recipient address rejected: User unknown";
const DISABLED: &str = "550 5.2.1 <%>: Recipient address rejected: Mailbox disabled";
const DENIED: &str = "554 5.7.1 <%>: Relay access denied";
const LOOP: &str = "554 5.4.6 <%>: Routing loop detected";
const LATER: &str =
    "451 4.4.3 <%>: Recipient address verification is temporarily unavailable, try again";

#[test]
fn a_stranger_gets_the_reply_of_the_table() {
    let world = world().unwrap();
    let mut stranger = Dialogue::open(world.site.smtp()).unwrap();
    expect_replies(
        &mut stranger,
        &[
            // The directory knows it.
            ("<alice@example.com>", OK),
            ("<ALICE@EXAMPLE.COM>", OK),
            ("<\"alice\"@example.com>", OK),
            ("<alice+tag@example.com>", OK),
            ("<a.lice@example.org>", OK),
            ("<support@example.org>", OK),
            ("<jdoe@example.com>", OK),
            ("<john.doe@example.org>", OK),
            ("<own@example.com>", OK),
            ("<team@example.com>", OK),
            ("<gone@example.com>", DISABLED),
            ("<away@slave.test>", DISABLED),
            // Known, but not for mail.
            ("<j.doe@example.com>", UNKNOWN),
            ("<nomail@example.com>", UNKNOWN),
            ("<silent@slave.test>", UNKNOWN),
            ("<ghosts@example.com>", UNKNOWN),
            // Under an alias domain only addresses at all names are there.
            ("<alice@example.org>", UNKNOWN),
            // Master and plain domain: the directory decides.
            ("<nobody@example.com>", UNKNOWN),
            ("<nobody@plain.test>", UNKNOWN),
            // Slave: the relay decides.
            ("<known@slave.test>", OK),
            ("<known+tag@slave.test>", OK),
            ("<nobody@slave.test>", UNKNOWN),
            ("<later@slave.test>", LATER),
            ("<here@slave.test>", OK),
            ("<anybody@trusting.test>", OK),
            // Always there.
            ("<postmaster@example.com>", OK),
            ("<abuse@example.com>", OK),
            ("<postmaster@plain.test>", OK),
            ("<postmaster@slave.test>", OK),
            // Not ours.
            ("<someone@elsewhere.test>", DENIED),
            ("<someone@sub.example.com>", DENIED),
        ],
    );
    client_may_say_postmaster(&mut stranger);
}

fn client_may_say_postmaster(client: &mut Dialogue) {
    client.expect("MAIL FROM:<>", 250).unwrap();
    client.expect("RCPT TO:<Postmaster>", 250).unwrap();
    client.expect("RSET", 250).unwrap();
}

#[test]
fn a_trusted_client_is_not_asked_about() {
    let world = world().unwrap();
    let mut trusted = Dialogue::open_from(world.trusted, world.site.smtp()).unwrap();
    expect_replies(
        &mut trusted,
        &[
            ("<someone@elsewhere.test>", OK),
            ("<later@slave.test>", OK),
            ("<nobody@slave.test>", OK),
            ("<nobody@example.com>", UNKNOWN),
            ("<gone@example.com>", DISABLED),
        ],
    );
}

#[test]
fn the_relay_never_gets_back_what_it_sent() {
    let world = world().unwrap();
    let mut relay = Dialogue::open_from(world.old.smtp().ip(), world.site.smtp()).unwrap();
    expect_replies(
        &mut relay,
        &[
            ("<nobody@slave.test>", LOOP),
            ("<known@slave.test>", LOOP),
            ("<known+tag@slave.test>", LOOP),
            ("<jdoe@example.com>", LOOP),
            ("<john.doe@example.org>", LOOP),
            ("<own@example.com>", OK),
            ("<alice@example.com>", OK),
            ("<team@example.com>", OK),
            ("<postmaster@slave.test>", OK),
            ("<nobody@example.com>", UNKNOWN),
            ("<someone@elsewhere.test>", DENIED),
        ],
    );
}

#[test]
fn every_recipient_of_one_message_goes_its_own_way_once() {
    let world = world().unwrap();
    let mut stranger = Dialogue::open(world.site.smtp()).unwrap();
    let recipients = [
        "alice@example.com",
        "jdoe@example.com",
        "john.doe@example.org",
        "own@example.com",
        "nobody@example.com",
        "team@example.com",
    ];
    let (replies, last) = stranger
        .submit("sender@elsewhere.test", &recipients, &message("mixed"))
        .unwrap();
    let codes: Vec<u16> = replies.iter().map(|reply| reply.code).collect();
    assert_eq!(codes, [250, 250, 250, 250, 550, 250]);
    assert_eq!(last.unwrap().code, 250);
    // One copy for one next hop, with every recipient that goes there, once.
    let old = world.old.wait_for_taken(1).unwrap();
    let mut at_old = old[0]
        .recipients
        .iter()
        .map(|r| address_of(r))
        .collect::<Vec<_>>();
    at_old.sort_unstable();
    assert_eq!(at_old, ["<jdoe@example.com>", "<john.doe@example.org>"]);
    let other = world.other.wait_for_taken(1).unwrap();
    assert_eq!(
        address_of(&other[0].recipients[0]),
        "<own@other.example.net>"
    );
    let alice = world
        .site
        .wait_for_messages("example.com", "alice", 1)
        .unwrap();
    assert!(alice[0].contains("mixed"), "{alice:?}");
    world.site.wait_for_log(&["removed"]).unwrap();
    assert_eq!(world.old.taken().len(), 1);
    assert_eq!(world.site.messages("example.com", "alice").len(), 1);
}

/// The address of a RCPT argument, without parameters.
fn address_of(argument: &str) -> &str {
    argument.split(' ').next().unwrap_or_default()
}

#[test]
fn the_postmaster_setting_gets_postmaster_mail() {
    let world = world().unwrap();
    let mut stranger = Dialogue::open(world.site.smtp()).unwrap();
    stranger
        .submit(
            "sender@elsewhere.test",
            &["abuse@plain.test"],
            &message("spam?"),
        )
        .unwrap();
    let alice = world
        .site
        .wait_for_messages("example.com", "alice", 1)
        .unwrap();
    assert!(alice[0].contains("spam?"), "{alice:?}");
}

#[test]
fn postmaster_mail_that_nobody_else_takes_is_kept_by_the_site() {
    let world = world().unwrap();
    let mut stranger = Dialogue::open(world.site.smtp()).unwrap();
    stranger
        .submit("", &["postmaster@example.com"], &message("hello?"))
        .unwrap();
    let kept = world.site.dir().join("data/postmaster");
    let messages = waypost_testkit::wait::until("the site's postmaster mail", || {
        Some(waypost_testkit::maildir::messages(&kept)).filter(|messages| !messages.is_empty())
    })
    .unwrap();
    assert!(messages[0].contains("hello?"), "{messages:?}");
}

#[test]
fn no_refusal_names_what_is_behind() {
    let world = world().unwrap();
    let mut stranger = Dialogue::open(world.site.smtp()).unwrap();
    stranger
        .expect("MAIL FROM:<sender@elsewhere.test>", 250)
        .unwrap();
    let heard = stranger.say("RCPT TO:<nobody@slave.test>").unwrap();
    assert_eq!(heard.code, 550);
    let hidden = ["old", "internal", &world.old.smtp().ip().to_string()];
    assert!(
        hidden.iter().all(|name| !heard.text.contains(name)),
        "{}",
        heard.text
    );
}
