//! Whether a target's yes means anything.

use std::fmt::Write as _;
use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::time::Instant;
use waypost_proto::mail::{Domain, LocalPart, Mailbox};
use waypost_proto::route::TargetId;

/// How long it counts that a target says yes to every address, or does not.
const PROBE_AGE: Duration = Duration::from_secs(3600);
/// Domains of targets that are remembered as probed.
const PROBES: usize = 10_000;
/// Octets of randomness in an address that nobody has.
const PROBE_OCTETS: usize = 10;

/// What a target's yes is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Yes {
    /// It says yes to an address that nobody has, too.
    Blind,
    /// It has been seen to say no.
    Meant,
}

/// What was found out about the yes of targets.
pub(super) struct Probes(Cache<(TargetId, Domain), (Yes, Instant)>);

impl Probes {
    pub(super) fn new() -> Self {
        Self(Cache::new(PROBES))
    }

    /// What is known of a target and a domain, and since when.
    pub(super) fn known(
        &self,
        target: TargetId,
        domain: &Domain,
        now: Instant,
    ) -> Option<(Yes, Instant)> {
        let probed = self.0.get(&(target, domain.clone()));
        probed.filter(|(_, given)| now.saturating_duration_since(*given) < PROBE_AGE)
    }

    pub(super) fn learn(&self, target: TargetId, domain: &Domain, yes: Yes, now: Instant) {
        self.0.insert((target, domain.clone()), (yes, now));
    }
}

/// An address with enough randomness that nobody has it; none without randomness.
#[must_use]
pub fn nobody_at(domain: &Domain) -> Option<Mailbox> {
    let mut random = [0; PROBE_OCTETS];
    getrandom::fill(&mut random).ok()?;
    let mut text = "waypost-probe-".to_owned();
    for octet in random {
        write!(text, "{octet:02x}").ok()?;
    }
    let local = LocalPart::from_unquoted(&text).ok()?;
    Some(Mailbox::new(local, domain.clone()))
}
