//! Password hashes: argon2id in PHC strings, at most two computed at a time.
//!
//! A wrong password, an unknown user and a user who may not log in cost the same time: when there
//! is no hash to check against, a hash with the usual parameters is computed all the same.

use std::fmt;
use std::sync::{Condvar, Mutex, PoisonError};

use argon2::password_hash::phc;
use argon2::{Argon2, Params, PasswordHasher, PasswordVerifier};
use thiserror::Error;

/// Hashes computed at the same time; each needs some 20 MB.
const MAX_HASHES: usize = 2;
/// Most memory that a stored hash may ask for, in KiB.
const MAX_MEMORY_KIB: u32 = 256 * 1024;
/// Most passes that a stored hash may ask for.
const MAX_PASSES: u32 = 16;
/// Longest password that is looked at.
const MAX_PASSWORD_OCTETS: usize = 1024;

/// An argon2id hash of a password; prints `***`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PasswordHash(Box<str>);

/// What is wrong with a hash that somebody wrote, or a password that is to be hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PasswordError {
    /// Not a PHC string of argon2id.
    #[error("is not an argon2id hash ($argon2id$v=19$...)")]
    Hash,
    /// The parameters would take too long or too much memory.
    #[error("is an argon2id hash with parameters above m=262144 or t=16")]
    Cost,
    /// Empty.
    #[error("is empty")]
    Empty,
    /// Longer than is looked at.
    #[error("is longer than 1024 octets")]
    TooLong,
    /// The system has no random bytes to give.
    #[error("could not be hashed: no random bytes from the system")]
    NoRandom,
}

impl PasswordHash {
    /// Takes a PHC string.
    ///
    /// # Errors
    ///
    /// [`PasswordError::Hash`] or [`PasswordError::Cost`].
    pub fn parse(text: &str) -> Result<Self, PasswordError> {
        let hash = phc::PasswordHash::new(text).map_err(|_| PasswordError::Hash)?;
        if hash.algorithm.as_str() != "argon2id" || hash.salt.is_none() || hash.hash.is_none() {
            return Err(PasswordError::Hash);
        }
        let params = Params::try_from(&hash).map_err(|_| PasswordError::Hash)?;
        if params.m_cost() > MAX_MEMORY_KIB || params.t_cost() > MAX_PASSES {
            return Err(PasswordError::Cost);
        }
        Ok(Self(text.into()))
    }

    /// Hashes a password with a random salt.
    ///
    /// # Errors
    ///
    /// [`PasswordError`].
    pub fn make(password: &str) -> Result<Self, PasswordError> {
        if password.is_empty() {
            return Err(PasswordError::Empty);
        }
        if password.len() > MAX_PASSWORD_OCTETS {
            return Err(PasswordError::TooLong);
        }
        let mut salt = [0; argon2::RECOMMENDED_SALT_LEN];
        getrandom::fill(&mut salt).map_err(|_| PasswordError::NoRandom)?;
        Argon2::default()
            .hash_password_with_salt(password.as_bytes(), &salt)
            .map(|hash| Self(hash.to_string().into()))
            .map_err(|_| PasswordError::Hash)
    }

    /// The PHC string: for the store and the site file.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Checks passwords, a bounded number at a time.
#[derive(Debug, Default)]
pub(crate) struct Checker {
    running: Mutex<usize>,
    freed: Condvar,
}

impl Checker {
    /// Whether the password belongs to the hash; without a hash: no, in the same time.
    pub(crate) fn check(&self, password: &str, hash: Option<&PasswordHash>) -> bool {
        let _slot = self.slot();
        let capped = &password.as_bytes()[..password.len().min(MAX_PASSWORD_OCTETS)];
        match hash.map(|hash| phc::PasswordHash::new(hash.expose())) {
            Some(Ok(hash)) => {
                Argon2::default().verify_password(capped, &hash).is_ok()
                    && password.len() <= MAX_PASSWORD_OCTETS
            }
            _ => {
                let mut unused = [0; 32];
                // Only its time counts: whatever comes out, there is no such password.
                let _ = Argon2::default().hash_password_into(capped, &[0; 16], &mut unused);
                false
            }
        }
    }

    fn slot(&self) -> Slot<'_> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let mut running = self
            .freed
            .wait_while(running, |running| *running >= MAX_HASHES)
            .unwrap_or_else(PoisonError::into_inner);
        *running += 1;
        Slot(self)
    }
}

struct Slot<'a>(&'a Checker);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *self
            .0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_the_password_it_was_made_from_and_no_other() {
        let hash = PasswordHash::make("correct horse").unwrap();
        assert_eq!(PasswordHash::parse(hash.expose()), Ok(hash.clone()));
        let checker = Checker::default();
        assert!(checker.check("correct horse", Some(&hash)));
        assert!(!checker.check("wrong", Some(&hash)));
        assert!(!checker.check("correct horse", None));
        assert_eq!(format!("{hash:?}"), "***");
    }

    #[test]
    fn refuses_hashes_that_are_not_argon2id_or_cost_too_much() {
        for (text, error) in [
            ("secret", PasswordError::Hash),
            ("$6$salt$hash", PasswordError::Hash),
            ("$argon2id$v=19$m=19456,t=2,p=1", PasswordError::Hash),
            (
                "$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo",
                PasswordError::Hash,
            ),
            (
                "$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo",
                PasswordError::Cost,
            ),
        ] {
            assert_eq!(PasswordHash::parse(text), Err(error), "{text}");
        }
        assert_eq!(PasswordHash::make(""), Err(PasswordError::Empty));
    }
}
