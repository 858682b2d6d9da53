//! What is ready for each next hop: bounded, and each next hop by itself.
//!
//! A next hop has its own ready queue, its own number of attempts at a time, and its own silence
//! after it could not be reached. What finds no room, or a silent next hop, is parked by its id
//! alone and comes back when there is room or somebody answers again. Nothing here does I/O or
//! knows what a job is.

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::Hash;

use waypost_spool::QueueId;

use super::timetable::Tick;

/// Jobs that are ready at a time, all next hops together.
pub(super) const READY_MAX: usize = 8_000;
/// Jobs that are ready at a time for one of many next hops.
const READY_MIN: usize = 16;

/// A job waits for its turn behind others no longer than this, or it need not begin to wait.
pub(super) const SOON: Tick = 500;
/// Turns that tell how long others will take.
const TURNS: usize = 32;
/// Jobs that may wait for each connection of a next hop whose pace nobody knows yet.
const AT_FIRST: usize = 32;

/// A next hop that was reached so lately is there, though it takes no further connection.
const LATELY: Tick = 10_000;
/// Next hops of which that is known while nothing is done for them.
const LATELY_MAX: usize = 1_000;
/// One that takes fewer connections than it may get is offered one more after so long.
const OFFER_AGAIN: Tick = 10_000;

/// A message sent to find out whether a next hop is back has this long to say so.
const PROBE_AGAIN: Tick = 60_000;

/// What became of a job that was placed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Placed<J> {
    /// It waits for one of the running workers.
    Ready,
    /// It waits, and a worker is to be started.
    Start,
    /// No room: the message is to be parked.
    Full(J),
    /// The next hop could not be reached lately and is left alone for now.
    Silent(J),
}

#[derive(Debug)]
struct Hop<J> {
    ready: VecDeque<J>,
    parked: VecDeque<QueueId>,
    /// Attempts at a time, and turns that are kept.
    running: u32,
    /// Turns that are kept for jobs to come.
    kept: u32,
    limit: u32,
    /// Fewer than that where it took no more, and since when.
    taken: Option<(u32, Tick)>,
    reached_at: Option<Tick>,
    /// How often in a row it could not be reached.
    failures: u32,
    silent_until: Tick,
    /// When somebody is sent to find out whether it is back.
    probe_at: Tick,
    /// Why it could not be reached.
    trouble: String,
    /// When the last jobs were taken up, the latest last.
    turns: VecDeque<Tick>,
}

impl<J> Hop<J> {
    fn new() -> Self {
        Self {
            ready: VecDeque::new(),
            parked: VecDeque::new(),
            running: 0,
            kept: 0,
            limit: 1,
            taken: None,
            reached_at: None,
            failures: 0,
            silent_until: 0,
            probe_at: 0,
            trouble: String::new(),
            turns: VecDeque::new(),
        }
    }

    fn took_up(&mut self, now: Tick) {
        if self.turns.len() == TURNS {
            self.turns.pop_front();
        }
        self.turns.push_back(now);
    }

    /// Whether a job would be taken up soon: others do not fill all turns of a next hop once more,
    /// or it has been so fast lately that all of them will be gone in a moment. One that is new is
    /// believed to be fast: else a burst would leave a backlog before its first answer.
    fn is_soon(&self, limit: u32, now: Tick) -> bool {
        let connections = limit.max(1) as usize;
        match self.wait(now) {
            _ if self.ready.len() < connections => true,
            Some(wait) => wait <= SOON,
            None => self.ready.len() < connections * AT_FIRST,
        }
    }

    /// How long the last of what is ready waits for its turn, at the pace of late; none where that
    /// is not known.
    fn wait(&self, now: Tick) -> Option<Tick> {
        let first = self.turns.front()?;
        let is_known = self.turns.len() == TURNS;
        let each = || now.saturating_sub(*first) * self.ready.len() as Tick / TURNS as Tick;
        is_known.then(each)
    }

    /// One attempt finds out whether a next hop that failed is back.
    fn workers(&self) -> u32 {
        match (self.failures, self.taken) {
            (0, None) => self.limit,
            (0, Some((taken, _))) => taken.min(self.limit),
            _ => 1,
        }
    }

