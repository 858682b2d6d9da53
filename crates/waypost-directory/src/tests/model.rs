//! The snapshot says what a naive model says, after any edits.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const LOCALS: [&str; 5] = ["a", "b", "c", "d", "e"];
const NAMES: [&str; 3] = ["*", "example.com", "example.org"];

#[derive(Debug, Clone)]
enum Step {
    Put(usize, Kind, Vec<(usize, usize)>, MailType, bool),
    Remove(usize, Kind),
    Alias(bool),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![Just(Kind::User), Just(Kind::Mailbox), Just(Kind::Group)];
    let mail = prop_oneof![Just(MailType::Local), Just(MailType::ThirdParty)];
    let addresses = prop::collection::vec((0..LOCALS.len(), 0..NAMES.len()), 1..4);
    prop_oneof![
        8 => (0..6_usize, kind.clone(), addresses, mail, any::<bool>())
            .prop_map(|(who, kind, at, mail, off)| Step::Put(who, kind, at, mail, off)),
        3 => (0..6_usize, kind).prop_map(|(who, kind)| Step::Remove(who, kind)),
        1 => any::<bool>().prop_map(Step::Alias),
        1 => Just(Step::Reopen),
    ]
}

/// Objects by name, addresses as text: nothing clever.
#[derive(Debug, Default)]
struct Naive {
    objects: BTreeMap<(Kind, usize), (Vec<Address>, String)>,
    alias: bool,
}

impl Naive {
    fn lookup(&self, local: &str, domain: &str) -> String {
        if domain == "example.org" && !self.alias {
            return "-".into();
        }
        let holds = |address: &Address| {
            address.local().as_str() == local
                && match address.names() {
                    Names::All => true,
                    Names::One(name) => name.as_str() == domain,
                }
        };
        let owner = |(addresses, _): &&(Vec<Address>, String)| addresses.iter().any(holds);
        self.objects
            .values()
            .find(owner)
            .map_or_else(|| "-".into(), |(_, words)| words.clone())
    }
}

fn object(who: usize, kind: Kind, at: &[&str], mail: MailType, off: bool) -> (Object, String) {
    let label = format!("{kind}{who}");
    match kind {
        Kind::User => {
            let mut record = user(&label, at);
            record.mail = mail;
            record.suspended = off;
            let chosen = if mail == MailType::ThirdParty {
                " selected"
            } else {
                ""
            };
            let suspended = if off { " suspended" } else { "" };
            let words = format!("user {label} {mail}{chosen}{suspended}");
            (Object::User(record), words)
        }
        Kind::Mailbox => {
            let words = format!("mailbox {label}");
            (Object::Mailbox(mailbox(&label, at, &[])), words)
        }
        _ => (
            Object::Group(group(&label, at, &[])),
            format!("group {label}"),
        ),
    }
}

fn key(who: usize, kind: Kind) -> Key {
    let (domain, label) = (name("example.com"), format!("{kind}{who}"));
    match kind {
        Kind::User => Key::User(domain, label),
        Kind::Mailbox => Key::Mailbox(domain, label),
        _ => Key::Group(domain, label),
    }
}

fn apply(fixture: &Fixture, naive: &mut Naive, step: &Step) {
    match step {
        Step::Put(who, kind, at, mail, off) => {
            let texts: Vec<String> = at
                .iter()
                .map(|(local, name)| format!("{}@{}", LOCALS[*local], NAMES[*name]))
                .collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let (record, words) = object(*who, *kind, &texts, *mail, *off);
            if fixture.put([record]).is_ok() {
                let addresses = texts.iter().map(|text| address(text)).collect();
                naive.objects.insert((*kind, *who), (addresses, words));
            }
        }
        Step::Remove(who, kind) => {
            if fixture.remove(key(*who, *kind)).is_ok() {
                naive.objects.remove(&(*kind, *who));
            }
        }
        Step::Alias(present) => {
            let mut domain = fixture.domain();
            domain.aliases = if *present {
                vec![name("example.org")]
            } else {
                Vec::new()
            };
            if fixture.put([Object::Domain(domain)]).is_ok() {
                naive.alias = *present;
            }
        }
        Step::Reopen => {}
    }
}

fn agree(snapshot: &Snapshot, naive: &Naive) -> Result<(), TestCaseError> {
    for local in LOCALS {
        for domain in ["example.com", "example.org"] {
            let mailbox = Mailbox::parse(&format!("{local}@{domain}")).unwrap();
            let expected = naive.lookup(local, domain);
            prop_assert_eq!(in_words(snapshot, &mailbox), expected, "{}", mailbox);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_snapshot_agrees_with_a_naive_model(steps in prop::collection::vec(step(), 1..30)) {
        let mut fixture = Fixture::new();
        let mut domain = DomainRecord::new(name("example.com"));
        domain.relay = Some(Relay::parse("10.0.0.7").unwrap());
        fixture.put([Object::Domain(domain)]).unwrap();
        let mut naive = Naive::default();
        for step in &steps {
            apply(&fixture, &mut naive, step);
            if matches!(step, Step::Reopen) {
                let path = fixture.folder.path().join("directory.db");
                fixture.directory = Directory::open(&path).unwrap();
            }
            agree(&fixture.directory.snapshot(), &naive)?;
        }
    }
}
