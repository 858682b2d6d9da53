//! Asks one server about one address.
//!
//! An answer proves nothing about who sent it: it names the mailbox and no more. So every question
//! leaves from a port of its own, which the system draws, and is connected, so that the kernel
//! passes on nothing but what comes from the address and port that were asked. What comes from
//! there and is not exactly an answer about the mailbox is counted and not believed.

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use thiserror::Error;
use tokio::time::timeout;
use waypost_proto::mail::Mailbox;
use waypost_proto::minger::{Answer, MAX_DATAGRAM_OCTETS, NotAscii, Query, Secret, Status};

use crate::net::{self, Datagrams};

/// When the same datagram is sent, within [`FULL_LIMIT`]; earlier where less time is left.
const SENDINGS: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(1500),
    Duration::from_millis(3000),
];
/// The time that [`SENDINGS`] are meant for.
const FULL_LIMIT: Duration = Duration::from_secs(5);
/// Addresses of one server that are tried, each in its share of the time.
const MAX_ADDRESSES: usize = 4;
/// Datagrams that are passed over before a server counts as silent.
const MAX_IGNORED: usize = 100;
/// Sendings in a row that a server's system refuses before its address is given up.
///
/// Not at the first: a server that starts again is there at the next. Not never: a mail session
/// waits for the outcome, and giving up says no more than that there is no answer.
const MAX_REFUSALS: usize = 2;

/// How questions are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The local address that questions leave from, where its family fits.
    pub source: Option<IpAddr>,
    /// How long one question may take in all.
    pub limit: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            source: None,
            limit: FULL_LIMIT,
        }
    }
}

/// The server that is asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Where it answers: tried in turn.
    pub addresses: Vec<SocketAddr>,
    /// What it wants to see a digest of; none: it answers everybody.
    pub secret: Option<Secret>,
}

/// Why there is no answer. Each means that nothing is known of the address.
#[derive(Debug, Error)]
pub enum Trouble {
    /// Nothing that could be believed came in time.
    #[error("no answer from {at} within {limit:?}")]
    Silent {
        /// The last address asked.
        at: SocketAddr,
        /// How long was waited there.
        limit: Duration,
    },
    /// The network, or the server's system, says that nobody is there.
    #[error("{at}: {error}")]
    Network {
        /// The last address asked.
        at: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// The server sent so much else that the answer was not waited for.
    #[error("{at} sends datagrams that are no answers")]
    Flooded {
        /// The address asked.
        at: SocketAddr,
    },
    /// All the time was over before the last address could be asked.
    #[error("no answer within {limit:?}")]
    Late {
        /// How long was waited.
        limit: Duration,
    },
    /// The server's name has no address.
    #[error("the server has no address")]
    NoAddress,
    /// The protocol has no way to ask.
    #[error(transparent)]
    NotAscii(#[from] NotAscii),
}

/// Why something that came from the asked server was not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ignored {
    /// Not an address, a space and a digit.
    NoAnswer,
    /// An answer about another address.
    OtherAddress,
    /// Its system says that nobody is there.
    Refused,
}

/// How often something was not believed, by reason.
#[derive(Debug, Default)]
pub struct IgnoredCounts {
    no_answer: AtomicU64,
    other_address: AtomicU64,
    refused: AtomicU64,
}

impl IgnoredCounts {
    /// How many for this reason.
    #[must_use]
    pub fn of(&self, reason: Ignored) -> u64 {
        self.counter(reason).load(Ordering::Relaxed)
    }

    fn count(&self, reason: Ignored) {
        self.counter(reason).fetch_add(1, Ordering::Relaxed);
    }

