//! One log line for each thing that happens, in Postfix's shape, so that the field's tools read it.
//!
//! The tracing target names the part as Postfix names its programs (`waypost::smtpd`,
//! `waypost::qmgr`, `waypost::smtp`); the message is the text behind Postfix's `program[pid]: `.
//! Further facts are appended as `key=value`: `route=` (where it goes), `why=` (the rule that
//! decided). Control characters are escaped, so that one event is always one line.
//!
//! A line about mail has a field `event` that names what happened, for logs of records and for the
//! history that `waypost trace` searches.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::{self, Display, Write as _};
use std::net::IpAddr;
use std::time::Duration;

use waypost_proto::mail::Mailbox;
use waypost_proto::smtp::reply::Reply;
use waypost_proto::smtp::status::EnhancedStatus;

use crate::auth::LoginError;
use crate::deliver::Security;
use crate::{flow, metrics};

/// Stands where a line names no queue id.
pub const NOQUEUE: &str = "NOQUEUE";

/// Escapes control characters, so that the text stays within its line.
#[must_use]
pub fn escaped(text: &str) -> Cow<'_, str> {
    if is_plain(text) || !text.chars().any(char::is_control) {
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

/// Whether all of it is printable ASCII, which most lines are; looks at many octets at once.
fn is_plain(text: &str) -> bool {
    text.bytes()
        .fold(true, |plain, byte| plain & (0x20..0x7f).contains(&byte))
}

thread_local! {
    /// Room that is used again for the next line.
    static SAID: Cell<String> = Cell::default();
}

/// Gives a text to what logs it, as one line.
#[doc(hidden)]
pub fn say(text: fmt::Arguments<'_>, log: impl FnOnce(&str)) {
    // Taken, so that a value that itself logs something finds other room.
    let mut said = SAID.take();
    said.clear();
    // Writing to a String does not fail.
    let _ = said.write_fmt(text);
    log(&escaped(&said));
    SAID.set(said);
}

/// Writes one line at info level under the given target. Fields before the text are what the line
/// says, for logs whose lines are records; text logs leave out the fields of a line that has a field
/// `event`.
#[macro_export]
#[doc(hidden)]
macro_rules! log_line {
    ($target:literal, { $($fields:tt)+ }, $($text:tt)+) => {
        if tracing::enabled!(target: $target, tracing::Level::INFO) {
            $crate::event::say(format_args!($($text)+), |text| {
                tracing::info!(target: $target, $($fields)+, "{text}");
            });
        }
    };
    ($target:literal, $($text:tt)+) => {
        if tracing::enabled!(target: $target, tracing::Level::INFO) {
            $crate::event::say(format_args!($($text)+), |text| {
                tracing::info!(target: $target, "{text}");
            });
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
    flow::connected();
    log_line!("waypost::smtpd", "connect from {client}");
}

/// A client has shown the certificate of a target.
pub fn recognised(client: &Client, target: &str) {
    log_line!(
        "waypost::smtpd",
        "client={client} is the target {target}, by its certificate"
    );
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
        None => log_line!(
            "waypost::smtpd",
            { event = "client", queue_id = %id, %client },
            "{id}: client={client}"
        ),
        Some((method, name)) => log_line!(
            "waypost::smtpd",
            {
                event = "client",
                queue_id = %id,
                %client,
                sasl_method = method,
                sasl_username = name
            },
            "{id}: client={client}, sasl_method={method}, sasl_username={name}"
        ),
    }
}

/// The Message-ID of what a transaction brought.
pub fn message_id(id: &dyn Display, message_id: &str) {
    log_line!(
        "waypost::cleanup",
        { event = "message-id", queue_id = %id, message_id },
        "{id}: message-id={message_id}"
    );
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
    if tracing::enabled!(target: "waypost::smtpd", tracing::Level::INFO) {
        tracing::info!(
            target: "waypost::smtpd",
            event = "rejected",
            queue_id = %reject.id,
            stage = reject.stage,
            client = %reject.client,
            reply = %reject.reply,
            from = reject.from.map(display),
            to = reject.to.map(display),
            proto = reject.proto,
            helo = reject.helo,
            why = reject.why.map(display),
            "{}",
            escaped(&reject.to_string())
        );
    }
}

impl Display for Reject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            stage,
            client,
            reply,
            proto,
            helo,
            ..
        } = self;
        write!(f, "{id}: reject: {stage} from {client}: {reply};")?;
        if let Some(from) = self.from {
            write!(f, " from={from}")?;
        }
        if let Some(to) = self.to {
            write!(f, " to={to}")?;
        }
        write!(f, " proto={proto} helo=<{helo}>")?;
        match self.why {
            Some(why) => write!(f, " why={why}"),
            None => Ok(()),
        }
    }
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
        {
            event = "member-refused",
            queue_id = NOQUEUE,
            %client,
            %reply,
            to = %member,
            orig_to = %group,
            %why
        },
        "NOQUEUE: member refused: RCPT from {client}: {reply}; to=<{member}>, orig_to=<{group}>, \
         why={why}"
    );
}

