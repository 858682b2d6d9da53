//! Rules about peers and Domain Sharing.

use super::*;

const SECRET: &str = "0123456789abcdef";

/// A server that answers Minger in some way, on port 4069 of 127.0.0.1.
struct Answering(MingerHere);

impl Here for Answering {
    fn is_here(&self, host: &Host, port: u16) -> bool {
        port == 25 && *host == Host::Address([127, 0, 0, 1].into())
    }

    fn is_minger_here(&self, host: &Host, port: u16) -> bool {
        port == 4069 && *host == Host::Address([127, 0, 0, 1].into())
    }

    fn minger(&self) -> MingerHere {
        self.0.clone()
    }
}

fn answering(listens: bool, anonymous: bool, secrets: &[&str]) -> Answering {
    let secrets = secrets.iter().map(|secret| Secret::new(*secret)).collect();
    Answering(MingerHere {
        listens,
        anonymous,
        secrets,
    })
}

fn shared(peers: &[&str]) -> DomainRecord {
    let mut domain = DomainRecord::new(name("example.com"));
    domain.sharing = peers.iter().map(|&peer| peer.to_owned()).collect();
    domain
}

#[test]
fn sharing_names_peers_each_once_and_keeps_their_order() {
    let fixture = with_peers();
    let old = TargetRecord::new("old", Host::parse("10.0.0.7").unwrap());
    fixture.put([Object::Target(old)]).unwrap();
    for (peers, message) in [
        (vec!["paris"], "there is no peer \"paris\""),
        (vec!["old"], "old is a target, and no peer"),
        (vec!["lyon", "oslo", "lyon"], "lyon is there twice"),
    ] {
        assert_eq!(
            refusal(fixture.put([Object::Domain(shared(&peers))])),
            format!("domain example.com: sharing: {message}")
        );
    }
    fixture
        .put([Object::Domain(shared(&["oslo", "lyon"]))])
        .unwrap();
    assert_eq!(fixture.domain().sharing, ["oslo", "lyon"]);
    let snapshot = fixture.directory.snapshot();
    let domain = snapshot.domain(&name("example.com")).unwrap().domain;
    let target = |id: &_| snapshot.target(*id).unwrap();
    let names: Vec<&str> = domain.sharing.iter().map(|id| &*target(id).name).collect();
    assert_eq!(names, ["oslo", "lyon"]);
    assert_eq!(snapshot.peers().count(), 2);
    fixture.put([Object::Domain(shared(&[]))]).unwrap();
    let snapshot = fixture.directory.snapshot();
    let domain = snapshot.domain(&name("example.com")).unwrap().domain;
    assert_eq!(domain.sharing, []);
}

#[test]
fn a_peer_in_use_is_not_removed() {
    let fixture = with_peers();
    let mut user = third_party("jdoe", &["jdoe@*"]);
    user.target = Some("oslo".into());
    let mut relayed = DomainRecord::new(name("example.net"));
    relayed.relay = Some(Relay::Target("oslo".into()));
    let gateway = GatewayRecord::new(name("branch.test"), Relay::Target("oslo".into()));
    fixture
        .put([
            Object::Domain(shared(&["lyon"])),
            Object::Domain(relayed),
            Object::User(user),
            Object::Gateway(gateway),
        ])
        .unwrap();
    assert_eq!(
        refusal(fixture.remove(Key::Peer("lyon".into()))),
        "peer lyon: name: it is used by the sharing of domain example.com"
    );
    assert_eq!(
        refusal(fixture.remove(Key::Peer("oslo".into()))),
        "peer oslo: name: it is used by domain example.net, user jdoe@example.com, \
         gateway branch.test"
    );
    let apart = [
        Edit::Put(Object::Domain(shared(&[])), When::Any),
        Edit::Remove(Key::Peer("lyon".into()), When::Present),
    ];
    fixture.edit(&apart).unwrap();
    assert_eq!(fixture.directory.snapshot().peers().count(), 1);
}

