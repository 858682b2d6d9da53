//! What MTA-STS policies of other domains demand of deliveries to their MX hosts (RFC 8461).

use std::net::IpAddr;

use waypost_testkit::name_server::{NameServer, Zone};
use waypost_testkit::peer::Peer;
use waypost_testkit::place::unused_address;
use waypost_testkit::policy_host::{PolicyHost, answer, good};
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::tls::{Authority, Identity};

use crate::PROGRAM;
use crate::dane::{arrives, exchanger, heard_no_mail, mx, planned, waits, write};

const HOST: &str = "mail.example.net";
const POLICY_HOST: &str = "mta-sts.example.net";

/// The world of example.net: an authority that the site trusts, an MX host and a policy's host.
struct World {
    authority: Authority,
    folder: tempfile::TempDir,
    host: IpAddr,
    policy_host: IpAddr,
    dns: NameServer,
}

impl World {
    fn new() -> Self {
        let (host, policy_host) = (unused_address().unwrap(), unused_address().unwrap());
        Self {
            authority: Authority::new().unwrap(),
            folder: tempfile::tempdir().unwrap(),
            host,
            policy_host,
            dns: NameServer::start(zone(host, policy_host, "1")).unwrap(),
        }
    }

    /// The domain has published another policy, or says so.
    fn publishes(&self, id: &str) {
        self.dns.change(zone(self.host, self.policy_host, id));
    }

    fn policy_host(&self, answer: String) -> PolicyHost {
        let identity = self.identity(POLICY_HOST);
        PolicyHost::start(self.policy_host, &identity, answer).unwrap()
    }

    fn identity(&self, name: &str) -> Identity {
        self.authority.identity(name).unwrap()
    }

    fn exchanger(&self, name: &str) -> Peer {
        exchanger(self.host, Some(&self.identity(name)))
    }

    fn site(&self) -> Site {
        self.site_with("")
    }

    fn site_with(&self, lines: &str) -> Site {
        let path = self.authority.write(self.folder.path()).unwrap();
        let path = path.display().to_string();
        let plan = Plan::new(PROGRAM).unwrap();
        planned(plan.environment("SSL_CERT_FILE", &path), &self.dns, lines)
    }
}

fn zone(host: IpAddr, policy_host: IpAddr, id: &str) -> Zone {
    mx(host)
        .host(POLICY_HOST, policy_host)
        .txt("_mta-sts.example.net", &format!("v=STSv1; id={id};"))
}

fn policy(mode: &str, mx: &str) -> String {
    format!("version: STSv1\r\nmode: {mode}\r\nmx: {mx}\r\nmax_age: 604800\r\n")
}

