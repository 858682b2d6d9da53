//! Input as lines: the bytes a peer has sent and nobody has taken yet.
//!
//! A command line ends with CRLF (RFC 5321 §2.3.8). A line that ends with a bare LF, or is longer
//! than it may be, is taken from the input too, but as an error, so that the peer hears about it.

use std::ops::Range;

use memchr::memchr;

use super::limits::{AUTH_LINE_OCTETS, INPUT_OCTETS};

/// The next line of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    /// Where the line lies, without its CRLF.
    Whole(Range<usize>),
    /// It ended with LF alone.
    BareLf,
    /// It was longer than any line may be, and is gone.
    TooLong,
}

/// A bounded buffer of unread input.
#[derive(Default)]
pub(crate) struct Input {
    bytes: Vec<u8>,
    /// Everything before is taken.
    start: usize,
    /// No LF between `start` and here.
    searched: usize,
    /// The head of an overlong line is gone, its LF has not come yet.
    discarding: bool,
}

impl Input {
    /// What is not taken yet.
    pub(crate) fn unread(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.unread().is_empty()
    }

    /// How many more bytes are welcome.
    pub(crate) fn room(&self) -> usize {
        INPUT_OCTETS.saturating_sub(self.unread().len())
    }

    /// Whether what came last left no space behind it: then more is likely to follow at once.
    pub(crate) fn was_filled(&self) -> bool {
        self.bytes.capacity() > 0 && self.bytes.len() == self.bytes.capacity()
    }

    /// The buffer to append to, with `wanted` bytes or all the room left at its end.
    pub(crate) fn spare(&mut self, wanted: usize) -> &mut Vec<u8> {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.searched = self.searched.saturating_sub(self.start);
            self.start = 0;
        }
        self.bytes.reserve(wanted.min(self.room()));
        &mut self.bytes
    }

    /// The bytes of a range that [`Self::next_line`] or [`Self::take`] gave.
    pub(crate) fn slice(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// Takes `count` bytes; gives where they lie.
    pub(crate) fn take(&mut self, count: usize) -> Range<usize> {
        let end = self.bytes.len().min(self.start + count);
        let range = self.start..end;
        self.start = end;
        self.searched = end;
        range
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Gives the memory back when nothing is in it.
    pub(crate) fn release(&mut self) {
        if self.is_empty() {
            self.bytes = Vec::new();
            self.start = 0;
            self.searched = 0;
        }
    }

    /// Takes the next line, when its end is there.
    pub(crate) fn next_line(&mut self) -> Option<Line> {
        let from = self.searched.max(self.start);
        let unsearched = self.bytes.get(from..).unwrap_or_default();
        let Some(lf) = memchr(b'\n', unsearched).map(|at| from + at) else {
            self.searched = self.bytes.len();
            if self.bytes.len() - self.start > AUTH_LINE_OCTETS {
                self.discarding = true;
                self.start = self.bytes.len();
            }
            return None;
        };
        let start = self.start;
        self.start = lf + 1;
        self.searched = lf + 1;
        if std::mem::take(&mut self.discarding) || lf + 1 - start > AUTH_LINE_OCTETS {
            return Some(Line::TooLong);
        }
        match self.bytes.get(start..lf) {
            Some([.., b'\r']) => Some(Line::Whole(start..lf - 1)),
            _ => Some(Line::BareLf),
        }
    }

    /// The whole lines that wait behind what is taken, without their CRLF; looks, takes nothing.
    pub(crate) fn lines_ahead(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.unread();
        std::iter::from_fn(move || {
            let lf = memchr(b'\n', rest)?;
            let (line, behind) = rest.split_at_checked(lf + 1)?;
            rest = behind;
            line.strip_suffix(b"\r\n")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<Result<Vec<u8>, Line>> {
        let mut input = Input::default();
        let mut seen = Vec::new();
        for chunk in chunks {
            input.spare(chunk.len()).extend_from_slice(chunk);
            while let Some(line) = input.next_line() {
                seen.push(match line {
                    Line::Whole(range) => Ok(input.slice(range).to_vec()),
                    wrong => Err(wrong),
                });
            }
        }
        seen
    }

    #[test]
    fn only_crlf_ends_a_good_line() {
        let seen = lines(&[b"NO", b"OP\r", b"\nA\nB\rC\r\n\r\n"]);
        assert_eq!(
            seen,
            [
                Ok(b"NOOP".to_vec()),
                Err(Line::BareLf),
                Ok(b"B\rC".to_vec()),
                Ok(Vec::new()),
            ]
        );
    }

    #[test]
    fn an_overlong_line_is_dropped_in_bounded_memory_and_the_next_is_read() {
        let mut input = Input::default();
        for _ in 0..100 {
            let room = input.spare(8192);
            room.extend_from_slice(&[b'x'; 8192]);
            assert_eq!(input.next_line(), None);
            assert!(input.unread().len() <= AUTH_LINE_OCTETS);
        }
        input.spare(16).extend_from_slice(b"y\r\nNOOP\r\n");
        assert_eq!(input.next_line(), Some(Line::TooLong));
        let Some(Line::Whole(range)) = input.next_line() else {
            panic!("the line behind is lost");
        };
        assert_eq!(input.slice(range), b"NOOP");
    }

    #[test]
    fn a_line_is_too_long_however_it_is_cut() {
        let long = [vec![b'x'; AUTH_LINE_OCTETS - 1], b"\r\n".to_vec()].concat();
        assert_eq!(lines(&[&long]), [Err(Line::TooLong)]);
        let (head, tail) = long.split_at(AUTH_LINE_OCTETS);
        assert_eq!(lines(&[head, tail]), [Err(Line::TooLong)]);
        let fits = &long[1..];
        assert_eq!(lines(&[fits]).len(), 1);
        assert!(lines(&[fits])[0].is_ok());
    }

    #[test]
    fn looks_ahead_without_taking() {
        let mut input = Input::default();
        input.spare(64).extend_from_slice(b"a\r\nb\r\nc\nd\r\n");
        assert_eq!(input.lines_ahead().collect::<Vec<_>>(), [b"a", b"b"]);
        assert_eq!(input.next_line(), Some(Line::Whole(0..1)));
    }
}
