//! Tokens: made, shown without their secret, revoked.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use waypost_admin::request::{Cause, Fault, NewToken, Refused, TokenRequest, words};
use waypost_admin::secret;
use waypost_directory::{
    AdminRecord, Edit, Grant, Key, Object, Page, Role, Scope, TokenHash, TokenRecord, When, Words,
};
use waypost_mta::clock::{Clock as _, SystemClock};

use super::{Asked, later};
use crate::time;

/// Seconds that a token is good for, at most: ten years.
const EXPIRES_S: std::ops::RangeInclusive<u64> = 1..=10 * 366 * 86_400;
/// Most tokens of an answer.
const MOST: usize = 1_000;
/// Tokens of one administrator.
const MOST_EACH: usize = 500;

impl Asked {
    pub(super) fn token(&self, request: TokenRequest) -> Result<Value, Refused> {
        match request {
            TokenRequest::Add(new) => self.add_token(&new),
            TokenRequest::List {
                admin,
                after,
                limit,
            } => self.tokens(admin.as_deref(), after, limit.clamp(1, MOST)),
            TokenRequest::Revoke { id } => {
                self.find_token(&id)?;
                self.edit(&[Edit::Remove(Key::Token(id), When::Present)], &[])
            }
            TokenRequest::Show { id } => Ok(shown(&self.find_token(&id)?)),
        }
    }

    fn add_token(&self, new: &NewToken) -> Result<Value, Refused> {
        let owner = self.directory.admin(&new.admin).map_err(|e| later(&e))?;
        let Some(owner) = owner.map(|stored| stored.record) else {
            return Err(wrong("admin", words::TOKEN_NO_ADMIN));
        };
        let tokens = self.directory.tokens_of(&new.admin);
        if tokens.map_err(|e| later(&e))?.len() >= MOST_EACH {
            let words = words::TOKENS_TOO_MANY.having("count", MOST_EACH);
            return Err(wrong("admin", words));
        }
        let unlucky =
            |error: secret::NoRandom| Refused::later(format!("a token cannot be made: {error}"));
        let made = secret::token().map_err(unlucky)?;
        let mut record = record(new, &owner)?;
        record.id.clone_from(&made.id);
        record.hash = TokenHash(Sha256::digest(made.secret.as_bytes()).into());
        let expires_at = time::show(record.expires_at);
        let edit = Edit::Put(Object::Token(record), When::Absent);
        let mut result = self.edit(&[edit], &[])?;
        result["id"] = made.id.into();
        result["expires_at"] = expires_at.into();
        result["secret"] = made.secret.into();
        Ok(result)
    }

    fn tokens(&self, admin: Option<&str>, after: u32, limit: usize) -> Result<Value, Refused> {
        let mut found = match admin {
            Some(admin) => self.directory.tokens_of(admin),
            None => self.directory.tokens(&Page {
                domain: None,
                after,
                limit: limit + 1,
            }),
        }
        .map_err(|error| later(&error))?;
        found.retain(|stored| stored.id > after);
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|stored| stored.id);
        let items: Vec<Value> = found.iter().map(|stored| shown(&stored.record)).collect();
        Ok(json!({ "items": items, "next": next }))
    }

    fn find_token(&self, id: &str) -> Result<TokenRecord, Refused> {
        let found = self.directory.object(&Key::Token(id.to_owned()));
        match found.map_err(|error| later(&error))?.map(|s| s.record) {
            Some(Object::Token(record)) => Ok(record),
            _ => Err(Refused::of(words::TOKEN_UNKNOWN.having("id", id)).because(Cause::Missing)),
        }
    }
}

/// What is to be kept, but for name and secret.
fn record(new: &NewToken, owner: &AdminRecord) -> Result<TokenRecord, Refused> {
    let role = match &new.role {
        None => owner.role,
        Some(word) => {
            let roles = Role::ALL.map(Role::as_str).join(", ");
            let unknown = || wrong("role", words::TOKEN_ROLE_UNKNOWN.having("roles", &roles));
            Role::parse(word).ok_or_else(unknown)?
        }
    };
    let domains = match &new.domains {
        None if role == Role::Superadministrator => Scope::All,
        None => owner.domains.clone(),
        Some(words) => {
            let unknown = || wrong("domains", words::DOMAINS_ARE_NONE);
            Scope::from_words(words).ok_or_else(unknown)?
        }
    };
    let grants = match &new.grants {
        None => owner.grants.clone(),
        Some(words) => {
            let grants = words.iter().map(|word| Grant::parse(word));
            let unknown = || wrong("grants", words::GRANTS_UNKNOWN);
            grants.collect::<Option<_>>().ok_or_else(unknown)?
        }
    };
    let now = SystemClock.wall();
    let span = Some(new.expires_s).filter(|span| EXPIRES_S.contains(span));
    let expires_at = span.and_then(|span| now.checked_add(Duration::from_secs(span)));
    let expires_at = expires_at.ok_or_else(|| {
        let words = words::TOKEN_SPAN.having("from", EXPIRES_S.start());
        wrong("expires_s", words.having("to", EXPIRES_S.end()))
    })?;
    Ok(TokenRecord {
        id: String::new(),
        admin: owner.login.clone(),
        name: new.name.clone(),
        hash: TokenHash([0; 32]),
        role,
        domains,
        grants,
        expires_at: to_the_second(expires_at),
        created_at: to_the_second(now),
        last_used_at: None,
    })
}

/// As the store keeps it.
fn to_the_second(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.unwrap_or_default().as_secs())
}

fn shown(record: &TokenRecord) -> Value {
    let grants: Vec<&str> = record.grants.iter().map(|grant| grant.as_str()).collect();
    json!({
        "id": record.id,
        "admin": record.admin,
        "name": record.name,
        "role": record.role.as_str(),
        "domains": record.domains.words(),
        "grants": grants,
        "created_at": time::show(record.created_at),
        "expires_at": time::show(record.expires_at),
        "last_used_at": record.last_used_at.map(time::show),
    })
}

fn wrong(field: &str, words: impl Into<Words>) -> Refused {
    Refused::unsaved(vec![Fault::new("token", field, words)])
}
