//! Answers queries over UDP.
//!
//! An answer leaves from the socket that the query came to. On a host with several addresses a
//! socket at `0.0.0.0` or `[::]` leaves the choice of the address to the system, and who asked
//! believes none but the one it asked: there, every address is listed by itself.

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use quick_cache::sync::Cache;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use waypost_directory::Snapshot;
use waypost_proto::mail::Mailbox;
use waypost_proto::minger::{Answer, MAX_DATAGRAM_OCTETS, MAX_PRINTED_OCTETS, Status};
use waypost_proto::route::Store;

use super::counts::{Counts, Outcome, Tally, added};
use super::decide::{Facts, Place, Reaction, Received, Settings, decide};
use super::peers::Peers;
use super::rate::Limits;
use crate::blocking;
use crate::clock::Clock;
use crate::listener::BindError;
use crate::net::{self, Datagrams, Endpoint};
use crate::resolve::Snapshots;
use crate::session::{Callers, Used};

/// Datagrams that are taken from a socket before others of this server get their turn.
const BATCH: usize = 32;
/// After an error of a socket, before it is used again.
const PAUSE: Duration = Duration::from_millis(100);
/// How long it is remembered whether a mailbox is full.
const ROOM_KNOWN: Duration = Duration::from_secs(10);
/// Mailboxes of which that is remembered.
const MAX_ROOMS: usize = 10_000;
/// Between two lines in the log that say how much was answered.
const REPORT_EVERY: Duration = Duration::from_mins(1);

/// What a server is given by the rest of the program.
pub struct Parts {
    /// Who and where.
    pub snapshots: Arc<Snapshots>,
    /// Which targets are asking.
    pub callers: Arc<Callers>,
    /// How full mailboxes are; none where only the store knows.
    pub used: Option<Arc<Used>>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// Settings, and what was answered under them.
#[derive(Debug)]
struct Rules {
    settings: Settings,
    limits: Limits,
}

impl Rules {
    fn new(settings: Settings) -> Self {
        Self {
            limits: Limits::new(settings.rates),
            settings,
        }
    }
}

/// Whether a mailbox is full, and when that was found.
type Room = (bool, Instant);

/// Answers queries from the directory.
#[derive(Clone)]
pub struct Server(Arc<Inner>);

struct Inner {
    parts: Parts,
    rules: ArcSwap<Rules>,
    /// The peers, and the number of the snapshot they are of.
    peers: ArcSwap<(u64, Peers)>,
    rooms: Cache<(Store, u32), Room>,
    counts: Counts,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Server")
    }
}

/// A socket that is bound, and not answered at yet.
#[derive(Debug)]
pub struct Bound {
    /// Where it is, with the port that the system chose for port 0.
    pub address: SocketAddr,
    socket: Datagrams,
}

impl Bound {
    /// Binds a socket.
    ///
    /// # Errors
    ///
    /// [`BindError`], which names the address.
    pub fn new(address: SocketAddr) -> Result<Self, BindError> {
        let bound = net::bind_udp(address).and_then(|socket| {
            let address = socket.local()?;
            Ok(Self { address, socket })
        });
        bound.map_err(|source| BindError {
            endpoint: Endpoint::Inet(address),
            source,
        })
    }
}

/// Sockets that are answered at.
#[derive(Debug)]
pub struct Sockets {
    closing: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Sockets {
    /// Answers what is being answered, and nothing more.
    pub async fn close(mut self) {
        self.closing.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended
                && error.is_panic()
            {
                tracing::error!(
                    target: "waypost::minger",
                    "a task panicked; please report it: {error}"
                );
            }
        }
    }
}

impl Server {
    /// Joins parts and settings.
    #[must_use]
    pub fn new(parts: Parts, settings: Settings) -> Self {
        Self(Arc::new(Inner {
            parts,
            rules: ArcSwap::from_pointee(Rules::new(settings)),
            peers: ArcSwap::from_pointee((0, Peers::default())),
            rooms: Cache::new(MAX_ROOMS),
            counts: Counts::default(),
        }))
    }

    /// Changes the settings, for the next query on; nobody counts as having asked before.
    pub fn reload(&self, settings: Settings) {
        self.0.rules.store(Arc::new(Rules::new(settings)));
    }

    /// What became of queries so far.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.0.counts
    }

    /// Answers at these sockets; with several tasks each, but never on all processors, so that a
    /// flood of queries leaves some to mail.
    #[must_use]
    pub fn open(&self, bound: Vec<Bound>) -> Sockets {
        let (closing, closed) = watch::channel(false);
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let mut tasks = JoinSet::new();
        for Bound { socket, .. } in bound {
            let socket = Arc::new(socket);
            for _ in 0..(processors / 2).max(1) {
                let inner = Arc::clone(&self.0);
                tasks.spawn(inner.receive(Arc::clone(&socket), closed.clone()));
            }
        }
        tasks.spawn(Arc::clone(&self.0).report(closed));
        Sockets { closing, tasks }
    }
}

