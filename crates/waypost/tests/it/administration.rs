//! What an administrator does with Domain Sharing: tries peers, compares addresses, looks at what
//! is remembered, at conflicts and at counts.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use anyhow::Result;
use serde_json::Value;
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::minger::{MingerPeer, Move};
use waypost_testkit::peer::{Moment, Peer, Reaction};
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::wait;

use crate::PROGRAM;

const SECRET: &str = "a-secret-that-is-shared";

/// A site that shares example.com with peers at these hosts, and has alice and bob.
fn site_with(peers: &[(&str, &str)]) -> Result<Site> {
    let mut file = String::new();
    for (name, host) in peers {
        file += &format!(
            "[[peer]]\nname = \"{name}\"\nhost = \"{host}\"\nport = 2525\ntls = \"off\"\n\
             minger_secret = \"{SECRET}\"\n"
        );
    }
    let names: Vec<String> = peers
        .iter()
        .map(|(name, _)| format!("\"{name}\""))
        .collect();
    file += &format!(
        "[[domain]]\nname = \"example.com\"\nsharing = [{}]\n",
        names.join(", ")
    );
    for login in ["alice", "bob"] {
        file += &format!(
            "[[user]]\ndomain = \"example.com\"\nlogin = \"{login}\"\n\
             addresses = [\"{login}@example.com\"]\n"
        );
    }
    Plan::new(PROGRAM)?
        .section("minger", "anonymous = true\ntimeout = \"300ms\"\n")
        .site(&file)
        .start()
}

fn with_one(at: IpAddr) -> Result<Site> {
    site_with(&[("lyon", &at.to_string())])
}

fn rcpt(site: &Site, recipient: &str) -> Result<u16> {
    let mut stranger = Dialogue::open(site.smtp())?;
    stranger.expect("MAIL FROM:<stranger@elsewhere.test>", 250)?;
    Ok(stranger.say(&format!("RCPT TO:<{recipient}>"))?.code)
}

/// The exit code of a command, and all it says.
fn run(site: &Site, arguments: &[&str]) -> (Option<i32>, String) {
    let output = site.run(arguments).unwrap();
    let streams = [&output.stdout, &output.stderr];
    let said = streams.map(|text| String::from_utf8_lossy(text)).join("");
    (output.status.code(), said)
}

/// A test of lyon says this, with this exit code.
fn test_says(site: &Site, code: i32, words: &str) {
    let (found, said) = run(site, &["peer", "test", "lyon"]);
    assert_eq!(found, Some(code), "{said}");
    assert!(said.contains(words), "{words:?} is not in:\n{said}");
}

/// An SMTP server that says this to RCPT.
fn smtp(at: IpAddr, to_rcpt: &'static str) -> Result<Peer> {
    Peer::start_scripted(at, move |moment| match moment {
        Moment::Command(line) if line.to_ascii_lowercase().starts_with("rcpt") => {
            Some(Reaction::Say(to_rcpt.to_owned()))
        }
        _ => None,
    })
}

#[test]
fn a_test_of_a_peer_says_in_words_what_is_wrong() {
    let at = unused_address().unwrap();
    let site = with_one(at).unwrap();
    test_says(&site, 75, "nothing answers Minger on UDP port 4069 there");
    let peer = MingerPeer::plan(at)
        .secret(SECRET)
        .knows("carol@example.com")
        .start()
        .unwrap();
    test_says(&site, 75, "its SMTP port 2525 cannot be used");
    let server = smtp(at, "250 2.1.5 Ok").unwrap();
    test_says(&site, 0, "takes mail for example.com");
    let (code, said) = run(&site, &["peer", "test", "lyon", "carol@example.com"]);
    assert_eq!(code, Some(0));
    assert!(said.contains("carol@example.com: active (5)"), "{said}");
    let tried = site.ask(&["peer", "test", "lyon"]).unwrap();
    assert_eq!(tried["ok"], true, "{tried}");
    peer.script(|heard| Some(vec![Move::answer(heard, 2)]));
    test_says(&site, 1, "wrong secret");
    peer.script(|heard| Some(vec![Move::answer(heard, 5)]));
    test_says(&site, 1, "answers everything with yes");
    peer.be_silent();
    test_says(&site, 75, "no answer");
    peer.behave();
    site.tell(&["peer", "set", "lyon", "--minger-secret-file", ""])
        .unwrap();
    test_says(&site, 1, "anonymous questions are refused");
    drop(server);
}

