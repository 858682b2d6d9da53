//! An administrator who asks for something.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use waypost_directory::{Grant, Role, Scope};
use waypost_proto::mail::Domain;

use super::Right;
use crate::console::Console;
use crate::problem::Problem;
use crate::request::{Caller, words};

/// Who asks: what he may do was read from the directory for this very request.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    pub(crate) login: String,
    pub(crate) role: Role,
    pub(crate) scope: Scope,
    pub(crate) grants: Vec<Grant>,
    /// The address that he comes from.
    pub(crate) from: String,
    pub(crate) proof: Proof,
}

/// How he has proved it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Proof {
    /// A session, whose changes must carry this against forgery.
    Session {
        /// Its name in the cookie.
        id: String,
        /// What a form or `X-CSRF-Token` must say.
        csrf: String,
        /// He must choose a password before anything else.
        must_change: bool,
    },
    /// A token, by its public name.
    Token(String),
}

impl Actor {
    /// Whether he must choose a password before anything else.
    pub(crate) fn must_change(&self) -> bool {
        matches!(
            self.proof,
            Proof::Session {
                must_change: true,
                ..
            }
        )
    }

    /// Whether he has the right, somewhere.
    pub(crate) fn may(&self, right: Right) -> bool {
        right.is_of(self.role, &self.grants)
    }

    /// Whether he has the right in a domain.
    pub(crate) fn may_in(&self, right: Right, domain: &Domain) -> bool {
        self.may(right) && self.scope.has(domain)
    }

    /// Refuses who has not the right anywhere.
    pub(crate) fn require(&self, right: Right) -> Result<(), Problem> {
        self.may(right).then_some(()).ok_or_else(Problem::forbidden)
    }

    /// Refuses who has not the right in a domain; says nothing of whether the domain is there.
    pub(crate) fn require_in(&self, right: Right, domain: &Domain) -> Result<(), Problem> {
        let may = self.may_in(right, domain);
        may.then_some(()).ok_or_else(Problem::forbidden)
    }

    /// Refuses who has not the right in all domains.
    pub(crate) fn require_everywhere(&self, right: Right) -> Result<(), Problem> {
        let may = self.may(right) && self.scope == Scope::All;
        may.then_some(()).ok_or_else(Problem::forbidden)
    }

    /// His domains, as requests name them; none: all.
    pub(crate) fn domains(&self) -> Option<Vec<String>> {
        match &self.scope {
            Scope::All => None,
            Scope::Domains(_) => Some(self.scope.words()),
        }
    }

    /// As the audit names him.
    pub(crate) fn caller(&self) -> Caller {
        let from = match &self.proof {
            Proof::Session { .. } => self.from.clone(),
            Proof::Token(name) => format!("{}, token {name}", self.from),
        };
        Caller {
            name: self.login.clone(),
            from,
        }
    }
}

impl FromRequestParts<Console> for Actor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Console) -> Result<Self, Problem> {
        let actor = parts.extensions.get::<Self>();
        let actor = actor.cloned().ok_or_else(Problem::unauthorized)?;
        match actor.proof {
            Proof::Session {
                must_change: true, ..
            } => Err(Problem::of(
                axum::http::StatusCode::FORBIDDEN,
                words::OWN_PASSWORD_FIRST,
            )),
            _ => Ok(actor),
        }
    }
}
