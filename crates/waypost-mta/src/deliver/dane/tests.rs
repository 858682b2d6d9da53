use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::crypto::aws_lc_rs::default_provider;

use super::*;

const NAME: &str = "mx.example.net";

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate, and that of its authority.
fn chain(authority: &Authority, name: &str) -> [CertificateDer<'static>; 2] {
    let params = CertificateParams::new([name.to_owned()]).unwrap();
    let key = KeyPair::generate().unwrap();
    let signed = params.signed_by(&key, authority).unwrap();
    [signed.der().clone(), authority.der().clone()]
}

/// What a record of this kind says of a certificate.
fn named(
    (usage, selector, matching): (Usage, Selector, Matching),
    certificate: &CertificateDer<'_>,
) -> Association {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).unwrap();
    let selected = match selector {
        Selector::Certificate => certificate.as_ref(),
        Selector::PublicKey => parsed.public_key().raw,
    };
    let hashed = |algorithm| digest::digest(algorithm, selected).as_ref().to_vec();
    Association {
        usage,
        selector,
        matching,
        data: match matching {
            Matching::Full => selected.to_vec(),
            Matching::Sha256 => hashed(&digest::SHA256),
            Matching::Sha512 => hashed(&digest::SHA512),
        },
    }
}

fn check(association: Association, shown: &[CertificateDer<'_>], years: u64) -> bool {
    let [end_entity, others @ ..] = shown else {
        return false;
    };
    let name = Domain::parse(NAME).unwrap();
    let dane = Dane {
        base: name.clone(),
        names: vec![Domain::parse("other.example.net").unwrap(), name],
        associations: vec![association],
    };
    let now = Duration::from_secs(years * 365 * 24 * 60 * 60);
    let now = UnixTime::since_unix_epoch(now);
    let provider = default_provider();
    let algorithms = &provider.signature_verification_algorithms;
    dane.check(Shown { end_entity, others }, now, algorithms)
        .is_ok()
}

fn kinds(usage: Usage) -> impl Iterator<Item = (Usage, Selector, Matching)> {
    [Selector::Certificate, Selector::PublicKey]
        .into_iter()
        .flat_map(move |selector| {
            let all = [Matching::Full, Matching::Sha256, Matching::Sha512];
            all.into_iter()
                .map(move |matching| (usage, selector, matching))
        })
}

#[test]
fn a_certificate_is_known_by_every_kind_of_record_whatever_its_name_and_time() {
    let authority = authority();
    for kind in kinds(Usage::EndEntity) {
        let (ours, other) = (chain(&authority, "elsewhere.test"), chain(&authority, NAME));
        assert!(check(named(kind, &ours[0]), &ours, 50), "{kind:?}");
        // Certificates of rcgen hold until the year 4096.
        assert!(check(named(kind, &ours[0]), &ours, 2200), "{kind:?}");
        assert!(!check(named(kind, &ours[0]), &other, 50), "{kind:?}");
        // The authority is not the host.
        assert!(!check(named(kind, &ours[1]), &ours, 50), "{kind:?}");
    }
}

#[test]
fn an_authority_is_known_by_every_kind_of_record_and_vouches_for_name_and_time() {
    let (ours, others) = (authority(), authority());
    for kind in kinds(Usage::TrustAnchor) {
        let good = chain(&ours, NAME);
        let record = || named(kind, &good[1]);
        assert!(check(record(), &good, 50), "{kind:?}");
        assert!(!check(record(), &good, 2200), "{kind:?}");
        assert!(
            !check(record(), &chain(&ours, "elsewhere.test"), 50),
            "{kind:?}"
        );
        assert!(!check(record(), &chain(&others, NAME), 50), "{kind:?}");
        // Showing the authority is not being signed by it.
        let borrowed = [chain(&others, NAME)[0].clone(), good[1].clone()];
        assert!(!check(record(), &borrowed, 50), "{kind:?}");
    }
}

#[test]
fn an_authority_that_is_itself_the_record_need_not_be_shown() {
    let authority = authority();
    let chain = chain(&authority, NAME);
    let kind = (Usage::TrustAnchor, Selector::Certificate, Matching::Full);
    assert!(check(named(kind, &chain[1]), &chain[..1], 50));
    let digest = (Usage::TrustAnchor, Selector::Certificate, Matching::Sha256);
    assert!(!check(named(digest, &chain[1]), &chain[..1], 50));
}
