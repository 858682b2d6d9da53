//! Replies: ours as values, and those of other servers as untrusted text.

use std::borrow::Cow;
use std::fmt;

use super::status::EnhancedStatus;

/// What a reply means to the client (RFC 5321 §4.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// 2yz
    Success,
    /// 3yz
    Intermediate,
    /// 4yz
    Transient,
    /// 5yz
    Permanent,
}

impl Severity {
    /// The meaning of a three-digit code; anything outside 200..=599 counts as permanent failure.
    #[must_use]
    pub fn of(code: u16) -> Self {
        match code {
            200..=299 => Self::Success,
            300..=399 => Self::Intermediate,
            400..=499 => Self::Transient,
            _ => Self::Permanent,
        }
    }
}

/// A reply of ours (RFC 5321 §4.2), made only in [`super::replies`].
///
/// The text holds no control character; lines of a multi-line reply are separated by `\n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    status: Option<EnhancedStatus>,
    text: Cow<'static, str>,
}

impl Reply {
    /// Control characters other than the line separator become `?`.
    pub(super) fn new(
        code: u16,
        status: Option<EnhancedStatus>,
        text: impl Into<Cow<'static, str>>,
    ) -> Self {
        let text = text.into();
        let dirty = text.chars().any(|c| c.is_control() && c != '\n');
        let text = if dirty {
            text.replace(|c: char| c.is_control() && c != '\n', "?")
                .into()
        } else {
            text
        };
        Self { code, status, text }
    }

    /// The three-digit code.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.code
    }

    /// What the code means.
    #[must_use]
    pub fn severity(&self) -> Severity {
        Severity::of(self.code)
    }

    /// The enhanced status code, where the reply has one.
    #[must_use]
    pub fn status(&self) -> Option<EnhancedStatus> {
        self.status
    }

    /// The text, without codes.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Appends the reply as it goes over the wire, with CRLF line ends.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let mut lines = self.text.split('\n').peekable();
        while let Some(line) = lines.next() {
            push_number(out, self.code);
            out.push(if lines.peek().is_some() { b'-' } else { b' ' });
            if let Some(status) = self.status {
                push_number(out, status.class.into());
                out.push(b'.');
                push_number(out, status.subject);
                out.push(b'.');
                push_number(out, status.detail);
                out.push(b' ');
            }
            out.extend_from_slice(line.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
}

impl fmt::Display for Reply {
    /// The code, the status and the first line, as the log shows them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(status) = self.status {
            write!(f, " {status}")?;
        }
        write!(f, " {}", self.text.split('\n').next().unwrap_or_default())
    }
}

/// Appends a number below 1000, many times faster than formatting does: one is in every reply.
fn push_number(out: &mut Vec<u8>, number: u16) {
    let digit = |unit: u16| b'0' + (number / unit % 10) as u8;
    if number >= 100 {
        out.push(digit(100));
    }
    if number >= 10 {
        out.push(digit(10));
    }
    out.push(digit(1));
}

/// A reply of another server: text that nobody vouches for.
///
/// Kept as one line of printable characters, lines joined by a space, so that it can be logged and
/// quoted in a DSN without creating anything there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteReply {
    /// The three-digit code.
    pub code: u16,
    /// The enhanced status of the first line, when it fits the code's class.
    pub status: Option<EnhancedStatus>,
    text: Box<str>,
}

/// As much of a remote reply as is kept.
const MAX_REMOTE_TEXT: usize = 1000;

impl RemoteReply {
    /// Keeps a reply's code and the text of its lines, each without code and mark.
    #[must_use]
    pub fn new<'a>(code: u16, lines: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut status = None;
        let mut text = String::new();
        for line in lines {
            let line = String::from_utf8_lossy(line);
            let rest = match EnhancedStatus::split(&line) {
                Some((s, rest)) if u16::from(s.class) == code / 100 => {
                    status.get_or_insert(s);
                    rest
                }
                _ => &line,
            };
            if !text.is_empty() && !rest.is_empty() {
                text.push(' ');
            }
            text.extend(rest.chars().map(|c| if c.is_control() { '?' } else { c }));
            if text.len() > MAX_REMOTE_TEXT {
                text.truncate(text.floor_char_boundary(MAX_REMOTE_TEXT));
                break;
            }
        }
        Self {
            code,
            status,
            text: text.into(),
        }
    }

    /// A reply that was kept before: its code, its status and its text, which is not split again.
    #[must_use]
    pub fn kept(code: u16, status: Option<EnhancedStatus>, text: &str) -> Self {
        let end = text.floor_char_boundary(MAX_REMOTE_TEXT);
        let printable = |c: char| if c.is_control() { '?' } else { c };
        let kept = text.get(..end).unwrap_or_default();
        let text: String = kept.chars().map(printable).collect();
        Self {
            code,
            status,
            text: text.into(),
        }
    }

    /// What the code means.
    #[must_use]
    pub fn severity(&self) -> Severity {
        Severity::of(self.code)
    }

    /// The same, with `***` in place of these words: a server may repeat what it was sent.
    #[must_use]
    pub fn without(mut self, words: &[&str]) -> Self {
        for word in words.iter().filter(|word| !word.is_empty()) {
            if self.text.contains(word) {
                self.text = self.text.replace(word, "***").into();
            }
        }
        self
    }

    /// One line of printable text, without codes.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for RemoteReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(status) = self.status {
            write!(f, " {status}")?;
        }
        write!(f, " {}", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_single_and_multi_line_replies() {
        let mut out = Vec::new();
        Reply::new(250, None, "mx.example\nPIPELINING\nSIZE 10").write_to(&mut out);
        Reply::new(550, Some(EnhancedStatus::new(5, 7, 101)), "no\rone").write_to(&mut out);
        let wire = String::from_utf8(out).unwrap();
        assert_eq!(
            wire,
            "250-mx.example\r\n250-PIPELINING\r\n250 SIZE 10\r\n550 5.7.101 no?one\r\n"
        );
    }

    #[test]
    fn remote_text_is_one_printable_line() {
        let reply = RemoteReply::new(550, [&b"5.1.1 no such"[..], b"5.1.1 user\r\nX: \x1b[1m"]);
        assert_eq!(reply.status, Some(EnhancedStatus::new(5, 1, 1)));
        assert_eq!(reply.text(), "no such user??X: ?[1m");
        let foreign = RemoteReply::new(450, [&b"5.1.1 odd"[..]]);
        assert_eq!((foreign.status, foreign.text()), (None, "5.1.1 odd"));
    }
}
