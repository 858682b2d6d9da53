//! What is shown once: a new token between its making and the page that shows it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::api::v1::tokens::NewSecret;

/// Who has not looked by then never will.
const KEPT: Duration = Duration::from_mins(2);
/// Secrets at a time; the oldest makes room.
const MOST: usize = 64;

/// Secrets that somebody is about to look at.
#[derive(Default)]
pub(crate) struct Looks(Mutex<Vec<Look>>);

struct Look {
    /// Who made it, and alone sees it.
    login: String,
    made: NewSecret,
    since: SystemTime,
}

impl Looks {
    pub(crate) fn put(&self, login: &str, made: NewSecret, now: SystemTime) {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.retain(|look| look.is_kept(now));
        if looks.len() >= MOST {
            looks.remove(0);
        }
        looks.push(Look {
            login: login.to_owned(),
            made,
            since: now,
        });
    }

    /// The secret of this public name; nobody gets it again.
    pub(crate) fn take(&self, login: &str, id: &str, now: SystemTime) -> Option<NewSecret> {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.retain(|look| look.is_kept(now));
        let place = looks
            .iter()
            .position(|look| look.login == login && look.made.id == id)?;
        Some(looks.remove(place).made)
    }
}

impl Look {
    fn is_kept(&self, now: SystemTime) -> bool {
        now.duration_since(self.since).unwrap_or_default() < KEPT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_looked_at_once_by_who_made_it_and_soon() {
        let now = SystemTime::UNIX_EPOCH;
        let made = |id: &str| NewSecret {
            id: id.to_owned(),
            secret: format!("secret of {id}"),
            expires_at: String::new(),
            notes: Vec::new(),
        };
        let looks = Looks::default();
        looks.put("dora", made("one"), now);
        assert!(looks.take("carl", "one", now).is_none());
        assert_eq!(
            looks.take("dora", "one", now).unwrap().secret,
            "secret of one"
        );
        assert!(looks.take("dora", "one", now).is_none());
        looks.put("dora", made("two"), now);
        assert!(looks.take("dora", "two", now + KEPT).is_none());
    }
}
