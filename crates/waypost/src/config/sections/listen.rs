//! `[listen]`

use std::net::SocketAddr;

use waypost_mta::net::Endpoint;

use crate::config::raw::{Reader, fixed};

/// The services that run, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listen {
    /// SMTP between servers.
    pub(crate) smtp: Vec<Endpoint>,
    /// Submission with STARTTLS.
    pub(crate) submission: Vec<Endpoint>,
    /// Submission under TLS from the first byte.
    pub(crate) submissions: Vec<Endpoint>,
    /// LMTP.
    pub(crate) lmtp: Vec<Endpoint>,
    /// Minger, over UDP.
    pub(crate) minger: Vec<SocketAddr>,
    /// The console, over HTTP.
    pub(crate) console: Vec<SocketAddr>,
}

impl Listen {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let mut listen = reader.section(
            "listen",
            "Where each service listens: lists of \"ADDRESS:PORT\", or \"unix:/PATH\" for LMTP. A \
             missing entry is a service that does not run. Port 0 takes a free port, which the \
             first line of output names.",
        );
        let inet = |endpoints: &Vec<Endpoint>| {
            let unix = endpoints.iter().find(|e| matches!(e, Endpoint::Unix(_)));
            match unix {
                None => Ok(()),
                Some(_) => Err("write ADDRESS:PORT; only lmtp can be on a Unix socket".to_owned()),
            }
        };
        Self {
            smtp: listen.checked(
                fixed(
                    "smtp",
                    "SMTP from other servers, usually [\"0.0.0.0:25\", \"[::]:25\"].",
                ),
                Vec::new(),
                inet,
            ),
            submission: listen.checked(
                fixed(
                    "submission",
                    "Mail of own users, who log in after STARTTLS, usually \
                     [\"0.0.0.0:587\", \"[::]:587\"] (RFC 6409).",
                ),
                Vec::new(),
                inet,
            ),
            submissions: listen.checked(
                fixed(
                    "submissions",
                    "The same under TLS from the first byte, usually \
                     [\"0.0.0.0:465\", \"[::]:465\"] (RFC 8314).",
                ),
                Vec::new(),
                inet,
            ),
            lmtp: listen.get(
                fixed(
                    "lmtp",
                    "LMTP, such as [\"unix:/run/waypost/lmtp.sock\"] (RFC 2033).",
                ),
                Vec::new(),
            ),
            minger: addresses(listen.checked(
                fixed(
                    "minger",
                    "Answers for other servers about the addresses here, over UDP, usually \
                     [\"0.0.0.0:4069\", \"[::]:4069\"]; on a host with several addresses, each of \
                     them. Domain Sharing needs it.",
                ),
                Vec::new(),
                inet,
            )),
            console: addresses(listen.checked(
                fixed(
                    "console",
                    "The console and the API under it, usually [\"127.0.0.1:8025\"]: plain HTTP on \
                     a loopback address, unless console.loopback_https is set, and anywhere else \
                     HTTPS with the certificate under [tls].",
                ),
                Vec::new(),
                inet,
            )),
        }
    }

    /// Whether no service runs.
    pub(crate) fn is_empty(&self) -> bool {
        let services = [&self.smtp, &self.submission, &self.submissions, &self.lmtp];
        services.into_iter().all(Vec::is_empty) && self.minger.is_empty() && self.console.is_empty()
    }
}

fn addresses(endpoints: Vec<Endpoint>) -> Vec<SocketAddr> {
    let addresses = endpoints.into_iter().filter_map(|endpoint| match endpoint {
        Endpoint::Inet(address) => Some(address),
        Endpoint::Unix(_) => None,
    });
    addresses.collect()
}
