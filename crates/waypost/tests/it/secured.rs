//! TLS towards targets, by the target's policy, and logins at targets.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::name_server::{NameServer, Zone};
use waypost_testkit::peer::{self, Moment, Peer, Reaction};
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::tls::{Authority, Identity};

use crate::{PROGRAM, message};

/// What makes a target's STARTTLS useless.
const SPOILT: [&str; 3] = [
    // Refused.
    "454 4.7.0 TLS not available",
    // Accepted, with a reply injected behind it.
    "220 2.0.0 Go on\r\n250 2.0.0 Ok",
    // Accepted, and then no TLS.
    "220 2.0.0 Go on",
];

/// A site with alice here and jdoe at a target of these lines.
fn site(target: &str) -> Site {
    let outbound = "source = \"%ADDRESS%\"\nhandshake_timeout = \"1s\"\n";
    let plan = Plan::new(PROGRAM).unwrap();
    start(plan.section("outbound", outbound), target)
}

fn start(plan: Plan, target: &str) -> Site {
    let file = format!(
        r#"
[[target]]
name = "old"
port = 2525
{target}

[[domain]]
name = "example.com"
relay = "old"

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
"#
    );
    plan.site(&file).start().unwrap()
}

fn at(host: IpAddr, lines: &str) -> String {
    format!("host = \"{host}\"\n{lines}")
}

/// A target with this certificate.
fn target(address: IpAddr, identity: &Identity) -> Peer {
    let plan = peer::Plan::new(address).identity(identity);
    plan.start(|_| None).unwrap()
}

/// A target whose STARTTLS ends in this reply, and nothing more.
fn spoilt_target(identity: &Identity, reply: &'static str) -> Peer {
    let plan = peer::Plan::new(unused_address().unwrap()).identity(identity);
    let spoil = move |moment: &Moment<'_>| match moment {
        Moment::Command("STARTTLS") => Some(Reaction::Say(reply.to_owned())),
        _ => None,
    };
    plan.start(spoil).unwrap()
}

/// Alice writes to jdoe.
fn write(site: &Site) {
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client
        .submit("alice@example.com", &["jdoe@example.com"], &message("out"))
        .unwrap();
}

fn wait_for_deferral(site: &Site, words: &str) {
    site.wait_for_log(&["to=<jdoe@example.com>", "status=deferred", words])
        .unwrap();
    assert!(site.messages("example.com", "alice").is_empty());
}

/// Nothing of a message was said.
fn heard_no_mail(target: &Peer) {
    let heard = target.heard();
    let is_mail = |line: &String| line.starts_with("MAIL");
    assert!(!heard.iter().any(is_mail), "{heard:?}");
}

fn identity(address: IpAddr) -> (Authority, Identity) {
    let authority = Authority::new().unwrap();
    let identity = authority.identity(&address.to_string()).unwrap();
    (authority, identity)
}

/// A site that trusts this authority, and a folder to keep its certificate in.
fn trusting(authority: &Authority) -> (Plan, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = authority.write(folder.path()).unwrap();
    let path = path.display().to_string();
    let plan = Plan::new(PROGRAM).unwrap();
    (plan.environment("SSL_CERT_FILE", &path), folder)
}

#[test]
fn opportunistic_tls_is_used_where_it_is_offered() {
    let address = unused_address().unwrap();
    let (_, identity) = identity(address);
    let old = target(address, &identity);
    // Nothing is said of TLS: this is the default.
    let site = site(&at(address, ""));
    write(&site);
    assert!(old.wait_for_taken(1).unwrap()[0].is_secured);
}

#[test]
fn opportunistic_tls_goes_on_without_where_it_is_not_offered() {
    let old = Peer::start(unused_address().unwrap()).unwrap();
    let site = site(&at(old.smtp().ip(), "tls = \"opportunistic\""));
    write(&site);
    assert!(!old.wait_for_taken(1).unwrap()[0].is_secured);
}

