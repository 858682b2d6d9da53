//! Everybody tries everything: each operation of the API with every role, on what is his and what
//! is not, and the pages' and API's guards against forged changes.

use serde_json::{Value, json};
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::http::{Answer, Client};
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::wait;

use crate::rights_table::{FOREIGN, Known, OWN, Operation, Place, operations, places};
use crate::{PROGRAM, message};

const WORD: &str = "long enough for a test";

const SITE: &str = r#"
[[target]]
name = "old"
host = "127.200.0.9"
port = 9

[[peer]]
name = "lyon"
host = "127.200.0.9"
port = 9
minger_secret = "a-secret-of-two-sites"
minger_accept = "a-secret-of-lyon-alone"

[[gateway]]
domain = "gate.example"
target = "old"

[[domain]]
name = "example.com"
relay = "old"

[[domain]]
name = "example.net"
relay = "old"

[[user]]
domain = "example.com"
login = "alice"
addresses = ["alice@example.com"]

[[user]]
domain = "example.net"
login = "bob"
mail = "third-party"
addresses = ["bob@example.net"]

[[mailbox]]
domain = "example.com"
name = "info"
addresses = ["info@example.com"]

[[mailbox]]
domain = "example.net"
name = "info"
addresses = ["info@example.net"]

[[group]]
domain = "example.com"
name = "team"
addresses = ["team@example.com"]
members = ["alice@example.com"]

[[group]]
domain = "example.net"
name = "team"
addresses = ["team@example.net"]
members = ["bob@example.net"]
"#;

/// Somebody who tries.
struct Somebody {
    name: &'static str,
    client: Client,
    /// None: he may nothing.
    role: Option<&'static str>,
    routes: bool,
}

struct World {
    site: Site,
    admin: Client,
    known: Known,
    description: Value,
}

fn world() -> World {
    let plan = Plan::new(PROGRAM).unwrap().with_console();
    let site = plan.site(SITE).start().unwrap();
    let mut admin = Client::first_admin(&site).unwrap();
    let description = admin.get("/api/openapi.json").unwrap().json().unwrap();
    let add = |words: &[&str]| {
        let mut all = vec!["admin", "add"];
        all.extend(words);
        all.push("--password-stdin");
        let output = site.run_with_input(&all, &format!("{WORD}\n")).unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    for (name, role) in [
        ("dora", "domain-administrator"),
        ("ulla", "user-administrator"),
        ("hans", "helpdesk"),
    ] {
        add(&[name, "--role", role, "--domains", OWN]);
    }
    let routing = ["rita", "--role", "domain-administrator", "--domains", OWN];
    add(&[&routing[..], &["--grants", "routing"]].concat());
    for name in ["victim", "sam"] {
        add(&[name, "--role", "superadministrator"]);
    }
    let mut sender = Dialogue::open(site.smtp()).unwrap();
    let (from, to) = ("someone@elsewhere.test", "bob@example.net");
    sender.submit(from, &[to], &message("secret")).unwrap();
    let list = wait::until("the message to wait", || {
        let list = site.ask(&["queue", "list"]).ok()?;
        let items = list.as_array().or_else(|| list["items"].as_array())?;
        items.first()?["id"].as_str().map(str::to_owned)
    });
    let began = admin
        .ask(
            "POST",
            "/api/v1/site?dry_run=true",
            Some(("application/toml", "")),
        )
        .unwrap();
    assert_eq!(began.status, 202, "{}", began.text());
    let token = site
        .tell(&["token", "add", "victim", "--name", "x"])
        .unwrap();
    let known = Known {
        job: began.json().unwrap()["job"].to_string(),
        message: list.unwrap(),
        token: token.split('_').nth(1).unwrap().to_owned(),
    };
    World {
        site,
        admin,
        known,
        description,
    }
}

/// A session whose changes carry their word.
fn session(site: &Site, login: &str) -> Client {
    let mut client = Client::log_in(site.console(), login, WORD).unwrap();
    let csrf = client.get("/api/v1/session").unwrap().json().unwrap();
    client.says("X-CSRF-Token", csrf["csrf"].as_str().unwrap());
    client
}

fn everybody(world: &World) -> Vec<Somebody> {
    let site = &world.site;
    let with = |name, role, routes| Somebody {
        name,
        client: session(site, name),
        role: Some(role),
        routes,
    };
    let nobody = |name, client| Somebody {
        name,
        client,
        role: None,
        routes: false,
    };
    let token = |words: &[&str]| {
        let told = site.tell(&[&["token", "add"], words].concat()).unwrap();
        Client::with_token(site.console(), told.trim())
    };
    let mut expired = token(&["admin0", "--name", "short", "--expires", "1s"]);
    wait::until("the token to expire", || {
        (expired.get("/api/v1/session").ok()?.status == 401).then_some(())
    })
    .unwrap();
    let (suspended, of_suspended) = (session(site, "sam"), token(&["sam", "--name", "y"]));
    site.tell(&["admin", "set", "sam", "--suspended"]).unwrap();
    let stranger = format!("waypost_abcdefgh_{}", "a".repeat(52));
    vec![
        nobody("nobody", Client::new(site.console())),
        nobody("an expired token", expired),
        nobody(
            "a made-up token",
            Client::with_token(site.console(), &stranger),
        ),
        nobody("a suspended administrator", suspended),
        nobody("a suspended administrator's token", of_suspended),
        with("dora", "domain-administrator", false),
        with("rita", "domain-administrator", true),
        with("ulla", "user-administrator", false),
        with("hans", "helpdesk", false),
        Somebody {
            name: "dora's token",
            client: token(&["dora", "--name", "z"]),
            role: Some("domain-administrator"),
            routes: false,
        },
    ]
}

/// All that could have been changed.
fn state(world: &World) -> Vec<String> {
    let words: [&[&str]; 4] = [
        &["export"],
        &["admin", "list", "--json"],
        &["queue", "list", "--json"],
        &["token", "list", "victim", "--json"],
    ];
    let tell = |words: &&[&str]| world.site.tell(words).unwrap();
    let mut all: Vec<String> = words.iter().map(tell).collect();
    // When the message is tried again is nobody's change.
    let queue: Value = serde_json::from_str(&all[2]).unwrap_or_default();
    all[2] = queue
        .to_string()
        .matches("bob@example.net")
        .count()
        .min(1)
        .to_string();
    all
}

fn may(description: &Value, somebody: &Somebody, right: &str) -> bool {
    let roles = description["info"]["x-waypost-rights"][right].as_array();
    let roles = roles.unwrap_or_else(|| panic!("{right} is in no table of rights"));
    let role = somebody.role.unwrap_or_default();
    roles.iter().any(|one| one == role) || (right == "domain-route" && somebody.routes)
}

fn attempt(somebody: &mut Somebody, operation: &Operation, path: &str) -> Answer {
    let body = operation.body.as_ref();
    let body = body.map(|(kind, text)| (kind.as_str(), text.as_str()));
    somebody.client.ask(&operation.method, path, body).unwrap()
}

/// What is wrong with the answer, if anything is.
fn judged(
    (somebody, right): (&Somebody, bool),
    (operation, place): (&Operation, Place),
    answer: &Answer,
) -> Option<&'static str> {
    let status = answer.status;
    if status >= 500 && status != 503 {
        return Some("a mistake of the server");
    }
    if somebody.role.is_none() {
        return (status != 401).then_some("he is nobody");
    }
    if status < 300 && answer.text().contains(FOREIGN) {
        return Some("shows what is foreign");
    }
    match (right, place) {
        (false, Place::Own) => (status != 403).then_some("he may not"),
        (false, _) => (![403, 404].contains(&status)).then_some("he may not"),
        (true, Place::Foreign) => {
            (![403, 404].contains(&status)).then_some("it is not in his domains")
        }
        (true, Place::Own) if operation.method == "GET" => {
            [401, 403].contains(&status).then_some("he may")
        }
        (true, _) => None,
    }
}

