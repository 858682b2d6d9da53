//! Domains: names as lower-case A-labels, or address literals.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::SyntaxError;

/// RFC 5321 §4.5.3.1.2.
const MAX_DOMAIN_OCTETS: usize = 255;
/// RFC 1035 §2.3.4.
const MAX_LABEL_OCTETS: usize = 63;

/// The part of an address after `@` (RFC 5321 §2.3.5), or a host name.
///
/// A name is kept as lower-case A-labels (RFC 5890) and an address literal in its shortest form,
/// so that equal domains are equal bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Domain(Box<str>);

impl Domain {
    /// Reads a domain name, in ASCII or with U-labels, or an address literal (RFC 5321 §4.1.3).
    ///
    /// A trailing dot is not accepted: RFC 5321 names are absolute without it.
    ///
    /// # Errors
    ///
    /// [`SyntaxError::Domain`] or [`SyntaxError::DomainTooLong`].
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        if text.len() > MAX_DOMAIN_OCTETS {
            return Err(SyntaxError::DomainTooLong);
        }
        if text.starts_with('[') {
            return match literal(text).ok_or(SyntaxError::Domain)? {
                IpAddr::V4(address) => Ok(Self(format!("[{address}]").into())),
                IpAddr::V6(address) => Ok(Self(format!("[IPv6:{address}]").into())),
            };
        }
        let ascii = if text.is_ascii() {
            text.to_ascii_lowercase()
        } else {
            idna::domain_to_ascii(text).map_err(|_| SyntaxError::Domain)?
        };
        if ascii.len() > MAX_DOMAIN_OCTETS {
            return Err(SyntaxError::DomainTooLong);
        }
        if !ascii.split('.').all(is_label) {
            return Err(SyntaxError::Domain);
        }
        Ok(Self(ascii.into()))
    }

    /// The name in A-labels, or the literal with its brackets.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as people write it, in U-labels (RFC 5890 §2.3.2.1); what is none stays as it is.
    #[must_use]
    pub fn shown(&self) -> String {
        let (shown, result) = idna::domain_to_unicode(&self.0);
        match result {
            Ok(()) => shown,
            Err(_) => self.0.to_string(),
        }
    }

    /// The address of an address literal; none for a name.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.0.starts_with('[').then(|| literal(&self.0)).flatten()
    }
}

/// A label of letters, digits, hyphens and (as the field does) underscores.
fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= MAX_LABEL_OCTETS
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn literal(text: &str) -> Option<IpAddr> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    match inner.split_at_checked(5) {
        Some((tag, address)) if tag.eq_ignore_ascii_case("ipv6:") => {
            address.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
        }
        _ => inner.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_and_literals() {
        for (text, stored) in [
            ("Example.COM", "example.com"),
            ("münchen.example", "xn--mnchen-3ya.example"),
            ("[192.0.2.1]", "[192.0.2.1]"),
            ("[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]"),
            ("[ipv6:2001:DB8:0::1]", "[IPv6:2001:db8::1]"),
            ("localhost", "localhost"),
            ("_dmarc.example.com", "_dmarc.example.com"),
        ] {
            assert_eq!(Domain::parse(text).unwrap().as_str(), stored, "{text}");
        }
        let literal = Domain::parse("[IPv6:2001:db8::1]").unwrap();
        assert_eq!(literal.address(), "2001:db8::1".parse().ok());
        assert_eq!(Domain::parse("example.com").unwrap().address(), None);
    }

    #[test]
    fn refuses_what_is_no_domain() {
        for text in [
            "",
            ".",
            "a..b",
            "-a.b",
            "a-.b",
            "a b",
            "a.b.",
            "a\r\n",
            "a\0",
            "[1.2.3]",
            "[::1]",
            "[1.2.3.4",
            "a@b",
            "x".repeat(64).as_str(),
        ] {
            assert_eq!(Domain::parse(text), Err(SyntaxError::Domain), "{text:?}");
        }
        let long = "a.".repeat(130) + "b";
        assert_eq!(Domain::parse(&long), Err(SyntaxError::DomainTooLong));
    }
}
