//! Where DNS sends mail: MX hosts in their order, domains that take none, and answers that do not
//! come.

use std::net::IpAddr;

use serde_json::json;
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::http::Client;
use waypost_testkit::name_server::{NameServer, Zone};
use waypost_testkit::peer::{self, Peer, Taken};
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, Site};

use crate::{PROGRAM, message};

/// Port of mail exchange; binding it needs root.
const MX_PORT: u16 = 25;

/// A site with alice here and jdoe at the hosts of `branch.test`, that asks this name server and
/// takes mail on the port of mail exchange, too.
fn site(plan: Plan, dns: &NameServer) -> Site {
    let outbound = format!(
        "source = \"%ADDRESS%\"\nresolvers = [\"{}\"]\n",
        dns.address()
    );
    let file = r#"
[[target]]
name = "branch"
host = "mx:branch.test"
port = 2525
tls = "off"

[[domain]]
name = "example.com"
relay = "branch"

[[user]]
domain = "example.com"
login = "alice"
mail = "local"
addresses = ["alice@example.com"]

[[user]]
domain = "example.com"
login = "jdoe"
mail = "third-party"
addresses = ["jdoe@example.com"]
"#;
    plan.section("listen", "smtp = [\"%ADDRESS%:2525\", \"%ADDRESS%:25\"]\n")
        .section("trust", "networks = [\"127.0.0.0/8\"]\n")
        .section("outbound", &outbound)
        .site(file)
        .start()
        .unwrap()
}

fn site_asking(dns: &NameServer) -> Site {
    site(Plan::new(PROGRAM).unwrap(), dns)
}

/// A server that takes mail for other domains.
fn exchanger(address: IpAddr) -> Peer {
    let plan = peer::Plan::new(address).port(MX_PORT);
    plan.start(|_| None).unwrap()
}

fn address() -> IpAddr {
    unused_address().unwrap()
}

/// Alice writes to somebody.
fn write(site: &Site, recipient: &str) {
    let mut client = Dialogue::open(site.smtp()).unwrap();
    let (replies, _) = client
        .submit("alice@example.com", &[recipient], &message("out"))
        .unwrap();
    assert_eq!(replies[0].code, 250, "{replies:?}");
}

fn recipient(taken: &[Taken]) -> &str {
    taken[0].recipients[0].split(' ').next().unwrap_or_default()
}

/// The report that alice got.
fn bounce(site: &Site) -> String {
    site.wait_for_messages("example.com", "alice", 1)
        .unwrap()
        .remove(0)
}

/// Alice is told at once that her mail to somebody cannot be delivered, with this status.
fn comes_back(zone: Zone, recipient: &str, status: &str) {
    let dns = NameServer::start(zone).unwrap();
    let site = site_asking(&dns);
    write(&site, recipient);
    let bounce = bounce(&site);
    assert!(bounce.contains("Action: failed"), "{bounce}");
    assert!(bounce.contains(&format!("Status: {status}\n")), "{bounce}");
    let dsn = format!("dsn={status}");
    let to = format!("to=<{recipient}>");
    site.wait_for_log(&[&to, &dsn, "status=bounced"]).unwrap();
}

#[test]
fn a_target_by_mx_is_reached_at_its_hosts_in_order_of_preference() {
    let (first, second) = (address(), address());
    let zone = Zone::default()
        .mx("branch.test", 20, "second.branch.test")
        .mx("branch.test", 10, "first.branch.test")
        .host("first.branch.test", first)
        .host("second.branch.test", second);
    let dns = NameServer::start(zone).unwrap();
    let site = site_asking(&dns);
    let later = Peer::start(second).unwrap();
    write(&site, "jdoe@example.com");
    // The first host is down.
    let taken = later.wait_for_taken(1).unwrap();
    assert_eq!(recipient(&taken), "<jdoe@example.com>");
    // The second one is closed, so that its connection is not used again.
    drop(later);
    let later = Peer::start(second).unwrap();
    let earlier = Peer::start(first).unwrap();
    write(&site, "jdoe@example.com");
    earlier.wait_for_taken(1).unwrap();
    assert!(later.taken().is_empty(), "{:?}", later.taken());
}

#[test]
fn mail_for_other_domains_goes_to_their_mx() {
    let (host, itself) = (address(), address());
    let zone = Zone::default()
        .mx("example.net", 5, "mail.example.net")
        .host("mail.example.net", host)
        .host("example.net", itself);
    let dns = NameServer::start(zone).unwrap();
    let site = site_asking(&dns);
    let (mx, not_mx) = (exchanger(host), exchanger(itself));
    write(&site, "paul@example.net");
    let taken = mx.wait_for_taken(1).unwrap();
    assert_eq!(recipient(&taken), "<paul@example.net>");
    assert!(not_mx.taken().is_empty());
    site.wait_for_log(&["to=<paul@example.net>", "status=sent", "mail.example.net"])
        .unwrap();
}

