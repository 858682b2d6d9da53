//! Peers, gateway domains and Domain Sharing, as an administrator sets them up.

use serde_json::json;
use waypost_testkit::site::{Plan, Signal, Site};

use crate::PROGRAM;

const SECRET: &str = "0123456789abcdef";

/// A site with a domain and two peers at addresses of nobody, listening so and answering so.
fn site(minger: &str, section: &str) -> Site {
    let listen = format!("smtp = [\"%ADDRESS%:2525\"]\n{minger}");
    Plan::new(PROGRAM)
        .unwrap()
        .section("listen", &listen)
        .section("minger", section)
        .site(
            r#"
[[peer]]
name = "lyon"
host = "192.0.2.1"
[[peer]]
name = "oslo"
host = "192.0.2.2:2525"
[[domain]]
name = "example.com"
"#,
        )
        .start()
        .unwrap()
}

const LISTENING: &str = "minger = [\"%ADDRESS%:4069\"]\n";

/// What a command that must fail said.
fn refused(site: &Site, arguments: &[&str]) -> String {
    let output = site.run(arguments).unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_peer_is_added_shown_changed_and_removed() {
    let site = site("", "");
    let file = site.dir().join("secret");
    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    let file = file.to_str().unwrap();
    let told = site.tell(&[
        "peer",
        "add",
        "rome",
        "--host",
        "192.0.2.3",
        "--minger-port",
        "4070",
        "--minger-secret-file",
        file,
        "--minger-accept-file",
        file,
    ]);
    assert_eq!(told.unwrap().trim(), "peer rome added");
    let shown = site.ask(&["peer", "show", "rome"]).unwrap();
    assert_eq!(
        (&shown["host"], &shown["minger_port"]),
        (&json!("192.0.2.3"), &json!(4070))
    );
    assert_eq!(
        (&shown["minger_secret"], &shown["minger_accept"]),
        (&json!("***"), &json!("***"))
    );
    site.tell(&[
        "peer",
        "set",
        "rome",
        "--tls",
        "off",
        "--minger-accept-file",
        "",
    ])
    .unwrap();
    let shown = site.ask(&["peer", "show", "rome"]).unwrap();
    assert_eq!(
        (&shown["tls"], &shown["minger_port"]),
        (&json!("off"), &json!(4070))
    );
    assert_eq!(
        (&shown["minger_secret"], &shown["minger_accept"]),
        (&json!("***"), &json!(""))
    );
    let list = site.ask(&["peer", "list"]).unwrap();
    let names: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|peer| &peer["name"])
        .collect();
    assert_eq!(names, [&json!("lyon"), &json!("oslo"), &json!("rome")]);
    assert_eq!(site.ask(&["target", "list"]).unwrap(), json!([]));
    let said = refused(&site, &["target", "add", "rome", "--host", "192.0.2.4"]);
    assert!(said.contains("exists already"), "{said}");
    site.tell(&["peer", "remove", "rome"]).unwrap();
    let said = refused(&site, &["peer", "show", "rome"]);
    assert!(said.contains("there is no peer rome"), "{said}");
}

#[test]
fn a_domain_is_shared_in_the_order_that_is_given() {
    let site = site(LISTENING, "anonymous = true\n");
    let sharing = || site.ask(&["domain", "show", "example.com"]).unwrap()["sharing"].clone();
    let set = |arguments: &[&str]| {
        let all = [&["domain", "set", "example.com"], arguments].concat();
        site.tell(&all).unwrap();
    };
    set(&["--sharing", "oslo,lyon"]);
    assert_eq!(sharing(), json!(["oslo", "lyon"]));
    set(&["--remove-sharing", "oslo"]);
    assert_eq!(sharing(), json!(["lyon"]));
    set(&["--add-sharing", "oslo"]);
    assert_eq!(sharing(), json!(["lyon", "oslo"]));
    let said = refused(&site, &["peer", "remove", "oslo"]);
    assert!(said.contains("the sharing of domain example.com"), "{said}");
    let said = refused(
        &site,
        &["domain", "set", "example.com", "--sharing", "nobody"],
    );
    assert!(said.contains("there is no peer"), "{said}");
    set(&["--sharing", ""]);
    assert_eq!(sharing(), json!([]));
    site.tell(&["peer", "remove", "oslo"]).unwrap();
}

