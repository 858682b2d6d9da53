//! Answers remembered, and questions asked once however many wait for them.

mod breaker;
mod keep;
mod look;
mod probe;
mod tally;
mod together;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::time::{Instant, timeout};
use waypost_proto::mail::{Domain, Mailbox};
use waypost_proto::route::TargetId;

use self::breaker::Breakers;
pub use self::keep::{Keep, KeepNothing, Kept};
use self::look::Uses;
pub use self::look::{CacheStats, Place, Remembered};
pub use self::probe::nobody_at;
use self::probe::{Probes, Yes};
pub use self::tally::Tallied;
use self::tally::Tally;
use self::together::Together;
use super::ask::{Answer, Ask, Authority, Heard, Question, Said, Source};
use crate::clock::Clock;

/// How long answers count, and how long one is waited for.
#[derive(Debug, Clone, Copy)]
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

/// How long a delivery proves that an address exists.
const DELIVERY: Duration = Duration::from_hours(24);
/// A delivery within this time after another proves nothing more.
const DELIVERY_AGAIN: Duration = Duration::from_hours(1);

/// An address at an authority: local part without letter case, as served domains compare it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key(Authority, Box<str>);

impl Key {
    fn new(authority: Authority, address: &Mailbox) -> Self {
        let address = format!("{}@{}", address.local.folded(), address.domain);
        Self(authority, address.into())
    }

    fn of(question: &Question) -> Self {
        Self::new(question.authority, &question.address)
    }
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    answer: Answer,
    given: Instant,
}

/// An event for the log.
#[derive(Debug, Clone, Copy)]
pub(super) enum Notice<'a> {
    /// A target says yes to every address of a domain.
    Blind(TargetId, &'a Domain),
    /// An authority does not answer, and is asked less often.
    Silent(Authority),
    /// It answers again.
    Back(Authority),
}

pub(super) type Tell = dyn Fn(Notice<'_>) + Send + Sync;

/// Whom a memory asks and tells.
pub(super) struct Outside {
    pub(super) ask: Arc<dyn Ask>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) keep: Arc<dyn Keep>,
    pub(super) tell: Box<Tell>,
}

/// The answers of other servers, bounded in number and age.
pub(super) struct Memory {
    outside: Outside,
    settings: RwLock<CacheSettings>,
    entries: Cache<Key, Entry>,
    probes: Probes,
    together: Together,
    breakers: Breakers,
    uses: Uses,
    tally: Tally,
}

impl Memory {
    /// An empty memory.
    pub(super) fn new(outside: Outside, settings: CacheSettings) -> Self {
        Self {
            outside,
            entries: Cache::new(settings.entries),
            settings: RwLock::new(settings),
            probes: Probes::new(),
            together: Together::default(),
            breakers: Breakers::default(),
            uses: Uses::default(),
            tally: Tally::default(),
        }
    }

    /// Other times from now on; the bound stays as it was made.
    pub(super) fn reload(&self, settings: CacheSettings) {
        let mut held = (self.settings.write()).unwrap_or_else(PoisonError::into_inner);
        *held = CacheSettings {
            entries: held.entries,
            ..settings
        };
    }

