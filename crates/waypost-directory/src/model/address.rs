//! Addresses of users, shared mailboxes and groups.

use std::fmt;

use thiserror::Error;
use waypost_proto::mail::{Domain, LocalPart, Mailbox, SyntaxError};

/// At which names of its domain an address is valid.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Names {
    /// `@*`: the main name and all aliases, later ones too.
    All,
    /// One of them.
    One(Domain),
}

/// An address of an object: `jdoe@example.com`, or `jdoe@*` for all names of the domain.
///
/// The local part is kept without letter case, as served domains compare it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    local: LocalPart,
    names: Names,
}

/// What is wrong with an address that somebody wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AddressError {
    /// An address literal is no name of a served domain.
    #[error("an address literal is not a name of a domain")]
    Literal,
    /// What is wrong with it as an address.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
}

impl Address {
    /// Takes the parts, without letter case in the local part.
    ///
    /// # Errors
    ///
    /// [`SyntaxError::LocalPartTooLong`] when the lower-case form needs too many octets.
    pub fn new(local: &LocalPart, names: Names) -> Result<Self, SyntaxError> {
        Ok(Self {
            local: fold(local)?,
            names,
        })
    }

    /// Reads `local-part@domain` or `local-part@*`.
    ///
    /// # Errors
    ///
    /// [`AddressError`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if let Some(local) = text.strip_suffix("@*") {
            return Ok(Self::new(&LocalPart::parse(local)?, Names::All)?);
        }
        let mailbox = Mailbox::parse(text)?;
        if mailbox.domain.address().is_some() {
            return Err(AddressError::Literal);
        }
        Ok(Self::new(&mailbox.local, Names::One(mailbox.domain))?)
    }

    /// Before the `@`, without letter case.
    #[must_use]
    pub fn local(&self) -> &LocalPart {
        &self.local
    }

    /// At which names it is valid.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The address as other servers see it: at the main name, when valid at all names.
    #[must_use]
    pub fn mailbox(&self, main: &Domain) -> Mailbox {
        let domain = match &self.names {
            Names::All => main,
            Names::One(name) => name,
        };
        Mailbox::new(self.local.clone(), domain.clone())
    }
}

fn fold(local: &LocalPart) -> Result<LocalPart, SyntaxError> {
    let folded = local.folded();
    if folded == local.as_str() {
        return Ok(local.clone());
    }
    LocalPart::parse(&local.to_string().to_lowercase())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.names {
            Names::All => write!(f, "{}@*", self.local),
            Names::One(name) => write!(f, "{}@{name}", self.local),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints_addresses_without_letter_case() {
        for (text, printed) in [
            ("John.Doe@*", "john.doe@*"),
            ("JDoe@Example.com", "jdoe@example.com"),
            ("\"John Doe\"@*", "\"john doe\"@*"),
            ("JÜRGEN@example.com", "jürgen@example.com"),
        ] {
            assert_eq!(Address::parse(text).unwrap().to_string(), printed);
        }
    }

    #[test]
    fn refuses_what_is_no_address_of_a_domain() {
        for (text, error) in [
            ("jdoe", AddressError::Syntax(SyntaxError::NoAt)),
            ("@*", AddressError::Syntax(SyntaxError::LocalPart)),
            ("*@*x", AddressError::Syntax(SyntaxError::Domain)),
            ("jdoe@[192.0.2.1]", AddressError::Literal),
        ] {
            assert_eq!(Address::parse(text), Err(error), "{text}");
        }
    }
}
