//! Rules that one record keeps or breaks by itself.

use std::collections::HashMap;
use std::collections::HashSet;

use waypost_proto::mail::Mailbox;
use waypost_proto::minger;

use super::{About, words};
use crate::Secret;
use crate::model::{
    Address, AdminRecord, DomainRecord, GatewayRecord, GatewayVerify, Grant, GroupRecord, Host,
    MailType, Names, Object, PeerRecord, Role, Scope, SharedRecord, TargetRecord, TlsPolicy,
    TokenRecord, UserRecord,
};

/// Longest login or name.
const MAX_NAME_OCTETS: usize = 64;
/// A token's public name has so many characters.
const TOKEN_ID_OCTETS: usize = 8;
/// Longest text for people, and credentials.
const MAX_TEXT_OCTETS: usize = 255;
/// Most connections that a target can be given.
const MAX_CONNECTIONS: u32 = 10_000;
/// Largest number that the store can keep.
const MAX_BYTES: u64 = i64::MAX as u64;

/// Checks a record of any kind.
pub(crate) fn check(object: &Object, about: &mut About<'_>) {
    match object {
        Object::Admin(record) => admin(record, about),
        Object::Domain(record) => domain(record, about),
        Object::Gateway(record) => gateway(record, about),
        Object::Group(record) => group(record, about),
        Object::Hold(_, hold) => text("reason", &hold.reason, about),
        Object::Mailbox(record) => mailbox(record, about),
        Object::Peer(record) => peer(record, about),
        Object::Target(record) => target(record, about),
        Object::Token(record) => token(record, about),
        Object::User(record) => user(record, about),
    }
}

fn admin(record: &AdminRecord, about: &mut About<'_>) {
    name_with("login", &record.login, "._@-", about);
    text("name", &record.name, about);
    rights(record.role, (&record.domains, &record.grants), about);
    if record.login.contains('@') {
        if record.user().is_none() {
            about.add(
                "login",
                words::ADMIN_NO_LOGIN.quoting("login", &record.login),
            );
        }
        if record.password.is_some() {
            about.add("password", words::ADMIN_IS_USER);
        }
        if record.must_change {
            about.add("must_change", words::ADMIN_IS_USER);
        }
    }
}

fn token(record: &TokenRecord, about: &mut About<'_>) {
    let base32 = |c: char| c.is_ascii_lowercase() || ('2'..='7').contains(&c);
    if record.id.len() != TOKEN_ID_OCTETS || !record.id.chars().all(base32) {
        about.add(
            "id",
            words::TOKEN_ID
                .quoting("id", &record.id)
                .having("count", TOKEN_ID_OCTETS),
        );
    }
    text("name", &record.name, about);
    rights(record.role, (&record.domains, &record.grants), about);
}

fn rights(role: Role, (domains, grants): (&Scope, &[Grant]), about: &mut About<'_>) {
    let mut seen = HashSet::new();
    match (role, domains) {
        (_, Scope::All) => {}
        (Role::Superadministrator, Scope::Domains(_)) => {
            about.add("domains", words::SUPERADMINISTRATOR_EVERYWHERE)
        }
        (_, Scope::Domains(domains)) if domains.is_empty() => {
            about.add("domains", words::ADMIN_NEEDS_DOMAIN.having("role", &role))
        }
        (_, Scope::Domains(domains)) => {
            for domain in domains.iter().filter(|domain| !seen.insert(*domain)) {
                about.add("domains", words::THERE_TWICE.having("value", domain));
            }
        }
    }
    let mut seen = HashSet::new();
    for grant in grants.iter().filter(|grant| !seen.insert(**grant)) {
        about.add("grants", words::THERE_TWICE.having("value", grant));
    }
}

fn domain(record: &DomainRecord, about: &mut About<'_>) {
    if record.name.address().is_some() {
        about.add("name", words::DOMAIN_IS_IP);
    }
    let mut seen = HashSet::from([&record.name]);
    for alias in &record.aliases {
        if alias.address().is_some() {
            about.add("aliases", words::ALIAS_IS_IP.having("alias", alias));
        }
        if !seen.insert(alias) {
            about.add("aliases", words::ALIAS_TWICE.having("alias", alias));
        }
    }
    if record.forward_unknown && record.relay.is_none() {
        about.add("forward_unknown", words::FORWARD_NEEDS_RELAY);
    }
    let mut shared = HashSet::new();
    for peer in &record.sharing {
        if !shared.insert(peer) {
            about.add("sharing", words::THERE_TWICE.having("value", peer));
        }
    }
    quota_limits(record, about);
    if let Some(postmaster) = &record.postmaster {
        let role = ["postmaster", "abuse"].contains(&postmaster.local.folded().as_str());
        if role && record.names().any(|name| *name == postmaster.domain) {
            about.add(
                "postmaster",
                words::POSTMASTER_IS_ROLE.having("address", postmaster),
            );
        }
    }
}

