//! The keys that sign what users send (DKIM), with the DNS records that verifiers look for.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use waypost_proto::mail::Domain;

use super::super::location::{Created, created};
use super::super::objects::{Written, read};
use super::super::refusals::Refusals;
use crate::auth::{Actor, Right};
use crate::console::Console;
use crate::input::{self, Names, Params};
use crate::problem::Problem;
use crate::request::{DkimRequest, Request};

/// A key, without its secret part.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct SigningKey {
    /// The name in From that it signs for: a domain or an alias of one.
    #[schema(example = "example.com")]
    pub(crate) domain: String,
    /// Its own name.
    #[schema(example = "wp202611")]
    pub(crate) selector: String,
    pub(crate) algorithm: KeyAlgorithm,
    /// Where verifiers look for it in DNS.
    #[schema(example = "wp202611._domainkey.example.com")]
    pub(crate) record_name: String,
    /// The TXT record that must be there.
    pub(crate) record: String,
    pub(crate) published: Published,
}

/// What a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KeyAlgorithm {
    /// Short, and not known to every verifier.
    Ed25519,
    /// Known to every verifier.
    Rsa,
}

/// What DNS has where the record must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Published {
    /// Nothing.
    No,
    /// Another key.
    Other,
    /// No name server says.
    Unknown,
    /// The record.
    Yes,
}

/// All keys that are seen.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Keys {
    pub(crate) keys: Vec<SigningKey>,
}

/// A key to make.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKey {
    /// The name in From that it signs for: a served domain or an alias of one.
    #[schema(example = "example.com")]
    pub(crate) domain: String,
    /// Its own name; missing: one with year and month.
    #[serde(default)]
    pub(crate) selector: Option<String>,
    /// What it is; missing: `rsa`.
    #[serde(default)]
    pub(crate) algorithm: Option<KeyAlgorithm>,
}

/// Which keys are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Only those of this domain and its aliases.
    pub(crate) domain: Option<String>,
}

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(remove))
}

/// Lists keys, and whether DNS has their records: it is asked now.
#[utoipa::path(get, path = "/keys", tag = "keys", params(Wanted),
    security(("token" = ["domain-read"])),
    responses((status = 200, body = Keys), Refusals))]
async fn list(
    State(console): State<Console>,
    actor: Actor,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Keys>, Problem> {
    let keys = console.keys(&actor, wanted.domain).await?;
    Ok(Json(Keys { keys }))
}

/// Makes a key; mail with this domain in From is signed from then on.
#[utoipa::path(post, path = "/keys", tag = "keys", request_body = NewKey,
    security(("token" = ["domain-write"])),
    responses((status = 201, body = SigningKey,
        headers(("location" = String, description = "Where it is."))), Refusals))]
async fn add(
    State(console): State<Console>,
    actor: Actor,
    input::Json(new): input::Json<NewKey>,
) -> Result<Created<SigningKey>, Problem> {
    let made = console.add_key(&actor, new).await?;
    let within = format!("keys/{}", made.domain);
    Ok(created(&within, &made.selector.clone(), made))
}

/// Removes a key; nothing is signed with it from then on.
#[utoipa::path(delete, path = "/keys/{domain}/{selector}", tag = "keys",
    params(("domain" = String, Path, description = "The name that it signs for."),
        ("selector" = String, Path, description = "Its own name.")),
    security(("token" = ["domain-write"])),
    responses((status = 200, body = Written), Refusals))]
async fn remove(
    State(console): State<Console>,
    actor: Actor,
    Names(domain, selector): Names,
) -> Result<Json<Written>, Problem> {
    let removed = console.remove_key(&actor, &domain, &selector);
    removed.await.map(Json)
}

impl KeyAlgorithm {
    /// The word of the API, for keys of texts too.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::Rsa => "rsa",
        }
    }
}

impl Published {
    /// A word for keys, and the class of a badge.
    pub(crate) fn word(self) -> (&'static str, &'static str) {
        match self {
            Self::No => ("no", "warn"),
            Self::Other => ("other", "bad"),
            Self::Unknown => ("unknown", "quiet"),
            Self::Yes => ("yes", "ok"),
        }
    }
}

impl Console {
    /// The keys of a domain and its aliases, or of all that he sees.
    pub(crate) async fn keys(
        &self,
        actor: &Actor,
        domain: Option<String>,
    ) -> Result<Vec<SigningKey>, Problem> {
        actor.require(Right::DomainRead)?;
        let sight = self.sight(actor).await?;
        if let Some(domain) = &domain
            && !sight.domain(domain)
        {
            return Err(Problem::forbidden());
        }
        let request = Request::Dkim(DkimRequest::List { domain });
        let Keys { mut keys } = read(self.ask(actor, request).await?)?;
        keys.retain(|key| sight.domain(&key.domain));
        Ok(keys)
    }

    /// Makes a key.
    pub(crate) async fn add_key(&self, actor: &Actor, new: NewKey) -> Result<SigningKey, Problem> {
        self.may_sign(actor, &new.domain)?;
        let request = DkimRequest::Add {
            domain: new.domain,
            selector: new.selector,
            algorithm: new.algorithm.map(|kind| kind.word().to_owned()),
        };
        read(self.ask(actor, Request::Dkim(request)).await?)
    }

    /// Removes a key.
    pub(crate) async fn remove_key(
        &self,
        actor: &Actor,
        domain: &str,
        selector: &str,
    ) -> Result<Written, Problem> {
        self.may_sign(actor, domain)?;
        let request = DkimRequest::Remove {
            domain: domain.to_owned(),
            selector: selector.to_owned(),
        };
        read(self.ask(actor, Request::Dkim(request)).await?)
    }

    /// Refuses who may not change the domain that has this name.
    fn may_sign(&self, actor: &Actor, name: &str) -> Result<(), Problem> {
        actor.require(Right::DomainWrite)?;
        let Ok(name) = Domain::parse(name) else {
            // The answer says what is wrong with it; it is nobody's.
            return actor.require_everywhere(Right::DomainWrite);
        };
        let snapshot = self.parts.directory.snapshot();
        let main = snapshot.domain(&name).map(|found| &found.domain.name);
        actor.require_in(Right::DomainWrite, main.unwrap_or(&name))
    }
}
