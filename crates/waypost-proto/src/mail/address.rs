//! Local parts and mailboxes (RFC 5321 §4.1.2).

use std::fmt;

use super::{Domain, SyntaxError};

/// RFC 5321 §4.5.3.1.1.
const MAX_LOCAL_PART_OCTETS: usize = 64;

/// The part of an address before `@`, as what it means: without quotes and escapes.
///
/// `"jdoe"` and `jdoe` are therefore equal; letter case is kept, and compared by the owner of the
/// domain only (RFC 5321 §2.4). Printed with quotes where they are needed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalPart(Box<str>);

impl LocalPart {
    /// Reads a dot-string or a quoted string, ASCII or UTF-8 (RFC 6531 §3.3).
    ///
    /// # Errors
    ///
    /// [`SyntaxError::LocalPart`] or [`SyntaxError::LocalPartTooLong`].
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        if text.len() > MAX_LOCAL_PART_OCTETS {
            return Err(SyntaxError::LocalPartTooLong);
        }
        if let Some(quoted) = text.strip_prefix('"') {
            let inner = quoted.strip_suffix('"').ok_or(SyntaxError::LocalPart)?;
            return unquote(inner)
                .map(|s| Self(s.into()))
                .ok_or(SyntaxError::LocalPart);
        }
        if is_dot_string(text) {
            Ok(Self(text.into()))
        } else {
            Err(SyntaxError::LocalPart)
        }
    }

    /// Takes what the local part says, without quotes and escapes.
    ///
    /// # Errors
    ///
    /// [`SyntaxError::LocalPart`] when it holds a control character or nothing, and
    /// [`SyntaxError::LocalPartTooLong`].
    pub fn from_unquoted(text: &str) -> Result<Self, SyntaxError> {
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(SyntaxError::LocalPart);
        }
        let local = Self(text.into());
        if text.len() > MAX_LOCAL_PART_OCTETS || local.to_string().len() > MAX_LOCAL_PART_OCTETS {
            return Err(SyntaxError::LocalPartTooLong);
        }
        Ok(local)
    }

    /// What the local part says, without quotes and escapes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which a served domain compares its own local parts: without letter case.
    #[must_use]
    pub fn folded(&self) -> String {
        if self.0.is_ascii() {
            self.0.to_ascii_lowercase()
        } else {
            self.0.to_lowercase()
        }
    }
}

fn is_dot_string(text: &str) -> bool {
    text.split('.')
        .all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

/// RFC 5322 §3.2.3, and UTF-8 by RFC 6532 §3.1; never a control character.
fn is_atext(c: char) -> bool {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => true,
        '!' | '#'..='\'' | '*' | '+' | '-' | '/' | '=' | '?' | '^'..='`' | '{'..='~' => true,
        c if c.is_ascii() => false,
        c => !c.is_control() && !c.is_whitespace(),
    }
}

/// RFC 5321 §4.1.2 QcontentSMTP: printable characters, `"` and `\` only behind `\`.
fn unquote(inner: &str) -> Option<String> {
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        let c = match c {
            '\\' => chars.next().filter(char::is_ascii)?,
            '"' => return None,
            c => c,
        };
        // U+2028 and U+2029 end a line wherever text is shown.
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
            return None;
        }
        plain.push(c);
    }
    Some(plain)
}

impl fmt::Display for LocalPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_dot_string(&self.0) {
            return f.write_str(&self.0);
        }
        f.write_str("\"")?;
        for c in self.0.chars() {
            if matches!(c, '"' | '\\') {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        f.write_str("\"")
    }
}

/// `local-part@domain` (RFC 5321 §2.3.11).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mailbox {
    /// Before the `@`.
    pub local: LocalPart,
    /// After the `@`.
    pub domain: Domain,
}

impl Mailbox {
    /// Joins the two parts.
    #[must_use]
    pub fn new(local: LocalPart, domain: Domain) -> Self {
        Self { local, domain }
    }

    /// Reads `local-part@domain`, without angle brackets.
    ///
    /// # Errors
    ///
    /// What is wrong with either part, or [`SyntaxError::NoAt`].
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        if text.is_empty() {
            return Err(SyntaxError::Empty);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(SyntaxError::NoAt)?;
        Ok(Self {
            local: LocalPart::parse(local)?,
            domain: Domain::parse(domain)?,
        })
    }

