//! The body under the "relaxed" canonicalisation, as a digest (RFC 6376 §3.4.4, §3.7).

use sha2::{Digest as _, Sha256};

/// Octets gathered before they are digested.
const BATCH_OCTETS: usize = 4096;

/// Digests a body that comes in pieces of any size.
#[derive(Debug, Clone)]
pub(super) struct Body {
    digest: Sha256,
    batch: Vec<u8>,
    /// Line ends that count only if something follows them.
    line_ends: u64,
    /// White space that counts only if something follows it on its line.
    space: bool,
    /// A CR that may be half of a line end.
    cr: bool,
    is_empty: bool,
}

impl Body {
    pub(super) fn new() -> Self {
        Self {
            digest: Sha256::new(),
            batch: Vec::with_capacity(BATCH_OCTETS),
            line_ends: 0,
            space: false,
            cr: false,
            is_empty: true,
        }
    }

    pub(super) fn feed(&mut self, chunk: &[u8]) {
        for &octet in chunk {
            if std::mem::take(&mut self.cr) {
                if octet == b'\n' {
                    self.line_ends += 1;
                    self.space = false;
                    continue;
                }
                self.text(b'\r');
            }
            match octet {
                b'\r' => self.cr = true,
                b' ' | b'\t' => self.space = true,
                other => self.text(other),
            }
        }
    }

    /// The digest; what is not empty ends with one line end.
    pub(super) fn finish(mut self) -> [u8; 32] {
        if std::mem::take(&mut self.cr) {
            self.text(b'\r');
        }
        if !self.is_empty {
            self.batch.extend_from_slice(b"\r\n");
        }
        self.digest.update(&self.batch);
        self.digest.finalize().into()
    }

    fn text(&mut self, octet: u8) {
        while self.line_ends > 0 {
            self.line_ends -= 1;
            self.batch.extend_from_slice(b"\r\n");
            self.flush();
        }
        if std::mem::take(&mut self.space) {
            self.batch.push(b' ');
        }
        self.batch.push(octet);
        self.is_empty = false;
        self.flush();
    }

    fn flush(&mut self) {
        if self.batch.len() >= BATCH_OCTETS - 2 {
            self.digest.update(&self.batch);
            self.batch.clear();
        }
    }
}
