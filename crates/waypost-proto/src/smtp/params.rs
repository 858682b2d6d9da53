//! ESMTP parameters of MAIL and RCPT, as values.

use std::fmt;

/// What the content is declared to hold (RFC 6152).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Body {
    /// `BODY=7BIT`, and what is meant when nothing is said.
    #[default]
    SevenBit,
    /// `BODY=8BITMIME`
    EightBitMime,
}

/// How much of the message a report of failure returns (RFC 3461 §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ret {
    /// `RET=FULL`
    Full,
    /// `RET=HDRS`
    Headers,
}

/// Text that travels as xtext (RFC 3461 §4): here decoded, printable ASCII or UTF-8 only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Xtext(Box<str>);

impl Xtext {
    /// Keeps decoded text; none when it holds a control character.
    #[must_use]
    pub fn from_decoded(text: &str) -> Option<Self> {
        (!text.chars().any(char::is_control)).then(|| Self(text.into()))
    }

    /// The decoded text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Xtext {
    /// Encoded as xtext: `+`, `=`, space and everything outside `!`..`~` as `+XX`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            match byte {
                b'+' | b'=' | 0..=b' ' | 127.. => write!(f, "+{byte:02X}")?,
                printable => write!(f, "{}", char::from(printable))?,
            }
        }
        Ok(())
    }
}

/// When the sender wants to hear about a recipient (RFC 3461 §4.1); all false is `NEVER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notify {
    /// `SUCCESS`
    pub success: bool,
    /// `FAILURE`
    pub failure: bool,
    /// `DELAY`
    pub delay: bool,
}

impl Notify {
    /// `NOTIFY=NEVER`
    pub const NEVER: Self = Self {
        success: false,
        failure: false,
        delay: false,
    };
}

impl fmt::Display for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = [
            (self.success, "SUCCESS"),
            (self.failure, "FAILURE"),
            (self.delay, "DELAY"),
        ];
        let mut words = asked.iter().filter(|(on, _)| *on).map(|(_, word)| *word);
        f.write_str(words.next().unwrap_or("NEVER"))?;
        words.try_for_each(|word| write!(f, ",{word}"))
    }
}

/// The address a recipient had when the message was sent (RFC 3461 §4.2): `addr-type;text`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Orcpt {
    /// `rfc822`, `utf-8`, or what the sender wrote; an atom.
    pub kind: Box<str>,
    /// The address, decoded.
    pub address: Xtext,
}

/// Parameters of MAIL (RFC 5321 §4.1.1.2 and the extensions).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MailParams {
    /// `SIZE=`, bytes (RFC 1870).
    pub size: Option<u64>,
    /// `BODY=` (RFC 6152).
    pub body: Body,
    /// `SMTPUTF8` (RFC 6531).
    pub smtputf8: bool,
    /// `RET=` (RFC 3461 §4.3).
    pub ret: Option<Ret>,
    /// `ENVID=` (RFC 3461 §4.4).
    pub envid: Option<Xtext>,
}

/// Parameters of RCPT (RFC 3461 §4.1, §4.2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RcptParams {
    /// `NOTIFY=`
    pub notify: Option<Notify>,
    /// `ORCPT=`
    pub orcpt: Option<Orcpt>,
}
