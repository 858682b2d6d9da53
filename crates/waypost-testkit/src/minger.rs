//! A scripted Minger server: answers well, unless the test says otherwise.
//!
//! ```no_run
//! use waypost_testkit::minger::{MingerPeer, Move};
//!
//! # fn main() -> anyhow::Result<()> {
//! # let address = waypost_testkit::place::unused_address()?;
//! // Knows alice, and nobody else; wants no secret.
//! let peer = MingerPeer::plan(address).knows("alice@example.com").start()?;
//! // From now on it lies about everybody, from the wrong port.
//! peer.script(|heard| Some(vec![Move::answer(heard, 5).from_other_port()]));
//! peer.behave();
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use waypost_proto::minger::{MAX_DATAGRAM_OCTETS, NoQuery, PORT, Query, Secret, Status};

use crate::wait;

/// Between two looks whether the peer should end.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A datagram that a peer got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// All of it.
    pub octets: Vec<u8>,
    /// Who sent it.
    pub from: SocketAddr,
    /// How many came before it.
    pub number: usize,
    /// When.
    pub at: Instant,
}

impl Heard {
    /// The address that it asks about; the whole text when it is no query.
    #[must_use]
    pub fn address(&self) -> String {
        match Query::parse(&self.octets) {
            Ok(query) => query.address().to_owned(),
            Err(NoQuery::Malformed { address }) => address.to_owned(),
            Err(NoQuery::Silent(_)) => String::from_utf8_lossy(&self.octets).into_owned(),
        }
    }

    /// Whether it has a digest.
    #[must_use]
    pub fn is_authenticated(&self) -> bool {
        Query::parse(&self.octets).is_ok_and(|query| query.is_authenticated())
    }
}

/// One thing that a peer sends.
#[derive(Debug, Clone)]
pub struct Move {
    octets: Vec<u8>,
    after: Duration,
    other_port: bool,
    times: usize,
}

impl Move {
    /// These octets, at once, one time, from the port that was asked.
    #[must_use]
    pub fn raw(octets: impl Into<Vec<u8>>) -> Self {
        Self {
            octets: octets.into(),
            after: Duration::ZERO,
            other_port: false,
            times: 1,
        }
    }

    /// An answer about the address that was asked about.
    #[must_use]
    pub fn answer(heard: &Heard, digit: u8) -> Self {
        Self::about(&heard.address(), digit)
    }

    /// An answer about any address.
    #[must_use]
    pub fn about(address: &str, digit: u8) -> Self {
        Self::raw(format!("{address} {digit}"))
    }

    /// Later.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.after = delay;
        self
    }

    /// From another port of the same address.
    #[must_use]
    pub fn from_other_port(mut self) -> Self {
        self.other_port = true;
        self
    }

    /// Twice, or in a flood.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }
}

type Script = dyn Fn(&Heard) -> Option<Vec<Move>> + Send;

/// A peer that is not yet running.
#[derive(Debug)]
pub struct Plan {
    at: SocketAddr,
    secret: Option<Secret>,
    known: BTreeMap<String, Status>,
}

impl Plan {
    /// At another port; 0 is any free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.at.set_port(port);
        self
    }

    /// Says 2 to whoever does not know this secret.
    ///
    /// # Panics
    ///
    /// When it is no secret of 16 to 50 visible ASCII characters.
    #[must_use]
    pub fn secret(mut self, secret: &str) -> Self {
        self.secret = Some(Secret::parse(secret).expect("a secret of 16 to 50 characters"));
        self
    }

    /// Says 5 of this address. Of what it does not know, it says 3.
    #[must_use]
    pub fn knows(self, address: &str) -> Self {
        self.says(address, Status::Active)
    }

    /// Says this of this address.
    #[must_use]
    pub fn says(mut self, address: &str, status: Status) -> Self {
        self.known.insert(address.to_ascii_lowercase(), status);
        self
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound.
    pub fn start(self) -> Result<MingerPeer> {
        let at = self.at;
        let socket = UdpSocket::bind(at).with_context(|| format!("bind {at}"))?;
        let other = UdpSocket::bind((at.ip(), 0)).with_context(|| format!("bind {at}"))?;
        let at = socket.local_addr()?;
        let shared = Arc::new(Shared {
            secret: self.secret,
            known: Mutex::new(self.known),
            script: Mutex::new(Box::new(|_| None)),
            heard: Mutex::default(),
            closing: AtomicBool::new(false),
        });
        let desk = Desk {
            socket,
            other,
            shared: Arc::clone(&shared),
            waiting: Vec::new(),
        };
        let answering = Some(thread::spawn(move || desk.answer()));
        Ok(MingerPeer {
            at,
            shared,
            answering,
        })
    }
}

/// A running scripted Minger server; ended when dropped.
pub struct MingerPeer {
    at: SocketAddr,
    shared: Arc<Shared>,
    answering: Option<JoinHandle<()>>,
}

