//! The console over HTTPS: pages, API and the command line from afar.

use std::path::PathBuf;
use std::process::{Command, Output};

use waypost_testkit::http::{Client, PASSWORD};
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::tls::{Authority, client_of};

use crate::PROGRAM;

const SITE: &str = "[[domain]]\nname = \"example.com\"\n";

fn plan() -> Plan {
    let plan = Plan::new(PROGRAM).unwrap().with_console().site(SITE);
    plan.section("console", "loopback_https = true\n")
}

/// Gives the first administrator his password without the console.
fn with_password(site: &Site) {
    let words = ["admin", "password", "admin0", "--password-stdin"];
    let output = site.run_with_input(&words, &format!("{PASSWORD}\n"));
    let output = output.unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// A command over HTTPS, with or without these certificates.
fn far(site: &Site, token: &str, ca: Option<&PathBuf>) -> Output {
    let file = site.dir().join("token");
    std::fs::write(&file, token).unwrap();
    let mut command = Command::new(PROGRAM);
    command
        .args(["domain", "list", "--url"])
        .arg(format!("https://{}", site.console()))
        .arg("--token-file")
        .arg(file)
        .env("WAYPOST_CONFIG", "/nowhere/waypost.toml");
    if let Some(ca) = ca {
        command.arg("--ca").arg(ca);
    }
    command.output().unwrap()
}

#[test]
fn a_server_with_a_certificate_is_administered_over_https() {
    let authority = Authority::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let plan = plan();
    let identity = authority.identity(&plan.address().to_string()).unwrap();
    let (certificate, key) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    std::fs::write(&certificate, &identity.certificate_pem).unwrap();
    std::fs::write(&key, &identity.key_pem).unwrap();
    let files = format!(
        "certificate = \"{}\"\nkey = \"{}\"\n",
        certificate.display(),
        key.display()
    );
    let site = plan.section("tls", &files).start().unwrap();
    with_password(&site);
    let token = site
        .tell(&["token", "add", "admin0", "--name", "far"])
        .unwrap();
    let ca = authority.write(folder.path()).unwrap();
    let near = site.tell(&["domain", "list"]).unwrap();
    let output = far(&site, &token, Some(&ca));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), near);
    // Nobody is told the token who cannot show a certificate that is believed.
    let output = far(&site, &token, None);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("is not believed") && said.contains("--ca FILE"),
        "{said}"
    );
    let stranger = tempfile::tempdir().unwrap();
    let other = Authority::new().unwrap().write(stranger.path()).unwrap();
    let output = far(&site, &token, Some(&other));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn a_server_that_signs_for_itself_is_believed_by_its_own_certificate() {
    let site = plan().hostname("mx1.example.com").start().unwrap();
    with_password(&site);
    let config = client_of(&site.dir().join("data/tls.crt")).unwrap();
    let mut client = Client::secured(site.console(), "mx1.example.com", config).unwrap();
    let answer = client.begin("admin0", PASSWORD).unwrap();
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.contains("; Secure"), "{cookie}");
    assert_eq!(client.get("/").unwrap().status, 200);
}

#[test]
fn https_is_not_spoken_in_clear() {
    let site = plan().start().unwrap();
    assert!(Client::new(site.console()).get("/health/live").is_err());
}
