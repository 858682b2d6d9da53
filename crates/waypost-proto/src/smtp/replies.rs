//! Every reply Waypost ever sends, in one place.
//!
//! Where a reply names an address, the address is in angle brackets. None names a table, a target
//! or a host behind this server.

use super::command::Malformed;
use super::data::Fault;
use super::extension::Extensions;
use super::params::ParamError;
use super::reply::Reply;
use super::sasl::SaslError;
use super::status::EnhancedStatus;
use crate::mail::{Mailbox, SyntaxError};

/// Octets of another server's text in one line of ours (RFC 5321 §4.5.3.1.5).
const MAX_QUOTED_OCTETS: usize = 400;

const fn status(class: u8, subject: u16, detail: u16) -> Option<EnhancedStatus> {
    Some(EnhancedStatus::new(class, subject, detail))
}

/// The banner (RFC 5321 §4.3.1); also the reply to XCLIENT.
#[must_use]
pub fn service_ready(hostname: &str, protocol: &str) -> Reply {
    Reply::new(220, None, format!("{hostname} {protocol} Waypost"))
}

/// EHLO and LHLO: who we are and what we offer (RFC 5321 §4.1.1.1).
#[must_use]
pub fn hello(hostname: &str, offered: &Extensions) -> Reply {
    Reply::new(250, None, format!("{hostname}\n{offered}"))
}

/// HELO: who we are.
#[must_use]
pub fn plain_hello(hostname: &str) -> Reply {
    Reply::new(250, None, hostname.to_owned())
}

/// NOOP and RSET.
#[must_use]
pub fn ok() -> Reply {
    Reply::new(250, status(2, 0, 0), "Ok")
}

/// QUIT.
#[must_use]
pub fn closing() -> Reply {
    Reply::new(221, status(2, 0, 0), "Bye")
}

/// HELP (RFC 5321 §4.1.1.8).
#[must_use]
pub fn help() -> Reply {
    let text = "EHLO HELO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP STARTTLS AUTH";
    Reply::new(214, status(2, 0, 0), text)
}

/// VRFY: tells nothing, promises an attempt (RFC 5321 §3.5.3).
#[must_use]
pub fn cannot_verify() -> Reply {
    let text = "Cannot VRFY user, but will accept message and attempt delivery";
    Reply::new(252, status(2, 0, 0), text)
}

/// The reverse-path is accepted.
#[must_use]
pub fn sender_ok() -> Reply {
    Reply::new(250, status(2, 1, 0), "Ok")
}

/// DATA: go on (RFC 5321 §4.1.1.4).
#[must_use]
pub fn start_mail_input() -> Reply {
    Reply::new(354, None, "End data with <CR><LF>.<CR><LF>")
}

/// A BDAT chunk is taken (RFC 3030 §2).
#[must_use]
pub fn chunk_ok(octets: u64) -> Reply {
    Reply::new(
        250,
        status(2, 0, 0),
        format!("Ok: {octets} octets received"),
    )
}

/// The message is in our charge, under this queue id.
#[must_use]
pub fn message_accepted(queue_id: &str) -> Reply {
    Reply::new(250, status(2, 0, 0), format!("Ok: queued as {queue_id}"))
}

/// The message is in the next hop's charge, under this queue id in our log.
#[must_use]
pub fn message_relayed(queue_id: &str) -> Reply {
    Reply::new(250, status(2, 0, 0), format!("Ok: relayed as {queue_id}"))
}

/// The next hop refuses the message for good, in these words. Codes other than those that may
/// follow the end of data (RFC 5321 §4.3.2) would mislead our client: 554 stands for them. Beyond
/// ASCII only who asked for it could read (RFC 6531 §3.7.4.2).
#[must_use]
pub fn refused_beyond(code: u16, status: EnhancedStatus, said: &str) -> Reply {
    let code = match code {
        550 | 552 => code,
        _ => 554,
    };
    let plain = said.chars().map(|c| if c.is_ascii() { c } else { '?' });
    let mut text: String = plain.take(MAX_QUOTED_OCTETS).collect();
    if text.is_empty() {
        text.push_str("Message refused");
    }
    Reply::new(code, Some(status), text)
}

/// STARTTLS: begin the handshake (RFC 3207 §4).
#[must_use]
pub fn ready_for_tls() -> Reply {
    Reply::new(220, status(2, 0, 0), "Ready to start TLS")
}

