//! A directory from a few readable lines, for tests.
//!
//! ```text
//! target  old host=10.0.0.7:25 recipient=@old.example.com
//! domain  example.com aliases=example.org relay=old forward-unknown protect verify=none sharing=lyon
//! user    alice@example.com local addresses=alice@*
//! user    jdoe@example.com third-party addresses=jdoe@* relayed=jdoe@* target=old suspended
//! peer    lyon host=10.0.0.8:25 recipient=@lyon.example.com
//! gateway branch.example.net old minger|callout|list|none alone accept
//! mailbox support@example.com addresses=support@* members=alice@example.com
//! group   team@example.com addresses=team@* members=alice@example.com,x@elsewhere.net owner=alice@example.com
//! setting smart-host
//! here    10.0.0.9:25
//! ```

use std::sync::Arc;
use std::time::SystemTime;

use waypost_directory::{
    Actor, Address, Directory, DomainRecord, Edit, GatewayRecord, GatewayVerify, GroupRecord, Here,
    Host, HostPort, MailType, Nowhere, Object, PeerRecord, RecipientForm, Relay, SharedRecord,
    Snapshot, TargetRecord, Unreachable, UserRecord, VerifyUnknown, When,
};
use waypost_proto::mail::{Domain, Mailbox};
use waypost_proto::route::{Side, Store, TargetId, Verdict, Via};

use crate::resolve::Settings;

/// A site as the tests see it.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) directory: Arc<Directory>,
    pub(crate) settings: Settings,
    pub(crate) here: Addresses,
    text: String,
    _data: Arc<tempfile::TempDir>,
}

/// Addresses that lead to the site itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Addresses(Vec<(Host, u16)>);

impl Here for Addresses {
    fn is_here(&self, host: &Host, port: u16) -> bool {
        self.0.iter().any(|(h, p)| h == host && *p == port)
    }
}

pub(crate) fn mailbox(text: &str) -> Mailbox {
    Mailbox::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

/// The words of a line: the name, then `key=value` and flags.
struct Words<'a>(Vec<&'a str>);

impl<'a> Words<'a> {
    fn value(&self, key: &str) -> Option<&'a str> {
        let values = self.0.iter();
        values
            .filter_map(|word| word.split_once('='))
            .find_map(|(k, v)| (k == key).then_some(v))
    }

    fn flag(&self, name: &str) -> bool {
        self.0.contains(&name)
    }

    fn list<T>(&self, key: &str, read: impl Fn(&str) -> T) -> Vec<T> {
        let values = self.value(key).unwrap_or_default();
        values
            .split(',')
            .filter(|v| !v.is_empty())
            .map(read)
            .collect()
    }

    fn addresses(&self, key: &str) -> Vec<Address> {
        self.list(key, |text| Address::parse(text).unwrap())
    }

    fn in_domain(&self) -> (Domain, String) {
        let (name, of) = self.0[0].split_once('@').unwrap();
        (domain(of), name.to_owned())
    }
}

