//! Rules that one record keeps or breaks by itself.

use std::collections::HashMap;
use std::collections::HashSet;

use waypost_proto::mail::Mailbox;
use waypost_proto::minger;

use super::About;
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
                format!("{:?} is no user's login", record.login),
                "write login@domain for a user, or leave the @ out",
            );
        }
        let mend = "leave it out: he logs in with the password that he has as a user";
        if record.password.is_some() {
            about.add("password", "is for logins without an @", mend);
        }
        if record.must_change {
            about.add("must_change", "is for logins without an @", mend);
        }
    }
}

fn token(record: &TokenRecord, about: &mut About<'_>) {
    let base32 = |c: char| c.is_ascii_lowercase() || ('2'..='7').contains(&c);
    if record.id.len() != TOKEN_ID_OCTETS || !record.id.chars().all(base32) {
        about.add(
            "id",
            format!("{:?} is not possible", record.id),
            format!("use {TOKEN_ID_OCTETS} of a-z 2-7"),
        );
    }
    text("name", &record.name, about);
    rights(record.role, (&record.domains, &record.grants), about);
}

fn rights(role: Role, (domains, grants): (&Scope, &[Grant]), about: &mut About<'_>) {
    let mut seen = HashSet::new();
    match (role, domains) {
        (_, Scope::All) => {}
        (Role::Superadministrator, Scope::Domains(_)) => about.add(
            "domains",
            "a superadministrator is not limited to domains",
            "write *, or choose another role",
        ),
        (_, Scope::Domains(domains)) if domains.is_empty() => about.add(
            "domains",
            format!("a {role} needs some"),
            "name at least one domain, or write * for all",
        ),
        (_, Scope::Domains(domains)) => {
            for domain in domains.iter().filter(|domain| !seen.insert(*domain)) {
                about.add(
                    "domains",
                    format!("{domain} is there twice"),
                    "remove it once",
                );
            }
        }
    }
    let mut seen = HashSet::new();
    for grant in grants.iter().filter(|grant| !seen.insert(**grant)) {
        about.add(
            "grants",
            format!("{grant} is there twice"),
            "remove it once",
        );
    }
}

fn domain(record: &DomainRecord, about: &mut About<'_>) {
    if record.name.address().is_some() {
        about.add(
            "name",
            "is an IP address",
            "a domain has a name, such as example.com",
        );
    }
    let mut seen = HashSet::from([&record.name]);
    for alias in &record.aliases {
        if alias.address().is_some() {
            about.add(
                "aliases",
                format!("{alias} is an IP address"),
                "an alias is a name, such as example.org",
            );
        }
        if !seen.insert(alias) {
            about.add(
                "aliases",
                format!("{alias} is there twice, or is the main name"),
                "remove it once",
            );
        }
    }
    if record.forward_unknown && record.relay.is_none() {
        about.add(
            "forward_unknown",
            "forward unknown needs a relay",
            "set relay, or forward_unknown = false",
        );
    }
    let mut shared = HashSet::new();
    for peer in &record.sharing {
        if !shared.insert(peer) {
            about.add(
                "sharing",
                format!("{peer} is there twice"),
                "remove it once",
            );
        }
    }
    quota_limits(record, about);
    if let Some(postmaster) = &record.postmaster {
        let role = ["postmaster", "abuse"].contains(&postmaster.local.folded().as_str());
        if role && record.names().any(|name| *name == postmaster.domain) {
            about.add(
                "postmaster",
                format!("{postmaster} is what this setting finds an address for"),
                "name a person's address, or give a user that address",
            );
        }
    }
}

fn quota_limits(record: &DomainRecord, about: &mut About<'_>) {
    let quota = &record.quota;
    for (what, default, max) in [
        ("user", quota.user_default, quota.user_max),
        ("shared", quota.shared_default, quota.shared_max),
    ] {
        if max != 0 && default > max {
            about.add(
                "quota",
                format!("{what}_default ({default} bytes) is above {what}_max ({max} bytes)"),
                format!("lower {what}_default, raise {what}_max, or set it to \"0\" for none"),
            );
        }
        bytes("quota", Some(default.max(max)), about);
    }
}

fn gateway(record: &GatewayRecord, about: &mut About<'_>) {
    if record.domain.address().is_some() {
        about.add(
            "domain",
            "is an IP address",
            "a domain has a name, such as example.com",
        );
    }
    minger_port(record.minger_port, about);
    minger_secret("minger_secret", &record.minger_secret, about);
    if let Some(Host::Mx(name)) = &record.minger_host {
        about.add(
            "minger_host",
            format!("mx:{name} may be several servers, and one is asked"),
            "name the one that answers Minger",
        );
    }
    match &record.list {
        None if record.verify == GatewayVerify::List => about.add(
            "list",
            "is missing, and verify is list",
            "name the file of addresses, such as \"/etc/waypost/branch.addresses\"",
        ),
        Some(list) if !list.is_absolute() => about.add(
            "list",
            format!("{} has no folder", list.display()),
            "write the whole path, from / on",
        ),
        _ => {}
    }
}

