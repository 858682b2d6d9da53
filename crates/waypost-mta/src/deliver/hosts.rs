//! From a next hop to the places that are connected to, in their order (RFC 5321 §5.1).

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use waypost_directory::{Host, Secret, Target, TlsPin, TlsPolicy};
use waypost_proto::mail::Domain;
use waypost_proto::smtp::client::Dialect;

use super::demand::{Demands, MxHosts};
use super::lmtp::Lmtp;
use super::security::Demand;
use super::{Settings, Trouble};
use crate::dns::{Dns, Listening, LookupError, MailHosts};
use crate::net::Endpoint;

/// The port of mail exchange (RFC 5321 §4.5.4.2).
const SMTP_PORT: u16 = 25;

/// Another server and how it is spoken to: a target of the directory, or the smart host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Where it is.
    pub host: Host,
    /// Never 0.
    pub port: u16,
    /// How the connection is secured.
    pub tls: TlsPolicy,
    /// With [`TlsPolicy::Pinned`].
    pub tls_pin: Option<TlsPin>,
    /// Empty: no AUTH.
    pub username: String,
    /// Empty: no AUTH.
    pub password: Secret,
}

impl Remote {
    /// A server without login, secured when it offers that.
    #[must_use]
    pub fn new(host: Host, port: u16) -> Self {
        Self {
            host,
            port,
            tls: TlsPolicy::default(),
            tls_pin: None,
            username: String::new(),
            password: Secret::default(),
        }
    }
}

impl From<Target> for Remote {
    fn from(target: Target) -> Self {
        Self {
            host: target.host,
            port: target.port,
            tls: target.tls,
            tls_pin: target.tls_pin,
            username: target.username,
            password: target.password,
        }
    }
}

/// How a next hop is reached: all that a kept connection depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) dialect: Dialect,
    pub(super) to: To,
    /// Whether an administrator named this server: then its refusal to talk is his to mend.
    pub(super) is_configured: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum To {
    Remote(Remote),
    Store(Endpoint),
}

impl Way {
    pub(super) fn remote(remote: Remote) -> Self {
        Self {
            dialect: Dialect::Smtp,
            to: To::Remote(remote),
            is_configured: true,
        }
    }

    pub(super) fn mx(domain: &Domain) -> Self {
        let host = match domain.address() {
            Some(address) => Host::Address(address),
            None => Host::Mx(domain.clone()),
        };
        Self {
            dialect: Dialect::Smtp,
            to: To::Remote(Remote::new(host, SMTP_PORT)),
            is_configured: false,
        }
    }

    pub(super) fn lmtp(lmtp: &Lmtp) -> Self {
        Self {
            dialect: Dialect::Lmtp,
            to: To::Store(lmtp.endpoint.clone()),
            is_configured: true,
        }
    }

    /// What is demanded of TLS, and with which pin.
    pub(super) fn tls(&self) -> (TlsPolicy, Option<TlsPin>) {
        match &self.to {
            To::Remote(remote) => (remote.tls, remote.tls_pin),
            To::Store(_) => (TlsPolicy::Off, None),
        }
    }

    /// Name and password, where the server wants a login.
    pub(super) fn login(&self) -> Option<(&str, &Secret)> {
        match &self.to {
            To::Remote(remote) if !remote.username.is_empty() => {
                Some((&remote.username, &remote.password))
            }
            _ => None,
        }
    }
}

/// One address to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) endpoint: Endpoint,
    /// The host's name, for the certificate and the log; the address where it has none.
    pub(super) name: String,
    /// What the host must prove, whatever the policy of the way is.
    pub(super) demand: Demand,
}

impl fmt::Display for Place {
    /// As the log names it: `name[address]:port`, or the socket.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.endpoint {
            Endpoint::Inet(at) => write!(f, "{}[{}]:{}", self.name, at.ip(), at.port()),
            Endpoint::Unix(path) => write!(f, "{}[{}]", self.name, path.display()),
        }
    }
}

/// Finds the places of a way.
#[derive(Debug)]
pub(super) struct Hosts {
    dns: Dns,
    demands: Demands,
    listening: Listening,
    hostname: Domain,
    source: Option<IpAddr>,
}

impl Hosts {
    pub(super) fn new(
        dns: Dns,
        demands: Demands,
        listening: Listening,
        settings: &Settings,
    ) -> Self {
        Self {
            dns,
            demands,
            listening,
            hostname: settings.hostname.clone(),
            source: settings.source,
        }
    }

    /// The places, best first; at least one.
    pub(super) async fn of(&self, way: &Way) -> Result<Vec<Place>, Trouble> {
        match &way.to {
            To::Store(endpoint) => Ok(vec![store(endpoint)]),
            To::Remote(remote) => match &remote.host {
                Host::Mx(domain) => {
                    let found = self.of_mx(domain, remote.port, way).await;
                    // What an administrator named he can mend, and mail waits for it.
                    let softened = |t: Trouble| if way.is_configured { t.softened() } else { t };
                    found.map_err(softened)
                }
                Host::Address(ip) => {
                    let places = places(&ip.to_string(), remote.port, [*ip]);
                    self.none_here(places, way.is_configured)
                }
                Host::Name(name) => {
                    let found = self.dns.addresses(name).await;
                    let found = found.map_err(|error| host_trouble(name, &error))?;
                    let found = self.reachable(found);
                    let places = places(name.as_str(), remote.port, found);
                    self.none_here(places, way.is_configured)
                }
            },
        }
    }

