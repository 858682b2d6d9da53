use serde_json::json;

use super::*;

fn fields(value: &Value) -> Fields {
    value.as_object().cloned().unwrap_or_default()
}

fn object(kind: Kind, name: &str) -> Object {
    new(&key(kind, name).unwrap()).unwrap()
}

#[test]
fn what_is_written_reads_back() {
    let changes = [
        (
            Kind::Domain,
            "example.com",
            json!({
                "aliases": ["example.org"], "relay": "old", "forward_unknown": true,
                "verify_unknown": "none", "postmaster": "root@example.com",
                "quota": { "user_default": "2 GiB" },
            }),
        ),
        (
            Kind::User,
            "jdoe@example.com",
            json!({
                "name": "Jane Doe", "mail": "third-party", "addresses": ["jdoe@*", "j@example.com"],
                "relayed": ["jdoe@*"], "target": "old", "quota": "1 GiB", "suspended": true,
            }),
        ),
        (
            Kind::Mailbox,
            "support@example.com",
            json!({
                "members": ["alice@example.com"], "quota": "0",
            }),
        ),
        (
            Kind::Group,
            "team@example.com",
            json!({
                "members": ["alice@example.com", "x@elsewhere.net"], "owner": "alice@example.com",
            }),
        ),
        (
            Kind::Target,
            "old",
            json!({
                "host": "10.0.0.7:2525", "sources": ["203.0.113.0/24"], "tls": "pinned",
                "tls_pin": "ab".repeat(32), "connections": 3, "recipient": "@old.example.com",
            }),
        ),
    ];
    for (kind, name, given) in changes {
        let mut changed = object(kind, name);
        change(&mut changed, &fields(&given)).unwrap();
        let mut written = write(&changed);
        for name in ["domain", "login", "password"] {
            written.remove(name);
        }
        if kind != Kind::User {
            written.remove("name");
        }
        let mut again = object(kind, name);
        change(&mut again, &written).unwrap();
        assert_eq!(again, changed);
    }
}

#[test]
fn an_empty_value_takes_a_field_away() {
    let mut user = object(Kind::User, "jdoe@example.com");
    change(
        &mut user,
        &fields(&json!({ "target": "old", "quota": "1 GiB" })),
    )
    .unwrap();
    change(&mut user, &fields(&json!({ "target": "", "quota": "" }))).unwrap();
    assert_eq!(user, object(Kind::User, "jdoe@example.com"));
}

#[test]
fn names_every_mistake_with_its_mend() {
    let mut target = object(Kind::Target, "old");
    let given = json!({
        "host": "a b", "port": 0, "tls": "yes", "tls_pin": "ab", "sources": ["10.0.0.7/8"],
        "connections": "many", "recipient": "new", "smart_host_on_error": "x", "colour": 1,
        "password": "file:/nowhere",
    });
    let faults = change(&mut target, &fields(&given)).unwrap_err();
    let mut at: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
    at.sort_unstable();
    assert_eq!(
        at,
        [
            "colour",
            "connections",
            "host",
            "password",
            "port",
            "recipient",
            "smart_host_on_error",
            "sources",
            "tls",
            "tls_pin",
        ]
    );
    assert!(faults.iter().all(|fault| !fault.mend.is_empty()));
}

#[test]
fn a_name_without_its_domain_is_refused() {
    for kind in [Kind::User, Kind::Mailbox, Kind::Group] {
        let fault = key(kind, "jdoe").unwrap_err();
        assert!(fault.mend.contains("jdoe@example.com"), "{fault:?}");
        key(kind, "@example.com").unwrap_err();
    }
}
