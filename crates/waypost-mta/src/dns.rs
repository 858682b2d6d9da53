//! Names to hosts and addresses: the only user of the resolver crate.
//!
//! A name that does not exist and a server that does not answer are never the same: only the first
//! may become a refusal. Also answers whether a host leads back to this server, for loop
//! protection.

mod here;
#[cfg(test)]
pub(crate) mod tests;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolverConfig,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::{ResolverBuilder, TokioResolver};
use thiserror::Error;
use waypost_proto::mail::Domain;

pub use here::{HereNow, Listening};

/// Most MX hosts of one domain that are tried.
const MAX_MX_HOSTS: usize = 20;
/// Most addresses of one name that are tried.
const MAX_ADDRESSES: usize = 16;
/// Answers that are kept in memory until their time is over.
const CACHED_ANSWERS: u64 = 20_000;

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

/// An answer on its way.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, LookupError>> + Send + 'a>>;

/// Who is asked.
pub trait Lookup: Send + Sync {
    /// MX records, in any order.
    fn mx<'a>(&'a self, name: &'a Domain) -> Answer<'a, Vec<Mx>>;
    /// A and AAAA records.
    fn addresses<'a>(&'a self, name: &'a Domain) -> Answer<'a, Vec<IpAddr>>;
}

/// Where mail for a domain goes (RFC 5321 §5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailHosts {
    /// To these hosts, in this order.
    Hosts(Vec<Mx>),
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
    pub fn system() -> Result<Self, LookupError> {
        Self::built(TokioResolver::builder_tokio().map_err(|e| failed(&e))?)
    }

    /// Asks these name servers, and reads no file of the system.
    ///
    /// # Errors
    ///
    /// When no resolver can be built.
    pub fn servers(servers: &[SocketAddr]) -> Result<Self, LookupError> {
        let named = servers.iter().map(|server| {
            let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
            for connection in &mut connections {
                connection.port = server.port();
            }
            NameServerConfig::new(server.ip(), true, connections)
        });
        let config = ResolverConfig::from_parts(None, Vec::new(), named.collect());
        let provider = TokioRuntimeProvider::default();
        Self::built(TokioResolver::builder_with_config(config, provider))
    }

    fn built(mut builder: ResolverBuilder<TokioRuntimeProvider>) -> Result<Self, LookupError> {
        let options = builder.options_mut();
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.cache_size = CACHED_ANSWERS;
        Ok(Self::asking(System(
            builder.build().map_err(|e| failed(&e))?,
        )))
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
        let records = match self.0.mx(domain).await {
            Ok(records) => records,
            Err(LookupError::NoRecords) => Vec::new(),
            Err(other) => return Err(other),
        };
        if records.is_empty() {
            let itself = Mx {
                preference: 0,
                host: Some(domain.clone()),
            };
            return Ok(MailHosts::Hosts(vec![itself]));
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
        Ok(MailHosts::Hosts(hosts.take(MAX_MX_HOSTS).collect()))
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

/// The resolver crate.
struct System(TokioResolver);

impl Lookup for System {
    fn mx<'a>(&'a self, name: &'a Domain) -> Answer<'a, Vec<Mx>> {
        Box::pin(async move {
            let found = self
                .0
                .mx_lookup(absolute(name))
                .await
                .map_err(|e| failed(&e))?;
            let records = found.answers().iter().filter_map(|record| {
                let RData::MX(mx) = &record.data else {
                    return None;
                };
                let text = mx.exchange.to_ascii();
                Some(Mx {
                    preference: mx.preference,
                    host: Domain::parse(text.strip_suffix('.').unwrap_or(&text)).ok(),
                })
            });
            Ok(records.collect())
        })
    }

    fn addresses<'a>(&'a self, name: &'a Domain) -> Answer<'a, Vec<IpAddr>> {
        Box::pin(async move {
            let found = self
                .0
                .lookup_ip(absolute(name))
                .await
                .map_err(|e| failed(&e))?;
            let mut addresses: Vec<_> = found.iter().collect();
            // The sort is stable: within a family the order of the answer stays. IPv4 first: many
            // hosts have an IPv6 address and no way to use it.
            addresses.sort_by_key(IpAddr::is_ipv6);
            Ok(addresses)
        })
    }
}

/// With the final dot, so that no search list of the system is applied.
fn absolute(name: &Domain) -> String {
    format!("{name}.")
}

fn failed(error: &NetError) -> LookupError {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => LookupError::NotFound,
            ResponseCode::NoError => LookupError::NoRecords,
            code => LookupError::Failed(code.to_string()),
        },
        other => LookupError::Failed(other.to_string()),
    }
}
