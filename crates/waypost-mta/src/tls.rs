//! The certificate that this server shows, and its reload without dropping a session.
//!
//! TLS 1.2 and later. Without a configured certificate a self-signed one is made at the first
//! start and kept, so that STARTTLS and submission work from the beginning and clients can pin it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use aws_lc_rs::digest;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;
use tokio_rustls::TlsAcceptor;
use waypost_directory::TlsPin;
use waypost_proto::mail::Domain;

use self::client::AnyClient;

mod client;
mod validity;

/// Where the certificate is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// PEM files.
    Files {
        /// The certificate and its chain, this server's own first.
        certificate: PathBuf,
        /// The private key.
        key: PathBuf,
    },
    /// Made at the first start and kept in this directory.
    SelfSigned {
        /// Where it is kept, as `tls.crt` and `tls.key`.
        directory: PathBuf,
        /// The name it is for.
        hostname: Domain,
    },
}

/// Why there is no usable certificate.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file that cannot be read or written.
    #[error("{path}: {source}; make it readable for the user that the server runs as")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file holds no certificate.
    #[error("{path}: no certificate found; it must begin with -----BEGIN CERTIFICATE-----")]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The file holds no private key, or one behind a passphrase.
    #[error("{path}: no private key found; it must be PEM (PKCS#8, PKCS#1, SEC1), unencrypted")]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// PEM that cannot be decoded.
    #[error("{path}: cannot be read as PEM: {source}")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: rustls::pki_types::pem::Error,
    },
    /// Certificate and key do not belong together.
    #[error(
        "{certificate}: does not belong to the key in {key}; name a pair that was made together"
    )]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// A kind of certificate or key that cannot be used.
    #[error("{path}: cannot be used: {source}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// No self-signed certificate could be made.
    #[error("cannot make a self-signed certificate: {0}")]
    SelfSigned(#[from] rcgen::Error),
}

/// The certificate in use.
#[derive(Debug)]
pub struct Certificate {
    configs: ArcSwap<Configs>,
}

/// The same certificate, for clients that are asked for theirs and for those that are not.
#[derive(Debug)]
struct Configs {
    plain: Arc<ServerConfig>,
    asking: Arc<ServerConfig>,
    not_after: Option<SystemTime>,
    own: Option<CertificateDer<'static>>,
}

/// The digest of a certificate's public key; none where the certificate cannot be read.
pub(crate) fn key_of(certificate: &CertificateDer<'_>) -> Option<TlsPin> {
    let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
    let key = certificate.subject_public_key_info();
    let digest = digest::digest(&digest::SHA256, &key);
    digest.as_ref().try_into().ok().map(TlsPin)
}

impl Certificate {
    /// Loads it, or makes it.
    ///
    /// # Errors
    ///
    /// [`TlsError`], which names the file and the mend.
    pub fn load(source: &Source) -> Result<Self, TlsError> {
        Ok(Self {
            configs: ArcSwap::new(configuration(source)?),
        })
    }

    /// Loads it again; handshakes from now on use it. After an error the old one stays in use.
    ///
    /// # Errors
    ///
    /// [`TlsError`], which names the file and the mend.
    pub fn reload(&self, source: &Source) -> Result<(), TlsError> {
        self.configs.store(configuration(source)?);
        Ok(())
    }

    /// Until when the certificate in use holds, where that can be read.
    #[must_use]
    pub fn not_after(&self) -> Option<SystemTime> {
        self.configs.load().not_after
    }

    /// The certificate in use, without its chain.
    #[must_use]
    pub fn own(&self) -> Option<CertificateDer<'static>> {
        self.configs.load().own.clone()
    }

    /// Makes the server's side of a handshake, which asks for the client's certificate or does not.
    /// A client that has none goes on without.
    #[must_use]
    pub fn acceptor(&self, asks: bool) -> TlsAcceptor {
        let configs = self.configs.load();
        TlsAcceptor::from(Arc::clone(if asks {
            &configs.asking
        } else {
            &configs.plain
        }))
    }
}

/// Whether certificate and key can be used, without using them: for `waypost check`.
///
/// # Errors
///
/// [`TlsError`], which names the file and the mend.
pub fn check(certificate: &Path, key: &Path) -> Result<(), TlsError> {
    load(certificate, key).map(drop)
}

fn configuration(source: &Source) -> Result<Arc<Configs>, TlsError> {
    match source {
        Source::Files { certificate, key } => load(certificate, key),
        Source::SelfSigned {
            directory,
            hostname,
        } => {
            let certificate = directory.join("tls.crt");
            let key = directory.join("tls.key");
            if !(certificate.exists() && key.exists()) {
                make(hostname, &certificate, &key)?;
            }
            load(&certificate, &key)
        }
    }
}

