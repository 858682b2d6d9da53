//! Finding gives what looking at every record would give.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const LOGINS: [&str; 8] = ["a", "ab", "abc", "b", "ba", "bob", "carol", "z-1"];
const NAMES: [&str; 4] = ["", "Ann Bo", "BOB Öz", "com"];
const DOMAINS: [&str; 3] = ["example.com", "example.net", "ab.test"];
const TEXTS: [&str; 20] = [
    "",
    " ",
    "a",
    "B",
    "ab",
    "öz",
    "n b",
    "bob",
    "exam",
    "example.org",
    "org",
    "b@",
    "b@exa",
    "a@example.org",
    "c@ab",
    "@",
    "@example.net",
    "x@*",
    "com",
    "a\nb",
];

fn users() -> impl Strategy<Value = Vec<UserRecord>> {
    let mail = select(vec![MailType::Local, MailType::None, MailType::ThirdParty]);
    let one = (
        select(&LOGINS[..]),
        select(&DOMAINS[..]),
        select(&NAMES[..]),
        mail,
    );
    let more = (any::<bool>(), 0..3_u8, any::<bool>(), any::<bool>());
    vec((one, more), 0..12).prop_map(|all| {
        let made = all.into_iter().map(|((login, domain, label, mail), more)| {
            let (suspended, target, star, second) = more;
            let mut record = UserRecord::new(name(domain), login);
            record.name = label.into();
            record.mail = mail;
            record.suspended = suspended;
            if mail == MailType::ThirdParty {
                record.target = match target {
                    0 if domain != "ab.test" => None,
                    0 | 1 => Some("old".into()),
                    _ => Some("new".into()),
                };
            }
            let first = if star { "*" } else { domain };
            record.addresses = vec![address(&format!("{login}@{first}"))];
            if second && domain == "example.com" {
                record
                    .addresses
                    .push(address(&format!("{login}.x@example.org")));
            }
            record
        });
        let mut by_key = std::collections::BTreeMap::new();
        for record in made {
            by_key.insert((record.domain.clone(), record.login.clone()), record);
        }
        by_key.into_values().collect()
    })
}

fn filters() -> impl Strategy<Value = UserFilter> {
    let scopes = vec![
        Scope::All,
        Scope::Domains(Vec::new()),
        Scope::Domains(vec![name("example.net"), name("ab.test")]),
    ];
    let wanted = vec![Vec::new(), vec![name("example.com"), name("ab.test")]];
    let mail = select(vec![
        None,
        None,
        Some(MailType::Local),
        Some(MailType::ThirdParty),
    ]);
    let target = select(vec![
        None,
        None,
        Some(OnTarget::Lives("old".into())),
        Some(OnTarget::Own("old".into())),
        Some(OnTarget::Lives("none".into())),
    ]);
    let suspended = select(vec![None, None, Some(true), Some(false)]);
    let text = select(&TEXTS[..]);
    (
        select(scopes),
        select(wanted),
        text,
        mail,
        target,
        suspended,
    )
        .prop_map(
            |(scope, domains, text, mail, target, suspended)| UserFilter {
                scope,
                domains,
                text: text.into(),
                mail,
                target,
                suspended,
            },
        )
}

/// The three domains: example.com with an alias and a relay, example.net with the same relay.
fn with_domains() -> Fixture {
    let fixture = Fixture::new();
    let mut com = DomainRecord::new(name("example.com"));
    com.aliases = vec![name("example.org")];
    com.relay = Some(Relay::Target("old".into()));
    let mut net = DomainRecord::new(name("example.net"));
    net.relay = com.relay.clone();
    let target = |label: &str, host: &str| {
        Object::Target(TargetRecord::new(label, Host::parse(host).unwrap()))
    };
    fixture
        .put([
            target("old", "10.0.0.7"),
            target("new", "10.0.0.8"),
            Object::Domain(com),
            Object::Domain(net),
            Object::Domain(DomainRecord::new(name("ab.test"))),
        ])
        .unwrap();
    fixture
}

fn has_text(text: &str, texts: &[&str], addresses: &[Address], domain: &DomainRecord) -> bool {
    let text = text.trim().to_lowercase();
    let has = |field: &str| field.to_lowercase().contains(&text);
    texts.iter().any(|field| has(field))
        || addresses.iter().any(|address| match address.names() {
            Names::All => {
                let mut names = domain.names();
                names.any(|name| has(&format!("{}@{name}", address.local().as_str())))
            }
            Names::One(name) => has(&format!("{}@{name}", address.local().as_str())),
        })
}

