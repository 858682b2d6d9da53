//! Reads the replies of a server that nobody vouches for (RFC 5321 §4.2).
//!
//! Bounded in every direction: a line, the lines of a reply, and what is kept of them. A server
//! that goes beyond is not spoken to any further; nothing it sends is guessed at.

use memchr::memchr;
use thiserror::Error;

use crate::smtp::reply::RemoteReply;

/// Longest line, CRLF included; RFC 5321 §4.5.3.1.5 allows 512 octets.
const MAX_LINE_OCTETS: usize = 4096;
/// Most lines of one reply; no EHLO reply comes near.
const MAX_LINES: usize = 200;
/// Most text kept of one reply, all lines together.
const MAX_KEPT_OCTETS: usize = 16 * 1024;

/// What a server sent instead of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadReply {
    /// Not three digits and a space, hyphen or line end, or a code outside 200..=599.
    #[error("a line is no reply")]
    Garbage,
    /// The line does not end where it must.
    #[error("a reply line is too long")]
    LongLine,
    /// More lines than any reply has.
    #[error("a reply has too many lines")]
    ManyLines,
    /// Lines of one reply with different codes (RFC 5321 §4.2.1).
    #[error("a reply has lines of different codes")]
    MixedCodes,
    /// A reply that no command asked for.
    #[error("a reply came unasked")]
    Unasked,
}

/// One whole reply, its lines without code and mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lines {
    pub(super) code: u16,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Lines {
    /// The lines, as octets.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let spans = starts.zip(self.ends.iter().copied());
        spans.map(|(start, end)| self.text.get(start..end).unwrap_or_default())
    }

    /// The reply as it is kept and shown.
    pub(super) fn reply(&self) -> RemoteReply {
        RemoteReply::new(self.code, self.iter())
    }
}

/// Takes octets, gives replies.
#[derive(Debug, Default)]
pub(super) struct ReplyReader {
    /// The front of a line whose end has not come.
    partial: Vec<u8>,
    /// The lines of a reply whose last one has not come.
    open: Option<Lines>,
}

impl ReplyReader {
    /// Takes octets up to the end of one reply; how many, and the reply if it is whole.
    ///
    /// # Errors
    ///
    /// [`BadReply`]; the reader is of no use afterwards.
    pub(super) fn read(&mut self, input: &[u8]) -> Result<(usize, Option<Lines>), BadReply> {
        let mut taken = 0;
        while let Some(rest) = input.get(taken..).filter(|rest| !rest.is_empty()) {
            let Some(at) = memchr(b'\n', rest) else {
                self.keep(rest)?;
                return Ok((input.len(), None));
            };
            taken += at + 1;
            let whole = rest.get(..at).unwrap_or_default();
            let last = if self.partial.is_empty() {
                if whole.len() >= MAX_LINE_OCTETS {
                    return Err(BadReply::LongLine);
                }
                add_line(&mut self.open, whole)?
            } else {
                self.keep(whole)?;
                let line = std::mem::take(&mut self.partial);
                add_line(&mut self.open, &line)?
            };
            if last {
                return Ok((taken, self.open.take()));
            }
        }
        Ok((taken, None))
    }

    fn keep(&mut self, piece: &[u8]) -> Result<(), BadReply> {
        if self.partial.len() + piece.len() >= MAX_LINE_OCTETS {
            return Err(BadReply::LongLine);
        }
        self.partial.extend_from_slice(piece);
        Ok(())
    }
}

/// Adds a line without its LF; true when it is the last of its reply.
fn add_line(open: &mut Option<Lines>, line: &[u8]) -> Result<bool, BadReply> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let digits = line.get(..3).ok_or(BadReply::Garbage)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(BadReply::Garbage);
    }
    let code = digits
        .iter()
        .fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    if !(200..=599).contains(&code) {
        return Err(BadReply::Garbage);
    }
    let (last, text) = match line.get(3) {
        None => (true, &[][..]),
        Some(b' ') => (true, line.get(4..).unwrap_or_default()),
        Some(b'-') => (false, line.get(4..).unwrap_or_default()),
        Some(_) => return Err(BadReply::Garbage),
    };
    let lines = open.get_or_insert_with(|| Lines {
        code,
        text: Vec::new(),
        ends: Vec::new(),
    });
    if lines.code != code {
        return Err(BadReply::MixedCodes);
    }
    if lines.ends.len() == MAX_LINES {
        return Err(BadReply::ManyLines);
    }
    let room = MAX_KEPT_OCTETS.saturating_sub(lines.text.len());
    lines
        .text
        .extend_from_slice(text.get(..room).unwrap_or(text));
    lines.ends.push(lines.text.len());
    Ok(last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(input: &[u8]) -> Result<Vec<RemoteReply>, BadReply> {
        let mut reader = ReplyReader::default();
        let (mut rest, mut replies) = (input, Vec::new());
        while !rest.is_empty() {
            let (taken, reply) = reader.read(rest)?;
            replies.extend(reply.map(|lines| lines.reply()));
            rest = &rest[taken..];
        }
        Ok(replies)
    }

    #[test]
    fn reads_replies_of_one_line_and_of_several() {
        let replies = all(b"250 2.1.0 Ok\r\n250-a\r\n250-\r\n250 b\r\n354\r\n").unwrap();
        let shown: Vec<_> = replies.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["250 2.1.0 Ok", "250 a b", "354 "]);
    }

    #[test]
    fn refuses_what_is_no_reply() {
        for (input, error) in [
            (&b"SSH-2.0-OpenSSH\r\n"[..], BadReply::Garbage),
            (b"\r\n", BadReply::Garbage),
            (b"25\r\n", BadReply::Garbage),
            (b"250_x\r\n", BadReply::Garbage),
            (b"150 x\r\n", BadReply::Garbage),
            (b"999 x\r\n", BadReply::Garbage),
            (b"250-a\r\n550 b\r\n", BadReply::MixedCodes),
        ] {
            assert_eq!(all(input), Err(error), "{input:?}");
        }
    }

    #[test]
    fn bounds_lines_and_their_number() {
        let long = [b"250 ".to_vec(), vec![b'x'; 5000]].concat();
        assert_eq!(all(&long), Err(BadReply::LongLine));
        let ended = [long, b"\r\n".to_vec()].concat();
        assert_eq!(all(&ended), Err(BadReply::LongLine));
        let mut reader = ReplyReader::default();
        let drip = (0..5000).find_map(|_| reader.read(b"2").err());
        assert_eq!(drip, Some(BadReply::LongLine));
        assert_eq!(all(&b"250-x\r\n".repeat(3000)), Err(BadReply::ManyLines));
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_read_the_same(size in 1usize..20) {
            let input = b"220 hello\r\n250-one\r\n250-SIZE 10\r\n250 last\r\n550 5.1.1 no\r\n";
            let mut reader = ReplyReader::default();
            let mut replies = Vec::new();
            for mut piece in input.chunks(size) {
                while !piece.is_empty() {
                    let (taken, reply) = reader.read(piece).unwrap();
                    replies.extend(reply.map(|lines| lines.reply()));
                    piece = &piece[taken..];
                }
            }
            prop_assert_eq!(Ok(replies), all(input));
        }

        #[test]
        fn never_fails_otherwise_and_never_keeps_much(
            input in proptest::collection::vec(
                "[2-5][0-9]{2}[ -][ -~]{0,50}(\r\n|\n)?|\\PC{0,20}",
                0..40,
            )
        ) {
            let _ = all(input.concat().as_bytes());
        }
    }
}
