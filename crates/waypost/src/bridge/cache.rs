//! What other servers answered about addresses: list, show, drop, stats.

use std::collections::HashSet;

use serde_json::{Value, json};
use waypost_admin::request::{CacheAnswer, CacheList, CacheRequest, Refused, words};
use waypost_directory::{Address, DeedOf, Edit, Key, Names, Object};
use waypost_mta::clock::{Clock as _, SystemClock};
use waypost_mta::resolve::{Answer, Authority, Place, Remembered};
use waypost_proto::mail::{Domain, Mailbox};
use waypost_proto::route::TargetId;

use super::deed::{Done, fields};
use super::{Asked, Bridge};
use crate::answers;
use crate::time;

/// Most answers on one page of a list.
const PAGE: usize = 10_000;
/// Answers that are shown about one address.
const SHOWN: usize = 1000;

fn is(wanted: CacheAnswer, answer: Answer) -> bool {
    match wanted {
        CacheAnswer::Active => answer == Answer::Active,
        CacheAnswer::Unknown => answer == Answer::Unknown,
    }
}

impl Asked {
    pub(super) async fn cache(&self, request: CacheRequest) -> Result<Value, Refused> {
        let CacheRequest::Drop { address, target } = request else {
            return self.remembered(&request);
        };
        let dropped = self.cache_drop(&address, target.as_deref())?;
        if dropped["dropped"] != 0 {
            let before = json!({ "answers": dropped["dropped"], "server": target });
            let done = Done {
                of: DeedOf::Cache,
                name: address.to_lowercase(),
                before: fields(before),
                after: None,
                domains: Vec::new(),
            };
            self.keep(done).await;
        }
        Ok(dropped)
    }
}

impl Bridge {
    fn remembered(&self, request: &CacheRequest) -> Result<Value, Refused> {
        match request {
            CacheRequest::Drop { address, target } => self.cache_drop(address, target.as_deref()),
            CacheRequest::List(list) => self.cache_list(list),
            CacheRequest::Show { address } => {
                let folded = address.to_lowercase();
                let wanted = |entry: &Remembered| *entry.address == *folded;
                let entries = self.resolver.remembered_page(&wanted, None, SHOWN);
                let entries = entries.iter().map(|entry| self.entry(entry));
                Ok(entries.collect())
            }
            CacheRequest::Stats => Ok(self.cache_stats()),
        }
    }

    fn cache_drop(&self, address: &str, target: Option<&str>) -> Result<Value, Refused> {
        let mailbox = mailbox(address)?;
        let (dropped, of) = match target {
            Some(target) => (
                self.resolver.forget_of(target, &mailbox),
                format!(" by {target}"),
            ),
            None => (self.resolver.forget(&mailbox), String::new()),
        };
        let summary = match dropped {
            0 => format!("nothing was remembered of {mailbox}{of}"),
            1 => format!("1 answer about {mailbox}{of} dropped"),
            count => format!("{count} answers about {mailbox}{of} dropped"),
        };
        Ok(json!({ "dropped": dropped, "summary": summary }))
    }

    /// One page; more is never held at a time.
    fn cache_list(&self, list: &CacheList) -> Result<Value, Refused> {
        let after = list.after.as_deref().map(place).transpose()?;
        let limit = list.limit.clamp(1, PAGE);
        let text = list.text.as_deref().unwrap_or_default().to_lowercase();
        let wanted = |entry: &Remembered| {
            let target = list.target.as_ref();
            let in_domains = list.domains.as_ref().is_none_or(|domains| {
                let domain = entry.address.rsplit_once('@').map(|(_, domain)| domain);
                domain.is_some_and(|domain| domains.iter().any(|own| own == domain))
            });
            target.is_none_or(|name| self.resolver.authority_name(entry.authority) == *name)
                && list.answer.is_none_or(|answer| is(answer, entry.answer))
                && in_domains
                && entry.address.contains(&text)
        };
        let mut page = self
            .resolver
            .remembered_page(&wanted, after.as_ref(), limit + 1);
        let more = page.len() > limit;
        page.truncate(limit);
        let next = page.last().filter(|_| more).map(cursor);
        let items: Vec<Value> = page.iter().map(|entry| self.entry(entry)).collect();
        Ok(json!({ "items": items, "next": next }))
    }

