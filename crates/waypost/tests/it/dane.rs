//! What TLSA records of MX hosts demand of deliveries to them (RFC 7672).

use std::net::IpAddr;

use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::name_server::{NameServer, Zone};
use waypost_testkit::peer::{self, Moment, Peer, Reaction};
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::tls::{Authority, Identity};
use waypost_testkit::wait;

use crate::{PROGRAM, message};

/// Port of mail exchange; binding it needs root.
const MX_PORT: u16 = 25;
const HOST: &str = "mail.example.net";

/// The key of the host's own certificate, by its SHA-256.
const EE_KEY: [u8; 3] = [3, 1, 1];
/// An authority's certificate, by its SHA-256.
const TA_CERTIFICATE: [u8; 3] = [2, 0, 1];

/// A site with alice here, that asks this name server.
pub(crate) fn site(dns: &NameServer, lines: &str) -> Site {
    planned(Plan::new(PROGRAM).unwrap(), dns, lines)
}

/// The same, planned already.
pub(crate) fn planned(plan: Plan, dns: &NameServer, lines: &str) -> Site {
    let outbound = format!(
        "source = \"%ADDRESS%\"\nhandshake_timeout = \"1s\"\nresolvers = [\"{}\"]\n{lines}",
        dns.address()
    );
    let file = r#"
[[domain]]
name = "example.com"

[[user]]
domain = "example.com"
login = "alice"
mail = "local"
addresses = ["alice@example.com"]
"#;
    plan.section("trust", "networks = [\"127.0.0.0/8\"]\n")
        .section("outbound", &outbound)
        .site(file)
        .start()
        .unwrap()
}

/// A host of example.net, signed in every way, with these TLSA records.
fn zone(host: IpAddr, records: &[([u8; 3], &str)]) -> Zone {
    let zone = mx(host).signed("example.net").signed(HOST);
    let add = |zone: Zone, (numbers, data): &([u8; 3], &str)| zone.tlsa(HOST, *numbers, data);
    records.iter().fold(zone, add)
}

/// A host of example.net.
pub(crate) fn mx(host: IpAddr) -> Zone {
    Zone::default().mx("example.net", 10, HOST).host(HOST, host)
}

/// A server that takes mail for example.net, with this certificate.
pub(crate) fn exchanger(address: IpAddr, identity: Option<&Identity>) -> Peer {
    let plan = peer::Plan::new(address).port(MX_PORT);
    let plan = match identity {
        Some(identity) => plan.identity(identity),
        None => plan,
    };
    plan.start(|_| None).unwrap()
}

/// A certificate that no system trusts.
fn unknown(name: &str) -> (Authority, Identity) {
    let authority = Authority::new().unwrap();
    let identity = authority.identity(name).unwrap();
    (authority, identity)
}

/// Alice writes to paul.
pub(crate) fn write(site: &Site) {
    let mut client = Dialogue::open(site.smtp()).unwrap();
    let (replies, _) = client
        .submit("alice@example.com", &["paul@example.net"], &message("out"))
        .unwrap();
    assert_eq!(replies[0].code, 250, "{replies:?}");
}

/// Mail waits, with a reason that holds these words, which is shown to whoever looks at the queue.
pub(crate) fn waits(site: &Site, words: &[&str]) {
    let mut wanted = vec!["to=<paul@example.net>", "status=deferred", "dsn=4.7."];
    wanted.extend(words);
    site.wait_for_log(&wanted).unwrap();
    let show = || {
        let queue = site.ask(&["queue", "list"]).ok()?;
        let id = queue[0]["id"].as_str()?.to_owned();
        let shown = site.tell(&["queue", "show", &id]).ok()?;
        let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut words = words.iter().filter(|word| !word.starts_with("dsn="));
        words.all(|word| shown.contains(word)).then_some(())
    };
    wait::until(&format!("the queue to show {words:?}"), show).unwrap();
    assert!(site.messages("example.com", "alice").is_empty());
}

/// Nothing of a message was said.
pub(crate) fn heard_no_mail(mx: &Peer) {
    let heard = mx.heard();
    let is_mail = |line: &String| line.starts_with("MAIL");
    assert!(!heard.iter().any(is_mail), "{heard:?}");
}

