use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;
use tokio::sync::watch;
use waypost_directory::{Hold, HoldKey, Span};
use waypost_proto::mail::{Domain, Mailbox, ReversePath};
use waypost_proto::route::{Destination, Expansion, Rule, Side, Store, TargetId, Verdict, Via};
use waypost_proto::smtp::params::MailParams;
use waypost_proto::smtp::replies;
use waypost_proto::smtp::reply::RemoteReply;
use waypost_spool::{
    Committed, Condition, Disk, Envelope, QueueId, Receipt, Recipient, Settings as SpoolSettings,
    Spool, Staged, State,
};

use super::super::route::{Bound, Deciding, Held, Holding, Route, TargetFacts};
use super::super::schedule::Schedule;
use super::super::{Attempt, Attempting, Concurrency, Parts, Queue, QueueHandle, Settings};
use crate::clock::{Clock, ManualClock};
use crate::custody::{Custody, Denied, Take as _};
use crate::deliver::{Delivered, Job, NextHop, Outcome, Trouble};
use crate::resolve::expand::Expanded;
use crate::resolve::{Decided, Request};
use crate::trace::Tracer;

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who is asked again about an address, where targets are named by numbers.
pub(super) const AUTHORITY: u32 = 0;

/// What a scripted server says to RCPT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    Later,
    No,
    Panic,
    Yes,
}

#[derive(Default)]
struct Facts {
    /// By outgoing address, or by next hop and address.
    says: HashMap<String, Says>,
    dead: HashSet<u32>,
    targets: HashMap<String, TargetFacts>,
    rewrites: HashMap<String, String>,
    routes: HashMap<String, u32>,
    asked: HashMap<String, Option<u32>>,
    holds: HashSet<u32>,
    copies: Vec<String>,
    contents: Vec<(String, String)>,
    taken: HashMap<String, usize>,
    took: HashSet<(TargetId, String)>,
}

struct Script {
    facts: Mutex<Facts>,
    attempts: AtomicUsize,
    stalled: watch::Sender<HashSet<u32>>,
    /// Attempts that may go on; all beyond that wait.
    admitted: watch::Sender<usize>,
}

impl Script {
    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn verdict(&self, recipient: &Mailbox) -> Verdict {
        let facts = self.facts();
        let text = recipient.to_string();
        if text == "postmaster@mx1.example.com" {
            return Verdict::Deliver(Destination {
                store: Store::Postmaster,
                domain: recipient.domain.clone(),
                login: "postmaster".into(),
                quota_bytes: 0,
                recipient: recipient.clone(),
            });
        }
        let names = ["one.example", "two.example", "six.example"];
        let by_domain = names
            .iter()
            .position(|name| *name == recipient.domain.as_str());
        let number = facts.routes.get(&text).copied();
        let Some(number) = number.or_else(|| by_domain.map(|at| u32::try_from(at).unwrap() + 1))
        else {
            return Verdict::Relay {
                via: Via::Mx,
                recipient: recipient.clone(),
            };
        };
        let outgoing = facts.rewrites.get(&text).unwrap_or(&text);
        Verdict::Relay {
            via: Via::Target(TargetId(number)),
            recipient: Mailbox::parse(outgoing).unwrap(),
        }
    }

    fn outcome(&self, hop: &str, address: &Mailbox) -> Result<Delivered, Trouble> {
        let text = address.to_string();
        let mut facts = self.facts();
        let says = facts
            .says
            .get(&format!("{hop} {text}"))
            .or_else(|| facts.says.get(&text));
        let reply = |code, text: &str| RemoteReply::new(code, [text.as_bytes()]);
        let host = "mail.inside.example[10.0.0.7]:25";
        match says.copied().unwrap_or(Says::Yes) {
            Says::Later => Err(Trouble::refused(reply(450, "4.2.0 later"))
                .at_rcpt()
                .at_host(host)),
            Says::No => Err(Trouble::refused(reply(550, "5.1.1 who?"))
                .at_rcpt()
                .at_host(host)),
            Says::Panic => {
                drop(facts);
                panic!("scripted bug")
            }
            Says::Yes => {
                *facts.taken.entry(hop.to_owned()).or_default() += 1;
                Ok(Delivered {
                    host: host.into(),
                    reply: Some(reply(250, "2.0.0 Ok")),
                    offers_dsn: false,
                    security: None,
                })
            }
        }
    }

