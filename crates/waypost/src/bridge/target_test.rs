//! `waypost target test`: what is wrong between a target and us, in data and in words.

use std::time::SystemTime;

use serde_json::{Value, json};
use waypost_admin::request::Refused;
use waypost_directory::{Kind, Snapshot, Target};
use waypost_mta::clock::{Clock as _, SystemClock};
use waypost_mta::deliver::trial::{Channel, Finding, Trial};
use waypost_mta::resolve::nobody_at;
use waypost_proto::mail::{Domain, LocalPart, Mailbox};
use waypost_proto::smtp::reply::{RemoteReply, Severity};

use super::Asked;
use super::cache::mailbox;
use super::object::no_such;
use crate::time;

/// A certificate that ends sooner is worth a word.
const SOON_DAYS: i64 = 14;
const DAY_S: u64 = 86_400;

impl Asked {
    pub(super) async fn target_test(
        &self,
        name: &str,
        address: Option<&str>,
    ) -> Result<Value, Refused> {
        let snapshot = self.resolver.snapshot();
        let mut targets = snapshot.targets();
        let target = targets
            .find(|target| target.name == name)
            .ok_or_else(|| no_such(&format!("target {name}"), Kind::Target))?;
        let given = address.map(mailbox).transpose()?;
        let recipient = given.or_else(|| postmaster_of(&snapshot, target));
        let own = &self.resolver.settings().postmaster.domain;
        let nobody = recipient
            .as_ref()
            .map_or(own, |recipient| &recipient.domain);
        let nobody = nobody_at(nobody).filter(|_| recipient.is_some());
        let trial = self
            .asking
            .trial(target.id, recipient.as_ref(), nobody.as_ref())
            .await;
        Ok(told(target, recipient.as_ref(), &trial, SystemClock.wall()))
    }
}

/// The postmaster of a domain that goes there: every server that has the domain takes his mail.
fn postmaster_of(snapshot: &Snapshot, target: &Target) -> Option<Mailbox> {
    let mut domains = snapshot.domains();
    let goes = domains
        .find(|domain| domain.relay == Some(target.id) || domain.sharing.contains(&target.id))?;
    Some(Mailbox::new(
        LocalPart::parse("postmaster").ok()?,
        Domain::clone(&goes.name),
    ))
}

fn told(target: &Target, recipient: Option<&Mailbox>, trial: &Trial, now: SystemTime) -> Value {
    let tried = trial.tried.iter();
    let tried = tried.map(|(at, error)| json!({ "address": at, "error": error }));
    let dialogue = trial.dialogue.iter();
    let dialogue = dialogue.map(|spoken| {
        let who = if spoken.ours { "client" } else { "server" };
        json!({ "who": who, "text": spoken.text })
    });
    let taken = |reply: &RemoteReply| reply.severity() == Severity::Success;
    let Finding { code, detail } = &trial.finding;
    let (says, mend) = words(code, target);
    let is_good = *code == "good";
    let is_away = ["no-address", "no-greeting", "unreachable"].contains(code);
    json!({
        "target": target.name,
        "ok": is_good,
        "unreachable": is_away,
        "verdict": { "code": code, "detail": detail, "says": says, "mend": mend },
        "warnings": warnings(trial, now),
        "tried": tried.collect::<Value>(),
        "dialogue": dialogue.collect::<Value>(),
        "greeting": trial.greeting(),
        "offers": trial.offers(),
        "tls": trial.channel.as_ref().map(|channel| tls(channel, now)),
        "login": trial.login,
        "recipient": recipient.map(ToString::to_string),
        "recipient_taken": trial.recipient.as_ref().map(taken),
        "recipient_reply": trial.recipient.as_ref().map(ToString::to_string),
        "takes_everything": trial.nobody.as_ref().map(taken),
    })
}

fn tls(channel: &Channel, now: SystemTime) -> Value {
    let certificate = channel.certificate.as_ref().map(|certificate| {
        json!({
            "subject": certificate.subject,
            "names": certificate.names,
            "issuer": certificate.issuer,
            "not_before": time::show(certificate.not_before),
            "not_after": time::show(certificate.not_after),
            "days_left": days(certificate.not_after, now),
            "pin": certificate.pin,
        })
    });
    json!({
        "version": channel.version,
        "cipher": channel.cipher,
        "used": channel.is_used,
        "certificate": certificate,
    })
}

/// Whole days until then; below zero when it is over.
fn days(end: SystemTime, now: SystemTime) -> i64 {
    let whole = |seconds: u64| i64::try_from(seconds / DAY_S).unwrap_or(i64::MAX);
    match end.duration_since(now) {
        Ok(left) => whole(left.as_secs()),
        Err(over) => -1 - whole(over.duration().as_secs()),
    }
}

