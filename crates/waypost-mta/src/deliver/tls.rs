//! TLS towards other servers, as the next hop's policy demands (RFC 3207).

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::dane::Shown;
use super::security::{Proof, TlsVersion};
use crate::net::Stream;
use crate::tls::key_of;

/// Checks nothing but what is demanded, and that the other end has the certificate's key.
#[derive(Debug)]
struct Check {
    proof: Proof,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Check {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let good = Ok(ServerCertVerified::assertion());
        match &self.proof {
            Proof::Any => good,
            Proof::Dane(dane) => {
                let algorithms = &self.provider.signature_verification_algorithms;
                let shown = Shown {
                    end_entity,
                    others: intermediates,
                };
                match dane.check(shown, now, algorithms) {
                    Ok(()) => good,
                    Err(why) => {
                        let why = rustls::OtherError(Arc::new(why));
                        Err(rustls::CertificateError::Other(why).into())
                    }
                }
            }
            Proof::Pin(pin) => match key_of(end_entity) {
                Some(found) if found == *pin => good,
                Some(_) => Err(rustls::CertificateError::ApplicationVerificationFailure.into()),
                None => Err(rustls::CertificateError::BadEncoding.into()),
            },
            // Never asked here: rustls verifies these itself.
            Proof::Roots => Err(rustls::CertificateError::UnknownIssuer.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// The configurations, each made when it is first needed.
pub(super) struct ClientTls {
    provider: Arc<CryptoProvider>,
    roots: Option<RootCertStore>,
    any: OnceLock<Arc<ClientConfig>>,
    verified: OnceLock<Arc<ClientConfig>>,
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientTls")
    }
}

impl ClientTls {
    /// Trusts these authorities where a certificate is verified, or those of the system.
    pub(super) fn new(roots: Option<RootCertStore>) -> Self {
        Self {
            provider: Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
            roots,
            any: OnceLock::new(),
            verified: OnceLock::new(),
        }
    }

    /// Secures a stream to the host of this name, or address.
    ///
    /// # Errors
    ///
    /// Why there is no secure channel, in words.
    pub(super) async fn handshake(
        &self,
        stream: Stream,
        name: &str,
        proof: &Proof,
    ) -> Result<TlsStream<Stream>, String> {
        let config = self.config(proof)?;
        let name = ServerName::try_from(name.to_owned());
        let name = name.map_err(|_| String::from("the host has no name for a certificate"))?;
        let connecting = TlsConnector::from(config).connect(name, stream);
        connecting.await.map_err(|error| words(&error))
    }

    fn config(&self, proof: &Proof) -> Result<Arc<ClientConfig>, String> {
        match proof {
            Proof::Dane(_) | Proof::Pin(_) => self.checked(proof.clone()),
            Proof::Roots => {
                if let Some(config) = self.verified.get() {
                    return Ok(config.clone());
                }
                let made = self.make_verified()?;
                Ok(self.verified.get_or_init(|| made).clone())
            }
            Proof::Any => {
                if let Some(config) = self.any.get() {
                    return Ok(config.clone());
                }
                let made = self.checked(Proof::Any)?;
                Ok(self.any.get_or_init(|| made).clone())
            }
        }
    }

    fn checked(&self, proof: Proof) -> Result<Arc<ClientConfig>, String> {
        let provider = self.provider.clone();
        let check = Arc::new(Check { proof, provider });
        let builder = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(check);
        Ok(Arc::new(builder.with_no_client_auth()))
    }

    fn make_verified(&self) -> Result<Arc<ClientConfig>, String> {
        let roots = self.roots.clone().unwrap_or_else(|| {
            let mut store = RootCertStore::empty();
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            store
        });
        if roots.is_empty() {
            return Err("this system has no trusted certificate authorities".into());
        }
        let builder = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots);
        Ok(Arc::new(builder.with_no_client_auth()))
    }
}

/// Why a handshake failed, in our own words where it was us who did not believe.
fn words(error: &io::Error) -> String {
    use rustls::CertificateError::Other;
    use rustls::Error::InvalidCertificate;
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(InvalidCertificate(Other(rustls::OtherError(why)))) => why.to_string(),
        _ => error.to_string(),
    }
}
/// What a connection speaks after its handshake; rustls knows two versions.
pub(super) fn version_of(stream: &TlsStream<Stream>) -> TlsVersion {
    match stream.get_ref().1.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => TlsVersion::V13,
        _ => TlsVersion::V12,
    }
}
