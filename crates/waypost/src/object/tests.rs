use super::*;

fn fields(value: &Value) -> Fields {
    value.as_object().cloned().unwrap_or_default()
}

fn made(kind: Kind, name: &str, given: &Value) -> Object {
    make(&key(kind, name).unwrap(), &fields(given)).unwrap()
}

#[test]
fn a_change_leaves_what_it_does_not_name() {
    for (kind, name, given, changed) in [
        (
            Kind::Domain,
            "example.com",
            json!({ "aliases": ["example.org"], "quota": { "user_max": "4 GiB" } }),
            json!({ "quota": { "user_default": "2 GiB" }, "relay": "old" }),
        ),
        (
            Kind::User,
            "jdoe@example.com",
            json!({ "name": "Jane", "mail": "third-party", "relayed": ["jdoe@example.com"] }),
            json!({ "target": "old", "quota": "1 GiB", "suspended": true }),
        ),
        (
            Kind::Target,
            "old",
            json!({ "host": "10.0.0.7:2525", "password": "secret", "username": "me" }),
            json!({ "host": "10.0.0.8:26", "tls": "required" }),
        ),
    ] {
        let object = made(kind, name, &given);
        let after = change(&object, &fields(&changed)).unwrap();
        let (before, after) = (said(&object), said(&after));
        for (name, value) in &before {
            if !changed.as_object().unwrap().contains_key(name) && name != "port" {
                assert_eq!(after.get(name), Some(value), "{name}");
            }
        }
        let quota = after.get("quota").and_then(Value::as_object);
        if let Some(quota) = quota {
            assert_eq!(quota["user_max"], "4 GiB");
            assert_eq!(quota["user_default"], "2 GiB");
        }
    }
}

#[test]
fn an_empty_value_takes_a_field_away() {
    let plain = made(Kind::User, "jdoe@example.com", &json!({}));
    let full = json!({ "target": "old", "quota": "1 GiB", "relayed": ["jdoe@example.com"] });
    let full = change(&plain, &fields(&full)).unwrap();
    let empty = json!({ "target": "", "quota": "", "relayed": [] });
    assert_eq!(change(&full, &fields(&empty)), Ok(plain));
}

#[test]
fn shows_no_secret() {
    let target = json!({ "host": "10.0.0.7", "username": "me", "password": "hunter2" });
    let target = made(Kind::Target, "old", &target);
    let shown = Value::Object(show(&target)).to_string();
    assert!(
        !shown.contains("hunter2") && shown.contains("***"),
        "{shown}"
    );
}

#[test]
fn names_every_mistake_with_its_mend_and_no_line() {
    let given = json!({ "host": "a b", "tls": "yes", "connections": 0, "colour": 1 });
    let faults = make(&key(Kind::Target, "old").unwrap(), &fields(&given)).unwrap_err();
    let at: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
    for field in ["host", "tls", "connections", "colour"] {
        assert!(at.contains(&field), "{field}: {at:?}");
    }
    assert!(
        faults
            .iter()
            .all(|fault| !fault.mend.is_empty() && fault.line.is_none())
    );
}

#[test]
fn a_name_without_its_domain_is_refused() {
    for kind in [Kind::User, Kind::Mailbox, Kind::Group] {
        let fault = key(kind, "jdoe").unwrap_err();
        assert!(fault.mend.contains("jdoe@example.com"), "{fault:?}");
        key(kind, "@example.com").unwrap_err();
    }
}

#[test]
fn peers_and_gateway_domains_are_made_and_changed_like_other_objects() {
    let secret = "0123456789abcdef";
    let given = json!({ "host": "10.0.0.8", "minger_secret": secret, "minger_accept": secret });
    let peer = made(Kind::Peer, "lyon", &given);
    let shown = show(&peer);
    assert_eq!(
        (&shown["minger_secret"], &shown["minger_accept"]),
        (&json!("***"), &json!("***"))
    );
    let changed = change(
        &peer,
        &fields(&json!({ "host": "10.0.0.9:2525", "minger_accept": "" })),
    );
    let after = said(&changed.unwrap());
    assert_eq!(
        (&after["port"], &after["minger_secret"]),
        (&json!(2525), &json!(secret))
    );
    assert_eq!(after["minger_accept"], "");
    let gateway = made(Kind::Gateway, "branch.test", &json!({ "target": "lyon" }));
    let given = json!({ "list": "/etc/waypost/branch", "verify": "list", "sharing_too": false });
    let listed = change(&gateway, &fields(&given)).unwrap();
    assert_eq!(said(&listed)["list"], "/etc/waypost/branch");
    let back = json!({ "list": "", "verify": "callout", "sharing_too": true });
    assert_eq!(change(&listed, &fields(&back)), Ok(gateway));
}

#[test]
fn fields_cannot_name_another_object_or_smuggle_text() {
    let user = key(Kind::User, "jdoe@example.com").unwrap();
    for given in [
        json!({ "domain": "example.net" }),
        json!({ "login": "ann" }),
        json!({ "name = \"x\"\ntarget": "old" }),
        json!({ "suspended = true #": "x" }),
    ] {
        assert!(make(&user, &fields(&given)).is_err(), "{given}");
        let plain = made(Kind::User, "jdoe@example.com", &json!({}));
        assert!(change(&plain, &fields(&given)).is_err(), "{given}");
    }
}

#[test]
fn what_belongs_to_a_third_party_goes_with_it() {
    let given = json!({ "mail": "third-party", "target": "old" });
    let there = made(Kind::User, "jdoe@example.com", &given);
    let here = change(&there, &fields(&json!({ "mail": "local" }))).unwrap();
    assert_eq!(here, made(Kind::User, "jdoe@example.com", &json!({})));
}