    fn settings(&self) -> CacheSettings {
        *self.settings.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what was kept before a restart, as far as it still counts; nothing newer is
    /// replaced. Returns how many answers there were.
    pub(super) fn restore(&self, kept: impl IntoIterator<Item = Kept>) -> usize {
        let (now, wall) = (self.outside.clock.now(), self.outside.clock.wall());
        let mut restored = 0;
        for kept in kept {
            // A clock that was set back: how old the answer is nobody knows.
            let Ok(age) = wall.duration_since(kept.given) else {
                continue;
            };
            let Some(given) = now.checked_sub(age) else {
                continue;
            };
            let key = Key(kept.authority, kept.address);
            let answer = kept.answer;
            let entry = Entry { answer, given };
            if self.counts(key.0, entry, now) && self.entries.get(&key).is_none() {
                self.entries.insert(key, entry);
                restored += 1;
            }
        }
        restored
    }

    /// The answer, remembered or asked for.
    pub(super) async fn ask(&self, question: &Question) -> Heard {
        if let Some(heard) = self.recall(question) {
            self.note_use(&heard);
            return heard;
        }
        Uses::count(&self.uses.misses);
        self.ask_now(question).await
    }

    /// The answer, asked for together with everybody who asks the same.
    pub(super) async fn ask_now(&self, question: &Question) -> Heard {
        let asking = self.put(question);
        self.together.answer(Key::of(question), asking).await
    }

    /// The answer, asked for by this caller alone; nothing is remembered of it. Who is not asked
    /// for a while is not asked.
    pub(super) async fn ask_aside(&self, question: &Question) -> Heard {
        let authority = question.authority;
        if self.paused_for(authority).is_some() {
            return heard_now(authority, Said::nothing(), Source::Suspended);
        }
        let started = self.outside.clock.now();
        let said = timeout(self.settings().wait, self.outside.ask.ask(question)).await;
        let said = said.unwrap_or_else(|_| Said::nothing());
        Heard {
            took: self.outside.clock.now() - started,
            ..heard_now(authority, said, Source::Asked)
        }
    }

    /// An answer was used that was remembered.
    pub(super) fn note_use(&self, heard: &Heard) {
        Uses::count(&self.uses.hits);
        self.tally
            .found(heard.authority, heard.answer, heard.source);
    }

    /// The answer, if it is remembered.
    pub(super) fn recall(&self, question: &Question) -> Option<Heard> {
        let authority = question.authority;
        let now = self.outside.clock.now();
        let heard = |answer, source, given| Heard {
            authority,
            answer,
            source,
            age: now.saturating_duration_since(given),
            took: Duration::ZERO,
            words: None,
        };
        if let Authority::Callout(target) = authority
            && let Some((Yes::Blind, given)) =
                self.probes.known(target, &question.address.domain, now)
        {
            return Some(heard(Answer::Active, Source::Blind, given));
        }
        let entry = self.entries.get(&Key::of(question))?;
        self.counts(authority, entry, now)
            .then(|| heard(entry.answer, Source::Cache, entry.given))
    }

    /// Whether an answer is to be asked for again in the background: a yes of some age.
    pub(super) fn is_old(&self, heard: &Heard) -> bool {
        heard.answer == Answer::Active
            && heard.source == Source::Cache
            && heard.age > self.settings().refresh
    }

    /// Asks again what is remembered: a no drops it, silence keeps it up to its age.
    pub(super) async fn refresh(&self, question: &Question) {
        if self
            .recall(question)
            .is_some_and(|heard| self.is_old(&heard))
        {
            Uses::count(&self.uses.refreshes);
            self.ask_now(question).await;
        }
    }

    /// A target took mail for an outgoing address.
    pub(super) fn delivered(&self, target: TargetId, outgoing: &Mailbox) {
        let key = Key::new(Authority::Delivery(target), outgoing);
        let now = self.outside.clock.now();
        let known = self.entries.get(&key);
        if known.is_none_or(|entry| now.saturating_duration_since(entry.given) > DELIVERY_AGAIN) {
            self.remember(key, Answer::Active);
        }
    }

    /// Whether a target has taken mail for an outgoing address in the last 24 hours.
    pub(super) fn took(&self, target: TargetId, outgoing: &Mailbox) -> bool {
        let authority = Authority::Delivery(target);
        let entry = self.entries.get(&Key::new(authority, outgoing));
        entry.is_some_and(|entry| self.counts(authority, entry, self.outside.clock.now()))
    }

    /// Remembers that an authority does not have an address, whatever it says.
    pub(super) fn deny(&self, authority: Authority, address: &Mailbox) {
        self.remember(Key::new(authority, address), Answer::Unknown);
    }

    /// Forgets what an authority said about an address.
    pub(super) fn forget(&self, authority: Authority, address: &Mailbox) -> bool {
        let key = Key::new(authority, address);
        let known = self.entries.remove(&key).is_some();
        if known {
            self.outside.keep.forget(key.0, &key.1);
        }
        known
    }

    /// How long an authority is not asked, because it has not answered lately.
    pub(super) fn paused_for(&self, authority: Authority) -> Option<Duration> {
        self.breakers
            .paused_for(authority, self.outside.clock.now())
    }

    fn counts(&self, authority: Authority, entry: Entry, now: Instant) -> bool {
        now.saturating_duration_since(entry.given) < self.lifetime(authority, entry)
    }

    fn remember(&self, key: Key, answer: Answer) {
        let clock = &self.outside.clock;
        self.outside.keep.keep(Kept {
            authority: key.0,
            address: key.1.clone(),
            answer,
            given: clock.wall(),
        });
        let given = clock.now();
        self.entries.insert(key, Entry { answer, given });
    }

    /// Asks now, and remembers what counts.
    async fn put(&self, question: &Question) -> Heard {
        let started = self.outside.clock.now();
        let mut heard = if self.breakers.admit(question.authority, started) {
            self.put_admitted(question).await
        } else {
            heard_now(question.authority, Said::nothing(), Source::Suspended)
        };
        if heard.source != Source::Suspended {
            heard.took = self.outside.clock.now() - started;
            self.tally.took(heard.authority, heard.took);
        }
        self.tally
            .found(heard.authority, heard.answer, heard.source);
        heard
    }

    async fn put_admitted(&self, question: &Question) -> Heard {
        let authority = question.authority;
        let mut said = Said::nothing();
        let mut yes = Yes::Meant;
        // What was said before time ran out is still said.
        let _ = timeout(self.settings().wait, async {
            said = self.outside.ask.ask(question).await;
            if let Authority::Callout(target) = authority
                && said.answer == Answer::Active
            {
                yes = self.meaning(target, &question.address.domain).await;
            }
        })
        .await;
        self.note_silence(authority, &said);
        // A list is at hand, and may change.
        let counts = matches!(said.answer, Answer::Active | Answer::Unknown)
            && !matches!(authority, Authority::List(_));
        if counts && yes == Yes::Meant {
            self.remember(Key::of(question), said.answer);
        }
        let source = match yes {
            Yes::Blind => Source::Blind,
            Yes::Meant => Source::Asked,
        };
        heard_now(authority, said, source)
    }

    /// Peers are spared while they are silent; a callout fails fast by itself. What was known
    /// without asking, such as an address that Minger has no words for, says nothing about them.
    fn note_silence(&self, authority: Authority, said: &Said) {
        if !matches!(authority, Authority::Gateway(_) | Authority::Peer(_)) {
            return;
        }
        let now = self.outside.clock.now();
        if *said == Said::nothing() {
            if self.breakers.silent(authority, now) {
                (self.outside.tell)(Notice::Silent(authority));
            }
        } else if said.words.is_some() && self.breakers.answered(authority, now) {
            (self.outside.tell)(Notice::Back(authority));
        }
    }

    /// A target has refused an address of the domain: it does not say yes to everything any more.
    pub(super) fn has_refused(&self, target: TargetId, domain: &Domain) {
        let now = self.outside.clock.now();
        if let Some((Yes::Blind, _)) = self.probes.known(target, domain, now) {
            self.probes.learn(target, domain, Yes::Meant, now);
        }
    }

    /// Whether this target's yes means anything: it is asked for an address that nobody has.
    async fn meaning(&self, target: TargetId, domain: &Domain) -> Yes {
        let clock = &self.outside.clock;
        if let Some((yes, _)) = self.probes.known(target, domain, clock.now()) {
            return yes;
        }
        let Some(nobody) = nobody_at(domain) else {
            return Yes::Meant;
        };
        let question = Question::callout(target, nobody);
        let yes = match self.outside.ask.ask(&question).await.answer {
            Answer::Active => Yes::Blind,
            Answer::Unknown => Yes::Meant,
            Answer::Full | Answer::Unavailable => return Yes::Meant,
        };
        if yes == Yes::Blind {
            (self.outside.tell)(Notice::Blind(target, domain));
        }
        self.probes.learn(target, domain, yes, clock.now());
        yes
    }
}

fn heard_now(authority: Authority, said: Said, source: Source) -> Heard {
    Heard {
        authority,
        answer: said.answer,
        source,
        age: Duration::ZERO,
        took: Duration::ZERO,
        words: said.words,
    }
}
