//! The directory at one moment.

use std::collections::HashMap;
use std::sync::Arc;

use waypost_proto::mail::{Domain, LocalPart, Mailbox};
use waypost_proto::route::{TargetId, UserId};

use super::index::{Index, Owner, Scope, UserEntry};
use super::overlay::Overlay;
use super::route::{DomainRef, DomainRoute, Found, GatewayRoute, Group, Shared, Target, UserRoute};
use crate::find::UserCounts;
use crate::model::{Hold, HoldKey, MailType, Span};

/// A name of a served domain.
#[derive(Debug, Clone)]
pub(crate) struct NameEntry {
    pub(crate) name: Domain,
    pub(crate) name_id: u32,
    pub(crate) domain: Arc<DomainRoute>,
}

/// What there is little of: shared between snapshots table by table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tables {
    pub(crate) names: Arc<HashMap<Domain, NameEntry>>,
    pub(crate) names_by_id: Arc<HashMap<u32, Domain>>,
    pub(crate) domains: Arc<HashMap<u32, Arc<DomainRoute>>>,
    pub(crate) gateways: Arc<HashMap<Domain, Arc<GatewayRoute>>>,
    pub(crate) groups: Arc<HashMap<u32, Arc<Group>>>,
    pub(crate) shared: Arc<HashMap<u32, Arc<Shared>>>,
    pub(crate) targets: Arc<Vec<Arc<Target>>>,
    pub(crate) holds: Arc<HashMap<HoldKey, Hold>>,
    pub(crate) past_holds: Arc<HashMap<HoldKey, Vec<Span>>>,
}

/// The directory at one moment: never changes, asks nobody, takes no lock.
#[derive(Debug, Default)]
pub struct Snapshot {
    pub(crate) change: u64,
    pub(crate) tables: Tables,
    pub(crate) index: Arc<Index>,
    pub(crate) overlay: Arc<Overlay>,
}

impl Snapshot {
    /// The number of the last write that it contains.
    #[must_use]
    pub fn change(&self) -> u64 {
        self.change
    }

