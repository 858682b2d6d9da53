use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use tempfile::TempDir;
use waypost_directory::Secret as Stored;
use waypost_directory::{
    Actor, Address, Directory, DomainRecord, Edit, GroupRecord, Host, Nowhere, Object, PeerRecord,
    Quota, Relay, SharedRecord, TargetRecord, UserRecord, When,
};

use super::*;
use crate::clock::{Clock, ManualClock};

const SECRET: &str = "MingerSharedSecret2024!";
const OLD_SECRET: &str = "MingerSharedSecret2023!";
const OF_LYON: &str = "only-lyon-may-use-this";
/// The address of nobody that is known.
const STRANGER: [u8; 4] = [192, 0, 2, 1];

pub(in crate::minger) fn secret(text: &str) -> Secret {
    Secret::parse(text).unwrap()
}

fn user(login: &str, mail: MailType) -> UserRecord {
    let domain = Domain::parse("example.com").unwrap();
    UserRecord {
        mail,
        addresses: vec![Address::parse(&format!("{login}@*")).unwrap()],
        ..UserRecord::new(domain, login)
    }
}

fn group(name: &str, members: &[&str]) -> Object {
    let domain = Domain::parse("example.com").unwrap();
    Object::Group(GroupRecord {
        domain,
        name: name.to_owned(),
        addresses: vec![Address::parse(&format!("{name}@example.com")).unwrap()],
        members: members
            .iter()
            .map(|text| Mailbox::parse(text).unwrap())
            .collect(),
        owner: None,
    })
}

fn objects() -> Vec<Object> {
    let domain = Domain::parse("example.com").unwrap();
    let target = |name: &str, host| TargetRecord::new(name, Host::parse(host).unwrap());
    let peer = |name: &str, host, accept: &str| {
        Object::Peer(PeerRecord {
            minger_accept: Stored::new(accept),
            ..PeerRecord::new(target(name, host))
        })
    };
    let third = UserRecord {
        target: Some("lyon".to_owned()),
        ..user("third", MailType::ThirdParty)
    };
    let partly = UserRecord {
        addresses: ["partly@*", "hidden@*"]
            .map(|a| Address::parse(a).unwrap())
            .into(),
        relayed: Some(vec![Address::parse("partly@*").unwrap()]),
        ..user("partly", MailType::ThirdParty)
    };
    let suspended = UserRecord {
        suspended: true,
        ..user("suspended", MailType::Local)
    };
    let small = UserRecord {
        quota_bytes: Some(1000),
        ..user("small", MailType::Local)
    };
    vec![
        Object::Target(target("old", "10.0.0.1")),
        peer("lyon", "10.0.0.2", OF_LYON),
        peer("nancy", "10.0.0.3", ""),
        Object::Domain(DomainRecord {
            aliases: vec![Domain::parse("example.org").unwrap()],
            relay: Some(Relay::Target("old".to_owned())),
            quota: Quota::default(),
            ..DomainRecord::new(domain.clone())
        }),
        Object::User(user("alice", MailType::Local)),
        Object::User(user("relayed", MailType::ThirdParty)),
        Object::User(user("none", MailType::None)),
        Object::User(third),
        Object::User(partly),
        Object::User(suspended),
        Object::User(small),
        Object::Mailbox(SharedRecord {
            domain,
            name: "support".to_owned(),
            addresses: vec![Address::parse("support@*").unwrap()],
            members: vec![],
            quota_bytes: None,
        }),
        group("team", &["alice@example.com", "x@elsewhere.test"]),
        group("outside", &["x@elsewhere.test"]),
    ]
}

/// A site with people of all kinds, the old server, and the peers lyon and nancy.
pub(in crate::minger) struct World {
    pub(in crate::minger) directory: Directory,
    pub(in crate::minger) settings: Settings,
    clock: ManualClock,
    limits: Limits,
    measured: bool,
    _dir: TempDir,
}

