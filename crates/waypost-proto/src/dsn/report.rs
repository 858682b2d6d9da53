//! The report itself: `multipart/report` with a text for people, the status, and what is returned.

use std::time::SystemTime;

use super::Action;
use super::encode::{field, quoted_printable, typed_address};
use crate::mail::{Date, Domain, Mailbox};
use crate::smtp::params::{Orcpt, Xtext};
use crate::smtp::status::EnhancedStatus;

/// RFC 5322 §2.1.1: a longer line is no 7bit text.
const MAX_LINE: usize = 998;
/// RFC 2045 §6.4: what holds an 8bit part is 8bit itself.
const EIGHT_BIT: &str = "Content-Transfer-Encoding: 8bit\r\n";
/// How the part is described that is a whole message.
const UNDELIVERED: &str = "Undelivered message";

/// What a report says about one recipient (RFC 3464 §2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// What became of it.
    pub action: Action,
    /// Why, as a code.
    pub status: EnhancedStatus,
    /// The address the sender used, when ORCPT said it (RFC 3461 §4.2).
    pub original: Option<Orcpt>,
    /// The address as it was accepted here.
    pub recipient: Mailbox,
    /// The server that said so; none when nobody outside may know of it.
    pub remote_mta: Option<String>,
    /// Its reply, or our own words when nobody replied.
    pub diagnostic: Option<String>,
    /// When it was last tried.
    pub last_attempt: Option<SystemTime>,
    /// Until when it is tried again; for [`Action::Delayed`].
    pub will_retry_until: Option<SystemTime>,
}

/// How much of the message is returned (RFC 3461 §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returned<'a> {
    /// All of it; the caller writes it between [`Report::opening`] and [`Report::closing`].
    Full(Whole),
    /// Its header section.
    Headers(&'a [u8]),
}

/// What a message that is returned whole is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whole {
    /// Octets above 127 below its header only: the report needs 8BITMIME (RFC 6152).
    EightBit,
    /// ASCII.
    SevenBit,
    /// A header section in UTF-8 (RFC 6532): the report needs 8BITMIME.
    Utf8Header,
}

impl Whole {
    /// Whether the report needs 8BITMIME.
    #[must_use]
    pub fn is_eight_bit(self) -> bool {
        self != Self::SevenBit
    }

    /// `message/global` may have any transfer encoding, other than `message/rfc822`
    /// (RFC 6532 §3.7, RFC 6533 §5).
    fn fields(self) -> &'static str {
        match self {
            Self::EightBit => "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n",
            Self::SevenBit => "Content-Type: message/rfc822\r\n",
            Self::Utf8Header => {
                "Content-Type: message/global\r\nContent-Transfer-Encoding: 8bit\r\n"
            }
        }
    }
}

/// A report about one message to one sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report<'a> {
    /// This server.
    pub reporting_mta: &'a Domain,
    /// The reported message's queue id.
    pub queue_id: &'a str,
    /// A word that no other report has: in the Message-ID and in the boundary.
    pub token: &'a str,
    /// The sender's own name for the message (RFC 3461 §4.4).
    pub envid: Option<&'a Xtext>,
    /// When the message was accepted.
    pub arrived: SystemTime,
    /// When the report is made.
    pub date: SystemTime,
    /// Who gets it.
    pub to: &'a Mailbox,
    /// What there is to say.
    pub recipients: &'a [About],
}

