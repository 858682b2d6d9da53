//! Cut-through relay: the first round of a message goes on while its sender waits for the final
//! reply, before anything of it is on disk.
//!
//! What the next hops take is theirs; what they all refuse for good is refused to the sender, who
//! is still there, instead of bounced to somebody who may never have sent it. Everything else, and
//! whatever takes too long, is committed and goes on like any other message: the sender notices
//! nothing, and the attempt that is under way is not repeated.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use waypost_proto::dsn::mask;
use waypost_proto::smtp::replies;
use waypost_proto::smtp::reply::Reply;
use waypost_spool::{Committed, Envelope, Recipient, Sealed, Staged, State, Unavailable};

use super::Inner;
use super::attempt::Hearer;
use super::conclude::End;
use super::plan::Plan;
use super::progress::{Progress, Round};
use super::round::note_taken;
use super::timekeeper::far;
use super::timetable::Tick;
use super::{QueueHandle, ticks};
use crate::custody::{Beyond, Custody, Denied, Take, Taking};
use crate::deliver::NextHop;
use crate::{event, metrics};

/// Copies of a message that are relayed while its sender waits.
const COPIES_MAX: usize = 4;
/// A next hop that has kept a sender waiting for too long is not waited for again for so long.
const SLOW_FOR: Duration = Duration::from_mins(1);
/// Next hops of which that is remembered.
const SLOW_MAX: usize = 1_000;

impl Take for QueueHandle {
    fn take(&self, staged: Staged, envelope: Envelope) -> Taking<'_> {
        Box::pin(self.0.take(staged, envelope))
    }
}

/// Next hops that have kept a sender waiting for too long, and until when that counts.
#[derive(Debug, Default)]
pub(super) struct Slow(Mutex<VecDeque<(NextHop, Tick)>>);

impl Slow {
    fn note(&self, next_hop: NextHop, until: Tick) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(known, _)| *known != next_hop);
        if all.len() == SLOW_MAX {
            all.pop_front();
        }
        all.push_back((next_hop, until));
    }

    fn has(&self, next_hop: &NextHop, now: Tick) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The oldest ends first.
        while all.front().is_some_and(|(_, until)| *until <= now) {
            all.pop_front();
        }
        all.iter().any(|(known, _)| known == next_hop)
    }
}

/// A round that goes on while its sender waits.
struct Passage {
    round: Arc<Round>,
    /// Where copies go, each with one of its recipients.
    next_hops: Vec<(NextHop, usize)>,
    ended: oneshot::Receiver<Progress>,
}

impl Inner {
    async fn take(self: &Arc<Self>, staged: Staged, envelope: Envelope) -> Result<Custody, Denied> {
        let sealed = self.spool.seal(staged, envelope)?;
        let Some(mut passage) = self.pass(&sealed) else {
            let committed = self.spool.commit_sealed(sealed).await?;
            self.submit(&committed);
            return Ok(Custody::Ours(committed));
        };
        let patience = tokio::time::sleep(self.settings.cut_through);
        let ended = tokio::select! {
            biased;
            // A round that was lost with a bug has told nobody, and is taken up from the spool.
            ended = &mut passage.ended => ended.ok(),
            () = self.stopped() => None,
            () = patience => None,
        };
        match ended {
            Some(progress) => self.arrive(sealed, &passage.round, progress).await,
            None => self.take_over(sealed, passage).await,
        }
    }

    /// Starts the first round, if its sender can wait for it.
    fn pass(self: &Arc<Self>, sealed: &Sealed) -> Option<Passage> {
        let message = sealed.message();
        let content = sealed.content()?;
        let is_plain = |recipient: &Recipient| {
            recipient.state == State::Queued
                && recipient.sender.is_none()
                && recipient.original.is_none()
        };
        let off = self.settings.cut_through.is_zero() || self.is_stopping();
        if off || !message.envelope.recipients.iter().all(is_plain) {
            return None;
        }
        let plan = self.plan(message, far(self.clock.wall()), &HashMap::new());
        if !self.is_open(&plan) {
            return None;
        }
        let next_hops = plan.copies.iter().filter_map(|copy| {
            let first = copy.addressees.first()?;
            Some((copy.next_hop.clone(), first.job.index))
        });
        let next_hops = next_hops.collect();
        let (waits, ended) = oneshot::channel();
        let round = Round::passing(Arc::clone(message), content.clone(), &plan, waits);
        let round = Arc::new(round);
        // By the clocks that have just dated it: they may jump while its sender waits.
        self.skews
            .note(message.id, self.steady(), self.clock.wall());
        let envelope = &message.envelope;
        event::passing(
            &message.id,
            &envelope.reverse_path,
            message.size,
            envelope.recipients.len(),
        );
        self.run(&round, plan);
        Some(Passage {
            round,
            next_hops,
            ended,
        })
    }

