//! `waypost minger query`, and the answers of a site.

use std::net::IpAddr;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use waypost_proto::mail::Mailbox;
use waypost_proto::minger::{Query, Secret, Status};
use waypost_testkit::chance::Chance;
use waypost_testkit::minger::{MingerPeer, ask};
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, Signal, Site};
use waypost_testkit::wait;

use crate::PROGRAM;

const SECRET: &str = "MingerSharedSecret2024!";

fn query(arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    let output = command.args(["minger", "query"]).args(arguments).output();
    output.unwrap()
}

/// Exit code, standard output and standard error.
fn said(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = query(arguments);
    let text = |bytes| String::from_utf8(bytes).unwrap().trim_end().to_owned();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn peer() -> MingerPeer {
    MingerPeer::plan(unused_address().unwrap())
        .secret(SECRET)
        .knows("alice@example.com")
        .says("full@example.com", Status::Unavailable)
        .start()
        .unwrap()
}

#[test]
fn a_query_says_the_answer_in_words_and_as_exit_code() {
    let peer = peer();
    let host = peer.at().ip().to_string();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secret");
    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    let file = file.display().to_string();
    for (address, code, words) in [
        ("alice@example.com", 0, "alice@example.com: active (5)"),
        (
            "full@example.com",
            1,
            "full@example.com: cannot receive now (4)",
        ),
        (
            "nobody@example.com",
            1,
            "nobody@example.com: no such address (3)",
        ),
        ("*", 0, "*: active (5)"),
    ] {
        let heard = said(&[address, "--host", &host, "--secret-file", &file]);
        assert_eq!(heard, (Some(code), words.to_owned(), String::new()));
    }
    let heard = said(&["alice@example.com", "--host", &host]);
    let words = "alice@example.com: wrong or missing credentials (2); give its secret with \
                 --secret-file";
    assert_eq!(heard, (Some(1), words.to_owned(), String::new()));
    let output = query(&[
        "Alice@Example.com",
        "--host",
        &host,
        "--json",
        "--secret-file",
        &file,
    ]);
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["status"], 5);
    assert_eq!(result["meaning"], "active");
}

#[test]
fn a_query_without_an_answer_can_be_tried_later_and_a_wrong_one_says_what_is_wrong() {
    let peer = peer();
    peer.be_silent();
    let host = peer.at().ip().to_string();
    let source = unused_address().unwrap();
    let from = source.to_string();
    let mut arguments = vec!["alice@example.com", "--host", &host, "--timeout", "300ms"];
    arguments.extend(["--source", &from]);
    let (code, _, error) = said(&arguments);
    assert_eq!(code, Some(75), "{error}");
    assert_eq!(
        error,
        format!("waypost: no answer from {} within 300ms", peer.at())
    );
    assert!(peer.heard().iter().all(|heard| heard.from.ip() == source));
    let nobody = unused_address().unwrap().to_string();
    let (code, _, error) = said(&["alice@example.com", "--host", &nobody, "--timeout", "1s"]);
    assert_eq!(code, Some(75), "{error}");
    assert!(error.contains("Connection refused"), "{error}");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secret");
    std::fs::write(&file, "short\n").unwrap();
    let file = file.display().to_string();
    for (arguments, exit, words) in [
        (
            ["alice", "--host", &host, "--port", "1"],
            2,
            "alice: the address has no @",
        ),
        (
            ["a@b.test", "--host", "mx:b.test", "--port", "1"],
            2,
            "mx: is for mail",
        ),
        (
            ["a@b.test", "--host", &host, "--secret-file", &file],
            1,
            "fewer than 16",
        ),
        (
            ["a@b.test", "--host", &host, "--timeout", "soon"],
            2,
            "a duration such as",
        ),
    ] {
        let (code, _, error) = said(&arguments);
        assert_eq!(code, Some(exit), "{error}");
        assert!(error.contains(words), "{error}");
    }
}

const SITE: &str = r#"
[[peer]]
name = "lyon"
host = "LYON"
minger_accept = "only-lyon-may-use-this"

[[domain]]
name = "example.com"
aliases = ["example.org"]
sharing = ["lyon"]

[[user]]
domain = "example.com"
login = "alice"
addresses = ["alice@*"]
quota = "1 KiB"

[[user]]
domain = "example.com"
login = "third"
mail = "third-party"
addresses = ["third@example.com"]
target = "lyon"

[[user]]
domain = "example.com"
login = "gone"
addresses = ["gone@example.com"]
suspended = true

[[group]]
domain = "example.com"
name = "outside"
addresses = ["outside@example.com"]
members = ["someone@elsewhere.test"]
"#;

