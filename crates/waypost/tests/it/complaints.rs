//! What the console says when something is wrong, was wrong, or was done by somebody else.

use serde_json::json;
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::http::{Answer, Client};
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::wait;

use crate::{PROGRAM, message};

const FORM: &str = "application/x-www-form-urlencoded";
const WORD: &str = "a long enough word 7";

const SITE: &str = r#"
[[target]]
name = "old"
host = "127.0.0.9"
port = 9

[[domain]]
name = "example.com"
relay = "old"

[[domain]]
name = "plain.example.com"

[[domain]]
name = "bücher.example"

[[user]]
domain = "example.com"
login = "alice"
addresses = ["alice@example.com"]

[[user]]
domain = "example.com"
login = "jdoe"
mail = "third-party"
addresses = ["jdoe@example.com"]
"#;

fn site() -> (Site, Client) {
    let plan = Plan::new(PROGRAM).unwrap().with_console().site(SITE);
    let plan = plan.section("queue", "retry_first = \"1h\"\nretry_max = \"1h\"\n");
    let site = plan.start().unwrap();
    let admin = Client::first_admin(&site).unwrap();
    (site, admin)
}

/// The word that forms of a session carry.
fn word(client: &mut Client, page: &str) -> String {
    let page = client.get(page).unwrap().text();
    let word = page.split("name=\"csrf\" value=\"").nth(1).unwrap();
    word.split('"').next().unwrap().to_owned()
}

/// An administrator of example.com with this role.
fn somebody(site: &Site, admin: &mut Client, login: &str, role: &str) -> Client {
    let made = json!({
        "login": login, "role": role, "domains": ["example.com"], "password": WORD,
    });
    let made = admin.send("POST", "/api/v1/admins", &made).unwrap();
    assert_eq!(made.status, 201, "{}", made.text());
    let mut client = Client::log_in(site.console(), login, WORD).unwrap();
    let csrf = word(&mut client, "/tokens/new");
    client.says("X-CSRF-Token", &csrf);
    client
}

fn fields(answer: &Answer) -> Vec<String> {
    let said = answer.json().unwrap();
    let problems = said["problems"].as_array().cloned().unwrap_or_default();
    let fields = problems.iter().filter_map(|one| one["field"].as_str());
    fields.map(str::to_owned).collect()
}

/// A message that waits for jdoe; its queue id.
fn waiting(site: &Site) -> String {
    let mut client = Dialogue::open(site.smtp()).unwrap();
    let to = ["jdoe@example.com"];
    let sent = client.submit("alice@example.com", &to, &message("Hi"));
    let text = sent.unwrap().1.unwrap().text;
    let id = text.rsplit(' ').next().unwrap().to_owned();
    site.wait_for_log(&[&id, "status=deferred"]).unwrap();
    id
}

/// Lines of the audit, the latest first.
fn audit(admin: &mut Client) -> Vec<serde_json::Value> {
    let said = admin.get("/api/v1/audit").unwrap().json().unwrap();
    said["items"].as_array().unwrap().clone()
}

#[test]
fn a_form_of_an_earlier_login_is_shown_again_with_what_was_entered() {
    let (_site, mut admin) = site();
    admin.says("X-CSRF-Token", "0000");
    let script = admin.send("POST", "/api/v1/domains", &json!({ "name": "new.example" }));
    let script = script.unwrap();
    assert_eq!(script.status, 403);
    assert_eq!(
        script.header("content-type"),
        Some("application/problem+json")
    );
    // As a browser sends it: without the header.
    let mut browser = admin;
    browser.forgets("X-CSRF-Token");
    let old = "csrf=0000&name=new.example&act=create";
    let again = browser
        .ask("POST", "/domains/new", Some((FORM, old)))
        .unwrap();
    assert_eq!(again.status, 403);
    let page = again.text();
    assert!(
        page.contains("name=\"name\" value=\"new.example\""),
        "{page}"
    );
    assert!(page.contains("class=\"nav\""), "{page}");
    let csrf = word(&mut browser, "/domains/new");
    let sent = old.replace("0000", &csrf);
    let sent = browser
        .ask("POST", "/domains/new", Some((FORM, &sent)))
        .unwrap();
    assert_eq!(sent.status, 303, "{}", sent.text());
}