#[test]
fn nobody_does_what_he_may_not_whatever_he_tries() {
    let world = world();
    let everybody = everybody(&world);
    let before = state(&world);
    let mut wrong = Vec::new();
    for mut somebody in everybody {
        for operation in operations(&world.description) {
            let Some(right) = &operation.right else {
                continue;
            };
            if operation.path == "/api/v1/session" && somebody.role.is_some() {
                continue;
            }
            for (path, place) in places(&operation.path, &world.known) {
                let may = may(&world.description, &somebody, right);
                // What he may change, other tests change.
                let changes = operation.method != "GET";
                if may && changes && place != Place::Foreign {
                    continue;
                }
                let answer = attempt(&mut somebody, &operation, &path);
                let case = ((&somebody, may), (&operation, place));
                if let Some(why) = judged(case.0, case.1, &answer) {
                    let (name, method, text) = (somebody.name, &operation.method, answer.text());
                    let status = answer.status;
                    wrong.push(format!(
                        "{name}: {method} {path}: {why}: {status} {text:.300}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(state(&world), before);
}

#[test]
fn no_change_is_made_without_the_word_of_the_session() {
    let world = world();
    let before = state(&world);
    let mut forger = Somebody {
        name: "a page of somebody else",
        client: Client::log_in(world.site.console(), "victim", WORD).unwrap(),
        role: Some("superadministrator"),
        routes: true,
    };
    for word in ["", "00"] {
        if !word.is_empty() {
            forger.client.says("X-CSRF-Token", word);
        }
        for operation in operations(&world.description) {
            if operation.method == "GET" || operation.right.is_none() {
                continue;
            }
            for (path, _) in places(&operation.path, &world.known) {
                let answer = attempt(&mut forger, &operation, &path);
                let (method, text) = (&operation.method, answer.text());
                assert_eq!(answer.status, 403, "{method} {path}: {text}");
            }
        }
    }
    assert_eq!(state(&world), before);
}

#[test]
fn only_who_was_granted_it_says_where_mail_goes() {
    let world = world();
    let ask = |client: &mut Client, path: &str, body: &Value| {
        let answer = client.send("PATCH", path, body).unwrap();
        (answer.status, answer.text())
    };
    let domain = format!("/api/v1/domains/{OWN}");
    let changes = [
        json!({ "relay": "127.0.0.9:25" }),
        json!({ "forward_unknown": true }),
        json!({ "sharing": ["lyon"] }),
        json!({ "verify_unknown": "none" }),
        json!({ "aliases": ["example.org"] }),
    ];
    let mut dora = session(&world.site, "dora");
    for change in &changes {
        let (status, text) = ask(&mut dora, &domain, change);
        assert_eq!(status, 403, "{change}: {text}");
    }
    let mut rita = session(&world.site, "rita");
    let (status, text) = ask(&mut rita, &domain, &json!({ "forward_unknown": true }));
    assert_eq!(status, 200, "{text}");
    let (status, text) = ask(&mut rita, &domain, &changes[4]);
    assert_eq!(status, 403, "names are the superadministrator's: {text}");
    let paths = world.description["paths"].as_object().unwrap();
    if paths.keys().any(|path| path.starts_with("/api/v1/users/{")) {
        let user = "/api/v1/users/alice@example.com";
        let change = json!({ "mail": "third-party", "target": "old" });
        for name in ["dora", "ulla"] {
            let (status, text) = ask(&mut session(&world.site, name), user, &change);
            assert_eq!(status, 403, "{name}: {text}");
        }
    }
}

#[test]
fn nobody_touches_a_user_who_administers_more_than_he_does() {
    let world = world();
    let site = &world.site;
    let login = "alice@example.com";
    site.tell(&["admin", "add", login, "--role", "superadministrator"])
        .unwrap();
    let mut ulla = session(site, "ulla");
    let user = format!("/api/v1/users/{login}");
    for (method, path, body) in [
        (
            "PATCH",
            user.clone(),
            json!({ "password": "mine from now on" }),
        ),
        (
            "PATCH",
            user.clone(),
            json!({ "mail": "none", "addresses": [] }),
        ),
        ("POST", format!("{user}/suspend"), json!({})),
        ("DELETE", user.clone(), json!({})),
    ] {
        let answer = ulla.send(method, &path, &body).unwrap();
        assert_eq!(answer.status, 403, "{method} {path}: {}", answer.text());
    }
    let all = json!({ "filter": {}, "action": "suspend" });
    let begun = ulla.send("POST", "/api/v1/users/actions", &all).unwrap();
    assert_eq!(begun.status, 202, "{}", begun.text());
    assert!(refusal(&mut ulla, &begun).contains("may more than you"));
    let file = "login,suspended\nalice@example.com,yes\n";
    let file = Some(("text/csv", file));
    let begun = ulla.ask("POST", "/api/v1/users/import", file).unwrap();
    assert_eq!(begun.status, 202, "{}", begun.text());
    assert!(refusal(&mut ulla, &begun).contains("may more than you"));
    let alice = site.ask(&["user", "show", login]).unwrap();
    assert_eq!(alice["suspended"], false, "{alice}");
}

/// What a job that has ended says.
fn refusal(client: &mut Client, begun: &Answer) -> String {
    let at = begun.header("location").unwrap().to_owned();
    wait::until("the job to end", || {
        let job = client.get(&at).ok()?;
        (job.json().ok()?["state"] != "running").then(|| job.text())
    })
    .unwrap()
}

#[test]
fn a_user_who_has_no_mailbox_here_logs_in_nowhere() {
    let mut world = world();
    let site = &world.site;
    let login = "alice@example.com";
    let set = |words: &[&str]| {
        site.tell(&[&["user", "set", login], words].concat())
            .unwrap()
    };
    let words = ["user", "set", login, "--password-stdin"];
    let output = site.run_with_input(&words, &format!("{WORD}\n")).unwrap();
    assert!(output.status.success(), "{output:?}");
    let can = || Client::log_in(site.console(), login, WORD).is_ok();
    assert!(!can(), "a user who is no administrator has logged in");
    site.tell(&[
        "admin",
        "add",
        login,
        "--role",
        "helpdesk",
        "--domains",
        OWN,
    ])
    .unwrap();
    let without: [&[&str]; 2] = [
        &["--mail", "none", "--address", ""],
        &["--mail", "third-party"],
    ];
    for mail in without {
        set(&["--mail", "local", "--address", login]);
        let mut open = session(site, login);
        let token = site.tell(&["token", "add", login, "--name", "t"]).unwrap();
        let mut token = Client::with_token(site.console(), token.trim());
        assert_eq!(token.get("/api/v1/domains").unwrap().status, 200);
        set(mail);
        assert!(!can(), "{mail:?}");
        assert_eq!(open.get("/api/v1/domains").unwrap().status, 401, "{mail:?}");
        assert_eq!(
            token.get("/api/v1/domains").unwrap().status,
            401,
            "{mail:?}"
        );
    }
    assert_eq!(world.admin.get("/api/v1/domains").unwrap().status, 200);
}
