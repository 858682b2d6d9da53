//! Peers, with which domains are shared.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use waypost_directory::Scope;
use waypost_proto::mail::Domain;

use super::super::location::{Created, created};
use super::super::objects::{List, Page, Resource, Shown, Written, complete, read, text};
use super::super::refusals::Refusals;
use super::domain_change::Remark;
use crate::auth::{Actor, Right};
use crate::console::Console;
use crate::input::{self, IfMatch, Name, Params};
use crate::problem::Problem;
use crate::request::{Kind, PeerRequest, Request};

/// A server that shares domains as an equal. Secrets are only ever written.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Peer {
    /// How domains and commands name it.
    #[schema(example = "lyon")]
    pub(crate) name: String,
    /// Where it is.
    #[schema(example = "mail.lyon.example.com")]
    pub(crate) host: String,
    /// Its port for mail.
    pub(crate) port: u16,
    /// Where its mail comes from, beside its host.
    pub(crate) sources: Vec<String>,
    /// How connections to it are secured.
    pub(crate) tls: PeerTls,
    /// The SHA-256 of its public key, with `pinned`.
    #[serde(default)]
    pub(crate) tls_pin: Option<String>,
    /// The name to log in there with; empty: no login.
    pub(crate) username: String,
    /// Whether there is a password to log in there with.
    #[serde(default, alias = "password", deserialize_with = "is_set")]
    pub(crate) password_set: bool,
    /// Most connections at a time.
    pub(crate) connections: u32,
    /// How it wants users addressed: `original`, `default` or `@domain`.
    pub(crate) recipient: String,
    /// Mail that it does not take goes to the smart host.
    pub(crate) smart_host_on_error: bool,
    /// Senders wait for its own answer, instead of ours.
    pub(crate) cut_through: bool,
    /// The key of the certificate that it shows as a client.
    #[serde(default)]
    pub(crate) client_pin: Option<String>,
    /// The name that it logs in with here; empty: it does not.
    pub(crate) client_login: String,
    /// Whether there is a password that it logs in with here.
    #[serde(default, alias = "client_password", deserialize_with = "is_set")]
    pub(crate) client_password_set: bool,
    /// Its port for Minger.
    pub(crate) minger_port: u16,
    /// Whether there is a secret that it wants from here.
    #[serde(default, alias = "minger_secret", deserialize_with = "is_set")]
    pub(crate) minger_secret_set: bool,
    /// Whether there is a secret that it alone may use here.
    #[serde(default, alias = "minger_accept", deserialize_with = "is_set")]
    pub(crate) minger_accept_set: bool,
    /// What it may ask about; empty: all domains.
    pub(crate) minger_domains: Vec<String>,
    /// The domains that are shared with it.
    #[serde(default)]
    pub(crate) domains: Vec<String>,
    /// Whether it answers over Minger.
    #[serde(default)]
    pub(crate) minger_state: MingerState,
    /// For how many seconds it is not asked.
    #[serde(default)]
    pub(crate) paused_s: Option<u64>,
    /// When it answered last.
    #[serde(default)]
    pub(crate) last_answer: Option<String>,
    /// Questions that it was asked since the start.
    #[serde(default)]
    pub(crate) questions: u64,
    /// Questions that were answered from the cache.
    #[serde(default)]
    pub(crate) cache_hits: u64,
    /// Half of its answers took at most so many milliseconds.
    #[serde(default)]
    pub(crate) latency_p50_ms: Option<u64>,
    /// 99 of a hundred of its answers did.
    #[serde(default)]
    pub(crate) latency_p99_ms: Option<u64>,
    /// Addresses that it and another server have.
    #[serde(default)]
    pub(crate) conflicts: u64,
    /// What a change names in `If-Match`.
    pub(crate) revision: u64,
}

/// How connections are secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PeerTls {
    /// Never.
    Off,
    /// When offered.
    Opportunistic,
    /// Always, with any certificate.
    Required,
    /// Always, with a valid certificate.
    Verified,
    /// Always, with one key.
    Pinned,
}

/// Whether a peer answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = PeerMingerState)]
pub(crate) enum MingerState {
    /// It answered when it was asked last.
    Answering,
    /// It was not asked since the start.
    #[default]
    NotAsked,
    /// It does not answer, and is spared for a while.
    Silent,
}

impl MingerState {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Answering => "answering",
            Self::NotAsked => "not-asked",
            Self::Silent => "silent",
        }
    }
}

impl PeerTls {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Opportunistic => "opportunistic",
            Self::Required => "required",
            Self::Verified => "verified",
            Self::Pinned => "pinned",
        }
    }
}

/// A secret is there when something stands for it.
pub(super) fn is_set<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    match Value::deserialize(value)? {
        Value::Bool(is_set) => Ok(is_set),
        Value::String(text) => Ok(!text.is_empty()),
        _ => Ok(false),
    }
}

