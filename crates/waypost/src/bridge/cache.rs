//! What other servers answered about addresses: list, show, drop, stats.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use waypost_directory::{Address, Edit, Key, Names, Object};
use waypost_mta::resolve::Remembered;
use waypost_proto::mail::{Domain, Mailbox};

use super::Bridge;
use crate::control::protocol::{CacheRequest, Refused};

impl Bridge {
    pub(super) fn cache(&self, request: &CacheRequest) -> Result<Value, Refused> {
        match request {
            CacheRequest::Drop { address } => {
                let mailbox = Mailbox::parse(address)
                    .map_err(|error| Refused::new(format!("{address:?}: {error}")))?;
                let dropped = self.resolver.forget(&mailbox);
                let summary = match dropped {
                    0 => format!("nothing was remembered of {mailbox}"),
                    1 => format!("1 answer about {mailbox} dropped"),
                    count => format!("{count} answers about {mailbox} dropped"),
                };
                Ok(json!({ "dropped": dropped, "summary": summary }))
            }
            CacheRequest::List => Ok(json!(self.remembered(|_| true))),
            CacheRequest::Show { address } => {
                let folded = address.to_lowercase();
                Ok(json!(self.remembered(|entry| *entry.address == *folded)))
            }
            CacheRequest::Stats => {
                let mut counts: BTreeMap<String, u64> = BTreeMap::new();
                for entry in self.resolver.remembered() {
                    *counts.entry(entry.answer.to_string()).or_default() += 1;
                }
                let entries: u64 = counts.values().sum();
                Ok(json!({ "entries": entries, "answers": counts }))
            }
        }
    }

    fn remembered(&self, wanted: impl Fn(&Remembered) -> bool) -> Vec<Value> {
        let mut entries = self.resolver.remembered();
        entries.retain(wanted);
        entries.sort_by(|a, b| {
            a.address
                .cmp(&b.address)
                .then(a.authority.cmp(&b.authority))
        });
        let entries = entries.into_iter().map(|entry| {
            json!({
                "address": entry.address,
                "target": self.resolver.authority_name(entry.authority),
                "source": entry.authority.to_string(),
                "answer": entry.answer.to_string(),
                "age_s": entry.age.as_secs(),
            })
        });
        entries.collect()
    }

    /// Drops what was remembered of addresses that an edit is about, as they were and are.
    pub(super) fn forget(&self, edits: &[Edit], before: &[Object]) {
        let after = edits.iter().filter_map(|edit| match edit {
            Edit::Put(object, _) => Some(object),
            Edit::Remove(..) => None,
        });
        for object in before.iter().chain(after) {
            for address in addresses(object) {
                for mailbox in self.at_all_names(object, address) {
                    self.resolver.forget(&mailbox);
                }
            }
        }
    }

    /// Drops everything: a site file may have changed any address.
    pub(super) fn forget_all(&self) {
        for entry in self.resolver.remembered() {
            if let Ok(mailbox) = Mailbox::parse(&entry.address) {
                self.resolver.forget(&mailbox);
            }
        }
    }

    fn at_all_names(&self, object: &Object, address: &Address) -> Vec<Mailbox> {
        let name = match (address.names(), object.key()) {
            (Names::One(name), _) => {
                return vec![Mailbox::new(address.local().clone(), name.clone())];
            }
            (Names::All, Key::Group(name, _) | Key::Mailbox(name, _) | Key::User(name, _)) => name,
            (Names::All, _) => return Vec::new(),
        };
        let stored = self.directory.domain(&name).ok().flatten();
        let names: Vec<Domain> = match stored {
            Some(stored) => stored.record.names().cloned().collect(),
            None => vec![name],
        };
        let names = names.into_iter();
        names
            .map(|name| Mailbox::new(address.local().clone(), name))
            .collect()
    }
}

pub(super) fn addresses(object: &Object) -> &[Address] {
    match object {
        Object::Group(record) => &record.addresses,
        Object::Mailbox(record) => &record.addresses,
        Object::User(record) => &record.addresses,
        Object::Admin(_)
        | Object::Domain(_)
        | Object::Gateway(_)
        | Object::Hold(..)
        | Object::Peer(_)
        | Object::Target(_) => &[],
    }
}
