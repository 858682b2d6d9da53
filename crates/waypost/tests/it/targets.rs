//! `waypost target test` and `health`, and what the console asks about a queue, with scripted
//! servers as targets.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex};

use serde_json::{Value, json};
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::peer::{self, Moment, Peer, Reaction};
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::tls::{Authority, Identity};
use waypost_testkit::wait;

use crate::{PROGRAM, message, split};

const PASSWORD: &str = "hunter2-hunter2";

/// A site whose split domain goes to a target of these lines.
fn site(address: IpAddr, lines: &str) -> Site {
    let file = format!(
        r#"
[[target]]
name = "old"
host = "{address}"
port = 2525
{lines}

[[domain]]
name = "example.com"
relay = "old"

[[user]]
domain = "example.com"
login = "jdoe"
mail = "third-party"
addresses = ["jdoe@example.com"]
"#
    );
    let plan = Plan::new(PROGRAM).unwrap();
    plan.site(&file).start().unwrap()
}

/// Nobody has the address that is asked about last.
fn refuses_nobody(moment: &Moment<'_>) -> Option<Reaction> {
    match moment {
        Moment::Command(line) if line.contains("waypost-probe-") => {
            Some(Reaction::Say("550 5.1.1 who?".to_owned()))
        }
        _ => None,
    }
}

fn identity(address: IpAddr) -> Identity {
    let authority = Authority::new().unwrap();
    authority.identity(&address.to_string()).unwrap()
}

/// The result of a test, and its exit code.
fn tested(site: &Site) -> (Value, Option<i32>) {
    let output = site.run(&["target", "test", "old", "--json"]).unwrap();
    let result = serde_json::from_slice(&output.stdout);
    let result = result.unwrap_or_else(|_| panic!("{output:?}"));
    (result, output.status.code())
}

fn code(result: &Value) -> &str {
    result["verdict"]["code"].as_str().unwrap()
}

#[test]
fn a_good_target_is_shown_with_its_offers_certificate_and_answers() {
    let address = unused_address().unwrap();
    let identity = identity(address);
    let plan = peer::Plan::new(address).identity(&identity);
    let old = plan.start(refuses_nobody).unwrap();
    let pin = format!("tls = \"pinned\"\ntls_pin = \"{}\"", identity.pin);
    let site = site(address, &pin);
    let (result, exit) = tested(&site);
    assert_eq!((code(&result), exit), ("good", Some(0)), "{result}");
    let certificate = &result["tls"]["certificate"];
    assert_eq!(certificate["pin"], json!(identity.pin));
    assert_eq!(certificate["names"], json!([address.to_string()]));
    assert_eq!(result["recipient"], "postmaster@example.com");
    assert_eq!(result["recipient_taken"], true);
    assert_eq!(result["takes_everything"], false);
    let dialogue = result["dialogue"].to_string();
    for said in ["220 ", "EHLO ", "STARTTLS", "MAIL FROM:<>", "QUIT"] {
        assert!(dialogue.contains(said), "{said}: {dialogue}");
    }
    let heard = old.heard();
    let is_content = |line: &String| line.starts_with("DATA") || line.starts_with("BDAT");
    assert!(!heard.iter().any(is_content), "{heard:?}");
    let health = site.ask(&["target", "health"]).unwrap();
    assert_eq!(health[0]["state"], "unused", "a test is no delivery");
}

#[test]
fn what_is_wrong_with_a_target_is_said_in_one_word() {
    let address = unused_address().unwrap();
    let everything = Peer::start(address).unwrap();
    let open = site(address, "");
    let (result, exit) = tested(&open);
    assert_eq!((code(&result), exit), ("accepts-everything", Some(1)));
    assert_eq!(result["warnings"][0]["code"], "not-encrypted");
    let strict = site(address, "tls = \"required\"");
    assert_eq!(code(&tested(&strict).0), "tls-not-offered");
    drop(everything);
    let (result, exit) = tested(&open);
    assert_eq!((code(&result), exit), ("unreachable", Some(75)), "{result}");
    let text = open.run(&["target", "test", "old"]).unwrap();
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("waypost target set old --port"), "{text}");
}

