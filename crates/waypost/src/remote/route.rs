//! From what a command asks to a request of the API, and back.

use serde_json::{Map, Value, json};
use waypost_admin::request::{
    CacheAnswer, CacheList, CacheRequest, DkimRequest, Kind, List, LogLevel, Object, PeerRequest,
    Request, TargetRequest, TokenRequest, Trace,
};

use super::queue;
use super::shape::Shape;

/// Why there is no request that asks the same.
pub(super) const ON_THE_SERVER: &str = "run it on the server itself";

/// A request of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) method: &'static str,
    /// Below `/api/v1`, or from the root when it begins with two strokes.
    pub(super) path: String,
    /// Type and content.
    pub(super) body: Option<(&'static str, String)>,
    /// What the object must still be.
    pub(super) revision: Option<u64>,
    /// How the control socket says what comes back.
    pub(super) shape: Shape,
}

impl Call {
    pub(super) fn get(path: String) -> Self {
        Self::new("GET", path)
    }

    pub(super) fn new(method: &'static str, path: String) -> Self {
        Self {
            method,
            path,
            body: None,
            revision: None,
            shape: Shape::Same,
        }
    }

    pub(super) fn post(path: String, body: Option<&Value>) -> Self {
        let call = Self::new("POST", path);
        match body {
            Some(body) => call.with(body),
            None => call,
        }
    }

    pub(super) fn with(mut self, body: &Value) -> Self {
        self.body = Some(("application/json", body.to_string()));
        self
    }

    pub(super) fn said_as(mut self, shape: Shape) -> Self {
        self.shape = shape;
        self
    }
}

/// The request of the API that asks the same; else why there is none.
pub(super) fn of(request: &Request) -> Result<Call, &'static str> {
    Ok(match request {
        Request::Add(object) => add(object),
        Request::AdminPassword { login, password } => {
            let path = format!("/admins/{}/password", segment(login));
            Call::new("POST", path).with(&json!({ "password": password, "must_change": false }))
        }
        Request::Apply(apply) => {
            let (dry_run, prune, force) = (apply.dry_run, apply.prune, apply.force);
            let path = format!("/site?dry_run={dry_run}&prune={prune}&force={force}");
            let body = Some(("application/toml", apply.text.clone()));
            Call {
                body,
                ..Call::new("POST", path)
            }
        }
        Request::Backup { .. } | Request::Reload | Request::Ready => return Err(ON_THE_SERVER),
        Request::Cache(request) => cache(request),
        Request::Dkim(request) => dkim(request),
        Request::Explain(explain) => Call::get(query(
            "/explain",
            &[
                ("address", Some(explain.address.clone())),
                ("sender", explain.sender.clone()),
                ("client", explain.client.clone()),
            ],
        ))
        .said_as(Shape::Explained),
        Request::Export => Call::get("/site".to_owned()).said_as(Shape::Text("site_file")),
        Request::List(wanted) => list(wanted, None, wanted.limit),
        Request::Log(lines) => Call::get(query(
            "/log",
            &[
                ("after", Some(lines.after.to_string())),
                ("level", Some(level(lines.level).to_owned())),
                ("text", lines.text.clone()),
                ("limit", Some(lines.limit.to_string())),
            ],
        )),
        Request::Metrics => Call::get("//metrics".to_owned()).said_as(Shape::Text("text")),
        Request::Overview => Call::get("/overview".to_owned()),
        Request::Peer(request) => peer(request),
        Request::Queue(request) => queue::of(request)?,
        Request::Remove(removal) => Call {
            revision: removal.revision,
            ..Call::new("DELETE", at(removal.kind, &removal.name))
        },
        Request::Set(object) => set(object),
        Request::Show { kind, name } => show(*kind, name).said_as(Shape::Object(*kind)),
        Request::System => Call::get("/system".to_owned()),
        Request::Target(TargetRequest::Health) => {
            Call::get("/health".to_owned()).said_as(Shape::Health)
        }
        Request::Target(TargetRequest::Test { name, address }) => {
            test(Kind::Target, name, address.as_deref())
        }
        Request::Token(request) => token(request),
        Request::Trace(request) => trace(request),
        _ => return Err(ON_THE_SERVER),
    })
}