impl Report<'_> {
    /// Everything before what is returned; with [`Returned::Headers`], that too.
    #[must_use]
    pub fn opening(&self, returned: Returned<'_>) -> Vec<u8> {
        let mut out = Vec::with_capacity(4096);
        self.header(&mut out);
        if matches!(returned, Returned::Full(whole) if whole.is_eight_bit()) {
            out.extend_from_slice(EIGHT_BIT.as_bytes());
        }
        out.extend_from_slice(b"\r\nThis is a delivery status notification in MIME format.\r\n");
        part(self.token, "Notification", &mut out);
        self.people(&mut out);
        part(self.token, "Delivery report", &mut out);
        self.status(&mut out);
        match returned {
            Returned::Full(whole) => {
                part(self.token, UNDELIVERED, &mut out);
                out.extend_from_slice(whole.fields().as_bytes());
                out.extend_from_slice(b"\r\n");
            }
            Returned::Headers(headers) => {
                part(self.token, "Message headers", &mut out);
                headers_part(headers, &mut out);
            }
        }
        out
    }

    /// What stands behind the returned part.
    #[must_use]
    pub fn closing(&self) -> Vec<u8> {
        closing(self.token)
    }

    /// The report's own Message-ID.
    #[must_use]
    pub fn message_id(&self) -> String {
        format!("<{}.dsn@{}>", self.token, self.reporting_mta)
    }

    fn header(&self, out: &mut Vec<u8>) {
        let host = self.reporting_mta;
        let from = format!("Mail Delivery System <MAILER-DAEMON@{host}>");
        field("From", &from, out);
        // An address beyond ASCII makes this a message of RFC 6532, as its envelope already says.
        out.extend_from_slice(format!("To: <{}>\r\n", self.to).as_bytes());
        field("Subject", self.subject(), out);
        field("Date", &Date(self.date).to_string(), out);
        field("Message-ID", &self.message_id(), out);
        field("Auto-Submitted", "auto-replied", out);
        field("MIME-Version", "1.0", out);
        let kind = format!(
            "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"{}\"\r\n",
            boundary(self.token)
        );
        out.extend_from_slice(kind.as_bytes());
    }

    fn subject(&self) -> &'static str {
        let any = |action| self.recipients.iter().any(|about| about.action == action);
        if any(Action::Failed) {
            "Undelivered Mail Returned to Sender"
        } else if any(Action::Delayed) {
            "Delayed Mail (still being retried)"
        } else {
            "Successful Mail Delivery Report"
        }
    }

    /// The part for people.
    fn people(&self, out: &mut Vec<u8>) {
        let mut text = format!(
            "This is the mail system at host {}.\r\n",
            self.reporting_mta
        );
        for (action, words) in [
            (Action::Failed, "Your message could not be delivered to:"),
            (
                Action::Delayed,
                "Your message is delayed. Nothing needs to be done: it is tried again for:",
            ),
            (Action::Delivered, "Your message was delivered to:"),
            (
                Action::Relayed,
                "Your message was handed to a server that does not report by itself, for:",
            ),
            (Action::Expanded, "Your message was sent to the members of:"),
        ] {
            let mut about = self.recipients.iter().filter(|a| a.action == action);
            let Some(first) = about.next() else { continue };
            text.push_str(&format!("\r\n{words}\r\n\r\n"));
            for about in std::iter::once(first).chain(about) {
                text.push_str(&person_line(about));
            }
        }
        if text.is_ascii() && text.split("\r\n").all(|line| line.len() <= MAX_LINE) {
            out.extend_from_slice(b"Content-Type: text/plain; charset=us-ascii\r\n\r\n");
            out.extend_from_slice(text.as_bytes());
        } else {
            out.extend_from_slice(b"Content-Type: text/plain; charset=utf-8\r\n");
            out.extend_from_slice(b"Content-Transfer-Encoding: quoted-printable\r\n\r\n");
            quoted_printable(text.as_bytes(), out);
        }
    }

    /// The part for programs: fields of the message, then of each recipient (RFC 3464 §2.1).
    fn status(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"Content-Type: message/delivery-status\r\n\r\n");
        if let Some(envid) = self.envid {
            field("Original-Envelope-Id", envid.as_str(), out);
        }
        field(
            "Reporting-MTA",
            &format!("dns; {}", self.reporting_mta),
            out,
        );
        field("X-Waypost-Queue-ID", self.queue_id, out);
        field("Arrival-Date", &Date(self.arrived).to_string(), out);
        for about in self.recipients {
            out.extend_from_slice(b"\r\n");
            about.write(out);
        }
    }
}

/// `=_` occurs in no quoted-printable or base64 text (RFC 2045 §6.7), the token nowhere else.
fn boundary(token: &str) -> String {
    format!("=_{token}")
}

fn part(token: &str, description: &str, out: &mut Vec<u8>) {
    let boundary = boundary(token);
    let text = format!("\r\n--{boundary}\r\nContent-Description: {description}\r\n");
    out.extend_from_slice(text.as_bytes());
}

fn closing(token: &str) -> Vec<u8> {
    format!("\r\n--{}--\r\n", boundary(token)).into_bytes()
}

/// A report that returns a whole message, as one that returns its header section only: for a
/// server that takes neither 8bit content nor so much of it (RFC 3461 §6.2).
///
/// `front` is where the report begins: at least up to the message, and of its header section as
/// much as there shall be. None when this is no report that was written with this token.
#[must_use]
pub fn headers_only(front: &[u8], token: &str) -> Option<Vec<u8>> {
    let mut opens = Vec::new();
    part(token, UNDELIVERED, &mut opens);
    let end = memchr::memmem::find(front, &opens)?;
    let (before, behind) = (front.get(..end)?, front.get(end + opens.len()..)?);
    let start = memchr::memmem::find(behind, b"\r\n\r\n")? + 4;
    let mut out = Vec::with_capacity(front.len());
    match memchr::memmem::find(header_section(before), EIGHT_BIT.as_bytes()) {
        Some(at) => {
            out.extend_from_slice(before.get(..at)?);
            out.extend_from_slice(before.get(at + EIGHT_BIT.len()..)?);
        }
        None => out.extend_from_slice(before),
    }
    part(token, "Message headers", &mut out);
    headers_part(whole_fields(behind.get(start..)?), &mut out);
    out.extend_from_slice(&closing(token));
    Some(out)
}