/// AUTH: logged in (RFC 4954 §4).
#[must_use]
pub fn authenticated() -> Reply {
    Reply::new(235, status(2, 7, 0), "Authentication successful")
}

/// AUTH: a challenge, in base64 (RFC 4954 §4).
#[must_use]
pub fn challenge(base64: &'static str) -> Reply {
    Reply::new(334, None, base64)
}

/// Shutting down, or too many connections.
#[must_use]
pub fn unavailable() -> Reply {
    let text = "Service not available, closing transmission channel";
    Reply::new(421, status(4, 3, 2), text)
}

/// One client has too many connections.
#[must_use]
pub fn too_many_connections() -> Reply {
    Reply::new(421, status(4, 3, 2), "Too many connections")
}

/// The client was silent for too long (RFC 5321 §4.5.3.2).
#[must_use]
pub fn timeout() -> Reply {
    Reply::new(421, status(4, 4, 2), "Timeout exceeded")
}

/// The client made too many errors (RFC 5321 §3.8, §7.8).
#[must_use]
pub fn too_many_errors() -> Reply {
    Reply::new(421, status(4, 7, 0), "Too many errors")
}

/// Something of ours went wrong that is no fault of the client.
#[must_use]
pub fn internal_error() -> Reply {
    Reply::new(421, status(4, 3, 0), "Internal error")
}

/// The client comes or sends too often.
#[must_use]
pub fn rate_exceeded() -> Reply {
    Reply::new(450, status(4, 7, 1), "Rate limit exceeded, try again later")
}

/// The store does not work.
#[must_use]
pub fn storage_failed() -> Reply {
    let text = "Requested action aborted: error in storage, try again";
    Reply::new(451, status(4, 3, 0), text)
}

/// The store is full, or memory is short.
#[must_use]
pub fn storage_full() -> Reply {
    Reply::new(
        452,
        status(4, 3, 1),
        "Insufficient system storage, try again",
    )
}

/// RFC 5321 §4.5.3.1.10.
#[must_use]
pub fn too_many_recipients() -> Reply {
    Reply::new(452, status(4, 5, 3), "Too many recipients")
}

/// The password cannot be checked now (RFC 4954 §6).
#[must_use]
pub fn authentication_unavailable() -> Reply {
    Reply::new(454, status(4, 7, 0), "Temporary authentication failure")
}

/// Not a command (RFC 5321 §4.2.4).
#[must_use]
pub fn unrecognized_command() -> Reply {
    Reply::new(500, status(5, 5, 1), "Command not recognized")
}

/// A line that is no line of text, or ends with LF alone.
#[must_use]
pub fn bad_line() -> Reply {
    Reply::new(
        500,
        status(5, 5, 2),
        "Lines are UTF-8 text and end with <CR><LF>",
    )
}

/// RFC 5321 §4.5.3.1.9.
#[must_use]
pub fn line_too_long() -> Reply {
    Reply::new(500, status(5, 5, 2), "Line too long")
}

/// RFC 4954 §4.
#[must_use]
pub fn auth_line_too_long() -> Reply {
    Reply::new(
        500,
        status(5, 5, 6),
        "Authentication exchange line is too long",
    )
}

/// Arguments that the command does not take.
#[must_use]
pub fn bad_arguments() -> Reply {
    Reply::new(501, status(5, 5, 4), "Syntax error in arguments")
}

/// AUTH: what the client sent cannot be decoded (RFC 4954 §4).
#[must_use]
pub fn bad_response() -> Reply {
    Reply::new(501, status(5, 5, 2), "Cannot decode response")
}

/// AUTH: the client gave up (RFC 4954 §4).
#[must_use]
pub fn authentication_cancelled() -> Reply {
    Reply::new(501, status(5, 7, 0), "Authentication cancelled")
}

/// A command that is known but not served here.
#[must_use]
pub fn not_implemented() -> Reply {
    Reply::new(502, status(5, 5, 1), "Command not implemented")
}

/// Not now: no EHLO yet, no MAIL yet, or already in a transaction.
#[must_use]
pub fn bad_sequence(why: &'static str) -> Reply {
    Reply::new(503, status(5, 5, 1), why)
}

