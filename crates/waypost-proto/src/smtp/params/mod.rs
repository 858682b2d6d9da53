//! ESMTP parameters of MAIL and RCPT, as values.
//!
//! Reading them from a command is in [`parse`]; every type prints itself as it goes over the wire.

mod parse;
#[cfg(test)]
mod tests;

use std::fmt;

pub use parse::ParamError;

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

    /// Decodes xtext; none when it is not, or holds a control character.
    #[must_use]
    pub fn parse(encoded: &str) -> Option<Self> {
        Self::from_decoded(&parse::decode_xtext(encoded)?)
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

impl Orcpt {
    /// Whether the address is encoded by RFC 6533 §3 and not as xtext.
    fn is_utf8(&self) -> bool {
        self.kind.eq_ignore_ascii_case("utf-8")
    }
}

impl fmt::Display for Orcpt {
    /// As in `ORCPT=`, always in ASCII: a `utf-8` address as utf-8-addr-xtext (RFC 6533 §3).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};", self.kind)?;
        if !self.is_utf8() {
            return self.address.fmt(f);
        }
        for c in self.address.as_str().chars() {
            match c {
                '+' | '=' | '\\' => write!(f, "\\x{{{:02X}}}", u32::from(c))?,
                '!'..='~' => write!(f, "{c}")?,
                c => write!(f, "\\x{{{:02X}}}", u32::from(c))?,
            }
        }
        Ok(())
    }
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

impl fmt::Display for MailParams {
    /// Each parameter that says something, with a space before it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(size) = self.size {
            write!(f, " SIZE={size}")?;
        }
        if self.body == Body::EightBitMime {
            f.write_str(" BODY=8BITMIME")?;
        }
        if self.smtputf8 {
            f.write_str(" SMTPUTF8")?;
        }
        match self.ret {
            Some(Ret::Full) => f.write_str(" RET=FULL")?,
            Some(Ret::Headers) => f.write_str(" RET=HDRS")?,
            None => {}
        }
        match &self.envid {
            Some(envid) => write!(f, " ENVID={envid}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for RcptParams {
    /// Each parameter that is there, with a space before it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(notify) = self.notify {
            write!(f, " NOTIFY={notify}")?;
        }
        match &self.orcpt {
            Some(orcpt) => write!(f, " ORCPT={orcpt}"),
            None => Ok(()),
        }
    }
}
