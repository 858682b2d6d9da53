//! Who the client is: AUTH (RFC 4954), STARTTLS (RFC 3207), XCLIENT.

use std::ops::Range;

use super::state::{State, Waiting};
use super::{Event, Session};
use crate::smtp::replies;
use crate::smtp::reply::Reply;
use crate::smtp::sasl::{Exchange, Mechanism, SaslError, Step};
use crate::smtp::xclient::{Told, Xclient};

/// The first step of an exchange; none when the mechanism is not offered here.
pub(super) fn begin(mechanism: &str, initial: Option<&str>) -> Option<Result<Step, SaslError>> {
    Mechanism::of(mechanism).map(|mechanism| Exchange::begin(mechanism, initial))
}

impl Session {
    pub(super) fn auth(&mut self, step: Option<Result<Step, SaslError>>) {
        if let Some(reply) = self.auth_refusal() {
            return self.refuse(reply);
        }
        match step {
            Some(step) => self.go_on(step),
            None => self.refuse(replies::unknown_mechanism()),
        }
    }

    fn auth_refusal(&self) -> Option<Reply> {
        if !self.offer.auth {
            return Some(replies::not_implemented());
        }
        if !self.secured {
            return Some(replies::encryption_required());
        }
        if self.authenticated {
            return Some(replies::bad_sequence("Already authenticated"));
        }
        match self.state {
            State::Ready => None,
            State::Mail(_) => Some(replies::bad_sequence("Mail transaction in progress")),
            _ => Some(self.needs_hello()),
        }
    }

    pub(super) fn sasl_response(&mut self, range: Range<usize>) {
        let State::Sasl(exchange) = std::mem::replace(&mut self.state, State::Ready) else {
            return;
        };
        let response = std::str::from_utf8(self.input.slice(range));
        let step = match response {
            Ok(response) => exchange.respond(response),
            Err(_) => Err(SaslError::Malformed),
        };
        self.go_on(step);
    }

    fn go_on(&mut self, step: Result<Step, SaslError>) {
        match step {
            Ok(Step::Challenge(challenge, exchange)) => {
                self.reply(&replies::challenge(challenge));
                self.state = State::Sasl(exchange);
            }
            Ok(Step::Done(credentials)) => {
                self.waiting = Some(Waiting::Auth);
                self.events.push_back(Event::Auth(credentials));
            }
            Err(wrong) => self.refuse(wrong.into()),
        }
    }

    pub(super) fn answer_auth(&mut self, reply: &Reply, good: bool) {
        self.reply(reply);
        self.authenticated = good;
        if !good {
            self.count_error();
        }
    }

    pub(super) fn starttls(&mut self) {
        if !self.offer.starttls {
            return self.refuse(replies::not_implemented());
        }
        if self.secured {
            return self.refuse(replies::bad_sequence("TLS is already up"));
        }
        if matches!(self.state, State::Mail(_)) {
            return self.refuse(replies::bad_sequence("Mail transaction in progress"));
        }
        // Plain text behind STARTTLS can only be there to be taken for what came under TLS.
        if !self.input.is_empty() {
            return self.shut(replies::synchronization());
        }
        self.reply(&replies::ready_for_tls());
        self.state = State::Securing;
        self.events.push_back(Event::StartTls);
    }

    pub(super) fn xclient(&mut self, told: Option<Xclient>) {
        if !self.offer.xclient {
            return self.refuse(replies::not_authorized());
        }
        if matches!(self.state, State::Mail(_)) {
            return self.refuse(replies::bad_sequence("Mail transaction in progress"));
        }
        let Some(told) = told else {
            return self.refuse(replies::bad_arguments());
        };
        self.waiting = Some(Waiting::Xclient {
            login: told
                .login
                .as_ref()
                .map(|login| matches!(login, Told::Known(_))),
        });
        self.events.push_back(Event::Xclient(Box::new(told)));
    }
}
