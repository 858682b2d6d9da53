//! Browsers in which somebody has logged in before: a cookie that only this server can make.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use axum::http::{HeaderMap, HeaderValue};
use sha2::{Digest as _, Sha256};

use super::session::cookie;

/// So long after his last login somebody is still known.
const KEPT: Duration = Duration::from_hours(180 * 24);
const NONCE_BYTES: usize = 16;
const DAY_S: u64 = 86_400;

/// What tells one known browser from the others.
pub(crate) type Nonce = [u8; NONCE_BYTES];

/// The key that the cookies are signed with, and the login that they are for. One who has logged in
/// himself must not be known as somebody else.
#[derive(Clone, Copy)]
pub(crate) struct Browsers<'a> {
    pub(crate) key: &'a [u8; 32],
    pub(crate) login: &'a str,
}

impl Browsers<'_> {
    /// The browser that shows the cookie of this login, unless it is too old.
    pub(crate) fn known(self, headers: &HeaderMap, now: SystemTime) -> Option<Nonce> {
        let (days, rest) = cookie(headers, &self.name())?.split_once('.')?;
        let (nonce, mac) = rest.split_once('.')?;
        let made = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(
            days.parse::<u64>().ok()?.checked_mul(DAY_S)?,
        ))?;
        if now.duration_since(made).unwrap_or_default() > KEPT {
            return None;
        }
        let right = hex(&self.mac(days, nonce));
        let differs = mac.bytes().zip(right.bytes());
        // No byte says by its time where the first wrong one is.
        let differs = differs.fold(0, |sum, (one, other)| sum | (one ^ other));
        (mac.len() == right.len() && differs == 0).then(|| unhex(nonce))?
    }

    /// The cookie for a browser in which somebody has just logged in.
    ///
    /// # Errors
    ///
    /// When the system has no random bytes.
    pub(crate) fn remember(
        self,
        known: Option<Nonce>,
        now: SystemTime,
        is_secure: bool,
    ) -> Result<Option<HeaderValue>, getrandom::Error> {
        let nonce = match known {
            Some(nonce) => nonce,
            None => {
                let mut nonce = Nonce::default();
                getrandom::fill(&mut nonce)?;
                nonce
            }
        };
        let since = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let (days, nonce) = ((since.as_secs() / DAY_S).to_string(), hex(&nonce));
        let mac = hex(&self.mac(&days, &nonce));
        let secure = if is_secure { "; Secure" } else { "" };
        let text = format!(
            "{}={days}.{nonce}.{mac}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{secure}",
            self.name(),
            KEPT.as_secs(),
        );
        Ok(HeaderValue::try_from(text).ok())
    }

    /// Several people may share a browser.
    fn name(self) -> String {
        let hash = Sha256::digest(self.login.as_bytes());
        let short = hash.get(..4).unwrap_or_default();
        format!("waypost_known_{}", hex(short))
    }

    /// Hashed twice, so that nobody can add to what was signed.
    fn mac(self, days: &str, nonce: &str) -> [u8; 32] {
        let text = format!("known browser\0{}\0{days}\0{nonce}", self.login);
        let inner = Sha256::new().chain_update(self.key).chain_update(text);
        let outer = Sha256::new()
            .chain_update(self.key)
            .chain_update(inner.finalize());
        outer.finalize().into()
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn unhex(text: &str) -> Option<Nonce> {
    let mut nonce = Nonce::default();
    for (place, byte) in nonce.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(place * 2..place * 2 + 2)?, 16).ok()?;
    }
    (text.len() == NONCE_BYTES * 2).then_some(nonce)
}

#[cfg(test)]
mod tests {
    use axum::http::header::COOKIE;

    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn of(key: &[u8; 32], login: &str, cookie: &str, now: SystemTime) -> Option<Nonce> {
        let mut headers = HeaderMap::new();
        let pair = cookie.split(';').next().unwrap();
        headers.insert(COOKIE, HeaderValue::from_str(pair).unwrap());
        Browsers { key, login }.known(&headers, now)
    }

    #[test]
    fn only_the_browser_of_who_has_logged_in_is_known() {
        let key = [7; 32];
        let mine = Browsers {
            key: &key,
            login: "admin0",
        };
        let cookie = mine.remember(None, NOW, true).unwrap().unwrap();
        let cookie = cookie.to_str().unwrap();
        assert!(cookie.contains("; HttpOnly; SameSite=Strict") && cookie.ends_with("; Secure"));
        let nonce = of(&key, "admin0", cookie, NOW + KEPT).expect("it is known");
        let again = mine.remember(Some(nonce), NOW, true).unwrap().unwrap();
        assert_eq!(again, cookie, "it has one budget, however often he logs in");
        assert_eq!(
            of(&key, "admin0", cookie, NOW + KEPT + Duration::from_secs(1)),
            None
        );
        assert_eq!(of(&[8; 32], "admin0", cookie, NOW), None);
        let (name, value) = cookie.split_once('=').unwrap();
        let value = value.split(';').next().unwrap();
        let other = Browsers {
            key: &key,
            login: "berta",
        }
        .name();
        assert_ne!(name, other);
        assert_eq!(of(&key, "berta", &format!("{other}={value}"), NOW), None);
        for wrong in [
            value.replacen('0', "1", 1),
            value[..value.len() - 1].to_owned(),
            format!("{value}0"),
            "..".to_owned(),
            "99999999999999999999..".to_owned(),
            String::new(),
        ] {
            assert_eq!(
                of(&key, "admin0", &format!("{name}={wrong}"), NOW),
                None,
                "{wrong}"
            );
        }
    }
}
