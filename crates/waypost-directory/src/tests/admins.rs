//! Administrators and tokens: who may be one, and who gets in.

use std::time::{Duration, SystemTime};

use super::*;

fn hash() -> PasswordHash {
    PasswordHash::make("correct horse").unwrap()
}

fn root() -> AdminRecord {
    let mut record = AdminRecord::new("root", Role::Superadministrator);
    record.password = Some(hash());
    record
}

fn clerk() -> AdminRecord {
    let mut record = AdminRecord::new("clerk", Role::DomainAdministrator);
    record.password = Some(hash());
    record.domains = Scope::Domains(vec![name("example.com")]);
    record
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn token(id: &str, owner: &AdminRecord) -> TokenRecord {
    TokenRecord {
        id: id.into(),
        admin: owner.login.clone(),
        name: "backup".into(),
        hash: TokenHash([id.as_bytes()[0]; 32]),
        role: owner.role,
        domains: owner.domains.clone(),
        grants: owner.grants.clone(),
        expires_at: at(1000),
        created_at: UNIX_EPOCH,
        last_used_at: None,
    }
}

/// example.com and example.net, the superadministrator root, and clerk of example.com.
fn with_admins() -> Fixture {
    let fixture = Fixture::split();
    fixture
        .put([
            Object::Domain(DomainRecord::new(name("example.net"))),
            Object::Admin(root()),
            Object::Admin(clerk()),
        ])
        .unwrap();
    fixture
}

fn with_passwords() -> Fixture {
    let fixture = with_admins();
    for login in ["alice", "jdoe"] {
        let mut record = fixture.user(login);
        record.password = Some(hash());
        fixture.put([Object::User(record)]).unwrap();
    }
    fixture
}

fn lets_in(fixture: &Fixture, login: &str, password: &str) -> bool {
    match fixture.directory.check_admin(login, password) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.to_string(), "wrong login or password");
            false
        }
    }
}

#[test]
fn a_role_may_all_that_lower_ones_may() {
    for (at, role) in Role::ALL.into_iter().enumerate() {
        assert_eq!(Role::parse(role.as_str()), Some(role));
        for (other_at, other) in Role::ALL.into_iter().enumerate() {
            assert_eq!(role.within(other), at <= other_at);
        }
    }
    assert_eq!(Role::parse("admin"), None);
    let two = Scope::from_words(&["example.com", "example.net"]).unwrap();
    let one = Scope::from_words(&["example.com"]).unwrap();
    assert!(one.within(&two) && !two.within(&one) && two.within(&Scope::All));
    assert!(!Scope::All.within(&two));
    assert_eq!(two.and(&one), one);
    assert_eq!(Scope::All.and(&one), one);
    assert_eq!(Scope::from_words(&["*", "example.com"]), None);
}

#[test]
fn an_administrator_reads_back_as_he_was_written() {
    let fixture = with_admins();
    let mut record = clerk();
    record.name = "Clerk \"C\"".into();
    record.grants = vec![Grant::Routing];
    record.must_change = true;
    record.suspended = true;
    fixture.put([Object::Admin(record.clone())]).unwrap();
    let stored = fixture.directory.admin("clerk").unwrap().unwrap();
    assert_eq!((stored.record, stored.revision), (record.clone(), 2));
    assert_eq!(fixture.put([Object::Admin(record)]).unwrap().unchanged, 1);
    let line = fixture.directory.audit(&AuditQuery::latest(1)).unwrap();
    assert_eq!(
        line[0].after.as_deref(),
        Some(concat!(
            r#"{"login":"clerk","name":"Clerk \"C\"","password":"***","#,
            r#""role":"domain-administrator","domains":["example.com"],"grants":["routing"],"#,
            r#""must_change":true,"suspended":true}"#
        ))
    );
}

