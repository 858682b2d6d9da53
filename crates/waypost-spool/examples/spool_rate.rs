//! How many messages per second the spool takes and lets go, and at what cost.
//!
//! `cargo run --release -p waypost-spool --example spool_rate [CALLERS [BYTES [SECONDS [DIR]]]]`
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement: it shows what it finds, and ends when something fails"
)]

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use waypost_proto::mail::{Mailbox, ReversePath};
use waypost_proto::route::Side;
use waypost_proto::smtp::params::MailParams;
use waypost_spool::{Envelope, Recipient, Settings, Spool};

fn envelope() -> Envelope {
    let now = SystemTime::now();
    let address = Mailbox::parse("jdoe@example.com").unwrap();
    Envelope {
        reverse_path: ReversePath::parse("<sender@example.net>").unwrap(),
        params: MailParams::default(),
        side: Side::Stranger,
        client: "client.example.net[192.0.2.1]".to_owned(),
        protocol: "ESMTP".to_owned(),
        message_key: "<20261122.1@example.net>".to_owned(),
        recipients: vec![Recipient::new(
            address,
            now,
            now + Duration::from_secs(432_000),
        )],
        hold: None,
        signatures: String::new(),
    }
}

/// One message in and out.
async fn pass(spool: &Spool, content: &[u8]) {
    let mut staged = spool.stage(SystemTime::now()).unwrap();
    staged.write(content).unwrap();
    let committed = spool.commit(staged, envelope()).await.unwrap();
    spool.remove(committed.message().id).await.unwrap();
}

/// CPU time of the process: proc(5), in ticks of 10 ms.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = fields.split(' ').skip(11).take(2);
    let ticks: u64 = ticks.map(|t| t.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u64| arguments.next().map_or(default, |a| a.parse().unwrap());
    let (callers, bytes, seconds) = (number(50), number(10_000), number(10));
    let parent = arguments
        .next()
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = tempfile::tempdir_in(parent).unwrap();
    let (spool, _) = Spool::open(dir.path(), Settings::default()).unwrap();
    let content = vec![b'x'; usize::try_from(bytes).unwrap()];
    let (began, used) = (Instant::now(), cpu());
    let end = began + Duration::from_secs(seconds);
    let call = || {
        let (spool, content) = (spool.clone(), content.clone());
        tokio::spawn(async move {
            let mut passed = 0_u64;
            while Instant::now() < end {
                pass(&spool, &content).await;
                passed += 1;
            }
            passed
        })
    };
    let calls: Vec<_> = (0..callers).map(|_| call()).collect();
    let mut passed = 0;
    for call in calls {
        passed += call.await.unwrap();
    }
    let (took, used) = (began.elapsed(), cpu() - used);
    println!(
        "{callers} callers, {bytes} bytes: {:.0} messages/s committed and removed, \
         {:.1} us CPU each",
        passed as f64 / took.as_secs_f64(),
        used.as_secs_f64() * 1e6 / passed as f64,
    );
}
