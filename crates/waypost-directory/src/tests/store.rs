//! What is kept, recorded, copied and survived.

use rusqlite::Connection;

use super::*;

#[test]
fn many_users_are_read_at_once_each_by_himself() {
    let fixture = Fixture::split();
    let (here, nowhere) = (name("example.com"), name("nowhere.test"));
    let named = [
        (&here, "alice"),
        (&here, "nobody"),
        (&nowhere, "alice"),
        (&here, "jdoe"),
    ];
    directory::lock(&fixture.directory.writer)
        .execute_batch("UPDATE user SET mail = 'pigeon' WHERE login = 'jdoe'")
        .unwrap();
    let mut found = fixture.directory.users_named(named).unwrap();
    assert!(found.pop().unwrap().is_err());
    let found: Vec<_> = found.into_iter().map(Result::unwrap).collect();
    let alice = fixture.directory.user(&here, "alice").unwrap();
    assert_eq!(found, [alice, None, None]);
}

#[test]
fn records_read_back_as_they_were_written() {
    let fixture = Fixture::split();
    let mut domain = fixture.domain();
    domain.relay = Some(Relay::parse("[2001:db8::1]:2525").unwrap());
    domain.forward_unknown = true;
    domain.verify_unknown = VerifyUnknown::None;
    domain.protect_senders = true;
    domain.postmaster = Some(Mailbox::parse("alice@example.com").unwrap());
    domain.quota = Quota {
        user_max: 9,
        user_default: 8,
        shared_max: 7,
        shared_default: 6,
    };
    let mut bob = user("bob", &["\"bob b\"@*", "bob@example.org"]);
    bob.name = "Bob \"B\" Öz".into();
    bob.mail = MailType::ThirdParty;
    bob.target = Some("old".into());
    bob.relayed = Some(vec![address("bob@example.org")]);
    bob.password = Some(PasswordHash::make("secret").unwrap());
    bob.quota_bytes = Some(5);
    bob.suspended = true;
    let mut target = TargetRecord::new("new", Host::parse("mx:example.net").unwrap());
    target.sources = vec![waypost_proto::net::Network::parse("203.0.113.0/24").unwrap()];
    target.recipient = RecipientForm::parse("@old.example.com").unwrap();
    target.smart_host_on_error = true;
    let admin = AdminRecord::new("root", Role::Superadministrator);
    fixture
        .put([
            Object::Domain(domain.clone()),
            Object::User(bob.clone()),
            Object::Target(target.clone()),
            Object::Admin(admin.clone()),
        ])
        .unwrap();
    assert_eq!(fixture.domain(), domain);
    assert_eq!(fixture.user("bob"), bob);
    let stored = fixture.directory.target("new").unwrap().unwrap();
    assert_eq!(
        (stored.record, stored.revision, &*stored.origin),
        (target, 1, LOCAL)
    );
    assert_eq!(
        fixture.directory.admin("root").unwrap().unwrap().record,
        admin
    );
}

#[test]
fn a_relay_by_host_makes_a_target_that_is_not_listed_and_goes_with_it() {
    let fixture = Fixture::split();
    let page = Page {
        domain: None,
        after: 0,
        limit: 10,
    };
    let mut domain = fixture.domain();
    domain.relay = Some(Relay::parse("old.example.net").unwrap());
    fixture.put([Object::Domain(domain.clone())]).unwrap();
    let snapshot = fixture.directory.snapshot();
    let relay = snapshot
        .domain(&name("example.com"))
        .unwrap()
        .domain
        .relay
        .unwrap();
    let target = snapshot.target(relay).unwrap();
    assert_eq!(
        (&*target.name, target.port, target.implicit),
        ("old.example.net:25", 25, true)
    );
    assert_eq!(fixture.directory.targets(&page).unwrap().len(), 1);
    domain.relay = Some(Relay::Target("old".into()));
    fixture.put([Object::Domain(domain)]).unwrap();
    let snapshot = fixture.directory.snapshot();
    assert_eq!(snapshot.target(relay), None);
    assert_eq!(snapshot.targets().count(), 1);
}