    async fn answer(&self, job: Job) -> Vec<Outcome> {
        let before = self.attempts.fetch_add(1, Ordering::SeqCst);
        let mut admitted = self.admitted.subscribe();
        drop(admitted.wait_for(|admitted| before < *admitted).await);
        let hop = job.next_hop.to_string();
        if let NextHop::Target(TargetId(number)) = job.next_hop {
            let mut stalled = self.stalled.subscribe();
            let open = stalled.wait_for(|stalled| !stalled.contains(&number)).await;
            drop(open);
            if self.facts().dead.contains(&number) {
                let refused = || Trouble::transient(4, 1, "connection refused").unopened();
                let unreachable = || Err(refused());
                let recipients = job.recipients.iter();
                return recipients
                    .map(|r| Outcome {
                        index: r.index,
                        result: unreachable(),
                    })
                    .collect();
            }
        }
        let addresses: Vec<_> = job
            .recipients
            .iter()
            .map(|r| r.address.to_string())
            .collect();
        let copy = format!("{hop} {} {}", job.reverse_path, addresses.join(" "));
        self.facts().copies.push(copy);
        let mut content = vec![0; usize::try_from(job.content.len()).unwrap()];
        job.content.read_at(0, &mut content).unwrap();
        let content = String::from_utf8_lossy(&content).into_owned();
        let recipients = job.recipients.iter();
        recipients
            .map(|recipient| {
                let result = self.outcome(&hop, &recipient.address);
                if result.is_ok() {
                    let entry = (recipient.address.to_string(), content.clone());
                    self.facts().contents.push(entry);
                }
                Outcome {
                    index: recipient.index,
                    result,
                }
            })
            .collect()
    }
}

impl Attempt for Script {
    fn attempt(&self, job: Job) -> Attempting<'_> {
        Box::pin(self.answer(job))
    }
}

fn decided(verdict: Verdict) -> Decided {
    Decided {
        verdict,
        rule: Rule::ThirdParty,
        proof: None,
        steps: Vec::new(),
    }
}

impl Route for Script {
    fn decide(&self, request: &Request<'_>) -> Option<Decided> {
        Some(decided(self.verdict(request.recipient)))
    }

    fn ask<'a>(&'a self, request: Request<'a>) -> Deciding<'a> {
        Box::pin(async move { decided(self.verdict(request.recipient)) })
    }

    fn delivered(&self, target: TargetId, outgoing: &Mailbox) {
        self.facts().took.insert((target, outgoing.to_string()));
    }

    fn took(&self, target: TargetId, outgoing: &Mailbox) -> bool {
        self.facts().took.contains(&(target, outgoing.to_string()))
    }