/// Mail arrives, and the log says how the connection was secured.
pub(crate) fn arrives(site: &Site, mx: &Peer, tls: &str) {
    let taken = mx.wait_for_taken(1).unwrap();
    assert_eq!(taken[0].is_secured, tls != "none", "{taken:?}");
    let words = [
        "to=<paul@example.net>",
        "status=sent",
        &format!(" tls={tls}"),
    ];
    let line = site.wait_for_log(&words).unwrap();
    assert!(line.ends_with(&format!(" tls={tls}")), "{line}");
    assert_eq!(
        line.contains(" tls_version=TLSv1."),
        tls != "none",
        "{line}"
    );
}

fn counted(site: &Site, by: &str, result: &str) -> u64 {
    let text = site.tell(&["metrics"]).unwrap();
    let name = format!("waypost_tls_connections_total{{by=\"{by}\",result=\"{result}\"}} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&name));
    line.and_then(|count| count.parse().ok()).unwrap()
}

#[test]
fn a_key_in_signed_records_is_believed_whatever_the_certificate_says() {
    let host = unused_address().unwrap();
    // For another name, by an authority that nobody knows.
    let (_, identity) = unknown("elsewhere.test");
    let dns = NameServer::start(zone(host, &[(EE_KEY, &identity.pin)])).unwrap();
    let site = site(&dns, "");
    let mx = exchanger(host, Some(&identity));
    write(&site);
    arrives(&site, &mx, "Verified/dane");
    assert_eq!(counted(&site, "dane", "verified"), 1);
}

#[test]
fn another_key_than_that_in_signed_records_gets_no_mail() {
    let host = unused_address().unwrap();
    let (_, good) = unknown(HOST);
    let (_, other) = unknown(HOST);
    let dns = NameServer::start(zone(host, &[(EE_KEY, &good.pin)])).unwrap();
    let site = site(&dns, "");
    let mx = exchanger(host, Some(&other));
    write(&site);
    waits(
        &site,
        &[
            "dsn=4.7.5",
            "(DANE)",
            "matches no TLSA record of mail.example.net",
        ],
    );
    heard_no_mail(&mx);
    assert!(counted(&site, "dane", "failed") > 0);
    // The administrator of the host publishes its key.
    dns.change(zone(host, &[(EE_KEY, &good.pin), (EE_KEY, &other.pin)]));
    arrives(&site, &mx, "Verified/dane");
}

#[test]
fn an_authority_in_signed_records_vouches_for_the_name_of_the_host() {
    let host = unused_address().unwrap();
    let authority = Authority::new().unwrap();
    let records = [(TA_CERTIFICATE, authority.digest())];
    let records = records
        .each_ref()
        .map(|(numbers, data)| (*numbers, data.as_str()));
    let dns = NameServer::start(zone(host, &records)).unwrap();
    let site = site(&dns, "");
    let wrong = authority.identity("elsewhere.test").unwrap();
    let mx = exchanger(host, Some(&wrong));
    write(&site);
    waits(&site, &["dsn=4.7.5", "(DANE)", "not valid for"]);
    heard_no_mail(&mx);
    drop(mx);
    let mx = exchanger(host, Some(&authority.identity(HOST).unwrap()));
    arrives(&site, &mx, "Verified/dane");
}

#[test]
fn an_authority_in_signed_records_is_not_another() {
    let host = unused_address().unwrap();
    let (authority, _) = unknown(HOST);
    let (_, identity) = unknown(HOST);
    let digest = authority.digest();
    let dns = NameServer::start(zone(host, &[(TA_CERTIFICATE, &digest)])).unwrap();
    let site = site(&dns, "");
    let mx = exchanger(host, Some(&identity));
    write(&site);
    waits(&site, &["dsn=4.7.5", "(DANE)"]);
    heard_no_mail(&mx);
}

#[test]
fn signed_records_that_are_stripped_of_starttls_get_no_mail() {
    let host = unused_address().unwrap();
    let (_, identity) = unknown(HOST);
    let dns = NameServer::start(zone(host, &[(EE_KEY, &identity.pin)])).unwrap();
    let site = site(&dns, "");
    let mx = exchanger(host, None);
    write(&site);
    waits(&site, &["dsn=4.7.4", "(DANE)", "does not offer STARTTLS"]);
    heard_no_mail(&mx);
    drop(mx);
    let refuse = |moment: &Moment<'_>| match moment {
        Moment::Command("STARTTLS") => Some(Reaction::Say("454 4.7.0 Not now".into())),
        _ => None,
    };
    let plan = peer::Plan::new(host).port(MX_PORT).identity(&identity);
    let mx = plan.start(refuse).unwrap();
    waits(&site, &["(DANE)", "Not now"]);
    heard_no_mail(&mx);
}

