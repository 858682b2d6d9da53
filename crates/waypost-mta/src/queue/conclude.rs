//! What a round of attempts means for a message: states, times, and what its sender is told.
//!
//! Pure: a message and the ends of its attempts come in; the changed message, what is to be
//! reported and when the message is due again come out.

use std::time::{Duration, SystemTime};

use waypost_proto::dsn::{About, Action, mask};
use waypost_proto::mail::{Mailbox, ReversePath};
use waypost_proto::smtp::params::Notify;
use waypost_proto::smtp::reply::RemoteReply;
use waypost_proto::smtp::status::EnhancedStatus;
use waypost_spool::{Hold, LastAttempt, Message, Recipient, State};

use super::schedule::{CONTRADICTION_MAX, Next, Schedule, Waited};
use crate::bounce::Notification;
use crate::deliver::{Security, Trouble};

/// What a report of success says where the next hop says nothing better.
const SUCCESS: EnhancedStatus = EnhancedStatus::new(2, 0, 0);
/// RFC 3463 §3.5: delivery time expired.
const EXPIRED: EnhancedStatus = EnhancedStatus::new(4, 4, 7);
/// Who holds what even the postmaster's mailbox does not take.
const OURSELVES: &str = "waypost";

/// Where an attempt went, in the words of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    /// The next hop.
    pub(super) next_hop: String,
    /// The rule that decided it.
    pub(super) rule: String,
    /// Whether it is a server of ours, of which nobody outside needs to know.
    pub(super) ours: bool,
}

/// A recipient that the next hop took charge of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) way: Way,
    /// [`Action::Delivered`] or [`Action::Relayed`].
    pub(super) action: Action,
    pub(super) host: String,
    pub(super) reply: Option<RemoteReply>,
    /// Whether the next hop reports by itself.
    pub(super) offers_dsn: bool,
    /// How the connection was secured; none on this machine.
    pub(super) security: Option<Security>,
}

/// How an attempt for one recipient ended, or why there was none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// Refused by a target that has it, as an authority says again: held and tried again.
    Contradicted(Trouble, Way),
    /// It has become a group: these are its members, and this is what its sender is told of it.
    Expanded(Vec<Recipient>, Option<Action>),
    /// Given up.
    Failed(Trouble, Way),
    /// Its target, domain or user is held.
    Held(waypost_directory::Hold),
    /// Not taken for now.
    Later(Trouble, Way),
    /// There was no room for it.
    Parked,
    /// Refused, but another server has it: tried there at once, unless it came from another.
    Rerouted(Trouble, Way),
    /// Taken by the next hop.
    Taken(Taken),
}

/// What the conclusion rests on besides the message.
pub(super) struct Facts<'a> {
    /// The wall clock, for what is stored.
    pub(super) wall: SystemTime,
    /// Until when the message has aged: by the clock that dated it, whatever was done to clocks
    /// since.
    pub(super) now: SystemTime,
    /// How long the server has been running.
    pub(super) up: Duration,
    /// The times of the retry schedule.
    pub(super) schedule: Schedule,
    /// The site's postmaster.
    pub(super) postmaster: &'a Mailbox,
    /// Whether mail to this address leaves the site.
    pub(super) leaves: &'a dyn Fn(&Mailbox) -> bool,
    /// How long holds that are over have kept a recipient since a time.
    pub(super) held: &'a dyn Fn(&Recipient, SystemTime) -> Duration,
}

/// What a round came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Conclusion {
    /// The message as it is now.
    pub(super) message: Message,
    /// What is to be reported, one per sender.
    pub(super) notifications: Vec<Notification>,
    /// When it is due again; none when nothing of it is left.
    pub(super) due_in: Option<Duration>,
    /// Recipients whose lifetime is over, for the log.
    pub(super) expired: Vec<usize>,
}

/// Concludes a round: each recipient named in `ends` has ended in that way.
pub(super) fn conclude(
    message: &Message,
    ends: Vec<(usize, End)>,
    facts: &Facts<'_>,
) -> Conclusion {
    let mut round = Round {
        facts,
        arrived: message.arrived,
        message: message.clone(),
        notifications: Vec::new(),
        waits: Vec::new(),
        expired: Vec::new(),
    };
    round.report_groups();
    let mut touched = vec![false; message.envelope.recipients.len()];
    for (index, end) in ends {
        if let Some(mark) = touched.get_mut(index) {
            *mark = true;
            round.end(index, end);
        }
    }
    round.finish(&touched)
}

