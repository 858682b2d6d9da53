//! The proof that who asks knows the secret: MD5 of `secret:mailbox` (RFC 1321).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};

use super::{MAX_DATAGRAM_OCTETS, Secret};

const OCTETS: usize = 16;

/// The digest for one secret and one mailbox. It is the same for ever: whoever has overheard it can
/// ask about that mailbox again, and about no other.
#[derive(Debug, Clone, Copy)]
pub struct Digest([u8; OCTETS]);

impl Digest {
    /// Of an address whose syntax has been checked, exactly as it stands in the query.
    #[must_use]
    pub fn new(secret: &Secret, address: &str) -> Self {
        Self(
            Md5::new()
                .chain_update(secret.as_bytes())
                .chain_update(b":")
                .chain_update(address.as_bytes())
                .finalize()
                .into(),
        )
    }

    /// As it stands behind `d=`: 24 characters.
    #[must_use]
    pub fn print(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// What stands behind `d=`; none unless it is 16 octets.
    pub(super) fn read(text: &str) -> Option<Self> {
        // Room for what base64 estimates, which is a little more than it writes.
        let mut octets = [0; OCTETS + 2];
        let length = STANDARD.decode_slice(text, &mut octets).ok()?;
        let octets = octets.get(..length)?;
        octets.try_into().ok().map(Self)
    }

    /// Whether both are the same, in a time that does not tell how much of them is.
    #[must_use]
    pub(super) fn is(&self, other: &Self) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        let differing = pairs.fold(0, |differing, (a, b)| differing | (a ^ b));
        std::hint::black_box(differing) == 0
    }
}

/// Whether the text is base64 with its padding, whatever is in it.
pub(super) fn is_base64(text: &str) -> bool {
    let mut octets = [0; MAX_DATAGRAM_OCTETS];
    !text.is_empty() && STANDARD.decode_slice(text, &mut octets).is_ok()
}