#[test]
fn what_is_not_there_is_said_in_the_reader_s_language_beside_the_menu() {
    let (_site, mut admin) = site();
    for (path, status) in [
        ("/users/%ff", 400),
        ("/users/nobody@example.com", 404),
        ("/queue/CRXXX", 404),
        ("/trace?what=CRNOTHING", 404),
        ("/domains/none.example", 404),
        ("/nowhere", 404),
    ] {
        admin.says("Accept-Language", "fr");
        let answer = admin.get(path).unwrap();
        let page = answer.text();
        assert_eq!(answer.status, status, "{path}: {page}");
        let kind = answer.header("content-type").unwrap();
        assert_eq!(kind, "text/html; charset=utf-8", "{path}");
        assert!(page.contains("<nav class=\"nav\""), "{path}: {page}");
        assert!(!page.contains("`waypost"), "{path}: {page}");
        assert!(!page.contains("there is no"), "{path}: {page}");
    }
    for path in ["/api/v1/queue/CRXXX", "/api/v1/trace?what=CRNOTHING"] {
        assert_eq!(admin.get(path).unwrap().status, 404, "{path}");
    }
}

#[test]
fn a_request_that_cannot_be_read_names_its_field() {
    let (_site, mut admin) = site();
    for (name, field) in [("a b.example", "name"), ("-bad-.example", "name")] {
        let answer = admin.send("POST", "/api/v1/domains", &json!({ "name": name }));
        let answer = answer.unwrap();
        assert_eq!(answer.status, 422, "{}", answer.text());
        assert_eq!(fields(&answer), [field]);
    }
    let user = json!({ "login": "new", "domain": "a b.example" });
    let user = admin.send("POST", "/api/v1/users", &user).unwrap();
    assert_eq!(
        (user.status, fields(&user)),
        (422, vec!["domain".to_owned()])
    );
    for (path, field) in [
        ("/api/v1/queue?age_min=abc", "age_min"),
        ("/api/v1/users?foo=1", "foo"),
    ] {
        let answer = admin.get(path).unwrap();
        assert_eq!(answer.status, 400, "{path}");
        assert_eq!(fields(&answer), [field], "{path}");
    }
    let hold = json!({ "reasons": "typo" });
    let hold = admin
        .send("PUT", "/api/v1/holds/target/old", &hold)
        .unwrap();
    assert_eq!(
        (hold.status, fields(&hold)),
        (400, vec!["reasons".to_owned()])
    );
    let hold = json!({ "reason": " " });
    let hold = admin
        .send("PUT", "/api/v1/holds/target/old", &hold)
        .unwrap();
    assert_eq!(
        (hold.status, fields(&hold)),
        (422, vec!["reason".to_owned()])
    );
}

