//! Domain Sharing: several sites share one domain, and every address finds its server.

mod absent;
mod addresses;
mod distrust;
mod moves;
mod neighbours;

use std::net::IpAddr;

use anyhow::Result;
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::minger::{self, MingerPeer};
use waypost_testkit::peer::{Moment, Peer, Reaction};
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::wait;

use crate::{PROGRAM, message};

/// What the sites of a test ask each other with.
const SECRET: &str = "a-secret-that-is-shared";

/// Sites that share example.com, each with one user of its own, who is named like the site.
fn sites(names: &[&str]) -> Result<Vec<Site>> {
    sites_with(names, "", "")
}

/// The same, with these lines in `[cache]`, and more in their site files.
fn sites_with(names: &[&str], cache: &str, more: &str) -> Result<Vec<Site>> {
    let plans: Vec<Plan> = names
        .iter()
        .map(|_| Plan::new(PROGRAM))
        .collect::<Result<_>>()?;
    let addresses: Vec<IpAddr> = plans.iter().map(Plan::address).collect();
    let sites = plans.into_iter().zip(names).map(|(plan, name)| {
        let own = plan.address();
        let others = names.iter().zip(&addresses).filter(|(_, at)| **at != own);
        plan.section("minger", &format!("secrets = [\"{SECRET}\"]\n"))
            .section("cache", cache)
            .site(&shared_with(name, others))
            .site(more)
            .start()
    });
    sites.collect()
}

fn shared_with<'a>(name: &str, others: impl Iterator<Item = (&'a &'a str, &'a IpAddr)>) -> String {
    let mut file = String::new();
    let mut sharing = Vec::new();
    for (peer, at) in others {
        file.push_str(&peer_at(peer, *at));
        sharing.push(format!("\"{peer}\""));
    }
    file.push_str(&format!(
        "[[domain]]\nname = \"example.com\"\naliases = [\"example.org\"]\nsharing = [{}]\n{}",
        sharing.join(", "),
        user(name)
    ));
    file
}

fn peer_at(name: &str, at: IpAddr) -> String {
    format!(
        "[[peer]]\nname = \"{name}\"\nhost = \"{at}\"\nport = 2525\ntls = \"off\"\n\
         minger_secret = \"{SECRET}\"\n"
    )
}

fn user(name: &str) -> String {
    format!(
        "[[user]]\ndomain = \"example.com\"\nlogin = \"{name}\"\nmail = \"local\"\n\
         addresses = [\"{name}@*\"]\n"
    )
}

/// A server beside a site that a test leads: it takes mail, and says over Minger whom it has.
struct Office {
    at: IpAddr,
    minger: MingerPeer,
    smtp: Peer,
}

impl Office {
    /// Takes everything, and has these.
    fn with(addresses: &[&str]) -> Result<Self> {
        Self::scripted(addresses, |_| None)
    }

    /// Has these, and takes what the script lets it.
    fn scripted(
        addresses: &[&str],
        script: impl Fn(&Moment<'_>) -> Option<Reaction> + Send + Sync + 'static,
    ) -> Result<Self> {
        let at = unused_address()?;
        let plan = MingerPeer::plan(at).secret(SECRET);
        let plan = addresses
            .iter()
            .fold(plan, |plan, address| plan.knows(address));
        Ok(Self {
            at,
            minger: minger::Plan::start(plan)?,
            smtp: Peer::start_scripted(at, script)?,
        })
    }
}

/// A site with alice that shares example.com with these offices, in this order, under the names
/// lyon, nice and metz.
fn beside(offices: &[&Office], lines: &Lines<'_>) -> Result<Site> {
    let names = ["lyon", "nice", "metz"];
    let offices = names.iter().zip(offices.iter().map(|office| &office.at));
    let timeout = match lines.timeout {
        "" => "2s",
        timeout => timeout,
    };
    let minger = format!("secrets = [\"{SECRET}\"]\ntimeout = \"{timeout}\"\n");
    let mut plan = Plan::new(PROGRAM)?
        .section("minger", &minger)
        .section("cache", lines.cache);
    if !lines.outbound.is_empty() {
        plan = plan.section("outbound", lines.outbound);
    }
    let file = shared_with("alice", offices);
    let file = file.replace(
        "tls = \"off\"\n",
        &format!("tls = \"off\"\n{}", lines.peers),
    );
    plan.site(&file.replace("aliases = ", &format!("{}aliases = ", lines.domain)))
        .site(lines.more)
        .start()
}

/// What a test adds to the configuration and the site file.
#[derive(Default)]
struct Lines<'a> {
    /// Of questions over Minger; empty: two seconds.
    timeout: &'a str,
    cache: &'a str,
    outbound: &'a str,
    /// To every peer.
    peers: &'a str,
    /// To the domain.
    domain: &'a str,
    /// Objects.
    more: &'a str,
}

