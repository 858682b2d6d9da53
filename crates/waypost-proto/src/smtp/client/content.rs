//! Content on its way out: with stuffed dots behind DATA, counted behind BDAT.

use memchr::memmem;

/// How the content travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    /// Behind BDAT (RFC 3030): as it is.
    Counted,
    /// Behind DATA (RFC 5321 §4.5.2): dots at the start of a line doubled, ended by a dot.
    Dotted,
}

/// Cuts content into slices that go over the wire as they are, without copying it.
///
/// Content has CRLF line ends only: that was made sure of when it was accepted.
#[derive(Debug, Clone)]
pub struct ContentWriter {
    transfer: Transfer,
    at_line_start: bool,
}

impl ContentWriter {
    /// A writer before the first octet.
    #[must_use]
    pub fn new(transfer: Transfer) -> Self {
        Self {
            transfer,
            at_line_start: true,
        }
    }

    /// The next piece of content as it goes over the wire: slices, in order.
    pub fn pieces<'a>(&mut self, content: &'a [u8]) -> Pieces<'a> {
        let dotted = self.transfer == Transfer::Dotted;
        let stuff = dotted && self.at_line_start && content.first() == Some(&b'.');
        if let Some(last) = content.last() {
            self.at_line_start = *last == b'\n';
        }
        Pieces {
            rest: content,
            stuff,
            dotted,
        }
    }

    /// What goes behind the content; a line end first where the content lacks it.
    #[must_use]
    pub fn end(&self) -> &'static [u8] {
        match self.transfer {
            Transfer::Counted => b"",
            Transfer::Dotted if self.at_line_start => b".\r\n",
            Transfer::Dotted => b"\r\n.\r\n",
        }
    }
}

/// Slices of content and the dots between them.
#[derive(Debug, Clone)]
pub struct Pieces<'a> {
    rest: &'a [u8],
    stuff: bool,
    dotted: bool,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if std::mem::take(&mut self.stuff) {
            return Some(b".");
        }
        if self.rest.is_empty() {
            return None;
        }
        let cut = if self.dotted {
            memmem::find(self.rest, b"\n.").map(|at| at + 1)
        } else {
            None
        };
        self.stuff = cut.is_some();
        let (piece, rest) = self.rest.split_at(cut.unwrap_or(self.rest.len()));
        self.rest = rest;
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(content: &[u8], size: usize, transfer: Transfer) -> Vec<u8> {
        let mut writer = ContentWriter::new(transfer);
        let mut wire = Vec::new();
        for piece in content.chunks(size) {
            wire.extend(writer.pieces(piece).flatten());
        }
        wire.extend(writer.end());
        wire
    }

    #[test]
    fn doubles_dots_at_line_starts_only() {
        for (content, wire) in [
            ("", ".\r\n"),
            (".\r\n", "..\r\n.\r\n"),
            ("a.b\r\n..\r\n", "a.b\r\n...\r\n.\r\n"),
            ("no end", "no end\r\n.\r\n"),
            (".", "..\r\n.\r\n"),
        ] {
            for size in [1, 2, 3, 100] {
                let out = written(content.as_bytes(), size, Transfer::Dotted);
                assert_eq!(String::from_utf8_lossy(&out), wire);
            }
        }
    }

    #[test]
    fn leaves_counted_content_as_it_is() {
        assert_eq!(written(b".\r\n.x", 2, Transfer::Counted), b".\r\n.x");
    }

    proptest! {
        #[test]
        fn only_the_end_is_a_lone_dot_and_unstuffing_gives_the_content(
            lines in proptest::collection::vec("[.a]{0,4}", 0..20),
            size in 1usize..30,
        ) {
            let content = lines.iter().map(|line| format!("{line}\r\n")).collect::<String>();
            let wire = written(content.as_bytes(), size, Transfer::Dotted);
            let wire = String::from_utf8(wire).unwrap();
            let body = wire.strip_suffix(".\r\n").unwrap();
            let mut unstuffed = String::new();
            for line in body.split_inclusive("\r\n") {
                prop_assert_ne!(line, ".\r\n");
                unstuffed.push_str(line.strip_prefix('.').unwrap_or(line));
            }
            prop_assert_eq!(unstuffed, content);
        }
    }
}
