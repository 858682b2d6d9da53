//! One mail transaction: MAIL, and what is known of it until its end.

use std::time::{Duration, SystemTime};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use waypost_proto::mail::{Mailbox, ReversePath};
use waypost_proto::route::Side;
use waypost_proto::smtp::params::MailParams;
use waypost_proto::smtp::replies;
use waypost_spool::{QueueId, Recipient};

use super::body::Incoming;
use super::drive::{Ending, Named, Session};
use super::recipient::Ahead;
use crate::limits::Limits;
use crate::policy::rate;
use crate::policy::{self, Decision, Facts, Home, Ownership, Pace, sender};
use crate::resolve::expand::Once;

/// An open transaction.
pub(super) struct Transaction {
    pub(super) reverse_path: ReversePath,
    pub(super) params: MailParams,
    pub(super) accepted: Vec<Accepted>,
    /// Final recipients of all that was accepted.
    pub(super) members: usize,
    /// What each final recipient gets once.
    pub(super) once: Once,
    /// Recipients that were decided together with an earlier one.
    pub(super) ahead: Ahead,
    /// The queue id, once content has begun.
    pub(super) id: Option<QueueId>,
    pub(super) incoming: Option<Box<Incoming>>,
}

/// A recipient that was answered with 250.
pub(super) struct Accepted {
    /// As the client named it.
    pub(super) recipient: Mailbox,
    /// Who gets the message for it: itself, or the members of a group; nobody when all of them
    /// get it for an earlier recipient.
    pub(super) members: Vec<Recipient>,
}

impl Transaction {
    /// Accepts a recipient, with those who get the message for it.
    pub(super) fn keep(&mut self, recipient: &Mailbox, members: Vec<Recipient>) {
        self.members += members.len();
        self.accepted.push(Accepted {
            recipient: recipient.clone(),
            members,
        });
    }

    /// The message arrives now, and its recipients live from now on: by one look at the clock, which
    /// may have jumped since they were accepted.
    pub(super) fn date(&mut self, arrives: SystemTime, lifetime: Duration) {
        for member in self.accepted.iter_mut().flat_map(|a| &mut a.members) {
            member.due = arrives;
            member.expires = arrives + lifetime;
        }
    }

    /// Until when the client must send something, or send it faster.
    pub(super) fn deadline(&self, limits: &Limits, turn: Instant, now: Instant) -> Instant {
        match &self.incoming {
            None => turn + limits.command_timeout,
            Some(incoming) => incoming.deadline(limits, now),
        }
    }
}

impl<S> Session<'_, S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    /// MAIL.
    pub(super) fn mail(&mut self, reverse_path: ReversePath, params: MailParams) {
        self.rules = self.shared.rules();
        let most = self.rules.settings.limits.messages_per_connection;
        if most > 0 && self.counts.data.done() as usize >= most {
            return self.close(&replies::unavailable(), Ending::TurnedAway);
        }
        let decision = self.judge_sender(&reverse_path);
        let accepted = self.answer(&decision, &replies::sender_ok());
        self.counts.mail.count(accepted);
        if let Decision::Refuse(reply) | Decision::Disconnect(reply) = &decision {
            let named = Named {
                from: Some(&reverse_path),
                ..Named::default()
            };
            return self.log_reject("MAIL", reply, named);
        }
        self.transaction = Some(Box::new(Transaction {
            reverse_path,
            params,
            accepted: Vec::new(),
            members: 0,
            once: Once::new(self.delimiter()),
            ahead: Ahead::default(),
            id: None,
            incoming: None,
        }));
    }

    fn judge_sender(&self, reverse_path: &ReversePath) -> Decision {
        if self.message_pace() == Pace::TooFast {
            return Decision::Refuse(replies::rate_exceeded());
        }
        let side = self.side();
        let (ownership, home) = match reverse_path.mailbox() {
            Some(mailbox) => self.of_sender(&side, mailbox),
            None => (Ownership::Own, Home::Unprotected),
        };
        policy::decide(&Facts::Mail(policy::Mail {
            service: self.door.service,
            side: &side,
            reverse_path,
            ownership,
            home,
        }))
    }

    /// Whose a sender address is, and where it lives.
    fn of_sender(&self, side: &Side, mailbox: &Mailbox) -> (Ownership, Home) {
        let snapshot = self.shared.snapshot();
        let delimiter = self.delimiter();
        match side {
            Side::Authenticated(user) => {
                let ownership = sender::ownership(&snapshot, *user, mailbox, delimiter);
                (ownership, Home::Unprotected)
            }
            _ => {
                let home = sender::home(&snapshot, side, mailbox, delimiter);
                (Ownership::Foreign, home)
            }
        }
    }

    fn message_pace(&self) -> Pace {
        let client = self.caller.client.address.filter(|_| !self.caller.trusted);
        match (&self.rules.messages, client) {
            (Some(messages), Some(client)) => {
                messages.count(&rate::client(client), self.shared.clock().now())
            }
            _ => Pace::Kept,
        }
    }

    /// What separates a sub-address from its tag.
    pub(super) fn delimiter(&self) -> Option<char> {
        self.shared.parts.resolver.settings().delimiter
    }
}