struct Round<'a> {
    facts: &'a Facts<'a>,
    arrived: SystemTime,
    message: Message,
    notifications: Vec<Notification>,
    waits: Vec<Duration>,
    expired: Vec<usize>,
}

impl Round<'_> {
    /// Groups that were expanded when the message was accepted, and whose sender wants to know
    /// (RFC 3461 §5.2.7): recipients that were done from the beginning.
    fn report_groups(&mut self) {
        let groups: Vec<usize> = (self.message.envelope.recipients.iter().enumerate())
            .filter(|(_, r)| r.state == State::Delivered && r.last.is_none() && wants_success(r))
            .map(|(index, _)| index)
            .collect();
        for index in groups {
            let Some(group) = self.message.envelope.recipients.get_mut(index) else {
                continue;
            };
            // A group with an owner is a list: reaching it is final delivery (§5.2.7.1).
            let action = match group.sender.take() {
                Some(_) => Action::Delivered,
                None => Action::Expanded,
            };
            group.last = Some(group_expanded(self.facts.wall));
            let about = About {
                action,
                ..about(group, self.facts.wall)
            };
            self.say(index, about, false);
        }
    }

    fn end(&mut self, index: usize, end: End) {
        let wall = self.facts.wall;
        let Some(recipient) = self.message.envelope.recipients.get_mut(index) else {
            return;
        };
        if recipient.state != State::Queued {
            return;
        }
        let looked_at = recipient.last.as_ref().map(|last| last.at);
        let looked_at = looked_at.map_or(self.arrived, |last| last.max(self.arrived));
        if !matches!(end, End::Held(_) | End::Parked | End::Rerouted(..)) {
            recipient.held_for += match recipient.held_since.take() {
                Some(since) => since_then(wall, since),
                None => (self.facts.held)(recipient, looked_at),
            };
        }
        match end {
            End::Contradicted(trouble, way) => self.contradicted(index, &trouble, &way),
            End::Expanded(members, report) => {
                recipient.state = State::Delivered;
                recipient.last = Some(group_expanded(wall));
                let about = report.map(|action| About {
                    action,
                    ..about(recipient, wall)
                });
                self.message.envelope.recipients.extend(members);
                self.waits.push(Duration::ZERO);
                if let Some(about) = about {
                    self.say(index, about, false);
                }
            }
            End::Failed(trouble, way) => self.failed(index, &trouble, &way, trouble.status),
            End::Held(hold) => {
                let since = hold.since.max(looked_at).min(wall);
                recipient.held_since.get_or_insert(since);
                // It may have ended since the look that found it.
                let until = hold.until.map(|until| since_then(until, wall));
                self.waits
                    .push(until.unwrap_or(self.facts.schedule.retry_max));
            }
            End::Later(trouble, way) => self.later(index, &trouble, &way, Duration::MAX),
            End::Parked => self.waits.push(self.facts.schedule.retry_max),
            // Two servers that each name the other would keep it going for ever.
            End::Rerouted(trouble, way) if was_elsewhere(recipient, &way) => {
                self.contradicted(index, &trouble, &way);
            }
            End::Rerouted(trouble, way) => {
                recipient.contradicted_since.get_or_insert(wall);
                recipient.last = Some(last_attempt(&trouble, &way, wall));
                recipient.due = wall;
                self.waits.push(Duration::ZERO);
            }
            End::Taken(taken) => self.taken(index, taken),
        }
    }

    fn taken(&mut self, index: usize, taken: Taken) {
        let Some(recipient) = self.message.envelope.recipients.get_mut(index) else {
            return;
        };
        recipient.state = State::Delivered;
        recipient.attempts += 1;
        let status = taken.reply.as_ref().and_then(|reply| reply.status);
        let status = status.unwrap_or(SUCCESS);
        recipient.last = Some(LastAttempt {
            at: self.facts.wall,
            next_hop: taken.way.next_hop,
            host: taken.host.clone(),
            status,
            reply: taken.reply.clone(),
            text: String::new(),
            rule: taken.way.rule,
        });
        if taken.offers_dsn || !wants_success(recipient) {
            return;
        }
        let about = About {
            action: taken.action,
            status,
            diagnostic: taken.reply.map(|reply| reply.to_string()),
            remote_mta: host_name(&taken.host),
            ..about(recipient, self.facts.wall)
        };
        self.say(index, about, taken.way.ours);
    }

    fn contradicted(&mut self, index: usize, trouble: &Trouble, way: &Way) {
        let Some(recipient) = self.message.envelope.recipients.get_mut(index) else {
            return;
        };
        let since = *recipient.contradicted_since.get_or_insert(self.facts.wall);
        let left = CONTRADICTION_MAX.saturating_sub(since_then(self.facts.wall, since));
        if left.is_zero() {
            self.failed(index, trouble, way, trouble.status);
        } else {
            self.later(index, trouble, way, left);
        }
    }

    /// Not now: again after the schedule's wait, or given up when its time is over.
    fn later(&mut self, index: usize, trouble: &Trouble, way: &Way, at_most: Duration) {
        let age = self.age(index);
        let Some(recipient) = self.message.envelope.recipients.get_mut(index) else {
            return;
        };
        recipient.attempts = recipient.attempts.saturating_add(1);
        recipient.last = Some(last_attempt(trouble, way, self.facts.wall));
        let lifetime = since_then(recipient.expires, self.arrived);
        let schedule = Schedule {
            lifetime,
            ..self.facts.schedule
        };
        let unwanted = recipient.params.notify.is_some_and(|notify| !notify.delay);
        let age = match trouble.reached_nobody() {
            true => schedule.age_unreached(age, self.facts.up),
            false => age,
        };
        let next = schedule.after_failure(Waited {
            attempts: recipient.attempts,
            age,
            notice_done: recipient.delay_notified || unwanted,
        });
        let Next::Retry { after, notice } = next else {
            self.expired.push(index);
            self.failed(index, trouble, way, EXPIRED);
            return;
        };
        let after = after.min(at_most);
        recipient.due = self.facts.wall + after;
        self.waits.push(after);
        if notice {
            recipient.delay_notified = true;
            let left = lifetime.saturating_sub(age);
            let about = About {
                action: Action::Delayed,
                status: trouble.status,
                diagnostic: diagnostic(trouble),
                remote_mta: host_name(&trouble.host),
                will_retry_until: Some(self.facts.wall + left),
                ..about(recipient, self.facts.wall)
            };
            self.say(index, about, way.ours);
        }
    }

    fn failed(&mut self, index: usize, trouble: &Trouble, way: &Way, status: EnhancedStatus) {
        let wall = self.facts.wall;
        let undeliverable = self.is_double_bounce(index);
        let Some(recipient) = self.message.envelope.recipients.get_mut(index) else {
            return;
        };
        recipient.last = Some(last_attempt(trouble, way, wall));
        if undeliverable {
            // Nobody is left to be told by mail: it stays, and is shown.
            self.message.envelope.hold = Some(Hold {
                reason: format!("undeliverable to the postmaster: {trouble}"),
                by: OURSELVES.to_owned(),
                since: wall,
                until: None,
            });
            return;
        }
        recipient.state = State::Failed;
        let about = About {
            action: Action::Failed,
            status,
            diagnostic: diagnostic(trouble),
            remote_mta: host_name(&trouble.host),
            ..about(recipient, wall)
        };
        if recipient.params.notify.is_none_or(|notify| notify.failure) || self.is_null(index) {
            self.say(index, about, way.ours);
        }
    }

    /// A report to the postmaster that does not reach him either.
    fn is_double_bounce(&self, index: usize) -> bool {
        let recipient = self.message.envelope.recipients.get(index);
        self.is_null(index) && recipient.is_some_and(|r| r.address == *self.facts.postmaster)
    }

    fn is_null(&self, index: usize) -> bool {
        self.sender(index) == &ReversePath::Null
    }

    fn sender(&self, index: usize) -> &ReversePath {
        let recipient = self.message.envelope.recipients.get(index);
        let own = recipient.and_then(|recipient| recipient.sender.as_ref());
        own.unwrap_or(&self.message.envelope.reverse_path)
    }

    /// Time since the message was accepted, without time on hold.
    fn age(&self, index: usize) -> Duration {
        let recipient = self.message.envelope.recipients.get(index);
        let held = recipient.map_or(Duration::ZERO, |recipient| recipient.held_for);
        since_then(self.facts.now, self.arrived).saturating_sub(held)
    }

    /// Says something about a recipient to whoever sent it there.
    fn say(&mut self, index: usize, mut about: About, ours: bool) {
        let to = self.sender(index).mailbox().cloned();
        if to.is_none() && about.action != Action::Failed {
            return;
        }
        let leaves = to.as_ref().is_some_and(|to| (self.facts.leaves)(to));
        if ours && leaves {
            about.remote_mta = None;
            let masked = |text: String| mask(&text, &about.recipient.domain);
            about.diagnostic = about.diagnostic.take().map(masked);
        }
        self.add(to, about);
    }

    fn add(&mut self, to: Option<Mailbox>, about: About) {
        match self.notifications.iter_mut().find(|n| n.to == to) {
            Some(notification) => notification.recipients.push(about),
            None => self.notifications.push(Notification {
                to,
                recipients: vec![about],
            }),
        }
    }

    fn finish(mut self, touched: &[bool]) -> Conclusion {
        let wall = self.facts.wall;
        let schedule = self.facts.schedule;
        let recipients = &self.message.envelope.recipients;
        let queued = recipients.iter().any(|r| r.state == State::Queued);
        for (recipient, touched) in recipients.iter().zip(touched) {
            if recipient.state == State::Queued && !touched {
                let wait = since_then(recipient.due, wall);
                self.waits.push(schedule.believed(wait));
            }
        }
        let wait = self.waits.iter().min().copied();
        let wait = match &self.message.envelope.hold {
            Some(hold) => Some(hold_wait(hold, wall)),
            None => wait,
        };
        Conclusion {
            due_in: queued.then(|| wait.unwrap_or(schedule.retry_first)),
            message: self.message,
            notifications: self.notifications,
            expired: self.expired,
        }
    }
}

