//! Removing objects.

use super::{Batch, Before, Touched};
use crate::edit::When;
use crate::model::{HoldKey, Key, Kind, Object};
use crate::sqlite::{self, Identity, address};

impl Batch<'_> {
    pub(super) fn remove(&mut self, edit: usize, key: &Key, when: When) -> rusqlite::Result<()> {
        let (identity, domain_id) = self.locate(key)?;
        if !self.admits(edit, key, identity, when) {
            return Ok(());
        }
        let Some(Identity { id, .. }) = identity else {
            self.changed.unchanged += 1;
            return Ok(());
        };
        let before = match self.present(key, id) {
            Err(error) if sqlite::is_damage(&error) => None,
            other => other?,
        };
        let owner = (key.kind(), id);
        let addresses = match key.kind() {
            Kind::Group | Kind::Mailbox | Kind::User => {
                let rows = address::rows_of_owner(self.store, owner)?;
                address::replace(self.store, owner, domain_id, &[])?;
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

    /// Where the object is: its number, and that of its domain.
    fn locate(&mut self, key: &Key) -> rusqlite::Result<(Option<Identity>, u32)> {
        let store = self.store;
        let find = match key {
            Key::Admin(login) => return Ok((sqlite::admin::find(store, login)?, 0)),
            Key::Domain(name) => return Ok((sqlite::domain::find(store, name)?, 0)),
            Key::Hold(key) => return Ok((sqlite::hold::find(store, key)?, 0)),
            Key::Gateway(domain) => return Ok((sqlite::gateway::find(store, domain)?, 0)),
            Key::Peer(name) => return Ok((sqlite::peer::find(store, name)?, 0)),
            Key::Target(name) => return Ok((sqlite::target::find_plain(store, name)?, 0)),
            Key::Group(..) => sqlite::group::find,
            Key::Mailbox(..) => sqlite::mailbox::find,
            Key::User(..) => sqlite::user::find,
        };
        let (Key::Group(domain, name) | Key::Mailbox(domain, name) | Key::User(domain, name)) = key
        else {
            return Ok((None, 0));
        };
        match sqlite::domain::find(store, domain)? {
            Some(domain) => Ok((find(store, domain.id, name)?, domain.id)),
            None => Ok((None, 0)),
        }
    }

    fn present(&self, key: &Key, id: u32) -> rusqlite::Result<Option<Object>> {
        let store = self.store;
        Ok(match key.kind() {
            Kind::Admin => sqlite::admin::read(store, id)?.map(|s| Object::Admin(s.record)),
            Kind::Domain => sqlite::domain::read(store, id)?.map(|(s, _)| Object::Domain(s.record)),
            Kind::Gateway => {
                sqlite::gateway::read(store, id)?.map(|(s, _)| Object::Gateway(s.record))
            }
            Kind::Group => sqlite::group::read(store, id)?.map(|s| Object::Group(s.record)),
            Kind::Hold => sqlite::hold::read(store, id)?.map(|(key, hold)| Object::Hold(key, hold)),
            Kind::Mailbox => sqlite::mailbox::read(store, id)?.map(|s| Object::Mailbox(s.record)),
            Kind::Peer => sqlite::peer::read(store, id)?.map(|s| Object::Peer(s.record)),
            Kind::Target => sqlite::target::read(store, id)?.map(|(s, _)| Object::Target(s.record)),
            Kind::User => sqlite::user::read(store, id)?.map(|s| Object::User(s.record)),
        })
    }

    fn delete(&mut self, key: &Key, id: u32) -> rusqlite::Result<()> {
        let store = self.store;
        match key {
            Key::Admin(_) => {
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
            Key::User(domain, login) => {
                sqlite::user::remove(store, id)?;
                self.release(&HoldKey::User(domain.clone(), login.clone()))?;
            }
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
