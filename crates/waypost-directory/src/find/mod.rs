//! Finding: users, shared mailboxes, groups and domains by what they are and by a text in them.
//!
//! Lists are in the order of domain and login. Without a filter the store's own index gives them.
//! With one, a [`Roster`] does: everybody's text and columns in memory, in that order, made when
//! first needed, brought up to date by the numbers of the changes, dropped when unused.

mod keeper;
mod query;
mod roster;
mod search;

pub(crate) use keeper::Keeper;
pub use query::{Cursor, FoundPage, ObjectQuery, OnTarget, UserCounts, UserFilter, UserQuery};

use std::collections::HashMap;

use rusqlite::{Connection, params};
use waypost_proto::mail::Domain;

use crate::directory::{Directory, lock};
use crate::error::Unavailable;
use crate::lookup::{DomainRoute, Snapshot};
use crate::model::{
    DomainId, DomainRecord, GroupRecord, Kind, Scope, SharedRecord, Stored, UserRecord,
};
use crate::sqlite::{self, is_damage};
use search::Search;

impl Directory {
    /// Users that a query wants, by domain and login.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn find_users(&self, query: &UserQuery) -> Result<FoundPage<UserRecord>, Unavailable> {
        let snapshot = self.snapshot();
        let page = (query.after.as_ref(), query.limit);
        let filter = &query.filter;
        let ids = if filter.is_plain() {
            if query.after.is_none() {
                self.prepare_find();
            }
            let domains = domains(
                &snapshot,
                &filter.scope,
                &filter.domains,
                query.after.as_ref(),
            );
            plain(&lock(&self.reader), Kind::User, &domains, page)?
        } else {
            let roster = self.keeper.roster(Kind::User, &snapshot, &self.reader)?;
            Search::new(&snapshot, &roster, filter, query.after.as_ref()).page(query.limit)
        };
        self.read_page(&ids, page.1, sqlite::user::read, |user| {
            Cursor::new(&user.domain, &user.login)
        })
    }

    /// Shared mailboxes that a query wants, by domain and name.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn find_mailboxes(
        &self,
        query: &ObjectQuery,
    ) -> Result<FoundPage<SharedRecord>, Unavailable> {
        let ids = self.find_objects(Kind::Mailbox, query)?;
        self.read_page(&ids, query.limit, sqlite::mailbox::read, |mailbox| {
            Cursor::new(&mailbox.domain, &mailbox.name)
        })
    }

    /// Groups that a query wants, by domain and name.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn find_groups(&self, query: &ObjectQuery) -> Result<FoundPage<GroupRecord>, Unavailable> {
        let ids = self.find_objects(Kind::Group, query)?;
        self.read_page(&ids, query.limit, sqlite::group::read, |group| {
            Cursor::new(&group.domain, &group.name)
        })
    }

    /// Domains that a query wants, by main name; the text may be in any of their names.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn find_domains(
        &self,
        query: &ObjectQuery,
    ) -> Result<FoundPage<DomainRecord>, Unavailable> {
        let snapshot = self.snapshot();
        let text = folded(&query.text);
        let after = query.after.as_ref();
        let ids: Vec<u32> = domains(&snapshot, &query.scope, &query.domains, after)
            .into_iter()
            .filter(|domain| after.is_none_or(|after| domain.name.as_str() > after.domain()))
            .filter(|domain| names(domain).any(|name| name.as_str().contains(&text)))
            .map(|domain| domain.id.0)
            .take(query.limit.saturating_add(1))
            .collect();
        let read =
            |store: &Connection, id| Ok(sqlite::domain::read(store, id)?.map(|(stored, _)| stored));
        self.read_page(&ids, query.limit, read, |domain| {
            Cursor::new(&domain.name, "")
        })
    }

    /// How many users there are in each domain; domains without any are left out.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub fn count_users(
        &self,
        filter: &UserFilter,
    ) -> Result<HashMap<DomainId, UserCounts>, Unavailable> {
        let snapshot = self.snapshot();
        if filter.is_plain() {
            let wanted = domains(&snapshot, &filter.scope, &filter.domains, None);
            let all = snapshot.user_counts();
            let counted = wanted.iter().filter_map(|domain| {
                let counts = all.get(&domain.id.0)?;
                (counts.all() > 0).then_some((domain.id, *counts))
            });
            return Ok(counted.collect());
        }
        let roster = self.keeper.roster(Kind::User, &snapshot, &self.reader)?;
        Ok(Search::new(&snapshot, &roster, filter, None).counts())
    }

    /// Begins to make what finding users needs, in another thread, unless it is there.
    pub fn prepare_find(&self) {
        self.keeper.prepare(Kind::User);
    }

    /// Drops what finding needs, unless it was used since this was called last.
    pub fn drop_unused(&self) {
        self.keeper.drop_unused();
    }

    fn find_objects(&self, kind: Kind, query: &ObjectQuery) -> Result<Vec<u32>, Unavailable> {
        let snapshot = self.snapshot();
        let after = query.after.as_ref();
        if folded(&query.text).is_empty() {
            let domains = domains(&snapshot, &query.scope, &query.domains, after);
            return Ok(plain(
                &lock(&self.reader),
                kind,
                &domains,
                (after, query.limit),
            )?);
        }
        let filter = UserFilter {
            domains: query.domains.clone(),
            text: query.text.clone(),
            ..UserFilter::within(query.scope.clone())
        };
        let roster = self.keeper.roster(kind, &snapshot, &self.reader)?;
        Ok(Search::new(&snapshot, &roster, &filter, after).page(query.limit))
    }

    /// Reads what was found; one more than the limit tells that there is another page.
    fn read_page<T>(
        &self,
        ids: &[u32],
        limit: usize,
        read: impl Fn(&Connection, u32) -> rusqlite::Result<Option<Stored<T>>>,
        cursor: impl Fn(&T) -> Cursor,
    ) -> Result<FoundPage<T>, Unavailable> {
        let reader = lock(&self.reader);
        let mut items = Vec::with_capacity(ids.len().min(limit));
        for id in ids.iter().take(limit) {
            match read(&reader, *id) {
                Err(error) if is_damage(&error) => {
                    tracing::error!(id, %error, "object in the directory cannot be read, left out");
                }
                found => items.extend(found?),
            }
        }
        let next = match items.last() {
            Some(last) if ids.len() > limit => Some(cursor(&last.record)),
            _ => None,
        };
        Ok(FoundPage { items, next })
    }
}