/// AUTH: not a mechanism offered here (RFC 4954 §4).
#[must_use]
pub fn unknown_mechanism() -> Reply {
    Reply::new(504, status(5, 5, 4), "Unrecognized authentication type")
}

/// A client has to log in first (RFC 4954 §6).
#[must_use]
pub fn authentication_required() -> Reply {
    Reply::new(530, status(5, 7, 0), "Authentication required")
}

/// Wrong login; the same words whatever is wrong with it (RFC 4954 §6).
#[must_use]
pub fn authentication_failed() -> Reply {
    Reply::new(535, status(5, 7, 8), "Authentication credentials invalid")
}

/// No login without TLS (RFC 4954 §6).
#[must_use]
pub fn encryption_required() -> Reply {
    let text = "Encryption required for requested authentication mechanism";
    Reply::new(538, status(5, 7, 11), text)
}

/// XCLIENT from a client that is no trusted proxy.
#[must_use]
pub fn not_authorized() -> Reply {
    Reply::new(550, status(5, 7, 0), "Insufficient authorization")
}

/// The content holds what no message can hold (RFC 5321 §2.3.8).
#[must_use]
pub fn bad_content(fault: Fault) -> Reply {
    let text = match fault {
        Fault::BareCr => "Message refused: bare <CR> in content",
        Fault::BareLf => "Message refused: bare <LF> in content",
        Fault::Nul => "Message refused: NUL in content",
    };
    Reply::new(550, status(5, 6, 11), text)
}

/// RFC 1870 §6.
#[must_use]
pub fn too_large() -> Reply {
    Reply::new(552, status(5, 3, 4), "Message size exceeds fixed maximum")
}

/// Non-ASCII where SMTPUTF8 was not asked for (RFC 6531 §3.5).
#[must_use]
pub fn needs_smtputf8() -> Reply {
    Reply::new(553, status(5, 6, 7), "Non-ASCII addresses need SMTPUTF8")
}

/// A user sends as somebody else.
#[must_use]
pub fn not_owned(sender: &Mailbox) -> Reply {
    sender_rejected(sender, "not owned by user")
}

/// The From field of a user's message cannot be read, so that it may say anything.
#[must_use]
pub fn unreadable_author() -> Reply {
    let text = "The From field cannot be read: sender not verified";
    Reply::new(550, status(5, 7, 1), text)
}

/// A protected sender address from outside, without login.
#[must_use]
pub fn not_logged_in(sender: &Mailbox) -> Reply {
    sender_rejected(sender, "not logged in")
}

/// The client speaks when it must listen (RFC 2920 §3.1, RFC 3207 §5).
#[must_use]
pub fn synchronization() -> Reply {
    Reply::new(554, status(5, 5, 0), "SMTP protocol synchronization error")
}

/// DATA or BDAT, and no recipient was accepted (RFC 5321 §3.3).
#[must_use]
pub fn no_valid_recipients() -> Reply {
    Reply::new(554, status(5, 5, 1), "No valid recipients")
}

/// More trace fields than any honest way has.
#[must_use]
pub fn too_many_hops() -> Reply {
    Reply::new(554, status(5, 4, 6), "Too many hops")
}

/// Every recipient would go back to where it came from.
#[must_use]
pub fn loop_detected() -> Reply {
    Reply::new(554, status(5, 4, 6), "Routing loop detected")
}

/// The reply to a command line that cannot be read.
impl From<Malformed> for Reply {
    fn from(wrong: Malformed) -> Self {
        match wrong {
            Malformed::Arguments | Malformed::ChunkSize => bad_arguments(),
            Malformed::ForwardPath(wrong) => bad_address(wrong, 3, "Bad recipient address"),
            Malformed::Octets => bad_line(),
            Malformed::Param(ParamError::Duplicate) => {
                Self::new(501, status(5, 5, 4), "Duplicate parameter")
            }
            Malformed::Param(ParamError::Syntax) => {
                Self::new(501, status(5, 5, 4), "Syntax error in parameter")
            }
            Malformed::Param(ParamError::Unknown) => Self::new(
                555,
                status(5, 5, 4),
                "Parameter not recognized or not implemented",
            ),
            Malformed::ReversePath(wrong) => bad_address(wrong, 7, "Bad sender address"),
            Malformed::Verb => unrecognized_command(),
        }
    }
}

