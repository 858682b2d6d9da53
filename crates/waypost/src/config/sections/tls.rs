//! `[tls]`

use std::path::PathBuf;

use crate::config::raw::{Reader, live};

/// The certificate of this server; both paths or neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tls {
    /// Certificate chain and private key; none: self-signed, made at the first start.
    pub(crate) files: Option<(PathBuf, PathBuf)>,
}

impl Tls {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let mut tls = reader.section(
            "tls",
            "The certificate that this server shows. Without one it makes a self-signed one at \
             the first start and keeps it in data_dir.",
        );
        let certificate = tls.get(
            live(
                "certificate",
                "PEM file of the certificate and its chain, such as \
                 \"/etc/waypost/cert.pem\". Empty: self-signed.",
            ),
            PathBuf::new(),
        );
        let key = tls.get(
            live(
                "key",
                "PEM file of the private key, such as \"/etc/waypost/key.pem\". Empty: \
                 self-signed.",
            ),
            PathBuf::new(),
        );
        let (no_certificate, no_key) = (
            certificate.as_os_str().is_empty(),
            key.as_os_str().is_empty(),
        );
        if no_key && !no_certificate {
            tls.refuse(
                "certificate",
                "found a certificate without key",
                "set tls.key too",
            );
        }
        if no_certificate && !no_key {
            tls.refuse(
                "key",
                "found a key without certificate",
                "set tls.certificate too",
            );
        }
        if !no_certificate
            && !no_key
            && let Err(error) = waypost_mta::tls::check(&certificate, &key)
        {
            tls.refuse("certificate", &error.to_string(), "");
        }
        let files = (!no_certificate && !no_key).then_some((certificate, key));
        Self { files }
    }
}
