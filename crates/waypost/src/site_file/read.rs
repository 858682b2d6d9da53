//! From the text of a site file to records.

use std::collections::{HashMap, hash_map};
use std::hash::{BuildHasher as _, RandomState};
use std::path::PathBuf;

use toml::de::{DeTable, DeValue};
use waypost_admin::request::{Fault, words};
use waypost_directory::{
    Address, DomainRecord, GatewayRecord, GatewayVerify, GroupRecord, Host, HostPort, Key,
    MailType, Names, Object, PasswordHash, PeerRecord, Quota, RecipientForm, Relay, Secret,
    SharedRecord, TargetRecord, TlsPin, TlsPolicy, Unreachable, UserRecord, VerifyUnknown, Words,
};
use waypost_proto::mail::{Domain, LocalPart, Mailbox};
use waypost_proto::net::Network;

use super::raw::{Entry, Lines, line_number};
use crate::config::{Size, read_secret};

/// What a site file says.
#[derive(Debug)]
pub(crate) struct SiteFile {
    /// In the order of the file, each once.
    pub(super) objects: Vec<Written>,
}

impl SiteFile {
    /// What is written, without where.
    pub(crate) fn into_objects(self) -> impl Iterator<Item = Object> {
        self.objects.into_iter().map(|written| written.object)
    }
}

/// An object and where it is written.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) object: Object,
    pub(super) place: Place,
}

/// Where an object is written.
#[derive(Debug)]
pub(super) struct Place {
    line: u32,
    keys: Box<[(&'static str, u32)]>,
}

impl Place {
    /// The line of a key, else that of the object.
    pub(super) fn line_of(&self, key: &str) -> usize {
        let found = self.keys.iter().find(|(name, _)| *name == key);
        found.map_or(self.line, |(_, line)| *line) as usize
    }
}

/// Octets of a site file that are read together, about: what a parser makes of them needs many
/// times as much memory.
const PIECE: usize = if cfg!(test) { 100 } else { 1 << 20 };

/// Reads a site file.
///
/// # Errors
///
/// Everything that is wrong with it, in the order of the lines.
pub(crate) fn read(text: &str) -> Result<SiteFile, Vec<Fault>> {
    let mut objects = Vec::new();
    let mut lines = Lines::default();
    if !in_pieces(text, &mut lines, &mut objects) {
        // Only the whole text tells what is wrong, or that its tables belong together otherwise.
        objects.clear();
        lines = Lines::new(text);
        parse(text, &mut lines, &mut objects)?;
    }
    objects.sort_by_key(|written| written.place.line);
    refuse_repeated(&mut lines, &objects);
    if lines.faults.is_empty() {
        return Ok(SiteFile { objects });
    }
    let mut faults = lines.faults;
    faults.sort_by_key(|fault| fault.line);
    Err(faults)
}

/// Reads piece by piece; tells whether nothing was wrong.
fn in_pieces(mut text: &str, lines: &mut Lines, objects: &mut Vec<Written>) -> bool {
    loop {
        let (piece, rest) = text.split_at(piece(text));
        lines.go_on(piece);
        if parse(piece, lines, objects).is_err() || !lines.faults.is_empty() {
            return false;
        }
        if rest.is_empty() {
            return true;
        }
        text = rest;
    }
}

/// Where the first piece of a text ends: before the head of an object's table.
fn piece(text: &str) -> usize {
    let is_head = |line: &str| {
        let rest = line.trim_start_matches(|c: char| c.is_ascii_lowercase());
        rest.len() < line.len() && rest.starts_with("]]")
    };
    let after = text.floor_char_boundary(PIECE);
    let mut heads = text[after..].match_indices("\n[[");
    let end = heads.find(|(at, head)| is_head(&text[after + at + head.len()..]));
    end.map_or(text.len(), |(at, _)| after + at + 1)
}

/// What the text says; what is wrong with its objects is left with the lines.
fn parse(text: &str, lines: &mut Lines, objects: &mut Vec<Written>) -> Result<(), Vec<Fault>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let line = error.span().map(|span| lines.line(span.start));
        let words = words::AS_SAID.having("said", error.message());
        lines.fault(file_fault(line, "", words.mended(words::WRITE_SITE_FILE)));
    }
    if !lines.faults.is_empty() {
        // Keys behind such a mistake may be read as what they are not.
        return Err(std::mem::take(&mut lines.faults));
    }
    for (key, value) in root.get_ref() {
        let at = lines.line(key.span().start);
        section(lines, (key.get_ref(), at), value.get_ref(), objects);
    }
    Ok(())
}