/// A login was refused, in the words that fail2ban looks for.
pub fn login_failed(client: &Client, method: &str, login: &str) {
    log_line!(
        "waypost::smtpd",
        "warning: {client}: SASL {method} authentication failed: authentication failure, \
         sasl_username={login}"
    );
}

/// A login was not even checked. In other words than a failure: who looks for those must not shut
/// the owner out.
pub fn login_put_off(client: &Client, method: &str, login: &str, why: LoginError) {
    log_line!(
        "waypost::smtpd",
        "warning: {client}: SASL {method} login put off: {why}, sasl_username={login}"
    );
}

/// What became of a recipient in one attempt, as Postfix's delivery agents say it.
pub struct Delivery<'a> {
    /// The queue id.
    pub id: &'a dyn Display,
    /// The reverse-path of the message.
    pub from: &'a dyn Display,
    /// The outgoing address.
    pub to: &'a Mailbox,
    /// The address it came in with, when it is another one.
    pub orig_to: Option<&'a Mailbox>,
    /// The host that answered, as `name[address]:port`; empty when none did.
    pub relay: &'a str,
    /// Since the message was accepted.
    pub delay: Duration,
    /// Before it was ready, ready, and in the attempt; connecting counts to the attempt.
    pub delays: [Duration; 3],
    /// The status as a report would say it.
    pub dsn: EnhancedStatus,
    /// `sent`, `deferred`, `bounced`, or `refused`: the client that brought it is told.
    pub status: &'a str,
    /// The reply, or our words.
    pub said: &'a dyn Display,
    /// Where it goes: the name of a target, `mx:domain`, `smart-host`, `lmtp`, `maildir`, `none`.
    pub route: &'a str,
    /// The rule that decided.
    pub why: &'a dyn Display,
    /// Whose answer that rests on, as `source,seconds`.
    pub proof: Option<&'a dyn Display>,
    /// How the connection that took it was secured.
    pub tls: Option<&'a Security>,
}

