//! Takes connections: counts them, learns from a proxy whom it speaks for, turns away what is too
//! much, and gives each of the others a session of its own.

pub mod proxy;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use waypost_proto::smtp::replies;
use waypost_proto::smtp::reply::Reply;

use crate::event::{self, Reject};
use crate::net::{Endpoint, Listener, Stream};
use crate::policy::{self, Decision, Facts, Pace, rate};
use crate::session::{Caller, Door, Phase, Shared, Wrapping, is_in, reached, serve};

/// After an error of `accept`, such as no more descriptors, before the next try.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a client that is turned away may take to hear it.
const FAREWELL: Duration = Duration::from_millis(500);
/// How long sessions may take to say 421 when the time to finish is over.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A service cannot listen.
#[derive(Debug, Error)]
#[error("cannot listen on {endpoint}: {source}")]
pub struct BindError {
    /// Where.
    pub endpoint: Endpoint,
    /// Why not.
    pub source: io::Error,
}

/// A door that is bound, and not open yet.
#[derive(Debug)]
pub struct Bound {
    /// What it is for.
    pub door: Door,
    /// Where it is, with the port that the system chose for port 0.
    pub endpoint: Endpoint,
    listener: Listener,
}

impl Bound {
    /// Binds a door.
    ///
    /// # Errors
    ///
    /// [`BindError`], which names the endpoint.
    pub fn new(door: Door, endpoint: &Endpoint) -> Result<Self, BindError> {
        let bound = Listener::bind(endpoint).and_then(|listener| {
            let endpoint = listener.endpoint()?;
            Ok(Self {
                door,
                endpoint,
                listener,
            })
        });
        bound.map_err(|source| BindError {
            endpoint: endpoint.clone(),
            source,
        })
    }
}

/// Open doors, and the sessions behind them.
#[derive(Debug)]
pub struct Listeners {
    shared: Arc<Shared>,
    phase: watch::Sender<Phase>,
    doors: JoinSet<()>,
}

impl Listeners {
    /// Opens the doors.
    #[must_use]
    pub fn open(shared: &Arc<Shared>, bound: Vec<Bound>) -> Self {
        let (phase, _) = watch::channel(Phase::Open);
        let seats = Arc::new(Seats::default());
        let mut doors = JoinSet::new();
        for Bound { door, listener, .. } in bound {
            let hall = Hall {
                shared: Arc::clone(shared),
                door,
                seats: Arc::clone(&seats),
                phase: phase.subscribe(),
            };
            doors.spawn(hall.receive(listener));
        }
        Self {
            shared: Arc::clone(shared),
            phase,
            doors,
        }
    }

    /// Closes the doors; transactions in flight finish within the grace, or get 421.
    pub async fn close(mut self) {
        let grace = self.shared.rules().settings.limits.shutdown_grace;
        self.phase.send_replace(Phase::Closing);
        if timeout(grace, ended(&mut self.doors)).await.is_err() {
            self.phase.send_replace(Phase::Closed);
            // Whoever still has not ended after this is dropped.
            let _ = timeout(LAST_WORDS, ended(&mut self.doors)).await;
        }
    }
}

/// Waits for all tasks, and logs those that ended with a bug.
async fn ended(tasks: &mut JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        log_panic(ended);
    }
}

fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(target: "waypost::smtpd", "a task panicked; please report it: {error}");
    }
}

/// Connections that are open, all together and by client.
#[derive(Debug, Default)]
struct Seats(Mutex<Taken>);

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_client: HashMap<IpAddr, usize>,
}