    /// Whether the address can be said without SMTPUTF8 (RFC 6531); the domain always can.
    #[must_use]
    pub fn is_ascii(&self) -> bool {
        self.local.as_str().is_ascii()
    }

    /// Whether both name the same mailbox of a served domain: local parts without letter case.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.domain == other.domain
            && (self.local == other.local || self.local.folded() == other.local.folded())
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_and_prints_mailboxes() {
        for (text, printed) in [
            ("jdoe@Example.com", "jdoe@example.com"),
            ("\"jdoe\"@example.com", "jdoe@example.com"),
            ("\"john doe\"@example.com", "\"john doe\"@example.com"),
            ("\"a@b\"@example.com", "\"a@b\"@example.com"),
            ("\"a\\\"b\"@example.com", "\"a\\\"b\"@example.com"),
            (
                "o'brien+tag@sub.example.co.uk",
                "o'brien+tag@sub.example.co.uk",
            ),
            ("\"\"@example.com", "\"\"@example.com"),
            ("\"a\\b\"@example.com", "ab@example.com"),
            ("jürgen@example.com", "jürgen@example.com"),
            ("jdoe@[192.0.2.1]", "jdoe@[192.0.2.1]"),
        ] {
            assert_eq!(Mailbox::parse(text).unwrap().to_string(), printed, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_mailbox() {
        for (text, error) in [
            ("", SyntaxError::Empty),
            ("jdoe", SyntaxError::NoAt),
            ("@example.com", SyntaxError::LocalPart),
            (".a@example.com", SyntaxError::LocalPart),
            ("a..b@example.com", SyntaxError::LocalPart),
            ("a b@example.com", SyntaxError::LocalPart),
            ("a@b@example.com", SyntaxError::LocalPart),
            ("\"a\"b\"@example.com", SyntaxError::LocalPart),
            ("\"a\r\nb\"@example.com", SyntaxError::LocalPart),
            ("\"a\\\nb\"@example.com", SyntaxError::LocalPart),
            ("a\0@example.com", SyntaxError::LocalPart),
            ("\"a\u{2028}b\"@example.com", SyntaxError::LocalPart),
            ("\"a\\\"@example.com", SyntaxError::LocalPart),
            ("\"@example.com", SyntaxError::LocalPart),
            ("a@", SyntaxError::Domain),
        ] {
            assert_eq!(Mailbox::parse(text), Err(error), "{text:?}");
        }
        let long = format!("{}@example.com", "a".repeat(65));
        assert_eq!(Mailbox::parse(&long), Err(SyntaxError::LocalPartTooLong));
    }

    #[test]
    fn takes_what_a_local_part_says() {
        let printed = |text: &str| LocalPart::from_unquoted(text).map(|local| local.to_string());
        assert_eq!(printed("jdoe+tag"), Ok("jdoe+tag".to_owned()));
        assert_eq!(printed("john doe"), Ok("\"john doe\"".to_owned()));
        assert_eq!(printed(""), Err(SyntaxError::LocalPart));
        assert_eq!(printed("a\r\nb"), Err(SyntaxError::LocalPart));
        let long = "\"".repeat(32);
        assert_eq!(printed(&long), Err(SyntaxError::LocalPartTooLong));
    }

    #[test]
    fn atoms_hold_exactly_the_characters_of_rfc_5322() {
        let special = "!#$%&'*+-/=?^_`{|}~";
        for c in (0..=0x7f_u8).map(char::from) {
            let atom = c.is_ascii_alphanumeric() || special.contains(c);
            assert_eq!(is_atext(c), atom, "{c:?}");
        }
    }

    proptest! {
        #[test]
        fn printing_reads_back_and_never_holds_a_line_end(text in "\\PC{0,40}|[ -~\r\n\0]{0,40}") {
            if let Ok(mailbox) = Mailbox::parse(&format!("{text}@example.com")) {
                let printed = mailbox.to_string();
                prop_assert!(!printed.contains(['\r', '\n', '\0']));
                if printed.len() <= 64 {
                    prop_assert_eq!(Mailbox::parse(&printed), Ok(mailbox));
                }
            }
        }
    }
}
