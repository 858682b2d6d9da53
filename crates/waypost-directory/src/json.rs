//! Records as JSON, for the audit; secrets as `***`.

use std::fmt::{Display, Write};

use crate::model::{
    AdminRecord, DomainRecord, GatewayRecord, GroupRecord, Hold, Object, PeerRecord, SharedRecord,
    TargetRecord, TokenRecord, UserRecord,
};
use crate::sqlite::to_ms;

/// The record as one JSON object.
pub(crate) fn object(object: &Object) -> String {
    match object {
        Object::Admin(record) => admin(record),
        Object::Domain(record) => domain(record),
        Object::Gateway(record) => gateway(record),
        Object::Group(record) => group(record),
        Object::Hold(_, record) => hold(record),
        Object::Mailbox(record) => mailbox(record),
        Object::Peer(record) => peer(record),
        Object::Target(record) => target(record).end(),
        Object::Token(record) => token(record),
        Object::User(record) => user(record),
    }
}

fn admin(record: &AdminRecord) -> String {
    Fields::default()
        .text("login", &record.login)
        .text("name", &record.name)
        .secret("password", record.password.is_some())
        .text("role", record.role)
        .list("domains", &record.domains.words())
        .list("grants", &record.grants)
        .raw("must_change", record.must_change)
        .raw("suspended", record.suspended)
        .end()
}

fn token(record: &TokenRecord) -> String {
    Fields::default()
        .text("id", &record.id)
        .text("admin", &record.admin)
        .text("name", &record.name)
        .secret("hash", true)
        .text("role", record.role)
        .list("domains", &record.domains.words())
        .list("grants", &record.grants)
        .raw("expires_ms", to_ms(record.expires_at))
        .raw("created_ms", to_ms(record.created_at))
        .end()
}

fn domain(record: &DomainRecord) -> String {
    Fields::default()
        .text("name", &record.name)
        .list("aliases", &record.aliases)
        .text_if_any("relay", record.relay.as_ref())
        .raw("forward_unknown", record.forward_unknown)
        .list("sharing", &record.sharing)
        .text("verify_unknown", record.verify_unknown.as_str())
        .raw("protect_senders", record.protect_senders)
        .text_if_any("postmaster", record.postmaster.as_ref())
        .raw("user_max", record.quota.user_max)
        .raw("user_default", record.quota.user_default)
        .raw("shared_max", record.quota.shared_max)
        .raw("shared_default", record.quota.shared_default)
        .end()
}

fn gateway(record: &GatewayRecord) -> String {
    Fields::default()
        .text("domain", &record.domain)
        .text("target", &record.target)
        .text("verify", record.verify.as_str())
        .text_if_any("minger_host", record.minger_host.as_ref())
        .raw("minger_port", record.minger_port)
        .secret("minger_secret", !record.minger_secret.is_empty())
        .text_if_any("list", record.list.as_ref().map(|list| list.display()))
        .raw("sharing_too", record.sharing_too)
        .text("unreachable", record.unreachable.as_str())
        .end()
}

fn group(record: &GroupRecord) -> String {
    Fields::default()
        .text("domain", &record.domain)
        .text("name", &record.name)
        .list("addresses", &record.addresses)
        .list("members", &record.members)
        .text_if_any("owner", record.owner.as_ref())
        .end()
}

fn hold(record: &Hold) -> String {
    Fields::default()
        .text("reason", &record.reason)
        .raw("since_ms", to_ms(record.since))
        .raw_if_any("until_ms", record.until.map(to_ms))
        .end()
}

fn mailbox(record: &SharedRecord) -> String {
    Fields::default()
        .text("domain", &record.domain)
        .text("name", &record.name)
        .list("addresses", &record.addresses)
        .list("members", &record.members)
        .raw_if_any("quota", record.quota_bytes)
        .end()
}

fn peer(record: &PeerRecord) -> String {
    target(&record.target)
        .raw("minger_port", record.minger_port)
        .secret("minger_secret", !record.minger_secret.is_empty())
        .secret("minger_accept", !record.minger_accept.is_empty())
        .list("minger_domains", &record.minger_domains)
        .end()
}

fn target(record: &TargetRecord) -> Fields {
    Fields::default()
        .text("name", &record.name)
        .text("host", &record.host)
        .raw("port", record.port)
        .list("sources", &record.sources)
        .text("tls", record.tls.as_str())
        .text_if_any("tls_pin", record.tls_pin.as_ref())
        .text("username", &record.username)
        .secret("password", !record.password.is_empty())
        .raw("connections", record.connections)
        .text("recipient", &record.recipient)
        .raw("smart_host_on_error", record.smart_host_on_error)
        .raw("cut_through", record.cut_through)
        .text_if_any("client_pin", record.client_pin.as_ref())
        .text("client_login", &record.client_login)
        .secret("client_password", record.client_password.is_some())
}

fn user(record: &UserRecord) -> String {
    let fields = Fields::default()
        .text("domain", &record.domain)
        .text("login", &record.login)
        .text("name", &record.name)
        .text("mail", record.mail)
        .list("addresses", &record.addresses);
    let fields = match &record.relayed {
        Some(relayed) => fields.list("relayed", relayed),
        None => fields,
    };
    fields
        .text_if_any("target", record.target.as_ref())
        .secret("password", record.password.is_some())
        .raw_if_any("quota", record.quota_bytes)
        .raw("suspended", record.suspended)
        .end()
}

#[derive(Debug, Default)]
struct Fields(String);

impl Fields {
    fn name(&mut self, name: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        string(&mut self.0, name);
        self.0.push(':');
    }

    fn text(mut self, name: &str, value: impl Display) -> Self {
        self.name(name);
        string(&mut self.0, &value.to_string());
        self
    }

    fn text_if_any(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    fn raw(mut self, name: &str, value: impl Display) -> Self {
        self.name(name);
        self.0.push_str(&value.to_string());
        self
    }

    fn raw_if_any(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.raw(name, value),
            None => self,
        }
    }

    fn secret(self, name: &str, is_set: bool) -> Self {
        self.text_if_any(name, is_set.then_some("***"))
    }

    fn list(mut self, name: &str, values: &[impl Display]) -> Self {
        self.name(name);
        self.0.push('[');
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.0.push(',');
            }
            string(&mut self.0, &value.to_string());
        }
        self.0.push(']');
        self
    }

    fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// RFC 8259 §7.
fn string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => {
                // Writing to a String cannot fail; all control characters are below U+10000.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_would_end_a_string() {
        let mut out = String::new();
        string(&mut out, "a\"b\\c\r\nd\u{85}é");
        assert_eq!(out, r#""a\"b\\c\u000d\u000ad\u0085é""#);
    }
}
