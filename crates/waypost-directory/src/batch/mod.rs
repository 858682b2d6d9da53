//! Edits made together: written in one transaction, then checked as a whole.
//!
//! What a batch writes first is what others name: targets and peers, domains, users,
//! shared mailboxes, groups. It removes in the opposite order. So the order in which edits are given is free.

mod put;
mod put_admin;
mod remove;

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::SystemTime;

use rusqlite::Connection;
use waypost_proto::mail::Domain;

use crate::edit::{Actor, Changed, Edit, MingerHere, Progress, When};
use crate::error::Breach;
use crate::model::{Key, Kind, Names, Object, Quota};
use crate::rules::{self, Report, words};
use crate::sqlite::address::AddressRow;
use crate::sqlite::audit::{self, Write};
use crate::sqlite::{self, Identity};
use crate::{Address, Problem, Words, json};

/// An object that a batch has written, as publishing and the rules need it.
#[derive(Debug, Clone)]
pub(crate) struct Touched {
    /// Which edit did it.
    pub(crate) edit: usize,
    pub(crate) kind: Kind,
    pub(crate) id: u32,
    /// What it was before.
    pub(crate) before: Before,
    /// Where it received before.
    pub(crate) addresses: Vec<AddressRow>,
    pub(crate) removed: bool,
}

/// What a rule must know of an object as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    /// A domain.
    Domain {
        /// It had a relay.
        relay: bool,
        /// Its aliases were other ones.
        renamed: bool,
    },
    /// A token.
    Token {
        /// It ended at another time.
        prolonged: bool,
    },
    /// Nothing.
    Nothing,
    /// Any other object.
    Something,
}

/// What other objects of a domain need of it.
#[derive(Debug)]
pub(crate) struct DomainFacts {
    pub(crate) id: u32,
    pub(crate) names: Vec<(u32, Domain)>,
    pub(crate) has_relay: bool,
    pub(crate) quota: Quota,
}

/// A transaction's worth of edits.
pub(crate) struct Batch<'a> {
    store: &'a Connection,
    actor: &'a Actor<'a>,
    pub(crate) minger: &'a MingerHere,
    domains: HashMap<Domain, Option<Rc<DomainFacts>>>,
    pub(crate) report: Report,
    pub(crate) touched: Vec<Touched>,
    pub(crate) changed: Changed,
}

/// Progress is told about this often.
const PROGRESS_STEP: usize = 500;

impl<'a> Batch<'a> {
    pub(crate) fn new(store: &'a Connection, actor: &'a Actor<'a>, minger: &'a MingerHere) -> Self {
        Self {
            store,
            actor,
            minger,
            domains: HashMap::new(),
            report: Report::default(),
            touched: Vec::new(),
            changed: Changed::default(),
        }
    }

    /// Writes all edits and checks what comes of them; the report says whether to commit.
    pub(crate) fn run(
        &mut self,
        edits: &[Edit],
        progress: &mut Progress<'_>,
    ) -> rusqlite::Result<ControlFlow<()>> {
        self.refuse_repeated(edits);
        let total = edits.len() * 2;
        let superadministrators = sqlite::admin::usable(self.store)?;
        for (done, index) in in_order(edits).into_iter().enumerate() {
            if done % PROGRESS_STEP == 0 && progress(done, total).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            match &edits[index] {
                Edit::Put(object, when) => self.put(index, object, *when)?,
                Edit::Remove(key, when) => self.remove(index, key, *when)?,
            }
        }
        if self.touches(Kind::Domain) || self.touches(Kind::Gateway) {
            sqlite::target::remove_unused(self.store)?;
        }
        let touched = std::mem::take(&mut self.touched);
        for (done, object) in touched.iter().enumerate() {
            if done % PROGRESS_STEP == 0 && progress(edits.len() + done, total).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            rules::store::check(self, &edits[object.edit], object)?;
        }
        self.touched = touched;
        if self.touches(Kind::Admin) || self.touches(Kind::User) {
            rules::admins::last_one(self, edits, &superadministrators)?;
        }
        self.changed.change = audit::last(self.store)?;
        Ok(progress(total, total))
    }

