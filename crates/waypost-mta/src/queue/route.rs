//! What the queue asks about routes.

use std::collections::HashSet;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use waypost_directory::{Found, Hold, HoldKey, Snapshot, Span};
use waypost_proto::mail::{Domain, Mailbox, ReversePath};
use waypost_proto::route::{Expansion, TargetId, Verdict, Via};

use crate::resolve::expand::{Expanded, Once};
use crate::resolve::{Asking, Decided, Request, Resolver};

/// A verdict on its way.
pub type Deciding<'a> = Pin<Box<dyn Future<Output = Decided> + Send + 'a>>;

/// What the queue needs to know of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetFacts {
    /// Its name.
    pub name: String,
    /// Most attempts at a time.
    pub connections: u32,
    /// Whether mail goes to the smart host when the target does not take it.
    pub smart_host_on_error: bool,
    /// Whether senders wait for its own answer.
    pub cut_through: bool,
}

/// A hold of the directory that a recipient is under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// What is held.
    pub key: HoldKey,
    /// Why and how long.
    pub hold: Hold,
}

/// Where a recipient is bound for.
#[derive(Debug, Clone, Copy)]
pub struct Bound<'a> {
    /// The recipient.
    pub request: &'a Request<'a>,
    /// What was decided; missing: it is decided from what is known.
    pub verdict: Option<&'a Verdict>,
    /// Where its last attempt went.
    pub last_hop: Option<&'a str>,
}

/// What the directory holds at a moment, for looking at many recipients without deciding each.
#[derive(Debug, Default)]
pub struct Holding {
    targets: HashSet<String>,
    /// All names of the held domains.
    domains: HashSet<String>,
    users: HashSet<(Domain, String)>,
    /// With users: who has which address.
    snapshot: Option<Arc<Snapshot>>,
}

impl Holding {
    #[cfg(test)]
    pub(crate) fn of_targets(names: impl Iterator<Item = String>) -> Option<Self> {
        let targets: HashSet<String> = names.collect();
        (!targets.is_empty()).then(|| Self {
            targets,
            ..Self::default()
        })
    }

    fn add(&mut self, key: &HoldKey, snapshot: &Snapshot) {
        match key {
            HoldKey::Domain(name) => {
                self.domains.insert(name.as_str().to_owned());
                if let Some(served) = snapshot.domain(name).filter(|d| d.domain.name == *name) {
                    let aliases = served.domain.aliases.iter();
                    self.domains.extend(aliases.map(|a| a.as_str().to_owned()));
                }
            }
            HoldKey::Target(name) => {
                self.targets.insert(name.clone());
            }
            HoldKey::User(domain, login) => {
                self.users.insert((domain.clone(), login.clone()));
            }
        }
    }

    /// Whether all that goes to this next hop is held.
    #[must_use]
    pub fn is_target_held(&self, name: &str) -> bool {
        self.targets.contains(name)
    }

    /// Whether a recipient's domain or user is held.
    #[must_use]
    pub fn is_address_held(&self, address: &str) -> bool {
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
        if self.domains.contains(domain) {
            return true;
        }
        let Some(snapshot) = &self.snapshot else {
            return false;
        };
        let mailbox = Mailbox::parse(address).ok();
        match mailbox.as_ref().and_then(|to| snapshot.lookup_mailbox(to)) {
            Some(Found::User(user)) => {
                let key = (user.domain.name.clone(), user.login.to_owned());
                self.users.contains(&key)
            }
            _ => false,
        }
    }
}

/// Where recipients go, as the directory says at this moment.
pub trait Route: Send + Sync {
    /// Decides from what is known; none when somebody must be asked first.
    fn decide(&self, request: &Request<'_>) -> Option<Decided>;

    /// Decides, and asks whoever must be asked.
    fn ask<'a>(&'a self, request: Request<'a>) -> Deciding<'a>;

    /// Forgets what was known of the address that the target refused, and asks again who has the
    /// recipient.
    fn decide_again<'a>(
        &'a self,
        request: Request<'a>,
        target: TargetId,
        outgoing: &'a Mailbox,
    ) -> Deciding<'a>;

