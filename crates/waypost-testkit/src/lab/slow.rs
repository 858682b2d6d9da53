//! Thousands of clients that say a byte now and then: who is served meanwhile, and what each costs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::process::{Resource, getrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Runtime;

use super::client::Told;
use super::world::{Shape, World, is_taken};
use super::{Found, Trial};
use crate::dialogue::Dialogue;

/// Clients of one address, below the limit for each.
const PER_ADDRESS: usize = 40;
/// Between two bytes of a client.
const BYTE_EVERY: Duration = Duration::from_secs(2);
/// Between two looks at how long a greeting takes.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Promised: a greeting while all of them are there, and memory for each.
const GREETING_MS: u64 = 1_000;
const OCTETS_EACH: u64 = 64 * 1024;

/// How far a slow client goes, one after the other.
const TALKS: [&str; 4] = [
    // Not a word.
    "",
    // The beginning of a long command.
    "EHLO ",
    // Content that goes on and on.
    "EHLO client.test\r\nMAIL FROM:<>\r\nRCPT TO:<local@example.com>\r\nDATA\r\nSubject: slow\r\n",
    // A chunk that does not end.
    "EHLO client.test\r\nMAIL FROM:<>\r\nRCPT TO:<local@example.com>\r\nBDAT 100000 LAST\r\n",
];

/// Lets them come, and watches.
///
/// # Errors
///
/// When so many connections cannot be made here.
pub fn run(trial: &Trial<'_>) -> Result<Found> {
    let mut found = Found::default();
    let most = trial.sized(1_000, 10_000).min(affordable());
    let shape = Shape {
        limits: "connections = 11000\n",
        ..Shape::default()
    };
    let world = World::start(trial.program, trial.seed, &shape)?;
    let pid = world.site.pid().context("the site is not running")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let before = resident(pid)?;
    let server = world.site.smtp();
    let mut clients = runtime.block_on(come(server, most))?;
    found.count("slow connections at once", most.try_into()?);
    let lasts = trial.sized(Duration::from_secs(6), Duration::from_mins(2));
    watch(&world, &runtime, &mut clients, lasts, &mut found)?;
    let each = resident(pid)?.saturating_sub(before) / u64::try_from(most)?;
    found.within(16, "octets for each connection", each, OCTETS_EACH);
    drop(clients);
    let mut last = Told::Nothing;
    if !is_taken(&world, "after", &mut last) {
        found.broke(16, format!("after the slow ones: {last:?}"));
    }
    world.settle(0, &mut found)?;
    Ok(found)
}

/// Connections that the program keeps descriptors for: two for each, and some for itself.
fn affordable() -> usize {
    let limit = getrlimit(Resource::Nofile).maximum;
    let sessions = limit.map_or(u64::MAX, |limit| limit.saturating_sub(600) / 2);
    usize::try_from(sessions).unwrap_or(usize::MAX)
}

/// Connects them all, and lets each say its part.
async fn come(server: SocketAddr, most: usize) -> Result<Vec<TcpStream>> {
    let mut clients = Vec::with_capacity(most);
    for number in 0..most {
        let stream = connect(server, number).await;
        let mut stream = stream.with_context(|| format!("connection {number} of {most}"))?;
        let mut greeting = [0; 256];
        let heard = stream.read(&mut greeting).await?;
        anyhow::ensure!(greeting[..heard].starts_with(b"220"), "no greeting");
        stream
            .write_all(TALKS[number % TALKS.len()].as_bytes())
            .await?;
        clients.push(stream);
    }
    Ok(clients)
}

async fn connect(server: SocketAddr, number: usize) -> Result<TcpStream> {
    let address = u32::try_from(number / PER_ADDRESS)? + u32::from(Ipv4Addr::new(127, 253, 0, 1));
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::from(address)), 0))?;
    Ok(socket.connect(server).await?)
}

/// Each says a byte now and then; a client in good standing is greeted and served meanwhile.
fn watch(
    world: &World,
    runtime: &Runtime,
    clients: &mut [TcpStream],
    lasts: Duration,
    found: &mut Found,
) -> Result<()> {
    let end = Instant::now() + lasts;
    let mut next_byte = Instant::now();
    let mut number = 0;
    while Instant::now() < end {
        if Instant::now() >= next_byte {
            next_byte += BYTE_EVERY;
            runtime.block_on(async {
                for client in clients.iter_mut() {
                    // One that was ended has had its time.
                    let _ = client.write_all(b"x").await;
                }
            });
        }
        let begun = Instant::now();
        let (_, greeting) = Dialogue::connect(world.site.smtp())?;
        let waited = u64::try_from(begun.elapsed().as_millis())?;
        anyhow::ensure!(greeting.code == 220, "greeted with {}", greeting.text);
        found.within(
            16,
            "greeting beside slow connections, ms",
            waited,
            GREETING_MS,
        );
        found.count("greetings beside slow connections", 1);
        number += 1;
        let mut last = Told::Nothing;
        if number % 5 == 0 && !is_taken(world, &format!("s{number}"), &mut last) {
            found.broke(6, format!("beside slow connections: {last:?}"));
        }
        std::thread::park_timeout(LOOK_EVERY);
    }
    Ok(())
}

/// Octets of memory that a process has now.
///
/// # Errors
///
/// When it is gone.
pub fn resident(pid: u32) -> Result<u64> {
    status_kib(pid, "VmRSS:").map(|kib| kib * 1024)
}

/// A line of a process's status that counts KiB.
///
/// # Errors
///
/// When it is gone.
pub fn status_kib(pid: u32, line: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let rest = status.lines().find_map(|l| l.strip_prefix(line));
    let kib = rest.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    kib.with_context(|| format!("{line} of process {pid}"))
}
