//! Drives a session of `proto::smtp::server` over a connection: bytes in, events, answers, bytes
//! out.
//!
//! Gathers what policy and resolver need, asks them, and answers; streams content into the spool.
//! Everything that a client can make grow has a limit, and an idle session holds no buffer.

mod auth;
mod body;
mod caller;
mod channel;
mod counts;
mod drive;
mod recipient;
mod starttls;
#[cfg(test)]
pub(crate) mod tests;
mod transaction;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::watch;
use waypost_directory::Snapshot;
use waypost_proto::mail::Domain;
use waypost_proto::net::Network;
use waypost_proto::route::Destination;
use waypost_spool::Spool;

use crate::auth::{Delays, Logins};
use crate::clock::Clock;
use crate::custody::Take;
use crate::limits::Limits;
use crate::policy::rate::{Guesses, Limiter, Rate};
use crate::policy::{self, Service};
use crate::resolve::{Resolver, Snapshots};
use crate::sign::Signing;
use crate::tls::Certificate;
use crate::trace::Tracer;

pub(crate) use caller::is_in;
pub use caller::{Caller, Callers};
pub use drive::serve;

/// Clients whose rates are remembered.
const MAX_CLIENTS: usize = 100_000;
const MINUTE: Duration = Duration::from_mins(1);

/// What the configuration says about sessions; replaced as a whole at a reload.
#[derive(Debug, Clone)]
pub struct Settings {
    /// This server's name, in banners and trace fields.
    pub hostname: Domain,
    /// Clients that may relay outward without login.
    pub trusted: Vec<Network>,
    /// Clients that may name the client they speak for with XCLIENT.
    pub xclient: Vec<Network>,
    /// Clients that begin every connection with a PROXY header.
    pub proxy: Vec<Network>,
    /// What one client, and all together, may use.
    pub limits: Limits,
    /// How long a message is tried.
    pub lifetime: Duration,
}

impl Settings {
    /// How policy sees the limits.
    pub(crate) fn policy_limits(&self) -> policy::Limits {
        policy::Limits {
            connections: self.limits.connections,
            connections_per_client: self.limits.connections_per_client,
            recipients: self.limits.recipients,
        }
    }

    fn login_delays(&self) -> Delays {
        Delays {
            first: self.limits.login_delay,
            max: self.limits.login_delay_max,
        }
    }
}

/// Settings, and what follows from them.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) settings: Settings,
    pub(crate) policy: policy::Limits,
    guesses: Option<Guesses>,
    messages: Option<Limiter<std::net::IpAddr>>,
    pub(crate) connections: Option<Limiter<std::net::IpAddr>>,
}

impl Rules {
    fn new(settings: Settings) -> Self {
        let rate = |count: u32| {
            (count > 0).then_some(Rate {
                count,
                period: MINUTE,
            })
        };
        let limits = &settings.limits;
        Self {
            guesses: rate(limits.unknown_rate).map(|rate| Guesses::new(rate, MAX_CLIENTS)),
            messages: rate(limits.message_rate).map(|rate| Limiter::new(rate, MAX_CLIENTS)),
            connections: rate(limits.connection_rate).map(|rate| Limiter::new(rate, MAX_CLIENTS)),
            policy: settings.policy_limits(),
            settings,
        }
    }
}

/// Bytes in use in a mailbox that is kept here; none where that cannot be told. May block.
pub type Used = dyn Fn(&Destination) -> Option<u64> + Send + Sync;

/// What sessions are given by the rest of the server.
pub struct Parts {
    /// Who and where.
    pub snapshots: Arc<Snapshots>,
    /// Decides recipients.
    pub resolver: Resolver,
    /// Keeps messages.
    pub spool: Spool,
    /// Takes charge of them.
    pub custody: Arc<dyn Take>,
    /// How full mailboxes are; none where only the store knows.
    pub used: Option<Arc<Used>>,
    /// Checks logins.
    pub logins: Logins,
    /// Signs what users send.
    pub signing: Arc<Signing>,
    /// The server's certificate.
    pub certificate: Arc<Certificate>,
    /// Reads trace fields.
    pub tracer: Tracer,
    /// Which targets are calling.
    pub callers: Arc<Callers>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// What all sessions share.
pub struct Shared {
    parts: Parts,
    rules: ArcSwap<Rules>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
    }
}

impl Shared {
    /// Joins parts and settings.
    #[must_use]
    pub fn new(parts: Parts, settings: Settings) -> Self {
        Self {
            parts,
            rules: ArcSwap::from_pointee(Rules::new(settings)),
        }
    }

    /// Changes the settings; sessions use them from their next connection or message on.
    pub fn reload(&self, settings: Settings) {
        self.rules.store(Arc::new(Rules::new(settings)));
    }

    pub(crate) fn rules(&self) -> Arc<Rules> {
        self.rules.load_full()
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.parts.clock
    }

    /// The directory of now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        (self.parts.snapshots)()
    }

    /// The keys that sign what users send.
    #[must_use]
    pub fn signing(&self) -> &Signing {
        &self.parts.signing
    }

    pub(crate) fn callers(&self) -> &Callers {
        &self.parts.callers
    }
}

/// How the clients of a listener get TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapping {
    /// From the first byte (RFC 8314).
    Implicit,
    /// Not at all.
    None,
    /// With STARTTLS.
    OnRequest,
}

/// What a listener is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Door {
    /// The service behind it.
    pub service: Service,
    /// How its clients get TLS.
    pub wrapping: Wrapping,
}

/// How far the server has come in ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// It does not end.
    Open,
    /// No new transactions; open ones may finish.
    Closing,
    /// Nothing any more.
    Closed,
}

/// Waits until the server has come so far in ending.
pub(crate) async fn reached(phase: &mut watch::Receiver<Phase>, last: Phase) {
    // Without a sender nobody can say any more that the server goes on.
    let _ = phase.wait_for(|phase| *phase >= last).await;
}
