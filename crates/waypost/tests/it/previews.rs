//! What a change of a domain would do, in words and numbers, before it is saved.

use std::net::{IpAddr, SocketAddr};

use serde_json::{Value, json};
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::http::{Answer, Client};
use waypost_testkit::peer::{Moment, Peer, Reaction};
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, SMTP_PORT, Site};
use waypost_testkit::wait;

use crate::PROGRAM;

const DOMAIN: &str = "/api/v1/domains/example.com";
const PREVIEW: &str = "/api/v1/domains/example.com/preview";
const PAGE: &str = "/domains/example.com/routing";

/// A mail server that has the postmaster and nobody else.
fn honest() -> Peer {
    let script = |moment: &Moment<'_>| match moment {
        Moment::Command(line) if line.starts_with("RCPT") && !line.contains("postmaster@") => {
            Some(Reaction::Say("550 5.1.1 User unknown".to_owned()))
        }
        _ => None,
    };
    Peer::start_scripted(unused_address().unwrap(), script).unwrap()
}

fn target(name: &str, peer: &Peer) -> String {
    let host = peer.smtp().ip();
    format!("[[target]]\nname = \"{name}\"\nhost = \"{host}\"\nport = 2525\ntls = \"off\"\n")
}

/// One mailbox here, two users at the relay, one at a target of his own.
const USERS: &str = "
[[user]]
domain = \"example.com\"
login = \"alice\"
addresses = [\"alice@example.com\"]

[[user]]
domain = \"example.com\"
login = \"jdoe\"
mail = \"third-party\"
addresses = [\"jdoe@example.com\"]

[[user]]
domain = \"example.com\"
login = \"kate\"
mail = \"third-party\"
addresses = [\"kate@example.com\"]

[[user]]
domain = \"example.com\"
login = \"olga\"
mail = \"third-party\"
target = \"new\"
addresses = [\"olga@example.com\"]
";

struct Split {
    site: Site,
    admin: Client,
    old: Peer,
    _new: Peer,
}

/// A domain whose relay is old, with more settings.
fn split(old: Peer, domain: &str) -> Split {
    let new = honest();
    let targets = target("old", &old) + &target("new", &new);
    let file = format!(
        "{targets}\n[[domain]]\nname = \"example.com\"\nrelay = \"old\"\n{domain}\n{USERS}"
    );
    let plan = Plan::new(PROGRAM).unwrap().with_console().site(&file);
    let site = plan.start().unwrap();
    let admin = Client::first_admin(&site).unwrap();
    let _new = new;
    Split {
        site,
        admin,
        old,
        _new,
    }
}

impl Split {
    fn preview(&mut self, change: &Value) -> Value {
        let told = self.admin.send("POST", PREVIEW, change).unwrap();
        assert_eq!(told.status, 200, "{}", told.text());
        told.json().unwrap()
    }

    fn domain(&mut self) -> Value {
        self.admin.get(DOMAIN).unwrap().json().unwrap()
    }

    /// Sends the form of the page, with these fields too.
    fn form(&mut self, fields: &str) -> Answer {
        let revision = self.domain()["revision"].take();
        let form = format!("revision={revision}&verify_unknown=callout&{fields}");
        let kind = "application/x-www-form-urlencoded";
        self.admin.ask("POST", PAGE, Some((kind, &form))).unwrap()
    }
}

/// The parameters of a remark with this code.
fn remark<'a>(preview: &'a Value, list: &str, code: &str) -> Option<&'a Value> {
    let mut remarks = preview[list].as_array().unwrap().iter();
    let found = remarks.find(|remark| remark["code"] == code);
    found.map(|found| &found["parameters"])
}

/// The text of a page without what only programs see.
fn words(answer: &Answer) -> String {
    let text = answer.text().replace(['\u{2068}', '\u{2069}'], "");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn has(answer: &Answer, all: &[&str]) {
    let page = words(answer);
    for words in all {
        assert!(page.contains(words), "{words:?} is not in:\n{page}");
    }
}

#[test]
fn a_change_is_told_in_numbers_and_words_and_not_made() {
    let mut split = split(honest(), "");
    let on = json!({ "forward_unknown": true });
    let preview = split.preview(&on);
    let effect = |code: &str| remark(&preview, "effects", code);
    assert_eq!(
        effect("role").unwrap(),
        &json!({ "before": "master", "after": "migration" })
    );
    let unknown = json!({ "before": "refused", "after": "relay-asked" });
    assert_eq!(effect("unknown").unwrap(), &unknown);
    let relayed = json!({ "count": 2, "relay": "old" });
    assert_eq!(effect("users-relayed").unwrap(), &relayed);
    assert_eq!(effect("users-own-target").unwrap(), &json!({ "count": 1 }));
    assert_eq!(effect("users-here").unwrap(), &json!({ "count": 1 }));
    assert_eq!(preview["warnings"], json!([]), "{preview}");
    let moved = split.preview(&json!({ "relay": "new" }));
    let expected = json!({ "count": 2, "from": "old", "to": "new" });
    assert_eq!(remark(&moved, "effects", "users-move"), Some(&expected));
    let page = split.form("relay=old&forward_unknown=on&act=preview");
    assert_eq!(page.status, 200);
    has(
        &page,
        &[
            "What this change does",
            "Master",
            "<strong>Migration</strong>",
            "They are refused here (550).",
            "<strong>The relay decides: it is asked while the sender waits.</strong>",
            "2 third-party users are relayed to old.",
            "One third-party user keeps the target of his own.",
            "One user with a mailbox on this server stays here.",
        ],
    );
    let page = split.form("relay=new&act=preview");
    has(
        &page,
        &["2 third-party users are relayed to new instead of old"],
    );
    assert_eq!(split.domain()["forward_unknown"], false);
    assert_eq!(split.domain()["relay"], "old");
    let saved = split.form("relay=old&forward_unknown=on&act=save");
    assert_eq!(saved.status, 303, "{}", saved.text());
    assert_eq!(split.domain()["forward_unknown"], true);
    let nothing = split.preview(&on);
    assert!(
        remark(&nothing, "effects", "nothing").is_some(),
        "{nothing}"
    );
}

#[test]
fn a_relay_that_takes_everything_is_warned_about_and_confirmed() {
    let relay = Peer::start(unused_address().unwrap()).unwrap();
    let mut split = split(relay, "");
    let preview = split.preview(&json!({ "forward_unknown": true }));
    let warning = remark(&preview, "warnings", "relay-takes-everything");
    assert_eq!(warning.unwrap()["relay"], "old", "{preview}");
    let change = "relay=old&forward_unknown=on";
    let page = split.form(&format!("{change}&act=preview"));
    let warned = [
        "old also accepts addresses that nobody has.",
        "name=\"confirm-relay-takes-everything\"",
    ];
    has(&page, &warned);
    let page = split.form(&format!("{change}&act=save"));
    assert_eq!(page.status, 200, "saved without being confirmed");
    has(
        &page,
        &["Not saved yet: tick every warning first", warned[0]],
    );
    assert_eq!(split.domain()["forward_unknown"], false);
    let saved = split.form(&format!(
        "{change}&act=save&confirm-relay-takes-everything=on"
    ));
    assert_eq!(saved.status, 303, "{}", saved.text());
    assert_eq!(split.domain()["forward_unknown"], true);
}

#[test]
fn mail_that_has_come_back_already_is_warned_about_and_confirmed() {
    let mut split = split(honest(), "forward_unknown = true\n");
    let keep = json!({ "quota": { "user_default": "1 GiB" } });
    let preview = split.preview(&keep);
    assert_eq!(preview["warnings"], json!([]), "{preview}");
    // The relay brings what only it could know.
    let relay = split.old.smtp().ip();
    let mut back = Dialogue::open_from(relay, split.site.smtp()).unwrap();
    back.expect("MAIL FROM:<a@elsewhere.test>", 250).unwrap();
    for name in ["nobody", "somebody"] {
        let heard = back.say(&format!("RCPT TO:<{name}@example.com>")).unwrap();
        assert_eq!(heard.code / 100, 5, "{}", heard.text);
    }
    let warning = wait::until("the warning", || {
        let preview = split.preview(&keep);
        let warning = remark(&preview, "warnings", "went-round")?;
        (warning["count"] == 2).then(|| warning.clone())
    });
    assert_eq!(warning.unwrap()["relay"], "old");
    let same = "relay=old&forward_unknown=on";
    let page = split.form(&format!("{same}&act=preview"));
    has(
        &page,
        &[
            "Mail of this domain has already come back from old 2 times.",
            "name=\"confirm-went-round\"",
        ],
    );
    let page = split.form(&format!("{same}&act=save"));
    has(&page, &["Not saved yet: tick every warning first"]);
    let saved = split.form(&format!("{same}&act=save&confirm-went-round=on"));
    assert_eq!(saved.status, 303, "{}", saved.text());
}

#[test]
fn a_relay_that_forwards_unknown_addresses_back_is_refused() {
    let plan = Plan::new(PROGRAM).unwrap().with_console();
    let asked_back = SocketAddr::new(plan.address(), SMTP_PORT);
    // Asks the site, as a server does that forwards what it does not know.
    let forwards = move |moment: &Moment<'_>| match moment {
        Moment::Command(line) if line.starts_with("RCPT") && !line.contains("postmaster@") => {
            let mut back = Dialogue::open(asked_back).unwrap();
            back.expect("MAIL FROM:<>", 250).unwrap();
            Some(Reaction::Say(back.say(line).unwrap().text))
        }
        _ => None,
    };
    let other = Peer::start_scripted(unused_address().unwrap(), forwards).unwrap();
    let file = target("other", &other) + "[[domain]]\nname = \"example.com\"\nrelay = \"other\"\n";
    let site = plan.site(&file).start().unwrap();
    let mut admin = Client::first_admin(&site).unwrap();
    let change = json!({ "forward_unknown": true });
    let refused = admin.send("POST", PREVIEW, &change).unwrap();
    assert_eq!(refused.status, 422, "{}", refused.text());
    let problem = &refused.json().unwrap()["problems"][0];
    assert_eq!(problem["field"], "forward_unknown", "{problem}");
    let message = problem["message"].as_str().unwrap();
    assert!(message.contains("would go round"), "{problem}");
    let revision = admin.get(DOMAIN).unwrap().json().unwrap()["revision"].take();
    let form = format!(
        "revision={revision}&verify_unknown=callout&relay=other&forward_unknown=on&act=save"
    );
    let kind = "application/x-www-form-urlencoded";
    let page = admin.ask("POST", PAGE, Some((kind, &form))).unwrap();
    assert_eq!(page.status, 422, "{}", page.text());
    has(&page, &["mail to a wrong address would go round"]);
    let domain = admin.get(DOMAIN).unwrap().json().unwrap();
    assert_eq!(domain["forward_unknown"], false, "{domain}");
}

#[test]
fn two_sites_do_not_send_each_other_what_neither_knows() {
    let plan = || {
        Plan::new(PROGRAM)
            .unwrap()
            .section("outbound", "source = \"%ADDRESS%\"\n")
    };
    let (here, there) = (plan().with_console(), plan());
    let file = |other: IpAddr, forwards: bool| {
        format!(
            "[[target]]\nname = \"other\"\nhost = \"{other}\"\nport = 2525\ntls = \"off\"\n\
             [[domain]]\nname = \"example.com\"\nrelay = \"other\"\nforward_unknown = {forwards}\n"
        )
    };
    let (of_here, of_there) = (file(there.address(), false), file(here.address(), true));
    let _there = there.site(&of_there).start().unwrap();
    let here = here.site(&of_here).start().unwrap();
    let mut admin = Client::first_admin(&here).unwrap();
    let change = json!({ "forward_unknown": true });
    let refused = admin.send("POST", PREVIEW, &change).unwrap();
    assert_eq!(refused.status, 422, "{}", refused.text());
    let problem = &refused.json().unwrap()["problems"][0];
    assert_eq!(problem["field"], "forward_unknown", "{problem}");
}

#[test]
fn sharing_with_a_peer_that_does_not_answer_is_warned_about() {
    let peers = "[[peer]]\nname = \"oslo\"\nhost = \"127.0.0.1\"\nminger_port = 9\n\
                 minger_secret = \"a-secret-of-the-peer\"\n";
    let domain = "[[domain]]\nname = \"example.com\"\n";
    let minger = "secrets = [\"a-secret-of-this-site\"]\ntimeout = \"1s\"\n";
    let plan = Plan::new(PROGRAM).unwrap().with_console();
    let site = plan
        .section("minger", minger)
        .site(&format!("{peers}{domain}"))
        .start()
        .unwrap();
    let mut admin = Client::first_admin(&site).unwrap();
    let change = json!({ "sharing": ["oslo"] });
    let told = admin.send("POST", PREVIEW, &change).unwrap();
    assert_eq!(told.status, 200, "{}", told.text());
    let told = told.json().unwrap();
    let warning = remark(&told, "warnings", "peers-silent");
    assert_eq!(warning, Some(&json!({ "peers": "oslo" })), "{told}");
}
