//! Peers: what is wrong with one, addresses that live twice.

use serde_json::{Value, json};
use waypost_admin::request::{Cause, PeerRequest, Refused, words};
use waypost_directory::{Object, Page};
use waypost_mta::clock::{Clock as _, SystemClock};
use waypost_mta::metrics;
use waypost_mta::resolve::{Authority, Conflict, Source};
use waypost_proto::mail::Domain;
use waypost_proto::route::TargetId;

use super::cache::mailbox;
use super::{Asked, Bridge, blocking, later, peer_test};
use crate::object::Fields;
use crate::time;

/// Objects read at once for an audit.
const PAGE: usize = 1000;
/// Findings of an audit that its result names; all are counted.
const MOST_NAMED: usize = 1000;

impl Asked {
    pub(super) async fn peer(self, request: PeerRequest) -> Result<Value, Refused> {
        match request {
            PeerRequest::Audit { domain } => {
                tokio::select! {
                    audited = self.audit(&domain) => audited,
                    () = self.report.left() => Err(Refused::new("nobody waits for the audit any more")),
                }
            }
            PeerRequest::Conflicts => {
                let conflicts = self.resolver.conflicts();
                Ok(conflicts.iter().map(|found| self.conflict(found)).collect())
            }
            PeerRequest::Forget { address } => {
                let address = address.as_deref().map(mailbox).transpose()?;
                let count = self.resolver.forget_conflicts(address.as_ref());
                let plural = if count == 1 { "" } else { "s" };
                let summary = format!("{count} conflict{plural} forgotten");
                Ok(json!({ "forgotten": count, "summary": summary }))
            }
            PeerRequest::Test { name, address } => {
                let address = address.as_deref().map(mailbox).transpose()?;
                peer_test::test(&self, &name, address.as_ref()).await
            }
        }
    }
}

impl Bridge {
    /// All metrics as OpenMetrics text.
    pub(super) fn metrics(&self) -> Result<Value, Refused> {
        let parts = metrics::Parts {
            resolver: &self.resolver,
            queue: &self.queue,
            minger: &self.minger,
        };
        let text = parts.text();
        let text = text.map_err(|_| Refused::new("the metrics cannot be written as text"))?;
        Ok(json!({ "text": text }))
    }

    /// Adds to a peer's fields how it is doing.
    pub(super) fn add_standing(&self, record: &Object, fields: &mut Fields) {
        let Object::Peer(record) = record else {
            return;
        };
        let snapshot = self.resolver.snapshot();
        let mut peers = snapshot.peers();
        let Some(peer) = peers.find(|peer| peer.name == record.target.name) else {
            return;
        };
        fields.extend(self.standing(peer.id));
        fields.extend(self.asked_about(peer.id));
        let shared = snapshot.domains();
        let shared = shared.filter(|domain| domain.sharing.contains(&peer.id));
        let shared: Vec<_> = shared.map(|domain| domain.name.as_str()).collect();
        fields.insert("domains".to_owned(), json!(shared));
        let conflicts = self.resolver.conflicts();
        let of = |conflict: &&Conflict| {
            [conflict.winner, conflict.other].contains(&Authority::Peer(peer.id))
        };
        let count = conflicts.iter().filter(of).count();
        fields.insert("conflicts".to_owned(), json!(count));
    }

