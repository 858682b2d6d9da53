//! `[outbound]`

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use waypost_directory::HostPort;
use waypost_mta::deliver::Limits;
use waypost_mta::dns::TrustAd;
use waypost_mta::queue::Concurrency;

use crate::config::raw::{Reader, Section, fixed};

/// How mail leaves for domains that are not served here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outbound {
    /// The fixed next hop; none: MX.
    pub(crate) smart_host: Option<HostPort>,
    /// The address that connections leave from.
    pub(crate) source: Option<IpAddr>,
    /// The name servers that are asked; none: the system's.
    pub(crate) resolvers: Vec<SocketAddr>,
    /// Whose word counts that DNS answers are signed.
    pub(crate) dane: TrustAd,
    /// Whether the MTA-STS policies of other domains are asked for.
    pub(crate) mta_sts: bool,
    /// Most connections to the MX hosts of one domain, and to the smart host.
    pub(crate) connections: u32,
    /// How long senders wait for the next hop's own answer.
    pub(crate) cut_through: Duration,
    /// How long connections are made, kept and used; for targets too.
    pub(crate) limits: Limits,
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
/// Senders wait ten minutes for the final reply (RFC 5321 §4.5.3.2.6), and other mail behind them.
const CUT_THROUGH: Duration = Duration::from_secs(10);

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
        let resolvers = outbound.parsed_list(
            fixed(
                "resolvers",
                "The recursive name servers that every name is looked up at, as [\"ADDRESS:PORT\"], \
                 over UDP and TCP. Empty: those of the system, from /etc/resolv.conf.",
            ),
            &[],
            "ADDRESS:PORT such as \"192.0.2.53:53\" or \"[2001:db8::53]:53\"",
            |text| text.parse().ok(),
        );
        let (dane, mta_sts) = demands(&mut outbound);
        let connections = outbound.within(
            fixed(
                "connections",
                "Most connections at once to the MX hosts of one domain, and to the smart host. \
                 Targets have their own limit.",
            ),
            Concurrency::default().mx,
            1..=10_000,
        );
        let cut_through = outbound.within(
            fixed(
                "cut_through",
                "How long a sender waits at most while his message is passed through to one target, \
                 or to the mail store over LMTP; he gets its own answer then, and nothing is \
                 written to disk. What takes longer is queued, and goes on. \"0s\": everything is \
                 queued. A target can be excepted.",
            ),
            CUT_THROUGH,
            Duration::ZERO..=5 * MINUTE,
        );
        Self {
            smart_host: smart_host.flatten(),
            source,
            resolvers,
            dane,
            mta_sts,
            connections,
            cut_through,
            limits: limits(&mut outbound),
        }
    }
}

/// Whether domains say what their MX hosts must prove: over DNS, and over HTTPS.
fn demands(outbound: &mut Section<'_, '_>) -> (TrustAd, bool) {
    let dane = outbound.choice(
        fixed(
            "dane",
            "Whether TLSA records of MX hosts say what these must prove (DANE, RFC 7672), and \
             whose word counts that DNS answers are signed (AD): \"loopback\", the name servers' \
             if all of them are on this machine, as a validating resolver should be; \
             \"resolver\", that of the name servers wherever they are, which takes a way to them \
             that nobody else can write to; \"off\", nobody's, and no DANE.",
        ),
        &[
            ("loopback", TrustAd::Loopback),
            ("resolver", TrustAd::Always),
            ("off", TrustAd::Never),
        ],
    );
    let mta_sts = outbound.get(
        fixed(
            "mta_sts",
            "Whether domains say over HTTPS what their MX hosts must prove (MTA-STS, RFC \
             8461). The server asks https://mta-sts.DOMAIN for that, where DNS says that there \
             is something to ask for.",
        ),
        true,
    );
    (dane.unwrap_or_default(), mta_sts)
}

fn limits(outbound: &mut Section<'_, '_>) -> Limits {
    let mut limits = Limits::default();
    let connect = "For a server to take a connection (RFC 5321 §4.5.3.2 leaves it to the system).";
    let handshake = "For a TLS handshake.";
    let idle = "How long a connection without work is kept for the next message.";
    for (name, text, value) in [
        ("connect_timeout", connect, &mut limits.connect_timeout),
        (
            "handshake_timeout",
            handshake,
            &mut limits.handshake_timeout,
        ),
        ("idle_timeout", idle, &mut limits.idle),
    ] {
        *value = outbound.within(fixed(name, text), *value, SECOND..=10 * MINUTE);
    }
    limits.messages_per_connection = outbound.within(
        fixed(
            "messages_per_connection",
            "Messages over one connection before a new one is made.",
        ),
        limits.messages_per_connection,
        1..=1_000_000,
    );
    limits
}
