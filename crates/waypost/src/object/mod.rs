//! Objects of the directory as fields with names, as the site file and the command line write
//! them: read into records with every mistake named, and written back.

mod read;
mod write;

use serde_json::{Map, Value};
use waypost_directory::{
    DomainRecord, GroupRecord, Host, Key, MailType, Object, SharedRecord, TargetRecord, UserRecord,
};
use waypost_proto::mail::{Domain, Mailbox};

use crate::control::protocol::{Fault, Kind};

pub(crate) use write::write;

/// Fields by name.
pub(crate) type Fields = Map<String, Value>;

/// The key of an object that the command line names: `old`, `example.com`, `jdoe@example.com`.
pub(crate) fn key(kind: Kind, name: &str) -> Result<Key, Fault> {
    let fault = |message: String, mend: &str| Fault {
        object: format!("{} {name}", kind.word()),
        line: None,
        field: "name".to_owned(),
        message,
        mend: mend.to_owned(),
    };
    let in_domain = || {
        let at = name.rsplit_once('@').filter(|(name, _)| !name.is_empty());
        let (local, domain) = at.ok_or_else(|| {
            let mend = format!("write NAME@DOMAIN, such as {name}@example.com");
            fault("the domain is missing".to_owned(), &mend)
        })?;
        let domain =
            Domain::parse(domain).map_err(|error| fault(error.to_string(), "write NAME@DOMAIN"))?;
        Ok((domain, local.to_owned()))
    };
    Ok(match kind {
        Kind::Admin => Key::Admin(name.to_owned()),
        Kind::Target => Key::Target(name.to_owned()),
        Kind::Domain => Key::Domain(
            Domain::parse(name).map_err(|error| fault(error.to_string(), "write a domain"))?,
        ),
        Kind::Group => in_domain().map(|(domain, name)| Key::Group(domain, name))?,
        Kind::Mailbox => in_domain().map(|(domain, name)| Key::Mailbox(domain, name))?,
        Kind::User => in_domain().map(|(domain, name)| Key::User(domain, name))?,
    })
}

/// An object that has only a name, with the addresses that people expect.
pub(crate) fn new(key: &Key) -> Option<Object> {
    let own = |domain: &Domain, name: &str| {
        let mailbox = Mailbox::parse(&format!("{name}@{domain}")).ok()?;
        waypost_directory::Address::parse(&mailbox.to_string()).ok()
    };
    Some(match key {
        Key::Domain(name) => Object::Domain(DomainRecord::new(name.clone())),
        Key::Target(name) => {
            let nowhere = Host::Address(std::net::Ipv4Addr::UNSPECIFIED.into());
            Object::Target(TargetRecord::new(name.clone(), nowhere))
        }
        Key::User(domain, login) => {
            let mut user = UserRecord::new(domain.clone(), login.clone());
            user.mail = MailType::Local;
            user.addresses = own(domain, login).into_iter().collect();
            Object::User(user)
        }
        Key::Mailbox(domain, name) => Object::Mailbox(SharedRecord {
            domain: domain.clone(),
            name: name.clone(),
            addresses: own(domain, name).into_iter().collect(),
            members: Vec::new(),
            quota_bytes: None,
        }),
        Key::Group(domain, name) => Object::Group(GroupRecord {
            domain: domain.clone(),
            name: name.clone(),
            addresses: own(domain, name).into_iter().collect(),
            members: Vec::new(),
            owner: None,
        }),
        Key::Admin(_) | Key::Hold(_) => return None,
    })
}

/// Changes the fields that are given; every mistake at once.
pub(crate) fn change(object: &mut Object, fields: &Fields) -> Result<(), Vec<Fault>> {
    let mut reader = read::Reader::new(object.key().to_string(), fields);
    match object {
        Object::Domain(record) => reader.domain(record),
        Object::Group(record) => reader.group(record),
        Object::Mailbox(record) => reader.mailbox(record),
        Object::Target(record) => reader.target(record),
        Object::User(record) => reader.user(record),
        Object::Admin(_) | Object::Hold(..) => {}
    }
    reader.finish()
}

#[cfg(test)]
mod tests;
