//! Domain Sharing: the peers of a domain say who of them has the recipient.

use waypost_proto::mail::Mailbox;
use waypost_proto::route::{Rule, Side, TargetId, Verdict, Via};
use waypost_proto::smtp::replies;

use super::Asking;
use super::ask::{Answer, Authority, Heard, Question, Source};
use super::finding::Finding;
use super::outgoing;
use super::rules::{End, Walk};
use super::step::Tried;

/// What authorities that were asked together say of one address.
pub(super) enum Says {
    /// Some have not been asked yet, and nobody said yes.
    Ask(Vec<Question>),
    /// Nobody can tell, and nobody may be asked now.
    Unasked,
    /// The first of them has it.
    Active(Heard),
    /// One has it, which cannot receive.
    Full(Heard),
    /// One did not say, so that nobody knows.
    Unavailable(Heard),
    /// They all do not have it.
    Unknown(Option<Heard>),
}

impl Walk<'_> {
    /// What the peers of the domain make of its recipient; none when none of them has it.
    pub(super) fn shared(&mut self, peers: &[TargetId]) -> Option<End> {
        if peers.is_empty() {
            return None;
        }
        let asked = self.peers_to_ask(peers);
        for address in self.addresses_to_ask_about() {
            let questions = asked.iter();
            let questions = questions.map(|peer| Question::peer(*peer, address.clone()));
            let end = match self.says(Tried::Sharing, questions.collect()) {
                Says::Ask(questions) => End::Ask(questions),
                Says::Active(heard) => self.hand_to_peer(Rule::Sharing, heard),
                Says::Full(heard) => {
                    let reply = replies::mailbox_full(self.request.recipient);
                    End::Decided(Rule::Sharing, Verdict::TryLater(reply), Some(heard))
                }
                Says::Unavailable(heard) => self.cannot_tell(Rule::Sharing, Some(heard)),
                Says::Unasked => self.cannot_tell(Rule::Sharing, None),
                Says::Unknown(_) => continue,
            };
            return Some(end);
        }
        None
    }

    /// The peers without the one that the recipient comes from: it does not have it. To a group's
    /// member it may still be the next hop.
    fn peers_to_ask(&mut self, peers: &[TargetId]) -> Vec<TargetId> {
        let mut asked = Vec::with_capacity(peers.len());
        for peer in peers {
            let is_source = matches!(self.request.side, Side::Target(source)
                if self.request.original.is_none() && self.facts.snapshot.same_server(*source, *peer));
            if is_source {
                self.steps.add(Tried::Sharing, || {
                    let name = self.facts.target_name(*peer);
                    Finding::PeerIsSource(name.to_owned())
                });
            } else {
                asked.push(*peer);
            }
        }
        asked
    }

    /// The recipient as received, then without its tag.
    pub(super) fn addresses_to_ask_about(&self) -> Vec<Mailbox> {
        let recipient = self.request.recipient;
        let base = outgoing::without_tag(recipient, self.facts.settings.delimiter);
        [Some(recipient.clone()), base]
            .into_iter()
            .flatten()
            .collect()
    }

    /// Weighs the answers: yes before "cannot receive" before silence before no.
    ///
    /// A no of now and a no of earlier are none together: the address may have moved from one of
    /// them to the other meanwhile. Who said it earlier is asked again.
    pub(super) fn says(&mut self, tried: Tried, questions: Vec<Question>) -> Says {
        let mut heard = Vec::with_capacity(questions.len());
        let (mut unasked, mut remembered) = (Vec::new(), Vec::new());
        for question in questions {
            match self.facts.answers.to(&question) {
                Some(answer) => {
                    self.steps.add_heard(tried, answer, || {
                        let name = self.facts.authority_name(answer.authority);
                        format!("{name} says {}: {}", question.address, answer.in_words())
                    });
                    heard.push(answer.clone());
                    if answer.source == Source::Cache {
                        remembered.push(question);
                    }
                }
                None => unasked.push(question),
            }
        }
        let mut with = |wanted| {
            let at = heard
                .iter()
                .position(|heard: &Heard| heard.answer == wanted);
            at.map(|at| heard.swap_remove(at))
        };
        if let Some(yes) = with(Answer::Active) {
            return Says::Active(yes);
        }
        if !unasked.is_empty() {
            if self.request.asking == Asking::Forbidden {
                self.steps.add(tried, || Finding::NobodyAsked);
                return Says::Unasked;
            }
            return Says::Ask(unasked);
        }
        if let Some(full) = with(Answer::Full) {
            return Says::Full(full);
        }
        if let Some(silent) = with(Answer::Unavailable) {
            return Says::Unavailable(silent);
        }
        let is_mixed = !remembered.is_empty() && remembered.len() < heard.len();
        if is_mixed && self.request.asking != Asking::Forbidden {
            return Says::Ask(remembered);
        }
        Says::Unknown(heard.pop())
    }

    /// On to the peer that has it, as received.
    pub(super) fn hand_to_peer(&mut self, rule: Rule, heard: Heard) -> End {
        let Authority::Peer(peer) = heard.authority else {
            return self.cannot_tell(rule, Some(heard));
        };
        let Some(target) = self.facts.snapshot.target(peer) else {
            return self.cannot_tell(rule, Some(heard));
        };
        let outgoing = outgoing::of_unknown(self.request.recipient, &target.recipient);
        match self.relay(rule, Via::Target(peer), outgoing) {
            End::Decided(rule, verdict, _) => End::Decided(rule, verdict, Some(heard)),
            ask @ End::Ask(_) => ask,
        }
    }

    pub(super) fn cannot_tell(&self, rule: Rule, heard: Option<Heard>) -> End {
        let reply = replies::verification_unavailable(self.request.recipient);
        End::Decided(rule, Verdict::TryLater(reply), heard)
    }
}
