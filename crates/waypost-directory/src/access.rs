//! Who may administer: administrators and tokens.

use std::sync::TryLockError;
use std::time::{Duration, SystemTime};

use crate::directory::{Directory, Page, lock};
use crate::error::{LoginError, Unavailable};
use crate::model::{AdminRecord, Stored, TokenHash, TokenRecord};
use crate::sqlite;

/// When a token was used is written so often at most.
const TOUCH_EVERY: Duration = Duration::from_mins(1);

impl Directory {
    /// Checks the password of an administrator; one whose login is a user's has that user's.
    ///
    /// # Errors
    ///
    /// [`LoginError::Refused`] for all who may not log in, in the same time.
    pub fn check_admin(
        &self,
        login: &str,
        password: &str,
    ) -> Result<Stored<AdminRecord>, LoginError> {
        let found = self.admin(&login.to_lowercase())?;
        let user = match &found {
            Some(stored) => sqlite::admin::user_of(&lock(&self.reader), &stored.record),
            None => Ok(None),
        }
        .map_err(Unavailable)?;
        let is_user = login.contains('@');
        let hash = match (&user, &found) {
            (Some(user), _) if is_user => user.password.as_ref(),
            (_, Some(stored)) if !is_user => stored.record.password.as_ref(),
            _ => None,
        };
        let right = self.checker.check(password, hash);
        let may = !is_user || user.as_ref().is_some_and(|user| user.may_log_in);
        match found {
            Some(stored) if right && may && !stored.record.suspended => Ok(stored),
            _ => Err(LoginError::Refused),
        }
    }

    /// The administrator with a login.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn admin(&self, login: &str) -> Result<Option<Stored<AdminRecord>>, Unavailable> {
        Ok(sqlite::admin::by_login(&lock(&self.reader), login)?)
    }

    /// Administrators, in the order of their numbers; an object that cannot be read is left out.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn admins(&self, page: &Page) -> Result<Vec<Stored<AdminRecord>>, Unavailable> {
        let reader = lock(&self.reader);
        Ok(sqlite::admin::list(&reader, page.after, page.limit)?)
    }

    /// Tokens, in the order of their numbers.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn tokens(&self, page: &Page) -> Result<Vec<Stored<TokenRecord>>, Unavailable> {
        let reader = lock(&self.reader);
        Ok(sqlite::token::list(&reader, page.after, page.limit)?)
    }

    /// The tokens of an administrator.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn tokens_of(&self, login: &str) -> Result<Vec<Stored<TokenRecord>>, Unavailable> {
        let reader = lock(&self.reader);
        match sqlite::admin::find(&reader, login)? {
            Some(admin) => Ok(sqlite::token::of_admin(&reader, admin.id)?),
            None => Ok(Vec::new()),
        }
    }

    /// The token with a secret of this hash, if it is worth anything now, with no more rights than
    /// its administrator has now.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn token(
        &self,
        hash: &TokenHash,
        now: SystemTime,
    ) -> Result<Option<Stored<TokenRecord>>, Unavailable> {
        let reader = lock(&self.reader);
        let Some(id) = sqlite::token::by_hash(&reader, hash)? else {
            return Ok(None);
        };
        let Some(mut token) = sqlite::token::read(&reader, id)? else {
            return Ok(None);
        };
        let owner = sqlite::admin::by_login(&reader, &token.record.admin)?;
        let Some(owner) = owner.map(|stored| stored.record) else {
            return Ok(None);
        };
        let is_let_in = match owner.login.contains('@') {
            true => sqlite::admin::user_of(&reader, &owner)?.is_some_and(|user| user.may_log_in),
            false => true,
        };
        if token.record.expires_at <= now || owner.suspended || !is_let_in {
            return Ok(None);
        }
        token.record = token.record.clipped(&owner);
        Ok(Some(token))
    }

    /// Notes that a token, as [`Directory::token`] gave it, is used; says whether that was worth
    /// a write. No audit, and while others write, no wait.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn touch_token(&self, token: &TokenRecord, now: SystemTime) -> Result<bool, Unavailable> {
        let is_recent = token
            .last_used_at
            .is_some_and(|last| last.checked_add(TOUCH_EVERY).is_none_or(|next| next > now));
        if is_recent {
            return Ok(false);
        }
        let writer = match self.writer.try_lock() {
            Ok(writer) => writer,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(false),
        };
        Ok(sqlite::token::touch(&writer, &token.id, now)? > 0)
    }
}
