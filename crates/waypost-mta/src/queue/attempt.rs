//! Workers: each takes what is ready for its next hop, one copy after the other.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use waypost_proto::dsn::Action;
use waypost_proto::mail::Mailbox;
use waypost_proto::route::Via;
use waypost_proto::smtp::status::EnhancedStatus;

use super::conclude::{End, Taken, Way, since_then};
use super::orders::{Left, Verb};
use super::plan::{Addressee, Copy};
use super::progress::Round;
use super::ready::READY_MAX;
use super::timetable::Tick;
use super::{Inner, ticks};
use crate::deliver::{Delivered, Job, NextHop, Opened, Outcome, Security, Trouble};
use crate::event::{self, Delivery};
use crate::resolve::{Answer, Said, Source};

/// How long an answer of an authority proves that an address exists.
const PROOF: Duration = Duration::from_hours(24);

/// A copy that is ready.
pub(super) struct Ready {
    pub(super) round: Arc<Round>,
    pub(super) copy: Copy,
    pub(super) since: Tick,
    /// Where its envelope was told already.
    pub(super) opened: Option<Opened>,
}

/// Whether anybody is there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Answers,
    Silent,
}

/// What came of an attempt for one recipient, for the log.
pub(super) struct Told {
    addressee: Addressee,
    end: End,
    times: Times,
}

/// Who hears first that a recipient is refused for good.
#[derive(Clone, Copy)]
pub(super) enum Hearer {
    /// The client that brought the message, and still waits.
    Client,
    /// The sender, by a report.
    Sender,
}

/// When things happened in one attempt.
#[derive(Clone, Copy)]
struct Times {
    ready: Tick,
    started: Tick,
    ended: Tick,
}

/// Stands for a worker; when a bug ends it in the middle of an attempt, its message is held.
struct Worker {
    queue: Arc<Inner>,
    next_hop: NextHop,
    /// What it is working on.
    round: Option<Arc<Round>>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(round) = self.round.take()
            && std::thread::panicking()
        {
            self.queue.hold_after_bug(&self.next_hop, &round);
        }
        self.queue.leave();
    }
}

impl Inner {
    /// Starts a worker that the next hop has already counted.
    pub(super) fn start_worker(self: &Arc<Self>, next_hop: NextHop) {
        self.enter();
        let mut worker = Worker {
            queue: Arc::clone(self),
            next_hop,
            round: None,
        };
        tokio::spawn(async move {
            while let Some(ready) = worker.queue.next_ready(&worker.next_hop) {
                ready.round.begin();
                worker.round = Some(Arc::clone(&ready.round));
                worker.queue.attempt(ready).await;
                worker.round = None;
            }
        });
    }

    /// The next copy for a worker; none when it is to end.
    fn next_ready(self: &Arc<Self>, next_hop: &NextHop) -> Option<Ready> {
        loop {
            if self.is_stopping() {
                return None;
            }
            let now = self.tick();
            let mut state = self.state();
            let ready = state.hops.next(next_hop, now);
            let mut wake = state.starving && state.hops.ready() < READY_MAX / 4;
            for id in state.hops.unpark(next_hop, now) {
                wake |= state.table.hasten(id, now, false);
            }
            if wake {
                state.starving = false;
                self.wake.notify_one();
            }
            let ready = ready?;
            let id = ready.round.message.id;
            if state.active.get(&id).is_none_or(Vec::is_empty) {
                return Some(ready);
            }
            // An administrator was faster.
            drop(state);
            self.end_parked(&ready);
        }
    }

    async fn attempt(self: &Arc<Self>, mut ready: Ready) {
        let started = self.tick();
        let job = self.job(&ready);
        let outcomes = match ready.opened.take() {
            Some(opened) => self.deliverer.attempt_over(job, opened).await,
            None => self.deliverer.attempt(job).await,
        };
        let times = Times {
            ready: ready.since,
            started,
            ended: self.tick(),
        };
        if self.judge(&ready.copy.next_hop, &outcomes) == Reach::Silent {
            // It comes back with the others.
            ready.round.park(&ready.copy.next_hop);
        }
        let Ready { round, copy, .. } = ready;
        let route = self.route_name(&copy.next_hop);
        let mut ends = Vec::with_capacity(outcomes.len());
        let mut elsewhere = Vec::new();
        let mut results: Vec<_> = outcomes.into_iter().map(Some).collect();
        for addressee in copy.addressees {
            let index = addressee.job.index;
            let outcome = results.iter_mut().find(|o| is_for(o.as_ref(), index));
            let result = outcome.and_then(Option::take).map(|outcome| outcome.result);
            // The deliverer owes one outcome per recipient; without one nothing is known.
            let result = result.unwrap_or_else(|| Err(Trouble::transient(3, 0, "no outcome")));
            let end = self.judge_result(&round, &copy.next_hop, &route, &addressee, result);
            if matches!(end, End::Later(..)) && self.may_go_to_smart_host(&copy.next_hop) {
                self.log(&round, &addressee, &end, times);
                elsewhere.push(addressee);
                continue;
            }
            ends.extend(addressee.same.iter().map(|same| (*same, end.clone())));
            ends.push((index, end.clone()));
            let told = Told {
                addressee,
                end,
                times,
            };
            self.tell(&round, told);
        }
        self.to_smart_host(&round, copy.reverse_path, elsewhere);
        self.end(&round, ends);
    }

