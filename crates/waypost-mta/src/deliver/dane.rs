//! Whether a certificate is one that TLSA records name (RFC 6698 §2.1, RFC 7671, RFC 7672 §3).

#[cfg(test)]
mod tests;

use aws_lc_rs::digest;
use rustls::RootCertStore;
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use thiserror::Error;
use waypost_proto::dane::{Association, Matching, Selector, Usage};
use waypost_proto::mail::Domain;

/// What TLSA records demand of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dane {
    /// The name of the host under which the records are.
    pub(super) base: Domain,
    /// The names that a certificate may be for, where that counts (RFC 7672 §3.2.2).
    pub(super) names: Vec<Domain>,
    /// At least one.
    pub(super) associations: Vec<Association>,
}

/// Why a certificate does not do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum Mismatch {
    #[error("the certificate matches no TLSA record of {0}; its postmaster has to mend either")]
    Nothing(Domain),
    #[error("an authority in the TLSA records of {0} is there, but the certificate fails: {1}")]
    Chain(Domain, String),
}

/// What a host showed: its own certificate first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) end_entity: &'a CertificateDer<'a>,
    pub(super) others: &'a [CertificateDer<'a>],
}

impl Dane {
    /// Whether what a host showed is what its records name.
    ///
    /// # Errors
    ///
    /// Why not, in words.
    pub(super) fn check(
        &self,
        shown: Shown<'_>,
        now: UnixTime,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> Result<(), Mismatch> {
        let of = |usage| self.associations.iter().filter(move |a| a.usage == usage);
        // RFC 7671 §5.1: neither its names nor its times count.
        if of(Usage::EndEntity).any(|association| matches(association, shown.end_entity)) {
            return Ok(());
        }
        let mut why = Mismatch::Nothing(self.base.clone());
        for association in of(Usage::TrustAnchor) {
            for anchor in anchors(association, shown.others) {
                match self.signed_by(anchor, shown, now, algorithms) {
                    Ok(()) => return Ok(()),
                    Err(error) => {
                        why = Mismatch::Chain(self.base.clone(), error.to_string());
                    }
                }
            }
        }
        Err(why)
    }

    fn signed_by(
        &self,
        anchor: CertificateDer<'_>,
        shown: Shown<'_>,
        now: UnixTime,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> Result<(), rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add(anchor.into_owned())?;
        let certificate = ParsedCertificate::try_from(shown.end_entity)?;
        let others = shown.others;
        let all = algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&certificate, &roots, others, now, all)?;
        let mut result = Err(rustls::CertificateError::NotValidForName.into());
        for name in &self.names {
            if let Ok(name) = ServerName::try_from(name.as_str()) {
                result = verify_server_name(&certificate, &name);
                if result.is_ok() {
                    break;
                }
            }
        }
        result
    }
}

/// The authorities that a record names: among what the host showed, or the record itself.
fn anchors<'a>(
    association: &'a Association,
    others: &'a [CertificateDer<'a>],
) -> impl Iterator<Item = CertificateDer<'a>> {
    let (selector, matching) = (association.selector, association.matching);
    let itself = (selector, matching) == (Selector::Certificate, Matching::Full);
    let itself = itself.then(|| CertificateDer::from(association.data.as_slice()));
    let shown = others.iter().filter(|other| matches(association, other));
    itself.into_iter().chain(shown.cloned())
}

fn matches(association: &Association, certificate: &CertificateDer<'_>) -> bool {
    let parsed;
    let selected: &[u8] = match association.selector {
        Selector::Certificate => certificate,
        Selector::PublicKey => match x509_parser::parse_x509_certificate(certificate) {
            Ok((_, certificate)) => {
                parsed = certificate;
                parsed.public_key().raw
            }
            Err(_) => return false,
        },
    };
    let algorithm = match association.matching {
        Matching::Full => return association.data == selected,
        Matching::Sha256 => &digest::SHA256,
        Matching::Sha512 => &digest::SHA512,
    };
    digest::digest(algorithm, selected).as_ref() == association.data
}
