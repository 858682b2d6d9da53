//! What the MX hosts of a domain must prove, by what is said of them in DNS and over HTTPS.

use std::sync::Arc;

use tokio::sync::OnceCell;
use waypost_proto::dane::{self, Dnssec};
use waypost_proto::mail::Domain;
use waypost_proto::mta_sts::{Mode, Policy};

use super::dane::Dane;
use super::hosts::Place;
use super::policies::Policies;
use super::security::{By, Demand};
use super::{MAX_HOSTS, Trouble};
use crate::dns::Dns;
use crate::{event, metrics};

/// Asks what is demanded.
#[derive(Debug)]
pub(super) struct Demands {
    dns: Dns,
    /// None: nobody asks for the policies of domains.
    policies: Option<Policies>,
}

/// The hosts of a domain.
#[derive(Debug, Clone, Copy)]
pub(super) struct MxHosts<'a> {
    pub(super) domain: &'a Domain,
    /// Whether the MX records that name them are signed.
    pub(super) dnssec: Dnssec,
    pub(super) port: u16,
}

/// Why a host cannot be used now, and who decided so.
type Unusable = (By, Trouble);

impl Demands {
    pub(super) fn new(dns: Dns, policies: Option<Policies>) -> Self {
        Self { dns, policies }
    }

    /// The places with what they must prove, as many as are tried; without those of hosts that
    /// cannot be used now, and why the last of them cannot.
    pub(super) async fn of(
        &self,
        hosts: MxHosts<'_>,
        found: impl Iterator<Item = (&Domain, Vec<Place>)>,
    ) -> (Vec<Place>, Option<Trouble>) {
        let policy = OnceCell::new();
        let (mut all, mut trouble) = (Vec::new(), None);
        for (name, places) in found {
            let demand = match self.by_dane(hosts, name).await {
                Ok(Demand::Nothing) => {
                    let asking = policy.get_or_init(|| self.policy(hosts.domain));
                    by_policy(asking.await.as_ref(), hosts.domain, name)
                }
                other => other,
            };
            match demand {
                Ok(demand) => all.extend(places.into_iter().map(|place| Place {
                    demand: demand.clone(),
                    ..place
                })),
                Err((by, unusable)) => {
                    event::host_passed_over(&unusable);
                    metrics::not_secured(by);
                    trouble = Some(unusable);
                }
            }
            if all.len() >= MAX_HOSTS {
                break;
            }
        }
        (all, trouble)
    }

    async fn policy(&self, domain: &Domain) -> Option<Policy> {
        match &self.policies {
            Some(policies) => policies.of(domain).await,
            None => None,
        }
    }

    async fn by_dane(&self, hosts: MxHosts<'_>, name: &Domain) -> Result<Demand, Unusable> {
        let MxHosts { domain, port, .. } = hosts;
        if hosts.dnssec == Dnssec::Insecure {
            return Ok(Demand::Nothing);
        }
        let found = self.dns.tlsa(name, port).await;
        match dane::demand(hosts.dnssec, found) {
            dane::Demand::Nothing => Ok(Demand::Nothing),
            dane::Demand::Encrypted => Ok(Demand::Encrypted),
            dane::Demand::Proven { base, associations } => {
                let mut names = vec![base.clone(), name.clone(), domain.clone()];
                names.dedup();
                Ok(Demand::Dane(Arc::new(Dane {
                    base,
                    names,
                    associations,
                })))
            }
            dane::Demand::Unknown(why) => {
                let text = format!(
                    "{name} is passed over: its TLSA records (DANE) cannot be looked up at \
                     _{port}._tcp.{name}: {why}; the postmaster of {domain} has to mend its DNSSEC"
                );
                Err((By::Dane, Trouble::transient(7, 5, text)))
            }
        }
    }
}

/// What a policy demands of a host (RFC 8461 §4, §5).
fn by_policy(policy: Option<&Policy>, domain: &Domain, name: &Domain) -> Result<Demand, Unusable> {
    let Some(policy) = policy else {
        return Ok(Demand::Nothing);
    };
    match (policy.mode, policy.allows(name)) {
        (Mode::None, _) => Ok(Demand::Nothing),
        (mode, true) => Ok(Demand::Policy(domain.clone(), mode)),
        (Mode::Testing, false) => {
            event::policy_tested(
                name,
                domain,
                &"it is not among the MX hosts that the policy names",
            );
            Ok(Demand::Nothing)
        }
        (Mode::Enforce, false) => {
            let text = format!(
                "{name} is passed over: the MTA-STS policy of {domain} names other MX hosts; the \
                 postmaster of {domain} has to mend the policy, or the MX records"
            );
            Err((By::MtaSts, Trouble::transient(7, 5, text)))
        }
    }
}