/// A site that is asked, and the address of its peer.
fn site(minger: &str) -> (Site, IpAddr) {
    let lyon = unused_address().unwrap();
    let plan = Plan::new(PROGRAM).unwrap().section("minger", minger);
    let site = plan.site(&SITE.replace("LYON", &lyon.to_string()));
    (site.start().unwrap(), lyon)
}

/// The digit that a site answers with, to who asks from this address; none when it is silent.
fn digit(site: &Site, from: IpAddr, address: &str, secret: Option<&str>) -> Option<char> {
    let secret = secret.map(|text| Secret::parse(text).unwrap());
    let query = match Mailbox::parse(address) {
        Ok(mailbox) => Query::new(&mailbox, secret.as_ref()).unwrap(),
        Err(_) => Query::test(secret.as_ref()),
    };
    let patience = Duration::from_secs(2);
    let answer = ask(site.minger(), from, query.to_string().as_bytes(), patience).unwrap()?;
    let answer = String::from_utf8(answer).unwrap();
    let (echoed, digit) = answer.rsplit_once(' ').unwrap();
    assert_eq!(echoed, query.address());
    digit.chars().next()
}

#[test]
fn a_site_says_who_receives_to_who_knows_a_secret() {
    let (site, lyon) = site(&format!(
        "secrets = [\"{SECRET}\", \"an-older-secret-0\"]\n"
    ));
    let stranger = unused_address().unwrap();
    for (address, answer) in [
        ("alice@example.com", '5'),
        ("Alice+tag@Example.ORG", '5'),
        ("third@example.com", '5'),
        ("outside@example.com", '5'),
        ("gone@example.com", '4'),
        ("nobody@example.com", '3'),
        ("alice@elsewhere.test", '3'),
        ("*", '5'),
    ] {
        assert_eq!(
            digit(&site, stranger, address, Some(SECRET)),
            Some(answer),
            "{address}"
        );
        let without = digit(&site, stranger, address, None);
        assert_eq!(without, Some('2'), "{address}");
    }
    assert_eq!(
        digit(&site, lyon, "third@example.com", Some(SECRET)),
        Some('3')
    );
    let own = Some("only-lyon-may-use-this");
    assert_eq!(digit(&site, stranger, "third@example.com", own), Some('3'));
    let other = Some("nobody-knows-this-one");
    assert_eq!(digit(&site, lyon, "alice@example.com", other), Some('2'));
}

#[test]
fn a_change_of_the_directory_is_answered_at_once_and_one_of_the_file_after_a_reload() {
    let (site, lyon) = site("anonymous = true\n");
    let said = |address| digit(&site, lyon, address, None);
    assert_eq!(said("gone@example.com"), Some('4'));
    site.tell(&["user", "remove", "gone@example.com"]).unwrap();
    assert_eq!(said("gone@example.com"), Some('3'));
    assert_eq!(said("outside@example.com"), Some('5'));
    let path = site.dir().join("waypost.toml");
    let file = std::fs::read_to_string(&path).unwrap();
    let other = format!("outside_aliases_active = false\nsecrets = [\"{SECRET}\"]\n");
    std::fs::write(&path, file.replace("anonymous = true\n", &other)).unwrap();
    site.signal(Signal::HUP).unwrap();
    site.wait_for_log(&["reloaded"]).unwrap();
    assert_eq!(said("outside@example.com"), Some('2'));
    let said = |address| digit(&site, lyon, address, Some(SECRET));
    assert_eq!(said("outside@example.com"), Some('3'));
}

#[test]
fn a_full_mailbox_cannot_receive() {
    let (site, lyon) = site("anonymous = true\n");
    let mail = site.dir().join("mail/example.com/alice");
    std::fs::create_dir_all(mail.join("cur")).unwrap();
    for folder in ["new", "tmp"] {
        std::fs::create_dir_all(mail.join(folder)).unwrap();
    }
    std::fs::write(mail.join("cur/1.M1.here,S=2000"), vec![b'x'; 2000]).unwrap();
    assert_eq!(digit(&site, lyon, "alice@example.com", None), Some('4'));
}

#[test]
fn networks_that_are_not_allowed_and_those_who_guess_hear_nothing_and_peers_always_do() {
    let (site, lyon) = site("anonymous = true\nallow = [\"192.0.2.0/24\"]\n");
    let stranger = unused_address().unwrap();
    assert_eq!(digit(&site, stranger, "alice@example.com", None), None);
    assert_eq!(digit(&site, lyon, "alice@example.com", None), Some('5'));
    let (site, lyon) = self::site("anonymous = true\nrate_refused = 5\n");
    for number in 0..5 {
        let address = format!("guess{number}@example.com");
        assert_eq!(digit(&site, stranger, &address, None), Some('3'));
    }
    assert_eq!(digit(&site, stranger, "alice@example.com", None), None);
    for number in 0..10 {
        let address = format!("guess{number}@example.com");
        assert_eq!(digit(&site, lyon, &address, None), Some('3'));
    }
}

