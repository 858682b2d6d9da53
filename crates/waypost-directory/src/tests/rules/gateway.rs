//! Rules about gateway domains.

use super::*;

fn gateway(target: &str) -> GatewayRecord {
    GatewayRecord::new(name("branch.test"), Relay::parse(target).unwrap())
}

fn with_target(host: &str) -> Fixture {
    let fixture = Fixture::new();
    let old = TargetRecord::new("old", Host::parse(host).unwrap());
    fixture.put([Object::Target(old)]).unwrap();
    fixture
}

#[test]
fn a_gateway_domain_reads_back_and_is_in_the_snapshot() {
    let fixture = with_target("10.0.0.7");
    let mut record = gateway("old");
    record.verify = GatewayVerify::Minger;
    record.minger_port = 4070;
    record.minger_secret = Secret::new("0123456789abcdef");
    record.list = Some("/etc/waypost/branch".into());
    record.sharing_too = false;
    record.unreachable = Unreachable::Accept;
    fixture.put([Object::Gateway(record.clone())]).unwrap();
    let stored = fixture
        .directory
        .gateway(&name("branch.test"))
        .unwrap()
        .unwrap();
    assert_eq!(
        (&stored.record, stored.revision, &*stored.origin),
        (&record, 1, LOCAL)
    );
    let snapshot = fixture.directory.snapshot();
    let route = snapshot.gateway(&name("branch.test")).unwrap();
    assert_eq!(snapshot.target(route.target).unwrap().name, "old");
    assert_eq!(
        (route.minger.host.to_string(), route.minger.port),
        ("10.0.0.7".into(), 4070)
    );
    assert_eq!(
        (route.sharing_too, route.unreachable),
        (false, Unreachable::Accept)
    );
    let moved = TargetRecord::new("old", Host::parse("10.0.0.8").unwrap());
    fixture.put([Object::Target(moved)]).unwrap();
    let snapshot = fixture.directory.snapshot();
    let route = snapshot.gateway(&name("branch.test")).unwrap();
    assert_eq!(route.minger.host.to_string(), "10.0.0.8");
    fixture.remove(Key::Gateway(name("branch.test"))).unwrap();
    assert!(
        fixture
            .directory
            .snapshot()
            .gateway(&name("branch.test"))
            .is_none()
    );
    assert_eq!(fixture.directory.snapshot().gateways().count(), 0);
}

#[test]
fn a_gateway_domain_is_not_served_and_a_served_one_no_gateway() {
    let fixture = with_target("10.0.0.7");
    let mut domain = DomainRecord::new(name("example.com"));
    domain.aliases = vec![name("branch.test")];
    fixture.put([Object::Domain(domain.clone())]).unwrap();
    assert_eq!(
        refusal(fixture.put([Object::Gateway(gateway("old"))])),
        "gateway branch.test: domain: branch.test is a name of the served domain example.com"
    );
    domain.aliases.clear();
    let both = [
        Object::Gateway(gateway("old")),
        Object::Domain(domain.clone()),
    ];
    fixture.put(both).unwrap();
    domain.aliases = vec![name("branch.test")];
    assert_eq!(
        refusal(fixture.put([Object::Domain(domain)])),
        "domain example.com: aliases: branch.test is a gateway domain, which lives on another \
         server"
    );
    let served = DomainRecord::new(name("branch.test"));
    assert_eq!(only(fixture.put([Object::Domain(served)])).field, "name");
}

#[test]
fn the_target_of_a_gateway_domain_exists_and_stays() {
    let fixture = with_target("10.0.0.7");
    assert_eq!(
        refusal(fixture.put([Object::Gateway(gateway("new"))])),
        "gateway branch.test: target: there is no target \"new\""
    );
    fixture.put([Object::Gateway(gateway("old"))]).unwrap();
    assert_eq!(
        refusal(fixture.remove(Key::Target("old".into()))),
        "target old: name: it is used by gateway branch.test"
    );
    fixture
        .put([Object::Gateway(gateway("mail.branch.test:2525"))])
        .unwrap();
    fixture.remove(Key::Target("old".into())).unwrap();
    let snapshot = fixture.directory.snapshot();
    let only: Vec<&str> = snapshot.targets().map(|target| &*target.name).collect();
    assert_eq!(only, ["mail.branch.test:2525"]);
    fixture.remove(Key::Gateway(name("branch.test"))).unwrap();
    assert_eq!(fixture.directory.snapshot().targets().count(), 0);
}

