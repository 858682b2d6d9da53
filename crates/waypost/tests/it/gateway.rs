//! Gateway domains: verified here, by whatever the gateway says, and passed on.

use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use waypost_proto::minger::Status;
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::minger::MingerPeer;
use waypost_testkit::peer::{Moment, Peer, Reaction};
use waypost_testkit::place::unused_address;
use waypost_testkit::postfix::Postfix;
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::wait;

use crate::{PROGRAM, message};

/// A site with alice@example.com that branch.test lives behind.
fn site(branch: IpAddr, gateway: &str, more: &str) -> Site {
    let file = format!(
        "[[target]]\nname = \"branch\"\nhost = \"{branch}\"\nport = 2525\ntls = \"off\"\n\
         [[gateway]]\ndomain = \"branch.test\"\ntarget = \"branch\"\n{gateway}\n\
         [[domain]]\nname = \"example.com\"\n\
         [[user]]\ndomain = \"example.com\"\nlogin = \"alice\"\nmail = \"local\"\n\
         addresses = [\"alice@example.com\"]\n{more}"
    );
    let plan = Plan::new(PROGRAM).unwrap();
    let plan = plan.section("minger", "anonymous = true\ntimeout = \"1s\"\n");
    plan.site(&file).start().unwrap()
}

/// A Postfix on which branch.test lives: bob, and nobody else.
fn postfix() -> Postfix {
    Postfix::start(
        "virtual_mailbox_domains = branch.test\n\
         virtual_mailbox_maps = inline:{ {bob@branch.test=branch.test/bob/} }\n",
    )
    .unwrap()
}

/// What a stranger is told at RCPT.
fn rcpt(site: &Site, recipient: &str) -> u16 {
    let mut stranger = Dialogue::open(site.smtp()).unwrap();
    stranger
        .expect("MAIL FROM:<stranger@elsewhere.test>", 250)
        .unwrap();
    stranger
        .say(&format!("RCPT TO:<{recipient}>"))
        .unwrap()
        .code
}

fn send(site: &Site, recipient: &str, subject: &str) {
    assert!(hand_in(site, recipient, subject).starts_with("250 "));
}

/// What alice hears in the end.
fn hand_in(site: &Site, recipient: &str, subject: &str) -> String {
    let mut client = Dialogue::open(site.smtp()).unwrap();
    let (_, last) = client
        .submit("alice@example.com", &[recipient], &message(subject))
        .unwrap();
    last.unwrap().text
}

fn wait_for_bob(postfix: &Postfix, count: usize) {
    let found = wait::until("bob's mail", || {
        Some(postfix.messages("branch.test", "bob")).filter(|found| found.len() >= count)
    });
    found.unwrap_or_else(|error| panic!("{error}\n{}", postfix.log()));
}

#[test]
fn a_gateway_that_verifies_nobody_passes_everybody_on_and_says_what_its_target_says() {
    let postfix = postfix();
    let site = site(postfix.address, "verify = \"none\"\n", "");
    send(&site, "bob@branch.test", "to bob");
    wait_for_bob(&postfix, 1);
    assert_eq!(rcpt(&site, "nobody@branch.test"), 250);
    let heard = hand_in(&site, "nobody@branch.test", "to nobody");
    assert!(
        heard.starts_with("550 5.1.1 <nobody@branch.test>"),
        "{heard}"
    );
    assert!(site.messages("example.com", "alice").is_empty());
}

#[test]
fn a_gateway_that_is_verified_by_callout_knows_whom_its_target_refuses() {
    let postfix = postfix();
    let site = site(postfix.address, "verify = \"callout\"\n", "");
    assert_eq!(rcpt(&site, "nobody@branch.test"), 550);
    send(&site, "Bob@branch.test", "to bob");
    wait_for_bob(&postfix, 1);
    drop(postfix);
    assert_eq!(rcpt(&site, "bob@branch.test"), 250, "remembered");
    assert_eq!(rcpt(&site, "somebody@branch.test"), 451);
    let from = site.run(&["cache", "drop", "bob@branch.test"]).unwrap();
    assert!(from.status.success());
    assert_eq!(rcpt(&site, "bob@branch.test"), 451, "dropped");
}