#[test]
fn opportunistic_tls_goes_on_without_where_it_fails() {
    let (_, identity) = identity(unused_address().unwrap());
    for reply in SPOILT {
        let old = spoilt_target(&identity, reply);
        let site = site(&at(old.smtp().ip(), "tls = \"opportunistic\""));
        write(&site);
        assert!(!old.wait_for_taken(1).unwrap()[0].is_secured, "{reply}");
        site.wait_for_log(&["going on without TLS"]).unwrap();
    }
}

#[test]
fn required_tls_takes_any_certificate() {
    let address = unused_address().unwrap();
    let identity = Authority::new()
        .unwrap()
        .identity("elsewhere.test")
        .unwrap();
    let old = target(address, &identity);
    let site = site(&at(address, "tls = \"required\""));
    write(&site);
    assert!(old.wait_for_taken(1).unwrap()[0].is_secured);
}

#[test]
fn required_tls_that_is_spoilt_defers_and_says_nothing_of_the_message() {
    let (_, identity) = identity(unused_address().unwrap());
    for reply in SPOILT {
        let old = spoilt_target(&identity, reply);
        let site = site(&at(old.smtp().ip(), "tls = \"required\""));
        write(&site);
        wait_for_deferral(&site, "dsn=4.7.");
        heard_no_mail(&old);
    }
}

#[test]
fn verified_tls_wants_a_trusted_certificate_for_the_address() {
    let address = unused_address().unwrap();
    let (authority, good) = identity(address);
    let (plan, _folder) = trusting(&authority);
    let wrong_name = authority.identity("elsewhere.test").unwrap();
    let old = target(address, &wrong_name);
    let site = start(plan, &at(address, "tls = \"verified\""));
    write(&site);
    wait_for_deferral(&site, "dsn=4.7.5");
    heard_no_mail(&old);
    drop(old);
    let old = target(address, &good);
    assert!(old.wait_for_taken(1).unwrap()[0].is_secured);
}

#[test]
fn verified_tls_wants_a_certificate_for_the_name_of_the_host() {
    let address = unused_address().unwrap();
    let authority = Authority::new().unwrap();
    let (plan, _folder) = trusting(&authority);
    let zone = Zone::default()
        .host("mail.branch.test", address)
        .host("www.branch.test", address);
    let dns = NameServer::start(zone).unwrap();
    let outbound = format!("resolvers = [\"{}\"]\n", dns.address());
    let old = target(address, &authority.identity("mail.branch.test").unwrap());
    let lines = "host = \"www.branch.test\"\ntls = \"verified\"";
    let site = start(plan.section("outbound", &outbound), lines);
    write(&site);
    wait_for_deferral(&site, "dsn=4.7.5");
    heard_no_mail(&old);
    site.tell(&["target", "set", "old", "--host", "mail.branch.test"])
        .unwrap();
    assert!(old.wait_for_taken(1).unwrap()[0].is_secured);
}

#[test]
fn verified_tls_believes_no_unknown_authority() {
    let address = unused_address().unwrap();
    let (_, by_somebody) = identity(address);
    let (plan, _folder) = trusting(&Authority::new().unwrap());
    let old = target(address, &by_somebody);
    let site = start(plan, &at(address, "tls = \"verified\""));
    write(&site);
    wait_for_deferral(&site, "dsn=4.7.5");
    heard_no_mail(&old);
}

#[test]
fn pinned_tls_wants_the_pinned_key() {
    let address = unused_address().unwrap();
    let (_, good) = identity(address);
    let (_, other) = identity(address);
    let old = target(address, &other);
    let lines = format!("tls = \"pinned\"\ntls_pin = \"{}\"", good.pin);
    let site = site(&at(address, &lines));
    write(&site);
    wait_for_deferral(&site, "dsn=4.7.5");
    heard_no_mail(&old);
    drop(old);
    let old = target(address, &good);
    assert!(old.wait_for_taken(1).unwrap()[0].is_secured);
}

