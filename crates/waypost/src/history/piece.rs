//! What a batch says of one message, packed, and the keys under which it is found.
//!
//! Lines of one message mostly come within the same batch. Kept together they need one row, and
//! one entry of the index for each address instead of one for each line.

use std::collections::HashMap;
use std::sync::Arc;

use waypost_mta::event::NOQUEUE;

use super::line::{Line, fields};

/// Most lines in one piece; a message with more has several.
const LINES_MAX: usize = 256;
/// Fields that name an address.
const ADDRESSES: [&str; 3] = ["from", "to", "orig_to"];

/// A piece of history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// The message; empty when the lines are about none.
    pub(super) queue_id: String,
    /// When the first line was said.
    pub(super) at_ms: u64,
    /// The lines, packed.
    pub(super) lines: Vec<u8>,
    /// What it is found by, folded.
    pub(super) keys: Vec<String>,
    count: usize,
}

/// A line, read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) at_ms: u64,
    /// Name and value, without the queue id.
    pub(crate) fields: Vec<(String, String)>,
}

/// The pieces of what the log said, in order.
pub(super) fn pieces(lines: &[Arc<Line>]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut open = HashMap::new();
    for line in lines {
        if line.event().is_none() {
            continue;
        }
        let id = line.value("queue_id").filter(|id| *id != NOQUEUE);
        let place = id.and_then(|id| open.get(id).copied());
        let piece = place.and_then(|place: usize| pieces.get_mut(place));
        if let Some(piece) = piece.filter(|piece| piece.count < LINES_MAX) {
            piece.add(line);
            continue;
        }
        if let Some(id) = id {
            open.insert(id.to_owned(), pieces.len());
        }
        let mut piece = Piece {
            queue_id: id.unwrap_or_default().to_owned(),
            at_ms: line.at_ms,
            lines: Vec::with_capacity(line.fields.len() + 8),
            keys: id.map(fold).into_iter().collect(),
            count: 0,
        };
        piece.add(line);
        pieces.push(piece);
    }
    // Nobody could find what has no key.
    pieces.retain(|piece| !piece.keys.is_empty());
    pieces
}

impl Piece {
    fn add(&mut self, line: &Line) {
        self.count += 1;
        number(&mut self.lines, zigzag(line.at_ms.wrapping_sub(self.at_ms)));
        let id = line.value("queue_id").map_or(0, |id| 1 + 2 + id.len());
        number(&mut self.lines, (line.fields.len() - id) as u64);
        // The queue id stands beside the lines; everything else as it came.
        let mut rest = &*line.fields;
        if let Some(at) = place_of_id(&line.fields) {
            let (before, behind) = rest.split_at(at);
            self.lines.extend_from_slice(before);
            rest = behind.get(id..).unwrap_or_default();
        }
        self.lines.extend_from_slice(rest);
        for (name, value) in fields(&line.fields) {
            if ADDRESSES.contains(&name) {
                let key = fold(value);
                if !key.is_empty() && !self.keys.contains(&key) {
                    self.keys.push(key);
                }
            }
        }
    }
}

/// Where the packed queue id begins.
fn place_of_id(packed: &[u8]) -> Option<usize> {
    let mut at = 0;
    for (name, value) in fields(packed) {
        if name == "queue_id" {
            return Some(at);
        }
        // Fields in front of the queue id are all known ones.
        at += 1 + 2 + value.len();
    }
    None
}

/// An address or queue id, without brackets, source route and letter case.
pub(super) fn fold(text: &str) -> String {
    bare(text).to_lowercase()
}

/// An address without brackets and source route (RFC 5321 §4.1.1.3).
pub(crate) fn bare(text: &str) -> &str {
    let inner = text
        .strip_prefix('<')
        .and_then(|text| text.strip_suffix('>'));
    let inner = inner.unwrap_or(text);
    match inner.split_once(':') {
        Some((route, rest)) if route.starts_with('@') => rest,
        _ => inner,
    }
}

/// The lines of a piece that concern a key, each with its place; what is damaged ends them.
pub(super) fn steps(piece: &Piece, key: &str) -> Vec<(usize, Step)> {
    let mut steps = Vec::new();
    let mut rest = piece.lines.as_slice();
    while let Some(step) = unpack(&mut rest, piece.at_ms) {
        steps.push((steps.len(), step));
    }
    let names = |step: &Step, field: &str| {
        let mut fields = step.fields.iter();
        fields.any(|(name, value)| name == field && fold(value) == key)
    };
    let is_message = !piece.queue_id.is_empty() && fold(&piece.queue_id) == key;
    if is_message || steps.iter().any(|(_, step)| names(step, "from")) {
        return steps;
    }
    let named = |step: &Step| names(step, "to") || names(step, "orig_to");
    if !steps.iter().any(|(_, step)| named(step)) {
        // Another key with the same hash.
        return Vec::new();
    }
    let to_nobody = |step: &Step| step.fields.iter().all(|(name, _)| name != "to");
    steps.retain(|(_, step)| named(step) || to_nobody(step));
    steps
}

