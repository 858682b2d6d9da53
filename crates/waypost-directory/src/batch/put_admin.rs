//! Making administrators and tokens what records say.

use super::put::Found;
use super::{Batch, Before};
use crate::edit::When;
use crate::model::{AdminRecord, Key, Object, TokenRecord};
use crate::rules::words;
use crate::sqlite;

impl Batch<'_> {
    pub(super) fn put_admin(
        &mut self,
        edit: usize,
        record: &AdminRecord,
        when: When,
    ) -> rusqlite::Result<()> {
        let store = self.store;
        let key = (Key::Admin(record.login.clone()), when);
        let identity = sqlite::admin::find(store, &record.login)?;
        let read = |id| sqlite::admin::read(store, id);
        let Some(found) = self.found(edit, key, identity, read, record)? else {
            return Ok(());
        };
        let id = match found.identity {
            Some(identity) => {
                sqlite::admin::set(store, identity.id, record)?;
                identity.id
            }
            None => sqlite::admin::add(store, record)?,
        };
        let touched = found.touched(id, Vec::new());
        self.saved(found, touched, Object::Admin, record)
    }

    pub(super) fn put_token(
        &mut self,
        edit: usize,
        record: &TokenRecord,
        when: When,
    ) -> rusqlite::Result<()> {
        let store = self.store;
        let key = (Key::Token(record.id.clone()), when);
        let identity = sqlite::token::find(store, &record.id)?;
        let read = |id| {
            let mut stored = sqlite::token::read(store, id)?;
            if let Some(stored) = &mut stored {
                // That it was used meanwhile is no difference.
                stored.record.last_used_at = record.last_used_at;
            }
            Ok(stored)
        };
        let Some(found) = self.found(edit, key, identity, read, record)? else {
            return Ok(());
        };
        let Some(admin_id) = self.token_owner(&found, record)? else {
            return Ok(());
        };
        let id = match found.identity {
            Some(identity) => {
                sqlite::token::set(store, identity.id, record)?;
                identity.id
            }
            None => sqlite::token::add(store, record, admin_id)?,
        };
        let mut touched = found.touched(id, Vec::new());
        if let Some(stored) = &found.stored {
            touched.before = Before::Token {
                prolonged: stored.record.expires_at != record.expires_at,
            };
        }
        self.saved(found, touched, Object::Token, record)
    }

    /// The number of the administrator whose token it is; a problem if it cannot be his.
    fn token_owner(
        &mut self,
        found: &Found<TokenRecord>,
        record: &TokenRecord,
    ) -> rusqlite::Result<Option<u32>> {
        let owner = sqlite::admin::find(self.store, &record.admin)?;
        let other = sqlite::token::by_hash(self.store, &record.hash)?;
        let mut about = self.report.about(found.edit, &found.key);
        if other.is_some() && other != found.identity.map(|identity| identity.id) {
            about.add("hash", words::TOKEN_SECRET_TAKEN);
            return Ok(None);
        }
        if owner.is_none() {
            about.add(
                "admin",
                words::TOKEN_ADMIN_UNKNOWN.quoting("login", &record.admin),
            );
            return Ok(None);
        }
        let before = found.stored.as_ref().map(|stored| &stored.record.admin);
        if before.is_some_and(|before| *before != record.admin) {
            about.add("admin", words::TOKEN_ADMIN_OTHER);
            return Ok(None);
        }
        Ok(owner.map(|owner| owner.id))
    }
}
