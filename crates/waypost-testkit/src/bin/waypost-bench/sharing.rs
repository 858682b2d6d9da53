//! What Domain Sharing costs at RCPT, and whether a flood of questions delays mail.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::wait::PATIENCE;

use crate::minger::{SECRET, quantile};
use crate::servers::users;

/// Addresses asked about in one run; every run has its own, since answers are remembered.
const EACH_RUN: u64 = 2_000;
/// RCPT commands of one transaction.
const BATCH: u64 = 100;
/// Questions per second in a flood.
const FLOOD_RATE: u32 = 20_000;
/// Questions sent together in a flood.
const FLOOD_BURST: u32 = 20;

/// How long answers take; µs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
}

impl Times {
    fn of(mut micros: Vec<f64>) -> Self {
        micros.sort_by(f64::total_cmp);
        Self {
            p50: quantile(&micros, 50),
            p95: quantile(&micros, 95),
            p99: quantile(&micros, 99),
        }
    }
}

/// Two sites that share example.com.
pub(crate) struct Pair {
    asker: Site,
    peer: Site,
}

/// One run of everything that is measured of a pair.
pub(crate) struct Run {
    /// A question to the peer itself, over UDP.
    pub(crate) peer: Times,
    /// RCPT for an address of the site's own.
    pub(crate) local: Times,
    /// RCPT for an address that the peer must be asked about.
    pub(crate) uncached: Times,
    /// RCPT for one that is remembered.
    pub(crate) cached: Times,
}

impl Pair {
    /// Starts both; the one knows `userN@example.com`, the other asks it.
    pub(crate) fn start(program: &Path, runs: u64) -> Result<Self> {
        let (asker, peer) = (Plan::new(program)?, Plan::new(program)?);
        let minger = format!(
            "secrets = [\"{SECRET}\"]\nrate_peer = 0\nrate_network = 0\nrate_strangers = 0\n\
             rate_refused = 0\n"
        );
        let limits = "connection_rate = 0\nmessage_rate = 0\n";
        let at = peer.address();
        let peer = peer
            .section("minger", &minger)
            .section("limits", limits)
            .site(&format!(
                "[[domain]]\nname = \"example.com\"\n{}",
                users("example.com", runs * EACH_RUN, "user", "local")
            ))
            .start()?;
        let own = users("example.com", EACH_RUN, "own", "local");
        let asker = asker
            .section("minger", &minger)
            .section("limits", limits)
            .site(&format!(
                "[[peer]]\nname = \"peer\"\nhost = \"{at}\"\nport = 2525\ntls = \"off\"\n\
                 minger_secret = \"{SECRET}\"\n\
                 [[domain]]\nname = \"example.com\"\nsharing = [\"peer\"]\n{own}"
            ))
            .start()?;
        Ok(Self { asker, peer })
    }

    /// Measures the run with this number, counted from 0.
    pub(crate) fn run(&self, number: u64) -> Result<Run> {
        let users = number * EACH_RUN + 1..=(number + 1) * EACH_RUN;
        Ok(Run {
            peer: self.ask_peer(users.clone())?,
            local: self.rcpt("own", 1..=EACH_RUN)?,
            uncached: self.rcpt("user", users.clone())?,
            cached: self.rcpt("user", users)?,
        })
    }

    fn ask_peer(&self, users: RangeInclusive<u64>) -> Result<Times> {
        let socket = UdpSocket::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), 0))?;
        socket.connect(self.peer.minger())?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let mut micros = Vec::new();
        let mut buffer = [0; 512];
        for query in crate::minger::queries(users)? {
            let start = Instant::now();
            socket.send(&query)?;
            socket.recv(&mut buffer).context("the peer is silent")?;
            micros.push(start.elapsed().as_secs_f64() * 1e6);
        }
        Ok(Times::of(micros))
    }

    /// The time to each reply to RCPT, one at a time on one connection.
    fn rcpt(&self, name: &str, users: RangeInclusive<u64>) -> Result<Times> {
        let mut client = Client::connect(self.asker.smtp())?;
        let mut micros = Vec::new();
        for number in users {
            if number % BATCH == 1 {
                client.say("RSET", 250)?;
                client.say("MAIL FROM:<sender@example.net>", 250)?;
            }
            let start = Instant::now();
            client.say(&format!("RCPT TO:<{name}{number}@example.com>"), 250)?;
            micros.push(start.elapsed().as_secs_f64() * 1e6);
        }
        Ok(Times::of(micros))
    }

    /// RCPT for own addresses while questions without credentials are sent to an address: the
    /// asker's own door for questions, or a socket that nobody reads, which costs the machine as
    /// much to send to.
    pub(crate) fn rcpt_under_flood(&self, at_door: bool) -> Result<Times> {
        let unread = UdpSocket::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), 0))?;
        let to = if at_door {
            self.asker.minger()
        } else {
            unread.local_addr()?
        };
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let flood = scope.spawn(|| flood(to, &over));
            let times = self.rcpt("own", 1..=EACH_RUN);
            over.store(true, Ordering::Relaxed);
            flood
                .join()
                .map_err(|_| anyhow::anyhow!("the flood panicked"))??;
            times
        })
    }
}

fn flood(to: SocketAddr, over: &AtomicBool) -> Result<()> {
    let socket = UdpSocket::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), 0))?;
    socket.connect(to)?;
    let pace = Duration::from_secs(1) * FLOOD_BURST / FLOOD_RATE;
    let mut turn = Instant::now();
    let mut number = 0_u64;
    while !over.load(Ordering::Relaxed) {
        for _ in 0..FLOOD_BURST {
            number += 1;
            let query = format!("guess{number}@example.com");
            // A full buffer of the other side is what a flood is about.
            let _ = socket.send(query.as_bytes());
        }
        turn += pace;
        while let Some(left) = turn.checked_duration_since(Instant::now()) {
            thread::park_timeout(left);
        }
    }
    Ok(())
}

/// An SMTP client that waits for each reply.
struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(server: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut client = Self(BufReader::new(stream));
        client.reply(220)?;
        client.say("HELO bench.test", 250)?;
        Ok(client)
    }

    fn say(&mut self, command: &str, code: u16) -> Result<()> {
        let line = format!("{command}\r\n");
        self.0.get_mut().write_all(line.as_bytes())?;
        self.reply(code)
    }

    fn reply(&mut self, code: u16) -> Result<()> {
        let mut line = String::new();
        self.0.read_line(&mut line).context("no reply")?;
        let wanted = format!("{code} ");
        anyhow::ensure!(line.starts_with(&wanted), "wanted {code}, got {line}");
        Ok(())
    }
}