/// Waits until the sockets are closed.
async fn over(closed: &mut watch::Receiver<bool>) {
    // Without a sender nobody can say any more that the server goes on.
    let _ = closed.wait_for(|closed| *closed).await;
}

impl Inner {
    async fn receive(self: Arc<Self>, socket: Arc<Datagrams>, mut closed: watch::Receiver<bool>) {
        // One octet more than is read, so that what is too long can be told.
        let mut buffer = [0; MAX_DATAGRAM_OCTETS + 1];
        let mut answer = Vec::with_capacity(MAX_PRINTED_OCTETS);
        loop {
            tokio::select! {
                biased;
                () = over(&mut closed) => return,
                _ = socket.readable() => {}
            }
            for _ in 0..BATCH {
                let (length, from) = match socket.try_recv_from(&mut buffer) {
                    Ok(received) => received,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => {
                        tracing::warn!(target: "waypost::minger", "cannot receive: {error}");
                        sleep(PAUSE).await;
                        break;
                    }
                };
                let octets = buffer.get(..length).unwrap_or_default();
                self.attend(octets, from, &mut answer).await;
                send(&socket, &answer, from).await;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Decides about a datagram; what is to be sent is in `answer`, or nothing is.
    async fn attend(&self, octets: &[u8], from: SocketAddr, answer: &mut Vec<u8>) {
        answer.clear();
        let snapshot = (self.parts.snapshots)();
        let rules = self.rules.load_full();
        let peers = self.peers(&snapshot);
        let facts = Facts {
            snapshot: &snapshot,
            caller: self.parts.callers.target(&snapshot, from.ip()),
            peers: &peers.1,
            settings: &rules.settings,
            measured: self.parts.used.is_some(),
        };
        let received = Received {
            octets,
            from: from.ip(),
            now: self.parts.clock.now(),
        };
        let decided = decide(received, &facts, &rules.limits);
        let outcome = match decided.reaction {
            Reaction::Silent(why) => Outcome::Silent(why),
            Reaction::Answer(address, status) => answered(&address, status, answer),
            Reaction::Measure(address, place) => {
                let status = self.room(&address, place, received.now).await;
                answered(&address, status, answer)
            }
        };
        self.counts.count(decided.asker, outcome);
        tracing::debug!(
            target: "waypost::minger",
            "query from {from}: {outcome}: {}",
            octets.escape_ascii()
        );
    }

    fn peers(&self, snapshot: &Snapshot) -> Arc<(u64, Peers)> {
        let known = self.peers.load_full();
        if known.0 == snapshot.change() {
            return known;
        }
        let fresh = Arc::new((snapshot.change(), Peers::of(snapshot)));
        self.peers.store(Arc::clone(&fresh));
        fresh
    }

    /// Whether a mailbox receives, by how full it is; one that cannot be measured does.
    async fn room(&self, address: &str, place: Place<'_>, now: Instant) -> Status {
        let known = self.rooms.get(&place.key);
        let is_full = match known {
            Some((is_full, since)) if now.saturating_duration_since(since) < ROOM_KNOWN => is_full,
            _ => {
                let is_full = self.is_full(address, place).await;
                self.rooms.insert(place.key, (is_full, now));
                is_full
            }
        };
        if is_full {
            Status::Unavailable
        } else {
            Status::Active
        }
    }

    async fn is_full(&self, address: &str, place: Place<'_>) -> bool {
        let (Some(used), Ok(mailbox)) = (&self.parts.used, Mailbox::parse(address)) else {
            return false;
        };
        let (used, destination) = (Arc::clone(used), place.destination(mailbox));
        let used = blocking::spawn_blocking(move || used(&destination)).await;
        let used = used.ok().flatten();
        used.is_some_and(|used_bytes| used_bytes >= place.quota_bytes)
    }

    /// Says in the log how much was answered, as long as something is.
    async fn report(self: Arc<Self>, mut closed: watch::Receiver<bool>) {
        let mut before = Tally::default();
        let mut minutes = interval(REPORT_EVERY);
        minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_over = tokio::select! {
                biased;
                () = over(&mut closed) => true,
                _ = minutes.tick() => false,
            };
            let now = self.counts.tally();
            for (asker, row) in &now {
                if let Some(added) = added(before.get(asker), row) {
                    let snapshot = (self.parts.snapshots)();
                    let target = asker.and_then(|id| snapshot.target(id));
                    let name = target.map_or("others", |target| target.name.as_str());
                    tracing::info!(target: "waypost::minger", "queries from {name}: {added}");
                }
            }
            before = now;
            if is_over {
                return;
            }
        }
    }
}

/// Sends an answer, if there is one.
async fn send(socket: &Datagrams, answer: &[u8], to: SocketAddr) {
    if answer.is_empty() {
        return;
    }
    if let Err(error) = socket.send_to(answer, to).await {
        tracing::debug!(target: "waypost::minger", "cannot answer {to}: {error}");
    }
}

fn answered(address: &str, status: Status, answer: &mut Vec<u8>) -> Outcome {
    Answer { address, status }.write_to(answer);
    Outcome::Answered(status)
}
