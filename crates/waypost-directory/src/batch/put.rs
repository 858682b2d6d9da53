//! Making objects what records say.

use std::rc::Rc;

use waypost_proto::mail::Domain;

use super::{Batch, Before, DomainFacts, Touched};
use crate::edit::When;
use crate::model::{
    Address, DomainRecord, GatewayRecord, GroupRecord, Hold, HoldKey, Key, Kind, MailType, Object,
    PeerRecord, Relay, SharedRecord, Stored, TargetRecord, UserRecord,
};
use crate::rules::words;
use crate::sqlite::address::{self, AddressRow};
use crate::sqlite::{self, Identity, domain, user};

/// The object that an edit is about, as it was.
pub(super) struct Found<T> {
    pub(super) edit: usize,
    pub(super) key: Key,
    pub(super) identity: Option<Identity>,
    /// Missing too when the object cannot be read: then it is replaced.
    pub(super) stored: Option<Stored<T>>,
}

impl<T> Found<T> {
    pub(super) fn touched(&self, id: u32, addresses: Vec<AddressRow>) -> Touched {
        Touched {
            edit: self.edit,
            kind: self.key.kind(),
            id,
            before: match self.identity {
                Some(_) => Before::Something,
                None => Before::Nothing,
            },
            addresses,
            removed: false,
        }
    }
}

/// An unreadable object counts as one without a record, so that it can be replaced.
fn replaceable<T>(read: rusqlite::Result<Option<T>>) -> rusqlite::Result<Option<T>> {
    match read {
        Err(error) if sqlite::is_damage(&error) => Ok(None),
        other => other,
    }
}

