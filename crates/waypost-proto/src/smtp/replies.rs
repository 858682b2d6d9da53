//! Every reply Waypost ever sends, in one place.
//!
//! Where a reply names an address, the address is in angle brackets. None names a table, a target
//! or a host behind this server.

use super::reply::Reply;
use super::status::EnhancedStatus;
use crate::mail::Mailbox;

const fn status(class: u8, subject: u16, detail: u16) -> Option<EnhancedStatus> {
    Some(EnhancedStatus::new(class, subject, detail))
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

fn rejected(code: u16, status: Option<EnhancedStatus>, recipient: &Mailbox, why: &str) -> Reply {
    Reply::new(
        code,
        status,
        format!("<{recipient}>: Recipient address rejected: {why}"),
    )
}