#[test]
fn only_the_right_password_of_who_may_lets_in() {
    let fixture = with_passwords();
    for login in ["alice@example.com", "jdoe@example.com"] {
        let record = AdminRecord::new(login, Role::Superadministrator);
        let put = fixture.put([Object::Admin(record)]);
        assert_eq!(put.is_ok(), login.starts_with("alice"), "{login}");
    }
    let mut gone = clerk();
    gone.login = "gone".into();
    gone.suspended = true;
    fixture.put([Object::Admin(gone)]).unwrap();
    let right = "correct horse";
    for login in ["root", "Root", "clerk", "alice@example.com"] {
        assert!(lets_in(&fixture, login, right), "{login}");
        assert!(!lets_in(&fixture, login, "wrong"), "{login}");
    }
    for login in [
        "gone",
        "nobody",
        "jdoe@example.com",
        "alice",
        "alice@example.org",
    ] {
        assert!(!lets_in(&fixture, login, right), "{login}");
    }
    let mut alice = fixture.user("alice");
    alice.suspended = true;
    fixture.put([Object::User(alice)]).unwrap();
    assert!(!lets_in(&fixture, "alice@example.com", right));
}

#[test]
fn what_an_administrator_says_of_himself_must_fit() {
    let fixture = with_admins();
    let field = |change: &dyn Fn(&mut AdminRecord)| {
        let mut record = clerk();
        change(&mut record);
        only(fixture.put([Object::Admin(record)])).field
    };
    assert_eq!(
        field(&|r| r.domains = Scope::Domains(Vec::new())),
        "domains"
    );
    let none = Scope::Domains(vec![name("example.org")]);
    assert_eq!(field(&|r| r.domains = none.clone()), "domains");
    let twice = Scope::Domains(vec![name("example.com"), name("example.com")]);
    assert_eq!(field(&|r| r.domains = twice.clone()), "domains");
    assert_eq!(field(&|r| r.role = Role::Superadministrator), "domains");
    assert_eq!(field(&|r| r.grants = vec![Grant::Routing; 2]), "grants");
    assert_eq!(field(&|r| r.name = "a\nb".into()), "name");
    assert_eq!(field(&|r| r.login = "alice@example.com".into()), "password");
    let of_user = |r: &mut AdminRecord| {
        r.login = "alice@example.com".into();
        r.password = None;
        r.must_change = true;
    };
    assert_eq!(field(&of_user), "must_change");
    let of_nobody = |r: &mut AdminRecord| {
        r.login = "nobody@example.com".into();
        r.password = None;
    };
    assert_eq!(field(&of_nobody), "login");
}

#[test]
fn one_superadministrator_who_can_log_in_remains() {
    let fixture = with_passwords();
    let refused = |object: Object| only(fixture.put([object])).field;
    let change = |change: &dyn Fn(&mut AdminRecord)| {
        let mut record = root();
        record.password = fixture
            .directory
            .admin("root")
            .unwrap()
            .unwrap()
            .record
            .password;
        change(&mut record);
        Object::Admin(record)
    };
    assert_eq!(refused(change(&|r| r.suspended = true)), "suspended");
    assert_eq!(refused(change(&|r| r.role = Role::Helpdesk)), "role");
    assert_eq!(refused(change(&|r| r.password = None)), "password");
    let gone = only(fixture.remove(Key::Admin("root".into())));
    assert_eq!((gone.field, gone.object.as_str()), ("login", "admin root"));
    let alice = AdminRecord::new("alice@example.com", Role::Superadministrator);
    fixture.put([Object::Admin(alice)]).unwrap();
    fixture.remove(Key::Admin("root".into())).unwrap();
    let mut alice = fixture.user("alice");
    alice.suspended = true;
    assert_eq!(refused(Object::User(alice.clone())), "suspended");
    fixture
        .put([Object::User(alice), Object::Admin(root())])
        .unwrap();
    // Who was none before may be left without one: a directory begins so.
    let fresh = Fixture::new();
    fresh
        .put([Object::Admin(AdminRecord::new(
            "a",
            Role::Superadministrator,
        ))])
        .unwrap();
    fresh.remove(Key::Admin("a".into())).unwrap();
}