/// One line for each recipient of each attempt.
pub fn delivery(delivery: &Delivery<'_>) {
    metrics::delivered(delivery.status, delivery.route);
    flow::delivered(delivery.status, delivery.route, delivery.delay);
    if !tracing::enabled!(target: "waypost::smtp", tracing::Level::INFO) {
        return;
    }
    let mut line = format!("{}: to=<{}>", delivery.id, delivery.to);
    // Writing to a String does not fail.
    if let Some(original) = delivery.orig_to {
        let _ = write!(line, ", orig_to=<{original}>");
    }
    let relay = if delivery.relay.is_empty() {
        "none"
    } else {
        delivery.relay
    };
    let [before, ready, attempt] = delivery.delays.map(seconds);
    let _ = write!(
        line,
        ", relay={relay}, delay={}, delays={before}/{ready}/0/{attempt}, dsn={}, status={} ({}) \
         route={} why={}",
        seconds(delivery.delay),
        delivery.dsn,
        delivery.status,
        delivery.said,
        delivery.route,
        delivery.why,
    );
    if let Some(proof) = delivery.proof {
        let _ = write!(line, " proof={proof}");
    }
    let version = delivery.tls.and_then(|tls| tls.version);
    if let Some(version) = version {
        let _ = write!(line, " tls_version={version}");
    }
    if let Some(tls) = delivery.tls {
        let _ = write!(line, " tls={tls}");
    }
    tracing::info!(
        target: "waypost::smtp",
        event = "delivery",
        queue_id = %delivery.id,
        from = %delivery.from,
        to = %delivery.to,
        orig_to = delivery.orig_to.map(display),
        relay,
        delay = delivery.delay.as_secs_f64(),
        dsn = %delivery.dsn,
        status = delivery.status,
        said = %delivery.said,
        route = delivery.route,
        why = %delivery.why,
        proof = delivery.proof.map(display),
        tls_version = version.map(display),
        tls = delivery.tls.map(display),
        "{}",
        escaped(&line)
    );
}

/// Seconds with two digits behind the point where they say something.
fn seconds(duration: Duration) -> String {
    let hundredths = duration.as_millis().div_ceil(10);
    match (hundredths / 100, hundredths % 100) {
        (whole, 0) => whole.to_string(),
        (whole, part) if whole < 10 => format!("{whole}.{part:02}"),
        (whole, part) => format!("{whole}.{}", part / 10),
    }
}

/// A message is on its way.
pub fn queue_active(id: &dyn Display, from: &dyn Display, size: u64, nrcpt: usize) {
    log_line!(
        "waypost::qmgr",
        { event = "active", queue_id = %id, from = %from, size, nrcpt },
        "{id}: from={from}, size={size}, nrcpt={nrcpt} (queue active)"
    );
}

/// A message is on its way while its sender waits, and not in the queue.
pub fn passing(id: &dyn Display, from: &dyn Display, size: u64, nrcpt: usize) {
    log_line!(
        "waypost::qmgr",
        { event = "passing", queue_id = %id, from = %from, size, nrcpt },
        "{id}: from={from}, size={size}, nrcpt={nrcpt} (passed on while its sender waits)"
    );
}

/// A recipient's lifetime is over.
pub fn expired(id: &dyn Display, from: &dyn Display, to: &Mailbox) {
    log_line!(
        "waypost::qmgr",
        { event = "expired", queue_id = %id, from = %from, to = %to, status = "expired" },
        "{id}: from={from}, to=<{to}>, status=expired, returned to sender"
    );
}

/// A report about a message was queued.
pub fn notified(id: &dyn Display, kind: &str, report: &dyn Display) {
    log_line!(
        "waypost::bounce",
        { event = "report", queue_id = %id, kind, report = %report },
        "{id}: {kind}: {report}"
    );
}

/// Nothing is left of a message.
pub fn removed(id: &dyn Display) {
    log_line!(
        "waypost::qmgr",
        { event = "removed", queue_id = %id },
        "{id}: removed"
    );
}

/// An administrator changed what becomes of a message.
pub fn ordered(id: &dyn Display, verb: &str, by: &str, reason: &str) {
    log_line!(
        "waypost::qmgr",
        { event = "ordered", queue_id = %id, verb, by, reason },
        "{id}: {verb} by={by} reason={reason}"
    );
}

/// A relay's yes means nothing: it takes every recipient of the domain.
pub fn accepts_everything(relay: &str, domain: &dyn Display) {
    tracing::warn!(
        target: "waypost::verify",
        event = "accepts-everything",
        relay,
        domain = %domain,
        "{} accepts every recipient of {domain}: those it does not have cannot be refused here, \
         and bounce",
        escaped(relay)
    );
}

