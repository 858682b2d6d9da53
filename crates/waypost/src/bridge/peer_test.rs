//! `waypost peer test`: what is wrong between a peer and us, in words.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use waypost_admin::request::Refused;
use waypost_directory::{Snapshot, Target};
use waypost_mta::minger::Trouble;
use waypost_mta::resolve::nobody_at;
use waypost_proto::mail::{Domain, LocalPart, Mailbox};
use waypost_proto::minger::Status;
use waypost_proto::smtp::reply::{RemoteReply, Severity};

use super::Bridge;
use crate::inquiry::Peer;

/// Domains that are shared with one peer and tried.
const MOST_DOMAINS: usize = 10;

/// What one look at a peer has found.
struct Check {
    what: &'static str,
    found: Found,
    says: String,
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
    let target = id.and_then(|id| snapshot.target(id)).ok_or_else(|| {
        Refused::new(format!(
            "there is no peer {name}; `waypost peer list` shows what there is"
        ))
    })?;
    let trial = Trial {
        bridge,
        snapshot: Arc::clone(&snapshot),
        target,
    };
    let checks = trial.run(address).await;
    let found = |found| checks.iter().any(|check: &Check| check.found == found);
    let result: Vec<Value> = checks
        .iter()
        .map(|check| {
            json!({
                "check": check.what,
                "ok": check.found == Found::Good,
                "says": check.says,
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
                found: Found::Wrong,
                says: format!(
                    "no domain is shared with it: `waypost domain set DOMAIN --add-sharing {}`",
                    peer.name
                ),
            });
            checks.extend(self.smtp(&own, false).await);
        }
        for domain in &domains {
            let check = self.smtp(domain, true).await;
            let ended = check
                .as_ref()
                .is_some_and(|c| c.found == Found::Unreachable);
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
        let (found, says) = judge_minger(peer, &said);
        Some(Check {
            what: "minger",
            found,
            says,
        })
    }

    async fn about(&self, peer: &Peer, address: &Mailbox) -> Check {
        let at = (&peer.host, peer.port);
        let said = self.bridge.asking.status(at, &peer.secret, address).await;
        let (found, says) = match said {
            Ok(status) => (
                Found::Good,
                format!("{address}: {status} ({})", status.digit()),
            ),
            Err(trouble) => (Found::Unreachable, format!("{address}: {trouble}")),
        };
        Check {
            what: "address",
            found,
            says,
        }
    }

    /// Asks with RCPT for the one recipient that every server has where it serves a domain.
    async fn smtp(&self, domain: &Domain, shared: bool) -> Option<Check> {
        let local = LocalPart::parse("postmaster").ok()?;
        let recipient = Mailbox::new(local, domain.clone());
        let said = self.bridge.asking.rcpt(self.target.id, &recipient).await;
        let (found, says) = match said {
            Ok(reply) if shared => judge_rcpt(domain, &reply),
            Ok(_) => (Found::Good, "answers over SMTP".to_owned()),
            Err(trouble) if trouble.unopened || trouble.reply.is_none() => (
                Found::Unreachable,
                format!(
                    "its SMTP port {} cannot be used: {trouble}; set its port, or see whether its \
                     server runs and no firewall is between",
                    self.target.port
                ),
            ),
            Err(trouble) => (
                Found::Wrong,
                format!("it takes no mail from here: {trouble}; allow this server there"),
            ),
        };
        Some(Check {
            what: "smtp",
            found,
            says,
        })
    }
}

fn resolved(peer: &Peer, at: &[SocketAddr]) -> Check {
    let host = &peer.host;
    let (found, says) = if at.is_empty() {
        (
            Found::Unreachable,
            format!(
                "its name {host} does not resolve: mend its entry in DNS, or `waypost peer set {} \
                 --host HOST`",
                peer.name
            ),
        )
    } else {
        let at: Vec<String> = at.iter().map(|at| at.ip().to_string()).collect();
        (Found::Good, format!("{host} is at {}", at.join(", ")))
    };
    Check {
        what: "name",
        found,
        says,
    }
}

fn judge_minger(peer: &Peer, said: &Result<Status, Trouble>) -> (Found, String) {
    let port = peer.port;
    match said {
        Ok(Status::Unknown) => (
            Found::Good,
            "answers over Minger, and does not know an address that nobody has".to_owned(),
        ),
        Ok(status @ (Status::Active | Status::Unavailable)) => (
            Found::Wrong,
            format!(
                "answers everything with yes: it says {} ({}) of an address that nobody has, so \
                 that its answers mean nothing; look for a catch-all address there",
                status,
                status.digit()
            ),
        ),
        Ok(Status::BadCredentials) if peer.secret.is_empty() => (
            Found::Wrong,
            format!(
                "anonymous questions are refused: it wants a secret; give it with `waypost peer \
                 set {} --minger-secret-file FILE`",
                peer.name
            ),
        ),
        Ok(Status::BadCredentials) => (
            Found::Wrong,
            "wrong secret: our minger_secret is none of those that it accepts; write the same on \
             both sides"
                .to_owned(),
        ),
        Ok(Status::Denied) => (
            Found::Wrong,
            "this server may not ask it about that domain; allow it there (minger_domains)"
                .to_owned(),
        ),
        Ok(Status::Malformed) => (
            Found::Wrong,
            "it cannot read our question; see whether a Minger server listens there".to_owned(),
        ),
        Err(Trouble::Network { at, error }) => (
            Found::Unreachable,
            format!("{at}: {error}: nothing answers Minger on UDP port {port} there (ICMP)"),
        ),
        Err(trouble @ (Trouble::Silent { .. } | Trouble::Late { .. })) => (
            Found::Unreachable,
            format!(
                "{trouble}: nothing answers on UDP port {port} there, a firewall is between, or it \
                 answers only servers that it knows: this one must be a peer there"
            ),
        ),
        Err(trouble) => (Found::Wrong, trouble.to_string()),
    }
}

/// Who serves a domain takes mail for its postmaster (RFC 5321 §4.5.1), or says that nobody has
/// it; who does not, does not relay.
fn judge_rcpt(domain: &Domain, reply: &RemoteReply) -> (Found, String) {
    let denied = reply.severity() == Severity::Permanent
        && !reply
            .status
            .is_some_and(|status| status.subject == 1 && status.detail == 1);
    match reply.severity() {
        Severity::Success => (Found::Good, format!("takes mail for {domain}")),
        _ if denied => (
            Found::Wrong,
            format!("does not serve {domain}, which is shared with it: {reply}; serve it there"),
        ),
        Severity::Permanent => (
            Found::Good,
            format!("serves {domain}, without a postmaster: {reply}"),
        ),
        _ => (
            Found::Unreachable,
            format!("takes no mail for {domain} now: {reply}; try again later"),
        ),
    }
}