#[test]
fn a_peer_is_never_this_server_nor_asked_at_its_own_minger_port() {
    let fixture = Fixture::new();
    let here = answering(true, true, &[]);
    let mut lyon = peer("lyon", "127.0.0.1");
    lyon.minger_port = 4070;
    assert_eq!(
        refusal(fixture.put_at(&here, [Object::Peer(lyon.clone())])),
        "peer lyon: host: 127.0.0.1 port 25 is this server itself"
    );
    lyon.target.port = 2525;
    lyon.minger_port = 4069;
    assert_eq!(
        refusal(fixture.put_at(&here, [Object::Peer(lyon.clone())])),
        "peer lyon: minger_port: 127.0.0.1 port 4069 (Minger) is this server itself"
    );
    lyon.minger_port = 4070;
    fixture.put_at(&here, [Object::Peer(lyon)]).unwrap();
}

#[test]
fn a_peer_says_what_can_be_done() {
    let fixture = Fixture::new();
    let refused = |change: &dyn Fn(&mut PeerRecord), field| {
        let mut lyon = peer("lyon", "10.0.0.8");
        change(&mut lyon);
        assert_eq!(only(fixture.put([Object::Peer(lyon)])).field, field);
    };
    refused(&|peer| peer.minger_port = 0, "minger_port");
    refused(&|peer| peer.target.port = 0, "port");
    refused(
        &|peer| peer.target.host = Host::parse("mx:example.net").unwrap(),
        "host",
    );
    let long = "x".repeat(51);
    for secret in [
        "0123456789abcde",
        &long,
        "0123456789 abcdef",
        "0123456789abcdeö",
    ] {
        refused(
            &|peer| peer.minger_secret = Secret::new(secret),
            "minger_secret",
        );
        refused(
            &|peer| peer.minger_accept = Secret::new(secret),
            "minger_accept",
        );
    }
    let mut lyon = peer("lyon", "10.0.0.8");
    lyon.minger_secret = Secret::new(SECRET);
    lyon.minger_accept = Secret::new("correct:horse:battery:staple");
    fixture.put([Object::Peer(lyon.clone())]).unwrap();
    let stored = fixture.directory.peer("lyon").unwrap().unwrap();
    assert_eq!(
        (&stored.record, stored.revision, &*stored.origin),
        (&lyon, 1, LOCAL)
    );
    let snapshot = fixture.directory.snapshot();
    let minger = snapshot.peers().next().unwrap().minger.clone().unwrap();
    assert_eq!((minger.port, minger.secret.expose()), (4069, SECRET));
    assert_eq!(minger.accept, lyon.minger_accept);
    let audit = fixture.directory.audit(&AuditQuery::latest(1)).unwrap();
    let after = audit[0].after.as_ref().unwrap();
    assert!(after.contains("\"minger_accept\":\"***\""), "{after}");
    assert!(
        !after.contains(SECRET) && !after.contains("horse"),
        "{after}"
    );
}

#[test]
fn a_peers_own_secret_is_nobody_elses() {
    let fixture = with_peers();
    let here = answering(true, false, &["fedcba9876543210"]);
    let mut lyon = peer("lyon", "10.0.0.8");
    lyon.minger_accept = Secret::new(SECRET);
    fixture.put_at(&here, [Object::Peer(lyon.clone())]).unwrap();
    let mut oslo = peer("oslo", "10.0.0.9");
    oslo.minger_accept = Secret::new(SECRET);
    assert_eq!(
        refusal(fixture.put_at(&here, [Object::Peer(oslo.clone())])),
        "peer oslo: minger_accept: the peer lyon has the same"
    );
    oslo.minger_accept = Secret::new("fedcba9876543210");
    assert_eq!(
        refusal(fixture.put_at(&here, [Object::Peer(oslo.clone())])),
        "peer oslo: minger_accept: it is one of minger.secrets, which everybody may use"
    );
    oslo.minger_accept = Secret::new("another-own-secret");
    fixture.put_at(&here, [Object::Peer(oslo)]).unwrap();
}

