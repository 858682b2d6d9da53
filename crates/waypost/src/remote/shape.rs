//! From what the API answers to what the control socket would have said.

use serde_json::{Map, Value, json};
use waypost_admin::request::Kind;

/// What an answer of the API is made into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// It is the same.
    Same,
    /// A verdict: what a step without an answer has is not said.
    Explained,
    /// How targets are: what waits for them is told by the queue.
    Health,
    /// Holds, by what is held.
    Holds,
    /// A list, without what would come next.
    Items,
    /// A message, without its header.
    Message,
    /// An object: what is not set is left out.
    Object(Kind),
    /// A text, in this field.
    Text(&'static str),
    /// Tokens, whose pages have numbers.
    Tokens,
    /// Steps with their fields beside their names.
    Traced,
}

/// Fields of a peer that are said though nothing is known yet.
const SAID_OF_PEERS: [&str; 4] = [
    "last_answer",
    "latency_p50_ms",
    "latency_p99_ms",
    "paused_s",
];
/// What a step says of an answer it rests on.
const OF_ANSWERS: [&str; 6] = ["age_s", "answer", "source", "took_ms", "who", "words"];

impl Shape {
    pub(super) fn of(self, mut value: Value) -> Value {
        match self {
            Self::Same => {}
            Self::Explained => without_answers(&mut value),
            Self::Health => {
                for target in items(&mut value) {
                    without(target, &["oldest_s", "waiting"]);
                }
            }
            Self::Holds => return items(&mut value).iter().map(hold).collect(),
            Self::Items => {
                let items = value.get_mut("items").map(Value::take);
                return items.unwrap_or_default();
            }
            Self::Message => without(&mut value, &["changeable", "header", "header_cut"]),
            Self::Object(kind) => return object(kind, value),
            Self::Text(field) => return json!({ field: value }),
            Self::Tokens => {
                let next = value["next"].as_str().map(str::parse::<u64>);
                if let Some(Ok(next)) = next {
                    value["next"] = next.into();
                }
            }
            Self::Traced => items(&mut value).iter_mut().for_each(step),
        }
        value
    }
}

fn items(value: &mut Value) -> &mut [Value] {
    let items = value.get_mut("items").and_then(Value::as_array_mut);
    items.map(Vec::as_mut_slice).unwrap_or_default()
}

fn without(value: &mut Value, names: &[&str]) {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|name, _| !names.contains(&name.as_str()));
    }
}

fn hold(hold: &Value) -> Value {
    let word = |name: &str| hold[name].as_str().unwrap_or_default();
    json!({
        "held": format!("{} {}", word("kind"), word("name")),
        "reason": hold["reason"],
        "since": hold["since"],
        "until": hold["until"],
    })
}

fn step(step: &mut Value) {
    let Some(whole) = step.as_object_mut() else {
        return;
    };
    if let Some(Value::Object(fields)) = whole.remove("fields") {
        whole.extend(fields);
    }
}

fn without_answers(explained: &mut Value) {
    if let Some(Value::Array(members)) = explained.get_mut("members") {
        members.iter_mut().for_each(without_answers);
    }
    if let Some(Value::Array(steps)) = explained.get_mut("steps") {
        let others = steps.iter_mut().filter(|step| step["code"] != "answer");
        others.for_each(|step| without(step, &OF_ANSWERS));
    }
}

/// An object of the directory; secrets as `***`.
pub(super) fn object(kind: Kind, mut value: Value) -> Value {
    let Some(fields) = value.as_object_mut() else {
        return value;
    };
    let is_peer = kind == Kind::Peer;
    fields.retain(|name, value| {
        !value.is_null() || (is_peer && SAID_OF_PEERS.contains(&name.as_str()))
    });
    match kind {
        Kind::Domain => {
            // What lists of domains say besides.
            for name in ["role", "state", "users"] {
                fields.remove(name);
            }
        }
        Kind::Gateway => secret(fields, "minger_secret_set", "minger_secret", true),
        Kind::Peer => {
            secret(fields, "password_set", "password", true);
            secret(fields, "client_password_set", "client_password", false);
            secret(fields, "minger_secret_set", "minger_secret", true);
            secret(fields, "minger_accept_set", "minger_accept", true);
            let state = standing(fields);
            fields.insert("state".to_owned(), state.into());
        }
        Kind::Target => {
            fields.remove("health");
            secret(fields, "has_password", "password", true);
            secret(fields, "has_client_password", "client_password", false);
        }
        Kind::User => secret(fields, "has_password", "password", false),
        Kind::Admin | Kind::Group | Kind::Mailbox => {}
    }
    value
}

/// Whether there is a secret becomes what stands for it; `always`: also where there is none.
fn secret(fields: &mut Map<String, Value>, flag: &str, field: &str, always: bool) {
    let is_set = fields.remove(flag) == Some(Value::Bool(true));
    let shown = if is_set { "***" } else { "" };
    if is_set || always {
        fields.insert(field.to_owned(), shown.into());
    }
}

/// How a peer answers, in words.
fn standing(fields: &Map<String, Value>) -> String {
    let of = |name: &str| fields.get(name).unwrap_or(&Value::Null);
    match of("minger_state").as_str() {
        Some("silent") => format!("paused for {} s", of("paused_s")),
        Some("answering") => "answering".to_owned(),
        _ => "not asked yet".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_says_what_is_set_and_no_secret() {
        let peer = json!({
            "name": "lyon", "tls_pin": null, "password_set": false, "client_password_set": false,
            "minger_secret_set": true, "minger_accept_set": false, "minger_state": "silent",
            "paused_s": 7, "last_answer": null, "latency_p50_ms": null, "latency_p99_ms": null,
        });
        let expected = json!({
            "name": "lyon", "password": "", "minger_secret": "***", "minger_accept": "",
            "minger_state": "silent", "paused_s": 7, "last_answer": null,
            "latency_p50_ms": null, "latency_p99_ms": null, "state": "paused for 7 s",
        });
        assert_eq!(object(Kind::Peer, peer), expected);
        let user = json!({ "login": "jdoe", "quota": null, "has_password": true });
        let expected = json!({ "login": "jdoe", "password": "***" });
        assert_eq!(object(Kind::User, user), expected);
    }

    #[test]
    fn holds_and_steps_are_said_as_the_control_socket_says_them() {
        let holds = json!({ "items": [
            { "kind": "target", "name": "old", "reason": "r", "since": "s", "until": null },
        ]});
        let expected =
            json!([{ "held": "target old", "reason": "r", "since": "s", "until": null }]);
        assert_eq!(Shape::Holds.of(holds), expected);
        let steps = json!({ "items": [{ "at": "t", "fields": { "to": "x" } }], "next": null });
        let expected = json!({ "items": [{ "at": "t", "to": "x" }], "next": null });
        assert_eq!(Shape::Traced.of(steps), expected);
    }

    #[test]
    fn a_step_says_of_an_answer_only_what_it_rests_on() {
        let step = |code: &str| json!({ "tried": "x", "code": code, "who": null });
        let explained = json!({
            "steps": [step("local"), step("answer")],
            "members": [{ "steps": [step("local")], "members": [] }],
        });
        let plain = json!({ "tried": "x", "code": "local" });
        let expected = json!({
            "steps": [plain, step("answer")],
            "members": [{ "steps": [plain], "members": [] }],
        });
        assert_eq!(Shape::Explained.of(explained), expected);
    }
}
