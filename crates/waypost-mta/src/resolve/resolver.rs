//! The resolver with its questions answered: what everybody but a test uses.

mod observe;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::Poll;

use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use waypost_directory::{Here, Snapshot};
use waypost_proto::mail::{Mailbox, ReversePath};
use waypost_proto::route::{Expansion, Rule, Side, TargetId, Verdict};
use waypost_proto::smtp::replies;

use super::ask::{Answer, Answers, Ask, Authority, Heard, Question};
use super::conflict::{Conflict, Conflicts};
use super::expand::{Expanded, Flattening, Once};
use super::hear::{Late, ask_together};
use super::memory::{CacheSettings, Keep, Kept, Memory, Notice, Outside};
use super::{
    Asking, Decided, Facts, Outbound, Request, Resolution, Settings, authority_name, outgoing,
    resolve,
};
use crate::clock::Clock;
use crate::event;
use crate::trace::Journey;

pub use self::observe::Standing;

/// Rounds of questions for one recipient: peers with and without the tag, then the relay, each
/// remembered or asked; the directory may change between them.
const MAX_ROUNDS: usize = 10;
/// Members of a group that are decided at the same time.
const MEMBERS_AT_ONCE: usize = 50;
/// Background questions at the same time; more are not asked, and their answers stay as old as
/// they are. None waits for others: somebody may wait for its answer.
const CHORES_AT_ONCE: usize = 1000;

/// The directory's snapshot of now.
pub type Snapshots = dyn Fn() -> Arc<Snapshot> + Send + Sync;

/// What the resolver is made of.
pub struct Parts {
    /// Who and where.
    pub snapshots: Arc<Snapshots>,
    /// Which addresses lead to this server; asked for every relayed recipient, so from memory.
    pub here: Arc<dyn Here + Send + Sync>,
    /// Who asks other servers.
    pub ask: Arc<dyn Ask>,
    /// Where answers are kept over restarts.
    pub keep: Arc<dyn Keep>,
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
    memory: Arc<Memory>,
    conflicts: Conflicts,
    chores: mpsc::Sender<Chore>,
}

/// What is asked while nobody waits.
enum Chore {
    /// An old answer is asked for again.
    Refresh(Question),
    /// Somebody has said yes; the others may do so, too.
    Listen(Authority, Late),
}

/// The questions asked in the background: a future to run beside the resolver.
pub struct Background {
    resolver: Weak<Inner>,
    chores: Mutex<mpsc::Receiver<Chore>>,
}

impl Resolver {
    /// Joins the parts. Whoever starts the server runs the background until it ends.
    #[must_use]
    pub fn new(parts: Parts) -> (Self, Background) {
        let snapshots = Arc::clone(&parts.snapshots);
        let tell = move |notice: Notice<'_>| tell(&snapshots(), notice);
        let outside = Outside {
            ask: parts.ask,
            clock: Arc::clone(&parts.clock),
            keep: parts.keep,
            tell: Box::new(tell),
        };
        let (chores, waiting) = mpsc::channel(CHORES_AT_ONCE);
        let resolver = Self(Arc::new(Inner {
            snapshots: parts.snapshots,
            here: parts.here,
            clock: parts.clock,
            settings: parts.settings,
            memory: Arc::new(Memory::new(outside, parts.cache)),
            cache: parts.cache,
            conflicts: Conflicts::default(),
            chores,
        }));
        let background = Background {
            resolver: Arc::downgrade(&resolver.0),
            chores: Mutex::new(waiting),
        };
        (resolver, background)
    }

    /// Takes over the answers that were kept before a restart; returns how many still count.
    pub fn restore(&self, kept: impl IntoIterator<Item = Kept>) -> usize {
        self.0.memory.restore(kept)
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
        self.disbelieve_source(request);
        let mut answers = Answers::default();
        for _ in 0..MAX_ROUNDS {
            match self.look_with_memory(request, &mut answers) {
                Resolution::Decided(decided) => return decided,
                Resolution::Ask(questions) => {
                    self.disbelieve(&questions, request.asking, &mut answers);
                    self.ask(&questions, request.asking, &mut answers).await;
                }
            }
        }
        undecided(request.recipient)
    }

