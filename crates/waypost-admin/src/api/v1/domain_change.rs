//! Changes of domains: who may change which field, and what a change would do.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use waypost_proto::mail::Domain as Name;

use super::super::location::{Accepted, Begun, accepted};
use super::super::objects::{object, read, require};
use super::super::refusals::Refusals;
use super::domains::{Domain, DomainFields};
use crate::auth::{Actor, Right};
use crate::console::Console;
use crate::input::{self, IfMatch};
use crate::problem::Problem;
use crate::request::{Fault, Kind, PeerRequest, Request, words};

/// Fields that say where mail goes.
const ROUTING: [&str; 4] = ["relay", "forward_unknown", "sharing", "verify_unknown"];

/// What a change would do.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct Preview {
    /// What will be different, in numbers.
    pub(crate) effects: Vec<Remark>,
    /// What to think about before it is saved.
    pub(crate) warnings: Vec<Remark>,
    /// Allowed, but worth knowing.
    pub(crate) notes: Vec<String>,
}

/// A code, and what the sentence about it needs.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Remark {
    /// What is meant.
    pub(crate) code: String,
    /// Names, numbers and texts, by their names.
    pub(crate) parameters: BTreeMap<String, Value>,
}

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(preview))
        .routes(routes!(audit))
}

/// Says what a change would do, and changes nothing; the relay is tried.
#[utoipa::path(post, path = "/domains/{name}/preview", tag = "domains",
    request_body = DomainFields,
    params(("name" = String, Path, description = "Its main name."),
        ("if-match" = Option<String>, Header, description = "The revision it must still have.")),
    security(("token" = ["domain-write"])),
    responses((status = 200, body = Preview), Refusals))]
async fn preview(
    State(console): State<Console>,
    actor: Actor,
    input::Name(name): input::Name,
    IfMatch(revision): IfMatch,
    input::Json(fields): input::Json<Map<String, Value>>,
) -> Result<Json<Preview>, Problem> {
    let preview = console.preview_domain(&actor, &name, fields, revision);
    preview.await.map(Json)
}

/// Compares all addresses of a shared domain with its peers, as a job.
#[utoipa::path(post, path = "/domains/{name}/sharing-audit", tag = "domains",
    params(("name" = String, Path, description = "Its main name.")),
    security(("token" = ["domain-write"])),
    responses((status = 202, body = Begun,
        headers(("location" = String, description = "The job."))), Refusals))]
async fn audit(
    State(console): State<Console>,
    actor: Actor,
    input::Name(name): input::Name,
) -> Result<Accepted, Problem> {
    console.audit_sharing(&actor, &name).await.map(accepted)
}

impl Console {
    /// Says what a change of a domain would do.
    pub(crate) async fn preview_domain(
        &self,
        actor: &Actor,
        name: &str,
        fields: Map<String, Value>,
        revision: Option<u64>,
    ) -> Result<Preview, Problem> {
        require(actor, Right::DomainWrite, Kind::Domain, name)?;
        self.allowed(actor, name, &fields)?;
        // One that is not there would be a new one.
        self.show::<Domain>(actor, name).await?;
        let object = object(Kind::Domain, name, fields, revision);
        read(self.ask(actor, Request::Rehearse(object)).await?)
    }

    /// Begins to compare a domain with its peers.
    pub(crate) async fn audit_sharing(&self, actor: &Actor, name: &str) -> Result<u64, Problem> {
        require(actor, Right::DomainWrite, Kind::Domain, name)?;
        let domain = self.show::<Domain>(actor, name).await?;
        if domain.sharing.is_empty() {
            let words = words::DOMAIN_NOT_SHARED.having("name", name);
            return Err(Problem::field("sharing", words));
        }
        let domain = name.to_owned();
        let request = Request::Peer(PeerRequest::Audit { domain });
        self.begin(actor, "sharing-audit", request)
    }
}

impl Console {
    /// Refuses fields that he may not change, each by its name.
    pub(crate) fn allowed(
        &self,
        actor: &Actor,
        name: &str,
        fields: &Map<String, Value>,
    ) -> Result<(), Problem> {
        let Ok(domain) = Name::parse(name) else {
            return Ok(());
        };
        let is_outside = self.is_outside(&domain, fields.get("postmaster"));
        allowed(actor, &domain, fields, is_outside)
    }

    /// Whether a new postmaster of a domain would get its mail outside of this site.
    fn is_outside(&self, domain: &Name, postmaster: Option<&Value>) -> bool {
        let Some(to) = postmaster.and_then(Value::as_str) else {
            return false;
        };
        let snapshot = self.parts.directory.snapshot();
        let now = snapshot.domain(domain);
        let now = now.and_then(|now| now.domain.postmaster.as_ref());
        let is_as_before = now.is_some_and(|now| now.to_string() == to);
        let name = to.rsplit_once('@').map(|(_, name)| Name::parse(name));
        let is_served = |name: &Name| snapshot.domain(name).is_some();
        !is_as_before && matches!(name, Some(Ok(name)) if !is_served(&name))
    }
}

fn allowed(
    actor: &Actor,
    domain: &Name,
    fields: &Map<String, Value>,
    is_outside: bool,
) -> Result<(), Problem> {
    let may = |field: &str| match field {
        // It reaches outside, as a relay does.
        "postmaster" if is_outside => actor.may_in(Right::DomainRoute, domain),
        "aliases" => actor.require_everywhere(Right::DomainServe).is_ok(),
        field if ROUTING.contains(&field) => actor.may_in(Right::DomainRoute, domain),
        _ => true,
    };
    let closed: Vec<_> = fields.keys().filter(|field| !may(field)).collect();
    if closed.is_empty() {
        return Ok(());
    }
    let object = format!("domain {domain}");
    let closed = closed.iter();
    let problems = closed.map(|field| Fault::new(&object, field, words::DOMAIN_FIELD_CLOSED));
    Err(Problem {
        problems: problems.collect(),
        ..Problem::of(StatusCode::FORBIDDEN, words::DOMAIN_FIELDS_CLOSED)
    })
}
