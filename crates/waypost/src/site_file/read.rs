//! From the text of a site file to records.

use std::collections::HashMap;
use std::path::PathBuf;

use toml::de::{DeTable, DeValue};
use waypost_admin::request::Fault;
use waypost_directory::{
    Address, DomainRecord, GatewayRecord, GatewayVerify, GroupRecord, Host, HostPort, Key,
    MailType, Names, Object, PasswordHash, PeerRecord, Quota, RecipientForm, Relay, Secret,
    SharedRecord, TargetRecord, TlsPin, TlsPolicy, Unreachable, UserRecord, VerifyUnknown,
};
use waypost_proto::mail::{Domain, LocalPart, Mailbox};
use waypost_proto::net::Network;

use super::raw::{Entry, Lines};
use crate::config::{SECRET_MEND, Size, read_secret};

const ADDRESS: &str = "write an address such as \"jdoe@example.com\" or \"jdoe@*\"";
const MAILBOX: &str = "write an address such as \"jdoe@example.com\"";
const DOMAIN: &str = "write a domain such as \"example.com\"";
const NAME: &str = "write a name in quotes";
const PORT: &str = "write 1 to 65535";
const PIN: &str = "write the SHA-256 of the public key: 64 hexadecimal digits";
const RELAY: &str = "write a target's name, or host[:port]";
const SIZE: &str = "write a size such as \"2 GiB\", or \"0\" for none";
const HASH: &str = "write an argon2id hash ($argon2id$…), or \"file:/PATH\" of a file with one";

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
    line: usize,
    keys: Vec<(String, usize)>,
}

impl Written {
    /// The line of a key, else that of the object.
    pub(super) fn line_of(&self, key: &str) -> usize {
        let found = self.keys.iter().find(|(name, _)| name == key);
        found.map_or(self.line, |(_, line)| *line)
    }
}

/// Reads a site file.
///
/// # Errors
///
/// Everything that is wrong with it, in the order of the lines.
pub(crate) fn read(text: &str) -> Result<SiteFile, Vec<Fault>> {
    let mut lines = Lines::new(text);
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let line = error.span().map(|span| lines.line(span.start));
        lines.fault(file_fault(
            line,
            error.message(),
            "see the site file's documentation",
        ));
    }
    if !lines.faults.is_empty() {
        // Keys behind such a mistake may be read as what they are not.
        return Err(lines.faults);
    }
    let mut objects = Vec::new();
    for (key, value) in root.get_ref() {
        let at = lines.line(key.span().start);
        section(
            &mut lines,
            (key.get_ref(), at),
            value.get_ref(),
            &mut objects,
        );
    }
    objects.sort_by_key(|written| written.line);
    refuse_repeated(&mut lines, &objects);
    if lines.faults.is_empty() {
        return Ok(SiteFile { objects });
    }
    let mut faults = lines.faults;
    faults.sort_by_key(|fault| fault.line);
    Err(faults)
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
            let mend = "there are [[target]], [[peer]], [[domain]], [[gateway]], [[user]], \
                        [[mailbox]], [[group]]";
            let mut fault = file_fault(Some(at), "unknown key", mend);
            kind.clone_into(&mut fault.field);
            lines.fault(fault);
            return;
        }
    };
    let Some(tables) = value.as_array() else {
        let mend = format!("write it with double brackets: [[{kind}]]");
        let mut fault = file_fault(Some(at), &format!("found {}", value.type_str()), &mend);
        kind.clone_into(&mut fault.field);
        lines.fault(fault);
        return;
    };
    for table in tables {
        let Some(mut entry) = Entry::new(lines, kind, table) else {
            continue;
        };
        let object = make(&mut entry);
        let (line, keys) = (entry.line(), entry.key_lines());
        if let (Some(object), true) = (object, entry.finish()) {
            objects.push(Written { object, line, keys });
        }
    }
}

fn file_fault(line: Option<usize>, message: &str, mend: &str) -> Fault {
    Fault {
        object: "site file".to_owned(),
        line,
        field: String::new(),
        message: message.to_owned(),
        mend: mend.to_owned(),
    }
}

