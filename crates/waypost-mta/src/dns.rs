//! Names to hosts and addresses: the only user of the resolver crate.
//!
//! A name that does not exist and a server that does not answer are never the same: only the first
//! may become a refusal. Also answers whether a host leads back to this server, for loop
//! protection.

mod here;
mod system;
#[cfg(test)]
pub(crate) mod tests;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::system_conf::read_system_conf;
use thiserror::Error;
use waypost_proto::dane::{Dnssec, Found};
use waypost_proto::mail::Domain;

pub use here::{FromMemory, HereNow, Listening};
use system::System;

/// Most MX hosts of one domain that are tried.
const MAX_MX_HOSTS: usize = 20;
/// Most addresses of one name that are tried.
const MAX_ADDRESSES: usize = 16;

/// Whose word counts that an answer is signed (DNSSEC).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TrustAd {
    /// That of the name servers that are asked, wherever they are.
    Always,
    /// That of the name servers that are asked, if all of them are on this machine.
    #[default]
    Loopback,
    /// Nobody's.
    Never,
}

/// Why there is no answer, or none that can be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LookupError {
    /// Nobody who knows could be asked; this may pass.
    #[error("DNS look-up failed: {0}")]
    Failed(String),
    /// The name exists, but not with records of this kind.
    #[error("the name has no such record")]
    NoRecords,
    /// There is no such name.
    #[error("no such name")]
    NotFound,
}

/// An MX record (RFC 1035 §3.3.9); no host for the root name, `.`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mx {
    /// Lower is better.
    pub preference: u16,
    /// The host; none where the record names no usable one.
    pub host: Option<Domain>,
}

/// MX records of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MxRecords {
    /// In any order.
    pub records: Vec<Mx>,
    /// Whether they are signed.
    pub dnssec: Dnssec,
}

/// An answer on its way.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, LookupError>> + Send + 'a>>;

/// Who is asked.
pub trait Lookup: Send + Sync {
    /// MX records.
    fn mx<'a>(&'a self, name: &'a Domain) -> Answer<'a, MxRecords>;
    /// A and AAAA records.
    fn addresses<'a>(&'a self, name: &'a Domain) -> Answer<'a, Vec<IpAddr>>;
    /// TLSA records of a service over TCP at a host.
    fn tlsa<'a>(&'a self, host: &'a Domain, port: u16) -> Answer<'a, Found>;
    /// TXT records, each with its pieces put together.
    fn texts<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<Vec<u8>>>;
}

/// Where mail for a domain goes (RFC 5321 §5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailHosts {
    /// To these hosts, in this order; and whether that is signed.
    Hosts(Vec<Mx>, Dnssec),
    /// Nowhere: the domain says that it takes no mail (RFC 7505).
    NullMx,
}

/// Looks names up.
#[derive(Clone)]
pub struct Dns(Arc<dyn Lookup>);

impl fmt::Debug for Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dns")
    }
}

impl Dns {
    /// Asks the name servers of the system; needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// When the system's configuration cannot be read.
    pub fn system(trust: TrustAd) -> Result<Self, LookupError> {
        let (config, options) = read_system_conf().map_err(|e| system::failed(&e))?;
        Ok(Self::asking(System::new(config, options, trust)?))
    }

    /// Asks these name servers, and reads no file of the system.
    ///
    /// # Errors
    ///
    /// When no resolver can be built.
    pub fn servers(servers: &[SocketAddr], trust: TrustAd) -> Result<Self, LookupError> {
        let named = servers.iter().map(|server| {
            let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
            for connection in &mut connections {
                connection.port = server.port();
            }
            NameServerConfig::new(server.ip(), true, connections)
        });
        let config = ResolverConfig::from_parts(None, Vec::new(), named.collect());
        let options = ResolverOpts::default();
        Ok(Self::asking(System::new(config, options, trust)?))
    }

    /// Asks something else, such as a table in a test.
    pub fn asking(lookup: impl Lookup + 'static) -> Self {
        Self(Arc::new(lookup))
    }

    /// The hosts that take mail for a domain, best first; equal ones in the order that `random`
    /// gives them (RFC 5321 §5.1). Without MX records it is the domain itself.
    ///
    /// # Errors
    ///
    /// [`LookupError::NotFound`] when there is no such domain, [`LookupError::Failed`].
    pub async fn mail_hosts(
        &self,
        domain: &Domain,
        mut random: impl FnMut() -> u64,
    ) -> Result<MailHosts, LookupError> {
        // What is said of a name's address is said of its having no MX, too: one zone, one signer.
        let MxRecords { records, dnssec } = match self.0.mx(domain).await {
            Ok(found) => found,
            Err(LookupError::NoRecords) => MxRecords {
                records: Vec::new(),
                dnssec: Dnssec::Secure,
            },
            Err(other) => return Err(other),
        };
        if records.is_empty() {
            let itself = Mx {
                preference: 0,
                host: Some(domain.clone()),
            };
            return Ok(MailHosts::Hosts(vec![itself], Dnssec::Secure));
        }
        let mut keyed: Vec<_> = records
            .into_iter()
            .filter(|mx| mx.host.is_some())
            .map(|mx| (mx.preference, random(), mx))
            .collect();
        if keyed.is_empty() {
            return Ok(MailHosts::NullMx);
        }
        keyed.sort_by_key(|(preference, chance, _)| (*preference, *chance));
        let hosts = keyed.into_iter().map(|(_, _, mx)| mx);
        Ok(MailHosts::Hosts(hosts.take(MAX_MX_HOSTS).collect(), dnssec))
    }

    /// The TXT records of a name.
    ///
    /// # Errors
    ///
    /// [`LookupError`].
    pub async fn texts(&self, name: &str) -> Result<Vec<Vec<u8>>, LookupError> {
        self.0.texts(name).await
    }

    /// What the TLSA records of a host say of its service on a port (RFC 7672 §2.2).
    pub async fn tlsa(&self, host: &Domain, port: u16) -> Found {
        match self.0.tlsa(host, port).await {
            Ok(found) => found,
            Err(error) => Found::Failed(error.to_string()),
        }
    }

    /// The addresses of a host, or of an address literal.
    ///
    /// # Errors
    ///
    /// [`LookupError`].
    pub async fn addresses(&self, name: &Domain) -> Result<Vec<IpAddr>, LookupError> {
        if let Some(address) = name.address() {
            return Ok(vec![address]);
        }
        let mut addresses = self.0.addresses(name).await?;
        if addresses.is_empty() {
            return Err(LookupError::NoRecords);
        }
        addresses.truncate(MAX_ADDRESSES);
        Ok(addresses)
    }
}