#[test]
fn what_is_done_to_mail_and_answers_is_in_the_audit() {
    let (site, mut admin) = site();
    let (one, other) = (waiting(&site), waiting(&site));
    let hold = json!({ "reason": "look" });
    let path = format!("/api/v1/queue/{one}");
    let held = admin.send("POST", &format!("{path}/hold"), &hold).unwrap();
    assert_eq!(held.status, 200, "{}", held.text());
    let gone = admin.ask("DELETE", &path, None).unwrap();
    assert_eq!(gone.status, 200, "{}", gone.text());
    site.tell(&["queue", "remove", &other, "--reason", "spam"])
        .unwrap();
    let lines = audit(&mut admin);
    let [told, removed, held, ..] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    assert_eq!(told["object"], format!("queue {other}"));
    assert_eq!(told["from"], "command line");
    assert_eq!(told["before"]["reason"], "spam");
    assert_eq!(removed["object"], format!("queue {one}"));
    assert_eq!(
        (&removed["who"], &removed["from"]),
        (&json!("admin0"), &json!("127.0.0.1"))
    );
    assert_eq!(removed["before"]["recipients"], json!(["jdoe@example.com"]));
    assert!(removed["after"].is_null(), "{removed}");
    assert_eq!(held["after"], json!({ "done": "held", "reason": "look" }));
    // Many at once are one line.
    let third = waiting(&site);
    let form = format!("verb=remove&select={third}");
    let begun = admin.ask("POST", "/queue/actions", Some((FORM, &form)));
    assert_eq!(begun.unwrap().status, 303);
    let many = wait::until("the order of many in the audit", || {
        let line = audit(&mut admin).into_iter().next()?;
        (line["object"] == "queue many").then_some(line)
    });
    let many = many.unwrap();
    assert_eq!(
        (&many["after"]["messages"], &many["after"]["ids"]),
        (&json!(1), &json!([third]))
    );
    let page = admin.get("/audit").unwrap().text();
    assert!(page.contains("many messages"), "{page}");
}

#[test]
fn what_is_done_to_mail_of_a_domain_is_in_the_audit_of_its_administrator() {
    let (site, mut admin) = site();
    let mut dora = somebody(&site, &mut admin, "dora", "domain-administrator");
    let plain = json!({
        "login": "paul", "role": "domain-administrator", "domains": ["plain.example.com"],
        "password": WORD,
    });
    let made = admin.send("POST", "/api/v1/admins", &plain).unwrap();
    assert_eq!(made.status, 201, "{}", made.text());
    let mut paul = Client::log_in(site.console(), "paul", WORD).unwrap();
    let queue = |client: &mut Client| -> Vec<serde_json::Value> {
        let lines = audit(client).into_iter();
        let is_queue = |line: &serde_json::Value| {
            line["object"]
                .as_str()
                .is_some_and(|object| object.starts_with("queue"))
        };
        lines.filter(is_queue).collect()
    };
    let (one, other) = (waiting(&site), waiting(&site));
    let hold = json!({ "reason": "look" });
    let held = dora.send("POST", &format!("/api/v1/queue/{one}/hold"), &hold);
    assert_eq!(held.unwrap().status, 200);
    site.tell(&["queue", "remove", &other]).unwrap();
    let lines = queue(&mut dora);
    let objects: Vec<_> = lines.iter().map(|line| &line["object"]).collect();
    assert_eq!(
        objects,
        [&format!("queue {other}"), &format!("queue {one}")]
    );
    assert_eq!(
        lines[0]["before"]["recipients"],
        json!(["jdoe@example.com"])
    );
    assert_eq!(lines[1]["who"], "dora");
    // What she has done to several at once is hers, too.
    let form = format!("verb=retry&select={one}");
    let begun = dora.ask("POST", "/queue/actions", Some((FORM, &form)));
    assert_eq!(begun.unwrap().status, 303);
    let many = wait::until("the order of many in her audit", || {
        let line = queue(&mut dora).into_iter().next()?;
        (line["object"] == "queue many").then_some(line)
    });
    assert_eq!(many.unwrap()["who"], "dora");
    assert!(queue(&mut paul).is_empty(), "{:?}", queue(&mut paul));
}

#[test]
fn failed_logins_and_who_must_wait_are_in_the_log() {
    let (site, _admin) = site();
    for _ in 0..9 {
        assert!(Client::log_in(site.console(), "admin0", "wrong").is_err());
    }
    assert!(Client::log_in(site.console(), "secret word", "wrong").is_err());
    site.wait_for_log(&["a login of admin0 from 127.0.0.1 was refused"])
        .unwrap();
    site.wait_for_log(&["127.0.0.1 must wait 15 minutes", "nobody here"])
        .unwrap();
    assert!(!site.log().contains("secret word"));
}