fn refuse_repeated(lines: &mut Lines, objects: &[Written]) {
    let mut seen: HashMap<Key, usize> = HashMap::new();
    for written in objects {
        let key = match written.object.key() {
            Key::Peer(name) => Key::Target(name),
            key => key,
        };
        if let Some(first) = seen.get(&key) {
            lines.fault(Fault {
                object: written.object.key().to_string(),
                line: Some(written.line),
                field: "name".to_owned(),
                message: format!("is there already, on line {first}"),
                mend: "write it once".to_owned(),
            });
        } else {
            seen.insert(key, written.line);
        }
    }
}

fn peer(entry: &mut Entry<'_, '_>) -> Option<PeerRecord> {
    let target = target(entry);
    let port = entry.number("minger_port", PORT);
    let secret = entry.optional("minger_secret", SECRET_MEND, read_secret);
    let accept = entry.optional("minger_accept", SECRET_MEND, read_secret);
    let domains = entry.list("minger_domains", DOMAIN, domain_name);
    let mut record = PeerRecord::new(target?);
    record.minger_port = port.unwrap_or(record.minger_port);
    record.minger_secret = secret.unwrap_or_default();
    record.minger_accept = accept.unwrap_or_default();
    record.minger_domains = domains.unwrap_or_default();
    Some(record)
}

fn gateway(entry: &mut Entry<'_, '_>) -> Option<Object> {
    let domain = entry.required("domain", DOMAIN, domain_name);
    let target = entry.required("target", RELAY, relay);
    let words = "write \"callout\", \"list\", \"minger\" or \"none\"";
    let verify = entry.parsed("verify", words, word(GatewayVerify::parse));
    let minger_host = entry.optional("minger_host", "write a host name or IP address", |text| {
        Host::parse(text).map_err(|error| format!("{text:?} {error}"))
    });
    let port = entry.number("minger_port", PORT);
    let secret = entry.optional("minger_secret", SECRET_MEND, read_secret);
    let list = entry.optional("list", "write the path of a file", own);
    let sharing_too = entry.flag("sharing_too", true);
    let words = "write \"later\" or \"accept\"";
    let unreachable = entry.parsed("unreachable", words, word(Unreachable::parse));
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
    let name = entry.required("name", NAME, own);
    let host = entry.required(
        "host",
        "write a host name, an IP address, host:port or mx:NAME",
        |text| HostPort::parse_parts(text).map_err(|error| format!("{text:?} {error}")),
    );
    let port: Option<u16> = entry.number("port", PORT);
    let (host, in_host) = host.unwrap_or_else(|| (Host::Address([0, 0, 0, 0].into()), None));
    if let (Some(port), Some(in_host)) = (port, in_host)
        && port != in_host
    {
        let message = format!("found {port}, and the host has port {in_host}");
        entry.fault("port", message, "write the port once");
    }
    let mut record = TargetRecord::new(name.clone().unwrap_or_default(), host);
    record.port = port.or(in_host).unwrap_or(record.port);
    let networks = "write networks such as \"203.0.113.0/24\"";
    let sources = entry.list("sources", networks, |text| {
        Network::parse(text).map_err(|error| format!("{text:?} {error}"))
    });
    record.sources = sources.unwrap_or_default();
    let words = "write \"off\", \"opportunistic\", \"required\", \"verified\" or \"pinned\"";
    record.tls = entry
        .parsed("tls", words, word(TlsPolicy::parse))
        .unwrap_or_default();
    record.tls_pin = entry.optional("tls_pin", PIN, word(TlsPin::parse));
    record.username = entry.parsed("username", NAME, own).unwrap_or_default();
    record.password = entry
        .optional("password", SECRET_MEND, read_secret)
        .unwrap_or_default();
    let number = entry.number("connections", "write 1 to 10000");
    record.connections = number.unwrap_or(record.connections);
    let forms = "write \"original\", \"default\" or \"@DOMAIN\"";
    let form = entry.parsed("recipient", forms, word(RecipientForm::parse));
    record.recipient = form.unwrap_or_default();
    record.smart_host_on_error = entry.flag("smart_host_on_error", false);
    record.client_login = entry.parsed("client_login", NAME, own).unwrap_or_default();
    record.client_password = entry.optional("client_password", HASH, hash);
    record.client_pin = entry.optional("client_pin", PIN, word(TlsPin::parse));
    name.map(|_| record)
}

