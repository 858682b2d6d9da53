//! The resolver with its questions answered: what everybody but a test uses.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::Poll;

use tokio::sync::{Mutex, mpsc};
use waypost_directory::{Here, Snapshot};
use waypost_proto::mail::{Domain, Mailbox, ReversePath};
use waypost_proto::route::{Expansion, Rule, TargetId, Verdict};
use waypost_proto::smtp::replies;

use super::ask::{Answers, Callout, Heard, Question};
use super::expand::{Expanded, Flattening, Once};
use super::memory::{CacheSettings, Memory, Remembered};
use super::{Asking, Decided, Facts, Outbound, Request, Resolution, Settings, outgoing, resolve};
use crate::clock::Clock;
use crate::event;
use crate::trace::Journey;

/// Rounds of questions for one recipient; the directory may change between them.
const MAX_ROUNDS: usize = 2;
/// Members of a group that are decided at the same time.
const MEMBERS_AT_ONCE: usize = 50;
/// Background questions asked at the same time.
const REFRESHES_AT_ONCE: usize = 4;

/// The directory's snapshot of now.
pub type Snapshots = dyn Fn() -> Arc<Snapshot> + Send + Sync;

/// What the resolver is made of.
pub struct Parts {
    /// Who and where.
    pub snapshots: Arc<Snapshots>,
    /// Which addresses lead to this server; asked for every relayed recipient, so from memory.
    pub here: Arc<dyn Here + Send + Sync>,
    /// Who asks other servers.
    pub callout: Arc<dyn Callout>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The site's configuration.
    pub settings: Settings,
    /// How long answers count.
    pub cache: CacheSettings,
}

/// Decides recipients, asking other servers where the law says so. Cheap to clone.
#[derive(Clone)]
pub struct Resolver(Arc<Inner>);

struct Inner {
    snapshots: Arc<Snapshots>,
    here: Arc<dyn Here + Send + Sync>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    cache: CacheSettings,
    memory: Memory,
}

/// The questions asked again in the background: a future to run beside the resolver.
pub struct Refresher {
    resolver: Weak<Inner>,
    questions: Mutex<mpsc::Receiver<Question>>,
}

impl Resolver {
    /// Joins the parts. Whoever starts the server runs the refresher until it ends.
    #[must_use]
    pub fn new(parts: Parts) -> (Self, Refresher) {
        let snapshots = Arc::clone(&parts.snapshots);
        let blind = move |target: TargetId, domain: &Domain| {
            let snapshot = snapshots();
            let name = snapshot.target(target).map_or("?", |target| &target.name);
            event::accepts_everything(name, domain);
        };
        let clock = Arc::clone(&parts.clock);
        let (memory, questions) = Memory::new(
            parts.callout,
            parts.clock,
            parts.cache.clone(),
            Box::new(blind),
        );
        let resolver = Self(Arc::new(Inner {
            snapshots: parts.snapshots,
            here: parts.here,
            clock,
            settings: parts.settings,
            cache: parts.cache,
            memory,
        }));
        let refresher = Refresher {
            resolver: Arc::downgrade(&resolver.0),
            questions: Mutex::new(questions),
        };
        (resolver, refresher)
    }

