//! RCPT: each recipient gets a verdict and a reply of its own, while the client is connected.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::SystemTime;

use tokio::io::{AsyncRead, AsyncWrite};
use waypost_proto::mail::{ForwardPath, Mailbox, ReversePath};
use waypost_proto::route::{Expansion, Side, Verdict};
use waypost_proto::smtp::params::RcptParams;
use waypost_proto::smtp::replies;
use waypost_spool::{Recipient, State};

use super::drive::{Named, Session};
use crate::blocking;
use crate::event;
use crate::policy::{self, Decision, Facts, Pace, Room};
use crate::resolve::expand::{Member, Report};
use crate::resolve::{Decided, Outbound, Request};

/// Pipelined recipients that are asked about together.
const MAX_AHEAD: usize = 100;

/// The group itself, done with: the queue tells its sender so, who has asked for it
/// (RFC 3461 §5.2.7).
fn reported(
    group: &Mailbox,
    expansion: &Expansion,
    params: &RcptParams,
    report: Report,
    (now, expires): (SystemTime, SystemTime),
) -> Recipient {
    let owner = match report {
        Report::Delivered => expansion.owner.clone(),
        Report::Expanded => None,
    };
    Recipient {
        params: params.clone(),
        sender: owner.map(ReversePath::Mailbox),
        state: State::Delivered,
        ..Recipient::new(group.clone(), now, expires)
    }
}

/// Recipients that were decided together with an earlier one, in the order they will come in.
#[derive(Debug, Default)]
pub(super) struct Ahead(VecDeque<(Mailbox, Decided)>);

impl Ahead {
    /// The verdict for the recipient that comes in now, if it was foreseen.
    fn take(&mut self, recipient: &Mailbox) -> Option<Decided> {
        let (foreseen, decided) = self.0.pop_front()?;
        if foreseen == *recipient {
            return Some(decided);
        }
        self.0.clear();
        None
    }
}

