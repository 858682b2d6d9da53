//! Whether a host is this server itself (RFC 5321 §5.1, loops).

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use waypost_directory::{Here, Host, MingerHere};
use waypost_proto::mail::Domain;

use super::{Dns, MailHosts};
use crate::net;

/// Where other servers bring mail, or ask, whatever port that is brought to here.
const SMTP_PORT: u16 = 25;
const MINGER_PORT: u16 = 4069;

/// Where this server listens for mail, or for Minger, as bound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listening(pub Vec<SocketAddr>);

impl Listening {
    /// Whether a connection to this address and port would end here.
    #[must_use]
    pub fn is_here(&self, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        let same_port = self.0.iter().filter(|bound| bound.port() == address.port());
        let mut is_ours = None;
        for bound in same_port {
            let bound_ip = bound.ip().to_canonical();
            let everywhere = bound_ip.is_unspecified() && bound_ip.is_ipv4() == ip.is_ipv4();
            if bound_ip == ip || everywhere && *is_ours.get_or_insert_with(|| is_local(ip)) {
                return true;
            }
        }
        false
    }
}

/// Whether the address belongs to this machine.
fn is_local(ip: IpAddr) -> bool {
    ip.is_loopback() || ip.is_unspecified() || net::is_local(ip)
}

/// Whether a target leads here, for every relayed recipient: without look-ups. Names were looked
/// up when the target was saved, and are again when it is connected to.
#[derive(Debug, Clone)]
pub struct FromMemory(pub Listening);

impl Here for FromMemory {
    fn is_here(&self, host: &Host, port: u16) -> bool {
        match host {
            Host::Address(address) => self.0.is_here(SocketAddr::new(*address, port)),
            Host::Mx(_) | Host::Name(_) => false,
        }
    }
}

/// Answers the directory's questions with the names as they resolve now.
#[derive(Clone)]
pub struct HereNow {
    dns: Dns,
    listening: Listening,
    minger_listening: Listening,
    minger: Arc<ArcSwap<MingerHere>>,
    /// The name that this server gives itself.
    hostname: Option<Domain>,
    runtime: Handle,
}

impl fmt::Debug for HereNow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HereNow").field(&self.listening).finish()
    }
}

impl HereNow {
    /// Asks `dns` on `runtime`; must be called on threads that may block.
    #[must_use]
    pub fn new(dns: Dns, listening: Listening, runtime: Handle) -> Self {
        Self {
            dns,
            listening,
            minger_listening: Listening::default(),
            minger: Arc::default(),
            hostname: None,
            runtime,
        }
    }

    /// The same, called so: what has this name leads here whether or not it resolves, as before
    /// DNS is set up.
    #[must_use]
    pub fn called(mut self, hostname: Domain) -> Self {
        self.hostname = Some(hostname);
        self
    }

    /// The same where Minger is answered too.
    #[must_use]
    pub fn answering(mut self, listening: Listening, minger: MingerHere) -> Self {
        self.minger_listening = listening;
        self.answer_as(minger);
        self
    }

    /// Replaces who is answered over Minger, for all clones.
    pub fn answer_as(&self, minger: MingerHere) {
        self.minger.store(Arc::new(minger));
    }

    /// Whether the host leads here; what cannot be looked up does not, but for our own name.
    pub async fn leads_here(&self, host: &Host, port: u16) -> bool {
        self.leads_to((&self.listening, SMTP_PORT), host, port)
            .await
    }

    async fn leads_to(
        &self,
        (listening, known): (&Listening, u16),
        host: &Host,
        port: u16,
    ) -> bool {
        let here = |ip| listening.is_here(SocketAddr::new(ip, port));
        // Another program may have another port of this machine.
        let is_ours = port == known && !listening.0.is_empty()
            || listening.0.iter().any(|bound| bound.port() == port);
        let is_us = |name: &Domain| is_ours && self.hostname.as_ref() == Some(name);
        match host {
            Host::Address(ip) => here(*ip),
            Host::Name(name) if is_us(name) => true,
            Host::Name(name) => {
                let found = self.dns.addresses(name).await;
                found.unwrap_or_default().into_iter().any(here)
            }
            Host::Mx(domain) => {
                let Ok(MailHosts::Hosts(hosts, _)) = self.dns.mail_hosts(domain, || 0).await else {
                    return is_us(domain);
                };
                for name in hosts.iter().filter_map(|mx| mx.host.as_ref()) {
                    if is_us(name) {
                        return true;
                    }
                    let found = self.dns.addresses(name).await;
                    if found.unwrap_or_default().into_iter().any(here) {
                        return true;
                    }
                }
                false
            }
        }
    }
}

impl Here for HereNow {
    fn is_here(&self, host: &Host, port: u16) -> bool {
        self.runtime.block_on(self.leads_here(host, port))
    }

    fn is_minger_here(&self, host: &Host, port: u16) -> bool {
        let leads_here = self.leads_to((&self.minger_listening, MINGER_PORT), host, port);
        self.runtime.block_on(leads_here)
    }

    fn is_hostname(&self, host: &Host) -> bool {
        let (Host::Name(name) | Host::Mx(name)) = host else {
            return false;
        };
        self.hostname.as_ref() == Some(name)
    }

    fn minger(&self) -> MingerHere {
        MingerHere::clone(&self.minger.load())
    }
}
