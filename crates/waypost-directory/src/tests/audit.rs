//! Who changed what, as different administrators may see it; and edits that change nothing.

use std::time::{Duration, SystemTime};

use super::*;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// After the six writes of the fixture: bob in example.net by carl, holds, and a change of alice.
fn busy() -> Fixture {
    let fixture = Fixture::split();
    let mut bob = user("bob", &["bob@*"]);
    bob.domain = name("example.net");
    let net = DomainRecord::new(name("example.net"));
    let hold = || Hold {
        reason: String::new(),
        since: UNIX_EPOCH,
        until: None,
    };
    let mut alice = fixture.user("alice");
    alice.name = "Alice".into();
    let alice_key = HoldKey::User(name("example.com"), "alice".into());
    for (seconds, who, object) in [
        (10, "carl", Object::Domain(net)),
        (20, "carl", Object::User(bob)),
        (
            30,
            "root",
            Object::Hold(HoldKey::Target("old".into()), hold()),
        ),
        (40, "root", Object::Hold(alice_key, hold())),
        (
            50,
            "carl",
            Object::Hold(HoldKey::Domain(name("example.net")), hold()),
        ),
        (60, "root", Object::User(alice)),
    ] {
        let actor = Actor {
            name: who,
            from: "test",
            at: at(seconds),
        };
        let edit = Edit::Put(object, When::Any);
        fixture.directory.edit(&actor, &Nowhere, &[edit]).unwrap();
    }
    fixture
}

#[test]
fn what_is_done_to_mail_and_to_answers_is_kept_beside_the_changes() {
    let fixture = busy();
    let before = fixture.directory.snapshot();
    let carl = Actor {
        name: "carl",
        from: "192.0.2.7",
        at: at(70),
    };
    for (of, name) in [
        (DeedOf::Queue, "CR0000000000"),
        (DeedOf::Cache, "dave@example.net"),
    ] {
        let deed = Deed {
            of,
            name,
            before: Some("{}"),
            after: None,
            domains: &[],
        };
        fixture.directory.record(&carl, &deed).unwrap();
    }
    let lines = |query: AuditQuery| fixture.directory.audit(&query).unwrap();
    let all = lines(AuditQuery::latest(2));
    let objects: Vec<_> = all.iter().map(|line| line.object.as_str()).collect();
    assert_eq!(objects, ["cache dave@example.net", "queue CR0000000000"]);
    assert_eq!((&*all[0].who, &*all[0].from), ("carl", "192.0.2.7"));
    assert_eq!(all[0].domain.as_deref(), Some("example.net"));
    // Whose domain it is sees it; mail belongs to the site.
    let mut query = AuditQuery::latest(1);
    query.scope = of_domains(&["example.net"]);
    assert_eq!(lines(query)[0].object, "cache dave@example.net");
    // Edits go on as if nothing had been.
    let mut alice = fixture.user("alice");
    alice.name = "Alice B.".into();
    fixture.put([Object::User(alice)]).unwrap();
    let after = fixture.directory.snapshot();
    assert_eq!(after.change(), before.change() + 3);
    assert_eq!(fixture.user("alice").name, "Alice B.");
}