    fn job(&self, ready: &Ready) -> Job {
        let (round, copy) = (&ready.round, &ready.copy);
        let envelope = &round.message.envelope;
        let outgoing = copy.addressees.iter().map(|a| &a.job.address);
        let (key, signatures) = (&envelope.message_key, &envelope.signatures);
        let front = self.front(&copy.next_hop, outgoing, key, signatures);
        Job {
            message: Arc::clone(&round.message),
            content: round.content.clone(),
            next_hop: copy.next_hop.clone(),
            reverse_path: copy.reverse_path.clone(),
            recipients: copy.addressees.iter().map(|a| a.job.clone()).collect(),
            front,
        }
    }

    /// What goes in front of the content of a copy.
    pub(super) fn front<'a>(
        &self,
        next_hop: &NextHop,
        outgoing: impl IntoIterator<Item = &'a Mailbox>,
        message_key: &str,
        signatures: &str,
    ) -> Vec<u8> {
        let via = match next_hop {
            NextHop::Lmtp | NextHop::Maildir => None,
            NextHop::Mx(_) => Some(Via::Mx),
            NextHop::SmartHost => Some(Via::SmartHost),
            NextHop::Target(id) => Some(Via::Target(*id)),
        };
        let mut front = Vec::with_capacity(256 + signatures.len());
        if let Some(via) = via {
            let field = self.tracer.field(message_key, via, outgoing);
            field.write_to(&mut front);
        }
        front.extend_from_slice(signatures.as_bytes());
        front
    }

    /// What an attempt says about the next hop itself.
    fn judge(self: &Arc<Self>, next_hop: &NextHop, outcomes: &[Outcome]) -> Reach {
        let trouble = |outcome: &Outcome| {
            let trouble = outcome.result.as_ref().err();
            trouble
                .filter(|trouble| is_unreachable(next_hop, trouble))
                .map(Trouble::to_string)
        };
        let now = self.tick();
        let troubles: Option<Vec<_>> = outcomes.iter().map(trouble).collect();
        let Some(trouble) = troubles.and_then(|mut troubles| troubles.pop()) else {
            let more = self.state().hops.reached(next_hop, now);
            for _ in 0..more {
                self.start_worker(next_hop.clone());
            }
            return Reach::Answers;
        };
        let schedule = self.schedule();
        let wait = |failures| ticks(schedule.hop_wait(failures));
        let suspended = (self.state().hops).unreachable(next_hop, &trouble, now, wait);
        for ready in suspended {
            self.suspend(ready, &trouble);
        }
        self.wake.notify_one();
        Reach::Silent
    }

    /// Ends a copy for a next hop that was not reached a moment ago.
    pub(super) fn suspend(self: &Arc<Self>, ready: Ready, trouble: &str) {
        let next_hop = ready.copy.next_hop.clone();
        let text = format!("delivery temporarily suspended: {trouble}");
        let route = self.route_name(&next_hop);
        let now = self.tick();
        let times = Times {
            ready: ready.since,
            started: now,
            ended: now,
        };
        let Ready { round, copy, .. } = ready;
        if self.may_go_to_smart_host(&next_hop) {
            self.to_smart_host(&round, copy.reverse_path, copy.addressees);
            return self.end(&round, Vec::new());
        }
        round.park(&next_hop);
        let mut ends = Vec::with_capacity(copy.addressees.len());
        for addressee in &copy.addressees {
            let trouble = Trouble::transient(4, 1, text.as_str());
            let end = End::Later(trouble, way(&next_hop, &route, addressee));
            self.log(&round, addressee, &end, times);
            ends.extend(addressee.same.iter().map(|same| (*same, end.clone())));
            ends.push((addressee.job.index, end));
        }
        self.end(&round, ends);
    }

    fn judge_result(
        &self,
        round: &Round,
        next_hop: &NextHop,
        route: &str,
        addressee: &Addressee,
        result: Result<Delivered, Trouble>,
    ) -> End {
        let way = way(next_hop, route, addressee);
        let outgoing = &addressee.job.address;
        match (result, next_hop) {
            (Ok(delivered), _) => {
                if let NextHop::Target(target) = next_hop {
                    self.routes.delivered(*target, outgoing);
                }
                End::Taken(Taken {
                    way,
                    action: match addressee.job.destination {
                        Some(_) => Action::Delivered,
                        None => Action::Relayed,
                    },
                    host: delivered.host,
                    reply: delivered.reply,
                    offers_dsn: delivered.offers_dsn,
                    security: delivered.security,
                })
            }
            (Err(trouble), _) if trouble.is_transient() => End::Later(trouble, way),
            (Err(trouble), NextHop::Target(target))
                if self.is_doubtful(round, *target, addressee, &trouble) =>
            {
                round.doubt(addressee.job.index, *target, outgoing);
                End::Contradicted(trouble, way)
            }
            (Err(trouble), _) => End::Failed(trouble, way),
        }
    }

    /// Whether a refusal contradicts what was known in the last 24 hours.
    fn is_doubtful(
        &self,
        round: &Round,
        target: waypost_proto::route::TargetId,
        addressee: &Addressee,
        trouble: &Trouble,
    ) -> bool {
        let Some(reply) = trouble.reply.clone().filter(|_| trouble.at_rcpt) else {
            return false;
        };
        if Said::in_reply(reply).answer != Answer::Unknown {
            return false;
        }
        let recipient = round.message.envelope.recipients.get(addressee.job.index);
        let already = recipient.is_some_and(|r| r.contradicted_since.is_some());
        let proven = addressee.decided.proof.as_ref().is_some_and(|heard| {
            heard.answer == Answer::Active && heard.source != Source::Blind && heard.age < PROOF
        });
        already || proven || self.routes.took(target, &addressee.job.address)
    }

    pub(super) fn may_go_to_smart_host(&self, next_hop: &NextHop) -> bool {
        let NextHop::Target(id) = next_hop else {
            return false;
        };
        let facts = self.routes.target(*id).filter(|_| self.settings.smart_host);
        facts.is_some_and(|facts| facts.smart_host_on_error)
    }

    /// Sends recipients on by the smart host, as they were accepted.
    fn to_smart_host(
        self: &Arc<Self>,
        round: &Arc<Round>,
        reverse_path: waypost_proto::mail::ReversePath,
        mut addressees: Vec<Addressee>,
    ) {
        if addressees.is_empty() {
            return;
        }
        for addressee in &mut addressees {
            let recipients = &round.message.envelope.recipients;
            if let Some(recipient) = recipients.get(addressee.job.index) {
                addressee.job.address = recipient.address.clone();
            }
        }
        round.add();
        let copy = Copy {
            next_hop: NextHop::SmartHost,
            reverse_path,
            addressees,
        };
        self.place(round, copy);
    }

    /// The name under which log and lists know a next hop.
    pub(super) fn route_name(&self, next_hop: &NextHop) -> String {
        match next_hop {
            NextHop::Target(id) => {
                let facts = self.routes.target(*id);
                facts.map_or_else(|| next_hop.to_string(), |facts| facts.name)
            }
            other => other.to_string(),
        }
    }

    fn hold_after_bug(self: &Arc<Self>, next_hop: &NextHop, round: &Arc<Round>) {
        let id = round.message.id;
        tracing::error!(target: "waypost::qmgr", "{id}: held: its delivery ended with a bug");
        let hold = waypost_spool::Hold {
            reason: "its delivery ended with a bug".to_owned(),
            by: "waypost".to_owned(),
            since: self.clock.wall(),
            until: None,
        };
        let mut state = self.state();
        state.hops.lost(next_hop);
        let orders = state.active.entry(id).or_default();
        orders.push(Left::alone(Verb::Hold(hold)));
        drop(state);
        self.end(round, Vec::new());
    }

    /// Logs what came of an attempt; a refusal not before it is known who hears of it.
    fn tell(&self, round: &Round, told: Told) {
        let told = match &told.end {
            End::Failed(..) => round.keep_unsaid(told),
            _ => Some(told),
        };
        if let Some(told) = told {
            self.log(round, &told.addressee, &told.end, told.times);
        }
    }

    /// Logs refusals that were kept unsaid.
    pub(super) fn tell_refusals(&self, round: &Round, unsaid: &[Told], hearer: Hearer) {
        for told in unsaid {
            self.log_to(round, &told.addressee, &told.end, (told.times, hearer));
        }
    }

    fn log(&self, round: &Round, addressee: &Addressee, end: &End, times: Times) {
        self.log_to(round, addressee, end, (times, Hearer::Sender));
    }

    fn log_to(
        &self,
        round: &Round,
        addressee: &Addressee,
        end: &End,
        (times, hearer): (Times, Hearer),
    ) {
        let proof = addressee.decided.proof.as_ref();
        let proof = proof.map(|heard| format!("{},{}", heard.source, heard.age.as_secs()));
        let line = Line {
            index: addressee.job.index,
            outgoing: Some(&addressee.job.address),
            proof: proof.as_ref().map(|proof| proof as &dyn Display),
            times: Some(times),
            hearer,
        };
        self.log_line(round, &line, end);
        for same in &addressee.same {
            let line = Line {
                index: *same,
                ..line
            };
            self.log_line(round, &line, end);
        }
    }

    /// The line of a recipient for which there was no attempt.
    pub(super) fn log_unsent(&self, round: &Round, index: usize, end: &End) {
        self.log_unsent_to(round, index, end, Hearer::Sender);
    }

    pub(super) fn log_unsent_to(&self, round: &Round, index: usize, end: &End, hearer: Hearer) {
        let line = Line {
            index,
            outgoing: None,
            proof: None,
            times: None,
            hearer,
        };
        self.log_line(round, &line, end);
    }

    fn log_line(&self, round: &Round, line: &Line<'_>, end: &End) {
        let message = &round.message;
        let Some(recipient) = message.envelope.recipients.get(line.index) else {
            return;
        };
        let Some(said) = Outspoken::of(end, line.hearer) else {
            return;
        };
        let to = line.outgoing.unwrap_or(&recipient.address);
        let original = recipient.original.as_ref();
        let original =
            original.or_else(|| (*to != recipient.address).then_some(&recipient.address));
        let delay = since_then(self.clock.wall(), message.arrived);
        let span = |from: Tick, to: Tick| Duration::from_millis(to.saturating_sub(from));
        let (ready, attempt) = line.times.map_or_else(Default::default, |times| {
            (
                span(times.ready, times.started),
                span(times.started, times.ended),
            )
        });
        event::delivery(&Delivery {
            id: &message.id,
            from: &message.envelope.reverse_path,
            to,
            orig_to: original,
            relay: said.host,
            delay,
            delays: [delay.saturating_sub(ready + attempt), ready, attempt],
            dsn: said.status,
            status: said.what,
            said: said.text,
            route: &said.way.next_hop,
            why: &said.way.rule,
            proof: line.proof,
            tls: said.security,
        });
    }
}