    pub(crate) fn store(&self) -> &'a Connection {
        self.store
    }

    /// When the edits are made.
    pub(crate) fn now(&self) -> SystemTime {
        self.actor.at
    }

    /// Whether an object of the kind was written.
    pub(crate) fn touches(&self, kind: Kind) -> bool {
        self.touched.iter().any(|touched| touched.kind == kind)
    }

    /// The domain with this main name, as the batch has made it so far.
    pub(crate) fn domain(&mut self, name: &Domain) -> rusqlite::Result<Option<Rc<DomainFacts>>> {
        if let Some(known) = self.domains.get(name) {
            return Ok(known.clone());
        }
        let found = match sqlite::domain::find(self.store, name)? {
            Some(identity) => sqlite::domain::read(self.store, identity.id)?,
            None => None,
        };
        let facts = match found {
            Some((stored, relay)) => Some(Rc::new(DomainFacts {
                id: stored.id,
                names: sqlite::domain::names(self.store, stored.id)?,
                has_relay: relay.is_some(),
                quota: stored.record.quota,
            })),
            None => None,
        };
        self.domains.insert(name.clone(), facts.clone());
        Ok(facts)
    }

    fn refuse_repeated(&mut self, edits: &[Edit]) {
        let mut seen = HashSet::new();
        for (index, edit) in edits.iter().enumerate() {
            let key = edit.key();
            // Peers and targets have one name between them.
            let name = match key.clone() {
                Key::Peer(name) => Key::Target(name),
                key => key,
            };
            if !seen.insert(name) {
                let field = key_field(&key);
                self.report.about(index, &key).add(field, words::EDIT_TWICE);
            }
        }
    }

    /// Whether the edit's precondition holds.
    fn admits(&mut self, edit: usize, key: &Key, found: Option<Identity>, when: When) -> bool {
        let (breach, words): (Breach, Words) = match (when, found) {
            (When::Absent, Some(_)) => (Breach::Exists, words::EXISTS.into()),
            (When::Present | When::Revision(_), None) => (Breach::Missing, words::MISSING.into()),
            (When::Revision(wanted), Some(Identity { revision, .. })) if wanted != revision => {
                let stale = words::REVISION_STALE.having("found", revision);
                (Breach::Stale, stale.having("wanted", wanted))
            }
            _ => return true,
        };
        let field = key_field(key);
        self.report.about(edit, key).add_as(breach, field, words);
        false
    }

    /// Numbers and records a write.
    fn written(
        &mut self,
        key: &Key,
        before: Option<&Object>,
        after: Option<&Object>,
        touched: Touched,
    ) -> rusqlite::Result<()> {
        match (touched.before, after) {
            (Before::Nothing, _) => self.changed.created += 1,
            (_, Some(_)) => self.changed.changed += 1,
            (_, None) => self.changed.removed += 1,
        }
        let before = before.map(json::object);
        let after = after.map(json::object);
        let write = Write {
            id: touched.id,
            before: before.as_deref(),
            after: after.as_deref(),
        };
        audit::record(self.store, self.actor, key, &write)?;
        self.touched.push(touched);
        Ok(())
    }

    /// The number of the name at which an address is valid; a problem if the domain has no such.
    fn name_id(
        &mut self,
        edit: usize,
        key: &Key,
        facts: &DomainFacts,
        address: &Address,
    ) -> Option<Option<u32>> {
        let Names::One(wanted) = address.names() else {
            return Some(None);
        };
        let found = facts.names.iter().find(|(_, name)| name == wanted);
        if let Some((id, _)) = found {
            return Some(Some(*id));
        }
        let main = facts.names.first().map(|(_, name)| name.to_string());
        let main = main.unwrap_or_default();
        self.report.about(edit, key).add(
            "addresses",
            words::ADDRESS_NOT_OF_DOMAIN
                .having("address", address)
                .having("wanted", wanted)
                .having("main", &main),
        );
        None
    }
}

/// The field that names an object of this kind.
pub(crate) fn key_field(key: &Key) -> &'static str {
    match key {
        Key::User(..) | Key::Admin(_) => "login",
        Key::Gateway(_) => "domain",
        Key::Token(_) => "id",
        _ => "name",
    }
}

/// Puts before removals; puts from what is named to what names it, removals the other way.
fn in_order(edits: &[Edit]) -> Vec<usize> {
    let rank = |kind: Kind| match kind {
        Kind::Target | Kind::Peer => 0,
        Kind::Domain | Kind::Gateway => 1,
        Kind::User => 2,
        Kind::Mailbox => 3,
        Kind::Group => 4,
        Kind::Admin => 5,
        Kind::Token => 6,
        Kind::Hold => 7,
    };
    let mut order: Vec<usize> = (0..edits.len()).collect();
    order.sort_by_key(|index| match &edits[*index] {
        Edit::Put(object, _) => rank(object.kind()),
        Edit::Remove(key, _) => 20 - rank(key.kind()),
    });
    order
}

/// What the rules report, or nothing.
pub(crate) fn problems(batch: Batch<'_>) -> Result<(Changed, Vec<Touched>), Vec<Problem>> {
    if batch.report.problems.is_empty() {
        Ok((batch.changed, batch.touched))
    } else {
        Err(batch.report.problems)
    }
}
