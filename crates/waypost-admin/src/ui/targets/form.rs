//! The form of a target: what is in its fields, and what it sets.

use serde_json::{Map, Value};

use crate::api::v1::targets::{Target, TlsPolicy};
use crate::input::Fields;

/// What is in the fields, as text.
#[derive(Debug, Clone, Default)]
pub(super) struct Form {
    pub(super) name: String,
    pub(super) host: String,
    pub(super) port: String,
    /// A network a line.
    pub(super) sources: String,
    pub(super) tls: String,
    pub(super) tls_pin: String,
    pub(super) username: String,
    pub(super) connections: String,
    /// `original`, `default` or `domain`.
    pub(super) recipient: String,
    pub(super) recipient_domain: String,
    pub(super) smart_host_on_error: bool,
    pub(super) cut_through: bool,
    pub(super) client_pin: String,
    pub(super) client_login: String,
}

impl Form {
    pub(super) fn of(target: &Target) -> Self {
        let domain = target.recipient.strip_prefix('@');
        Self {
            name: target.name.clone(),
            host: target.host.clone(),
            port: target.port.to_string(),
            sources: target.sources.join("\n"),
            tls: target.tls.word().to_owned(),
            tls_pin: target.tls_pin.clone().unwrap_or_default(),
            username: target.username.clone(),
            connections: target.connections.to_string(),
            recipient: match domain {
                Some(_) => "domain".to_owned(),
                None => target.recipient.clone(),
            },
            recipient_domain: domain.unwrap_or_default().to_owned(),
            smart_host_on_error: target.smart_host_on_error,
            cut_through: target.cut_through,
            client_pin: target.client_pin.clone().unwrap_or_default(),
            client_login: target.client_login.clone(),
        }
    }

    pub(super) fn read(fields: &Fields) -> Self {
        let text = |name: &str| fields.text(name).to_owned();
        Self {
            name: text("name"),
            host: text("host"),
            port: text("port"),
            sources: text("sources"),
            tls: text("tls"),
            tls_pin: text("tls_pin"),
            username: text("username"),
            connections: text("connections"),
            recipient: text("recipient"),
            recipient_domain: text("recipient_domain"),
            smart_host_on_error: fields.has("smart_host_on_error"),
            cut_through: fields.has("cut_through"),
            client_pin: text("client_pin"),
            client_login: text("client_login"),
        }
    }

    /// The fields of the target that the form sets; secrets only when they are given or taken away.
    pub(super) fn fields(&self, sent: &Fields) -> Map<String, Value> {
        let mut fields = Map::new();
        let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        set("host", Value::from(self.host.as_str()));
        for (name, text) in [("port", &self.port), ("connections", &self.connections)] {
            if !text.is_empty() {
                // What is no number is refused with the field's name.
                let number = text.parse::<u64>();
                set(
                    name,
                    number.map_or_else(|_| text.as_str().into(), Value::from),
                );
            }
        }
        let sources = self.sources.split([',', '\n', '\r', ' ']);
        let sources = sources.map(str::trim).filter(|network| !network.is_empty());
        set("sources", sources.map(Value::from).collect());
        let tls = match self.tls.as_str() {
            "" => TlsPolicy::Opportunistic.word(),
            word => word,
        };
        set("tls", Value::from(tls));
        set("tls_pin", Value::from(self.tls_pin.as_str()));
        set("username", Value::from(self.username.as_str()));
        set("client_pin", Value::from(self.client_pin.as_str()));
        set("client_login", Value::from(self.client_login.as_str()));
        set("smart_host_on_error", Value::from(self.smart_host_on_error));
        set("cut_through", Value::from(self.cut_through));
        let recipient = match self.recipient.as_str() {
            "" => "original".to_owned(),
            "domain" => format!("@{}", self.recipient_domain.trim_start_matches('@')),
            word => word.to_owned(),
        };
        set("recipient", Value::from(recipient));
        for (name, gone) in [
            ("password", "password_gone"),
            ("client_password", "client_password_gone"),
        ] {
            // Spaces are part of a secret.
            let given = sent.0.iter().find(|(key, _)| key == name);
            match given
                .map(|(_, value)| value.as_str())
                .filter(|v| !v.is_empty())
            {
                Some(secret) => drop(set(name, Value::from(secret))),
                None if sent.has(gone) => drop(set(name, Value::from(""))),
                None => {}
            }
        }
        fields
    }

    /// The policies to choose from, and whether each is chosen.
    pub(super) fn policies(&self) -> Vec<(&'static str, bool)> {
        let policies = TlsPolicy::ALL.map(TlsPolicy::word);
        let chosen = match self.tls.as_str() {
            "" => TlsPolicy::Opportunistic.word(),
            word => word,
        };
        policies.map(|word| (word, word == chosen)).to_vec()
    }

    /// The forms of recipients to choose from, and whether each is chosen.
    pub(super) fn recipients(&self) -> Vec<(&'static str, bool)> {
        let chosen = match self.recipient.as_str() {
            "" => "original",
            word => word,
        };
        let forms = ["original", "default", "domain"];
        forms.map(|word| (word, word == chosen)).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(pairs: &[(&str, &str)]) -> Fields {
        let pairs = pairs.iter();
        Fields(pairs.map(|(a, b)| ((*a).into(), (*b).into())).collect())
    }

    #[test]
    fn a_secret_is_set_when_it_is_given_and_taken_away_when_that_is_ticked() {
        let fields = |pairs: &[(&str, &str)]| {
            let sent = sent(pairs);
            Form::read(&sent).fields(&sent).get("password").cloned()
        };
        assert_eq!(fields(&[("password", "")]), None);
        assert_eq!(fields(&[("password", " a b ")]), Some(" a b ".into()));
        let gone = [("password", ""), ("password_gone", "on")];
        assert_eq!(fields(&gone), Some("".into()));
    }

    #[test]
    fn what_is_in_the_fields_is_what_the_target_gets() {
        let sent = sent(&[
            ("host", "old.example.com"),
            ("port", "2525"),
            ("connections", "many"),
            ("sources", "192.0.2.1, 192.0.2.0/28\r\n2001:db8::/32\n"),
            ("recipient", "domain"),
            ("recipient_domain", "old.example.com"),
        ]);
        let fields = Form::read(&sent).fields(&sent);
        assert_eq!(fields["port"], 2525);
        assert_eq!(fields["connections"], "many");
        let networks = serde_json::json!(["192.0.2.1", "192.0.2.0/28", "2001:db8::/32"]);
        assert_eq!(fields["sources"], networks);
        assert_eq!(fields["recipient"], "@old.example.com");
        assert_eq!(fields["smart_host_on_error"], false);
    }
}