fn load(certificate: &Path, key: &Path) -> Result<Arc<Configs>, TlsError> {
    let chain = read_chain(certificate)?;
    let private = read_key(key)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let unusable = |source| TlsError::Unusable {
        path: certificate.to_owned(),
        source,
    };
    let made = |ask| made(&provider, ask, (chain.clone(), private.clone_key()));
    let of_files = |error| match error {
        rustls::Error::InconsistentKeys(_) => TlsError::Mismatch {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        },
        other => unusable(other),
    };
    Ok(Arc::new(Configs {
        plain: made(None).map_err(of_files)?,
        asking: made(Some(AnyClient::new(&provider))).map_err(of_files)?,
        own: chain.first().cloned(),
        not_after: chain.first().and_then(|own| validity::not_after(own)),
    }))
}

fn made(
    provider: &Arc<CryptoProvider>,
    ask: Option<AnyClient>,
    (chain, private): (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>),
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let builder = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()?;
    let builder = match ask {
        Some(client) => builder.with_client_cert_verifier(Arc::new(client)),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(chain, private)?;
    // A handshake is a session of mail: one ticket is enough, and costs half of two.
    config.send_tls13_tickets = 1;
    Ok(Arc::new(config))
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::File {
        path: path.to_owned(),
        source,
    })
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&read(path)?)
        .collect::<Result<_, _>>()
        .map_err(|source| TlsError::Pem {
            path: path.to_owned(),
            source,
        })?;
    if chain.is_empty() {
        let path = path.to_owned();
        return Err(TlsError::NoCertificate { path });
    }
    Ok(chain)
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|error| match error {
        rustls::pki_types::pem::Error::NoItemsFound => TlsError::NoKey {
            path: path.to_owned(),
        },
        source => TlsError::Pem {
            path: path.to_owned(),
            source,
        },
    })
}

/// Makes a self-signed pair; the key first, so that a certificate is never without it.
fn make(hostname: &Domain, certificate: &Path, key: &Path) -> Result<(), TlsError> {
    let name = match hostname.address() {
        Some(address) => address.to_string(),
        None => hostname.to_string(),
    };
    let mut wanted = rcgen::CertificateParams::new(vec![name.clone()])?;
    wanted.distinguished_name = rcgen::DistinguishedName::new();
    wanted
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    let pair = rcgen::KeyPair::generate()?;
    let made = wanted.self_signed(&pair)?;
    write(key, 0o600, &pair.serialize_pem())?;
    write(certificate, 0o644, &made.pem())
}

/// Writes under another name first, so that the file is whole or absent, whatever happens.
///
/// # Errors
///
/// [`TlsError::File`].
pub fn write(path: &Path, mode: u32, text: &str) -> Result<(), TlsError> {
    let fresh = path.with_extension("new");
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&fresh)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&fresh, path));
    written.map_err(|source| TlsError::File {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn self_signed(directory: &Path) -> Source {
        Source::SelfSigned {
            directory: directory.to_owned(),
            hostname: Domain::parse("mx1.example.com").unwrap(),
        }
    }

    #[test]
    fn makes_a_certificate_once_and_keeps_its_key_private() {
        let dir = tempfile::tempdir().unwrap();
        let source = self_signed(dir.path());
        let certificate = Certificate::load(&source).unwrap();
        let made = fs::read(dir.path().join("tls.crt")).unwrap();
        let mode = fs::metadata(dir.path().join("tls.key"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        certificate.reload(&source).unwrap();
        assert_eq!(fs::read(dir.path().join("tls.crt")).unwrap(), made);
    }

    #[test]
    fn says_which_file_is_wrong_and_why() {
        let dir = tempfile::tempdir().unwrap();
        let one = tempfile::tempdir().unwrap();
        Certificate::load(&self_signed(dir.path())).unwrap();
        Certificate::load(&self_signed(one.path())).unwrap();
        let (crt, key) = (dir.path().join("tls.crt"), dir.path().join("tls.key"));
        let missing = dir.path().join("missing.pem");
        let empty = dir.path().join("empty.pem");
        fs::write(&empty, "").unwrap();
        let of = |certificate: &Path, key: &Path| check(certificate, key).unwrap_err();
        assert!(matches!(of(&missing, &key), TlsError::File { path, .. } if path == missing));
        assert!(matches!(of(&empty, &key), TlsError::NoCertificate { .. }));
        assert!(matches!(of(&crt, &empty), TlsError::NoKey { .. }));
        let foreign = one.path().join("tls.key");
        assert!(matches!(of(&crt, &foreign), TlsError::Mismatch { .. }));
    }

    #[test]
    fn keeps_the_old_certificate_when_the_new_one_is_broken() {
        let dir = tempfile::tempdir().unwrap();
        let source = self_signed(dir.path());
        let certificate = Certificate::load(&source).unwrap();
        fs::write(dir.path().join("tls.crt"), "nonsense").unwrap();
        let before = certificate.configs.load_full();
        certificate.reload(&source).unwrap_err();
        assert!(Arc::ptr_eq(&before, &certificate.configs.load_full()));
    }
}
