//! What other servers said of addresses is remembered, over a restart too, and no longer than said.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::Result;
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::peer::{Moment, Peer, Reaction};
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, Signal, Site};
use waypost_testkit::wait;

use crate::{PROGRAM, message};

/// A slave of `relay`, and a trusted client.
fn slave_of(relay: IpAddr, trusted: IpAddr) -> Result<Site> {
    let site = format!(
        "[[target]]\nname = \"relay\"\nhost = \"{relay}\"\nport = 2525\ntls = \"off\"\n\
         [[domain]]\nname = \"example.com\"\nrelay = \"relay\"\nforward_unknown = true\n"
    );
    Plan::new(PROGRAM)?
        .section("trust", &format!("networks = [\"{trusted}/32\"]\n"))
        .section("queue", "retry_first = \"1s\"\n")
        .site(&site)
        .start()
}

/// A relay that has `jane` and nobody else, until she is gone, and how often it was asked for her.
#[derive(Default)]
struct Relay {
    asked: AtomicUsize,
    gone: AtomicBool,
}

impl Relay {
    fn start(self: &Arc<Self>, address: IpAddr) -> Result<Peer> {
        let relay = Arc::clone(self);
        Peer::start_scripted(address, move |moment| relay.react(moment))
    }

    fn react(&self, moment: &Moment<'_>) -> Option<Reaction> {
        let Moment::Command(line) = moment else {
            return None;
        };
        let line = line.to_ascii_lowercase();
        let recipient = line.strip_prefix("rcpt to:")?;
        if recipient.starts_with("<jane@") {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if !self.gone.load(Ordering::SeqCst) {
                return None;
            }
        }
        Some(Reaction::Say("550 5.1.1 No such user".to_owned()))
    }
}

fn rcpt(site: &Site, recipient: &str) -> Result<u16> {
    let mut stranger = Dialogue::open(site.smtp())?;
    stranger.expect("MAIL FROM:<stranger@elsewhere.test>", 250)?;
    Ok(stranger.say(&format!("RCPT TO:<{recipient}>"))?.code)
}

/// What was kept is read while the server is running already.
fn wait_until_remembered(site: &Site, source: &str) {
    wait::until("the answers from before", || {
        let shown = site.tell(&["cache", "show", "jane@example.com"]).ok()?;
        (shown.contains(source) && shown.contains("active")).then_some(())
    })
    .unwrap();
}

#[test]
fn an_answer_survives_a_restart_and_a_kill() {
    let (relay, trusted) = (Arc::new(Relay::default()), unused_address().unwrap());
    let peer = relay.start(unused_address().unwrap()).unwrap();
    let mut site = slave_of(peer.smtp().ip(), trusted).unwrap();
    assert_eq!(rcpt(&site, "jane@example.com").unwrap(), 250);
    assert_eq!(relay.asked.load(Ordering::SeqCst), 1);
    site.stop().unwrap();
    site.launch().unwrap();
    wait_until_remembered(&site, "callout");
    assert_eq!(rcpt(&site, "JANE@example.com").unwrap(), 250);
    assert_eq!(relay.asked.load(Ordering::SeqCst), 1, "asked again");
    let shown = site.tell(&["cache", "show", "jane@example.com"]).unwrap();
    assert!(
        shown.contains("callout") && shown.contains("active"),
        "{shown}"
    );
    site.tell(&["cache", "drop", "jane@example.com"]).unwrap();
    site.stop().unwrap();
    site.launch().unwrap();
    assert_eq!(rcpt(&site, "jane@example.com").unwrap(), 250);
    assert_eq!(
        relay.asked.load(Ordering::SeqCst),
        2,
        "dropped, and known all the same"
    );
}