    /// Flattens a group; nobody is asked. None when it cannot be done now.
    fn expand(
        &self,
        request: &Request<'_>,
        group: &Expansion,
        from: &ReversePath,
    ) -> Option<Expanded>;

    /// The target took mail for an outgoing address: that it exists is proved for a day.
    fn delivered(&self, target: TargetId, outgoing: &Mailbox);

    /// Whether it has, in the last 24 hours.
    fn took(&self, target: TargetId, outgoing: &Mailbox) -> bool;

    /// The facts of a target.
    fn target(&self, id: TargetId) -> Option<TargetFacts>;

    /// The hold that keeps a recipient, if any: on its domain, its target or its user.
    fn held(&self, bound: Bound<'_>, now: SystemTime) -> Option<Held>;

    /// How much of this time holds that are over now have kept it.
    fn held_within(&self, bound: Bound<'_>, time: Span) -> Duration;

    /// What is held now, to be asked about many recipients; none when nothing is.
    fn holding(&self, now: SystemTime) -> Option<Holding>;

    /// Every hold with its end, in order: another list means that something may be let go.
    fn holds(&self) -> Vec<(HoldKey, Option<SystemTime>)>;
}

/// What a future says at once, if it does.
fn at_once<F: Future>(future: F) -> Option<F::Output> {
    let mut cx = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut cx) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

impl Route for Resolver {
    fn decide(&self, request: &Request<'_>) -> Option<Decided> {
        self.decide_unasked(request)
    }

    fn ask<'a>(&'a self, request: Request<'a>) -> Deciding<'a> {
        Box::pin(async move { Self::decide(self, &request).await })
    }

    fn decide_again<'a>(
        &'a self,
        request: Request<'a>,
        target: TargetId,
        outgoing: &'a Mailbox,
    ) -> Deciding<'a> {
        Box::pin(async move { Self::decide_again(self, &request, target, outgoing).await })
    }

    fn expand(
        &self,
        request: &Request<'_>,
        group: &Expansion,
        from: &ReversePath,
    ) -> Option<Expanded> {
        let mut once = Once::new(self.settings().delimiter);
        // A member that somebody must be asked about is queued by itself, and asked about then.
        let request = Request {
            asking: Asking::Forbidden,
            ..request.clone()
        };
        at_once(Self::expand(self, &request, group, from, &mut once))
    }

    fn delivered(&self, target: TargetId, outgoing: &Mailbox) {
        Self::delivered(self, target, outgoing);
    }

    fn took(&self, target: TargetId, outgoing: &Mailbox) -> bool {
        Self::took(self, target, outgoing)
    }

    fn target(&self, id: TargetId) -> Option<TargetFacts> {
        let snapshot = self.snapshot();
        snapshot.target(id).map(|target| TargetFacts {
            name: target.name.clone(),
            connections: target.connections,
            smart_host_on_error: target.smart_host_on_error,
            cut_through: target.cut_through,
        })
    }

    fn held(&self, bound: Bound<'_>, now: SystemTime) -> Option<Held> {
        let snapshot = self.snapshot();
        // Nearly always there is none, and then nothing else is looked at.
        snapshot.holds().next()?;
        let keys = self.hold_keys(&snapshot, bound);
        let holds = keys.into_iter().filter_map(|key| {
            let hold = snapshot.hold(&key)?.clone();
            Some(Held { key, hold })
        });
        let holds = holds.filter(|held| held.hold.is_on(now));
        holds.min_by_key(|held| held.hold.since)
    }

