//! The header of a message for a person to read: decoded, bounded, and nothing in it that a
//! terminal or a browser would obey.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Octets of the header that are looked at.
pub const SHOWN_OCTETS_MAX: usize = 256 * 1024;
/// Fields that are shown.
const FIELDS_MAX: usize = 500;
/// Characters of a name, and of a value.
const NAME_MAX: usize = 100;
const VALUE_MAX: usize = 4000;

/// Padding or none: whoever wrote it, it is to be read.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A field as it is shown: its name and its value, unfolded, encoded words decoded (RFC 2047).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownField {
    /// Its name as it is written; empty for a line that is no field.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A header as it is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// Its fields, in their order.
    pub fields: Vec<ShownField>,
    /// Whether some of it was left out.
    pub is_cut: bool,
}

/// Reads the beginning of a message.
#[must_use]
pub fn show(content: &[u8]) -> Shown {
    let mut shown = Shown::default();
    let looked_at = content.get(..SHOWN_OCTETS_MAX).unwrap_or(content);
    let mut field: Vec<u8> = Vec::new();
    let mut ended = false;
    for line in looked_at.split(|octet| *octet == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            ended = true;
            break;
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            field.push(b' ');
            field.extend(line.trim_ascii());
            continue;
        }
        shown.add(&field);
        field.clear();
        field.extend(line);
    }
    shown.add(&field);
    shown.is_cut |= !ended && looked_at.len() < content.len();
    shown
}

impl Shown {
    fn add(&mut self, field: &[u8]) {
        if field.is_empty() {
            return;
        }
        if self.fields.len() == FIELDS_MAX {
            self.is_cut = true;
            return;
        }
        let (name, value) = match field.iter().position(|octet| *octet == b':') {
            Some(colon) => field.split_at(colon),
            None => (&b""[..], field),
        };
        let value = value.strip_prefix(b":").unwrap_or(value).trim_ascii();
        let value = decoded(&plain(value));
        let (name, name_cut) = clean(plain(name).trim_end(), NAME_MAX);
        let (value, value_cut) = clean(&value, VALUE_MAX);
        self.is_cut |= name_cut || value_cut;
        self.fields.push(ShownField { name, value });
    }
}

/// UTF-8 where it is, else every octet as Latin-1, which loses nothing.
fn plain(octets: &[u8]) -> String {
    match std::str::from_utf8(octets) {
        Ok(text) => text.to_owned(),
        Err(_) => latin(octets),
    }
}

fn latin(octets: &[u8]) -> String {
    octets.iter().map(|octet| char::from(*octet)).collect()
}

/// What is no text, or turns the direction of text around, becomes `\u{fffd}`.
fn clean(text: &str, most: usize) -> (String, bool) {
    let is_hostile = |c: char| {
        c.is_control()
            || matches!(
                c,
                '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{feff}'
            )
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
    };
    let safe = |c| if is_hostile(c) { '\u{fffd}' } else { c };
    let mut chars = text.chars().map(|c| if c == '\t' { ' ' } else { safe(c) });
    let kept: String = chars.by_ref().take(most).collect();
    (kept, chars.next().is_some())
}

/// A value with its encoded words decoded; white space between two of them is none (RFC 2047 §6.2).
fn decoded(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut rest = value;
    let mut after_word = false;
    while let Some(begin) = rest.find("=?") {
        let (front, tail) = rest.split_at(begin);
        let Some((word, length)) = word(tail) else {
            let (mark, behind) = tail.split_at(2);
            text.push_str(front);
            text.push_str(mark);
            rest = behind;
            after_word = false;
            continue;
        };
        if !(after_word && front.trim().is_empty()) {
            text.push_str(front);
        }
        text.push_str(&word);
        rest = tail.get(length..).unwrap_or_default();
        after_word = true;
    }
    text + rest
}

/// The encoded word at the beginning, decoded, and how long it was.
fn word(text: &str) -> Option<(String, usize)> {
    let mut parts = text.get(2..)?.splitn(4, '?');
    let (charset, encoding) = (parts.next()?, parts.next()?);
    let coded = parts.next()?;
    parts.next()?.starts_with('=').then_some(())?;
    if coded.contains([' ', '\t']) {
        return None;
    }
    let octets = match encoding {
        "B" | "b" => BASE64.decode(coded).ok()?,
        "Q" | "q" => quoted(coded),
        _ => return None,
    };
    let length = 2 + charset.len() + 1 + encoding.len() + 1 + coded.len() + 2;
    // RFC 2231 §5: a language may stand behind the character set.
    let charset = charset.split('*').next().unwrap_or_default();
    let decoded = match charset.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" | "us-ascii" => String::from_utf8_lossy(&octets).into_owned(),
        "iso-8859-1" | "latin1" | "windows-1252" | "cp1252" | "iso-8859-15" => {
            octets.iter().map(|octet| western(*octet)).collect()
        }
        _ => return None,
    };
    Some((decoded, length))
}