    async fn of_mx(&self, domain: &Domain, port: u16, way: &Way) -> Result<Vec<Place>, Trouble> {
        let (hosts, dnssec) = match self.dns.mail_hosts(domain, random).await {
            Ok(MailHosts::Hosts(hosts, dnssec)) => (hosts, dnssec),
            // RFC 7505 §4.2.
            Ok(MailHosts::NullMx) => {
                return Err(Trouble::permanent(
                    1,
                    10,
                    format!("the domain {domain} takes no mail (null MX)"),
                ));
            }
            Err(error) => return Err(domain_trouble(domain, &error)),
        };
        let mut found = Vec::new();
        let mut trouble = None;
        let mut here_from = None;
        for mx in &hosts {
            let Some(name) = &mx.host else { continue };
            if here_from.is_some_and(|preference| mx.preference >= preference) {
                break;
            }
            if *name == self.hostname {
                here_from = Some(mx.preference);
                continue;
            }
            match self.dns.addresses(name).await {
                Ok(addresses) => {
                    let places = places(name.as_str(), port, self.reachable(addresses));
                    if places.iter().any(|place| self.is_here(place)) {
                        here_from = Some(mx.preference);
                    } else {
                        found.push((mx.preference, name, places));
                    }
                }
                Err(error) => trouble = Some(mx_host_trouble(domain, name, &error, trouble)),
            }
        }
        // RFC 5321 §5.1: hosts that are no better than this one are not used.
        found.retain(|(preference, ..)| here_from.is_none_or(|here| *preference < here));
        let found = found.into_iter().map(|(_, name, places)| (name, places));
        let places = if way.is_configured {
            found.flat_map(|(_, places)| places).collect()
        } else {
            let hosts = MxHosts {
                domain,
                dnssec,
                port,
            };
            let (places, unusable) = self.demands.of(hosts, found).await;
            trouble = unusable.or(trouble);
            places
        };
        if !places.is_empty() {
            return Ok(places);
        }
        match (here_from, trouble) {
            // A better host than this one that cannot be used now is waited for.
            (_, Some(trouble)) if trouble.is_transient() => Err(trouble),
            (Some(_), _) => Err(loops_back(domain.as_str())),
            (None, Some(trouble)) => Err(trouble),
            (None, None) => Err(Trouble::transient(4, 4, format!("no host for {domain}"))),
        }
    }

    /// With a source address, only places of its family, if there are any.
    fn reachable(&self, addresses: Vec<IpAddr>) -> Vec<IpAddr> {
        let Some(source) = self.source else {
            return addresses;
        };
        let same = |ip: &IpAddr| ip.is_ipv4() == source.is_ipv4();
        if addresses.iter().any(same) {
            addresses.into_iter().filter(same).collect()
        } else {
            addresses
        }
    }

    fn is_here(&self, place: &Place) -> bool {
        match &place.endpoint {
            Endpoint::Inet(address) => self.listening.is_here(*address),
            Endpoint::Unix(_) => false,
        }
    }

    fn none_here(&self, places: Vec<Place>, is_configured: bool) -> Result<Vec<Place>, Trouble> {
        match places.iter().find(|place| self.is_here(place)) {
            Some(place) if is_configured => Err(loops_back(&place.name).softened()),
            Some(place) => Err(loops_back(&place.name)),
            None => Ok(places),
        }
    }
}

fn store(endpoint: &Endpoint) -> Place {
    let name = match endpoint {
        Endpoint::Inet(address) => address.ip().to_string(),
        Endpoint::Unix(_) => String::from("localhost"),
    };
    Place {
        endpoint: endpoint.clone(),
        name,
        demand: Demand::Nothing,
    }
}

fn places(name: &str, port: u16, addresses: impl IntoIterator<Item = IpAddr>) -> Vec<Place> {
    let each = addresses.into_iter().map(|ip| Place {
        endpoint: Endpoint::Inet(SocketAddr::new(ip, port)),
        name: name.to_owned(),
        demand: Demand::Nothing,
    });
    each.collect()
}

/// A domain that leads here without being served here: there is nothing to wait for.
fn loops_back(name: &str) -> Trouble {
    Trouble::permanent(4, 6, format!("mail for {name} loops back to this server"))
}

fn domain_trouble(domain: &Domain, error: &LookupError) -> Trouble {
    match error {
        // RFC 3463 §3.2: bad destination system address.
        LookupError::NotFound => {
            Trouble::permanent(1, 2, format!("the domain {domain} does not exist"))
        }
        LookupError::NoRecords => no_address(domain),
        LookupError::Failed(_) => {
            Trouble::transient(4, 3, format!("cannot look up {domain}: {error}"))
        }
    }
}

fn no_address(domain: &Domain) -> Trouble {
    let text = format!("the domain {domain} has no host that takes mail");
    Trouble::permanent(4, 4, text)
}

/// What it means that an MX host has no address; a passing cause outweighs what another host said.
fn mx_host_trouble(
    domain: &Domain,
    host: &Domain,
    error: &LookupError,
    other: Option<Trouble>,
) -> Trouble {
    let trouble = match error {
        LookupError::Failed(_) => {
            Trouble::transient(4, 3, format!("cannot look up {host}: {error}"))
        }
        LookupError::NoRecords | LookupError::NotFound => no_address(domain),
    };
    other.filter(Trouble::is_transient).unwrap_or(trouble)
}

/// A server that an administrator named: whatever DNS says, he can mend it, and mail waits.
fn host_trouble(name: &Domain, error: &LookupError) -> Trouble {
    Trouble::transient(4, 3, format!("cannot look up {name}: {error}"))
}

/// The order of equal MX hosts; without randomness they keep theirs.
fn random() -> u64 {
    getrandom::u64().unwrap_or(0)
}