    fn decide_again<'a>(
        &'a self,
        request: Request<'a>,
        _: TargetId,
        _: &'a Mailbox,
    ) -> Deciding<'a> {
        Box::pin(async move {
            let mut stalled = self.stalled.subscribe();
            let answers = stalled
                .wait_for(|stalled| !stalled.contains(&AUTHORITY))
                .await;
            drop(answers);
            let text = request.recipient.to_string();
            let asked = self.facts().asked.get(&text).copied();
            match asked {
                None => decided(self.verdict(request.recipient)),
                Some(None) => decided(Verdict::Refuse(replies::user_unknown(request.recipient))),
                Some(Some(number)) => {
                    self.facts().routes.insert(text, number);
                    decided(self.verdict(request.recipient))
                }
            }
        })
    }

    fn expand(&self, _: &Request<'_>, _: &Expansion, _: &ReversePath) -> Option<Expanded> {
        None
    }

    fn target(&self, id: TargetId) -> Option<TargetFacts> {
        let name = format!("target-{}", id.0);
        let facts = self.facts().targets.get(&name).cloned();
        Some(facts.unwrap_or(TargetFacts {
            name,
            connections: 2,
            smart_host_on_error: false,
            cut_through: true,
        }))
    }

    fn held(&self, bound: Bound<'_>, _: SystemTime) -> Option<Held> {
        let known = bound.verdict.cloned();
        let verdict = known.unwrap_or_else(|| self.verdict(bound.request.recipient));
        let Verdict::Relay {
            via: Via::Target(id),
            ..
        } = verdict
        else {
            return None;
        };
        let held = self.facts().holds.contains(&id.0);
        held.then(|| Held {
            key: HoldKey::Target(id.0.to_string()),
            hold: Hold {
                reason: String::new(),
                since: SystemTime::UNIX_EPOCH,
                until: None,
            },
        })
    }

    fn held_within(&self, _: Bound<'_>, _: Span) -> Duration {
        Duration::ZERO
    }

    fn holding(&self, _: SystemTime) -> Option<Holding> {
        let facts = self.facts();
        Holding::of_targets(facts.holds.iter().map(|n| format!("target-{n}")))
    }

    fn holds(&self) -> Vec<(HoldKey, Option<SystemTime>)> {
        let facts = self.facts();
        let names = facts.holds.iter().map(|n| HoldKey::Target(n.to_string()));
        names.map(|key| (key, None)).collect()
    }
}

pub(super) struct World {
    pub(super) handle: QueueHandle,
    script: Arc<Script>,
    clock: Arc<ManualClock>,
    spool: Spool,
    cut_through: Duration,
    _dir: TempDir,
}

impl World {
    pub(super) fn new() -> Self {
        Self::where_senders_wait(Duration::ZERO)
    }

    /// Senders wait for the next hop's own answer, so long at most.
    pub(super) fn where_senders_wait(cut_through: Duration) -> Self {
        Self::on(Disk::default(), cut_through)
    }