/// A text as it is looked for.
fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

fn names(domain: &DomainRoute) -> impl Iterator<Item = &Domain> {
    std::iter::once(&domain.name).chain(&domain.aliases)
}

/// The domains in which is looked, by name, from that of the cursor on.
fn domains<'a>(
    snapshot: &'a Snapshot,
    scope: &Scope,
    wanted: &[Domain],
    after: Option<&Cursor>,
) -> Vec<&'a DomainRoute> {
    let first = after.map_or("", Cursor::domain);
    let mut all: Vec<&DomainRoute> = snapshot
        .domains()
        .filter(|domain| domain.name.as_str() >= first)
        .filter(|domain| wanted.is_empty() || wanted.contains(&domain.name))
        .filter(|domain| scope.has(&domain.name))
        .collect();
    all.sort_unstable_by_key(|domain| domain.name.as_str());
    all
}

/// The numbers of objects without regard to what they are: one more than wanted, if there is.
fn plain(
    store: &Connection,
    kind: Kind,
    domains: &[&DomainRoute],
    (after, limit): (Option<&Cursor>, usize),
) -> rusqlite::Result<Vec<u32>> {
    let mut statement = store.prepare_cached(match kind {
        Kind::Group => {
            "SELECT id FROM mail_group WHERE domain_id = ?1 AND name > ?2 ORDER BY name LIMIT ?3"
        }
        Kind::Mailbox => {
            "SELECT id FROM mailbox WHERE domain_id = ?1 AND name > ?2 ORDER BY name LIMIT ?3"
        }
        _ => "SELECT id FROM user WHERE domain_id = ?1 AND login > ?2 ORDER BY login LIMIT ?3",
    })?;
    let most = limit.saturating_add(1);
    let mut ids = Vec::new();
    for domain in domains {
        let first = after.filter(|after| after.domain() == domain.name.as_str());
        let rows = params![
            domain.id.0,
            first.map_or("", Cursor::name),
            most - ids.len()
        ];
        for id in statement.query_map(rows, |row| row.get(0))? {
            ids.push(id?);
        }
        if ids.len() >= most {
            break;
        }
    }
    Ok(ids)
}
