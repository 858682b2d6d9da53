//! The loop rule's memory: which targets a recipient of a message has already been sent to.
//!
//! The memory travels with the message, in trace fields, so that it needs no table here and no
//! counting. A MAC ties each entry to this site, the recipient, the message and the target: nobody
//! else can make a message look as if it had been somewhere.

use std::fmt;

use aws_lc_rs::{constant_time, hmac};
use waypost_proto::mail::Mailbox;
use waypost_proto::mail::trace::TraceField;
use waypost_proto::route::{TargetId, Via};

/// The MAC of one journey of one recipient: HMAC-SHA-256 (RFC 2104), cut to 16 bytes.
type Mac = [u8; 16];

/// Bytes of the secret.
pub const SECRET_LEN: usize = 32;

#[derive(Clone)]
struct Key(hmac::Key);

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

/// The secret of a site, and the name under which it writes.
#[derive(Debug, Clone)]
pub struct Tracer {
    site: String,
    key: Key,
}

/// Octets of a message's key that count; a trace field holds no more.
const MAX_KEY_OCTETS: usize = 512;

impl Tracer {
    /// Traces of this site.
    #[must_use]
    pub fn new(site: impl Into<String>, secret: &[u8; SECRET_LEN]) -> Self {
        Self {
            site: site.into(),
            key: Key(hmac::Key::new(hmac::HMAC_SHA256, secret)),
        }
    }

    /// The field to put in front of a copy that leaves.
    ///
    /// `message_key` is the Message-ID, or the queue id of a message without; the recipients are
    /// those of this copy, with their outgoing addresses.
    #[must_use]
    pub fn field<'a>(
        &self,
        message_key: &str,
        via: Via,
        recipients: impl IntoIterator<Item = &'a Mailbox>,
    ) -> TraceField {
        let key = kept(message_key);
        let hop = hop(via);
        let macs = recipients.into_iter().map(|to| self.mac(to, key, hop));
        TraceField {
            site: self.site.clone(),
            hop: hop.0,
            macs: macs.collect(),
            key: key.to_owned(),
        }
    }

    /// The targets that this recipient of the message was already sent to, each once.
    ///
    /// A field that names a Message-ID counts only for the message that has it: copied into
    /// another one, it says nothing.
    #[must_use]
    pub fn visited(
        &self,
        fields: &[TraceField],
        recipient: &Mailbox,
        message_id: Option<&str>,
    ) -> Vec<TargetId> {
        let mut visited = Vec::new();
        for field in fields.iter().filter(|field| field.site == self.site) {
            let hop = TargetId(field.hop);
            let other = field.key.starts_with('<') && message_id.map(kept) != Some(&field.key);
            if other || visited.contains(&hop) {
                continue;
            }
            let ours = self.mac(recipient, &field.key, hop);
            if field.macs.iter().any(|mac| same(mac, &ours)) {
                visited.push(hop);
            }
        }
        visited
    }

    /// The MAC over (site, outgoing recipient, Message-ID or queue id, hop).
    ///
    /// The recipient counts without letter case, as served domains compare it.
    fn mac(&self, recipient: &Mailbox, message_key: &str, hop: TargetId) -> Mac {
        let mut context = hmac::Context::with_key(&self.key.0);
        let local = recipient.local.folded();
        for part in [&self.site, &local, recipient.domain.as_str(), message_key] {
            // Each part behind its length, so that no two lists of parts are the same bytes.
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        context.update(&hop.0.to_be_bytes());
        let mut mac = Mac::default();
        for (kept, made) in mac.iter_mut().zip(context.sign().as_ref()) {
            *kept = *made;
        }
        mac
    }
}

/// What a message that has arrived tells of its way, in its own header.
#[derive(Debug, Clone, Copy)]
pub struct Journey<'a> {
    /// This site.
    pub tracer: &'a Tracer,
    /// The trace fields in the header.
    pub fields: &'a [TraceField],
    /// The Message-ID in the header.
    pub message_id: Option<&'a str>,
}

impl Journey<'_> {
    /// The targets that this recipient was already sent to.
    #[must_use]
    pub fn visited(&self, recipient: &Mailbox) -> Vec<TargetId> {
        self.tracer.visited(self.fields, recipient, self.message_id)
    }
}

