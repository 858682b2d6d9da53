//! How much mail flows, over time: one task takes the counts that the parts keep anyway.

mod series;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use waypost_mta::clock::{Clock as _, SystemClock};
use waypost_mta::flow::{self, DELAYS_MS, Source};
use waypost_mta::queue::QueueHandle;
use waypost_mta::queue::control::Summary;
use waypost_mta::resolve::Resolver;
use waypost_mta::{metrics, minger};

use crate::history::History;

pub(crate) use series::Points;
use series::Series;

/// Between two looks at the counts.
const LOOK: Duration = Duration::from_secs(5);
/// Looks between two savings.
const SAVE: u32 = 12;
/// What waits is counted through no more than this part of the time, so that a queue of a million
/// does not keep the disk busy.
const QUEUE_PART: u32 = 50;
/// Between two looks at the whole queue, at least.
const QUEUE_LOOK: Duration = Duration::from_secs(30);

/// The series, and where they come from.
pub(crate) struct Statistics {
    pub(crate) history: Arc<History>,
    queue: QueueHandle,
    resolver: Resolver,
    minger: minger::Server,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    series: Series,
    /// The counts as they were when they were added to the series.
    counted: BTreeMap<String, u64>,
    waiting: Option<Waiting>,
}

/// What waited for each next hop, and when that was.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    pub(crate) at: SystemTime,
    pub(crate) hops: Vec<Summary>,
}

impl Statistics {
    /// Goes on where the history's file ends.
    pub(crate) fn new(
        history: Arc<History>,
        queue: QueueHandle,
        resolver: Resolver,
        minger: minger::Server,
    ) -> Self {
        let mut state = State::default();
        state.series.restore(&history.samples());
        Self {
            history,
            queue,
            resolver,
            minger,
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks again and again.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut next_queue_look = SystemClock.now();
        loop {
            for _ in 0..SAVE {
                if SystemClock.now() >= next_queue_look {
                    let began = SystemClock.now();
                    self.look_at_queue().await;
                    let ended = SystemClock.now();
                    next_queue_look = ended + QUEUE_LOOK.max((ended - began) * QUEUE_PART);
                }
                self.look();
                tokio::time::sleep(LOOK).await;
            }
            self.save();
        }
    }

    /// Keeps what is not saved yet.
    pub(crate) fn save(&self) {
        let (samples, over) = self.state().series.unsaved();
        self.history.keep(samples, over);
    }

    /// Looks once more, and saves.
    pub(crate) fn close(&self) {
        self.look();
        self.save();
    }

    /// The points of the last `span` up to now, in steps of at least `step`.
    pub(crate) fn points(
        &self,
        span: Duration,
        step: Duration,
        wanted: impl Fn(&str) -> bool,
    ) -> Points {
        self.look();
        let now_s = seconds(SystemClock.wall());
        let state = self.state();
        state
            .series
            .points(now_s, span.as_secs(), step.as_secs(), wanted)
    }

    /// What waited when the queue was last looked through.
    pub(crate) async fn waiting(&self) -> Option<Waiting> {
        let known = self.state().waiting.clone();
        if known.is_none() {
            self.look_at_queue().await;
            return self.state().waiting.clone();
        }
        known
    }

    /// Adds what happened since the last look.
    fn look(&self) {
        let counts = self.counts();
        let (active, deferred) = self.queue.len();
        let at_s = seconds(SystemClock.wall());
        let mut state = self.state();
        let State {
            series, counted, ..
        } = &mut *state;
        for (name, count) in counts {
            let before = counted.insert(name.clone(), count).unwrap_or_default();
            series.add(at_s, &name, count.saturating_sub(before));
        }
        series.add(at_s, "queue", (active + deferred) as u64);
    }

    async fn look_at_queue(&self) {
        // What cannot be read now is looked at again later.
        let Ok(hops) = self.queue.summary().await else {
            return;
        };
        let at = SystemClock.wall();
        let mut by_name: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for line in &hops {
            let (waiting, oldest) = by_name.entry(flow::hop(&line.next_hop)).or_default();
            *waiting += line.by_age.iter().sum::<u64>();
            *oldest = (*oldest).max(line.oldest.as_secs());
        }
        let mut state = self.state();
        for (name, (waiting, oldest)) in by_name {
            let name = named(name);
            state
                .series
                .add(seconds(at), &format!("waiting.{name}"), waiting);
            state
                .series
                .add(seconds(at), &format!("oldest_s.{name}"), oldest);
        }
        state.waiting = Some(Waiting { at, hops });
    }

    /// All counts since the start, by the names of their series.
    fn counts(&self) -> BTreeMap<String, u64> {
        let flow = flow::counts();
        let mut counts = BTreeMap::from([
            ("connections".to_owned(), flow.connections),
            ("messages".to_owned(), metrics::messages()),
            ("recipients".to_owned(), flow.recipients),
        ]);
        for (rule, class, count) in metrics::refusals() {
            counts.insert(format!("refused.{class}.{rule}"), count);
        }
        let snapshot = self.resolver.snapshot();
        for (source, count) in flow.sources {
            let name = match source {
                Source::Users => "users".to_owned(),
                Source::Here => "here".to_owned(),
                Source::Strangers => "strangers".to_owned(),
                Source::Trusted => "trusted".to_owned(),
                Source::Target(id) => match snapshot.target(id) {
                    Some(target) => format!("target.{}", target.name),
                    None => format!("target.{}", id.0),
                },
            };
            counts.insert(format!("from.{name}"), count);
        }
        for hop in flow.hops {
            let name = named(&hop.name);
            for (result, count) in flow::results().iter().zip(hop.counts) {
                counts.insert(format!("{result}.{name}"), count);
            }
        }
        for (class, count) in flow.delays.into_iter().enumerate() {
            counts.insert(delay_class(class), count);
        }
        let mut queries: BTreeMap<&str, u64> = BTreeMap::new();
        for row in self.minger.counts().tally().into_values() {
            for (name, count) in minger::counts::names().iter().zip(row) {
                *queries.entry(name).or_default() += count;
            }
        }
        let queries = queries.into_iter();
        counts.extend(queries.map(|(name, count)| (format!("minger.{name}"), count)));
        counts
    }
}

/// The name of a next hop in series: targets apart from what is no target.
pub(crate) fn named(hop: &str) -> String {
    match hop {
        "local" | "mx" | "none" | "others" | "smart-host" => hop.to_owned(),
        target => format!("target.{target}"),
    }
}

/// The series of a class of delays: `delay.0.05` has what took less than 50 ms.
fn delay_class(class: usize) -> String {
    match DELAYS_MS.get(class) {
        Some(end) => format!("delay.{}", in_seconds(*end)),
        None => "delay.more".to_owned(),
    }
}

/// Within how many seconds this part of the deliveries of each point were done: the end of the
/// class that the last of them is in. None where nothing was delivered, or where only the class
/// without an end has it.
pub(crate) fn delays(points: &Points, part: f64) -> Vec<Option<f64>> {
    let classes: Vec<_> = (0..=DELAYS_MS.len())
        .map(|class| points.series.get(&delay_class(class)))
        .collect();
    let at = |place: usize| {
        let counts = classes.iter().map(|class| {
            let point = class.and_then(|points| points.get(place));
            point.copied().unwrap_or_default()
        });
        within_ms(&counts.collect::<Vec<_>>(), part).map(in_seconds)
    };
    (0..points.count).map(at).collect()
}

/// Nothing is guessed between the ends of a class: that would tell of deliveries that nobody saw.
fn within_ms(counts: &[u64], part: f64) -> Option<u64> {
    let all: u64 = counts.iter().sum();
    let wanted = (all as f64 * part).ceil() as u64;
    let mut below = 0;
    let mut classes = counts.iter().zip(DELAYS_MS);
    let (_, end) = classes.find(|(count, _)| {
        below += **count;
        below >= wanted && below > 0
    })?;
    Some(end)
}

fn in_seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1_000.0
}

