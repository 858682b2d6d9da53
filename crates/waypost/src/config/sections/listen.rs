//! `[listen]`

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
}

const NOT_HERE: &str = "remove it";

impl Listen {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let mut listen = reader.section(
            "listen",
            "Where each service listens: lists of \"ADDRESS:PORT\", or \"unix:/PATH\" for LMTP. A \
             missing entry is a service that does not run. Port 0 takes a free port, which the \
             first line of output names.",
        );
        let tcp = |endpoints: &Vec<Endpoint>| {
            let unix = endpoints.iter().find(|e| matches!(e, Endpoint::Unix(_)));
            match unix {
                None => Ok(()),
                Some(_) => Err("write ADDRESS:PORT; only lmtp can be on a Unix socket".to_owned()),
            }
        };
        let read = Self {
            smtp: listen.checked(
                fixed(
                    "smtp",
                    "SMTP from other servers, usually [\"0.0.0.0:25\", \"[::]:25\"].",
                ),
                Vec::new(),
                tcp,
            ),
            submission: listen.checked(
                fixed(
                    "submission",
                    "Mail of own users, who log in after STARTTLS, usually \
                     [\"0.0.0.0:587\", \"[::]:587\"] (RFC 6409).",
                ),
                Vec::new(),
                tcp,
            ),
            submissions: listen.checked(
                fixed(
                    "submissions",
                    "The same under TLS from the first byte, usually \
                     [\"0.0.0.0:465\", \"[::]:465\"] (RFC 8314).",
                ),
                Vec::new(),
                tcp,
            ),
            lmtp: listen.get(
                fixed(
                    "lmtp",
                    "LMTP, such as [\"unix:/run/waypost/lmtp.sock\"] (RFC 2033).",
                ),
                Vec::new(),
            ),
        };
        for (name, text) in [
            (
                "minger",
                "Address verification for other servers; not in this version.",
            ),
            (
                "console",
                "The administration console; not in this version.",
            ),
        ] {
            let endpoints: Vec<Endpoint> = listen.get(fixed(name, text), Vec::new());
            if !endpoints.is_empty() {
                listen.refuse(name, "not in this version", NOT_HERE);
            }
        }
        read
    }

    /// Whether no service runs.
    pub(crate) fn is_empty(&self) -> bool {
        [&self.smtp, &self.submission, &self.submissions, &self.lmtp]
            .into_iter()
            .all(Vec::is_empty)
    }
}
