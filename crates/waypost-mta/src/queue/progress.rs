//! One round of a message, and how far it has come.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use waypost_proto::mail::Mailbox;
use waypost_proto::route::TargetId;
use waypost_spool::{Content, Message};

use super::attempt::Told;
use super::conclude::End;
use super::plan::Plan;
use crate::deliver::NextHop;

/// One round.
pub(super) struct Round {
    pub(super) message: Arc<Message>,
    pub(super) content: Content,
    pub(super) hold_changes: u64,
    /// An attempt has begun.
    has_begun: AtomicBool,
    progress: Mutex<Progress>,
}

/// How far a round has come.
#[derive(Default)]
pub(super) struct Progress {
    /// Copies that have not ended.
    pub(super) left: usize,
    pub(super) ends: Vec<(usize, End)>,
    /// Next hops for which this message waits.
    pub(super) parked: Vec<NextHop>,
    /// Copies taken since that was last recorded.
    pub(super) unrecorded: usize,
    pub(super) copies: usize,
    /// Refusals that contradict what was known: who refused which outgoing address.
    pub(super) doubts: Vec<(usize, TargetId, Mailbox)>,
    /// Who waits for the end of a message that is not in the spool yet.
    pub(super) waits: Option<oneshot::Sender<Self>>,
    /// Refusals that are logged when it is known who is told of them: whoever waits, or nobody
    /// before a report.
    pub(super) unsaid: Vec<Told>,
}

impl Round {
    /// A round with one thing to come before it is over: its ends that need no copy.
    pub(super) fn new(message: Arc<Message>, content: Content, plan: &Plan) -> Self {
        let copies = plan.copies.len();
        Self {
            message,
            content,
            hold_changes: plan.hold_changes,
            has_begun: AtomicBool::new(false),
            progress: Mutex::new(Progress {
                copies,
                left: copies + 1,
                ..Progress::default()
            }),
        }
    }

    /// The round of a message that nobody has charge of yet: how it ended is told to who waits.
    pub(super) fn passing(
        message: Arc<Message>,
        content: Content,
        plan: &Plan,
        waits: oneshot::Sender<Progress>,
    ) -> Self {
        let round = Self::new(message, content, plan);
        round.progress().waits = Some(waits);
        round
    }

    /// A copy has its turn.
    pub(super) fn begin(&self) {
        self.has_begun.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }

    /// Its message is in the spool: it concludes like any other. What was unsaid until now; none
    /// when it has ended before.
    pub(super) fn settle_in(&self) -> Option<Vec<Told>> {
        let mut progress = self.progress();
        progress.waits.take()?;
        Some(std::mem::take(&mut progress.unsaid))
    }

    /// Keeps a refusal unsaid while somebody waits; gives it back when nobody does.
    pub(super) fn keep_unsaid(&self, told: Told) -> Option<Told> {
        let mut progress = self.progress();
        if progress.waits.is_none() {
            return Some(told);
        }
        progress.unsaid.push(told);
        None
    }

    pub(super) fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One copy more before the round is over.
    pub(super) fn add(&self) {
        self.progress().left += 1;
    }

    /// The message waits for this next hop.
    pub(super) fn park(&self, next_hop: &NextHop) {
        let mut progress = self.progress();
        if !progress.parked.contains(next_hop) {
            progress.parked.push(next_hop.clone());
        }
    }

    pub(super) fn doubt(&self, index: usize, target: TargetId, outgoing: &Mailbox) {
        let doubt = (index, target, outgoing.clone());
        self.progress().doubts.push(doubt);
    }
}
