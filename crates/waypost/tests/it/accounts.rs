//! Accounts of a shared domain: before an address is made here, every peer must say that it does
//! not have it.

use std::net::IpAddr;
use std::process::Output;

use anyhow::Result;
use waypost_directory::Directory;
use waypost_proto::minger::Status;
use waypost_testkit::minger::MingerPeer;
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, Site};

use crate::PROGRAM;

/// A site that shares example.com, also named example.org, with peers at these addresses.
fn site_with(peers: &[(&str, IpAddr)]) -> Result<Site> {
    Plan::new(PROGRAM)?
        .section("minger", "anonymous = true\ntimeout = \"300ms\"\n")
        .site(&shared_with(peers))
        .start()
}

fn shared_with(peers: &[(&str, IpAddr)]) -> String {
    let mut file = String::new();
    for (name, at) in peers {
        file += &format!("[[peer]]\nname = \"{name}\"\nhost = \"{at}\"\nport = 2525\n");
    }
    let names: Vec<String> = peers
        .iter()
        .map(|(name, _)| format!("\"{name}\""))
        .collect();
    file + &format!(
        "[[domain]]\nname = \"example.com\"\naliases = [\"example.org\"]\nsharing = [{}]\n",
        names.join(", ")
    )
}

fn user(login: &str) -> String {
    format!(
        "[[user]]\ndomain = \"example.com\"\nlogin = \"{login}\"\n\
         addresses = [\"{login}@example.com\"]\n"
    )
}

fn said(output: &Output) -> String {
    let streams = [&output.stdout, &output.stderr];
    streams.map(|text| String::from_utf8_lossy(text)).join("")
}

/// What a command that fails with this exit code says.
fn refused(site: &Site, code: i32, arguments: &[&str]) -> String {
    let output = site.run(arguments).unwrap();
    assert_eq!(output.status.code(), Some(code), "{}", said(&output));
    said(&output)
}