    /// The served domain with this main name or alias.
    #[must_use]
    pub fn domain(&self, name: &Domain) -> Option<DomainRef<'_>> {
        let entry = self.tables.names.get(name)?;
        Some(DomainRef {
            domain: &entry.domain,
            name: &entry.name,
            scope: Scope::one(entry.name_id),
        })
    }

    /// All served domains, by main name.
    pub fn domains(&self) -> impl Iterator<Item = &DomainRoute> {
        self.tables.domains.values().map(|domain| &**domain)
    }

    /// What the address belongs to: exactly as written first, then at all names of the domain.
    ///
    /// `local_folded` is [`LocalPart::folded`].
    #[must_use]
    pub fn lookup(&self, name: &DomainRef<'_>, local_folded: &str) -> Option<Found<'_>> {
        self.find(name.scope, local_folded)
            .or_else(|| self.find(Scope::all(name.domain.id.0), local_folded))
    }

    /// What the address belongs to, if its domain is served here.
    #[must_use]
    pub fn lookup_mailbox(&self, mailbox: &Mailbox) -> Option<Found<'_>> {
        let name = self.domain(&mailbox.domain)?;
        self.lookup(&name, &mailbox.local.folded())
    }

    /// The user with a number; all his addresses count as selected.
    #[must_use]
    pub fn user(&self, id: UserId) -> Option<UserRoute<'_>> {
        self.route(self.user_entry(id.0)?, true)
    }

    /// Whether this user may send as this address: his own, or a shared mailbox's that he is in.
    #[must_use]
    pub fn owns(&self, user: UserId, mailbox: &Mailbox) -> bool {
        match self.lookup_mailbox(mailbox) {
            Some(Found::User(owner)) => owner.id == user,
            Some(Found::Shared(shared)) => shared.members.contains(&user),
            Some(Found::Group(_)) | None => false,
        }
    }

    /// The target on which the owner of an address lives: his own, or his domain's relay.
    #[must_use]
    pub fn owner_target(&self, mailbox: &Mailbox) -> Option<TargetId> {
        match self.lookup_mailbox(mailbox)? {
            Found::User(user) if user.mail == MailType::ThirdParty => {
                user.target.or(user.domain.relay)
            }
            _ => None,
        }
    }

    /// The target with a number.
    #[must_use]
    pub fn target(&self, id: TargetId) -> Option<&Target> {
        let targets = &self.tables.targets;
        let at = targets.binary_search_by_key(&id, |target| target.id).ok()?;
        targets.get(at).map(|target| &**target)
    }

    /// Whether two targets are one server: a domain may name a listed target by its host.
    #[must_use]
    pub fn same_server(&self, a: TargetId, b: TargetId) -> bool {
        a == b
            || match (self.target(a), self.target(b)) {
                (Some(a), Some(b)) => a.host == b.host && a.port == b.port,
                _ => false,
            }
    }

    /// All targets, those that a domain names by host only too, in the order of their numbers.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        self.tables.targets.iter().map(|target| &**target)
    }

    /// The targets that are peers, in the order of their numbers.
    pub fn peers(&self) -> impl Iterator<Item = &Target> {
        self.targets().filter(|target| target.minger.is_some())
    }

    /// The gateway domain with this name.
    #[must_use]
    pub fn gateway(&self, domain: &Domain) -> Option<&GatewayRoute> {
        self.tables.gateways.get(domain).map(|gateway| &**gateway)
    }

    /// All gateway domains.
    pub fn gateways(&self) -> impl Iterator<Item = &GatewayRoute> {
        self.tables.gateways.values().map(|gateway| &**gateway)
    }

    /// The hold on a domain, target or user; the caller looks whether it is over.
    #[must_use]
    pub fn hold(&self, key: &HoldKey) -> Option<&Hold> {
        self.tables.holds.get(key)
    }

    /// When a domain, target or user was held before.
    #[must_use]
    pub fn past_holds(&self, key: &HoldKey) -> &[Span] {
        self.tables.past_holds.get(key).map_or(&[], Vec::as_slice)
    }

    /// Whether nothing is held, and nothing was of late.
    #[must_use]
    pub fn is_without_holds(&self) -> bool {
        self.tables.holds.is_empty() && self.tables.past_holds.is_empty()
    }

    /// All holds.
    pub fn holds(&self) -> impl Iterator<Item = (&HoldKey, &Hold)> {
        self.tables.holds.iter()
    }

    /// How many users there are.
    #[must_use]
    pub fn user_count(&self) -> u64 {
        self.user_counts().values().map(UserCounts::all).sum()
    }

    /// How many users there are in each domain, by its number.
    pub(crate) fn user_counts(&self) -> HashMap<u32, UserCounts> {
        let mut counts = self.index.counts().clone();
        for (id, new) in self.overlay.users() {
            if let Some(old) = self.index.user(id) {
                let count = counts.entry(old.domain_id).or_default();
                count.take(old.mail, old.target.is_some(), old.suspended);
            }
            if let Some(new) = new {
                let count = counts.entry(new.domain_id).or_default();
                count.add(new.mail, new.target.is_some(), new.suspended);
            }
        }
        counts
    }

    pub(crate) fn mailbox(&self, scope: Scope, local: &str) -> Option<Mailbox> {
        let domain = match scope.domain_id() {
            Some(id) => &self.tables.domains.get(&id)?.name,
            None => self.tables.names_by_id.get(&scope.0)?,
        };
        Some(Mailbox::new(local_part(local)?, domain.clone()))
    }

    fn find(&self, scope: Scope, local: &str) -> Option<Found<'_>> {
        let (owner, selected) = match self.overlay.find(scope, local) {
            Some(found) => found?,
            None => self.index.find(scope, local)?,
        };
        match owner {
            Owner::Group(id) => self.tables.groups.get(&id).map(|g| Found::Group(g)),
            Owner::Shared(id) => self.tables.shared.get(&id).map(|s| Found::Shared(s)),
            Owner::User(id) => {
                let user = self.route(self.user_entry(id)?, selected);
                user.map(Found::User)
            }
        }
    }

    fn user_entry(&self, id: u32) -> Option<UserEntry<'_>> {
        match self.overlay.user(id) {
            Some(user) => user,
            None => self.index.user(id),
        }
    }

    fn route<'a>(&'a self, entry: UserEntry<'a>, selected: bool) -> Option<UserRoute<'a>> {
        let domain = self.tables.domains.get(&entry.domain_id)?;
        Some(UserRoute {
            id: UserId(entry.id),
            domain,
            login: entry.login,
            mail: entry.mail,
            suspended: entry.suspended,
            selected,
            target: entry.target.map(TargetId),
            quota_bytes: domain.quota.of_user(entry.quota_bytes),
            default: entry.default,
            snapshot: self,
        })
    }
}

/// A local part from what it says, quoted where it must be.
fn local_part(text: &str) -> Option<LocalPart> {
    LocalPart::parse(text).ok().or_else(|| {
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
        LocalPart::parse(&format!("\"{escaped}\"")).ok()
    })
}
