//! What happened in a world, as everybody noted it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use waypost_testkit::ledger::Ledger;

use crate::plan::From;

/// A message by the word in its subject, and one of its recipients.
pub(crate) type Entry = (String, String);

/// Everybody's notes.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) ledger: Ledger,
    /// The virtual time in milliseconds, for who is at no host.
    now: AtomicU64,
    seen: Mutex<Seen>,
    log: Mutex<Log>,
}

/// The log, in order.
#[derive(Debug, Default)]
struct Log {
    text: String,
}

/// What was seen of messages.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// How often a server took charge of it, wherever.
    pub(crate) taken: BTreeMap<Entry, u64>,
    /// How often a client of such a server was told so.
    pub(crate) told: BTreeMap<Entry, u64>,
    /// When it was first acknowledged to its sender.
    pub(crate) acknowledged: BTreeMap<Entry, Duration>,
    /// When it came to its end, each time: a mailbox, or a foreign server.
    pub(crate) arrived: Vec<(Entry, Duration)>,
    /// Reports of failure that came to the sender: the report's text is kept with them.
    pub(crate) bounced: Vec<(Entry, String)>,
    /// What such reports would have told, had they come to the sender: the postmaster has them.
    pub(crate) shown: BTreeSet<Entry>,
    /// Promises that were broken in front of somebody's eyes.
    pub(crate) broken: BTreeSet<(u8, String)>,
    /// Bad things that sites have logged.
    pub(crate) errors: Vec<String>,
    /// Attempts, by site; since it began again with a clock that had been set forward, if it did.
    pub(crate) tried: BTreeMap<usize, BTreeSet<Entry>>,
    /// What clients were told of recipients.
    pub(crate) replies: Vec<(From, String, u16)>,
    /// How often one site had seen a message for a recipient, at most, on one of its journeys.
    pub(crate) visits: BTreeMap<(usize, String, String), usize>,
    /// Of what was counted, how often.
    pub(crate) counts: BTreeMap<&'static str, u64>,
}

impl Notes {
    /// What time it is.
    pub(crate) fn now(&self) -> Duration {
        let here = turmoil::sim_elapsed();
        here.unwrap_or_else(|| Duration::from_millis(self.now.load(Ordering::Relaxed)))
    }

    pub(crate) fn set_now(&self, now: Duration) {
        let ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        self.now.store(ms, Ordering::Relaxed);
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line of the log.
    pub(crate) fn say(&self, who: &str, what: &str) {
        let now = self.now();
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        // Writing to a string does not fail.
        let _ = writeln!(log.text, "{:>10.3} {who}: {what}", now.as_secs_f64());
    }

    /// The log so far.
    pub(crate) fn log(&self) -> String {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.text.clone()
    }

    pub(crate) fn error(&self, who: &str, what: &str) {
        self.seen().errors.push(format!("{who}: {what}"));
    }

    pub(crate) fn broke(&self, promise: u8, what: impl Into<String>) {
        let what = what.into();
        self.say("BROKEN", &what);
        self.seen().broken.insert((promise, what));
    }

    pub(crate) fn count(&self, what: &'static str) {
        *self.seen().counts.entry(what).or_default() += 1;
    }

    /// A server has taken charge.
    pub(crate) fn taken(&self, message: &str, recipient: &str) {
        let entry = (message.to_owned(), recipient.to_owned());
        *self.seen().taken.entry(entry).or_default() += 1;
    }

    /// Its client was told so.
    pub(crate) fn told(&self, message: &str, recipient: &str) {
        let entry = (message.to_owned(), recipient.to_owned());
        *self.seen().told.entry(entry).or_default() += 1;
    }

    /// A message is where it is to end.
    pub(crate) fn arrived(&self, at: &str, message: &str, recipient: &str) {
        self.say(at, &format!("{message} for {recipient} has arrived"));
        let (entry, now) = ((message.to_owned(), recipient.to_owned()), self.now());
        self.seen().arrived.push((entry, now));
    }

    /// A sender was told that these are taken.
    pub(crate) fn acknowledged(&self, message: &str, recipients: &[String]) {
        self.ledger.acknowledged(message, recipients);
        let now = self.now();
        let mut seen = self.seen();
        for to in recipients {
            let entry = (message.to_owned(), to.clone());
            seen.acknowledged.entry(entry).or_insert(now);
        }
    }
}