/// All keys of a stored piece.
pub(super) fn keys(piece: &Piece) -> Vec<String> {
    let mut keys = Vec::new();
    if !piece.queue_id.is_empty() {
        keys.push(fold(&piece.queue_id));
    }
    let mut rest = piece.lines.as_slice();
    while let Some(step) = unpack(&mut rest, piece.at_ms) {
        let addresses = step.fields.into_iter();
        let addresses = addresses.filter(|(name, _)| ADDRESSES.contains(&name.as_str()));
        keys.extend(addresses.map(|(_, value)| fold(&value)));
    }
    keys.retain(|key| !key.is_empty());
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// A piece as it was stored.
pub(super) fn stored(queue_id: String, at_ms: u64, lines: Vec<u8>) -> Piece {
    Piece {
        queue_id,
        at_ms,
        lines,
        keys: Vec::new(),
        count: 0,
    }
}

fn unpack(rest: &mut &[u8], base_ms: u64) -> Option<Step> {
    let at_ms = base_ms.wrapping_add(unzigzag(read_number(rest)?));
    let length = usize::try_from(read_number(rest)?).ok()?;
    let (line, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    let named = fields(line).map(|(name, value)| (name.to_owned(), value.to_owned()));
    Some(Step {
        at_ms,
        fields: named.collect(),
    })
}

/// A number with seven bits in each byte, the lowest first; the last byte is below 128.
fn number(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(0x80 | (value & 0x7f) as u8);
        value >>= 7;
    }
    to.push(value as u8);
}

fn read_number(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        value |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// Small differences in both directions become small numbers.
fn zigzag(difference: u64) -> u64 {
    (difference << 1) ^ (0_u64.wrapping_sub(difference >> 63))
}

fn unzigzag(number: u64) -> u64 {
    (number >> 1) ^ (0_u64.wrapping_sub(number & 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::line::line;
    use super::*;

    fn lines(of: &[Line]) -> Vec<Arc<Line>> {
        of.iter().cloned().map(Arc::new).collect()
    }

    fn message() -> Vec<Line> {
        vec![
            line(
                10,
                &[("event", "client"), ("queue_id", "ID1"), ("client", "c")],
            ),
            line(
                5,
                &[
                    ("event", "active"),
                    ("queue_id", "ID1"),
                    ("from", "<S@a.example>"),
                ],
            ),
            line(
                11,
                &[
                    ("event", "delivery"),
                    ("queue_id", "ID1"),
                    ("to", "x@b.example"),
                ],
            ),
            line(
                12,
                &[
                    ("event", "delivery"),
                    ("queue_id", "ID1"),
                    ("to", "Y@b.example"),
                ],
            ),
            line(13, &[("event", "removed"), ("queue_id", "ID1")]),
        ]
    }

    fn found(piece: &Piece, key: &str) -> Vec<u64> {
        steps(piece, key)
            .into_iter()
            .map(|(_, step)| step.at_ms)
            .collect()
    }

    #[test]
    fn a_message_is_one_piece_found_by_all_its_names() {
        let all = pieces(&lines(&message()));
        assert_eq!(all.len(), 1);
        let piece = &all[0];
        assert_eq!(
            piece.keys,
            ["id1", "s@a.example", "x@b.example", "y@b.example"]
        );
        assert_eq!(found(piece, "id1"), [10, 5, 11, 12, 13]);
        assert_eq!(found(piece, "s@a.example"), [10, 5, 11, 12, 13]);
        assert_eq!(found(piece, "y@b.example"), [10, 5, 12, 13]);
        assert_eq!(found(piece, "z@b.example"), [0; 0]);
        let mut kept = piece.keys.clone();
        kept.sort_unstable();
        assert_eq!(keys(piece), kept);
        let queue_ids = steps(piece, "id1").into_iter();
        assert!(
            queue_ids
                .flat_map(|(_, step)| step.fields)
                .all(|(name, _)| name != "queue_id")
        );
    }

    #[test]
    fn refusals_are_pieces_of_their_own_and_other_lines_none() {
        let refused = |to| {
            line(
                1,
                &[("event", "rejected"), ("queue_id", "NOQUEUE"), ("to", to)],
            )
        };
        let other = line(1, &[("to", "nobody@b.example")]);
        let all = pieces(&lines(&[
            refused("<a@b.example>"),
            other,
            refused("<a@b.example>"),
        ]));
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].keys, ["a@b.example"]);
        assert_eq!(all[0].queue_id, "");
    }

    #[test]
    fn addresses_are_bare() {
        for (text, expected) in [
            ("<A@b.example>", "a@b.example"),
            ("<@r.example,@s.example:A@b.example>", "a@b.example"),
            ("<>", ""),
            ("Ü@b.example", "ü@b.example"),
        ] {
            assert_eq!(fold(text), expected);
        }
    }

    proptest! {
        #[test]
        fn numbers_and_differences_come_back(value: u64) {
            let mut packed = Vec::new();
            number(&mut packed, zigzag(value));
            prop_assert_eq!(read_number(&mut packed.as_slice()).map(unzigzag), Some(value));
        }

        #[test]
        fn anything_can_be_read(bytes: Vec<u8>, key in "[a-z@.]{0,8}") {
            let piece = stored("ID".to_owned(), 0, bytes);
            let _ = steps(&piece, &key);
            let _ = keys(&piece);
        }
    }
}