fn quota_limits(record: &DomainRecord, about: &mut About<'_>) {
    let quota = &record.quota;
    for (words, default, max) in [
        (
            words::QUOTA_USER_DEFAULT,
            quota.user_default,
            quota.user_max,
        ),
        (
            words::QUOTA_SHARED_DEFAULT,
            quota.shared_default,
            quota.shared_max,
        ),
    ] {
        if max != 0 && default > max {
            about.add(
                "quota",
                words
                    .having("default_bytes", default)
                    .having("max_bytes", max),
            );
        }
        bytes("quota", Some(default.max(max)), about);
    }
}

fn gateway(record: &GatewayRecord, about: &mut About<'_>) {
    if record.domain.address().is_some() {
        about.add("domain", words::DOMAIN_IS_IP);
    }
    minger_port(record.minger_port, about);
    minger_secret("minger_secret", &record.minger_secret, about);
    if let Some(Host::Mx(name)) = &record.minger_host {
        about.add("minger_host", words::MINGER_HOST_IS_MX.having("name", name));
    }
    match &record.list {
        None if record.verify == GatewayVerify::List => about.add("list", words::LIST_MISSING),
        Some(list) if !list.is_absolute() => about.add(
            "list",
            words::LIST_NOT_WHOLE.having("path", &list.display()),
        ),
        _ => {}
    }
}

fn peer(record: &PeerRecord, about: &mut About<'_>) {
    target(&record.target, about);
    if let Host::Mx(name) = &record.target.host {
        about.add("host", words::PEER_IS_MX.having("name", name));
    }
    minger_port(record.minger_port, about);
    minger_secret("minger_secret", &record.minger_secret, about);
    minger_secret("minger_accept", &record.minger_accept, about);
}

fn minger_port(port: u16, about: &mut About<'_>) {
    if port == 0 {
        about.add("minger_port", words::PORT_ZERO);
    }
}

fn minger_secret(field: &'static str, secret: &Secret, about: &mut About<'_>) {
    if !secret.is_empty() && minger::Secret::parse(secret.expose()).is_err() {
        about.add(field, words::MINGER_SECRET);
    }
}

fn group(record: &GroupRecord, about: &mut About<'_>) {
    name("name", &record.name, about);
    addresses(&record.addresses, about);
    members(&record.members, about);
    if let Some(owner) = &record.owner {
        let own = record.addresses.iter().any(|address| {
            address.local().as_str() == owner.local.folded()
                && match address.names() {
                    Names::All => owner.domain == record.domain,
                    Names::One(name) => *name == owner.domain,
                }
        });
        if own {
            about.add("owner", words::GROUP_OWNER_IS_GROUP.having("owner", owner));
        }
    }
}

fn mailbox(record: &SharedRecord, about: &mut About<'_>) {
    name("name", &record.name, about);
    addresses(&record.addresses, about);
    members(&record.members, about);
    bytes("quota", record.quota_bytes, about);
}

fn target(record: &TargetRecord, about: &mut About<'_>) {
    name_with("name", &record.name, "_-", about);
    if record.port == 0 {
        about.add("port", words::PORT_ZERO);
    }
    if record.connections == 0 || record.connections > MAX_CONNECTIONS {
        about.add(
            "connections",
            words::CONNECTIONS
                .having("connections", u64::from(record.connections))
                .having("max", u64::from(MAX_CONNECTIONS)),
        );
    }
    match (record.tls, record.tls_pin) {
        (TlsPolicy::Pinned, None) => about.add("tls_pin", words::PIN_MISSING),
        (TlsPolicy::Pinned, Some(_)) | (_, None) => {}
        (other, Some(_)) => about.add("tls_pin", words::PIN_UNUSED.having("tls", other.as_str())),
    }
    credentials(record, about);
    client_login(record, about);
}

