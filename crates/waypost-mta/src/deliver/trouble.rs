//! What a failure means: whether it passes, and how a report says it (RFC 3463).

use std::fmt;

use waypost_proto::smtp::reply::{RemoteReply, Severity};
use waypost_proto::smtp::status::EnhancedStatus;

/// Why a recipient was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// [`Severity::Transient`] when it may pass, [`Severity::Permanent`] otherwise.
    pub severity: Severity,
    /// As a report says it; its class always agrees with the severity.
    pub status: EnhancedStatus,
    /// What the host said, when it said anything.
    pub reply: Option<RemoteReply>,
    /// What happened, in our words; empty when the reply says it.
    pub text: String,
    /// Whether it was the answer to RCPT, which speaks of the recipient alone.
    pub at_rcpt: bool,
    /// Whether no session was opened, which speaks of the next hop, whoever the recipient is.
    pub unopened: bool,
    /// The host that was spoken to, as `name[address]:port`; empty when none was reached.
    pub host: String,
}

impl Trouble {
    /// A failure of ours or of the way there, which may pass.
    #[must_use]
    pub fn transient(subject: u16, detail: u16, text: impl Into<String>) -> Self {
        Self::ours(Severity::Transient, subject, detail, text.into())
    }

    /// A failure that no further attempt mends.
    #[must_use]
    pub fn permanent(subject: u16, detail: u16, text: impl Into<String>) -> Self {
        Self::ours(Severity::Permanent, subject, detail, text.into())
    }

    fn ours(severity: Severity, subject: u16, detail: u16, text: String) -> Self {
        Self {
            severity,
            status: EnhancedStatus::new(class(severity), subject, detail),
            reply: None,
            text,
            at_rcpt: false,
            unopened: false,
            host: String::new(),
        }
    }

    /// A reply that was not a yes; anything but 4yz and 5yz is a fault of the host, which may pass.
    ///
    /// Without an enhanced status in the reply, X.0.0 is its status (RFC 3463 §3.1).
    #[must_use]
    pub fn refused(reply: RemoteReply) -> Self {
        let severity = match reply.severity() {
            Severity::Permanent => Severity::Permanent,
            _ => Severity::Transient,
        };
        let said = reply.status.filter(|s| s.class == class(severity));
        let status = said.unwrap_or_else(|| EnhancedStatus::new(class(severity), 0, 0));
        Self {
            severity,
            status,
            reply: Some(reply),
            text: String::new(),
            at_rcpt: false,
            unopened: false,
            host: String::new(),
        }
    }

    /// The same, in the answer to RCPT.
    #[must_use]
    pub fn at_rcpt(mut self) -> Self {
        self.at_rcpt = true;
        self
    }

    /// The same, before any session was opened.
    #[must_use]
    pub fn unopened(mut self) -> Self {
        self.unopened = true;
        self
    }

    /// Whether no host has said anything of this very mail.
    #[must_use]
    pub fn reached_nobody(&self) -> bool {
        self.unopened || self.host.is_empty()
    }

    /// The same, as something that may pass: what an administrator can mend is no fault of the
    /// message.
    #[must_use]
    pub fn softened(mut self) -> Self {
        self.severity = Severity::Transient;
        self.status.class = class(Severity::Transient);
        self
    }

    /// The same, as what it is under a rule that demands TLS: a matter of security that may pass.
    #[must_use]
    pub fn under(mut self, rule: &str) -> Self {
        if self.status.subject != 7 {
            (self.status.subject, self.status.detail) = (7, 5);
        }
        self.text = if self.text.is_empty() {
            rule.to_owned()
        } else {
            format!("{rule}: {}", self.text)
        };
        self.softened()
    }

    /// The same, at this host.
    #[must_use]
    pub fn at_host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    /// Whether another attempt makes sense.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.severity == Severity::Transient
    }
}

fn class(severity: Severity) -> u8 {
    if severity == Severity::Permanent {
        5
    } else {
        4
    }
}

impl fmt::Display for Trouble {
    /// The reply, or our words, as the log and the report show them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reply {
            Some(reply) if self.text.is_empty() => write!(f, "host {} said: {reply}", self.host),
            Some(reply) => write!(f, "{}: host {} said: {reply}", self.text, self.host),
            None => f.write_str(&self.text),
        }
    }
}
