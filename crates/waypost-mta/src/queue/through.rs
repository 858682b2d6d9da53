//! Cut-through relay: the first round of a message goes on while its sender waits for the final
//! reply, before anything of it is on disk.
//!
//! What the next hop takes is its own; what it refuses for good is refused to the sender, who is
//! still there, instead of bounced to somebody who may never have sent it. Everything else, and
//! whatever takes too long, is committed and goes on like any other message: the sender notices
//! nothing, and the attempt that is under way is not repeated.
//!
//! Only a message that one answer decides goes this way: one for one recipient, or for several at
//! one server that has accepted all of them before the content was here. Were one to get it and
//! the disk to fail before the others are stored, the sender would be told to come back, and the
//! first get it twice.

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use waypost_proto::dsn::mask;
use waypost_proto::smtp::replies;
use waypost_proto::smtp::reply::Reply;
use waypost_spool::{
    Committed, Envelope, Message, QueueId, Recipient, Sealed, Staged, State, Unavailable,
};

use super::Inner;
use super::ahead::Told;
use super::attempt::Hearer;
use super::conclude::End;
use super::plan::{Copy, Plan};
use super::progress::{Progress, Round};
use super::ready::SOON;
use super::round::wants_success;
use super::timekeeper::far;
use super::timetable::Tick;
use super::{QueueHandle, in_flow, ticks};
use crate::custody::{Begun, Beyond, Custody, Denied, Take, Taking};
use crate::deliver::NextHop;
use crate::{event, metrics};

/// A next hop that has kept a sender waiting for too long is not waited for again for so long.
const SLOW_FOR: Duration = Duration::from_mins(1);
/// The same for one at which a sender got no turn in time.
const BUSY_FOR: Duration = Duration::from_secs(5);
/// Next hops of which that is remembered.
const SLOW_MAX: usize = 1_000;

impl Take for QueueHandle {
    fn dated(&self, id: QueueId) {
        Self::dated(self, id);
    }

    fn begin(&self, message: Message) -> Option<Begun> {
        self.0.tell_ahead(message).map(Begun)
    }

    fn take(&self, staged: Staged, envelope: Envelope, begun: Option<Begun>) -> Taking<'_> {
        Box::pin(self.0.take(staged, envelope, begun))
    }
}

/// Next hops that have kept a sender waiting for too long, and until when that counts.
#[derive(Debug, Default)]
pub(super) struct Slow(Mutex<VecDeque<(NextHop, Tick)>>);

impl Slow {
    fn note(&self, next_hop: NextHop, until: Tick) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = all.iter().position(|(known, _)| *known == next_hop);
        let before = place.and_then(|place| all.remove(place));
        if all.len() == SLOW_MAX {
            all.pop_front();
        }
        let until = before.map_or(until, |(_, before)| before.max(until));
        all.push_back((next_hop, until));
    }

    fn has(&self, next_hop: &NextHop, now: Tick) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while all.front().is_some_and(|(_, until)| *until <= now) {
            all.pop_front();
        }
        all.iter()
            .any(|(known, until)| known == next_hop && *until > now)
    }
}

/// A round that goes on while its sender waits.
struct Passage {
    round: Arc<Round>,
    next_hop: NextHop,
    ended: oneshot::Receiver<Progress>,
}

/// A round that is over, of a message that is neither taken nor refused, and what is refused of it
/// after all.
type Open = (Progress, Vec<usize>);

impl Inner {
    async fn take(
        self: &Arc<Self>,
        staged: Staged,
        envelope: Envelope,
        begun: Option<Begun>,
    ) -> Result<Custody, Denied> {
        let sealed = self.spool.seal(staged, envelope)?;
        let told = match begun {
            Some(Begun(ahead)) => ahead.claim().await,
            None => None,
        };
        let Some(mut passage) = self.pass(&sealed, told) else {
            let committed = self.spool.commit_sealed(sealed).await?;
            if let Some(delay) = self.submit(&committed).and_then(in_flow::delay) {
                metrics::held_back();
                tokio::time::sleep(delay).await;
            }
            return Ok(Custody::Ours(committed));
        };
        let ended = tokio::select! {
            biased;
            // A round that was lost with a bug has told nobody, and is taken up from the spool.
            ended = &mut passage.ended => ended.ok(),
            () = self.stopped() => None,
            () = waited_enough(&passage.round, self.settings.cut_through) => None,
        };
        match ended {
            Some(progress) => self.arrive(sealed, &passage.round, progress).await,
            None => self.take_over(sealed, passage).await,
        }
    }

    /// Starts the first round, if its sender can wait for it.
    fn pass(self: &Arc<Self>, sealed: &Sealed, told: Option<Told>) -> Option<Passage> {
        let message = sealed.message();
        let content = sealed.content()?;
        let envelope = &message.envelope;
        if !self.may_pass(message) {
            return None;
        }
        let mut plan = self.plan(message, far(self.clock.wall()), &HashMap::new());
        let copy = self.way_through(&plan)?;
        let next_hop = copy.next_hop.clone();
        let told = told.filter(|told| told.is_of(copy));
        if told.is_none() && envelope.recipients.len() > 1 {
            return None;
        }
        let (waits, ended) = oneshot::channel();
        let round = Round::passing(Arc::clone(message), content.clone(), &plan, waits);
        let round = Arc::new(round);
        event::passing(
            &message.id,
            &envelope.reverse_path,
            message.size,
            envelope.recipients.len(),
        );
        if let Some(told) = told
            && let Some(copy) = plan.copies.pop()
        {
            self.place_next(&round, copy, told);
        }
        self.run(&round, plan);
        Some(Passage {
            round,
            next_hop,
            ended,
        })
    }

