//! Gateway domains: verified here, and passed on to the target that they live on.

use waypost_directory::{GatewayRoute, GatewayVerify, Unreachable};
use waypost_proto::mail::Mailbox;
use waypost_proto::route::{Rule, Side, Verdict, Via};
use waypost_proto::smtp::replies;

use super::Asking;
use super::ask::{Authority, Question};
use super::finding::Finding;
use super::rules::{End, Walk};
use super::sharing::Says;
use super::step::Tried;

impl Walk<'_> {
    /// A recipient of a gateway domain.
    pub(super) fn gateway(&mut self, gateway: &GatewayRoute) -> End {
        self.steps.add(Tried::Gateway, || {
            let target = self.facts.target_name(gateway.target);
            Finding::Gateway {
                domain: gateway.domain.to_string(),
                target: target.to_owned(),
            }
        });
        let onward = self.forward(Rule::Gateway, gateway.target);
        let End::Decided(
            _,
            Verdict::Relay {
                via: Via::Target(_),
                recipient: outgoing,
            },
            _,
        ) = &onward
        else {
            return self.who_else(gateway, onward);
        };
        if !self.is_verified(gateway) {
            return onward;
        }
        let outgoing = outgoing.clone();
        let mut proof = None;
        for address in self.addresses_to_ask_about() {
            let questions = self.gateway_questions(gateway, &address, &outgoing);
            match self.says(Tried::Gateway, questions) {
                Says::Ask(questions) => return End::Ask(questions),
                Says::Active(heard) if matches!(heard.authority, Authority::Peer(_)) => {
                    return self.hand_to_peer(Rule::Gateway, heard);
                }
                Says::Active(heard) => return with_proof(onward, heard),
                Says::Full(heard) => {
                    let reply = replies::mailbox_full(self.request.recipient);
                    return End::Decided(Rule::Gateway, Verdict::TryLater(reply), Some(heard));
                }
                Says::Unavailable(_) | Says::Unasked
                    if gateway.unreachable == Unreachable::Accept =>
                {
                    self.steps.add(Tried::Gateway, || Finding::GatewayAccepts);
                    return onward;
                }
                Says::Unavailable(heard) => return self.cannot_tell(Rule::Gateway, Some(heard)),
                Says::Unasked => return self.cannot_tell(Rule::Gateway, None),
                Says::Unknown(heard) => proof = proof.or(heard),
            }
        }
        let reply = replies::user_unknown(self.request.recipient);
        End::Decided(Rule::Gateway, Verdict::Refuse(reply), proof)
    }

    /// What becomes of a recipient that the target itself hands over: it does not have it, but a
    /// peer of the site may.
    fn who_else(&mut self, gateway: &GatewayRoute, lost: End) -> End {
        let comes_from_it = matches!(self.request.side, Side::Target(source)
            if self.request.original.is_none() && self.facts.snapshot.same_server(*source, gateway.target));
        if !comes_from_it || gateway.verify != GatewayVerify::Minger || !gateway.sharing_too {
            return lost;
        }
        for address in self.addresses_to_ask_about() {
            let questions = self.questions_to_peers(&address).collect();
            return match self.says(Tried::Gateway, questions) {
                Says::Ask(questions) => End::Ask(questions),
                Says::Active(heard) => self.hand_to_peer(Rule::Gateway, heard),
                Says::Full(heard) | Says::Unavailable(heard) => {
                    self.cannot_tell(Rule::Gateway, Some(heard))
                }
                Says::Unasked => self.cannot_tell(Rule::Gateway, None),
                Says::Unknown(_) => continue,
            };
        }
        lost
    }

    /// The peers of the site, without the one that the recipient comes from.
    fn questions_to_peers(&self, address: &Mailbox) -> impl Iterator<Item = Question> {
        let peers = self.facts.snapshot.peers().filter(|peer| {
            !matches!(self.request.side, Side::Target(source)
                if self.facts.snapshot.same_server(*source, peer.id))
        });
        peers.map(|peer| Question::peer(peer.id, address.clone()))
    }

    /// Whether anybody is asked. The target itself is not, once the message is in the queue: the
    /// delivery will tell.
    fn is_verified(&mut self, gateway: &GatewayRoute) -> bool {
        let target_tells = matches!(self.request.asking, Asking::InQueue | Asking::Forbidden)
            && gateway.verify == GatewayVerify::Callout;
        if gateway.verify == GatewayVerify::None || target_tells {
            self.steps.add(Tried::Gateway, || Finding::GatewayUnasked);
            return false;
        }
        true
    }

    /// The verifier first, then the peers of the site where the gateway wants them, too.
    fn gateway_questions(
        &self,
        gateway: &GatewayRoute,
        address: &Mailbox,
        outgoing: &Mailbox,
    ) -> Vec<Question> {
        let question = |authority| Question {
            authority,
            address: address.clone(),
        };
        match gateway.verify {
            GatewayVerify::None => Vec::new(),
            // A target knows its own tags.
            GatewayVerify::Callout => vec![Question::callout(gateway.target, outgoing.clone())],
            GatewayVerify::List => vec![question(Authority::List(gateway.id))],
            GatewayVerify::Minger => {
                let mut questions = vec![question(Authority::Gateway(gateway.id))];
                if gateway.sharing_too {
                    questions.extend(self.questions_to_peers(address));
                }
                questions
            }
        }
    }
}

fn with_proof(end: End, heard: super::Heard) -> End {
    match end {
        End::Decided(rule, verdict, _) => End::Decided(rule, verdict, Some(heard)),
        ask @ End::Ask(_) => ask,
    }
}
