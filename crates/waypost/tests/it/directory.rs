//! Users, shared mailboxes and groups over the HTTP API: one by one, and many at once.

use serde_json::{Value, json};
use waypost_testkit::http::Client;
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::wait;

use crate::PROGRAM;

const SITE: &str = r#"
[[target]]
name = "old"
host = "192.0.2.1"
[[target]]
name = "branch"
host = "192.0.2.2"
[[domain]]
name = "example.com"
aliases = ["example.org"]
relay = "old"
[[domain]]
name = "example.net"
"#;

/// A site with a console, and its first administrator.
fn site() -> (Site, Client) {
    let plan = Plan::new(PROGRAM).unwrap().with_console().site(SITE);
    let site = plan.start().unwrap();
    let client = Client::first_admin(&site).unwrap();
    (site, client)
}

/// Waits until a job has ended; what came of it.
fn ended(client: &mut Client, begun: &Value) -> Value {
    let path = format!("/api/v1/jobs/{}", begun["job"]);
    let ended = wait::until("the job has ended", || {
        let job = client.get(&path).ok()?.json().ok()?;
        (job["state"] == "done").then(|| job["result"].clone())
    });
    ended.unwrap()
}

fn add(client: &mut Client, body: &Value) -> u16 {
    let answer = client.send("POST", "/api/v1/users", body).unwrap();
    answer.status
}

#[test]
fn a_user_is_made_shown_changed_and_removed() {
    let (_site, mut client) = site();
    let jdoe = json!({ "domain": "example.com", "login": "jdoe", "name": "Jane",
        "mail": "third-party", "target": "branch", "password": "a good password" });
    assert_eq!(add(&mut client, &jdoe), 201);
    assert_eq!(add(&mut client, &jdoe), 409);
    let path = "/api/v1/users/jdoe@example.com";
    let shown = client.get(path).unwrap();
    let tag = shown.header("etag").unwrap().to_owned();
    let user = shown.json().unwrap();
    assert_eq!(user["target"], "branch");
    assert_eq!(user["has_password"], true);
    assert!(user.get("password").is_none(), "{user}");
    let here = json!({ "mail": "local", "quota": "1 GiB" });
    client.says("If-Match", &tag);
    assert_eq!(client.send("PATCH", path, &here).unwrap().status, 200);
    // The same once more is not what that revision was about.
    assert_eq!(client.send("PATCH", path, &here).unwrap().status, 412);
    client.says("If-Match", "*");
    let user = client.get(path).unwrap().json().unwrap();
    assert_eq!(user["target"], Value::Null);
    assert_eq!(user["quota"], "1 GiB");
    let elsewhere = json!({ "domain": "example.net" });
    assert_eq!(client.send("PATCH", path, &elsewhere).unwrap().status, 422);
    let suspend = format!("{path}/suspend");
    assert_eq!(client.ask("POST", &suspend, None).unwrap().status, 200);
    let found = client.get("/api/v1/users?state=suspended&text=JANE");
    let found = found.unwrap().json().unwrap();
    assert_eq!(found["items"][0]["login"], "jdoe");
    assert_eq!(client.ask("DELETE", path, None).unwrap().status, 200);
    assert_eq!(client.get(path).unwrap().status, 404);
}

#[test]
fn a_file_is_tried_then_imported_and_exported_again() {
    let (_site, mut client) = site();
    let file = "login,name,mail,addresses,target,quota\n\
                jdoe@example.com,\"Doe, Jane\",third-party,jdoe@* jane@example.org,branch,\n\
                ann@example.com,'=1+1,local,,,2 GiB\n\
                bob@example.com,Bob,local,jdoe@*,,\n\
                eve@nowhere.test,Eve,local,,,\n\
                ann@example.com,Ann again,local,,,\n";
    let import = |client: &mut Client, query: &str| {
        let path = format!("/api/v1/users/import{query}");
        let begun = client.ask("POST", &path, Some(("text/csv", file))).unwrap();
        assert_eq!(begun.status, 202, "{}", begun.text());
        ended(client, &begun.json().unwrap())
    };
    let tried = import(&mut client, "?dry_run=true");
    let users = client.get("/api/v1/users").unwrap().json().unwrap();
    assert_eq!(users["items"], json!([]));
    let done = import(&mut client, "");
    for result in [&tried, &done] {
        assert_eq!(result["created"], 2, "{result}");
        assert_eq!(result["refused"], 3, "{result}");
        let lines: Vec<&Value> = result["named"]
            .as_array()
            .unwrap()
            .iter()
            .map(|fault| &fault["line"])
            .collect();
        for line in [4, 5, 6] {
            assert!(lines.contains(&&json!(line)), "{result}");
        }
    }
    let again = import(&mut client, "");
    assert_eq!(again["unchanged"], 2, "{again}");
    let exported = client.get("/api/v1/users/export").unwrap().text();
    assert!(exported.contains("\"Doe, Jane\",third-party,jdoe@* jane@example.org,,branch,,no"));
    assert!(exported.contains(",'=1+1,local,"), "{exported}");
}

#[test]
fn many_users_are_changed_and_each_refused_one_is_told() {
    let (_site, mut client) = site();
    for (domain, login) in [
        ("example.com", "a"),
        ("example.com", "b"),
        ("example.net", "c"),
    ] {
        let body = json!({ "domain": domain, "login": login });
        assert_eq!(add(&mut client, &body), 201);
    }
    // example.net has no relay that its user could live on.
    let all = json!({ "filter": {}, "action": "set-mail", "mail": "third-party" });
    let begun = client.send("POST", "/api/v1/users/actions", &all).unwrap();
    let done = ended(&mut client, &begun.json().unwrap());
    assert_eq!((&done["changed"], &done["refused"]), (&json!(2), &json!(1)));
    assert_eq!(done["named"][0]["object"], "user c@example.net", "{done}");
    let some = json!({ "names": ["a@example.com", "nobody@example.com"],
        "action": "set-target", "target": "branch" });
    let begun = client.send("POST", "/api/v1/users/actions", &some).unwrap();
    let done = ended(&mut client, &begun.json().unwrap());
    assert_eq!((&done["changed"], &done["refused"]), (&json!(1), &json!(1)));
    let found = client.get("/api/v1/users?target=branch").unwrap();
    let found = found.json().unwrap();
    assert_eq!(found["items"].as_array().unwrap().len(), 1, "{found}");
}

#[test]
fn shared_mailboxes_and_groups_have_the_same_verbs() {
    let (_site, mut client) = site();
    let user = json!({ "domain": "example.com", "login": "jdoe" });
    assert_eq!(add(&mut client, &user), 201);
    for kind in ["mailboxes", "groups"] {
        let path = format!("/api/v1/{kind}");
        let name = &kind[..4];
        let body = json!({ "domain": "example.com", "name": name,
            "members": ["jdoe@example.com"] });
        assert_eq!(client.send("POST", &path, &body).unwrap().status, 201);
        let one = format!("{path}/{name}@example.com");
        let change = json!({ "addresses": [format!("{name}@*")] });
        assert_eq!(client.send("PATCH", &one, &change).unwrap().status, 200);
        let found = client.get(&format!("{path}?text={name}")).unwrap();
        let found = found.json().unwrap();
        assert_eq!(found["items"][0]["addresses"][0], format!("{name}@*"));
        assert_eq!(client.ask("DELETE", &one, None).unwrap().status, 200);
    }
}
