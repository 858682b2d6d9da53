//! One run of `smtp-source` through a server into `smtp-sink`.

use std::io::Read;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use waypost_testkit::wait;

use crate::usage::{PeakMemory, cpu_seconds};

/// The longest that one run may take.
const LIMIT: Duration = Duration::from_secs(300);

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) size_bytes: u32,
    pub(crate) sessions: u32,
    pub(crate) messages: u32,
}

/// What one run came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// Messages per second, from the first connection until the last message is at the sink.
    pub(crate) delivered_rate: f64,
    /// Messages per second, until the last message is acknowledged.
    pub(crate) accepted_rate: f64,
    /// CPU seconds of the server for 1,000 messages.
    pub(crate) cpu_per_thousand: f64,
    /// Peak proportional memory of the server, MiB.
    pub(crate) peak_mib: f64,
}

/// A running `smtp-sink` that counts what it takes.
pub(crate) struct Sink {
    process: Child,
    taken: Arc<AtomicU64>,
}

impl Sink {
    pub(crate) fn start(address: SocketAddr) -> Result<Self> {
        let mut process = Command::new("/usr/sbin/smtp-sink")
            // As root it wants to know whom to become; the Postfix beside it needs root anyway.
            .args(["-u", "nobody", "-c", &address.to_string(), "1000"])
            .stdout(Stdio::piped())
            .spawn()
            .context("start smtp-sink (Debian package postfix)")?;
        let mut counts = process.stdout.take().context("smtp-sink has no output")?;
        let taken = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&taken);
        std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(read @ 1..) = counts.read(&mut buffer) {
                if let Some(count) = last_count(&buffer[..read]) {
                    counter.store(count, Ordering::Relaxed);
                }
            }
        });
        wait::until("smtp-sink to take connections", || {
            std::net::TcpStream::connect(address).ok()
        })?;
        Ok(Self { process, taken })
    }

    fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    fn wait_for(&self, all: u64) -> Result<()> {
        wait::until_within(LIMIT, "all messages at the sink", || {
            (self.taken() >= all).then_some(())
        })
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The last whole `mesg=N` that smtp-sink printed.
fn last_count(output: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(output);
    let (whole, _) = text.rsplit_once('\r')?;
    let (_, count) = whole.rsplit_once("mesg=")?;
    count
        .trim_end_matches(|c: char| !c.is_ascii_digit())
        .parse()
        .ok()
}

/// Sends the load to `server` and waits until all of it is at the sink.
pub(crate) fn run(load: Load, server: SocketAddr, server_pid: u32, sink: &Sink) -> Result<Run> {
    let before = sink.taken();
    let cpu_before = cpu_seconds(server_pid);
    let memory = PeakMemory::watch(server_pid);
    let start = Instant::now();
    send(load, server)?;
    let accepted = start.elapsed();
    sink.wait_for(before + u64::from(load.messages))?;
    let delivered = start.elapsed();
    let messages = f64::from(load.messages);
    let cpu = cpu_seconds(server_pid) - cpu_before;
    Ok(Run {
        delivered_rate: messages / delivered.as_secs_f64(),
        accepted_rate: messages / accepted.as_secs_f64(),
        cpu_per_thousand: cpu / messages * 1000.0,
        peak_mib: memory.stop(),
    })
}

/// Messages per second from the source straight into the sink: no server can deliver more.
pub(crate) fn ceiling(load: Load, (at, sink): (SocketAddr, &Sink)) -> Result<f64> {
    let all = sink.taken() + u64::from(load.messages);
    let start = Instant::now();
    send(load, at)?;
    let took = start.elapsed();
    // Counted to the end, so that the next run does not take these for its own.
    sink.wait_for(all)?;
    Ok(f64::from(load.messages) / took.as_secs_f64())
}

fn send(load: Load, server: SocketAddr) -> Result<()> {
    send_to(load, server, "user1@example.com")
}

/// Sends the load to one recipient; returns when all of it is acknowledged.
pub(crate) fn send_to(load: Load, server: SocketAddr, recipient: &str) -> Result<()> {
    let status = Command::new("/usr/sbin/smtp-source")
        .args([
            "-s",
            &load.sessions.to_string(),
            "-l",
            &load.size_bytes.to_string(),
        ])
        .args(["-m", &load.messages.to_string()])
        .args(["-f", "sender@example.net", "-t", recipient])
        .arg(format!("inet:{server}"))
        .status()
        .context("start smtp-source (Debian package postfix)")?;
    anyhow::ensure!(status.success(), "smtp-source failed: {status}");
    Ok(())
}
