//! What is ready for each next hop: bounded, and each next hop by itself.
//!
//! A next hop has its own ready queue, its own number of attempts at a time, and its own silence
//! after it could not be reached. What finds no room, or a silent next hop, is parked by its id
//! alone and comes back when there is room or somebody answers again. Nothing here does I/O or
//! knows what a job is.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::Hash;

use waypost_spool::QueueId;

use super::timetable::Tick;

/// Jobs that are ready at a time, all next hops together.
pub(super) const READY_MAX: usize = 8_000;
/// Jobs that are ready at a time for one of many next hops.
const READY_MIN: usize = 16;

/// A job waits for its turn behind others no longer than this, or it need not begin to wait.
const SOON: Tick = 500;
/// Turns that tell how long others will take.
const TURNS: usize = 32;

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
    /// or it has been so fast lately that all of them will be gone in a moment.
    fn is_soon(&self, limit: u32, now: Tick) -> bool {
        if self.ready.len() < limit.max(1) as usize {
            return true;
        }
        let (Some(first), true) = (self.turns.front(), self.turns.len() == TURNS) else {
            return false;
        };
        let ahead = self.ready.len() as Tick;
        now.saturating_sub(*first) * ahead / TURNS as Tick <= SOON
    }

    /// One attempt finds out whether a next hop that failed is back.
    fn workers(&self) -> u32 {
        if self.failures > 0 { 1 } else { self.limit }
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
}

