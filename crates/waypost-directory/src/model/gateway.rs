//! Gateway domains: domains that live wholly on a target.

use std::path::PathBuf;

use waypost_proto::mail::Domain;
use waypost_proto::minger;

use super::{Host, Relay};
use crate::secret::Secret;

/// How a recipient in a gateway domain is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum GatewayVerify {
    /// The target is asked with RCPT.
    #[default]
    Callout,
    /// A file names every address.
    List,
    /// A server is asked over Minger.
    Minger,
    /// Not at all.
    None,
}

impl GatewayVerify {
    /// The word of the site file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Callout => "callout",
            Self::List => "list",
            Self::Minger => "minger",
            Self::None => "none",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Callout, Self::List, Self::Minger, Self::None]
            .into_iter()
            .find(|verify| verify.as_str() == text)
    }
}

/// What becomes of a recipient when who verifies it cannot be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Unreachable {
    /// It is accepted.
    Accept,
    /// The sender is told to try later.
    #[default]
    Later,
}

impl Unreachable {
    /// The word of the site file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Later => "later",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "accept" => Some(Self::Accept),
            "later" => Some(Self::Later),
            _ => None,
        }
    }
}

/// A domain that lives wholly on a target: this site only verifies and passes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayRecord {
    /// Its name; no served domain's; never changes.
    pub domain: Domain,
    /// Where it lives.
    pub target: Relay,
    /// How its recipients are verified.
    pub verify: GatewayVerify,
    /// Who is asked over Minger; missing: the target's host.
    pub minger_host: Option<Host>,
    /// Never 0.
    pub minger_port: u16,
    /// What that server wants from us; empty: it is asked anonymously.
    pub minger_secret: Secret,
    /// The file of addresses, with [`GatewayVerify::List`].
    pub list: Option<PathBuf>,
    /// "Minger verification also asks Domain Sharing": all peers of the site.
    pub sharing_too: bool,
    /// What happens when who verifies cannot be reached.
    pub unreachable: Unreachable,
}

impl GatewayRecord {
    /// A gateway domain with defaults.
    #[must_use]
    pub fn new(domain: Domain, target: Relay) -> Self {
        Self {
            domain,
            target,
            verify: GatewayVerify::default(),
            minger_host: None,
            minger_port: minger::PORT,
            minger_secret: Secret::default(),
            list: None,
            sharing_too: true,
            unreachable: Unreachable::default(),
        }
    }
}
