//! Domain Sharing: several sites share one domain, and every address finds its server.

use std::net::IpAddr;

use anyhow::Result;
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::wait;

use crate::{PROGRAM, message};

/// What the sites of a test ask each other with.
const SECRET: &str = "a-secret-that-is-shared";

/// Sites that share example.com, each with one user of its own, who is named like the site.
fn sites(names: &[&str]) -> Result<Vec<Site>> {
    let plans: Vec<Plan> = names
        .iter()
        .map(|_| Plan::new(PROGRAM))
        .collect::<Result<_>>()?;
    let addresses: Vec<IpAddr> = plans.iter().map(Plan::address).collect();
    let sites = plans.into_iter().zip(names).map(|(plan, name)| {
        let own = plan.address();
        let others = names.iter().zip(&addresses).filter(|(_, at)| **at != own);
        plan.section("minger", &format!("secrets = [\"{SECRET}\"]\n"))
            .site(&shared_with(name, others))
            .start()
    });
    sites.collect()
}

fn shared_with<'a>(name: &str, others: impl Iterator<Item = (&'a &'a str, &'a IpAddr)>) -> String {
    let mut file = String::new();
    let mut sharing = Vec::new();
    for (peer, at) in others {
        file.push_str(&format!(
            "[[peer]]\nname = \"{peer}\"\nhost = \"{at}\"\nport = 2525\ntls = \"off\"\n\
             minger_secret = \"{SECRET}\"\n"
        ));
        sharing.push(format!("\"{peer}\""));
    }
    file.push_str(&format!(
        "[[domain]]\nname = \"example.com\"\nsharing = [{}]\n\
         [[user]]\ndomain = \"example.com\"\nlogin = \"{name}\"\nmail = \"local\"\n\
         addresses = [\"{name}@example.com\"]\n",
        sharing.join(", ")
    ));
    file
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
