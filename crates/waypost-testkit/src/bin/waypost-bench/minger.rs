//! Minger queries over UDP: as many as are answered, and how fast under half of that load.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use waypost_proto::mail::Mailbox;
use waypost_proto::minger::{Query, Secret};
use waypost_testkit::wait::PATIENCE;

use crate::usage::cpu_seconds;

/// What the server wants to see a digest of, where one is shown.
pub(crate) const SECRET: &str = "MingerSharedSecret2024!";
/// Sockets, each with a thread of its own.
const CLIENTS: u32 = 8;
/// Queries of one socket that wait for their answers at the same time, under full load.
const FLIGHT: usize = 16;
/// Different queries of one socket, made before the clock runs.
const DIFFERENT: u64 = 20_000;
/// How long one run takes.
const RUN: Duration = Duration::from_secs(5);
/// After so long a query or its answer is lost.
const LOST: Duration = Duration::from_millis(500);

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Questions {
    /// How many addresses the server knows: `user1@example.com` to `userN@example.com`.
    pub(crate) known: u64,
    /// Whether each query has a digest.
    pub(crate) digest: bool,
}

/// What one run came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answers {
    /// Answered per second, under full load.
    pub(crate) rate: f64,
    /// Answered per second of CPU of the server.
    pub(crate) per_core: f64,
    /// Half of the answers came sooner, under half load; µs.
    pub(crate) p50_micros: f64,
    /// All but a hundredth came sooner, under half load; µs.
    pub(crate) p99_micros: f64,
}

/// Asks about known addresses spread over the whole list; every answer must be 5.
pub(crate) fn run(questions: Questions, server: SocketAddr, server_pid: u32) -> Result<Answers> {
    let clients = (0..CLIENTS).map(|number| Client::new(questions, number, server));
    let clients = clients.collect::<Result<Vec<_>>>()?;
    let cpu_before = cpu_seconds(server_pid);
    let answered: u32 = at_once(&clients, Client::as_fast_as_possible)?.iter().sum();
    let cpu = cpu_seconds(server_pid) - cpu_before;
    anyhow::ensure!(answered > 0, "nothing was answered");
    let rate = f64::from(answered) / RUN.as_secs_f64();
    let pace = Duration::from_secs_f64(f64::from(CLIENTS) / (rate / 2.0));
    let times = at_once(&clients, |client| client.evenly(pace))?;
    let mut micros: Vec<f64> = times.into_iter().flatten().collect();
    micros.sort_by(f64::total_cmp);
    Ok(Answers {
        rate,
        per_core: f64::from(answered) / cpu,
        p50_micros: quantile(&micros, 50),
        p99_micros: quantile(&micros, 99),
    })
}

/// Queries with a digest about these users, in a datagram each.
pub(crate) fn queries(users: RangeInclusive<u64>) -> Result<Vec<Vec<u8>>> {
    let secret = Secret::parse(SECRET)?;
    let query = |user| {
        let mailbox = Mailbox::parse(&format!("user{user}@example.com"))?;
        Ok(Query::new(&mailbox, Some(&secret))?
            .to_string()
            .into_bytes())
    };
    users.map(query).collect()
}

/// The value below which so many hundredths of the sorted values are.
pub(crate) fn quantile(sorted: &[f64], hundredths: usize) -> f64 {
    let at = sorted.len() * hundredths / 100;
    sorted
        .get(at)
        .or_else(|| sorted.last())
        .copied()
        .unwrap_or(0.0)
}

/// Lets all clients do the same at the same time.
fn at_once<T: Send>(
    clients: &[Client],
    work: impl Fn(&Client) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = clients
            .iter()
            .map(|client| scope.spawn(move || work(client)))
            .collect();
        let ended = threads.into_iter().map(|thread| {
            let ended = thread.join();
            ended.map_err(|_| anyhow::anyhow!("a client panicked"))?
        });
        ended.collect()
    })
}

/// One socket, and what it asks.
struct Client {
    socket: UdpSocket,
    queries: Vec<Vec<u8>>,
}

impl Client {
    fn new(questions: Questions, number: u32, server: SocketAddr) -> Result<Self> {
        let socket = UdpSocket::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), 0))?;
        socket.connect(server)?;
        let secret = Secret::parse(SECRET)?;
        let secret = questions.digest.then_some(&secret);
        // A different walk through the addresses for every client.
        let mut user = u64::from(number).wrapping_mul(7_919);
        let mut queries = Vec::new();
        for _ in 0..DIFFERENT {
            user = user
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let local = (user >> 33) % questions.known + 1;
            let mailbox = Mailbox::parse(&format!("user{local}@example.com"))?;
            queries.push(Query::new(&mailbox, secret)?.to_string().into_bytes());
        }
        Ok(Self { socket, queries })
    }

    /// Keeps a flight of queries under way; how many were answered.
    fn as_fast_as_possible(&self) -> Result<u32> {
        self.socket.set_read_timeout(Some(LOST))?;
        let mut queries = self.queries.iter().cycle();
        let mut ask = || self.socket.send(queries.next().map_or(&[], Vec::as_slice));
        for _ in 0..FLIGHT {
            ask()?;
        }
        let (start, mut answered) = (Instant::now(), 0);
        let mut buffer = [0; 512];
        while start.elapsed() < RUN {
            if let Ok(length) = self.socket.recv(&mut buffer) {
                active(buffer.get(..length))?;
                answered += 1;
                ask()?;
            } else {
                // Lost on the way: the flight starts again.
                for _ in 0..FLIGHT {
                    ask()?;
                }
            }
        }
        self.empty()?;
        Ok(answered)
    }

    /// Asks at an even pace; the time from each query to its answer in µs. That a client comes late
    /// to its turn, for want of a processor, is not the server's time.
    fn evenly(&self, pace: Duration) -> Result<Vec<f64>> {
        self.socket.set_read_timeout(Some(PATIENCE))?;
        let mut times = Vec::new();
        let mut buffer = [0; 512];
        let start = Instant::now();
        let mut turn = start;
        for query in self.queries.iter().cycle() {
            if start.elapsed() > RUN {
                break;
            }
            while let Some(left) = turn.checked_duration_since(Instant::now()) {
                thread::park_timeout(left);
            }
            let asked = Instant::now();
            self.socket.send(query)?;
            let length = self.socket.recv(&mut buffer).context("no answer")?;
            times.push(asked.elapsed().as_secs_f64() * 1e6);
            active(buffer.get(..length))?;
            turn += pace;
        }
        Ok(times)
    }

    /// Takes the answers that still come.
    fn empty(&self) -> Result<()> {
        self.socket.set_read_timeout(Some(LOST / 5))?;
        let mut buffer = [0; 512];
        while self.socket.recv(&mut buffer).is_ok() {}
        Ok(())
    }
}

/// Wants an answer that says 5.
fn active(answer: Option<&[u8]>) -> Result<()> {
    let answer = answer.unwrap_or_default();
    anyhow::ensure!(
        answer.ends_with(b" 5"),
        "wanted 5, got {}",
        answer.escape_ascii()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_value_below_which_the_rest_is() {
        let sorted: Vec<f64> = (0..100).map(f64::from).collect();
        assert!((quantile(&sorted, 50) - 50.0).abs() < f64::EPSILON);
        assert!((quantile(&sorted, 99) - 99.0).abs() < f64::EPSILON);
        assert!(quantile(&[], 99).abs() < f64::EPSILON);
    }
}
