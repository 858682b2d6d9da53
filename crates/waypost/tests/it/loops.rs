//! No message visits a server twice for the recipient that it came with.

use std::net::IpAddr;

use anyhow::Result;
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::peer::Peer;
use waypost_testkit::place::unused_address;
use waypost_testkit::postfix::Postfix;
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::wait;

use crate::{PROGRAM, message};

/// A domain whose unknown addresses go to `other`.
fn forwards_unknown_to(other: IpAddr, trusted: IpAddr, verify: &str) -> (String, String) {
    let trust = format!("networks = [\"{trusted}/32\"]\n");
    let site = format!(
        r#"
[[target]]
name = "other-half"
host = "{other}"
port = 2525
tls = "off"

[[domain]]
name = "example.com"
relay = "other-half"
forward_unknown = true
verify_unknown = "{verify}"

[[user]]
domain = "example.com"
login = "sender"
mail = "local"
addresses = ["sender@example.com"]
"#
    );
    (trust, site)
}

/// Two sites that forward unknown addresses to each other, and a client that both trust.
fn facing_sites(verify: &str) -> Result<(Site, Site, IpAddr)> {
    let (first, second) = (Plan::new(PROGRAM)?, Plan::new(PROGRAM)?);
    let trusted = unused_address()?;
    let (first_address, second_address) = (first.address(), second.address());
    let (trust, site) = forwards_unknown_to(second_address, trusted, verify);
    let first = first.section("trust", &trust).site(&site).start()?;
    let (trust, site) = forwards_unknown_to(first_address, trusted, verify);
    let second = second.section("trust", &trust).site(&site).start()?;
    Ok((first, second, trusted))
}

/// How often the site has accepted a message.
fn accepted(site: &Site) -> usize {
    site.log()
        .lines()
        .filter(|line| line.contains("nrcpt="))
        .count()
}

#[test]
fn two_sites_that_forward_unknowns_to_each_other_refuse_a_stranger_at_rcpt() {
    let (first, second, _) = facing_sites("callout").unwrap();
    let mut stranger = Dialogue::open(first.smtp()).unwrap();
    stranger
        .expect("MAIL FROM:<stranger@elsewhere.test>", 250)
        .unwrap();
    let heard = stranger.say("RCPT TO:<nobody@example.com>").unwrap();
    assert_eq!(heard.code / 100, 5, "{}", heard.text);
    assert_eq!((accepted(&first), accepted(&second)), (0, 0));
}

#[test]
fn an_unknown_address_between_two_forwarding_sites_is_refused_to_its_sender() {
    let (first, second, trusted) = facing_sites("none").unwrap();
    let mut client = Dialogue::open_from(trusted, first.smtp()).unwrap();
    let (replies, last) = client
        .submit(
            "sender@example.com",
            &["nobody@example.com"],
            &message("lost"),
        )
        .unwrap();
    assert_eq!(replies[0].code, 250);
    assert_eq!(
        last.unwrap().text,
        "554 5.4.6 <nobody@example.com>: Routing loop detected"
    );
    assert!(first.messages("example.com", "sender").is_empty());
    // The other site never took it: its one hop was a refusal.
    assert_eq!(accepted(&second), 0, "{}", second.log());
}

#[test]
fn a_postfix_that_hands_everything_back_is_stopped_on_the_first_return() {
    let plan = Plan::new(PROGRAM).unwrap();
    let site_address = plan.address();
    let postfix = Postfix::start(&format!(
        "relay_domains = example.com\n\
         relay_recipient_maps =\n\
         transport_maps = inline:{{example.com=smtp:[{site_address}]:2525}}\n\
         smtpd_relay_restrictions = permit_auth_destination, reject\n"
    ))
    .unwrap();
    let trusted = unused_address().unwrap();
    let (trust, file) = forwards_unknown_to(postfix.address, trusted, "none");
    let site = plan.section("trust", &trust).site(&file).start().unwrap();
    let mut client = Dialogue::open_from(trusted, site.smtp()).unwrap();
    client
        .submit(
            "sender@example.com",
            &["nobody@example.com"],
            &message("boomerang"),
        )
        .unwrap();
    postfix
        .wait_for_log(&["to=<nobody@example.com>", "status=bounced", "5.4.6"])
        .unwrap();
    let bounces = site.wait_for_messages("example.com", "sender", 1).unwrap();
    assert!(bounces[0].contains("nobody@example.com"), "{}", bounces[0]);
    // Once from the client; the bounce that Postfix sent; nothing else.
    assert_eq!(accepted(&site), 2, "{}", site.log());
}