fn section(
    lines: &mut Lines,
    (kind, at): (&str, usize),
    value: &DeValue<'_>,
    objects: &mut Vec<Written>,
) {
    let make: fn(&mut Entry<'_, '_>) -> Option<Object> = match kind {
        "target" => |entry| target(entry).map(Object::Target),
        "peer" => |entry| peer(entry).map(Object::Peer),
        "domain" => domain,
        "gateway" => gateway,
        "user" => user,
        "mailbox" => mailbox,
        "group" => group,
        _ => {
            let words = words::KEY_UNKNOWN.mended(words::WRITE_TABLES);
            lines.fault(file_fault(Some(at), kind, words));
            return;
        }
    };
    let Some(tables) = value.as_array() else {
        let words = words::FOUND.having("value", value.type_str());
        let words = words.mended(words::WRITE_BRACKETS).having("kind", kind);
        lines.fault(file_fault(Some(at), kind, words));
        return;
    };
    for table in tables {
        let Some(mut entry) = Entry::new(lines, kind, table) else {
            continue;
        };
        let object = make(&mut entry);
        let place = Place {
            line: line_number(entry.line()),
            keys: entry.key_lines(),
        };
        if let (Some(object), true) = (object, entry.finish()) {
            objects.push(Written { object, place });
        }
    }
}

fn file_fault(line: Option<usize>, field: &str, words: Words) -> Fault {
    Fault::new("site file", field, words).on(line)
}

fn refuse_repeated(lines: &mut Lines, objects: &[Written]) {
    let mut seen: HashMap<u64, &Written> = HashMap::with_capacity(objects.len());
    let hasher = RandomState::new();
    // Peers and targets have one name between them.
    let key = |written: &Written| match written.object.key() {
        Key::Peer(name) => Key::Target(name),
        key => key,
    };
    for written in objects {
        match seen.entry(hasher.hash_one(key(written))) {
            hash_map::Entry::Vacant(entry) => {
                entry.insert(written);
            }
            hash_map::Entry::Occupied(first) if key(first.get()) == key(written) => {
                let line = first.get().place.line as usize;
                let object = written.object.key().to_string();
                let words = words::LINES_TWICE.having("line", line);
                let fault = Fault::new(&object, "name", words);
                lines.fault(fault.on(Some(written.place.line as usize)));
            }
            // Another object that happens to have the same hash.
            hash_map::Entry::Occupied(_) => {}
        }
    }
}

fn peer(entry: &mut Entry<'_, '_>) -> Option<PeerRecord> {
    let target = target(entry);
    let port = entry.number("minger_port", words::WRITE_PORT);
    let secret = entry.optional("minger_secret", words::WRITE_SECRET, secret_of);
    let accept = entry.optional("minger_accept", words::WRITE_SECRET, secret_of);
    let domains = entry.list("minger_domains", words::WRITE_DOMAIN, domain_name);
    let mut record = PeerRecord::new(target?);
    record.minger_port = port.unwrap_or(record.minger_port);
    record.minger_secret = secret.unwrap_or_default();
    record.minger_accept = accept.unwrap_or_default();
    record.minger_domains = domains.unwrap_or_default();
    Some(record)
}

fn gateway(entry: &mut Entry<'_, '_>) -> Option<Object> {
    let domain = entry.required("domain", words::WRITE_DOMAIN, domain_name);
    let target = entry.required("target", words::WRITE_RELAY, relay);
    let mend = words::WRITE_GATEWAY_VERIFY;
    let verify = entry.parsed("verify", mend, word(GatewayVerify::parse));
    let minger_host = entry.optional("minger_host", words::WRITE_MINGER_HOST, |text| {
        Host::parse(text).map_err(|error| words::host(text, error))
    });
    let port = entry.number("minger_port", words::WRITE_PORT);
    let secret = entry.optional("minger_secret", words::WRITE_SECRET, secret_of);
    let list = entry.optional("list", words::WRITE_PATH, own);
    let sharing_too = entry.flag("sharing_too", true);
    let mend = words::WRITE_UNREACHABLE;
    let unreachable = entry.parsed("unreachable", mend, word(Unreachable::parse));
    let mut record = GatewayRecord::new(domain?, target?);
    record.verify = verify.unwrap_or_default();
    record.minger_host = minger_host;
    record.minger_port = port.unwrap_or(record.minger_port);
    record.minger_secret = secret.unwrap_or_default();
    record.list = list.map(PathBuf::from);
    record.sharing_too = sharing_too;
    record.unreachable = unreachable.unwrap_or_default();
    Some(Object::Gateway(record))
}

