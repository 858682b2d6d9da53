//! `waypost --url`: the command line over the API.

use std::fs;
use std::process::{Command, Output};

use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::http::{Client, PASSWORD};
use waypost_testkit::minger::MingerPeer;
use waypost_testkit::peer::Peer;
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::wait;

use crate::{PROGRAM, message, split};

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
    site.stop().unwrap();
    let gone = far(&site, &token, &["domain", "list"]);
    assert_eq!(gone.status.code(), Some(75));
}

#[test]
fn keys_that_sign_are_managed_from_afar_and_every_change_is_in_the_audit() {
    let (site, token) = site();
    let add = ["dkim", "add", "example.com", "--selector", "wp1"];
    let record = told(&far(&site, &token, &add));
    assert!(
        record.contains("wp1._domainkey.example.com. IN TXT"),
        "{record}"
    );
    for words in [&["dkim", "list"][..], &["dkim", "show", "example.com"]] {
        let near = site.tell(words).unwrap();
        assert_eq!(told(&far(&site, &token, words)), near, "{words:?}");
    }
    for wrong in [
        &add[..],
        &["dkim", "add", "example.com", "--selector", "No_label"],
        &["dkim", "add", "example.net"],
        &["dkim", "remove", "example.com", "wp2"],
    ] {
        let (near, afar) = (site.run(wrong).unwrap(), far(&site, &token, wrong));
        assert_eq!(afar.status.code(), near.status.code(), "{wrong:?}");
        let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(said(&afar), said(&near));
    }
    let remove = ["dkim", "remove", "example.com", "wp1"];
    told(&far(&site, &token, &remove));
    assert_eq!(site.ask(&["dkim", "list"]).unwrap(), serde_json::json!([]));
    let mut api = Client::with_token(site.console(), &token);
    let audit = api
        .get("/api/v1/audit?object=domain%20example.com")
        .unwrap();
    let audit = audit.json().unwrap();
    let lines = audit["items"].as_array().unwrap();
    let key = "wp1._domainkey.example.com";
    assert_eq!(lines[0]["before"]["signing_key"], key, "{lines:?}");
    assert_eq!(lines[1]["after"]["signing_key"], key, "{lines:?}");
    assert_eq!(lines[0]["who"], "admin0");
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

#[test]
fn what_is_about_a_machine_is_done_on_it() {
    for words in [
        &["backup", "/nowhere"][..],
        &["check"],
        &["restore", "/nowhere"],
        &["serve"],
    ] {
        let output = Command::new(PROGRAM)
            .args(words)
            .env("WAYPOST_URL", "http://127.0.0.1:9")
            .env("WAYPOST_TOKEN", "waypost_abcdefgh_x")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {said}");
        let expected = format!("`waypost {}` is about the machine", words[0]);
        assert!(said.contains(&expected), "{words:?}: {said}");
    }
}

/// A site with something of everything, and a message that waits for a target.
struct Busy {
    site: Site,
    token: String,
    /// The queue id of the message.
    id: String,
    _old: Peer,
    _lyon: MingerPeer,
}

const JDOE: &str = "jdoe@example.com";
const KATE: &str = "kate@example.com";

const MORE: &str = r#"
[[user]]
domain = "example.com"
login = "kate"
mail = "third-party"
addresses = ["kate@example.com"]

[[domain]]
name = "example.net"
sharing = ["lyon"]

[[user]]
domain = "example.net"
login = "bob"
addresses = ["bob@example.net"]

[[mailbox]]
domain = "example.com"
name = "info"
addresses = ["info@example.com"]
members = ["alice@example.com"]
quota = "1 GiB"

[[group]]
domain = "example.com"
name = "team"
addresses = ["team@example.com"]
members = ["alice@example.com", "jdoe@example.com"]

[[gateway]]
domain = "gate.example"
target = "old"
verify = "none"
"#;

fn busy() -> Busy {
    let (old, _) = split::target_that_may_say("451 4.3.2 Come back later", true);
    let at = unused_address().unwrap();
    let lyon = MingerPeer::plan(at)
        .knows("carol@example.net")
        .start()
        .unwrap();
    let peer = format!(
        "[[peer]]\nname = \"lyon\"\nhost = \"{at}\"\nport = 2525\ntls = \"off\"\n\
         minger_secret = \"a-secret-of-two-sites\"\nminger_accept = \"a-secret-of-lyon-alone\"\n"
    );
    let file = format!("{}{peer}{MORE}", split::site_file(&old, ""));
    let plan = Plan::new(PROGRAM).unwrap().with_console();
    let plan = plan.section("queue", "retry_first = \"1h\"\nretry_max = \"1h\"\n");
    let site = plan.site(&file).start().unwrap();
    let _admin = Client::first_admin(&site).unwrap();
    let token = site
        .tell(&["token", "add", "admin0", "--name", "far"])
        .unwrap();
    let mut busy = Busy {
        site,
        token: token.trim().to_owned(),
        id: String::new(),
        _old: old,
        _lyon: lyon,
    };
    busy.id = busy.wait_with_mail("first");
    let mut stranger = Dialogue::open(busy.site.smtp()).unwrap();
    for line in [
        "MAIL FROM:<x@elsewhere.test>",
        "RCPT TO:<carol@example.net>",
    ] {
        stranger.expect(line, 250).unwrap();
    }
    busy
}

impl Busy {
    /// Writes to two at the target, and to alice; the queue id of the message when it waits.
    fn wait_with_mail(&self, subject: &str) -> String {
        let mut client = Dialogue::open(self.site.smtp()).unwrap();
        let to = [JDOE, KATE, "alice@example.com"];
        let heard = client.submit("alice@example.com", &to, &message(subject));
        let text = heard.unwrap().1.unwrap().text;
        let id = text.rsplit(' ').next().unwrap().to_owned();
        wait::until("the message to wait for two", || {
            let message = self.site.ask(&["queue", "show", &id]).ok()?;
            let mut recipients = message["recipients"].as_array()?.iter();
            let is_tried = recipients.all(|to| to["attempts"] == 1);
            (is_tried && message["standing"] == "deferred").then_some(id.clone())
        })
        .unwrap()
    }

    fn near(&self, words: &[&str]) -> Output {
        self.site.run(words).unwrap()
    }

    fn far(&self, words: &[&str]) -> Output {
        far(&self.site, &self.token, words)
    }

    /// Both ways end and say the same; what they said.
    fn same(&self, words: &[&str]) -> String {
        let (near, far) = (self.near(words), self.far(words));
        let said = |output: &Output| {
            let out = String::from_utf8_lossy(&output.stdout).into_owned();
            (out, String::from_utf8_lossy(&output.stderr).into_owned())
        };
        assert_eq!(said(&far), said(&near), "{words:?}");
        assert_eq!(far.status.code(), near.status.code(), "{words:?}");
        said(&near).0 + &said(&near).1
    }

    /// The same but for numbers, which change from one moment to the next.
    fn alike(&self, words: &[&str]) {
        let (near, far) = (self.near(words), self.far(words));
        let said = |output: &Output| without_numbers(&String::from_utf8_lossy(&output.stdout));
        assert_eq!(said(&far), said(&near), "{words:?}");
        assert_eq!(far.status.code(), near.status.code(), "{words:?}");
        assert_ne!(said(&near), "", "{words:?}");
    }
}

fn without_numbers(text: &str) -> String {
    // An address that nobody has is another one each time.
    let words = text.split_whitespace();
    let words = words.filter(|word| !word.contains("waypost-probe-"));
    let words = words.map(|word| {
        let parts = word.split(|c: char| c.is_ascii_digit());
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        parts.join("#")
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn what_a_server_shows_is_the_same_from_afar() {
    let busy = busy();
    let id = busy.id.as_str();
    for words in [
        &["queue", "list"][..],
        &[
            "queue", "list", "--newest", "--limit", "1", "--sender", "alice",
        ],
        &[
            "queue",
            "list",
            "--state",
            "deferred",
            "--target",
            "old",
            "--older-than",
            "0s",
        ],
        &["queue", "list", "--recipient", "nobody"],
        &["queue", "show", id],
        &["queue", "holds"],
        &["target", "health"],
        &["target", "list"],
        &["target", "show", "old"],
        &["peer", "list"],
        &["peer", "show", "lyon"],
        &["peer", "conflicts"],
        &["gateway", "list"],
        &["gateway", "show", "gate.example"],
        &["user", "list"],
        &["user", "show", "jdoe@example.com"],
        &["mailbox", "list"],
        &["mailbox", "show", "info@example.com"],
        &["group", "show", "team@example.com"],
        &["domain", "list"],
        &["explain", "team@example.com", "--client", "192.0.2.1"],
        &[
            "explain",
            "jdoe@example.com",
            "--sender",
            "alice@example.com",
        ],
        &["cache", "stats"],
        &["trace", id],
        &["trace", "jdoe@example.com", "--limit", "2"],
    ] {
        assert_ne!(busy.same(words), "", "{words:?}");
        busy.same(&[words, &["--json"]].concat());
    }
    busy.same(&["peer", "audit", "example.net"]);
    for words in [
        &["queue", "summary"][..],
        &["queue", "summary", "--json"],
        &["cache", "list"],
        &["cache", "list", "--json"],
        &["cache", "show", "carol@example.net"],
        &["explain", "carol@example.net", "--json"],
        &["peer", "audit", "example.net", "--json"],
        &["peer", "test", "lyon"],
        &["peer", "test", "lyon", "--json"],
        &["target", "test", "old"],
        &["target", "test", "old", "--json"],
        &["token", "list", "--json"],
    ] {
        busy.alike(words);
    }
}

#[test]
fn the_counts_of_a_server_are_the_same_from_afar() {
    let busy = busy();
    let names = |output: &Output| {
        let text = told(output);
        let names = text.lines().filter(|line| line.starts_with("# "));
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    let near = names(&busy.near(&["metrics"]));
    assert!(near.len() > 10, "{near:?}");
    assert_eq!(names(&busy.far(&["metrics"])), near);
}

#[test]
fn what_is_done_to_the_queue_says_the_same_from_afar() {
    let busy = busy();
    let id = busy.id.as_str();
    let flushed = told(&busy.far(&["queue", "flush", "--target", "old"]));
    assert_eq!(flushed.trim(), "1 message tried now");
    let tries = || busy.site.log().matches("status=deferred").count();
    wait::until("another attempt", || (tries() >= 4).then_some(())).unwrap();
    for what in [
        &["--target", "old"][..],
        &["--domain", "example.com"],
        &["--user", "jdoe@example.com"],
        &[id],
    ] {
        let held = [&["queue", "hold"], what, &["--until", "2099-12-24 18:00"]].concat();
        let held = [&held[..], &["--reason", "a new disk & more"]].concat();
        let said = busy.same(&held);
        assert!(said.contains("held until 2099-12-24T18:00:00Z"), "{said}");
        let holds = busy.same(&["queue", "holds", "--json"]);
        let is_shown = holds.contains("a new disk & more");
        assert!(is_shown || what == [id], "{holds}");
        busy.same(&["queue", "list"]);
        busy.same(&["queue", "flush", id]);
    }
    busy.same(&["queue", "flush", "--target", "old"]);
    busy.same(&["queue", "flush"]);
    busy.same(&["queue", "show", id, "--json"]);
    for what in [
        &[id][..],
        &["--user", "jdoe@example.com"],
        &["--domain", "example.com"],
    ] {
        let near = told(&busy.near(&[&["queue", "release"], what].concat()));
        told(&busy.near(&[&["queue", "hold"], what].concat()));
        let far = told(&busy.far(&[&["queue", "release"], what].concat()));
        assert_eq!(far, near, "{what:?}");
        busy.same(&[&["queue", "release"], what].concat());
    }
    busy.same(&[
        "queue",
        "remove",
        id,
        "--recipient",
        JDOE,
        "--recipient",
        "x@b.test",
    ]);
    assert_eq!(busy.site.ask(&["queue", "list"]).unwrap()[0]["id"], id);
    let of_both = [
        "--recipient",
        JDOE,
        "--recipient",
        KATE,
        "--reason",
        "not wanted",
    ];
    let removed = told(&busy.far(&[&["queue", "remove", id], &of_both[..]].concat()));
    assert_eq!(removed.trim(), format!("{id} {JDOE}, {KATE} removed"));
    assert_eq!(busy.same(&["queue", "list"]).trim(), "Mail queue is empty");
    assert_eq!(busy.site.messages("example.com", "alice").len(), 1);
}

#[test]
fn refusals_about_queue_targets_and_peers_are_the_same_from_afar() {
    let busy = busy();
    for words in [
        &["queue", "show", "nothing"][..],
        &["queue", "show", "CR6TQTDGHHR0"],
        &["queue", "release", "--target", "old"],
        &["queue", "release", &busy.id],
        &["queue", "flush", "--target", "nowhere"],
        &["queue", "hold", "--target", "nowhere", "--reason", "moved"],
        &["queue", "remove", "CR6TQTDGHHR0"],
        &["target", "test", "nowhere"],
        &["peer", "test", "nowhere"],
    ] {
        let said = busy.same(words);
        assert!(!said.is_empty(), "{words:?}");
    }
    let content = busy.far(&["queue", "show", &busy.id, "--content"]);
    assert_eq!(content.status.code(), Some(1));
    let said = String::from_utf8_lossy(&content.stderr);
    assert!(said.contains("on the server itself"), "{said}");
}

#[test]
fn who_may_only_look_changes_nothing_from_afar() {
    let busy = busy();
    let add = [
        "admin",
        "add",
        "hans",
        "--role",
        "helpdesk",
        "--domains",
        "example.com",
    ];
    let add = [&add[..], &["--password-stdin"]].concat();
    let added = busy.site.run_with_input(&add, &format!("{PASSWORD}\n"));
    assert!(added.unwrap().status.success());
    let token = busy.site.tell(&["token", "add", "hans", "--name", "far"]);
    let token = token.unwrap().trim().to_owned();
    let id = busy.id.as_str();
    let list = told(&far(&busy.site, &token, &["queue", "list"]));
    assert!(list.contains(id), "{list}");
    told(&far(&busy.site, &token, &["target", "health"]));
    let before = busy.site.tell(&["queue", "show", id]).unwrap();
    for words in [
        &["queue", "hold", id][..],
        &["queue", "hold", "--domain", "example.com"],
        &["queue", "hold", "--target", "old"],
        &["queue", "flush", id],
        &["queue", "flush"],
        &["queue", "remove", id],
        &["cache", "drop", "jdoe@example.com"],
        &["peer", "audit", "example.com"],
        &["peer", "test", "lyon"],
        &["peer", "conflicts", "--forget-all"],
        &["target", "test", "old"],
    ] {
        let output = far(&busy.site, &token, words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {said}");
        assert!(said.contains("you may not do this"), "{words:?}: {said}");
    }
    assert_eq!(busy.site.tell(&["queue", "show", id]).unwrap(), before);
    assert_eq!(
        busy.site.ask(&["queue", "holds"]).unwrap(),
        serde_json::json!([])
    );
}