#[test]
fn every_write_is_numbered_and_recorded_without_secrets() {
    let fixture = Fixture::split();
    let mut alice = fixture.user("alice");
    alice.password = Some(PasswordHash::make("secret").unwrap());
    let changed = fixture.put([Object::User(alice.clone())]).unwrap();
    assert_eq!((changed.change, changed.changed), (7, 1));
    let again = fixture.put([Object::User(alice)]).unwrap();
    assert_eq!((again.change, again.unchanged), (7, 1));
    let entry = fixture
        .directory
        .audit(&AuditQuery::latest(1))
        .unwrap()
        .remove(0);
    assert_eq!(
        (entry.change, &*entry.who, &*entry.from, entry.at),
        (7, "root", "test", UNIX_EPOCH)
    );
    assert_eq!(entry.object, "user alice@example.com");
    let common = concat!(
        r#""domain":"example.com","login":"alice","name":"","#,
        r#""mail":"local","addresses":["alice@*"]"#
    );
    assert_eq!(
        entry.before.unwrap(),
        format!("{{{common},\"suspended\":false}}")
    );
    assert_eq!(
        entry.after.unwrap(),
        format!("{{{common},\"password\":\"***\",\"suspended\":false}}")
    );
    assert_eq!(fixture.directory.snapshot().change(), 7);
}

#[test]
fn a_backup_and_a_restart_have_everything() {
    let fixture = Fixture::split();
    let copy = fixture.folder.path().join("copy.db");
    fixture.directory.backup(&copy).unwrap();
    for path in [copy, fixture.folder.path().join("directory.db")] {
        let again = Directory::open(&path).unwrap();
        let snapshot = again.snapshot();
        assert_eq!(snapshot.change(), 6);
        for (text, words) in [
            ("jdoe@example.com", "user jdoe third-party"),
            ("jdoe@example.org", "-"),
            ("John.Doe@example.org", "user jdoe third-party selected"),
            ("alice@example.org", "user alice local"),
            ("support@example.com", "mailbox support"),
            ("team@example.com", "group team"),
        ] {
            assert_eq!(
                in_words(&snapshot, &Mailbox::parse(text).unwrap()),
                words,
                "{text}"
            );
        }
    }
}

#[test]
fn a_newer_schema_is_refused() {
    let fixture = Fixture::new();
    let path = fixture.folder.path().join("directory.db");
    drop(fixture.directory);
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    let error = Directory::open(&path).unwrap_err().to_string();
    assert!(error.contains("schema version 99"), "{error}");
}

#[test]
fn one_bad_object_does_not_stop_the_others() {
    let fixture = Fixture::split();
    let path = fixture.folder.path().join("directory.db");
    drop(fixture.directory);
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "UPDATE user SET mail = 'pigeon' WHERE login = 'jdoe';
             UPDATE domain SET postmaster = 'nonsense';
             UPDATE group_member SET address = 'nonsense';",
        )
        .unwrap();
    let directory = Directory::open(&path).unwrap();
    let snapshot = directory.snapshot();
    let lookup = |text: &str| in_words(&snapshot, &Mailbox::parse(text).unwrap());
    assert_eq!(lookup("alice@example.com"), "user alice local");
    assert_eq!(lookup("support@example.com"), "mailbox support");
    assert_eq!(lookup("jdoe@example.com"), "-");
    let fixture = Fixture {
        directory,
        folder: fixture.folder,
    };
    let jdoe = user("jdoe", &["jdoe@example.com"]);
    fixture
        .put([
            Object::User(jdoe),
            Object::Group(group("team", &["team@*"], &[])),
        ])
        .unwrap();
    assert_eq!(fixture.lookup("jdoe@example.com"), "user jdoe local");
    assert_eq!(fixture.lookup("team@example.com"), "group team");
}