#[test]
fn tls_that_is_off_is_not_asked_for() {
    let address = unused_address().unwrap();
    let (_, identity) = identity(address);
    let old = target(address, &identity);
    let site = site(&at(address, "tls = \"off\""));
    write(&site);
    assert!(!old.wait_for_taken(1).unwrap()[0].is_secured);
    assert!(!old.heard().contains(&"STARTTLS".to_owned()));
}

const LOGIN: &str = "username = \"waypost\"\npassword = \"open-sesame\"\n";
/// `\0waypost\0open-sesame` in base64.
const PLAIN: &str = "AHdheXBvc3QAb3Blbi1zZXNhbWU=";

/// A target that wants a login, and believes it when told to.
fn login_target(plan: peer::Plan) -> (Peer, Arc<AtomicBool>) {
    let is_good = Arc::new(AtomicBool::new(false));
    let good = Arc::clone(&is_good);
    let script = move |moment: &Moment<'_>| match moment {
        Moment::Command(line) if line.starts_with("AUTH ") => {
            Some(Reaction::Say(match good.load(Ordering::SeqCst) {
                true => "235 2.7.0 Welcome".to_owned(),
                false => format!("535 5.7.8 Not believed: {line}"),
            }))
        }
        _ => None,
    };
    let offers = "PIPELINING\nSIZE 1000000\nENHANCEDSTATUSCODES\nAUTH PLAIN LOGIN";
    (plan.offers(offers).start(script).unwrap(), is_good)
}

/// Neither password nor what was sent of it is in the log, the queue or a mailbox.
fn keeps_the_secret(site: &Site) {
    let shown = [
        site.log(),
        site.tell(&["queue", "list", "--json"]).unwrap(),
        site.tell(&["target", "show", "old", "--json"]).unwrap(),
        site.messages("example.com", "alice").join(""),
    ];
    for text in shown {
        for secret in ["open-sesame", PLAIN, "b3Blbi1zZXNhbWU"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[test]
fn a_login_is_sent_under_tls_before_the_message() {
    let address = unused_address().unwrap();
    let (_, identity) = identity(address);
    let (old, is_good) = login_target(peer::Plan::new(address).identity(&identity));
    is_good.store(true, Ordering::SeqCst);
    let site = site(&at(address, LOGIN));
    write(&site);
    assert!(old.wait_for_taken(1).unwrap()[0].is_secured);
    let heard = old.heard();
    let place = |word: &str| heard.iter().position(|line| line.starts_with(word));
    assert!(place("STARTTLS") < place("AUTH"), "{heard:?}");
    assert!(place("AUTH") < place("MAIL"), "{heard:?}");
    assert!(heard.contains(&format!("AUTH PLAIN {PLAIN}")), "{heard:?}");
    keeps_the_secret(&site);
}

#[test]
fn a_login_that_is_not_believed_defers_and_is_not_shown() {
    let address = unused_address().unwrap();
    let (_, identity) = identity(address);
    let (old, is_good) = login_target(peer::Plan::new(address).identity(&identity));
    let site = site(&at(address, LOGIN));
    write(&site);
    wait_for_deferral(&site, "dsn=4.7.8");
    heard_no_mail(&old);
    keeps_the_secret(&site);
    is_good.store(true, Ordering::SeqCst);
    old.wait_for_taken(1).unwrap();
    keeps_the_secret(&site);
}

#[test]
fn a_login_is_not_sent_where_tls_cannot_be_had() {
    let (old, _) = login_target(peer::Plan::new(unused_address().unwrap()));
    let site = site(&at(old.smtp().ip(), LOGIN));
    write(&site);
    wait_for_deferral(&site, "dsn=4.7.11");
    heard_no_mail(&old);
    let heard = old.heard();
    let is_auth = |line: &String| line.starts_with("AUTH");
    assert!(!heard.iter().any(is_auth), "{heard:?}");
}
