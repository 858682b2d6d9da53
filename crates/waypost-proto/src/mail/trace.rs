//! Fields that this site puts in front of a message: Received (RFC 5321 §4.4) and its own trace.
//!
//! Everything that came from a client is reduced to what cannot end a field, a comment or a line.

#[cfg(test)]
mod tests;

use std::fmt::{self, Write};
use std::net::IpAddr;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Date, Mailbox};

/// Where folding breaks a line (RFC 5322 §2.1.1 recommends 78).
const FOLD_AT: usize = 76;
/// Longest name that is written as a client gave it.
const MAX_CLIENT_NAME: usize = 255;
/// Most MACs in one trace field.
const MAX_MACS: usize = 1000;
/// Longest key of a trace field; one that reads as longer is not ours.
const MAX_KEY_OCTETS: usize = 4096;

/// What a Received field tells of the hop (RFC 5321 §4.4).
#[derive(Debug, Clone)]
pub struct ReceivedFacts<'a> {
    /// What the client said in EHLO, HELO or LHLO; none when it said nothing.
    pub helo: Option<&'a str>,
    /// The client's name by its address, when that name leads back to the address.
    pub client_name: Option<&'a str>,
    /// The client's address; none over a Unix socket and for messages made here.
    pub client_address: Option<IpAddr>,
    /// This host's name.
    pub by: &'a str,
    /// The transmission type (RFC 3848, RFC 6531 §4.3), such as `ESMTPSA`.
    pub protocol: &'a str,
    /// Protocol version and cipher suite as this side names them, when the channel was encrypted.
    pub tls: Option<&'a str>,
    /// The queue id.
    pub id: &'a str,
    /// The recipient; only when there is exactly one, so that none learns of the others.
    pub recipient: Option<&'a Mailbox>,
    /// When it was received.
    pub at: SystemTime,
}

/// Appends a folded Received field with its line end.
///
/// `Received: from helo (rdns [ip]) by host (Waypost) with ESMTPS (tls) id QID for <rcpt>; date`
pub fn received(facts: &ReceivedFacts<'_>, out: &mut Vec<u8>) {
    let mut fold = Fold::new("Received:", out);
    if facts.helo.is_some() || facts.client_address.is_some() {
        let helo = facts.helo.map_or_else(|| "unknown".into(), clean);
        fold.word(&format!("from {helo}"));
        if let Some(address) = facts.client_address {
            let name = facts.client_name.map_or_else(|| "unknown".into(), clean);
            fold.word(&format!("({name} [{}])", Literal(address)));
        }
    }
    fold.word(&format!("by {} (Waypost)", facts.by));
    match facts.tls {
        Some(tls) => fold.word(&format!("with {} ({})", facts.protocol, tls)),
        None => fold.word(&format!("with {}", facts.protocol)),
    }
    match facts.recipient {
        Some(recipient) => {
            fold.word(&format!("id {}", facts.id));
            fold.word(&format!("for <{recipient}>;"));
        }
        None => fold.word(&format!("id {};", facts.id)),
    }
    fold.word(&Date(facts.at).to_string());
    fold.end();
}

/// An address as in an address literal (RFC 5321 §4.1.3), without brackets.
struct Literal(IpAddr);

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.to_canonical() {
            IpAddr::V4(v4) => write!(f, "{v4}"),
            IpAddr::V6(v6) => write!(f, "IPv6:{v6}"),
        }
    }
}

/// Text of a client, without anything that means something in a structured field.
fn clean(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-._:[]+/=@".contains(c);
    let chars = text.chars().take(MAX_CLIENT_NAME);
    let cleaned: String = chars.map(|c| if safe(c) { c } else { '?' }).collect();
    if cleaned.is_empty() {
        return "unknown".into();
    }
    cleaned
}

/// The field by which a site knows that a message was here before, and which way it left.
///
/// ```text
/// Waypost-Trace: site=mx1.example.com; hop=7; key=...; mac=...,...
/// ```
///
/// The key (percent-encoded) and the MACs (base64url) are opaque here: `waypost-mta` makes and
/// checks them. White space inside the value means nothing, so that folding by others does no harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceField {
    /// The site that wrote the field.
    pub site: String,
    /// What names the message for as long as it travels: its Message-ID, or a queue id.
    pub key: String,
    /// The target it was handed to.
    pub hop: u32,
    /// One for each recipient it was handed over for.
    pub macs: Vec<[u8; 16]>,
}

impl TraceField {
    /// The name of the field.
    pub const NAME: &str = "Waypost-Trace";

    /// Reads the value of a field, folded or not; none when it is not one that we write.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let solid = value.iter().filter(|b| !b.is_ascii_whitespace());
        let solid: Vec<u8> = solid.copied().collect();
        let text = std::str::from_utf8(&solid).ok()?;
        let mut parts = text.split(';');
        let mut part = |name: &str| parts.next()?.strip_prefix(name)?.strip_prefix('=');
        let site = decode(part("site")?)?;
        let hop = part("hop")?.parse().ok()?;
        let key = decode(part("key")?)?;
        let mut macs = Vec::new();
        for mac in part("mac")?.split(',').filter(|mac| !mac.is_empty()) {
            if macs.len() == MAX_MACS {
                return None;
            }
            macs.push(URL_SAFE_NO_PAD.decode(mac).ok()?.try_into().ok()?);
        }
        Some(Self {
            site,
            key,
            hop,
            macs,
        })
    }

    /// Appends the folded field with its line end; of more than 1000 MACs, the first 1000.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let mut fold = Fold::new("Waypost-Trace:", out);
        fold.word(&format!("site={};", encode(&self.site)));
        fold.word(&format!("hop={};", self.hop));
        fold.broken(&format!("key={};", encode(&self.key)));
        let macs = self.macs.iter().take(MAX_MACS);
        for (i, mac) in macs.enumerate() {
            let mark = if i == 0 { "mac=" } else { "," };
            fold.word(&format!("{mark}{}", URL_SAFE_NO_PAD.encode(mac)));
        }
        if self.macs.is_empty() {
            fold.word("mac=");
        }
        fold.end();
    }
}

/// Everything but letters, digits and a few harmless signs as `%XX`.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    let kept = text.floor_char_boundary(MAX_KEY_OCTETS);
    for byte in text.bytes().take(kept) {
        if byte.is_ascii_alphanumeric() || b"-._@<>$+".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            plain => plain,
        });
    }
    (decoded.len() <= MAX_KEY_OCTETS)
        .then(|| String::from_utf8(decoded).ok())
        .flatten()
}

/// Writes words of a field, with a new line where one would grow too long (RFC 5322 §2.2.3).
struct Fold<'a> {
    out: &'a mut Vec<u8>,
    column: usize,
}

impl<'a> Fold<'a> {
    fn new(name: &str, out: &'a mut Vec<u8>) -> Self {
        out.extend_from_slice(name.as_bytes());
        Self {
            out,
            column: name.len(),
        }
    }

    /// A word that stays whole.
    fn word(&mut self, word: &str) {
        if self.column + 1 + word.len() > FOLD_AT {
            self.out.extend_from_slice(b"\r\n\t");
            self.column = 8;
        } else {
            self.out.push(b' ');
            self.column += 1;
        }
        self.out.extend_from_slice(word.as_bytes());
        self.column += word.len();
    }

    /// A word of ASCII that may be broken anywhere.
    fn broken(&mut self, word: &str) {
        for piece in word.as_bytes().chunks(FOLD_AT - 8) {
            self.word(&String::from_utf8_lossy(piece));
        }
    }

    fn end(self) {
        self.out.extend_from_slice(b"\r\n");
    }
}
