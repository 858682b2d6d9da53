//! From a message to the copies that leave: who goes where, now.
//!
//! Every recipient that is due is decided again, so that a user who was moved takes his waiting
//! mail along. One next hop gets one copy, and an address that several recipients were rewritten
//! to is named in it once.

use std::collections::HashMap;
use std::time::SystemTime;

use waypost_proto::dsn::Action;
use waypost_proto::mail::{Mailbox, ReversePath};
use waypost_proto::route::{Destination, Expansion, Store, Verdict, Via};
use waypost_proto::smtp::params::{Orcpt, RcptParams, Xtext};
use waypost_proto::smtp::reply::{Reply, Severity};
use waypost_proto::smtp::status::EnhancedStatus;
use waypost_spool::{Message, Recipient, State};

use super::conclude::{End, Way};
use super::route::{Bound, Route};
use crate::deliver::{JobRecipient, NextHop, Trouble};
use crate::resolve::expand::{Expanded, Report};
use crate::resolve::{Decided, Request};

/// Recipients of one copy to another server: as many as every server must take (RFC 5321
/// §4.5.3.1.8).
const RECIPIENTS_PER_COPY: usize = 100;
/// Recipients of one copy to the mail store here.
const RECIPIENTS_PER_LOCAL_COPY: usize = 1000;

/// One recipient of a copy, and why it goes there.
#[derive(Debug, Clone)]
pub(super) struct Addressee {
    pub(super) job: JobRecipient,
    pub(super) decided: Decided,
    /// Further recipients that were rewritten to the same address.
    pub(super) same: Vec<usize>,
}

/// One copy of a message for one next hop.
#[derive(Debug, Clone)]
pub(super) struct Copy {
    pub(super) next_hop: NextHop,
    pub(super) reverse_path: ReversePath,
    pub(super) addressees: Vec<Addressee>,
}

/// What a look at a message came to.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) copies: Vec<Copy>,
    /// Recipients that go nowhere now, with the rule that says so.
    pub(super) ends: Vec<(usize, End)>,
    /// Recipients about whom somebody must be asked before the plan is worth anything.
    pub(super) unasked: Vec<usize>,
    /// How often a change of the directory's holds had been seen before.
    pub(super) hold_changes: u64,
}

/// What a plan rests on besides the message.
pub(super) struct Ground<'a> {
    pub(super) routes: &'a dyn Route,
    /// What stands for the mail store here.
    pub(super) local: &'a NextHop,
    /// Recipients that were decided by asking, with their places.
    pub(super) asked: &'a HashMap<usize, Decided>,
}

/// Plans every queued recipient that was due at `due`.
pub(super) fn plan(
    message: &Message,
    due: SystemTime,
    now: SystemTime,
    ground: &Ground<'_>,
) -> Plan {
    let mut planning = Planning {
        message,
        now,
        ground,
        plan: Plan::default(),
        seen: HashMap::new(),
    };
    for (index, recipient) in message.envelope.recipients.iter().enumerate() {
        if recipient.state == State::Queued && recipient.due <= due {
            planning.recipient(index, recipient);
        }
    }
    planning.plan
}

/// The request that decides a recipient of a message.
pub(super) fn request<'a>(message: &'a Message, recipient: &'a Recipient) -> Request<'a> {
    Request {
        original: recipient.original.as_ref(),
        visited: &recipient.visited,
        ..Request::in_queue(&recipient.address, &message.envelope.side)
    }
}

/// Where a recipient is bound for, as far as that is known without deciding.
pub(super) fn bound<'a>(request: &'a Request<'a>, recipient: &'a Recipient) -> Bound<'a> {
    let last = recipient.last.as_ref();
    Bound {
        request,
        verdict: None,
        last_hop: last.map(|last| last.next_hop.as_str()),
    }
}

struct Planning<'a> {
    message: &'a Message,
    now: SystemTime,
    ground: &'a Ground<'a>,
    plan: Plan,
    /// Copy and place in it, by copy and outgoing address.
    seen: HashMap<(usize, Mailbox), usize>,
}

