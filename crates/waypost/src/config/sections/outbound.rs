//! `[outbound]`

use std::net::IpAddr;

use waypost_directory::HostPort;

use crate::config::raw::{Reader, fixed};

/// How mail leaves for domains that are not served here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outbound {
    /// The fixed next hop; none: MX.
    pub(crate) smart_host: Option<HostPort>,
    /// The address that connections leave from.
    pub(crate) source: Option<IpAddr>,
}

impl Outbound {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let mut outbound = reader.section(
            "outbound",
            "How mail for domains that are not served here leaves.",
        );
        let smart_host = outbound.parsed(
            fixed(
                "smart_host",
                "A server that takes all of it, as host or host:port. Empty: each domain's MX.",
            ),
            "",
            "host or host:port, such as \"relay.example.net:25\"",
            |text| match text {
                "" => Some(None),
                text => HostPort::parse(text).ok().map(Some),
            },
        );
        let source = outbound.get(
            fixed(
                "source",
                "The local address that connections to other servers leave from. Empty: the \
                 system's choice.",
            ),
            None,
        );
        Self {
            smart_host: smart_host.flatten(),
            source,
        }
    }
}
