//! The name of a message in our charge.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use thiserror::Error;

use crate::limits;

/// The low bits say which node made the id; the bits above are microseconds since 1970.
const NODE_BITS: u32 = 8;
const NODE_MASK: u64 = (1 << NODE_BITS) - 1;
/// Digits and capitals without I, L, O and U, so that an id can be read aloud.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Shortest printed form: all ids until the year 2112 have it, and sort as text by age.
const MIN_DIGITS: usize = 12;
/// 63 bits in base 32.
const MAX_DIGITS: usize = 13;

/// What a message is called in the log, in `Received ... id`, in replies and on the command line.
///
/// Never given twice by a node, not after a restart and not when the clock was set back. A younger
/// message of the same node has the greater id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueueId(u64);

impl QueueId {
    /// The id as a number below 2^63.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The id with this number; none when it has more than 63 bits.
    #[must_use]
    pub const fn from_number(number: u64) -> Option<Self> {
        if number >> 63 == 0 {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The greatest id in the minute behind `self`, of whatever node.
    pub(crate) const fn minute_later(self) -> Self {
        let micros = (self.0 >> NODE_BITS).saturating_add(limits::ID_RESERVE_US);
        Self(((micros << NODE_BITS) | NODE_MASK) & (u64::MAX >> 1))
    }

    /// The node that made it.
    #[must_use]
    pub const fn node(self) -> u8 {
        (self.0 & NODE_MASK) as u8
    }

    /// About when it was made: after a clock that was set back it runs ahead.
    #[must_use]
    pub fn time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_micros(self.0 >> NODE_BITS)
    }
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [b'0'; MAX_DIGITS];
        let mut rest = self.0;
        for digit in text.iter_mut().rev() {
            *digit = DIGITS[(rest & 31) as usize];
            rest >>= 5;
        }
        let zeros = text.iter().take_while(|d| **d == b'0').count();
        let from = zeros.min(MAX_DIGITS - MIN_DIGITS);
        text[from..]
            .iter()
            .try_for_each(|d| write!(f, "{}", char::from(*d)))
    }
}

/// The text is no queue id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a queue id: 12 or 13 letters and digits")]
pub struct NotAnId;

impl FromStr for QueueId {
    type Err = NotAnId;

    /// Reads the printed form, in any letter case.
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        if !(MIN_DIGITS..=MAX_DIGITS).contains(&text.len()) {
            return Err(NotAnId);
        }
        let mut number: u64 = 0;
        for c in text.bytes() {
            let c = c.to_ascii_uppercase();
            let digit = DIGITS.iter().position(|d| *d == c).ok_or(NotAnId)?;
            number = number.checked_mul(32).ok_or(NotAnId)? | digit as u64;
        }
        Self::from_number(number).ok_or(NotAnId)
    }
}

/// Gives ids: the wall clock, or one more than the last id when the clock is not ahead of it.
#[derive(Debug)]
pub(crate) struct IdSource {
    node: u8,
    last_us: AtomicU64,
}

impl IdSource {
    /// Gives only ids greater than `floor`.
    pub(crate) fn new(node: u8, floor: QueueId) -> Self {
        Self {
            node,
            last_us: AtomicU64::new(floor.0 >> NODE_BITS),
        }
    }

    /// An id that was never given before.
    pub(crate) fn next(&self, now: SystemTime) -> QueueId {
        let now_us = now
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| u64::try_from(d.as_micros()).unwrap_or(u64::MAX));
        let now_us = now_us.min(u64::MAX >> (NODE_BITS + 2));
        let follow = |last: u64| now_us.max(last + 1);
        let last = self
            .last_us
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(follow(last))
            })
            .unwrap_or_else(|last| last);
        QueueId((follow(last) << NODE_BITS) | u64::from(self.node))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_is_short_capitals_and_tells_its_time_and_node() {
        let now = UNIX_EPOCH + Duration::from_micros(1_795_000_000_000_000);
        let id = IdSource::new(7, QueueId(0)).next(now);
        assert_eq!(id.to_string(), "CR4B05FK0007");
        assert_eq!((id.node(), id.time()), (7, now));
    }

    #[test]
    fn ids_grow_when_the_clock_stands_or_goes_back() {
        let now = UNIX_EPOCH + Duration::from_secs(2_000_000_000);
        let source = IdSource::new(1, QueueId(0));
        let first = source.next(now);
        let second = source.next(now);
        let third = source.next(now - Duration::from_secs(3600));
        assert!(first < second && second < third);
        assert!(IdSource::new(1, third).next(UNIX_EPOCH) > third);
    }

    #[test]
    fn refuses_what_is_no_id() {
        for text in [
            "",
            "1",
            "CRH3G1A5G00",
            "CRH3G1A5G00U",
            "ZZZZZZZZZZZZZ",
            "é23456789012",
        ] {
            assert_eq!(text.parse::<QueueId>(), Err(NotAnId), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn printing_reads_back_in_any_letter_case(number in 0..=(u64::MAX >> 1)) {
            let id = QueueId(number);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            prop_assert_eq!(id.to_string().to_lowercase().parse(), Ok(id));
        }
    }
}
