//! The console's door, and what it alone can do.

use serde_json::json;
use waypost_testkit::http::Client;
use waypost_testkit::site::Plan;
use waypost_testkit::wait;

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

/// The text of the first element of a page that has these words in it, without its tags.
fn text_at(page: &str, mark: &str) -> String {
    let (_, rest) = page.split_once(mark).unwrap_or_default();
    let rest = rest.split_once('>').unwrap_or_default().1;
    rest.split('<').next().unwrap_or_default().to_owned()
}

#[test]
fn what_a_rule_says_stands_at_its_field_in_the_reader_s_language() {
    let plan = Plan::new(PROGRAM).unwrap().with_console().site(SITE);
    let site = plan.start().unwrap();
    let mut admin = Client::first_admin(&site).unwrap();
    let form = "mail=third-party&local-0=alice&at-0=*&default=0&relayed-0=on";
    let form = Some(("application/x-www-form-urlencoded", form));
    let path = "/users/alice@example.com/mail";
    for (language, said) in [
        (
            "de-CH, en;q=0.5",
            "Ein Fremdserver-Benutzer braucht ein Relay der Domain oder ein eigenes Ziel. Stellen \
             Sie bei der Domain ein Relay ein, oder beim Benutzer ein Ziel.",
        ),
        (
            "fr",
            "Un utilisateur tiers a besoin d’un relais du domaine, ou d’une cible propre. \
             Définissez le relais du domaine, ou la cible de l’utilisateur.",
        ),
        (
            "it",
            "a third-party user needs a relay of the domain, or a target of his own; set the \
             domain&#39;s relay, or the user&#39;s target",
        ),
    ] {
        admin.says("Accept-Language", language);
        let answer = admin.ask("POST", path, form).unwrap();
        assert_eq!(answer.status, 422, "{}", answer.text());
        assert_eq!(
            text_at(&answer.text(), "id=\"mail-error\""),
            said,
            "{language}"
        );
    }
}

#[test]
fn a_script_hears_of_every_missing_field_and_of_series_that_cannot_be() {
    let plan = Plan::new(PROGRAM).unwrap().with_console().site(SITE);
    let site = plan.start().unwrap();
    let mut admin = Client::first_admin(&site).unwrap();
    for (path, fields) in [
        ("targets", ["name", "host"]),
        ("peers", ["name", "host"]),
        ("gateways", ["domain", "target"]),
        ("admins", ["login", "role"]),
        ("users", ["domain", "login"]),
        ("groups", ["domain", "name"]),
        ("mailboxes", ["domain", "name"]),
    ] {
        let answer = admin.send("POST", &format!("/api/v1/{path}"), &json!({}));
        let answer = answer.unwrap();
        assert_eq!(answer.status, 422, "{path}: {}", answer.text());
        let problems = answer.json().unwrap()["problems"].take();
        let named = problems.as_array().unwrap().iter();
        let named: Vec<_> = named.map(|one| one["field"].as_str().unwrap()).collect();
        assert_eq!(named, fields, "{path}");
    }
    let answer = admin.get("/api/v1/statistics?series=nope").unwrap();
    assert_eq!(answer.status, 422, "{}", answer.text());
    let kind = answer.header("content-type");
    assert_eq!(kind, Some("application/problem+json"));
    let problem = answer.json().unwrap()["problems"][0].take();
    assert_eq!(problem["field"], "series", "{problem}");
    assert_eq!(problem["code"], "series-unknown", "{problem}");
    let mend = problem["mend"].as_str().unwrap();
    assert!(
        mend.contains("messages") && mend.contains("sent.*"),
        "{mend}"
    );
}

#[test]
fn a_script_gets_the_code_of_a_rule_and_its_values() {
    let plan = Plan::new(PROGRAM).unwrap().with_console().site(SITE);
    let site = plan.start().unwrap();
    let mut admin = Client::first_admin(&site).unwrap();
    let quota = json!({ "user_max": "1 GiB", "user_default": "2 GiB" });
    let body = json!({ "quota": quota });
    let answer = admin.send("PATCH", "/api/v1/domains/example.com", &body);
    let answer = answer.unwrap();
    assert_eq!(answer.status, 422, "{}", answer.text());
    let problem = answer.json().unwrap();
    assert_eq!(problem["code"], "not-saved-one");
    let fault = &problem["problems"][0];
    assert_eq!(fault["code"], "quota-user-default");
    let values = json!({ "default_bytes": 2_u64 << 30, "max_bytes": 1_u64 << 30 });
    assert_eq!(fault["parameters"], values);
    assert!(
        fault["message"]
            .as_str()
            .unwrap()
            .contains("(2147483648 bytes)")
    );
}

#[test]
fn the_report_of_an_import_and_the_audit_are_in_the_reader_s_language() {
    let plan = Plan::new(PROGRAM).unwrap().with_console().site(SITE);
    let site = plan.start().unwrap();
    let mut admin = Client::first_admin(&site).unwrap();
    admin.says("Accept-Language", "de");
    let csv = "csv=login,mail%0Aalice@example.com,third-party%0Abob@example.net,local";
    let form = Some(("application/x-www-form-urlencoded", csv));
    let begun = admin.ask("POST", "/directory/import", form).unwrap();
    assert_eq!(begun.status, 303, "{}", begun.text());
    let job = begun.header("location").unwrap().to_owned();
    let page = wait::until("the end of the rehearsal", || {
        let page = admin.get(&job).unwrap().text();
        page.contains("Warum, und was zu tun ist").then_some(page)
    });
    let page = page.unwrap();
    for said in [
        "Benutzer alice@example.com",
        "Ein Fremdserver-Benutzer braucht ein Relay",
        "Es gibt keine Domain mit dem Hauptnamen example.net.",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let file = admin.get(&format!("{job}/refused")).unwrap().text();
    assert!(file.contains("Legen Sie die Domain zuerst an"), "{file}");
    let body = json!({ "protect_senders": true });
    let changed = admin.send("PATCH", "/api/v1/domains/example.com", &body);
    assert_eq!(changed.unwrap().status, 200);
    let audit = admin.get("/audit").unwrap().text();
    let label = "Absender dieser Domain von außen ohne Anmeldung ablehnen";
    assert_eq!(text_at(&audit, "title=\"protect_senders\""), label);
}