#[test]
fn a_user_owns_his_addresses_and_those_of_his_shared_mailboxes() {
    let fixture = Fixture::split();
    let snapshot = fixture.directory.snapshot();
    let id = |text: &str| match snapshot.lookup_mailbox(&Mailbox::parse(text).unwrap()) {
        Some(Found::User(user)) => user.id,
        other => panic!("{other:?}"),
    };
    let (alice, jdoe) = (id("alice@example.com"), id("jdoe@example.com"));
    for (user, address, owns) in [
        (alice, "Alice@example.org", true),
        (alice, "support@example.com", true),
        (alice, "team@example.com", false),
        (alice, "jdoe@example.com", false),
        (alice, "alice@elsewhere.net", false),
        (jdoe, "support@example.com", false),
    ] {
        let mailbox = Mailbox::parse(address).unwrap();
        assert_eq!(snapshot.owns(user, &mailbox), owns, "{address}");
    }
    let old = snapshot.targets().next().unwrap().id;
    let at = |text: &str| snapshot.owner_target(&Mailbox::parse(text).unwrap());
    assert_eq!(at("jdoe@example.com"), Some(old));
    assert_eq!(at("alice@example.com"), None);
    assert_eq!(snapshot.user(jdoe).unwrap().login, "jdoe");
}

#[test]
fn lists_go_page_by_page_and_domain_by_domain() {
    let fixture = Fixture::split();
    let other = DomainRecord::new(name("example.net"));
    let mut bob = user("bob", &["bob@*"]);
    bob.domain = name("example.net");
    fixture
        .put([Object::Domain(other), Object::User(bob)])
        .unwrap();
    let logins = |domain: Option<&str>, after, limit| {
        let page = Page {
            domain: domain.map(name),
            after,
            limit,
        };
        let users = fixture.directory.users(&page).unwrap();
        users
            .into_iter()
            .map(|u| u.record.login)
            .collect::<Vec<_>>()
    };
    assert_eq!(logins(None, 0, 10), ["jdoe", "alice", "bob"]);
    assert_eq!(logins(None, 1, 1), ["alice"]);
    assert_eq!(logins(Some("example.net"), 0, 10), ["bob"]);
    assert_eq!(logins(Some("elsewhere.net"), 0, 10), [""; 0]);
}

#[test]
fn progress_is_told_up_to_the_end() {
    let fixture = Fixture::split();
    let edits: Vec<Edit> = (0..2000)
        .map(|i| {
            let at = format!("u{i}@*");
            Edit::Put(Object::User(user(&format!("u{i}"), &[&at])), When::Absent)
        })
        .collect();
    let mut steps = Vec::new();
    fixture
        .directory
        .edit_with_progress(&ACTOR, &Nowhere, &edits, &mut |done, total| {
            steps.push((done, total));
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(steps.len() > 4 && steps.is_sorted());
    assert_eq!(steps.last(), Some(&(4000, 4000)));
    assert_eq!(fixture.lookup("u1999@example.org"), "user u1999 local");
}

#[test]
fn many_small_edits_end_in_the_index_while_readers_read() {
    const USERS: usize = 5000;
    const SUSPENDED: usize = 20;
    let fixture = Fixture::split();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut last = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let snapshot = fixture.directory.snapshot();
                assert!(snapshot.change() >= last);
                last = snapshot.change();
                let alice = Mailbox::parse("alice@example.org").unwrap();
                assert_eq!(in_words(&snapshot, &alice), "user alice local");
            }
        });
        let edits: Vec<Edit> = (0..USERS)
            .map(|i| {
                let record = user(&format!("u{i}"), &[&format!("u{i}@*")]);
                Edit::Put(Object::User(record), When::Absent)
            })
            .collect();
        for few in edits.chunks(USERS / 10) {
            fixture.edit(few).unwrap();
        }
        for edit in edits.into_iter().take(SUSPENDED) {
            let Edit::Put(Object::User(mut record), _) = edit else {
                panic!("only users");
            };
            record.suspended = true;
            fixture.put([Object::User(record)]).unwrap();
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        reader.join().unwrap();
    });
    let snapshot = fixture.directory.snapshot();
    assert!(snapshot.index.user(2).is_some(), "the index took them over");
    for i in 0..USERS {
        let mailbox = Mailbox::parse(&format!("u{i}@example.org")).unwrap();
        let suspended = if i < SUSPENDED { " suspended" } else { "" };
        assert_eq!(
            in_words(&snapshot, &mailbox),
            format!("user u{i} local{suspended}")
        );
    }
}