impl Batch<'_> {
    pub(super) fn put(&mut self, edit: usize, object: &Object, when: When) -> rusqlite::Result<()> {
        let key = object.key();
        crate::rules::record::check(object, &mut self.report.about(edit, &key));
        match object {
            Object::Admin(record) => self.put_admin(edit, record, when),
            Object::Domain(record) => self.put_domain(edit, record, when),
            Object::Gateway(record) => self.put_gateway(edit, record, when),
            Object::Group(record) => self.put_group(edit, record, when),
            Object::Hold(key, hold) => self.put_hold(edit, (key, hold), when),
            Object::Mailbox(record) => self.put_mailbox(edit, record, when),
            Object::Peer(record) => self.put_peer(edit, record, when),
            Object::Target(record) => self.put_target(edit, record, when),
            Object::Token(record) => self.put_token(edit, record, when),
            Object::User(record) => self.put_user(edit, record, when),
        }
    }

    /// Looks whether the edit is allowed and would change anything; none: there is nothing to do.
    pub(super) fn found<T: PartialEq>(
        &mut self,
        edit: usize,
        (key, when): (Key, When),
        identity: Option<Identity>,
        read: impl FnOnce(u32) -> rusqlite::Result<Option<Stored<T>>>,
        record: &T,
    ) -> rusqlite::Result<Option<Found<T>>> {
        if !self.admits(edit, &key, identity, when) {
            return Ok(None);
        }
        let stored = match identity {
            Some(identity) => replaceable(read(identity.id))?,
            None => None,
        };
        if stored
            .as_ref()
            .is_some_and(|stored| stored.record == *record)
        {
            self.changed.unchanged += 1;
            return Ok(None);
        }
        Ok(Some(Found {
            edit,
            key,
            identity,
            stored,
        }))
    }

    /// Numbers and records the write of what was found.
    pub(super) fn saved<T: Clone>(
        &mut self,
        found: Found<T>,
        touched: Touched,
        object: fn(T) -> Object,
        record: &T,
    ) -> rusqlite::Result<()> {
        let before = found.stored.map(|stored| object(stored.record));
        let after = object(record.clone());
        self.written(&found.key, before.as_ref(), Some(&after), touched)
    }

    fn put_target(
        &mut self,
        edit: usize,
        record: &TargetRecord,
        when: When,
    ) -> rusqlite::Result<()> {
        let store = self.store;
        let key = (Key::Target(record.name.clone()), when);
        let identity = sqlite::target::find(store, &record.name)?;
        // A peer of this name becomes a plain target, with its number and all that names it.
        let was_peer = match identity {
            Some(identity) => replaceable(sqlite::peer::read(store, identity.id))?,
            None => None,
        };
        let read = |id| match was_peer {
            Some(_) => Ok(None),
            None => Ok(sqlite::target::read(store, id)?.map(|(stored, _)| stored)),
        };
        let Some(found) = self.found(edit, key, identity, read, record)? else {
            return Ok(());
        };
        let id = match found.identity {
            Some(identity) => {
                sqlite::target::set(store, identity.id, record)?;
                sqlite::peer::demote(store, identity.id)?;
                identity.id
            }
            None => sqlite::target::add(store, record)?,
        };
        let touched = found.touched(id, Vec::new());
        let before = found.stored.map(|stored| Object::Target(stored.record));
        let before = before.or_else(|| was_peer.map(|stored| Object::Peer(stored.record)));
        self.written(
            &found.key,
            before.as_ref(),
            Some(&Object::Target(record.clone())),
            touched,
        )
    }

    fn put_peer(&mut self, edit: usize, record: &PeerRecord, when: When) -> rusqlite::Result<()> {
        let store = self.store;
        let key = (Key::Peer(record.target.name.clone()), when);
        let identity = sqlite::target::find(store, &record.target.name)?;
        let read = |id| sqlite::peer::read(store, id);
        let Some(found) = self.found(edit, key, identity, read, record)? else {
            return Ok(());
        };
        // A plain target of this name becomes a peer, with its number and all that names it.
        let was_target = match (found.identity, &found.stored) {
            (Some(identity), None) => replaceable(sqlite::target::read(store, identity.id))?,
            _ => None,
        };
        let id = match found.identity {
            Some(identity) => {
                sqlite::peer::set(store, identity.id, record)?;
                identity.id
            }
            None => sqlite::peer::add(store, record)?,
        };
        let touched = found.touched(id, Vec::new());
        let before = found.stored.map(|stored| Object::Peer(stored.record));
        let before = before.or_else(|| was_target.map(|(s, _)| Object::Target(s.record)));
        self.written(
            &found.key,
            before.as_ref(),
            Some(&Object::Peer(record.clone())),
            touched,
        )
    }

    fn put_gateway(
        &mut self,
        edit: usize,
        record: &GatewayRecord,
        when: When,
    ) -> rusqlite::Result<()> {
        let store = self.store;
        let key = (Key::Gateway(record.domain.clone()), when);
        let identity = sqlite::gateway::find(store, &record.domain)?;
        let read = |id| Ok(sqlite::gateway::read(store, id)?.map(|(stored, _)| stored));
        let Some(found) = self.found(edit, key, identity, read, record)? else {
            return Ok(());
        };
        let Some(target) = self.relay_id(edit, &found.key, ("target", &record.target))? else {
            return Ok(());
        };
        let id = match found.identity {
            Some(identity) => {
                sqlite::gateway::set(store, identity.id, record, target)?;
                identity.id
            }
            None => sqlite::gateway::add(store, record, target)?,
        };
        let touched = found.touched(id, Vec::new());
        self.saved(found, touched, Object::Gateway, record)
    }

    fn put_domain(
        &mut self,
        edit: usize,
        record: &DomainRecord,
        when: When,
    ) -> rusqlite::Result<()> {
        let store = self.store;
        let key = (Key::Domain(record.name.clone()), when);
        let identity = domain::find(store, &record.name)?;
        let read = |id| Ok(domain::read(store, id)?.map(|(stored, _)| stored));
        let Some(found) = self.found(edit, key, identity, read, record)? else {
            return Ok(());
        };
        let references = domain::References {
            relay: match &record.relay {
                Some(relay) => self.relay_id(edit, &found.key, ("relay", relay))?,
                None => None,
            },
            sharing: self.peer_ids(edit, &found.key, record)?,
        };
        let id = match found.identity {
            Some(identity) => {
                domain::set(store, identity.id, record, &references)?;
                identity.id
            }
            None => domain::add(store, record, &references)?,
        };
        self.domains.remove(&record.name);
        let mut touched = found.touched(id, Vec::new());
        if let Some(stored) = &found.stored {
            touched.before = Before::Domain {
                relay: stored.record.relay.is_some(),
                renamed: stored.record.aliases != record.aliases,
            };
        }
        self.note_own_name(record);
        self.saved(found, touched, Object::Domain, record)
    }

    fn relay_id(
        &mut self,
        edit: usize,
        key: &Key,
        (field, relay): (&'static str, &Relay),
    ) -> rusqlite::Result<Option<u32>> {
        match relay {
            Relay::Host(host) => sqlite::target::implicit(self.store, host).map(Some),
            Relay::Target(name) => self.target_id(edit, key, field, name),
        }
    }

    /// The peers with which a domain is shared; a problem for each name that is no peer's.
    fn peer_ids(
        &mut self,
        edit: usize,
        key: &Key,
        record: &DomainRecord,
    ) -> rusqlite::Result<Vec<u32>> {
        let mut ids = Vec::with_capacity(record.sharing.len());
        for name in &record.sharing {
            if let Some(found) = sqlite::peer::find(self.store, name)? {
                ids.push(found.id);
                continue;
            }
            let words = match sqlite::target::find(self.store, name)? {
                Some(_) => words::PEER_IS_TARGET.having("name", name),
                None => words::PEER_UNKNOWN.quoting("name", name),
            };
            self.report.about(edit, key).add("sharing", words);
        }
        Ok(ids)
    }

    /// "The domain's own name as relay is explained."
    fn note_own_name(&mut self, record: &DomainRecord) {
        if let Some(Relay::Host(relay)) = &record.relay
            && let crate::model::Host::Name(name) = &relay.host
            && record.names().any(|own| own == name)
        {
            self.changed.notes.push(format!(
                "domain {}: the relay {relay} is the domain's own name: mail goes to the host of \
                 that name by its address, not to its MX",
                record.name
            ));
        }
    }

    fn target_id(
        &mut self,
        edit: usize,
        key: &Key,
        field: &'static str,
        name: &str,
    ) -> rusqlite::Result<Option<u32>> {
        let found = sqlite::target::find(self.store, name)?;
        if found.is_none() {
            let words = match (field, key.kind()) {
                ("relay", _) | (_, Kind::Gateway) => words::RELAY_UNKNOWN,
                _ => words::TARGET_UNKNOWN,
            };
            self.report
                .about(edit, key)
                .add(field, words.quoting("name", name));
        }
        Ok(found.map(|identity| identity.id))
    }

    /// The domain of an object; a problem if it is not served.
    fn domain_of(
        &mut self,
        edit: usize,
        key: &Key,
        name: &Domain,
    ) -> rusqlite::Result<Option<Rc<DomainFacts>>> {
        let facts = self.domain(name)?;
        if facts.is_none() {
            self.report
                .about(edit, key)
                .add("domain", words::DOMAIN_UNKNOWN.having("name", name));
        }
        Ok(facts)
    }

    fn put_user(&mut self, edit: usize, record: &UserRecord, when: When) -> rusqlite::Result<()> {
        let store = self.store;
        let key = Key::User(record.domain.clone(), record.login.clone());
        let Some(facts) = self.domain_of(edit, &key, &record.domain)? else {
            return Ok(());
        };
        let identity = user::find(store, facts.id, &record.login)?;
        let read = |id| user::read(store, id);
        let Some(found) = self.found(edit, (key, when), identity, read, record)? else {
            return Ok(());
        };
        let target_id = match &record.target {
            Some(name) => self.target_id(edit, &found.key, "target", name)?,
            None => None,
        };
        let references = user::References {
            domain_id: facts.id,
            target_id,
        };
        let id = match found.identity {
            Some(identity) => {
                user::set(store, identity.id, record, references)?;
                identity.id
            }
            None => user::add(store, record, references)?,
        };
        let selected = |address: &Address| match &record.relayed {
            Some(relayed) => relayed.contains(address),
            None => record.mail == MailType::ThirdParty,
        };
        let old = self.replace_addresses(&found, id, &facts, &record.addresses, &selected)?;
        let touched = found.touched(id, old);
        self.saved(found, touched, Object::User, record)
    }

    fn put_mailbox(
        &mut self,
        edit: usize,
        record: &SharedRecord,
        when: When,
    ) -> rusqlite::Result<()> {
        let store = self.store;
        let key = Key::Mailbox(record.domain.clone(), record.name.clone());
        let Some(facts) = self.domain_of(edit, &key, &record.domain)? else {
            return Ok(());
        };
        let identity = sqlite::mailbox::find(store, facts.id, &record.name)?;
        let read = |id| sqlite::mailbox::read(store, id);
        let Some(found) = self.found(edit, (key, when), identity, read, record)? else {
            return Ok(());
        };
        let id = match found.identity {
            Some(identity) => {
                sqlite::mailbox::set(store, identity.id, record)?;
                identity.id
            }
            None => sqlite::mailbox::add(store, record, facts.id)?,
        };
        let old = self.replace_addresses(&found, id, &facts, &record.addresses, &|_| false)?;
        self.replace_members(edit, &found.key, id, record)?;
        let touched = found.touched(id, old);
        self.saved(found, touched, Object::Mailbox, record)
    }

    fn replace_members(
        &mut self,
        edit: usize,
        key: &Key,
        id: u32,
        record: &SharedRecord,
    ) -> rusqlite::Result<()> {
        let mut members = Vec::with_capacity(record.members.len());
        for member in &record.members {
            match address::owner_of(self.store, member)? {
                Some((Kind::User, user_id)) => members.push((user_id, member)),
                _ => self
                    .report
                    .about(edit, key)
                    .add("members", words::MEMBER_NO_USER.having("member", member)),
            }
        }
        sqlite::mailbox::set_members(self.store, id, &members)
    }

    fn put_group(&mut self, edit: usize, record: &GroupRecord, when: When) -> rusqlite::Result<()> {
        let store = self.store;
        let key = Key::Group(record.domain.clone(), record.name.clone());
        let Some(facts) = self.domain_of(edit, &key, &record.domain)? else {
            return Ok(());
        };
        let identity = sqlite::group::find(store, facts.id, &record.name)?;
        let read = |id| sqlite::group::read(store, id);
        let Some(found) = self.found(edit, (key, when), identity, read, record)? else {
            return Ok(());
        };
        let id = match found.identity {
            Some(identity) => {
                sqlite::group::set(store, identity.id, record)?;
                identity.id
            }
            None => sqlite::group::add(store, record, facts.id)?,
        };
        let old = self.replace_addresses(&found, id, &facts, &record.addresses, &|_| false)?;
        let touched = found.touched(id, old);
        self.saved(found, touched, Object::Group, record)
    }

    fn put_hold(
        &mut self,
        edit: usize,
        (key, hold): (&HoldKey, &Hold),
        when: When,
    ) -> rusqlite::Result<()> {
        let store = self.store;
        let object_key = Key::Hold(key.clone());
        let identity = sqlite::hold::find(store, key)?;
        if !self.admits(edit, &object_key, identity, when) {
            return Ok(());
        }
        let stored = match identity {
            Some(identity) => replaceable(sqlite::hold::read(store, identity.id))?,
            None => None,
        };
        if stored.as_ref().is_some_and(|(_, before)| before == hold) {
            self.changed.unchanged += 1;
            return Ok(());
        }
        if let Some((_, before)) = stored.as_ref().filter(|(_, old)| old.since != hold.since) {
            // It was over, and another one begins.
            sqlite::hold::end(store, key, before, self.actor.at)?;
        }
        let id = match identity {
            Some(identity) => {
                sqlite::hold::set(store, identity.id, hold)?;
                identity.id
            }
            None => sqlite::hold::add(store, key, hold)?,
        };
        let found = Found::<()> {
            edit,
            key: object_key,
            identity,
            stored: None,
        };
        let touched = found.touched(id, Vec::new());
        let before = stored.map(|(key, hold)| Object::Hold(key, hold));
        let after = Object::Hold(key.clone(), hold.clone());
        self.written(&found.key, before.as_ref(), Some(&after), touched)
    }

    /// Replaces the addresses of an object, and gives those that it had.
    fn replace_addresses<T>(
        &mut self,
        found: &Found<T>,
        id: u32,
        facts: &DomainFacts,
        addresses: &[Address],
        selected: &dyn Fn(&Address) -> bool,
    ) -> rusqlite::Result<Vec<AddressRow>> {
        let owner = (found.key.kind(), id);
        let old = match found.identity {
            Some(_) => address::rows_of_owner(self.store, owner)?,
            None => Vec::new(),
        };
        let mut rows = Vec::with_capacity(addresses.len());
        for address in addresses {
            if let Some(name_id) = self.name_id(found.edit, &found.key, facts, address) {
                rows.push((name_id, address, selected(address)));
            }
        }
        if found.identity.is_some() {
            address::remove(self.store, owner)?;
        }
        address::add(self.store, owner, facts.id, &rows)?;
        Ok(old)
    }
}
