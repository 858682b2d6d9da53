//! The certificate that an authority gives: Debian's Pebble, asked by the whole program.

use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use waypost_mta::deliver::trial::{self, Shown};
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::http::Client;
use waypost_testkit::name_server::Zone;
use waypost_testkit::pebble::Pebble;
use waypost_testkit::site::{Plan, Signal, Site};
use waypost_testkit::{tls, wait};

use crate::{PROGRAM, message};

/// Where the site answers the authority.
const HTTP_PORT: u16 = 5080;
/// A life that no test sees the end of.
const LONG: u32 = 90 * 86_400;

const SITE: &str = "[[domain]]\nname = \"example.com\"\n\
    [[user]]\ndomain = \"example.com\"\nlogin = \"alice\"\nmail = \"local\"\n\
    addresses = [\"alice@example.com\"]\n";

fn pair(life: u32) -> (Pebble, Plan) {
    let plan = Plan::new(PROGRAM).unwrap().site(SITE);
    let zone = Zone::default().host("site.test", plan.address());
    let pebble = Pebble::start(zone, HTTP_PORT, life).unwrap();
    (pebble, plan)
}

fn section(pebble: &Pebble) -> String {
    format!(
        "directory = \"{}\"\nca = \"{}\"\nhttp = [\"%ADDRESS%:{HTTP_PORT}\"]\n\
         contact = \"admin@example.com\"\n",
        pebble.directory(),
        pebble.ca().display()
    )
}

/// What is kept of the authority's certificates.
fn kept(site: &Site) -> Shown {
    let pem = std::fs::read(site.dir().join("data/acme/certificate.pem")).unwrap();
    trial::certificate(&CertificateDer::from_pem_slice(&pem).unwrap()).unwrap()
}

/// What STARTTLS shows, if Pebble has given it for this name.
fn shown(site: &Site, pebble: &Pebble, name: &str) -> CertificateDer<'static> {
    tls::starttls(site.smtp(), name, pebble.client().unwrap()).unwrap()
}

fn times(site: &Site, words: &str) -> usize {
    site.log().matches(words).count()
}

#[test]
fn a_certificate_is_ordered_shown_kept_private_and_used_again_after_a_crash() {
    let (pebble, plan) = pair(LONG);
    let mut site = plan.section("acme", &section(&pebble)).start().unwrap();
    site.wait_for_log(&["acme: new certificate for site.test"])
        .unwrap();
    let first = shown(&site, &pebble, "site.test");
    assert_eq!(trial::certificate(&first).unwrap().names, ["site.test"]);
    for file in ["certificate.pem", "account.json"] {
        use std::os::unix::fs::PermissionsExt as _;
        let file = site.dir().join("data/acme").join(file);
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // Nothing listens when nothing is ordered.
    let closed = std::net::TcpStream::connect((site.address, HTTP_PORT));
    closed.unwrap_err();

    site.kill().unwrap();
    site.launch().unwrap();
    site.wait_for_log(&["acme: the certificate is renewed from"])
        .unwrap();
    assert_eq!(shown(&site, &pebble, "site.test"), first);
    assert_eq!(times(&site, "acme: new certificate"), 1);
}

#[test]
fn a_certificate_with_a_short_life_is_renewed_after_a_third_of_it() {
    const LIFE: u32 = 30;
    let (pebble, plan) = pair(LIFE);
    let long = format!("{}renew_before = \"365d\"\n", section(&pebble));
    let site = plan.section("acme", &long).start().unwrap();
    site.wait_for_log(&["acme: new certificate for site.test"])
        .unwrap();
    let first = kept(&site);
    wait::until("a renewal", || {
        (times(&site, "acme: new certificate") == 2).then_some(())
    })
    .unwrap_or_else(|error| panic!("{error}: {}", site.log()));
    let between = kept(&site).not_before.duration_since(first.not_before);
    // Whole seconds are written into a certificate.
    assert!(between.unwrap() >= Duration::from_secs(u64::from(LIFE / 3 - 1)));
    let now = trial::certificate(&shown(&site, &pebble, "site.test")).unwrap();
    assert_eq!(now.pin, kept(&site).pin);
    assert_ne!(now.pin, first.pin);
}

#[test]
fn mail_flows_on_with_the_old_certificate_while_the_authority_refuses() {
    let (pebble, plan) = pair(LONG);
    let zone = Zone::default().host("site.test", plan.address());
    let both = zone.host("other.test", plan.address());
    let plan = plan.with_console().section("acme", &section(&pebble));
    let mut site = plan.start().unwrap();
    site.wait_for_log(&["acme: new certificate for site.test"])
        .unwrap();
    let first = shown(&site, &pebble, "site.test");
    site.stop().unwrap();

    // Another name is wanted, which leads nowhere yet.
    let file = site.dir().join("waypost.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let names = "[acme]\nnames = [\"site.test\", \"other.test\"]";
    std::fs::write(&file, text.replace("[acme]", names)).unwrap();
    site.launch().unwrap();
    let line = site.wait_for_log(&["acme: no certificate from", "other.test"]);
    let line = line.unwrap();
    assert!(line.contains("must lead here in DNS"), "{line}");
    assert_eq!(shown(&site, &pebble, "site.test"), first);
    let (mut dialogue, _) = Dialogue::connect(site.smtp()).unwrap();
    dialogue.expect("EHLO client.test", 250).unwrap();
    let sent = dialogue.submit("bob@elsewhere.test", &["alice@example.com"], &message("on"));
    sent.unwrap();
    site.wait_for_messages("example.com", "alice", 1).unwrap();
    let mut console = Client::first_admin(&site).unwrap();
    let overview = console.get("/api/v1/overview").unwrap().text();
    assert!(overview.contains("certificate-not-given"), "{overview}");

    pebble.find(both);
    site.signal(Signal::HUP).unwrap();
    site.wait_for_log(&["acme: new certificate for", "other.test"])
        .unwrap();
    assert_ne!(shown(&site, &pebble, "other.test"), first);
    let overview = console.get("/api/v1/overview").unwrap().text();
    assert!(!overview.contains("certificate-not-given"), "{overview}");
}

#[test]
fn a_first_start_without_its_authority_takes_mail_with_a_certificate_of_its_own() {
    let plan = Plan::new(PROGRAM).unwrap();
    // Nobody listens there.
    let section = "directory = \"https://%ADDRESS%:14000/dir\"\nhttp = [\"%ADDRESS%:5080\"]\n";
    let site = plan.section("acme", section).start().unwrap();
    let line = site.wait_for_log(&["acme: no certificate from", "cannot ask"]);
    let line = line.unwrap();
    assert!(
        line.contains("look at acme.directory and acme.ca"),
        "{line}"
    );
    let own = tls::client_of(&site.dir().join("data/tls.crt")).unwrap();
    tls::starttls(site.smtp(), "site.test", own).unwrap();
}

#[test]
fn check_says_where_the_authority_cannot_be_answered() {
    let plan = Plan::new(PROGRAM).unwrap().hostname("mailhost");
    let section = "directory = \"https://%ADDRESS%:14000/dir\"\nhttp = [\"%ADDRESS%:2525\"]\n";
    let site = plan.section("acme", section).start().unwrap();
    let said = site.tell(&["check"]).unwrap();
    assert!(
        said.contains("acme.http: this user cannot listen on"),
        "{said}"
    );
    assert!(said.contains("\"mailhost\" is no full host name"), "{said}");
}