    /// Whether all of a plan can be tried at once, by servers that are waited for.
    fn is_open(&self, plan: &Plan) -> bool {
        let is_whole = plan.unasked.is_empty() && plan.ends.is_empty();
        if !is_whole || plan.copies.is_empty() || plan.copies.len() > COPIES_MAX {
            return false;
        }
        let now = self.tick();
        plan.copies.iter().all(|copy| {
            let next_hop = &copy.next_hop;
            let is_waited_for = match next_hop {
                NextHop::Lmtp => true,
                NextHop::Target(id) => {
                    let facts = self.routes.target(*id);
                    facts.is_some_and(|facts| facts.cut_through)
                }
                NextHop::Maildir | NextHop::Mx(_) | NextHop::SmartHost => false,
            };
            is_waited_for
                && !self.slow.has(next_hop, now)
                && self
                    .state()
                    .hops
                    .has_turn(next_hop, self.limit(next_hop), now)
        })
    }

    /// The round is over and the sender waits: what that means for him.
    async fn arrive(
        self: &Arc<Self>,
        mut sealed: Sealed,
        round: &Arc<Round>,
        mut progress: Progress,
    ) -> Result<Custody, Denied> {
        let id = sealed.id();
        if self.is_delivered(&round.message, &progress.ends) {
            event::removed(&id);
            return Ok(Custody::Beyond(Beyond { id }));
        }
        let doubted = self.settle_doubts(round, &mut progress).await;
        if let Some(reply) = refusal_of_all(round, &progress.ends) {
            self.log_refused(round, &progress, &doubted, Hearer::Client);
            metrics::refused_beyond(progress.ends.len());
            return Err(Denied::Refused(reply));
        }
        sealed.amend(|envelope| note_taken(envelope, &progress.ends));
        let committed = self.commit_active(sealed).await?;
        self.log_refused(round, &progress, &doubted, Hearer::Sender);
        self.finish(round, progress);
        Ok(Custody::Ours(committed))
    }

    fn log_refused(&self, round: &Round, progress: &Progress, doubted: &[usize], hearer: Hearer) {
        self.tell_refusals(round, &progress.unsaid, hearer);
        for (index, end) in &progress.ends {
            if doubted.contains(index) {
                self.log_unsent_to(round, *index, end, hearer);
            }
        }
    }

    /// The sender has waited long enough: the message is ours, whatever comes of the attempt.
    async fn take_over(
        self: &Arc<Self>,
        mut sealed: Sealed,
        mut passage: Passage,
    ) -> Result<Custody, Denied> {
        let round = passage.round;
        let noted = {
            let progress = round.progress();
            sealed.amend(|envelope| note_taken(envelope, &progress.ends));
            self.note_slow(&passage.next_hops, &progress.ends);
            progress.ends.len()
        };
        let committed = self.commit_active(sealed).await?;
        match round.settle_in() {
            Some(unsaid) => {
                self.tell_refusals(&round, &unsaid, Hearer::Sender);
                let progress = round.progress();
                if progress.left > 0 && progress.ends.len() > noted {
                    self.record_taken(&round.message, &progress.ends);
                }
            }
            None => match passage.ended.try_recv() {
                Ok(progress) => {
                    self.tell_refusals(&round, &progress.unsaid, Hearer::Sender);
                    self.finish(&round, progress);
                }
                Err(_) => self.settle_at(committed.message().id, Duration::ZERO),
            },
        }
        Ok(Custody::Ours(committed))
    }

    /// Remembers next hops that kept a sender waiting until now.
    fn note_slow(&self, next_hops: &[(NextHop, usize)], ends: &[(usize, End)]) {
        if self.is_stopping() {
            return;
        }
        let until = self.tick() + ticks(SLOW_FOR);
        for (next_hop, first) in next_hops {
            if !ends.iter().any(|(index, _)| index == first) {
                self.slow.note(next_hop.clone(), until);
            }
        }
    }

    /// Commits a message that is worked on already.
    async fn commit_active(self: &Arc<Self>, sealed: Sealed) -> Result<Committed, Unavailable> {
        let id = sealed.id();
        // Before it can be found in the spool, so that nobody else begins with it. A bug may have
        // ordered a hold meanwhile.
        self.state().active.entry(id).or_default();
        let committed = self.spool.commit_sealed(sealed).await;
        match &committed {
            Ok(committed) => {
                self.keeper.came(committed.message());
                self.active(committed.message());
            }
            Err(_) => self.forget(id),
        }
        committed
    }
}

/// What the client is told, when every recipient was refused for good. It names no host behind this
/// server, as a report would not.
fn refusal_of_all(round: &Round, ends: &[(usize, End)]) -> Option<Reply> {
    let recipients = &round.message.envelope.recipients;
    let are_all_refused = ends.iter().all(|(_, end)| matches!(end, End::Failed(..)));
    if !are_all_refused || ends.len() != recipients.len() {
        return None;
    }
    let (index, end) = ends.iter().min_by_key(|(index, _)| *index)?;
    let (End::Failed(trouble, _), recipient) = (end, recipients.get(*index)?) else {
        return None;
    };
    let (code, said) = match &trouble.reply {
        Some(reply) => (reply.code, reply.text()),
        None => (0, trouble.text.as_str()),
    };
    let said = mask(said, &recipient.address.domain);
    Some(replies::refused_beyond(code, trouble.status, &said))
}
