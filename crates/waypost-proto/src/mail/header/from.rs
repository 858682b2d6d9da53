//! The addresses of a From field (RFC 5322 §3.4, with the obsolete forms of §4.4).

use crate::mail::Mailbox;

/// Deepest nesting of comments that is followed.
const MAX_COMMENT_DEPTH: u32 = 32;

/// One address being read.
#[derive(Default)]
struct Entry {
    /// Outside angle brackets: a display name, or a bare address.
    bare: Vec<u8>,
    /// Inside angle brackets.
    angle: Option<Vec<u8>>,
}

impl Entry {
    /// Where the next octet belongs.
    fn text(&mut self, in_angle: bool) -> &mut Vec<u8> {
        match &mut self.angle {
            Some(angle) if in_angle => angle,
            _ => &mut self.bare,
        }
    }

    /// The address: none when there is nothing, an error when it cannot be read.
    fn mailbox(self) -> Option<Option<Mailbox>> {
        let text = match self.angle {
            Some(angle) => without_route(angle),
            None if self.bare.trim_ascii().is_empty() => return Some(None),
            None => self.bare,
        };
        let text = std::str::from_utf8(&text).ok()?;
        Mailbox::parse(text.trim()).ok().map(Some)
    }
}

/// Drops an obsolete source route (RFC 5322 §4.4).
fn without_route(angle: Vec<u8>) -> Vec<u8> {
    if angle.trim_ascii_start().first() != Some(&b'@') {
        return angle;
    }
    match memchr::memchr(b':', &angle) {
        Some(colon) => angle.get(colon + 1..).unwrap_or_default().to_vec(),
        None => angle,
    }
}

/// Every mailbox of an address list, members of groups included; none when it cannot be read.
pub(super) fn mailboxes(value: &[u8]) -> Option<Vec<Mailbox>> {
    let mut found = Vec::new();
    let mut entry = Entry::default();
    let mut in_angle = false;
    let mut bytes = value.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' | b'\n' => {}
            b'"' => quoted(&mut bytes, entry.text(in_angle))?,
            b'(' => comment(&mut bytes)?,
            b'<' if entry.angle.is_some() => return None,
            b'<' => {
                entry.angle = Some(Vec::new());
                in_angle = true;
            }
            b'>' if in_angle => in_angle = false,
            b'>' => return None,
            // The name of a group ends: the members follow.
            b':' if !in_angle => entry = Entry::default(),
            b',' | b';' if !in_angle => found.extend(std::mem::take(&mut entry).mailbox()?),
            byte => entry.text(in_angle).push(byte),
        }
    }
    if in_angle {
        return None;
    }
    found.extend(entry.mailbox()?);
    Some(found)
}

/// Copies a quoted string with its quotes; line ends of folding fall out.
fn quoted(bytes: &mut impl Iterator<Item = u8>, text: &mut Vec<u8>) -> Option<()> {
    text.push(b'"');
    loop {
        match bytes.next()? {
            b'\r' | b'\n' => {}
            b'\\' => text.extend([b'\\', bytes.next()?]),
            b'"' => break,
            byte => text.push(byte),
        }
    }
    text.push(b'"');
    Some(())
}

/// Passes over a comment, nested ones included.
fn comment(bytes: &mut impl Iterator<Item = u8>) -> Option<()> {
    let mut depth = 1;
    while depth > 0 {
        match bytes.next()? {
            b'\\' => {
                bytes.next()?;
            }
            b'(' if depth == MAX_COMMENT_DEPTH => return None,
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
    }
    Some(())
}