fn fetches(site: &Site, result: &str) -> u64 {
    let text = site.tell(&["metrics"]).unwrap();
    let name = format!("waypost_mta_sts_fetches_total{{result=\"{result}\"}} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&name));
    line.and_then(|count| count.parse().ok()).unwrap()
}

#[test]
fn a_policy_is_met_by_a_host_that_it_names_with_a_certificate_for_its_name() {
    let world = World::new();
    let policies = world.policy_host(good(&policy("enforce", "*.example.net")));
    let site = world.site();
    let mx = world.exchanger(HOST);
    write(&site);
    arrives(&site, &mx, "Verified/mta-sts");
    let asked = ["GET /.well-known/mta-sts.txt HTTP/1.1"];
    assert_eq!(policies.asked(), asked);
    // Once is enough, as long as the id stays.
    write(&site);
    mx.wait_for_taken(2).unwrap();
    drop(mx);
    let mx = world.exchanger(HOST);
    write(&site);
    mx.wait_for_taken(1).unwrap();
    assert_eq!(policies.asked(), asked);
    assert_eq!(fetches(&site, "good"), 1);
}

#[test]
fn a_certificate_for_another_name_gets_no_mail_under_a_policy() {
    let world = World::new();
    let _policies = world.policy_host(good(&policy("enforce", HOST)));
    let site = world.site();
    let mx = world.exchanger("elsewhere.test");
    write(&site);
    waits(&site, &["dsn=4.7.5", "the MTA-STS policy of example.net"]);
    heard_no_mail(&mx);
    drop(mx);
    let mx = world.exchanger(HOST);
    arrives(&site, &mx, "Verified/mta-sts");
}

#[test]
fn an_authority_that_nobody_knows_is_not_believed_under_a_policy() {
    let world = World::new();
    let _policies = world.policy_host(good(&policy("enforce", HOST)));
    let site = world.site();
    let unknown = Authority::new().unwrap().identity(HOST).unwrap();
    let mx = exchanger(world.host, Some(&unknown));
    write(&site);
    waits(&site, &["dsn=4.7.5", "the MTA-STS policy of example.net"]);
    heard_no_mail(&mx);
}

#[test]
fn a_host_stripped_of_starttls_gets_no_mail_under_a_policy() {
    let world = World::new();
    let _policies = world.policy_host(good(&policy("enforce", HOST)));
    let site = world.site();
    let mx = exchanger(world.host, None);
    write(&site);
    waits(
        &site,
        &["dsn=4.7.4", "the MTA-STS policy of example.net", "STARTTLS"],
    );
    heard_no_mail(&mx);
}

#[test]
fn a_host_that_a_policy_does_not_name_gets_no_mail_until_it_does() {
    let world = World::new();
    let policies = world.policy_host(good(&policy("enforce", "other.example.net")));
    let site = world.site();
    let mx = world.exchanger(HOST);
    write(&site);
    waits(
        &site,
        &[
            "dsn=4.7.5",
            "the MTA-STS policy of example.net names other MX hosts",
        ],
    );
    assert!(mx.heard().is_empty(), "{:?}", mx.heard());
    policies.change(good(&policy("enforce", HOST)));
    world.publishes("2");
    arrives(&site, &mx, "Verified/mta-sts");
}

#[test]
fn a_policy_that_is_tested_holds_nothing_back_and_is_noted() {
    let world = World::new();
    let _policies = world.policy_host(good(&policy("testing", HOST)));
    let site = world.site();
    let mx = world.exchanger("elsewhere.test");
    write(&site);
    arrives(&site, &mx, "Untrusted");
    site.wait_for_log(&[
        "mail.example.net[",
        "MTA-STS policy of example.net",
        "testing",
    ])
    .unwrap();
}

#[test]
fn a_host_that_a_tested_policy_does_not_name_gets_mail_and_is_noted() {
    let world = World::new();
    let _policies = world.policy_host(good(&policy("testing", "other.example.net")));
    let site = world.site();
    let mx = exchanger(world.host, None);
    write(&site);
    arrives(&site, &mx, "none");
    site.wait_for_log(&[
        "mail.example.net:",
        "MTA-STS policy of example.net",
        "testing",
    ])
    .unwrap();
}

#[test]
fn a_policy_of_no_mode_demands_nothing() {
    let world = World::new();
    let _policies = world.policy_host(good("version: STSv1\nmode: none\nmax_age: 86400\n"));
    let site = world.site();
    let mx = exchanger(world.host, None);
    write(&site);
    arrives(&site, &mx, "none");
}

#[test]
fn a_policy_that_was_never_had_demands_nothing() {
    let world = World::new();
    let site = world.site();
    let mx = exchanger(world.host, None);
    write(&site);
    arrives(&site, &mx, "none");
    let words = [
        "MTA-STS policy of example.net",
        "fetched",
        "mta-sts.example.net[",
    ];
    site.wait_for_log(&words).unwrap();
    assert_eq!(fetches(&site, "failed"), 1);
}

#[test]
fn what_is_no_policy_is_not_believed() {
    let enforced = policy("enforce", "other.example.net");
    let long = format!("{enforced}{}", "more: x\n".repeat(10_000));
    for (answer, why) in [
        (answer("302 Found", "text/plain", &enforced), "302"),
        (answer("404 Not Found", "text/plain", &enforced), "404"),
        (answer("200 OK", "text/html", &enforced), "text/html"),
        (good(&long), "longer"),
        (good("version: STSv9\n"), "version"),
    ] {
        let world = World::new();
        let policies = world.policy_host(answer);
        let site = world.site();
        let mx = exchanger(world.host, None);
        write(&site);
        arrives(&site, &mx, "none");
        site.wait_for_log(&["MTA-STS policy of example.net", why])
            .unwrap();
        // No other place is gone to.
        assert_eq!(policies.asked().len(), 1);
    }
}

#[test]
fn a_policy_host_without_a_good_certificate_is_not_believed() {
    let world = World::new();
    let identity = world.identity("elsewhere.test");
    let enforced = good(&policy("enforce", "other.example.net"));
    let policies = PolicyHost::start(world.policy_host, &identity, enforced).unwrap();
    let site = world.site();
    let mx = exchanger(world.host, None);
    write(&site);
    arrives(&site, &mx, "none");
    assert!(policies.asked().is_empty());
}

#[test]
fn a_policy_that_was_had_holds_while_its_host_is_down_and_over_a_restart() {
    let world = World::new();
    let policies = world.policy_host(good(&policy("enforce", HOST)));
    let mut site = world.site();
    let mx = world.exchanger(HOST);
    write(&site);
    arrives(&site, &mx, "Verified/mta-sts");
    drop((mx, policies));
    // Whoever is in the way answers for the host, and says that there is another policy.
    world.publishes("2");
    let mx = exchanger(world.host, None);
    write(&site);
    waits(&site, &["dsn=4.7.4", "the MTA-STS policy of example.net"]);
    site.stop().unwrap();
    // Or hides that there is one.
    world.dns.change(self::mx(world.host));
    site.launch().unwrap();
    let ready = site.log().rfind("ready smtp=").unwrap();
    site.tell(&["queue", "flush"]).unwrap();
    waypost_testkit::wait::until("a deferral after the restart", || {
        let log = site.log();
        let after = log.get(ready..)?;
        let mut lines = after.lines().filter(|line| line.contains("dsn=4.7.4"));
        lines.next().map(|_| ())
    })
    .unwrap();
    heard_no_mail(&mx);
}

#[test]
fn what_is_signed_wins_over_a_policy() {
    let world = World::new();
    let _policies = world.policy_host(good(&policy("enforce", "other.example.net")));
    let unknown = Authority::new()
        .unwrap()
        .identity("elsewhere.test")
        .unwrap();
    let zone = zone(world.host, world.policy_host, "1")
        .tlsa(HOST, [3, 1, 1], &unknown.pin)
        .signed("example.net")
        .signed(HOST);
    world.dns.change(zone);
    let site = world.site();
    let mx = exchanger(world.host, Some(&unknown));
    write(&site);
    arrives(&site, &mx, "Verified/dane");
}

#[test]
fn nobody_asks_for_policies_where_that_is_off() {
    let world = World::new();
    let policies = world.policy_host(good(&policy("enforce", "other.example.net")));
    let site = world.site_with("mta_sts = false\n");
    let mx = exchanger(world.host, None);
    write(&site);
    arrives(&site, &mx, "none");
    assert!(policies.asked().is_empty());
    let asked = world.dns.asked();
    assert!(
        !asked.iter().any(|name| name.starts_with("_mta-sts")),
        "{asked:?}"
    );
}
