//! The MTA-STS policies of domains (RFC 8461): fetched when they are needed, and remembered.

use std::sync::Arc;
use std::time::Duration;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::Mutex;
use tokio::time::Instant;
use waypost_proto::mail::Domain;
use waypost_proto::mta_sts::{Kept, Policy, Step, record_id, step};

use super::fetch::Fetch;
use crate::clock::Clock;
use crate::dns::Dns;
use crate::{event, metrics};

/// Octets of policies that are remembered.
const OCTETS_MAX: u64 = 16 << 20;
/// Policies that this is, as a rule.
const USUAL: usize = 10_000;
/// What a policy takes besides its text.
const OVERHEAD: u64 = 256;
/// Domains of which it is remembered that their policy could not be fetched.
const FAILURES_MAX: usize = 10_000;
/// After a policy could not be fetched, until it is tried again (RFC 8461 §3.3).
const PAUSE: Duration = Duration::from_secs(5 * 60);

/// A policy as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPolicy {
    /// Whose it is.
    pub domain: Domain,
    /// The policy, with its id and age.
    pub kept: Kept,
    /// As it was fetched.
    pub text: String,
}

/// Keeps policies over restarts.
pub trait KeepPolicies: Send + Sync {
    /// All that were kept and still hold.
    fn all(&self) -> Vec<KeptPolicy>;
    /// Keeps one, soon; may forget it.
    fn keep(&self, policy: KeptPolicy);
}

#[derive(Debug, Clone)]
struct ByOctets;

impl Weighter<Domain, Arc<KeptPolicy>> for ByOctets {
    fn weight(&self, _domain: &Domain, kept: &Arc<KeptPolicy>) -> u64 {
        kept.text.len() as u64 + OVERHEAD
    }
}

/// One fetches at a time for a domain; when that last failed.
type Turn = Arc<Mutex<Option<Instant>>>;

/// Finds the policies of domains.
pub(super) struct Policies {
    dns: Dns,
    fetch: Fetch,
    clock: Arc<dyn Clock>,
    keep: Option<Arc<dyn KeepPolicies>>,
    known: Cache<Domain, Arc<KeptPolicy>, ByOctets>,
    turns: Cache<Domain, Turn>,
}

impl std::fmt::Debug for Policies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Policies")
    }
}

impl Policies {
    pub(super) fn new(
        dns: Dns,
        fetch: Fetch,
        clock: Arc<dyn Clock>,
        keep: Option<Arc<dyn KeepPolicies>>,
    ) -> Self {
        let known = Cache::with_weighter(USUAL, OCTETS_MAX, ByOctets);
        for kept in keep.iter().flat_map(|keep| keep.all()) {
            known.insert(kept.domain.clone(), Arc::new(kept));
        }
        Self {
            dns,
            fetch,
            clock,
            keep,
            known,
            turns: Cache::new(FAILURES_MAX),
        }
    }

    /// What a domain demands of its MX hosts, if it does.
    pub(super) async fn of(&self, domain: &Domain) -> Option<Policy> {
        let texts = self.dns.texts(&format!("_mta-sts.{domain}")).await;
        // Where it cannot be looked up, it may have been hidden: what is known holds.
        let texts = texts.unwrap_or_default();
        let id = record_id(texts.iter().map(Vec::as_slice));
        let known = match (self.next(domain, id.as_deref()), id) {
            (Step::None, _) => return None,
            (Step::Fetch, Some(id)) => self.fetch(domain, id).await,
            (Step::Use | Step::Fetch, _) => self.known.get(domain),
        };
        let known = known.filter(|known| known.kept.holds(self.clock.wall()))?;
        Some(known.kept.policy.clone())
    }

    fn next(&self, domain: &Domain, id: Option<&str>) -> Step {
        let known = self.known.get(domain);
        step(
            known.as_ref().map(|known| &known.kept),
            id,
            self.clock.wall(),
        )
    }

    async fn fetch(&self, domain: &Domain, id: String) -> Option<Arc<KeptPolicy>> {
        let made = || Ok::<_, std::convert::Infallible>(Turn::default());
        let Ok(turn) = self.turns.get_or_insert_with(domain, made);
        let mut failed = turn.lock().await;
        let now = self.clock.now();
        let is_paused = failed.is_some_and(|at| now - at < PAUSE);
        // Another delivery may have fetched it meanwhile.
        if is_paused || self.next(domain, Some(&id)) != Step::Fetch {
            return self.known.get(domain);
        }
        match self.fetch.policy(domain).await {
            Ok((policy, text)) => {
                *failed = None;
                metrics::policy_fetched();
                let fetched = self.clock.wall();
                let kept = Kept {
                    id,
                    fetched,
                    policy,
                };
                let domain = domain.clone();
                let kept = KeptPolicy { domain, kept, text };
                if let Some(keep) = &self.keep {
                    keep.keep(kept.clone());
                }
                let kept = Arc::new(kept);
                self.known.insert(kept.domain.clone(), Arc::clone(&kept));
                Some(kept)
            }
            Err(why) => {
                *failed = Some(now);
                metrics::policy_not_fetched();
                event::policy_not_fetched(domain, &why);
                self.known.get(domain)
            }
        }
    }
}
