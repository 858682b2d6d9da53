//! From records to the keys and values of the site file.

use std::fmt::Display;

use waypost_directory::{
    DomainRecord, GatewayRecord, GroupRecord, Host, Object, PasswordHash, PeerRecord, Secret,
    SharedRecord, TargetRecord, UserRecord,
};

use crate::config::Size;

/// A key and its value as TOML.
pub(crate) type Field = (&'static str, String);

/// Keys whose values are never shown.
pub(crate) const SECRETS: [&str; 4] = [
    "client_password",
    "minger_accept",
    "minger_secret",
    "password",
];

/// Everything that the site file says about an object; what it does not keep has no fields.
pub(crate) fn of(object: &Object) -> Vec<Field> {
    match object {
        Object::Domain(record) => domain(record),
        Object::Gateway(record) => gateway(record),
        Object::Group(record) => group(record),
        Object::Mailbox(record) => mailbox(record),
        Object::Peer(record) => peer(record),
        Object::Target(record) => target(record),
        Object::User(record) => user(record),
        Object::Admin(_) | Object::Hold(..) | Object::Token(_) => Vec::new(),
    }
}

/// The fields whose values are not those that hold when the site file does not say.
pub(super) fn without_defaults(object: &Object) -> Vec<Field> {
    let defaults = match object {
        Object::Domain(record) => domain(&DomainRecord::new(record.name.clone())),
        Object::Gateway(record) => gateway(&GatewayRecord::new(
            record.domain.clone(),
            record.target.clone(),
        )),
        Object::Peer(record) => peer(&PeerRecord::new(plain(&record.target))),
        Object::Target(record) => target(&plain(record)),
        Object::User(_) => vec![("name", text("")), ("suspended", "false".to_owned())],
        Object::Mailbox(_) | Object::Group(_) => vec![("members", "[]".to_owned())],
        Object::Admin(_) | Object::Hold(..) | Object::Token(_) => Vec::new(),
    };
    let keeps = |field: &Field| match (object, field.0) {
        (Object::Domain(_) | Object::Peer(_) | Object::Target(_), "name" | "host") => true,
        (Object::Gateway(_), "domain" | "target") => true,
        _ => !defaults.contains(field),
    };
    of(object).into_iter().filter(keeps).collect()
}

/// A target of which nothing but the name is said.
fn plain(record: &TargetRecord) -> TargetRecord {
    let nowhere = Host::Address([0, 0, 0, 0].into());
    TargetRecord::new(record.name.clone(), nowhere)
}

fn gateway(record: &GatewayRecord) -> Vec<Field> {
    let mut fields = vec![
        ("domain", text(&record.domain)),
        ("target", text(&record.target)),
        ("verify", text(record.verify.as_str())),
    ];
    let minger_host = record.minger_host.as_ref();
    fields.extend(minger_host.map(|host| ("minger_host", text(host))));
    fields.extend([
        ("minger_port", record.minger_port.to_string()),
        ("minger_secret", secret(&record.minger_secret)),
    ]);
    let list = record.list.as_ref();
    fields.extend(list.map(|list| ("list", text(list.display()))));
    fields.extend([
        ("sharing_too", record.sharing_too.to_string()),
        ("unreachable", text(record.unreachable.as_str())),
    ]);
    fields
}

fn peer(record: &PeerRecord) -> Vec<Field> {
    let mut fields = target(&record.target);
    fields.extend([
        ("minger_port", record.minger_port.to_string()),
        ("minger_secret", secret(&record.minger_secret)),
        ("minger_accept", secret(&record.minger_accept)),
        ("minger_domains", list(&record.minger_domains)),
    ]);
    fields
}

fn target(record: &TargetRecord) -> Vec<Field> {
    let mut fields = vec![
        ("name", text(&record.name)),
        ("host", text(&record.host)),
        ("port", record.port.to_string()),
        ("sources", list(&record.sources)),
        ("tls", text(record.tls.as_str())),
    ];
    fields.extend(record.tls_pin.map(|pin| ("tls_pin", text(pin))));
    fields.extend([
        ("username", text(&record.username)),
        ("password", secret(&record.password)),
        ("connections", record.connections.to_string()),
        ("recipient", text(&record.recipient)),
        (
            "smart_host_on_error",
            record.smart_host_on_error.to_string(),
        ),
        ("cut_through", record.cut_through.to_string()),
    ]);
    fields.extend(record.client_pin.map(|pin| ("client_pin", text(pin))));
    fields.push(("client_login", text(&record.client_login)));
    let password = record.client_password.as_ref();
    fields.extend(password.map(|hash| ("client_password", text(hash.expose()))));
    fields
}

fn domain(record: &DomainRecord) -> Vec<Field> {
    let mut fields = vec![
        ("name", text(&record.name)),
        ("aliases", list(&record.aliases)),
    ];
    fields.extend(record.relay.as_ref().map(|relay| ("relay", text(relay))));
    fields.extend([
        ("forward_unknown", record.forward_unknown.to_string()),
        ("sharing", list(&record.sharing)),
        ("verify_unknown", text(record.verify_unknown.as_str())),
        ("protect_senders", record.protect_senders.to_string()),
    ]);
    let postmaster = record.postmaster.as_ref();
    fields.extend(postmaster.map(|postmaster| ("postmaster", text(postmaster))));
    let quota = &record.quota;
    fields.push((
        "quota",
        format!(
            "{{ user_max = {}, user_default = {}, shared_max = {}, shared_default = {} }}",
            text(Size(quota.user_max)),
            text(Size(quota.user_default)),
            text(Size(quota.shared_max)),
            text(Size(quota.shared_default)),
        ),
    ));
    fields
}

fn user(record: &UserRecord) -> Vec<Field> {
    let mut fields = vec![
        ("domain", text(&record.domain)),
        ("login", text(&record.login)),
        ("name", text(&record.name)),
        ("mail", text(record.mail)),
        ("addresses", list(&record.addresses)),
    ];
    let relayed = record.relayed.as_deref();
    fields.extend(relayed.map(|relayed| ("relayed", list(relayed))));
    let target = record.target.as_ref();
    fields.extend(target.map(|target| ("target", text(target))));
    let password = record.password.as_ref();
    fields.extend(
        password
            .map(PasswordHash::expose)
            .map(|hash| ("password", text(hash))),
    );
    fields.extend(quota(record.quota_bytes));
    fields.push(("suspended", record.suspended.to_string()));
    fields
}

fn mailbox(record: &SharedRecord) -> Vec<Field> {
    let mut fields = vec![
        ("domain", text(&record.domain)),
        ("name", text(&record.name)),
        ("addresses", list(&record.addresses)),
        ("members", list(&record.members)),
    ];
    fields.extend(quota(record.quota_bytes));
    fields
}

fn group(record: &GroupRecord) -> Vec<Field> {
    let mut fields = vec![
        ("domain", text(&record.domain)),
        ("name", text(&record.name)),
        ("addresses", list(&record.addresses)),
        ("members", list(&record.members)),
    ];
    fields.extend(record.owner.as_ref().map(|owner| ("owner", text(owner))));
    fields
}

fn quota(bytes: Option<u64>) -> Option<Field> {
    bytes.map(|bytes| ("quota", text(Size(bytes))))
}

fn secret(secret: &Secret) -> String {
    text(secret.expose())
}

/// A basic string, on one line whatever it holds.
fn text(value: impl Display) -> String {
    let mut quoted = String::from("\"");
    for c in value.to_string().chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn list(values: &[impl Display]) -> String {
    let values: Vec<String> = values.iter().map(text).collect();
    format!("[{}]", values.join(", "))
}