/// How long a hold lasts; one without an end is looked at from time to time.
pub(super) fn hold_wait(hold: &Hold, wall: SystemTime) -> Duration {
    const LONG: Duration = Duration::from_hours(24 * 365);
    hold.until
        .map_or(LONG, |until| since_then(until, wall).min(LONG))
}

/// Ends a hold on a message: the time does not count for any of its recipients.
pub(super) fn release(message: &mut Message, wall: SystemTime) {
    if let Some(hold) = message.envelope.hold.take() {
        for recipient in &mut message.envelope.recipients {
            if recipient.state == State::Queued {
                // What is under a hold of the directory too counts when that is over.
                let end = recipient.held_since.map_or(wall, |since| since.min(wall));
                recipient.held_for += since_then(end, hold.since);
                recipient.due = wall;
            }
        }
    }
}

pub(super) fn since_then(now: SystemTime, then: SystemTime) -> Duration {
    now.duration_since(then).unwrap_or_default()
}

fn wants_success(recipient: &Recipient) -> bool {
    let Notify { success, .. } = recipient.params.notify.unwrap_or(Notify::NEVER);
    success
}

fn about(recipient: &Recipient, wall: SystemTime) -> About {
    About {
        action: Action::Failed,
        status: SUCCESS,
        original: recipient.params.orcpt.clone(),
        recipient: recipient.address.clone(),
        remote_mta: None,
        diagnostic: None,
        last_attempt: Some(wall),
        will_retry_until: None,
    }
}