/// What does not keep mail from going there, and should be known.
fn warnings(trial: &Trial, now: SystemTime) -> Vec<Value> {
    let mut warnings = Vec::new();
    match &trial.channel {
        None if trial.tried.iter().any(|(_, error)| error.is_none()) => {
            warnings.push(json!({ "code": "not-encrypted", "detail": "" }));
        }
        Some(channel) => {
            let left = channel.certificate.as_ref();
            let left = left.map(|certificate| days(certificate.not_after, now));
            if let Some(left) = left.filter(|left| *left < SOON_DAYS) {
                let code = if left < 0 {
                    "certificate-expired"
                } else {
                    "certificate-ends-soon"
                };
                warnings.push(json!({ "code": code, "detail": left.to_string() }));
            }
        }
        None => {}
    }
    warnings
}

/// What a verdict means, and how to mend it.
fn words(code: &str, target: &Target) -> (String, String) {
    let name = &target.name;
    let (kind, host) = (
        if target.minger.is_some() {
            "peer"
        } else {
            "target"
        },
        &target.host,
    );
    let set = |what: &str| format!("`waypost {kind} set {name} {what}`");
    let (says, mend) = match code {
        "good" => ("takes mail from here".to_owned(), String::new()),
        "accepts-everything" => (
            "takes mail for addresses that nobody has, so that its yes means nothing".to_owned(),
            "look for a catch-all address there, or let it refuse unknown recipients at RCPT"
                .to_owned(),
        ),
        "no-address" => (
            format!("its host {host} does not resolve"),
            format!("mend its entry in DNS, or {}", set("--host HOST")),
        ),
        "loops-back" => (
            "leads back to this server, so that mail for it would go round".to_owned(),
            format!("name the other server: {}", set("--host HOST")),
        ),
        "unreachable" => (
            format!("cannot be connected to on port {}", target.port),
            format!(
                "see whether its server runs and no firewall is between, or {}",
                set("--port PORT")
            ),
        ),
        "no-greeting" => (
            "hangs up, or says nothing that a mail server says".to_owned(),
            "see whether a mail server listens there, and whether it lets this server in"
                .to_owned(),
        ),
        "not-taken" => (
            "does not talk to this server".to_owned(),
            "allow this server there".to_owned(),
        ),
        "mail-refused" => (
            "refuses mail from here before it hears the recipient".to_owned(),
            "allow this server there; the null sender must be taken (RFC 5321 §4.5.5)".to_owned(),
        ),
        "recipient-refused" => (
            "refuses the recipient".to_owned(),
            "serve the domain there, allow this server to relay, or name an address that it has"
                .to_owned(),
        ),
        "recipient-later" => (
            "does not take the recipient now".to_owned(),
            "try again later; see its log when it stays so".to_owned(),
        ),
        other => secured(other, &set),
    };
    (says, mend)
}

/// The same, about TLS and login.
fn secured(code: &str, set: &dyn Fn(&str) -> String) -> (String, String) {
    let (says, mend) = match code {
        "tls-not-offered" => (
            "does not offer STARTTLS, which its policy demands",
            format!("turn TLS on there, or {}", set("--tls opportunistic")),
        ),
        "pin-mismatch" => (
            "shows another public key than the one that is pinned",
            format!(
                "when its key was changed on purpose: {}",
                set("--tls-pin PIN")
            ),
        ),
        "certificate-untrusted" => (
            "shows a certificate that is not valid for its name, or that nobody known has signed",
            format!(
                "mend its certificate, or pin its key: {}",
                set("--tls pinned --tls-pin PIN")
            ),
        ),
        "login-needs-tls" => (
            "is not encrypted, and the login is not sent in the clear",
            "turn TLS on there, or take name and password away".to_owned(),
        ),
        "login-not-offered" => (
            "offers no login that this server can use",
            format!(
                "turn AUTH PLAIN or LOGIN on there, or {}",
                set("--username \"\"")
            ),
        ),
        "login-refused" => (
            "refuses the login",
            format!(
                "give name and password anew: {}",
                set("--username NAME --password")
            ),
        ),
        _ => (
            "cannot be spoken to over TLS",
            "see which versions and ciphers it has; TLS 1.2 or later is needed".to_owned(),
        ),
    };
    (says.to_owned(), mend)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn days_are_whole_and_below_zero_when_it_is_over() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let of = |seconds: i64| {
            let by = Duration::from_secs(seconds.unsigned_abs());
            days(if seconds < 0 { now - by } else { now + by }, now)
        };
        assert_eq!(
            [of(86_399), of(86_400), of(-1), of(-86_400)],
            [0, 1, -1, -2]
        );
    }
}
