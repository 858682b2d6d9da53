//! What is wrong with the site: codes and parameters, which whoever shows them says in words.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use waypost_directory::HoldKey;
use waypost_mta::queue::health::{Condition, TargetHealth};
use waypost_proto::mail::Domain;

use super::Bridge;
use super::flow::shown;
use super::overview::Moment;
use crate::{layout, time};

const DAY: Duration = Duration::from_secs(86_400);
/// A certificate that ends within this time is to be renewed.
const RENEW: Duration = Duration::from_secs(21 * 86_400);
/// Mail that waits longer than this is noticed by its senders.
const OLD: Duration = Duration::from_secs(4 * 3_600);
/// A disk with less than one part in so many free is nearly full.
const NEARLY: u64 = 10;
/// Addresses that live twice and are named one by one.
const TWICE: usize = 100;

/// How bad it is; the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Severity {
    Error,
    Warning,
    Notice,
}

struct Wrong {
    severity: Severity,
    code: &'static str,
    kind: &'static str,
    name: String,
    parameters: Value,
}

/// All that is wrong, the worst first.
pub(super) fn all(bridge: &Bridge, moment: &Moment) -> Vec<Value> {
    let mut wrong = Vec::new();
    spool(bridge, &mut wrong);
    certificate(bridge, moment.now, &mut wrong);
    orders(bridge, &mut wrong);
    for target in &moment.health {
        failing(target, moment, &mut wrong);
        silent(bridge, target, &mut wrong);
    }
    holds(bridge, moment.now, &mut wrong);
    old(moment, &mut wrong);
    twice(bridge, &mut wrong);
    signs(bridge, moment, &mut wrong);
    postmaster(bridge, &mut wrong);
    wrong.sort_by_key(|found| found.severity);
    wrong.iter().map(Wrong::show).collect()
}

impl Wrong {
    fn show(&self) -> Value {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Notice => "notice",
        };
        json!({
            "severity": severity,
            "code": self.code,
            "parameters": self.parameters,
            "object": { "kind": self.kind, "name": self.name },
        })
    }
}

/// Something about this server itself.
fn here(bridge: &Bridge, severity: Severity, code: &'static str, parameters: Value) -> Wrong {
    Wrong {
        severity,
        code,
        kind: "server",
        name: bridge.hostname.to_string(),
        parameters,
    }
}

fn spool(bridge: &Bridge, wrong: &mut Vec<Wrong>) {
    use waypost_spool::Unavailable;
    let disk = rustix::fs::statvfs(&bridge.data_dir).ok();
    let (free, total) = disk.map_or((u64::MAX, 0), |disk| {
        (disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize)
    });
    let space = json!({ "free_bytes": free, "total_bytes": total });
    match bridge.spool.room_for(0) {
        Err(Unavailable::Full) => {
            wrong.push(here(bridge, Severity::Error, "disk-full", space));
        }
        Err(_) => wrong.push(here(bridge, Severity::Error, "spool-suspect", json!({}))),
        Ok(()) if free < total / NEARLY => {
            wrong.push(here(bridge, Severity::Warning, "disk-nearly-full", space));
        }
        Ok(()) => {}
    }
}

fn certificate(bridge: &Bridge, now: SystemTime, wrong: &mut Vec<Wrong>) {
    let Some(end) = bridge.reloader.certificate_end() else {
        return;
    };
    let left = end.duration_since(now);
    let days = left
        .as_ref()
        .map_or(0, |left| left.as_secs() / DAY.as_secs());
    let parameters = json!({ "at": time::show(end), "days": days });
    match left {
        Err(_) => {
            wrong.push(here(
                bridge,
                Severity::Error,
                "certificate-expired",
                parameters,
            ));
        }
        Ok(left) if left < RENEW => {
            wrong.push(here(
                bridge,
                Severity::Warning,
                "certificate-expires",
                parameters,
            ));
        }
        Ok(_) => {}
    }
}

/// The authority gives no certificate.
fn orders(bridge: &Bridge, wrong: &mut Vec<Wrong>) {
    if let Some(trouble) = bridge.reloader.order_trouble() {
        let parameters = json!({
            "error": trouble.error,
            "since": time::show(trouble.since),
            "tried_again": time::show(trouble.tried_again),
        });
        wrong.push(here(
            bridge,
            Severity::Warning,
            "certificate-not-given",
            parameters,
        ));
    }
}

fn kind(target: &TargetHealth) -> &'static str {
    if target.is_peer { "peer" } else { "target" }
}

fn failing(target: &TargetHealth, moment: &Moment, wrong: &mut Vec<Wrong>) {
    let (severity, code) = match target.condition {
        Condition::Down => (Severity::Error, "target-down"),
        Condition::Degraded => (Severity::Warning, "target-degraded"),
        Condition::Held | Condition::Unused | Condition::Up => return,
    };
    let waits = moment.waiting.get(&format!("target.{}", target.name));
    let error = target.seen.last_error.as_ref();
    wrong.push(Wrong {
        severity,
        code,
        kind: kind(target),
        name: target.name.clone(),
        parameters: json!({
            "error": error.map(|(_, text)| text),
            "since": target.seen.last_success.map(time::show),
            "tried_again": target.tried_again.map(time::show),
            "waiting": waits.map_or(0, |waits| waits.recipients),
        }),
    });
}

