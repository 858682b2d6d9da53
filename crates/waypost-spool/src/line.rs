//! Things waiting for a thread, which takes many of them at once.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::shared::lock;

/// A line of waiting things. What bounds it is counted where they come from.
#[derive(Debug)]
pub(crate) struct Line<T> {
    state: Mutex<State<T>>,
    arrived: Condvar,
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<T>,
    closed: bool,
}

/// What a thread found in its line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken<T> {
    /// Nothing came in the time given.
    Nothing,
    /// The foremost.
    Some(Vec<T>),
    /// Nothing is left and nothing comes any more.
    Closed,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                closed: false,
            }),
            arrived: Condvar::new(),
        }
    }
}

impl<T> Line<T> {
    /// Adds one at the end; gives it back when the line is closed.
    pub(crate) fn push(&self, thing: T) -> Result<(), T> {
        let mut state = lock(&self.state);
        if state.closed {
            return Err(thing);
        }
        state.waiting.push_back(thing);
        // Who takes looks again before he waits: only the first one has to call him.
        if state.waiting.len() == 1 {
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Takes up to `limit` from the front, waiting up to `patience` for the first.
    pub(crate) fn take(&self, limit: usize, patience: Duration) -> Taken<T> {
        let empty = |state: &mut State<T>| state.waiting.is_empty() && !state.closed;
        let (mut state, _) = self
            .arrived
            .wait_timeout_while(lock(&self.state), patience, empty)
            .unwrap_or_else(PoisonError::into_inner);
        if state.waiting.is_empty() {
            return if state.closed {
                Taken::Closed
            } else {
                Taken::Nothing
            };
        }
        let count = limit.min(state.waiting.len());
        let taken = state.waiting.drain(..count).collect();
        if !state.waiting.is_empty() {
            self.arrived.notify_one();
        }
        Taken::Some(taken)
    }

    /// Lets nothing more in; what waits is still taken.
    pub(crate) fn close(&self) {
        lock(&self.state).closed = true;
        self.arrived.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_foremost_are_taken_first_and_all_before_the_end() {
        let line = Line::default();
        for number in 0..3 {
            line.push(number).unwrap();
        }
        line.close();
        assert_eq!(line.push(3), Err(3));
        assert_eq!(line.take(2, Duration::ZERO), Taken::Some(vec![0, 1]));
        assert_eq!(line.take(2, Duration::ZERO), Taken::Some(vec![2]));
        assert_eq!(line.take(2, Duration::ZERO), Taken::Closed);
    }

    #[test]
    fn who_waits_in_vain_is_told_so() {
        let line = Line::<u8>::default();
        assert_eq!(line.take(1, Duration::from_millis(1)), Taken::Nothing);
    }
}
