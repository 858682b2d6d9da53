//! Who among the askers is a peer.

use std::collections::HashMap;

use waypost_directory::Snapshot;
use waypost_proto::mail::Domain;
use waypost_proto::minger::Secret;
use waypost_proto::route::TargetId;

/// The peers of the site, and the secrets that each alone may use.
#[derive(Debug, Clone, Default)]
pub struct Peers {
    /// In order.
    ids: Vec<TargetId>,
    own: Vec<(TargetId, Secret)>,
    /// What those may ask about who may not ask about everything.
    domains: HashMap<TargetId, Vec<Domain>>,
}

impl Peers {
    /// Those of the directory. What is no secret there is none that anybody could use.
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut all = Self::default();
        for peer in snapshot.peers() {
            all.ids.push(peer.id);
            if let Some(minger) = peer.minger.as_ref().filter(|m| !m.domains.is_empty()) {
                all.domains.insert(peer.id, minger.domains.clone());
            }
            let accept = peer.minger.as_ref().map(|minger| minger.accept.expose());
            let secret = accept.and_then(|accept| Secret::parse(accept).ok());
            all.own.extend(secret.map(|secret| (peer.id, secret)));
        }
        all
    }

    pub(super) fn has(&self, id: TargetId) -> bool {
        self.ids.binary_search(&id).is_ok()
    }

    /// Whether it may ask about a domain with these names; who is no peer may, as far as his
    /// credentials go.
    pub(super) fn may_ask(&self, id: Option<TargetId>, names: &[&Domain]) -> bool {
        let domains = id.and_then(|id| self.domains.get(&id));
        domains.is_none_or(|domains| names.iter().any(|name| domains.contains(name)))
    }

    /// The secrets that name their peer, in an order that [`Peers::of_secret`] knows.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.own.iter().map(|(_, secret)| secret)
    }

    pub(super) fn of_secret(&self, number: usize) -> Option<TargetId> {
        self.own.get(number).map(|(id, _)| *id)
    }
}
