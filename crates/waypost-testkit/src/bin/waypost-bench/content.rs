//! What the source sends and the sink looks for: messages with a number, and where they end.

use std::sync::Arc;

use memchr::memmem::{self, Finder};

/// Octets of a message that are written as one piece with its number.
const HEAD: usize = 16 * 1024;
/// Octets of the piece that holds the final dot of a long message.
const LAST: usize = 16 * 1024;
/// In front of the number.
const MARK: &[u8] = b"\nSubject: bench ";
/// Digits of a number.
const DIGITS: usize = 10;
/// In front of the final dot, the dot, and behind it (RFC 5321 §4.1.1.4).
const FINAL_DOT: &[u8] = b"\r\n.\r\n";
/// A line of the body; none begins with a dot.
const LINE: &[u8] = b"Whoever reads this has a mail server that is fast enough for reading.\r\n";

/// A message with the final dot, whose number can be changed.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    head: Vec<u8>,
    rest: Arc<[u8]>,
    /// Where the numbers are in the head.
    numbers: [usize; 2],
}

impl Content {
    /// A message of so many octets, or a few more when the header needs them.
    pub(crate) fn new(size_bytes: u32) -> Self {
        let zeros = "0".repeat(DIGITS);
        let mut head = format!(
            "From: <sender@example.net>\r\nTo: <user1@example.com>\r\n\
             Date: Mon, 23 Nov 2026 12:00:00 +0000\r\nMessage-ID: <{zeros}@example.net>\r\n\
             Subject: bench {zeros}\r\n\r\n"
        )
        .into_bytes();
        let first = memmem::find(&head, zeros.as_bytes()).unwrap_or(0);
        let second = memmem::rfind(&head, zeros.as_bytes()).unwrap_or(0);
        let size = usize::try_from(size_bytes).unwrap_or(usize::MAX);
        head.reserve(size.saturating_sub(head.len()) + FINAL_DOT.len());
        while head.len() + 2 < size {
            let room = size - head.len();
            // The last line is as long as what is left, with an end of its own.
            if room > LINE.len() + 4 {
                head.extend_from_slice(LINE);
            } else {
                head.resize(size - 2, b'x');
                head.extend_from_slice(b"\r\n");
            }
        }
        // The line before it has ended: the dot needs no CRLF in front.
        head.extend_from_slice(b".\r\n");
        let rest = head.split_off(head.len().min(HEAD));
        Self {
            head,
            rest: rest.into(),
            numbers: [first, second],
        }
    }

    /// Gives it this number.
    pub(crate) fn number(&mut self, number: u64) {
        let digits = format!("{number:0DIGITS$}");
        for at in self.numbers {
            if let Some(place) = self.head.get_mut(at..at + DIGITS) {
                place.copy_from_slice(&digits.as_bytes()[..DIGITS]);
            }
        }
    }

    /// What is written first, and the last piece, with the final dot.
    pub(crate) fn pieces(&self) -> ([&[u8]; 2], &[u8]) {
        if self.rest.is_empty() {
            return ([&[], &[]], &self.head);
        }
        let (middle, last) = self.rest.split_at(self.rest.len().saturating_sub(LAST));
        ([&self.head, middle], last)
    }
}

/// The number of a message, once its beginning holds it whole.
pub(crate) fn number_of(beginning: &[u8]) -> Option<u64> {
    let at = memmem::find(beginning, MARK)? + MARK.len();
    let digits = beginning.get(at..at + DIGITS)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Looks for the end of content in pieces as they come.
pub(crate) struct End {
    finder: Finder<'static>,
    /// The last octets of the piece before.
    tail: [u8; 4],
}

impl End {
    /// At the beginning of content: the line of DATA has ended.
    pub(crate) fn new() -> Self {
        Self {
            finder: Finder::new(FINAL_DOT),
            tail: *b"\0\0\r\n",
        }
    }

    /// How many octets of the piece belong to the content, its final dot and CRLF with them; none
    /// while it goes on.
    pub(crate) fn find(&mut self, piece: &[u8]) -> Option<usize> {
        let near = piece.len().min(self.tail.len());
        let seam = [&self.tail[..], &piece[..near]].concat();
        if let Some(at) = self.finder.find(&seam) {
            return Some(at + FINAL_DOT.len() - self.tail.len());
        }
        if let Some(at) = self.finder.find(piece) {
            return Some(at + FINAL_DOT.len());
        }
        let last = match piece.len() {
            0..4 => &seam[near..],
            long => &piece[long - 4..],
        };
        self.tail.copy_from_slice(last);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(content: &Content) -> Vec<u8> {
        let ([first, second], last) = content.pieces();
        [first, second, last].concat()
    }

    #[test]
    fn has_the_size_asked_for_and_ends_once() {
        for size in [
            1_000, 1_001, 10_000, 16_380, 16_384, 16_390, 100_000, 1_000_000,
        ] {
            let content = whole(&Content::new(size));
            assert_eq!(content.len(), size as usize + 3, "{size}");
            assert_eq!(End::new().find(&content), Some(content.len()), "{size}");
            assert!(
                content
                    .split(|octet| *octet == b'\n')
                    .all(|line| line.len() < 998)
            );
        }
    }

    #[test]
    fn says_its_number() {
        for size in [1, 1_000, 100_000] {
            let mut content = Content::new(size);
            content.number(42);
            content.number(1_234_567);
            let received = [b"Received: from bench\r\n".to_vec(), whole(&content)].concat();
            assert_eq!(number_of(&received), Some(1_234_567));
            assert!(memmem::find(&received, b"<0001234567@example.net>").is_some());
        }
        assert_eq!(number_of(b"\nSubject: bench 000"), None);
        assert_eq!(number_of(b"\nSubject: another thing"), None);
    }

    #[test]
    fn finds_the_end_across_reads() {
        let wire = b"a line\r\n..\r\n. \r\n.\r\nQUIT\r\n";
        let end = 19;
        for first in 0..wire.len() {
            for second in first..wire.len() {
                let pieces = [&wire[..first], &wire[first..second], &wire[second..]];
                assert_eq!(end_in(&pieces), Some(end), "{first} {second}");
            }
        }
    }

    fn end_in(pieces: &[&[u8]]) -> Option<usize> {
        let mut looks = End::new();
        let mut taken = 0;
        for piece in pieces {
            if let Some(more) = looks.find(piece) {
                return Some(taken + more);
            }
            taken += piece.len();
        }
        None
    }

    #[test]
    fn finds_the_end_octet_by_octet_and_of_nothing() {
        let mut looks = End::new();
        let wire = b"ab\r\n.\r\n";
        let ends: Vec<_> = wire.iter().map(|octet| looks.find(&[*octet])).collect();
        assert_eq!(ends.iter().position(Option::is_some), Some(6));
        assert_eq!(End::new().find(b".\r\n"), Some(3));
        assert_eq!(End::new().find(b"x.\r\n"), None);
    }
}
