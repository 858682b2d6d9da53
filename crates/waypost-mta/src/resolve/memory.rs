//! Answers remembered, and questions asked once however many wait for them.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::sync::{OnceCell, mpsc};
use tokio::time::{Instant, timeout};
use waypost_proto::mail::{Domain, LocalPart, Mailbox};
use waypost_proto::route::TargetId;

use super::ask::{Answer, Callout, Heard, Question, Said, Source};
use crate::clock::Clock;

/// How long answers count, and how long one is waited for.
#[derive(Debug, Clone)]
pub struct CacheSettings {
    /// A yes.
    pub positive: Duration,
    /// A yes older than this is asked again in the background when it is used.
    pub refresh: Duration,
    /// A no.
    pub negative: Duration,
    /// Most answers remembered.
    pub entries: usize,
    /// Longest wait for an answer, all attempts counted in.
    pub wait: Duration,
}

/// How long it counts that a target says yes to every address, or does not.
const PROBE_AGE: Duration = Duration::from_secs(3600);
/// Domains of targets that are remembered as probed.
const PROBES: usize = 10_000;
/// Octets of randomness in an address that nobody has.
const PROBE_OCTETS: usize = 10;
/// Background questions that may wait; more are not asked, their answers stay as old as they are.
const MAX_REFRESHES: usize = 1000;

/// An address at a target: local part without letter case, as served domains compare it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key(TargetId, Box<str>);

impl Key {
    fn new(target: TargetId, recipient: &Mailbox) -> Self {
        let address = format!("{}@{}", recipient.local.folded(), recipient.domain);
        Self(target, address.into())
    }

    fn of(question: &Question) -> Self {
        let Question::Callout { target, recipient } = question;
        Self::new(*target, recipient)
    }
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    answer: Answer,
    given: Instant,
}

/// Whether a target's yes means anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Yes {
    /// It says yes to an address that nobody has, too.
    Blind,
    /// It has been seen to say no.
    Meant,
}

/// An answer as `cache list` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// Who said it.
    pub target: TargetId,
    /// About which address.
    pub address: Box<str>,
    /// What.
    pub answer: Answer,
    /// How long ago.
    pub age: Duration,
}

/// A target that says yes to every address of a domain: an event for the log.
pub(super) type Warn = dyn Fn(TargetId, &Domain) + Send + Sync;

/// The answers of other servers, bounded in number and age.
pub(super) struct Memory {
    callout: Arc<dyn Callout>,
    clock: Arc<dyn Clock>,
    settings: CacheSettings,
    blind: Box<Warn>,
    entries: Cache<Key, Entry>,
    probed: Cache<(TargetId, Domain), (Yes, Instant)>,
    asking: Mutex<HashMap<Key, Arc<OnceCell<Heard>>>>,
    refreshes: mpsc::Sender<Question>,
}

impl Memory {
    /// An empty memory, and the questions that are to be asked again in the background.
    pub(super) fn new(
        callout: Arc<dyn Callout>,
        clock: Arc<dyn Clock>,
        settings: CacheSettings,
        blind: Box<Warn>,
    ) -> (Self, mpsc::Receiver<Question>) {
        let (refreshes, questions) = mpsc::channel(MAX_REFRESHES);
        let memory = Self {
            callout,
            clock,
            entries: Cache::new(settings.entries),
            settings,
            blind,
            probed: Cache::new(PROBES),
            asking: Mutex::default(),
            refreshes,
        };
        (memory, questions)
    }

    /// The answer, remembered or asked for.
    pub(super) async fn ask(&self, question: &Question) -> Heard {
        if let Some(heard) = self.recall(question) {
            return heard;
        }
        let waiting = Waiting::new(self, Key::of(question));
        let heard = waiting.cell.get_or_init(|| self.put(question)).await;
        heard.clone()
    }

    /// The answer, remembered or asked for; nothing is remembered of it, nor asked again.
    pub(super) async fn ask_aside(&self, question: &Question) -> Heard {
        if let Some(heard) = self.remembered(question) {
            return heard;
        }
        let Question::Callout { target, recipient } = question;
        let said = timeout(self.settings.wait, self.callout.callout(*target, recipient)).await;
        let said = said.unwrap_or_else(|_| Said::nothing());
        heard_now(*target, said, Source::Asked)
    }

    /// The answer, if it is remembered; an old one is asked again in the background.
    pub(super) fn recall(&self, question: &Question) -> Option<Heard> {
        let heard = self.remembered(question)?;
        if heard.answer == Answer::Active
            && heard.source == Source::Cache
            && heard.age > self.settings.refresh
        {
            // A full queue means that enough is being asked.
            let _ = self.refreshes.try_send(question.clone());
        }
        Some(heard)
    }

    /// Asks again what is remembered: a no drops it, silence keeps it up to its age.
    pub(super) async fn refresh(&self, question: &Question) {
        let fresh = self
            .remembered(question)
            .is_none_or(|heard| heard.age <= self.settings.refresh);
        if fresh {
            return;
        }
        let waiting = Waiting::new(self, Key::of(question));
        waiting.cell.get_or_init(|| self.put(question)).await;
    }

