//! Enhanced status codes (RFC 3463).

use std::fmt;

/// `class.subject.detail`, such as 5.1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EnhancedStatus {
    /// 2 success, 4 persistent transient failure, 5 permanent failure.
    pub class: u8,
    /// What it is about: 1 addressing, 2 mailbox, 3 system, 4 network, 5 protocol, 6 content, 7 policy.
    pub subject: u16,
    /// The detail within the subject.
    pub detail: u16,
}

impl EnhancedStatus {
    /// The code `class.subject.detail`.
    #[must_use]
    pub const fn new(class: u8, subject: u16, detail: u16) -> Self {
        Self {
            class,
            subject,
            detail,
        }
    }

    /// Reads a code at the start of a reply text; also the rest of the text behind it.
    #[must_use]
    pub fn split(text: &str) -> Option<(Self, &str)> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let mut parts = word.split('.');
        let class = match parts.next()? {
            "2" => 2,
            "4" => 4,
            "5" => 5,
            _ => return None,
        };
        let subject = number(parts.next()?)?;
        let detail = number(parts.next()?)?;
        parts.next().is_none().then_some((
            Self {
                class,
                subject,
                detail,
            },
            rest,
        ))
    }
}

/// One to three digits (RFC 3463 §2).
fn number(text: &str) -> Option<u16> {
    let digits = (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

impl fmt::Display for EnhancedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_codes_from_text() {
        let unknown = EnhancedStatus::new(5, 1, 1);
        assert_eq!(
            EnhancedStatus::split("5.1.1 User unknown"),
            Some((unknown, "User unknown"))
        );
        assert_eq!(EnhancedStatus::split("5.1.1"), Some((unknown, "")));
        for text in [
            "",
            "3.1.1 x",
            "5.1 x",
            "5.1.1.1 x",
            "5.1.1234 x",
            "5..1 x",
            "User unknown",
        ] {
            assert_eq!(EnhancedStatus::split(text), None, "{text:?}");
        }
    }
}