fn silent(bridge: &Bridge, target: &TargetHealth, wrong: &mut Vec<Wrong>) {
    let standing = bridge.resolver.standing(target.id);
    let Some(pause) = standing.paused.filter(|_| target.is_peer) else {
        return;
    };
    wrong.push(Wrong {
        severity: Severity::Error,
        code: "peer-silent",
        kind: "peer",
        name: target.name.clone(),
        parameters: json!({
            "paused_s": pause.as_secs(),
            "last_answer": bridge.last_answer(target.id),
        }),
    });
}

fn holds(bridge: &Bridge, now: SystemTime, wrong: &mut Vec<Wrong>) {
    let snapshot = bridge.directory.snapshot();
    let mut holds: Vec<_> = snapshot
        .holds()
        .filter(|(_, hold)| hold.is_on(now))
        .collect();
    holds.sort_by_key(|(key, _)| (*key).clone());
    for (key, hold) in holds {
        let (kind, name) = match key {
            HoldKey::Domain(name) => ("domain", name.to_string()),
            HoldKey::Target(name) => ("target", name.clone()),
            HoldKey::User(domain, login) => ("user", format!("{login}@{domain}")),
        };
        wrong.push(Wrong {
            severity: Severity::Notice,
            code: "held",
            kind,
            name,
            parameters: json!({
                "reason": hold.reason,
                "since": time::show(hold.since),
                "until": hold.until.map(time::show),
            }),
        });
    }
}

fn old(moment: &Moment, wrong: &mut Vec<Wrong>) {
    let old = moment
        .waiting
        .iter()
        .filter(|(_, waits)| waits.oldest > OLD);
    for (hop, waits) in old {
        let name = hop.strip_prefix("target.").unwrap_or(hop);
        let mut targets = moment.health.iter();
        let target = targets.find(|target| hop.starts_with("target.") && target.name == name);
        wrong.push(Wrong {
            severity: Severity::Warning,
            code: "queue-old",
            kind: target.map_or("next-hop", kind),
            name: name.to_owned(),
            parameters: json!({
                "oldest_s": waits.oldest.as_secs(),
                "waiting": waits.recipients,
            }),
        });
    }
}

fn twice(bridge: &Bridge, wrong: &mut Vec<Wrong>) {
    for conflict in bridge.resolver.conflicts().iter().take(TWICE) {
        wrong.push(Wrong {
            severity: Severity::Warning,
            code: "address-twice",
            kind: "address",
            name: conflict.address.to_string(),
            parameters: json!({
                "mail_goes_to": bridge.resolver.authority_name(conflict.winner),
                "also_on": bridge.resolver.authority_name(conflict.other),
                "seen": time::show(conflict.seen),
            }),
        });
    }
}

fn signs(bridge: &Bridge, moment: &Moment, wrong: &mut Vec<Wrong>) {
    let signs = bridge.history.signs();
    for (blind, at_ms) in signs.blind() {
        wrong.push(Wrong {
            severity: Severity::Warning,
            code: "accepts-everything",
            kind: "target",
            name: blind.relay,
            parameters: json!({ "domain": blind.domain, "at": shown(at_ms) }),
        });
    }
    let snapshot = bridge.directory.snapshot();
    for (name, loops) in signs.loops() {
        let last = SystemTime::UNIX_EPOCH + Duration::from_millis(loops.last_ms);
        let is_fresh = moment.now.duration_since(last).is_ok_and(|ago| ago < DAY);
        let domain = Domain::parse(&name).ok();
        let domain = domain.as_ref().and_then(|name| snapshot.domain(name));
        let Some(domain) = domain.filter(|found| is_fresh && found.domain.forward_unknown) else {
            continue;
        };
        let target = domain.domain.relay.and_then(|id| snapshot.target(id));
        wrong.push(Wrong {
            severity: Severity::Error,
            code: "both-forward",
            kind: "domain",
            name: domain.domain.name.to_string(),
            parameters: json!({
                "target": target.map(|target| &target.name),
                "loops": loops.count,
            }),
        });
    }
}

/// Mail in the site's own mailbox: double bounces, and what nobody else takes.
fn postmaster(bridge: &Bridge, wrong: &mut Vec<Wrong>) {
    let new = layout::postmaster(&bridge.data_dir).join("new");
    // Without a mailbox there is no mail in it.
    let messages = std::fs::read_dir(new).map_or(0, Iterator::count);
    if messages > 0 {
        let parameters = json!({ "messages": messages });
        wrong.push(here(
            bridge,
            Severity::Notice,
            "postmaster-mail",
            parameters,
        ));
    }
}
