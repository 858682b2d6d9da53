//! Every rule, with a form that is refused and one that is accepted.

use super::*;

fn third_party(login: &str, addresses: &[&str]) -> UserRecord {
    let mut record = user(login, addresses);
    record.mail = MailType::ThirdParty;
    record
}

#[test]
fn forward_unknown_needs_a_relay() {
    let fixture = Fixture::new();
    let mut domain = DomainRecord::new(name("example.com"));
    domain.forward_unknown = true;
    assert_eq!(
        refusal(fixture.put([Object::Domain(domain.clone())])),
        "domain example.com: forward_unknown: forward unknown needs a relay"
    );
    domain.relay = Some(Relay::parse("old.example.net:2525").unwrap());
    fixture.put([Object::Domain(domain)]).unwrap();
}

#[test]
fn third_party_needs_a_relay_or_a_target_of_its_own() {
    let fixture = Fixture::new();
    let old = TargetRecord::new("old", Host::parse("10.0.0.7").unwrap());
    fixture
        .put([
            Object::Domain(DomainRecord::new(name("example.com"))),
            Object::Target(old),
        ])
        .unwrap();
    let mut jdoe = third_party("jdoe", &["jdoe@*"]);
    assert_eq!(
        refusal(fixture.put([Object::User(jdoe.clone())])),
        "user jdoe@example.com: mail: a third-party user needs a relay of the domain, \
         or a target of his own"
    );
    jdoe.target = Some("none".into());
    let problems = fixture
        .put([Object::User(jdoe.clone())])
        .unwrap_err()
        .problems;
    assert_eq!(problems[0].message, "there is no target \"none\"");
    jdoe.target = Some("old".into());
    fixture.put([Object::User(jdoe.clone())]).unwrap();
    jdoe.target = None;
    let mut domain = fixture.domain();
    domain.relay = Some(Relay::Target("old".into()));
    fixture
        .put([Object::User(jdoe), Object::Domain(domain)])
        .unwrap();
}

#[test]
fn the_relay_stays_while_users_need_it() {
    let fixture = Fixture::split();
    let mut domain = fixture.domain();
    domain.relay = None;
    assert_eq!(
        refusal(fixture.put([Object::Domain(domain.clone())])),
        "domain example.com: relay: 1 third-party users need it, such as jdoe"
    );
    let mut jdoe = fixture.user("jdoe");
    jdoe.target = Some("old".into());
    fixture
        .put([Object::Domain(domain), Object::User(jdoe)])
        .unwrap();
}

#[test]
fn an_address_belongs_to_one_object_at_every_name() {
    let fixture = Fixture::split();
    for (addresses, expected) in [
        (
            "jdoe@example.com",
            "user jdoe@example.com has jdoe@example.com",
        ),
        (
            "JDoe@Example.com",
            "user jdoe@example.com has jdoe@example.com",
        ),
        ("jdoe@*", "user jdoe@example.com has jdoe@example.com"),
        ("john.doe@*", "user jdoe@example.com has john.doe@*"),
        (
            "john.doe@example.org",
            "user jdoe@example.com has john.doe@*",
        ),
        (
            "support@example.com",
            "mailbox support@example.com has support@*",
        ),
        ("team@*", "group team@example.com has team@example.com"),
    ] {
        let problem = only(fixture.put([Object::User(user("bob", &["bob@*", addresses]))]));
        assert_eq!(problem.field, "addresses");
        assert!(problem.message.ends_with(expected), "{}", problem.message);
    }
    let free = ["bob@*", "jdoe@example.org", "team@example.org"];
    fixture.put([Object::User(user("bob", &free))]).unwrap();
    let problem = only(fixture.put([Object::Mailbox(mailbox("b", &["bob@example.org"], &[]))]));
    assert!(problem.message.ends_with("user bob@example.com has bob@*"));
    let problem = only(fixture.put([Object::Group(group("b", &["bob@*"], &[]))]));
    assert!(problem.message.ends_with("user bob@example.com has bob@*"));
}

#[test]
fn an_address_is_once_in_its_own_object() {
    let fixture = Fixture::split();
    for addresses in [
        ["bob@*", "bob@example.com"],
        ["bob@example.com", "bob@*"],
        ["bob@*", "Bob@*"],
        ["bob@example.com", "bob@example.com"],
    ] {
        let problem = only(fixture.put([Object::User(user("bob", &addresses))]));
        assert_eq!(problem.field, "addresses");
        assert_eq!(problem.mend, "remove one of them");
    }
    let both = ["bob@example.com", "bob@example.org"];
    fixture.put([Object::User(user("bob", &both))]).unwrap();
}

