//! The rules, in their order: the first that matches decides.

use waypost_directory::{DomainRef, Found, Host, MailType, Shared, UserRoute, VerifyUnknown};
use waypost_proto::mail::Mailbox;
use waypost_proto::route::{Destination, Expansion, Rule, Side, Store, TargetId, Verdict, Via};
use waypost_proto::smtp::replies;

use super::ask::{Answer, Heard, Question};
use super::finding::Finding;
use super::outgoing::{self, Local};
use super::step::{Steps, Tried};
use super::{Asking, Decided, Facts, Outbound, Request, Resolution};
use crate::trace;

/// The local part whose mail always finds somebody (RFC 5321 §4.5.1).
const POSTMASTER: &str = "postmaster";
/// The one of RFC 2142 §4.
const ABUSE: &str = "abuse";
/// The port of mail exchange.
const SMTP_PORT: u16 = 25;
/// Ways a recipient may go out by before its coming back is a loop, whatever way is left: the
/// first, and two others.
const MAX_JOURNEYS: usize = 3;

/// What a rule makes of a recipient.
pub(super) enum End {
    Ask(Vec<Question>),
    Decided(Rule, Verdict, Option<Heard>),
}

impl End {
    pub(super) fn plain(rule: Rule, verdict: Verdict) -> Self {
        Self::Decided(rule, verdict, None)
    }
}

/// One walk through the rules.
pub(super) struct Walk<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) facts: &'a Facts<'a>,
    pub(super) steps: Steps,
    /// Whether a postmaster setting led here, so that it is not followed twice.
    for_postmaster: bool,
}

/// Walks through the rules.
pub(super) fn resolve(request: &Request<'_>, facts: &Facts<'_>) -> Resolution {
    let mut walk = Walk {
        request,
        facts,
        steps: Steps::new(request.detail),
        for_postmaster: false,
    };
    match walk.recipient() {
        End::Ask(questions) => Resolution::Ask(questions),
        End::Decided(rule, verdict, proof) => Resolution::Decided(Decided {
            verdict,
            rule,
            proof,
            steps: walk.steps.into_vec(),
        }),
    }
}