/// The header section at the beginning of a message, without a line that is cut.
fn whole_fields(front: &[u8]) -> &[u8] {
    let section = header_section(front);
    let last = memchr::memrchr(b'\n', section);
    section
        .get(..last.map_or(0, |at| at + 1))
        .unwrap_or_default()
}

fn person_line(about: &About) -> String {
    let mut line = format!("    <{}>", about.recipient);
    if let Some(diagnostic) = &about.diagnostic {
        line.push_str(": ");
        line.extend(
            diagnostic
                .chars()
                .map(|c| if c.is_control() { '?' } else { c }),
        );
    }
    line.push_str("\r\n");
    line
}

impl About {
    fn write(&self, out: &mut Vec<u8>) {
        if let Some(original) = &self.original {
            let address = typed_address(&original.kind, original.address.as_str());
            field("Original-Recipient", &address, out);
        }
        let address = typed_address("rfc822", &self.recipient.to_string());
        field("Final-Recipient", &address, out);
        field("Action", &self.action.to_string(), out);
        field("Status", &self.status.to_string(), out);
        if let Some(host) = &self.remote_mta {
            field("Remote-MTA", &format!("dns; {host}"), out);
        }
        if let Some(diagnostic) = &self.diagnostic {
            let kind = if starts_with_code(diagnostic) {
                "smtp"
            } else {
                "x-waypost"
            };
            field("Diagnostic-Code", &format!("{kind}; {diagnostic}"), out);
        }
        if let Some(at) = self.last_attempt {
            field("Last-Attempt-Date", &Date(at).to_string(), out);
        }
        if let Some(until) = self.will_retry_until {
            field("Will-Retry-Until", &Date(until).to_string(), out);
        }
    }
}

/// Whether the text is a reply, and not words of our own (RFC 3464 §2.3.6).
fn starts_with_code(text: &str) -> bool {
    let code = text.split(' ').next().unwrap_or_default();
    code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit())
}

/// `text/rfc822-headers` (RFC 6522 §4), quoted where the fields are not 7bit themselves.
fn headers_part(headers: &[u8], out: &mut Vec<u8>) {
    let mut lines = Lines::default();
    lines.feed(headers);
    if lines.are_seven_bit() {
        out.extend_from_slice(b"Content-Type: text/rfc822-headers\r\n\r\n");
        out.extend_from_slice(headers);
    } else {
        out.extend_from_slice(b"Content-Type: text/rfc822-headers; charset=utf-8\r\n");
        out.extend_from_slice(b"Content-Transfer-Encoding: quoted-printable\r\n\r\n");
        quoted_printable(headers, out);
    }
}

/// The header section at the beginning of a message, its last line end included.
///
/// All of `content` when the section does not end in it.
#[must_use]
pub fn header_section(content: &[u8]) -> &[u8] {
    if content.starts_with(b"\r\n") {
        return &[];
    }
    memchr::memmem::find(content, b"\r\n\r\n")
        .and_then(|end| content.get(..end + 2))
        .unwrap_or(content)
}

/// Sees whether content, fed piece by piece, can go as 7bit or 8bit (RFC 2045 §2.7, §2.8).
#[derive(Debug, Clone)]
pub struct Lines {
    ascii: bool,
    short: bool,
    line: usize,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            ascii: true,
            short: true,
            line: 0,
        }
    }
}

impl Lines {
    /// Looks at the next piece.
    pub fn feed(&mut self, piece: &[u8]) {
        if !self.short {
            return;
        }
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', piece) {
            self.line += end - start;
            // The CR counts as one more.
            self.short &= self.line <= MAX_LINE + 1;
            self.line = 0;
            start = end + 1;
        }
        self.line += piece.len() - start;
        self.short &= self.line <= MAX_LINE + 1;
        self.ascii = self.ascii && piece.is_ascii();
    }

    /// Whether all that was fed is 7bit.
    #[must_use]
    pub fn are_seven_bit(&self) -> bool {
        self.short && self.ascii
    }

    /// Whether all that was fed is 7bit or 8bit, and not binary.
    #[must_use]
    pub fn are_short(&self) -> bool {
        self.short
    }
}

#[cfg(test)]
mod tests;
