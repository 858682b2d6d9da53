//! Parameters as a client writes them: `*(SP esmtp-param)` (RFC 5321 §4.1.2).

use thiserror::Error;

use super::{Body, MailParams, Notify, Orcpt, RcptParams, Ret, Xtext};
use crate::smtp::limits::{ENVID_OCTETS, ORCPT_OCTETS};

/// What is wrong with the parameters of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ParamError {
    /// The same parameter twice.
    #[error("a parameter is given twice")]
    Duplicate,
    /// Not `keyword[=value]`, or a value that the parameter cannot have.
    #[error("a parameter is not valid")]
    Syntax,
    /// RFC 5321 §4.1.1.11: not a parameter of this command here.
    #[error("a parameter is not recognized")]
    Unknown,
}

impl MailParams {
    /// Reads what stands behind the reverse-path.
    ///
    /// `AUTH=` (RFC 4954 §5) is checked and then forgotten, as of a client nobody vouches for.
    ///
    /// # Errors
    ///
    /// [`ParamError`] for the first parameter that is wrong.
    pub fn parse(text: &str) -> Result<Self, ParamError> {
        let mut params = Self::default();
        let (mut body, mut smtputf8, mut auth) = (None, None, None);
        each(text, |keyword, value| {
            if keyword.eq_ignore_ascii_case("SIZE") {
                return once(&mut params.size, value.and_then(size));
            }
            if keyword.eq_ignore_ascii_case("BODY") {
                return once(&mut body, value.map(self::body).transpose()?);
            }
            if keyword.eq_ignore_ascii_case("SMTPUTF8") {
                return once(&mut smtputf8, value.is_none().then_some(()));
            }
            if keyword.eq_ignore_ascii_case("RET") {
                return once(&mut params.ret, value.and_then(ret));
            }
            if keyword.eq_ignore_ascii_case("ENVID") {
                return once(&mut params.envid, value.and_then(envid));
            }
            if keyword.eq_ignore_ascii_case("AUTH") {
                return once(&mut auth, value.and_then(auth_address));
            }
            Err(ParamError::Unknown)
        })?;
        params.body = body.unwrap_or_default();
        params.smtputf8 = smtputf8.is_some();
        Ok(params)
    }
}

impl RcptParams {
    /// Reads what stands behind the forward-path.
    ///
    /// # Errors
    ///
    /// [`ParamError`] for the first parameter that is wrong.
    pub fn parse(text: &str) -> Result<Self, ParamError> {
        let mut params = Self::default();
        each(text, |keyword, value| {
            if keyword.eq_ignore_ascii_case("NOTIFY") {
                return once(&mut params.notify, value.and_then(notify));
            }
            if keyword.eq_ignore_ascii_case("ORCPT") {
                return once(&mut params.orcpt, value.and_then(orcpt));
            }
            Err(ParamError::Unknown)
        })?;
        Ok(params)
    }
}

/// Calls `take` with each `keyword[=value]`.
fn each(
    text: &str,
    mut take: impl FnMut(&str, Option<&str>) -> Result<(), ParamError>,
) -> Result<(), ParamError> {
    if !text.is_empty() && !text.starts_with(' ') {
        return Err(ParamError::Syntax);
    }
    for param in text.split(' ').filter(|param| !param.is_empty()) {
        let (keyword, value) = match param.split_once('=') {
            Some((keyword, value)) => (keyword, Some(value)),
            None => (param, None),
        };
        if !is_keyword(keyword) || value.is_some_and(|value| !is_value(value)) {
            return Err(ParamError::Syntax);
        }
        take(keyword, value)?;
    }
    Ok(())
}

/// RFC 5321 §4.1.2 esmtp-keyword.
fn is_keyword(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// RFC 5321 §4.1.2 esmtp-value, and UTF-8 (RFC 6531 §3.3).
fn is_value(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| match c {
            '=' => false,
            c if c.is_ascii() => c.is_ascii_graphic(),
            c => !c.is_control(),
        })
}