/// 501 for what is no address at all, 553 for an address that cannot exist here.
fn bad_address(wrong: SyntaxError, detail: u16, which: &str) -> Reply {
    let code = match wrong {
        SyntaxError::NeedsSmtpUtf8 => return needs_smtputf8(),
        SyntaxError::Brackets
        | SyntaxError::Domain
        | SyntaxError::Empty
        | SyntaxError::LocalPart => 501,
        SyntaxError::DomainTooLong | SyntaxError::LocalPartTooLong | SyntaxError::NoAt => 553,
    };
    Reply::new(code, status(5, 1, detail), format!("{which}: {wrong}"))
}

/// The reply that ends an AUTH exchange.
impl From<SaslError> for Reply {
    fn from(wrong: SaslError) -> Self {
        match wrong {
            SaslError::Cancelled => authentication_cancelled(),
            SaslError::Malformed => bad_response(),
        }
    }
}

fn sender_rejected(sender: &Mailbox, why: &str) -> Reply {
    Reply::new(
        553,
        status(5, 7, 1),
        format!("<{sender}>: Sender address rejected: {why}"),
    )
}

/// The recipient is accepted (RFC 5321 §4.1.1.3).
#[must_use]
pub fn recipient_ok() -> Reply {
    Reply::new(250, status(2, 1, 5), "Ok")
}

/// Nobody has this mailbox.
#[must_use]
pub fn user_unknown(recipient: &Mailbox) -> Reply {
    rejected(550, status(5, 1, 1), recipient, "User unknown")
}

/// Who has this mailbox cannot be told now.
#[must_use]
pub fn verification_unavailable(recipient: &Mailbox) -> Reply {
    let text = "Recipient address verification is temporarily unavailable, try again";
    Reply::new(451, status(4, 4, 3), format!("<{recipient}>: {text}"))
}

/// The mailbox is suspended.
#[must_use]
pub fn mailbox_disabled(recipient: &Mailbox) -> Reply {
    rejected(550, status(5, 2, 1), recipient, "Mailbox disabled")
}

/// The mailbox has no room for this message.
#[must_use]
pub fn mailbox_full(recipient: &Mailbox) -> Reply {
    rejected(452, status(4, 2, 2), recipient, "Mailbox full")
}

/// The domain is not served for this client.
#[must_use]
pub fn relay_denied(recipient: &Mailbox) -> Reply {
    Reply::new(
        554,
        status(5, 7, 1),
        format!("<{recipient}>: Relay access denied"),
    )
}

/// The recipient would go back to where it came from.
#[must_use]
pub fn routing_loop(recipient: &Mailbox) -> Reply {
    Reply::new(
        554,
        status(5, 4, 6),
        format!("<{recipient}>: Routing loop detected"),
    )
}

/// One client opens connections faster than it may.
#[must_use]
pub fn connecting_too_often() -> Reply {
    Reply::new(
        421,
        status(4, 7, 0),
        "Connecting too often, try again later",
    )
}

/// The client names more recipients that nobody has than mail needs.
#[must_use]
pub fn too_many_unknown() -> Reply {
    Reply::new(421, status(4, 7, 0), "Too many unknown recipients")
}

fn rejected(code: u16, status: Option<EnhancedStatus>, recipient: &Mailbox, why: &str) -> Reply {
    Reply::new(
        code,
        status,
        format!("<{recipient}>: Recipient address rejected: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_the_next_hop_is_one_that_may_follow_the_end_of_data() {
        let said = |code, text: &str| {
            let mut wire = Vec::new();
            let status = EnhancedStatus::new(5, 1, 1);
            refused_beyond(code, status, text).write_to(&mut wire);
            String::from_utf8(wire).unwrap()
        };
        assert_eq!(said(550, "No such user"), "550 5.1.1 No such user\r\n");
        assert_eq!(
            said(503, "Never heard of MAIL"),
            "554 5.1.1 Never heard of MAIL\r\n"
        );
        assert_eq!(said(0, ""), "554 5.1.1 Message refused\r\n");
        assert_eq!(
            said(552, "plein à craquer"),
            "552 5.1.1 plein ? craquer\r\n"
        );
        assert!(said(550, &"x".repeat(2_000)).len() < 512);
    }
}