    fn held_within(&self, bound: Bound<'_>, time: Span) -> Duration {
        let snapshot = self.snapshot();
        if snapshot.is_without_holds() {
            return Duration::ZERO;
        }
        let mut spans = Vec::new();
        for key in self.hold_keys(&snapshot, bound) {
            let present = snapshot.hold(&key).map(|hold| hold.span(time.ended));
            spans.extend(present);
            spans.extend_from_slice(snapshot.past_holds(&key));
        }
        covered(spans, time)
    }

    fn holding(&self, now: SystemTime) -> Option<Holding> {
        let snapshot = self.snapshot();
        let mut holding = Holding::default();
        for (key, _) in snapshot.holds().filter(|(_, hold)| hold.is_on(now)) {
            holding.add(key, &snapshot);
        }
        if holding.users.is_empty() {
            let nothing = holding.targets.is_empty() && holding.domains.is_empty();
            return (!nothing).then_some(holding);
        }
        holding.snapshot = Some(snapshot);
        Some(holding)
    }

    fn holds(&self) -> Vec<(HoldKey, Option<SystemTime>)> {
        let snapshot = self.snapshot();
        let holds = snapshot.holds();
        let mut holds: Vec<_> = holds.map(|(key, hold)| (key.clone(), hold.until)).collect();
        holds.sort();
        holds
    }
}

impl Resolver {
    /// Everything by which a recipient can be held.
    fn hold_keys(&self, snapshot: &Snapshot, bound: Bound<'_>) -> Vec<HoldKey> {
        let decide = || {
            let request = Request {
                asking: Asking::Forbidden,
                ..bound.request.clone()
            };
            self.decide_unasked(&request)
        };
        let known = bound.verdict.cloned();
        let verdict = known.or_else(|| decide().map(|decided| decided.verdict));
        let recipient = bound.request.recipient;
        let mut keys = vec![HoldKey::Domain(recipient.domain.clone())];
        if let Some(served) = snapshot.domain(&recipient.domain) {
            keys.push(HoldKey::Domain(served.domain.name.clone()));
        }
        let target = match &verdict {
            Some(Verdict::Relay {
                via: Via::Target(id),
                ..
            }) => snapshot.target(*id).map(|target| target.name.clone()),
            // Where it goes is not known now: as the last time.
            Some(Verdict::TryLater(_)) | None => bound.last_hop.map(str::to_owned),
            Some(_) => None,
        };
        keys.extend(target.map(HoldKey::Target));
        match (snapshot.lookup_mailbox(recipient), &verdict) {
            (Some(Found::User(user)), _) => {
                let domain = user.domain.name.clone();
                keys.push(HoldKey::User(domain, user.login.to_owned()));
            }
            // Found under a sub-address.
            (_, Some(Verdict::Deliver(to))) => {
                keys.push(HoldKey::User(to.domain.clone(), to.login.to_string()));
            }
            _ => {}
        }
        keys.sort();
        keys.dedup();
        keys
    }
}

/// How much of a time lies within at least one of these.
fn covered(mut spans: Vec<Span>, time: Span) -> Duration {
    spans.sort_by_key(|span| span.since);
    let mut counted = time.since;
    let mut sum = Duration::ZERO;
    for span in spans {
        let begin = span.since.max(counted);
        let end = span.ended.min(time.ended);
        if let Ok(length) = end.duration_since(begin) {
            sum += length;
            counted = end;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn time_under_several_holds_counts_once() {
        let at = |second| UNIX_EPOCH + Duration::from_secs(second);
        let span = |since, ended| Span {
            since: at(since),
            ended: at(ended),
        };
        let covered = |spans: &[Span]| covered(spans.to_vec(), span(10, 100)).as_secs();
        assert_eq!(covered(&[]), 0);
        assert_eq!(covered(&[span(0, 5), span(100, 120)]), 0);
        assert_eq!(covered(&[span(0, 200)]), 90);
        assert_eq!(covered(&[span(40, 60), span(0, 20), span(50, 70)]), 40);
        assert_eq!(covered(&[span(20, 60), span(30, 40)]), 40);
    }
}
