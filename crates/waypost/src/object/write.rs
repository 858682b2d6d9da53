//! From records to fields.

use std::fmt::Display;

use serde_json::{Value, json};
use waypost_directory::{
    AdminRecord, DomainRecord, GroupRecord, Object, SharedRecord, TargetRecord, UserRecord,
};

use super::Fields;
use crate::config::Size;

/// All fields of an object, secrets as `***`.
pub(crate) fn write(object: &Object) -> Fields {
    let value = match object {
        Object::Admin(record) => admin(record),
        Object::Domain(record) => domain(record),
        Object::Group(record) => group(record),
        Object::Mailbox(record) => mailbox(record),
        Object::Target(record) => target(record),
        Object::User(record) => user(record),
        Object::Hold(key, hold) => json!({ "name": key.to_string(), "reason": hold.reason }),
    };
    match value {
        Value::Object(fields) => fields,
        _ => Fields::new(),
    }
}

fn admin(record: &AdminRecord) -> Value {
    json!({
        "login": record.login,
        "role": record.role.to_string(),
        "password": secret(record.password.is_some()),
    })
}

fn domain(record: &DomainRecord) -> Value {
    let size = |bytes: u64| Size(bytes).to_string();
    json!({
        "name": record.name.as_str(),
        "aliases": texts(&record.aliases),
        "relay": text(record.relay.as_ref()),
        "forward_unknown": record.forward_unknown,
        "verify_unknown": record.verify_unknown.as_str(),
        "protect_senders": record.protect_senders,
        "postmaster": text(record.postmaster.as_ref()),
        "quota": {
            "user_max": size(record.quota.user_max),
            "user_default": size(record.quota.user_default),
            "shared_max": size(record.quota.shared_max),
            "shared_default": size(record.quota.shared_default),
        },
    })
}

fn user(record: &UserRecord) -> Value {
    json!({
        "domain": record.domain.as_str(),
        "login": record.login,
        "name": record.name,
        "mail": record.mail.as_str(),
        "addresses": texts(&record.addresses),
        "relayed": texts(record.relayed.as_deref().unwrap_or_default()),
        "target": record.target.clone().unwrap_or_default(),
        "password": secret(record.password.is_some()),
        "quota": quota(record.quota_bytes),
        "suspended": record.suspended,
    })
}

fn mailbox(record: &SharedRecord) -> Value {
    json!({
        "domain": record.domain.as_str(),
        "name": record.name,
        "addresses": texts(&record.addresses),
        "members": texts(&record.members),
        "quota": quota(record.quota_bytes),
    })
}

fn group(record: &GroupRecord) -> Value {
    json!({
        "domain": record.domain.as_str(),
        "name": record.name,
        "addresses": texts(&record.addresses),
        "members": texts(&record.members),
        "owner": text(record.owner.as_ref()),
    })
}

fn target(record: &TargetRecord) -> Value {
    json!({
        "name": record.name,
        "host": record.host.to_string(),
        "port": record.port,
        "sources": texts(&record.sources),
        "tls": record.tls.as_str(),
        "tls_pin": text(record.tls_pin.as_ref()),
        "username": record.username,
        "password": secret(!record.password.is_empty()),
        "connections": record.connections,
        "recipient": record.recipient.to_string(),
        "smart_host_on_error": record.smart_host_on_error,
    })
}

fn text<T: Display>(value: Option<&T>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

fn texts<T: Display>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

fn secret(is_set: bool) -> &'static str {
    if is_set { "***" } else { "" }
}

fn quota(bytes: Option<u64>) -> String {
    bytes
        .map(|bytes| Size(bytes).to_string())
        .unwrap_or_default()
}
