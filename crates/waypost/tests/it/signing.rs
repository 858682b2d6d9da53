//! Mail that users send is signed (DKIM), and a verifier nobody here wrote agrees.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::lab::slow::status_kib;
use waypost_testkit::name_server::{NameServer, Zone};
use waypost_testkit::peer::Peer;
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, Site};

use crate::PROGRAM;

/// Verifies each signature of a message with the records in a file; prints what came of each.
const VERIFIER: &str = r#"
import dkim, json, sys
records = json.load(open(sys.argv[1]))
message = sys.stdin.buffer.read()
def answer(name, timeout=5):
    return records.get(name.decode().rstrip("."), "").encode() or None
verifier = dkim.DKIM(message)
count = sum(1 for name, _ in verifier.headers if name.lower() == b"dkim-signature")
for index in range(count):
    try:
        print(dkim.DKIM(message).verify(idx=index, dnsfunc=answer))
    except dkim.DKIMException as error:
        print(error)
"#;

/// A body with all that canonicalisation may change: blanks, tabs, empty lines at the end.
const MESSAGE: &str = "From: Alice <alice@example.com>\r\nTo: jdoe@example.com\r\n\
    Subject:  two  blanks\r\n\tand a fold\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\n\
    Message-ID: <1@example.com>\r\n\r\nHello \t there. \r\n\r\n.dot\r\n  \r\n\r\n\r\n";

fn site_with(peer: &Peer, dns: &NameServer) -> Site {
    let file = format!(
        "[[target]]\nname = \"old\"\nhost = \"{}\"\nport = {}\ntls = \"off\"\n\
         [[domain]]\nname = \"example.com\"\naliases = [\"example.org\"]\nrelay = \"old\"\n\
         [[user]]\ndomain = \"example.com\"\nlogin = \"jdoe\"\nmail = \"third-party\"\n\
         addresses = [\"jdoe@example.com\"]\n",
        peer.smtp().ip(),
        peer.smtp().port()
    );
    let outbound = format!("resolvers = [\"{}\"]\n", dns.address());
    Plan::new(PROGRAM)
        .unwrap()
        .section("trust", "networks = [\"127.0.0.0/8\"]\n")
        .section("outbound", &outbound)
        .site(&file)
        .start()
        .unwrap()
}

fn send(site: &Site, message: &str) {
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client
        .submit("alice@example.com", &["jdoe@example.com"], message)
        .unwrap();
}