fn once<T>(slot: &mut Option<T>, value: Option<T>) -> Result<(), ParamError> {
    if slot.is_some() {
        return Err(ParamError::Duplicate);
    }
    *slot = Some(value.ok_or(ParamError::Syntax)?);
    Ok(())
}

/// RFC 1870 §4: up to twenty digits; what is beyond counting is simply too large.
fn size(value: &str) -> Option<u64> {
    let digits = value.len() <= 20 && value.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| value.parse().unwrap_or(u64::MAX))
}

fn body(value: &str) -> Result<Body, ParamError> {
    if value.eq_ignore_ascii_case("7BIT") {
        Ok(Body::SevenBit)
    } else if value.eq_ignore_ascii_case("8BITMIME") {
        Ok(Body::EightBitMime)
    } else if value.eq_ignore_ascii_case("BINARYMIME") {
        // RFC 3030 §3: an extension of its own, not offered here.
        Err(ParamError::Unknown)
    } else {
        Err(ParamError::Syntax)
    }
}

fn ret(value: &str) -> Option<Ret> {
    if value.eq_ignore_ascii_case("FULL") {
        Some(Ret::Full)
    } else if value.eq_ignore_ascii_case("HDRS") {
        Some(Ret::Headers)
    } else {
        None
    }
}

/// RFC 3461 §4.4: printable ASCII when decoded.
fn envid(value: &str) -> Option<Xtext> {
    Xtext::parse(value).filter(|text| value.len() <= ENVID_OCTETS && text.as_str().is_ascii())
}

/// RFC 4954 §5: `<>` or a mailbox, as xtext.
fn auth_address(value: &str) -> Option<()> {
    decode_xtext(value).map(drop)
}

/// RFC 3461 §4.1: `NEVER` alone, or a list.
fn notify(value: &str) -> Option<Notify> {
    let mut notify = Notify::NEVER;
    if value.eq_ignore_ascii_case("NEVER") {
        return Some(notify);
    }
    for word in value.split(',') {
        if word.eq_ignore_ascii_case("SUCCESS") {
            notify.success = true;
        } else if word.eq_ignore_ascii_case("FAILURE") {
            notify.failure = true;
        } else if word.eq_ignore_ascii_case("DELAY") {
            notify.delay = true;
        } else {
            return None;
        }
    }
    Some(notify)
}

/// RFC 3461 §4.2 and RFC 6533 §3.
fn orcpt(value: &str) -> Option<Orcpt> {
    let (kind, address) = value
        .split_once(';')
        .filter(|_| value.len() <= ORCPT_OCTETS)?;
    if kind.is_empty() || !kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return None;
    }
    let address = if kind.eq_ignore_ascii_case("utf-8") {
        Xtext::from_decoded(&decode_unitext(address)?)?
    } else {
        Xtext::parse(address)?
    };
    // Postfix writes an address beyond ASCII in this way; it goes on as RFC 6533 §3 wants it.
    let is_named_so = address.as_str().is_ascii() || kind.eq_ignore_ascii_case("utf-8");
    let kind = if is_named_so { kind } else { "utf-8" };
    (!address.as_str().is_empty()).then(|| Orcpt {
        kind: kind.into(),
        address,
    })
}

/// RFC 3461 §4: `+` and two hexadecimal digits stand for an octet.
pub(super) fn decode_xtext(value: &str) -> Option<String> {
    if !value.is_ascii() {
        return None;
    }
    let mut parts = value.split('+');
    let mut octets = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        octets.push(u8::try_from(hexadecimal(digits)?).ok()?);
        octets.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(octets).ok()
}

/// RFC 6533 §3: `\x{HEX}` stands for a character; the rest, UTF-8 included, for itself.
fn decode_unitext(value: &str) -> Option<String> {
    let mut parts = value.split('\\');
    let mut text = parts.next()?.to_owned();
    for part in parts {
        let (digits, rest) = part.strip_prefix("x{")?.split_once('}')?;
        text.push(char::from_u32(hexadecimal(digits)?)?);
        text.push_str(rest);
    }
    Some(text)
}

/// One to six hexadecimal digits, and nothing else.
fn hexadecimal(digits: &str) -> Option<u32> {
    let good = (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    good.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}
