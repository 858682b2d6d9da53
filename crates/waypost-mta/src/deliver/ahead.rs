//! Envelopes that a host is told while the content is still on its way here: when that is whole, the
//! host has answered already. Of large content it has most by then, too.
//!
//! A promise to nobody: dropped before the end of data, the connection is closed, and the host
//! forgets what it has (RFC 5321 §4.1.1.4: without the end of data there is no message).

use std::fmt;

use waypost_proto::mail::{Mailbox, ReversePath};
use waypost_proto::smtp::client::Rcpt;
use waypost_proto::smtp::params::{MailParams, RcptParams};
use waypost_spool::Content;

use super::connect::Connection;
use super::dialogue::{Answer, Heard, Said, Sending};
use super::hosts::Way;
use super::{Attempt, Deliverer, Job, Trouble, no_host};

/// A connection over which a host was told an envelope. Dropped, it hangs up.
pub struct Opened {
    way: Way,
    connection: Connection,
    /// Replies on this connection before, and what was heard since.
    replies: (u64, Heard),
    told: Told,
    /// What has gone in front of content that was passed on while it came.
    front: Option<Vec<u8>>,
}

impl Opened {
    /// Whether the host has not got all of this yet.
    #[must_use]
    pub fn is_behind(&self, content: &Content) -> bool {
        match &self.replies.1 {
            Heard::Nothing => true,
            Heard::Go(passing) => passing.gone < content.len(),
            Heard::Over => false,
        }
    }

    /// Passes on one more piece of content that lies in a file, which is going to become longer;
    /// `front` goes before its first. None where the host will not take it: nothing more is to be
    /// sent over this connection then.
    pub async fn pass_on(&mut self, front: &[u8], content: &Content) -> Option<()> {
        let connection = &mut self.connection;
        connection.hear_for_passing(&mut self.replies.1).await?;
        let Heard::Go(passing) = &mut self.replies.1 else {
            return Some(());
        };
        if connection.too_large(front, content).is_some() {
            return None;
        }
        if self.front.is_none() {
            connection.write_front(passing, front).await.ok()?;
            self.front = Some(front.to_owned());
        }
        let written = connection.write_piece(passing, content, Vec::new()).await;
        written.ok().map(drop)
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Opened")
            .field(&self.connection.host)
            .finish()
    }
}

/// What was told. An attempt that would tell something else begins anew.
#[derive(PartialEq)]
struct Told {
    reverse_path: ReversePath,
    params: MailParams,
    recipients: Vec<(Mailbox, RcptParams)>,
}

impl Deliverer {
    /// Tells a next hop the envelope of a copy whose content is still on its way. Nothing of the
    /// job's content and front is used.
    ///
    /// None when that cannot be done: the attempt finds out why. With several recipients, none also
    /// when some of them are accepted and others are not.
    pub async fn open(&self, job: &Job) -> Option<Opened> {
        let way = self.way(&job.next_hop).ok()?;
        let told = Attempt::new(job, &way, &self.0).told();
        let (mut connection, before) = self.tell(job, &way, &told).await?;
        let heard = match told.recipients.len() {
            1 => Heard::Nothing,
            _ => connection.hear_out().await?,
        };
        Some(Opened {
            way,
            connection,
            replies: (before, heard),
            told,
            front: None,
        })
    }

    /// Over a connection that was kept, or else a new one; how many replies were heard before.
    async fn tell(&self, job: &Job, way: &Way, told: &Told) -> Option<(Connection, u64)> {
        while let Some(mut kept) = self.0.pool.take(&job.next_hop, way) {
            match kept.tell_ahead(told.sending()).await {
                Some(before) => return Some((kept, before)),
                // Not to this host: another connection would not change that.
                None if kept.session.is_idle() => {
                    self.0.pool.put(&job.next_hop, way, kept);
                    return None;
                }
                None => {}
            }
        }
        let place = self.0.hosts.of(way).await.ok()?.into_iter().next()?;
        let mut fresh = self.0.connector.open(&place, way).await.ok()?;
        match fresh.tell_ahead(told.sending()).await {
            Some(before) => Some((fresh, before)),
            None => {
                self.0.pool.put(&job.next_hop, way, fresh);
                None
            }
        }
    }
}

impl Told {
    fn sending(&self) -> Sending<'_> {
        let recipients = self.recipients.iter();
        let recipients = recipients.map(|(address, params)| Rcpt { address, params });
        Sending {
            reverse_path: &self.reverse_path,
            params: &self.params,
            recipients: recipients.collect(),
        }
    }
}

impl Attempt<'_> {
    fn told(&self) -> Told {
        let recipients = self.open().into_iter();
        Told {
            reverse_path: self.job.reverse_path.clone(),
            params: self.mail_params(),
            recipients: recipients
                .map(|(_, address, params)| (address, params))
                .collect(),
        }
    }

    /// Over a connection on which the envelope was told; true when nothing more is to be tried.
    ///
    /// With several recipients nothing else is tried, whatever comes of it, so that either all of
    /// them get the message or nobody does.
    pub(super) async fn over_opened(&mut self, mut opened: Opened) -> bool {
        let is_only = opened.told.recipients.len() > 1;
        let front = opened.front.as_ref();
        let is_other = front.is_some_and(|front| *front != self.job.front);
        if opened.way != *self.way || opened.told != self.told() || is_other {
            self.fail_open(&Trouble::transient(3, 5, "the target has just changed"));
            return is_only;
        }
        let (front, content) = (&self.job.front, &self.job.content);
        match opened.connection.too_large(front, content) {
            // It was told before this was known.
            Some(trouble) => {
                self.note(vec![Answer::Refused(trouble); opened.told.recipients.len()])
            }
            None => {
                let said = opened.connection.go_on(opened.replies, front, content);
                match said.await {
                    Said::Stale => self.fail_open(&no_host()),
                    Said::Answers(answers) => self.note(answers),
                }
            }
        }
        let next_hop = &self.job.next_hop;
        self.inner.pool.put(next_hop, self.way, opened.connection);
        is_only || self.is_done()
    }
}