#[test]
fn a_group_that_sends_back_under_a_new_name_ends_on_the_second_pass() {
    let (first, second) = (Plan::new(PROGRAM).unwrap(), Plan::new(PROGRAM).unwrap());
    let (first_address, second_address) = (first.address(), second.address());
    let half = |other: IpAddr, group: &str, member: &str| {
        format!(
            r#"
[[target]]
name = "other-half"
host = "{other}"
port = 2525
tls = "off"

[[domain]]
name = "example.com"
relay = "other-half"

[[user]]
domain = "example.com"
login = "{member}"
mail = "third-party"
addresses = ["{member}@example.com"]

[[user]]
domain = "example.com"
login = "sender"
mail = "local"
addresses = ["sender@example.com"]

[[group]]
domain = "example.com"
name = "{group}"
addresses = ["{group}@example.com"]
members = ["{member}@example.com"]
"#
        )
    };
    // first: all -> everyone (at second); second: everyone -> all (at first).
    let first = first
        .site(&half(second_address, "all", "everyone"))
        .start()
        .unwrap();
    let second = second
        .site(&half(first_address, "everyone", "all"))
        .start()
        .unwrap();
    let mut stranger = Dialogue::open(first.smtp()).unwrap();
    let (_, last) = stranger
        .submit(
            "sender@example.com",
            &["all@example.com"],
            &message("circle"),
        )
        .unwrap();
    assert_eq!(last.unwrap().code, 250);
    let bounces = wait::until("the bounce", || {
        let mut all = first.messages("example.com", "sender");
        all.extend(second.messages("example.com", "sender"));
        Some(all).filter(|all| !all.is_empty())
    })
    .unwrap();
    assert!(bounces[0].contains("5.4.6"), "{}", bounces[0]);
    // Once out, once back, refused there.
    let handed_over = |site: &Site| {
        let log = site.log();
        let sent = log.lines().filter(|line| line.contains("status=sent"));
        sent.filter(|line| line.contains("route=other-half") && line.contains("orig_to="))
            .count()
    };
    assert_eq!(
        (handed_over(&first), handed_over(&second)),
        (1, 0),
        "{}",
        second.log()
    );
}

#[test]
fn a_user_who_moves_takes_his_waiting_mail_along() {
    let (old, new) = (
        unused_address().unwrap(),
        Peer::start(unused_address().unwrap()).unwrap(),
    );
    let file = |target: &str| {
        format!(
            r#"
[[target]]
name = "old"
host = "{old}"
port = 2525
tls = "off"

[[target]]
name = "new"
host = "{new}"
port = 2525
tls = "off"

[[domain]]
name = "example.com"
relay = "old"

[[user]]
domain = "example.com"
login = "jdoe"
mail = "third-party"
addresses = ["jdoe@example.com"]
target = "{target}"
"#,
            new = new.smtp().ip()
        )
    };
    let site = Plan::new(PROGRAM)
        .unwrap()
        .site(&file("old"))
        .start()
        .unwrap();
    let mut stranger = Dialogue::open(site.smtp()).unwrap();
    stranger
        .submit(
            "a@elsewhere.test",
            &["jdoe@example.com"],
            &message("follow"),
        )
        .unwrap();
    site.wait_for_log(&["to=<jdoe@example.com>", "status=deferred"])
        .unwrap();
    site.apply(&file("new")).unwrap();
    site.flush(&[]).unwrap();
    let taken = new.wait_for_taken(1).unwrap();
    assert!(taken[0].text().contains("follow"));
}

#[test]
fn a_message_with_too_many_hops_is_refused_at_its_end() {
    let site = Plan::new(PROGRAM)
        .unwrap()
        .site(&forwards_unknown_to(unused_address().unwrap(), unused_address().unwrap(), "none").1)
        .start()
        .unwrap();
    let mut stranger = Dialogue::open(site.smtp()).unwrap();
    let hop = "Received: from a.test by b.test; Sun, 22 Nov 2026 06:00:00 +0000\r\n";
    let content = hop.repeat(31) + &message("round and round");
    let (_, last) = stranger
        .submit("a@elsewhere.test", &["sender@example.com"], &content)
        .unwrap();
    assert_eq!(last.unwrap().text, "554 5.4.6 Too many hops");
}
