//! Takes the names of our own servers out of what somebody outside reads.

use std::net::IpAddr;

use crate::mail::Domain;

/// Stands where a host was.
const MASKED: &str = "***";

/// The text with every host name and every IP address masked, but for the domain that the sender
/// wrote himself.
///
/// What only looks like a host name is masked too: a report that says less is still a report. A
/// name without a dot cannot be told from a word, and stays.
#[must_use]
pub fn mask(text: &str, known: &Domain) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_host_char(c)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        if behind.starts_with('@') || !names_host(word, known) {
            masked.push_str(word);
        } else {
            masked.push_str(MASKED);
        }
        let next = behind.chars().next();
        masked.extend(next);
        rest = behind
            .get(next.map_or(0, char::len_utf8)..)
            .unwrap_or_default();
    }
    masked
}

fn is_host_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':')
}

fn names_host(word: &str, known: &Domain) -> bool {
    let word = word.trim_matches(|c| matches!(c, '.' | ':' | '-'));
    let bare = match word.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => word,
    };
    let is_address = |text: &str| {
        let text = text.strip_prefix("IPv6:").unwrap_or(text);
        text.parse::<IpAddr>().is_ok()
    };
    is_address(word) || is_address(bare) || bare.split(':').any(|name| is_name(name, known))
}

/// At least two labels, the last of which is no number: `5.1.1` is none.
fn is_name(word: &str, known: &Domain) -> bool {
    let Some((_, last)) = word.rsplit_once('.') else {
        return false;
    };
    let top = last.len() > 1 && last.chars().any(char::is_alphabetic);
    top && !word.eq_ignore_ascii_case(known.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_hosts_and_addresses_and_nothing_else() {
        let known = Domain::parse("example.com").unwrap();
        for (text, masked) in [
            (
                "550 5.1.1 <a@example.com>: User unknown",
                "550 5.1.1 <a@example.com>: User unknown",
            ),
            (
                "550 5.1.1 <john.doe@old.example.com>: not at ex7.corp.example.com.",
                "550 5.1.1 <john.doe@***>: not at ***",
            ),
            (
                "host old.example.com[10.0.0.7]:25 said: 451 4.3.0 later",
                "host ***[***]:25 said: 451 4.3.0 later",
            ),
            ("connect to 10.0.0.7:25: refused", "connect to *** refused"),
            ("[IPv6:2001:db8::1] and 2001:db8::7", "[***] and ***"),
            ("at Example.COM, 10.5 MB", "at Example.COM, 10.5 MB"),
            ("grüße.example is one", "*** is one"),
            ("", ""),
        ] {
            assert_eq!(mask(text, &known), masked, "{text}");
        }
    }
}