#[test]
fn a_domain_without_mx_is_its_own_host() {
    let host = address();
    let zone = Zone::default().host("bare.test", host);
    let dns = NameServer::start(zone).unwrap();
    let site = site_asking(&dns);
    let mx = exchanger(host);
    write(&site, "paul@bare.test");
    let taken = mx.wait_for_taken(1).unwrap();
    assert_eq!(recipient(&taken), "<paul@bare.test>");
}

#[test]
fn a_domain_that_takes_no_mail_sends_it_back() {
    let zone = Zone::default()
        .mx("null.test", 0, ".")
        .host("null.test", address());
    comes_back(zone, "paul@null.test", "5.1.10");
}

#[test]
fn mail_for_a_domain_that_does_not_exist_comes_back() {
    comes_back(Zone::default(), "paul@gone.test", "5.1.2");
}

#[test]
fn mail_for_a_domain_whose_hosts_have_no_address_comes_back() {
    let zone = Zone::default().mx("empty.test", 10, "gone.empty.test");
    comes_back(zone, "paul@empty.test", "5.4.4");
}

#[test]
fn an_mx_that_leads_back_here_is_a_loop() {
    let plan = Plan::new(PROGRAM).unwrap();
    let zone = Zone::default()
        .mx("circle.test", 10, "here.circle.test")
        .host("here.circle.test", plan.address());
    let dns = NameServer::start(zone).unwrap();
    let site = site(plan, &dns);
    write(&site, "paul@circle.test");
    let bounce = bounce(&site);
    assert!(bounce.contains("Status: 5.4.6\n"), "{bounce}");
    // Alice's own connection and no other.
    assert_eq!(site.log().matches(": client=").count(), 1, "{}", site.log());
}

#[test]
fn an_mx_host_behind_this_one_is_not_used_but_a_better_one_is() {
    let plan = Plan::new(PROGRAM).unwrap();
    let better = address();
    let zone = Zone::default()
        .mx("backup.test", 10, "better.backup.test")
        .mx("backup.test", 20, "here.backup.test")
        .mx("backup.test", 30, "worse.backup.test")
        .host("better.backup.test", better)
        .host("here.backup.test", plan.address())
        .host("worse.backup.test", address());
    let dns = NameServer::start(zone).unwrap();
    let site = site(plan, &dns);
    write(&site, "paul@backup.test");
    site.wait_for_log(&["to=<paul@backup.test>", "status=deferred", "refused"])
        .unwrap();
    let asked = dns.asked();
    assert!(
        asked.contains(&"better.backup.test".to_owned()),
        "{asked:?}"
    );
    let mx = exchanger(better);
    mx.wait_for_taken(1).unwrap();
    assert!(site.messages("example.com", "alice").is_empty());
}

#[test]
fn a_name_server_that_fails_defers_and_never_bounces() {
    let host = address();
    let dns = NameServer::start(Zone::default().failing("later.test")).unwrap();
    let site = site_asking(&dns);
    let mx = exchanger(host);
    write(&site, "paul@later.test");
    site.wait_for_log(&["to=<paul@later.test>", "status=deferred", "dsn=4.4.3"])
        .unwrap();
    dns.change(Zone::default().host("later.test", host));
    mx.wait_for_taken(1).unwrap();
    assert!(site.messages("example.com", "alice").is_empty());
}

#[test]
fn a_target_whose_name_is_gone_is_waited_for() {
    let dns = NameServer::start(Zone::default()).unwrap();
    let site = site_asking(&dns);
    write(&site, "jdoe@example.com");
    // An administrator can mend it: it is no fault of the message.
    site.wait_for_log(&["to=<jdoe@example.com>", "status=deferred"])
        .unwrap();
    let host = address();
    let branch = Peer::start(host).unwrap();
    dns.change(Zone::default().host("branch.test", host));
    branch.wait_for_taken(1).unwrap();
    assert!(site.messages("example.com", "alice").is_empty());
}

#[test]
fn a_target_whose_name_leads_here_is_refused_when_it_is_saved() {
    let plan = Plan::new(PROGRAM).unwrap();
    let zone = Zone::default()
        .host("here.test", plan.address())
        .host("elsewhere.test", address())
        .mx("circle.test", 10, "here.test");
    let dns = NameServer::start(zone).unwrap();
    let site = site(plan, &dns);
    let set = |host: &str| {
        let words = ["target", "set", "branch", "--host", host, "--port", "2525"];
        let output = site.run(&words).unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said)
    };
    for host in ["here.test", "mx:circle.test"] {
        let (code, said) = set(host);
        assert_eq!(code, Some(1), "{host}: {said}");
        assert!(said.contains("this server itself"), "{host}: {said}");
    }
    let (code, said) = set("elsewhere.test");
    assert_eq!(code, Some(0), "{said}");
}

/// A site with a console and a split domain, that asks this name server.
fn administered(dns: &NameServer) -> Site {
    let file = r#"
[[target]]
name = "branch"
host = "mx:branch.test"

[[domain]]
name = "example.com"
relay = "branch"
"#;
    let plan = Plan::new(PROGRAM).unwrap().hostname("mx1.example.com");
    let outbound = format!("resolvers = [\"{}\"]\n", dns.address());
    let plan = plan.with_console().section("outbound", &outbound);
    plan.site(file).start().unwrap()
}