/// A user's login has an `@` in it and a target's has none, so that they are never the same.
fn client_login(record: &TargetRecord, about: &mut About<'_>) {
    let (named, has_password) = (
        !record.client_login.is_empty(),
        record.client_password.is_some(),
    );
    if named {
        name_with("client_login", &record.client_login, "._-", about);
    }
    if named && !has_password {
        about.add("client_password", words::CLIENT_PASSWORD_MISSING);
    }
    if has_password && !named {
        about.add("client_login", words::CLIENT_LOGIN_MISSING);
    }
}

fn credentials(record: &TargetRecord, about: &mut About<'_>) {
    text("username", &record.username, about);
    text("password", record.password.expose(), about);
    let (name, secret) = (!record.username.is_empty(), !record.password.is_empty());
    if name && !secret {
        about.add("password", words::PASSWORD_MISSING);
    }
    if secret && !name {
        about.add("username", words::USERNAME_MISSING);
    }
    if name && secret && record.tls == TlsPolicy::Off {
        about.add("tls", words::PASSWORD_IN_CLEAR);
    }
}

fn user(record: &UserRecord, about: &mut About<'_>) {
    name("login", &record.login, about);
    text("name", &record.name, about);
    if record.mail != MailType::None {
        addresses(&record.addresses, about);
    } else {
        duplicates(&record.addresses, about);
    }
    bytes("quota", record.quota_bytes, about);
    if record.mail != MailType::ThirdParty {
        if record.relayed.is_some() {
            about.add("relayed", words::THIRD_PARTY_ONLY);
        }
        if record.target.is_some() {
            about.add("target", words::THIRD_PARTY_ONLY);
        }
    }
    for address in record.relayed.iter().flatten() {
        if !record.addresses.contains(address) {
            about.add("relayed", words::RELAYED_NOT_HIS.having("address", address));
        }
    }
}

fn addresses(addresses: &[Address], about: &mut About<'_>) {
    if addresses.is_empty() {
        about.add("addresses", words::ADDRESSES_NONE);
    }
    duplicates(addresses, about);
}

fn duplicates(addresses: &[Address], about: &mut About<'_>) {
    let mut by_local: HashMap<&str, Vec<&Address>> = HashMap::new();
    for address in addresses {
        let same = by_local.entry(address.local().as_str()).or_default();
        let clash = same.iter().find(|other| {
            *other.names() == Names::All
                || *address.names() == Names::All
                || other.names() == address.names()
        });
        if let Some(other) = clash {
            about.add(
                "addresses",
                words::ADDRESSES_OVERLAP
                    .having("address", address)
                    .having("other", *other),
            );
        }
        same.push(address);
    }
}

fn members(members: &[Mailbox], about: &mut About<'_>) {
    let mut seen = HashSet::new();
    for member in members {
        if !seen.insert((member.local.folded(), &member.domain)) {
            about.add("members", words::THERE_TWICE.having("value", member));
        }
    }
}

fn name(field: &'static str, value: &str, about: &mut About<'_>) {
    name_with(field, value, "._-", about);
}

/// A name begins with a letter or digit, so that it is never an option or a hidden file, and has
/// no `/`, so that it is never a path.
fn name_with(field: &'static str, value: &str, others: &str, about: &mut About<'_>) {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let good = value.starts_with(plain)
        && value.len() <= MAX_NAME_OCTETS
        && value.chars().all(|c| plain(c) || others.contains(c));
    if !good {
        let others: Vec<String> = others.chars().map(String::from).collect();
        about.add(
            field,
            words::NAME
                .quoting("name", value)
                .having("max", MAX_NAME_OCTETS)
                .having("others", &others.join(" ")),
        );
    }
}

fn text(field: &'static str, value: &str, about: &mut About<'_>) {
    if value.len() > MAX_TEXT_OCTETS {
        about.add(
            field,
            words::TEXT_TOO_LONG.having("octets", MAX_TEXT_OCTETS),
        );
    }
    if value.chars().any(char::is_control) {
        about.add(field, words::TEXT_CONTROL);
    }
}

fn bytes(field: &'static str, value: Option<u64>, about: &mut About<'_>) {
    if value.is_some_and(|bytes| bytes > MAX_BYTES) {
        about.add(field, words::QUOTA_TOO_LARGE);
    }
}