fn naive(all: &[UserRecord], fixture: &Fixture, filter: &UserFilter) -> Vec<UserRecord> {
    let fits = |user: &&UserRecord| {
        let domain = fixture
            .directory
            .domain(&user.domain)
            .unwrap()
            .unwrap()
            .record;
        let relay = domain.relay.as_ref().map(Relay::to_string);
        filter.scope.has(&user.domain)
            && (filter.domains.is_empty() || filter.domains.contains(&user.domain))
            && has_text(
                &filter.text,
                &[&user.login, &user.name],
                &user.addresses,
                &domain,
            )
            && filter.mail.is_none_or(|mail| user.mail == mail)
            && filter.suspended.is_none_or(|state| user.suspended == state)
            && match &filter.target {
                None => true,
                Some(OnTarget::Own(target)) => user.target.as_ref() == Some(target),
                Some(OnTarget::Lives(target)) => {
                    user.mail == MailType::ThirdParty
                        && user.target.clone().or(relay).as_ref() == Some(target)
                }
            }
    };
    let mut found: Vec<UserRecord> = all.iter().filter(fits).cloned().collect();
    found.sort_by_key(|user| (user.domain.to_string(), user.login.clone()));
    found
}

/// All pages, one after the other.
fn paged(fixture: &Fixture, filter: &UserFilter, limit: usize) -> Vec<UserRecord> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let query = UserQuery {
            filter: filter.clone(),
            after,
            limit,
        };
        let page = fixture.directory.find_users(&query).unwrap();
        assert!(page.items.len() <= limit);
        found.extend(page.items.into_iter().map(|stored| stored.record));
        match page.next {
            Some(next) => after = Some(Cursor::parse(&next.to_string()).unwrap()),
            None => return found,
        }
    }
}

fn counted(users: &[UserRecord]) -> Vec<(String, UserCounts)> {
    let mut all = std::collections::BTreeMap::<String, UserCounts>::new();
    for user in users {
        let count = all.entry(user.domain.to_string()).or_default();
        match (user.mail, &user.target) {
            (MailType::Local, _) => count.local += 1,
            (MailType::None, _) => count.none += 1,
            (MailType::ThirdParty, None) => count.relayed += 1,
            (MailType::ThirdParty, Some(_)) => count.own_target += 1,
        }
        count.suspended += u64::from(user.suspended);
    }
    all.into_iter().collect()
}

fn counts(fixture: &Fixture, filter: &UserFilter) -> Vec<(String, UserCounts)> {
    let snapshot = fixture.directory.snapshot();
    let name = |id: DomainId| {
        let found = snapshot.domains().find(|domain| domain.id == id);
        found.unwrap().name.to_string()
    };
    let counts = fixture.directory.count_users(filter).unwrap().into_iter();
    let mut counts: Vec<_> = counts.map(|(id, counts)| (name(id), counts)).collect();
    counts.sort_by(|a, b| a.0.cmp(&b.0));
    counts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_filter_finds_what_it_says_before_and_after_edits(
        first in users(),
        second in users(),
        filters in vec(filters(), 6),
        limit in 1..4_usize,
    ) {
        let fixture = with_domains();
        let put = |users: &[UserRecord]| {
            let edits: Vec<Edit> = users
                .iter()
                .map(|user| Edit::Put(Object::User(user.clone()), When::Any))
                .collect();
            fixture.edit(&edits).unwrap();
        };
        put(&first);
        for filter in &filters {
            let expected = naive(&first, &fixture, filter);
            prop_assert_eq!(&paged(&fixture, filter, limit), &expected, "{:?}", filter);
            prop_assert_eq!(counts(&fixture, filter), counted(&expected), "{:?}", filter);
        }
        // Some go, some change, some come.
        let key = |user: &UserRecord| Key::User(user.domain.clone(), user.login.clone());
        let gone: Vec<Edit> = first
            .iter()
            .step_by(3)
            .map(|user| Edit::Remove(key(user), When::Present))
            .collect();
        fixture.edit(&gone).unwrap();
        put(&second);
        let mut all: std::collections::BTreeMap<Key, UserRecord> =
            first.iter().map(|user| (key(user), user.clone())).collect();
        for edit in &gone {
            all.remove(&edit.key());
        }
        all.extend(second.iter().map(|user| (key(user), user.clone())));
        let all: Vec<UserRecord> = all.into_values().collect();
        for filter in &filters {
            let expected = naive(&all, &fixture, filter);
            prop_assert_eq!(&paged(&fixture, filter, limit), &expected, "{:?}", filter);
            prop_assert_eq!(counts(&fixture, filter), counted(&expected), "{:?}", filter);
        }
    }
}

fn query(text: &str) -> ObjectQuery {
    ObjectQuery {
        scope: Scope::All,
        domains: Vec::new(),
        text: text.into(),
        after: None,
        limit: 10,
    }
}

