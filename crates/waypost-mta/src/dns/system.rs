//! The resolver crate, and which of its answers are signed.
//!
//! A validating resolver sets AD in answers that are signed, when it is asked with DO (RFC 4035
//! §3.2.3). Anybody on the way can set it, too: only a resolver that is trusted is asked so, by a
//! client of its own, as the resolver crate asks without DO.

use std::net::IpAddr;
use std::sync::Arc;

use hickory_resolver::caching_client::CachingClient;
use hickory_resolver::config::{LookupIpStrategy, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup as Message;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::RetryDnsHandle;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::{DnsRequestOptions, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig, TokioResolver};
use waypost_proto::dane::{Dnssec, Found, Record};
use waypost_proto::mail::Domain;

use super::{Answer, Lookup, LookupError, Mx, MxRecords, TrustAd};

/// Answers that are kept in memory until their time is over.
const CACHED_ANSWERS: u64 = 20_000;

/// The resolver crate.
pub(super) struct System {
    plain: TokioResolver,
    /// None: no answer counts as signed.
    signed: Option<Signed>,
}

impl System {
    /// Asks these name servers.
    pub(super) fn new(
        config: ResolverConfig,
        mut options: ResolverOpts,
        trust: TrustAd,
    ) -> Result<Self, LookupError> {
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.cache_size = CACHED_ANSWERS;
        let servers = config.name_servers();
        let is_trusted = is_trusted(trust, servers.iter().map(|server| server.ip));
        let signed = is_trusted.then(|| Signed::new(servers, &options));
        let provider = TokioRuntimeProvider::default();
        let mut builder = TokioResolver::builder_with_config(config, provider);
        *builder.options_mut() = options;
        Ok(Self {
            plain: builder.build().map_err(|e| failed(&e))?,
            signed: signed.transpose()?,
        })
    }
}

impl Lookup for System {
    fn mx<'a>(&'a self, name: &'a Domain) -> Answer<'a, MxRecords> {
        Box::pin(async move {
            let (message, dnssec) = match &self.signed {
                Some(signed) => signed.ask(&absolute(name), RecordType::MX).await?,
                None => {
                    let found = self.plain.mx_lookup(absolute(name)).await;
                    (found.map_err(|e| failed(&e))?, Dnssec::Insecure)
                }
            };
            let records = message.answers().iter().filter_map(|record| {
                let RData::MX(mx) = &record.data else {
                    return None;
                };
                Some(Mx {
                    preference: mx.preference,
                    host: domain(&mx.exchange),
                })
            });
            Ok(MxRecords {
                records: records.collect(),
                dnssec,
            })
        })
    }

    fn addresses<'a>(&'a self, name: &'a Domain) -> Answer<'a, Vec<IpAddr>> {
        Box::pin(async move {
            let found = self.plain.lookup_ip(absolute(name)).await;
            let mut addresses: Vec<_> = found.map_err(|e| failed(&e))?.iter().collect();
            // The sort is stable: within a family the order of the answer stays. IPv4 first: many
            // hosts have an IPv6 address and no way to use it.
            addresses.sort_by_key(IpAddr::is_ipv6);
            Ok(addresses)
        })
    }

    fn tlsa<'a>(&'a self, host: &'a Domain, port: u16) -> Answer<'a, Found> {
        Box::pin(async move {
            match &self.signed {
                Some(signed) => signed.tlsa(host, port).await,
                None => Ok(Found::Insecure),
            }
        })
    }

    fn texts<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<Vec<u8>>> {
        Box::pin(async move {
            let found = self.plain.txt_lookup(format!("{name}.")).await;
            let found = found.map_err(|e| failed(&e))?;
            let texts = found
                .answers()
                .iter()
                .filter_map(|record| match &record.data {
                    RData::TXT(text) => Some(text.txt_data.concat()),
                    _ => None,
                });
            Ok(texts.collect())
        })
    }
}

fn is_trusted(trust: TrustAd, mut servers: impl Iterator<Item = IpAddr>) -> bool {
    match trust {
        TrustAd::Never => false,
        TrustAd::Loopback => servers.all(|server| server.is_loopback()),
        TrustAd::Always => true,
    }
}

type Pool = NameServerPool<TokioRuntimeProvider>;

/// Asks a resolver that is trusted to validate.
struct Signed {
    client: CachingClient<RetryDnsHandle<Pool>>,
    options: DnsRequestOptions,
}

impl Signed {
    fn new(servers: &[NameServerConfig], options: &ResolverOpts) -> Result<Self, LookupError> {
        let mut asking = DnsRequestOptions::default();
        asking.edns_payload_len = options.edns_payload_len;
        asking.edns_set_dnssec_ok = true;
        let tls = TlsConfig::new().map_err(|e| failed(&e))?;
        let context = Arc::new(PoolContext::new(options.clone(), tls));
        let provider = TokioRuntimeProvider::default();
        let pool = NameServerPool::from_config(servers.iter().cloned(), context, provider);
        let client = RetryDnsHandle::new(pool, options.attempts);
        Ok(Self {
            client: CachingClient::new(CACHED_ANSWERS, client, false),
            options: asking,
        })
    }

    async fn ask(&self, name: &str, kind: RecordType) -> Result<(Message, Dnssec), LookupError> {
        let name = Name::from_ascii(name).map_err(|e| LookupError::Failed(e.to_string()))?;
        let asking = self
            .client
            .lookup(Query::query(name.clone(), kind), self.options);
        let message = asking.await.map_err(|e| failed(&e))?;
        // An alias that was followed here is vouched for by no single answer.
        let is_whole = *message.query().name() == name;
        let dnssec = if is_whole && message.message().metadata.authentic_data {
            Dnssec::Secure
        } else {
            Dnssec::Insecure
        };
        Ok((message, dnssec))
    }

    /// RFC 7672 §2.2.2: only where the address is signed; at the end of its aliases first.
    async fn tlsa(&self, host: &Domain, port: u16) -> Result<Found, LookupError> {
        let Some((Dnssec::Secure, end)) = self.address(host).await? else {
            return Ok(Found::Insecure);
        };
        let mut bases = vec![end, host.clone()];
        bases.dedup();
        for base in bases {
            let name = format!("_{port}._tcp.{base}.");
            let (message, dnssec) = match self.ask(&name, RecordType::TLSA).await {
                Ok(found) => found,
                Err(LookupError::NoRecords | LookupError::NotFound) => continue,
                Err(failed) => return Err(failed),
            };
            if dnssec == Dnssec::Insecure {
                return Ok(Found::Insecure);
            }
            let records = message
                .answers()
                .iter()
                .filter_map(|record| tlsa(&record.data));
            return Ok(Found::Secure {
                base,
                records: records.collect(),
            });
        }
        Ok(Found::Missing)
    }

    /// Whether the host's address is signed, and the name that it is found under.
    async fn address(&self, host: &Domain) -> Result<Option<(Dnssec, Domain)>, LookupError> {
        for kind in [RecordType::A, RecordType::AAAA] {
            match self.ask(&absolute(host), kind).await {
                Ok((message, dnssec)) => {
                    let mut answers = message.answers().iter();
                    let address = answers.find(|record| record.record_type() == kind);
                    let end = address.and_then(|record| domain(&record.name));
                    return Ok(end.map(|end| (dnssec, end)));
                }
                Err(LookupError::NoRecords | LookupError::NotFound) => {}
                Err(failed) => return Err(failed),
            }
        }
        Ok(None)
    }
}

fn tlsa(data: &RData) -> Option<Record> {
    let RData::TLSA(tlsa) = data else {
        return None;
    };
    Some(Record {
        usage: tlsa.cert_usage.into(),
        selector: tlsa.selector.into(),
        matching: tlsa.matching.into(),
        data: tlsa.cert_data.clone(),
    })
}

fn domain(name: &Name) -> Option<Domain> {
    let text = name.to_ascii();
    Domain::parse(text.strip_suffix('.').unwrap_or(&text)).ok()
}

/// With the final dot, so that no search list of the system is applied.
fn absolute(name: &Domain) -> String {
    format!("{name}.")
}

pub(super) fn failed(error: &NetError) -> LookupError {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => LookupError::NotFound,
            ResponseCode::NoError => LookupError::NoRecords,
            code => LookupError::Failed(code.to_string()),
        },
        other => LookupError::Failed(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_machine_of_ones_own_is_believed_unless_told_otherwise() {
        for (trust, servers, is_believed) in [
            (TrustAd::Loopback, &["127.0.0.1"][..], true),
            (TrustAd::Loopback, &["127.0.0.53", "::1"], true),
            (TrustAd::Loopback, &["192.0.2.53"], false),
            (TrustAd::Loopback, &["127.0.0.1", "192.0.2.53"], false),
            (TrustAd::Always, &["192.0.2.53"], true),
            (TrustAd::Never, &["127.0.0.1"], false),
        ] {
            let ips = servers.iter().map(|text| text.parse().unwrap());
            assert_eq!(is_trusted(trust, ips), is_believed, "{trust:?} {servers:?}");
        }
    }
}