#[test]
fn another_key_than_the_pinned_one_is_shown_as_it_can_be_pinned() {
    let address = unused_address().unwrap();
    let identity = identity(address);
    let plan = peer::Plan::new(address).identity(&identity);
    let _old = plan.start(|_| None).unwrap();
    let pin = format!("tls = \"pinned\"\ntls_pin = \"{}\"", "0".repeat(64));
    let (result, _) = tested(&site(address, &pin));
    assert_eq!(code(&result), "pin-mismatch", "{result}");
    assert_eq!(result["tls"]["certificate"]["pin"], json!(identity.pin));
    assert_eq!(result["tls"]["used"], false);
    let (result, _) = tested(&site(address, "tls = \"verified\""));
    assert_eq!(code(&result), "certificate-untrusted", "{result}");
}

#[test]
fn a_login_is_tried_and_its_secret_shown_nowhere() {
    let address = unused_address().unwrap();
    let script = |moment: &Moment<'_>| match moment {
        Moment::Command(line) if line.starts_with("AUTH") => {
            Some(Reaction::Say(format!("535 5.7.8 not {line} {PASSWORD}")))
        }
        _ => None,
    };
    let plan = peer::Plan::new(address).identity(&identity(address));
    let old = plan.offers("AUTH PLAIN LOGIN").start(script).unwrap();
    let lines = format!("tls = \"required\"\nusername = \"way\"\npassword = \"{PASSWORD}\"");
    let (result, _) = tested(&site(address, &lines));
    assert_eq!(
        (code(&result), &result["login"]),
        ("login-refused", &json!(false))
    );
    let heard = old.heard();
    let sent = heard
        .iter()
        .find_map(|line| line.strip_prefix("AUTH PLAIN "))
        .unwrap();
    let all = result.to_string();
    assert!(all.contains("AUTH PLAIN ***"), "{all}");
    assert!(!all.contains(PASSWORD) && !all.contains(sent), "{all}");
}

/// Asks the server as the console does.
fn ask(site: &Site, request: &Value) -> Value {
    let mut stream = UnixStream::connect(site.dir().join("data/control.sock")).unwrap();
    stream.write_all(format!("{request}\n").as_bytes()).unwrap();
    let lines = BufReader::new(stream).lines().map(Result::unwrap);
    let answers = lines.map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let last = answers.last().unwrap();
    last.get("result").cloned().unwrap_or(last)
}

/// A page of the queue.
fn list(site: &Site, filter: &Value) -> Value {
    let request = json!({
        "command": "queue", "verb": "list", "filter": filter, "limit": 2, "count": true,
        "order": "newest",
    });
    ask(site, &request)
}

fn matching(site: &Site, filter: &Value) -> Value {
    list(site, filter)["count"]["matching"].clone()
}

fn many(site: &Site, action: &str, ids: &Value, filter: &Value) -> Value {
    let request = json!({
        "command": "queue", "verb": "many", "ids": ids, "filter": filter, "action": action,
        "reason": "look",
    });
    ask(site, &request)
}

/// Three messages that wait for a target where nobody is.
fn three_deferred(site: &Site) {
    let mut client = Dialogue::open(site.smtp()).unwrap();
    let text = message("=?utf-8?q?Gr=C3=BC=C3=9Fe?=");
    for _ in 0..3 {
        client
            .submit("ann@example.net", &["jdoe@example.com"], &text)
            .unwrap();
    }
    wait::until("three messages are deferred", || {
        let count = matching(site, &json!({ "standing": "deferred" }));
        (count == 3).then_some(())
    })
    .unwrap();
}

#[test]
fn messages_are_found_and_shown_with_their_header() {
    let site = site(unused_address().unwrap(), "");
    three_deferred(&site);
    let page = list(&site, &json!({ "sender": "ANN@", "next-hop": "old" }));
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    assert_eq!(page["next"], page["items"][1]["id"]);
    assert_eq!(matching(&site, &json!({ "recipient": "nobody" })), 0);
    assert_eq!(matching(&site, &json!({ "scope": ["example.org"] })), 0);
    let listed = ["queue", "list", "--recipient", "JDOE", "--newest"];
    let listed = site.tell(&listed).unwrap();
    assert!(listed.contains("in 3 messages"), "{listed}");
    let show = json!({
        "command": "queue", "verb": "show", "id": page["items"][0]["id"], "content": false,
        "header": true,
    });
    let header = ask(&site, &show)["header"].clone();
    let has = |field: &Value| *field == json!({ "name": "Subject", "value": "Gr\u{fc}\u{df}e" });
    assert!(header.as_array().unwrap().iter().any(has), "{header}");
}