    fn cache_stats(&self) -> Value {
        let stats = self.resolver.cache_stats();
        let peers = self.resolver.snapshot();
        let peers: Vec<Value> = peers
            .peers()
            .map(|peer| {
                let mut standing = self.standing(peer.id);
                standing.insert("peer".to_owned(), json!(peer.name));
                Value::Object(standing)
            })
            .collect();
        json!({
            "entries": stats.entries,
            "bound": stats.bound,
            "hits": stats.hits,
            "misses": stats.misses,
            "refreshes": stats.refreshes,
            "peers": peers,
        })
    }

    /// How well a peer answers.
    pub(super) fn standing(&self, peer: TargetId) -> serde_json::Map<String, Value> {
        let standing = self.resolver.standing(peer);
        let state = match (standing.paused, standing.answered) {
            (Some(pause), _) => format!("paused for {} s", pause.as_secs().max(1)),
            (None, Some(_)) => "answering".to_owned(),
            (None, None) => "not asked yet".to_owned(),
        };
        let last = json!(self.last_answer(peer));
        let fields = [("state", json!(state)), ("last_answer", last)];
        fields
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect()
    }

    /// When a peer answered last.
    pub(super) fn last_answer(&self, peer: TargetId) -> Option<String> {
        let ago = self.resolver.standing(peer).answered?;
        SystemClock.wall().checked_sub(ago).map(time::show)
    }

    fn entry(&self, entry: &Remembered) -> Value {
        json!({
            "address": entry.address,
            "target": self.resolver.authority_name(entry.authority),
            "source": entry.authority.to_string(),
            "answer": entry.answer.to_string(),
            "age_s": entry.age.as_secs(),
            "expires_s": entry.left.as_secs(),
        })
    }

    /// Drops what was remembered of addresses that an edit is about, as they were and are.
    pub(super) fn forget(&self, edits: &[Edit], before: &[Object]) {
        let after = edits.iter().filter_map(|edit| match edit {
            Edit::Put(object, _) => Some(object),
            Edit::Remove(..) => None,
        });
        for object in before.iter().chain(after) {
            self.forget_addresses(object);
        }
    }

    fn forget_addresses(&self, object: &Object) {
        for address in addresses(object) {
            for mailbox in self.at_all_names(object, address) {
                self.resolver.forget(&mailbox);
            }
        }
    }

    /// Drops what was remembered of addresses that a site file has changed: their own objects, the
    /// domain they are in, or the server that was asked about them.
    pub(super) fn forget_touched<'o>(&self, objects: impl Iterator<Item = &'o Object>) {
        let (mut domains, mut servers) = (HashSet::new(), HashSet::new());
        for object in objects {
            match object {
                Object::Domain(record) => domains.extend(record.names().cloned()),
                Object::Gateway(record) => domains.extend([record.domain.clone()]),
                Object::Peer(record) => servers.extend([record.target.name.to_string()]),
                Object::Target(record) => servers.extend([record.name.to_string()]),
                _ => self.forget_addresses(object),
            }
        }
        if domains.is_empty() && servers.is_empty() {
            return;
        }
        for entry in self.resolver.remembered() {
            let Ok(mailbox) = Mailbox::parse(&entry.address) else {
                continue;
            };
            let server = self.resolver.authority_name(entry.authority);
            if domains.contains(&mailbox.domain) || servers.contains(&server) {
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
        | Object::Target(_)
        | Object::Token(_) => &[],
    }
}

pub(super) fn mailbox(text: &str) -> Result<Mailbox, Refused> {
    let quoted = format!("{text:?}: ");
    Mailbox::parse(text).map_err(|error| Refused::of(words::syntax(&quoted, error)))
}

/// Where the next page begins: `peer:3:jdoe@example.com`.
fn cursor(entry: &Remembered) -> String {
    let (word, number) = answers::written(entry.authority);
    format!("{word}:{number}:{}", entry.address)
}

fn place(cursor: &str) -> Result<Place, Refused> {
    let parse = || -> Option<(Box<str>, Authority)> {
        let (word, rest) = cursor.split_once(':')?;
        let (number, address) = rest.split_once(':')?;
        let authority = answers::authority(word, number.parse().ok()?)?;
        Some((address.into(), authority))
    };
    parse().ok_or_else(|| {
        Refused::new(format!(
            "--after: found {cursor:?}; give what the page before said comes next"
        ))
    })
}