#[test]
fn a_test_of_a_peer_says_that_it_does_not_serve_the_domain() {
    let at = unused_address().unwrap();
    let site = with_one(at).unwrap();
    let _peer = MingerPeer::plan(at).start().unwrap();
    let _server = smtp(at, "554 5.7.1 Relay access denied").unwrap();
    test_says(&site, 1, "does not serve example.com");
}

#[test]
fn a_test_of_a_peer_says_that_its_name_does_not_resolve() {
    let site = site_with(&[("lyon", "nowhere.invalid")]).unwrap();
    test_says(&site, 75, "its name nowhere.invalid does not resolve");
}

#[test]
fn an_audit_finds_addresses_that_live_on_two_servers() {
    let (at, other) = (unused_address().unwrap(), unused_address().unwrap());
    let peer = MingerPeer::plan(at)
        .knows("bob@example.com")
        .start()
        .unwrap();
    let second = MingerPeer::plan(other).start().unwrap();
    let site = site_with(&[("lyon", &at.to_string()), ("oslo", &other.to_string())]).unwrap();
    let (code, said) = run(&site, &["peer", "audit", "example.com"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("2 addresses compared, 1 on two servers, 0 not checked"),
        "{said}"
    );
    assert!(
        said.contains("bob@example.com") && !said.contains("alice@"),
        "{said}"
    );
    peer.forget("bob@example.com");
    assert_eq!(run(&site, &["peer", "audit", "example.com"]).0, Some(0));
    second.be_silent();
    let (code, said) = run(&site, &["peer", "audit", "example.com", "--json"]);
    assert_eq!(code, Some(75), "{said}");
    assert!(said.contains("\"unchecked_count\": 2"), "{said}");
    let (code, said) = run(&site, &["peer", "audit", "example.net"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("not a shared domain"), "{said}");
}

#[test]
fn an_audit_of_many_addresses_asks_about_every_one() {
    let at = unused_address().unwrap();
    let peer = MingerPeer::plan(at).start().unwrap();
    let site = with_one(at).unwrap();
    let users: String = (0..150)
        .map(|n| {
            format!(
                "[[user]]\ndomain = \"example.com\"\nlogin = \"u{n}\"\n\
                 addresses = [\"u{n}@example.com\"]\n"
            )
        })
        .collect();
    let path = site.dir().join("more.toml").display().to_string();
    std::fs::write(&path, users).unwrap();
    // How often each address was asked about; a question may come again when the peer is slow.
    let asked = || {
        let mut asked = BTreeMap::new();
        for heard in peer.heard() {
            *asked.entry(heard.address()).or_insert(0) += 1;
        }
        asked
    };
    site.tell(&["apply", &path]).unwrap();
    let new: Vec<String> = (0..150).map(|n| format!("u{n}@example.com")).collect();
    let before = asked();
    assert!(before.keys().eq(new.iter().collect::<BTreeSet<_>>()));
    let audit = site.ask(&["peer", "audit", "example.com"]).unwrap();
    assert_eq!(audit["addresses"], 152);
    assert_eq!(audit["unchecked_count"], 0, "{audit}");
    let after = asked();
    let old = ["alice@example.com", "bob@example.com"].map(str::to_owned);
    for address in new.iter().chain(&old) {
        let (before, after) = (before.get(address), after.get(address));
        assert!(after > before, "{address}: {before:?}, then {after:?}");
    }
    assert_eq!(after.len(), 152);
}

#[test]
fn the_cache_is_listed_in_pages_filtered_counted_and_corrected() {
    let at = unused_address().unwrap();
    let peer = MingerPeer::plan(at)
        .knows("carol@example.com")
        .start()
        .unwrap();
    let site = with_one(at).unwrap();
    let show = site.ask(&["peer", "show", "lyon"]).unwrap();
    assert_eq!(show["state"], "not asked yet");
    for (login, code) in [("carol", 250), ("u1", 550), ("u2", 550), ("carol", 250)] {
        assert_eq!(rcpt(&site, &format!("{login}@example.com")).unwrap(), code);
    }
    let addresses = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap().iter();
        items
            .map(|item| item["address"].as_str().unwrap().to_owned())
            .collect()
    };
    let first = site.ask(&["cache", "list", "--limit", "2"]).unwrap();
    assert_eq!(addresses(&first), ["carol@example.com", "u1@example.com"]);
    let next = first["next"].as_str().unwrap();
    let second = site.ask(&["cache", "list", "--after", next]).unwrap();
    assert_eq!(addresses(&second), ["u2@example.com"]);
    assert!(second["next"].is_null());
    let active = site
        .ask(&["cache", "list", "--answer", "active", "--target", "lyon"])
        .unwrap();
    assert_eq!(addresses(&active), ["carol@example.com"]);
    let other = site.ask(&["cache", "list", "--target", "oslo"]).unwrap();
    assert!(addresses(&other).is_empty());
    let shown = site.ask(&["cache", "show", "carol@example.com"]).unwrap();
    assert_eq!(shown[0]["source"], "minger");
    assert!(
        shown[0]["expires_s"].as_u64().unwrap() > 4 * 86_400,
        "{shown}"
    );
    let stats = site.ask(&["cache", "stats"]).unwrap();
    assert_eq!(stats["entries"], 3, "{stats}");
    assert_eq!(stats["misses"], 3, "{stats}");
    assert_eq!(stats["hits"], 1, "{stats}");
    assert_eq!(stats["bound"], 1_000_000);
    assert_eq!(stats["peers"][0]["state"], "answering");
    let dropped = site
        .tell(&["cache", "drop", "carol@example.com", "--target", "oslo"])
        .unwrap();
    assert!(dropped.contains("nothing was remembered"), "{dropped}");
    site.tell(&["cache", "drop", "carol@example.com", "--target", "lyon"])
        .unwrap();
    peer.forget("carol@example.com");
    assert_eq!(rcpt(&site, "carol@example.com").unwrap(), 550);
}

#[test]
fn a_silent_peer_is_shown_as_paused_and_explained_so() {
    let (at, other) = (unused_address().unwrap(), unused_address().unwrap());
    let _lyon = MingerPeer::plan(at).start().unwrap();
    let oslo = MingerPeer::plan(other).start().unwrap();
    oslo.be_silent();
    let site = site_with(&[("lyon", &at.to_string()), ("oslo", &other.to_string())]).unwrap();
    let steps = |explained: &Value, source: &str| -> Vec<Value> {
        let steps = explained["steps"].as_array().unwrap().iter();
        steps
            .filter(|step| step["source"] == source)
            .cloned()
            .collect()
    };
    let explained = site.ask(&["explain", "x@example.com"]).unwrap();
    let asked = steps(&explained, "asked");
    assert_eq!(asked.len(), 2, "{explained}");
    assert_eq!(asked[0]["answer"], "unknown");
    assert_eq!(asked[1]["answer"], "unavailable");
    assert!(asked[1]["took_ms"].as_u64().unwrap() >= 290, "{explained}");
    let cached = site.ask(&["cache", "list"]).unwrap();
    assert_eq!(
        cached["items"],
        serde_json::json!([]),
        "explain remembers nothing"
    );
    for n in 0..3 {
        assert_eq!(rcpt(&site, &format!("u{n}@example.com")).unwrap(), 451);
    }
    let show = site.ask(&["peer", "show", "oslo"]).unwrap();
    assert!(
        show["state"].as_str().unwrap().starts_with("paused for "),
        "{show}"
    );
    assert!(show["last_answer"].is_null());
    let list = site.ask(&["peer", "list"]).unwrap();
    assert_eq!(list[0]["state"], "answering", "{list}");
    let explained = site.ask(&["explain", "x@example.com"]).unwrap();
    assert_eq!(steps(&explained, "suspended").len(), 1, "{explained}");
    let metrics = site.tell(&["metrics"]).unwrap();
    assert!(
        metrics.contains("waypost_peer_paused{target=\"oslo\"} 1"),
        "{metrics}"
    );
}

#[test]
fn conflicts_are_listed_until_they_are_forgotten() {
    let (at, other) = (unused_address().unwrap(), unused_address().unwrap());
    let know = |at| {
        MingerPeer::plan(at)
            .knows("carol@example.com")
            .start()
            .unwrap()
    };
    let (_lyon, _oslo) = (know(at), know(other));
    let site = site_with(&[("lyon", &at.to_string()), ("oslo", &other.to_string())]).unwrap();
    assert_eq!(rcpt(&site, "carol@example.com").unwrap(), 250);
    let found = wait::until("the conflict to be noticed", || {
        let found = site.ask(&["peer", "conflicts"]).ok()?;
        found
            .as_array()
            .is_some_and(|all| all.len() == 1)
            .then_some(found)
    })
    .unwrap();
    assert_eq!(found[0]["address"], "carol@example.com");
    assert_eq!(found[0]["mail_goes_to"], "lyon");
    assert_eq!(found[0]["also_on"], "oslo");
    assert_eq!(site.ask(&["peer", "show", "oslo"]).unwrap()["conflicts"], 1);
    let said = site
        .tell(&["peer", "conflicts", "--forget", "carol@example.com"])
        .unwrap();
    assert!(said.contains("1 conflict forgotten"), "{said}");
    assert_eq!(
        site.ask(&["peer", "conflicts"]).unwrap(),
        serde_json::json!([])
    );
}

#[test]
fn metrics_count_mail_questions_and_queries_and_name_no_address() {
    let at = unused_address().unwrap();
    let _peer = MingerPeer::plan(at)
        .knows("carol@example.com")
        .start()
        .unwrap();
    let site = with_one(at).unwrap();
    for (login, code) in [("carol", 250), ("carol", 250), ("nobody", 550)] {
        assert_eq!(rcpt(&site, &format!("{login}@example.com")).unwrap(), code);
    }
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client
        .submit(
            "a@elsewhere.test",
            &["alice@example.com"],
            &crate::message("counted"),
        )
        .unwrap();
    site.wait_for_log(&["to=<alice@example.com>", "status=sent"])
        .unwrap();
    let query = waypost_testkit::minger::ask(
        site.minger(),
        unused_address().unwrap(),
        b"alice@example.com",
        wait::PATIENCE,
    );
    assert!(query.unwrap().is_some());
    let text = site.tell(&["metrics"]).unwrap();
    let peer = "target=\"lyon\",method=\"minger\"";
    for line in [
        &format!(
            "waypost_verification_questions_total{{{peer},result=\"active\",source=\"asked\"}} 1"
        ),
        &format!(
            "waypost_verification_questions_total{{{peer},result=\"active\",source=\"cache\"}} 1"
        ),
        &format!("waypost_verification_seconds_count{{{peer}}} 2"),
        "waypost_cache_hits_total 1",
        "waypost_cache_misses_total 2",
        "waypost_cache_entries 2",
        "waypost_peer_paused{target=\"lyon\"} 0",
        "waypost_address_conflicts 0",
        "waypost_messages_accepted_total 1",
        "waypost_messages_held_back_total 0",
        "waypost_recipients_refused_total{rule=\"unknown\",class=\"5\"} 1",
        "waypost_deliveries_total{result=\"sent\",next_hop=\"maildir\"} 1",
        "waypost_minger_queries_total{asker=\"stranger\",target=\"\",result=\"active\"} 1",
        "waypost_queue_messages{state=\"deferred\"} 0",
        "# EOF",
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "{line} is not in:\n{text}"
        );
    }
    assert!(!text.contains('@'), "{text}");
}