#[test]
fn what_is_done_to_mail_is_seen_where_it_concerns_somebody_and_by_who_did_it() {
    let fixture = Fixture::new();
    let record = |who: &str, id: &str, domains: &[&str]| {
        let actor = Actor { name: who, ..ACTOR };
        let domains: Vec<_> = domains.iter().map(|domain| name(domain)).collect();
        let deed = Deed {
            of: DeedOf::Queue,
            name: id,
            before: None,
            after: Some("{}"),
            domains: &domains,
        };
        fixture.directory.record(&actor, &deed).unwrap();
    };
    record("root", "CR1", &["example.com", "example.net"]);
    record("root", "CR2", &["example.org"]);
    record("dora", "many", &[]);
    record("carl", "CR3", &[]);
    let seen = |scope: &[&str], own: Option<&str>, object: Option<&str>| {
        let mut query = AuditQuery::latest(10);
        query.scope = of_domains(scope);
        query.own = own.map(str::to_owned);
        query.object = object.map(str::to_owned);
        let lines = fixture.directory.audit(&query).unwrap();
        lines
            .into_iter()
            .map(|line| line.object)
            .collect::<Vec<_>>()
    };
    assert_eq!(seen(&["example.com"], None, None), ["queue CR1"]);
    assert_eq!(
        seen(&["example.com", "example.net"], Some("dora"), None),
        ["queue many", "queue CR1"]
    );
    assert_eq!(
        seen(&["example.org"], Some("carl"), Some("queue CR2")),
        ["queue CR2"]
    );
    assert!(seen(&["elsewhere.test"], None, None).is_empty());
}

fn of_domains(domains: &[&str]) -> Scope {
    of(domains)
}

fn changes(fixture: &Fixture, change: impl FnOnce(&mut AuditQuery)) -> Vec<u64> {
    let mut query = AuditQuery::latest(100);
    change(&mut query);
    let lines = fixture.directory.audit(&query).unwrap();
    lines.iter().map(|line| line.change).collect()
}

fn of(domains: &[&str]) -> Scope {
    Scope::from_words(domains).unwrap()
}

#[test]
fn a_line_belongs_to_the_domain_of_its_object() {
    let fixture = busy();
    assert_eq!(
        changes(&fixture, |_| {}),
        (1..=12).rev().collect::<Vec<_>>()
    );
    let net = changes(&fixture, |q| q.scope = of(&["example.net"]));
    assert_eq!(net, [11, 8, 7]);
    let com = changes(&fixture, |q| q.scope = of(&["example.com"]));
    assert_eq!(com, [12, 10, 6, 5, 4, 3, 2]);
    let both = changes(&fixture, |q| q.scope = of(&["example.net", "example.com"]));
    assert_eq!(both, [12, 11, 10, 8, 7, 6, 5, 4, 3, 2]);
    assert_eq!(changes(&fixture, |q| q.scope = of(&[])), [0; 0]);
}

#[test]
fn lines_are_found_by_object_login_and_time() {
    let fixture = busy();
    let object = |text: &str| changes(&fixture, |q| q.object = Some(text.into()));
    assert_eq!(object("user"), [12, 8, 4, 3]);
    assert_eq!(object("user alice@"), [12, 4]);
    assert_eq!(object("user j"), [3]);
    assert_eq!(object("pigeon"), [0; 0]);
    assert_eq!(
        changes(&fixture, |q| q.who = Some("carl".into())),
        [11, 8, 7]
    );
    let times = |from, to| {
        changes(&fixture, |q| {
            (q.from, q.to) = (Some(at(from)), Some(at(to)));
        })
    };
    assert_eq!(times(20, 50), [10, 9, 8]);
    assert_eq!(times(61, 99), [0; 0]);
    assert_eq!(changes(&fixture, |q| q.from = Some(at(50))), [12, 11]);
    let all = |q: &mut AuditQuery| {
        q.scope = of(&["example.com"]);
        q.who = Some("root".into());
        q.object = Some("user".into());
        q.from = Some(at(1));
    };
    assert_eq!(changes(&fixture, all), [12]);
}

#[test]
fn the_audit_goes_page_by_page() {
    let fixture = busy();
    let page = |before| {
        changes(&fixture, |q| {
            (q.before, q.limit) = (before, 5);
        })
    };
    assert_eq!(page(None), [12, 11, 10, 9, 8]);
    assert_eq!(page(Some(8)), [7, 6, 5, 4, 3]);
    assert_eq!(page(Some(1)), [0; 0]);
    let net = changes(&fixture, |q| {
        q.scope = of(&["example.net", "example.com"]);
        (q.before, q.limit) = (Some(12), 3);
    });
    assert_eq!(net, [11, 10, 8]);
}

