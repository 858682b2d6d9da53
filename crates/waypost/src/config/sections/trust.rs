//! `[trust]`

use waypost_proto::net::Network;

use crate::config::raw::{Reader, live};

/// Who is trusted without login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trust {
    /// May relay outward.
    pub(crate) networks: Vec<Network>,
    /// May say for whom they connect (XCLIENT).
    pub(crate) xclient: Vec<Network>,
    /// Put a PROXY protocol header in front of each connection.
    pub(crate) proxy: Vec<Network>,
}

const WHAT: &str = "a network such as \"192.0.2.0/24\" or \"2001:db8::/32\"";

impl Trust {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let mut trust = reader.section("trust", "Networks that are trusted without login.");
        let network = |text: &str| Network::parse(text).ok();
        Self {
            networks: trust.parsed_list(
                live("networks", "Clients that may relay outward without login."),
                &["127.0.0.0/8", "::1/128"],
                WHAT,
                network,
            ),
            xclient: trust.parsed_list(
                live(
                    "xclient",
                    "Clients that may name the client they speak for with XCLIENT: filters and \
                     front ends that belong to this site.",
                ),
                &[],
                WHAT,
                network,
            ),
            proxy: trust.parsed_list(
                live(
                    "proxy",
                    "Clients that begin every connection with a PROXY protocol header (version 1 \
                     or 2), as load balancers do. Only from them it is expected, and required.",
                ),
                &[],
                WHAT,
                network,
            ),
        }
    }
}
