//! `[local]`

use std::path::Path;

use waypost_mta::net::Endpoint;
use waypost_mta::queue::Concurrency;

use crate::config::raw::{Reader, fixed};

/// How mail reaches the mailboxes here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Local {
    /// Between the user's name and the tag of a sub-address.
    pub(crate) recipient_delimiter: Option<char>,
    /// Where mailboxes are.
    pub(crate) delivery: Delivery,
    /// Most deliveries at once.
    pub(crate) connections: u32,
}

/// Where the mailboxes of this site are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// Behind an LMTP server.
    Lmtp(Endpoint),
    /// In Maildir++ directories; `{domain}` and `{login}` are replaced.
    Maildir(String),
}

const WHAT: &str = "\"maildir:/PATH/{domain}/{login}\", \"lmtp:ADDRESS:PORT\" or \
                    \"lmtp:unix:/PATH\"";

impl Delivery {
    fn parse(text: &str) -> Option<Self> {
        if let Some(endpoint) = text.strip_prefix("lmtp:") {
            return endpoint.parse().ok().map(Self::Lmtp);
        }
        let path = text.strip_prefix("maildir:")?;
        let plain = path.replace("{domain}", "").replace("{login}", "");
        let names_both = path.contains("{domain}") && path.contains("{login}");
        let whole = Path::new(path).is_absolute() && !plain.contains(['{', '}']);
        (names_both && whole).then(|| Self::Maildir(path.to_owned()))
    }
}

impl Local {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let mut local = reader.section("local", "Mailboxes of this site.");
        let recipient_delimiter = local.get(
            fixed(
                "recipient_delimiter",
                "What separates a user's name from a tag: mail to jdoe+lists@ reaches jdoe. \
                 Empty: no sub-addresses.",
            ),
            Some('+'),
        );
        let delivery = local.parsed(
            fixed(
                "delivery",
                "Where mail for local users and shared mailboxes goes: Maildir++ directories, \
                 with {domain} and {login} replaced, or an LMTP server such as Dovecot.",
            ),
            "maildir:/var/mail/{domain}/{login}",
            WHAT,
            Delivery::parse,
        );
        let delivery = delivery.unwrap_or_else(|| Delivery::Maildir(String::new()));
        let connections = local.within(
            fixed(
                "connections",
                "Most deliveries at once: LMTP sessions, or writers of Maildirs.",
            ),
            Concurrency::default().lmtp,
            1..=1_000,
        );
        Self {
            recipient_delimiter,
            delivery,
            connections,
        }
    }
}