impl Site {
    pub(crate) fn new(text: &str) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut site = Self {
            directory: Arc::new(Directory::open(&data.path().join("directory")).unwrap()),
            settings: Settings {
                postmaster: mailbox("postmaster@mx1.example.com"),
                delimiter: Some('+'),
                smart_host: false,
            },
            here: Addresses::default(),
            text: text.to_owned(),
            _data: Arc::new(data),
        };
        let edits: Vec<_> = text.lines().filter_map(|line| site.line(line)).collect();
        site.edit(&edits);
        site
    }

    /// The lines that it was made from.
    pub(crate) fn described(&self) -> String {
        self.text.clone()
    }

    pub(crate) fn edit(&self, edits: &[Edit]) {
        let actor = Actor {
            name: "test",
            from: "test",
            at: SystemTime::UNIX_EPOCH,
        };
        if let Err(error) = self.directory.edit(&actor, &Nowhere, edits) {
            panic!("{error:?}");
        }
    }

    /// Changes objects, in the same words.
    pub(crate) fn change(&mut self, text: &str) {
        let edits: Vec<_> = text.lines().filter_map(|line| self.line(line)).collect();
        self.edit(&edits);
    }

    fn line(&mut self, line: &str) -> Option<Edit> {
        let mut words = line.split_whitespace();
        let kind = words.next()?;
        let words = Words(words.collect());
        let object = match kind {
            "domain" => Object::Domain(domain_record(&words)),
            "gateway" => Object::Gateway(gateway_record(&words)),
            "group" => Object::Group(group_record(&words)),
            "mailbox" => Object::Mailbox(shared_record(&words)),
            "peer" => Object::Peer(PeerRecord::new(target_record(&words))),
            "target" => Object::Target(target_record(&words)),
            "user" => Object::User(user_record(&words)),
            "here" => {
                let at = HostPort::parse(words.0[0]).unwrap();
                self.here.0.push((at.host, at.port));
                return None;
            }
            "setting" => {
                self.settings.smart_host = words.flag("smart-host");
                if let Some(delimiter) = words.value("delimiter") {
                    self.settings.delimiter = delimiter.chars().next();
                }
                return None;
            }
            other => panic!("{other}?"),
        };
        Some(Edit::Put(object, When::Any))
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.directory.snapshot()
    }

    pub(crate) fn target(&self, name: &str) -> TargetId {
        let snapshot = self.snapshot();
        let target = snapshot.targets().find(|target| target.name == name);
        target.unwrap_or_else(|| panic!("no target {name}")).id
    }

    /// `stranger`, `trusted`, `here`, `from:<target>`, or the address of a user who is logged in.
    pub(crate) fn side(&self, text: &str) -> Side {
        match text {
            "stranger" => Side::Stranger,
            "trusted" => Side::Trusted,
            "here" => Side::Here,
            other => match other.strip_prefix("from:") {
                Some(name) => Side::Target(self.target(name)),
                None => self.login(other),
            },
        }
    }

    fn login(&self, address: &str) -> Side {
        match self.snapshot().lookup_mailbox(&mailbox(address)) {
            Some(waypost_directory::Found::User(user)) => Side::Authenticated(user.id),
            _ => panic!("{address} is not a user's"),
        }
    }

    /// A verdict as the tables write it.
    pub(crate) fn words(&self, verdict: &Verdict) -> String {
        match verdict {
            Verdict::Deliver(to) => match to.store {
                Store::Postmaster => format!("deliver postmaster for {}", to.recipient),
                Store::Shared => format!(
                    "deliver shared {}@{} for {}",
                    to.login, to.domain, to.recipient
                ),
                Store::User => format!("deliver {}@{} for {}", to.login, to.domain, to.recipient),
            },
            Verdict::Expand(to) => {
                let members: Vec<_> = to.members.iter().map(ToString::to_string).collect();
                format!("expand {}", members.join(" "))
            }
            Verdict::Refuse(reply) | Verdict::TryLater(reply) => reply.to_string(),
            Verdict::Relay { via, recipient } => format!("relay {} {recipient}", self.way(*via)),
        }
    }

    pub(crate) fn way(&self, via: Via) -> String {
        match via {
            Via::Mx => "mx".to_owned(),
            Via::SmartHost => "smart-host".to_owned(),
            Via::Target(id) => self.snapshot().target(id).unwrap().name.clone(),
        }
    }
}

fn domain_record(words: &Words<'_>) -> DomainRecord {
    DomainRecord {
        aliases: words.list("aliases", domain),
        relay: words.value("relay").map(|text| Relay::parse(text).unwrap()),
        forward_unknown: words.flag("forward-unknown"),
        verify_unknown: words
            .value("verify")
            .map_or_else(VerifyUnknown::default, |text| {
                VerifyUnknown::parse(text).unwrap()
            }),
        protect_senders: words.flag("protect"),
        postmaster: words.value("postmaster").map(mailbox),
        sharing: words.list("sharing", str::to_owned),
        ..DomainRecord::new(domain(words.0[0]))
    }
}

fn gateway_record(words: &Words<'_>) -> GatewayRecord {
    let target = Relay::parse(words.0[1]).unwrap();
    let verify = GatewayVerify::parse(words.0[2]).unwrap();
    GatewayRecord {
        verify,
        list: (verify == GatewayVerify::List).then(|| "/etc/list".into()),
        sharing_too: !words.flag("alone"),
        unreachable: if words.flag("accept") {
            Unreachable::Accept
        } else {
            Unreachable::Later
        },
        ..GatewayRecord::new(domain(words.0[0]), target)
    }
}

fn group_record(words: &Words<'_>) -> GroupRecord {
    let (domain, name) = words.in_domain();
    GroupRecord {
        addresses: words.addresses("addresses"),
        members: words.list("members", mailbox),
        owner: words.value("owner").map(mailbox),
        domain,
        name,
    }
}

fn shared_record(words: &Words<'_>) -> SharedRecord {
    let (domain, name) = words.in_domain();
    SharedRecord {
        addresses: words.addresses("addresses"),
        members: words.list("members", mailbox),
        domain,
        name,
        quota_bytes: None,
    }
}

fn target_record(words: &Words<'_>) -> TargetRecord {
    let at = HostPort::parse(words.value("host").unwrap_or("192.0.2.1:25")).unwrap();
    TargetRecord {
        port: at.port,
        recipient: words
            .value("recipient")
            .map_or_else(RecipientForm::default, |text| {
                RecipientForm::parse(text).unwrap()
            }),
        ..TargetRecord::new(words.0[0], at.host)
    }
}

fn user_record(words: &Words<'_>) -> UserRecord {
    let (domain, login) = words.in_domain();
    UserRecord {
        mail: MailType::parse(words.0[1]).unwrap(),
        addresses: words.addresses("addresses"),
        relayed: words.value("relayed").map(|_| words.addresses("relayed")),
        target: words.value("target").map(str::to_owned),
        suspended: words.flag("suspended"),
        ..UserRecord::new(domain, login)
    }
}
