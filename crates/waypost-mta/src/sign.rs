//! DKIM keys, and the signatures that they make (RFC 6376 §5, RFC 8463).
//!
//! A domain may have several keys, and every one of them signs: an Ed25519 key beside an RSA key,
//! or the next key beside the present one.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use thiserror::Error;
use waypost_proto::mail::Domain;
use waypost_proto::mail::dkim::{Algorithm, Canonical, Selector, Signer};

/// Shorter RSA keys are no good (RFC 8301 §3.2).
const MIN_RSA_OCTETS: usize = 1024 / 8;
/// Letters of a line of PEM (RFC 7468 §2).
const PEM_COLUMNS: usize = 64;

/// Why a key cannot be used, or made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// No private key in PEM.
    #[error("holds no private key; it must be PEM (PKCS#8 or PKCS#1), unencrypted")]
    NoKey,
    /// A key of another kind, or a damaged one.
    #[error("holds a key that cannot sign: {0}; use RSA with 2048 bits, or Ed25519")]
    Unusable(&'static str),
    /// The system gave no randomness.
    #[error("no key could be made; try again")]
    NotMade,
}

/// A private key of a domain.
pub struct SigningKey {
    selector: Selector,
    pair: Pair,
    public: Vec<u8>,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.selector)
    }
}

impl SigningKey {
    /// Reads a private key: RSA in PKCS#8 or PKCS#1, Ed25519 in PKCS#8.
    ///
    /// # Errors
    ///
    /// [`KeyError`]: what is wrong with it, to be said behind the name of its file.
    pub fn from_pem(selector: Selector, pem: &str) -> Result<Self, KeyError> {
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| KeyError::NoKey)?;
        let pair = match &key {
            PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(key) => {
                let key = key.secret_pkcs8_der();
                if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(key) {
                    return Self::of(selector, Pair::Ed25519(pair));
                }
                RsaKeyPair::from_pkcs8(key)
            }
            _ => return Err(KeyError::Unusable("it is of another kind")),
        };
        match pair {
            Ok(pair) if pair.public_modulus_len() < MIN_RSA_OCTETS => {
                Err(KeyError::Unusable("it is shorter than 1024 bits"))
            }
            Ok(pair) => Self::of(selector, Pair::Rsa(pair)),
            Err(_) => Err(KeyError::Unusable("it is of another kind, or damaged")),
        }
    }

    /// Makes a key; with it, its PEM (PKCS#8), which is secret.
    ///
    /// # Errors
    ///
    /// [`KeyError::NotMade`] where the system has no randomness.
    pub fn make(selector: Selector, algorithm: Algorithm) -> Result<(Self, String), KeyError> {
        let not_made = |_| KeyError::NotMade;
        let (pair, secret): (_, Pkcs8V1Der<'_>) = match algorithm {
            Algorithm::Rsa => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(not_made)?;
                let secret = pair.as_der().map_err(not_made)?;
                (Pair::Rsa(pair), secret)
            }
            Algorithm::Ed25519 => {
                let pair = Ed25519KeyPair::generate().map_err(not_made)?;
                let secret = pair.as_der().map_err(not_made)?;
                (Pair::Ed25519(pair), secret)
            }
        };
        let pem = pem(secret.as_ref());
        Ok((Self::of(selector, pair)?, pem))
    }

    fn of(selector: Selector, pair: Pair) -> Result<Self, KeyError> {
        let public = match &pair {
            Pair::Rsa(pair) => {
                let unusable = |_| KeyError::Unusable("it has no public key");
                let public: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(unusable)?;
                public.as_ref().to_vec()
            }
            Pair::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
        };
        Ok(Self {
            selector,
            pair,
            public,
        })
    }

    /// Its name.
    #[must_use]
    pub fn selector(&self) -> &Selector {
        &self.selector
    }

    /// Its kind.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::Rsa(_) => Algorithm::Rsa,
            Pair::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// What its record holds: `SubjectPublicKeyInfo`, or the bare octets of Ed25519.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// The field that signs a message; none where signing fails, which it does for want of memory.
    fn field(&self, domain: &Domain, message: &Canonical, at: SystemTime) -> Option<String> {
        let unsigned = message.unsigned(&Signer {
            domain,
            selector: &self.selector,
            algorithm: self.algorithm(),
            at,
        });
        let signature = match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let random = SystemRandom::new();
                let signed = unsigned.signed();
                pair.sign(&RSA_PKCS1_SHA256, &random, signed, &mut signature)
                    .ok()?;
                signature
            }
            Pair::Ed25519(pair) => {
                let signed = digest::digest(&digest::SHA256, unsigned.signed());
                pair.sign(signed.as_ref()).as_ref().to_vec()
            }
        };
        Some(unsigned.complete(&signature))
    }
}

