//! Service extensions: the keywords of an EHLO reply, offered here and understood of others.

use std::fmt;

/// Keywords that can stand in an EHLO reply, with their values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extensions {
    /// `8BITMIME` (RFC 6152).
    pub eight_bit_mime: bool,
    /// `AUTH` with PLAIN among its mechanisms (RFC 4954).
    pub auth_plain: bool,
    /// `AUTH` with LOGIN among its mechanisms.
    pub auth_login: bool,
    /// `CHUNKING` (RFC 3030).
    pub chunking: bool,
    /// `DSN` (RFC 3461).
    pub dsn: bool,
    /// `ENHANCEDSTATUSCODES` (RFC 2034).
    pub enhanced_status_codes: bool,
    /// `PIPELINING` (RFC 2920).
    pub pipelining: bool,
    /// `SIZE`; some with 0 when no fixed maximum is told (RFC 1870 §3).
    pub size: Option<u64>,
    /// `SMTPUTF8` (RFC 6531).
    pub smtputf8: bool,
    /// `STARTTLS` (RFC 3207).
    pub starttls: bool,
    /// `XCLIENT`, Postfix's.
    pub xclient: bool,
}

/// The attributes of XCLIENT that are taken.
const XCLIENT_ATTRIBUTES: &str = "NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT";

impl Extensions {
    /// Reads the lines of an EHLO reply behind the first, each without code and mark.
    ///
    /// What is not understood is passed over (RFC 5321 §2.2.1).
    #[must_use]
    pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut offered = Self::default();
        for line in lines {
            offered.add(line);
        }
        offered
    }

    fn add(&mut self, line: &str) {
        // Some servers still write the form of before RFC 2554: `AUTH=PLAIN LOGIN`.
        let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
        let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
        match keyword.as_str() {
            "8BITMIME" => self.eight_bit_mime = true,
            "AUTH" => {
                for mechanism in words {
                    self.auth_login |= mechanism.eq_ignore_ascii_case("LOGIN");
                    self.auth_plain |= mechanism.eq_ignore_ascii_case("PLAIN");
                }
            }
            "CHUNKING" => self.chunking = true,
            "DSN" => self.dsn = true,
            "ENHANCEDSTATUSCODES" => self.enhanced_status_codes = true,
            "PIPELINING" => self.pipelining = true,
            "SIZE" => self.size = Some(words.next().and_then(|n| n.parse().ok()).unwrap_or(0)),
            "SMTPUTF8" => self.smtputf8 = true,
            "STARTTLS" => self.starttls = true,
            "XCLIENT" => self.xclient = true,
            _ => {}
        }
    }
}

impl fmt::Display for Extensions {
    /// One keyword with its values on each line, separated by `\n`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let auth = match (self.auth_plain, self.auth_login) {
            (true, true) => Some("AUTH PLAIN LOGIN"),
            (true, false) => Some("AUTH PLAIN"),
            (false, true) => Some("AUTH LOGIN"),
            (false, false) => None,
        };
        let flags = [
            self.pipelining.then_some("PIPELINING"),
            self.starttls.then_some("STARTTLS"),
            auth,
            self.enhanced_status_codes.then_some("ENHANCEDSTATUSCODES"),
            self.eight_bit_mime.then_some("8BITMIME"),
            self.smtputf8.then_some("SMTPUTF8"),
            self.dsn.then_some("DSN"),
            self.chunking.then_some("CHUNKING"),
        ];
        let mut between = "";
        for keyword in flags.into_iter().flatten() {
            write!(f, "{between}{keyword}")?;
            between = "\n";
        }
        if let Some(size) = self.size {
            write!(f, "{between}SIZE {size}")?;
            between = "\n";
        }
        if self.xclient {
            write!(f, "{between}XCLIENT {XCLIENT_ATTRIBUTES}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints() {
        let all = Extensions {
            eight_bit_mime: true,
            auth_plain: true,
            auth_login: true,
            chunking: true,
            dsn: true,
            enhanced_status_codes: true,
            pipelining: true,
            size: Some(1000),
            smtputf8: true,
            starttls: true,
            xclient: true,
        };
        assert_eq!(Extensions::parse(all.to_string().lines()), all);
        assert_eq!(Extensions::default().to_string(), "");
    }

    #[test]
    fn reads_what_others_write() {
        let offered = Extensions::parse([
            "pipelining",
            "AUTH=LOGIN CRAM-MD5",
            "SIZE",
            "X-EXPS GSSAPI",
            "",
            "8BitMime",
        ]);
        assert!(offered.pipelining && offered.eight_bit_mime);
        assert!(offered.auth_login && !offered.auth_plain);
        assert_eq!(offered.size, Some(0));
    }
}
