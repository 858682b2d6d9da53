//! Whom a proxy speaks for: `X-Forwarded-For`, and `Forwarded` (RFC 7239 §4).

use std::net::{IpAddr, SocketAddr};

use axum::http::header::FORWARDED;
use axum::http::{HeaderMap, HeaderName};
use waypost_proto::net::Network;

use crate::console::Origin;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Whom one kind of header names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    Client(IpAddr),
    /// It cannot be read as far as it matters.
    Nonsense,
}

impl Origin {
    /// The origin that the peer names, if it may: anybody can write such a header.
    pub(crate) fn behind(self, headers: &HeaderMap, trusted: &[Network]) -> Self {
        let peer = self.address.ip().to_canonical();
        let client = client(peer, headers, trusted);
        // The port of somebody far away is of no use.
        let port = if client == peer {
            self.address.port()
        } else {
            0
        };
        Self {
            address: SocketAddr::new(client, port),
            ..self
        }
    }
}

fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    if !is_in(peer, trusted) {
        return peer;
    }
    let plain = said(headers, &X_FORWARDED_FOR, trusted, plain);
    let forwarded = said(headers, &FORWARDED, trusted, forwarded);
    match (plain, forwarded) {
        (Said::Client(client), Said::Nothing) | (Said::Nothing, Said::Client(client)) => client,
        // A proxy that writes one of them passes the other on as the client has sent it.
        (Said::Client(one), Said::Client(other)) if one == other => one,
        _ => peer,
    }
}

fn is_in(address: IpAddr, networks: &[Network]) -> bool {
    networks.iter().any(|network| network.contains(address))
}

/// Every proxy adds at the right whom it has heard: the first from there who is no proxy of ours
/// is the client. What stands left of him he may have written himself.
fn said(
    headers: &HeaderMap,
    name: &HeaderName,
    trusted: &[Network],
    nodes: fn(&str) -> Option<Vec<&str>>,
) -> Said {
    let lines: Vec<_> = headers.get_all(name).iter().collect();
    let mut last = Said::Nothing;
    for line in lines.into_iter().rev().filter(|line| !line.is_empty()) {
        let nodes = line.to_str().ok().and_then(nodes);
        for node in nodes.unwrap_or_else(|| vec![""]).into_iter().rev() {
            match address(node) {
                None => return Said::Nonsense,
                Some(address) if is_in(address, trusted) => last = Said::Client(address),
                Some(address) => return Said::Client(address),
            }
        }
    }
    last
}

fn plain(line: &str) -> Option<Vec<&str>> {
    Some(line.split(',').map(str::trim).collect())
}

/// The values of `for`; an element without one has the empty text.
fn forwarded(line: &str) -> Option<Vec<&str>> {
    let elements = unquoted(line, ',')?;
    let nodes = elements.into_iter().map(|element| {
        let pairs = unquoted(element, ';')?.into_iter();
        let mut pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
        let node = pairs.find(|(name, _)| name.eq_ignore_ascii_case("for"));
        let node = node.map_or("", |(_, node)| node);
        let bare = node
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        Some(bare.unwrap_or(node))
    });
    nodes.collect()
}

/// The text in pieces at each separator outside quotes; none when a quote stays open.
fn unquoted(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut quoted, mut escaped) = (false, false);
    let pieces = text.split(|letter: char| {
        let was_escaped = std::mem::take(&mut escaped);
        match letter {
            '\\' if quoted && !was_escaped => escaped = true,
            '"' if !was_escaped => quoted = !quoted,
            _ => {}
        }
        letter == separator && !quoted
    });
    let pieces = pieces.collect();
    (!quoted).then_some(pieces)
}