    /// Forgets what a target said about an address.
    pub(super) fn forget(&self, target: TargetId, recipient: &Mailbox) -> bool {
        self.entries.remove(&Key::new(target, recipient)).is_some()
    }

    /// Everything remembered that still counts.
    pub(super) fn list(&self) -> Vec<Remembered> {
        let now = self.clock.now();
        let entries = self.entries.iter();
        entries
            .filter(|(_, entry)| self.counts(*entry, now))
            .map(|(Key(target, address), entry)| Remembered {
                target,
                address,
                answer: entry.answer,
                age: now.saturating_duration_since(entry.given),
            })
            .collect()
    }

    fn remembered(&self, question: &Question) -> Option<Heard> {
        let Question::Callout { target, recipient } = question;
        let now = self.clock.now();
        let heard = |answer, source, given| Heard {
            target: *target,
            answer,
            source,
            age: now.saturating_duration_since(given),
            reply: None,
        };
        if let Some((Yes::Blind, given)) = self.probe(*target, &recipient.domain, now) {
            return Some(heard(Answer::Active, Source::Blind, given));
        }
        let entry = self.entries.get(&Key::of(question))?;
        self.counts(entry, now)
            .then(|| heard(entry.answer, Source::Cache, entry.given))
    }

    fn counts(&self, entry: Entry, now: Instant) -> bool {
        let age = now.saturating_duration_since(entry.given);
        match entry.answer {
            Answer::Active => age < self.settings.positive,
            Answer::Unavailable => false,
            Answer::Unknown => age < self.settings.negative,
        }
    }

    fn probe(&self, target: TargetId, domain: &Domain, now: Instant) -> Option<(Yes, Instant)> {
        let probed = self.probed.get(&(target, domain.clone()));
        probed.filter(|(_, given)| now.saturating_duration_since(*given) < PROBE_AGE)
    }

    /// Asks now, and remembers what counts.
    async fn put(&self, question: &Question) -> Heard {
        let Question::Callout { target, recipient } = question;
        let mut said = Said::nothing();
        let mut yes = Yes::Meant;
        // What was said before time ran out is still said.
        let _ = timeout(self.settings.wait, async {
            said = self.callout.callout(*target, recipient).await;
            if said.answer == Answer::Active {
                yes = self.meaning(*target, &recipient.domain).await;
            }
        })
        .await;
        let entry = Entry {
            answer: said.answer,
            given: self.clock.now(),
        };
        if said.answer != Answer::Unavailable && yes == Yes::Meant {
            self.entries.insert(Key::of(question), entry);
        }
        self.lock().remove(&Key::of(question));
        let source = match yes {
            Yes::Blind => Source::Blind,
            Yes::Meant => Source::Asked,
        };
        heard_now(*target, said, source)
    }

    /// Whether this target's yes means anything: it is asked for an address that nobody has.
    async fn meaning(&self, target: TargetId, domain: &Domain) -> Yes {
        if let Some((yes, _)) = self.probe(target, domain, self.clock.now()) {
            return yes;
        }
        let Some(nobody) = nobody_at(domain) else {
            return Yes::Meant;
        };
        let yes = match self.callout.callout(target, &nobody).await.answer {
            Answer::Active => Yes::Blind,
            Answer::Unknown => Yes::Meant,
            Answer::Unavailable => return Yes::Meant,
        };
        if yes == Yes::Blind {
            (self.blind)(target, domain);
        }
        let key = (target, domain.clone());
        self.probed.insert(key, (yes, self.clock.now()));
        yes
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Arc<OnceCell<Heard>>>> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn heard_now(target: TargetId, said: Said, source: Source) -> Heard {
    Heard {
        target,
        answer: said.answer,
        source,
        age: Duration::ZERO,
        reply: said.reply,
    }
}

/// An address with enough randomness that nobody has it.
fn nobody_at(domain: &Domain) -> Option<Mailbox> {
    let mut random = [0; PROBE_OCTETS];
    getrandom::fill(&mut random).ok()?;
    let mut text = "waypost-probe-".to_owned();
    for octet in random {
        write!(text, "{octet:02x}").ok()?;
    }
    let local = LocalPart::from_unquoted(&text).ok()?;
    Some(Mailbox::new(local, domain.clone()))
}

/// One of those who wait for the same answer; the last one to give up clears the question away.
struct Waiting<'a> {
    memory: &'a Memory,
    key: Key,
    cell: Arc<OnceCell<Heard>>,
}

impl<'a> Waiting<'a> {
    fn new(memory: &'a Memory, key: Key) -> Self {
        let cell = Arc::clone(memory.lock().entry(key.clone()).or_default());
        Self { memory, key, cell }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut asking = self.memory.lock();
        let ours = asking
            .get(&self.key)
            .is_some_and(|cell| Arc::ptr_eq(cell, &self.cell));
        // The table's share and this one.
        if ours && Arc::strong_count(&self.cell) == 2 {
            asking.remove(&self.key);
        }
    }
}
