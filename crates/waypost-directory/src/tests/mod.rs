//! One suite for the whole directory, through its front door.

mod admins;
mod audit;
mod find;
mod login;
mod model;
mod rules;
mod store;

use std::ops::ControlFlow;
use std::time::UNIX_EPOCH;

use tempfile::TempDir;
use waypost_proto::mail::{Domain, Mailbox};

use crate::*;

pub(crate) const ACTOR: Actor<'static> = Actor {
    name: "root",
    from: "test",
    at: UNIX_EPOCH,
};

/// A directory of its own, gone with the test.
pub(crate) struct Fixture {
    pub(crate) directory: Directory,
    pub(crate) folder: TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let directory = Directory::open(&folder.path().join("directory.db")).unwrap();
        Self { directory, folder }
    }

    /// example.com with the alias example.org and a relay, the target "old", jdoe there, alice
    /// here, a shared mailbox and a group.
    pub(crate) fn split() -> Self {
        let fixture = Self::new();
        let mut domain = DomainRecord::new(name("example.com"));
        domain.aliases = vec![name("example.org")];
        domain.relay = Some(Relay::Target("old".into()));
        let mut jdoe = user("jdoe", &["jdoe@example.com", "john.doe@*"]);
        jdoe.mail = MailType::ThirdParty;
        jdoe.relayed = Some(vec![address("john.doe@*")]);
        fixture
            .put([
                Object::Target(TargetRecord::new("old", Host::parse("10.0.0.7").unwrap())),
                Object::Domain(domain),
                Object::User(jdoe),
                Object::User(user("alice", &["alice@*"])),
                Object::Mailbox(mailbox("support", &["support@*"], &["alice@example.com"])),
                Object::Group(group("team", &["team@example.com"], &["alice@example.com"])),
            ])
            .unwrap();
        fixture
    }

    pub(crate) fn put<const N: usize>(&self, objects: [Object; N]) -> Result<Changed, Rejected> {
        self.edit(&objects.map(|o| Edit::Put(o, When::Any)))
    }

    pub(crate) fn remove(&self, key: Key) -> Result<Changed, Rejected> {
        self.edit(&[Edit::Remove(key, When::Present)])
    }

    pub(crate) fn edit(&self, edits: &[Edit]) -> Result<Changed, Rejected> {
        match self.directory.edit(&ACTOR, &Nowhere, edits) {
            Ok(changed) => Ok(changed),
            Err(EditError::Rejected(rejected)) => Err(rejected),
            Err(error) => panic!("{error:?}"),
        }
    }

    pub(crate) fn user(&self, login: &str) -> UserRecord {
        let found = self.directory.user(&name("example.com"), login);
        found.unwrap().unwrap().record
    }

    pub(crate) fn domain(&self) -> DomainRecord {
        let found = self.directory.domain(&name("example.com"));
        found.unwrap().unwrap().record
    }

    /// What the snapshot finds, in words.
    pub(crate) fn lookup(&self, text: &str) -> String {
        in_words(&self.directory.snapshot(), &Mailbox::parse(text).unwrap())
    }
}

pub(crate) fn in_words(snapshot: &Snapshot, mailbox: &Mailbox) -> String {
    match snapshot.lookup_mailbox(mailbox) {
        None => "-".into(),
        Some(Found::Group(group)) => format!("group {}", group.name),
        Some(Found::Shared(shared)) => format!("mailbox {}", shared.name),
        Some(Found::User(user)) => {
            let chosen = if user.selected { " selected" } else { "" };
            let suspended = if user.suspended { " suspended" } else { "" };
            format!("user {} {}{chosen}{suspended}", user.login, user.mail)
        }
    }
}

pub(crate) fn name(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

pub(crate) fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

pub(crate) fn mailboxes(texts: &[&str]) -> Vec<Mailbox> {
    texts.iter().map(|t| Mailbox::parse(t).unwrap()).collect()
}

pub(crate) fn user(login: &str, addresses: &[&str]) -> UserRecord {
    let mut record = UserRecord::new(name("example.com"), login);
    record.addresses = addresses.iter().map(|text| address(text)).collect();
    record
}

pub(crate) fn mailbox(label: &str, addresses: &[&str], members: &[&str]) -> SharedRecord {
    SharedRecord {
        domain: name("example.com"),
        name: label.into(),
        addresses: addresses.iter().map(|text| address(text)).collect(),
        members: mailboxes(members),
        quota_bytes: None,
    }
}

pub(crate) fn group(label: &str, addresses: &[&str], members: &[&str]) -> GroupRecord {
    GroupRecord {
        domain: name("example.com"),
        name: label.into(),
        addresses: addresses.iter().map(|text| address(text)).collect(),
        members: mailboxes(members),
        owner: None,
    }
}

/// The one problem that there is.
pub(crate) fn only(result: Result<Changed, Rejected>) -> Problem {
    let mut problems = result.unwrap_err().problems;
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems.remove(0)
}

/// Object, field and message of the one problem that there is; every problem has a mend.
pub(crate) fn refusal(result: Result<Changed, Rejected>) -> String {
    let problem = only(result);
    assert!(!problem.mend.is_empty(), "{problem:?}");
    format!("{}: {}: {}", problem.object, problem.field, problem.message)
}
