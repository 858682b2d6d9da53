//! Rules that hold for objects of every kind.

use super::*;

#[test]
fn what_others_need_is_not_removed() {
    let fixture = Fixture::split();
    assert_eq!(
        refusal(fixture.remove(Key::Target("old".into()))),
        "target old: name: it is used by domain example.com"
    );
    let rejected = fixture
        .remove(Key::Domain(name("example.com")))
        .unwrap_err();
    assert_eq!(rejected.problems.len(), 3, "{rejected}");
    assert_eq!(
        refusal(fixture.remove(Key::User(name("example.com"), "alice".into()))),
        "user alice@example.com: login: the shared mailbox support@example.com has him as \
         member, as alice@example.com"
    );
    let everything = [
        Key::Target("old".into()),
        Key::Domain(name("example.com")),
        Key::User(name("example.com"), "alice".into()),
        Key::User(name("example.com"), "jdoe".into()),
        Key::Mailbox(name("example.com"), "support".into()),
        Key::Group(name("example.com"), "team".into()),
    ];
    let edits = everything.map(|key| Edit::Remove(key, When::Present));
    assert_eq!(fixture.edit(&edits).unwrap().removed, 6);
    assert!(
        fixture
            .directory
            .snapshot()
            .domain(&name("example.com"))
            .is_none()
    );
}

#[test]
fn names_are_never_paths_or_options() {
    let fixture = Fixture::split();
    for bad in [
        "",
        "-a",
        ".a",
        "a/b",
        "../a",
        "A",
        "ä",
        "a b",
        "a\n",
        &"a".repeat(65),
    ] {
        let result = fixture.put([
            Object::User(user(bad, &["x@*"])),
            Object::Mailbox(mailbox(bad, &["y@*"], &[])),
            Object::Group(group(bad, &["z@*"], &[])),
        ]);
        let problems = result.unwrap_err().problems;
        let named = problems
            .iter()
            .filter(|p| ["login", "name"].contains(&p.field));
        assert!(named.count() >= 3, "{bad:?} {problems:?}");
    }
    for good in ["a", "0", "a.b-c_d"] {
        let at = format!("x{good}@*");
        fixture.put([Object::User(user(good, &[&at]))]).unwrap();
    }
    for bad in ["old.example", "old:25", "[old]", "Old"] {
        let target = TargetRecord::new(bad, Host::parse("10.0.0.7").unwrap());
        assert_eq!(only(fixture.put([Object::Target(target)])).field, "name");
    }
}

#[test]
fn holds_are_on_things_that_exist_and_end_with_them() {
    let fixture = Fixture::split();
    let hold = Hold {
        reason: "moving".into(),
        since: std::time::SystemTime::UNIX_EPOCH,
        until: None,
    };
    let key = |name: &str| HoldKey::Target(name.into());
    let problem = only(fixture.put([Object::Hold(key("none"), hold.clone())]));
    assert_eq!(problem.message, "there is no target none");
    let jdoe = HoldKey::User(name("example.com"), "jdoe".into());
    fixture
        .put([
            Object::Hold(key("old"), hold.clone()),
            Object::Hold(jdoe.clone(), hold.clone()),
            Object::Hold(HoldKey::Domain(name("elsewhere.net")), hold.clone()),
        ])
        .unwrap();
    assert_eq!(fixture.directory.snapshot().hold(&key("old")), Some(&hold));
    fixture
        .remove(Key::User(name("example.com"), "jdoe".into()))
        .unwrap();
    assert_eq!(fixture.directory.snapshot().hold(&jdoe), None);
    fixture.remove(Key::Hold(key("old"))).unwrap();
    assert_eq!(fixture.directory.snapshot().holds().count(), 1);
}

#[test]
fn all_problems_are_named_at_once_and_nothing_is_saved() {
    let fixture = Fixture::split();
    let before = fixture.directory.snapshot().change();
    let mut domain = fixture.domain();
    domain.relay = Some(Relay::Target("none".into()));
    domain.quota.user_max = 1;
    domain.quota.user_default = 2;
    let rejected = fixture
        .put([
            Object::User(user("Bob", &["jdoe@example.com", "x@example.net"])),
            Object::Domain(domain),
            Object::Group(group("g", &["g@*"], &["g@example.com"])),
        ])
        .unwrap_err();
    let mut fields: Vec<_> = rejected
        .problems
        .iter()
        .map(|p| (p.edit.unwrap(), p.field))
        .collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            (0, "addresses"),
            (0, "addresses"),
            (0, "login"),
            (1, "quota"),
            (1, "relay"),
            (2, "members"),
        ],
        "{rejected}"
    );
    assert_eq!(fixture.directory.snapshot().change(), before);
    assert_eq!(
        fixture
            .directory
            .audit(&AuditQuery::latest(100))
            .unwrap()
            .len(),
        6
    );
}

#[test]
fn an_edit_says_what_it_expects_to_find() {
    let fixture = Fixture::split();
    let alice = Key::User(name("example.com"), "alice".into());
    let record = Object::User(fixture.user("alice"));
    let edit = |when| fixture.edit(&[Edit::Put(record.clone(), when)]);
    assert_eq!(only(edit(When::Absent)).message, "exists already");
    assert!(only(edit(When::Revision(2))).message.contains("revision 1"));
    assert_eq!(edit(When::Revision(1)).unwrap().unchanged, 1);
    let gone = Key::User(name("example.com"), "nobody".into());
    assert_eq!(only(fixture.remove(gone)).message, "does not exist");
    let twice = [
        Edit::Put(record.clone(), When::Any),
        Edit::Remove(alice, When::Any),
    ];
    let rejected = fixture.edit(&twice).unwrap_err();
    assert_eq!(rejected.problems[0].message, "is there twice");
    let nowhere = Object::Group(GroupRecord {
        domain: name("example.org"),
        ..group("g", &["g@*"], &[])
    });
    assert_eq!(only(fixture.put([nowhere])).field, "domain");
}
