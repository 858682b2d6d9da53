//! RCPT decisions over kept-open, pipelined connections.

use std::io::{BufRead, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result};
use waypost_testkit::wait::PATIENCE;

use crate::usage::cpu_seconds;

/// RCPT commands sent in one flight, in one transaction.
const BATCH: u64 = 100;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Questions {
    /// Connections, each with one flight under way.
    pub(crate) connections: u64,
    /// RCPT commands in all.
    pub(crate) recipients: u64,
    /// How many addresses the server knows: `user1@example.com` to `userN@example.com`.
    pub(crate) known: u64,
}

/// What one run came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answers {
    pub(crate) rate: f64,
    /// CPU of the server for one decision, µs.
    pub(crate) cpu_micros: f64,
}

/// Asks about known addresses spread over the whole list; every answer must be 250.
pub(crate) fn run(questions: Questions, server: SocketAddr, server_pid: u32) -> Result<Answers> {
    let cpu_before = cpu_seconds(server_pid);
    let start = Instant::now();
    let each = questions.recipients / questions.connections / BATCH;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..questions.connections)
            .map(|number| scope.spawn(move || ask(questions.known, number, each, server)))
            .collect();
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .map_err(|_| anyhow::anyhow!("a client panicked"))?
        })
    })?;
    let asked = u32::try_from(each * questions.connections * BATCH)?;
    let cpu = cpu_seconds(server_pid) - cpu_before;
    Ok(Answers {
        rate: f64::from(asked) / start.elapsed().as_secs_f64(),
        cpu_micros: cpu / f64::from(asked) * 1e6,
    })
}

fn ask(known: u64, number: u64, batches: u64, server: SocketAddr) -> Result<()> {
    let stream = TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::with_capacity(1 << 16, stream);
    read_replies(&mut reader, 1, 220)?;
    reader.get_mut().write_all(b"EHLO bench.test\r\n")?;
    read_replies(&mut reader, 1, 250)?;
    // A different walk through the addresses for every connection.
    let mut user = number.wrapping_mul(7_919);
    let mut flight = Vec::new();
    for _ in 0..batches {
        flight.clear();
        flight.extend_from_slice(b"MAIL FROM:<sender@example.net>\r\n");
        for _ in 0..BATCH {
            user = user
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let local = (user >> 33) % known + 1;
            write!(flight, "RCPT TO:<user{local}@example.com>\r\n")?;
        }
        flight.extend_from_slice(b"RSET\r\n");
        reader.get_mut().write_all(&flight)?;
        read_replies(&mut reader, BATCH + 2, 250)?;
    }
    reader.get_mut().write_all(b"QUIT\r\n")?;
    read_replies(&mut reader, 1, 221)
}

/// Reads so many replies and wants this code of each.
fn read_replies(reader: &mut BufReader<TcpStream>, count: u64, code: u16) -> Result<()> {
    let mut line = Vec::new();
    let mut left = count;
    while left > 0 {
        line.clear();
        let read = reader
            .read_until(b'\n', &mut line)
            .context("read a reply")?;
        anyhow::ensure!(read > 0, "the server closed the connection");
        let text = String::from_utf8_lossy(&line);
        let got: u16 = text
            .get(..3)
            .and_then(|code| code.parse().ok())
            .unwrap_or(0);
        anyhow::ensure!(got == code, "wanted {code}, got {text}");
        if line.get(3) != Some(&b'-') {
            left -= 1;
        }
    }
    Ok(())
}