/// A private key as a file holds it (RFC 7468 §10).
fn pem(secret: &[u8]) -> String {
    let mut text = "-----BEGIN PRIVATE KEY-----\n".to_owned();
    for (index, letter) in BASE64.encode(secret).chars().enumerate() {
        if index > 0 && index % PEM_COLUMNS == 0 {
            text.push('\n');
        }
        text.push(letter);
    }
    text + "\n-----END PRIVATE KEY-----\n"
}

/// The keys of all domains.
pub type SigningKeys = HashMap<Domain, Vec<SigningKey>>;

/// Signs what users and trusted programs of this site send; keys can be exchanged while it does.
#[derive(Debug, Default)]
pub struct Signing(ArcSwap<SigningKeys>);

impl Signing {
    /// Uses these keys from now on.
    pub fn exchange(&self, keys: SigningKeys) {
        self.0.store(Arc::new(keys));
    }

    /// The keys in use.
    #[must_use]
    pub fn keys(&self) -> Arc<SigningKeys> {
        self.0.load_full()
    }

    /// Whether nothing is signed.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.0.load().is_empty()
    }

    /// The fields that sign a message of this domain, one for each of its keys.
    #[must_use]
    pub fn fields(&self, domain: &Domain, message: &Canonical, at: SystemTime) -> String {
        let keys = self.0.load();
        let keys = keys.get(domain).into_iter().flatten();
        keys.filter_map(|key| key.field(domain, message, at))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use waypost_proto::mail::dkim::Reading;

    use super::*;

    fn message() -> Canonical {
        let mut reading = Reading::new();
        reading.feed(b"From: alice@example.com\r\nSubject: x\r\n\r\nbody\r\n");
        reading.finish().unwrap()
    }

    fn selector() -> Selector {
        Selector::parse("wp1").unwrap()
    }

    #[test]
    fn a_key_that_was_made_signs_and_is_read_again() {
        let domain = Domain::parse("example.com").unwrap();
        for algorithm in [Algorithm::Rsa, Algorithm::Ed25519] {
            let (made, pem) = SigningKey::make(selector(), algorithm).unwrap();
            let read = SigningKey::from_pem(selector(), &pem).unwrap();
            assert_eq!(read.public(), made.public());
            assert_eq!(read.algorithm(), algorithm);
            let at = SystemTime::UNIX_EPOCH;
            let field = read.field(&domain, &message(), at).unwrap();
            let bare: String = field.split_whitespace().collect();
            let signature = BASE64.decode(bare.rsplit_once(";b=").unwrap().1).unwrap();
            let signed = message().unsigned(&Signer {
                domain: &domain,
                selector: &selector(),
                algorithm,
                at,
            });
            let signed = signed.signed();
            let verified = match algorithm {
                Algorithm::Rsa => {
                    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, made.public())
                        .verify(signed, &signature)
                }
                Algorithm::Ed25519 => {
                    let signed = digest::digest(&digest::SHA256, signed);
                    UnparsedPublicKey::new(&ED25519, made.public())
                        .verify(signed.as_ref(), &signature)
                }
            };
            assert_eq!(verified, Ok(()), "{algorithm:?}");
        }
    }

    #[test]
    fn what_is_no_key_is_said_to_be_none() {
        let read = |pem: &str| SigningKey::from_pem(selector(), pem).map(drop);
        assert_eq!(read(""), Err(KeyError::NoKey));
        let damaged = pem(b"nothing like a key");
        assert!(matches!(read(&damaged), Err(KeyError::Unusable(_))));
    }

    #[test]
    fn every_key_of_the_domain_signs_and_those_of_others_do_not() {
        let signing = Signing::default();
        assert!(signing.is_off());
        let make = |algorithm| SigningKey::make(selector(), algorithm).unwrap().0;
        let keys = vec![make(Algorithm::Ed25519), make(Algorithm::Ed25519)];
        let domain = Domain::parse("example.com").unwrap();
        signing.exchange(SigningKeys::from([(domain.clone(), keys)]));
        let count = |domain: &Domain| {
            let fields = signing.fields(domain, &message(), SystemTime::UNIX_EPOCH);
            fields.matches("DKIM-Signature:").count()
        };
        assert_eq!(count(&domain), 2);
        assert_eq!(count(&Domain::parse("example.net").unwrap()), 0);
    }
}
