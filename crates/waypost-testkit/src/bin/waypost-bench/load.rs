//! One run of messages from the source through a server into the sink, and what it came to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio_rustls::rustls::ClientConfig;

use crate::minger::quantile;
use crate::sink::Sink;
use crate::source::{self, Moments, Order, Sent};
use crate::usage::{PeakMemory, cpu_seconds};

/// The longest that one run may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// No two messages of a bench have one number.
static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// What is sent.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    pub(crate) size_bytes: u32,
    pub(crate) sessions: u32,
    pub(crate) messages: u32,
    /// Messages per second; without it, as fast as they are taken.
    pub(crate) rate: Option<u32>,
    /// Recipients of one message after the other, over and over.
    pub(crate) recipients: Vec<Vec<String>>,
}

impl Load {
    /// Messages to one recipient, as fast as they are taken.
    pub(crate) fn new(size_bytes: u32, sessions: u32, messages: u32) -> Self {
        Self {
            size_bytes,
            sessions,
            messages,
            rate: None,
            recipients: vec![vec!["user1@example.com".to_owned()]],
        }
    }

    /// The same, to these instead.
    pub(crate) fn to(self, recipients: Vec<Vec<String>>) -> Self {
        Self { recipients, ..self }
    }

    /// The same, so many in a second.
    pub(crate) fn at_rate(self, rate: u32) -> Self {
        Self {
            rate: Some(rate),
            ..self
        }
    }
}

/// The way of messages.
pub(crate) struct Passage<'a> {
    pub(crate) server: SocketAddr,
    /// The server's process; none where the source sends straight into the sink.
    pub(crate) pid: Option<u32>,
    pub(crate) sink: &'a Sink,
    pub(crate) tls: Option<Arc<ClientConfig>>,
}

/// How long something took; ms.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Times {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

impl Times {
    fn of(times: impl Iterator<Item = Duration>) -> Self {
        let mut times: Vec<f64> = times.map(|time| time.as_secs_f64() * 1e3).collect();
        times.sort_by(f64::total_cmp);
        Self {
            p50: quantile(&times, 50),
            p99: quantile(&times, 99),
        }
    }
}

/// What one run came to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Run {
    /// Messages per second, from the first connection until the last message is at the sink.
    pub(crate) delivered_rate: f64,
    /// Messages per second, until the last message is acknowledged.
    pub(crate) accepted_rate: f64,
    /// CPU seconds of the server for 1,000 messages.
    pub(crate) cpu_per_thousand: f64,
    /// Peak proportional memory of the server, MiB.
    pub(crate) peak_mib: f64,
    /// From the final dot to its reply.
    pub(crate) reply: Times,
    /// From the final dot to the whole message at the sink.
    pub(crate) arrival: Times,
}

/// Sends the load and waits until all of it is at the sink.
pub(crate) fn run(load: &Load, passage: &Passage<'_>) -> Result<Run> {
    run_but(load, passage, None)
}

/// The same, without waiting for or counting messages to one of the recipients by turns.
pub(crate) fn run_but(load: &Load, passage: &Passage<'_>, without: Option<usize>) -> Result<Run> {
    let awaited = |index: usize| Some(index % load.recipients.len()) != without;
    let first = NUMBERS.fetch_add(u64::from(load.messages), Ordering::Relaxed);
    passage.sink.arrivals().expect(first, load.expected());
    let cpu_before = passage.pid.map_or(0.0, cpu_seconds);
    let memory = passage.pid.map(PeakMemory::watch);
    let sent = source::send(Order {
        server: passage.server,
        load: load.clone(),
        first,
        tls: passage.tls.clone(),
    })?;
    let came = passage.sink.arrivals().wait(LIMIT, &awaited)?;
    let cpu = passage.pid.map_or(0.0, cpu_seconds) - cpu_before;
    let came: Vec<_> = (came.into_iter().enumerate())
        .map(|(index, at)| at.filter(|_| awaited(index)))
        .collect();
    Ok(Run {
        cpu_per_thousand: cpu / f64::from(load.messages) * 1e3,
        peak_mib: memory.map_or(0.0, PeakMemory::stop),
        ..figures(&sent, &came)
    })
}

impl Load {
    /// How many recipients each message has.
    fn expected(&self) -> impl Iterator<Item = u32> {
        let counts = self.recipients.iter().map(|all| all.len() as u32);
        let counts: Vec<u32> = counts.collect();
        counts.into_iter().cycle().take(self.messages as usize)
    }
}

/// What the moments come to; nothing of what was not awaited.
fn figures(sent: &Sent, came: &[Option<Instant>]) -> Run {
    let per_second = |count: usize, last: Option<Instant>| {
        let took = last.map_or(Duration::ZERO, |last| last - sent.start);
        count as f64 / took.as_secs_f64()
    };
    let replied = sent.messages.iter().map(|message| message.replied).max();
    let arrival = |message: &Moments| {
        let at = came.get(message.index as usize).copied().flatten()?;
        Some(at.saturating_duration_since(message.ended))
    };
    Run {
        delivered_rate: per_second(
            came.iter().flatten().count(),
            came.iter().flatten().max().copied(),
        ),
        accepted_rate: per_second(sent.messages.len(), replied),
        reply: Times::of(sent.messages.iter().map(|one| one.replied - one.ended)),
        arrival: Times::of(sent.messages.iter().filter_map(arrival)),
        ..Run::default()
    }
}

/// Sends messages that need not arrive; returns when all are acknowledged.
pub(crate) fn send(load: Load, server: SocketAddr) -> Result<()> {
    let first = NUMBERS.fetch_add(u64::from(load.messages), Ordering::Relaxed);
    source::send(Order {
        server,
        load,
        first,
        tls: None,
    })
    .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_come_from_moments() {
        let start = Instant::now();
        let after = |millis| start + Duration::from_millis(millis);
        let messages = (0..4).map(|index: u32| Moments {
            index,
            ended: after(100 * u64::from(index)),
            replied: after(100 * u64::from(index) + 10),
        });
        let sent = Sent {
            start,
            messages: messages.rev().collect(),
        };
        let came = [Some(after(5)), Some(after(120)), None, Some(after(600))];
        let run = figures(&sent, &came);
        let near = |figure: f64, wanted: f64| assert!((figure - wanted).abs() < 0.1, "{run:?}");
        near(run.delivered_rate, 5.0);
        near(run.accepted_rate, 4.0 / 0.31);
        near(run.reply.p50, 10.0);
        near(run.arrival.p50, 20.0);
        near(run.arrival.p99, 300.0);
    }

    #[test]
    fn every_message_has_the_recipients_of_its_turn() {
        let turns = vec![vec!["a".to_owned()], vec!["b".to_owned(), "c".to_owned()]];
        let load = Load::new(1_000, 1, 5).to(turns);
        assert_eq!(load.expected().collect::<Vec<_>>(), [1, 2, 1, 2, 1]);
    }
}