#[test]
fn one_bad_peer_or_gateway_domain_does_not_stop_the_others() {
    let fixture = Fixture::split();
    let peer = |label: &str, host: &str| {
        PeerRecord::new(TargetRecord::new(label, Host::parse(host).unwrap()))
    };
    let gateway = |domain: &str| GatewayRecord::new(name(domain), Relay::Target("old".into()));
    let mut domain = fixture.domain();
    domain.sharing = vec!["lyon".into(), "oslo".into()];
    fixture
        .put([
            Object::Peer(peer("lyon", "10.0.0.8")),
            Object::Peer(peer("oslo", "10.0.0.9")),
            Object::Gateway(gateway("bad.test")),
            Object::Gateway(gateway("good.test")),
            Object::Domain(domain.clone()),
        ])
        .unwrap();
    let path = fixture.folder.path().join("directory.db");
    drop(fixture.directory);
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "UPDATE peer SET minger_port = 70000
             WHERE target_id = (SELECT id FROM target WHERE name = 'lyon');
             UPDATE gateway SET verify = 'pigeon' WHERE domain = 'bad.test';",
        )
        .unwrap();
    let fixture = Fixture {
        directory: Directory::open(&path).unwrap(),
        folder: fixture.folder,
    };
    let page = Page {
        domain: None,
        after: 0,
        limit: 10,
    };
    let snapshot = fixture.directory.snapshot();
    let peers: Vec<&str> = snapshot.peers().map(|peer| &*peer.name).collect();
    assert_eq!(peers, ["oslo"]);
    assert!(snapshot.gateway(&name("good.test")).is_some());
    assert_eq!(fixture.directory.peers(&page).unwrap().len(), 1);
    assert_eq!(fixture.directory.gateways(&page).unwrap().len(), 1);
    domain.protect_senders = true;
    fixture
        .put([
            Object::Domain(domain),
            Object::Peer(peer("lyon", "10.0.0.8")),
            Object::Gateway(gateway("bad.test")),
        ])
        .unwrap();
    let snapshot = fixture.directory.snapshot();
    assert_eq!(snapshot.peers().count(), 2);
    assert!(snapshot.gateway(&name("bad.test")).is_some());
    fixture.remove(Key::Gateway(name("bad.test"))).unwrap();
}

#[test]
fn a_store_of_the_first_schema_keeps_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("directory.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../../migrations/sqlite/0001_init.sql"))
        .unwrap();
    old.execute_batch(
        "INSERT INTO domain VALUES (1, 1, 'local', NULL, 'example.com', NULL, 0, 'callout', 0,
             NULL, 0, 0, 0, 0);
         INSERT INTO domain_name VALUES (1, 1, 0, 'example.com');
         INSERT INTO target VALUES (1, 3, 'local', NULL, 'old', 0, '10.0.0.7', 25, '', 'off', NULL,
             '', '', 20, 'original', 0);",
    )
    .unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    drop(old);
    let directory = Directory::open(&path).unwrap();
    let domain = directory.domain(&name("example.com")).unwrap().unwrap();
    assert_eq!(domain.record, DomainRecord::new(name("example.com")));
    let old = directory.target("old").unwrap().unwrap();
    assert_eq!((old.revision, old.record.tls), (3, TlsPolicy::Off));
    let fixture = Fixture { directory, folder };
    let mut domain = domain.record;
    domain.sharing = vec!["old".into()];
    fixture
        .put([
            Object::Peer(PeerRecord::new(old.record)),
            Object::Domain(domain),
        ])
        .unwrap();
    assert_eq!(fixture.directory.snapshot().peers().count(), 1);
}