#[test]
fn a_domain_that_somebody_is_limited_to_is_not_removed() {
    let fixture = with_admins();
    let mut net = clerk();
    net.domains = Scope::Domains(vec![name("example.net")]);
    fixture.put([Object::Admin(net)]).unwrap();
    let remove = || fixture.remove(Key::Domain(name("example.net")));
    assert_eq!(
        refusal(remove()),
        "domain example.net: name: it is among the domains of admin clerk"
    );
    fixture.remove(Key::Admin("clerk".into())).unwrap();
    remove().unwrap();
}

#[test]
fn a_token_may_no_more_than_who_made_it() {
    let fixture = with_admins();
    let field = |change: &dyn Fn(&mut TokenRecord)| {
        let mut record = token("abcdefgh", &clerk());
        change(&mut record);
        only(fixture.put([Object::Token(record)])).field
    };
    assert_eq!(field(&|t| t.id = "abc".into()), "id");
    assert_eq!(field(&|t| t.id = "abcdefg1".into()), "id");
    assert_eq!(field(&|t| t.admin = "nobody".into()), "admin");
    assert_eq!(field(&|t| t.domains = Scope::All), "domains");
    let net = Scope::Domains(vec![name("example.net")]);
    assert_eq!(field(&|t| t.domains = net.clone()), "domains");
    assert_eq!(field(&|t| t.grants = vec![Grant::Routing]), "grants");
    assert_eq!(field(&|t| t.expires_at = UNIX_EPOCH), "expires_at");
    let mut above = token("abcdefgh", &clerk());
    (above.role, above.domains) = (Role::Superadministrator, Scope::All);
    let rejected = fixture.put([Object::Token(above)]).unwrap_err();
    assert_eq!(rejected.problems[0].field, "role");
    fixture
        .put([Object::Token(token("abcdefgh", &clerk()))])
        .unwrap();
    let mut other = token("abcdefgh", &root());
    assert_eq!(
        only(fixture.put([Object::Token(other.clone())])).field,
        "admin"
    );
    other.id = "bcdefghi".into();
    other.hash = TokenHash([b'a'; 32]);
    assert_eq!(only(fixture.put([Object::Token(other)])).field, "hash");
}

#[test]
fn a_token_is_worth_what_its_owner_is() {
    let fixture = with_admins();
    let mut owner = clerk();
    owner.grants = vec![Grant::Routing];
    owner.domains = Scope::All;
    let record = token("abcdefgh", &owner);
    fixture
        .put([Object::Admin(owner.clone()), Object::Token(record.clone())])
        .unwrap();
    let find = |now| fixture.directory.token(&record.hash, at(now)).unwrap();
    assert_eq!(find(999).unwrap().record, record);
    assert_eq!(find(1000), None);
    let none = fixture.directory.token(&TokenHash([0; 32]), at(0)).unwrap();
    assert_eq!(none, None);
    let mut less = clerk();
    less.role = Role::Helpdesk;
    fixture.put([Object::Admin(less.clone())]).unwrap();
    let clipped = find(0).unwrap().record;
    assert_eq!(
        (clipped.role, clipped.domains, clipped.grants),
        (Role::Helpdesk, less.domains.clone(), Vec::new())
    );
    less.suspended = true;
    fixture.put([Object::Admin(less)]).unwrap();
    assert_eq!(find(0), None);
}

#[test]
fn a_token_of_a_user_ends_with_his_login() {
    let fixture = with_passwords();
    let owner = AdminRecord::new("alice@example.com", Role::Helpdesk);
    let record = token("abcdefgh", &owner);
    fixture
        .put([Object::Admin(owner), Object::Token(record.clone())])
        .unwrap();
    let find = || fixture.directory.token(&record.hash, at(0)).unwrap();
    assert!(find().is_some());
    let mut alice = fixture.user("alice");
    alice.suspended = true;
    fixture.put([Object::User(alice)]).unwrap();
    assert_eq!(find(), None);
}

