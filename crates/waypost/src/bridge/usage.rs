//! How full mailboxes are.

use serde_json::{Value, json};
use waypost_admin::request::{Kind, Refused};
use waypost_directory::Key;
use waypost_proto::mail::{LocalPart, Mailbox};
use waypost_proto::route::{Destination, Store};

use super::{Asked, later};
use crate::object;

impl Asked {
    pub(super) fn usage(&self, kind: Kind, name: &str) -> Result<Value, Refused> {
        let key = object::key(kind, name).map_err(super::object::one)?;
        let (domain, login, store) = match &key {
            Key::User(domain, login) => (domain, login, Store::User),
            Key::Mailbox(domain, login) => (domain, login, Store::Shared),
            _ => {
                return Err(Refused::new(
                    "only users and shared mailboxes have mailboxes",
                ));
            }
        };
        let own = match store {
            Store::User => {
                let stored = self.directory.user(domain, login).map_err(|e| later(&e))?;
                stored.map(|stored| stored.record.quota_bytes)
            }
            _ => {
                let stored = self.directory.mailbox(domain, login);
                let stored = stored.map_err(|e| later(&e))?;
                stored.map(|stored| stored.record.quota_bytes)
            }
        };
        let own = own.ok_or_else(|| super::object::nobody(&key))?;
        let stored = self.directory.domain(domain).map_err(|e| later(&e))?;
        let quota = stored.map(|stored| stored.record.quota).unwrap_or_default();
        let default = match store {
            Store::User => quota.user_default,
            _ => quota.shared_default,
        };
        let quota_bytes = own.unwrap_or(default);
        let used = self.used.as_ref().zip(LocalPart::parse(login).ok());
        let used_bytes = used.and_then(|(used, local)| {
            used(&Destination {
                store,
                domain: domain.clone(),
                login: login.as_str().into(),
                quota_bytes,
                recipient: Mailbox::new(local, domain.clone()),
            })
        });
        Ok(json!({ "quota_bytes": quota_bytes, "used_bytes": used_bytes }))
    }
}
