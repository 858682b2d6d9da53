//! New addresses of shared domains: no peer may have them, and every peer must be able to say so.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::runtime::Handle;
use waypost_admin::request::{Cause, Fault, Refused, words};
use waypost_directory::{Address, MailType, Names, Object, PeerRecord, Relay, Words};
use waypost_proto::mail::{Domain, Mailbox};
use waypost_proto::minger::Status;

use super::cache::addresses;
use super::{Asked, Bridge, later};
use crate::inquiry::{self, Peer, Says};

/// Objections that an error, the audit and the log name; more than that nobody reads.
const MOST_NAMED: usize = 50;

/// An object that is to be saved, what it was, and the line of the site file with its addresses.
pub(super) type Saved<'a> = (&'a Object, Option<&'a Object>, Option<usize>);

/// An address that an object did not have before, of a domain that is shared.
pub(super) struct NewAddress {
    object: String,
    mailbox: Mailbox,
    line: Option<usize>,
    peers: Vec<Arc<Peer>>,
}

/// Why an address should not be saved.
pub(super) struct Objection {
    object: String,
    mailbox: Mailbox,
    line: Option<usize>,
    peer: String,
    why: Why,
}

enum Why {
    /// The peer has it.
    Elsewhere(Status),
    /// The peer did not say.
    Unasked(String),
}

/// A shared domain, as it will be.
struct Sharing {
    names: Vec<Domain>,
    relay: Option<String>,
    peers: Vec<Arc<Peer>>,
}

impl Asked {
    /// The addresses that peers must be asked about before all this is saved.
    pub(super) fn new_addresses<'a>(
        &self,
        saved: impl Iterator<Item = Saved<'a>> + Clone,
    ) -> Result<Vec<NewAddress>, Refused> {
        let mut coming = Coming::of(saved.clone());
        let mut new = Vec::new();
        for (object, before, line) in saved {
            let Some(domain) = domain_of(object) else {
                continue;
            };
            let Some(sharing) = coming.sharing(self, domain)? else {
                continue;
            };
            let own: HashSet<Mailbox> = before.map_or_else(HashSet::new, |before| {
                let before = addresses(before).iter();
                before.flat_map(|a| at_names(a, &sharing.names)).collect()
            });
            let target = target_of(object, sharing);
            let asked = sharing.peers.iter().filter(|peer| {
                // Who lives there is known there, and gets his mail there.
                target != Some(peer.name.as_str())
            });
            let peers: Vec<Arc<Peer>> = asked.map(Arc::clone).collect();
            let all = addresses(object).iter();
            let mut all: Vec<_> = all.flat_map(|a| at_names(a, &sharing.names)).collect();
            all.retain(|mailbox| !own.contains(mailbox));
            new.extend(all.into_iter().map(|mailbox| NewAddress {
                object: object.key().to_string(),
                mailbox,
                line,
                peers: peers.clone(),
            }));
        }
        Ok(new)
    }

    /// Asks all peers about all addresses; called on a thread that may block.
    pub(super) fn objections(&self, new: &[NewAddress]) -> Vec<Objection> {
        Handle::current().block_on(self.ask_peers(new))
    }

    /// What peers object to all these addresses.
    pub(super) async fn ask_peers(&self, new: &[NewAddress]) -> Vec<Objection> {
        let total = new.iter().map(|new| new.peers.len() as u64).sum();
        let mut findings = inquiry::ask(&self.asking, rounds(new));
        let (mut objections, mut done) = (Vec::new(), 0);
        while let Some(finding) = findings.recv().await {
            done += 1;
            self.report.progress("asking peers", done, total);
            if self.report.is_cancelled() {
                break;
            }
            let why = match finding.says {
                Says::Has(status) => Why::Elsewhere(status),
                Says::HasNot => continue,
                Says::Nothing(why) => Why::Unasked(why),
            };
            if let Some(new) = new.get(finding.address) {
                objections.push(Objection {
                    object: new.object.clone(),
                    mailbox: new.mailbox.clone(),
                    line: new.line,
                    peer: finding.peer.name.clone(),
                    why,
                });
            }
        }
        // What lives elsewhere first, then in the order of what is saved.
        objections.sort_by_key(|objection| (!objection.is_elsewhere(), objection.line));
        objections
    }
}

/// What each peer is asked.
fn rounds(new: &[NewAddress]) -> Vec<inquiry::Round> {
    let mut rounds: Vec<inquiry::Round> = Vec::new();
    for (place, new) in new.iter().enumerate() {
        for peer in &new.peers {
            let question = (place, new.mailbox.clone());
            match rounds.iter_mut().find(|(known, _)| known == peer) {
                Some((_, questions)) => questions.push(question),
                None => rounds.push((Arc::clone(peer), vec![question])),
            }
        }
    }
    rounds
}

/// The domains and peers that are saved too: they count as they will be.
struct Coming<'a> {
    domains: HashMap<&'a Domain, &'a Object>,
    peers: HashMap<&'a str, &'a PeerRecord>,
    /// None: the domain is not shared.
    known: HashMap<Domain, Option<Sharing>>,
}

impl<'a> Coming<'a> {
    fn of(saved: impl Iterator<Item = Saved<'a>>) -> Self {
        let mut coming = Self {
            domains: HashMap::new(),
            peers: HashMap::new(),
            known: HashMap::new(),
        };
        for (object, ..) in saved {
            match object {
                Object::Domain(record) => {
                    coming.domains.insert(&record.name, object);
                }
                Object::Peer(record) => {
                    coming.peers.insert(&record.target.name, record);
                }
                _ => {}
            }
        }
        coming
    }