#[test]
fn verification_has_what_it_needs() {
    let fixture = with_target("mx:branch.test");
    let refused = |change: &dyn Fn(&mut GatewayRecord), field| {
        let mut record = gateway("old");
        change(&mut record);
        assert_eq!(only(fixture.put([Object::Gateway(record)])).field, field);
    };
    refused(&|gateway| gateway.verify = GatewayVerify::List, "list");
    refused(&|gateway| gateway.list = Some("addresses".into()), "list");
    refused(
        &|gateway| gateway.verify = GatewayVerify::Minger,
        "minger_host",
    );
    refused(&|gateway| gateway.minger_port = 0, "minger_port");
    refused(
        &|gateway| gateway.minger_secret = Secret::new("short"),
        "minger_secret",
    );
    let mx = |gateway: &mut GatewayRecord| {
        gateway.verify = GatewayVerify::Minger;
        gateway.minger_host = Some(Host::parse("mx:branch.test").unwrap());
    };
    refused(&mx, "minger_host");
    let mut record = gateway("old");
    record.verify = GatewayVerify::Minger;
    record.minger_host = Some(Host::parse("10.0.0.7").unwrap());
    fixture.put([Object::Gateway(record.clone())]).unwrap();
    record.minger_host = None;
    let fixed = TargetRecord::new("old", Host::parse("10.0.0.7").unwrap());
    fixture
        .put([Object::Gateway(record), Object::Target(fixed)])
        .unwrap();
    let mx = TargetRecord::new("old", Host::parse("mx:branch.test").unwrap());
    assert_eq!(only(fixture.put([Object::Target(mx)])).field, "host");
    let mut listed = gateway("old");
    listed.verify = GatewayVerify::List;
    listed.list = Some("/etc/waypost/branch".into());
    fixture.put([Object::Gateway(listed)]).unwrap();
}

#[test]
fn a_gateway_domain_never_asks_this_server() {
    struct Local;
    impl Here for Local {
        fn is_here(&self, host: &Host, port: u16) -> bool {
            port == 25 && host.to_string() == "mail.branch.test"
        }

        fn is_minger_here(&self, host: &Host, port: u16) -> bool {
            port == 4069 && ["10.0.0.7", "10.0.0.8"].contains(&&*host.to_string())
        }
    }
    let fixture = with_target("10.0.0.7");
    let mut record = gateway("mail.branch.test");
    assert_eq!(
        refusal(fixture.put_at(&Local, [Object::Gateway(record.clone())])),
        "gateway branch.test: target: mail.branch.test port 25 is this server itself"
    );
    record.target = Relay::Target("old".into());
    fixture
        .put_at(&Local, [Object::Gateway(record.clone())])
        .unwrap();
    record.verify = GatewayVerify::Minger;
    assert_eq!(
        refusal(fixture.put_at(&Local, [Object::Gateway(record.clone())])),
        "gateway branch.test: minger_port: 10.0.0.7 port 4069 (Minger) is this server itself"
    );
    record.minger_host = Some(Host::parse("10.0.0.8").unwrap());
    let problem = only(fixture.put_at(&Local, [Object::Gateway(record.clone())]));
    assert_eq!(problem.field, "minger_host");
    let moved = TargetRecord::new("old", Host::parse("10.0.0.9").unwrap());
    record.minger_host = None;
    let both = [Object::Gateway(record), Object::Target(moved)];
    fixture.put_at(&Local, both).unwrap();
}
