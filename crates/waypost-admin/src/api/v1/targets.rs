//! Targets: other mail servers that mail is handed to.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::location::{Created, created};
use super::super::objects::{List, Page, Resource, Shown, Written, complete, read, text};
use super::super::refusals::Refusals;
use super::health::Health;
use super::trial::{Question, Trial};
use crate::auth::{Actor, Right};
use crate::console::Console;
use crate::input::{self, IfMatch, Name, Params};
use crate::problem::Problem;
use crate::request::{Kind, Request, TargetRequest};

/// Another mail server. Credentials are written and never read.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Target {
    /// How domains, users and commands name it.
    #[schema(example = "old")]
    pub(crate) name: String,
    /// A host name, an IP address, or `mx:NAME`.
    #[schema(example = "old.example.com")]
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
    /// Networks that its mail comes from, if not from its host.
    pub(crate) sources: Vec<String>,
    /// How the connection is secured.
    pub(crate) tls: TlsPolicy,
    /// SHA-256 of its public key, with `pinned`.
    #[serde(default)]
    pub(crate) tls_pin: Option<String>,
    /// The name to log in with there; empty: no login.
    pub(crate) username: String,
    /// Whether there is a password to log in with there.
    #[serde(alias = "password", default, deserialize_with = "is_set")]
    pub(crate) has_password: bool,
    /// Most connections at a time.
    pub(crate) connections: u32,
    /// How it wants third-party users addressed: `original`, `default` or `@domain`.
    pub(crate) recipient: String,
    /// Whether mail goes to the smart host when the target does not take it.
    pub(crate) smart_host_on_error: bool,
    /// Whether senders wait for its own answer, instead of ours.
    pub(crate) cut_through: bool,
    /// The key of the certificate that it shows as a client.
    #[serde(default)]
    pub(crate) client_pin: Option<String>,
    /// The name that it logs in with here; empty: it does not.
    pub(crate) client_login: String,
    /// Whether there is a password that it logs in with here.
    #[serde(alias = "client_password", default, deserialize_with = "is_set")]
    pub(crate) has_client_password: bool,
    /// How it is; null: nothing is known yet.
    #[serde(default)]
    pub(crate) health: Option<Health>,
    /// What a change names in `If-Match`.
    pub(crate) revision: u64,
}

/// How the connection to a target is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TlsPolicy {
    /// Never.
    Off,
    /// When offered, with any certificate.
    Opportunistic,
    /// Always, with the public key that is pinned.
    Pinned,
    /// Always, with any certificate.
    Required,
    /// Always, with a certificate for its name from a trusted authority.
    Verified,
}

impl TlsPolicy {
    /// All of them, from weak to strong.
    pub(crate) const ALL: [Self; 5] = [
        Self::Off,
        Self::Opportunistic,
        Self::Required,
        Self::Verified,
        Self::Pinned,
    ];

    /// Its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Opportunistic => "opportunistic",
            Self::Pinned => "pinned",
            Self::Required => "required",
            Self::Verified => "verified",
        }
    }
}

/// The fields of a target that are set.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of a body, for the description")]
pub(crate) struct TargetFields {
    host: Option<String>,
    port: Option<u16>,
    sources: Option<Vec<String>>,
    tls: Option<TlsPolicy>,
    /// 64 hexadecimal digits; empty: none.
    tls_pin: Option<String>,
    username: Option<String>,
    /// Empty: none.
    #[schema(write_only)]
    password: Option<String>,
    connections: Option<u32>,
    recipient: Option<String>,
    smart_host_on_error: Option<bool>,
    cut_through: Option<bool>,
    /// 64 hexadecimal digits; empty: none.
    client_pin: Option<String>,
    client_login: Option<String>,
    /// Empty: none.
    #[schema(write_only)]
    client_password: Option<String>,
}

/// A target to make.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of a body, for the description")]
pub(crate) struct NewTarget {
    /// How domains, users and commands name it.
    #[schema(example = "old")]
    name: String,
    #[schema(inline)]
    #[schema(value_type = TargetFields)]
    #[serde(flatten)]
    fields: TargetFields,
}

impl Resource for Target {
    const KIND: Kind = Kind::Target;
    const READ: Right = Right::RouteRead;
    const WRITE: Right = Right::RouteWrite;

    fn revision(&self) -> u64 {
        self.revision
    }
}

impl Target {
    /// Whether an administrator holds it.
    pub(crate) fn is_held(&self) -> bool {
        let hold = self.health.as_ref().and_then(|health| health.hold.as_ref());
        hold.is_some()
    }

    /// Whether only this key is trusted already.
    pub(crate) fn is_pinned_to(&self, pin: &str) -> bool {
        self.tls == TlsPolicy::Pinned && self.tls_pin.as_deref() == Some(pin)
    }
}

/// A secret, of which is only known whether there is one.
fn is_set<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    String::deserialize(deserializer).map(|secret| !secret.is_empty())
}

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(show, change, remove))
        .routes(routes!(test))
}

/// Lists targets, with how they are.
#[utoipa::path(get, path = "/targets", tag = "targets", params(Page),
    security(("token" = ["route-read"])),
    responses((status = 200, body = List<Target>), Refusals))]
async fn list(
    State(console): State<Console>,
    actor: Actor,
    Params(page): Params<Page>,
) -> Result<Json<List<Target>>, Problem> {
    let (list, _) = console.targets(&actor, &page).await?;
    Ok(Json(list))
}