fn peer(record: &PeerRecord, about: &mut About<'_>) {
    target(&record.target, about);
    if let Host::Mx(name) = &record.target.host {
        about.add(
            "host",
            format!("mx:{name} may be several servers, and a peer is one that is asked"),
            "name the server that has the mailboxes and answers Minger",
        );
    }
    minger_port(record.minger_port, about);
    minger_secret("minger_secret", &record.minger_secret, about);
    minger_secret("minger_accept", &record.minger_accept, about);
}

fn minger_port(port: u16, about: &mut About<'_>) {
    if port == 0 {
        about.add("minger_port", "is 0", "a port is between 1 and 65535");
    }
}

fn minger_secret(field: &'static str, secret: &Secret, about: &mut About<'_>) {
    if !secret.is_empty() && minger::Secret::parse(secret.expose()).is_err() {
        about.add(
            field,
            "is no secret that servers can use over Minger",
            "write 16 to 50 visible ASCII characters, without spaces",
        );
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
            about.add(
                "owner",
                format!("{owner} is the group itself, which would get its own bounces"),
                "name a person's address",
            );
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
        about.add("port", "is 0", "a port is between 1 and 65535");
    }
    if record.connections == 0 || record.connections > MAX_CONNECTIONS {
        about.add(
            "connections",
            format!("{} is not possible", record.connections),
            format!("give a number from 1 to {MAX_CONNECTIONS}; hold the target to pause it"),
        );
    }
    match (record.tls, record.tls_pin) {
        (TlsPolicy::Pinned, None) => about.add(
            "tls_pin",
            "is missing, and tls is pinned",
            "give the SHA-256 of the server's public key in 64 hexadecimal digits",
        ),
        (TlsPolicy::Pinned, Some(_)) | (_, None) => {}
        (other, Some(_)) => about.add(
            "tls_pin",
            format!("is given, and tls is {}", other.as_str()),
            "remove it, or set tls = \"pinned\"",
        ),
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
        about.add(
            "client_password",
            "is missing, and client_login is set",
            "give both, or none",
        );
    }
    if has_password && !named {
        about.add(
            "client_login",
            "is missing, and client_password is set",
            "give both, or none",
        );
    }
}

fn credentials(record: &TargetRecord, about: &mut About<'_>) {
    text("username", &record.username, about);
    text("password", record.password.expose(), about);
    let (name, secret) = (!record.username.is_empty(), !record.password.is_empty());
    if name && !secret {
        about.add(
            "password",
            "is missing, and username is set",
            "give both, or none",
        );
    }
    if secret && !name {
        about.add(
            "username",
            "is missing, and password is set",
            "give both, or none",
        );
    }
    if name && secret && record.tls == TlsPolicy::Off {
        about.add(
            "tls",
            "is off, and the password would travel in the clear",
            "set tls to opportunistic or better, or remove username and password",
        );
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
        let mend = "remove it, or set mail = \"third-party\"";
        if record.relayed.is_some() {
            about.add("relayed", "is for third-party users only", mend);
        }
        if record.target.is_some() {
            about.add("target", "is for third-party users only", mend);
        }
    }
    for address in record.relayed.iter().flatten() {
        if !record.addresses.contains(address) {
            about.add(
                "relayed",
                format!("{address} is not one of the user's addresses"),
                "add it to addresses in the same form, or remove it from relayed",
            );
        }
    }
}

fn addresses(addresses: &[Address], about: &mut About<'_>) {
    if addresses.is_empty() {
        about.add(
            "addresses",
            "there is none, so no mail can arrive",
            "give at least one; the first is the default address",
        );
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
                format!("{address} and {other} are the same address at some name"),
                "remove one of them",
            );
        }
        same.push(address);
    }
}

fn members(members: &[Mailbox], about: &mut About<'_>) {
    let mut seen = HashSet::new();
    for member in members {
        if !seen.insert((member.local.folded(), &member.domain)) {
            about.add(
                "members",
                format!("{member} is there twice"),
                "remove it once",
            );
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
            format!("{value:?} is not possible"),
            format!(
                "use 1 to {MAX_NAME_OCTETS} of a-z 0-9 {}, a letter or digit first",
                others.join(" ")
            ),
        );
    }
}

fn text(field: &'static str, value: &str, about: &mut About<'_>) {
    if value.len() > MAX_TEXT_OCTETS {
        about.add(
            field,
            format!("is longer than {MAX_TEXT_OCTETS} octets"),
            "shorten it",
        );
    }
    if value.chars().any(char::is_control) {
        about.add(field, "has a control character in it", "remove it");
    }
}

fn bytes(field: &'static str, value: Option<u64>, about: &mut About<'_>) {
    if value.is_some_and(|bytes| bytes > MAX_BYTES) {
        about.add(
            field,
            "is too large",
            "give less than 8 EiB, or \"0\" for none",
        );
    }
}
