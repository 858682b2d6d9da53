//! What the test of rights knows of the API beside its description: where things are, and whose.

use serde_json::{Map, Value, json};

/// What limited administrators own.
pub(crate) const OWN: &str = "example.com";
/// What they must see nothing of.
pub(crate) const FOREIGN: &str = "example.net";

/// Whose a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In their domain.
    Own,
    /// In another's.
    Foreign,
    /// The site's, or a list of whatever they may see.
    Site,
}

/// An operation of the API.
pub(crate) struct Operation {
    pub(crate) method: String,
    pub(crate) path: String,
    /// The right that it needs; none: it is for everybody.
    pub(crate) right: Option<String>,
    /// The body that its description asks for, with its type.
    pub(crate) body: Option<(String, String)>,
}

/// Everything that the description has.
pub(crate) fn operations(description: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, operations) in description["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let is_verb = ["get", "post", "put", "patch", "delete"].contains(&method.as_str());
            if !is_verb {
                continue;
            }
            let mut schemes = operation["security"][0].as_object().into_iter().flatten();
            let right = schemes.next().and_then(|(_, scopes)| scopes[0].as_str());
            all.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                right: right.map(str::to_owned),
                body: body(description, &operation["requestBody"]),
            });
        }
    }
    assert!(all.len() > 10, "the description has no operations");
    all
}

/// Names for the parameters of a path; a path that is new has to be added here.
pub(crate) fn places(path: &str, known: &Known) -> Vec<(String, Place)> {
    let parts: Vec<&str> = path.trim_start_matches("/api/v1/").split('/').collect();
    let holes = parts.iter().filter(|part| part.starts_with('{')).count();
    if holes == 0 {
        let asked = |query: &str, place| (format!("{path}?{query}"), place);
        return match parts[..] {
            ["explain"] => vec![
                asked("address=alice@example.com", Place::Own),
                asked("address=bob@example.net", Place::Foreign),
            ],
            // The mail of all domains is counted together.
            ["statistics"] => vec![(path.to_owned(), Place::Foreign)],
            ["trace"] => vec![asked("what=bob@example.net", Place::Site)],
            ["users" | "mailboxes" | "groups"] => vec![
                (path.to_owned(), Place::Site),
                asked("domain=example.net", Place::Site),
            ],
            _ => vec![(path.to_owned(), Place::Site)],
        };
    }
    let names: Vec<(&str, Place)> = match parts[0] {
        "admins" => vec![("victim", Place::Site)],
        "cache" | "users" => vec![
            ("alice@example.com", Place::Own),
            ("bob@example.net", Place::Foreign),
        ],
        "domains" => vec![(OWN, Place::Own), (FOREIGN, Place::Foreign)],
        "gateways" => vec![("gate.example", Place::Site)],
        "groups" => vec![
            ("team@example.com", Place::Own),
            ("team@example.net", Place::Foreign),
        ],
        "holds" => vec![
            ("domain/example.net", Place::Site),
            ("target/old", Place::Site),
        ],
        "jobs" => vec![(&known.job, Place::Foreign)],
        "keys" => vec![
            ("example.com/wp1", Place::Own),
            ("example.net/wp1", Place::Foreign),
        ],
        "mailboxes" => vec![
            ("info@example.com", Place::Own),
            ("info@example.net", Place::Foreign),
        ],
        "peers" => vec![("lyon", Place::Site)],
        "queue" => vec![(&known.message, Place::Foreign)],
        "targets" => vec![("old", Place::Site)],
        "tokens" => vec![(&known.token, Place::Foreign)],
        other => panic!("say in rights_table.rs what {path} is: {other} is new"),
    };
    let filled = names.into_iter().map(|(name, place)| {
        let mut names = name.split('/');
        let filled = parts.iter().map(|part| match part.starts_with('{') {
            true => names.next().unwrap_or("1"),
            false => part,
        });
        let filled: Vec<&str> = filled.collect();
        (format!("/api/v1/{}", filled.join("/")), place)
    });
    filled.collect()
}

/// Names that the site has given.
pub(crate) struct Known {
    /// A job of the superadministrator.
    pub(crate) job: String,
    /// A message between addresses that are not theirs.
    pub(crate) message: String,
    /// A token of somebody else.
    pub(crate) token: String,
}

fn body(description: &Value, request: &Value) -> Option<(String, String)> {
    let (kind, content) = request["content"].as_object()?.iter().next()?;
    if kind != "application/json" {
        return Some((kind.clone(), String::new()));
    }
    let made = sample(description, &content["schema"], "");
    Some((kind.clone(), made.to_string()))
}

/// The least value that a schema takes.
fn sample(description: &Value, schema: &Value, name: &str) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let of = reference.rsplit('/').next().unwrap();
        return sample(description, &description["components"]["schemas"][of], name);
    }
    if let Some(found) = known(name) {
        return found;
    }
    for given in ["example", "default"] {
        if !schema[given].is_null() {
            return schema[given].clone();
        }
    }
    for one in ["enum", "examples"] {
        if let Some(first) = schema[one].as_array().and_then(|all| all.first()) {
            return first.clone();
        }
    }
    if let Some(all) = schema["allOf"].as_array() {
        let mut whole = Map::new();
        for part in all {
            let part = sample(description, part, name);
            whole.extend(part.as_object().cloned().unwrap_or_default());
        }
        return Value::Object(whole);
    }
    for one in ["oneOf", "anyOf"] {
        let mut all = schema[one].as_array().into_iter().flatten();
        if let Some(one) = all.find(|one| one["type"] != "null") {
            return sample(description, one, name);
        }
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds[0].as_str(),
        kind => kind.as_str(),
    };
    match kind {
        Some("array") => json!([]),
        Some("boolean") => json!(false),
        Some("integer" | "number") => schema["minimum"].as_i64().unwrap_or(1).into(),
        Some("string") => json!("something"),
        _ => {
            let required = schema["required"].as_array().into_iter().flatten();
            let fields = required.filter_map(Value::as_str).map(|field| {
                let made = sample(description, &schema["properties"][field], field);
                (field.to_owned(), made)
            });
            Value::Object(fields.collect())
        }
    }
}

/// Fields whose values must be something that could be.
fn known(field: &str) -> Option<Value> {
    Some(match field {
        "address" => json!("bob@example.net"),
        "domain" => json!(FOREIGN),
        "host" => json!("127.0.0.1"),
        _ => return None,
    })
}
