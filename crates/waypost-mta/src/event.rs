//! One log line for each thing that happens, in Postfix's shape, so that the field's tools read it.
//!
//! The tracing target names the part as Postfix names its programs (`waypost::smtpd`,
//! `waypost::qmgr`, `waypost::smtp`); the message is the text behind Postfix's `program[pid]: `.
//! Further facts are appended as `key=value`: `route=` (where it goes), `why=` (the rule that
//! decided). Control characters are escaped, so that one event is always one line.

use std::borrow::Cow;
use std::fmt::{self, Display, Write as _};
use std::net::IpAddr;

use waypost_proto::smtp::reply::Reply;

/// Stands where a line names no queue id.
pub const NOQUEUE: &str = "NOQUEUE";

/// Escapes control characters, so that the text stays within its line.
#[must_use]
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if c.is_control() {
            clean.extend(c.escape_default());
        } else {
            clean.push(c);
        }
    }
    Cow::Owned(clean)
}

/// Writes one line at info level under the given target.
#[macro_export]
#[doc(hidden)]
macro_rules! log_line {
    ($target:literal, $($text:tt)+) => {
        if tracing::enabled!(target: $target, tracing::Level::INFO) {
            let text = format!($($text)+);
            tracing::info!(target: $target, "{}", $crate::event::escaped(&text));
        }
    };
}

/// The client of a session, as `name[address]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its name, where it was told by XCLIENT; names are not looked up.
    pub name: Option<String>,
    /// Its address; none over a Unix socket.
    pub address: Option<IpAddr>,
}

impl Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.address) {
            (Some(name), Some(address)) => write!(f, "{name}[{address}]"),
            (None, Some(address)) => write!(f, "unknown[{address}]"),
            (_, None) => f.write_str("localhost[unix]"),
        }
    }
}

/// A client connected.
pub fn connected(client: &Client) {
    log_line!("waypost::smtpd", "connect from {client}");
}

/// A session is over, and why if the client did not end it itself.
pub fn disconnected(client: &Client, counts: &dyn Display, why: Option<&str>) {
    match why {
        None => log_line!("waypost::smtpd", "disconnect from {client} {counts}"),
        Some(why) => log_line!(
            "waypost::smtpd",
            "disconnect from {client} {counts} why={why}"
        ),
    }
}

/// A transaction has its queue id.
pub fn accepted_client(id: &dyn Display, client: &Client, login: Option<(&str, &str)>) {
    match login {
        None => log_line!("waypost::smtpd", "{id}: client={client}"),
        Some((method, name)) => log_line!(
            "waypost::smtpd",
            "{id}: client={client}, sasl_method={method}, sasl_username={name}"
        ),
    }
}

/// The Message-ID of what a transaction brought.
pub fn message_id(id: &dyn Display, message_id: &str) {
    log_line!("waypost::cleanup", "{id}: message-id={message_id}");
}

/// What was refused, and to whom: `NOQUEUE: reject: RCPT from host[ip]: 550 5.1.1 …; from=…`.
pub struct Reject<'a> {
    /// The queue id, or [`NOQUEUE`].
    pub id: &'a dyn Display,
    /// `CONNECT`, `MAIL`, `RCPT`, `END-OF-MESSAGE`, as Postfix writes them.
    pub stage: &'a str,
    /// Who was refused.
    pub client: &'a Client,
    /// The answer given.
    pub reply: &'a Reply,
    /// The reverse-path with its brackets.
    pub from: Option<&'a dyn Display>,
    /// The recipient as it was written, with brackets.
    pub to: Option<&'a dyn Display>,
    /// `ESMTPS` and so on (RFC 3848).
    pub proto: &'a str,
    /// The name in EHLO.
    pub helo: &'a str,
    /// The rule that decided.
    pub why: Option<&'a dyn Display>,
}

/// Something was refused or put off.
pub fn rejected(reject: &Reject<'_>) {
    if !tracing::enabled!(target: "waypost::smtpd", tracing::Level::INFO) {
        return;
    }
    let Reject {
        id,
        stage,
        client,
        reply,
        ..
    } = reject;
    let mut line = format!("{id}: reject: {stage} from {client}: {reply};");
    // Writing to a String does not fail.
    if let Some(from) = reject.from {
        let _ = write!(line, " from={from}");
    }
    if let Some(to) = reject.to {
        let _ = write!(line, " to={to}");
    }
    let _ = write!(line, " proto={} helo=<{}>", reject.proto, reject.helo);
    if let Some(why) = reject.why {
        let _ = write!(line, " why={why}");
    }
    tracing::info!(target: "waypost::smtpd", "{}", escaped(&line));
}

/// A member of a group was refused while the group itself was accepted.
pub fn member_refused(
    client: &Client,
    group: &dyn Display,
    member: &dyn Display,
    reply: &Reply,
    why: &dyn Display,
) {
    log_line!(
        "waypost::smtpd",
        "NOQUEUE: member refused: RCPT from {client}: {reply}; to=<{member}>, orig_to=<{group}>, \
         why={why}"
    );
}

/// A login was refused, in the words that fail2ban looks for.
pub fn login_failed(client: &Client, login: &str) {
    log_line!(
        "waypost::smtpd",
        "warning: {client}: SASL PLAIN authentication failed: authentication failure, \
         sasl_username={login}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_an_event_on_one_line() {
        assert_eq!(escaped("plain <ü@b>"), "plain <ü@b>");
        assert_eq!(escaped("a\r\nb\u{85}\x1b[1m"), "a\\r\\nb\\u{85}\\u{1b}[1m");
    }
}
