//! Servers that are this one itself; asked before the store is locked, as it may take time.

use super::words;
use crate::edit::{Edit, Here};
use crate::error::Problem;
use crate::lookup::Snapshot;
use crate::model::{GatewayRecord, GatewayVerify, Host, Key, Object, PeerRecord, Relay};
use crate::wording::Wording;

/// Where mail is sent or a question asked: the field that says it, the host and the port.
type Place<'a> = (&'static str, &'a Host, u16);

/// A problem for every target, peer, relay and gateway of the edits that leads here.
pub(crate) fn find(here: &dyn Here, edits: &[Edit], present: &Snapshot) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, edit) in edits.iter().enumerate() {
        let Edit::Put(object, _) = edit else {
            continue;
        };
        if let Some(place) = mail(object)
            && here.is_here(place.1, place.2)
        {
            let words = MAIL.of(here, &object.key(), place.1);
            problems.push(problem(index, &object.key(), place, words));
        }
        let place = match object {
            Object::Gateway(record) => asked_by(record, edits, present),
            Object::Peer(PeerRecord {
                target,
                minger_port,
                ..
            }) => Some(("minger_port", target.host.clone(), *minger_port)),
            _ => None,
        };
        if let Some((field, host, port)) = place
            && here.is_minger_here(&host, port)
        {
            let words = MINGER.of(here, &object.key(), &host);
            problems.push(problem(index, &object.key(), (field, &host, port), words));
        }
    }
    problems
}

fn mail(object: &Object) -> Option<Place<'_>> {
    let (field, relay) = match object {
        Object::Target(target) => return Some(("host", &target.host, target.port)),
        Object::Peer(peer) => return Some(("host", &peer.target.host, peer.target.port)),
        Object::Domain(domain) => ("relay", domain.relay.as_ref()?),
        Object::Gateway(gateway) => ("target", &gateway.target),
        _ => return None,
    };
    match relay {
        Relay::Host(at) => Some((field, &at.host, at.port)),
        Relay::Target(_) => None,
    }
}

/// Who is asked over Minger about a gateway domain; a target may be in the same batch.
fn asked_by(
    record: &GatewayRecord,
    edits: &[Edit],
    present: &Snapshot,
) -> Option<(&'static str, Host, u16)> {
    if record.verify != GatewayVerify::Minger {
        return None;
    }
    let port = record.minger_port;
    if let Some(host) = &record.minger_host {
        return Some(("minger_host", host.clone(), port));
    }
    let host = match &record.target {
        Relay::Host(at) => at.host.clone(),
        Relay::Target(name) => {
            let mut new = edits.iter().filter_map(|edit| match edit {
                Edit::Put(Object::Target(target), _) => Some(target),
                Edit::Put(Object::Peer(peer), _) => Some(&peer.target),
                _ => None,
            });
            match new.find(|target| target.name == *name) {
                Some(target) => target.host.clone(),
                None => {
                    let mut targets = present.targets();
                    targets.find(|target| target.name == *name)?.host.clone()
                }
            }
        }
    };
    Some(("minger_port", host, port))
}

/// What is said of hosts.
struct Said {
    any: &'static Wording,
    /// Of one that has the domain's own name.
    own_name: &'static Wording,
    /// Of one that has this server's name.
    hostname: &'static Wording,
}

const MAIL: Said = Said {
    any: words::HOST_IS_HERE,
    own_name: words::HOST_OF_OWN_NAME,
    hostname: words::HOST_IS_HOSTNAME,
};
const MINGER: Said = Said {
    any: words::HOST_IS_HERE_MINGER,
    own_name: words::HOST_OF_OWN_NAME_MINGER,
    hostname: words::HOST_IS_HOSTNAME_MINGER,
};

impl Said {
    fn of(&self, here: &dyn Here, key: &Key, host: &Host) -> &'static Wording {
        let is_own_name = match (key, host) {
            (Key::Domain(name) | Key::Gateway(name), Host::Name(host)) => name == host,
            _ => false,
        };
        if is_own_name {
            self.own_name
        } else if here.is_hostname(host) {
            self.hostname
        } else {
            self.any
        }
    }
}

fn problem(
    edit: usize,
    key: &Key,
    (field, host, port): Place<'_>,
    words: &'static Wording,
) -> Problem {
    let words = words.having("host", host).having("port", &port);
    Problem::new(edit, key.to_string(), field, words)
}