#[test]
fn edits_that_are_broken_off_leave_nothing() {
    let fixture = Fixture::split();
    let edits: Vec<Edit> = (0..2000)
        .map(|i| {
            let at = format!("u{i}@*");
            Edit::Put(Object::User(user(&format!("u{i}"), &[&at])), When::Absent)
        })
        .collect();
    for stop in [0, 500, 2500, 4000] {
        let mut watch = |done, _| match done >= stop {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let directory = &fixture.directory;
        let made = directory.edit_with_progress(&ACTOR, &Nowhere, &edits, &mut watch);
        assert!(matches!(made, Err(EditError::Cancelled)), "{stop}");
        let tried = directory.rehearse(&ACTOR, &Nowhere, &edits, &mut watch);
        assert!(matches!(tried, Err(EditError::Cancelled)), "{stop}");
    }
    assert_eq!(fixture.lookup("u0@example.com"), "-");
    assert_eq!(changes(&fixture, |_| {}).len(), 6);
    fixture.edit(&edits).unwrap();
}

#[test]
fn a_rejection_says_whether_the_object_is_stale_missing_or_there() {
    let fixture = Fixture::split();
    let alice = Object::User(fixture.user("alice"));
    let breach = |edit: Edit| fixture.edit(&[edit]).unwrap_err().breach();
    let put = |when| Edit::Put(alice.clone(), when);
    assert_eq!(breach(put(When::Revision(7))), Breach::Stale);
    assert_eq!(breach(put(When::Absent)), Breach::Exists);
    let nobody = Key::User(name("example.com"), "nobody".into());
    assert_eq!(
        breach(Edit::Remove(nobody, When::Revision(1))),
        Breach::Missing
    );
    let bad = Object::User(user("bob", &["alice@*"]));
    assert_eq!(breach(Edit::Put(bad, When::Any)), Breach::Rule);
}

#[test]
fn every_kind_has_a_revision() {
    let fixture = busy();
    let mut record = AdminRecord::new("root", Role::Superadministrator);
    record.name = "Root".into();
    let peer = PeerRecord::new(TargetRecord::new("lyon", Host::parse("10.0.0.8").unwrap()));
    let gateway = GatewayRecord::new(name("gate.test"), Relay::Target("old".into()));
    let token = TokenRecord {
        id: "abcdefgh".into(),
        admin: "root".into(),
        name: String::new(),
        hash: TokenHash([1; 32]),
        role: Role::Helpdesk,
        domains: Scope::All,
        grants: Vec::new(),
        expires_at: at(1),
        created_at: at(0),
        last_used_at: None,
    };
    fixture
        .put([
            Object::Admin(record),
            Object::Peer(peer),
            Object::Gateway(gateway),
            Object::Token(token),
        ])
        .unwrap();
    let com = name("example.com");
    for (key, revision) in [
        (Key::Admin("root".into()), 1),
        (Key::Domain(com.clone()), 1),
        (Key::Gateway(name("gate.test")), 1),
        (Key::Group(com.clone(), "team".into()), 1),
        (Key::Hold(HoldKey::Target("old".into())), 1),
        (Key::Mailbox(com.clone(), "support".into()), 1),
        (Key::Peer("lyon".into()), 1),
        (Key::Target("old".into()), 1),
        (Key::Token("abcdefgh".into()), 1),
        (Key::User(com, "alice".into()), 2),
    ] {
        let stored = fixture.directory.object(&key).unwrap().unwrap();
        assert_eq!(
            (stored.record.key(), stored.revision),
            (key.clone(), revision)
        );
        let stale = [Edit::Put(stored.record, When::Revision(revision + 1))];
        assert_eq!(
            fixture.edit(&stale).unwrap_err().breach(),
            Breach::Stale,
            "{key}"
        );
    }
    let none = Key::Target("lyon".into());
    assert_eq!(fixture.directory.object(&none).unwrap(), None);
}