/// Sends a message from a stranger; the reply to its content.
fn send(site: &Site, recipient: &str, subject: &str) -> Result<u16> {
    let mut client = Dialogue::open(site.smtp())?;
    let sender = "stranger@elsewhere.test";
    let (replies, last) = client.submit(sender, &[recipient], &message(subject))?;
    Ok(last.unwrap_or_else(|| replies[0].clone()).code)
}

/// What the site remembers that a server said of an address: answer and age in seconds.
fn remembered(site: &Site, address: &str, from: &str) -> Option<(String, u64)> {
    let shown = site.ask(&["cache", "show", address]).unwrap();
    let mut entries = shown.as_array().unwrap().iter();
    let entry = entries.find(|entry| entry["target"] == from && entry["source"] == "minger")?;
    let answer = entry["answer"].as_str().unwrap().to_owned();
    Some((answer, entry["age_s"].as_u64().unwrap()))
}

/// What a stranger is told at RCPT.
fn rcpt(site: &Site, recipient: &str) -> Result<u16> {
    let mut stranger = Dialogue::open(site.smtp())?;
    stranger.expect("MAIL FROM:<stranger@elsewhere.test>", 250)?;
    Ok(stranger.say(&format!("RCPT TO:<{recipient}>"))?.code)
}

#[test]
fn mail_for_every_user_from_every_site_arrives_at_the_right_one() {
    let names = ["paris", "lyon", "nice"];
    let sites = sites(&names).unwrap();
    for (from, site) in names.iter().zip(&sites) {
        let mut client = Dialogue::open(site.smtp()).unwrap();
        for to in names {
            let recipient = format!("{to}@example.com");
            let content = message(&format!("from {from} to {to}"));
            let (_, last) = client
                .submit("stranger@elsewhere.test", &[&recipient], &content)
                .unwrap();
            assert_eq!(last.unwrap().code, 250, "from {from} to {to}");
        }
        assert_eq!(rcpt(site, "nobody@example.com").unwrap(), 550, "{from}");
    }
    for (name, site) in names.iter().zip(&sites) {
        let found = site.wait_for_messages("example.com", name, 3).unwrap();
        for from in names {
            let subject = format!("Subject: from {from} to {name}");
            assert!(
                found.iter().any(|message| message.contains(&subject)),
                "{subject}"
            );
        }
        assert_eq!(found.len(), 3);
    }
}

#[test]
fn a_site_that_is_down_makes_unknown_addresses_wait_and_cached_ones_not() {
    let mut sites = sites(&["paris", "lyon"]).unwrap();
    assert_eq!(rcpt(&sites[0], "lyon@example.com").unwrap(), 250);
    sites[1].kill().unwrap();
    assert_eq!(rcpt(&sites[0], "other@example.com").unwrap(), 451);
    let mut client = Dialogue::open(sites[0].smtp()).unwrap();
    let (_, last) = client
        .submit("a@elsewhere.test", &["lyon@example.com"], &message("waits"))
        .unwrap();
    assert_eq!(last.unwrap().code, 250);
    sites[0]
        .wait_for_log(&["to=<lyon@example.com>", "status=deferred"])
        .unwrap();
    sites[1].launch().unwrap();
    let found = sites[1]
        .wait_for_messages("example.com", "lyon", 1)
        .unwrap();
    assert!(found[0].contains("Subject: waits"));
    wait::until("the peer to be asked again", || {
        (rcpt(&sites[0], "other@example.com").ok()? == 550).then_some(())
    })
    .unwrap();
}
