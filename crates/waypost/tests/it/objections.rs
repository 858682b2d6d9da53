//! What peers object to, in the API and on the pages: nothing is saved before somebody says that it
//! shall be all the same.

use serde_json::{Value, json};
use waypost_testkit::http::{Answer, Client, PASSWORD};
use waypost_testkit::minger::MingerPeer;
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, Site};

use crate::PROGRAM;

/// The button with which it is saved all the same.
const FORCE: &str = "name=\"force\"";

/// A site with alice that shares example.com with a peer, which has others.
struct Shared {
    site: Site,
    admin: Client,
    lyon: MingerPeer,
}

fn shared() -> Shared {
    let at = unused_address().unwrap();
    let mut lyon = MingerPeer::plan(at);
    for name in ["carol", "dave", "desk", "team"] {
        lyon = lyon.knows(&format!("{name}@example.com"));
    }
    let lyon = lyon.start().unwrap();
    let file = format!(
        "[[peer]]\nname = \"lyon\"\nhost = \"{at}\"\nport = 2525\n\
         [[domain]]\nname = \"example.com\"\nsharing = [\"lyon\"]\n\
         [[user]]\ndomain = \"example.com\"\nlogin = \"alice\"\n\
         addresses = [\"alice@example.com\"]\n"
    );
    let plan = Plan::new(PROGRAM).unwrap().with_console();
    let plan = plan.section("minger", "anonymous = true\ntimeout = \"300ms\"\n");
    let site = plan.site(&file).start().unwrap();
    let admin = Client::first_admin(&site).unwrap();
    Shared { site, admin, lyon }
}

/// Sends a form.
fn post(client: &mut Client, path: &str, form: &str) -> Answer {
    let kind = "application/x-www-form-urlencoded";
    client.ask("POST", path, Some((kind, form))).unwrap()
}

fn with_force(body: &Value) -> Value {
    let mut body = body.clone();
    body["force"] = true.into();
    body
}

#[test]
fn the_api_saves_what_a_peer_objects_to_by_force_only() {
    let Shared {
        site: _site,
        mut admin,
        lyon: _lyon,
    } = shared();
    for (kind, name, body) in [
        (
            "users",
            "carol@example.com",
            json!({ "domain": "example.com", "login": "carol",
                "addresses": ["carol@example.com"] }),
        ),
        (
            "mailboxes",
            "desk@example.com",
            json!({ "domain": "example.com", "name": "desk",
                "addresses": ["desk@example.com"], "members": [] }),
        ),
        (
            "groups",
            "team@example.com",
            json!({ "domain": "example.com", "name": "team",
                "addresses": ["team@example.com"], "members": ["alice@example.com"] }),
        ),
    ] {
        let (all, one) = (format!("/api/v1/{kind}"), format!("/api/v1/{kind}/{name}"));
        let refused = admin.send("POST", &all, &body).unwrap();
        assert_eq!(refused.status, 409, "{name}: {}", refused.text());
        let problem = &refused.json().unwrap()["problems"][0];
        assert_eq!(problem["field"], "addresses", "{problem}");
        let message = problem["message"].as_str().unwrap();
        assert!(
            message.contains("lyon") && message.contains(name),
            "{problem}"
        );
        assert_eq!(admin.get(&one).unwrap().status, 404, "{name}");
        let saved = admin.send("POST", &all, &with_force(&body)).unwrap();
        assert_eq!(saved.status, 201, "{name}: {}", saved.text());
        assert_eq!(admin.get(&one).unwrap().status, 200, "{name}");
    }
    let alice = "/api/v1/users/alice@example.com";
    let more = json!({ "addresses": ["alice@example.com", "dave@example.com"] });
    let refused = admin.send("PATCH", alice, &more).unwrap();
    assert_eq!(refused.status, 409, "{}", refused.text());
    let addresses =
        |admin: &mut Client| admin.get(alice).unwrap().json().unwrap()["addresses"].take();
    assert_eq!(addresses(&mut admin), json!(["alice@example.com"]));
    let saved = admin.send("PATCH", alice, &with_force(&more)).unwrap();
    assert_eq!(saved.status, 200, "{}", saved.text());
    assert_eq!(addresses(&mut admin), more["addresses"]);
    // Who has overruled whom is kept.
    let audit = admin.get("/api/v1/audit?object=user%20carol").unwrap();
    let audit = audit.json().unwrap();
    let from = audit["items"][0]["from"].as_str().unwrap();
    assert!(
        from.contains("forced: ") && from.contains("lyon"),
        "{audit}"
    );
}