/// Which recipient a log line is about.
#[derive(Clone, Copy)]
struct Line<'a> {
    index: usize,
    outgoing: Option<&'a Mailbox>,
    proof: Option<&'a dyn Display>,
    times: Option<Times>,
    hearer: Hearer,
}

/// What the log says of an end that is an outcome.
struct Outspoken<'a> {
    what: &'static str,
    way: &'a Way,
    host: &'a str,
    status: EnhancedStatus,
    text: &'a dyn Display,
    security: Option<&'a Security>,
}

impl<'a> Outspoken<'a> {
    fn of(end: &'a End, hearer: Hearer) -> Option<Self> {
        let failed = |what, trouble: &'a Trouble, way| Self {
            what,
            way,
            host: &trouble.host,
            status: trouble.status,
            text: trouble,
            security: None,
        };
        match end {
            End::Contradicted(trouble, way)
            | End::Later(trouble, way)
            | End::Rerouted(trouble, way) => Some(failed("deferred", trouble, way)),
            End::Expanded(..) | End::Held(_) | End::Parked => None,
            End::Failed(trouble, way) => {
                let what = match hearer {
                    Hearer::Client => "refused",
                    Hearer::Sender => "bounced",
                };
                Some(failed(what, trouble, way))
            }
            End::Taken(taken) => {
                let reply = taken.reply.as_ref();
                Some(Self {
                    what: "sent",
                    way: &taken.way,
                    host: &taken.host,
                    status: (reply.and_then(|reply| reply.status))
                        .unwrap_or(EnhancedStatus::new(2, 0, 0)),
                    text: reply.map_or(&"delivered", |reply| reply),
                    security: taken.security.as_ref(),
                })
            }
        }
    }
}

fn way(next_hop: &NextHop, route: &str, addressee: &Addressee) -> Way {
    Way {
        next_hop: route.to_owned(),
        rule: addressee.decided.rule.to_string(),
        ours: !matches!(next_hop, NextHop::Mx(_)),
    }
}

fn is_for(outcome: Option<&Outcome>, index: usize) -> bool {
    outcome.is_some_and(|outcome| outcome.index == index)
}

/// Whether a failure says that nobody can be reached there now, whoever the recipient is.
fn is_unreachable(next_hop: &NextHop, trouble: &Trouble) -> bool {
    // RFC 5321 §3.8: 421 speaks of the whole service.
    let closed = trouble
        .reply
        .as_ref()
        .is_some_and(|reply| reply.code == 421);
    *next_hop != NextHop::Maildir && trouble.is_transient() && (closed || trouble.unopened)
}