/// Windows-1252, of which ISO 8859-1 is what is printed.
fn western(octet: u8) -> char {
    const HIGH: &str = "\u{20ac}\u{fffd}\u{201a}\u{192}\u{201e}\u{2026}\u{2020}\u{2021}\u{2c6}\
        \u{2030}\u{160}\u{2039}\u{152}\u{fffd}\u{17d}\u{fffd}\u{fffd}\u{2018}\u{2019}\u{201c}\
        \u{201d}\u{2022}\u{2013}\u{2014}\u{2dc}\u{2122}\u{161}\u{203a}\u{153}\u{fffd}\u{17e}\u{178}";
    match octet {
        0x80..=0x9f => HIGH
            .chars()
            .nth(usize::from(octet - 0x80))
            .unwrap_or('\u{fffd}'),
        other => char::from(other),
    }
}

/// RFC 2047 §4.2.
fn quoted(coded: &str) -> Vec<u8> {
    let mut octets = Vec::with_capacity(coded.len());
    let mut rest = coded.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        let hex = behind
            .get(..2)
            .and_then(|two| std::str::from_utf8(two).ok());
        let value = hex.and_then(|two| u8::from_str_radix(two, 16).ok());
        match (first, value) {
            (b'_', _) => octets.push(b' '),
            (b'=', Some(value)) => {
                octets.push(value);
                rest = behind.get(2..).unwrap_or_default();
            }
            (other, _) => octets.push(*other),
        }
    }
    octets
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(field: &str) -> String {
        show(format!("Subject: {field}\r\n\r\nbody").as_bytes())
            .fields
            .remove(0)
            .value
    }

    #[test]
    fn fields_are_unfolded_and_encoded_words_decoded() {
        for (written, shown) in [
            ("plain", "plain"),
            ("=?utf-8?B?R3LDvMOfZQ==?=", "Gr\u{fc}\u{df}e"),
            (
                "=?UTF-8?b?R3LDvMOfZQ?= an =?x?=",
                "Gr\u{fc}\u{df}e an =?x?=",
            ),
            ("=?iso-8859-1?Q?caf=E9_noir?=", "caf\u{e9} noir"),
            ("=?windows-1252?q?=80?=", "\u{20ac}"),
            ("=?utf-8?q?a?=\r\n =?utf-8?q?b?= c", "ab c"),
            ("=?utf-8*en?q?a?=", "a"),
            ("=?koi8-r?B?8A==?=", "=?koi8-r?B?8A==?="),
            ("=?utf-8?Q?=1B[31m?=", "\u{fffd}[31m"),
            ("a\u{202e}b", "a\u{fffd}b"),
            ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ] {
            assert_eq!(value(written), shown, "{written:?}");
        }
    }

    #[test]
    fn what_is_no_field_is_shown_as_it_is_and_the_body_is_not() {
        let shown = show(b"From: a@b.example\nno field\nX-Raw: caf\xe9\n\nSubject: body");
        let fields: Vec<_> = shown.fields.iter().map(|f| (&*f.name, &*f.value)).collect();
        let wanted = [
            ("From", "a@b.example"),
            ("", "no field"),
            ("X-Raw", "caf\u{e9}"),
        ];
        assert_eq!(fields, wanted);
        assert!(!shown.is_cut);
    }

    #[test]
    fn a_long_header_is_cut_and_says_so() {
        let many = "X: y\r\n".repeat(FIELDS_MAX + 1);
        assert_eq!(show(many.as_bytes()).fields.len(), FIELDS_MAX);
        for content in [
            many,
            format!("X: {}\r\n\r\n", "y".repeat(VALUE_MAX + 1)),
            "x".repeat(SHOWN_OCTETS_MAX + 1),
        ] {
            assert!(show(content.as_bytes()).is_cut);
        }
    }

    proptest! {
        #[test]
        fn whatever_it_is_nothing_that_is_shown_is_obeyed(
            content in prop::collection::vec(any::<u8>(), 0..2000),
            coded in "[=?QqBb_a-zA-Z0-9 \\-]{0,200}",
        ) {
            for content in [&content[..], format!("Subject: {coded}").as_bytes()] {
                for field in show(content).fields {
                    prop_assert!(!field.name.chars().any(char::is_control));
                    prop_assert!(!field.value.chars().any(char::is_control));
                    prop_assert!(field.value.chars().count() <= VALUE_MAX);
                }
            }
        }
    }
}
