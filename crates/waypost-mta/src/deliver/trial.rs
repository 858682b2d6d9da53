//! Trying a next hop: everything that a delivery does up to RCPT, and the whole dialogue of it.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use tokio::time::timeout;
use waypost_directory::{HostPort, TlsPolicy};
use waypost_proto::mail::Mailbox;
use waypost_proto::route::TargetId;
use waypost_proto::smtp::reply::{RemoteReply, Severity};
use x509_parser::extensions::GeneralName;

use super::connect::{Connection, Io};
use super::dialogue::Said;
use super::hosts::{Place, Way};
use super::{Deliverer, MAX_HOSTS, NextHop, Remote, Trouble, no_host, probed};
use crate::tls::key_of;

/// How long a trial may take in all.
pub const TRIAL_TIMEOUT: Duration = Duration::from_secs(60);
/// Lines of a dialogue that are kept, and octets of each.
const LINES_MAX: usize = 200;
const LINE_MAX: usize = 1000;

/// One line of a dialogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken {
    /// Whether this server said it.
    pub ours: bool,
    /// What was said, with `***` for secrets; nothing in it is no text.
    pub text: String,
}

/// What is written down of a connection.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    lines: Vec<Spoken>,
    rest: [Vec<u8>; 2],
    secrets: Vec<String>,
}

impl Transcript {
    pub(super) fn new(secrets: Vec<String>) -> Self {
        Self {
            secrets,
            ..Self::default()
        }
    }

    pub(super) fn note(&mut self, ours: bool, octets: &[u8]) {
        for octet in octets {
            let rest = &mut self.rest[usize::from(ours)];
            if *octet != b'\n' {
                if rest.len() < LINE_MAX {
                    rest.push(*octet);
                }
                continue;
            }
            let line = std::mem::take(rest);
            self.line(ours, &line);
        }
    }

    fn line(&mut self, ours: bool, line: &[u8]) {
        if self.lines.len() == LINES_MAX {
            return;
        }
        let mut text = String::from_utf8_lossy(line).trim_end().to_owned();
        for secret in &self.secrets {
            text = text.replace(secret.as_str(), "***");
        }
        let safe = |c: char| if c.is_control() { '\u{fffd}' } else { c };
        self.lines.push(Spoken {
            ours,
            text: text.chars().map(safe).collect(),
        });
    }

    /// Something that is no line of the dialogue.
    pub(super) fn mark(&mut self, text: &str) {
        self.line(true, format!("[{text}]").as_bytes());
    }

    fn end(mut self) -> Vec<Spoken> {
        for ours in [true, false] {
            let rest = std::mem::take(&mut self.rest[usize::from(ours)]);
            if !rest.is_empty() {
                self.line(ours, &rest);
            }
        }
        self.lines
    }
}

/// How far a connection came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Step {
    #[default]
    Connect,
    Greeting,
    StartTls,
    Handshake,
    Login,
    Ready,
}

/// Follows a connection that is tried.
#[derive(Debug, Default)]
pub(super) struct Tap {
    pub(super) transcript: Transcript,
    pub(super) step: Step,
}

/// A tap that the connection and the trial share.
pub(super) type Shared = Arc<Mutex<Tap>>;

pub(super) fn tapped(tap: Option<&Shared>, note: impl FnOnce(&mut Tap)) {
    if let Some(tap) = tap {
        note(&mut tap.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// What a trial came to: one word, and what the sentence about it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// One of the codes of [`CODES`].
    pub code: &'static str,
    /// What happened, in the words of who said it; may be empty.
    pub detail: String,
}

/// Everything that a trial can come to.
pub const CODES: [&str; 17] = [
    "accepts-everything",
    "certificate-untrusted",
    "good",
    "login-needs-tls",
    "login-not-offered",
    "login-refused",
    "loops-back",
    "mail-refused",
    "no-address",
    "no-greeting",
    "not-taken",
    "pin-mismatch",
    "recipient-later",
    "recipient-refused",
    "tls-failed",
    "tls-not-offered",
    "unreachable",
];

/// The channel of a trial.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Channel {
    /// Such as `TLSv1_3`.
    pub version: String,
    /// The cipher suite.
    pub cipher: String,
    /// The certificate that the host showed.
    pub certificate: Option<Shown>,
    /// Whether a delivery would use it: false when it was looked at only to say what is wrong.
    pub is_used: bool,
}

/// What a trial saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Where it connected to, and why that did not do, in order; the last one may have done.
    pub tried: Vec<(String, Option<String>)>,
    /// Everything that was said.
    pub dialogue: Vec<Spoken>,
    /// TLS, where there was any.
    pub channel: Option<Channel>,
    /// Whether the login was taken; none: there is none, or it was not tried.
    pub login: Option<bool>,
    /// What was said to RCPT.
    pub recipient: Option<RemoteReply>,
    /// What was said to RCPT of an address that nobody has.
    pub nobody: Option<RemoteReply>,
    /// What it came to.
    pub finding: Finding,
}

