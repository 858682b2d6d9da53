//! What the header of a message says that a mail router must know (RFC 5322 §3.6, RFC 5321 §4.4).
//!
//! A [`Scan`] is fed with content as it streams by and keeps only the few values below, each
//! bounded, so that a header of any length costs fixed memory. It changes nothing: a message is
//! passed on byte for byte. Lines that are no header field are passed over.

mod from;
pub mod show;
#[cfg(test)]
mod tests;

use memchr::memchr;

use super::Mailbox;
use super::trace::TraceField;

/// Longest value of a field that is read; of a longer one only this much.
const MAX_VALUE_OCTETS: usize = 64 * 1024;
/// Longest Message-ID that is kept; RFC 5322 §2.1.1 allows no longer line.
const MAX_MESSAGE_ID_OCTETS: usize = 998;
/// Most addresses kept from From fields.
const MAX_FROM_ADDRESSES: usize = 100;
/// Most trace fields kept, the newest ones: they stand first.
const MAX_TRACE_FIELDS: usize = 100;
/// Most MACs kept from all trace fields together.
const MAX_TRACE_MACS: usize = 4000;
/// Longest field name that is looked at, white space behind it included.
const MAX_NAME_OCTETS: usize = 24;

/// The fields that are read; every other one is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Date,
    From,
    MessageId,
    Received,
    Trace,
}

impl Field {
    fn named(name: &[u8]) -> Option<Self> {
        let name = name.trim_ascii_end();
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        match name.len() {
            4 if is("from") => Some(Self::From),
            4 if is("date") => Some(Self::Date),
            8 if is("received") => Some(Self::Received),
            10 if is("message-id") => Some(Self::MessageId),
            13 if is(TraceField::NAME) => Some(Self::Trace),
            _ => None,
        }
    }

    /// Whether the value is needed, not only the fact that the field is there.
    fn is_read(self) -> bool {
        matches!(self, Self::From | Self::MessageId | Self::Trace)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the first octet of a line.
    LineStart,
    /// In a field name.
    Name,
    /// Behind the colon, or in a line without one.
    Value,
    /// Behind a CR at the start of a line.
    BlankLine,
    /// Behind the empty line.
    Body,
}

/// Reads the header of one message from its content, in pieces of any size.
#[derive(Debug)]
pub struct Scan {
    place: Place,
    name: [u8; MAX_NAME_OCTETS],
    name_len: usize,
    field: Option<Field>,
    value: Vec<u8>,
    header_len: u64,
    received: u32,
    date_present: bool,
    message_id: Option<String>,
    from: Vec<Mailbox>,
    from_readable: bool,
    traces: Vec<TraceField>,
    macs: usize,
}

impl Default for Scan {
    fn default() -> Self {
        Self::new()
    }
}

impl Scan {
    /// A scan at the first octet of a message.
    #[must_use]
    pub fn new() -> Self {
        Self {
            place: Place::LineStart,
            name: [0; MAX_NAME_OCTETS],
            name_len: 0,
            field: None,
            value: Vec::new(),
            header_len: 0,
            received: 0,
            date_present: false,
            message_id: None,
            from: Vec::new(),
            from_readable: true,
            traces: Vec::new(),
            macs: 0,
        }
    }

    /// Takes the next piece of the content; costs nothing once the header has ended.
    pub fn feed(&mut self, mut chunk: &[u8]) {
        while self.place != Place::Body && !chunk.is_empty() {
            let taken = self.step(chunk);
            self.header_len += taken as u64;
            chunk = chunk.get(taken..).unwrap_or_default();
        }
    }

    /// Ends the content: a header without an empty line behind it ends here.
    pub fn finish(&mut self) {
        self.end_field();
        self.place = Place::Body;
    }

    /// Whether the header has ended.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.place == Place::Body
    }

    /// Octets of the header, with the empty line behind it; as much as was fed while incomplete.
    #[must_use]
    pub fn header_len(&self) -> u64 {
        self.header_len
    }

    /// How many Received fields there are (RFC 5321 §6.3).
    #[must_use]
    pub fn received_count(&self) -> u32 {
        self.received
    }

