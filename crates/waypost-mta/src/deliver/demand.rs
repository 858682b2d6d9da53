//! What the MX hosts of a domain must prove, by what is said of them in DNS.

use std::sync::Arc;

use waypost_proto::dane::{self, Dnssec};
use waypost_proto::mail::Domain;

use super::Trouble;
use super::dane::Dane;
use super::security::Demand;
use crate::dns::Dns;

/// Asks what is demanded.
#[derive(Debug)]
pub(super) struct Demands {
    dns: Dns,
}

/// A host of a domain.
#[derive(Debug, Clone, Copy)]
pub(super) struct MxHost<'a> {
    pub(super) domain: &'a Domain,
    /// Whether the MX records that name it are signed.
    pub(super) dnssec: Dnssec,
    pub(super) name: &'a Domain,
    pub(super) port: u16,
}

impl Demands {
    pub(super) fn new(dns: Dns) -> Self {
        Self { dns }
    }

    /// What a host must prove.
    ///
    /// # Errors
    ///
    /// Why it cannot be used now; this may pass.
    pub(super) async fn of(&self, host: MxHost<'_>) -> Result<Demand, Trouble> {
        if host.dnssec == Dnssec::Insecure {
            return Ok(Demand::Nothing);
        }
        let found = self.dns.tlsa(host.name, host.port).await;
        match dane::demand(host.dnssec, found) {
            dane::Demand::Nothing => Ok(Demand::Nothing),
            dane::Demand::Encrypted => Ok(Demand::Encrypted),
            dane::Demand::Proven { base, associations } => {
                let mut names = vec![base.clone(), host.name.clone(), host.domain.clone()];
                names.dedup();
                Ok(Demand::Dane(Arc::new(Dane {
                    base,
                    names,
                    associations,
                })))
            }
            dane::Demand::Unknown(why) => {
                let (name, port) = (host.name, host.port);
                let text = format!(
                    "{name} is passed over: its TLSA records (DANE) cannot be looked up at \
                     _{port}._tcp.{name}: {why}; the postmaster of {} has to mend its DNSSEC",
                    host.domain
                );
                Err(Trouble::transient(7, 5, text))
            }
        }
    }
}