    /// One more connection was not taken while others were: a quarter fewer from now on. Whether
    /// that is what it means; a next hop that is gone has soon been offered one only.
    fn is_pushed_back(&mut self, now: Tick) -> bool {
        let is_there = self.reached_at.is_some_and(|at| now < at + LATELY);
        let offered = self.workers().min(self.running);
        let is_pushed_back = is_there && self.failures == 0 && offered > 1;
        if is_pushed_back {
            self.taken = Some((offered - offered.div_ceil(4), now));
        }
        is_pushed_back
    }

    /// One more connection where fewer were taken a while ago; whether a worker is to be started.
    fn is_offered_more(&mut self, now: Tick) -> bool {
        let Some((taken, since)) = self.taken.filter(|(_, since)| now >= since + OFFER_AGAIN)
        else {
            return false;
        };
        self.taken = Some((taken + 1, since + OFFER_AGAIN)).filter(|_| taken + 1 < self.limit);
        !self.ready.is_empty() && self.running < self.workers()
    }

    fn is_idle(&self) -> bool {
        self.ready.is_empty() && self.parked.is_empty() && self.running == 0 && self.failures == 0
    }
}

/// How a next hop stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) ready: usize,
    pub(super) parked: usize,
    pub(super) failures: u32,
    pub(super) silent_until: Tick,
}

/// All next hops that something is ready, running or parked for.
#[derive(Debug)]
pub(super) struct Hops<K, J> {
    hops: HashMap<K, Hop<J>>,
    /// When the next attempt at a silent next hop is due.
    probes: BTreeSet<(Tick, K)>,
    ready: usize,
    most: usize,
    /// Next hops that nothing is done for, and when they were reached; the oldest first, about.
    lately: VecDeque<(K, Tick)>,
}

impl<K: Hash + Eq + Ord + Clone, J> Hops<K, J> {
    /// With so many jobs ready at most.
    pub(super) fn new(most: usize) -> Self {
        Self {
            hops: HashMap::new(),
            probes: BTreeSet::new(),
            ready: 0,
            most,
            lately: VecDeque::new(),
        }
    }

    /// A next hop that nothing is done for any more leaves no more behind than when it was reached.
    fn forget_idle(&mut self, key: &K) {
        let Some(hop) = self.hops.get(key).filter(|hop| hop.is_idle()) else {
            return;
        };
        if let Some(at) = hop.reached_at {
            if self.lately.len() == LATELY_MAX {
                self.lately.pop_front();
            }
            self.lately.push_back((key.clone(), at));
        }
        self.hops.remove(key);
    }

    /// Makes room for a next hop that something is to be done for.
    fn remember(&mut self, key: &K, now: Tick) {
        if self.hops.contains_key(key) {
            return;
        }
        while self
            .lately
            .front()
            .is_some_and(|(_, at)| now >= at + LATELY)
        {
            self.lately.pop_front();
        }
        let mut hop = Hop::new();
        if let Some(place) = self.lately.iter().rposition(|(known, _)| known == key) {
            hop.reached_at = self.lately.remove(place).map(|(_, at)| at);
        }
        self.hops.insert(key.clone(), hop);
    }

    /// Jobs that are ready, all next hops together.
    pub(super) fn ready(&self) -> usize {
        self.ready
    }

    /// Half of all room is shared out among the next hops in use; the other half is for new ones.
    fn room(&self) -> usize {
        (self.most / 2 / self.hops.len().max(1)).max(READY_MIN)
    }

    /// Makes a job ready for a next hop with so many attempts at a time.
    pub(super) fn place(&mut self, key: &K, limit: u32, job: J, now: Tick) -> Placed<J> {
        self.remember(key, now);
        let room = self.room();
        let Some(hop) = self.hops.get_mut(key) else {
            return Placed::Full(job);
        };
        hop.limit = limit.max(1);
        if now < hop.silent_until {
            return Placed::Silent(job);
        }
        if hop.ready.len() >= room {
            return Placed::Full(job);
        }
        hop.ready.push_back(job);
        self.ready += 1;
        if hop.running < hop.workers() {
            hop.running += 1;
            return Placed::Start;
        }
        Placed::Ready
    }

