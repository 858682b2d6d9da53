//! Rules about addresses, names and members.

use super::*;

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
fn groups_do_not_include_themselves_by_any_way() {
    let fixture = Fixture::split();
    let myself = group("a", &["a@*"], &["a@example.org"]);
    assert_eq!(
        refusal(fixture.put([Object::Group(myself)])),
        "group a@example.com: members: the group would include itself: \
         a@example.com → a@example.com"
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
        problem
            .message
            .ends_with("c@example.com → a@example.com → b@example.com → c@example.com"),
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
