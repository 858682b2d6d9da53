//! Objects of the directory: list, show, add, set, remove, passwords.

use std::fmt::Display;

use serde_json::{Value, json};
use waypost_admin::request::{Cause, Fault, Kind, List, Object, Refused, Removal, words};
use waypost_directory::{
    AdminRecord, Edit, Key, Object as Record, Page, PasswordHash, Role, Stored, When,
};
use waypost_proto::mail::Domain;

use super::{Asked, accounts, later};
use crate::console;
use crate::object::{self, Fields};

/// The field in which a new password comes.
const PASSWORD: &str = "password";
/// The field in which a new password of a target comes, which it logs in with here.
const CLIENT_PASSWORD: &str = "client_password";

impl Asked {
    pub(super) fn add(&self, request: &Object) -> Result<Value, Refused> {
        let key = object::key(request.kind, &request.name).map_err(one)?;
        let mut fields = edited(&Fields::new(), request);
        hash_password(&key, &mut fields)?;
        let record = object::make(&key, &fields).map_err(Refused::unsaved)?;
        let from = self.consult(request, (&record, None))?;
        self.edit_from(&from, &[Edit::Put(record, When::Absent)], &[])
    }

    pub(super) fn set(&self, request: &Object) -> Result<Value, Refused> {
        let key = object::key(request.kind, &request.name).map_err(one)?;
        let (record, revision) = self.read(&key)?.ok_or_else(|| nobody(&key))?;
        let mut fields = edited(&object::show(&record), request);
        hash_password(&key, &mut fields)?;
        let changed = object::change(&record, &fields).map_err(Refused::unsaved)?;
        let from = self.consult(request, (&changed, Some(&record)))?;
        let revision = request.revision.unwrap_or(revision);
        let edit = Edit::Put(changed, When::Revision(revision));
        let result = self.edit_from(&from, &[edit], &[record])?;
        if let (Key::Admin(login), true) = (&key, fields.contains_key(PASSWORD)) {
            console::forget_password(&self.data_dir, login);
        }
        Ok(result)
    }

    /// What the object is, and what saving it would make of it; the directory is asked whether it
    /// may be saved.
    pub(super) fn rehearsed(&self, request: &Object) -> Result<(Option<Record>, Edit), Refused> {
        let key = object::key(request.kind, &request.name).map_err(one)?;
        let present = self.read(&key)?;
        let shown = present.as_ref().map(|(record, _)| object::show(record));
        let mut fields = edited(&shown.unwrap_or_default(), request);
        hash_password(&key, &mut fields)?;
        let edit = match &present {
            None => Edit::Put(
                object::make(&key, &fields).map_err(Refused::unsaved)?,
                When::Absent,
            ),
            Some((record, revision)) => {
                let changed = object::change(record, &fields).map_err(Refused::unsaved)?;
                let revision = request.revision.unwrap_or(*revision);
                Edit::Put(changed, When::Revision(revision))
            }
        };
        Ok((present.map(|(record, _)| record), edit))
    }

    /// Asks peers about new addresses; says what the audit keeps of where the edit came from.
    fn consult(
        &self,
        request: &Object,
        (record, before): (&Record, Option<&Record>),
    ) -> Result<String, Refused> {
        let new = self.new_addresses(std::iter::once((record, before, None)))?;
        let objections = self.objections(&new);
        if objections.is_empty() {
            return Ok(self.caller.from.clone());
        }
        if !request.force {
            return Err(accounts::refused(&objections, None));
        }
        Ok(format!(
            "{}, {}",
            self.caller.from,
            accounts::overridden(&objections)
        ))
    }

    pub(super) fn remove(&self, removal: &Removal) -> Result<Value, Refused> {
        let key = object::key(removal.kind, &removal.name).map_err(one)?;
        let (record, _) = self.read(&key)?.ok_or_else(|| nobody(&key))?;
        let when = removal.revision.map_or(When::Present, When::Revision);
        self.edit(&[Edit::Remove(key, when)], &[record])
    }

    pub(super) fn show(&self, kind: Kind, name: &str) -> Result<Value, Refused> {
        let key = object::key(kind, name).map_err(one)?;
        let (record, revision) = self.read(&key)?.ok_or_else(|| nobody(&key))?;
        let mut fields = object::show(&record);
        fields.insert("revision".to_owned(), revision.into());
        self.add_standing(&record, &mut fields);
        Ok(Value::Object(fields))
    }

    pub(super) fn list(&self, list: &List) -> Result<Value, Refused> {
        let domain = list.domain.as_deref().map(Domain::parse).transpose();
        let domain = domain.map_err(|error| Refused::new(format!("--domain: {error}")))?;
        let page = Page {
            domain,
            after: list.after,
            limit: list.limit.clamp(1, 10_000),
        };
        let stored = self.page(list.kind, &page)?;
        let next = stored.last().map(|stored| stored.id);
        let next = next.filter(|_| stored.len() == page.limit);
        let items: Vec<Value> = stored
            .iter()
            .map(|stored| {
                let mut fields = object::show(&stored.record);
                fields.insert("revision".to_owned(), stored.revision.into());
                self.add_standing(&stored.record, &mut fields);
                Value::Object(fields)
            })
            .collect();
        Ok(json!({ "items": items, "next": next }))
    }