/// The fields of a peer that are set.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of a body, for the description")]
pub(crate) struct PeerFields {
    /// A name or an address; `host:port` sets the port too.
    host: Option<String>,
    #[schema(minimum = 1)]
    port: Option<u16>,
    sources: Option<Vec<String>>,
    tls: Option<PeerTls>,
    tls_pin: Option<String>,
    username: Option<String>,
    #[schema(format = Password)]
    password: Option<String>,
    #[schema(minimum = 1)]
    connections: Option<u32>,
    recipient: Option<String>,
    smart_host_on_error: Option<bool>,
    cut_through: Option<bool>,
    client_pin: Option<String>,
    client_login: Option<String>,
    #[schema(format = Password)]
    client_password: Option<String>,
    #[schema(minimum = 1)]
    minger_port: Option<u16>,
    #[schema(format = Password)]
    minger_secret: Option<String>,
    #[schema(format = Password)]
    minger_accept: Option<String>,
    minger_domains: Option<Vec<String>>,
}

/// A peer to make.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of a body, for the description")]
pub(crate) struct NewPeer {
    /// How domains and commands will name it.
    #[schema(example = "lyon")]
    name: String,
    #[schema(inline)]
    #[schema(value_type = PeerFields)]
    #[serde(flatten)]
    fields: PeerFields,
}

/// An address that two servers have.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct SharingConflict {
    pub(crate) address: String,
    /// The server that gets its mail.
    pub(crate) mail_goes_to: String,
    /// The other one.
    pub(crate) also_on: String,
    /// When it was seen last.
    pub(crate) seen: String,
}

/// All that are known.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SharingConflicts {
    pub(crate) items: Vec<SharingConflict>,
}

/// Which conflicts are forgotten.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Forgotten {
    /// Those about this address; missing: all.
    pub(crate) address: Option<String>,
}

/// How many were forgotten.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct ForgottenCount {
    pub(crate) forgotten: u64,
    /// In one sentence.
    pub(crate) summary: String,
}

/// What a peer is tried with.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PeerTrial)]
pub(crate) struct Trial {
    /// An address to ask it about.
    #[serde(default)]
    pub(crate) address: Option<String>,
}

/// What came of a trial.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct PeerTest {
    pub(crate) peer: String,
    /// Nothing is wrong.
    pub(crate) ok: bool,
    /// Nobody is there now, and nothing else is wrong.
    pub(crate) unreachable: bool,
    pub(crate) checks: Vec<PeerCheck>,
}

/// One look at a peer.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct PeerCheck {
    /// `name`, `minger`, `address`, `domains` or `smtp`.
    pub(crate) check: String,
    pub(crate) ok: bool,
    #[serde(flatten)]
    pub(crate) remark: Remark,
    /// The same in English.
    pub(crate) says: String,
}

impl Resource for Peer {
    const KIND: Kind = Kind::Peer;
    const READ: Right = Right::RouteRead;
    const WRITE: Right = Right::RouteWrite;

    fn revision(&self) -> u64 {
        self.revision
    }
}

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(conflicts, forget))
        .routes(routes!(show, change, remove))
        .routes(routes!(test))
}

/// Lists peers.
#[utoipa::path(get, path = "/peers", tag = "peers", params(Page),
    security(("token" = ["route-read"])),
    responses((status = 200, body = List<Peer>), Refusals))]
async fn list(
    State(console): State<Console>,
    actor: Actor,
    Params(page): Params<Page>,
) -> Result<Json<List<Peer>>, Problem> {
    console.peers(&actor, &page).await.map(Json)
}

/// Adds a peer.
#[utoipa::path(post, path = "/peers", tag = "peers", request_body = NewPeer,
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
    let written = console.add::<Peer>(&actor, &name, fields).await?;
    Ok(created("peers", &name, written))
}

/// Shows a peer.
#[utoipa::path(get, path = "/peers/{name}", tag = "peers",
    params(("name" = String, Path, description = "Its name.")),
    security(("token" = ["route-read"])),
    responses((status = 200, body = Peer,
        headers(("etag" = String, description = "Its revision."))), Refusals))]
async fn show(
    State(console): State<Console>,
    actor: Actor,
    Name(name): Name,
) -> Result<Shown<Peer>, Problem> {
    console.peer(&actor, &name).await.map(Shown)
}

/// Changes the fields that are given.
#[utoipa::path(patch, path = "/peers/{name}", tag = "peers", request_body = PeerFields,
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
    actor.require_everywhere(Right::RouteWrite)?;
    let written = console.change::<Peer>(&actor, &name, fields, revision);
    written.await.map(Json)
}