    /// Whether a job would soon be taken up: nobody else waits for long.
    pub(super) fn has_turn(&self, key: &K, limit: u32, now: Tick) -> bool {
        self.hops.get(key).is_none_or(|hop| {
            let is_up = hop.failures == 0 && now >= hop.silent_until;
            is_up && hop.parked.is_empty() && hop.is_soon(limit, now)
        })
    }

    /// How long a job that was just placed waits for its turn, as far as that is known.
    pub(super) fn wait(&self, key: &K, now: Tick) -> Option<Tick> {
        self.hops.get(key)?.wait(now)
    }

    /// Keeps a turn for a job to come, of a next hop with so many attempts at a time. Half of them
    /// are never kept, so that whoever is slow to bring his job delays no other.
    pub(super) fn keep_turn(&mut self, key: &K, limit: u32, now: Tick) -> bool {
        if !self.has_turn(key, limit, now) {
            return false;
        }
        self.remember(key, now);
        let Some(hop) = self.hops.get_mut(key) else {
            return false;
        };
        hop.limit = limit.max(1);
        let is_free = hop.ready.is_empty() && hop.running < hop.workers();
        let may_keep = is_free && hop.kept < hop.limit / 2;
        if may_keep {
            hop.running += 1;
            hop.kept += 1;
        }
        self.forget_idle(key);
        may_keep
    }

    /// The job that a turn was kept for: it is the next.
    pub(super) fn use_turn(&mut self, key: &K, job: J, now: Tick) -> Placed<J> {
        let Some(hop) = self.hops.get_mut(key) else {
            return Placed::Full(job);
        };
        hop.kept = hop.kept.saturating_sub(1);
        if hop.failures > 0 || now < hop.silent_until {
            hop.running = hop.running.saturating_sub(1);
            return Placed::Silent(job);
        }
        hop.ready.push_front(job);
        self.ready += 1;
        Placed::Start
    }

    /// Nobody needs a turn that was kept; whether a worker is to be started for what waits.
    pub(super) fn give_turn_back(&mut self, key: &K) -> bool {
        let Some(hop) = self.hops.get_mut(key) else {
            return false;
        };
        hop.kept = hop.kept.saturating_sub(1);
        if !hop.ready.is_empty() {
            return true;
        }
        hop.running = hop.running.saturating_sub(1);
        self.forget_idle(key);
        false
    }

    /// The next job of a worker; with none, the worker ends.
    pub(super) fn next(&mut self, key: &K, now: Tick) -> Option<J> {
        let hop = self.hops.get_mut(key)?;
        if hop.running <= hop.workers()
            && let Some(job) = hop.ready.pop_front()
        {
            self.ready -= 1;
            hop.took_up(now);
            return Some(job);
        }
        hop.running = hop.running.saturating_sub(1);
        self.forget_idle(key);
        None
    }

    /// A worker ended without asking for its next job.
    pub(super) fn lost(&mut self, key: &K) {
        if let Some(hop) = self.hops.get_mut(key) {
            hop.running = hop.running.saturating_sub(1);
        }
    }

    /// A next hop was reached; how many more workers are to be started for what is ready.
    pub(super) fn reached(&mut self, key: &K, now: Tick) -> u32 {
        let Some(hop) = self.hops.get_mut(key) else {
            return 0;
        };
        hop.reached_at = Some(now);
        if hop.failures == 0 {
            let more = u32::from(hop.is_offered_more(now));
            hop.running += more;
            return more;
        }
        self.probes.remove(&(hop.probe_at, key.clone()));
        hop.failures = 0;
        hop.silent_until = 0;
        hop.trouble.clear();
        let more = hop.workers().saturating_sub(hop.running);
        let more = more.min(u32::try_from(hop.ready.len()).unwrap_or(u32::MAX));
        hop.running += more;
        more
    }

