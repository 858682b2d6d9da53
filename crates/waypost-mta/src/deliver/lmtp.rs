//! The local mail store behind LMTP (RFC 2033).

use waypost_proto::mail::{LocalPart, Mailbox};

use super::JobRecipient;
use crate::net::Endpoint;

/// Where the mail store is, and how mailboxes are named to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lmtp {
    /// Where it listens.
    pub endpoint: Endpoint,
    /// What separates a sub-address from its tag (RFC 5233).
    pub delimiter: Option<char>,
}

impl Lmtp {
    /// The name of a mailbox: login at the domain's main name, with the tag of the address.
    ///
    /// The store knows mailboxes, not the aliases that lead to them. Where the login is no local
    /// part, the address goes as it is.
    pub(super) fn address(&self, recipient: &JobRecipient) -> Mailbox {
        self.named(recipient)
            .unwrap_or_else(|| recipient.address.clone())
    }

    fn named(&self, recipient: &JobRecipient) -> Option<Mailbox> {
        let destination = recipient.destination.as_ref();
        let destination = destination.filter(|d| !d.login.is_empty())?;
        let said = destination.recipient.local.as_str();
        let tag = self.delimiter.and_then(|mark| said.find(mark));
        let tag = tag.and_then(|at| said.get(at..)).unwrap_or_default();
        // Quoted, so that a login of any characters is read as one.
        let name = format!("{}{tag}", destination.login);
        let quoted = format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
        let local = LocalPart::parse(&quoted).ok()?;
        Some(Mailbox::new(local, destination.domain.clone()))
    }
}

#[cfg(test)]
mod tests {
    use waypost_proto::mail::Domain;
    use waypost_proto::route::{Destination, Store};
    use waypost_proto::smtp::params::RcptParams;

    use super::*;

    #[test]
    fn names_the_mailbox_and_keeps_the_tag() {
        let lmtp = Lmtp {
            endpoint: Endpoint::Unix("/s".into()),
            delimiter: Some('+'),
        };
        for (said, login, named) in [
            ("john.doe@example.org", "jdoe", "jdoe@example.com"),
            (
                "john.doe+tag+x@example.org",
                "jdoe",
                "jdoe+tag+x@example.com",
            ),
            ("jd@example.org", "j doe", "\"j doe\"@example.com"),
            ("jd@example.org", "", "jd@example.org"),
        ] {
            let address = Mailbox::parse(said).unwrap();
            let recipient = JobRecipient {
                index: 0,
                address: address.clone(),
                params: RcptParams::default(),
                destination: Some(Destination {
                    store: Store::User,
                    domain: Domain::parse("example.com").unwrap(),
                    login: login.into(),
                    quota_bytes: 0,
                    recipient: address,
                }),
            };
            assert_eq!(lmtp.address(&recipient).to_string(), named);
        }
    }
}
