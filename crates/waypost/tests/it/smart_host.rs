//! When a target's mail goes another way, and when it does not.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::name_server::{NameServer, Zone};
use waypost_testkit::peer::{self, Moment, Peer, Reaction};
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::wait;

use crate::{PROGRAM, message};

/// A target that answers nobody until it is told to.
fn absent_target() -> (Peer, Arc<AtomicBool>) {
    let is_there = Arc::new(AtomicBool::new(false));
    let there = Arc::clone(&is_there);
    let peer = Peer::start_scripted(unused_address().unwrap(), move |moment| match moment {
        Moment::Connect if !there.load(Ordering::SeqCst) => Some(Reaction::Close),
        _ => None,
    });
    (peer.unwrap(), is_there)
}

/// Alice here, jdoe at the target; everything else of the world by `outbound`.
fn site(target: IpAddr, lines: &str, outbound: &str) -> Site {
    let file = format!(
        r#"
[[target]]
name = "old"
host = "{target}"
port = 2525
tls = "off"
{lines}

[[domain]]
name = "example.com"
relay = "old"

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
    let plan = Plan::new(PROGRAM).unwrap().section("outbound", outbound);
    let plan = plan.section("trust", "networks = [\"127.0.0.0/8\"]\n");
    plan.site(&file).start().unwrap()
}

fn write(site: &Site, recipient: &str) {
    let mut client = Dialogue::open(site.smtp()).unwrap();
    let (_, last) = client
        .submit("alice@example.com", &[recipient], &message("out"))
        .unwrap();
    assert_eq!(last.unwrap().code, 250);
}

/// How often the target was tried in vain.
fn deferrals(target: &Peer, log: &str) -> usize {
    let at = format!("[{}]", target.smtp().ip());
    let deferred = |line: &&str| line.contains("status=deferred") && line.contains(&at);
    log.lines().filter(deferred).count()
}

#[test]
fn what_a_target_does_not_take_waits_for_it_and_goes_nowhere_else() {
    let (old, is_there) = absent_target();
    let smart_host = Peer::start(unused_address().unwrap()).unwrap();
    let outbound = format!("smart_host = \"{}\"\n", smart_host.smtp());
    let site = site(old.smtp().ip(), "", &outbound);
    write(&site, "jdoe@example.com");
    wait::until("two attempts", || {
        (deferrals(&old, &site.log()) >= 2).then_some(())
    })
    .unwrap();
    // The smart host is there, and takes what is for the rest of the world.
    write(&site, "paul@example.net");
    let taken = smart_host.wait_for_taken(1).unwrap();
    assert!(
        taken[0].recipients[0].starts_with("<paul@example.net>"),
        "{taken:?}"
    );
    is_there.store(true, Ordering::SeqCst);
    old.wait_for_taken(1).unwrap();
    assert_eq!(smart_host.taken().len(), 1);
}

#[test]
fn what_a_target_does_not_take_goes_to_the_smart_host_where_it_says_so() {
    let (old, _) = absent_target();
    let smart_host = Peer::start(unused_address().unwrap()).unwrap();
    let outbound = format!("smart_host = \"{}\"\n", smart_host.smtp());
    let site = site(old.smtp().ip(), "smart_host_on_error = true", &outbound);
    write(&site, "jdoe@example.com");
    let taken = smart_host.wait_for_taken(1).unwrap();
    assert!(
        taken[0].recipients[0].starts_with("<jdoe@example.com>"),
        "{taken:?}"
    );
    assert!(old.taken().is_empty());
    site.wait_for_log(&["to=<jdoe@example.com>", "status=sent", "smart-host"])
        .unwrap();
}

#[test]
fn what_a_target_does_not_take_never_goes_to_the_mx_of_its_domain() {
    for lines in ["", "smart_host_on_error = true"] {
        let (old, is_there) = absent_target();
        let outside = unused_address().unwrap();
        let zone = Zone::default()
            .mx("example.com", 10, "mx.example.com")
            .host("mx.example.com", outside)
            .mx("example.net", 10, "mx.example.com");
        let dns = NameServer::start(zone).unwrap();
        let outbound = format!("resolvers = [\"{}\"]\n", dns.address());
        let site = site(old.smtp().ip(), lines, &outbound);
        let mx = peer::Plan::new(outside).port(25).start(|_| None).unwrap();
        write(&site, "jdoe@example.com");
        wait::until("two attempts", || {
            (deferrals(&old, &site.log()) >= 2).then_some(())
        })
        .unwrap();
        // It is there, and takes what is for others.
        write(&site, "paul@example.net");
        mx.wait_for_taken(1).unwrap();
        is_there.store(true, Ordering::SeqCst);
        old.wait_for_taken(1).unwrap();
        assert_eq!(mx.taken().len(), 1, "{:?}", mx.taken());
    }
}