fn target(entry: &mut Entry<'_, '_>) -> Option<TargetRecord> {
    let name = entry.required("name", words::WRITE_NAME, own);
    let host = entry.required("host", words::WRITE_HOST, |text| {
        HostPort::parse_parts(text).map_err(|error| words::host(text, error))
    });
    let port: Option<u16> = entry.number("port", words::WRITE_PORT);
    let (host, in_host) = host.unwrap_or_else(|| (Host::Address([0, 0, 0, 0].into()), None));
    if let (Some(port), Some(in_host)) = (port, in_host)
        && port != in_host
    {
        let words = words::FOUND_TWO_PORTS.having("port", &port);
        entry.fault("port", words.having("in_host", &in_host));
    }
    let mut record = TargetRecord::new(name.clone().unwrap_or_default(), host);
    record.port = port.or(in_host).unwrap_or(record.port);
    let networks = words::WRITE_NETWORKS;
    let sources = entry.list("sources", networks, |text| {
        Network::parse(text).map_err(|error| words::network(text, &error))
    });
    record.sources = sources.unwrap_or_default();
    let mend = words::WRITE_TLS;
    record.tls = entry
        .parsed("tls", mend, word(TlsPolicy::parse))
        .unwrap_or_default();
    record.tls_pin = entry.optional("tls_pin", words::WRITE_PIN, word(TlsPin::parse));
    record.username = entry
        .parsed("username", words::WRITE_NAME, own)
        .unwrap_or_default();
    record.password = entry
        .optional("password", words::WRITE_SECRET, secret_of)
        .unwrap_or_default();
    let number = entry.number("connections", words::WRITE_CONNECTIONS);
    record.connections = number.unwrap_or(record.connections);
    let forms = words::WRITE_FORM;
    let form = entry.parsed("recipient", forms, word(RecipientForm::parse));
    record.recipient = form.unwrap_or_default();
    record.smart_host_on_error = entry.flag("smart_host_on_error", false);
    record.cut_through = entry.flag("cut_through", true);
    record.client_login = entry
        .parsed("client_login", words::WRITE_NAME, own)
        .unwrap_or_default();
    record.client_password = entry.optional("client_password", words::WRITE_HASH, hash);
    record.client_pin = entry.optional("client_pin", words::WRITE_PIN, word(TlsPin::parse));
    name.map(|_| record)
}

fn domain(entry: &mut Entry<'_, '_>) -> Option<Object> {
    let name = entry.required("name", words::WRITE_DOMAIN, domain_name);
    let aliases = entry
        .list("aliases", words::WRITE_DOMAIN, domain_name)
        .unwrap_or_default();
    let relay = entry.optional("relay", words::WRITE_RELAY, relay);
    let forward_unknown = entry.flag("forward_unknown", false);
    let sharing = entry.list("sharing", words::WRITE_PEERS, own);
    let mend = words::WRITE_VERIFY_UNKNOWN;
    let verify_unknown = entry.parsed("verify_unknown", mend, word(VerifyUnknown::parse));
    let protect_senders = entry.flag("protect_senders", false);
    let postmaster = entry.optional("postmaster", words::WRITE_MAILBOX, mailbox_address);
    let mut quota = Quota::default();
    entry.table("quota", |sizes| {
        quota = Quota {
            user_max: sizes
                .parsed("user_max", words::WRITE_SIZE, size)
                .unwrap_or_default(),
            user_default: sizes
                .parsed("user_default", words::WRITE_SIZE, size)
                .unwrap_or_default(),
            shared_max: sizes
                .parsed("shared_max", words::WRITE_SIZE, size)
                .unwrap_or_default(),
            shared_default: sizes
                .parsed("shared_default", words::WRITE_SIZE, size)
                .unwrap_or_default(),
        };
    });
    Some(Object::Domain(DomainRecord {
        name: name?,
        aliases,
        relay,
        forward_unknown,
        sharing: sharing.unwrap_or_default(),
        verify_unknown: verify_unknown.unwrap_or_default(),
        protect_senders,
        postmaster,
        quota,
    }))
}

