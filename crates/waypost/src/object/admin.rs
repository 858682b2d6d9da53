//! Administrators: the site file does not keep them, so their fields are read and written here.

use serde_json::{Value, json};
use waypost_admin::request::{Fault, words};
use waypost_directory::{AdminRecord, Grant, Key, PasswordHash, Role, Scope, Words};

use super::Fields;

/// All fields; whether there is a password instead of it.
pub(super) fn show(record: &AdminRecord) -> Fields {
    let grants: Vec<&str> = record.grants.iter().map(|grant| grant.as_str()).collect();
    let fields = json!({
        "login": record.login,
        "name": record.name,
        "role": record.role.as_str(),
        "domains": record.domains.words(),
        "grants": grants,
        "has_password": record.password.is_some(),
        "must_change": record.must_change,
        "suspended": record.suspended,
    });
    fields.as_object().cloned().unwrap_or_default()
}

/// A new one; every mistake at once.
pub(super) fn make(login: &str, given: &Fields) -> Result<AdminRecord, Vec<Fault>> {
    let none = Scope::Domains(Vec::new());
    let mut record = AdminRecord::new(login, Role::Helpdesk);
    record.domains = none;
    let mut reading = Reading::new(record);
    if !given.contains_key("role") {
        let words = words::IS_MISSING.mended(words::WRITE_ONE_OF);
        reading.fault("role", words.having("roles", &roles()));
    }
    reading.read(given)
}

/// The same with other fields; every mistake at once.
pub(super) fn change(record: &AdminRecord, given: &Fields) -> Result<AdminRecord, Vec<Fault>> {
    let was = record.role;
    let mut reading = Reading::new(record.clone());
    let is_limited_now = given.get("role").is_some_and(|role| role != was.as_str());
    if was == Role::Superadministrator && is_limited_now && !given.contains_key("domains") {
        reading.fault("domains", words::DOMAINS_WITH_ROLE);
    }
    reading.read(given)
}

fn roles() -> String {
    Role::ALL.map(Role::as_str).join(", ")
}

struct Reading {
    record: AdminRecord,
    faults: Vec<Fault>,
}

impl Reading {
    fn new(record: AdminRecord) -> Self {
        Self {
            record,
            faults: Vec::new(),
        }
    }

    fn fault(&mut self, field: &str, words: impl Into<Words>) {
        let object = Key::Admin(self.record.login.clone()).to_string();
        self.faults.push(Fault::new(&object, field, words));
    }

    fn read(mut self, given: &Fields) -> Result<AdminRecord, Vec<Fault>> {
        for (field, value) in given {
            self.field(field, value);
        }
        if self.record.role == Role::Superadministrator && !given.contains_key("domains") {
            self.record.domains = Scope::All;
        }
        if self.faults.is_empty() {
            Ok(self.record)
        } else {
            Err(self.faults)
        }
    }

    fn field(&mut self, field: &str, value: &Value) {
        match (field, value) {
            ("name", Value::String(name)) => self.record.name.clone_from(name),
            ("must_change", Value::Bool(must)) => self.record.must_change = *must,
            ("suspended", Value::Bool(suspended)) => self.record.suspended = *suspended,
            ("role", Value::String(word)) => self.role(word),
            ("password", Value::String(hash)) => self.password(hash),
            ("domains" | "grants", Value::Array(words)) => {
                let words: Option<Vec<&str>> = words.iter().map(Value::as_str).collect();
                match (words, field) {
                    (Some(words), "domains") => self.domains(&words),
                    (Some(words), _) => self.grants(&words),
                    (None, _) => self.fault(field, words::LIST_OF_TEXTS),
                }
            }
            (
                "name" | "must_change" | "suspended" | "role" | "password" | "domains" | "grants",
                _,
            ) => self.fault(field, words::TYPE_OTHER),
            _ => self.fault(field, words::ADMIN_FIELD_UNKNOWN),
        }
    }

    fn role(&mut self, word: &str) {
        match Role::parse(word) {
            Some(role) => self.record.role = role,
            None => {
                let words = words::ROLE_UNKNOWN.quoting("role", word);
                self.fault("role", words.having("roles", &roles()));
            }
        }
    }

    fn domains(&mut self, words: &[&str]) {
        match Scope::from_words(words) {
            Some(scope) => self.record.domains = scope,
            None => self.fault("domains", words::DOMAINS_ARE_NONE),
        }
    }

    fn grants(&mut self, words: &[&str]) {
        let grants: Option<Vec<Grant>> = words.iter().map(|word| Grant::parse(word)).collect();
        match grants {
            Some(grants) => self.record.grants = grants,
            None => self.fault("grants", words::GRANTS_UNKNOWN),
        }
    }

    fn password(&mut self, hash: &str) {
        if hash.is_empty() {
            self.record.password = None;
            return;
        }
        match PasswordHash::parse(hash) {
            Ok(hash) => self.record.password = Some(hash),
            Err(error) => {
                let words = words::AS_SAID.having("said", &error);
                self.fault("password", words.mended(words::WRITE_OTHER_HASH));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(value: &Value) -> Fields {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn who_is_new_has_only_the_domains_that_are_named() {
        let clerk = make("clerk", &fields(&json!({ "role": "helpdesk" }))).unwrap();
        assert_eq!(clerk.domains, Scope::Domains(Vec::new()));
        let root = make("root", &fields(&json!({ "role": "superadministrator" }))).unwrap();
        assert_eq!(root.domains, Scope::All);
    }

    #[test]
    fn a_superadministrator_who_becomes_less_does_not_keep_all_domains() {
        let root = AdminRecord::new("root", Role::Superadministrator);
        let less = json!({ "role": "helpdesk" });
        let faults = change(&root, &fields(&less)).unwrap_err();
        assert_eq!(faults[0].field, "domains");
        let less = json!({ "role": "helpdesk", "domains": ["example.com"] });
        let clerk = change(&root, &fields(&less)).unwrap();
        assert_eq!(clerk.domains.words(), ["example.com"]);
    }

    #[test]
    fn every_mistake_is_named() {
        let wrong = json!({ "role": "king", "domains": "*", "grants": ["all"], "rank": 1 });
        let faults = make("king", &fields(&wrong)).unwrap_err();
        let mut named: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        named.sort_unstable();
        assert_eq!(named, ["domains", "grants", "rank", "role"]);
    }

    #[test]
    fn no_field_shows_a_password() {
        let mut root = AdminRecord::new("root", Role::Superadministrator);
        root.password = Some(PasswordHash::make("a sentence of mine").unwrap());
        let shown = Value::Object(show(&root)).to_string();
        assert!(!shown.contains("argon2"), "{shown}");
        assert!(shown.contains("\"has_password\":true"), "{shown}");
    }
}