/// A server has not answered several questions in a row.
pub fn does_not_answer(name: &str) {
    tracing::warn!(
        target: "waypost::verify",
        "{} does not answer over Minger: it is asked less often until it does, and addresses \
         that only it may have are tried later",
        escaped(name)
    );
}

/// It does again.
pub fn answers_again(name: &str) {
    tracing::info!(target: "waypost::verify", "{} answers again over Minger", escaped(name));
}

/// Two servers say that they have an address.
pub fn lives_twice(address: &dyn Display, winner: &str, other: &str) {
    tracing::warn!(
        target: "waypost::verify",
        event = "lives-twice",
        to = %address,
        mail_goes_to = winner,
        also_on = other,
        "<{}> lives on {} and on {}: its mail goes to the first; remove it from one of them",
        escaped(&address.to_string()),
        escaped(winner),
        escaped(other)
    );
}

/// Something in the queue needs a person, or is degraded.
pub fn queue_trouble(id: &dyn Display, what: &dyn Display) {
    tracing::warn!(
        target: "waypost::qmgr",
        event = "trouble",
        queue_id = %id,
        trouble = %what,
        "{id}: {}",
        escaped(&what.to_string())
    );
}

/// A host of a domain is not used in this attempt.
pub fn host_passed_over(why: &dyn Display) {
    log_line!("waypost::smtp", "{why}");
}

/// A domain's MTA-STS policy, which it only tests, would have held mail back.
pub fn policy_tested(host: &dyn Display, domain: &dyn Display, why: &dyn Display) {
    log_line!(
        "waypost::smtp",
        "{host}: gets mail only as the MTA-STS policy of {domain} is in mode testing: {why}"
    );
}

/// A domain says that it has an MTA-STS policy, and it cannot be had.
pub fn policy_not_fetched(domain: &dyn Display, why: &dyn Display) {
    log_line!(
        "waypost::smtp",
        "the MTA-STS policy of {domain} cannot be fetched, and what was known of it holds: {why}"
    );
}

/// A connection could not be secured and goes on in plain text, as its policy allows.
pub fn tls_left_out(host: &dyn Display, why: &dyn Display) {
    log_line!("waypost::smtp", "{host}: going on without TLS: {why}");
}

#[cfg(test)]
mod tests {
    use waypost_proto::mail::Mailbox;
    use waypost_proto::smtp::replies;

    use super::*;

    #[test]
    fn says_seconds_as_short_as_they_can_be() {
        for (ms, said) in [
            (0, "0"),
            (1, "0.01"),
            (350, "0.35"),
            (12_340, "12.3"),
            (60_000, "60"),
        ] {
            assert_eq!(seconds(Duration::from_millis(ms)), said);
        }
    }

    #[test]
    fn a_refusal_has_the_shape_that_the_tools_of_the_field_read() {
        let recipient = Mailbox::parse("a@b.example").unwrap();
        let client = Client {
            name: None,
            address: Some([192, 0, 2, 1].into()),
        };
        let reject = Reject {
            id: &NOQUEUE,
            stage: "RCPT",
            client: &client,
            reply: &replies::user_unknown(&recipient),
            from: Some(&"<s@c.example>"),
            to: Some(&"<a@b.example>"),
            proto: "ESMTP",
            helo: "h.example",
            why: Some(&"unknown"),
        };
        assert_eq!(
            reject.to_string(),
            "NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 550 5.1.1 <a@b.example>: Recipient \
             address rejected: User unknown; from=<s@c.example> to=<a@b.example> proto=ESMTP \
             helo=<h.example> why=unknown"
        );
    }

    #[test]
    fn keeps_an_event_on_one_line() {
        assert_eq!(escaped("plain <ü@b>"), "plain <ü@b>");
        assert_eq!(escaped("a\r\nb\u{85}\x1b[1m"), "a\\r\\nb\\u{85}\\u{1b}[1m");
    }
}
