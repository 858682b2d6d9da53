//! Domains with how they are: what lists of them show.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::super::objects::{List, PAGE_MAX, read};
use super::domains::{Domain, VerifyUnknown};
use crate::auth::{Actor, Right};
use crate::console::Console;
use crate::problem::Problem;
use crate::request::{Filter, Find, Kind, Request, Routing};

/// Which domains are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct DomainQuery {
    /// What the answer before said comes next.
    pub(crate) after: Option<String>,
    /// Most domains.
    #[param(minimum = 1, maximum = 500)]
    pub(crate) limit: Option<usize>,
    /// Is in one of their names.
    pub(crate) text: Option<String>,
}

/// A domain, and how it is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct ListedDomain {
    #[serde(flatten)]
    pub(crate) domain: Domain,
    /// What its settings make of this site.
    pub(crate) role: DomainRole,
    /// How many users it has, by where their mail is.
    pub(crate) users: UserNumbers,
    /// What is wrong with it now; empty: nothing.
    pub(crate) state: Vec<DomainState>,
}

/// What a domain's settings make of this site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DomainRole {
    /// It knows every user.
    Master,
    /// It knows people who live elsewhere, and does not yet know all.
    Migration,
    /// All users are here.
    Plain,
    /// Peers have the other users.
    Shared,
    /// It knows its own users; the relay knows the others.
    Slave,
}

/// How many users there are.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct UserNumbers {
    /// With a mailbox here.
    pub(crate) local: u64,
    /// On a third-party mail server.
    pub(crate) third_party: u64,
    /// Without mail.
    pub(crate) none: u64,
    /// Of all these, suspended.
    pub(crate) suspended: u64,
}

/// Something that is wrong with a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DomainState {
    /// The relay accepts every address.
    AcceptsEverything,
    /// Both servers forward unknown addresses to each other.
    BothForward,
    /// Its mail is held.
    Held,
    /// A peer does not answer.
    PeerSilent,
    /// Some deliveries to the relay fail.
    RelayDegraded,
    /// The relay cannot be delivered to.
    RelayDown,
    /// The relay's mail is held.
    RelayHeld,
}

impl DomainRole {
    fn of(domain: &Domain, users: UserNumbers) -> Self {
        match domain.routing().role(users.third_party) {
            "master" => Self::Master,
            "migration" => Self::Migration,
            "shared" => Self::Shared,
            "slave" => Self::Slave,
            _ => Self::Plain,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Migration => "migration",
            Self::Plain => "plain",
            Self::Shared => "shared",
            Self::Slave => "slave",
        }
    }
}

impl DomainState {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::AcceptsEverything => "accepts-everything",
            Self::BothForward => "both-forward",
            Self::Held => "held",
            Self::PeerSilent => "peer-silent",
            Self::RelayDegraded => "relay-degraded",
            Self::RelayDown => "relay-down",
            Self::RelayHeld => "relay-held",
        }
    }

    /// The class of its badge.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Held | Self::RelayHeld => "held",
            Self::AcceptsEverything | Self::RelayDegraded => "warn",
            Self::BothForward | Self::PeerSilent | Self::RelayDown => "bad",
        }
    }
}

impl UserNumbers {
    pub(crate) fn all(self) -> u64 {
        self.local + self.third_party + self.none
    }
}

/// How many users a domain has, as the server counts them.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Counts {
    local: u64,
    none: u64,
    relayed: u64,
    own_target: u64,
    suspended: u64,
}

impl From<Counts> for UserNumbers {
    fn from(counts: Counts) -> Self {
        Self {
            local: counts.local,
            third_party: counts.relayed + counts.own_target,
            none: counts.none,
            suspended: counts.suspended,
        }
    }
}

/// Domains that were found, and their users by the domain's name.
#[derive(Debug, Deserialize)]
struct Found {
    items: Vec<Domain>,
    next: Option<String>,
    counts: BTreeMap<String, Counts>,
}

