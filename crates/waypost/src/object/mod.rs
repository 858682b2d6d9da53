//! Single objects of the directory, as the command line names and changes them.
//!
//! Their fields are those of the site file, read and written by it: a change is the object's own
//! block of a site file with the given fields in place of what it said.

mod admin;

use serde_json::{Map, Value, json};
use waypost_admin::request::{Fault, Kind, words};
use waypost_directory::{Key, Object, Words};
use waypost_proto::mail::Domain;

use crate::config::json_of;
use crate::site_file;

/// Fields by name.
pub(crate) type Fields = Map<String, Value>;

/// The key of an object that the command line names: `old`, `example.com`, `jdoe@example.com`.
pub(crate) fn key(kind: Kind, name: &str) -> Result<Key, Fault> {
    let object = format!("{} {name}", kind.word());
    let fault = |words: Words| Fault::new(&object, "name", words);
    let domain = || {
        let wrong = |error| fault(words::syntax("", error).mended(words::WRITE_PLAIN_DOMAIN));
        Domain::parse(name).map_err(wrong)
    };
    let in_domain = || {
        let at = name.rsplit_once('@').filter(|(name, _)| !name.is_empty());
        let missing = || fault(words::DOMAIN_MISSING.having("name", name));
        let (local, domain) = at.ok_or_else(missing)?;
        let wrong = |error| fault(words::syntax("", error).mended(words::WRITE_NAME_AT_DOMAIN));
        let domain = Domain::parse(domain).map_err(wrong)?;
        Ok((domain, local.to_owned()))
    };
    Ok(match kind {
        Kind::Admin => Key::Admin(name.to_owned()),
        Kind::Peer => Key::Peer(name.to_owned()),
        Kind::Target => Key::Target(name.to_owned()),
        Kind::Domain => Key::Domain(domain()?),
        Kind::Gateway => Key::Gateway(domain()?),
        Kind::Group => in_domain().map(|(domain, name)| Key::Group(domain, name))?,
        Kind::Mailbox => in_domain().map(|(domain, name)| Key::Mailbox(domain, name))?,
        Kind::User => in_domain().map(|(domain, name)| Key::User(domain, name))?,
    })
}

/// All fields of an object, secrets as `***`.
pub(crate) fn show(object: &Object) -> Fields {
    if let Object::Admin(record) = object {
        return admin::show(record);
    }
    let mut fields = said(object);
    for secret in site_file::SECRETS {
        if let Some(value) = fields.get_mut(secret)
            && value != ""
        {
            *value = Value::from("***");
        }
    }
    fields
}

/// All fields of an object, secrets too.
fn said(object: &Object) -> Fields {
    let fields = site_file::fields(object).into_iter();
    fields
        .map(|(name, value)| (name.to_owned(), json_of(&value)))
        .collect()
}

/// A new object with these fields; every mistake at once.
pub(crate) fn make(key: &Key, given: &Fields) -> Result<Object, Vec<Fault>> {
    if let Key::Admin(login) = key {
        return admin::make(login, given).map(Object::Admin);
    }
    let mut fields = Fields::new();
    let mut name = |field: &str, value: &str| fields.insert(field.to_owned(), value.into());
    match key {
        Key::Admin(login) => name("login", login),
        Key::Token(id) => name("id", id),
        Key::Domain(domain) => name("name", domain.as_str()),
        Key::Group(domain, group) => {
            name("domain", domain.as_str());
            name("name", group)
        }
        Key::Gateway(domain) => name("domain", domain.as_str()),
        Key::Hold(key) => name("name", &key.to_string()),
        Key::Mailbox(domain, mailbox) => {
            name("domain", domain.as_str());
            name("name", mailbox)
        }
        Key::Peer(target) | Key::Target(target) => name("name", target),
        Key::User(domain, login) => {
            name("domain", domain.as_str());
            name("login", login)
        }
    };
    fields.extend(given.clone());
    read(key, &fields)
}

/// The object with the given fields instead of what they said; every mistake at once.
pub(crate) fn change(object: &Object, given: &Fields) -> Result<Object, Vec<Fault>> {
    if let Object::Admin(record) = object {
        return admin::change(record, given).map(Object::Admin);
    }
    let mut fields = said(object);
    let has_port = |host: &Value| host.as_str().is_some_and(|host| host.contains(':'));
    if given.get("host").is_some_and(has_port) {
        // The port in the host is the one that is meant now.
        fields.remove("port");
    }
    for (name, value) in given {
        match (fields.get_mut(name), value) {
            (Some(Value::Object(table)), Value::Object(values)) => table.extend(values.clone()),
            _ => {
                fields.insert(name.clone(), value.clone());
            }
        }
    }
    if fields.get("mail").is_some_and(|mail| mail != "third-party") {
        // What belongs to a third party goes with it.
        for name in ["relayed", "target"] {
            if !given.contains_key(name) {
                fields.remove(name);
            }
        }
    }
    // No list of relayed addresses means all of them, an empty one means none.
    if fields.get("relayed") == Some(&json!([])) {
        fields.remove("relayed");
    }
    read(&object.key(), &fields)
}

/// Reads the fields as a site file with this one object.
fn read(key: &Key, fields: &Fields) -> Result<Object, Vec<Fault>> {
    let mut text = format!("[[{}]]\n", key.kind());
    for (name, value) in fields {
        // It becomes part of a text: nothing but a name may be in it.
        if !name.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
            return Err(vec![fault(
                key,
                words::FIELD_UNKNOWN.quoting("field", name),
            )]);
        }
        let wrong = |error| vec![fault(key, words::AS_SAID.having("said", &error))];
        let value = toml::Value::try_from(value).map_err(wrong)?;
        text += &format!("{name} = {value}\n");
    }
    let read = site_file::read(&text).map(|site| site.into_objects().next());
    match read {
        // What may be done was asked for the object that the key names.
        Ok(Some(object)) if object.key() != *key => Err(vec![renamed(key)]),
        Ok(Some(object)) => Ok(object),
        Ok(None) => Err(vec![fault(key, words::NOTHING_SAID)]),
        Err(mut faults) => {
            // The lines are those of a text that nobody has written.
            faults.iter_mut().for_each(|fault| fault.line = None);
            Err(faults)
        }
    }
}

fn renamed(key: &Key) -> Fault {
    let field = match key {
        Key::User(..) => "login",
        _ => "name",
    };
    Fault::new(&key.to_string(), field, words::NAME_CLOSED)
}

fn fault(key: &Key, words: impl Into<Words>) -> Fault {
    Fault::new(&key.to_string(), "", words)
}

#[cfg(test)]
mod tests;
