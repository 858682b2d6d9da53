//! The next hop is told the envelope while the content is still on its way here: its answers are
//! there when the content is whole. Large content is passed on as it comes, all but its end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{oneshot, watch};
use waypost_proto::mail::ReversePath;
use waypost_spool::{Content, Message};

use super::Inner;
use super::plan::Copy;
use super::timekeeper::far;
use crate::deliver::{Job, JobRecipient, NextHop, Opened};

/// A turn at a next hop is kept for so long for content that is still on its way; for large content
/// so long again after each piece of it.
const KEPT_FOR: Duration = Duration::from_secs(1);

/// An envelope on its way to a next hop. Dropped, the next hop hears nothing more of it.
#[derive(Debug)]
pub(crate) struct Ahead {
    grown: watch::Sender<Option<Grown>>,
    claim: oneshot::Sender<()>,
    told: oneshot::Receiver<Told>,
}

/// What has come of large content, and the key by which its trace field names the message.
#[derive(Debug, Clone)]
struct Grown {
    message_key: String,
    content: Content,
}

impl Ahead {
    pub(crate) fn grew(&self, message_key: &str, content: Content) {
        self.grown.send_replace(Some(Grown {
            message_key: message_key.to_owned(),
            content,
        }));
    }

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
        let (grown, growing) = watch::channel(None);
        let (give, told) = oneshot::channel();
        let deliverer = Arc::clone(&self.deliverer);
        let patience = KEPT_FOR.min(self.settings.cut_through);
        tokio::spawn(async move {
            let opened = tokio::time::timeout(patience, deliverer.open(job)).await;
            let Ok(Some(opened)) = opened else {
                return;
            };
            let front = |message_key: &str| {
                let outgoing = recipients.iter().map(|recipient| &recipient.address);
                turn.queue.front(&turn.next_hop, outgoing, message_key, "")
            };
            let passing = Passing {
                claimed,
                growing,
                opened,
                latest: None,
            };
            if let Some(opened) = passing.until_claimed(patience, front).await {
                // Whoever claimed it may be gone: then it ends here.
                let _ = give.send(Told {
                    opened,
                    turn,
                    reverse_path,
                    recipients,
                });
            }
        });
        Some(Ahead { grown, claim, told })
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

/// Content on its way through.
struct Passing {
    claimed: oneshot::Receiver<()>,
    growing: watch::Receiver<Option<Grown>>,
    opened: Opened,
    latest: Option<Grown>,
}

/// What happened to content on its way through.
enum Step {
    Claimed,
    /// More of it has come.
    Grown,
    /// More of it has gone.
    Passed,
}

impl Passing {
    /// Passes on what comes until all is here; none where the client is gone, or a step of client or
    /// next hop takes too long.
    async fn until_claimed(
        mut self,
        patience: Duration,
        front: impl Fn(&str) -> Vec<u8>,
    ) -> Option<Opened> {
        loop {
            let step = tokio::time::timeout(patience, self.step(&front));
            if let Step::Claimed = step.await.ok()?? {
                return Some(self.opened);
            }
        }
    }

    async fn step(&mut self, front: &impl Fn(&str) -> Vec<u8>) -> Option<Step> {
        if let Some(Grown {
            message_key,
            content,
        }) = &self.latest
            && self.opened.is_behind(content)
        {
            // What is left at the end goes with the attempt, which knows how long the sender waits.
            match self.claimed.try_recv() {
                Ok(()) => return Some(Step::Claimed),
                Err(TryRecvError::Closed) => return None,
                Err(TryRecvError::Empty) => {}
            }
            self.opened.pass_on(&front(message_key), content).await?;
            return Some(Step::Passed);
        }
        tokio::select! {
            biased;
            claimed = &mut self.claimed => claimed.ok().map(|()| Step::Claimed),
            grown = self.growing.changed() => {
                grown.ok()?;
                self.latest = self.growing.borrow_and_update().clone();
                Some(Step::Grown)
            }
        }
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
