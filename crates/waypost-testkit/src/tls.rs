//! Certificates for scripted peers, and an authority to verify them by.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use aws_lc_rs::digest;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PublicKeyData as _,
};
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig};

use crate::dialogue::Dialogue;

/// Signs certificates; nobody trusts it who was not told to.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// Makes an authority.
    ///
    /// # Errors
    ///
    /// When no key can be made.
    pub fn new() -> Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        Ok(Self(issuer))
    }

    /// Writes its certificate into a folder, for `SSL_CERT_FILE`.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<PathBuf> {
        let path = folder.join("authority.pem");
        std::fs::write(&path, self.0.pem())?;
        Ok(path)
    }

    /// What a client needs to believe what it has signed, and nobody else.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn client(&self) -> Result<Arc<ClientConfig>> {
        client(self.0.der().clone())
    }

    /// SHA-256 of its certificate, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        hex(digest::digest(&digest::SHA256, self.0.der()).as_ref())
    }

    /// A certificate for a host name or address, with its key; shown together with the authority's.
    ///
    /// # Errors
    ///
    /// When the name is none, or no key can be made.
    pub fn identity(&self, name: &str) -> Result<Identity> {
        let key = KeyPair::generate()?;
        let params = CertificateParams::new([name.to_owned()])?;
        let certificate = params.signed_by(&key, &self.0)?;
        let pin = digest::digest(&digest::SHA256, &key.subject_public_key_info());
        let secret = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone(), self.0.der().clone()],
                secret,
            )?;
        Ok(Identity {
            pin: hex(pin.as_ref()),
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            config: Arc::new(config),
        })
    }
}

/// What a client needs to believe a server that has signed its own certificate, and nobody else.
///
/// # Errors
///
/// When the file is no certificate.
pub fn client_of(file: &Path) -> Result<Arc<ClientConfig>> {
    client(CertificateDer::from_pem_file(file)?)
}

fn client(believed: CertificateDer<'static>) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(believed)?;
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The certificate that a mail server shows after STARTTLS, which must be believed and be for this
/// name.
///
/// # Errors
///
/// When there is no TLS, or the certificate is not believed.
pub fn starttls(
    server: SocketAddr,
    name: &str,
    config: Arc<ClientConfig>,
) -> Result<CertificateDer<'static>> {
    let (mut dialogue, _) = Dialogue::connect(server)?;
    dialogue.expect("EHLO client.test", 250)?;
    dialogue.expect("STARTTLS", 220)?;
    let mut stream = dialogue.into_stream();
    let name = ServerName::try_from(name.to_owned())?;
    let mut tls = ClientConnection::new(config, name)?;
    while tls.is_handshaking() {
        tls.complete_io(&mut stream)?;
    }
    let shown = tls.peer_certificates().and_then(|chain| chain.first());
    Ok(shown
        .context("no certificate was shown")?
        .clone()
        .into_owned())
}

/// What a client needs to believe this authority, and nobody else.
///
/// # Errors
///
/// When the text is no certificate.
pub fn client_of_pem(pem: &[u8]) -> Result<Arc<ClientConfig>> {
    client(CertificateDer::from_pem_slice(pem)?)
}

/// What a peer shows when it is asked for TLS.
#[derive(Clone)]
pub struct Identity {
    /// SHA-256 of the public key, as `tls_pin` wants it.
    pub pin: String,
    /// The certificate, as a server's file has it.
    pub certificate_pem: String,
    /// Its key, as a server's file has it.
    pub key_pem: String,
    pub(crate) config: Arc<ServerConfig>,
}

impl Identity {
    /// What a server needs to show it.
    #[must_use]
    pub fn server(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}
