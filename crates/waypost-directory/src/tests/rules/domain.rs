//! Rules about domains and their users.

use super::*;

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
