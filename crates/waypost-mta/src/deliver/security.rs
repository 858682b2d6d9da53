//! How a connection is secured: what is demanded of it, and what it came to.

use std::fmt;
use std::sync::Arc;

use waypost_directory::{TlsPin, TlsPolicy};
use waypost_proto::mail::Domain;
use waypost_proto::mta_sts::Mode;

use super::Trouble;
use super::dane::Dane;
use super::hosts::{Place, Way};

/// How well the other end is known, in Postfix's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// No TLS.
    None,
    /// TLS, with whoever answers.
    Untrusted,
    /// TLS, with whom it should be.
    Verified,
}

/// Who decided what a connection must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum By {
    /// TLSA records of the host (RFC 7672).
    Dane,
    /// The MTA-STS policy of the domain (RFC 8461).
    MtaSts,
    /// Nobody: TLS is used where it is there.
    Opportunistic,
    /// The administrator, for this target.
    Target,
}

/// The version of TLS that a connection speaks; shown as the log's `tls_version=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TlsVersion {
    /// RFC 5246.
    V12,
    /// RFC 8446.
    V13,
}

/// How a connection is secured, and by whose demand; shown as the log's `tls=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Security {
    /// What it came to.
    pub level: Level,
    /// Who demanded it.
    pub by: By,
    /// What it speaks; none without TLS.
    pub version: Option<TlsVersion>,
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V12 => "TLSv1.2",
            Self::V13 => "TLSv1.3",
        })
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Untrusted => "Untrusted",
            Self::Verified => "Verified",
        })
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dane => "dane",
            Self::MtaSts => "mta-sts",
            Self::Opportunistic => "opportunistic",
            Self::Target => "target",
        })
    }
}

impl fmt::Display for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.by {
            By::Opportunistic => self.level.fmt(f),
            by => write!(f, "{}/{by}", self.level),
        }
    }
}

/// What somebody other than an administrator demands of a connection to one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Demand {
    /// Nothing: the policy of the way holds.
    Nothing,
    /// TLS, as the host has TLSA records, none of which can be used.
    Encrypted,
    /// A certificate that its TLSA records name.
    Dane(Arc<Dane>),
    /// A certificate for its name, by the policy of this domain.
    Policy(Domain, Mode),
}

/// Whether a connection is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Never,
    WhereOffered,
    Always,
}

/// What the other end must prove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Proof {
    /// Nothing.
    Any,
    /// Its certificate is one that TLSA records name.
    Dane(Arc<Dane>),
    /// It has the key with this digest.
    Pin(TlsPin),
    /// Its certificate is for its name, and authorities of the system say so.
    Roots,
}

/// What a connection must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) need: Need,
    pub(super) proof: Proof,
    by: By,
    /// Which demand it is, where it is not an administrator's.
    rule: Option<String>,
    /// What is good enough when these cannot be met.
    weaker: Option<Box<Self>>,
}

impl Terms {
    /// The terms of a connection to this place.
    pub(super) fn of(place: &Place, way: &Way) -> Result<Self, Trouble> {
        let (proof, by, rule) = match &place.demand {
            Demand::Nothing => return Self::of_way(way),
            Demand::Encrypted => {
                let rule = "the host has TLSA records, which demand TLS (DANE)";
                (Proof::Any, By::Dane, rule.to_owned())
            }
            Demand::Dane(dane) => {
                let rule = format!("the TLSA records of {} demand TLS (DANE)", dane.base);
                (Proof::Dane(Arc::clone(dane)), By::Dane, rule)
            }
            Demand::Policy(domain, _) => {
                let rule = format!(
                    "the MTA-STS policy of {domain} demands TLS and a certificate for this host"
                );
                (Proof::Roots, By::MtaSts, rule)
            }
        };
        let is_tested = matches!(&place.demand, Demand::Policy(_, Mode::Testing));
        let weaker = is_tested.then(|| Self::of_way(way).map(Box::new));
        Ok(Self {
            need: Need::Always,
            proof,
            by,
            rule: Some(rule),
            weaker: weaker.transpose()?,
        })
    }

    fn of_way(way: &Way) -> Result<Self, Trouble> {
        let (policy, pin) = way.tls();
        let (need, proof) = match policy {
            TlsPolicy::Off => (Need::Never, Proof::Any),
            TlsPolicy::Opportunistic => (Need::WhereOffered, Proof::Any),
            TlsPolicy::Required => (Need::Always, Proof::Any),
            TlsPolicy::Verified => (Need::Always, Proof::Roots),
            TlsPolicy::Pinned => match pin {
                Some(pin) => (Need::Always, Proof::Pin(pin)),
                None => return Err(Trouble::transient(7, 5, "no public key is pinned")),
            },
        };
        let by = match policy {
            TlsPolicy::Opportunistic => By::Opportunistic,
            _ => By::Target,
        };
        let without = || Self {
            need: Need::Never,
            proof: Proof::Any,
            by,
            rule: None,
            weaker: None,
        };
        Ok(Self {
            need,
            proof,
            by,
            rule: None,
            weaker: (need == Need::WhereOffered).then(|| Box::new(without())),
        })
    }

    /// What is still good enough when TLS cannot be had so; none: nothing is.
    pub(super) fn weaker(&self) -> Option<&Self> {
        self.weaker.as_deref()
    }

    /// The name that the host is asked for (SNI), where it is not its own.
    pub(super) fn server_name(&self) -> Option<&Domain> {
        match &self.proof {
            Proof::Dane(dane) => Some(&dane.base),
            _ => None,
        }
    }

    /// What a connection that holds to these terms is.
    pub(super) fn met(&self, version: Option<TlsVersion>) -> Security {
        let level = match (&self.proof, version) {
            (_, None) => Level::None,
            (Proof::Any, Some(_)) => Level::Untrusted,
            (_, Some(_)) => Level::Verified,
        };
        Security {
            level,
            by: self.by,
            version,
        }
    }

    /// What a connection that could not be had is counted as.
    pub(super) fn by(&self) -> By {
        self.by
    }

    /// The trouble, with the rule that made it one.
    pub(super) fn explain(&self, trouble: Trouble) -> Trouble {
        match &self.rule {
            Some(rule) => trouble.under(rule),
            None => trouble,
        }
    }
}