    /// Whether senders of such messages wait at all.
    pub(super) fn may_pass(&self, message: &Message) -> bool {
        let off = self.settings.cut_through.is_zero() || self.is_stopping();
        let recipients = &message.envelope.recipients;
        !off && !recipients.is_empty() && recipients.iter().all(is_plain)
    }

    /// The copy that a plan consists of, if it can be tried at once by a server that is waited for,
    /// and one answer decides it.
    pub(super) fn way_through<'a>(&self, plan: &'a Plan) -> Option<&'a Copy> {
        let [copy] = &*plan.copies else {
            return None;
        };
        let is_for_one = matches!(&*copy.addressees, [only] if only.same.is_empty());
        let next_hop = &copy.next_hop;
        let is_waited_for = match next_hop {
            // It answers for each recipient (RFC 2033 §4.2).
            NextHop::Lmtp => is_for_one,
            NextHop::Target(id) => {
                let facts = self.routes.target(*id);
                // Elsewhere others may take it than here.
                let stays = is_for_one || !self.may_go_to_smart_host(next_hop);
                stays && facts.is_some_and(|facts| facts.cut_through)
            }
            NextHop::Maildir | NextHop::Mx(_) | NextHop::SmartHost => false,
        };
        let now = self.tick();
        let limit = self.limit(next_hop);
        let goes = is_waited_for
            && plan.unasked.is_empty()
            && plan.ends.is_empty()
            && !self.slow.has(next_hop, now)
            && self.state().hops.has_turn(next_hop, limit, now);
        goes.then_some(copy)
    }

    /// The round is over and the sender waits: what that means for him.
    async fn arrive(
        self: &Arc<Self>,
        sealed: Sealed,
        round: &Arc<Round>,
        progress: Progress,
    ) -> Result<Custody, Denied> {
        let (progress, doubted) = match self.answer(round, progress).await {
            ControlFlow::Break(answer) => return answer,
            ControlFlow::Continue(open) => open,
        };
        let committed = self.commit_active(sealed).await?;
        self.log_refused(round, &progress, &doubted, Hearer::Sender);
        self.finish(round, progress);
        Ok(Custody::Ours(committed))
    }

    /// What the sender hears, if the next hop's answer settles it.
    async fn answer(
        self: &Arc<Self>,
        round: &Round,
        mut progress: Progress,
    ) -> ControlFlow<Result<Custody, Denied>, Open> {
        let id = round.message.id;
        if self.is_delivered(&round.message, &progress.ends) {
            event::removed(&id);
            return ControlFlow::Break(Ok(Custody::Beyond(Beyond { id })));
        }
        let doubted = self.settle_doubts(round, &mut progress).await;
        if let Some(reply) = refusal(round, &progress.ends) {
            self.log_refused(round, &progress, &doubted, Hearer::Client);
            metrics::refused_beyond(progress.ends.len());
            return ControlFlow::Break(Err(Denied::Refused(reply)));
        }
        ControlFlow::Continue((progress, doubted))
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
        sealed: Sealed,
        mut passage: Passage,
    ) -> Result<Custody, Denied> {
        if !self.is_stopping() {
            let has_begun = passage.round.has_begun();
            let avoided = ticks(if has_begun { SLOW_FOR } else { BUSY_FOR });
            let until = self.tick() + avoided;
            self.slow.note(passage.next_hop.clone(), until);
        }
        let committed = match self.commit_active(sealed).await {
            Ok(committed) => committed,
            Err(why) => return self.wait_on(passage, why).await,
        };
        let round = passage.round;
        match round.settle_in() {
            Some(unsaid) => self.tell_refusals(&round, &unsaid, Hearer::Sender),
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

    /// It cannot be stored, and may arrive yet: who hears 4yz sends it again, so nobody does before
    /// the attempt is over.
    async fn wait_on(
        self: &Arc<Self>,
        passage: Passage,
        why: Unavailable,
    ) -> Result<Custody, Denied> {
        if let Ok(progress) = passage.ended.await
            && let ControlFlow::Break(answer) = self.answer(&passage.round, progress).await
        {
            return answer;
        }
        // A bug may have ordered a hold.
        self.forget(passage.round.message.id);
        Err(why.into())
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

/// Ends when a sender has waited long enough: for the answer, or for his turn. Who waits for turns
/// at one next hop has nothing for all others meanwhile.
async fn waited_enough(round: &Round, patience: Duration) {
    let soon = patience.min(Duration::from_millis(SOON));
    tokio::time::sleep(soon).await;
    if round.has_begun() {
        tokio::time::sleep(patience - soon).await;
    }
}

/// Whether a recipient is nobody's but the sender's: of no group, waiting for nothing, and no
/// report of success is due.
fn is_plain(recipient: &Recipient) -> bool {
    recipient.state == State::Queued
        && recipient.sender.is_none()
        && recipient.original.is_none()
        && !wants_success(recipient)
}

/// What the client is told, when all is refused for good. It names no host behind this server, as a
/// report would not.
fn refusal(round: &Round, ends: &[(usize, End)]) -> Option<Reply> {
    let recipients = &round.message.envelope.recipients;
    let are_refused = ends.iter().all(|(_, end)| matches!(end, End::Failed(..)));
    if !are_refused || ends.len() != recipients.len() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_next_hop_that_is_slow_stays_so_when_it_is_busy_too() {
        let slow = Slow::default();
        slow.note(NextHop::Lmtp, 60_000);
        slow.note(NextHop::SmartHost, 70_000);
        slow.note(NextHop::Lmtp, 5_000);
        assert!(slow.has(&NextHop::Lmtp, 59_999));
        assert!(!slow.has(&NextHop::Lmtp, 60_000));
        assert!(slow.has(&NextHop::SmartHost, 60_000));
        assert!(!slow.has(&NextHop::Maildir, 0));
    }
}
