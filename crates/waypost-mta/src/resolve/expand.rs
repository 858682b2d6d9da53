//! Groups: from the address of a group to its final members, each with a verdict of its own.

use std::collections::{HashSet, VecDeque};

use waypost_proto::mail::{Domain, Mailbox, ReversePath};
use waypost_proto::route::{Destination, Expansion, Store, Verdict, Via};
use waypost_proto::smtp::params::{Notify, RcptParams};
use waypost_proto::smtp::replies;
use waypost_proto::smtp::reply::Reply;

use super::Decided;
use super::outgoing::Local;

/// Members of one group, nested ones counted in; a larger group is the administrator's slip.
pub const MAX_MEMBERS: usize = 100_000;

/// What one message does for a recipient once, however often it is named.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Goal {
    /// Into a mailbox, under a tag.
    Mailbox(Store, Domain, Box<str>, Box<str>),
    /// On to another server, local part without letter case.
    Relay(Via, Box<str>, Domain),
    /// Not decided yet: by address.
    Unresolved(Box<str>, Domain),
}

/// The final recipients of one message: each goes once, not once per group that it is in, nor
/// once per address that is rewritten to the same one.
#[derive(Debug, Clone, Default)]
pub struct Once {
    delimiter: Option<char>,
    goals: HashSet<Goal>,
}

impl Once {
    /// For a new message; the delimiter of sub-addresses as in the settings.
    #[must_use]
    pub fn new(delimiter: Option<char>) -> Self {
        Self {
            delimiter,
            goals: HashSet::new(),
        }
    }

    /// Whether this is the first recipient of the message that goes there.
    ///
    /// A refused recipient, and a group before its expansion, go nowhere: always true.
    pub fn first(&mut self, recipient: &Mailbox, verdict: &Verdict) -> bool {
        let goal = match verdict {
            Verdict::Deliver(destination) => self.mailbox(destination),
            Verdict::Relay { via, recipient } => {
                let local = recipient.local.folded().into();
                Goal::Relay(*via, local, recipient.domain.clone())
            }
            Verdict::TryLater(_) => {
                let local = recipient.local.folded().into();
                Goal::Unresolved(local, recipient.domain.clone())
            }
            Verdict::Expand(_) | Verdict::Refuse(_) => return true,
        };
        self.goals.insert(goal)
    }

    fn mailbox(&self, destination: &Destination) -> Goal {
        let local = Local::new(&destination.recipient.local, self.delimiter);
        let (domain, login) = (destination.domain.clone(), destination.login.clone());
        Goal::Mailbox(destination.store, domain, login, local.tag().into())
    }
}

/// An address found in a group, before it is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The address.
    pub address: Mailbox,
    /// Replaces the reverse-path: the owner of the innermost group that has one.
    pub owner: Option<Mailbox>,
}

/// A member of a group that mail goes to, or will when it can be decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Its address.
    pub address: Mailbox,
    /// Replaces the reverse-path (RFC 5321 §3.9.2).
    pub owner: Option<Mailbox>,
    /// Where it goes.
    pub decided: Decided,
}

/// A group, flattened.
#[derive(Debug, Clone, PartialEq)]
pub struct Expanded {
    /// Those that mail goes to; *try later* ones are queued unresolved.
    pub members: Vec<Member>,
    /// Those that are refused: logged and shown, not bounced.
    pub refused: Vec<Member>,
    /// How many were left out because they get the message by another way.
    pub duplicates: usize,
    /// What the group is to reports of success and failure.
    pub kind: Kind,
    /// The reply to RCPT.
    pub reply: Reply,
}

/// What a group is (RFC 5321 §3.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The reverse-path is kept: reports go to the sender.
    Alias,
    /// The owner replaces the reverse-path: reports about members go to him.
    List,
}

/// What the sender is told about the group itself, when he asked for success (RFC 3461 §5.2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// "delivered": reaching a list is final delivery (§5.2.7.1).
    Delivered,
    /// "expanded": several members got it, and their success is not reported (§5.2.7.3, c).
    Expanded,
}

impl Expanded {
    /// The parameters with which a member goes on (RFC 3461 §5.2.7).
    #[must_use]
    pub fn params(&self, member: &Member, received: &RcptParams) -> RcptParams {
        if member.owner.is_some() {
            // A new message to the member, as far as reports go (§5.2.7.1).
            return RcptParams::default();
        }
        if self.count() == 1 {
            return received.clone();
        }
        let notify = received.notify.map(|asked| Notify {
            success: false,
            ..asked
        });
        RcptParams {
            notify,
            ..received.clone()
        }
    }