/// What the verifier says of each signature of a message.
fn verified(site: &Site, keys: &Value, message: &[u8]) -> Vec<String> {
    let records = keys.as_array().unwrap().iter().map(|key| {
        let text = |of: &str| key[of].as_str().unwrap().to_owned();
        (text("record_name"), Value::from(text("record")))
    });
    let records = Value::Object(records.collect());
    let file = site.dir().join("records.json");
    std::fs::write(&file, records.to_string()).unwrap();
    // Debian's Python has the library; one that is first in the path may be another.
    let mut verifier = Command::new("/usr/bin/python3")
        .args(["-c", VERIFIER])
        .arg(&file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    verifier.stdin.take().unwrap().write_all(message).unwrap();
    let output = verifier.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines().map(str::to_owned).collect()
}

#[test]
fn what_users_send_is_signed_with_every_key_of_its_domain() {
    let peer = Peer::start(unused_address().unwrap()).unwrap();
    let dns = NameServer::start(Zone::default()).unwrap();
    let mut site = site_with(&peer, &dns);
    send(&site, MESSAGE);
    site.tell(&["dkim", "add", "example.com", "--selector", "rsa1"])
        .unwrap();
    let ed25519 = ["--selector", "ed1", "--algorithm", "ed25519"];
    site.tell(&[&["dkim", "add", "example.com"], &ed25519[..]].concat())
        .unwrap();
    send(&site, MESSAGE);
    // Keys outlive a restart, and an author of another domain is not signed for.
    site.stop().unwrap();
    site.launch().unwrap();
    send(&site, MESSAGE);
    send(
        &site,
        &MESSAGE.replace("alice@example.com", "alice@example.org"),
    );
    let keys = site.ask(&["dkim", "list", "example.com"]).unwrap();
    let taken = peer.wait_for_taken(4).unwrap();
    let mut counts = Vec::new();
    for message in taken {
        let said = verified(&site, &keys, &message.content);
        assert!(
            said.iter().all(|said| said == "True"),
            "{said:?}\n{}",
            message.text()
        );
        counts.push(said.len());
    }
    counts.sort_unstable();
    assert_eq!(counts, [0, 0, 2, 2]);
}

/// So much content that a server which kept it, or a part of it, would be noticed.
const LARGE_OCTETS: usize = 20 << 20;
/// What signing and passing on such a message may take of memory at most.
const LARGE_COSTS_KIB: u64 = 8 << 10;

/// Lines of every length with all that canonicalisation may change.
fn large() -> String {
    let mut message = MESSAGE.to_owned();
    for number in 0_usize.. {
        if message.len() > LARGE_OCTETS {
            break;
        }
        let blanks = " \t ".repeat(number % 3);
        let words = "word  after \t word ".repeat(number % 40);
        message += &format!("{number}{blanks}{words}{blanks}\r\n");
    }
    message + " \r\n\r\n\r\n"
}

#[test]
fn large_content_is_signed_in_bounded_memory_however_it_comes() {
    let peer = Peer::start(unused_address().unwrap()).unwrap();
    let dns = NameServer::start(Zone::default()).unwrap();
    let site = site_with(&peer, &dns);
    site.tell(&["dkim", "add", "example.com"]).unwrap();
    let keys = site.ask(&["dkim", "list"]).unwrap();
    let pid = site.pid().unwrap();
    // What a message costs anyway is there after a small one.
    send(&site, MESSAGE);
    peer.wait_for_taken(1).unwrap();
    let before = status_kib(pid, "VmRSS:").unwrap();
    let message = large();
    send(&site, &message);
    peer.wait_for_taken(2).unwrap();
    let mut client = Dialogue::open(site.smtp()).unwrap();
    client.expect("MAIL FROM:<alice@example.com>", 250).unwrap();
    client.expect("RCPT TO:<jdoe@example.com>", 250).unwrap();
    // Chunks that end anywhere, also within a line end.
    for chunk in message.as_bytes().chunks(777_777) {
        client
            .send(format!("BDAT {}\r\n", chunk.len()).as_bytes())
            .unwrap();
        client.send(chunk).unwrap();
        assert_eq!(client.hear().unwrap().code, 250);
    }
    client.expect("BDAT 0 LAST", 250).unwrap();
    let taken = peer.wait_for_taken(3).unwrap();
    let peak = status_kib(pid, "VmHWM:").unwrap();
    for message in &taken[1..] {
        assert!(message.content.len() > LARGE_OCTETS);
        assert_eq!(verified(&site, &keys, &message.content), ["True"]);
    }
    assert!(
        peak < before + LARGE_COSTS_KIB,
        "{before} KiB before, {peak} KiB at the most"
    );
}

#[test]
fn a_message_that_was_changed_on_the_way_does_not_verify() {
    let peer = Peer::start(unused_address().unwrap()).unwrap();
    let dns = NameServer::start(Zone::default()).unwrap();
    let site = site_with(&peer, &dns);
    site.tell(&["dkim", "add", "example.com"]).unwrap();
    let keys = site.ask(&["dkim", "list"]).unwrap();
    send(&site, MESSAGE);
    let message = peer.wait_for_taken(1).unwrap().remove(0).text();
    for (from, to) in [
        ("Hello", "Hallo"),
        ("two  blanks", "other words"),
        ("To: jdoe@", "To: jane@"),
        ("Message-ID:", "Cc: more@example.net\r\nMessage-ID:"),
        ("From: Alice", "From: mallory@example.net\r\nFrom: Alice"),
    ] {
        assert!(message.contains(from), "{message}");
        let said = verified(&site, &keys, message.replace(from, to).as_bytes());
        assert!(said.iter().all(|said| said != "True"), "{to}: {said:?}");
    }
    // What relaxed canonicalisation allows.
    let said = verified(
        &site,
        &keys,
        message.replace("two  blanks", "two blanks").as_bytes(),
    );
    assert_eq!(said, ["True"]);
}

#[test]
fn the_check_says_what_dns_lacks() {
    let peer = Peer::start(unused_address().unwrap()).unwrap();
    let dns = NameServer::start(Zone::default()).unwrap();
    let site = site_with(&peer, &dns);
    let key = site
        .ask(&["dkim", "add", "example.org", "--selector", "wp1"])
        .unwrap();
    let record = key["record"].as_str().unwrap();
    let name = "wp1._domainkey.example.org";
    assert_eq!(key["record_name"], name);
    let check = || {
        let said = site.ask(&["check"]).unwrap();
        let warnings = said["warnings"].as_array().unwrap().clone();
        warnings
            .into_iter()
            .map(|warning| warning.to_string())
            .collect::<String>()
    };
    assert!(check().contains(&format!("DNS has no key at {name}; publish")));
    dns.change(Zone::default().txt(name, "v=DKIM1; p=AAAA"));
    assert!(check().contains(&format!("DNS has another key at {name}")));
    dns.change(Zone::default().txt(name, record));
    assert_eq!(check(), "");
    let listed = site.ask(&["dkim", "list"]).unwrap();
    assert_eq!(listed[0]["published"], "yes");
    dns.change(Zone::default().failing(name));
    assert!(check().contains(&format!("no name server says what is at {name}")));
    let refused = site.tell(&["dkim", "add", "example.net"]).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("no domain that is served here"),
        "{refused}"
    );
    site.tell(&["dkim", "remove", "example.org", "wp1"])
        .unwrap();
    assert_eq!(
        site.ask(&["dkim", "list"]).unwrap(),
        Value::Array(Vec::new())
    );
}