impl World {
    pub(in crate::minger) fn new(settings: Settings) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let directory = Directory::open(&dir.path().join("directory")).unwrap();
        let world = Self {
            directory,
            limits: Limits::new(settings.rates),
            settings,
            clock: ManualClock::new(SystemTime::UNIX_EPOCH),
            measured: false,
            _dir: dir,
        };
        let put = |object| Edit::Put(object, When::Any);
        let edits: Vec<_> = objects().into_iter().map(put).collect();
        world.edit(&edits);
        world
    }

    fn edit(&self, edits: &[Edit]) {
        let actor = Actor {
            name: "test",
            from: "test",
            at: SystemTime::UNIX_EPOCH,
        };
        self.directory.edit(&actor, &Nowhere, edits).unwrap();
    }

    fn id(&self, name: &str) -> Option<TargetId> {
        let snapshot = self.directory.snapshot();
        snapshot
            .targets()
            .find(|target| target.name == name)
            .map(|target| target.id)
    }

    /// What is done about a datagram: its answer, or why there is none; and who asked.
    fn put(
        &self,
        octets: &[u8],
        from: impl Into<IpAddr>,
        caller: &str,
    ) -> (String, Option<TargetId>) {
        let snapshot = self.directory.snapshot();
        let facts = Facts {
            snapshot: &snapshot,
            caller: self.id(caller),
            peers: &Peers::of(&snapshot),
            settings: &self.settings,
            measured: self.measured,
        };
        let received = Received {
            octets,
            from: from.into(),
            now: self.clock.now(),
        };
        let decided = decide(received, &facts, &self.limits);
        let said = match decided.reaction {
            Reaction::Answer(address, status) => format!("{address} {}", status.digit()),
            Reaction::Measure(address, place) => format!("{address} of {}", place.quota_bytes),
            Reaction::Silent(why) => format!("{why:?}"),
        };
        (said, decided.asker)
    }

    /// What somebody is told who is known by his address only.
    fn said(&self, text: &str, caller: &str) -> String {
        self.put(text.as_bytes(), STRANGER, caller).0
    }

    /// What is said of a mailbox of the site.
    fn of(&self, address: &str, caller: &str) -> char {
        self.said(address, caller).chars().last().unwrap()
    }
}

pub(in crate::minger) fn open() -> Settings {
    Settings {
        secrets: Vec::new(),
        anonymous: true,
        allow: ["0.0.0.0/0", "::/0"]
            .map(|n| Network::parse(n).unwrap())
            .into(),
        outside_aliases_active: true,
        test_mailbox: true,
        delimiter: Some('+'),
        rates: Rates {
            peer: 0,
            network: 0,
            strangers: 0,
            refused: 0,
        },
    }
}

fn closed() -> Settings {
    Settings {
        secrets: vec![secret(OLD_SECRET), secret(SECRET)],
        anonymous: false,
        ..open()
    }
}

fn signed(address: &str, with: &str) -> String {
    let mailbox = Mailbox::parse(address).unwrap();
    Query::new(&mailbox, Some(&secret(with)))
        .unwrap()
        .to_string()
}

#[test]
fn a_peer_that_may_ask_about_some_domains_is_denied_the_others() {
    let world = World::new(open());
    let mut peers = objects().into_iter().filter_map(|object| match object {
        Object::Peer(peer) => Some(peer),
        _ => None,
    });
    let mut lyon = peers.find(|p| p.target.name == "lyon").unwrap();
    lyon.minger_domains = vec![Domain::parse("example.org").unwrap()];
    world.edit(&[Edit::Put(Object::Peer(lyon), When::Any)]);
    for (address, caller, digit) in [
        ("alice@example.org", "lyon", '5'),
        ("nobody@example.org", "lyon", '3'),
        // Its other name was not listed, and what is not served is not told apart.
        ("alice@example.com", "lyon", '1'),
        ("nobody@example.com", "lyon", '1'),
        ("alice@elsewhere.test", "lyon", '1'),
        ("*", "lyon", '5'),
        ("alice@example.com", "nancy", '5'),
    ] {
        assert_eq!(world.of(address, caller), digit, "{address} {caller}");
    }
    let signed = signed("alice@example.com", OF_LYON);
    assert_eq!(world.said(&signed, "old"), "alice@example.com 1");
}

#[test]
fn the_directory_alone_says_who_receives() {
    let world = World::new(open());
    for (address, digit) in [
        ("alice@example.com", '5'),
        ("ALICE@Example.ORG", '5'),
        ("alice+tag@example.com", '5'),
        ("small@example.com", '5'),
        ("support@example.org", '5'),
        ("team@example.com", '5'),
        ("outside@example.com", '5'),
        ("relayed@example.com", '5'),
        ("third+tag@example.com", '5'),
        ("partly@example.com", '5'),
        ("hidden@example.com", '3'),
        ("suspended@example.com", '4'),
        ("none@example.com", '3'),
        ("nobody@example.com", '3'),
        ("team@example.org", '3'),
        ("postmaster@example.com", '3'),
        ("alice@elsewhere.test", '3'),
        ("*", '5'),
    ] {
        assert_eq!(world.said(address, ""), format!("{address} {digit}"));
    }
}