/// Removes a peer that no domain is shared with any more.
#[utoipa::path(delete, path = "/peers/{name}", tag = "peers",
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
    actor.require_everywhere(Right::RouteWrite)?;
    let removed = console.remove::<Peer>(&actor, &name, revision);
    removed.await.map(Json)
}

/// Tries a peer, and says what is wrong.
#[utoipa::path(post, path = "/peers/{name}/test", tag = "peers", request_body = Trial,
    params(("name" = String, Path, description = "Its name.")),
    security(("token" = ["route-write"])),
    responses((status = 200, body = PeerTest), Refusals))]
async fn test(
    State(console): State<Console>,
    actor: Actor,
    Name(name): Name,
    input::Json(trial): input::Json<Trial>,
) -> Result<Json<PeerTest>, Problem> {
    console.test_peer(&actor, &name, trial).await.map(Json)
}

/// Lists addresses that two servers were seen to have.
#[utoipa::path(get, path = "/peers/conflicts", tag = "peers",
    security(("token" = ["route-read"])),
    responses((status = 200, body = SharingConflicts), Refusals))]
async fn conflicts(
    State(console): State<Console>,
    actor: Actor,
) -> Result<Json<SharingConflicts>, Problem> {
    let items = console.conflicts(&actor).await?;
    Ok(Json(SharingConflicts { items }))
}

/// Forgets conflicts; those that are still there are seen again.
#[utoipa::path(delete, path = "/peers/conflicts", tag = "peers", params(Forgotten),
    security(("token" = ["route-write"])),
    responses((status = 200, body = ForgottenCount), Refusals))]
async fn forget(
    State(console): State<Console>,
    actor: Actor,
    Params(which): Params<Forgotten>,
) -> Result<Json<ForgottenCount>, Problem> {
    console
        .forget_conflicts(&actor, which.address)
        .await
        .map(Json)
}

impl Peer {
    /// What somebody may see of it: who is limited to domains sees those that it shares, by their
    /// names only.
    fn seen_by(mut self, actor: &Actor) -> Option<Self> {
        if actor.scope == Scope::All {
            return Some(self);
        }
        let sees = |name: &String| Domain::parse(name).is_ok_and(|name| actor.scope.has(&name));
        self.domains.retain(sees);
        self.minger_domains.retain(sees);
        (!self.domains.is_empty()).then_some(self)
    }
}

impl Console {
    /// A page of the peers that he sees.
    pub(crate) async fn peers(&self, actor: &Actor, page: &Page) -> Result<List<Peer>, Problem> {
        let mut list: List<Peer> = self.page_of(actor, page).await?;
        let items = list.items.into_iter();
        list.items = items.filter_map(|peer| peer.seen_by(actor)).collect();
        Ok(list)
    }

    /// One peer.
    pub(crate) async fn peer(&self, actor: &Actor, name: &str) -> Result<Peer, Problem> {
        let peer = self.show::<Peer>(actor, name).await;
        if actor.scope == Scope::All {
            return peer;
        }
        // Says nothing of whether there is one that he may not see.
        let seen = peer.ok().and_then(|peer| peer.seen_by(actor));
        seen.ok_or_else(Problem::forbidden)
    }

    pub(crate) async fn test_peer(
        &self,
        actor: &Actor,
        name: &str,
        trial: Trial,
    ) -> Result<PeerTest, Problem> {
        actor.require_everywhere(Right::RouteWrite)?;
        self.show::<Peer>(actor, name).await?;
        let address = trial.address.filter(|address| !address.trim().is_empty());
        let request = Request::Peer(PeerRequest::Test {
            name: name.to_owned(),
            address,
        });
        read(self.ask(actor, request).await?)
    }

    /// The conflicts about addresses in his domains.
    pub(crate) async fn conflicts(&self, actor: &Actor) -> Result<Vec<SharingConflict>, Problem> {
        actor.require(Right::RouteRead)?;
        let request = Request::Peer(PeerRequest::Conflicts);
        let mut conflicts: Vec<SharingConflict> = read(self.ask(actor, request).await?)?;
        conflicts.retain(|conflict| {
            let domain = conflict.address.rsplit_once('@').map(|(_, domain)| domain);
            let domain = domain.and_then(|domain| Domain::parse(domain).ok());
            actor.scope == Scope::All || domain.is_some_and(|domain| actor.scope.has(&domain))
        });
        Ok(conflicts)
    }

    pub(crate) async fn forget_conflicts(
        &self,
        actor: &Actor,
        address: Option<String>,
    ) -> Result<ForgottenCount, Problem> {
        actor.require_everywhere(Right::RouteWrite)?;
        let request = Request::Peer(PeerRequest::Forget { address });
        read(self.ask(actor, request).await?)
    }
}