#[test]
fn a_gateway_whose_target_takes_every_address_is_told_to_the_administrator() {
    let peer = Peer::start(unused_address().unwrap()).unwrap();
    let site = site(peer.smtp().ip(), "verify = \"callout\"\n", "");
    assert_eq!(rcpt(&site, "bob@branch.test"), 250);
    assert_eq!(rcpt(&site, "nobody@branch.test"), 250);
    site.wait_for_log(&["branch accepts every recipient of branch.test"])
        .unwrap();
}

#[test]
fn a_gateway_may_accept_while_who_verifies_cannot_be_reached() {
    let branch = unused_address().unwrap();
    for verify in ["callout", "minger"] {
        let gateway = format!("verify = \"{verify}\"\nunreachable = \"accept\"\n");
        let site = site(branch, &gateway, "");
        send(&site, "bob@branch.test", verify);
        site.wait_for_log(&["to=<bob@branch.test>", "status=deferred"])
            .unwrap();
        let peer = Peer::start(branch).unwrap();
        peer.wait_for_taken(1).unwrap();
    }
}

#[test]
fn a_gateway_list_that_changes_counts_within_two_seconds() {
    let peer = Peer::start(unused_address().unwrap()).unwrap();
    let gateway = "verify = \"list\"\nlist = \"%DIR%/branch\"\n";
    let site = site(peer.smtp().ip(), gateway, "");
    let list = site.dir().join("branch");
    let soon = Duration::from_secs(2);
    fs::write(&list, "# who is there\n\nBob@Branch.TEST\nno address\n").unwrap();
    for (recipient, code) in [
        ("bob@branch.test", 250),
        ("BOB+tag@branch.test", 250),
        ("eve@branch.test", 550),
    ] {
        assert_eq!(rcpt(&site, recipient), code, "{recipient}");
    }
    site.wait_for_log(&["branch:4:", "no address"]).unwrap();
    // The same length, so that only its time tells.
    fs::write(&list, "# who is there\n\nEve@Branch.TEST\nno address\n").unwrap();
    wait::until_within(soon, "eve", || {
        (rcpt(&site, "eve@branch.test") == 250).then_some(())
    })
    .unwrap();
    assert_eq!(rcpt(&site, "bob@branch.test"), 550);
    // Replaced by another file, as editors do.
    let other = site.dir().join("branch.new");
    fs::write(&other, "dan@branch.test\r\n").unwrap();
    fs::rename(&other, &list).unwrap();
    wait::until_within(soon, "dan", || {
        (rcpt(&site, "dan@branch.test") == 250).then_some(())
    })
    .unwrap();
    assert_eq!(rcpt(&site, "eve@branch.test"), 550);
}

#[test]
fn a_gateway_list_that_cannot_be_read_refuses_nobody() {
    let peer = Peer::start(unused_address().unwrap()).unwrap();
    for (unreachable, code) in [("later", 451), ("accept", 250)] {
        let gateway = format!(
            "verify = \"list\"\nlist = \"%DIR%/branch\"\nunreachable = \"{unreachable}\"\n"
        );
        let site = site(peer.smtp().ip(), &gateway, "");
        let list = site.dir().join("branch");
        assert_eq!(rcpt(&site, "bob@branch.test"), code);
        site.wait_for_log(&["branch", "cannot be verified until it can be read"])
            .unwrap();
        fs::write(&list, "bob@branch.test\n").unwrap();
        wait::until("the list to be read", || {
            (rcpt(&site, "nobody@branch.test") == 550).then_some(())
        })
        .unwrap();
        assert_eq!(rcpt(&site, "bob@branch.test"), 250);
        // Not UTF-8 in the middle: what is not understood is no "no".
        fs::write(&list, b"bob@branch.test\n\xff\xfe\n").unwrap();
        wait::until("the list to be looked at", || {
            (rcpt(&site, "nobody@branch.test") == code).then_some(())
        })
        .unwrap();
        fs::remove_file(&list).unwrap();
        assert_eq!(rcpt(&site, "nobody@branch.test"), code);
    }
}

/// Somebody who answers for the branch, and a peer of the site that has jane.
fn two_who_know() -> (MingerPeer, MingerPeer, Peer) {
    let branch = MingerPeer::plan(unused_address().unwrap()).knows("bob@branch.test");
    let lyon = unused_address().unwrap();
    let peer = MingerPeer::plan(lyon).knows("jane@branch.test");
    (
        branch.start().unwrap(),
        peer.start().unwrap(),
        Peer::start(lyon).unwrap(),
    )
}