#[test]
fn a_silent_peer_is_overruled_by_force_only() {
    let Shared {
        site: _site,
        mut admin,
        lyon,
    } = shared();
    lyon.be_silent();
    let body = json!({ "domain": "example.com", "login": "new",
        "addresses": ["new@example.com"] });
    let refused = admin.send("POST", "/api/v1/users", &body).unwrap();
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(refused.text().contains("lyon"), "{}", refused.text());
    let page = post(
        &mut admin,
        "/users",
        "domain=example.com&login=new&mail=local",
    );
    assert!(page.text().contains(FORCE), "{}", page.text());
    let saved = admin.send("POST", "/api/v1/users", &with_force(&body));
    assert_eq!(saved.unwrap().status, 201);
}

#[test]
fn the_pages_ask_before_they_save_what_a_peer_objects_to() {
    let Shared {
        site,
        mut admin,
        lyon: _lyon,
    } = shared();
    for (kind, form, name) in [
        (
            "users",
            "login=carol&name=Carol&mail=local",
            "carol@example.com",
        ),
        (
            "mailboxes",
            "name=desk&members=alice%40example.com",
            "desk@example.com",
        ),
        (
            "groups",
            "name=team&members=alice%40example.com",
            "team@example.com",
        ),
    ] {
        let (path, form) = (format!("/{kind}"), format!("domain=example.com&{form}"));
        let one = format!("/api/v1/{kind}/{name}");
        let first = admin.get(&format!("/{kind}/new")).unwrap().text();
        assert!(
            !first.contains(FORCE),
            "offered before anybody has objected: {first}"
        );
        let asked = post(&mut admin, &path, &form);
        let page = asked.text();
        assert_eq!(asked.status, 409, "{name}: {page}");
        assert!(
            page.contains(FORCE) && page.contains("Save all the same"),
            "{page}"
        );
        assert!(page.contains("lyon") && page.contains(name), "{page}");
        assert_eq!(admin.get(&one).unwrap().status, 404, "{name}");
        let saved = post(&mut admin, &path, &format!("{form}&force=on"));
        assert_eq!(saved.status, 303, "{name}: {}", saved.text());
        assert_eq!(admin.get(&one).unwrap().status, 200, "{name}");
    }
    let mail = "/users/alice@example.com/mail";
    let page = admin.get(mail).unwrap().text();
    assert!(!page.contains(FORCE), "{page}");
    let revision = site.ask(&["user", "show", "alice@example.com"]).unwrap()["revision"].take();
    let form = format!(
        "revision={revision}&mail=local&quota=default&default=0&local-0=alice&at-0=example.com\
         &local-1=dave&at-1=example.com"
    );
    let asked = post(&mut admin, mail, &form);
    let page = asked.text();
    assert_eq!(asked.status, 409, "{page}");
    assert!(page.contains(FORCE) && page.contains("lyon"), "{page}");
    // What was typed is still in the form.
    assert!(page.contains("value=\"dave\""), "{page}");
    let addresses =
        || site.ask(&["user", "show", "alice@example.com"]).unwrap()["addresses"].take();
    assert_eq!(addresses(), json!(["alice@example.com"]));
    let saved = post(&mut admin, mail, &format!("{form}&force=on"));
    assert_eq!(saved.status, 303, "{}", saved.text());
    assert_eq!(
        addresses(),
        json!(["alice@example.com", "dave@example.com"])
    );
}

#[test]
fn who_looks_after_users_alone_cannot_overrule_a_peer() {
    let Shared {
        site, lyon: _lyon, ..
    } = shared();
    let add = ["admin", "add", "ulla", "--role", "user-administrator"];
    let add = [&add[..], &["--domains", "example.com", "--password-stdin"]].concat();
    let added = site.run_with_input(&add, &format!("{PASSWORD}\n")).unwrap();
    assert!(added.status.success(), "{added:?}");
    let mut ulla = Client::log_in(site.console(), "ulla", PASSWORD).unwrap();
    let csrf = ulla.get("/api/v1/session").unwrap().json().unwrap();
    ulla.says("X-CSRF-Token", csrf["csrf"].as_str().unwrap());
    let body = json!({ "domain": "example.com", "login": "carol",
        "addresses": ["carol@example.com"] });
    let refused = ulla
        .send("POST", "/api/v1/users", &with_force(&body))
        .unwrap();
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert_eq!(refused.json().unwrap()["problems"][0]["field"], "force");
    let form = "domain=example.com&login=carol&mail=local";
    let asked = post(&mut ulla, "/users", form);
    assert_eq!(asked.status, 409, "{}", asked.text());
    assert!(!asked.text().contains(FORCE), "{}", asked.text());
    let forced = post(&mut ulla, "/users", &format!("{form}&force=on"));
    assert_eq!(forced.status, 403, "{}", forced.text());
    assert_eq!(
        ulla.get("/api/v1/users/carol@example.com").unwrap().status,
        404
    );
}