impl Planning<'_> {
    fn recipient(&mut self, index: usize, recipient: &Recipient) {
        let request = request(self.message, recipient);
        let asked = self.ground.asked.get(&index).cloned();
        let Some(decided) = asked.or_else(|| self.ground.routes.decide(&request)) else {
            self.plan.unasked.push(index);
            return;
        };
        let bound = Bound {
            verdict: Some(&decided.verdict),
            ..bound(&request, recipient)
        };
        if let Some(held) = self.ground.routes.held(bound, self.now) {
            self.plan.ends.push((index, End::Held(held.hold)));
            return;
        }
        let way = || Way {
            next_hop: "none".to_owned(),
            rule: decided.rule.to_string(),
            ours: false,
        };
        match &decided.verdict {
            Verdict::Deliver(destination) => self.deliver(index, recipient, destination, &decided),
            Verdict::Expand(group) => {
                let end = self.expand(recipient, &request, group, &way());
                self.plan.ends.push((index, end));
            }
            Verdict::Refuse(reply) => {
                let end = End::Failed(said_here(reply), way());
                self.plan.ends.push((index, end));
            }
            Verdict::Relay {
                via,
                recipient: outgoing,
            } => self.relay(index, recipient, (*via, outgoing), &decided),
            Verdict::TryLater(reply) => {
                let end = End::Later(said_here(reply), way());
                self.plan.ends.push((index, end));
            }
        }
    }

    fn deliver(
        &mut self,
        index: usize,
        recipient: &Recipient,
        destination: &Destination,
        decided: &Decided,
    ) {
        let next_hop = match destination.store {
            Store::Postmaster => NextHop::Maildir,
            Store::Shared | Store::User => self.ground.local.clone(),
        };
        let job = JobRecipient {
            index,
            address: recipient.address.clone(),
            params: recipient.params.clone(),
            destination: Some(destination.clone()),
        };
        self.add(next_hop, recipient, job, decided);
    }

    fn relay(
        &mut self,
        index: usize,
        recipient: &Recipient,
        (via, outgoing): (Via, &Mailbox),
        decided: &Decided,
    ) {
        let next_hop = match via {
            Via::Mx => NextHop::Mx(outgoing.domain.clone()),
            Via::SmartHost => NextHop::SmartHost,
            Via::Target(id) => NextHop::Target(id),
        };
        let job = JobRecipient {
            index,
            address: outgoing.clone(),
            params: with_orcpt(recipient),
            destination: None,
        };
        self.add(next_hop, recipient, job, decided);
    }

    fn add(
        &mut self,
        next_hop: NextHop,
        recipient: &Recipient,
        job: JobRecipient,
        decided: &Decided,
    ) {
        let most = match job.destination {
            Some(_) => RECIPIENTS_PER_LOCAL_COPY,
            None => RECIPIENTS_PER_COPY,
        };
        let reverse_path = recipient.sender.as_ref();
        let reverse_path = reverse_path.unwrap_or(&self.message.envelope.reverse_path);
        let fits = |copy: &Copy| copy.next_hop == next_hop && copy.reverse_path == *reverse_path;
        let copies = &mut self.plan.copies;
        // The last copy of its kind is the one with room.
        let at = copies.iter().rposition(fits);
        if let Some(at) = at
            && let Some(&place) = self.seen.get(&(at, job.address.clone()))
            && let Some(first) = copies.get_mut(at).and_then(|c| c.addressees.get_mut(place))
        {
            first.same.push(job.index);
            return;
        }
        let at = at.filter(|at| copies.get(*at).is_some_and(|c| c.addressees.len() < most));
        let at = at.unwrap_or_else(|| {
            copies.push(Copy {
                next_hop,
                reverse_path: reverse_path.clone(),
                addressees: Vec::new(),
            });
            copies.len() - 1
        });
        if let Some(copy) = copies.get_mut(at) {
            if self.message.envelope.recipients.len() > 1 {
                let place = copy.addressees.len();
                self.seen.insert((at, job.address.clone()), place);
            }
            copy.addressees.push(Addressee {
                job,
                decided: decided.clone(),
                same: Vec::new(),
            });
        }
    }

    /// An address that was queued unresolved, or has become a group since.
    fn expand(
        &self,
        recipient: &Recipient,
        request: &Request<'_>,
        group: &Expansion,
        way: &Way,
    ) -> End {
        let from = recipient.sender.as_ref();
        let from = from.unwrap_or(&self.message.envelope.reverse_path);
        let Some(expanded) = self.ground.routes.expand(request, group, from) else {
            return End::Parked;
        };
        if expanded.reply.severity() != Severity::Success {
            return End::Failed(said_here(&expanded.reply), way.clone());
        }
        let members = expanded.members.iter();
        let members = members.map(|member| Recipient {
            original: Some(request.original.unwrap_or(&recipient.address).clone()),
            params: expanded.params(member, &recipient.params),
            sender: member.owner.clone().map(ReversePath::Mailbox),
            visited: recipient.visited.clone(),
            held_for: recipient.held_for,
            ..Recipient::new(member.address.clone(), self.now, recipient.expires)
        });
        End::Expanded(members.collect(), group_report(&expanded, recipient))
    }
}

/// What the sender is told of the group itself (RFC 3461 §5.2.7).
fn group_report(expanded: &Expanded, recipient: &Recipient) -> Option<Action> {
    expanded
        .report(&recipient.params)
        .map(|report| match report {
            Report::Delivered => Action::Delivered,
            Report::Expanded => Action::Expanded,
        })
}

/// The parameters with which a recipient is relayed: ORCPT is added when absent (RFC 3461
/// §5.2.1); the client leaves it out where DSN is not offered. A member of a list gets his own
/// address, not the list's (§5.2.7.1 c).
fn with_orcpt(recipient: &Recipient) -> RcptParams {
    let mut params = recipient.params.clone();
    if params.orcpt.is_none() {
        let original = recipient.original.as_ref();
        let accepted = original.filter(|_| recipient.sender.is_none());
        let address = accepted.unwrap_or(&recipient.address);
        let kind = if address.is_ascii() {
            "rfc822"
        } else {
            "utf-8"
        };
        params.orcpt = Xtext::from_decoded(&address.to_string()).map(|address| Orcpt {
            kind: kind.into(),
            address,
        });
    }
    params
}

/// A reply of our own as the reason why a recipient does not go.
pub(super) fn said_here(reply: &Reply) -> Trouble {
    let status = reply.status().unwrap_or(EnhancedStatus::new(5, 0, 0));
    let text = reply.to_string();
    match reply.severity() {
        Severity::Permanent => Trouble::permanent(status.subject, status.detail, text),
        _ => Trouble::transient(status.subject, status.detail, text),
    }
}
