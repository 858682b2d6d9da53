//! Content on the wire: after DATA with stuffed dots, after BDAT counted.
//!
//! Only `CRLF . CRLF` ends a message (RFC 5321 §4.1.1.4). A bare CR, a bare LF or a NUL is never
//! taken for a line end nor mended: it is noted, and the message is refused at its end.

use memchr::memchr3;

/// What content may not hold (RFC 5321 §2.3.8, §4.5.2 and RFC 5322 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// CR without LF behind it.
    BareCr,
    /// LF without CR before it.
    BareLf,
    /// An octet of value zero.
    Nul,
}

/// What is known of the content seen so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// The first thing that must not be there.
    pub fault: Option<Fault>,
    /// Whether an octet above 127 occurred.
    pub eight_bit: bool,
}

impl Seen {
    fn note(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    fn note_octets(&mut self, content: &[u8]) {
        self.eight_bit = self.eight_bit || !content.is_ascii();
    }
}

/// What a reader made of the front of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// So many octets are content; take them, and call again with what is behind.
    Content(usize),
    /// So many octets belong to the transfer, not to the content; take them and call again.
    Stuffing(usize),
    /// So many octets ended the message.
    End(usize),
    /// More input is needed to tell.
    More,
}

/// Reads content after DATA: takes the stuffed dots out and finds the end.
#[derive(Debug, Clone)]
pub struct DataReader {
    seen: Seen,
    line_start: bool,
}

impl Default for DataReader {
    fn default() -> Self {
        Self::new()
    }
}

impl DataReader {
    /// Stands at the start of the first line.
    #[must_use]
    pub fn new() -> Self {
        Self {
            seen: Seen::default(),
            line_start: true,
        }
    }

    /// What is known of the content so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.seen
    }

    /// Looks at the front of the input, which begins where the last piece ended.
    pub fn read(&mut self, input: &[u8]) -> Piece {
        if self.line_start {
            match input {
                [] | [b'.'] | [b'.', b'\r'] => return Piece::More,
                [b'.', b'\r', b'\n', ..] => return Piece::End(3),
                [b'.', ..] => {
                    self.line_start = false;
                    return Piece::Stuffing(1);
                }
                _ => {}
            }
        }
        let count = self.scan(input);
        if count == 0 {
            return Piece::More;
        }
        self.seen
            .note_octets(input.get(..count).unwrap_or_default());
        Piece::Content(count)
    }

    /// Counts the octets up to a dot at the start of a line, or a CR that nothing follows yet.
    fn scan(&mut self, input: &[u8]) -> usize {
        let mut at = 0;
        while let Some((here, rest)) = find(input, at) {
            self.line_start = false;
            match rest {
                [b'\r'] => return here,
                [b'\r', b'\n', behind @ ..] => {
                    at = here + 2;
                    self.line_start = true;
                    if matches!(behind, [] | [b'.', ..]) {
                        return at;
                    }
                    continue;
                }
                [b'\r', ..] => self.seen.note(Fault::BareCr),
                [b'\n', ..] => self.seen.note(Fault::BareLf),
                _ => self.seen.note(Fault::Nul),
            }
            at = here + 1;
        }
        if at < input.len() {
            self.line_start = false;
        }
        input.len()
    }
}

/// Finds the next CR, LF or NUL from `at` on; also the input from there.
fn find(input: &[u8], at: usize) -> Option<(usize, &[u8])> {
    let here = at + memchr3(b'\r', b'\n', 0, input.get(at..)?)?;
    Some((here, input.get(here..)?))
}

/// Reads content of BDAT chunks (RFC 3030 §2), which the caller counts.
///
/// A CR at the end of one chunk and an LF at the start of the next are one line end.
#[derive(Debug, Clone, Default)]
pub struct ChunkReader {
    seen: Seen,
    after_cr: bool,
    line_open: bool,
}

impl ChunkReader {
    /// What is known of the content so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.seen
    }

    /// Looks through the next octets of the content.
    pub fn read(&mut self, content: &[u8]) {
        let Some(&last) = content.last() else {
            return;
        };
        self.seen.note_octets(content);
        let mut at = 0;
        if std::mem::take(&mut self.after_cr) {
            if content.first() == Some(&b'\n') {
                at = 1;
            } else {
                self.seen.note(Fault::BareCr);
            }
        }
        while let Some((here, rest)) = find(content, at) {
            at = here + 1;
            match rest {
                [b'\r'] => self.after_cr = true,
                [b'\r', b'\n', ..] => at = here + 2,
                [b'\r', ..] => self.seen.note(Fault::BareCr),
                [b'\n', ..] => self.seen.note(Fault::BareLf),
                _ => self.seen.note(Fault::Nul),
            }
        }
        self.line_open = last != b'\n';
    }

    /// Ends the message; tells whether its last line still lacks its CRLF.
    pub fn finish(&mut self) -> bool {
        if std::mem::take(&mut self.after_cr) {
            self.seen.note(Fault::BareCr);
        }
        self.line_open
    }
}
