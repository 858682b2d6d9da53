//! The readers of content against a slow and obvious description of RFC 5321 §4.1.1.4.

use proptest::prelude::*;
use waypost_proto::smtp::data::{ChunkReader, DataReader, Fault, Piece};

const ALPHABET: [u8; 5] = [b'.', b'\r', b'\n', b'a', 0];

/// Every string over the alphabet of at most this length.
fn every_string(longest: u32) -> impl Iterator<Item = Vec<u8>> {
    (0..=longest).flat_map(|length| {
        let count = ALPHABET.len().pow(length);
        (0..count).map(move |number| {
            let mut rest = number;
            let mut string = Vec::new();
            for _ in 0..length {
                string.push(ALPHABET[rest % ALPHABET.len()]);
                rest /= ALPHABET.len();
            }
            string
        })
    })
}

fn is_line_start(wire: &[u8], at: usize) -> bool {
    at == 0 || wire[..at].ends_with(b"\r\n")
}

/// What the rules say of content on the wire: the content, and where the message ends.
fn described(wire: &[u8]) -> (Vec<u8>, Option<usize>) {
    let mut content = Vec::new();
    for at in 0..wire.len() {
        if is_line_start(wire, at) && wire[at] == b'.' {
            if wire[at..].starts_with(b".\r\n") {
                return (content, Some(at + 3));
            }
            continue;
        }
        content.push(wire[at]);
    }
    (content, None)
}

fn described_fault(content: &[u8]) -> bool {
    (0..content.len()).any(|at| match content[at] {
        b'\r' => content.get(at + 1) != Some(&b'\n'),
        b'\n' => at == 0 || content[at - 1] != b'\r',
        0 => true,
        _ => false,
    })
}

/// Reads with the reader, the input arriving in pieces of these lengths, over and over.
fn read(wire: &[u8], lengths: &[usize]) -> (Vec<u8>, Option<usize>, Option<Fault>, bool) {
    let mut reader = DataReader::new();
    let mut content = Vec::new();
    let (mut taken, mut arrived) = (0, 0);
    let mut lengths = lengths.iter().cycle();
    loop {
        match reader.read(&wire[taken..arrived]) {
            Piece::Content(count) => {
                assert!(count > 0);
                content.extend_from_slice(&wire[taken..taken + count]);
                taken += count;
            }
            Piece::Stuffing(count) => taken += count,
            Piece::End(count) => {
                let seen = reader.seen();
                return (content, Some(taken + count), seen.fault, seen.eight_bit);
            }
            Piece::More if arrived == wire.len() => {
                assert!(arrived - taken <= 2, "holds back more than it must");
                content.extend_from_slice(&wire[taken..]);
                let seen = reader.seen();
                return (content, None, seen.fault, seen.eight_bit);
            }
            Piece::More => {
                arrived = wire
                    .len()
                    .min(arrived + lengths.next().map_or(1, |length| *length))
            }
        }
    }
}

#[test]
fn only_crlf_dot_crlf_ends_content_in_every_short_string() {
    for mut wire in every_string(6) {
        wire.extend_from_slice(b"\r\n.\r\nQUIT\r\n");
        let (content, end) = described(&wire);
        for lengths in [&[usize::MAX][..], &[1], &[2], &[3, 1]] {
            let (read_content, read_end, fault, _) = read(&wire, lengths);
            assert_eq!(read_end, end, "{}", wire.escape_ascii());
            assert_eq!(read_content, content, "{}", wire.escape_ascii());
            let faulty = described_fault(&content);
            assert_eq!(fault.is_some(), faulty, "{}", wire.escape_ascii());
        }
    }
}

#[test]
fn no_other_end_of_data_is_taken_for_one() {
    for ending in [
        &b"\n.\n"[..],
        b"\n.\r\n",
        b"\r\n.\n",
        b"\r.\r",
        b"\r.\r\n",
        b"\r\n.\r",
        b"\r\n.\r\r\n",
        b"\r\n\r.\r\n",
        b"\r\n.\0\r\n",
        b"\r\n\0.\r\n",
        b"\n\n.\r\n",
        b"\r\n. \r\n",
        b"\r\n..\r\n",
        b"\n.\r\r\n",
    ] {
        let wire = [b"text", ending, b"MAIL FROM:<a@b>\r\n"].concat();
        assert_eq!(read(&wire, &[1]).1, None, "{}", ending.escape_ascii());
        assert_eq!(read(&wire, &[9]).1, None, "{}", ending.escape_ascii());
    }
}

#[test]
fn chunks_find_the_same_faults_wherever_they_are_cut() {
    for content in every_string(5) {
        for cut in 0..=content.len() {
            let mut reader = ChunkReader::default();
            reader.read(&content[..cut]);
            reader.read(&content[cut..]);
            let open = reader.finish();
            let text = content.escape_ascii();
            assert_eq!(
                reader.seen().fault.is_some(),
                described_fault(&content),
                "{text}"
            );
            if reader.seen().fault.is_none() {
                let closed = content.is_empty() || content.ends_with(b"\n");
                assert_eq!(open, !closed, "{text}");
            }
        }
    }
}

#[test]
fn notes_octets_above_127() {
    assert!(!read(b"plain\r\n.\r\n", &[4]).3);
    assert!(read("pl\u{e4}in\r\n.\r\n".as_bytes(), &[4]).3);
    let mut reader = ChunkReader::default();
    reader.read(b"plain");
    assert!(!reader.seen().eight_bit);
    reader.read(b"\xff");
    assert!(reader.seen().eight_bit);
}

proptest! {
    #[test]
    fn long_content_is_read_as_described_however_it_is_cut(
        lines in prop::collection::vec("[.]{0,2}[a-zé]{0,90}(\r\n|\r\n|\r\n|\n|\r)", 0..40),
        lengths in prop::collection::vec(1usize..200, 1..8),
    ) {
        let wire = lines.concat() + "\r\n.\r\nQUIT\r\n";
        let (content, end) = described(wire.as_bytes());
        let (read_content, read_end, fault, eight_bit) = read(wire.as_bytes(), &lengths);
        prop_assert_eq!(read_end, end);
        prop_assert_eq!(fault.is_some(), described_fault(&content));
        prop_assert_eq!(eight_bit, !content.is_ascii());
        prop_assert_eq!(read_content, content);
    }
}
