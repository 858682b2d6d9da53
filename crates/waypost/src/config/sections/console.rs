//! `[console]`

use std::time::Duration;

use waypost_proto::net::Network;

use crate::config::raw::{Reader, fixed};

/// What an administrator sees of the server while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Console {
    /// How long it is kept what happened to mail; zero: not at all.
    pub(crate) history: Duration,
    /// HTTPS on loopback addresses too.
    pub(crate) loopback_https: bool,
    /// Say in a header for whom they connect.
    pub(crate) trusted_proxies: Vec<Network>,
}

const DAY: Duration = Duration::from_secs(86_400);

impl Console {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let mut console = reader.section(
            "console",
            "What administrators see of the server: the console, and `waypost trace`.",
        );
        Self {
            history: console.within(
                fixed(
                    "history",
                    "How long it is kept what happened to each message and each refused \
                     recipient, for `waypost trace`; in history.sqlite under data_dir, about 1 GB \
                     for two million messages. \"0\": not at all.",
                ),
                30 * DAY,
                Duration::ZERO..=3_650 * DAY,
            ),
            loopback_https: console.get(
                fixed(
                    "loopback_https",
                    "HTTPS on a loopback address too, where others reach it through something \
                     that does not encrypt, such as a forwarded port.",
                ),
                false,
            ),
            trusted_proxies: console.parsed_list(
                fixed(
                    "trusted_proxies",
                    "Reverse proxies that say in X-Forwarded-For or Forwarded (RFC 7239) for whom \
                     they connect: the limits of logins, the audit and the log then name that \
                     client. Nobody else is believed.",
                ),
                &[],
                "an address such as \"127.0.0.1\" or a network such as \"192.0.2.0/24\"",
                |text| Network::parse(text).ok(),
            ),
        }
    }
}
