//! The console's door, and what it alone can do.

use serde_json::json;
use waypost_testkit::http::Client;
use waypost_testkit::site::Plan;

use crate::PROGRAM;

const SITE: &str = "
    [[domain]]
    name = \"example.com\"
    [[user]]
    domain = \"example.com\"
    login = \"alice\"
    mail = \"local\"
    addresses = [\"alice@*\"]
";

#[test]
fn a_test_message_arrives_and_nobody_gets_one_for_an_unknown_address() {
    let plan = Plan::new(PROGRAM).unwrap().with_console().site(SITE);
    let site = plan.start().unwrap();
    let mut admin = Client::first_admin(&site).unwrap();
    let sent = admin.send(
        "POST",
        "/api/v1/messages",
        &json!({ "to": "alice@example.com" }),
    );
    let sent = sent.unwrap();
    assert_eq!(sent.status, 201, "{}", sent.text());
    let id = sent.json().unwrap()["queue_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let arrived = site.wait_for_messages("example.com", "alice", 1).unwrap();
    assert!(
        arrived[0].contains(&format!("Subject: Test message {id}")),
        "{}",
        arrived[0]
    );
    let refused = admin.send(
        "POST",
        "/api/v1/messages",
        &json!({ "to": "nobody@example.com" }),
    );
    let refused = refused.unwrap();
    assert_eq!(refused.status, 422);
    assert!(
        refused.text().contains("User unknown"),
        "{}",
        refused.text()
    );
}

#[test]
fn the_one_time_password_is_gone_when_it_was_changed() {
    let plan = Plan::new(PROGRAM).unwrap().with_console();
    let mut site = plan.start().unwrap();
    let file = site.dir().join("data/admin0-password");
    let first = std::fs::read_to_string(&file).unwrap();
    let mut admin = Client::log_in(site.console(), "admin0", first.trim()).unwrap();
    // Nothing else before the change.
    assert_eq!(admin.get("/api/v1/domains").unwrap().status, 403);
    drop(Client::first_admin(&site).unwrap());
    assert!(!file.exists());
    assert!(Client::log_in(site.console(), "admin0", first.trim()).is_err());
    site.stop().unwrap();
    site.launch().unwrap();
    assert!(!file.exists(), "another first administrator was made");
}

#[test]
fn a_change_without_the_session_s_word_is_refused() {
    let plan = Plan::new(PROGRAM).unwrap().with_console().site(SITE);
    let site = plan.start().unwrap();
    let mut admin = Client::first_admin(&site).unwrap();
    for word in ["", "0000"] {
        admin.says("X-CSRF-Token", word);
        let body = json!({ "name": "example.net" });
        assert_eq!(
            admin.send("POST", "/api/v1/domains", &body).unwrap().status,
            403
        );
        let form = ("application/x-www-form-urlencoded", "csrf=0000");
        assert_eq!(
            admin.ask("POST", "/logout", Some(form)).unwrap().status,
            403
        );
    }
    assert_eq!(
        admin.get("/api/v1/domains/example.net").unwrap().status,
        404
    );
}

#[test]
fn what_goes_wrong_is_a_page_in_a_browser_and_a_problem_for_a_script() {
    let plan = Plan::new(PROGRAM).unwrap().with_console();
    let site = plan.start().unwrap();
    let mut admin = Client::first_admin(&site).unwrap();
    for (path, kind) in [
        ("/nowhere", "text/html; charset=utf-8"),
        ("/jobs/none", "text/html; charset=utf-8"),
        ("/api/v1/nowhere", "application/problem+json"),
        ("/api/v1/jobs/none", "application/problem+json"),
    ] {
        let answer = admin.get(path).unwrap();
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("content-type"), Some(kind), "{path}");
    }
}