    /// A next hop could not be reached: it is left alone for `wait(failures)`. What was ready for
    /// it is given back; nothing when its silence has already begun, or when it has time for others
    /// only: then it gets fewer connections.
    pub(super) fn unreachable(
        &mut self,
        key: &K,
        trouble: &str,
        now: Tick,
        wait: impl FnOnce(u32) -> Tick,
    ) -> Vec<J> {
        let Some(hop) = self.hops.get_mut(key) else {
            return Vec::new();
        };
        if now < hop.silent_until || hop.is_pushed_back(now) {
            return Vec::new();
        }
        hop.failures += 1;
        self.probes.remove(&(hop.probe_at, key.clone()));
        hop.silent_until = now + wait(hop.failures).max(1);
        hop.probe_at = hop.silent_until;
        hop.trouble = trouble.to_owned();
        self.probes.insert((hop.probe_at, key.clone()));
        self.ready -= hop.ready.len();
        hop.ready.drain(..).collect()
    }

    /// Why a next hop is silent.
    pub(super) fn trouble(&self, key: &K) -> &str {
        self.hops.get(key).map_or("", |hop| &hop.trouble)
    }

    /// Remembers a message that could not be placed.
    pub(super) fn park(&mut self, key: &K, id: QueueId) {
        let hop = self.hops.entry(key.clone()).or_insert_with(Hop::new);
        hop.parked.push_back(id);
    }

    /// Parked messages that there is room for now, once less than half of it is taken.
    pub(super) fn unpark(&mut self, key: &K, now: Tick) -> Vec<QueueId> {
        let room = self.room();
        let Some(hop) = self.hops.get_mut(key) else {
            return Vec::new();
        };
        if hop.parked.is_empty() || hop.failures > 0 || now < hop.silent_until {
            return Vec::new();
        }
        if hop.ready.len() > room / 2 {
            return Vec::new();
        }
        let count = (room - hop.ready.len()).min(hop.parked.len());
        let ids = hop.parked.drain(..count).collect();
        self.forget_idle(key);
        ids
    }

    /// When a silent next hop is to be tried again.
    pub(super) fn first_probe(&self) -> Option<Tick> {
        self.probes.first().map(|(at, _)| *at)
    }

    /// For each next hop whose silence is over, calls the first parked message that is still
    /// there, which finds out whether it is back.
    pub(super) fn probe(&mut self, now: Tick, mut call: impl FnMut(QueueId) -> bool) {
        while let Some((at, key)) = self.probes.first().cloned() {
            if at > now {
                return;
            }
            self.probes.pop_first();
            let Some(hop) = self.hops.get_mut(&key) else {
                continue;
            };
            let mut called = hop.running > hop.kept || !hop.ready.is_empty();
            while !called && let Some(id) = hop.parked.pop_front() {
                called = call(id);
            }
            if called {
                // Another one is sent should this one have gone elsewhere.
                hop.probe_at = now + PROBE_AGAIN;
                self.probes.insert((hop.probe_at, key));
            } else {
                // Nobody waits: whoever comes next finds out.
                self.hops.remove(&key);
            }
        }
    }

    /// Ends the silence of a next hop, as an administrator asks; all that is parked for it.
    pub(super) fn flush(&mut self, key: &K) -> VecDeque<QueueId> {
        let Some(hop) = self.hops.get_mut(key) else {
            return VecDeque::new();
        };
        self.probes.remove(&(hop.probe_at, key.clone()));
        hop.silent_until = 0;
        std::mem::take(&mut hop.parked)
    }

    /// How a next hop stands, if anything is ready, running or parked for it.
    pub(super) fn look(&self, key: &K) -> Option<Look> {
        self.hops.get(key).map(|hop| Look {
            ready: hop.ready.len(),
            parked: hop.parked.len(),
            failures: hop.failures,
            silent_until: hop.silent_until,
        })
    }

    /// All next hops, for [`Self::flush`].
    pub(super) fn keys(&self) -> Vec<K> {
        self.hops.keys().cloned().collect()
    }
}
