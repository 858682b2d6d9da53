//! Where lines of the log come in: the last ones stay in memory, all wait to be written.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use waypost_mta::clock::{Clock as _, SystemClock};

use super::line::Line;

/// Lines that can be looked at while the server runs.
pub(crate) const LAST: usize = 2_000;
/// Lines that may wait to be written; what comes then is left out, and counted.
const WAITING: usize = 32_768;
/// So many do not wait for the next turn.
const MANY: usize = WAITING / 16;

/// Sees every line of the log.
#[derive(Debug, Clone)]
pub(crate) struct Tap(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    lines: Mutex<Lines>,
    /// There is something to write, or somebody waits for that.
    work: Condvar,
    /// It was written.
    done: Condvar,
}

#[derive(Debug, Default)]
struct Lines {
    /// The number of the next line; the first line has 1.
    next: u64,
    last: VecDeque<Arc<Line>>,
    waiting: Vec<Arc<Line>>,
    left_out: u64,
    /// Lines with lower numbers are written.
    written: u64,
    hurry: bool,
    closed: bool,
}

/// What is to be written together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) lines: Vec<Arc<Line>>,
    /// Lines that found no room since the batch before.
    pub(super) left_out: u64,
    /// The number of the line behind the last one.
    end: u64,
    /// Nothing comes any more.
    pub(super) is_last: bool,
}

impl Tap {
    pub(crate) fn new() -> Self {
        let lines = Lines {
            next: 1,
            written: 1,
            ..Lines::default()
        };
        Self(Arc::new(Shared {
            lines: Mutex::new(lines),
            work: Condvar::new(),
            done: Condvar::new(),
        }))
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, line: Line) {
        let line = Arc::new(line);
        let mut lines = self.lines();
        lines.next += 1;
        if lines.last.len() == LAST {
            lines.last.pop_front();
        }
        lines.last.push_back(Arc::clone(&line));
        if lines.waiting.len() < WAITING && !lines.closed {
            lines.waiting.push(line);
        } else {
            lines.left_out += 1;
        }
        let wake = lines.waiting.len() == MANY;
        drop(lines);
        if wake {
            self.0.work.notify_one();
        }
    }

    /// The lines behind a number, the oldest first, each with its number.
    pub(crate) fn after(&self, after: u64) -> Vec<(u64, Arc<Line>)> {
        let lines = self.lines();
        let first = lines.next - lines.last.len() as u64;
        let numbered = (first..).zip(&lines.last);
        let skip = usize::try_from(after.saturating_add(1).saturating_sub(first));
        numbered
            .skip(skip.unwrap_or(usize::MAX))
            .map(|(number, line)| (number, Arc::clone(line)))
            .collect()
    }

    /// The number of the last line.
    pub(crate) fn newest(&self) -> u64 {
        self.lines().next - 1
    }

    /// Waits for lines, `gather` at most, or until somebody is in a hurry.
    pub(super) fn batch(&self, gather: Duration) -> Batch {
        let lines = self.lines();
        let idle = |lines: &mut Lines| !lines.hurry && !lines.closed && lines.waiting.len() < MANY;
        let waited = self.0.work.wait_timeout_while(lines, gather, idle);
        let (mut lines, _) = waited.unwrap_or_else(PoisonError::into_inner);
        lines.hurry = false;
        Batch {
            lines: std::mem::take(&mut lines.waiting),
            left_out: std::mem::take(&mut lines.left_out),
            end: lines.next,
            is_last: lines.closed,
        }
    }

    /// A batch is written.
    pub(super) fn written(&self, batch: &Batch) {
        self.lines().written = batch.end;
        self.0.done.notify_all();
    }

    /// Waits until everything up to now is written, `patience` at most.
    pub(super) fn settle(&self, patience: Duration) {
        let mut lines = self.lines();
        let wanted = lines.next;
        lines.hurry = true;
        self.0.work.notify_one();
        let unwritten = |lines: &mut Lines| lines.written < wanted && !lines.closed;
        // What is late is found the next time.
        let _ = self.0.done.wait_timeout_while(lines, patience, unwritten);
    }

    /// Nothing is to be written any more behind what waits.
    pub(super) fn close(&self) {
        self.lines().closed = true;
        self.0.work.notify_one();
    }
}

impl<S: Subscriber> Layer<S> for Tap {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let now = SystemClock.wall().duration_since(SystemTime::UNIX_EPOCH);
        let at_ms = now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
        self.take(Line::of(event, at_ms));
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::line;
    use super::*;

    fn numbers(tap: &Tap, after: u64) -> Vec<u64> {
        let lines = tap.after(after).into_iter();
        lines.map(|(number, _)| number).collect()
    }

    #[test]
    fn the_last_lines_are_kept_with_their_numbers() {
        let tap = Tap::new();
        assert_eq!(numbers(&tap, 0), [0; 0]);
        for at in 1..=3 {
            tap.take(line(at, &[]));
        }
        assert_eq!(numbers(&tap, 0), [1, 2, 3]);
        assert_eq!(numbers(&tap, 2), [3]);
        assert_eq!(numbers(&tap, 3), [0; 0]);
        assert_eq!(numbers(&tap, u64::MAX), [0; 0]);
        for at in 4..=LAST as u64 + 10 {
            tap.take(line(at, &[]));
        }
        let all = tap.after(5);
        assert_eq!(all.len(), LAST);
        assert!(all.iter().all(|(number, line)| *number == line.at_ms));
        assert_eq!(tap.newest(), LAST as u64 + 10);
    }

    #[test]
    fn what_finds_no_room_is_counted() {
        let tap = Tap::new();
        for at in 0..WAITING as u64 + 7 {
            tap.take(line(at, &[]));
        }
        let batch = tap.batch(Duration::ZERO);
        assert_eq!((batch.lines.len(), batch.left_out), (WAITING, 7));
        tap.take(line(0, &[]));
        let batch = tap.batch(Duration::ZERO);
        assert_eq!((batch.lines.len(), batch.left_out), (1, 0));
    }
}