#[test]
fn tokens_go_with_their_owner_and_leave_lines_without_the_secret() {
    let fixture = with_admins();
    fixture
        .put([
            Object::Token(token("abcdefgh", &clerk())),
            Object::Token(token("bcdefghi", &root())),
        ])
        .unwrap();
    let list = || {
        let page = Page {
            domain: None,
            after: 0,
            limit: 10,
        };
        let all = fixture.directory.tokens(&page).unwrap().into_iter();
        all.map(|stored| stored.record.id).collect::<Vec<_>>()
    };
    assert_eq!(list(), ["abcdefgh", "bcdefghi"]);
    assert_eq!(fixture.directory.tokens_of("clerk").unwrap().len(), 1);
    let changed = fixture.remove(Key::Admin("clerk".into())).unwrap();
    assert_eq!(changed.removed, 1);
    assert_eq!(list(), ["bcdefghi"]);
    let lines = fixture.directory.audit(&AuditQuery::latest(2)).unwrap();
    let objects: Vec<&str> = lines.iter().map(|line| line.object.as_str()).collect();
    assert_eq!(objects, ["admin clerk", "token abcdefgh"]);
    let before = lines[1].before.as_deref().unwrap();
    assert!(before.contains(r#""hash":"***""#), "{before}");
    assert!(lines[1].after.is_none() && lines[1].domain.is_none());
}

#[test]
fn the_use_of_a_token_is_noted_once_a_minute_and_is_no_change() {
    let fixture = with_admins();
    let record = token("abcdefgh", &clerk());
    fixture.put([Object::Token(record.clone())]).unwrap();
    let change = fixture.directory.snapshot().change();
    let touch = |now| {
        let found = fixture.directory.token(&record.hash, at(now)).unwrap();
        let record = found.unwrap().record;
        fixture.directory.touch_token(&record, at(now)).unwrap()
    };
    assert_eq!([touch(10), touch(69), touch(70)], [true, false, true]);
    let key = Key::Token("abcdefgh".into());
    let stored = fixture.directory.object(&key).unwrap().unwrap();
    let Object::Token(now) = stored.record else {
        panic!("a token");
    };
    assert_eq!((now.last_used_at, stored.revision), (Some(at(70)), 1));
    assert_eq!(fixture.put([Object::Token(record)]).unwrap().unchanged, 1);
    assert_eq!(fixture.directory.snapshot().change(), change);
}

#[test]
fn an_administrator_of_an_older_release_is_a_superadministrator() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("directory.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    for migration in [
        include_str!("../../migrations/sqlite/0001_init.sql"),
        include_str!("../../migrations/sqlite/0002_peers.sql"),
        include_str!("../../migrations/sqlite/0003_hold_times.sql"),
        include_str!("../../migrations/sqlite/0004_client_pin.sql"),
        include_str!("../../migrations/sqlite/0005_client_login.sql"),
    ] {
        old.execute_batch(migration).unwrap();
    }
    old.execute_batch(
        "INSERT INTO admin VALUES (1, 2, 'local', NULL, 'root', NULL, 'admin');
         INSERT INTO change VALUES (1, 'user', 1, 'a@example.com', 1);
         INSERT INTO audit VALUES (1, 0, 'root', 'x', 'user', 'a@example.com', NULL, NULL);",
    )
    .unwrap();
    old.pragma_update(None, "user_version", 5).unwrap();
    drop(old);
    let directory = Directory::open(&path).unwrap();
    let admin = directory.admin("root").unwrap().unwrap();
    let expected = AdminRecord::new("root", Role::Superadministrator);
    assert_eq!((admin.record, admin.revision), (expected, 2));
    let lines = directory.audit(&AuditQuery::latest(1)).unwrap();
    assert_eq!(lines[0].domain.as_deref(), Some("example.com"));
}
