//! Two, three and four real sites, wired at random with every mixture of relay, forward unknown
//! and sharing, right and wrong: who gets what, and does anything come by twice?

mod plan;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::account::{Entry, copies, failures, judge};
use super::world::queued;
use super::{Found, Trial};
use crate::dialogue::Dialogue;
use crate::ledger::Ledger;
use crate::peer::Peer;
use crate::place::unused_address;
use crate::site::{Plan, Site};
use crate::wait;
use plan::Arrangement;

/// Arrangements of a short run.
const SHORT: u64 = 6;
/// How long a handful of messages may take to go where they go.
const SETTLED: Duration = Duration::from_secs(60);
/// Who sends: nobody of the sites' domain.
const SENDER: &str = "sender@outside.test";
/// What sites ask each other with.
const SECRET: &str = "a-secret-that-is-shared";

/// Wires one arrangement after the other until the time is over.
///
/// # Errors
///
/// When a site does not start.
pub fn run(trial: &Trial<'_>) -> Result<Found> {
    let mut found = Found::default();
    let mut chance = trial.chance();
    let mut round = 0;
    while round == 0 || (trial.has_time() && (!trial.is_short || round < SHORT)) {
        round += 1;
        let sites = usize::try_from(2 + chance.below(3))?;
        let arrangement = Arrangement::draw(sites, &mut chance);
        let already = found.broke.len();
        wire(trial.program, &arrangement, &mut found).with_context(|| arrangement.to_string())?;
        found.count("arrangements of two to four sites", 1);
        for fault in &mut found.broke[already..] {
            fault.what.push_str(&format!("\nin {arrangement}"));
        }
    }
    Ok(found)
}

/// Sites that run, and the world outside.
struct Wired {
    sites: Vec<Site>,
    outside: Peer,
    trusted: IpAddr,
    ledger: Ledger,
    sent: u64,
}

fn wire(program: &Path, arrangement: &Arrangement, found: &mut Found) -> Result<()> {
    let mut wired = start(program, arrangement)?;
    let stranger: IpAddr = unused_address()?;
    let trusted = wired.trusted;
    for from in [stranger, trusted] {
        for first in 0..wired.sites.len() {
            let everybody: Vec<String> = arrangement.recipients().collect();
            for one in &everybody {
                wired.send(from, first, std::slice::from_ref(one), found)?;
            }
            wired.send(from, first, &everybody, found)?;
        }
    }
    wired.settle(found)
}

fn start(program: &Path, arrangement: &Arrangement) -> Result<Wired> {
    let outside = Peer::start(unused_address()?)?;
    let trusted = unused_address()?;
    let plans: Vec<Plan> = (0..arrangement.sites())
        .map(|_| Plan::new(program))
        .collect::<Result<_>>()?;
    let addresses: Vec<IpAddr> = plans.iter().map(Plan::address).collect();
    let sites = plans.into_iter().enumerate().map(|(number, plan)| {
        let outbound = format!(
            "source = \"%ADDRESS%\"\nsmart_host = \"{}\"\n",
            outside.smtp()
        );
        let site = plan
            .hostname(&format!("site{number}.test"))
            .section("outbound", &outbound)
            .section("trust", &format!("networks = [\"{trusted}/32\"]\n"))
            .section("minger", &format!("secrets = [\"{SECRET}\"]\n"))
            .start()?;
        Ok(site)
    });
    let sites: Vec<Site> = sites.collect::<Result<_>>()?;
    // Only now can everybody be asked.
    for (number, site) in sites.iter().enumerate() {
        site.apply(&arrangement.site_file(number, &addresses, SECRET))?;
    }
    Ok(Wired {
        sites,
        outside,
        trusted,
        ledger: Ledger::default(),
        sent: 0,
    })
}

impl Wired {
    /// Sends one message to these; those that are refused while the sender is there are fine.
    fn send(
        &mut self,
        from: IpAddr,
        first: usize,
        recipients: &[String],
        found: &mut Found,
    ) -> Result<()> {
        self.sent += 1;
        let name = format!("w{}", self.sent);
        let content =
            format!("Message-ID: <{name}@outside.test>\r\nSubject: {name}\r\n\r\nHello.\r\n");
        let to: Vec<&str> = recipients.iter().map(String::as_str).collect();
        let mut client = Dialogue::open_from(from, self.sites[first].smtp())?;
        let (replies, last) = client.submit(SENDER, &to, &content)?;
        found.count("messages between sites", 1);
        let accepted = recipients.iter().zip(&replies);
        let accepted: Vec<String> = accepted
            .filter(|(_, reply)| reply.code == 250)
            .map(|(to, _)| to.clone())
            .collect();
        match last.map(|last| last.code) {
            Some(250) => self.ledger.acknowledged(&name, &accepted),
            _ => self.ledger.refused(&name, &accepted),
        }
        Ok(())
    }