#[test]
fn health_and_verbs_follow_a_target_that_was_away() {
    let address = unused_address().unwrap();
    let site = site(address, "");
    three_deferred(&site);
    let health = site.ask(&["target", "health"]).unwrap();
    let state = (&health[0]["name"], &health[0]["state"]);
    assert_eq!(state, (&json!("old"), &json!("down")));
    let error = health[0]["last_error"].as_str().unwrap();
    assert!(error.contains("connect to"), "{error}");
    let none = json!([]);
    let held = many(&site, "hold", &none, &json!({ "domain": "example.com" }));
    assert_eq!(
        (&held["done"], &held["undone"]),
        (&json!(3), &json!(0)),
        "{held}"
    );
    assert_eq!(matching(&site, &json!({ "standing": "held" })), 3);
    let id = list(&site, &json!({}))["items"][0]["id"].clone();
    let foreign = many(
        &site,
        "remove",
        &json!([id]),
        &json!({ "scope": ["example.org"] }),
    );
    let named = &foreign["named"][0]["why"];
    assert_eq!((&foreign["done"], named), (&json!(0), &json!("gone")));
    let old = Peer::start(address).unwrap();
    let released = many(&site, "release", &none, &json!({}));
    assert_eq!(released["done"], 3, "{released}");
    site.tell(&["queue", "flush"]).unwrap();
    old.wait_for_taken(3).unwrap();
    let health = site.ask(&["target", "health"]).unwrap();
    assert_eq!(health[0]["state"], "up");
}

/// A server that takes no new connection while it keeps three clients waiting for its last word.
#[derive(Default)]
struct Narrow {
    /// How many wait, and whether they have to.
    state: Mutex<(usize, bool)>,
    changed: Condvar,
}

impl Narrow {
    fn keep(&self, is_kept: bool) {
        self.state.lock().unwrap().1 = is_kept;
        self.changed.notify_all();
    }

    fn until_waiting(&self, clients: usize) {
        let state = self.state.lock().unwrap();
        let too_few = |state: &mut (usize, bool)| state.0 < clients;
        let waited = self
            .changed
            .wait_timeout_while(state, wait::PATIENCE, too_few);
        assert!(!waited.unwrap().1.timed_out());
    }

    fn react(&self, moment: &Moment<'_>) -> Option<Reaction> {
        let mut state = self.state.lock().unwrap();
        match moment {
            Moment::Connect if state.0 >= 3 => {
                Some(Reaction::Say("421 4.7.0 Too many of you".to_owned()))
            }
            Moment::End(_) => {
                state.0 += 1;
                self.changed.notify_all();
                let mut state = self
                    .changed
                    .wait_while(state, |(_, is_kept)| *is_kept)
                    .unwrap();
                state.0 -= 1;
                None
            }
            _ => None,
        }
    }
}

#[test]
fn a_target_that_takes_few_connections_gets_all_mail_over_those() {
    let narrow = Arc::new(Narrow::default());
    let of_peer = Arc::clone(&narrow);
    let address = unused_address().unwrap();
    let old = Peer::start_scripted(address, move |moment| of_peer.react(moment)).unwrap();
    let file = split::site_file(&old, "");
    let plan = Plan::new(PROGRAM)
        .unwrap()
        .section("queue", "retry_first = \"1h\"\n")
        .section("outbound", "cut_through = \"0s\"\n");
    let site = plan.site(&file).start().unwrap();
    let send = |count: usize| {
        for _ in 0..count {
            let mut client = Dialogue::open(site.smtp()).unwrap();
            let text = message("narrow");
            let (_, last) = client
                .submit("s@elsewhere.test", &["jdoe@example.com"], &text)
                .unwrap();
            assert_eq!(last.unwrap().code, 250);
        }
    };
    send(1);
    old.wait_for_taken(1).unwrap();
    narrow.keep(true);
    send(3);
    narrow.until_waiting(3);
    send(7);
    site.wait_for_log(&["status=deferred", "Too many of you"])
        .unwrap();
    narrow.keep(false);
    old.wait_for_taken(11).unwrap();
    assert!(
        !site.log().contains("delivery temporarily suspended"),
        "{}",
        site.log()
    );
}