impl Trial {
    /// The greeting.
    #[must_use]
    pub fn greeting(&self) -> Option<&str> {
        let first = self.dialogue.iter().find(|spoken| !spoken.ours)?;
        Some(&first.text)
    }

    /// What the host offered last.
    #[must_use]
    pub fn offers(&self) -> Vec<&str> {
        let said = |spoken: &Spoken| spoken.ours && spoken.text.starts_with("EHLO");
        let Some(asked) = self.dialogue.iter().rposition(said) else {
            return Vec::new();
        };
        let behind = self.dialogue.get(asked + 1..).unwrap_or_default();
        let answer = behind.iter().take_while(|spoken| !spoken.ours).skip(1);
        answer.filter_map(|spoken| spoken.text.get(4..)).collect()
    }

    fn found(&mut self, code: &'static str, detail: impl Into<String>) {
        self.finding = Finding {
            code,
            detail: detail.into(),
        };
    }
}

impl Deliverer {
    /// Connects to a target as a delivery would, asks about a recipient with the null
    /// reverse-path, then about one that nobody has, and hangs up: DATA is never sent.
    pub async fn trial(
        &self,
        target: TargetId,
        recipient: Option<&Mailbox>,
        nobody: Option<&Mailbox>,
    ) -> Trial {
        let way = self.way(&NextHop::Target(target));
        self.trial_of(way, [recipient, nobody]).await
    }

    /// The same with a host that is no target yet.
    pub async fn trial_at(
        &self,
        host: HostPort,
        recipient: Option<&Mailbox>,
        nobody: Option<&Mailbox>,
    ) -> Trial {
        let way = Way::remote(Remote::new(host.host, host.port));
        self.trial_of(Ok(way), [recipient, nobody]).await
    }

    async fn trial_of(
        &self,
        way: Result<Way, Trouble>,
        recipients: [Option<&Mailbox>; 2],
    ) -> Trial {
        let mut trial = Trial {
            tried: Vec::new(),
            dialogue: Vec::new(),
            channel: None,
            login: None,
            recipient: None,
            nobody: None,
            finding: Finding {
                code: "unreachable",
                detail: String::new(),
            },
        };
        let way = match way {
            Ok(way) => way,
            Err(trouble) => {
                trial.found("no-address", trouble.to_string());
                return trial;
            }
        };
        let tap = Shared::default();
        tapped(Some(&tap), |tap| {
            tap.transcript = Transcript::new(secrets(&way));
        });
        let trying = self.try_all(&mut trial, &way, &tap, recipients);
        if timeout(TRIAL_TIMEOUT, trying).await.is_err() {
            trial.found("unreachable", "not done in time");
        }
        tapped(Some(&tap), |tap| {
            trial.dialogue = std::mem::take(&mut tap.transcript).end();
        });
        trial
    }

    async fn try_all(
        &self,
        trial: &mut Trial,
        way: &Way,
        tap: &Shared,
        recipients: [Option<&Mailbox>; 2],
    ) {
        let places = match self.0.hosts.of(way).await {
            Ok(places) => places,
            Err(trouble) => {
                let loops = (trouble.status.subject, trouble.status.detail) == (4, 6);
                let code = if loops { "loops-back" } else { "no-address" };
                return trial.found(code, trouble.to_string());
            }
        };
        for place in places.iter().take(MAX_HOSTS) {
            let opened = self.0.connector.open_tapped(place, way, tap).await;
            match opened {
                Ok(connection) => {
                    trial.tried.push((place.to_string(), None));
                    trial.channel = channel(&connection, true).or_else(|| trial.channel.take());
                    trial.login = way.login().map(|_| true);
                    return ask(trial, connection, recipients).await;
                }
                Err(trouble) => {
                    let text = trouble.to_string();
                    trial.tried.push((place.to_string(), Some(text)));
                    self.explain(trial, (place, way), tap, &trouble).await;
                }
            }
        }
    }