#[test]
fn shared_mailboxes_groups_and_domains_are_found_too() {
    let fixture = Fixture::split();
    let com = name("example.com");
    let mut net = DomainRecord::new(name("example.net"));
    net.aliases = vec![name("alias.test")];
    fixture
        .put([
            Object::Domain(net),
            Object::Mailbox(mailbox("info", &["info@*"], &[])),
            Object::Group(group(
                "all",
                &["everybody@example.com"],
                &["alice@example.com"],
            )),
        ])
        .unwrap();
    let mailboxes = |text: &str| {
        let found = fixture.directory.find_mailboxes(&query(text)).unwrap();
        let items = found.items.into_iter();
        items.map(|stored| stored.record.name).collect::<Vec<_>>()
    };
    assert_eq!(mailboxes(""), ["info", "support"]);
    assert_eq!(mailboxes("FO"), ["info"]);
    assert_eq!(mailboxes("info@example.org"), ["info"]);
    let groups = |query: &ObjectQuery| {
        let found = fixture.directory.find_groups(query).unwrap();
        let items = found.items.into_iter();
        items.map(|stored| stored.record.name).collect::<Vec<_>>()
    };
    assert_eq!(groups(&query("every")), ["all"]);
    assert_eq!(groups(&query("")), ["all", "team"]);
    fixture
        .remove(Key::Group(com.clone(), "all".into()))
        .unwrap();
    assert_eq!(groups(&query("every")), [""; 0]);
    let mut foreign = query("team");
    foreign.scope = Scope::Domains(vec![name("example.net")]);
    assert_eq!(groups(&foreign), [""; 0]);
    let domains = |query: &ObjectQuery| {
        let found = fixture.directory.find_domains(query).unwrap();
        let next = found.next.map(|next| next.to_string());
        let items = found.items.into_iter();
        (
            items.map(|s| s.record.name.to_string()).collect::<Vec<_>>(),
            next,
        )
    };
    assert_eq!(domains(&query("ALIAS")).0, ["example.net"]);
    assert_eq!(
        domains(&query("example.")).0,
        ["example.com", "example.net"]
    );
    let mut page = query("");
    page.limit = 1;
    let (first, next) = domains(&page);
    assert_eq!(first, ["example.com"]);
    page.after = Cursor::parse(&next.unwrap());
    assert_eq!(domains(&page), (vec!["example.net".into()], None));
    page.scope = Scope::Domains(vec![com]);
    assert_eq!(domains(&page).0, [""; 0]);
}

#[test]
fn what_finding_needs_is_dropped_when_unused_and_made_again() {
    let fixture = Fixture::split();
    let find = || {
        let mut filter = UserFilter::within(Scope::All);
        filter.text = "doe".into();
        paged(&fixture, &filter, 10).len()
    };
    fixture.directory.prepare_find();
    fixture.directory.keeper.finish();
    assert_eq!(find(), 1);
    fixture.directory.drop_unused();
    assert!(fixture.directory.keeper.keeps(Kind::User));
    fixture.directory.drop_unused();
    assert!(!fixture.directory.keeper.keeps(Kind::User));
    assert_eq!(find(), 1);
}

#[test]
fn a_search_waits_for_the_roster_that_is_being_made() {
    let fixture = Fixture::split();
    fixture.directory.prepare_find();
    let mut filter = UserFilter::within(Scope::All);
    filter.text = "doe".into();
    assert_eq!(paged(&fixture, &filter, 10).len(), 1);
    assert!(!fixture.directory.keeper.has_maker());
}

#[test]
fn many_changes_are_found_while_everything_is_read_anew() {
    const MANY: usize = 5000;
    let fixture = Fixture::split();
    let find = |text: &str| {
        let mut filter = UserFilter::within(Scope::All);
        filter.text = text.into();
        paged(&fixture, &filter, 500).len()
    };
    assert_eq!(find("u1"), 0);
    let edits: Vec<Edit> = (0..MANY)
        .map(|i| {
            let at = format!("u{i}@*");
            Edit::Put(Object::User(user(&format!("u{i}"), &[&at])), When::Absent)
        })
        .collect();
    fixture.edit(&edits).unwrap();
    assert_eq!(find("u4999"), 1);
    fixture.directory.keeper.finish();
    assert_eq!(find("u4999@example.org"), 1);
    assert_eq!(find("u49"), 111);
}

#[test]
fn a_cursor_that_nobody_printed_is_none() {
    assert_eq!(Cursor::parse(""), None);
    assert_eq!(Cursor::parse("a"), None);
    assert_eq!(Cursor::parse("a@b c"), None);
}