    /// Decides one recipient from what is known; none when somebody must be asked first.
    #[must_use]
    pub fn decide_unasked(&self, request: &Request<'_>) -> Option<Decided> {
        self.disbelieve_source(request);
        match self.look_with_memory(request, &mut Answers::default()) {
            Resolution::Decided(decided) => Some(decided),
            Resolution::Ask(_) => None,
        }
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

    /// Believes and waits for other servers as these settings say from now on; how many answers
    /// are remembered stays as it was at the start.
    pub fn reload_cache(&self, settings: CacheSettings) {
        self.0.memory.reload(settings);
    }

    /// Forgets what other servers said about an address, and what was delivered to it: it was
    /// created, changed or deleted here, or somebody has just said otherwise.
    ///
    /// Returns how many answers there were.
    pub fn forget(&self, address: &Mailbox) -> usize {
        self.forget_where(address, &|_| true)
    }

    /// Forgets what one server said about an address, or what was delivered to it there.
    pub fn forget_of(&self, target: &str, address: &Mailbox) -> usize {
        let snapshot = self.snapshot();
        self.forget_where(address, &|authority| {
            authority_name(&snapshot, authority) == target
        })
    }

    fn forget_where(&self, address: &Mailbox, whose: &dyn Fn(Authority) -> bool) -> usize {
        let snapshot = self.snapshot();
        let by_targets = snapshot.targets().flat_map(|target| {
            let outgoing = outgoing::of_unknown(address, &target.recipient);
            [
                (Authority::Callout(target.id), outgoing.clone()),
                (Authority::Delivery(target.id), outgoing),
                (Authority::Peer(target.id), address.clone()),
            ]
        });
        let by_gateway = snapshot.gateway(&address.domain).into_iter();
        let by_gateway =
            by_gateway.map(|gateway| (Authority::Gateway(gateway.id), address.clone()));
        by_targets
            .chain(by_gateway)
            .filter(|(authority, _)| whose(*authority))
            .filter(|(authority, known)| self.0.memory.forget(*authority, known))
            .count()
    }

    /// Decides a recipient again that a target has refused although it was known to have it: who
    /// else has it goes before the one that refused, whatever their order.
    pub async fn decide_again(
        &self,
        request: &Request<'_>,
        target: TargetId,
        outgoing: &Mailbox,
    ) -> Decided {
        self.contradicted(target, request.recipient, outgoing);
        let request = Request {
            asking: Asking::Doubtful,
            ..request.clone()
        };
        let decided = self.decide(&request).await;
        let peer = Authority::Peer(target);
        let says = |decided: &Decided| decided.proof.as_ref().map(|heard| heard.authority);
        if says(&decided) != Some(peer) || !matches!(decided.verdict, Verdict::Relay { .. }) {
            return decided;
        }
        // Without its yes, which its deed belies.
        let delimiter = self.0.settings.delimiter;
        let base = outgoing::without_tag(request.recipient, delimiter);
        let addresses = [Some(request.recipient), base.as_ref()];
        for address in addresses.into_iter().flatten() {
            self.0.memory.deny(peer, address);
        }
        let other = self.decide(&request).await;
        if let (Some(Authority::Peer(_)), Verdict::Relay { .. }) = (says(&other), &other.verdict) {
            return other;
        }
        for address in addresses.into_iter().flatten() {
            self.0.memory.forget(peer, address);
        }
        decided
    }

    /// A target has refused an outgoing address for good: nothing that was said of it counts.
    pub fn contradicted(&self, target: TargetId, recipient: &Mailbox, outgoing: &Mailbox) {
        self.forget(recipient);
        if let Some(base) = outgoing::without_tag(recipient, self.0.settings.delimiter) {
            self.forget(&base);
        }
        for authority in [Authority::Callout(target), Authority::Delivery(target)] {
            self.0.memory.forget(authority, outgoing);
        }
        self.0.memory.has_refused(target, &outgoing.domain);
    }

    /// A target took mail for an outgoing address: that it exists is proved for a day.
    pub fn delivered(&self, target: TargetId, outgoing: &Mailbox) {
        self.0.memory.delivered(target, outgoing);
    }

    /// Whether a target has taken mail for an outgoing address in the last 24 hours.
    #[must_use]
    pub fn took(&self, target: TargetId, outgoing: &Mailbox) -> bool {
        self.0.memory.took(target, outgoing)
    }

    /// What an authority is called, for the administrator.
    #[must_use]
    pub fn authority_name(&self, authority: Authority) -> String {
        authority_name(&self.snapshot(), authority)
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

    /// A look with everything that is remembered: that counts even where nobody may be asked.
    fn look_with_memory(&self, request: &Request<'_>, answers: &mut Answers) -> Resolution {
        let curious = Request {
            asking: match request.asking {
                Asking::Doubtful => Asking::Doubtful,
                _ => Asking::Allowed,
            },
            ..request.clone()
        };
        loop {
            let questions = match self.look(&curious, answers) {
                Resolution::Ask(questions) => questions,
                decided @ Resolution::Decided(_) => return decided,
            };
            let mut remembered = false;
            for question in questions {
                if answers.to(&question).is_none()
                    && let Some(heard) = self.recall(&question, request.asking)
                {
                    answers.add(question, heard);
                    remembered = true;
                }
            }
            if !remembered {
                return self.look(request, answers);
            }
        }
    }

    /// What is remembered; an old answer is asked for again in the background.
    fn recall(&self, question: &Question, asking: Asking) -> Option<Heard> {
        let heard = self.0.memory.recall(question)?;
        if asking != Asking::Aside {
            self.0.memory.note_use(&heard);
            if self.0.memory.is_old(&heard) {
                // A full queue means that enough is being asked.
                let _ = self.0.chores.try_send(Chore::Refresh(question.clone()));
            }
        }
        Some(heard)
    }

    /// Forgets answers to what is to be asked again.
    fn disbelieve(&self, questions: &[Question], asking: Asking, answers: &mut Answers) {
        for question in questions {
            if answers.drop(question) && asking != Asking::Aside {
                (self.0.memory).forget(question.authority, &question.address);
            }
        }
    }

    /// Asks what is not remembered.
    async fn ask(&self, questions: &[Question], asking: Asking, answers: &mut Answers) {
        let memory = &self.0.memory;
        if asking == Asking::Aside {
            let heard = all(questions.iter().map(|q| memory.ask_aside(q))).await;
            for (question, heard) in questions.iter().zip(heard) {
                answers.add(question.clone(), heard);
            }
            return;
        }
        let round = ask_together(memory, questions).await;
        let is_yes = |(_, heard): &&(Question, Heard)| heard.answer == Answer::Active;
        let mut active = round.heard.iter().filter(is_yes);
        if let Some((_, winner)) = active.next() {
            for (question, other) in active {
                self.0
                    .conflict(&question.address, winner.authority, other.authority);
            }
            for late in round.late {
                let _ = (self.0.chores).try_send(Chore::Listen(winner.authority, late));
            }
        }
        for (question, heard) in round.heard {
            answers.add(question, heard);
        }
    }

    /// A peer that hands over mail for an address says by that that it does not have it, with its
    /// tag or without.
    fn disbelieve_source(&self, request: &Request<'_>) {
        if let Side::Target(source) = request.side
            && request.original.is_none()
            && request.asking != Asking::Aside
        {
            let peer = Authority::Peer(*source);
            self.0.memory.forget(peer, request.recipient);
            let delimiter = self.0.settings.delimiter;
            if let Some(base) = outgoing::without_tag(request.recipient, delimiter) {
                self.0.memory.forget(peer, &base);
            }
        }
    }
}

impl Inner {
    fn conflict(&self, address: &Mailbox, winner: Authority, other: Authority) {
        let fresh = self.conflicts.note(Conflict {
            address: address.clone(),
            winner,
            other,
            seen: self.clock.wall(),
        });
        if fresh {
            let snapshot = (self.snapshots)();
            let (winner, other) = (
                authority_name(&snapshot, winner),
                authority_name(&snapshot, other),
            );
            event::lives_twice(address, &winner, &other);
        }
    }
}

impl Background {
    /// Asks what is to be asked, until the resolver is gone.
    pub async fn run(&self) {
        let mut chores = self.chores.lock().await;
        let mut running = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                Some(_) = running.join_next() => {}
                chore = chores.recv() => match (chore, self.resolver.upgrade()) {
                    // Whoever waits for the answer, too, asks himself when this one is dropped.
                    (Some(chore), Some(resolver)) => if running.len() < CHORES_AT_ONCE {
                        running.spawn(work(chore, resolver));
                    },
                    _ => return,
                },
            }
        }
    }
}

async fn work(chore: Chore, resolver: Arc<Inner>) {
    match chore {
        Chore::Refresh(question) => resolver.memory.refresh(&question).await,
        Chore::Listen(winner, late) => {
            let (question, heard) = late.await;
            if heard.answer == Answer::Active {
                resolver.conflict(&question.address, winner, heard.authority);
            }
        }
    }
}

/// What the administrator should know, in the log.
fn tell(snapshot: &Snapshot, notice: Notice<'_>) {
    let name = |authority| authority_name(snapshot, authority);
    match notice {
        Notice::Blind(target, domain) => {
            event::accepts_everything(&name(Authority::Callout(target)), domain);
        }
        Notice::Silent(authority) => event::does_not_answer(&name(authority)),
        Notice::Back(authority) => event::answers_again(&name(authority)),
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
