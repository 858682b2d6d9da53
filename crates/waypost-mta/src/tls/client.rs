//! Asks clients for a certificate, and wants nothing of it but that the client has its key.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::key_of;

/// Takes every certificate, and none: whose it is, the directory tells by its key.
#[derive(Debug)]
pub(super) struct AnyClient {
    provider: Arc<CryptoProvider>,
}

impl AnyClient {
    pub(super) fn new(provider: &Arc<CryptoProvider>) -> Self {
        Self {
            provider: Arc::clone(provider),
        }
    }
}

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if key_of(cert).is_none() {
            // It has no key to be known by, so it proves nothing, and hinders nothing either.
            return Ok(HandshakeSignatureValid::assertion());
        }
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if key_of(cert).is_none() {
            return Ok(HandshakeSignatureValid::assertion());
        }
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::PrivateKeyDer;
    use rustls::sign::{CertifiedKey, SingleCertAndKey};
    use rustls::version::{TLS12, TLS13};
    use rustls::{
        ClientConfig, ClientConnection, RootCertStore, ServerConnection, SupportedProtocolVersion,
    };
    use waypost_directory::TlsPin;

    use super::super::made;
    use super::*;

    struct Pair {
        certificate: CertificateDer<'static>,
        key: PrivateKeyDer<'static>,
    }

    fn pair() -> Pair {
        let key = rcgen::KeyPair::generate().unwrap();
        let wanted = rcgen::CertificateParams::new(vec!["mx1.example.com".to_owned()]).unwrap();
        Pair {
            certificate: wanted.self_signed(&key).unwrap().der().clone(),
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        }
    }

    /// The key that the server knows after a handshake with a client that shows a certificate and
    /// signs with a key.
    fn known(
        version: &'static SupportedProtocolVersion,
        shown: &CertificateDer<'static>,
        key: &PrivateKeyDer<'static>,
    ) -> Result<Option<TlsPin>, Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let own = pair();
        let mut roots = RootCertStore::empty();
        roots.add(own.certificate.clone()).unwrap();
        let signing = provider.key_provider.load_private_key(key.clone_key())?;
        let shown = CertifiedKey::new(vec![shown.clone()], signing);
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[version])?
            .with_root_certificates(roots)
            .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(shown)));
        let ask = Some(AnyClient::new(&provider));
        let server = made(&provider, ask, (vec![own.certificate], own.key))?;
        let mut server = ServerConnection::new(server)?;
        let name = "mx1.example.com".try_into().unwrap();
        let mut client = ClientConnection::new(Arc::new(config), name)?;
        while client.is_handshaking() || server.is_handshaking() {
            let mut flight = Vec::new();
            client.write_tls(&mut flight).unwrap();
            server.read_tls(&mut &*flight).unwrap();
            server.process_new_packets()?;
            flight.clear();
            server.write_tls(&mut flight).unwrap();
            client.read_tls(&mut &*flight).unwrap();
            client.process_new_packets()?;
        }
        let shown = server.peer_certificates().and_then(<[_]>::first);
        Ok(shown.and_then(key_of))
    }

    #[test]
    fn a_client_is_known_by_a_certificate_only_with_its_key() {
        let (own, other) = (pair(), pair());
        for version in [&TLS12, &TLS13] {
            let found = known(version, &own.certificate, &own.key).unwrap();
            assert_eq!(found, key_of(&own.certificate));
            assert!(found.is_some());
            known(version, &own.certificate, &other.key).unwrap_err();
        }
    }

    #[test]
    fn a_certificate_that_cannot_be_read_hinders_nobody() {
        let own = pair();
        let nonsense = CertificateDer::from(b"no certificate".to_vec());
        for version in [&TLS12, &TLS13] {
            assert_eq!(known(version, &nonsense, &own.key), Ok(None));
        }
    }
}