pub(super) fn show(kind: Kind, name: &str) -> Call {
    Call::get(at(kind, name))
}

pub(super) fn list(wanted: &List, after: Option<&str>, limit: usize) -> Call {
    let given = [
        ("domain", wanted.domain.clone()),
        ("after", after.map(str::to_owned)),
        ("limit", Some(limit.clamp(1, 500).to_string())),
    ];
    Call::get(query(&format!("/{}", collection(wanted.kind)), &given))
}

pub(super) fn set(object: &Object) -> Call {
    let mut fields = object.fields.clone();
    if object.kind == Kind::Admin && fields.contains_key("password") {
        // Passwords have a place of their own.
        let path = format!("{}/password", at(object.kind, &object.name));
        return Call::new("POST", path).with(&Value::Object(fields));
    }
    if object.force {
        fields.insert("force".to_owned(), true.into());
    }
    Call {
        revision: object.revision,
        ..Call::new("PATCH", at(object.kind, &object.name))
    }
    .with(&Value::Object(fields))
}

fn add(object: &Object) -> Call {
    let mut fields = object.fields.clone();
    let mut put = |field: &str, value: &str| fields.insert(field.to_owned(), value.into());
    match (object.kind, object.name.rsplit_once('@')) {
        (Kind::User, Some((login, domain))) => {
            put("login", login);
            put("domain", domain);
        }
        (Kind::Group | Kind::Mailbox, Some((name, domain))) => {
            put("name", name);
            put("domain", domain);
        }
        (Kind::Admin, _) => {
            put("login", &object.name);
        }
        (Kind::Gateway, _) => {
            put("domain", &object.name);
        }
        _ => {
            put("name", &object.name);
        }
    }
    if object.force {
        fields.insert("force".to_owned(), true.into());
    }
    let path = format!("/{}", collection(object.kind));
    Call::new("POST", path).with(&Value::Object(fields))
}

fn cache(request: &CacheRequest) -> Call {
    match request {
        CacheRequest::Drop { address, target } => {
            let path = format!("/cache/{}", segment(address));
            Call::new("DELETE", query(&path, &[("target", target.clone())]))
        }
        CacheRequest::List(list) => remembered(list, list.after.as_deref(), list.limit),
        CacheRequest::Show { address } => Call::get(format!("/cache/{}", segment(address))),
        CacheRequest::Stats => Call::get("/cache/statistics".to_owned()),
    }
}

fn dkim(request: &DkimRequest) -> Call {
    match request {
        DkimRequest::Add {
            domain,
            selector,
            algorithm,
        } => {
            let fields = json!({
                "domain": domain,
                "selector": selector,
                "algorithm": algorithm,
            });
            Call::post("/keys".to_owned(), Some(&fields))
        }
        DkimRequest::List { domain } => Call::get(query("/keys", &[("domain", domain.clone())])),
        DkimRequest::Remove { domain, selector } => {
            let path = format!("/keys/{}/{}", segment(domain), segment(selector));
            Call::new("DELETE", path)
        }
    }
}

fn trace(trace: &Trace) -> Call {
    let given = [
        ("what", Some(trace.what.clone())),
        ("from", trace.from.map(moment)),
        ("to", trace.to.map(moment)),
        ("after", trace.after.clone()),
        ("arrivals", trace.arrivals.then(|| "true".to_owned())),
        ("limit", Some(trace.limit.clamp(1, 1_000).to_string())),
    ];
    Call::get(query("/trace", &given)).said_as(Shape::Traced)
}

pub(super) fn remembered(list: &CacheList, after: Option<&str>, limit: usize) -> Call {
    let answer = list.answer.map(|answer| match answer {
        CacheAnswer::Active => "active".to_owned(),
        CacheAnswer::Unknown => "unknown".to_owned(),
    });
    let given = [
        ("target", list.target.clone()),
        ("answer", answer),
        ("text", list.text.clone()),
        ("after", after.map(str::to_owned)),
        ("limit", Some(limit.clamp(1, 500).to_string())),
    ];
    Call::get(query("/cache", &given))
}