    fn counter(&self, reason: Ignored) -> &AtomicU64 {
        match reason {
            Ignored::NoAnswer => &self.no_answer,
            Ignored::OtherAddress => &self.other_address,
            Ignored::Refused => &self.refused,
        }
    }
}

/// Asks questions, each over a socket of its own.
#[derive(Debug, Default)]
pub struct Client {
    settings: Settings,
    ignored: IgnoredCounts,
}

impl Client {
    /// Asks as the settings say.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            ignored: IgnoredCounts::default(),
        }
    }

    /// What was not believed so far. What came from elsewhere is not in it: the kernel keeps it
    /// away.
    #[must_use]
    pub fn ignored(&self) -> &IgnoredCounts {
        &self.ignored
    }

    /// What the server says of the mailbox.
    ///
    /// # Errors
    ///
    /// [`Trouble`]; nothing is known of the mailbox then.
    pub async fn ask(&self, asked: &Asked, mailbox: &Mailbox) -> Result<Status, Trouble> {
        let query = Query::new(mailbox, asked.secret.as_ref())?;
        self.put(asked, &query).await
    }

    /// What the server says of the mailbox `*`, which only tests the secret.
    ///
    /// # Errors
    ///
    /// As [`Client::ask`].
    pub async fn test(&self, asked: &Asked) -> Result<Status, Trouble> {
        self.put(asked, &Query::test(asked.secret.as_ref())).await
    }

    async fn put(&self, asked: &Asked, query: &Query<'_>) -> Result<Status, Trouble> {
        let addresses = asked.addresses.iter().take(MAX_ADDRESSES);
        let count = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
        let limit = self.settings.limit / count.max(1);
        let mut trouble = Trouble::NoAddress;
        for at in addresses {
            let silent = Trouble::Silent { at: *at, limit };
            match timeout(limit, self.put_to(*at, query, limit)).await {
                Ok(Ok(status)) => return Ok(status),
                Ok(Err(said)) => trouble = said,
                Err(_) => trouble = silent,
            }
        }
        Err(trouble)
    }

    async fn put_to(
        &self,
        at: SocketAddr,
        query: &Query<'_>,
        limit: Duration,
    ) -> Result<Status, Trouble> {
        let network = |error| Trouble::Network { at, error };
        let socket = net::connect_udp(at, self.settings.source)
            .await
            .map_err(network)?;
        let mut exchange = Exchange {
            socket,
            at,
            address: query.address(),
            left: MAX_IGNORED,
            ignored: &self.ignored,
        };
        let datagram = query.to_string();
        let mut refused: Vec<io::Error> = Vec::new();
        for wait in waits(limit) {
            let heard = match exchange.send(datagram.as_bytes()).await {
                Ok(()) => timeout(wait, exchange.heard()).await,
                Err(error) => Ok(Err(Ended::Refused(error))),
            };
            match heard {
                Ok(Ok(status)) => return Ok(status),
                Ok(Err(Ended::Flooded)) => return Err(Trouble::Flooded { at }),
                Ok(Err(Ended::Refused(error))) if is_passing(&error) => {
                    self.ignored.count(Ignored::Refused);
                    refused.push(error);
                }
                Ok(Err(Ended::Refused(error))) => return Err(network(error)),
                Err(_) => refused.clear(),
            }
            if refused.len() >= MAX_REFUSALS
                && let Some(error) = refused.pop()
            {
                return Err(network(error));
            }
            if !refused.is_empty() {
                // The rest of the time until the next sending, in which nothing can come.
                tokio::time::sleep(wait).await;
            }
        }
        match refused.pop() {
            Some(error) => Err(network(error)),
            None => Err(Trouble::Silent { at, limit }),
        }
    }
}

/// How long is waited after each sending, the time of the whole given.
fn waits(limit: Duration) -> [Duration; SENDINGS.len()] {
    let scaled = |at: Duration| {
        if limit >= FULL_LIMIT {
            at
        } else {
            at.mul_f64(limit.as_secs_f64() / FULL_LIMIT.as_secs_f64())
        }
    };
    let mut waits = [Duration::ZERO; SENDINGS.len()];
    let ends = SENDINGS.iter().skip(1).map(|at| scaled(*at)).chain([limit]);
    for ((wait, at), end) in waits.iter_mut().zip(SENDINGS).zip(ends) {
        *wait = end.saturating_sub(scaled(at));
    }
    waits
}

/// Whether another sending may do better.
fn is_passing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ConnectionRefused
}

/// Why a sending brought nothing.
enum Ended {
    Flooded,
    Refused(io::Error),
}

/// One question to one address of a server.
struct Exchange<'a> {
    socket: Datagrams,
    at: SocketAddr,
    address: &'a str,
    /// Datagrams that may still be passed over.
    left: usize,
    ignored: &'a IgnoredCounts,
}

impl Exchange<'_> {
    /// Sends once; what the system still had to say of the sending before is passed over.
    async fn send(&self, datagram: &[u8]) -> io::Result<()> {
        match self.socket.send(datagram).await {
            Err(error) if is_passing(&error) => self.socket.send(datagram).await.map(|_| ()),
            sent => sent.map(|_| ()),
        }
    }

    /// Waits for the answer.
    async fn heard(&mut self) -> Result<Status, Ended> {
        let mut buffer = [0; MAX_DATAGRAM_OCTETS + 1];
        loop {
            let length = self.socket.recv(&mut buffer).await;
            let octets = buffer.get(..length.map_err(Ended::Refused)?);
            let why = match Answer::parse(octets.unwrap_or_default()) {
                Ok(answer) if answer.is_about(self.address) => return Ok(answer.status),
                Ok(_) => Ignored::OtherAddress,
                Err(_) => Ignored::NoAnswer,
            };
            self.ignored.count(why);
            if self.left == MAX_IGNORED {
                tracing::warn!(
                    target: "waypost::minger",
                    "{} answers a question about {} with something else: {why}",
                    self.at,
                    self.address
                );
            }
            self.left -= 1;
            if self.left == 0 {
                return Err(Ended::Flooded);
            }
        }
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAnswer => "not an answer",
            Self::OtherAddress => "an answer about another address",
            Self::Refused => "a refusal of its system",
        })
    }
}
