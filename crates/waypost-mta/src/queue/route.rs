//! What the queue asks about routes.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::SystemTime;

use waypost_directory::{Found, HoldKey, Snapshot};
use waypost_proto::mail::{Mailbox, ReversePath};
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
}

/// A hold that a recipient is under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// When it ends by itself.
    pub until: Option<SystemTime>,
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
    fn held(&self, recipient: &Mailbox, verdict: &Verdict, now: SystemTime) -> Option<Held>;

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
        })
    }

    fn held(&self, recipient: &Mailbox, verdict: &Verdict, now: SystemTime) -> Option<Held> {
        let snapshot = self.snapshot();
        // Nearly always there is none, and then nothing else is looked at.
        snapshot.holds().next()?;
        let keys = hold_keys(&snapshot, recipient, verdict);
        let holds = keys.iter().filter_map(|key| snapshot.hold(key));
        let mut holds = holds.filter(|hold| hold.until.is_none_or(|until| until > now));
        holds.next().map(|hold| Held { until: hold.until })
    }

    fn holds(&self) -> Vec<(HoldKey, Option<SystemTime>)> {
        let snapshot = self.snapshot();
        let holds = snapshot.holds();
        let mut holds: Vec<_> = holds.map(|(key, hold)| (key.clone(), hold.until)).collect();
        holds.sort();
        holds
    }
}

/// Everything by which a recipient can be held.
fn hold_keys(snapshot: &Snapshot, recipient: &Mailbox, verdict: &Verdict) -> Vec<HoldKey> {
    let mut keys = vec![HoldKey::Domain(recipient.domain.clone())];
    if let Some(served) = snapshot.domain(&recipient.domain) {
        keys.push(HoldKey::Domain(served.domain.name.clone()));
    }
    if let Verdict::Relay {
        via: Via::Target(id),
        ..
    } = verdict
        && let Some(target) = snapshot.target(*id)
    {
        keys.push(HoldKey::Target(target.name.clone()));
    }
    match (snapshot.lookup_mailbox(recipient), verdict) {
        (Some(Found::User(user)), _) => {
            let domain = user.domain.name.clone();
            keys.push(HoldKey::User(domain, user.login.to_owned()));
        }
        // Found under a sub-address.
        (_, Verdict::Deliver(to)) => {
            keys.push(HoldKey::User(to.domain.clone(), to.login.to_string()));
        }
        _ => {}
    }
    keys
}
