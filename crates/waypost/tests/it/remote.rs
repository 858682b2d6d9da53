//! `waypost --url`: the command line over the API.

use std::fs;
use std::process::{Command, Output};

use waypost_testkit::http::Client;
use waypost_testkit::site::{Plan, Site};

use crate::PROGRAM;

const SITE: &str = "[[domain]]\nname = \"example.com\"\n";

/// A command that knows nothing of the machine's own server.
fn far(site: &Site, token: &str, words: &[&str]) -> Output {
    Command::new(PROGRAM)
        .args(words)
        .env("WAYPOST_URL", format!("http://{}", site.console()))
        .env("WAYPOST_TOKEN", token)
        .env("WAYPOST_CONFIG", "/nowhere/waypost.toml")
        .output()
        .unwrap()
}

fn told(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn site() -> (Site, String) {
    let plan = Plan::new(PROGRAM).unwrap().with_console();
    let site = plan.site(SITE).start().unwrap();
    let _admin = Client::first_admin(&site).unwrap();
    let token = site
        .tell(&["token", "add", "admin0", "--name", "far"])
        .unwrap();
    (site, token.trim().to_owned())
}

#[test]
fn what_the_command_line_prints_is_the_same_from_afar() {
    let (site, token) = site();
    told(&far(
        &site,
        &token,
        &["domain", "add", "example.net", "--alias", "example.org"],
    ));
    let set = [
        "domain",
        "set",
        "example.net",
        "--add-alias",
        "example.info",
    ];
    told(&far(&site, &token, &set));
    for words in [
        &["domain", "list"][..],
        &["domain", "show", "example.net"],
        &["domain", "show", "example.net", "--json"],
        &["admin", "list", "--json"],
        &["export"],
    ] {
        let near = site.tell(words).unwrap();
        assert_eq!(told(&far(&site, &token, words)), near, "{words:?}");
    }
    let file = site.dir().join("far.toml");
    fs::write(&file, "[[domain]]\nname = \"example.edu\"\n").unwrap();
    let applied = told(&far(&site, &token, &["apply", &file.display().to_string()]));
    assert!(applied.contains("1 created"), "{applied}");
    site.tell(&["domain", "show", "example.edu"]).unwrap();
}

#[test]
fn refusals_and_exit_codes_are_the_same_from_afar() {
    let (mut site, token) = site();
    let wrong = ["domain", "set", "example.com", "--relay", "nowhere"];
    let (near, afar) = (site.run(&wrong).unwrap(), far(&site, &token, &wrong));
    assert_eq!(afar.status.code(), near.status.code());
    assert_eq!(
        String::from_utf8_lossy(&afar.stderr),
        String::from_utf8_lossy(&near.stderr)
    );
    let missing = far(&site, &token, &["domain", "show", "example.edu"]);
    assert_eq!(missing.status.code(), Some(1));
    let nobody = far(&site, "waypost_abcdefgh_x", &["domain", "list"]);
    assert_eq!(nobody.status.code(), Some(1));
    let backup = far(&site, &token, &["backup", "/nowhere/else"]);
    assert_eq!(backup.status.code(), Some(1));
    site.stop().unwrap();
    let gone = far(&site, &token, &["domain", "list"]);
    assert_eq!(gone.status.code(), Some(75));
}

#[test]
fn a_token_goes_nowhere_in_clear() {
    let output = Command::new(PROGRAM)
        .args(["domain", "list", "--url", "http://mx1.example.com:8025"])
        .env("WAYPOST_TOKEN", "waypost_abcdefgh_x")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("in clear"), "{said}");
}
