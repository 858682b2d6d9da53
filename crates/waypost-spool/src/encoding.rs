//! Envelopes as bytes: a version, the fields in fixed order, a check sum. See docs/spool.md.
//!
//! Numbers are LEB128, text is its length and UTF-8, what may be absent is a 0 or a 1 in front.
//! What was written by this or an earlier version reads back equal; anything else is damage.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use waypost_proto::mail::{Mailbox, ReversePath};
use waypost_proto::route::{Side, TargetId, UserId};
use waypost_proto::smtp::params::{Body, MailParams, Notify, Orcpt, RcptParams, Ret, Xtext};
use waypost_proto::smtp::reply::RemoteReply;
use waypost_proto::smtp::status::EnhancedStatus;

use crate::QueueId;
use crate::message::{Envelope, Hold, LastAttempt, Recipient, State};

/// Written in front of what this release writes.
const VERSION: u8 = 2;
/// Was written before there were signatures.
const WITHOUT_SIGNATURES: u8 = 1;
/// Bytes of check sum at the end.
const SUM_BYTES: usize = 4;

/// What is wrong with stored bytes.
pub(crate) type Damage = &'static str;

/// The envelope of message `id` as it is stored.
pub(crate) fn encode(id: QueueId, envelope: &Envelope) -> Vec<u8> {
    let mut out = Vec::with_capacity(128 + 96 * envelope.recipients.len());
    out.push(VERSION);
    envelope.put(&mut out);
    let sum = check_sum(id, &out);
    out.extend_from_slice(&sum);
    out
}

/// The envelope of message `id`, or why these bytes are none.
pub(crate) fn decode(id: QueueId, stored: &[u8]) -> Result<Envelope, Damage> {
    let split = stored.len().checked_sub(SUM_BYTES);
    let (bytes, sum) = stored.split_at(split.ok_or("envelope too short")?);
    if check_sum(id, bytes) != sum {
        return Err("envelope check sum is wrong");
    }
    let mut bytes = Cow::Borrowed(bytes);
    match bytes.first() {
        Some(&VERSION) => {}
        // Empty text is one 0, and signatures come last.
        Some(&WITHOUT_SIGNATURES) => bytes.to_mut().push(0),
        _ => return Err("envelope version is unknown"),
    }
    let mut input = Input(bytes.get(1..).unwrap_or_default());
    let envelope = Envelope::take(&mut input)?;
    if input.0.is_empty() {
        Ok(envelope)
    } else {
        Err("envelope has bytes left over")
    }
}

impl Envelope {
    /// As the store has it in the row of message `id`; see docs/spool.md.
    #[must_use]
    pub fn to_stored(&self, id: QueueId) -> Vec<u8> {
        encode(id, self)
    }

    /// Reads what the store has in the row of message `id`.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in a few words.
    pub fn from_stored(id: QueueId, stored: &[u8]) -> Result<Self, &'static str> {
        decode(id, stored)
    }
}

/// Over the id too, so that an envelope in another's row is noticed.
fn check_sum(id: QueueId, bytes: &[u8]) -> [u8; SUM_BYTES] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&id.number().to_le_bytes());
    hasher.update(bytes);
    hasher.finalize().to_le_bytes()
}

/// Microseconds since 1970, as far as 63 bits reach.
pub(crate) fn to_micros(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |us| -us),
    }
}

/// The time that many microseconds since 1970.
pub(crate) fn from_micros(micros: i64) -> SystemTime {
    let distance = Duration::from_micros(micros.unsigned_abs());
    let time = if micros < 0 {
        UNIX_EPOCH.checked_sub(distance)
    } else {
        UNIX_EPOCH.checked_add(distance)
    };
    time.unwrap_or(UNIX_EPOCH)
}

