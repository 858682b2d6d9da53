//! What somebody who is limited to some domains sees of the site: no other domain's names.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use waypost_directory::{Directory, OnTarget, Scope, Unavailable, UserFilter, UserQuery};
use waypost_proto::mail::Domain;

use super::Actor;
use crate::console::Console;
use crate::problem::Problem;

/// Scopes whose sight is remembered.
const REMEMBERED: usize = 64;

/// What is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sight {
    /// Everything.
    All,
    /// These domains, and the targets and peers that they use.
    Part {
        /// Main and other names.
        domains: HashSet<String>,
        /// Names of targets and peers.
        targets: HashSet<String>,
    },
}

/// What is seen by those who asked of late, until the directory changes.
#[derive(Debug, Default)]
pub(crate) struct Sights(Mutex<HashMap<Vec<String>, Known>>);

/// The directory's last change, and what was seen then.
type Known = (u64, Arc<Sight>);

impl Sight {
    /// Whether he sees the target or peer of this name.
    pub(crate) fn target(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Part { targets, .. } => targets.contains(name),
        }
    }

    /// Whether he sees the domain, by any of its names.
    pub(crate) fn domain(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Part { domains, .. } => domains.contains(&name.to_lowercase()),
        }
    }

    /// Whether he sees what is said of an address.
    pub(crate) fn address(&self, address: &str) -> bool {
        let domain = address.rsplit_once('@').map(|(_, domain)| domain);
        domain.is_some_and(|domain| self.domain(domain))
    }

    /// The names of his domains; none: all.
    pub(crate) fn domains(&self) -> Option<Vec<String>> {
        match self {
            Self::All => None,
            Self::Part { domains, .. } => Some(domains.iter().cloned().collect()),
        }
    }

    fn of(directory: &Directory, domains: &[Domain]) -> Result<Self, Unavailable> {
        let snapshot = directory.snapshot();
        let (mut names, mut used) = (HashSet::new(), HashSet::new());
        for name in domains {
            names.insert(name.to_string());
            let Some(found) = snapshot.domain(name) else {
                continue;
            };
            let domain = found.domain;
            names.extend(domain.aliases.iter().map(Domain::to_string));
            used.extend(domain.relay.iter().chain(&domain.sharing).copied());
        }
        let mut targets = HashSet::new();
        for target in snapshot.targets().chain(snapshot.peers()) {
            if used.contains(&target.id) || is_own(directory, domains, &target.name)? {
                targets.insert(target.name.clone());
            }
        }
        Ok(Self::Part {
            domains: names,
            targets,
        })
    }
}

/// Whether a user of these domains has the target for himself.
fn is_own(directory: &Directory, domains: &[Domain], target: &str) -> Result<bool, Unavailable> {
    let mut filter = UserFilter::within(Scope::Domains(domains.to_vec()));
    filter.target = Some(OnTarget::Own(target.to_owned()));
    let query = UserQuery {
        filter,
        after: None,
        limit: 1,
    };
    Ok(!directory.find_users(&query)?.items.is_empty())
}

impl Sights {
    fn get(&self, scope: &[String], change: u64) -> Option<Arc<Sight>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get(scope).filter(|known| known.0 == change);
        known.map(|known| Arc::clone(&known.1))
    }

    fn keep(&self, scope: Vec<String>, known: Known) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED {
            all.clear();
        }
        all.insert(scope, known);
    }
}

impl Console {
    /// What an administrator sees of the site.
    pub(crate) async fn sight(&self, actor: &Actor) -> Result<Arc<Sight>, Problem> {
        let Scope::Domains(domains) = &actor.scope else {
            return Ok(Arc::new(Sight::All));
        };
        let (words, domains) = (actor.scope.words(), domains.clone());
        let change = self.parts.directory.snapshot().change();
        if let Some(known) = self.sights.get(&words, change) {
            return Ok(known);
        }
        let made = self.directory(move |directory| Sight::of(directory, &domains));
        let made = Arc::new(made.await??);
        self.sights.keep(words, (change, Arc::clone(&made)));
        Ok(made)
    }
}
