//! Where another server is reached.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use thiserror::Error;
use waypost_proto::mail::Domain;

/// The port of mail exchange (RFC 5321 §4.5.4.2).
const SMTP_PORT: u16 = 25;

/// A server, as a target names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// This address.
    Address(IpAddr),
    /// The MX hosts of this domain: `mx:name`.
    Mx(Domain),
    /// The addresses of this name, not its MX.
    Name(Domain),
}

/// What is wrong with a host that somebody wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HostError {
    /// Neither a name nor an address.
    #[error("is not a host name, an IP address, host:port or mx:name")]
    Host,
    /// Behind the last `:` stands no port.
    #[error("has a port that is not between 1 and 65535")]
    Port,
}

impl Host {
    /// Reads `name`, `[name]`, an IPv4 or IPv6 address with or without brackets, or `mx:name`.
    ///
    /// # Errors
    ///
    /// [`HostError::Host`].
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if let Some(name) = text.strip_prefix("mx:") {
            return name_of(name).map(Self::Mx);
        }
        let inner = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(text);
        let untagged = match inner.get(..5) {
            Some(tag) if tag.eq_ignore_ascii_case("ipv6:") => &inner[5..],
            _ => inner,
        };
        if let Ok(address) = untagged.parse::<IpAddr>() {
            return Ok(Self::Address(address.to_canonical()));
        }
        name_of(inner).map(Self::Name)
    }
}

fn name_of(text: &str) -> Result<Domain, HostError> {
    let looks_like_address = text
        .rsplit('.')
        .next()
        .is_some_and(|label| label.bytes().all(|b| b.is_ascii_digit()));
    Domain::parse(text)
        .ok()
        .filter(|name| name.address().is_none() && !looks_like_address)
        .ok_or(HostError::Host)
}

impl fmt::Display for Host {
    /// The address without brackets, the name as is, `mx:` before a domain whose MX is meant.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::Mx(name) => write!(f, "mx:{name}"),
            Self::Name(name) => write!(f, "{name}"),
        }
    }
}

/// A server and its port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPort {
    /// Where.
    pub host: Host,
    /// Never 0.
    pub port: u16,
}

impl HostPort {
    /// Reads `host[:port]`; without a port it is 25.
    ///
    /// # Errors
    ///
    /// [`HostError`].
    pub fn parse(text: &str) -> Result<Self, HostError> {
        let (host, port) = Self::parse_parts(text)?;
        Ok(Self {
            host,
            port: port.unwrap_or(SMTP_PORT),
        })
    }

    /// Reads `host[:port]`, and tells a missing port from a written one.
    ///
    /// # Errors
    ///
    /// [`HostError`].
    pub fn parse_parts(text: &str) -> Result<(Host, Option<u16>), HostError> {
        let (prefix, rest) = match text.strip_prefix("mx:") {
            Some(rest) => ("mx:", rest),
            None => ("", text),
        };
        let split = match rest.rsplit_once(':') {
            Some(_) if rest.parse::<Ipv6Addr>().is_ok() || rest.ends_with(']') => None,
            other => other,
        };
        let Some((host, port)) = split else {
            return Ok((Host::parse(text)?, None));
        };
        let port = port
            .parse::<u16>()
            .ok()
            .filter(|number| *number != 0 && port.bytes().all(|b| b.is_ascii_digit()))
            .ok_or(HostError::Port)?;
        Ok((Host::parse(&format!("{prefix}{host}"))?, Some(port)))
    }
}

impl fmt::Display for HostPort {
    /// `host:port`, with brackets around an IPv6 address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port),
            host => write!(f, "{host}:{}", self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints_hosts_with_ports() {
        for (text, printed) in [
            ("old.example.com", "old.example.com:25"),
            ("Old.Example.com:2525", "old.example.com:2525"),
            ("[old.example.com]:2525", "old.example.com:2525"),
            ("[old.example.com]", "old.example.com:25"),
            ("10.0.0.7", "10.0.0.7:25"),
            ("10.0.0.7:26", "10.0.0.7:26"),
            ("[10.0.0.7]:26", "10.0.0.7:26"),
            ("2001:db8::1", "[2001:db8::1]:25"),
            ("[2001:db8::1]:26", "[2001:db8::1]:26"),
            ("[IPv6:2001:db8::1]:26", "[2001:db8::1]:26"),
            ("mx:example.com", "mx:example.com:25"),
            ("mx:example.com:26", "mx:example.com:26"),
            ("localhost:2525", "localhost:2525"),
        ] {
            let read = HostPort::parse(text).unwrap();
            assert_eq!(read.to_string(), printed, "{text}");
            assert_eq!(HostPort::parse(printed), Ok(read), "{printed}");
        }
    }

    #[test]
    fn refuses_what_is_no_host() {
        for (text, error) in [
            ("", HostError::Host),
            ("10.0.0.700", HostError::Host),
            ("10.0.0", HostError::Host),
            ("a b", HostError::Host),
            ("mx:", HostError::Host),
            ("mx:10.0.0.7", HostError::Host),
            ("host:0", HostError::Port),
            ("host:65536", HostError::Port),
            ("host:+25", HostError::Port),
            ("host:", HostError::Port),
        ] {
            assert_eq!(HostPort::parse(text), Err(error), "{text}");
        }
    }
}