/// Bytes not yet read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn bytes(&mut self, count: usize) -> Result<&'a [u8], Damage> {
        let (head, rest) = self
            .0
            .split_at_checked(count)
            .ok_or("envelope ends early")?;
        self.0 = rest;
        Ok(head)
    }

    fn byte(&mut self) -> Result<u8, Damage> {
        self.bytes(1).map(|b| b[0])
    }

    fn text(&mut self) -> Result<&'a str, Damage> {
        let len = usize::try_from(u64::take(self)?).map_err(|_| "length out of range")?;
        std::str::from_utf8(self.bytes(len)?).map_err(|_| "text is not UTF-8")
    }
}

/// A value with a stored form.
trait Stored: Sized {
    fn put(&self, out: &mut Vec<u8>);
    fn take(input: &mut Input<'_>) -> Result<Self, Damage>;
}

impl Stored for u64 {
    fn put(&self, out: &mut Vec<u8>) {
        let mut rest = *self;
        while rest >= 0x80 {
            out.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        out.push(rest as u8);
    }

    fn take(input: &mut Input<'_>) -> Result<Self, Damage> {
        let mut number = 0;
        for shift in (0..Self::BITS).step_by(7) {
            let byte = input.byte()?;
            let bits = Self::from(byte & 0x7f);
            if (bits << shift) >> shift != bits {
                return Err("number out of range");
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err("number too long")
    }
}

/// Smaller whole numbers travel as `u64`.
macro_rules! stored_as_u64 {
    ($($number:ty),*) => {$(
        impl Stored for $number {
            fn put(&self, out: &mut Vec<u8>) {
                u64::from(*self).put(out);
            }
            fn take(input: &mut Input<'_>) -> Result<Self, Damage> {
                Self::try_from(u64::take(input)?).map_err(|_| "number out of range")
            }
        }
    )*};
}

stored_as_u64!(u8, u16, u32);

impl Stored for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn take(input: &mut Input<'_>) -> Result<Self, Damage> {
        match input.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err("neither yes nor no"),
        }
    }
}

impl Stored for String {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(self, out);
    }

    fn take(input: &mut Input<'_>) -> Result<Self, Damage> {
        input.text().map(str::to_owned)
    }
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    (text.len() as u64).put(out);
    out.extend_from_slice(text.as_bytes());
}

impl<T: Stored> Stored for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn take(input: &mut Input<'_>) -> Result<Self, Damage> {
        bool::take(input)?.then(|| T::take(input)).transpose()
    }
}

impl<T: Stored> Stored for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u64).put(out);
        self.iter().for_each(|value| value.put(out));
    }

    fn take(input: &mut Input<'_>) -> Result<Self, Damage> {
        // Nothing is allocated ahead: a damaged count ends with the bytes.
        (0..u64::take(input)?).map(|_| T::take(input)).collect()
    }
}

impl Stored for SystemTime {
    fn put(&self, out: &mut Vec<u8>) {
        let micros = to_micros(*self);
        (((micros << 1) ^ (micros >> 63)) as u64).put(out);
    }

    fn take(input: &mut Input<'_>) -> Result<Self, Damage> {
        let folded = u64::take(input)?;
        Ok(from_micros((folded >> 1) as i64 ^ -((folded & 1) as i64)))
    }
}

impl Stored for Duration {
    fn put(&self, out: &mut Vec<u8>) {
        u64::try_from(self.as_micros()).unwrap_or(u64::MAX).put(out);
    }

    fn take(input: &mut Input<'_>) -> Result<Self, Damage> {
        u64::take(input).map(Self::from_micros)
    }
}

impl Stored for TargetId {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }

    fn take(input: &mut Input<'_>) -> Result<Self, Damage> {
        u32::take(input).map(Self)
    }
}

impl Stored for Mailbox {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(&self.to_string(), out);
    }

    fn take(input: &mut Input<'_>) -> Result<Self, Damage> {
        Self::parse(input.text()?).map_err(|_| "not an address")
    }
}

impl Stored for ReversePath {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.push(0),
            Self::Mailbox(mailbox) => mailbox.put(out),
        }
    }

    fn take(input: &mut Input<'_>) -> Result<Self, Damage> {
        match input.text()? {
            "" => Ok(Self::Null),
            text => Mailbox::parse(text)
                .map(Self::Mailbox)
                .map_err(|_| "not an address"),
        }
    }
}

