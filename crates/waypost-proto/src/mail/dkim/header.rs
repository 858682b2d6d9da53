//! The fields that are signed, under the "relaxed" canonicalisation (RFC 6376 §3.4.2, §5.4).

/// Longest header that is signed.
const MAX_OCTETS: usize = 64 * 1024;

/// Which fields are signed (RFC 6376 §5.4.1), and whether their absence is signed too: then nobody
/// can add one behind the signature's back (§5.4.2).
const SIGNED: [(&str, bool); 25] = [
    ("from", true),
    ("reply-to", true),
    ("subject", true),
    ("date", true),
    ("message-id", true),
    ("to", true),
    ("cc", true),
    ("sender", false),
    ("mime-version", true),
    ("content-type", true),
    ("content-transfer-encoding", true),
    ("in-reply-to", true),
    ("references", true),
    ("resent-date", false),
    ("resent-from", false),
    ("resent-to", false),
    ("resent-cc", false),
    ("list-id", false),
    ("list-help", false),
    ("list-unsubscribe", false),
    ("list-unsubscribe-post", false),
    ("list-subscribe", false),
    ("list-post", false),
    ("list-owner", false),
    ("list-archive", false),
];

/// Keeps what is signed of a header that comes in pieces of any size.
#[derive(Debug, Clone, Default)]
pub(super) struct Header {
    /// The field that is coming in, as it stands.
    field: Vec<u8>,
    /// Fields that are signed, canonical, from the top down: place in [`SIGNED`], text.
    kept: Vec<(usize, Vec<u8>)>,
    octets: usize,
    has_ended: bool,
}

impl Header {
    /// Takes what belongs to the header; what is left belongs to the body.
    pub(super) fn feed<'a>(&mut self, mut chunk: &'a [u8]) -> &'a [u8] {
        while !self.has_ended && !chunk.is_empty() {
            let at_line_start = self.field.is_empty() || self.field.ends_with(b"\n");
            if at_line_start && !matches!(chunk[0], b' ' | b'\t') && !self.field.is_empty() {
                self.end_field();
            }
            let end = memchr::memchr(b'\n', chunk).map_or(chunk.len(), |at| at + 1);
            let (line, rest) = chunk.split_at(end);
            self.octets += line.len();
            if self.octets <= MAX_OCTETS {
                self.field.extend_from_slice(line);
            }
            chunk = rest;
            if self.field == b"\r\n" {
                self.field.clear();
                self.has_ended = true;
            }
        }
        chunk
    }

    /// What is signed; none of a header that is too long.
    pub(super) fn finish(mut self) -> Option<Fields> {
        if self.octets > MAX_OCTETS {
            return None;
        }
        if !self.field.is_empty() {
            self.end_field();
        }
        Some(Fields(self.kept))
    }

    fn end_field(&mut self) {
        let field = std::mem::take(&mut self.field);
        let Some(colon) = memchr::memchr(b':', &field) else {
            return;
        };
        let name = field[..colon].trim_ascii_end().to_ascii_lowercase();
        let place = SIGNED.iter().position(|(it, _)| it.as_bytes() == name);
        if let Some(place) = place {
            self.kept.push((place, canonical(&field)));
        }
    }
}

/// The fields of a message that are signed.
#[derive(Debug, Clone)]
pub(super) struct Fields(Vec<(usize, Vec<u8>)>);

impl Fields {
    /// The names as the signature lists them, and the fields in that order: of several with one
    /// name the lowest first (RFC 6376 §5.4.2).
    pub(super) fn in_order(&self) -> (Vec<&'static str>, Vec<u8>) {
        let (mut names, mut text) = (Vec::new(), Vec::new());
        for (place, (name, oversigned)) in SIGNED.iter().enumerate() {
            let same = self.0.iter().rev().filter(|(of, _)| *of == place);
            for (_, field) in same {
                names.push(*name);
                text.extend_from_slice(field);
                text.extend_from_slice(b"\r\n");
            }
            if *oversigned {
                names.push(name);
            }
        }
        (names, text)
    }
}

/// One field without its line end: name in small letters, unfolded, runs of white space as one
/// space, none around the colon or at the end.
pub(super) fn canonical(field: &[u8]) -> Vec<u8> {
    let colon = memchr::memchr(b':', field).unwrap_or(field.len());
    let (name, value) = field.split_at(colon);
    let mut out = name.trim_ascii_end().to_ascii_lowercase();
    out.push(b':');
    let mut space = false;
    let mut is_first = true;
    for &octet in value.get(1..).unwrap_or_default() {
        match octet {
            b' ' | b'\t' => space = true,
            b'\r' | b'\n' => {}
            other => {
                if std::mem::take(&mut space) && !is_first {
                    out.push(b' ');
                }
                is_first = false;
                out.push(other);
            }
        }
    }
    out
}
