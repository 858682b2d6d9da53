//! `[acme]`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use waypost_proto::mail::{Domain, Mailbox};

use super::{Tls, Top};
use crate::config::raw::{Reader, Section, fixed};

/// The authority that certificates are ordered from, and what it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acme {
    /// The URL of its directory; empty: certificates are not ordered.
    pub(crate) directory: String,
    /// Whom it may write to; empty: nobody.
    pub(crate) contact: String,
    /// What the certificate is for, the first name first.
    pub(crate) names: Vec<Domain>,
    /// Where its questions are answered while an order is under way.
    pub(crate) http: Vec<SocketAddr>,
    /// Whom to believe besides the system's authorities when talking to it.
    pub(crate) ca: Option<PathBuf>,
    /// How long before its end a certificate is replaced.
    pub(crate) renew_before: Duration,
}

const DAY: Duration = Duration::from_secs(86_400);
/// An authority puts no more into one certificate.
const NAMES_MAX: usize = 100;

impl Acme {
    /// Whether certificates are ordered.
    pub(crate) fn is_on(&self) -> bool {
        !self.directory.is_empty()
    }

    pub(crate) fn read(reader: &mut Reader<'_>, top: &Top, tls: &Tls) -> Self {
        let mut section = reader.section(
            "acme",
            "The authority that gives and renews the certificate of this server by itself (ACME, \
             RFC 8555), instead of the files under [tls]. It connects to port 80 of each name to \
             see that the name leads here (HTTP-01).",
        );
        let directory = section.checked(
            fixed(
                "directory",
                "The URL of the authority's directory, such as \
                 \"https://acme-v02.api.letsencrypt.org/directory\". To set it is to agree to the \
                 authority's terms of service. Empty: no certificate is ordered.",
            ),
            String::new(),
            |url| check_url(url),
        );
        let mut acme = Self {
            directory,
            contact: contact(&mut section),
            names: names(&mut section),
            http: http(&mut section),
            ca: ca(&mut section),
            renew_before: section.within(
                fixed(
                    "renew_before",
                    "How long before its end a certificate is replaced; never sooner than after a \
                     third of its life.",
                ),
                30 * DAY,
                DAY..=3_650 * DAY,
            ),
        };
        if acme.names.is_empty() {
            acme.names.push(top.hostname.clone());
        }
        if acme.is_on() {
            acme.refuse(&mut section, tls);
        }
        acme
    }

    /// What does not go together.
    fn refuse(&self, section: &mut Section<'_, '_>, tls: &Tls) {
        if tls.files.is_some() {
            section.refuse(
                "directory",
                "found an authority here and a certificate under [tls]",
                "remove tls.certificate and tls.key, or this section",
            );
        }
        if let Some(name) = self.names.iter().find(|name| name.address().is_some()) {
            section.refuse(
                "names",
                &format!("found {:?}, which is an address", name.as_str()),
                "set acme.names or hostname to names that lead here",
            );
        }
        if self.http.is_empty() {
            section.refuse(
                "http",
                "found no listener",
                "write [\"0.0.0.0:80\"], which the authority connects to",
            );
        }
    }
}

fn check_url(url: &str) -> Result<(), String> {
    let host = url.strip_prefix("https://").map(|rest| rest.split('/'));
    let is_right = host.is_some_and(|mut rest| rest.next().is_some_and(|host| !host.is_empty()));
    if url.is_empty() || (is_right && !url.contains(['@', ' ', '#'])) {
        Ok(())
    } else {
        Err("write https://HOST/PATH as the authority says".to_owned())
    }
}

fn contact(section: &mut Section<'_, '_>) -> String {
    section.checked(
        fixed(
            "contact",
            "A mail address that the authority may write to, such as \"admin@example.com\". \
             Empty: none.",
        ),
        String::new(),
        |text| match text.is_empty() || Mailbox::parse(text).is_ok() {
            true => Ok(()),
            false => Err("write an address such as \"admin@example.com\"".to_owned()),
        },
    )
}

fn names(section: &mut Section<'_, '_>) -> Vec<Domain> {
    let names = section.parsed_list(
        fixed(
            "names",
            "The names that the certificate is for, such as [\"mx1.example.com\", \
             \"smtp.example.com\"]. Empty: hostname.",
        ),
        &[],
        "host names such as \"mx1.example.com\"",
        |text| Domain::parse(text).ok(),
    );
    if names.len() > NAMES_MAX {
        section.refuse(
            "names",
            &format!("found {} names", names.len()),
            &format!("write at most {NAMES_MAX}"),
        );
    }
    names
}

fn http(section: &mut Section<'_, '_>) -> Vec<SocketAddr> {
    section.parsed_list(
        fixed(
            "http",
            "Where the authority's questions are answered, only while an order is under way. It \
             asks at port 80: listen there, or let it be forwarded to here. With an IPv6 address \
             in DNS: [\"0.0.0.0:80\", \"[::]:80\"].",
        ),
        &["0.0.0.0:80"],
        "ADDRESS:PORT such as \"0.0.0.0:80\" or \"[::]:80\"",
        |text| text.parse().ok(),
    )
}

fn ca(section: &mut Section<'_, '_>) -> Option<PathBuf> {
    let file: PathBuf = section.get(
        fixed(
            "ca",
            "PEM file of certificates to believe, besides those that the system believes, when the \
             authority is talked to: for an authority of your own.",
        ),
        PathBuf::new(),
    );
    if file.as_os_str().is_empty() {
        return None;
    }
    if let Err(error) = crate::trust::connector(Some(&file)) {
        section.refuse("ca", &format!("{error:#}"), "name a PEM file");
    }
    Some(file)
}
