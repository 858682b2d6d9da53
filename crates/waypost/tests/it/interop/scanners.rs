//! Programs that look for weak places.

use std::process::{Command, Stdio};

use waypost_testkit::room::both;
use waypost_testkit::site::{Plan, SMTP_PORT, SUBMISSIONS_PORT, Site};

use super::{ROWS, note};
use crate::PROGRAM;

fn site() -> Site {
    let plan = Plan::new(PROGRAM).unwrap().site(
        "[[domain]]\nname = \"example.com\"\n\n[[user]]\ndomain = \"example.com\"\n\
         login = \"admin\"\nmail = \"local\"\naddresses = [\"admin@example.com\"]\n",
    );
    plan.start().unwrap()
}

/// What nmap finds at a port with these scripts.
fn nmap(site: &Site, port: u16, scripts: &str, arguments: &str) -> String {
    let mut command = Command::new("nmap");
    command.args(["-Pn", "-n", "-sT", "-p", &port.to_string()]);
    command.args(["--script", scripts, "--script-args", arguments]);
    let output = command.arg(site.address.to_string()).output().unwrap();
    let said = both(&output);
    assert!(
        output.status.success() && said.contains("/tcp open"),
        "{said}"
    );
    said
}

/// What nmap says of itself.
fn version() -> String {
    let output = Command::new("nmap").arg("--version").output().unwrap();
    let said = both(&output);
    said.split(' ').nth(2).unwrap_or_default().to_owned()
}

#[test]
fn nmap_finds_no_open_relay_and_nothing_vulnerable() {
    let site = site();
    let scripts = "+smtp-commands,+smtp-open-relay,+smtp-strangeport,+smtp-ntlm-info,\
                   +smtp-vuln-cve2010-4344,+smtp-vuln-cve2011-1720,+smtp-vuln-cve2011-1764";
    let said = nmap(
        &site,
        SMTP_PORT,
        scripts,
        "smtp-open-relay.domain=elsewhere.test",
    );
    for words in [
        "smtp-commands: site.test, PIPELINING, STARTTLS",
        "doesn't seem to be an open relay, all tests failed",
        "The SMTP server is not Exim: NOT VULNERABLE",
    ] {
        assert!(said.contains(words), "{said}");
    }
    for words in ["State: VULNERABLE", "LIKELY VULNERABLE", "smtp-ntlm-info:"] {
        assert!(!said.contains(words), "{said}");
    }
    let came_out = "no open relay, all its tests failed; not vulnerable; nothing of NTLM";
    let tried = "smtp-open-relay, smtp-commands, smtp-ntlm-info, smtp-strangeport, smtp-vuln-*";
    note("nmap", &version(), "scanner", tried, came_out);
}

#[test]
fn nmap_finds_no_users_with_vrfy_and_expn() {
    let site = site();
    let arguments = "smtp-enum-users.domain=example.com,smtp-enum-users.methods={VRFY,EXPN}";
    let said = nmap(&site, SMTP_PORT, "+smtp-enum-users", arguments);
    assert!(!said.contains("admin"), "{said}");
    note(
        "nmap",
        &version(),
        "scanner",
        "smtp-enum-users with VRFY, EXPN",
        "finds nobody",
    );
}

#[test]
fn nmap_finds_modern_ciphers_only() {
    let site = site();
    let said = nmap(&site, SUBMISSIONS_PORT, "+ssl-enum-ciphers", "");
    assert!(said.contains("least strength: A"), "{said}");
    for old in ["SSLv3", "TLSv1.0", "TLSv1.1"] {
        assert!(!said.contains(old), "{said}");
    }
    assert!(
        said.contains("TLSv1.2:") && said.contains("TLSv1.3:"),
        "{said}"
    );
    note(
        "nmap",
        &version(),
        "scanner",
        "ssl-enum-ciphers",
        "TLS 1.2 and 1.3; least strength A",
    );
}

/// The whole of testssl takes minutes: `make interop` runs it; else it looks at protocols only.
#[test]
fn testssl_finds_nothing_vulnerable() {
    let site = site();
    let is_whole = std::env::var_os(ROWS).is_some();
    let looks: &[&str] = if is_whole {
        &["-p", "-U", "-s"]
    } else {
        &["-p"]
    };
    let mut command = Command::new("testssl");
    command.args([
        "--quiet",
        "--color",
        "0",
        "--warnings",
        "off",
        "--nodns",
        "none",
    ]);
    command.args(looks).args(["-t", "smtp"]);
    let output = command
        .arg(format!("{}:{SMTP_PORT}", site.address))
        .stdin(Stdio::null())
        .output();
    let said = both(&output.unwrap());
    for line in ["SSLv2", "SSLv3", "TLS 1 ", "TLS 1.1"] {
        let found = said
            .lines()
            .find(|text| text.trim_start().starts_with(line));
        assert!(
            found.is_some_and(|text| text.contains("not offered")),
            "{line}: {said}"
        );
    }
    assert!(said.contains("TLS 1.3    offered (OK)"), "{said}");
    for words in ["VULNERABLE", "NOT ok"] {
        assert!(!said.contains(words), "{said}");
    }
    if is_whole {
        assert!(said.contains("Heartbleed (CVE-2014-0160)"), "{said}");
        note(
            "testssl",
            &super::clients::version("testssl", &["--version"]),
            "scanner",
            "protocols, cipher categories, all vulnerabilities",
            "TLS 1.2 and 1.3 only; nothing vulnerable",
        );
    }
}