#[test]
fn signed_records_of_which_none_can_be_used_demand_tls_and_no_more() {
    let host = unused_address().unwrap();
    let (_, identity) = unknown("elsewhere.test");
    // A public authority: nothing that a mail server could check.
    let dns = NameServer::start(zone(host, &[([1, 1, 1], &identity.pin)])).unwrap();
    let site = site(&dns, "");
    let mx = exchanger(host, None);
    write(&site);
    waits(&site, &["dsn=4.7.4", "(DANE)", "does not offer STARTTLS"]);
    heard_no_mail(&mx);
    drop(mx);
    let mx = exchanger(host, Some(&identity));
    arrives(&site, &mx, "Untrusted/dane");
}

#[test]
fn records_that_are_bogus_hold_mail_back_from_their_host() {
    let host = unused_address().unwrap();
    let (_, identity) = unknown(HOST);
    let dns = NameServer::start(zone(host, &[]).bogus_tlsa(HOST)).unwrap();
    let site = site(&dns, "");
    let mx = exchanger(host, Some(&identity));
    write(&site);
    waits(
        &site,
        &["dsn=4.7.5", "(DANE)", "_25._tcp.mail.example.net", "DNSSEC"],
    );
    assert!(mx.heard().is_empty(), "{:?}", mx.heard());
    dns.change(zone(host, &[]));
    arrives(&site, &mx, "Untrusted");
}

#[test]
fn a_host_with_bogus_records_is_passed_over_for_the_next() {
    let (first, second) = (unused_address().unwrap(), unused_address().unwrap());
    let zone = zone(first, &[]).bogus_tlsa(HOST);
    let zone = zone
        .mx("example.net", 20, "backup.example.net")
        .host("backup.example.net", second);
    let dns = NameServer::start(zone).unwrap();
    let site = site(&dns, "");
    let (mx, backup) = (exchanger(first, None), exchanger(second, None));
    write(&site);
    arrives(&site, &backup, "none");
    assert!(mx.heard().is_empty(), "{:?}", mx.heard());
    site.wait_for_log(&["mail.example.net is passed over"])
        .unwrap();
}

#[test]
fn records_that_nobody_vouches_for_demand_nothing() {
    let (_, good) = unknown(HOST);
    let (_, other) = unknown(HOST);
    let host = unused_address().unwrap();
    let record = |zone: Zone| zone.tlsa(HOST, EE_KEY, &good.pin);
    for zone in [
        // Neither is signed, or only one of them.
        record(mx(host)).signed("example.net"),
        record(mx(host)).signed(HOST),
        record(mx(host))
            .signed("example.net")
            .signed(HOST)
            .unsigned_tlsa(HOST),
    ] {
        let dns = NameServer::start(zone).unwrap();
        let site = site(&dns, "");
        let mx = exchanger(host, Some(&other));
        write(&site);
        arrives(&site, &mx, "Untrusted");
    }
}

#[test]
fn records_count_for_nothing_where_dane_is_off() {
    let host = unused_address().unwrap();
    let (_, good) = unknown(HOST);
    let dns = NameServer::start(zone(host, &[(EE_KEY, &good.pin)])).unwrap();
    let site = site(&dns, "dane = \"off\"\n");
    let mx = exchanger(host, None);
    write(&site);
    arrives(&site, &mx, "none");
    let asked = dns.asked();
    assert!(
        !asked.iter().any(|name| name.starts_with("_25.")),
        "{asked:?}"
    );
}