    fn sharing(&mut self, bridge: &Bridge, domain: &Domain) -> Result<Option<&Sharing>, Refused> {
        if !self.known.contains_key(domain) {
            let sharing = self.read(bridge, domain)?;
            self.known.insert(domain.clone(), sharing);
        }
        Ok(self.known.get(domain).and_then(Option::as_ref))
    }

    fn read(&self, bridge: &Bridge, domain: &Domain) -> Result<Option<Sharing>, Refused> {
        let record = match self.domains.get(domain) {
            Some(Object::Domain(record)) => Some(record.clone()),
            _ => {
                let stored = bridge.directory.domain(domain).map_err(|e| later(&e))?;
                stored.map(|stored| stored.record)
            }
        };
        let Some(record) = record.filter(|record| !record.sharing.is_empty()) else {
            return Ok(None);
        };
        let mut peers = Vec::new();
        for name in &record.sharing {
            // One that is missing is a mistake that the directory refuses.
            peers.extend(self.peer(bridge, name)?.map(Arc::new));
        }
        Ok(Some(Sharing {
            names: record.names().cloned().collect(),
            relay: match record.relay {
                Some(Relay::Target(name)) => Some(name),
                _ => None,
            },
            peers,
        }))
    }

    fn peer(&self, bridge: &Bridge, name: &str) -> Result<Option<Peer>, Refused> {
        if let Some(record) = self.peers.get(name) {
            return Ok(Some(Peer::of(record)));
        }
        let stored = bridge.directory.peer(name).map_err(|e| later(&e))?;
        Ok(stored.map(|stored| Peer::of(&stored.record)))
    }
}

impl Peer {
    pub(super) fn of(record: &PeerRecord) -> Self {
        Self {
            name: record.target.name.clone(),
            host: record.target.host.clone(),
            port: record.minger_port,
            secret: record.minger_secret.clone(),
        }
    }
}

fn domain_of(object: &Object) -> Option<&Domain> {
    match object {
        Object::Group(record) => Some(&record.domain),
        Object::Mailbox(record) => Some(&record.domain),
        Object::User(record) => Some(&record.domain),
        _ => None,
    }
}

/// The server that a third-party user lives on.
fn target_of<'a>(object: &'a Object, sharing: &'a Sharing) -> Option<&'a str> {
    match object {
        Object::User(user) if user.mail == MailType::ThirdParty => {
            user.target.as_deref().or(sharing.relay.as_deref())
        }
        _ => None,
    }
}

/// The address at every name at which it is valid.
pub(super) fn at_names(address: &Address, names: &[Domain]) -> Vec<Mailbox> {
    let at = |name: &Domain| Mailbox::new(address.local().clone(), name.clone());
    match address.names() {
        Names::All => names.iter().map(at).collect(),
        Names::One(name) => vec![at(name)],
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().message())
    }
}

impl Objection {
    /// Whether the peer has it; it did not say otherwise.
    pub(super) fn is_elsewhere(&self) -> bool {
        matches!(self.why, Why::Elsewhere(_))
    }

    /// As an audit shows it.
    pub(super) fn finding(&self) -> Value {
        let says = match &self.why {
            Why::Elsewhere(status) => status.to_string(),
            Why::Unasked(why) => why.clone(),
        };
        json!({
            "address": self.mailbox.to_string(),
            "here": self.object,
            "peer": self.peer,
            "says": says,
        })
    }

    pub(super) fn fault(&self) -> Fault {
        Fault::new(&self.object, "addresses", self.words()).on(self.line)
    }

    fn words(&self) -> Words {
        let words = match &self.why {
            Why::Elsewhere(status) => words::PEER_HAS.having("status", status),
            Why::Unasked(why) => words::PEER_UNASKED.having("why", why),
        };
        words
            .having("peer", &self.peer)
            .having("address", &self.mailbox)
    }
}

/// The refusal that objections make; `file` is the site file, when there is one.
pub(super) fn refused(objections: &[Objection], file: Option<&str>) -> Refused {
    let elsewhere = objections.iter().filter(|found| found.is_elsewhere());
    let (cause, one, many) = match elsewhere.count() {
        0 => (Cause::Later, words::PEERS_UNASKED_ONE, words::PEERS_UNASKED),
        _ => (Cause::Conflict, words::PEERS_HAVE_ONE, words::PEERS_HAVE),
    };
    let words = match objections.len() {
        1 => one.into(),
        count => many.having("count", count),
    };
    let file = file.map_or_else(String::new, |file| format!("{file}: "));
    let named = objections.iter().take(MOST_NAMED);
    Refused {
        message: format!("{file}{}", words.message()),
        problems: named.map(Objection::fault).collect(),
        cause,
        ..Refused::of(words)
    }
}

/// What the audit says of a change that was made all the same; the log has a line for each.
pub(super) fn overridden(objections: &[Objection]) -> String {
    for objection in objections.iter().take(MOST_NAMED) {
        tracing::warn!("{} saved by force: {objection}", objection.object);
    }
    let named: Vec<String> = objections.iter().take(3).map(ToString::to_string).collect();
    let more = match objections.len().saturating_sub(named.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("forced: {}{more}", named.join("; "))
}
