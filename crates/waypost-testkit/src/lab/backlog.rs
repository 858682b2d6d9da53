//! A queue of a million messages: how soon a restart greets and delivers, and what it takes.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result};
use waypost_proto::mail::{Mailbox, ReversePath};
use waypost_proto::route::Side;
use waypost_proto::smtp::params::MailParams;
use waypost_spool::{Envelope, Receipt, Recipient, Settings, Spool};

use super::client::{Letter, Told, Way, send};
use super::slow::status_kib;
use super::world::{SENDER, Shape, World};
use super::{Found, Trial};
use crate::dialogue::Dialogue;
use crate::wait;

/// Messages that wait for the store at the same time.
const TOGETHER: usize = 2_000;
/// Messages that are due at the restart.
const DUE: u64 = 100;
/// How long the others wait, spread evenly.
const LATER: Duration = Duration::from_hours(1);
const SPREAD: u64 = 3 * 3_600;
const QUEUE: &str = "retry_first = \"2h\"\nretry_max = \"3h\"\n";
/// Messages by which the speed is measured each time, and clients: some seconds, in which the
/// spool moves its log several times.
const SPED: u64 = 8_000;
/// The speed is measured so often, in turn with that of a server whose queue is empty.
const PAIRS: usize = 5;
const CLIENTS: u64 = 8;
/// How long all may take to be scheduled, and between two looks at it.
const PATIENCE: Duration = Duration::from_mins(3);
const COUNT_EVERY: Duration = Duration::from_millis(200);
/// Promised.
const GREETING_MS: u64 = 2_000;
const FIRST_MS: u64 = 10_000;
const SCHEDULED_MS: u64 = 60_000;
const MOST_MIB: u64 = 1_024;
/// Percent of the speed with an empty queue that may be missing.
const SLOWER: u64 = 20;

/// Fills a queue, and starts on it.
///
/// # Errors
///
/// When the program does not start.
pub fn run(trial: &Trial<'_>) -> Result<Found> {
    let mut found = Found::default();
    let messages = trial.sized(30_000, 1_000_000);
    let place = tempfile::tempdir()?;
    let shape = Shape {
        place: Some(place.path()),
        queue: QUEUE,
        ..Shape::default()
    };
    let mut world = World::start(trial.program, trial.seed, &shape)?;
    world.site.stop()?;
    fill(
        &place.path().join("data/spool"),
        messages,
        |number| match number < DUE {
            true => ("steady@example.com", Duration::ZERO),
            false => ("busy@example.com", later(number)),
        },
    )?;
    found.count("messages in the queue at a restart", messages);
    let before = world.steady.look(<[_]>::len);
    let begun = Instant::now();
    world.site.launch()?;
    let (_, greeting) = Dialogue::connect(world.site.smtp())?;
    anyhow::ensure!(greeting.code == 220, "greeted with {}", greeting.text);
    found.within(
        19,
        "greeting after a restart, ms",
        millis(begun)?,
        GREETING_MS,
    );
    wait::until("the first delivery", || {
        world
            .steady
            .look(|taken| (taken.len() > before).then_some(()))
    })?;
    found.within(19, "first delivery after, ms", millis(begun)?, FIRST_MS);
    wait::until_within(PATIENCE, "all to be scheduled", || {
        let all = waiting(&world)? >= messages - DUE;
        // A command is a process: not in every moment of it.
        if !all {
            std::thread::park_timeout(COUNT_EVERY);
        }
        all.then_some(())
    })?;
    found.within(19, "all scheduled after, ms", millis(begun)?, SCHEDULED_MS);
    let missing = missing(trial, &world)?;
    if !trial.is_short {
        let what = "new mail slower than with an empty queue by, %";
        found.within(19, what, missing, SLOWER);
    }
    let pid = world.site.pid().context("the site is not running")?;
    let peak = status_kib(pid, "VmHWM:")? / 1024;
    found.within(19, "peak memory, MiB", peak, MOST_MIB);
    Ok(found)
}