    /// The settings it decides with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The directory of now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        (self.0.snapshots)()
    }

    /// Decides one recipient. Ready at once when nobody must be asked.
    pub async fn decide(&self, request: &Request<'_>) -> Decided {
        let mut answers = Answers::default();
        // What is remembered counts even where nobody may be asked: so the questions come first.
        let mut asking = Request {
            asking: Asking::Allowed,
            ..request.clone()
        };
        for _ in 0..=MAX_ROUNDS {
            let questions = match self.look(&asking, &answers) {
                Resolution::Decided(decided) => return decided,
                Resolution::Ask(questions) => questions,
            };
            let heard = all(questions.iter().map(|q| self.hear(q, request.asking))).await;
            if heard.iter().any(Option::is_none) {
                asking.asking = Asking::Forbidden;
            }
            for (question, heard) in questions.into_iter().zip(heard) {
                if let Some(heard) = heard {
                    answers.add(question, heard);
                }
            }
        }
        undecided(request.recipient)
    }

    /// Decides a recipient again when the header of its message has told where it has been.
    ///
    /// Returns the targets it was already sent to, too: for the queue to keep. Both the address
    /// received and the one it would leave with are looked for, since rewriting on the way would
    /// hide either.
    pub async fn decide_returned(
        &self,
        request: &Request<'_>,
        journey: &Journey<'_>,
    ) -> (Decided, Vec<TargetId>) {
        let mut visited = journey.visited(request.recipient);
        loop {
            let request = Request {
                visited: &visited,
                ..request.clone()
            };
            let decided = self.decide(&request).await;
            let mut more = match &decided.verdict {
                Verdict::Relay { recipient, .. } => journey.visited(recipient),
                _ => Vec::new(),
            };
            more.retain(|hop| !visited.contains(hop));
            if more.is_empty() {
                return (decided, visited);
            }
            visited.append(&mut more);
        }
    }

    /// Decides recipients together: their questions are asked at the same time.
    pub async fn decide_all(&self, requests: &[Request<'_>]) -> Vec<Decided> {
        all(requests.iter().map(|request| self.decide(request))).await
    }

    /// Flattens a group to its final members.
    ///
    /// `group` is the request that was decided as `expansion`; `once` belongs to the message.
    pub async fn expand(
        &self,
        group: &Request<'_>,
        expansion: &Expansion,
        reverse_path: &ReversePath,
        once: &mut Once,
    ) -> Expanded {
        let started = self.0.clock.now();
        let mut flattening = Flattening::new(expansion, reverse_path, once);
        loop {
            let candidates = flattening.next(MEMBERS_AT_ONCE);
            if candidates.is_empty() {
                return flattening.finish();
            }
            let late = self.0.clock.now() - started > self.0.cache.wait;
            let asking = if late {
                Asking::Forbidden
            } else {
                group.asking
            };
            let requests: Vec<_> = candidates
                .iter()
                .map(|candidate| member_of(group, &candidate.address, asking))
                .collect();
            let decided = self.decide_all(&requests).await;
            for (candidate, decided) in candidates.into_iter().zip(decided) {
                flattening.decided(candidate, decided);
            }
        }
    }

    /// Forgets what other servers said about an address: it was created, changed or deleted here.
    ///
    /// Returns how many answers there were.
    pub fn forget(&self, address: &Mailbox) -> usize {
        let snapshot = self.snapshot();
        let forgotten = snapshot.targets().filter(|target| {
            let outgoing = outgoing::of_unknown(address, &target.recipient);
            self.0.memory.forget(target.id, &outgoing)
        });
        forgotten.count()
    }

    /// Forgets what one target said: it has just said otherwise.
    pub fn contradicted(&self, target: TargetId, outgoing: &Mailbox) {
        self.0.memory.forget(target, outgoing);
    }

    /// The answers that are remembered, for `cache list`.
    #[must_use]
    pub fn remembered(&self) -> Vec<Remembered> {
        self.0.memory.list()
    }

    /// What a target is called, for the administrator.
    #[must_use]
    pub fn target_name(&self, id: TargetId) -> Option<String> {
        let snapshot = self.snapshot();
        snapshot.target(id).map(|target| target.name.clone())
    }

    fn look(&self, request: &Request<'_>, answers: &Answers) -> Resolution {
        let snapshot = self.snapshot();
        let facts = Facts {
            snapshot: &snapshot,
            answers,
            settings: &self.0.settings,
            here: &*self.0.here,
        };
        resolve(request, &facts)
    }

    async fn hear(&self, question: &Question, asking: Asking) -> Option<Heard> {
        let memory = &self.0.memory;
        match asking {
            Asking::Allowed => Some(memory.ask(question).await),
            Asking::Aside => Some(memory.ask_aside(question).await),
            Asking::Forbidden => memory.recall(question),
        }
    }
}

impl Refresher {
    /// Asks what is to be asked again, until the resolver is gone.
    pub async fn run(&self) {
        all((0..REFRESHES_AT_ONCE).map(|_| self.work())).await;
    }

    async fn work(&self) {
        loop {
            let next = self.questions.lock().await.recv().await;
            let (Some(question), Some(resolver)) = (next, self.resolver.upgrade()) else {
                return;
            };
            resolver.memory.refresh(&question).await;
        }
    }
}

/// A member comes from where its group came from, and may leave wherever it is.
fn member_of<'a>(group: &'a Request<'a>, address: &'a Mailbox, asking: Asking) -> Request<'a> {
    Request {
        recipient: address,
        original: Some(group.received()),
        outbound: Outbound::Allowed,
        asking,
        visited: &[],
        ..group.clone()
    }
}

/// The directory changes faster than questions are answered.
fn undecided(recipient: &Mailbox) -> Decided {
    Decided {
        verdict: Verdict::TryLater(replies::verification_unavailable(recipient)),
        rule: Rule::ForwardUnknown,
        proof: None,
        steps: Vec::new(),
    }
}

/// Runs futures at the same time, within this task, and returns what they return, in order.
async fn all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.into_iter().map(|f| Some(Box::pin(f))).collect();
    let mut done: Vec<_> = running.iter().map(|_| None).collect();
    poll_fn(|cx| {
        for (slot, output) in running.iter_mut().zip(&mut done) {
            if let Some(future) = slot
                && let Poll::Ready(value) = Pin::as_mut(future).poll(cx)
            {
                *output = Some(value);
                *slot = None;
            }
        }
        if running.iter().all(Option::is_none) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}
