//! The next hop is told the envelope while the content is still on its way here: its answers are
//! there when the content is whole.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use waypost_proto::mail::ReversePath;
use waypost_spool::{Content, Message};

use super::Inner;
use super::plan::Copy;
use super::timekeeper::far;
use crate::deliver::{Job, JobRecipient, NextHop, Opened};

/// A turn at a next hop is kept for so long for content that is still on its way.
const KEPT_FOR: Duration = Duration::from_secs(1);

/// An envelope on its way to a next hop. Dropped, the next hop hears nothing more of it.
#[derive(Debug)]
pub(crate) struct Ahead {
    claim: oneshot::Sender<()>,
    told: oneshot::Receiver<Told>,
}

impl Ahead {
    /// The content is whole. None: the envelope could not be told, or that was too long ago.
    pub(super) async fn claim(self) -> Option<Told> {
        self.claim.send(()).ok()?;
        self.told.await.ok()
    }
}

/// A next hop that was told an envelope.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) opened: Opened,
    pub(super) turn: Turn,
    reverse_path: ReversePath,
    recipients: Vec<JobRecipient>,
}

impl Told {
    /// Whether it was told of this very copy.
    pub(super) fn is_of(&self, copy: &Copy) -> bool {
        let recipients = copy.addressees.iter().map(|a| &a.job);
        self.turn.next_hop == copy.next_hop
            && self.reverse_path == copy.reverse_path
            && self.recipients.iter().eq(recipients)
    }
}

/// A turn at a next hop that is kept for a message whose content is on its way.
pub(super) struct Turn {
    queue: Arc<Inner>,
    next_hop: NextHop,
    is_used: bool,
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Turn").field(&self.next_hop).finish()
    }
}

impl Turn {
    /// It is used: whoever does this tells the hops so.
    pub(super) fn used(mut self) {
        self.is_used = true;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.is_used {
            return;
        }
        if self.queue.state().hops.give_turn_back(&self.next_hop) {
            self.queue.start_worker(self.next_hop.clone());
        }
    }
}

impl Inner {
    /// Tells the next hop of a message, if its sender can wait for the answer, and there is a turn.
    pub(super) fn tell_ahead(self: &Arc<Self>, message: Message) -> Option<Ahead> {
        if !self.may_pass(&message) {
            return None;
        }
        let message = Arc::new(message);
        let mut plan = self.plan(&message, far(self.clock.wall()), &HashMap::new());
        self.way_through(&plan)?;
        let copy = plan.copies.pop()?;
        let turn = self.keep_turn(&copy.next_hop)?;
        let job = unwritten(message, copy);
        let (reverse_path, recipients) = (job.reverse_path.clone(), job.recipients.clone());
        let (claim, claimed) = oneshot::channel();
        let (give, told) = oneshot::channel();
        let deliverer = Arc::clone(&self.deliverer);
        let patience = KEPT_FOR.min(self.settings.cut_through);
        tokio::spawn(async move {
            let telling = async {
                let opened = deliverer.open(job).await?;
                claimed.await.ok()?;
                Some(opened)
            };
            if let Ok(Some(opened)) = tokio::time::timeout(patience, telling).await {
                // Whoever claimed it may be gone: then it ends here.
                let _ = give.send(Told {
                    opened,
                    turn,
                    reverse_path,
                    recipients,
                });
            }
        });
        Some(Ahead { claim, told })
    }

    fn keep_turn(self: &Arc<Self>, next_hop: &NextHop) -> Option<Turn> {
        let (limit, now) = (self.limit(next_hop), self.tick());
        let is_kept = self.state().hops.keep_turn(next_hop, limit, now);
        is_kept.then(|| Turn {
            queue: Arc::clone(self),
            next_hop: next_hop.clone(),
            is_used: false,
        })
    }
}

/// A copy without its content.
fn unwritten(message: Arc<Message>, copy: Copy) -> Job {
    Job {
        message,
        content: Content::Memory(Bytes::new()),
        next_hop: copy.next_hop,
        reverse_path: copy.reverse_path,
        recipients: copy.addressees.into_iter().map(|a| a.job).collect(),
        front: Vec::new(),
    }
}
