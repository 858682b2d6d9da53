//! How long a spool with many messages takes to open and to tell its schedule.
//!
//! `cargo run --release -p waypost-spool --example spool_start [MESSAGES [BYTES]]`
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement: it shows what it finds, and ends when something fails"
)]

use std::time::{Duration, Instant, SystemTime};

use waypost_proto::mail::{Mailbox, ReversePath};
use waypost_proto::route::Side;
use waypost_proto::smtp::params::MailParams;
use waypost_spool::{Envelope, Op, Recipient, Settings, Spool};

/// Messages of one transaction while the spool is filled.
const BATCH: u64 = 1000;

fn envelope(number: u64, now: SystemTime) -> Envelope {
    let address = Mailbox::parse(&format!("user{number}@example.com")).unwrap();
    // Due in no order of their own.
    let due = now + Duration::from_secs(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 44);
    Envelope {
        reverse_path: ReversePath::parse("<sender@example.net>").unwrap(),
        params: MailParams::default(),
        side: Side::Stranger,
        client: "client.example.net[192.0.2.1]".to_owned(),
        protocol: "ESMTP".to_owned(),
        message_key: "<20261122.1@example.net>".to_owned(),
        recipients: vec![Recipient::new(
            address,
            due,
            now + Duration::from_secs(432_000),
        )],
        hold: None,
        signatures: String::new(),
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u64| arguments.next().map_or(default, |a| a.parse().unwrap());
    let (messages, bytes) = (number(1_000_000), number(1000));
    let dir = tempfile::tempdir().unwrap();
    let content = vec![b'x'; usize::try_from(bytes).unwrap()];
    let now = SystemTime::now();
    let (spool, _) = Spool::open(dir.path(), Settings::default()).unwrap();
    for batch in 0..messages.div_ceil(BATCH) {
        let one = |number| {
            let mut staged = spool.stage_report(now).unwrap();
            staged.write(&content).unwrap();
            Op::Commit(staged, envelope(number, now))
        };
        let ops = (batch * BATCH..messages.min((batch + 1) * BATCH))
            .map(one)
            .collect();
        spool.apply(ops).wait().unwrap();
    }
    drop(spool);
    let began = Instant::now();
    let (spool, recovered) = Spool::open(dir.path(), Settings::default()).unwrap();
    let opened = began.elapsed();
    let index = spool.index().unwrap();
    let listed = began.elapsed() - opened;
    let (first, _) = index[0];
    spool.load(first).unwrap().unwrap();
    let loaded = began.elapsed() - opened - listed;
    println!(
        "{} messages: opened in {opened:.2?}, {} listed by due time in {listed:.2?}, \
         the first loaded in {loaded:.2?}",
        recovered.messages,
        index.len(),
    );
}
