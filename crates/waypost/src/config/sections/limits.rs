//! `[limits]`

use std::time::Duration;

use waypost_mta::limits::Limits;

use crate::config::raw::{Reader, Section, live};
use crate::config::written::Size;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
/// RFC 5321 §4.5.3.1.7: at least this much must be taken.
const LEAST_MESSAGE: Size = Size(64 << 10);
const LARGEST_MESSAGE: Size = Size(4 << 30);

/// Reads what one client, and all together, may use.
pub(crate) fn read(reader: &mut Reader<'_>) -> Limits {
    let mut limits = reader.section(
        "limits",
        "What one client, and all together, may use. Protects this server; the defaults are the \
         field's usual ones.",
    );
    let default = Limits::default();
    let size = limits.within(
        live("message_size", "Largest message taken (RFC 1870 SIZE)."),
        Size(default.message_size),
        LEAST_MESSAGE..=LARGEST_MESSAGE,
    );
    let rate = limits.within(
        live(
            "data_rate_min",
            "Bytes per second below which content counts as stalled, after limits.data_timeout.",
        ),
        Size(default.data_rate_min),
        Size(0)..=Size::mebibytes(1),
    );
    let mut read = default.clone();
    read.message_size = size.0;
    read.data_rate_min = rate.0;
    counts(&mut limits, &mut read);
    rates(&mut limits, &mut read);
    times(&mut limits, &mut read);
    read
}

/// Received fields of a message that goes through several filters of one site.
const LEAST_HOPS: u32 = 5;
/// RFC 5321 §4.5.3.1.8: at least so many must be taken.
const LEAST_RECIPIENTS: u32 = 100;
const MILLION: u32 = 1_000_000;

fn counts(limits: &mut Section<'_, '_>, to: &mut Limits) {
    let hops = "Received fields of a message that has looped (RFC 5321 §6.3).";
    let recipients = "Recipients of one message (RFC 5321 §4.5.3.1.8).";
    let expanded = "Recipients that the groups of one message may expand to.";
    let connections = "Connections open at once, all clients together.";
    let per_client = "Connections open at once from one address; trusted networks have only the \
                      overall limit.";
    let errors = "Refused or unknown commands before a session is ended.";
    let messages = "Messages on one connection before it is ended. 0: no limit.";
    let failures = "Failed logins of one session before it is ended.";
    for (name, text, value, range) in [
        ("max_hops", hops, &mut to.max_hops, LEAST_HOPS..=1_000),
        (
            "recipients",
            recipients,
            &mut to.recipients,
            LEAST_RECIPIENTS..=100_000,
        ),
        (
            "expanded_recipients",
            expanded,
            &mut to.expanded_recipients,
            LEAST_RECIPIENTS..=MILLION,
        ),
        ("connections", connections, &mut to.connections, 1..=MILLION),
        (
            "connections_per_client",
            per_client,
            &mut to.connections_per_client,
            1..=MILLION,
        ),
        ("errors", errors, &mut to.errors, 1..=10_000),
        (
            "messages_per_connection",
            messages,
            &mut to.messages_per_connection,
            0..=MILLION,
        ),
        ("login_failures", failures, &mut to.login_failures, 1..=100),
    ] {
        let default = u32::try_from(*value).unwrap_or(u32::MAX);
        *value = limits.within(live(name, text), default, range) as usize;
    }
}

fn rates(limits: &mut Section<'_, '_>, to: &mut Limits) {
    let connections = "New connections per minute from one address. 0: no limit. Trusted \
                       networks have none.";
    let messages = "Messages per minute from one address. 0: no limit. Trusted networks have none.";
    let unknown = "Recipients per minute that nobody has, from one stranger's address, before \
                   its sessions are ended. 0: no limit.";
    for (name, text, value) in [
        ("connection_rate", connections, &mut to.connection_rate),
        ("message_rate", messages, &mut to.message_rate),
        ("unknown_rate", unknown, &mut to.unknown_rate),
    ] {
        *value = limits.get(live(name, text), *value);
    }
}

fn times(limits: &mut Section<'_, '_>, to: &mut Limits) {
    for (key, value) in [
        (
            live(
                "login_delay",
                "How long a failed login is kept waiting, doubled with every further one of the \
                 same client.",
            ),
            &mut to.login_delay,
        ),
        (
            live("login_delay_max", "The longest such waiting time."),
            &mut to.login_delay_max,
        ),
    ] {
        *value = limits.within(key, *value, Duration::ZERO..=HOUR);
    }
    for (key, value) in [
        (
            live(
                "command_timeout",
                "Waiting for a command (RFC 5321 §4.5.3.2.7 asks for 5 minutes).",
            ),
            &mut to.command_timeout,
        ),
        (
            live(
                "data_timeout",
                "Waiting for the next piece of content (RFC 5321 §4.5.3.2.5).",
            ),
            &mut to.data_timeout,
        ),
        (
            live("write_timeout", "Waiting for a client to take a reply."),
            &mut to.write_timeout,
        ),
        (
            live(
                "handshake_timeout",
                "For a TLS handshake or a PROXY header.",
            ),
            &mut to.handshake_timeout,
        ),
        (
            live(
                "shutdown_grace",
                "How long sessions may go on when the server ends.",
            ),
            &mut to.shutdown_grace,
        ),
    ] {
        *value = limits.within(key, *value, SECOND..=HOUR);
    }
}