#[test]
fn what_the_network_may_bring_leaves_the_site_answering() {
    let (site, lyon) = site("anonymous = true\n");
    let socket = std::net::UdpSocket::bind((lyon, 0)).unwrap();
    let (mut chance, seed) = Chance::from_environment();
    for length in [0, 1, 2, 16, 100, 1023, 1024, 1025, 9000, 65_507] {
        for _ in 0..20 {
            let octets: Vec<u8> = (0..length)
                .map(|_| chance.draw().to_le_bytes()[0])
                .collect();
            socket.send_to(&octets, site.minger()).unwrap();
        }
    }
    let said = digit(&site, lyon, "alice@example.com", None);
    assert_eq!(said, Some('5'), "WAYPOST_SEED={seed}");
    for reply in ["alice@example.com 5", "alice@example.com 3\r\n", "* 5"] {
        let answer = ask(
            site.minger(),
            lyon,
            reply.as_bytes(),
            Duration::from_millis(300),
        );
        assert_eq!(answer.unwrap(), None, "{reply}");
    }
}

#[test]
fn a_site_ends_in_peace_while_it_is_flooded() {
    let (mut site, lyon) = site("anonymous = true\n");
    let at = site.minger();
    let over = Arc::new(AtomicBool::new(false));
    let sent = Arc::new(AtomicUsize::new(0));
    let (ended, counted) = (Arc::clone(&over), Arc::clone(&sent));
    let flood = std::thread::spawn(move || {
        let socket = std::net::UdpSocket::bind((lyon, 0)).unwrap();
        while !ended.load(Ordering::SeqCst) {
            // Nobody may be there any more.
            let _ = socket.send_to(b"alice@example.com", at);
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    let stranger = unused_address().unwrap();
    wait::until("the flood", || {
        (sent.load(Ordering::SeqCst) > 1000).then_some(())
    })
    .unwrap();
    let seen = wait::until("an answer within the flood", || {
        digit(&site, stranger, "alice@example.com", None)
    });
    let stopped = site.stop();
    over.store(true, Ordering::SeqCst);
    flood.join().unwrap();
    assert_eq!(seen.unwrap(), '5');
    stopped.unwrap();
    assert!(
        site.log().contains("queries from lyon: active="),
        "{}",
        site.log()
    );
}

#[test]
fn sites_ask_and_answer_over_ipv6() {
    let own = |name: &str| {
        format!(
            "[[domain]]\nname = \"example.com\"\n[[user]]\ndomain = \"example.com\"\n\
             login = \"{name}\"\nmail = \"local\"\naddresses = [\"{name}@example.com\"]\n"
        )
    };
    let on_ipv6 = |plan: Plan| {
        plan.section(
            "listen",
            "smtp = [\"%ADDRESS%:2525\"]\nminger = [\"[::1]:0\"]\n",
        )
        .section("minger", &format!("secrets = [\"{SECRET}\"]\n"))
    };
    let asked = on_ipv6(Plan::new(PROGRAM).unwrap())
        .site(&own("carol"))
        .start()
        .unwrap();
    let ready = asked.wait_for_log(&["minger=[::1]:"]).unwrap();
    let (_, port) = ready.rsplit_once("minger=[::1]:").unwrap();
    let port = port.split_whitespace().next().unwrap();
    // It leaves from the system's address, which is of the peer's family.
    let asker = on_ipv6(Plan::new(PROGRAM).unwrap())
        .section("outbound", "")
        .site(&format!(
            "[[peer]]\nname = \"lyon\"\nhost = \"::1\"\nminger_port = {port}\n\
             minger_secret = \"{SECRET}\"\n{}",
            own("alice").replace(
                "name = \"example.com\"\n",
                "name = \"example.com\"\nsharing = [\"lyon\"]\n"
            )
        ))
        .start()
        .unwrap();
    for (address, words) in [
        ("carol@example.com", "relay to lyon as carol@example.com"),
        ("nobody@example.com", "550 5.1.1"),
    ] {
        let told = asker
            .tell(&["explain", address, "--client", "203.0.113.7"])
            .unwrap();
        assert!(told.contains(words), "{told}");
    }
}