impl Console {
    /// A page of targets, with how they are, and how all others are.
    pub(crate) async fn targets(
        &self,
        actor: &Actor,
        page: &Page,
    ) -> Result<(List<Target>, HashMap<String, Health>), Problem> {
        let mut list: List<Target> = self.page_of(actor, page).await?;
        let mut health = self.health(actor).await?;
        for target in &mut list.items {
            target.health = health.remove(&target.name);
        }
        Ok((list, health))
    }

    /// One target, with how it is.
    pub(crate) async fn target(&self, actor: &Actor, name: &str) -> Result<Target, Problem> {
        let mut target: Target = self.show(actor, name).await?;
        target.health = self.health(actor).await?.remove(name);
        Ok(target)
    }

    /// Makes a target.
    pub(crate) async fn add_target(
        &self,
        actor: &Actor,
        name: &str,
        fields: Map<String, Value>,
    ) -> Result<Written, Problem> {
        actor.require_everywhere(Right::RouteWrite)?;
        self.add::<Target>(actor, name, fields).await
    }

    /// Changes the fields of a target that are given.
    pub(crate) async fn change_target(
        &self,
        actor: &Actor,
        name: &str,
        fields: Map<String, Value>,
        revision: Option<u64>,
    ) -> Result<Written, Problem> {
        actor.require_everywhere(Right::RouteWrite)?;
        self.change::<Target>(actor, name, fields, revision).await
    }

    /// Removes a target.
    pub(crate) async fn remove_target(
        &self,
        actor: &Actor,
        name: &str,
        revision: Option<u64>,
    ) -> Result<Written, Problem> {
        actor.require_everywhere(Right::RouteWrite)?;
        self.remove::<Target>(actor, name, revision).await
    }

    /// Connects to a target as a delivery would, sends nothing, and says what is wrong.
    pub(crate) async fn try_target(
        &self,
        actor: &Actor,
        name: &str,
        address: Option<String>,
    ) -> Result<Trial, Problem> {
        actor.require_everywhere(Right::RouteWrite)?;
        let request = TargetRequest::Test {
            name: name.to_owned(),
            address: address.filter(|address| !address.is_empty()),
        };
        read(self.ask(actor, Request::Target(request)).await?)
    }
}

/// Adds a target.
#[utoipa::path(post, path = "/targets", tag = "targets", request_body = NewTarget,
    security(("token" = ["route-write"])),
    responses((status = 201, body = Written,
        headers(("location" = String, description = "Where it is."))), Refusals))]
async fn add(
    State(console): State<Console>,
    actor: Actor,
    input::Json(mut fields): input::Json<Map<String, Value>>,
) -> Result<Created<Written>, Problem> {
    actor.require_everywhere(Right::RouteWrite)?;
    complete(&fields, &["name", "host"])?;
    let name = text(&mut fields, "name")?;
    let written = console.add_target(&actor, &name, fields).await?;
    Ok(created("targets", &name, written))
}

/// Shows a target.
#[utoipa::path(get, path = "/targets/{name}", tag = "targets",
    params(("name" = String, Path, description = "Its name.")),
    security(("token" = ["route-read"])),
    responses((status = 200, body = Target,
        headers(("etag" = String, description = "Its revision."))), Refusals))]
async fn show(
    State(console): State<Console>,
    actor: Actor,
    Name(name): Name,
) -> Result<Shown<Target>, Problem> {
    console.target(&actor, &name).await.map(Shown)
}

/// Changes the fields that are given.
#[utoipa::path(patch, path = "/targets/{name}", tag = "targets", request_body = TargetFields,
    params(("name" = String, Path, description = "Its name."),
        ("if-match" = Option<String>, Header, description = "The revision it must still have.")),
    security(("token" = ["route-write"])),
    responses((status = 200, body = Written), Refusals))]
async fn change(
    State(console): State<Console>,
    actor: Actor,
    Name(name): Name,
    IfMatch(revision): IfMatch,
    input::Json(fields): input::Json<Map<String, Value>>,
) -> Result<Json<Written>, Problem> {
    let written = console.change_target(&actor, &name, fields, revision);
    written.await.map(Json)
}

/// Removes a target that nothing uses any more.
#[utoipa::path(delete, path = "/targets/{name}", tag = "targets",
    params(("name" = String, Path, description = "Its name."),
        ("if-match" = Option<String>, Header, description = "The revision it must still have.")),
    security(("token" = ["route-write"])),
    responses((status = 200, body = Written), Refusals))]
async fn remove(
    State(console): State<Console>,
    actor: Actor,
    Name(name): Name,
    IfMatch(revision): IfMatch,
) -> Result<Json<Written>, Problem> {
    let written = console.remove_target(&actor, &name, revision);
    written.await.map(Json)
}

/// Connects to a target as a delivery would, sends nothing, and says what is wrong. It may take a
/// minute.
#[utoipa::path(post, path = "/targets/{name}/test", tag = "targets", request_body = Question,
    params(("name" = String, Path, description = "Its name.")),
    security(("token" = ["route-write"])),
    responses((status = 200, body = Trial), Refusals))]
async fn test(
    State(console): State<Console>,
    actor: Actor,
    Name(name): Name,
    input::Json(question): input::Json<Question>,
) -> Result<Json<Trial>, Problem> {
    let trial = console.try_target(&actor, &name, question.address);
    trial.await.map(Json)
}