struct Shared {
    secret: Option<Secret>,
    known: Mutex<BTreeMap<String, Status>>,
    script: Mutex<Box<Script>>,
    heard: Mutex<Vec<Heard>>,
    closing: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MingerPeer {
    /// A peer at port 4069 of this address that knows nobody and wants no secret.
    #[must_use]
    pub fn plan(address: IpAddr) -> Plan {
        Plan {
            at: SocketAddr::new(address, PORT),
            secret: None,
            known: BTreeMap::new(),
        }
    }

    /// Where it answers.
    #[must_use]
    pub fn at(&self) -> SocketAddr {
        self.at
    }

    /// From now on it says this of this address.
    pub fn say(&self, address: &str, status: Status) {
        lock(&self.shared.known).insert(address.to_ascii_lowercase(), status);
    }

    /// From now on it does not know this address.
    pub fn forget(&self, address: &str) {
        lock(&self.shared.known).remove(&address.to_ascii_lowercase());
    }

    /// From now on it does this; where the script gives nothing, it behaves well, and where it
    /// gives no move, it stays silent.
    pub fn script(&self, script: impl Fn(&Heard) -> Option<Vec<Move>> + Send + 'static) {
        *lock(&self.shared.script) = Box::new(script);
    }

    /// From now on it hears and says nothing.
    pub fn be_silent(&self) {
        self.script(|_| Some(Vec::new()));
    }

    /// From now on it behaves well again.
    pub fn behave(&self) {
        self.script(|_| None);
    }

    /// All datagrams that it got so far.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        lock(&self.shared.heard).clone()
    }

    /// The datagrams so far that asked about this address, in any letter case.
    #[must_use]
    pub fn heard_about(&self, address: &str) -> Vec<Heard> {
        let about = |heard: &Heard| heard.address().eq_ignore_ascii_case(address);
        self.heard().into_iter().filter(about).collect()
    }

    /// Waits until it got so many datagrams, and returns them.
    ///
    /// # Errors
    ///
    /// When they do not come; what came is in the error.
    pub fn wait_for_heard(&self, count: usize) -> Result<Vec<Heard>> {
        wait::until(&format!("{count} queries at the peer"), || {
            Some(self.heard()).filter(|heard| heard.len() >= count)
        })
        .with_context(|| format!("heard: {:#?}", self.heard()))
    }
}

impl Drop for MingerPeer {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        if let Some(answering) = self.answering.take() {
            let _ = answering.join();
        }
    }
}

/// The thread that hears and answers.
struct Desk {
    socket: UdpSocket,
    other: UdpSocket,
    shared: Arc<Shared>,
    waiting: Vec<(Instant, SocketAddr, Move)>,
}

impl Desk {
    fn answer(mut self) {
        let mut buffer = vec![0; 1 << 16];
        while !self.shared.closing.load(Ordering::SeqCst) {
            self.send_due();
            let next = self.waiting.iter().map(|(due, ..)| *due).min();
            let left = next.map(|due| due.saturating_duration_since(Instant::now()));
            let wait = left.map_or(LOOK_AGAIN, |left| left.min(LOOK_AGAIN));
            let wait = wait.max(Duration::from_millis(1));
            if self.socket.set_read_timeout(Some(wait)).is_err() {
                return;
            }
            // Nothing came in time, or somebody does not want to hear any more.
            let Ok((length, from)) = self.socket.recv_from(&mut buffer) else {
                continue;
            };
            self.hear(&buffer[..length], from);
        }
    }

    fn hear(&mut self, octets: &[u8], from: SocketAddr) {
        let heard = {
            let mut all = lock(&self.shared.heard);
            let heard = Heard {
                octets: octets.to_vec(),
                from,
                number: all.len(),
                at: Instant::now(),
            };
            all.push(heard.clone());
            heard
        };
        let scripted = lock(&self.shared.script)(&heard);
        let moves = scripted.unwrap_or_else(|| self.honest(&heard).into_iter().collect());
        let due = moves.into_iter().map(|m| (heard.at + m.after, from, m));
        self.waiting.extend(due);
    }

    fn honest(&self, heard: &Heard) -> Option<Move> {
        let status = match Query::parse(&heard.octets) {
            Err(NoQuery::Silent(_)) => return None,
            Err(NoQuery::Malformed { .. }) => Status::Malformed,
            Ok(query) => {
                let secret = self.shared.secret.as_ref();
                if secret.is_some_and(|secret| query.verified_by([secret]).is_none()) {
                    Status::BadCredentials
                } else if query.address() == waypost_proto::minger::TEST_MAILBOX {
                    Status::Active
                } else {
                    let known = lock(&self.shared.known);
                    let status = known.get(&query.address().to_ascii_lowercase());
                    status.copied().unwrap_or(Status::Unknown)
                }
            }
        };
        Some(Move::answer(heard, status.digit()))
    }

    fn send_due(&mut self) {
        let now = Instant::now();
        let due = |(at, ..): &mut (Instant, SocketAddr, Move)| *at <= now;
        let due: Vec<_> = self.waiting.extract_if(.., due).collect();
        for (_, to, done) in due {
            let from = if done.other_port {
                &self.other
            } else {
                &self.socket
            };
            for _ in 0..done.times {
                // Who asked may be gone.
                let _ = from.send_to(&done.octets, to);
            }
        }
    }
}

/// Sends one datagram from an address of its own, and what comes back in time.
///
/// # Errors
///
/// What the system says; no answer is none.
pub fn ask(
    to: SocketAddr,
    from: IpAddr,
    datagram: &[u8],
    patience: Duration,
) -> Result<Option<Vec<u8>>> {
    let socket = UdpSocket::bind((from, 0))?;
    socket.connect(to)?;
    socket.set_read_timeout(Some(patience))?;
    socket.send(datagram)?;
    let mut buffer = [0; MAX_DATAGRAM_OCTETS + 1];
    match socket.recv(&mut buffer) {
        Ok(length) => Ok(Some(buffer[..length].to_vec())),
        Err(error) => match error.kind() {
            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => Ok(None),
            _ => Err(error.into()),
        },
    }
}