/// The address of a node, with or without a port (RFC 7239 §6); names and hidden nodes have none.
fn address(node: &str) -> Option<IpAddr> {
    let is_port = |port: &str| port.is_empty() || port.parse::<u16>().is_ok();
    let address: IpAddr = if let Some(rest) = node.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let port = port.strip_prefix(':').unwrap_or(port);
        let address: std::net::Ipv6Addr = address.parse().ok()?;
        is_port(port).then_some(address.into())?
    } else if let Ok(address) = node.parse() {
        address
    } else {
        let (address, port) = node.split_once(':')?;
        let address: std::net::Ipv4Addr = address.parse().ok()?;
        is_port(port).then_some(address.into())?
    };
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const PROXY: &str = "127.0.0.1";

    fn seen(peer: &str, headers: &[(&HeaderName, &str)]) -> String {
        let trusted = ["127.0.0.1", "10.0.0.0/8", "2001:db8:1::/48"];
        let trusted = trusted.map(|network| Network::parse(network).unwrap());
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let origin = Origin {
            address: SocketAddr::new(peer.parse().unwrap(), 4711),
            is_secure: false,
        };
        origin.behind(&map, &trusted).address.ip().to_string()
    }

    #[test]
    fn a_trusted_proxy_names_the_client() {
        for (value, client) in [
            ("203.0.113.9", "203.0.113.9"),
            ("203.0.113.9:4711", "203.0.113.9"),
            ("2001:db8::9", "2001:db8::9"),
            ("[2001:db8::9]:4711", "2001:db8::9"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            // The client has written the first one himself.
            ("192.0.2.1, 203.0.113.9", "203.0.113.9"),
            ("nonsense,, 203.0.113.9", "203.0.113.9"),
            ("203.0.113.9, 10.1.2.3, 2001:db8:1::1", "203.0.113.9"),
            // Nobody but proxies of ours: the farthest.
            ("10.1.2.3, 10.0.0.1", "10.1.2.3"),
        ] {
            assert_eq!(seen(PROXY, &[(&X_FORWARDED_FOR, value)]), client, "{value}");
        }
        let lines = [
            (&X_FORWARDED_FOR, "192.0.2.1"),
            (&X_FORWARDED_FOR, "203.0.113.9"),
        ];
        assert_eq!(seen(PROXY, &lines), "203.0.113.9");
        assert_eq!(seen("::ffff:127.0.0.1", &lines), "203.0.113.9");
    }

    #[test]
    fn the_standard_header_is_read_too() {
        for (value, client) in [
            ("for=203.0.113.9", "203.0.113.9"),
            ("proto=https;For=203.0.113.9;by=10.0.0.1", "203.0.113.9"),
            ("for=\"[2001:db8::9]:4711\"", "2001:db8::9"),
            (
                "for=192.0.2.1, for=203.0.113.9, for=10.0.0.1",
                "203.0.113.9",
            ),
            ("for=\"a,b;c\\\"\", for=203.0.113.9", "203.0.113.9"),
        ] {
            assert_eq!(seen(PROXY, &[(&FORWARDED, value)]), client, "{value}");
        }
    }

    #[test]
    fn nobody_else_is_believed() {
        for peer in ["192.0.2.7", "127.0.0.2", "2001:db8:2::1"] {
            for header in [&X_FORWARDED_FOR, &FORWARDED] {
                assert_eq!(seen(peer, &[(header, "for=203.0.113.9")]), peer);
                assert_eq!(seen(peer, &[(header, "203.0.113.9")]), peer);
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_the_proxy() {
        for value in [
            "unknown",
            "203.0.113.9, x",
            "203.0.113.9,",
            "[2001:db8::9",
            "203.0.113.9:x",
            "é",
        ] {
            assert_eq!(seen(PROXY, &[(&X_FORWARDED_FOR, value)]), PROXY, "{value}");
        }
        for value in [
            "for=_hidden",
            "for=unknown",
            "proto=https",
            "for=\"203.0.113.9",
            "203.0.113.9",
        ] {
            assert_eq!(seen(PROXY, &[(&FORWARDED, value)]), PROXY, "{value}");
        }
        assert_eq!(seen(PROXY, &[]), PROXY);
        // Only one of the two is the proxy's.
        let both = |one, other| seen(PROXY, &[(&X_FORWARDED_FOR, one), (&FORWARDED, other)]);
        assert_eq!(both("203.0.113.9", "for=192.0.2.1"), PROXY);
        assert_eq!(both("203.0.113.9", "for=_hidden"), PROXY);
        assert_eq!(both("203.0.113.9", "for=203.0.113.9"), "203.0.113.9");
    }
}