#[test]
fn an_address_that_a_peer_has_is_refused_with_its_name() {
    let at = unused_address().unwrap();
    let peer = MingerPeer::plan(at)
        .knows("carol@example.com")
        .says("full@example.com", Status::Unavailable)
        .knows("team@example.org")
        .start()
        .unwrap();
    let site = site_with(&[("lyon", at)]).unwrap();
    let add = |verb: &[&'static str], address: &'static str| {
        let mut arguments = verb.to_vec();
        arguments.extend(["--address", address]);
        refused(&site, 1, &arguments)
    };
    for (verb, address, found) in [
        (
            ["user", "add", "carol@example.com"],
            "carol@example.com",
            "carol@example.com",
        ),
        (
            ["user", "add", "full@example.com"],
            "full@example.com",
            "full@example.com",
        ),
        (
            ["group", "add", "team@example.com"],
            "team@*",
            "team@example.org",
        ),
        (
            ["mailbox", "add", "desk@example.com"],
            "carol@*",
            "carol@example.com",
        ),
    ] {
        let text = add(&verb, address);
        assert!(text.contains(&format!("lyon has {found}")), "{text}");
        assert!(text.contains("--force"), "{text}");
    }
    site.tell(&["user", "add", "alice@example.com", "--address", "alice@*"])
        .unwrap();
    let text = add(&["user", "set", "alice@example.com"], "carol@example.com");
    assert!(text.contains("lyon has carol@example.com"), "{text}");
    // What he has is not asked about again: only the peer's answer to the new one counts.
    peer.say("alice@example.com", Status::Active);
    site.tell(&[
        "user",
        "set",
        "alice@example.com",
        "--add-address",
        "al@example.com",
    ])
    .unwrap();
    assert!(
        site.ask(&["cache", "list"])
            .unwrap()
            .to_string()
            .find("alice")
            .is_none()
    );
}

#[test]
fn a_user_who_lives_on_the_peer_may_be_written_down_here() {
    let at = unused_address().unwrap();
    let _peer = MingerPeer::plan(at)
        .knows("carol@example.com")
        .start()
        .unwrap();
    let site = site_with(&[("lyon", at)]).unwrap();
    site.tell(&[
        "user",
        "add",
        "carol@example.com",
        "--mail",
        "third-party",
        "--target",
        "lyon",
        "--address",
        "carol@example.com",
    ])
    .unwrap();
}

#[test]
fn a_peer_that_cannot_be_asked_makes_an_account_wait_unless_forced() {
    let (at, silent) = (unused_address().unwrap(), unused_address().unwrap());
    let _peer = MingerPeer::plan(at)
        .knows("carol@example.com")
        .start()
        .unwrap();
    let mute = MingerPeer::plan(silent).start().unwrap();
    mute.script(|_| Some(Vec::new()));
    let mut site = site_with(&[("lyon", at), ("oslo", silent)]).unwrap();
    let add = [
        "user",
        "add",
        "alice@example.com",
        "--address",
        "alice@example.com",
    ];
    let text = refused(&site, 75, &add);
    assert!(
        text.contains("oslo cannot be asked about alice@example.com"),
        "{text}"
    );
    assert!(
        text.contains("peer test oslo") && text.contains("--force"),
        "{text}"
    );
    let mut forced = add.to_vec();
    forced.push("--force");
    site.tell(&forced).unwrap();
    site.wait_for_log(&[
        "user alice@example.com saved by force",
        "oslo cannot be asked",
    ])
    .unwrap();
    let carol = [
        "user",
        "add",
        "carol@example.com",
        "--address",
        "carol@example.com",
        "--force",
    ];
    site.tell(&carol).unwrap();
    site.wait_for_log(&["saved by force", "lyon has carol@example.com"])
        .unwrap();
    site.stop().unwrap();
    let directory = Directory::open(&site.dir().join("data/directory.sqlite")).unwrap();
    let audit = directory
        .audit(&waypost_directory::AuditQuery::latest(10))
        .unwrap();
    let entry = audit
        .iter()
        .find(|entry| entry.object == "user carol@example.com")
        .unwrap();
    assert!(
        entry.from.contains("forced: lyon has carol@example.com"),
        "{}",
        entry.from
    );
}

#[test]
fn a_site_file_asks_about_all_its_new_addresses_before_anything_is_changed() {
    let at = unused_address().unwrap();
    let peer = MingerPeer::plan(at)
        .knows("carol@example.com")
        .start()
        .unwrap();
    let site = site_with(&[("lyon", at)]).unwrap();
    let before = peer.heard().len();
    let path = site.dir().join("new.toml");
    let file = shared_with(&[("lyon", at)]) + &user("alice") + &user("carol") + &user("dave");
    std::fs::write(&path, &file).unwrap();
    let path = path.display().to_string();
    let plan = site.tell(&["apply", &path, "--dry-run"]).unwrap();
    assert!(
        plan.contains("no peer was asked about 3 new addresses"),
        "{plan}"
    );
    assert_eq!(peer.heard().len(), before, "a rehearsal asks nobody");
    let text = refused(&site, 1, &["apply", &path]);
    let line = file
        .lines()
        .position(|line| line.contains("carol@"))
        .unwrap()
        + 1;
    assert!(
        text.contains(&format!("line {line}: user carol@example.com")),
        "{text}"
    );
    assert!(text.contains("lyon has carol@example.com"), "{text}");
    assert_eq!(
        site.ask(&["user", "list"])
            .unwrap()
            .as_array()
            .unwrap()
            .len(),
        0
    );
    peer.forget("carol@example.com");
    site.tell(&["apply", &path]).unwrap();
    let asked = peer.heard().len();
    site.tell(&["apply", &path]).unwrap();
    assert_eq!(peer.heard().len(), asked, "nothing was new");
}

#[test]
fn a_site_file_is_applied_by_force_while_peers_are_down() {
    let site = site_with(&[("lyon", unused_address().unwrap())]).unwrap();
    let users: String = (0..200).map(|n| user(&format!("user{n}"))).collect();
    let path = site.dir().join("new.toml");
    std::fs::write(&path, users).unwrap();
    let path = path.display().to_string();
    let text = refused(&site, 75, &["apply", &path]);
    assert!(text.contains("peers cannot be asked"), "{text}");
    let done = site.tell(&["apply", &path, "--force"]).unwrap();
    assert!(
        done.contains("no peer was asked about 200 new addresses"),
        "{done}"
    );
    site.wait_for_log(&["applied by force"]).unwrap();
}
