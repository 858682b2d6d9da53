//! From fields to records.

use serde_json::Value;
use waypost_directory::{
    Address, DomainRecord, GroupRecord, HostPort, MailType, RecipientForm, Relay, Secret,
    SharedRecord, TargetRecord, TlsPin, TlsPolicy, UserRecord, VerifyUnknown,
};
use waypost_proto::mail::{Domain, Mailbox};
use waypost_proto::net::Network;

use super::Fields;
use crate::config::{Size, read_secret};
use crate::control::protocol::Fault;

/// Reads the fields of one object and remembers what is wrong.
pub(super) struct Reader<'f> {
    object: String,
    fields: &'f Fields,
    known: Vec<&'static str>,
    faults: Vec<Fault>,
}

const ADDRESS: &str = "write an address such as \"jdoe@example.com\" or \"jdoe@*\"";
const MAILBOX: &str = "write an address such as \"jdoe@example.com\"";
const SIZE: &str = "write a size such as \"2 GiB\", or \"0\" for none";

impl<'f> Reader<'f> {
    pub(super) fn new(object: String, fields: &'f Fields) -> Self {
        Self {
            object,
            fields,
            known: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Complains about fields that the kind does not have.
    pub(super) fn finish(mut self) -> Result<(), Vec<Fault>> {
        let unknown: Vec<String> = self
            .fields
            .keys()
            .filter(|field| !self.known.contains(&field.as_str()))
            .cloned()
            .collect();
        for field in unknown {
            let mend = format!("it has: {}", self.known.join(", "));
            self.fault(&field, "unknown field".to_owned(), &mend);
        }
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(self.faults)
        }
    }

    pub(super) fn domain(&mut self, record: &mut DomainRecord) {
        self.list("aliases", &mut record.aliases, "write a domain", |text| {
            Domain::parse(text).map_err(|e| e.to_string())
        });
        self.optional(
            "relay",
            &mut record.relay,
            "write a target, or host[:port]",
            |text| Relay::parse(text).map_err(|e| format!("{text:?} {e}")),
        );
        self.flag("forward_unknown", &mut record.forward_unknown);
        let word = "write \"callout\" or \"none\"";
        self.value("verify_unknown", &mut record.verify_unknown, word, |text| {
            VerifyUnknown::parse(text).ok_or_else(|| found(text))
        });
        self.flag("protect_senders", &mut record.protect_senders);
        self.optional("postmaster", &mut record.postmaster, MAILBOX, mailbox);
        let quota = &mut record.quota;
        self.sizes(
            "quota",
            &mut [
                ("user_max", &mut quota.user_max),
                ("user_default", &mut quota.user_default),
                ("shared_max", &mut quota.shared_max),
                ("shared_default", &mut quota.shared_default),
            ],
        );
    }

    pub(super) fn user(&mut self, record: &mut UserRecord) {
        self.value("name", &mut record.name, "write a text", |text| {
            Ok(text.to_owned())
        });
        let word = "write \"local\", \"third-party\" or \"none\"";
        self.value("mail", &mut record.mail, word, |text| {
            MailType::parse(text).ok_or_else(|| found(text))
        });
        self.list("addresses", &mut record.addresses, ADDRESS, address);
        let mut relayed = record.relayed.take().unwrap_or_default();
        self.list("relayed", &mut relayed, ADDRESS, address);
        record.relayed = (!relayed.is_empty()).then_some(relayed);
        self.optional("target", &mut record.target, "write a target", |text| {
            Ok(text.to_owned())
        });
        self.quota(&mut record.quota_bytes);
        self.flag("suspended", &mut record.suspended);
    }

    pub(super) fn mailbox(&mut self, record: &mut SharedRecord) {
        self.list("addresses", &mut record.addresses, ADDRESS, address);
        self.list("members", &mut record.members, MAILBOX, mailbox);
        self.quota(&mut record.quota_bytes);
    }

    pub(super) fn group(&mut self, record: &mut GroupRecord) {
        self.list("addresses", &mut record.addresses, ADDRESS, address);
        self.list("members", &mut record.members, MAILBOX, mailbox);
        self.optional("owner", &mut record.owner, MAILBOX, mailbox);
    }

    pub(super) fn target(&mut self, record: &mut TargetRecord) {
        let host = "write a host name, an IP address, host:port or mx:NAME";
        let mut place = (record.host.clone(), None);
        self.value("host", &mut place, host, |text| {
            HostPort::parse_parts(text).map_err(|e| format!("{text:?} {e}"))
        });
        record.host = place.0;
        record.port = place.1.unwrap_or(record.port);
        self.number("port", &mut record.port, "write 1 to 65535");
        let network = "write networks such as \"203.0.113.0/24\"";
        self.list("sources", &mut record.sources, network, |text| {
            Network::parse(text).map_err(|e| format!("{text:?} {e}"))
        });
        let word = "write \"off\", \"opportunistic\", \"required\", \"verified\" or \"pinned\"";
        self.value("tls", &mut record.tls, word, |text| {
            TlsPolicy::parse(text).ok_or_else(|| found(text))
        });
        let pin = "write the SHA-256 of the public key: 64 hexadecimal digits";
        self.optional("tls_pin", &mut record.tls_pin, pin, |text| {
            TlsPin::parse(text).ok_or_else(|| found(text))
        });
        self.value("username", &mut record.username, "write a text", |text| {
            Ok(text.to_owned())
        });
        let secret = crate::config::SECRET_MEND;
        self.value("password", &mut record.password, secret, |text| {
            if text.is_empty() {
                return Ok(Secret::default());
            }
            read_secret(text)
        });
        self.number("connections", &mut record.connections, "write 1 to 10000");
        let form = "write \"original\", \"default\" or \"@DOMAIN\"";
        self.value("recipient", &mut record.recipient, form, |text| {
            RecipientForm::parse(text).ok_or_else(|| found(text))
        });
        self.flag("smart_host_on_error", &mut record.smart_host_on_error);
    }

    fn fault(&mut self, field: &str, message: String, mend: &str) {
        self.faults.push(Fault {
            object: self.object.clone(),
            line: None,
            field: field.to_owned(),
            message,
            mend: mend.to_owned(),
        });
    }

    /// The value of a field that was given.
    fn given(&mut self, field: &'static str) -> Option<&'f Value> {
        self.known.push(field);
        self.fields.get(field)
    }

    fn value<T>(
        &mut self,
        field: &'static str,
        to: &mut T,
        mend: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) {
        let Some(value) = self.given(field) else {
            return;
        };
        let parsed = value
            .as_str()
            .ok_or_else(|| found_value(value))
            .and_then(parse);
        match parsed {
            Ok(parsed) => *to = parsed,
            Err(message) => self.fault(field, message, mend),
        }
    }

    /// As `value`; an empty text takes it away.
    fn optional<T>(
        &mut self,
        field: &'static str,
        to: &mut Option<T>,
        mend: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) {
        self.value(field, to, mend, |text| match text {
            "" => Ok(None),
            text => parse(text).map(Some),
        });
    }

    fn list<T>(
        &mut self,
        field: &'static str,
        to: &mut Vec<T>,
        mend: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) {
        let Some(value) = self.given(field) else {
            return;
        };
        let Some(items) = value.as_array() else {
            return self.fault(
                field,
                format!("{} instead of a list", found_value(value)),
                mend,
            );
        };
        let mut parsed = Vec::with_capacity(items.len());
        for item in items {
            match item
                .as_str()
                .ok_or_else(|| found_value(item))
                .and_then(&parse)
            {
                Ok(item) => parsed.push(item),
                Err(message) => self.fault(field, message, mend),
            }
        }
        *to = parsed;
    }

    fn flag(&mut self, field: &'static str, to: &mut bool) {
        let Some(value) = self.given(field) else {
            return;
        };
        match value.as_bool() {
            Some(flag) => *to = flag,
            None => self.fault(field, found_value(value), "write true or false"),
        }
    }

    fn number<T: TryFrom<u64>>(&mut self, field: &'static str, to: &mut T, mend: &str) {
        let Some(value) = self.given(field) else {
            return;
        };
        let number = value.as_u64().filter(|number| *number > 0);
        match number.and_then(|number| T::try_from(number).ok()) {
            Some(number) => *to = number,
            None => self.fault(field, found_value(value), mend),
        }
    }

    fn quota(&mut self, to: &mut Option<u64>) {
        self.optional("quota", to, SIZE, |text| {
            let size = Size::parse(text).ok_or_else(|| found(text));
            size.map(|size| size.0)
        });
    }

    fn sizes(&mut self, field: &'static str, to: &mut [(&str, &mut u64)]) {
        let Some(value) = self.given(field) else {
            return;
        };
        let Some(sizes) = value.as_object() else {
            return self.fault(field, found_value(value), "write { user_max = \"0\" }");
        };
        for (name, value) in sizes {
            let size = value.as_str().and_then(Size::parse);
            match (to.iter_mut().find(|(known, _)| known == name), size) {
                (Some((_, to)), Some(size)) => **to = size.0,
                (Some(_), None) => {
                    self.fault(field, format!("{name}: {}", found_value(value)), SIZE)
                }
                (None, _) => {
                    let mend = "it has: user_max, user_default, shared_max, shared_default";
                    self.fault(field, format!("{name}: unknown field"), mend);
                }
            }
        }
    }
}

fn address(text: &str) -> Result<Address, String> {
    Address::parse(text).map_err(|error| format!("{text:?}: {error}"))
}

fn mailbox(text: &str) -> Result<Mailbox, String> {
    Mailbox::parse(text).map_err(|error| format!("{text:?}: {error}"))
}

fn found(text: &str) -> String {
    format!("found {text:?}")
}

fn found_value(value: &Value) -> String {
    format!("found {value}")
}