impl<K: Hash + Eq + Ord + Clone, J> Hops<K, J> {
    /// With so many jobs ready at most.
    pub(super) fn new(most: usize) -> Self {
        Self {
            hops: HashMap::new(),
            probes: BTreeSet::new(),
            ready: 0,
            most,
        }
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
        if !self.hops.contains_key(key) {
            self.hops.insert(key.clone(), Hop::new());
        }
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

    /// Keeps a turn for a job to come, of a next hop with so many attempts at a time. Half of them
    /// are never kept, so that whoever is slow to bring his job delays no other.
    pub(super) fn keep_turn(&mut self, key: &K, limit: u32, now: Tick) -> bool {
        if !self.has_turn(key, limit, now) {
            return false;
        }
        let hop = self.hops.entry(key.clone()).or_insert_with(Hop::new);
        hop.limit = limit.max(1);
        let is_free = hop.ready.is_empty() && hop.running < hop.workers();
        let may_keep = is_free && hop.kept < hop.limit / 2;
        if may_keep {
            hop.running += 1;
            hop.kept += 1;
        } else if hop.is_idle() {
            self.hops.remove(key);
        }
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
        if hop.is_idle() {
            self.hops.remove(key);
        }
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
        if hop.is_idle() {
            self.hops.remove(key);
        }
        None
    }

    /// A worker ended without asking for its next job.
    pub(super) fn lost(&mut self, key: &K) {
        if let Some(hop) = self.hops.get_mut(key) {
            hop.running = hop.running.saturating_sub(1);
        }
    }

    /// A next hop was reached; how many more workers are to be started for what is ready.
    pub(super) fn reached(&mut self, key: &K) -> u32 {
        let Some(hop) = self.hops.get_mut(key) else {
            return 0;
        };
        if hop.failures == 0 {
            return 0;
        }
        self.probes.remove(&(hop.probe_at, key.clone()));
        hop.failures = 0;
        hop.silent_until = 0;
        hop.trouble.clear();
        let more = hop.limit.saturating_sub(hop.running);
        let more = more.min(u32::try_from(hop.ready.len()).unwrap_or(u32::MAX));
        hop.running += more;
        more
    }

    /// A next hop could not be reached: it is left alone for `wait(failures)`. What was ready for
    /// it is given back; nothing when its silence has already begun.
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
        if now < hop.silent_until {
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
        if hop.is_idle() {
            self.hops.remove(key);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u64) -> QueueId {
        QueueId::from_number(n).unwrap()
    }

    fn place(hops: &mut Hops<&'static str, u32>, key: &'static str, job: u32) -> Placed<u32> {
        hops.place(&key, 2, job, 0)
    }

    /// Who is sent to find out.
    fn called(hops: &mut Hops<&'static str, u32>, now: Tick) -> Vec<QueueId> {
        let mut called = Vec::new();
        hops.probe(now, |id| {
            called.push(id);
            true
        });
        called
    }

    #[test]
    fn another_message_is_sent_when_the_first_is_gone_or_silent() {
        let mut hops = Hops::new(READY_MAX);
        place(&mut hops, "a", 1);
        hops.next(&"a", 0);
        hops.unreachable(&"a", "refused", 0, |_| 10);
        hops.next(&"a", 0);
        (1..=3).for_each(|n| hops.park(&"a", id(n)));
        let mut asked = Vec::new();
        hops.probe(10, |i| {
            asked.push(i);
            i == id(2)
        });
        assert_eq!(asked, [id(1), id(2)]);
        assert_eq!(called(&mut hops, 10 + PROBE_AGAIN), [id(3)]);
    }

    #[test]
    fn starts_as_many_workers_as_the_next_hop_may_have() {
        let mut hops = Hops::new(READY_MAX);
        assert_eq!(place(&mut hops, "a", 1), Placed::Start);
        assert_eq!(place(&mut hops, "a", 2), Placed::Start);
        assert_eq!(place(&mut hops, "a", 3), Placed::Ready);
        assert_eq!(place(&mut hops, "b", 4), Placed::Start);
        assert_eq!(hops.ready(), 4);
        for job in [Some(1), Some(2), Some(3), None, None] {
            assert_eq!(hops.next(&"a", 0), job);
        }
        assert_eq!(hops.next(&"b", 0), Some(4));
        assert_eq!((hops.ready(), hops.keys()), (0, vec!["b"]));
    }

    #[test]
    fn a_turn_comes_soon_where_few_wait_or_all_go_fast() {
        let mut hops = Hops::new(READY_MAX);
        for job in 0..2 + 100 {
            place(&mut hops, "a", job);
        }
        let has_turn = |hops: &Hops<_, u32>, now| hops.has_turn(&"a", 2, now);
        assert!(!has_turn(&hops, 0), "nobody knows how fast they go");
        for turn in 0..u64::try_from(TURNS).unwrap() {
            hops.next(&"a", 10 * turn);
        }
        // 70 wait, and one goes every 10 ms or so.
        assert!(!has_turn(&hops, 320));
        for turn in 0..u64::try_from(TURNS).unwrap() {
            hops.next(&"a", 320 + turn);
        }
        assert!(has_turn(&hops, 352));
        assert!(!has_turn(&hops, 1000), "it has stopped");
        while hops.next(&"a", 1000).is_some() {}
        assert!(has_turn(&hops, 1000));
    }

    #[test]
    fn a_turn_is_kept_for_a_job_to_come_and_half_of_them_never() {
        let mut hops = Hops::new(READY_MAX);
        let keep = |hops: &mut Hops<_, _>| hops.keep_turn(&"a", 4, 0);
        assert_eq!(
            [keep(&mut hops), keep(&mut hops), keep(&mut hops)],
            [true, true, false]
        );
        assert_eq!(hops.place(&"a", 4, 1, 0), Placed::Start);
        assert_eq!(hops.place(&"a", 4, 2, 0), Placed::Start);
        assert_eq!(hops.place(&"a", 4, 3, 0), Placed::Ready);
        // Its job goes before what waits.
        assert_eq!(hops.use_turn(&"a", 9, 0), Placed::Start);
        assert_eq!(hops.next(&"a", 0), Some(9));
        assert_eq!((hops.next(&"a", 0), hops.next(&"a", 0)), (Some(1), Some(2)));
        // The other is not needed: it serves whoever waits.
        assert!(hops.give_turn_back(&"a"));
        assert_eq!(hops.next(&"a", 0), Some(3));
        (0..4).for_each(|_| assert_eq!(hops.next(&"a", 0), None));
        assert_eq!(hops.keys(), [] as [&str; 0]);
        assert!(keep(&mut hops));
        assert!(!hops.give_turn_back(&"a"));
        assert_eq!((hops.keys(), hops.keep_turn(&"a", 1, 0)), (vec![], false));
    }

    #[test]
    fn no_turn_is_kept_at_a_next_hop_that_is_silent() {
        let mut hops = Hops::new(READY_MAX);
        assert!(hops.keep_turn(&"a", 4, 0));
        place(&mut hops, "a", 1);
        hops.next(&"a", 0);
        hops.unreachable(&"a", "refused", 0, |_| 10);
        assert_eq!(hops.use_turn(&"a", 2, 5), Placed::Silent(2));
        assert!(!hops.keep_turn(&"a", 4, 10));
    }

    #[test]
    fn a_full_next_hop_leaves_room_for_the_others() {
        let mut hops = Hops::new(64);
        let placed = (0..100).filter(|n| !matches!(place(&mut hops, "a", *n), Placed::Full(_)));
        assert_eq!(placed.count(), 32);
        assert_eq!(place(&mut hops, "b", 1), Placed::Start);
    }

    #[test]
    fn what_found_no_room_comes_back_when_there_is() {
        let mut hops = Hops::new(32);
        for n in 0..16 {
            place(&mut hops, "a", n);
        }
        assert_eq!(place(&mut hops, "a", 99), Placed::Full(99));
        hops.park(&"a", id(1));
        assert_eq!(hops.unpark(&"a", 0), []);
        for _ in 0..8 {
            hops.next(&"a", 0);
        }
        assert_eq!(hops.unpark(&"a", 0), [id(1)]);
        assert_eq!(hops.unpark(&"a", 0), []);
    }

    #[test]
    fn a_silent_next_hop_is_tried_by_one_and_everybody_follows() {
        let mut hops = Hops::new(READY_MAX);
        for n in 0..5 {
            place(&mut hops, "a", n);
        }
        hops.next(&"a", 0);
        hops.next(&"a", 0);
        let back = hops.unreachable(&"a", "refused", 0, |failures| 100 * u64::from(failures));
        assert_eq!(back, [2, 3, 4]);
        // The second worker says the same: that is no second failure.
        assert_eq!(
            hops.unreachable(&"a", "refused", 1, |_| 9999),
            Vec::<u32>::new()
        );
        assert_eq!((hops.next(&"a", 0), hops.next(&"a", 0)), (None, None));
        assert_eq!(hops.place(&"a", 2, 9, 99), Placed::Silent(9));
        assert_eq!(hops.trouble(&"a"), "refused");
        hops.park(&"a", id(1));
        hops.park(&"a", id(2));
        assert_eq!(
            (hops.first_probe(), called(&mut hops, 99)),
            (Some(100), vec![])
        );
        assert_eq!(hops.unpark(&"a", 100), []);
        assert_eq!(called(&mut hops, 100), [id(1)]);
        assert_eq!(hops.place(&"a", 2, 10, 100), Placed::Start);
        assert_eq!(hops.place(&"a", 2, 11, 100), Placed::Ready);
        assert_eq!(hops.place(&"a", 2, 12, 100), Placed::Ready);
        assert_eq!(hops.next(&"a", 0), Some(10));
        assert_eq!(hops.reached(&"a"), 1);
        assert_eq!((hops.reached(&"a"), hops.first_probe()), (0, None));
        assert_eq!(hops.unpark(&"a", 100), [id(2)]);
    }

    #[test]
    fn the_silence_grows_with_every_failed_try_and_a_flush_ends_it() {
        let mut hops = Hops::new(READY_MAX);
        let mut now = 0;
        for n in 1..4_u32 {
            assert_eq!(hops.place(&"a", 2, n, now), Placed::Start);
            hops.next(&"a", 0);
            hops.unreachable(&"a", "timeout", now, |failures| 10 * u64::from(failures));
            assert_eq!(hops.next(&"a", 0), None);
            assert_eq!(hops.first_probe(), Some(now + 10 * u64::from(n)));
            now += 10 * u64::from(n);
        }
        hops.park(&"a", id(7));
        assert_eq!(hops.place(&"a", 2, 4, now - 1), Placed::Silent(4));
        assert_eq!(hops.flush(&"a"), [id(7)]);
        assert_eq!(hops.place(&"a", 2, 4, now - 1), Placed::Start);
    }

    #[test]
    fn a_silent_next_hop_that_nobody_waits_for_is_forgotten() {
        let mut hops = Hops::new(READY_MAX);
        place(&mut hops, "a", 1);
        hops.next(&"a", 0);
        hops.unreachable(&"a", "refused", 0, |_| 10);
        hops.next(&"a", 0);
        assert_eq!(hops.keys(), ["a"]);
        assert_eq!(called(&mut hops, 10), []);
        assert_eq!(hops.keys(), [] as [&str; 0]);
    }
}
