//! Rules about targets and relays.

use super::*;

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
fn a_relay_is_never_the_name_of_this_server() {
    struct Called;
    impl Here for Called {
        fn is_here(&self, host: &Host, _: u16) -> bool {
            self.is_hostname(host)
        }
        fn is_hostname(&self, host: &Host) -> bool {
            host.to_string() == "mx1.example.com"
        }
    }
    let fixture = Fixture::new();
    let refused = |object: Object| {
        let edits = [Edit::Put(object, When::Any)];
        let Err(EditError::Rejected(rejected)) = fixture.directory.edit(&ACTOR, &Called, &edits)
        else {
            panic!("it was saved");
        };
        refusal(Err(rejected))
    };
    let words = "mx1.example.com is the name of this server itself (hostname in its \
                 configuration), port 25";
    let target = TargetRecord::new("old", Host::parse("mx1.example.com").unwrap());
    assert_eq!(
        refused(Object::Target(target)),
        format!("target old: host: {words}")
    );
    for (name_of, own) in [("example.com", false), ("mx1.example.com", true)] {
        let mut domain = DomainRecord::new(name(name_of));
        domain.relay = Some(Relay::parse("mx1.example.com").unwrap());
        let said = refused(Object::Domain(domain));
        assert_eq!(said.contains(words), !own, "{said}");
        assert_eq!(said.contains("the domain's own name"), own, "{said}");
    }
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
    let hash = PasswordHash::make("correct horse").unwrap();
    check("client_password", &|t| t.client_login = "old".into());
    check("client_login", &|t| t.client_password = Some(hash.clone()));
    check("client_login", &|t| {
        t.client_login = "old@example.com".into();
        t.client_password = Some(hash.clone());
    });
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
    pinned.client_pin = TlsPin::parse(&"f0".repeat(32));
    pinned.client_login = "old".into();
    pinned.client_password = Some(hash);
    pinned.username = "waypost".into();
    pinned.password = Secret::new("secret");
    fixture.put([Object::Target(pinned.clone())]).unwrap();
    let stored = fixture.directory.target("old").unwrap().unwrap();
    assert_eq!(stored.record, pinned);
    pinned.name = "lyon".into();
    pinned.client_pin = None;
    assert_eq!(
        refusal(fixture.put([Object::Target(pinned)])),
        "target lyon: client_login: old logs in with the same name"
    );
}

#[test]
fn a_client_s_key_belongs_to_one_target_or_peer() {
    let fixture = Fixture::new();
    let with_key = |name: &str, octet: u8| {
        let mut target = TargetRecord::new(name, Host::parse("10.0.0.7").unwrap());
        target.client_pin = Some(TlsPin([octet; 32]));
        target
    };
    fixture.put([Object::Target(with_key("old", 7))]).unwrap();
    let peer = |octet| Object::Peer(PeerRecord::new(with_key("lyon", octet)));
    assert_eq!(
        refusal(fixture.put([peer(7)])),
        "peer lyon: client_pin: old is known by the same key"
    );
    fixture.put([peer(8)]).unwrap();
    let mut gained = with_key("old", 8);
    assert_eq!(
        refusal(fixture.put([Object::Target(gained.clone())])),
        "target old: client_pin: lyon is known by the same key"
    );
    // Keys may be exchanged in one batch.
    fixture
        .put([Object::Target(gained.clone()), peer(7)])
        .unwrap();
    gained.client_pin = None;
    fixture
        .put([Object::Target(gained.clone()), peer(8)])
        .unwrap();
    let stored = fixture.directory.target("old").unwrap().unwrap();
    assert_eq!(stored.record, gained);
}
