//! What a domain says of the TLS of its MX hosts, over HTTPS (RFC 8461, MTA-STS).
//!
//! Reading of the record and of the policy, which hosts a policy allows, and when it is fetched; by
//! whom, is for those who have a resolver and a connection.

#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use thiserror::Error;

use crate::mail::Domain;

/// Most octets of a policy (RFC 8461 §3.3 suggests no less).
pub const POLICY_MAX: usize = 64 << 10;
/// The longest that a policy holds without being fetched again (RFC 8461 §3.2).
const MAX_AGE_S: u64 = 31_557_600;
/// A policy that is older is fetched again when it is used (RFC 8461 §3.3).
const REFRESH: Duration = Duration::from_secs(24 * 60 * 60);
/// Longest id (RFC 8461 §3.1).
const ID_MAX: usize = 32;

/// The id in the TXT records at `_mta-sts.`; none: there is no policy, or nobody knows which
/// (RFC 8461 §3.1).
#[must_use]
pub fn record_id<'a>(records: impl IntoIterator<Item = &'a [u8]>) -> Option<String> {
    let is_one = |record: &&[u8]| {
        let rest = record.strip_prefix(b"v=STSv1");
        rest.is_some_and(|rest| matches!(rest.trim_ascii_start().first(), Some(b';')))
    };
    let mut ours = records.into_iter().filter(is_one);
    let (Some(record), None) = (ours.next(), ours.next()) else {
        return None;
    };
    let text = str::from_utf8(record).ok()?;
    let mut fields = text.split(';').skip(1).map(str::trim);
    let id = fields.find_map(|field| field.strip_prefix("id="))?;
    let is_id = (1..=ID_MAX).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
    is_id.then(|| id.to_owned())
}

/// What becomes of mail for hosts that a policy does not allow (RFC 8461 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is not handed to them.
    Enforce,
    /// The domain says nothing any more.
    None,
    /// It is handed to them, and noted.
    Testing,
}

/// The hosts that a line of a policy allows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    /// This one.
    Host(Domain),
    /// Those with one label in front of this name.
    Under(Domain),
}

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What it is for.
    pub mode: Mode,
    /// How long it holds.
    pub max_age: Duration,
    hosts: Vec<Pattern>,
}

/// Text that is no policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// `max_age` is missing or no number.
    #[error("it has no usable max_age")]
    MaxAge,
    /// `mode` is missing or unknown.
    #[error("it has no usable mode")]
    Mode,
    /// An `mx` is no name, or there is none though the mode wants some.
    #[error("it has no usable mx")]
    Mx,
    /// A line without a colon, or text that is no UTF-8.
    #[error("it is no list of keys and values")]
    Syntax,
    /// Another version, or none.
    #[error("its version is not STSv1")]
    Version,
}

impl Policy {
    /// Reads the file of a policy (RFC 8461 §3.2); keys that are not known are passed over, and of
    /// one that is there twice, except `mx`, the first counts.
    ///
    /// # Errors
    ///
    /// [`PolicyError`].
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let (mut version, mut mode, mut max_age) = (None, None, None);
        let mut hosts = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let (key, value) = line.split_once(':').ok_or(PolicyError::Syntax)?;
            let value = value.trim();
            match key.trim() {
                "version" => _ = version.get_or_insert(value),
                "mode" => _ = mode.get_or_insert(value),
                "max_age" => _ = max_age.get_or_insert(value),
                "mx" => hosts.push(pattern(value)?),
                _ => {}
            }
        }
        if version != Some("STSv1") {
            return Err(PolicyError::Version);
        }
        let mode = match mode {
            Some("enforce") => Mode::Enforce,
            Some("none") => Mode::None,
            Some("testing") => Mode::Testing,
            _ => return Err(PolicyError::Mode),
        };
        let digits = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let max_age = max_age.filter(digits).ok_or(PolicyError::MaxAge)?;
        let max_age = max_age.parse().unwrap_or(MAX_AGE_S).min(MAX_AGE_S);
        if hosts.is_empty() && mode != Mode::None {
            return Err(PolicyError::Mx);
        }
        Ok(Self {
            mode,
            max_age: Duration::from_secs(max_age),
            hosts,
        })
    }

    /// Whether it allows an MX host of this name (RFC 8461 §4.1).
    #[must_use]
    pub fn allows(&self, host: &Domain) -> bool {
        self.hosts.iter().any(|pattern| match pattern {
            Pattern::Host(name) => name == host,
            Pattern::Under(name) => {
                let behind = host.as_str().split_once('.').map(|(_, behind)| behind);
                behind == Some(name.as_str())
            }
        })
    }
}

fn pattern(text: &str) -> Result<Pattern, PolicyError> {
    let (name, is_wild) = match text.strip_prefix("*.") {
        Some(name) => (name, true),
        None => (text, false),
    };
    let parsed = Domain::parse(name).ok();
    let is_name = |name: &Domain| text.is_ascii() && !name.as_str().starts_with('[');
    let name = parsed.filter(is_name).ok_or(PolicyError::Mx)?;
    Ok(if is_wild {
        Pattern::Under(name)
    } else {
        Pattern::Host(name)
    })
}

/// A policy as it was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The id that the domain's record had then.
    pub id: String,
    /// When that was.
    pub fetched: SystemTime,
    /// The policy.
    pub policy: Policy,
}

/// What is done before a policy is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is fetched; where that fails, the kept one holds on while it is not too old.
    Fetch,
    /// There is none.
    None,
    /// The kept one holds.
    Use,
}

impl Kept {
    /// Whether it still holds. A clock that was set back makes no policy older.
    #[must_use]
    pub fn holds(&self, now: SystemTime) -> bool {
        self.age(now) < self.policy.max_age
    }

    fn age(&self, now: SystemTime) -> Duration {
        now.duration_since(self.fetched).unwrap_or_default()
    }
}

/// What is done before a policy is used: by the one that is kept, the id that the domain's record
/// has, if it has one and it can be looked up, and the time (RFC 8461 §3.3, §5.1).
#[must_use]
pub fn step(kept: Option<&Kept>, id: Option<&str>, now: SystemTime) -> Step {
    match (kept.filter(|kept| kept.holds(now)), id) {
        // Who could hide the record could undo the policy.
        (Some(_), None) => Step::Use,
        (Some(kept), Some(id)) if kept.id == id && kept.age(now) < REFRESH => Step::Use,
        (_, Some(_)) => Step::Fetch,
        (None, None) => Step::None,
    }
}