#[test]
fn an_address_can_move_within_one_batch() {
    let fixture = Fixture::split();
    let mut jdoe = fixture.user("jdoe");
    jdoe.addresses = vec![address("john.doe@*")];
    fixture
        .put([
            Object::User(user("bob", &["jdoe@example.com"])),
            Object::User(jdoe),
        ])
        .unwrap();
    assert_eq!(fixture.lookup("jdoe@example.com"), "user bob local");
}

#[test]
fn addresses_are_at_names_of_their_domain() {
    let fixture = Fixture::split();
    assert_eq!(
        refusal(fixture.put([Object::User(user("bob", &["bob@example.net"]))])),
        "user bob@example.com: addresses: bob@example.net: example.net is not a name of the \
         domain example.com"
    );
    fixture
        .put([Object::User(user("bob", &["bob@example.org"]))])
        .unwrap();
}

#[test]
fn the_first_address_is_the_default_and_mail_needs_one() {
    let fixture = Fixture::split();
    let problem = only(fixture.put([Object::User(user("bob", &[]))]));
    assert_eq!(problem.field, "addresses");
    let mut bob = user("bob", &[]);
    bob.mail = MailType::None;
    fixture.put([Object::User(bob)]).unwrap();
    let snapshot = fixture.directory.snapshot();
    let jdoe = Mailbox::parse("john.doe@example.org").unwrap();
    let Some(Found::User(jdoe)) = snapshot.lookup_mailbox(&jdoe) else {
        panic!("jdoe is a user");
    };
    assert_eq!(
        jdoe.default_address().unwrap().to_string(),
        "jdoe@example.com"
    );
}

#[test]
fn an_alias_stays_while_addresses_use_it() {
    let fixture = Fixture::split();
    fixture
        .put([Object::User(user("bob", &["bob@example.org"]))])
        .unwrap();
    let mut domain = fixture.domain();
    domain.aliases = Vec::new();
    assert_eq!(
        refusal(fixture.put([Object::Domain(domain.clone())])),
        "domain example.com: aliases: an alias that 1 addresses use is missing, \
         such as that of user bob"
    );
    fixture
        .put([
            Object::Domain(domain),
            Object::User(user("bob", &["bob@example.com"])),
        ])
        .unwrap();
    assert_eq!(fixture.lookup("bob@example.com"), "user bob local");
    assert_eq!(fixture.lookup("alice@example.org"), "-");
}

#[test]
fn a_domain_name_belongs_to_one_domain() {
    let fixture = Fixture::split();
    let mut other = DomainRecord::new(name("example.net"));
    other.aliases = vec![name("example.org")];
    assert_eq!(
        refusal(fixture.put([Object::Domain(other.clone())])),
        "domain example.net: aliases: example.org is a name of the domain example.com"
    );
    assert_eq!(
        refusal(fixture.put([Object::Domain(DomainRecord::new(name("example.org")))])),
        "domain example.org: name: example.org is a name of the domain example.com"
    );
    other.aliases = vec![name("example.net")];
    assert_eq!(
        only(fixture.put([Object::Domain(other.clone())])).field,
        "aliases"
    );
    other.aliases = vec![name("[192.0.2.1]")];
    assert_eq!(
        only(fixture.put([Object::Domain(other.clone())])).field,
        "aliases"
    );
    other.aliases = vec![name("www.example.net")];
    fixture.put([Object::Domain(other)]).unwrap();
}

#[test]
fn default_quota_is_not_above_the_maximum() {
    let fixture = Fixture::new();
    let mut domain = DomainRecord::new(name("example.com"));
    for quota in [
        Quota {
            user_max: 10,
            user_default: 11,
            ..Quota::default()
        },
        Quota {
            shared_max: 10,
            shared_default: 11,
            ..Quota::default()
        },
        Quota {
            user_max: u64::MAX,
            ..Quota::default()
        },
    ] {
        domain.quota = quota;
        let problem = only(fixture.put([Object::Domain(domain.clone())]));
        assert_eq!(problem.field, "quota");
    }
    for quota in [
        Quota {
            user_max: 10,
            user_default: 10,
            ..Quota::default()
        },
        Quota {
            user_max: 0,
            user_default: 11,
            ..Quota::default()
        },
        Quota {
            shared_max: 10,
            shared_default: 0,
            ..Quota::default()
        },
    ] {
        domain.quota = quota;
        fixture.put([Object::Domain(domain.clone())]).unwrap();
    }
}