    /// Why no session was opened.
    async fn explain(
        &self,
        trial: &mut Trial,
        (place, way): (&Place, &Way),
        tap: &Shared,
        trouble: &Trouble,
    ) {
        let mut step = Step::Connect;
        tapped(Some(tap), |tap| step = tap.step);
        let status = (trouble.status.subject, trouble.status.detail);
        let code = match step {
            Step::Connect => "unreachable",
            Step::Greeting | Step::Ready if trouble.reply.is_some() => "not-taken",
            Step::Greeting | Step::Ready => "no-greeting",
            Step::StartTls if status == (7, 4) && trouble.reply.is_none() => "tls-not-offered",
            Step::StartTls => "tls-failed",
            Step::Handshake => {
                let looked = self.0.connector.look_at_certificate(place, way).await;
                trial.channel = looked.ok().and_then(|c| channel(&c, false));
                match (way.tls().0, &trial.channel) {
                    (TlsPolicy::Pinned, Some(_)) => "pin-mismatch",
                    (TlsPolicy::Verified, Some(_)) => "certificate-untrusted",
                    _ => "tls-failed",
                }
            }
            Step::Login if status == (7, 11) => "login-needs-tls",
            Step::Login if status == (7, 4) && trouble.reply.is_none() => "login-not-offered",
            Step::Login => {
                trial.login = Some(false);
                "login-refused"
            }
        };
        trial.found(code, trouble.to_string());
    }
}

/// Asks about both recipients; what both answers mean.
async fn ask(trial: &mut Trial, mut connection: Connection, recipients: [Option<&Mailbox>; 2]) {
    trial.found("good", "");
    let [recipient, nobody] = recipients;
    if let Some(recipient) = recipient {
        match answer(&mut connection, recipient).await {
            Err(trouble) => return trial.found("mail-refused", trouble.to_string()),
            Ok(reply) => {
                match reply.severity() {
                    Severity::Success => {}
                    Severity::Permanent => trial.found("recipient-refused", reply.to_string()),
                    _ => trial.found("recipient-later", reply.to_string()),
                }
                trial.recipient = Some(reply);
            }
        }
    }
    let taken = |reply: &RemoteReply| reply.severity() == Severity::Success;
    if let Some(nobody) = nobody
        && let Ok(reply) = answer(&mut connection, nobody).await
    {
        if taken(&reply) && trial.finding.code == "good" {
            trial.found("accepts-everything", reply.to_string());
        }
        trial.nobody = Some(reply);
    }
    connection.quit();
}

async fn answer(connection: &mut Connection, recipient: &Mailbox) -> Result<RemoteReply, Trouble> {
    match connection.probe(recipient).await {
        Said::Stale => Err(no_host()),
        Said::Answers(mut answers) => probed(answers.pop()),
    }
}

/// What must not be shown of a login, in every form in which it is sent.
fn secrets(way: &Way) -> Vec<String> {
    let Some((login, password)) = way.login() else {
        return Vec::new();
    };
    let password = password.expose();
    let plain = STANDARD.encode(format!("\0{login}\0{password}"));
    let mut secrets = vec![plain, STANDARD.encode(password), password.to_owned()];
    secrets.retain(|secret| !secret.is_empty());
    secrets
}

fn channel(connection: &Connection, is_used: bool) -> Option<Channel> {
    let Io::Secured(stream) = &connection.io else {
        return None;
    };
    let (_, tls) = stream.get_ref();
    let text = |value: Option<String>| value.unwrap_or_default();
    let certificates = tls.peer_certificates().unwrap_or_default();
    Some(Channel {
        version: text(tls.protocol_version().map(|version| format!("{version:?}"))),
        cipher: text(
            tls.negotiated_cipher_suite()
                .map(|suite| format!("{:?}", suite.suite())),
        ),
        certificate: certificates.first().and_then(certificate),
        is_used,
    })
}

/// A certificate, as far as a person wants to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Whose it is.
    pub subject: String,
    /// The names that it is for.
    pub names: Vec<String>,
    /// Who says so.
    pub issuer: String,
    /// When it begins to hold.
    pub not_before: SystemTime,
    /// When it ends.
    pub not_after: SystemTime,
    /// Its key, as `tls_pin` takes it.
    pub pin: String,
}

/// What a certificate says; none when it cannot be read.
#[must_use]
pub fn certificate(der: &CertificateDer<'_>) -> Option<Shown> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    let safe = |text: String| -> String {
        let safe = |c: char| if c.is_control() { '\u{fffd}' } else { c };
        text.chars().take(LINE_MAX).map(safe).collect()
    };
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.map(|names| names.value.general_names.iter().take(LINES_MAX));
    let names = names.into_iter().flatten().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(safe((*name).to_owned())),
        GeneralName::IPAddress(octets) => address(octets).map(|ip| ip.to_string()),
        _ => None,
    });
    let at = |seconds: i64| {
        let since = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        SystemTime::UNIX_EPOCH.checked_add(since)
    };
    Some(Shown {
        subject: safe(certificate.subject().to_string()),
        names: names.collect(),
        issuer: safe(certificate.issuer().to_string()),
        not_before: at(certificate.validity().not_before.timestamp())?,
        not_after: at(certificate.validity().not_after.timestamp())?,
        pin: key_of(der)?.to_string(),
    })
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from))
        .ok()
}
