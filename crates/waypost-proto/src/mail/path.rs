//! The arguments of MAIL and RCPT (RFC 5321 §4.1.1.2, §4.1.1.3).

use std::fmt;

use super::{Domain, Mailbox, SyntaxError};

/// Where a report about the message goes; null for messages that never cause one (RFC 5321 §4.5.5).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ReversePath {
    /// `<>`
    Null,
    /// `<local-part@domain>`
    Mailbox(Mailbox),
}

impl ReversePath {
    /// Reads the path with its angle brackets; a source route is read and ignored (§4.1.2, C).
    ///
    /// # Errors
    ///
    /// [`SyntaxError::Brackets`], or what is wrong with the mailbox.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        match inside(text)? {
            "" => Ok(Self::Null),
            path => Mailbox::parse(path).map(Self::Mailbox),
        }
    }

    /// The mailbox; none for the null path.
    #[must_use]
    pub fn mailbox(&self) -> Option<&Mailbox> {
        match self {
            Self::Null => None,
            Self::Mailbox(mailbox) => Some(mailbox),
        }
    }
}

impl fmt::Display for ReversePath {
    /// With its angle brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("<>"),
            Self::Mailbox(mailbox) => write!(f, "<{mailbox}>"),
        }
    }
}

/// A recipient as RCPT names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ForwardPath {
    /// `<postmaster>` without a domain, in any letter case (RFC 5321 §4.1.1.3).
    Postmaster,
    /// `<local-part@domain>`
    Mailbox(Mailbox),
}

impl ForwardPath {
    /// Reads the path with its angle brackets; a source route is read and ignored (§4.1.2, C).
    ///
    /// # Errors
    ///
    /// [`SyntaxError::Brackets`], or what is wrong with the mailbox.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let path = inside(text)?;
        if path.eq_ignore_ascii_case("postmaster") {
            return Ok(Self::Postmaster);
        }
        Mailbox::parse(path).map(Self::Mailbox)
    }
}

impl fmt::Display for ForwardPath {
    /// With its angle brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postmaster => f.write_str("<postmaster>"),
            Self::Mailbox(mailbox) => write!(f, "<{mailbox}>"),
        }
    }
}

/// What stands between the brackets, without a source route.
fn inside(text: &str) -> Result<&str, SyntaxError> {
    let mut path = text
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'))
        .ok_or(SyntaxError::Brackets)?;
    // RFC 5321 §4.1.2: `A-d-l = At-domain *( "," At-domain )`, and `:` before the mailbox.
    while let Some(route) = path.strip_prefix('@') {
        let (domain, rest) = at_domain(route).ok_or(SyntaxError::Domain)?;
        Domain::parse(domain)?;
        path = match rest.strip_prefix(',') {
            Some(next) if next.starts_with('@') => next,
            Some(_) => return Err(SyntaxError::Domain),
            None => {
                return rest
                    .strip_prefix(':')
                    .filter(|mailbox| !mailbox.is_empty() && !mailbox.starts_with('@'))
                    .ok_or(SyntaxError::NoAt);
            }
        };
    }
    Ok(path)
}

/// Splits behind a domain of a source route; an address literal may hold colons.
fn at_domain(route: &str) -> Option<(&str, &str)> {
    let end = match route.starts_with('[') {
        true => route.find(']')? + 1,
        false => route.find([',', ':']).unwrap_or(route.len()),
    };
    route.split_at_checked(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_paths() {
        assert_eq!(ReversePath::parse("<>"), Ok(ReversePath::Null));
        assert_eq!(
            ForwardPath::parse("<PostMaster>"),
            Ok(ForwardPath::Postmaster)
        );
        let routed = ForwardPath::parse("<@a.example,@b.example:jdoe@example.com>").unwrap();
        assert_eq!(routed.to_string(), "<jdoe@example.com>");
        let routed = ReversePath::parse("<@[IPv6:::1]:\"a:b\"@example.com>").unwrap();
        assert_eq!(routed.to_string(), "<\"a:b\"@example.com>");
    }

    #[test]
    fn refuses_paths_without_brackets_or_mailbox() {
        assert_eq!(ReversePath::parse("a@b"), Err(SyntaxError::Brackets));
        assert_eq!(ForwardPath::parse("<>"), Err(SyntaxError::Empty));
        for (text, error) in [
            ("<@a.example>", SyntaxError::NoAt),
            ("<@a.example:>", SyntaxError::NoAt),
            ("<@a.example:@b.example:c@d>", SyntaxError::NoAt),
            ("<@a.example,b.example:c@d>", SyntaxError::Domain),
            ("<@a.example,:c@d>", SyntaxError::Domain),
            ("<@:c@d>", SyntaxError::Domain),
            ("<@[IPv6:::1:c@d>", SyntaxError::Domain),
            ("<@[x]:c@d>", SyntaxError::Domain),
            ("<@@>", SyntaxError::Domain),
            ("<<a@b>>", SyntaxError::LocalPart),
        ] {
            assert_eq!(ForwardPath::parse(text), Err(error), "{text:?}");
            assert_eq!(ReversePath::parse(text), Err(error), "{text:?}");
        }
    }
}