    /// The first Message-ID, as one line without control characters.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.message_id.as_deref()
    }

    /// Whether there is a Date field.
    #[must_use]
    pub fn date_present(&self) -> bool {
        self.date_present
    }

    /// Every address of every From field.
    #[must_use]
    pub fn from_addresses(&self) -> &[Mailbox] {
        &self.from
    }

    /// Whether [`Self::from_addresses`] is all that the From fields say: false when one of them
    /// cannot be read, or names more addresses than are kept.
    #[must_use]
    pub fn from_is_readable(&self) -> bool {
        self.from_readable
    }

    /// The trace fields that can be read, from the top of the header down.
    #[must_use]
    pub fn trace_fields(&self) -> &[TraceField] {
        &self.traces
    }

    /// Takes at least one octet.
    fn step(&mut self, chunk: &[u8]) -> usize {
        let first = chunk.first().copied().unwrap_or_default();
        match self.place {
            Place::LineStart => self.start_line(first),
            Place::BlankLine => {
                self.place = if first == b'\n' {
                    Place::Body
                } else {
                    Place::Value
                };
                usize::from(first == b'\n')
            }
            Place::Name => self.read_name(chunk),
            Place::Value => self.read_value(chunk),
            Place::Body => chunk.len(),
        }
    }

    fn start_line(&mut self, first: u8) -> usize {
        if matches!(first, b' ' | b'\t') {
            self.place = Place::Value;
            return 0;
        }
        self.end_field();
        match first {
            b'\r' => self.place = Place::BlankLine,
            b'\n' => self.place = Place::Body,
            _ => {
                self.name_len = 0;
                self.place = Place::Name;
                return 0;
            }
        }
        1
    }

    fn read_name(&mut self, chunk: &[u8]) -> usize {
        for (i, &byte) in chunk.iter().enumerate() {
            match byte {
                b':' => {
                    let name = self.name.get(..self.name_len).unwrap_or_default();
                    self.field = Field::named(name);
                    self.place = Place::Value;
                    return i + 1;
                }
                b'\n' => {
                    self.place = Place::Value;
                    return i;
                }
                byte => match self.name.get_mut(self.name_len) {
                    Some(slot) => {
                        *slot = byte;
                        self.name_len += 1;
                    }
                    None => {
                        self.place = Place::Value;
                        return i;
                    }
                },
            }
        }
        chunk.len()
    }

    fn read_value(&mut self, chunk: &[u8]) -> usize {
        let end = match memchr(b'\n', chunk) {
            Some(at) => {
                self.place = Place::LineStart;
                at + 1
            }
            None => chunk.len(),
        };
        if self.field.is_some_and(Field::is_read) {
            let room = MAX_VALUE_OCTETS.saturating_sub(self.value.len());
            let piece = chunk.get(..end.min(room)).unwrap_or_default();
            self.value.extend_from_slice(piece);
        }
        end
    }

    fn end_field(&mut self) {
        match self.field.take() {
            Some(Field::Received) => self.received = self.received.saturating_add(1),
            Some(Field::Date) => self.date_present = true,
            Some(Field::MessageId) => self.take_message_id(),
            Some(Field::From) => self.take_from(),
            Some(Field::Trace) => self.take_trace(),
            None => {}
        }
        self.value.clear();
    }

    fn take_message_id(&mut self) {
        if self.message_id.is_some() {
            return;
        }
        let text = String::from_utf8_lossy(&self.value);
        let mut id = text
            .chars()
            .filter(|c| !c.is_control())
            .collect::<String>()
            .trim()
            .to_owned();
        id.truncate(id.floor_char_boundary(MAX_MESSAGE_ID_OCTETS));
        if !id.is_empty() {
            self.message_id = Some(id);
        }
    }

    fn take_from(&mut self) {
        let whole = self.value.len() < MAX_VALUE_OCTETS;
        let room = MAX_FROM_ADDRESSES - self.from.len();
        match from::mailboxes(&self.value) {
            Some(mut found) if whole && found.len() <= room => self.from.append(&mut found),
            _ => self.from_readable = false,
        }
    }

    fn take_trace(&mut self) {
        let Some(field) = TraceField::parse(&self.value) else {
            return;
        };
        let macs = self.macs + field.macs.len();
        if self.traces.len() < MAX_TRACE_FIELDS && macs <= MAX_TRACE_MACS {
            self.macs = macs;
            self.traces.push(field);
        }
    }
}
