//! Networks, as configuration writes them (RFC 4632 §3.1, RFC 4291 §2.3).

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use thiserror::Error;

/// A range of addresses that share a prefix: `203.0.113.0/24`, `2001:db8::/32`.
///
/// An IPv4 address inside IPv6 (`::ffff:192.0.2.1`) counts as the IPv4 address it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network {
    first: IpAddr,
    prefix: u8,
}

/// What is wrong with a network that somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NetworkError {
    /// Neither an IPv4 nor an IPv6 address before the `/`.
    #[error("is not an IP address or a network such as 192.0.2.0/24")]
    Address,
    /// The prefix is no number, or longer than the address.
    #[error("has a prefix length that is not between 0 and {0}")]
    Prefix(u8),
    /// Bits are set behind the prefix; the network probably meant is given.
    #[error("has bits set behind its prefix: {0} is probably meant")]
    HostBits(Network),
}

impl Network {
    /// Reads `address/prefix`; an address alone is the network of that one address.
    ///
    /// # Errors
    ///
    /// [`NetworkError`], in words that complete "`<text>` ...".
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let written: IpAddr = address.parse().map_err(|_| NetworkError::Address)?;
        let width = width(written);
        let prefix = match prefix {
            None => width,
            Some(digits) => digits
                .parse()
                .ok()
                .filter(|p| *p <= width && digits.bytes().all(|b| b.is_ascii_digit()))
                .ok_or(NetworkError::Prefix(width))?,
        };
        let network = Self::unmapped(written, prefix);
        if network.first != network.masked(network.first) {
            return Err(NetworkError::HostBits(Self {
                first: network.masked(network.first),
                prefix: network.prefix,
            }));
        }
        Ok(network)
    }

    /// Whether the address lies in the network.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        width(address) == width(self.first) && self.masked(address) == self.first
    }

    /// The length of the prefix in bits.
    #[must_use]
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    fn unmapped(written: IpAddr, prefix: u8) -> Self {
        match written.to_canonical() {
            first @ IpAddr::V4(_) if written.is_ipv6() && prefix >= 96 => Self {
                first,
                prefix: prefix - 96,
            },
            first if first.is_ipv4() == written.is_ipv4() => Self { first, prefix },
            _ => Self {
                first: written,
                prefix,
            },
        }
    }

    fn masked(&self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(v4) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix.min(32)));
                IpAddr::V4((v4.to_bits() & mask.unwrap_or(0)).into())
            }
            IpAddr::V6(v6) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix));
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask.unwrap_or(0)))
            }
        }
    }
}

impl From<IpAddr> for Network {
    /// The network of one address.
    fn from(address: IpAddr) -> Self {
        let first = address.to_canonical();
        Self {
            first,
            prefix: width(first),
        }
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == width(self.first) {
            return write!(f, "{}", self.first);
        }
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn inside(network: &str, address: &str) -> bool {
        Network::parse(network)
            .unwrap()
            .contains(address.parse().unwrap())
    }

    #[test]
    fn contains_the_addresses_of_its_prefix_and_no_others() {
        for (network, address, expected) in [
            ("203.0.113.0/24", "203.0.113.255", true),
            ("203.0.113.0/24", "203.0.114.0", false),
            ("203.0.113.0/24", "::ffff:203.0.113.9", true),
            ("::ffff:203.0.113.0/120", "203.0.113.9", true),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "192.0.2.1", false),
            ("::1/128", "::1", true),
            ("2001:db8::/32", "2001:db9::", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
        ] {
            assert_eq!(inside(network, address), expected, "{network} {address}");
        }
    }

    #[test]
    fn refuses_what_is_no_network_and_says_what_was_meant() {
        for (text, error) in [
            ("", NetworkError::Address),
            ("example.com", NetworkError::Address),
            ("10.0.0.0/33", NetworkError::Prefix(32)),
            ("10.0.0.0/+8", NetworkError::Prefix(32)),
            ("10.0.0.0/", NetworkError::Prefix(32)),
            ("::/129", NetworkError::Prefix(128)),
        ] {
            assert_eq!(Network::parse(text), Err(error), "{text}");
        }
        assert_eq!(
            Network::parse("10.0.0.7/8").unwrap_err().to_string(),
            "has bits set behind its prefix: 10.0.0.0/8 is probably meant"
        );
    }

    proptest! {
        #[test]
        fn printing_reads_back(bits: u128, prefix in 0_u8..=128, v4: bool) {
            let address: IpAddr = if v4 {
                IpAddr::V4(((bits >> 96) as u32).into())
            } else {
                IpAddr::V6(bits.into())
            };
            let whole = Network { first: address, prefix: prefix.min(width(address)) };
            let network = Network { first: whole.masked(address), prefix: whole.prefix };
            prop_assert_eq!(Network::parse(&network.to_string()).unwrap().contains(address), true);
        }
    }
}