    /// The report that is due for the group itself.
    #[must_use]
    pub fn report(&self, received: &RcptParams) -> Option<Report> {
        if !received.notify.is_some_and(|asked| asked.success) {
            return None;
        }
        match self.kind {
            Kind::List => Some(Report::Delivered),
            Kind::Alias if self.count() == 1 => None,
            Kind::Alias => Some(Report::Expanded),
        }
    }

    fn count(&self) -> usize {
        self.members.len() + self.refused.len() + self.duplicates
    }
}

/// Flattens one group: gives out the addresses to decide, takes the verdicts, level by level.
#[derive(Debug)]
pub struct Flattening<'o> {
    group: Mailbox,
    once: &'o mut Once,
    /// Addresses seen in this expansion: nested groups that include each other end here.
    seen: HashSet<(Box<str>, Domain)>,
    waiting: VecDeque<Candidate>,
    expanded: Expanded,
    /// Whether there is a reverse-path that an owner could replace.
    has_sender: bool,
    too_large: bool,
}

impl<'o> Flattening<'o> {
    /// Starts with the members of a group. A message without a reverse-path stays without one
    /// (RFC 5321 §4.5.5), whoever owns the group.
    #[must_use]
    pub fn new(expansion: &Expansion, reverse_path: &ReversePath, once: &'o mut Once) -> Self {
        let has_sender = reverse_path.mailbox().is_some();
        let kind = match &expansion.owner {
            Some(_) if has_sender => Kind::List,
            _ => Kind::Alias,
        };
        let mut flattening = Self {
            group: expansion.group.clone(),
            once,
            seen: HashSet::new(),
            waiting: VecDeque::new(),
            expanded: Expanded {
                members: Vec::new(),
                refused: Vec::new(),
                duplicates: 0,
                kind,
                reply: replies::recipient_ok(),
            },
            has_sender,
            too_large: false,
        };
        flattening.saw(&expansion.group);
        flattening.enter(expansion, None);
        flattening
    }

    /// The group's address as accepted: what its members came in with.
    #[must_use]
    pub fn group(&self) -> &Mailbox {
        &self.group
    }

    /// The next addresses to decide, at most so many; none when everything is decided.
    #[must_use]
    pub fn next(&mut self, most: usize) -> Vec<Candidate> {
        let count = most.min(self.waiting.len());
        self.waiting.drain(..count).collect()
    }

    /// Takes the verdict on one of them.
    pub fn decided(&mut self, candidate: Candidate, decided: Decided) {
        if let Verdict::Expand(expansion) = &decided.verdict {
            self.enter(expansion, candidate.owner.as_ref());
            return;
        }
        if !self.once.first(&candidate.address, &decided.verdict) {
            self.expanded.duplicates += 1;
            return;
        }
        let refused = matches!(decided.verdict, Verdict::Refuse(_));
        let member = Member {
            address: candidate.address,
            owner: candidate.owner,
            decided,
        };
        if refused {
            self.expanded.refused.push(member);
        } else {
            self.expanded.members.push(member);
        }
    }

    /// The group, flattened: accepted when at least one member gets it, or already has it.
    #[must_use]
    pub fn finish(mut self) -> Expanded {
        if self.too_large {
            self.expanded.members.clear();
            self.expanded.reply = replies::too_many_recipients();
        } else if self.expanded.members.is_empty() && self.expanded.duplicates == 0 {
            self.expanded.reply = replies::user_unknown(&self.group);
        }
        self.expanded
    }

    fn enter(&mut self, expansion: &Expansion, outer: Option<&Mailbox>) {
        let owner = expansion
            .owner
            .as_ref()
            .filter(|_| self.has_sender)
            .or(outer);
        for address in &expansion.members {
            if self.seen.len() > MAX_MEMBERS {
                self.too_large = true;
                self.waiting.clear();
                return;
            }
            if self.saw(address) {
                self.waiting.push_back(Candidate {
                    address: address.clone(),
                    owner: owner.cloned(),
                });
            }
        }
    }

    /// Whether the address is new in this expansion.
    fn saw(&mut self, address: &Mailbox) -> bool {
        let local = address.local.folded().into();
        self.seen.insert((local, address.domain.clone()))
    }
}