#[test]
fn a_delivery_proves_an_address_after_a_restart() {
    let (relay, trusted) = (Arc::new(Relay::default()), unused_address().unwrap());
    let peer = relay.start(unused_address().unwrap()).unwrap();
    let mut site = slave_of(peer.smtp().ip(), trusted).unwrap();
    let submit = |site: &Site| {
        let mut client = Dialogue::open_from(trusted, site.smtp()).unwrap();
        let to = ["jane@example.com"];
        let (_, last) = client
            .submit("sender@elsewhere.test", &to, &message("proof"))
            .unwrap();
        last.unwrap().code
    };
    assert_eq!(submit(&site), 250);
    peer.wait_for_taken(1).unwrap();
    site.wait_for_log(&["removed"]).unwrap();
    site.stop().unwrap();
    relay.gone.store(true, Ordering::SeqCst);
    site.launch().unwrap();
    wait_until_remembered(&site, "delivery");
    // Refused although it took the last one: the relay is asked once more before anybody believes
    // it, and says no again.
    assert_eq!(submit(&site), 550);
    assert!(relay.asked.load(Ordering::SeqCst) >= 3);
    site.wait_for_log(&["status=refused"]).unwrap();
}

#[test]
fn applying_a_site_file_forgets_only_what_it_changes() {
    let (relay, trusted) = (Arc::new(Relay::default()), unused_address().unwrap());
    let peer = relay.start(unused_address().unwrap()).unwrap();
    let site = slave_of(peer.smtp().ip(), trusted).unwrap();
    assert_eq!(rcpt(&site, "jane@example.com").unwrap(), 250);
    let remembers = || {
        let shown = site.tell(&["cache", "show", "jane@example.com"]).unwrap();
        shown.contains("active")
    };
    assert!(remembers());
    let exported = site.tell(&["export"]).unwrap();
    site.apply(&exported).unwrap();
    assert!(remembers(), "nothing was changed");
    let user = |login: &str| {
        format!(
            "[[user]]\ndomain = \"example.com\"\nlogin = \"{login}\"\nmail = \"local\"\n\
             addresses = [\"{login}@example.com\"]\n"
        )
    };
    site.apply(&(exported.clone() + &user("paul"))).unwrap();
    assert!(remembers(), "another user was made");
    site.apply(&(exported + &user("jane"))).unwrap();
    assert!(!remembers(), "she is here now");
}

#[test]
fn applying_a_change_of_a_server_forgets_what_it_said() {
    let (relay, trusted) = (Arc::new(Relay::default()), unused_address().unwrap());
    let peer = relay.start(unused_address().unwrap()).unwrap();
    let site = slave_of(peer.smtp().ip(), trusted).unwrap();
    assert_eq!(rcpt(&site, "jane@example.com").unwrap(), 250);
    let exported = site.tell(&["export"]).unwrap();
    let moved = exported.replace("port = 2525", "port = 2526");
    assert_ne!(moved, exported);
    site.apply(&moved).unwrap();
    let shown = site.tell(&["cache", "show", "jane@example.com"]).unwrap();
    assert!(!shown.contains("active"), "{shown}");
}

#[test]
fn a_reload_changes_how_long_an_answer_holds() {
    let (relay, trusted) = (Arc::new(Relay::default()), unused_address().unwrap());
    let peer = relay.start(unused_address().unwrap()).unwrap();
    let site = slave_of(peer.smtp().ip(), trusted).unwrap();
    for _ in 0..2 {
        assert_eq!(rcpt(&site, "jane@example.com").unwrap(), 250);
    }
    assert_eq!(relay.asked.load(Ordering::SeqCst), 1);
    let path = site.dir().join("waypost.toml");
    let file = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, file + "\n[cache]\npositive = \"0s\"\n").unwrap();
    site.signal(Signal::HUP).unwrap();
    site.wait_for_log(&["reloaded", "cache.positive = \"0s\" now"])
        .unwrap();
    assert_eq!(rcpt(&site, "jane@example.com").unwrap(), 250);
    assert_eq!(relay.asked.load(Ordering::SeqCst), 2);
}