fn user(entry: &mut Entry<'_, '_>) -> Option<Object> {
    let domain = entry.required("domain", words::WRITE_DOMAIN, domain_name);
    let login = entry.required("login", words::WRITE_NAME, own);
    let name = entry
        .parsed("name", words::WRITE_NAME, own)
        .unwrap_or_default();
    let mend = words::WRITE_MAIL;
    let mail = entry
        .parsed("mail", mend, word(MailType::parse))
        .unwrap_or_default();
    let addresses = entry.list("addresses", words::WRITE_ADDRESS, address);
    let relayed = entry.list("relayed", words::WRITE_ADDRESS, address);
    let target = entry.optional("target", words::WRITE_TARGET, own);
    let password = entry.optional("password", words::WRITE_HASH, hash);
    let quota_bytes = entry.optional("quota", words::WRITE_SIZE, size);
    let suspended = entry.flag("suspended", false);
    let (domain, login) = (domain?, login?);
    let usual = match mail {
        MailType::None => Vec::new(),
        MailType::Local | MailType::ThirdParty => usual_address(&domain, &login),
    };
    Some(Object::User(UserRecord {
        addresses: addresses.unwrap_or(usual),
        domain,
        login,
        name,
        mail,
        relayed,
        target,
        password,
        quota_bytes,
        suspended,
    }))
}

fn mailbox(entry: &mut Entry<'_, '_>) -> Option<Object> {
    let domain = entry.required("domain", words::WRITE_DOMAIN, domain_name);
    let name = entry.required("name", words::WRITE_NAME, own);
    let addresses = entry.list("addresses", words::WRITE_ADDRESS, address);
    let members = entry.list("members", words::WRITE_MAILBOX, mailbox_address);
    let quota_bytes = entry.optional("quota", words::WRITE_SIZE, size);
    let (domain, name) = (domain?, name?);
    Some(Object::Mailbox(SharedRecord {
        addresses: addresses.unwrap_or_else(|| usual_address(&domain, &name)),
        domain,
        name,
        members: members.unwrap_or_default(),
        quota_bytes,
    }))
}

fn group(entry: &mut Entry<'_, '_>) -> Option<Object> {
    let domain = entry.required("domain", words::WRITE_DOMAIN, domain_name);
    let name = entry.required("name", words::WRITE_NAME, own);
    let addresses = entry.list("addresses", words::WRITE_ADDRESS, address);
    let members = entry.list("members", words::WRITE_MAILBOX, mailbox_address);
    let owner = entry.optional("owner", words::WRITE_MAILBOX, mailbox_address);
    let (domain, name) = (domain?, name?);
    Some(Object::Group(GroupRecord {
        addresses: addresses.unwrap_or_else(|| usual_address(&domain, &name)),
        domain,
        name,
        members: members.unwrap_or_default(),
        owner,
    }))
}

/// Without addresses an object has the one that people expect.
fn usual_address(domain: &Domain, name: &str) -> Vec<Address> {
    let local = LocalPart::parse(name).ok();
    let address = local.and_then(|local| Address::new(&local, Names::One(domain.clone())).ok());
    address.into_iter().collect()
}

fn own(text: &str) -> Result<String, Words> {
    Ok(text.to_owned())
}

fn word<T>(parse: impl Fn(&str) -> Option<T>) -> impl Fn(&str) -> Result<T, Words> {
    move |text| parse(text).ok_or_else(|| found(text))
}

fn found(text: &str) -> Words {
    words::FOUND.having("value", &format!("{text:?}"))
}

fn secret_of(text: &str) -> Result<Secret, Words> {
    read_secret(text).map_err(|said| words::AS_SAID.having("said", &said))
}

fn domain_name(text: &str) -> Result<Domain, Words> {
    Domain::parse(text).map_err(|error| words::syntax(&quoted(text), error))
}

/// As it stands before what is wrong with it.
fn quoted(text: &str) -> String {
    format!("{text:?}: ")
}

fn relay(text: &str) -> Result<Relay, Words> {
    Relay::parse(text).map_err(|error| words::host(text, error))
}

fn address(text: &str) -> Result<Address, Words> {
    Address::parse(text).map_err(|error| words::address(&quoted(text), error))
}

fn mailbox_address(text: &str) -> Result<Mailbox, Words> {
    Mailbox::parse(text).map_err(|error| words::syntax(&quoted(text), error))
}

fn size(text: &str) -> Result<u64, Words> {
    let size = Size::parse(text).ok_or_else(|| found(text));
    size.map(|size| size.0)
}

/// What stands in the file may be a password by mistake: it is not repeated.
fn hash(text: &str) -> Result<PasswordHash, Words> {
    let said = |error| words::AS_SAID.having("said", &format!("the value {error}"));
    PasswordHash::parse(secret_of(text)?.expose().trim()).map_err(said)
}
