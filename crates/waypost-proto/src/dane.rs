//! What TLSA records of a mail host demand of the connection to it (RFC 6698, RFC 7671, RFC 7672).
//!
//! Only what is said here: how the records are looked up, and how a certificate is compared with
//! them, is for those who have a resolver and a digest.

#[cfg(test)]
mod tests;

use crate::mail::Domain;

/// What DNSSEC says of an answer (RFC 4033 §5). What is bogus is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dnssec {
    /// Nobody vouches for it.
    Insecure,
    /// It is what the zone's administrator has signed.
    Secure,
}

/// A TLSA record as it was sent (RFC 6698 §2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Who is named: PKIX-TA 0, PKIX-EE 1, DANE-TA 2, DANE-EE 3.
    pub usage: u8,
    /// Which part of the certificate: all of it 0, the public key 1.
    pub selector: u8,
    /// How that is written: as it is 0, as SHA-256 1, as SHA-512 2.
    pub matching: u8,
    /// The part of the certificate, or its digest.
    pub data: Vec<u8>,
}

/// Which certificate of the chain a record speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// An authority that has signed the host's certificate: DANE-TA(2).
    TrustAnchor,
    /// The host's own certificate, whatever names and times it has: DANE-EE(3).
    EndEntity,
}

/// Which part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selector {
    /// The whole certificate.
    Certificate,
    /// Its public key with its algorithm.
    PublicKey,
}

/// How that part is written; a stronger digest is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Matching {
    /// As it is.
    Full,
    /// As its SHA-256.
    Sha256,
    /// As its SHA-512.
    Sha512,
}

/// A record that a mail server can use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Association {
    /// Which certificate.
    pub usage: Usage,
    /// Which part of it.
    pub selector: Selector,
    /// How it is written.
    pub matching: Matching,
    /// What it must be.
    pub data: Vec<u8>,
}

impl Record {
    /// The record, if a mail server can use it: public authorities, PKIX-TA and PKIX-EE, mean
    /// nothing between mail servers (RFC 7672 §3.1.3).
    #[must_use]
    pub fn usable(&self) -> Option<Association> {
        let usage = match self.usage {
            2 => Usage::TrustAnchor,
            3 => Usage::EndEntity,
            _ => return None,
        };
        let selector = match self.selector {
            0 => Selector::Certificate,
            1 => Selector::PublicKey,
            _ => return None,
        };
        let (matching, is_whole) = match self.matching {
            0 => (Matching::Full, !self.data.is_empty()),
            1 => (Matching::Sha256, self.data.len() == 32),
            2 => (Matching::Sha512, self.data.len() == 64),
            _ => return None,
        };
        is_whole.then(|| Association {
            usage,
            selector,
            matching,
            data: self.data.clone(),
        })
    }
}

/// What was found at the TLSA name of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing could be learned: DNSSEC says that the answer is bogus, or nobody answers.
    Failed(String),
    /// The host's address or the answer itself is not signed, which says nothing.
    Insecure,
    /// There are no such records.
    Missing,
    /// Signed records.
    Secure {
        /// The name of the host under which they are, for SNI and as a name of its certificate.
        base: Domain,
        /// The records.
        records: Vec<Record>,
    },
}

/// What a host that is found by MX must prove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Demand {
    /// Nothing, by DANE.
    Nothing,
    /// It must speak TLS; there is nothing that its certificate could be compared with.
    Encrypted,
    /// It must show one of these, and speak TLS.
    Proven {
        /// The name of the host under which the records are.
        base: Domain,
        /// At least one.
        associations: Vec<Association>,
    },
    /// It cannot be used now, as nobody knows what it must prove.
    Unknown(String),
}

/// What a host must prove, by what DNSSEC says of the MX records that lead there and by what was
/// found at its TLSA name (RFC 7672 §2.2).
#[must_use]
pub fn demand(mx: Dnssec, found: Found) -> Demand {
    match (mx, found) {
        (Dnssec::Insecure, _) | (_, Found::Insecure | Found::Missing) => Demand::Nothing,
        (_, Found::Failed(why)) => Demand::Unknown(why),
        (_, Found::Secure { base, records }) => {
            let usable: Vec<_> = records.iter().filter_map(Record::usable).collect();
            let associations = strongest(&usable);
            if associations.is_empty() {
                Demand::Encrypted
            } else {
                Demand::Proven { base, associations }
            }
        }
    }
}

/// Without those that say the same by a weaker digest (RFC 7671 §9).
fn strongest(all: &[Association]) -> Vec<Association> {
    let kind = |one: &Association| (one.usage, one.selector);
    let is_weak = |one: &Association| {
        let stronger = |other: &&Association| other.matching > one.matching;
        let alike = all.iter().filter(|other| kind(other) == kind(one));
        one.matching != Matching::Full && alike.clone().any(|other| stronger(&other))
    };
    let kept = all.iter().filter(|one| !is_weak(one));
    kept.cloned().collect()
}