fn domain(entry: &mut Entry<'_, '_>) -> Option<Object> {
    let name = entry.required("name", DOMAIN, domain_name);
    let aliases = entry
        .list("aliases", DOMAIN, domain_name)
        .unwrap_or_default();
    let relay = entry.optional("relay", RELAY, relay);
    let forward_unknown = entry.flag("forward_unknown", false);
    let sharing = entry.list("sharing", "write the names of peers", own);
    let words = "write \"callout\" or \"none\"";
    let verify_unknown = entry.parsed("verify_unknown", words, word(VerifyUnknown::parse));
    let protect_senders = entry.flag("protect_senders", false);
    let postmaster = entry.optional("postmaster", MAILBOX, mailbox_address);
    let mut quota = Quota::default();
    entry.table("quota", |sizes| {
        quota = Quota {
            user_max: sizes.parsed("user_max", SIZE, size).unwrap_or_default(),
            user_default: sizes.parsed("user_default", SIZE, size).unwrap_or_default(),
            shared_max: sizes.parsed("shared_max", SIZE, size).unwrap_or_default(),
            shared_default: sizes
                .parsed("shared_default", SIZE, size)
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
    let domain = entry.required("domain", DOMAIN, domain_name);
    let login = entry.required("login", NAME, own);
    let name = entry.parsed("name", NAME, own).unwrap_or_default();
    let words = "write \"local\", \"third-party\" or \"none\"";
    let mail = entry
        .parsed("mail", words, word(MailType::parse))
        .unwrap_or_default();
    let addresses = entry.list("addresses", ADDRESS, address);
    let relayed = entry.list("relayed", ADDRESS, address);
    let target = entry.optional("target", "write a target's name", own);
    let password = entry.optional("password", HASH, hash);
    let quota_bytes = entry.optional("quota", SIZE, size);
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
    let domain = entry.required("domain", DOMAIN, domain_name);
    let name = entry.required("name", NAME, own);
    let addresses = entry.list("addresses", ADDRESS, address);
    let members = entry.list("members", MAILBOX, mailbox_address);
    let quota_bytes = entry.optional("quota", SIZE, size);
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
    let domain = entry.required("domain", DOMAIN, domain_name);
    let name = entry.required("name", NAME, own);
    let addresses = entry.list("addresses", ADDRESS, address);
    let members = entry.list("members", MAILBOX, mailbox_address);
    let owner = entry.optional("owner", MAILBOX, mailbox_address);
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

fn own(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

fn word<T>(parse: impl Fn(&str) -> Option<T>) -> impl Fn(&str) -> Result<T, String> {
    move |text| parse(text).ok_or_else(|| format!("found {text:?}"))
}

fn domain_name(text: &str) -> Result<Domain, String> {
    Domain::parse(text).map_err(|error| format!("{text:?}: {error}"))
}

fn relay(text: &str) -> Result<Relay, String> {
    Relay::parse(text).map_err(|error| format!("{text:?} {error}"))
}

fn address(text: &str) -> Result<Address, String> {
    Address::parse(text).map_err(|error| format!("{text:?}: {error}"))
}

fn mailbox_address(text: &str) -> Result<Mailbox, String> {
    Mailbox::parse(text).map_err(|error| format!("{text:?}: {error}"))
}

fn size(text: &str) -> Result<u64, String> {
    let size = Size::parse(text).ok_or_else(|| format!("found {text:?}"));
    size.map(|size| size.0)
}

/// What stands in the file may be a password by mistake: it is not repeated.
fn hash(text: &str) -> Result<PasswordHash, String> {
    let secret: Secret = read_secret(text)?;
    PasswordHash::parse(secret.expose().trim()).map_err(|error| format!("the value {error}"))
}
