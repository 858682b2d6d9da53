//! `waypost peer test`: what is wrong between a peer and us, in words.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use waypost_admin::request::Refused;
use waypost_directory::{Kind, Snapshot, Target};
use waypost_mta::minger::Trouble;
use waypost_mta::resolve::nobody_at;
use waypost_proto::mail::{Domain, LocalPart, Mailbox};
use waypost_proto::minger::Status;
use waypost_proto::smtp::reply::{RemoteReply, Severity};

use super::Bridge;
use super::object::no_such;
use crate::inquiry::Peer;

/// Domains that are shared with one peer and tried.
const MOST_DOMAINS: usize = 10;

/// What one look at a peer has found.
struct Check {
    what: &'static str,
    judged: Judged,
}

/// What it means: a code with its parameters, which whoever shows it says in his language, and
/// the same in words.
struct Judged {
    found: Found,
    code: &'static str,
    parameters: Value,
    says: String,
}

/// Something good.
fn good(code: &'static str, parameters: Value, says: impl Into<String>) -> Judged {
    judged(Found::Good, (code, parameters), says)
}

/// Nobody is there.
fn away(code: &'static str, parameters: Value, says: impl Into<String>) -> Judged {
    judged(Found::Unreachable, (code, parameters), says)
}

/// Something to mend.
fn wrong(code: &'static str, parameters: Value, says: impl Into<String>) -> Judged {
    judged(Found::Wrong, (code, parameters), says)
}

fn judged(
    found: Found,
    (code, parameters): (&'static str, Value),
    says: impl Into<String>,
) -> Judged {
    Judged {
        found,
        code,
        parameters,
        says: says.into(),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    Good,
    /// Nobody is there, now.
    Unreachable,
    /// Somebody must mend it.
    Wrong,
}

/// Tries a peer.
pub(super) async fn test(
    bridge: &Bridge,
    name: &str,
    address: Option<&Mailbox>,
) -> Result<Value, Refused> {
    let snapshot = bridge.resolver.snapshot();
    let id = bridge.peer_id(name);
    let target = id
        .and_then(|id| snapshot.target(id))
        .ok_or_else(|| no_such(&format!("peer {name}"), Kind::Peer))?;
    let trial = Trial {
        bridge,
        snapshot: Arc::clone(&snapshot),
        target,
    };
    let checks = trial.run(address).await;
    let found = |found| {
        checks
            .iter()
            .any(|check: &Check| check.judged.found == found)
    };
    let result: Vec<Value> = checks
        .iter()
        .map(|check| {
            json!({
                "check": check.what,
                "ok": check.judged.found == Found::Good,
                "code": check.judged.code,
                "parameters": check.judged.parameters,
                "says": check.judged.says,
            })
        })
        .collect();
    Ok(json!({
        "peer": name,
        "ok": !found(Found::Wrong) && !found(Found::Unreachable),
        "unreachable": found(Found::Unreachable) && !found(Found::Wrong),
        "checks": result,
    }))
}

/// One peer under test.
struct Trial<'a> {
    bridge: &'a Bridge,
    snapshot: Arc<Snapshot>,
    target: &'a Target,
}

impl Trial<'_> {
    async fn run(&self, address: Option<&Mailbox>) -> Vec<Check> {
        let Some(peer) = self.peer() else {
            return Vec::new();
        };
        let at = self.bridge.asking.addresses((&peer.host, peer.port)).await;
        let mut checks = vec![resolved(&peer, &at)];
        if at.is_empty() {
            return checks;
        }
        let domains = self.domains();
        let own = self.bridge.resolver.settings().postmaster.domain.clone();
        let first = domains.first().unwrap_or(&own);
        checks.extend(self.minger(&peer, first).await);
        if let Some(address) = address {
            checks.push(self.about(&peer, address).await);
        }
        if domains.is_empty() {
            checks.push(Check {
                what: "domains",
                judged: wrong(
                    "domains-none",
                    json!({ "peer": peer.name }),
                    format!(
                        "no domain is shared with it: `waypost domain set DOMAIN --add-sharing {}`",
                        peer.name
                    ),
                ),
            });
            checks.extend(self.smtp(&own, false).await);
        }
        for domain in &domains {
            let check = self.smtp(domain, true).await;
            let ended = check
                .as_ref()
                .is_some_and(|c| c.judged.found == Found::Unreachable);
            checks.extend(check);
            if ended {
                break;
            }
        }
        checks
    }

    fn peer(&self) -> Option<Peer> {
        let minger = self.target.minger.as_ref()?;
        Some(Peer {
            name: self.target.name.clone(),
            host: self.target.host.clone(),
            port: minger.port,
            secret: minger.secret.clone(),
        })
    }

    /// The domains that are shared with it.
    fn domains(&self) -> Vec<Domain> {
        let domains = self.snapshot.domains();
        let shared = domains.filter(|domain| domain.sharing.contains(&self.target.id));
        shared
            .map(|domain| domain.name.clone())
            .take(MOST_DOMAINS)
            .collect()
    }

    /// Asks about an address that nobody has: a good peer does not know it.
    async fn minger(&self, peer: &Peer, domain: &Domain) -> Option<Check> {
        let nobody = nobody_at(domain)?;
        let at = (&peer.host, peer.port);
        let said = self.bridge.asking.status(at, &peer.secret, &nobody).await;
        Some(Check {
            what: "minger",
            judged: judge_minger(peer, &said),
        })
    }

    async fn about(&self, peer: &Peer, address: &Mailbox) -> Check {
        let at = (&peer.host, peer.port);
        let said = self.bridge.asking.status(at, &peer.secret, address).await;
        let judged = match said {
            Ok(status) => {
                let code = match status {
                    Status::Active => "address-active",
                    Status::Unavailable => "address-unavailable",
                    Status::Unknown => "address-unknown",
                    _ => "address-refused",
                };
                let parameters = json!({
                    "address": address.to_string(),
                    "status": status.to_string(),
                });
                let says = format!("{address}: {status} ({})", status.digit());
                good(code, parameters, says)
            }
            Err(trouble) => away(
                "address-trouble",
                json!({ "address": address.to_string(), "detail": trouble.to_string() }),
                format!("{address}: {trouble}"),
            ),
        };
        Check {
            what: "address",
            judged,
        }
    }

    /// Asks with RCPT for the one recipient that every server has where it serves a domain.
    async fn smtp(&self, domain: &Domain, shared: bool) -> Option<Check> {
        let local = LocalPart::parse("postmaster").ok()?;
        let recipient = Mailbox::new(local, domain.clone());
        let said = self.bridge.asking.rcpt(self.target.id, &recipient).await;
        let port = self.target.port;
        let judged = match said {
            Ok(reply) if shared => judge_rcpt(domain, &reply),
            Ok(_) => good("smtp-answers", json!({}), "answers over SMTP"),
            Err(trouble) if trouble.unopened || trouble.reply.is_none() => away(
                "smtp-unreachable",
                json!({ "port": port.to_string(), "detail": trouble.to_string() }),
                format!(
                    "its SMTP port {port} cannot be used: {trouble}; set its port, or see whether \
                     its server runs and no firewall is between"
                ),
            ),
            Err(trouble) => wrong(
                "smtp-takes-nothing",
                json!({ "detail": trouble.to_string() }),
                format!("it takes no mail from here: {trouble}; allow this server there"),
            ),
        };
        Some(Check {
            what: "smtp",
            judged,
        })
    }
}