    /// Waits until nothing moves any more, and looks where everything is and has been.
    fn settle(&self, found: &mut Found) -> Result<()> {
        let idle = wait::until_within(SETTLED, "all queues to be empty", || {
            let is_idle = |site: &Site| {
                site.tell(&["queue", "flush"]).ok()?;
                queued(&site.ask(&["queue", "list"]).ok()?).filter(|left| *left == 0)
            };
            // Twice: what leaves the last one may come to the first one.
            let all = || self.sites.iter().all(|site| is_idle(site).is_some());
            (all() && all()).then_some(())
        });
        if idle.is_err() {
            let logs: Vec<String> = self.sites.iter().map(Site::log).collect();
            found.broke(
                11,
                format!("mail that comes to no end:\n{}", logs.join("\n\n")),
            );
        }
        let mut all = self.bounced(found);
        for (number, site) in self.sites.iter().enumerate() {
            let login = format!("u{number}");
            let address = format!("{login}@example.com");
            for text in site.messages("example.com", &login) {
                all.extend(copies(&text, [address.as_str()]));
            }
        }
        judge(&self.ledger.settle(all), 0, found);
        self.visits(found);
        for site in &self.sites {
            super::world::panics(site, found);
        }
        Ok(())
    }

    /// Reports of failures; they go to nobody but the sender.
    fn bounced(&self, found: &mut Found) -> Vec<Entry> {
        let mut bounced = Vec::new();
        self.outside.look(|taken| {
            for one in taken {
                let to_sender = one.recipients.iter().all(|to| to.contains(SENDER));
                let is_null = one.mail.starts_with("<>");
                let failed = failures(&one.text());
                if !to_sender || !is_null || failed.is_empty() {
                    found.broke(11, format!("outside got {one:?}"));
                }
                bounced.extend(failed);
            }
        });
        bounced
    }

    /// No site takes a message for one recipient twice.
    fn visits(&self, found: &mut Found) {
        for (number, site) in self.sites.iter().enumerate() {
            let mut visits: BTreeMap<Entry, usize> = BTreeMap::new();
            for entry in taken_for(&site.log()) {
                *visits.entry(entry).or_default() += 1;
            }
            for ((message, to), count) in visits.iter().filter(|(_, count)| **count > 1) {
                let what = format!("{message} for {to} came to site {number} {count} times");
                found.broke(11, format!("{what}\n{}", site.log()));
            }
        }
    }
}

/// The messages of outside that a site took, and for whom each delivery of them was.
fn taken_for(log: &str) -> Vec<Entry> {
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    let mut done = std::collections::BTreeSet::new();
    for line in log.lines() {
        let mut words = line.split_whitespace().skip(3);
        let Some(id) = words.next().and_then(|word| word.strip_suffix(':')) else {
            continue;
        };
        if let Some((_, name)) = line.split_once("message-id=<w") {
            names.insert(id, name.split('@').next().unwrap_or_default());
        }
        let to = line
            .split_once(" to=<")
            .and_then(|(_, rest)| rest.split('>').next());
        if let (Some(to), Some(name)) = (to, names.get(id)) {
            // Attempts of one visit are many; its queue id is one.
            done.insert((id, format!("w{name}"), to.to_owned()));
        }
    }
    done.into_iter().map(|(_, name, to)| (name, to)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visit_is_a_queue_id_with_its_message_and_recipient() {
        let log = "T h waypost/cleanup[1]: A: message-id=<w7@outside.test>\n\
            T h waypost/smtp[1]: A: to=<u1@example.com>, relay=none, status=deferred\n\
            T h waypost/smtp[1]: A: to=<u1@example.com>, relay=x, status=sent\n\
            T h waypost/cleanup[1]: B: message-id=<w7@outside.test>\n\
            T h waypost/smtp[1]: B: to=<u1@example.com>, relay=y, status=sent\n";
        let visit = ("w7".to_owned(), "u1@example.com".to_owned());
        assert_eq!(taken_for(log), [visit.clone(), visit]);
    }
}