pub(crate) fn seconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_told_as_the_end_of_its_class() {
        let class = |end| DELAYS_MS.iter().position(|known| *known == end).unwrap();
        let mut counts = [0; DELAYS_MS.len() + 1];
        assert_eq!(within_ms(&counts, 0.5), None);
        // 25 to 50 ms.
        counts[class(50)] = 100;
        assert_eq!(within_ms(&counts, 0.5), Some(50));
        assert_eq!(within_ms(&counts, 0.95), Some(50));
        counts[class(15_000)] = 5;
        assert_eq!(
            within_ms(&counts, 0.95),
            Some(50),
            "100 of 105 are more than 95 of 100"
        );
        counts[class(15_000)] = 6;
        assert_eq!(within_ms(&counts, 0.95), Some(15_000));
        counts[DELAYS_MS.len()] = 1_000;
        assert_eq!(within_ms(&counts, 0.95), None, "nobody knows");
        assert_eq!(within_ms(&counts, 0.05), Some(50));
    }

    #[test]
    fn classes_of_delays_are_named_by_seconds() {
        let names: Vec<_> = (0..=DELAYS_MS.len()).map(delay_class).collect();
        assert_eq!(names[..2], ["delay.0.002", "delay.0.005"]);
        // What earlier versions have saved is told in classes that still end there.
        for end in [1, 2, 5, 15, 60, 300, 900, 3_600, 14_400, 43_200, 86_400] {
            assert!(names.contains(&format!("delay.{end}")), "{end}");
        }
        assert_eq!(names[DELAYS_MS.len()], "delay.more");
    }
}
