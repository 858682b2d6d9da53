//! The loop rule's memory: which targets a recipient of a message has already been sent to.
//!
//! The memory travels with the message, in trace fields, so that it needs no table here and no
//! counting. A MAC ties each entry to this site, the recipient, the message and the target: nobody
//! else can make a message look as if it had been somewhere.

use std::fmt;

use aws_lc_rs::{constant_time, hmac};
use waypost_proto::mail::Mailbox;
use waypost_proto::route::{TargetId, Via};

/// The MAC of one journey of one recipient: HMAC-SHA-256 (RFC 2104), cut to 16 bytes.
pub type Mac = [u8; 16];

/// Bytes of the secret.
pub const SECRET_LEN: usize = 32;

/// The site's secret for trace fields.
#[derive(Clone)]
pub struct Key(hmac::Key);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(***)")
    }
}

/// The number under which a way is written in a trace field: that of the target. MX hosts and the
/// smart host have numbers that the directory never gives.
#[must_use]
pub fn hop(via: Via) -> TargetId {
    match via {
        Via::Mx => TargetId(u32::MAX),
        Via::SmartHost => TargetId(u32::MAX - 1),
        Via::Target(id) => id,
    }
}

impl Key {
    /// A key from the site's secret.
    #[must_use]
    pub fn new(secret: &[u8; SECRET_LEN]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The MAC over (site, outgoing recipient, Message-ID or queue id, hop).
    ///
    /// The recipient counts without letter case, as served domains compare it.
    #[must_use]
    pub fn mac(&self, site: &str, recipient: &Mailbox, message_key: &str, hop: TargetId) -> Mac {
        let mut context = hmac::Context::with_key(&self.0);
        let local = recipient.local.folded();
        for part in [site, &local, recipient.domain.as_str(), message_key] {
            // Each part behind its length, so that no two lists of parts are the same bytes.
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        context.update(&hop.0.to_be_bytes());
        let tag = context.sign();
        let mut mac = Mac::default();
        for (kept, made) in mac.iter_mut().zip(tag.as_ref()) {
            *kept = *made;
        }
        mac
    }

    /// Whether the MAC is ours, compared in constant time.
    #[must_use]
    pub fn verify(
        &self,
        site: &str,
        recipient: &Mailbox,
        message_key: &str,
        hop: TargetId,
        mac: &Mac,
    ) -> bool {
        let ours = self.mac(site, recipient, message_key, hop);
        constant_time::verify_slices_are_equal(&ours, mac).is_ok()
    }
}