impl Walk<'_> {
    fn recipient(&mut self) -> End {
        let recipient = self.request.recipient;
        let Some(domain) = self.facts.snapshot.domain(&recipient.domain) else {
            return self.not_served();
        };
        self.steps.add(Tried::Domain, || {
            if *domain.name == domain.domain.name {
                Finding::Served(domain.name.to_string())
            } else {
                Finding::ServedAlias {
                    alias: domain.name.to_string(),
                    domain: domain.domain.name.to_string(),
                }
            }
        });
        let local = Local::new(&recipient.local, self.facts.settings.delimiter);
        if let Some(found) = self.facts.snapshot.lookup(&domain, local.folded()) {
            return self.known(&found, &domain, "");
        }
        if let Some(base) = local.without_tag()
            && let Some(found) = self.facts.snapshot.lookup(&domain, base)
        {
            self.steps.add(Tried::Directory, || {
                Finding::Untagged(recipient.local.to_string())
            });
            return self.known(&found, &domain, local.tag());
        }
        self.steps
            .add(Tried::Directory, || Finding::NotHere(recipient.to_string()));
        let role = local.without_tag().unwrap_or_else(|| local.folded());
        if matches!(role, POSTMASTER | ABUSE) && !self.for_postmaster {
            return self.postmaster(&domain);
        }
        self.unknown(&domain)
    }

    /// Outbound for those who may, denied to everybody else.
    fn not_served(&mut self) -> End {
        let recipient = self.request.recipient;
        let name = &recipient.domain;
        if recipient.same_as(&self.facts.settings.postmaster) {
            return End::plain(Rule::Postmaster, self.site_postmaster());
        }
        if let Some(gateway) = self.facts.snapshot.gateway(name) {
            return self.gateway(gateway);
        }
        if self.request.outbound == Outbound::Denied {
            self.steps
                .add(Tried::Domain, || Finding::MayNotSend(name.to_string()));
            let reply = replies::relay_denied(recipient);
            return End::plain(Rule::NotServed, Verdict::Refuse(reply));
        }
        self.steps
            .add(Tried::Domain, || Finding::Outbound(name.to_string()));
        let via = if self.facts.settings.smart_host {
            Via::SmartHost
        } else {
            Via::Mx
        };
        let literal = name.address().map(Host::Address);
        if let Some(host) = literal
            && self.facts.here.is_here(&host, SMTP_PORT)
        {
            self.steps
                .add(Tried::Target, || Finding::TargetIsHere(name.to_string()));
            return self.routing_loop();
        }
        self.relay(Rule::NotServed, via, recipient.clone())
    }

    /// The directory knows the address.
    fn known(&mut self, found: &Found<'_>, domain: &DomainRef<'_>, tag: &str) -> End {
        match found {
            Found::User(user) => self.user(user, tag),
            Found::Shared(shared) => {
                self.steps.add(Tried::Directory, || {
                    Finding::SharedMailbox(shared.name.to_string())
                });
                End::plain(Rule::Local, self.deliver_shared(shared, domain))
            }
            Found::Group(group) => {
                self.steps.add(Tried::Directory, || {
                    let members = group.members.len();
                    let group = group.name.to_string();
                    Finding::Group { group, members }
                });
                let expansion = Expansion {
                    group: self.request.recipient.clone(),
                    members: group.members.clone(),
                    owner: group.owner.clone(),
                };
                End::plain(Rule::Group, Verdict::Expand(expansion))
            }
        }
    }

    fn user(&mut self, user: &UserRoute<'_>, tag: &str) -> End {
        let recipient = self.request.recipient;
        self.steps.add(Tried::Directory, || describe(user));
        if user.suspended {
            let reply = replies::mailbox_disabled(recipient);
            return End::plain(Rule::Suspended, Verdict::Refuse(reply));
        }
        match user.mail {
            MailType::Local => End::plain(
                Rule::Local,
                Verdict::Deliver(Destination {
                    store: Store::User,
                    domain: user.domain.name.clone(),
                    login: user.login.into(),
                    quota_bytes: user.quota_bytes,
                    recipient: recipient.clone(),
                }),
            ),
            MailType::ThirdParty if user.selected => self.third_party(user, tag),
            MailType::ThirdParty | MailType::None => {
                let reply = replies::user_unknown(recipient);
                End::plain(Rule::NoMail, Verdict::Refuse(reply))
            }
        }
    }

    fn third_party(&mut self, user: &UserRoute<'_>, tag: &str) -> End {
        let recipient = self.request.recipient;
        let id = user.target.or(user.domain.relay);
        let Some(target) = id.and_then(|id| self.facts.snapshot.target(id)) else {
            // Saving prevents it; a slip there must not bounce mail.
            self.steps.add(Tried::Target, || Finding::NoWay);
            let reply = replies::verification_unavailable(recipient);
            return End::plain(Rule::ThirdParty, Verdict::TryLater(reply));
        };
        let outgoing = outgoing::of_user(recipient, tag, user, &target.recipient);
        self.relay(Rule::ThirdParty, Via::Target(target.id), outgoing)
    }

    fn deliver_shared(&self, shared: &Shared, domain: &DomainRef<'_>) -> Verdict {
        Verdict::Deliver(Destination {
            store: Store::Shared,
            domain: domain.domain.name.clone(),
            login: shared.name.as_str().into(),
            quota_bytes: shared.quota_bytes,
            recipient: self.request.recipient.clone(),
        })
    }

    /// postmaster@ and abuse@ that the directory does not know: somebody always takes it.
    fn postmaster(&mut self, domain: &DomainRef<'_>) -> End {
        if let Some(address) = &domain.domain.postmaster {
            self.steps.add(Tried::Postmaster, || {
                Finding::PostmasterGoesTo(address.to_string())
            });
            match self.postmaster_setting(address) {
                End::Decided(_, Verdict::Refuse(reply), _) => {
                    self.steps.add(Tried::Postmaster, || {
                        Finding::PostmasterRefused(reply.to_string())
                    });
                }
                End::Decided(_, verdict, proof) => {
                    return End::Decided(Rule::Postmaster, verdict, proof);
                }
                ask @ End::Ask(_) => return ask,
            }
        }
        if domain.domain.forward_unknown
            && let Some(relay) = domain.domain.relay
            && *self.request.side != Side::Target(relay)
        {
            self.steps
                .add(Tried::ForwardUnknown, || Finding::PostmasterForwarded);
            let end = self.forward(Rule::Postmaster, relay);
            if matches!(end, End::Decided(_, Verdict::Relay { .. }, _)) {
                return end;
            }
        }
        End::plain(Rule::Postmaster, self.site_postmaster())
    }

    /// What becomes of the address that a domain names for its postmaster.
    fn postmaster_setting(&mut self, address: &Mailbox) -> End {
        let request = Request {
            recipient: address,
            original: Some(self.request.received()),
            outbound: Outbound::Allowed,
            ..self.request.clone()
        };
        let steps = std::mem::replace(&mut self.steps, Steps::new(self.request.detail));
        let mut walk = Walk {
            request: &request,
            facts: self.facts,
            steps,
            for_postmaster: true,
        };
        let end = walk.recipient();
        self.steps = walk.steps;
        end
    }

    fn site_postmaster(&mut self) -> Verdict {
        self.steps
            .add(Tried::Postmaster, || Finding::PostmasterHere);
        Verdict::Deliver(Destination {
            store: Store::Postmaster,
            domain: self.facts.settings.postmaster.domain.clone(),
            login: POSTMASTER.into(),
            quota_bytes: 0,
            recipient: self.request.recipient.clone(),
        })
    }

    /// The directory does not know it, and no role makes it known.
    fn unknown(&mut self, domain: &DomainRef<'_>) -> End {
        let recipient = self.request.recipient;
        if let Some(end) = self.shared(&domain.domain.sharing) {
            return end;
        }
        let relay = domain
            .domain
            .relay
            .filter(|_| domain.domain.forward_unknown);
        let Some(relay) = relay else {
            self.steps
                .add(Tried::ForwardUnknown, || Finding::ForwardOff);
            let reply = replies::user_unknown(recipient);
            return End::plain(Rule::Unknown, Verdict::Refuse(reply));
        };
        // Only what it named itself: a group's member may be its own, unknown to us alone.
        if *self.request.side == Side::Target(relay) && self.request.original.is_none() {
            self.steps
                .add(Tried::ForwardUnknown, || Finding::ForwardFromRelay);
            return self.routing_loop();
        }
        self.steps.add(Tried::ForwardUnknown, || Finding::ForwardOn);
        let end = self.forward(Rule::ForwardUnknown, relay);
        let End::Decided(
            rule,
            Verdict::Relay {
                via,
                recipient: outgoing,
            },
            _,
        ) = end
        else {
            return end;
        };
        let known = *self.request.side != Side::Stranger;
        if known && self.request.asking != Asking::Doubtful
            || domain.domain.verify_unknown == VerifyUnknown::None
        {
            let verdict = Verdict::Relay {
                via,
                recipient: outgoing,
            };
            return End::plain(rule, verdict);
        }
        self.verified(relay, outgoing)
    }

    pub(super) fn forward(&mut self, rule: Rule, relay: TargetId) -> End {
        let Some(target) = self.facts.snapshot.target(relay) else {
            let reply = replies::verification_unavailable(self.request.recipient);
            return End::plain(rule, Verdict::TryLater(reply));
        };
        let outgoing = outgoing::of_unknown(self.request.recipient, &target.recipient);
        self.relay(rule, Via::Target(relay), outgoing)
    }

    /// A stranger's unknown recipient, by what the relay says of it.
    fn verified(&mut self, relay: TargetId, outgoing: Mailbox) -> End {
        let recipient = self.request.recipient;
        let question = Question::callout(relay, outgoing.clone());
        let onward = Verdict::Relay {
            via: Via::Target(relay),
            recipient: outgoing,
        };
        let Some(heard) = self.facts.answers.to(&question) else {
            if !matches!(self.request.asking, Asking::Forbidden | Asking::InQueue) {
                return End::Ask(vec![question]);
            }
            self.steps.add(Tried::Callout, || Finding::CalloutLater);
            return End::plain(Rule::ForwardUnknown, onward);
        };
        self.steps.add_heard(Tried::Callout, heard, || {
            format!("{} says {}", self.facts.target_name(relay), heard.answer)
        });
        let verdict = match heard.answer {
            Answer::Active => onward,
            Answer::Full | Answer::Unavailable => {
                Verdict::TryLater(replies::verification_unavailable(recipient))
            }
            Answer::Unknown => Verdict::Refuse(replies::user_unknown(recipient)),
        };
        End::Decided(Rule::ForwardUnknown, verdict, Some(heard.clone()))
    }

    /// On to another server, unless that would be a way back.
    pub(super) fn relay(&mut self, rule: Rule, via: Via, outgoing: Mailbox) -> End {
        let recipient = self.request.recipient;
        if outgoing != *recipient {
            self.steps.add(Tried::OutgoingAddress, || {
                Finding::OutgoingAddress(outgoing.to_string())
            });
        }
        if let Via::Target(id) = via
            && self.leads_back(id, &outgoing)
        {
            return self.routing_loop();
        }
        let visited = self.request.visited;
        if visited.contains(&trace::hop(via)) {
            self.steps.add(Tried::Journey, || {
                Finding::BeenThere(self.facts.way(via).to_owned())
            });
            return self.routing_loop();
        }
        if visited.len() >= MAX_JOURNEYS {
            self.steps
                .add(Tried::Journey, || Finding::BeenOut(visited.len()));
            return self.routing_loop();
        }
        self.steps.add(Tried::Target, || self.facts.onward(via));
        let verdict = Verdict::Relay {
            via,
            recipient: outgoing,
        };
        End::plain(rule, verdict)
    }

    /// Whether a target is this server, or the one that named this very recipient.
    fn leads_back(&mut self, id: TargetId, outgoing: &Mailbox) -> bool {
        let Some(target) = self.facts.snapshot.target(id) else {
            return false;
        };
        if self.facts.here.is_here(&target.host, target.port) {
            self.steps.add(Tried::Target, || {
                Finding::TargetIsHere(self.facts.target_name(id).to_owned())
            });
            return true;
        }
        let Side::Target(source) = self.request.side else {
            return false;
        };
        let received = self.request.received();
        let back = self.facts.snapshot.same_server(*source, id) && outgoing.same_as(received);
        if back {
            self.steps.add(Tried::Source, || {
                Finding::CameFrom(self.facts.target_name(id).to_owned())
            });
        }
        back
    }

    fn routing_loop(&self) -> End {
        let reply = replies::routing_loop(self.request.recipient);
        End::plain(Rule::Loop, Verdict::Refuse(reply))
    }
}

fn describe(user: &UserRoute<'_>) -> Finding {
    let login = user.login.to_string();
    if !user.suspended {
        return match (user.mail, user.selected) {
            (MailType::Local, _) => Finding::UserLocal(login),
            (MailType::None, _) => Finding::UserNone(login),
            (MailType::ThirdParty, true) => Finding::UserThirdParty(login),
            (MailType::ThirdParty, false) => Finding::UserUnselected(login),
        };
    }
    let mail = match (user.mail, user.selected) {
        (MailType::Local, _) => "mailbox here",
        (MailType::None, _) => "no mail",
        (MailType::ThirdParty, true) => "mailbox on another server",
        (MailType::ThirdParty, false) => {
            "mailbox on another server, and this address is not one that goes there"
        }
    };
    let mail = mail.to_owned();
    Finding::UserSuspended { login, mail }
}