/// How many messages the timetable has.
fn waiting(world: &World) -> Option<u64> {
    let metrics = world.site.tell(&["metrics"]).ok()?;
    let gauge = "waypost_queue_messages{state=\"deferred\"} ";
    let count = metrics.lines().find_map(|line| line.strip_prefix(gauge))?;
    count.parse().ok()
}

/// Percent of the speed with an empty queue that is missing with a full one: the median of pairs,
/// whose two halves follow one another.
fn missing(trial: &Trial<'_>, full: &World) -> Result<u64> {
    let shape = Shape {
        queue: QUEUE,
        ..Shape::default()
    };
    let empty = World::start(trial.program, trial.seed, &shape)?;
    let sped = trial.sized(SPED / 10, SPED);
    let mut ratios = Vec::new();
    for pair in 0..if trial.is_short { 1 } else { PAIRS } {
        let of_empty = speed(&empty, &format!("e{pair}"), sped)?;
        let of_full = speed(full, &format!("f{pair}"), sped)?;
        ratios.push((100.0 - of_full / of_empty * 100.0).clamp(0.0, 100.0));
    }
    ratios.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 100"
    )]
    let median = ratios.get(ratios.len() / 2).map(|median| *median as u64);
    median.context("nothing was measured")
}

/// Messages per second that are taken and delivered here.
fn speed(world: &World, mark: &str, sped: u64) -> Result<f64> {
    let begun = Instant::now();
    let taken = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                scope.spawn(move || sends(world, &format!("{mark}{client}"), sped / CLIENTS))
            })
            .collect();
        clients
            .into_iter()
            .all(|client| client.join().unwrap_or(false))
    });
    anyhow::ensure!(taken, "mail was refused:\n{}", world.tail());
    Ok(sped as f64 / begun.elapsed().as_secs_f64())
}

fn sends(world: &World, mark: &str, letters: u64) -> bool {
    let recipients = ["steady@example.com".to_owned()];
    (0..letters).all(|number| {
        let letter = Letter {
            name: &format!("{mark}-{number}"),
            sender: SENDER,
            recipients: &recipients,
            size: 2_000,
            way: Way::Data,
        };
        let told = send(world.site.smtp(), &letter, &world.ledger);
        matches!(told, Told::Taken(_))
    })
}

/// When the message with this number is due, of a queue that waits for hours.
#[must_use]
pub fn later(number: u64) -> Duration {
    LATER + Duration::from_secs(number % SPREAD)
}

/// Puts messages into a spool that nobody has open, each to an address and due after a while.
///
/// # Errors
///
/// When the spool cannot be opened or written.
pub fn fill<'a>(dir: &Path, messages: u64, due: impl Fn(u64) -> (&'a str, Duration)) -> Result<()> {
    let (spool, _) = Spool::open(dir, Settings::default())?;
    let now = SystemTime::now();
    let mut receipts: Vec<Receipt<_>> = Vec::with_capacity(TOGETHER);
    for number in 0..messages {
        let (address, after) = due(number);
        let mut staged = spool.stage(now)?;
        staged.write(format!("Subject: q{number}\r\n\r\nHello.\r\n").as_bytes())?;
        receipts.push(spool.commit(staged, envelope(address, now, now + after)?));
        if receipts.len() == TOGETHER {
            for receipt in receipts.drain(..) {
                receipt.wait()?;
            }
        }
    }
    for receipt in receipts {
        receipt.wait()?;
    }
    Ok(())
}

fn envelope(recipient: &str, now: SystemTime, due: SystemTime) -> Result<Envelope> {
    let address = Mailbox::parse(recipient)?;
    let expires = now + Duration::from_hours(120);
    Ok(Envelope {
        reverse_path: ReversePath::Null,
        params: MailParams::default(),
        side: Side::Stranger,
        client: "client.example.net[192.0.2.1]".to_owned(),
        protocol: "ESMTP".to_owned(),
        message_key: "<1@example.net>".to_owned(),
        recipients: vec![Recipient::new(address, due, expires)],
        hold: None,
        signatures: String::new(),
    })
}

fn millis(since: Instant) -> Result<u64> {
    Ok(since.elapsed().as_millis().try_into()?)
}
