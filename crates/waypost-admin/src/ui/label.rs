//! What fields are called.

use super::layout::View;

/// Fields as the site file and records name them, and the keys of what forms call them.
const LABELS: [(&str, &str); 54] = [
    ("address", "explain-address"),
    ("admin", "tokens-admin"),
    ("algorithm", "signing-algorithm"),
    ("aliases", "domains-aliases"),
    ("client", "explain-client"),
    ("client_login", "target-field-client-login"),
    ("client_password", "target-field-client-password"),
    ("client_pin", "target-field-client-pin"),
    ("connections", "target-field-connections"),
    ("cut_through", "target-field-cut-through"),
    ("domains", "admins-domains"),
    ("expires_at", "tokens-expires"),
    ("expires_ms", "tokens-expires"),
    ("expires_s", "tokens-expires-in"),
    ("forward_unknown", "routing-forward"),
    ("from", "audit-from"),
    ("grants", "grant-routing"),
    ("host", "target-field-host"),
    ("id", "tokens-id"),
    ("list", "gateway-list"),
    ("minger_accept", "peer-minger-accept"),
    ("minger_domains", "peer-minger-domains"),
    ("minger_host", "gateway-minger-host"),
    ("minger_port", "peer-minger-port"),
    ("minger_secret", "peer-minger-secret"),
    ("must_change", "admin-state-first-login"),
    ("port", "target-field-port"),
    ("postmaster", "domain-postmaster"),
    ("protect_senders", "routing-protect"),
    ("reason", "hold-reason"),
    ("recipient", "target-field-recipient"),
    ("relay", "routing-relay"),
    ("role", "admins-role"),
    ("selector", "signing-selector"),
    ("sender", "explain-sender"),
    ("shared_default", "domain-quota-shared-default"),
    ("shared_max", "domain-quota-shared-max"),
    ("sharing", "routing-sharing"),
    ("sharing_too", "gateway-sharing"),
    ("signing_key", "signing-record-name"),
    ("since_ms", "queue-holds-since"),
    ("smart_host_on_error", "target-field-smart-host"),
    ("sources", "target-field-sources"),
    ("tls", "target-field-tls"),
    ("tls_pin", "target-field-tls-pin"),
    ("to", "audit-to"),
    ("unreachable", "gateways-unreachable"),
    ("until", "hold-until"),
    ("until_ms", "hold-until"),
    ("user_default", "domain-quota-user-default"),
    ("user_max", "domain-quota-user-max"),
    ("username", "peer-username"),
    ("verify", "gateways-verify"),
    ("verify_unknown", "routing-verify"),
];
/// Fields whose values are words, and the beginnings of the keys of these.
const WORDS: [(&str, &str); 7] = [
    ("mail", "mail"),
    ("recipient", "target-recipient"),
    ("role", "role"),
    ("tls", "target-tls"),
    ("unreachable", "gateway-unreachable"),
    ("verify", "gateway-verify"),
    ("verify_unknown", "routing-verify"),
];

impl View {
    /// What forms call a field; of one that is in none, as the site file names it.
    pub(crate) fn field(&self, name: &str) -> String {
        let plain = name.strip_prefix("quota.").unwrap_or(name);
        let label = LABELS.iter().find(|(field, _)| *field == plain);
        let said = match label {
            Some((_, key)) => self.say(key),
            None => self.word("field", plain),
        };
        match said == format!("field-{plain}") {
            true => name.to_owned(),
            false => said,
        }
    }

    /// A value of a field that is a word; as it is where it is none.
    pub(crate) fn field_word(&self, name: &str, value: &str) -> String {
        let begun = WORDS.iter().find(|(field, _)| *field == name);
        let key = begun.map(|(_, begun)| format!("{begun}-{value}"));
        let said = key.filter(|key| self.language.has(key));
        said.map_or_else(|| value.to_owned(), |key| self.say(&key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Language;

    #[test]
    fn every_label_is_a_text() {
        for (field, key) in LABELS {
            assert_ne!(Language::English.say(key), key, "{field}");
        }
    }
}