    /// The same on a disk that may fail.
    pub(super) fn on(disk: Disk, cut_through: Duration) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = SpoolSettings {
            disk,
            ..SpoolSettings::default()
        };
        let (spool, _) = Spool::open(dir.path(), settings).unwrap();
        let script = Arc::new(Script {
            facts: Mutex::default(),
            attempts: AtomicUsize::new(0),
            stalled: watch::Sender::new(HashSet::new()),
            admitted: watch::Sender::new(usize::MAX),
        });
        let wall = UNIX_EPOCH + Duration::from_secs(1_795_328_572);
        let clock = Arc::new(ManualClock::new(wall));
        let handle = start(&spool, &script, &clock, cut_through);
        Self {
            handle,
            script,
            clock,
            spool,
            cut_through,
            _dir: dir,
        }
    }

    /// The same spool under a new queue.
    pub(super) async fn restart(&mut self) {
        self.handle.stop(PATIENCE).await;
        self.handle = start(&self.spool, &self.script, &self.clock, self.cut_through);
        self.until(|| self.handle.len().0 + self.handle.len().1 == self.in_spool())
            .await;
    }

    pub(super) fn send(&self, from: &str, to: &[&str]) -> QueueId {
        self.send_with(from, to, |_| {})
    }

    pub(super) fn send_with(
        &self,
        from: &str,
        to: &[&str],
        change: impl Fn(&mut Recipient),
    ) -> QueueId {
        let committed = self.commit(from, to, change).wait().unwrap();
        self.handle.submit(&committed);
        committed.message().id
    }

    /// The same message so many times, through few transactions.
    pub(super) fn send_many(&self, count: usize, from: &str, to: &[&str]) {
        let receipts: Vec<_> = (0..count).map(|_| self.commit(from, to, |_| {})).collect();
        for receipt in receipts {
            self.handle.submit(&receipt.wait().unwrap());
        }
    }

    fn commit(
        &self,
        from: &str,
        to: &[&str],
        change: impl Fn(&mut Recipient),
    ) -> Receipt<Committed> {
        let (staged, envelope) = self.message(from, to, change);
        self.spool.commit(staged, envelope)
    }

    /// A message whose content is still coming.
    pub(super) fn begun(&self, from: &str, to: &[&str]) -> (Staged, Envelope) {
        self.message(from, to, |_| {})
    }

    /// It is here.
    pub(super) fn whole(&self, (staged, envelope): (Staged, Envelope)) {
        let committed = self.spool.commit(staged, envelope).wait().unwrap();
        self.handle.submit(&committed);
    }

    /// Offers a message whose sender waits.
    pub(super) async fn offer(&self, to: &[&str]) -> Result<Custody, Denied> {
        self.offer_with(to, |_| {}).await
    }

    pub(super) async fn offer_with(
        &self,
        to: &[&str],
        change: impl Fn(&mut Recipient),
    ) -> Result<Custody, Denied> {
        let (staged, envelope) = self.message("<s@six.example>", to, change);
        self.handle.take(staged, envelope, None).await
    }

    fn message(
        &self,
        from: &str,
        to: &[&str],
        change: impl Fn(&mut Recipient),
    ) -> (Staged, Envelope) {
        let now = self.clock.wall();
        let mut staged = self.spool.stage(now).unwrap();
        self.handle.dated(staged.id());
        staged.write(b"Subject: test\r\n\r\nHello.\r\n").unwrap();
        let lifetime = Schedule::default().lifetime;
        let recipients = to.iter().map(|to| {
            let mut recipient = Recipient::new(Mailbox::parse(to).unwrap(), now, now + lifetime);
            change(&mut recipient);
            recipient
        });
        let envelope = Envelope {
            reverse_path: ReversePath::parse(from).unwrap(),
            params: MailParams::default(),
            side: Side::Stranger,
            client: "unknown[192.0.2.1]".into(),
            protocol: "ESMTP".into(),
            message_key: "<1@example.org>".into(),
            recipients: recipients.collect(),
            hold: None,
            signatures: String::new(),
        };
        (staged, envelope)
    }

    pub(super) fn says(&self, address: &str, says: Says) {
        self.script.facts().says.insert(address.into(), says);
    }

    pub(super) fn says_at(&self, hop: &str, address: &str, says: Says) {
        self.says(&format!("{hop} {address}"), says);
    }

    pub(super) fn rewrite(&self, address: &str, outgoing: &str) {
        let mut facts = self.script.facts();
        facts.rewrites.insert(address.into(), outgoing.into());
    }

    pub(super) fn route(&self, address: &str, target: u32) {
        self.script.facts().routes.insert(address.into(), target);
    }

    pub(super) fn route_when_asked(&self, address: &str, target: u32) {
        let asked = &mut self.script.facts().asked;
        asked.insert(address.into(), Some(target));
    }

    pub(super) fn refuse_when_asked(&self, address: &str) {
        self.script.facts().asked.insert(address.into(), None);
    }

    pub(super) fn target(&self, facts: TargetFacts) {
        let targets = &mut self.script.facts().targets;
        targets.insert(facts.name.clone(), facts);
    }

    pub(super) fn hold_target(&self, target: u32, held: bool) {
        let holds = &mut self.script.facts().holds;
        if held {
            holds.insert(target);
        } else {
            holds.remove(&target);
        }
    }

    pub(super) fn dead(&self, target: u32, dead: bool) {
        let mut facts = self.script.facts();
        if dead {
            facts.dead.insert(target);
        } else {
            facts.dead.remove(&target);
        }
    }

    pub(super) fn stall(&self, target: u32) {
        self.script.stalled.send_modify(|stalled| {
            stalled.insert(target);
        });
    }

    pub(super) fn release(&self, target: u32) {
        self.script.stalled.send_modify(|stalled| {
            stalled.remove(&target);
        });
    }

    /// Lets so many attempts go on, all told.
    pub(super) fn admit(&self, attempts: usize) {
        self.script.admitted.send_replace(attempts);
    }

    pub(super) fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.handle.0.wake.notify_one();
    }

    pub(super) fn jump(&self, wall: SystemTime) {
        self.clock.jump(wall);
    }

    pub(super) fn wall(&self) -> SystemTime {
        self.clock.wall()
    }

    pub(super) fn attempts(&self) -> usize {
        self.script.attempts.load(Ordering::SeqCst)
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.handle.0.is_stopping()
    }

    /// `hop reverse-path recipients…` of every copy that was handed over.
    pub(super) fn deliveries(&self) -> Vec<String> {
        self.script.facts().copies.clone()
    }

    /// What was taken for an address.
    pub(super) fn contents_for(&self, address: &str) -> Vec<String> {
        let facts = self.script.facts();
        let contents = facts.contents.iter().filter(|(to, _)| to == address);
        contents.map(|(_, content)| content.clone()).collect()
    }

    /// Recipients that a next hop has taken.
    pub(super) fn taken_by(&self, hop: &str) -> usize {
        let taken = &self.script.facts().taken;
        taken.get(hop).copied().unwrap_or_default()
    }

    pub(super) fn condition(&self) -> Condition {
        self.spool.condition()
    }

    /// How the recipients of a message stand there.
    pub(super) fn states_in_spool(&self, id: QueueId) -> Vec<State> {
        let message = self.spool.message(id).unwrap().unwrap();
        let recipients = message.envelope.recipients.iter();
        recipients.map(|recipient| recipient.state).collect()
    }

    pub(super) fn in_spool(&self) -> usize {
        self.spool.index().unwrap().len()
    }

    pub(super) async fn until(&self, mut met: impl FnMut() -> bool) {
        let waiting = async {
            while !met() {
                tokio::task::yield_now().await;
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            panic!(
                "waited in vain; {:?}, {} attempts",
                self.handle.len(),
                self.attempts()
            );
        }
    }

    /// Whether the timekeeper has started everything whose time has come.
    pub(super) fn nothing_due(&self) -> bool {
        let now = self.handle.0.tick();
        let state = self.handle.0.state();
        let first = [state.table.first(), state.hops.first_probe()];
        first.into_iter().flatten().all(|at| at > now)
    }

    /// So many messages wait, and nothing is on its way.
    pub(super) async fn until_deferred(&self, count: usize) {
        self.until(|| self.handle.len() == (0, count)).await;
    }

    pub(super) async fn until_empty(&self) {
        self.until(|| self.handle.len() == (0, 0)).await;
        assert_eq!(self.in_spool(), 0);
    }
}

fn start(
    spool: &Spool,
    script: &Arc<Script>,
    clock: &Arc<ManualClock>,
    cut_through: Duration,
) -> QueueHandle {
    Queue::start(Parts {
        spool: spool.clone(),
        routes: Arc::clone(script) as Arc<dyn Route>,
        deliverer: Arc::clone(script) as Arc<dyn Attempt>,
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        tracer: Tracer::new("mx1.example.com", &[7; 32]),
        settings: Settings {
            hostname: Domain::parse("mx1.example.com").unwrap(),
            postmaster: Mailbox::parse("postmaster@mx1.example.com").unwrap(),
            schedule: Schedule::default(),
            local: NextHop::Maildir,
            smart_host: true,
            concurrency: Concurrency::default(),
            cut_through,
        },
    })
}