    pub(super) fn set_admin_password(&self, login: &str, text: &str) -> Result<Value, Refused> {
        let stored = self.directory.admin(login).map_err(|e| later(&e))?;
        let mut record = stored.map_or_else(
            || AdminRecord::new(login, Role::Superadministrator),
            |stored| stored.record,
        );
        record.password = hashed(text)?;
        record.must_change = false;
        let result = self.edit(&[Edit::Put(Record::Admin(record), When::Any)], &[])?;
        console::forget_password(&self.data_dir, login);
        Ok(result)
    }

    pub(super) fn read(&self, key: &Key) -> Result<Option<(Record, u64)>, Refused> {
        fn found<T>(
            stored: Option<Stored<T>>,
            object: impl Fn(T) -> Record,
        ) -> Option<(Record, u64)> {
            stored.map(|stored| (object(stored.record), stored.revision))
        }
        let directory = &self.directory;
        let read = match key {
            Key::Admin(login) => directory.admin(login).map(|s| found(s, Record::Admin)),
            Key::Domain(name) => directory.domain(name).map(|s| found(s, Record::Domain)),
            Key::Gateway(name) => directory.gateway(name).map(|s| found(s, Record::Gateway)),
            Key::Peer(name) => directory.peer(name).map(|s| found(s, Record::Peer)),
            Key::Group(domain, name) => directory
                .group(domain, name)
                .map(|s| found(s, Record::Group)),
            Key::Mailbox(domain, name) => {
                let stored = directory.mailbox(domain, name);
                stored.map(|s| found(s, Record::Mailbox))
            }
            Key::Target(name) => directory.target(name).map(|s| found(s, Record::Target)),
            Key::User(domain, login) => directory
                .user(domain, login)
                .map(|s| found(s, Record::User)),
            Key::Hold(_) | Key::Token(_) => Ok(None),
        };
        read.map_err(|error| later(&error))
    }

    pub(super) fn page(&self, kind: Kind, page: &Page) -> Result<Vec<Stored<Record>>, Refused> {
        fn all<T>(stored: Vec<Stored<T>>, object: impl Fn(T) -> Record) -> Vec<Stored<Record>> {
            let one = |stored: Stored<T>| Stored {
                id: stored.id,
                revision: stored.revision,
                origin: stored.origin,
                external_id: stored.external_id,
                record: object(stored.record),
            };
            stored.into_iter().map(one).collect()
        }
        let directory = &self.directory;
        let page = match kind {
            Kind::Admin => directory.admins(page).map(|s| all(s, Record::Admin)),
            Kind::Domain => directory.domains(page).map(|s| all(s, Record::Domain)),
            Kind::Gateway => directory.gateways(page).map(|s| all(s, Record::Gateway)),
            Kind::Group => directory.groups(page).map(|s| all(s, Record::Group)),
            Kind::Mailbox => directory.mailboxes(page).map(|s| all(s, Record::Mailbox)),
            Kind::Peer => directory.peers(page).map(|s| all(s, Record::Peer)),
            Kind::Target => directory.targets(page).map(|s| all(s, Record::Target)),
            Kind::User => directory.users(page).map(|s| all(s, Record::User)),
        };
        page.map_err(|error| later(&error))
    }
}

/// The fields that change, with what is added to and taken from the lists that are there.
fn edited(present: &Fields, request: &Object) -> Fields {
    let mut fields = request.fields.clone();
    let names = request.append.keys().chain(request.take.keys());
    for name in names {
        let list = fields.get(name).or_else(|| present.get(name));
        let mut list = list.and_then(Value::as_array).cloned().unwrap_or_default();
        let of = |fields: &Fields| {
            let values = fields.get(name).and_then(Value::as_array);
            values.cloned().unwrap_or_default()
        };
        let take = of(&request.take);
        list.retain(|value| !take.contains(value));
        for value in of(&request.append) {
            if !list.contains(&value) {
                list.push(value);
            }
        }
        fields.insert(name.clone(), Value::Array(list));
    }
    fields
}

/// A new password to log in with here comes as it is and is kept as a hash; that which is said to
/// a target is kept as it is.
fn hash_password(key: &Key, fields: &mut Fields) -> Result<(), Refused> {
    let field = match key {
        Key::Admin(_) | Key::User(..) => PASSWORD,
        Key::Peer(_) | Key::Target(_) => CLIENT_PASSWORD,
        _ => return Ok(()),
    };
    if let Some(Value::String(password)) = fields.get_mut(field) {
        *password = hashed(password)?.map_or_else(String::new, |hash| hash.expose().to_owned());
    }
    Ok(())
}

fn hashed(password: &str) -> Result<Option<PasswordHash>, Refused> {
    if password.is_empty() {
        return Ok(None);
    }
    let hash = PasswordHash::make(password);
    hash.map(Some)
        .map_err(|error| Refused::of(words::PASSWORD_UNUSABLE.having("why", &error)))
}

pub(super) fn nobody(key: &Key) -> Refused {
    no_such(key, key.kind())
}

/// There is no such object of this kind.
pub(super) fn no_such(object: &dyn Display, kind: waypost_directory::Kind) -> Refused {
    let words = words::NO_SUCH.having("object", &object.to_string());
    Refused::of(words.having("kind", &kind)).because(Cause::Missing)
}

pub(super) fn one(fault: Fault) -> Refused {
    Refused::unsaved(vec![fault])
}
