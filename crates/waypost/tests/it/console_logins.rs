//! Logins of the console: where they come from, and who must wait for whom.

use std::net::SocketAddr;

use serde_json::json;
use waypost_testkit::http::{Answer, Client, PASSWORD};
use waypost_testkit::site::{Plan, Site};

use crate::PROGRAM;

fn site(console: &str) -> Site {
    let plan = Plan::new(PROGRAM).unwrap().with_console();
    let site = plan.section("console", console).start().unwrap();
    drop(Client::first_admin(&site).unwrap());
    site
}

/// A login with these headers.
fn try_login(at: SocketAddr, password: &str, headers: &[(&str, &str)]) -> Answer {
    let mut client = Client::new(at);
    for (name, value) in headers {
        client.says(name, value);
    }
    let credentials = json!({ "login": "admin0", "password": password });
    client
        .send("POST", "/api/v1/session", &credentials)
        .unwrap()
}

/// The cookie by which the browser is known, of a login that succeeds.
fn known_browser(at: SocketAddr) -> String {
    let answer = try_login(at, PASSWORD, &[]);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let cookies = answer
        .headers
        .iter()
        .filter(|(name, _)| name == "set-cookie");
    let cookies = cookies.map(|(_, cookie)| cookie.split(';').next().unwrap());
    let mut cookies = cookies.filter(|cookie| cookie.starts_with("waypost_known_"));
    cookies.next().expect("the browser is known").to_owned()
}

fn guess(at: SocketAddr, headers: &[(&str, &str)]) {
    for _ in 0..10 {
        let answer = try_login(at, "guessed", headers);
        assert_eq!(answer.status, 401, "{}", answer.text());
    }
    let answer = try_login(at, PASSWORD, headers);
    assert_eq!(answer.status, 429, "{}", answer.text());
    assert!(answer.header("retry-after").is_some());
}

#[test]
fn who_has_logged_in_in_this_browser_does_not_wait_for_those_who_guess() {
    let mut site = site("");
    let at = site.console();
    let known = known_browser(at);
    guess(at, &[]);
    assert_eq!(try_login(at, PASSWORD, &[("Cookie", &known)]).status, 200);
    let forged = known.replace('.', ".0");
    assert_eq!(try_login(at, PASSWORD, &[("Cookie", &forged)]).status, 429);
    // Nor may he guess without end there.
    for _ in 0..5 {
        let answer = try_login(at, "guessed", &[("Cookie", &known)]);
        assert_eq!(answer.status, 401);
    }
    assert_eq!(try_login(at, PASSWORD, &[("Cookie", &known)]).status, 429);
    site.stop().unwrap();
    site.launch().unwrap();
    guess(site.console(), &[]);
    let answer = try_login(site.console(), PASSWORD, &[("Cookie", &known)]);
    assert_eq!(answer.status, 200, "a restart forgets no browser");
}

#[test]
fn a_trusted_proxy_says_who_guesses_and_who_changes_something() {
    let site = site("trusted_proxies = [\"127.0.0.0/8\"]\n");
    let at = site.console();
    guess(at, &[("X-Forwarded-For", "198.51.100.7, 203.0.113.9")]);
    guess(at, &[("Forwarded", "for=203.0.113.10;proto=https")]);
    let owner = [("X-Forwarded-For", "203.0.113.11")];
    assert_eq!(try_login(at, PASSWORD, &owner).status, 200);
    site.wait_for_log(&["203.0.113.9 must wait 15 minutes"])
        .unwrap();
    site.wait_for_log(&["admin0 has logged in from 203.0.113.11"])
        .unwrap();
    let token = site
        .tell(&["token", "add", "admin0", "--name", "script"])
        .unwrap();
    let mut script = Client::with_token(at, token.trim());
    script.says(owner[0].0, owner[0].1);
    let made = script.send("POST", "/api/v1/domains", &json!({ "name": "example.com" }));
    assert_eq!(made.unwrap().status, 201);
    let audit = script.get("/api/v1/audit").unwrap().json().unwrap();
    let from = audit["items"][0]["from"].as_str().unwrap();
    assert!(from.starts_with("203.0.113.11, token "), "{from}");
}

#[test]
fn nobody_but_a_trusted_proxy_is_believed() {
    for console in ["", "trusted_proxies = [\"192.0.2.1\"]\n"] {
        let site = site(console);
        let at = site.console();
        for host in 1..=10 {
            let (one, other) = (format!("203.0.113.{host}"), format!("for=203.0.113.{host}"));
            let headers = [
                ("X-Forwarded-For", one.as_str()),
                ("Forwarded", other.as_str()),
            ];
            assert_eq!(try_login(at, "guessed", &headers).status, 401);
        }
        let headers = [("X-Forwarded-For", "203.0.113.99")];
        assert_eq!(try_login(at, PASSWORD, &headers).status, 429);
        assert!(!site.log().contains("203.0.113."), "{}", site.log());
    }
}