#[test]
fn a_domain_is_shared_only_when_its_peers_can_ask_back() {
    let fixture = with_peers();
    let domain = || [Object::Domain(shared(&["lyon", "oslo"]))];
    let problem = only(fixture.put_at(&answering(false, true, &[SECRET]), domain()));
    assert_eq!(
        problem.message,
        "the peer lyon could not ask back: this server does not answer Minger"
    );
    assert!(problem.mend.contains("listen.minger"), "{}", problem.mend);
    let problem = only(fixture.put_at(&answering(true, false, &[]), domain()));
    assert_eq!(
        problem.message,
        "the peer lyon could not ask back: no secret lets it ask this server"
    );
    assert!(problem.mend.contains("minger_accept"), "{}", problem.mend);
    assert!(
        problem.mend.contains("anonymous = true"),
        "{}",
        problem.mend
    );
    for here in [
        answering(true, true, &[]),
        answering(true, false, &[SECRET]),
    ] {
        fixture.put_at(&here, domain()).unwrap();
        fixture.put([Object::Domain(shared(&[]))]).unwrap();
    }
    let own = |label: &str, host: &str, secret: &str| {
        let mut record = peer(label, host);
        record.minger_accept = Secret::new(secret);
        Object::Peer(record)
    };
    let silent = answering(true, false, &[]);
    fixture
        .put_at(&silent, [own("lyon", "10.0.0.8", SECRET)])
        .unwrap();
    let problem = only(fixture.put_at(&silent, domain()));
    assert!(
        problem.message.starts_with("the peer oslo could not"),
        "{}",
        problem.message
    );
    let [shared] = domain();
    let oslo = own("oslo", "10.0.0.9", "another-own-secret");
    fixture.put_at(&silent, [shared, oslo]).unwrap();
    let problem = only(fixture.put_at(&silent, [Object::Peer(peer("oslo", "10.0.0.9"))]));
    assert_eq!(problem.field, "minger_accept");
    assert!(problem.message.starts_with("example.com is shared with it"));
}

#[test]
fn a_target_becomes_a_peer_and_a_peer_a_target_with_all_that_names_it() {
    let fixture = Fixture::split();
    let target = fixture.directory.target("old").unwrap().unwrap();
    let lyon = PeerRecord::new(target.record.clone());
    let twice = [
        Object::Target(target.record.clone()),
        Object::Peer(lyon.clone()),
    ];
    assert_eq!(only(fixture.put(twice)).message, "is there twice");
    let again = [Edit::Put(Object::Peer(lyon.clone()), When::Absent)];
    assert_eq!(
        refusal(fixture.edit(&again)),
        "peer old: name: exists already"
    );
    let mut domain = fixture.domain();
    domain.sharing = vec!["old".into()];
    let changed = fixture.put([Object::Peer(lyon), Object::Domain(domain.clone())]);
    assert_eq!(
        (changed.unwrap().changed, fixture.domain().relay),
        (2, domain.relay.clone())
    );
    let stored = fixture.directory.peer("old").unwrap().unwrap();
    assert_eq!(
        (stored.id, stored.revision),
        (target.id, target.revision + 1)
    );
    assert_eq!(fixture.directory.target("old").unwrap(), None);
    let audit = fixture.directory.audit(&AuditQuery::latest(2)).unwrap();
    assert!(
        audit[1].before.is_some() && audit[1].object == "peer old",
        "{audit:?}"
    );
    let mut missing = fixture
        .remove(Key::Target("old".into()))
        .unwrap_err()
        .problems;
    assert_eq!(missing.remove(0).message, "does not exist");
    let back = || Object::Target(target.record.clone());
    assert_eq!(
        refusal(fixture.put([back()])),
        "target old: name: it is a peer that example.com is shared with, and would be none any \
         more"
    );
    domain.sharing.clear();
    fixture.put([back(), Object::Domain(domain)]).unwrap();
    let stored = fixture.directory.target("old").unwrap().unwrap();
    assert_eq!((stored.id, stored.record), (target.id, target.record));
    assert_eq!(fixture.directory.snapshot().peers().count(), 0);
}