/// Whether the last attempt was at another next hop.
fn was_elsewhere(recipient: &Recipient, way: &Way) -> bool {
    let last = recipient.last.as_ref();
    last.is_some_and(|last| last.next_hop != way.next_hop)
}

fn last_attempt(trouble: &Trouble, way: &Way, at: SystemTime) -> LastAttempt {
    LastAttempt {
        at,
        next_hop: way.next_hop.clone(),
        host: trouble.host.clone(),
        status: trouble.status,
        reply: trouble.reply.clone(),
        text: trouble.text.clone(),
        rule: way.rule.clone(),
    }
}

fn group_expanded(at: SystemTime) -> LastAttempt {
    LastAttempt {
        at,
        next_hop: String::new(),
        host: String::new(),
        status: SUCCESS,
        reply: None,
        text: "expanded".to_owned(),
        rule: "group".to_owned(),
    }
}

/// The reply, or our own words when nobody replied (RFC 3464 §2.3.6).
fn diagnostic(trouble: &Trouble) -> Option<String> {
    let text = match &trouble.reply {
        Some(reply) => reply.to_string(),
        None => trouble.text.clone(),
    };
    (!text.is_empty()).then_some(text)
}

/// The name in `name[address]:port`.
fn host_name(host: &str) -> Option<String> {
    let name = host.split('[').next().unwrap_or_default();
    (!name.is_empty() && !name.contains('/')).then(|| name.to_owned())
}

#[cfg(test)]
mod tests;