impl Seats {
    fn with<T>(&self, f: impl FnOnce(&mut Taken) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One connection's seat; given back when dropped.
#[derive(Debug)]
struct Seat {
    seats: Arc<Seats>,
    client: Option<IpAddr>,
}

impl Seat {
    /// Takes a seat; tells how many were taken before.
    fn take(seats: &Arc<Seats>) -> (Self, usize) {
        let before = seats.with(|taken| {
            taken.all += 1;
            taken.all - 1
        });
        let seats = Arc::clone(seats);
        let seat = Self {
            seats,
            client: None,
        };
        (seat, before)
    }

    /// Names who sits there; tells how many seats he had before.
    fn name(&mut self, client: IpAddr) -> usize {
        let client = rate::client(client);
        self.client = Some(client);
        self.seats.with(|taken| {
            let count = taken.by_client.entry(client).or_insert(0);
            *count += 1;
            *count - 1
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let client = self.client;
        self.seats.with(|taken| {
            taken.all -= 1;
            if let Some(client) = client
                && let Some(count) = taken.by_client.get_mut(&client)
            {
                *count -= 1;
                if *count == 0 {
                    taken.by_client.remove(&client);
                }
            }
        });
    }
}

/// What every connection of one door needs.
#[derive(Debug, Clone)]
struct Hall {
    shared: Arc<Shared>,
    door: Door,
    seats: Arc<Seats>,
    phase: watch::Receiver<Phase>,
}

impl Hall {
    /// Takes connections until the server ends, then waits for the sessions.
    async fn receive(mut self, listener: Listener) {
        let mut sessions = JoinSet::new();
        let mut closing = self.phase.clone();
        loop {
            tokio::select! {
                // In this order, so that nobody is let in once the end has begun.
                biased;
                () = reached(&mut closing, Phase::Closing) => break,
                Some(ended) = sessions.join_next() => log_panic(ended),
                accepted = listener.accept() => match accepted {
                    Ok((stream, address)) => {
                        let address = address.map(|address| address.ip());
                        self.admit(stream, address, &mut sessions).await;
                    }
                    Err(error) => {
                        tracing::warn!(target: "waypost::smtpd", "cannot accept: {error}");
                        sleep(PAUSE).await;
                    }
                },
            }
        }
        drop(listener);
        ended(&mut sessions).await;
    }

    async fn admit(&mut self, stream: Stream, address: Option<IpAddr>, to: &mut JoinSet<()>) {
        let (seat, open) = Seat::take(&self.seats);
        if open >= self.shared.rules().settings.limits.connections {
            let caller = Caller::of(&self.shared, address);
            let reply = replies::too_many_connections();
            return self.turn_away(stream, &caller, &reply).await;
        }
        to.spawn(self.clone().welcome(stream, address, seat, open));
    }

    /// Learns who it is, and serves him or turns him away.
    async fn welcome(
        self,
        mut stream: Stream,
        address: Option<IpAddr>,
        mut seat: Seat,
        open: usize,
    ) {
        let Some(address) = self.behind_proxy(&mut stream, address).await else {
            return;
        };
        let caller = Caller::of(&self.shared, address);
        let decision = self.judge(&caller, &mut seat, open);
        match decision {
            Decision::Accept => {
                serve(&self.shared, self.door, caller, stream, self.phase.clone()).await;
            }
            Decision::Disconnect(reply) | Decision::Refuse(reply) => {
                self.turn_away(stream, &caller, &reply).await;
            }
        }
    }

    /// The client's own address, when the peer is a proxy; none when its header is no good.
    async fn behind_proxy(
        &self,
        stream: &mut (impl AsyncRead + Unpin),
        address: Option<IpAddr>,
    ) -> Option<Option<IpAddr>> {
        let rules = self.shared.rules();
        let settings = &rules.settings;
        let Some(proxy) = address.filter(|address| is_in(&settings.proxy, *address)) else {
            return Some(address);
        };
        let header = timeout(settings.limits.handshake_timeout, proxy::read(stream)).await;
        match header {
            Ok(Ok(client)) => Some(Some(client.map_or(proxy, |client| client.ip()))),
            Ok(Err(error)) => {
                tracing::warn!(target: "waypost::smtpd", "proxy {proxy}: {error}");
                None
            }
            Err(_) => {
                tracing::warn!(target: "waypost::smtpd", "proxy {proxy}: no PROXY header came");
                None
            }
        }
    }

    fn judge(&self, caller: &Caller, seat: &mut Seat, open: usize) -> Decision {
        let rules = self.shared.rules();
        let client = caller.client.address.filter(|_| !caller.trusted);
        let open_from_client = client.map_or(0, |client| seat.name(client));
        let pace = match (&rules.connections, client) {
            (Some(connections), Some(client)) => {
                connections.count(&rate::client(client), self.shared.clock().now())
            }
            _ => Pace::Kept,
        };
        policy::decide(&Facts::Connection(policy::Connection {
            side: &caller.side,
            open,
            open_from_client,
            pace,
            limits: &rules.policy,
        }))
    }

    async fn turn_away<S>(&self, mut stream: S, caller: &Caller, reply: &Reply)
    where
        S: AsyncWrite + Unpin,
    {
        event::rejected(&Reject {
            id: &event::NOQUEUE,
            stage: "CONNECT",
            client: &caller.client,
            reply,
            from: None,
            to: None,
            proto: "SMTP",
            helo: "",
            why: None,
        });
        if self.door.wrapping != Wrapping::Implicit {
            let mut text = Vec::new();
            reply.write_to(&mut text);
            // He may be gone already.
            let _ = timeout(FAREWELL, stream.write_all(&text)).await;
        }
    }
}