#[test]
fn the_server_s_own_name_is_refused_though_it_does_not_resolve() {
    let dns = NameServer::start(Zone::default()).unwrap();
    let site = administered(&dns);
    let english = "mx1.example.com is the name of this server itself";
    for host in ["mx1.example.com", "mx:mx1.example.com"] {
        let words = ["target", "set", "branch", "--host", host, "--port", "25"];
        let output = site.run(&words).unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{host}: {said}");
        assert!(
            said.contains("is the name of this server itself"),
            "{host}: {said}"
        );
    }
    let mut admin = Client::first_admin(&site).unwrap();
    let domain = "/api/v1/domains/example.com";
    let relay = json!({ "relay": "MX1.example.com" });
    for (method, path) in [("PATCH", domain), ("POST", &format!("{domain}/preview"))] {
        let answer = admin.send(method, path, &relay).unwrap();
        assert_eq!(answer.status, 422, "{method}: {}", answer.text());
        let problem = &answer.json().unwrap()["problems"][0];
        assert_eq!(problem["field"], "relay", "{problem}");
        assert_eq!(problem["code"], "host-is-hostname", "{problem}");
    }
    let french = "mx1.example.com est le nom de ce serveur lui-même";
    let german = "mx1.example.com ist der Name dieses Servers selbst";
    for (language, words) in [("en", english), ("fr", french), ("de", german)] {
        admin.says("Accept-Language", language);
        let revision = admin.get(domain).unwrap().json().unwrap()["revision"].take();
        let form = format!("revision={revision}&relay=mx1.example.com&act=save");
        let form = Some(("application/x-www-form-urlencoded", form.as_str()));
        let answer = admin.ask("POST", "/domains/example.com/routing", form);
        let page = answer.unwrap().text().replace(['\u{2068}', '\u{2069}'], "");
        assert!(page.contains(words), "{page}");
    }
}

#[test]
fn the_domain_s_own_name_is_warned_about_once() {
    let elsewhere = Zone::default().host("example.com", address());
    let dns = NameServer::start(elsewhere).unwrap();
    let site = administered(&dns);
    let mut admin = Client::first_admin(&site).unwrap();
    let relay = json!({ "relay": "example.com:2525" });
    let told = admin.send("POST", "/api/v1/domains/example.com/preview", &relay);
    let told = told.unwrap().json().unwrap();
    let warnings = told["warnings"].as_array().unwrap().iter();
    let own = warnings.filter(|warning| warning["code"] == "relay-own-name");
    assert_eq!((own.count(), &told["notes"]), (1, &json!([])), "{told}");
}

#[test]
fn a_target_that_has_come_to_lead_here_is_waited_for() {
    let plan = Plan::new(PROGRAM).unwrap();
    let here = Zone::default().host("branch.test", plan.address());
    let dns = NameServer::start(Zone::default()).unwrap();
    let site = site(plan, &dns);
    dns.change(here);
    write(&site, "jdoe@example.com");
    site.wait_for_log(&["to=<jdoe@example.com>", "status=deferred", "dsn=4.4.6"])
        .unwrap();
    // Alice's own connection and no other.
    assert_eq!(site.log().matches(": client=").count(), 1, "{}", site.log());
    let host = address();
    let branch = Peer::start(host).unwrap();
    dns.change(Zone::default().host("branch.test", host));
    branch.wait_for_taken(1).unwrap();
    assert!(site.messages("example.com", "alice").is_empty());
}

#[test]
fn a_group_of_people_elsewhere_is_an_alias_that_strangers_may_use() {
    let host = address();
    let zone = Zone::default().mx("example.net", 5, "mail.example.net");
    let zone = zone.host("mail.example.net", host);
    let dns = NameServer::start(zone).unwrap();
    let alias = r#"
[[domain]]
name = "example.org"

[[group]]
domain = "example.org"
name = "away"
addresses = ["away@example.org"]
members = ["paul@example.net", "mary@example.net"]
"#;
    let outbound = format!("resolvers = [\"{}\"]\n", dns.address());
    let plan = Plan::new(PROGRAM).unwrap().section("outbound", &outbound);
    let site = plan.site(alias).start().unwrap();
    let mx = exchanger(host);
    let mut client = Dialogue::open(site.smtp()).unwrap();
    let (replies, _) = client
        .submit(
            "a@elsewhere.test",
            &["away@example.org", "paul@example.net"],
            &message("alias"),
        )
        .unwrap();
    // The same person is out of a stranger's reach by his own address.
    assert_eq!((replies[0].code, replies[1].code), (250, 554));
    let taken = mx.wait_for_taken(1).unwrap();
    assert_eq!(taken[0].recipients.len(), 2, "{taken:?}");
    assert!(taken[0].mail.starts_with("<a@elsewhere.test>"), "{taken:?}");
}
