//! How well a scripted server behaves.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use waypost_testkit::chance::Chance;

/// A point of a session at which a server can misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Connect,
    Mail,
    Rcpt,
    Data,
    /// All content has come.
    End,
}

/// What it does there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Closes the connection; at the end, before it has taken the message.
    Close,
    /// Says 4yz.
    Defer,
    /// Takes the message, and closes without a word; elsewhere it closes.
    LoseReply,
    /// Says what is no reply.
    Nonsense,
    /// Waits before it goes on.
    Slow(Duration),
    /// Says nothing any more, and keeps the connection.
    Stall,
}

/// What drives a server's deeds.
#[derive(Debug)]
pub(crate) struct Mood {
    chance: Mutex<Chance>,
    /// One session of so many goes wrong; 0: none.
    wrong_in: u64,
    /// Whether every session stalls.
    stalls: bool,
    /// Everything is repaired: no deeds any more.
    is_calm: AtomicBool,
}

impl Mood {
    pub(crate) fn new(seed: u64, wrong_in: u64) -> Self {
        Self {
            chance: Mutex::new(Chance::new(seed)),
            wrong_in,
            stalls: false,
            is_calm: AtomicBool::new(false),
        }
    }

    /// One that never gets to the end of a session.
    pub(crate) fn stalling(seed: u64) -> Self {
        Self {
            stalls: true,
            ..Self::new(seed, 1)
        }
    }

    pub(crate) fn calm(&self) {
        self.is_calm.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.is_calm.load(Ordering::Relaxed)
    }

    /// What goes wrong with a session that begins.
    pub(crate) fn draw(&self) -> Option<(Moment, Deed)> {
        let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_calm() || self.wrong_in == 0 || chance.below(self.wrong_in) != 0 {
            return None;
        }
        let moment = match chance.below(6) {
            0 => Moment::Connect,
            1 => Moment::Mail,
            2 => Moment::Rcpt,
            3 => Moment::Data,
            _ => Moment::End,
        };
        let deed = match chance.below(8) {
            _ if self.stalls => Deed::Stall,
            0 => Deed::Close,
            1 | 2 => Deed::Defer,
            3 | 4 => Deed::LoseReply,
            5 => Deed::Nonsense,
            6 => Deed::Slow(Duration::from_secs(1 + chance.below(40))),
            _ => Deed::Stall,
        };
        Some((moment, deed))
    }

    /// Chance for something else.
    pub(crate) fn below(&self, bound: u64) -> u64 {
        let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        chance.below(bound)
    }
}