fn peer(request: &PeerRequest) -> Call {
    const CONFLICTS: &str = "/peers/conflicts";
    match request {
        PeerRequest::Audit { domain } => {
            let path = format!("{}/sharing-audit", at(Kind::Domain, domain));
            Call::post(path, None)
        }
        PeerRequest::Conflicts => Call::get(CONFLICTS.to_owned()).said_as(Shape::Items),
        PeerRequest::Forget { address } => {
            Call::new("DELETE", query(CONFLICTS, &[("address", address.clone())]))
        }
        PeerRequest::Test { name, address } => test(Kind::Peer, name, address.as_deref()),
    }
}

fn test(kind: Kind, name: &str, address: Option<&str>) -> Call {
    let body = json!({ "address": address });
    Call::post(format!("{}/test", at(kind, name)), Some(&body))
}

fn token(request: &TokenRequest) -> Call {
    match request {
        TokenRequest::Add(new) => {
            let fields = [
                ("admin", json!(new.admin)),
                ("name", json!(new.name)),
                ("role", json!(new.role)),
                ("domains", json!(new.domains)),
                ("grants", json!(new.grants)),
                ("expires_s", json!(new.expires_s)),
            ];
            let given = fields.into_iter().filter(|(_, value)| !value.is_null());
            let body: Map<String, Value> = given
                .map(|(name, value)| (name.to_owned(), value))
                .collect();
            Call::new("POST", "/tokens".to_owned()).with(&Value::Object(body))
        }
        TokenRequest::List {
            admin,
            after,
            limit,
        } => {
            let after = (*after > 0).then(|| after.to_string());
            let limit = Some((*limit).clamp(1, 500).to_string());
            let given = [("admin", admin.clone()), ("after", after), ("limit", limit)];
            Call::get(query("/tokens", &given)).said_as(Shape::Tokens)
        }
        TokenRequest::Revoke { id } => Call::new("DELETE", format!("/tokens/{}", segment(id))),
        TokenRequest::Show { id } => Call::get(format!("/tokens/{}", segment(id))),
    }
}

fn collection(kind: Kind) -> &'static str {
    match kind {
        Kind::Admin => "admins",
        Kind::Domain => "domains",
        Kind::Gateway => "gateways",
        Kind::Group => "groups",
        Kind::Mailbox => "mailboxes",
        Kind::Peer => "peers",
        Kind::Target => "targets",
        Kind::User => "users",
    }
}

fn at(kind: Kind, name: &str) -> String {
    format!("/{}/{}", collection(kind), segment(name))
}

fn level(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
    }
}

pub(super) fn moment(seconds: u64) -> String {
    let since = std::time::Duration::from_secs(seconds);
    crate::time::show(std::time::SystemTime::UNIX_EPOCH + since)
}

/// A path with a query of what is given.
pub(super) fn query(path: &str, given: &[(&str, Option<String>)]) -> String {
    let given = given.iter().filter_map(|(name, value)| {
        let value = value.as_deref()?;
        Some(format!("{name}={}", segment(value)))
    });
    let given: Vec<String> = given.collect();
    match given.is_empty() {
        true => path.to_owned(),
        false => format!("{path}?{}", given.join("&")),
    }
}