impl Domain {
    pub(crate) fn routing(&self) -> Routing {
        Routing {
            has_relay: self.relay.is_some(),
            forwards: self.forward_unknown,
            asks: self.verify_unknown == VerifyUnknown::Callout,
            is_shared: !self.sharing.is_empty(),
        }
    }
}

/// What the server says is wrong, as far as domains are concerned.
#[derive(Debug, Deserialize)]
struct Overview {
    wrong: Vec<Wrong>,
}

#[derive(Debug, Deserialize)]
struct Wrong {
    code: String,
    #[serde(default)]
    parameters: BTreeMap<String, Value>,
    object: Object,
}

#[derive(Debug, Deserialize)]
struct Object {
    kind: String,
    name: String,
}

impl Wrong {
    /// What it is to a domain, if anything.
    fn of(&self, domain: &Domain) -> Option<DomainState> {
        let name = self.object.name.as_str();
        let is_domain = self.object.kind == "domain" && name == domain.name;
        let relay = domain.relay.as_deref().unwrap_or_default();
        let is_relay = !relay.is_empty() && (name == relay || name == format!("{relay}:25"));
        let is_peer = domain.sharing.iter().any(|peer| peer == name);
        let about = self.parameters.get("domain").and_then(Value::as_str);
        match self.code.as_str() {
            "held" if is_domain => Some(DomainState::Held),
            "both-forward" if is_domain => Some(DomainState::BothForward),
            "held" if is_relay => Some(DomainState::RelayHeld),
            "target-down" if is_relay => Some(DomainState::RelayDown),
            "target-degraded" if is_relay => Some(DomainState::RelayDegraded),
            "peer-silent" if is_peer => Some(DomainState::PeerSilent),
            "accepts-everything" if is_relay && about == Some(&domain.name) => {
                Some(DomainState::AcceptsEverything)
            }
            _ => None,
        }
    }
}

impl Console {
    /// A page of the domains that he sees.
    pub(crate) async fn domains(
        &self,
        actor: &Actor,
        query: &DomainQuery,
    ) -> Result<List<ListedDomain>, Problem> {
        actor.require(Right::DomainRead)?;
        let filter = Filter {
            scope: actor.domains(),
            text: query.text.clone().unwrap_or_default(),
            ..Filter::default()
        };
        let find = Find {
            kind: Kind::Domain,
            filter,
            after: query.after.clone(),
            limit: query.limit.unwrap_or(50).clamp(1, PAGE_MAX),
            count: true,
        };
        let found: Found = read(self.ask(actor, Request::Find(find)).await?)?;
        let overview = self.ask(actor, Request::Overview).await?;
        let overview: Overview = read(overview)?;
        let items = found.items.into_iter().map(|domain| {
            let counts = found.counts.get(&domain.name).copied();
            overview.listed(domain, counts.map(UserNumbers::from).unwrap_or_default())
        });
        Ok(List {
            items: items.collect(),
            next: found.next,
        })
    }

    /// One domain, and how it is.
    pub(crate) async fn domain(&self, actor: &Actor, name: &str) -> Result<ListedDomain, Problem> {
        let domain = self.show::<Domain>(actor, name).await?;
        let find = Find {
            kind: Kind::User,
            filter: Filter {
                domain: Some(domain.name.clone()),
                ..Filter::default()
            },
            after: None,
            limit: 0,
            count: true,
        };
        let mut found: Found = read(self.ask(actor, Request::Find(find)).await?)?;
        let counts = found.counts.remove(&domain.name);
        let overview = self.ask(actor, Request::Overview).await?;
        let overview: Overview = read(overview)?;
        Ok(overview.listed(domain, counts.map(UserNumbers::from).unwrap_or_default()))
    }
}

impl Overview {
    fn listed(&self, domain: Domain, users: UserNumbers) -> ListedDomain {
        let mut state = Vec::new();
        for found in self.wrong.iter().filter_map(|wrong| wrong.of(&domain)) {
            if !state.contains(&found) {
                state.push(found);
            }
        }
        ListedDomain {
            role: DomainRole::of(&domain, users),
            domain,
            users,
            state,
        }
    }
}
