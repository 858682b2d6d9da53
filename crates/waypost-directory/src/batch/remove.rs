//! Removing objects.

use super::{Batch, Before, Touched};
use crate::edit::When;
use crate::json;
use crate::model::{HoldKey, Key, Kind, Object};
use crate::sqlite::audit::{self, Write};
use crate::sqlite::{self, address, any};

impl Batch<'_> {
    pub(super) fn remove(&mut self, edit: usize, key: &Key, when: When) -> rusqlite::Result<()> {
        let (identity, _) = any::locate(self.store, key)?;
        if !self.admits(edit, key, identity, when) {
            return Ok(());
        }
        let Some(identity) = identity else {
            self.changed.unchanged += 1;
            return Ok(());
        };
        let id = identity.id;
        let before = match any::read(self.store, key.kind(), identity) {
            Err(error) if sqlite::is_damage(&error) => None,
            other => other?.map(|stored| stored.record),
        };
        let owner = (key.kind(), id);
        let addresses = match key.kind() {
            Kind::Group | Kind::Mailbox | Kind::User => {
                let rows = address::rows_of_owner(self.store, owner)?;
                address::remove(self.store, owner)?;
                rows
            }
            _ => Vec::new(),
        };
        if let Some(Object::Hold(key, hold)) = &before {
            sqlite::hold::end(self.store, key, hold, self.actor.at)?;
        }
        self.delete(key, id)?;
        let touched = Touched {
            edit,
            kind: key.kind(),
            id,
            before: Before::Something,
            addresses,
            removed: true,
        };
        self.written(key, before.as_ref(), None, touched)
    }

    fn delete(&mut self, key: &Key, id: u32) -> rusqlite::Result<()> {
        let store = self.store;
        match key {
            Key::Admin(_) => {
                self.delete_tokens(id)?;
                sqlite::admin::remove(store, id)?;
            }
            Key::Domain(name) => {
                self.domains.remove(name);
                sqlite::domain::remove(store, id)?;
            }
            Key::Gateway(_) => {
                sqlite::gateway::remove(store, id)?;
            }
            Key::Group(..) => sqlite::group::remove(store, id)?,
            Key::Hold(_) => {
                sqlite::hold::remove(store, id)?;
            }
            Key::Mailbox(..) => sqlite::mailbox::remove(store, id)?,
            Key::Peer(name) | Key::Target(name) => {
                sqlite::peer::remove(store, id)?;
                self.release(&HoldKey::Target(name.clone()))?;
            }
            Key::Token(_) => {
                sqlite::token::remove(store, id)?;
            }
            Key::User(domain, login) => {
                sqlite::user::remove(store, id)?;
                self.release(&HoldKey::User(domain.clone(), login.clone()))?;
            }
        }
        Ok(())
    }

    /// Tokens do not outlive the administrator whose they are.
    fn delete_tokens(&self, admin_id: u32) -> rusqlite::Result<()> {
        for token in sqlite::token::of_admin(self.store, admin_id)? {
            let object = Object::Token(token.record);
            sqlite::token::remove(self.store, token.id)?;
            let write = Write {
                id: token.id,
                before: Some(&json::object(&object)),
                after: None,
            };
            audit::record(self.store, self.actor, &object.key(), &write)?;
        }
        Ok(())
    }

    /// A hold does not outlive what it holds.
    fn release(&self, key: &HoldKey) -> rusqlite::Result<()> {
        if let Some(identity) = sqlite::hold::find(self.store, key)? {
            if let Some((_, hold)) = sqlite::hold::read(self.store, identity.id)? {
                sqlite::hold::end(self.store, key, &hold, self.actor.at)?;
            }
            sqlite::hold::remove(self.store, identity.id)?;
        }
        Ok(())
    }
}