/// A name as one part of an address (RFC 3986 §2.1).
pub(super) fn segment(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for octet in name.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~@".contains(&octet) {
            text.push(char::from(octet));
        } else {
            text += &format!("%{octet:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(request: Value) -> String {
        let request: Request = serde_json::from_value(request).unwrap();
        match of(&request) {
            Ok(call) => {
                let body = call
                    .body
                    .map_or(String::new(), |(_, text)| format!(" {text}"));
                format!("{} {}{body}", call.method, call.path)
            }
            Err(why) => why.to_owned(),
        }
    }

    fn check(table: &[(Value, &str)]) {
        for (request, call) in table {
            assert_eq!(asked(request.clone()), *call);
        }
    }

    #[test]
    fn every_object_has_its_place_in_the_api() {
        let object = |command: &str, kind: &str, name: &str| json!({ "command": command, "kind": kind, "name": name, "fields": {} });
        check(&[
            (
                object("add", "user", "jdoe@example.com"),
                "POST /users {\"domain\":\"example.com\",\"login\":\"jdoe\"}",
            ),
            (
                object("add", "domain", "example.com"),
                "POST /domains {\"name\":\"example.com\"}",
            ),
            (
                object("add", "gateway", "example.com"),
                "POST /gateways {\"domain\":\"example.com\"}",
            ),
            (object("set", "target", "old"), "PATCH /targets/old {}"),
            (
                json!({ "command": "show", "kind": "peer", "name": "lyon/é" }),
                "GET /peers/lyon%2F%C3%A9",
            ),
            (
                json!({ "command": "remove", "kind": "group", "name": "team@example.com" }),
                "DELETE /groups/team@example.com",
            ),
            (
                json!({ "command": "list", "kind": "mailbox", "domain": "example.com",
                    "after": 0, "limit": 1000 }),
                "GET /mailboxes?domain=example.com&limit=500",
            ),
        ]);
    }

    #[test]
    fn every_other_request_has_its_place_in_the_api() {
        let token = |verb: Value| {
            let mut request = json!({ "command": "token" });
            request
                .as_object_mut()
                .unwrap()
                .extend(verb.as_object().unwrap().clone());
            request
        };
        check(&[
            (
                json!({ "command": "admin-password", "login": "berta", "password": "p" }),
                "POST /admins/berta/password {\"must_change\":false,\"password\":\"p\"}",
            ),
            (
                json!({ "command": "apply", "file": "f", "text": "#", "dry_run": true,
                    "prune": false }),
                "POST /site?dry_run=true&prune=false&force=false #",
            ),
            (json!({ "command": "export" }), "GET /site"),
            (json!({ "command": "metrics" }), "GET //metrics"),
            (json!({ "command": "system" }), "GET /system"),
            (
                json!({ "command": "explain", "address": "a&b@example.com", "sender": null,
                    "client": null }),
                "GET /explain?address=a%26b@example.com",
            ),
            (
                json!({ "command": "trace", "what": "x", "from": 0, "limit": 5 }),
                "GET /trace?what=x&from=1970-01-01T00%3A00%3A00Z&limit=5",
            ),
            (
                json!({ "command": "cache", "verb": "drop", "address": "x@example.com",
                    "target": "old" }),
                "DELETE /cache/x@example.com?target=old",
            ),
            (
                token(json!({ "verb": "revoke", "id": "abcdefgh" })),
                "DELETE /tokens/abcdefgh",
            ),
            (
                token(
                    json!({ "verb": "add", "admin": "a", "name": "n", "role": null,
                    "domains": null, "grants": null, "expires_s": 60 }),
                ),
                "POST /tokens {\"admin\":\"a\",\"expires_s\":60,\"name\":\"n\"}",
            ),
            (
                json!({ "command": "backup", "directory": "/x" }),
                "run it on the server itself",
            ),
        ]);
    }

    #[test]
    fn queue_targets_and_peers_have_their_places_in_the_api() {
        check(&[
            (
                json!({ "command": "queue", "verb": "remove", "id": "A", "reason": "s p",
                    "recipients": ["a@b.test", "c@d.test"] }),
                "DELETE /queue/A?reason=s%20p&recipient=a@b.test&recipient=c@d.test",
            ),
            (
                json!({ "command": "queue", "verb": "hold", "what": { "user": "a@b.test" },
                    "reason": "r", "until": 60 }),
                "PUT /holds/user/a@b.test {\"reason\":\"r\",\"until\":\"1970-01-01T00:01:00Z\"}",
            ),
            (
                json!({ "command": "queue", "verb": "flush", "id": null, "target": "old" }),
                "POST /queue/retry {\"target\":\"old\"}",
            ),
            (
                json!({ "command": "queue", "verb": "show", "id": "A", "content": true }),
                "the content of mail is shown on the server itself alone",
            ),
            (
                json!({ "command": "target", "verb": "health" }),
                "GET /health",
            ),
            (
                json!({ "command": "peer", "verb": "audit", "domain": "example.com" }),
                "POST /domains/example.com/sharing-audit",
            ),
        ]);
    }
}