impl Stored for Xtext {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(self.as_str(), out);
    }

    fn take(input: &mut Input<'_>) -> Result<Self, Damage> {
        Self::from_decoded(input.text()?).ok_or("control character in xtext")
    }
}

impl Stored for Body {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::SevenBit => 0,
            Self::EightBitMime => 1,
        });
    }

    fn take(input: &mut Input<'_>) -> Result<Self, Damage> {
        match input.byte()? {
            0 => Ok(Self::SevenBit),
            1 => Ok(Self::EightBitMime),
            _ => Err("unknown body"),
        }
    }
}

impl Stored for Ret {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::Full => 0,
            Self::Headers => 1,
        });
    }

    fn take(input: &mut Input<'_>) -> Result<Self, Damage> {
        match input.byte()? {
            0 => Ok(Self::Full),
            1 => Ok(Self::Headers),
            _ => Err("unknown ret"),
        }
    }
}

impl Stored for Side {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Here => out.push(0),
            Self::Stranger => out.push(1),
            Self::Trusted => out.push(2),
            Self::Authenticated(user) => {
                out.push(3);
                user.0.put(out);
            }
            Self::Target(target) => {
                out.push(4);
                target.put(out);
            }
        }
    }

    fn take(input: &mut Input<'_>) -> Result<Self, Damage> {
        match input.byte()? {
            0 => Ok(Self::Here),
            1 => Ok(Self::Stranger),
            2 => Ok(Self::Trusted),
            3 => u32::take(input).map(|id| Self::Authenticated(UserId(id))),
            4 => TargetId::take(input).map(Self::Target),
            _ => Err("unknown side"),
        }
    }
}

impl Stored for State {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::Queued => 0,
            Self::Delivered => 1,
            Self::Failed => 2,
            Self::Removed => 3,
        });
    }

    fn take(input: &mut Input<'_>) -> Result<Self, Damage> {
        match input.byte()? {
            0 => Ok(Self::Queued),
            1 => Ok(Self::Delivered),
            2 => Ok(Self::Failed),
            3 => Ok(Self::Removed),
            _ => Err("unknown state"),
        }
    }
}

impl Stored for RemoteReply {
    fn put(&self, out: &mut Vec<u8>) {
        self.code.put(out);
        self.status.put(out);
        put_text(self.text(), out);
    }

    fn take(input: &mut Input<'_>) -> Result<Self, Damage> {
        let code = u16::take(input)?;
        let status = Stored::take(input)?;
        Ok(Self::kept(code, status, input.text()?))
    }
}

/// Structs are their fields, in this order.
macro_rules! stored_fields {
    ($($name:ident { $($field:ident),* $(,)? })*) => {$(
        impl Stored for $name {
            fn put(&self, out: &mut Vec<u8>) {
                $(self.$field.put(out);)*
            }
            fn take(input: &mut Input<'_>) -> Result<Self, Damage> {
                Ok(Self { $($field: Stored::take(input)?),* })
            }
        }
    )*};
}

impl Stored for Box<str> {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(self, out);
    }

    fn take(input: &mut Input<'_>) -> Result<Self, Damage> {
        input.text().map(Into::into)
    }
}

stored_fields! {
    EnhancedStatus { class, subject, detail }
    Notify { success, failure, delay }
    Orcpt { kind, address }
    MailParams { size, body, smtputf8, ret, envid }
    RcptParams { notify, orcpt }
    Hold { reason, by, since, until }
    LastAttempt { at, next_hop, host, status, reply, text, rule }
    Recipient {
        address, original, params, sender, visited, state, attempts, due, expires,
        delay_notified, last, held_for, held_since, contradicted_since,
    }
    Envelope {
        reverse_path, params, side, client, protocol, message_key, recipients, hold,
        signatures,
    }
}

#[cfg(test)]
mod tests;
