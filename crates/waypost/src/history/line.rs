//! One line of the log as it is kept: what it says, and its fields packed one behind the other.

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::io::Write as _;

use tracing::field::{Field, Visit};
use tracing::{Event, Level};

/// The names of fields. A packed field has its name's place here: never change the order.
const NAMES: [&str; 36] = [
    "event",
    "queue_id",
    "client",
    "sasl_method",
    "sasl_username",
    "message_id",
    "stage",
    "reply",
    "from",
    "to",
    "proto",
    "helo",
    "why",
    "orig_to",
    "relay",
    "delay",
    "dsn",
    "status",
    "said",
    "route",
    "proof",
    "size",
    "nrcpt",
    "kind",
    "report",
    "verb",
    "by",
    "reason",
    "trouble",
    "mail_goes_to",
    "also_on",
    "domain",
    "error",
    "path",
    "tls",
    "tls_version",
];
/// Stands for a name that is not among them, which follows.
const OTHER: u8 = u8::MAX;
/// Longest value of a field, and longest text, that is kept; the rest is cut off.
const VALUE_MAX: usize = 2_048;

thread_local! {
    /// Room that is used again for the next line.
    static PACKING: Cell<Packing> = Cell::default();
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Milliseconds since 1970.
    pub(crate) at_ms: u64,
    pub(crate) level: Level,
    /// The part of the program, such as `waypost::smtpd`.
    pub(crate) target: &'static str,
    /// What the log says, without the fields.
    pub(crate) text: Box<str>,
    /// The fields, packed.
    pub(crate) fields: Box<[u8]>,
}

/// A line while it is packed: tens of thousands wait under load, so none keeps spare room.
#[derive(Debug, Default)]
struct Packing {
    text: String,
    fields: Vec<u8>,
}

impl Line {
    /// Keeps what an event says.
    pub(super) fn of(event: &Event<'_>, at_ms: u64) -> Self {
        let metadata = event.metadata();
        // Taken, so that a value that itself logs something finds other room.
        let mut packing = PACKING.take();
        packing.text.clear();
        packing.fields.clear();
        event.record(&mut packing);
        let kept = Self {
            at_ms,
            level: *metadata.level(),
            target: metadata.target(),
            text: packing.text.as_str().into(),
            fields: packing.fields.as_slice().into(),
        };
        PACKING.set(packing);
        kept
    }

    /// What happened to mail; none on other lines.
    pub(super) fn event(&self) -> Option<&str> {
        self.value("event")
    }

    /// The value of a field.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        fields(&self.fields).find_map(|(known, value)| (known == name).then_some(value))
    }
}

impl Packing {
    fn pack(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
        let fields = &mut self.fields;
        match NAMES.iter().position(|known| *known == name) {
            Some(place) => fields.push(u8::try_from(place).unwrap_or(OTHER)),
            None => {
                fields.push(OTHER);
                packed(fields, |to| to.extend_from_slice(name.as_bytes()));
            }
        }
        packed(fields, write);
    }
}

/// Appends what is written behind its length.
fn packed(to: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let length_at = to.len();
    to.extend_from_slice(&[0; 2]);
    let begin = to.len();
    write(to);
    let mut end = to.len().min(begin + VALUE_MAX);
    // Not within a character.
    while end > begin && to.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
        end -= 1;
    }
    to.truncate(end);
    let length = u16::try_from(end - begin).unwrap_or(u16::MAX).to_le_bytes();
    if let Some(place) = to.get_mut(length_at..begin) {
        place.copy_from_slice(&length);
    }
}

impl Visit for Packing {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.pack(field.name(), |to| to.extend_from_slice(value.as_bytes()));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.pack(field.name(), |to| {
            // Writing to memory does not fail.
            let _ = write!(to, "{value:.3}");
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Writing to a String does not fail.
            let _ = write!(self.text, "{value:?}");
            let end = self.text.floor_char_boundary(VALUE_MAX);
            self.text.truncate(end);
            return;
        }
        self.pack(field.name(), |to| {
            let _ = write!(to, "{value:?}");
        });
    }
}

/// The fields of a line, as name and value; what is damaged ends them.
pub(crate) fn fields(packed: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = packed;
    std::iter::from_fn(move || {
        let (place, behind) = rest.split_first()?;
        rest = behind;
        let name = match *place {
            OTHER => unpack(&mut rest)?,
            place => *NAMES.get(usize::from(place))?,
        };
        Some((name, unpack(&mut rest)?))
    })
}

fn unpack<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let (length, behind) = rest.split_first_chunk::<2>()?;
    let (value, behind) = behind.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    *rest = behind;
    std::str::from_utf8(value).ok()
}

#[cfg(test)]
pub(super) fn line(at_ms: u64, values: &[(&str, &str)]) -> Line {
    let mut packing = Packing::default();
    for (name, value) in values {
        packing.pack(name, |to| to.extend_from_slice(value.as_bytes()));
    }
    Line {
        at_ms,
        level: Level::INFO,
        target: "waypost::test",
        text: Box::default(),
        fields: packing.fields.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_known_and_unknown_fields() {
        let values = [
            ("event", "delivery"),
            ("to", "ü@b.example"),
            ("new", "thing"),
            ("said", ""),
        ];
        let kept = line(1, &values);
        assert_eq!(fields(&kept.fields).collect::<Vec<_>>(), values);
        assert_eq!(kept.value("to"), Some("ü@b.example"));
        assert_eq!(kept.value("from"), None);
        assert_eq!(kept.event(), Some("delivery"));
    }

    #[test]
    fn cuts_long_values_between_characters() {
        let long = "ü".repeat(VALUE_MAX);
        let kept = line(1, &[("said", &format!("x{long}")), ("to", "a@b.example")]);
        let said = kept.value("said").unwrap();
        assert!(said.len() < VALUE_MAX && said.ends_with('ü'));
        assert_eq!(kept.value("to"), Some("a@b.example"));
    }

    #[test]
    fn what_is_damaged_ends_the_fields() {
        let kept = line(1, &[("event", "removed"), ("new", "thing")]);
        for end in 0..kept.fields.len() {
            assert!(fields(&kept.fields[..end]).count() < 2, "{end}");
        }
    }
}