fn resolved(peer: &Peer, at: &[SocketAddr]) -> Check {
    let host = peer.host.to_string();
    let judged = if at.is_empty() {
        away(
            "name-unresolved",
            json!({ "host": host }),
            format!(
                "its name {host} does not resolve: mend its entry in DNS, or `waypost peer set {} \
                 --host HOST`",
                peer.name
            ),
        )
    } else {
        let at: Vec<String> = at.iter().map(|at| at.ip().to_string()).collect();
        let at = at.join(", ");
        let says = format!("{host} is at {at}");
        good("name-good", json!({ "host": host, "at": at }), says)
    };
    Check {
        what: "name",
        judged,
    }
}

fn judge_minger(peer: &Peer, said: &Result<Status, Trouble>) -> Judged {
    let status = match said {
        Ok(status) => status,
        Err(trouble) => return no_answer(peer.port, trouble),
    };
    match status {
        Status::Unknown => good(
            "minger-good",
            json!({}),
            "answers over Minger, and does not know an address that nobody has",
        ),
        Status::Active | Status::Unavailable => wrong(
            "minger-says-yes",
            json!({ "status": status.to_string() }),
            format!(
                "answers everything with yes: it says {} ({}) of an address that nobody has, so \
                 that its answers mean nothing; look for a catch-all address there",
                status,
                status.digit()
            ),
        ),
        Status::BadCredentials if peer.secret.is_empty() => wrong(
            "minger-wants-secret",
            json!({}),
            format!(
                "anonymous questions are refused: it wants a secret; give it with `waypost peer \
                 set {} --minger-secret-file FILE`",
                peer.name
            ),
        ),
        Status::BadCredentials => wrong(
            "minger-wrong-secret",
            json!({}),
            "wrong secret: our minger_secret is none of those that it accepts; write the same on \
             both sides",
        ),
        Status::Denied => wrong(
            "minger-denied",
            json!({}),
            "this server may not ask it about that domain; allow it there (minger_domains)",
        ),
        Status::Malformed => wrong(
            "minger-malformed",
            json!({}),
            "it cannot read our question; see whether a Minger server listens there",
        ),
    }
}

fn no_answer(port: u16, trouble: &Trouble) -> Judged {
    let parameters = json!({ "port": port.to_string(), "detail": trouble.to_string() });
    match trouble {
        Trouble::Network { .. } => away(
            "minger-refused",
            parameters,
            format!("{trouble}: nothing answers Minger on UDP port {port} there (ICMP)"),
        ),
        Trouble::Silent { .. } | Trouble::Late { .. } => away(
            "minger-silent",
            parameters,
            format!(
                "{trouble}: nothing answers on UDP port {port} there, a firewall is between, or it \
                 answers only servers that it knows: this one must be a peer there"
            ),
        ),
        _ => wrong("minger-trouble", parameters, trouble.to_string()),
    }
}

/// Who serves a domain takes mail for its postmaster (RFC 5321 §4.5.1), or says that nobody has
/// it; who does not, does not relay.
fn judge_rcpt(domain: &Domain, reply: &RemoteReply) -> Judged {
    let denied = reply.severity() == Severity::Permanent
        && !reply
            .status
            .is_some_and(|status| status.subject == 1 && status.detail == 1);
    let parameters = json!({ "domain": domain.to_string(), "reply": reply.to_string() });
    match reply.severity() {
        Severity::Success => good("smtp-takes", parameters, format!("takes mail for {domain}")),
        _ if denied => wrong(
            "smtp-lacks-domain",
            parameters,
            format!("does not serve {domain}, which is shared with it: {reply}; serve it there"),
        ),
        Severity::Permanent => good(
            "smtp-no-postmaster",
            parameters,
            format!("serves {domain}, without a postmaster: {reply}"),
        ),
        _ => away(
            "smtp-later",
            parameters,
            format!("takes no mail for {domain} now: {reply}; try again later"),
        ),
    }
}