#[test]
fn a_filter_means_the_zone_of_the_reader() {
    let (_site, mut admin) = site();
    let at = audit(&mut admin)[0]["at"].as_str().unwrap().to_owned();
    // The hour of that moment, as clocks an hour ahead of UTC show it.
    let hour: u32 = at[11..13].parse().unwrap();
    let shown = |hour: u32| format!("{}T{hour:02}:00", &at[..10]);
    let finds = |admin: &mut Client, query: &str| {
        let page = admin.get(&format!("/audit?{query}")).unwrap().text();
        page.contains("class=\"changes\"")
    };
    if hour < 22 {
        let span = format!("from={}&to={}", shown(hour + 1), shown(hour + 2));
        assert!(!finds(&mut admin, &span));
        assert!(finds(
            &mut admin,
            &format!("{span}&from_zone=60&to_zone=60")
        ));
    } else {
        let span = format!("from={}&to={}", shown(hour - 1), shown(hour));
        assert!(!finds(&mut admin, &span));
        assert!(finds(
            &mut admin,
            &format!("{span}&from_zone=-60&to_zone=-60")
        ));
    }
    for page in ["/trace", "/audit"] {
        let page = admin.get(page).unwrap().text();
        assert_eq!(page.matches("data-zone-of").count(), 2, "{page}");
    }
}

#[test]
fn servers_are_named_where_users_live_on_them() {
    let (_site, mut admin) = site();
    let list = admin.get("/directory").unwrap().text();
    assert!(list.contains("Relay of the domain: old"), "{list}");
    let new = admin.get("/users/new").unwrap().text();
    assert!(new.contains("data-when=\"domain=example.com\""), "{new}");
    let plain = admin.get("/users/new?domain=plain.example.com").unwrap();
    assert!(!plain.text().contains("value=\"third-party\""));
    let ask = format!(
        "csrf={}&action=target&target=&select=jdoe@example.com",
        word(&mut admin, "/directory")
    );
    let ask = admin.ask("POST", "/directory/confirm", Some((FORM, &ask)));
    let ask = ask.unwrap().text().replace(['\u{2068}', '\u{2069}'], "");
    let before = "<td data-label=\"Before\">Third-party mail server, Relay of the domain: old</td>";
    assert!(ask.contains("title=\"jdoe@example.com\""), "{ask}");
    assert!(ask.contains(before), "{ask}");
    let domains = admin.get("/domains").unwrap().text();
    assert!(domains.contains(">bücher.example</a>"), "{domains}");
    assert!(
        domains.contains("title=\"xn--bcher-kva.example\""),
        "{domains}"
    );
}

#[test]
fn the_history_of_a_message_says_what_was_tried_and_where() {
    let (site, mut admin) = site();
    let id = waiting(&site);
    site.flush(&[&id]).unwrap();
    let page = wait::until("the second attempt", || {
        let page = admin.get(&format!("/queue/{id}")).ok()?.text();
        page.contains("Tried again").then_some(page)
    });
    let page = page.unwrap();
    assert_eq!(page.matches("Accepted into the queue").count(), 1, "{page}");
    assert!(page.contains("data-time=\"second\""), "{page}");
    assert!(!page.contains("<bdi>none</bdi>"), "{page}");
    assert!(!page.contains("<bdi>deferred</bdi>"), "{page}");
    let trace = admin.get(&format!("/trace?what={id}")).unwrap().text();
    let trace = trace.replace(['\u{2068}', '\u{2069}'], "");
    assert_eq!(trace.matches("Taken into the queue").count(), 1, "{trace}");
    assert!(trace.contains("Tried again"), "{trace}");
    assert!(trace.contains("the way there: old"), "{trace}");
    assert!(!trace.contains("The other server said"), "{trace}");
}