    /// How a peer did since the start, in numbers.
    fn asked_about(&self, peer: TargetId) -> Fields {
        let standing = self.resolver.standing(peer);
        let state = match (standing.paused, standing.answered) {
            (Some(_), _) => "silent",
            (None, Some(_)) => "answering",
            (None, None) => "not-asked",
        };
        let all = self.resolver.asked();
        let asked = all
            .iter()
            .find(|asked| asked.authority == Authority::Peer(peer));
        let count = |wanted: &dyn Fn(Source) -> bool| {
            let counts = asked.iter().flat_map(|asked| &asked.counts);
            let counts = counts.filter(|(_, source, _)| wanted(*source));
            counts.map(|(.., count)| count).sum::<u64>()
        };
        let within = |percent| {
            let time = asked.and_then(|asked| asked.within(percent));
            time.map(|time| time.as_millis())
        };
        let fields = json!({
            "minger_state": state,
            "paused_s": standing.paused.map(|pause| pause.as_secs().max(1)),
            "questions": count(&|source| source == Source::Asked),
            "cache_hits": count(&|source| source == Source::Cache),
            "latency_p50_ms": within(50),
            "latency_p99_ms": within(99),
        });
        fields.as_object().cloned().unwrap_or_default()
    }

    fn conflict(&self, conflict: &Conflict) -> Value {
        json!({
            "address": conflict.address.to_string(),
            "mail_goes_to": self.resolver.authority_name(conflict.winner),
            "also_on": self.resolver.authority_name(conflict.other),
            "seen": time::show(conflict.seen),
        })
    }
}

impl Asked {
    /// Asks all peers of a domain about all its addresses.
    async fn audit(&self, domain: &str) -> Result<Value, Refused> {
        let name =
            Domain::parse(domain).map_err(|error| Refused::new(format!("{domain}: {error}")))?;
        let asked = self.clone();
        let new = blocking(move || {
            let stored = asked.directory.domain(&name).map_err(|e| later(&e))?;
            let shared = stored.filter(|stored| !stored.record.sharing.is_empty());
            if shared.is_none() {
                return Err(Refused::new(format!(
                    "{name} is not a shared domain; `waypost domain list` shows which are"
                )));
            }
            let objects = asked.accounts(&name)?;
            asked.new_addresses(objects.iter().map(|object| (object, None, None)))
        })
        .await?;
        let mut objections = self.ask_peers(&new).await;
        if self.report.is_cancelled() {
            return Err(Refused {
                cause: Cause::Cancelled,
                message: "cancelled".to_owned(),
                ..Refused::of(words::CANCELLED)
            });
        }
        let (twice, unchecked): (Vec<_>, Vec<_>) = objections
            .drain(..)
            .partition(super::accounts::Objection::is_elsewhere);
        let summary = format!(
            "{domain}: {} addresses compared, {} on two servers, {} not checked",
            new.len(),
            twice.len(),
            unchecked.len()
        );
        let named = |objections: &[super::accounts::Objection]| -> Vec<Value> {
            let objections = objections.iter().take(MOST_NAMED);
            objections
                .map(super::accounts::Objection::finding)
                .collect()
        };
        Ok(json!({
            "domain": domain,
            "at": time::show(SystemClock.wall()),
            "addresses": new.len(),
            "conflicts": named(&twice),
            "conflict_count": twice.len(),
            "unchecked": named(&unchecked),
            "unchecked_count": unchecked.len(),
            "summary": summary,
        }))
    }

    /// All users, shared mailboxes and groups of a domain.
    fn accounts(&self, domain: &Domain) -> Result<Vec<Object>, Refused> {
        use waypost_admin::request::Kind;
        let mut objects = Vec::new();
        for kind in [Kind::User, Kind::Mailbox, Kind::Group] {
            let mut after = 0;
            loop {
                let page = Page {
                    domain: Some(domain.clone()),
                    after,
                    limit: PAGE,
                };
                let stored = self.page(kind, &page)?;
                let Some(last) = stored.last() else {
                    break;
                };
                after = last.id;
                objects.extend(stored.into_iter().map(|stored| stored.record));
            }
        }
        Ok(objects)
    }
}

impl Bridge {
    /// A peer's number.
    pub(super) fn peer_id(&self, name: &str) -> Option<TargetId> {
        let snapshot = self.resolver.snapshot();
        let mut peers = snapshot.peers();
        peers.find(|peer| peer.name == name).map(|peer| peer.id)
    }
}
