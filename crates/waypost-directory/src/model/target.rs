//! Targets: other mail servers that mail is handed to.

use std::fmt;

use waypost_proto::mail::Domain;
use waypost_proto::net::Network;

use super::Host;
use crate::password::PasswordHash;
use crate::secret::Secret;

/// Connections that a target gets at most, when it does not say.
const DEFAULT_CONNECTIONS: u32 = 20;
/// The port of mail exchange.
const SMTP_PORT: u16 = 25;

/// How a connection to a target is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TlsPolicy {
    /// Never.
    Off,
    /// When offered, with any certificate; in plain text otherwise.
    #[default]
    Opportunistic,
    /// Always, with any certificate.
    Required,
    /// Always, with a certificate for the host's name from a trusted authority.
    Verified,
    /// Always, with the public key whose digest is given.
    Pinned,
}

impl TlsPolicy {
    /// The word of the site file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Opportunistic => "opportunistic",
            Self::Required => "required",
            Self::Verified => "verified",
            Self::Pinned => "pinned",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Off,
            Self::Opportunistic,
            Self::Required,
            Self::Verified,
            Self::Pinned,
        ]
        .into_iter()
        .find(|policy| policy.as_str() == text)
    }
}

/// The SHA-256 digest of a certificate's public key (SubjectPublicKeyInfo, RFC 7469 §2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TlsPin(pub [u8; 32]);

impl TlsPin {
    /// Reads 64 hexadecimal digits, with or without colons between the octets.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: Vec<u8> = text
            .chars()
            .filter(|c| *c != ':')
            .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
            .collect::<Option<_>>()?;
        if digits.len() != 64 {
            return None;
        }
        let mut pin = [0; 32];
        for (octet, pair) in pin.iter_mut().zip(digits.chunks_exact(2)) {
            *octet = pair[0] << 4 | pair[1];
        }
        Some(Self(pin))
    }
}

impl fmt::Display for TlsPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// The outgoing address of a third-party user, as this target wants it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum RecipientForm {
    /// The local part at another domain.
    AtDomain(Domain),
    /// The user's default address.
    Default,
    /// As received.
    #[default]
    Original,
}

impl RecipientForm {
    /// Reads `original`, `default` or `@domain`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "default" => Some(Self::Default),
            "original" => Some(Self::Original),
            other => Domain::parse(other.strip_prefix('@')?)
                .ok()
                .map(Self::AtDomain),
        }
    }
}

impl fmt::Display for RecipientForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtDomain(domain) => write!(f, "@{domain}"),
            Self::Default => f.write_str("default"),
            Self::Original => f.write_str("original"),
        }
    }
}

/// Another mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetRecord {
    /// How domains, users and commands name it; never changes.
    pub name: String,
    /// Where it is.
    pub host: Host,
    /// Never 0.
    pub port: u16,
    /// Where its mail comes from, if not from `host`.
    pub sources: Vec<Network>,
    /// How the connection is secured.
    pub tls: TlsPolicy,
    /// With [`TlsPolicy::Pinned`].
    pub tls_pin: Option<TlsPin>,
    /// Empty: no AUTH.
    pub username: String,
    /// Empty: no AUTH.
    pub password: Secret,
    /// Most connections at a time.
    pub connections: u32,
    /// How it wants third-party users addressed.
    pub recipient: RecipientForm,
    /// Whether mail goes to the smart host when the target does not take it.
    pub smart_host_on_error: bool,
    /// Whether senders wait for its own answer, instead of ours.
    pub cut_through: bool,
    /// The key of the certificate that it shows as a client; it is known by it.
    pub client_pin: Option<TlsPin>,
    /// The name that it logs in with here; empty: it does not.
    pub client_login: String,
    /// With a name.
    pub client_password: Option<PasswordHash>,
}

impl TargetRecord {
    /// A target with defaults.
    #[must_use]
    pub fn new(name: impl Into<String>, host: Host) -> Self {
        Self {
            name: name.into(),
            host,
            port: SMTP_PORT,
            sources: Vec::new(),
            tls: TlsPolicy::default(),
            tls_pin: None,
            username: String::new(),
            password: Secret::default(),
            connections: DEFAULT_CONNECTIONS,
            recipient: RecipientForm::default(),
            smart_host_on_error: false,
            cut_through: true,
            client_pin: None,
            client_login: String::new(),
            client_password: None,
        }
    }
}