#[test]
fn a_third_party_user_is_unknown_to_the_server_he_lives_on_only() {
    let world = World::new(open());
    assert_eq!(world.of("third@example.com", "lyon"), '3');
    assert_eq!(world.of("third@example.com", "nancy"), '5');
    assert_eq!(world.of("third@example.com", "old"), '5');
    assert_eq!(world.of("relayed@example.com", "old"), '3');
    assert_eq!(world.of("relayed@example.com", "lyon"), '5');
    assert_eq!(world.of("alice@example.com", "lyon"), '5');
}

#[test]
fn a_peer_is_known_by_its_own_secret_wherever_it_asks_from() {
    let world = World::new(closed());
    let text = signed("third@example.com", OF_LYON);
    let (said, asker) = world.put(text.as_bytes(), STRANGER, "");
    assert_eq!(
        (said.as_str(), asker),
        ("third@example.com 3", world.id("lyon"))
    );
    let (said, asker) = world.put(text.as_bytes(), STRANGER, "nancy");
    assert_eq!(
        (said.as_str(), asker),
        ("third@example.com 3", world.id("lyon"))
    );
    let text = signed("third@example.com", SECRET);
    let (said, asker) = world.put(text.as_bytes(), STRANGER, "lyon");
    assert_eq!(
        (said.as_str(), asker),
        ("third@example.com 3", world.id("lyon"))
    );
}

#[test]
fn an_alias_that_points_outside_counts_as_the_setting_says() {
    let settings = Settings {
        outside_aliases_active: false,
        ..open()
    };
    let world = World::new(settings);
    assert_eq!(world.of("outside@example.com", ""), '3');
    assert_eq!(world.of("team@example.com", ""), '5');
}

#[test]
fn a_mailbox_with_a_limit_is_measured_where_that_can_be_done() {
    let mut world = World::new(open());
    world.measured = true;
    assert_eq!(
        world.said("small@example.com", ""),
        "small@example.com of 1000"
    );
    assert_eq!(world.said("alice@example.com", ""), "alice@example.com 5");
    let place = Place {
        key: (Store::User, 1),
        quota_bytes: 1000,
        domain: &Domain::parse("example.com").unwrap(),
        login: "small",
    };
    let destination = place.destination(Mailbox::parse("small+x@example.com").unwrap());
    assert_eq!(
        (&*destination.login, destination.quota_bytes),
        ("small", 1000)
    );
}

#[test]
fn nothing_is_said_about_any_address_without_credentials() {
    let world = World::new(closed());
    for address in [
        "alice@example.com",
        "nobody@example.com",
        "x@elsewhere.test",
        "*",
    ] {
        for caller in ["", "lyon", "old"] {
            assert_eq!(world.said(address, caller), format!("{address} 2"));
        }
    }
    let wrong = "user01@example.com d=a5vJyMDkltU/tu3oxrTZAw==";
    assert_eq!(world.said(wrong, "lyon"), "user01@example.com 2");
    for good in [SECRET, OLD_SECRET] {
        let text = signed("alice@example.com", good);
        assert_eq!(world.said(&text, ""), "alice@example.com 5");
    }
    let tested = Query::test(Some(&secret(SECRET))).to_string();
    assert_eq!(world.said(&tested, ""), "* 5");
}

#[test]
fn where_everybody_may_ask_a_wrong_digest_does_not_count_against_it() {
    let world = World::new(open());
    let text = signed("alice@example.com", SECRET);
    assert_eq!(world.said(&text, ""), "alice@example.com 5");
}

#[test]
fn the_test_mailbox_can_be_switched_off() {
    let settings = Settings {
        test_mailbox: false,
        ..open()
    };
    assert_eq!(World::new(settings).said("*", ""), "TestMailbox");
}

#[test]
fn the_address_is_echoed_as_it_was_written() {
    let world = World::new(closed());
    let text = "User01@example.com d=8dvMjVPcuBiXdUGMtVzV/Q== v=1 src=gw_1\r\n";
    assert_eq!(world.said(text, ""), "User01@example.com 3");
    assert_eq!(
        world.said("\"al ice\"@example.com", ""),
        "\"al ice\"@example.com 2"
    );
}

#[test]
fn what_is_no_query_is_malformed_or_gets_no_answer() {
    let world = World::new(open());
    for (text, said) in [
        ("alice@example.com 3", "NoQuery(Answer)"),
        ("* 5", "NoQuery(Answer)"),
        ("", "NoQuery(Empty)"),
        ("alice", "NoQuery(NoAddress)"),
        ("alice@example.com\t5", "NoQuery(NotPrintable)"),
        ("alice@example.com D=x==", "alice@example.com 0"),
        (
            "alice@example.com  d=bzH4tg0sLx9JA9J34a1weg==",
            "alice@example.com 0",
        ),
    ] {
        assert_eq!(world.said(text, ""), said, "{text}");
    }
}