/// Compared in constant time: nobody learns a MAC by trying.
fn same(a: &Mac, b: &Mac) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

fn kept(message_key: &str) -> &str {
    &message_key[..message_key.floor_char_boundary(MAX_KEY_OCTETS)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OLD: Via = Via::Target(TargetId(7));
    const NEW: Via = Via::Target(TargetId(8));

    fn tracer(site: &str, secret: u8) -> Tracer {
        Tracer::new(site, &[secret; SECRET_LEN])
    }

    fn mailbox(text: &str) -> Mailbox {
        Mailbox::parse(text).unwrap()
    }

    /// What a field says after a journey over the wire.
    fn travelled(field: &TraceField) -> TraceField {
        let mut wire = Vec::new();
        field.write_to(&mut wire);
        let value = wire.split(|b| *b == b':').nth(1).unwrap();
        TraceField::parse(value).unwrap()
    }

    #[test]
    fn remembers_where_each_recipient_went() {
        let tracer = tracer("mx1.example.com", 1);
        let (jdoe, bob) = (mailbox("jdoe@example.com"), mailbox("bob@example.com"));
        let fields = [
            travelled(&tracer.field("<1@a>", OLD, [&jdoe])),
            travelled(&tracer.field("<1@a>", NEW, [&bob, &jdoe])),
            travelled(&tracer.field("<1@a>", Via::Mx, [&bob])),
        ];
        let visited = |to: &Mailbox| tracer.visited(&fields, to, Some("<1@a>"));
        assert_eq!(visited(&jdoe), [TargetId(7), TargetId(8)]);
        assert_eq!(visited(&bob), [TargetId(8), hop(Via::Mx)]);
        assert_eq!(visited(&mailbox("JDoe@Example.COM")), visited(&jdoe));
        assert_eq!(visited(&mailbox("alice@example.com")), []);
    }

    #[test]
    fn believes_only_its_own_fields_about_this_message() {
        let tracer1 = tracer("mx1.example.com", 1);
        let jdoe = mailbox("jdoe@example.com");
        let field = tracer1.field("<1@a>", OLD, [&jdoe]);
        let forged = |change: fn(&mut TraceField)| {
            let mut field = field.clone();
            change(&mut field);
            tracer1.visited(&[field], &jdoe, Some("<1@a>"))
        };
        assert_eq!(forged(|_| ()), [TargetId(7)]);
        assert_eq!(forged(|f| f.hop = 8), []);
        assert_eq!(forged(|f| f.macs[0][15] ^= 1), []);
        assert_eq!(forged(|f| f.macs.clear()), []);
        assert_eq!(forged(|f| f.site = "mx2.example.com".into()), []);
        assert_eq!(forged(|f| f.key = "<2@a>".into()), []);
        let fields = [field];
        assert_eq!(tracer1.visited(&fields, &jdoe, Some("<2@a>")), []);
        assert_eq!(tracer1.visited(&fields, &jdoe, None), []);
        let other_secret = tracer("mx1.example.com", 2);
        assert_eq!(other_secret.visited(&fields, &jdoe, Some("<1@a>")), []);
    }

    #[test]
    fn a_message_without_message_id_is_known_by_its_queue_id() {
        let tracer = tracer("mx1.example.com", 1);
        let jdoe = mailbox("jdoe@example.com");
        let fields = [tracer.field("2KPZJ3", OLD, [&jdoe])];
        assert_eq!(tracer.visited(&fields, &jdoe, None), [TargetId(7)]);
        let given_later = Some("<added-by-a-relay@b>");
        assert_eq!(tracer.visited(&fields, &jdoe, given_later), [TargetId(7)]);
    }

    proptest! {
        #[test]
        fn every_message_key_comes_home(key in "<[^\\p{C} ]{0,700}>|[A-Z0-9]{1,20}") {
            let tracer = tracer("mx1.example.com", 1);
            let jdoe = mailbox("jdoe@example.com");
            let fields = [travelled(&tracer.field(&key, OLD, [&jdoe]))];
            prop_assert_eq!(tracer.visited(&fields, &jdoe, Some(&key)), [TargetId(7)]);
        }
    }
}
