//! The report itself: `multipart/report` with a text for people, the status, and what is returned.

use std::time::SystemTime;

use super::Action;
use super::encode::{field, quoted_printable, typed_address};
use crate::mail::{Date, Domain, Mailbox};
use crate::smtp::params::{Orcpt, Xtext};
use crate::smtp::status::EnhancedStatus;

/// RFC 5322 §2.1.1: a longer line is no 7bit text.
const MAX_LINE: usize = 998;

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
    Full,
    /// Its header section.
    Headers(&'a [u8]),
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
        self.part(&mut out, "Notification");
        self.people(&mut out);
        self.part(&mut out, "Delivery report");
        self.status(&mut out);
        match returned {
            Returned::Full => {
                self.part(&mut out, "Undelivered message");
                out.extend_from_slice(b"Content-Type: message/rfc822\r\n\r\n");
            }
            Returned::Headers(headers) => {
                self.part(&mut out, "Message headers");
                headers_part(headers, &mut out);
            }
        }
        out
    }

    /// What stands behind the returned part.
    #[must_use]
    pub fn closing(&self) -> Vec<u8> {
        format!("\r\n--{}--\r\n", self.boundary()).into_bytes()
    }

    /// The report's own Message-ID.
    #[must_use]
    pub fn message_id(&self) -> String {
        format!("<{}.dsn@{}>", self.token, self.reporting_mta)
    }

    /// `=_` occurs in no quoted-printable or base64 text (RFC 2045 §6.7), the token nowhere else.
    fn boundary(&self) -> String {
        format!("=_{}", self.token)
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
        let boundary = format!(
            "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"{}\"\r\n",
            self.boundary()
        );
        out.extend_from_slice(boundary.as_bytes());
        out.extend_from_slice(b"\r\nThis is a delivery status notification in MIME format.\r\n");
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

    fn part(&self, out: &mut Vec<u8>, description: &str) {
        let boundary = self.boundary();
        let text = format!("\r\n--{boundary}\r\nContent-Description: {description}\r\n");
        out.extend_from_slice(text.as_bytes());
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
    let mut seven_bit = SevenBit::default();
    seven_bit.feed(headers);
    if seven_bit.holds() {
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

/// Sees whether content, fed piece by piece, can go as 7bit (RFC 2045 §2.7).
#[derive(Debug, Clone)]
pub struct SevenBit {
    holds: bool,
    line: usize,
}

impl Default for SevenBit {
    fn default() -> Self {
        Self {
            holds: true,
            line: 0,
        }
    }
}

impl SevenBit {
    /// Looks at the next piece.
    pub fn feed(&mut self, piece: &[u8]) {
        if !self.holds {
            return;
        }
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', piece) {
            self.line += end - start;
            // The CR counts as one more.
            self.holds &= self.line <= MAX_LINE + 1;
            self.line = 0;
            start = end + 1;
        }
        self.line += piece.len() - start;
        self.holds &= self.line <= MAX_LINE + 1 && piece.is_ascii();
    }

    /// Whether all that was fed is 7bit.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.holds
    }
}

#[cfg(test)]
mod tests;