#[test]
fn with_a_maximum_no_mailbox_is_without_quota_or_above_it() {
    let fixture = Fixture::split();
    let mut domain = fixture.domain();
    domain.quota = Quota {
        user_max: 100,
        shared_max: 50,
        ..Quota::default()
    };
    fixture.put([Object::Domain(domain.clone())]).unwrap();
    let mut bob = user("bob", &["bob@*"]);
    let mut sales = mailbox("sales", &["sales@*"], &[]);
    for quota in [0, 101] {
        bob.quota_bytes = Some(quota);
        assert_eq!(
            only(fixture.put([Object::User(bob.clone())])).field,
            "quota"
        );
        sales.quota_bytes = Some(quota);
        assert_eq!(
            only(fixture.put([Object::Mailbox(sales.clone())])).field,
            "quota"
        );
    }
    bob.quota_bytes = Some(100);
    sales.quota_bytes = Some(50);
    fixture
        .put([Object::User(bob), Object::Mailbox(sales)])
        .unwrap();
    domain.quota = Quota {
        user_max: 99,
        shared_max: 49,
        ..Quota::default()
    };
    let rejected = fixture.put([Object::Domain(domain.clone())]).unwrap_err();
    assert_eq!(rejected.problems.len(), 2, "{rejected}");
    domain.quota = Quota {
        user_max: 100,
        user_default: 60,
        ..Quota::default()
    };
    fixture.put([Object::Domain(domain)]).unwrap();
    let snapshot = fixture.directory.snapshot();
    for (text, quota) in [("bob@example.com", 100), ("alice@example.com", 60)] {
        match snapshot.lookup_mailbox(&Mailbox::parse(text).unwrap()) {
            Some(Found::User(user)) => assert_eq!(user.quota_bytes, quota, "{text}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn groups_do_not_include_themselves_by_any_way() {
    let fixture = Fixture::split();
    let myself = group("a", &["a@*"], &["a@example.org"]);
    assert_eq!(
        refusal(fixture.put([Object::Group(myself)])),
        "group a@example.com: members: the group would include itself: \
         a@example.com includes a@example.com"
    );
    fixture
        .put([
            Object::Group(group("a", &["a@*"], &["b@example.com", "x@elsewhere.net"])),
            Object::Group(group(
                "b",
                &["b@*"],
                &["c@example.com", "alice@example.com"],
            )),
            Object::Group(group("c", &["c@*"], &["a@example.net"])),
        ])
        .unwrap();
    let closing = group("c", &["c@*"], &["alice@example.com", "A@example.org"]);
    let problem = only(fixture.put([Object::Group(closing)]));
    assert!(
        problem.message.ends_with(
            "c@example.com includes a@example.com includes b@example.com includes c@example.com"
        ),
        "{}",
        problem.message
    );
    let mut domain = fixture.domain();
    domain.aliases.push(name("example.net"));
    let rejected = fixture.put([Object::Domain(domain)]).unwrap_err();
    assert_eq!(rejected.problems[0].field, "aliases");
}

#[test]
fn a_group_is_not_its_own_owner_and_has_a_member_once() {
    let fixture = Fixture::split();
    let mut team = group(
        "staff",
        &["staff@*"],
        &["alice@example.com", "ALICE@example.com"],
    );
    assert_eq!(
        only(fixture.put([Object::Group(team.clone())])).field,
        "members"
    );
    team.members.pop();
    team.owner = Some(Mailbox::parse("Staff@example.com").unwrap());
    assert_eq!(
        only(fixture.put([Object::Group(team.clone())])).field,
        "owner"
    );
    team.owner = Some(Mailbox::parse("staff-owner@example.com").unwrap());
    fixture.put([Object::Group(team)]).unwrap();
}

#[test]
fn a_login_and_a_shared_mailbox_never_share_a_name() {
    let fixture = Fixture::split();
    assert_eq!(
        refusal(fixture.put([Object::User(user("support", &["s@*"]))])),
        "user support@example.com: login: a shared mailbox of the domain has this name"
    );
    assert_eq!(
        refusal(fixture.put([Object::Mailbox(mailbox("alice", &["a@*"], &[]))])),
        "mailbox alice@example.com: name: a user of the domain has this login"
    );
    let mut other = user("support", &["support@example.net"]);
    other.domain = name("example.net");
    fixture
        .put([
            Object::Domain(DomainRecord::new(name("example.net"))),
            Object::User(other),
        ])
        .unwrap();
}

#[test]
fn a_target_or_relay_is_never_this_server() {
    struct Local;
    impl Here for Local {
        fn is_here(&self, host: &Host, port: u16) -> bool {
            port == 25
                && ["127.0.0.1", "example.com", "mx:example.com"].contains(&&*host.to_string())
        }
    }
    let fixture = Fixture::new();
    let edit = |object: Object| {
        let edits = [Edit::Put(object, When::Any)];
        match fixture.directory.edit(&ACTOR, &Local, &edits) {
            Err(EditError::Rejected(rejected)) => Err(rejected),
            other => Ok(other.unwrap()),
        }
    };
    let mut target = TargetRecord::new("old", Host::parse("127.0.0.1").unwrap());
    assert_eq!(
        refusal(edit(Object::Target(target.clone()))),
        "target old: host: 127.0.0.1 port 25 is this server itself"
    );
    target.host = Host::parse("mx:example.com").unwrap();
    assert_eq!(only(edit(Object::Target(target.clone()))).field, "host");
    target.port = 2525;
    edit(Object::Target(target)).unwrap();
    let mut domain = DomainRecord::new(name("example.com"));
    domain.relay = Some(Relay::parse("example.com").unwrap());
    assert_eq!(
        refusal(edit(Object::Domain(domain.clone()))),
        "domain example.com: relay: example.com is the domain's own name, and it leads to this \
         server, port 25"
    );
    domain.relay = Some(Relay::parse("example.com:2525").unwrap());
    let changed = edit(Object::Domain(domain)).unwrap();
    assert!(changed.notes[0].contains("the domain's own name"));
}

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
fn members_of_a_shared_mailbox_are_users_and_stay_the_same_people() {
    let fixture = Fixture::split();
    for member in ["nobody@example.com", "team@example.com", "a@elsewhere.net"] {
        let record = mailbox("sales", &["sales@*"], &[member]);
        assert_eq!(
            only(fixture.put([Object::Mailbox(record)])).field,
            "members"
        );
    }
    let mut alice = fixture.user("alice");
    alice.addresses = vec![address("al@*")];
    let problem = only(fixture.put([Object::User(alice)]));
    assert!(
        problem
            .message
            .contains("support@example.com has him as member")
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
fn settings_of_third_party_users_are_for_third_party_users() {
    let fixture = Fixture::split();
    let mut bob = user("bob", &["bob@*"]);
    bob.relayed = Some(vec![address("bob@*")]);
    assert_eq!(
        only(fixture.put([Object::User(bob.clone())])).field,
        "relayed"
    );
    bob.relayed = None;
    bob.target = Some("old".into());
    assert_eq!(
        only(fixture.put([Object::User(bob.clone())])).field,
        "target"
    );
    bob.mail = MailType::ThirdParty;
    bob.relayed = Some(vec![address("bob@example.com")]);
    assert_eq!(
        only(fixture.put([Object::User(bob.clone())])).field,
        "relayed"
    );
    bob.relayed = Some(Vec::new());
    fixture.put([Object::User(bob)]).unwrap();
    assert_eq!(fixture.lookup("bob@example.com"), "user bob third-party");
}

#[test]
fn a_target_says_what_can_be_done() {
    let fixture = Fixture::new();
    let good = TargetRecord::new("old", Host::parse("10.0.0.7").unwrap());
    let check = |field: &str, change: &dyn Fn(&mut TargetRecord)| {
        let mut target = good.clone();
        change(&mut target);
        assert_eq!(only(fixture.put([Object::Target(target)])).field, field);
    };
    check("port", &|t| t.port = 0);
    check("connections", &|t| t.connections = 0);
    check("connections", &|t| t.connections = 10_001);
    check("tls_pin", &|t| t.tls = TlsPolicy::Pinned);
    check("tls_pin", &|t| t.tls_pin = Some(TlsPin([7; 32])));
    check("password", &|t| t.username = "waypost".into());
    check("username", &|t| t.password = Secret::new("secret"));
    check("tls", &|t| {
        t.username = "waypost".into();
        t.password = Secret::new("secret");
        t.tls = TlsPolicy::Off;
    });
    check("username", &|t| {
        t.username = "way\0post".into();
        t.password = Secret::new("secret");
    });
    let mut pinned = good.clone();
    pinned.tls = TlsPolicy::Pinned;
    pinned.tls_pin = TlsPin::parse(&"0f".repeat(32));
    pinned.username = "waypost".into();
    pinned.password = Secret::new("secret");
    fixture.put([Object::Target(pinned.clone())]).unwrap();
    let stored = fixture.directory.target("old").unwrap().unwrap();
    assert_eq!(stored.record, pinned);
}

#[test]
fn postmaster_mail_does_not_go_to_the_postmaster_setting_itself() {
    let fixture = Fixture::split();
    let mut domain = fixture.domain();
    for bad in ["postmaster@example.com", "Abuse@example.org"] {
        domain.postmaster = Some(Mailbox::parse(bad).unwrap());
        let problem = only(fixture.put([Object::Domain(domain.clone())]));
        assert_eq!(problem.field, "postmaster");
    }
    for good in ["alice@example.com", "postmaster@elsewhere.net"] {
        domain.postmaster = Some(Mailbox::parse(good).unwrap());
        fixture.put([Object::Domain(domain.clone())]).unwrap();
    }
}

#[test]
fn holds_are_on_things_that_exist_and_end_with_them() {
    let fixture = Fixture::split();
    let hold = Hold {
        reason: "moving".into(),
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
    assert_eq!(fixture.directory.audit(u64::MAX, 100).unwrap().len(), 6);
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