#[test]
fn a_domain_is_not_shared_where_the_peers_could_not_ask_back() {
    let share = ["domain", "set", "example.com", "--sharing", "lyon"];
    let silent = site("", "anonymous = true\n");
    let said = refused(&silent, &share);
    assert!(
        said.contains("does not answer Minger") && said.contains("listen.minger"),
        "{said}"
    );
    drop(silent);
    let closed = site(LISTENING, "");
    let said = refused(&closed, &share);
    assert!(
        said.contains("no secret") && said.contains("anonymous = true"),
        "{said}"
    );
    let secrets = format!("[minger]\nsecrets = [\"{SECRET}\"]\n");
    let path = closed.dir().join("waypost.toml");
    let before = std::fs::read_to_string(&path).unwrap();
    let open = before.replace("[minger]\n", &secrets);
    assert_ne!(open, before);
    std::fs::write(&path, open).unwrap();
    closed.signal(Signal::HUP).unwrap();
    closed
        .wait_for_log(&["reloaded", "minger.secrets"])
        .unwrap();
    closed.tell(&share).unwrap();
}

#[test]
fn peers_that_cannot_ask_back_any_more_are_named_in_the_log() {
    let secrets = format!("secrets = [\"{SECRET}\"]\n");
    let mut site = site(LISTENING, &secrets);
    site.tell(&["domain", "set", "example.com", "--sharing", "lyon"])
        .unwrap();
    let path = site.dir().join("waypost.toml");
    let before = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, before.replace(&secrets, "")).unwrap();
    site.signal(Signal::HUP).unwrap();
    let about = "example.com is shared with lyon, which cannot ask back";
    site.wait_for_log(&[about, "minger_accept"]).unwrap();
    site.stop().unwrap();
    let address = site.smtp().ip();
    let listen = LISTENING.replace("%ADDRESS%", &address.to_string());
    std::fs::write(&path, before.replace(&listen, "")).unwrap();
    site.launch().unwrap();
    site.wait_for_log(&[about, "does not answer Minger"])
        .unwrap();
}

#[test]
fn a_peer_that_is_this_server_is_refused_with_its_field() {
    let site = site(LISTENING, "");
    let own = site.smtp();
    let add = |host: &str| refused(&site, &["peer", "add", "self", "--host", host]);
    let said = add(&own.to_string());
    assert!(
        said.contains("host: ") && said.contains("this server itself"),
        "{said}"
    );
    let said = add(&format!("{}:2526", own.ip()));
    assert!(
        said.contains("minger_port: ") && said.contains("this server itself"),
        "{said}"
    );
}

#[test]
fn a_gateway_domain_is_added_changed_exported_and_removed() {
    let site = site("", "");
    let said = refused(
        &site,
        &["gateway", "add", "example.com", "--target", "lyon"],
    );
    assert!(said.contains("served domain example.com"), "{said}");
    site.tell(&["gateway", "add", "branch.test", "--target", "lyon"])
        .unwrap();
    let shown = site.ask(&["gateway", "show", "branch.test"]).unwrap();
    assert_eq!(
        (&shown["target"], &shown["verify"]),
        (&json!("lyon"), &json!("callout"))
    );
    let said = refused(
        &site,
        &["gateway", "set", "branch.test", "--verify", "list"],
    );
    assert!(said.contains("list: is missing"), "{said}");
    let changes = [
        "--verify",
        "list",
        "--list",
        "/etc/branch",
        "--sharing-too",
        "false",
    ];
    site.tell(&[&["gateway", "set", "branch.test"], &changes[..]].concat())
        .unwrap();
    let exported = site.tell(&["export"]).unwrap();
    assert!(
        exported.contains("[[gateway]]\ndomain = \"branch.test\""),
        "{exported}"
    );
    let path = site.dir().join("export.toml");
    std::fs::write(&path, &exported).unwrap();
    let again = site
        .tell(&["apply", path.to_str().unwrap(), "--prune"])
        .unwrap();
    assert!(again.contains("nothing to change"), "{again}");
    let list = site.ask(&["gateway", "list"]).unwrap();
    assert_eq!(list[0]["unreachable"], "later");
    site.tell(&["gateway", "remove", "branch.test"]).unwrap();
    assert_eq!(site.ask(&["gateway", "list"]).unwrap(), json!([]));
}

#[test]
fn a_site_file_that_shares_in_vain_is_refused_with_its_lines() {
    let site = site("", "");
    let path = site.dir().join("new.toml");
    let file = "\n[[domain]]\nname = \"example.com\"\nsharing = [\"lyon\"]\n\n\
                [[gateway]]\ndomain = \"branch.test\"\ntarget = \"paris\"\n";
    std::fs::write(&path, file).unwrap();
    let said = refused(&site, &["apply", path.to_str().unwrap()]);
    for words in [
        "line 4: domain example.com: sharing",
        "line 8: gateway branch.test: target",
    ] {
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(
        site.ask(&["domain", "show", "example.com"]).unwrap()["sharing"],
        json!([])
    );
}