fn peer_at(at: IpAddr) -> String {
    format!("[[peer]]\nname = \"lyon\"\nhost = \"{at}\"\nport = 2525\ntls = \"off\"\n")
}

#[test]
fn a_gateway_that_is_verified_over_minger_asks_the_peers_too_unless_it_is_told_not_to() {
    let (branch, lyon, at_lyon) = two_who_know();
    let target = Peer::start(unused_address().unwrap()).unwrap();
    let host = branch.at().ip();
    let minger = format!("verify = \"minger\"\nminger_host = \"{host}\"\n");
    let peer = peer_at(lyon.at().ip());
    let site = site(target.smtp().ip(), &minger, &peer);
    send(&site, "bob@branch.test", "to bob");
    send(&site, "jane@branch.test", "to jane");
    assert_eq!(rcpt(&site, "nobody@branch.test"), 550);
    let taken = target.wait_for_taken(1).unwrap();
    assert!(taken[0].text().contains("Subject: to bob"));
    let taken = at_lyon.wait_for_taken(1).unwrap();
    assert!(taken[0].text().contains("Subject: to jane"));
    // Both are needed for a no.
    lyon.be_silent();
    assert_eq!(rcpt(&site, "somebody@branch.test"), 451);
    branch.say("full@branch.test", Status::Unavailable);
    lyon.behave();
    assert_eq!(rcpt(&site, "full@branch.test"), 452);
    let alone = format!("{minger}sharing_too = false\n");
    let before = lyon.heard().len();
    let site = self::site(target.smtp().ip(), &alone, &peer);
    assert_eq!(rcpt(&site, "bob@branch.test"), 250);
    assert_eq!(rcpt(&site, "jane@branch.test"), 550);
    assert_eq!(lyon.heard().len(), before, "asked all the same");
}

#[test]
fn mail_of_a_gateway_domain_does_not_go_back_to_where_it_comes_from() {
    let (branch, lyon, at_lyon) = two_who_know();
    let target = unused_address().unwrap();
    let host = branch.at().ip();
    let minger = format!("verify = \"minger\"\nminger_host = \"{host}\"\n");
    let site = site(target, &minger, &peer_at(lyon.at().ip()));
    let mut from_target = Dialogue::open_from(target, site.smtp()).unwrap();
    from_target
        .expect("MAIL FROM:<x@branch.test>", 250)
        .unwrap();
    let heard = from_target
        .expect("RCPT TO:<nobody@branch.test>", 554)
        .unwrap();
    assert!(heard.text.starts_with("554 5.4.6"), "{}", heard.text);
    // A peer may have whom the target does not.
    from_target
        .expect("RCPT TO:<jane@branch.test>", 250)
        .unwrap();
    from_target.expect("DATA", 354).unwrap();
    from_target.send(message("elsewhere").as_bytes()).unwrap();
    from_target.expect(".", 250).unwrap();
    at_lyon.wait_for_taken(1).unwrap();
    let mut from_lyon = Dialogue::open_from(lyon.at().ip(), site.smtp()).unwrap();
    from_lyon.expect("MAIL FROM:<x@branch.test>", 250).unwrap();
    from_lyon.expect("RCPT TO:<bob@branch.test>", 250).unwrap();
    from_lyon.expect("RCPT TO:<jane@branch.test>", 550).unwrap();
}

#[test]
fn mail_that_a_gateways_target_refuses_although_it_was_verified_is_asked_about_again() {
    let target = unused_address().unwrap();
    let branch = MingerPeer::plan(target)
        .knows("bob@branch.test")
        .start()
        .unwrap();
    let _refusing = Peer::start_scripted(target, |moment| match moment {
        Moment::Command(line) if line.starts_with("RCPT TO:") => {
            Some(Reaction::Say("550 5.1.1 No such user here".to_owned()))
        }
        _ => None,
    })
    .unwrap();
    let site = site(target, "verify = \"minger\"\n", "");
    assert_eq!(rcpt(&site, "bob@branch.test"), 250);
    branch.forget("bob@branch.test");
    let heard = hand_in(&site, "bob@branch.test", "gone");
    assert_eq!(heard, "550 5.1.1 No such user here");
    assert_eq!(branch.heard_about("bob@branch.test").len(), 2);
    assert_eq!(rcpt(&site, "bob@branch.test"), 550);
}