#[test]
fn a_job_leads_back_and_the_first_administrator_sees_all() {
    let (site, mut admin) = site();
    let mut dora = somebody(&site, &mut admin, "dora", "domain-administrator");
    let form = "action=suspend&select=jdoe@example.com";
    let begun = dora.ask("POST", "/directory/actions", Some((FORM, form)));
    let begun = begun.unwrap();
    assert_eq!(begun.status, 303, "{}", begun.text());
    let at = begun.header("location").unwrap().to_owned();
    let page = wait::until("the job to end", || {
        let page = dora.get(&at).ok()?.text();
        page.contains("role=\"status\"").then_some(page)
    });
    let page = page.unwrap();
    assert!(
        page.contains("<a class=\"button\" href=\"/directory\">"),
        "{page}"
    );
    let seen = admin.get(&format!("/api/v1{at}")).unwrap();
    assert_eq!(seen.status, 200, "{}", seen.text());
    let seen = seen.json().unwrap();
    assert_eq!(
        (&seen["owner"], &seen["state"]),
        (&json!("dora"), &json!("done"))
    );
    assert_eq!(seen["done"], seen["total"]);
    assert_ne!(seen["total"], 0);
    let mut carl = somebody(&site, &mut admin, "carl", "domain-administrator");
    assert_eq!(carl.get(&format!("/api/v1{at}")).unwrap().status, 404);
}

#[test]
fn a_new_token_is_shown_once_and_loading_its_page_again_makes_no_other() {
    let (_site, mut admin) = site();
    let form = "name=nightly&admin=admin0&role=helpdesk&where_=own&days=1";
    let made = admin
        .ask("POST", "/tokens/new", Some((FORM, form)))
        .unwrap();
    assert_eq!(made.status, 303, "{}", made.text());
    let at = made.header("location").unwrap().to_owned();
    let shown = admin.get(&at).unwrap();
    assert!(shown.text().contains("waypost_"), "{}", shown.text());
    assert_eq!(shown.header("cache-control"), Some("no-store"));
    assert_eq!(admin.get(&at).unwrap().status, 303);
    let all = admin.get("/api/v1/tokens").unwrap().json().unwrap();
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
}

#[test]
fn only_who_may_route_sends_the_postmaster_s_mail_outside() {
    let (site, mut admin) = site();
    let mut dora = somebody(&site, &mut admin, "dora", "domain-administrator");
    let path = "/api/v1/domains/example.com";
    for (to, status) in [
        ("me@elsewhere.test", 403),
        ("alice@example.com", 200),
        ("alice@plain.example.com", 200),
    ] {
        let answer = dora.send("PATCH", path, &json!({ "postmaster": to }));
        assert_eq!(answer.unwrap().status, status, "{to}");
    }
    let outside = json!({ "postmaster": "me@elsewhere.test" });
    assert_eq!(admin.send("PATCH", path, &outside).unwrap().status, 200);
    // What stands there already may stay.
    assert_eq!(dora.send("PATCH", path, &outside).unwrap().status, 200);
}

#[test]
fn a_file_with_semicolons_is_told_what_to_do_about_semicolons() {
    let (_site, mut admin) = site();
    let file = "login;name;addresses\nnew@example.com;New;a@example.com;b@example.com\n";
    let begun = admin.ask(
        "POST",
        "/api/v1/users/import?dry_run=true",
        Some(("text/csv", file)),
    );
    let begun = begun.unwrap();
    assert_eq!(begun.status, 202, "{}", begun.text());
    let at = begun.header("location").unwrap().to_owned();
    let told = wait::until("the rehearsal", || {
        let job = admin.get(&at).ok()?.json().ok()?;
        (job["state"] == "done").then_some(job)
    });
    let told = told.unwrap().to_string();
    assert!(told.contains("with a semicolon in them"), "{told}");
}
