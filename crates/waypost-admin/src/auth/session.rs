//! Sessions of browsers, in memory: a restart ends them.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use axum::http::{HeaderMap, HeaderValue, header};

/// Without a request for so long, a session has ended.
const IDLE: Duration = Duration::from_mins(60);
/// No session is longer.
const LONGEST: Duration = Duration::from_hours(12);
/// Sessions at a time; the one that was idle longest makes room.
const MOST: usize = 4096;
/// Random bytes of a name that must not be guessed.
const SECRET_BYTES: usize = 32;

/// The cookie's name.
const NAME: &str = "waypost_session";

/// Who is logged in.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, Session>>);

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) login: String,
    /// What a change must carry.
    pub(crate) csrf: String,
    pub(crate) must_change: bool,
    since: SystemTime,
    seen: SystemTime,
}

impl Sessions {
    /// Begins a session; its name goes into the cookie.
    ///
    /// # Errors
    ///
    /// When the system has no random bytes.
    pub(crate) fn begin(
        &self,
        login: &str,
        must_change: bool,
        now: SystemTime,
    ) -> Result<String, getrandom::Error> {
        let (id, csrf) = (secret()?, secret()?);
        let mut sessions = self.lock();
        sessions.retain(|_, session| session.is_alive(now));
        if sessions.len() >= MOST {
            let oldest = sessions.iter().min_by_key(|(_, session)| session.seen);
            if let Some(oldest) = oldest.map(|(id, _)| id.clone()) {
                sessions.remove(&oldest);
            }
        }
        let session = Session {
            login: login.to_owned(),
            csrf,
            must_change,
            since: now,
            seen: now,
        };
        sessions.insert(id.clone(), session);
        Ok(id)
    }

    /// The session with a name, which was used just now.
    pub(crate) fn find(&self, id: &str, now: SystemTime) -> Option<Session> {
        let mut sessions = self.lock();
        let session = sessions.get_mut(id)?;
        if !session.is_alive(now) {
            sessions.remove(id);
            return None;
        }
        session.seen = now;
        Some(session.clone())
    }

    /// Whether there is one with this name; that somebody looks is no use of it.
    pub(crate) fn has(&self, id: &str, now: SystemTime) -> bool {
        let sessions = self.lock();
        sessions
            .get(id)
            .is_some_and(|session| session.is_alive(now))
    }

    /// Ends one.
    pub(crate) fn end(&self, id: &str) {
        self.lock().remove(id);
    }

    /// Ends all of a person, but one.
    pub(crate) fn end_others(&self, login: &str, but: &str) {
        let mut sessions = self.lock();
        sessions.retain(|id, session| session.login != login || id == but);
        if let Some(kept) = sessions.get_mut(but) {
            kept.must_change = false;
        }
    }

    /// Ends all of a person.
    pub(crate) fn end_all(&self, login: &str) {
        self.lock().retain(|_, session| session.login != login);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn is_alive(&self, now: SystemTime) -> bool {
        // A clock that went back makes nobody's session longer than the longest.
        let age = |since| now.duration_since(since).unwrap_or_default();
        age(self.seen) < IDLE && age(self.since) < LONGEST
    }
}

/// The cookie that a browser keeps.
pub(crate) struct Cookie;

impl Cookie {
    /// The session's name in a request.
    pub(crate) fn read(headers: &HeaderMap) -> Option<&str> {
        cookie(headers, NAME)
    }

    /// Sets it; only over TLS, if it was set over TLS.
    pub(crate) fn set(id: &str, is_secure: bool) -> Option<HeaderValue> {
        let secure = if is_secure { "; Secure" } else { "" };
        let text = format!("{NAME}={id}; Path=/; HttpOnly; SameSite=Strict{secure}");
        HeaderValue::try_from(text).ok()
    }

    /// Takes it away.
    pub(crate) fn clear() -> HeaderValue {
        HeaderValue::from_static("waypost_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0")
    }
}

/// A cookie by its name.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter();
    let cookies = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    let mut pairs = cookies.filter_map(|cookie| cookie.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn secret() -> Result<String, getrandom::Error> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes)?;
    let mut text = String::with_capacity(SECRET_BYTES * 2);
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: SystemTime = SystemTime::UNIX_EPOCH;

    #[test]
    fn a_session_ends_when_it_is_idle_and_when_it_is_old() {
        let sessions = Sessions::default();
        let id = sessions.begin("admin0", false, START).unwrap();
        let idle = START + IDLE;
        assert!(sessions.find(&id, idle).is_none());
        let id = sessions.begin("admin0", false, START).unwrap();
        let mut now = START;
        while now + IDLE / 2 < START + LONGEST {
            assert!(sessions.find(&id, now).is_some());
            now += IDLE / 2;
        }
        assert!(sessions.find(&id, START + LONGEST).is_none());
    }

    #[test]
    fn a_new_password_ends_the_other_sessions_of_its_owner() {
        let sessions = Sessions::default();
        let mine = sessions.begin("admin0", true, START).unwrap();
        let other = sessions.begin("admin0", false, START).unwrap();
        let foreign = sessions.begin("berta", false, START).unwrap();
        sessions.end_others("admin0", &mine);
        assert!(!sessions.find(&mine, START).unwrap().must_change);
        assert!(sessions.find(&other, START).is_none());
        assert!(sessions.find(&foreign, START).is_some());
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::COOKIE,
            HeaderValue::from_static("a=1; waypost_session=abc; b=2"),
        );
        assert_eq!(Cookie::read(&headers), Some("abc"));
        headers.insert(
            header::COOKIE,
            HeaderValue::from_static("waypost_sessions=x"),
        );
        assert_eq!(Cookie::read(&headers), None);
    }
}
