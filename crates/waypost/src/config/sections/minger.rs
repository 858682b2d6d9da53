//! `[minger]`

use std::time::Duration;

use waypost_directory::Secret;
use waypost_mta::minger::Rates;
use waypost_proto::minger;
use waypost_proto::net::Network;

use crate::config::raw::{Reader, Section, fixed, live};

/// Who may ask this server about addresses, and how; and how it asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Minger {
    /// Any of these is accepted.
    pub(crate) secrets: Vec<Secret>,
    /// Who has no secret gets an answer.
    pub(crate) anonymous: bool,
    /// Networks that get an answer at all, beside peers.
    pub(crate) allow: Vec<Network>,
    /// A group whose members are all outside counts as an address that exists.
    pub(crate) outside_aliases_active: bool,
    /// Questions about `*` are answered, by which some programs test their secret.
    pub(crate) test_address: bool,
    /// The longest that another server's answer is waited for.
    pub(crate) timeout: Duration,
    /// How much is answered.
    pub(crate) rates: Rates,
}

impl Minger {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let mut minger = reader.section(
            "minger",
            "Who may ask this server about its addresses, and how; and how it asks others. Peers \
             can have a secret of their own beside these.",
        );
        Self {
            secrets: secrets(&mut minger),
            anonymous: minger.get(
                live("anonymous", "Whether who has no secret gets an answer."),
                false,
            ),
            allow: minger.parsed_list(
                live(
                    "allow",
                    "Networks that get an answer at all; peers always do.",
                ),
                &["0.0.0.0/0", "::/0"],
                "a network such as \"192.0.2.0/24\"",
                |text| Network::parse(text).ok(),
            ),
            outside_aliases_active: minger.get(
                live(
                    "outside_aliases_active",
                    "Whether an alias, a group whose members are all outside the served domains, \
                     counts as an address that exists.",
                ),
                true,
            ),
            test_address: minger.get(
                live(
                    "test_address",
                    "Whether the address * is one that exists: some programs ask about it to test \
                     their secret.",
                ),
                true,
            ),
            timeout: minger.within(
                fixed(
                    "timeout",
                    "How long an answer of another server is waited for.",
                ),
                Duration::from_secs(5),
                Duration::from_millis(100)..=Duration::from_secs(60),
            ),
            rates: rates(&mut minger),
        }
    }
}

fn secrets(minger: &mut Section<'_, '_>) -> Vec<Secret> {
    let secrets = minger.secrets(live(
        "secrets",
        "Any of these is accepted from who asks; several for rotation. 16 to 50 visible ASCII \
         characters each, or \"file:/PATH\" or \"env:NAME\".",
    ));
    for secret in &secrets {
        if let Err(error) = minger::Secret::parse(secret.expose()) {
            let mend = "write 16 to 50 visible ASCII characters, without spaces";
            minger.refuse("secrets", &found(error), mend);
            break;
        }
    }
    secrets
}

fn found(error: minger::SecretError) -> String {
    let what = match error {
        minger::SecretError::TooShort => "is too short",
        minger::SecretError::TooLong => "is too long",
        minger::SecretError::Character => "holds a character that cannot be used",
    };
    format!("found a secret that {what}")
}

fn rates(minger: &mut Section<'_, '_>) -> Rates {
    let usual = Rates::default();
    let mut rate = |name, text, default| minger.get(live(name, text), default);
    Rates {
        peer: rate(
            "rate_peer",
            "Queries per second that are answered to one peer. 0: no limit.",
            usual.peer,
        ),
        network: rate(
            "rate_network",
            "Queries per second that are answered to one network, a /24 of IPv4 or a /64 of IPv6, \
             that is no peer's. 0: no limit.",
            usual.network,
        ),
        strangers: rate(
            "rate_strangers",
            "Queries per second that are answered to all together who are no peers. 0: no limit.",
            usual.strangers,
        ),
        refused: rate(
            "rate_refused",
            "Queries per minute of one network that is no peer's about addresses that are not \
             here, or without a right secret; beyond that it hears nothing. 0: no limit.",
            usual.refused,
        ),
    }
}