#[test]
fn networks_that_are_not_allowed_hear_nothing_and_peers_always_do() {
    let settings = Settings {
        allow: vec![Network::parse("198.51.100.0/24").unwrap()],
        ..closed()
    };
    let world = World::new(settings);
    let text = signed("alice@example.com", SECRET);
    assert_eq!(world.said(&text, ""), "NotAllowed");
    assert_eq!(world.said("alice@example.com x", ""), "NotAllowed");
    assert_eq!(world.said(&text, "old"), "NotAllowed");
    assert_eq!(world.said(&text, "lyon"), "alice@example.com 5");
    let own = signed("alice@example.com", OF_LYON);
    assert_eq!(world.said(&own, ""), "NotAllowed");
    let allowed = world.put(text.as_bytes(), [198, 51, 100, 9], "");
    assert_eq!(allowed.0, "alice@example.com 5");
}

/// How many of so many queries are answered.
fn answered(world: &World, count: u32, text: &str, from: IpAddr, caller: &str) -> usize {
    let said = |_: &u32| world.put(text.as_bytes(), from, caller).0.contains('@');
    (0..count).filter(said).count()
}

#[test]
fn neighbours_share_a_rate_and_all_strangers_another() {
    let settings = Settings {
        rates: Rates {
            network: 10,
            strangers: 25,
            ..open().rates
        },
        ..open()
    };
    let world = World::new(settings);
    let ask = |from: &str| answered(&world, 30, "alice@example.com", from.parse().unwrap(), "");
    assert_eq!(ask("192.0.2.1"), 10);
    assert_eq!(ask("192.0.2.99"), 0);
    assert_eq!(ask("2001:db8::1"), 10);
    assert_eq!(ask("2001:db8::2"), 0);
    assert_eq!(ask("2001:db8:0:1::1"), 5, "all of them");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(ask("192.0.2.1"), 10);
    assert_eq!(
        answered(&world, 50, "alice@example.com", STRANGER.into(), "lyon"),
        50
    );
}

#[test]
fn who_guesses_hears_nothing_at_all_and_peers_may_ask_about_anybody() {
    let settings = Settings {
        rates: Rates {
            refused: 10,
            ..open().rates
        },
        ..open()
    };
    let world = World::new(settings);
    let stranger = STRANGER.into();
    assert_eq!(answered(&world, 30, "nobody@example.com", stranger, ""), 10);
    assert_eq!(world.said("alice@example.com", ""), "Guessing");
    assert_eq!(world.said("alice@example.com D", ""), "Guessing");
    assert_eq!(
        answered(&world, 30, "nobody@example.com", stranger, "lyon"),
        30
    );
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.said("alice@example.com", ""), "alice@example.com 5");
}

#[test]
fn a_flood_without_credentials_from_a_peers_address_costs_the_peer_nothing() {
    let settings = Settings {
        rates: Rates {
            peer: 20,
            refused: 10,
            ..open().rates
        },
        ..closed()
    };
    let world = World::new(settings);
    let lyon = [10, 0, 0, 2].into();
    assert_eq!(
        answered(&world, 1000, "alice@example.com", lyon, "lyon"),
        10
    );
    let good = signed("nobody@example.com", OF_LYON);
    assert_eq!(answered(&world, 50, &good, lyon, "lyon"), 20);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(answered(&world, 50, &good, lyon, "lyon"), 20);
}

proptest! {
    #[test]
    fn no_answer_is_longer_than_its_query_by_more_than_the_digit(
        octets in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..1100),
            "[ -~]{0,30}".prop_map(String::into_bytes),
            "(alice|nobody|\"a b\")@example.com( d=[A-Za-z=]{0,30})?( [a-z=0-9]{0,5})?(\r\n)?"
                .prop_map(String::into_bytes),
        ]
    ) {
        // One world for all: opening a directory is slow.
        thread_local!(static WORLD: World = World::new(closed()));
        let answer = WORLD.with(|world| world.put(&octets, STRANGER, "").0);
        if answer.contains('@') {
            prop_assert!(answer.len() <= octets.len() + 2);
            let (address, _) = answer.rsplit_once(' ').unwrap();
            prop_assert!(octets.starts_with(address.as_bytes()));
            let again = WORLD.with(|world| world.put(answer.as_bytes(), STRANGER, "").0);
            prop_assert_eq!(again, "NoQuery(Answer)", "two servers fall silent");
        }
    }
}