impl<S> Session<'_, S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    /// RCPT.
    pub(super) async fn rcpt(&mut self, path: &ForwardPath, params: RcptParams) {
        let resolver = self.shared.parts.resolver.clone();
        let recipient = resolver.settings().recipient(path);
        let side = self.side();
        let decided = self.decide(recipient, &side).await;
        let room = self.room(&decided.verdict).await;
        let facts = policy::Rcpt {
            side: &side,
            accepted: self.transaction.as_ref().map_or(0, |t| t.accepted.len()),
            verdict: &decided.verdict,
            room,
            guessing: self.guessing(&decided),
            limits: &self.rules.policy,
        };
        let mut decision = policy::decide(&Facts::Rcpt(facts));
        if decision == Decision::Accept {
            decision = self.accept(recipient, &decided, params, &side).await;
        }
        let accepted = self.answer(&decision, &replies::recipient_ok());
        self.counts.rcpt.count(accepted);
        if let Decision::Refuse(reply) | Decision::Disconnect(reply) = &decision {
            let named = Named {
                to: Some(path),
                why: Some(decided.rule),
                ..Named::default()
            };
            self.log_reject("RCPT", reply, named);
        }
    }

    /// The verdict. When somebody must be asked, the recipients behind this one are asked about
    /// at the same time.
    async fn decide(&mut self, recipient: &Mailbox, side: &Side) -> Decided {
        let foreseen = self
            .transaction
            .as_mut()
            .and_then(|transaction| transaction.ahead.take(recipient));
        if let Some(decided) = foreseen {
            return decided;
        }
        let resolver = &self.shared.parts.resolver;
        let request = self.request(recipient, side);
        let mut first = pin!(resolver.decide(&request));
        let at_once = poll_fn(|cx| match first.as_mut().poll(cx) {
            Poll::Ready(decided) => Poll::Ready(Some(decided)),
            Poll::Pending => Poll::Ready(None),
        });
        if let Some(decided) = at_once.await {
            return decided;
        }
        let ahead = self.proto.pipelined_recipients();
        let ahead: Vec<_> = ahead
            .iter()
            .take(MAX_AHEAD)
            .map(|path| resolver.settings().recipient(path))
            .collect();
        let requests: Vec<_> = ahead.iter().map(|to| self.request(to, side)).collect();
        let (decided, others) = tokio::join!(first, resolver.decide_all(&requests));
        if let Some(transaction) = &mut self.transaction {
            let ahead = ahead.into_iter().cloned().zip(others);
            transaction.ahead = Ahead(ahead.collect());
        }
        decided
    }

    pub(super) fn request<'a>(&self, recipient: &'a Mailbox, side: &'a Side) -> Request<'a> {
        let mut request = Request::at_rcpt(recipient, side);
        if self.caller.trusted {
            // A target in a trusted network is both.
            request.outbound = Outbound::Allowed;
        }
        request
    }

    /// Room in a mailbox that is kept here and has a limit.
    async fn room(&self, verdict: &Verdict) -> Option<Room> {
        let Verdict::Deliver(destination) = verdict else {
            return None;
        };
        if destination.quota_bytes == 0 {
            return None;
        }
        let used = Arc::clone(self.shared.parts.used.as_ref()?);
        let mailbox = destination.clone();
        let used = blocking::spawn_blocking(move || used(&mailbox));
        let used_bytes = used.await.ok().flatten()?;
        let declared = self.transaction.as_ref().and_then(|t| t.params.size);
        Some(Room {
            quota_bytes: destination.quota_bytes,
            used_bytes,
            size_bytes: declared.unwrap_or(0),
        })
    }

    /// Counts a stranger's recipient that nobody has.
    fn guessing(&self, decided: &Decided) -> Pace {
        let Verdict::Refuse(reply) = &decided.verdict else {
            return Pace::Kept;
        };
        match (&self.rules.guesses, self.caller.client.address) {
            (Some(guesses), Some(client)) if policy::is_guess(&self.side(), reply) => {
                guesses.count(client, self.shared.clock().now())
            }
            _ => Pace::Kept,
        }
    }

    /// Takes the recipient into the envelope; of a group, its members.
    async fn accept(
        &mut self,
        recipient: &Mailbox,
        decided: &Decided,
        params: RcptParams,
        side: &Side,
    ) -> Decision {
        if let Verdict::Expand(expansion) = &decided.verdict {
            return self.accept_group(recipient, expansion, &params, side).await;
        }
        let (now, expires) = self.times();
        let most = self.rules.settings.limits.expanded_recipients;
        let Some(transaction) = &mut self.transaction else {
            return Decision::Accept;
        };
        if transaction.members >= most {
            return Decision::Refuse(replies::too_many_recipients());
        }
        let first = transaction.once.first(recipient, &decided.verdict);
        let member = Recipient {
            params,
            ..Recipient::new(recipient.clone(), now, expires)
        };
        transaction.keep(recipient, Vec::from_iter(first.then_some(member)));
        Decision::Accept
    }

    async fn accept_group(
        &mut self,
        recipient: &Mailbox,
        expansion: &Expansion,
        params: &RcptParams,
        side: &Side,
    ) -> Decision {
        let Some(transaction) = &self.transaction else {
            return Decision::Accept;
        };
        // A copy: a group that is refused in the end has taken nobody's place.
        let mut once = transaction.once.clone();
        let sender = transaction.reverse_path.clone();
        let most = self.rules.settings.limits.expanded_recipients;
        let room = most.saturating_sub(transaction.members);
        let request = self.request(recipient, side);
        let resolver = &self.shared.parts.resolver;
        let expanded = resolver
            .expand(&request, expansion, &sender, &mut once)
            .await;
        self.log_members(recipient, &expanded.refused);
        if expanded.reply != replies::recipient_ok() {
            return Decision::Refuse(expanded.reply);
        }
        if expanded.members.len() > room {
            return Decision::Refuse(replies::too_many_recipients());
        }
        let (now, expires) = self.times();
        let member = |member: &Member| Recipient {
            original: Some(recipient.clone()),
            params: expanded.params(member, params),
            sender: member.owner.clone().map(ReversePath::Mailbox),
            ..Recipient::new(member.address.clone(), now, expires)
        };
        let mut members: Vec<_> = expanded.members.iter().map(member).collect();
        if let Some(report) = expanded.report(params) {
            members.push(reported(
                recipient,
                expansion,
                params,
                report,
                (now, expires),
            ));
        }
        if let Some(transaction) = &mut self.transaction {
            transaction.once = once;
            transaction.keep(recipient, members);
        }
        Decision::Accept
    }

    /// When a recipient that is accepted now is due, and when it is given up.
    fn times(&self) -> (SystemTime, SystemTime) {
        let now = self.shared.clock().wall();
        (now, now + self.rules.settings.lifetime)
    }

    /// Members of a group who are refused are not bounced, but the administrator can see them.
    fn log_members(&self, group: &Mailbox, refused: &[Member]) {
        for member in refused {
            let reply = member.decided.reply();
            let why = &member.decided.rule;
            event::member_refused(&self.caller.client, group, &member.address, &reply, why);
        }
    }
}
