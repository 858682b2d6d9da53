//! Many users at once: what can be saved is saved, and why the rest was not is told.

use std::collections::{BTreeSet, HashSet};
use std::ops::ControlFlow;

use serde_json::{Value, json};
use waypost_admin::request::{Fault, Filter, Kind, Refused, UserAction, UsersMany, words};
use waypost_directory::{
    Actor, Changed, Cursor, Edit, EditError, Key, MailType, Object, Rejected, UserQuery,
    UserRecord, When,
};
use waypost_mta::clock::{Clock as _, SystemClock};

use super::{Asked, find, later};
use crate::object;

/// Users that are saved together.
const TOGETHER: usize = 500;
/// Refusals that are told one by one.
const NAMED_MAX: usize = 10_000;
/// Users that cannot be saved together, and are then tried one by one.
const RETRIED_MAX: usize = 200;

/// One user to be saved or removed.
pub(super) struct Piece {
    pub(super) edit: Edit,
    pub(super) before: Option<Object>,
    /// Where it is written, if it is.
    pub(super) line: Option<usize>,
}

/// How pieces are saved.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    /// Nothing is saved: it is only tried.
    pub(super) dry_run: bool,
    /// Peers are not asked.
    pub(super) force: bool,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Tally {
    total: usize,
    done: usize,
    created: usize,
    changed: usize,
    removed: usize,
    unchanged: usize,
    refused: usize,
    named: Vec<Fault>,
    notes: Vec<String>,
    cancelled: bool,
    /// Administrators whom the caller may not touch.
    above: HashSet<String>,
}

impl Asked {
    pub(super) fn users_many(&self, many: UsersMany) -> Result<Value, Refused> {
        let mut tally = Tally::of(0, many.above);
        let names = self.chosen_users(many.names, many.filter.as_ref(), &mut tally)?;
        tally.total += names.len();
        let how = How {
            dry_run: false,
            // No address is new.
            force: true,
        };
        for together in names.chunks(TOGETHER) {
            if self.is_over(&mut tally) {
                break;
            }
            let mut pieces = Vec::with_capacity(together.len());
            for key in together {
                pieces.extend(self.piece(key, &many.action, &mut tally)?);
            }
            self.save(pieces, how, &mut tally)?;
        }
        Ok(tally.told(how))
    }

    /// The users that are meant.
    fn chosen_users(
        &self,
        names: Vec<String>,
        filter: Option<&Filter>,
        tally: &mut Tally,
    ) -> Result<Vec<Key>, Refused> {
        let wanted = filter.map(find::wanted).transpose()?;
        if names.is_empty() {
            let filter = wanted.ok_or_else(|| Refused::of(words::USERS_NONE))?;
            return self.all_of(&filter);
        }
        let mut keys = Vec::with_capacity(names.len());
        for name in BTreeSet::from_iter(names) {
            let seen = |key: &Key| match (key, &wanted) {
                (Key::User(domain, _), Some(filter)) => filter.scope.has(domain),
                _ => true,
            };
            match object::key(Kind::User, &name) {
                Ok(key) if seen(&key) => keys.push(key),
                Ok(key) => tally.refuse(missing(&key)),
                Err(fault) => tally.refuse(fault),
            }
        }
        Ok(keys)
    }

    fn all_of(&self, filter: &waypost_directory::UserFilter) -> Result<Vec<Key>, Refused> {
        let mut keys = Vec::new();
        let mut after: Option<Cursor> = None;
        loop {
            let query = UserQuery {
                filter: filter.clone(),
                after,
                limit: TOGETHER,
            };
            let page = self.directory.find_users(&query).map_err(|e| later(&e))?;
            let users = page.items.into_iter();
            keys.extend(users.map(|user| Key::User(user.record.domain, user.record.login)));
            after = page.next;
            if after.is_none() || self.report.is_cancelled() {
                return Ok(keys);
            }
        }
    }

    fn piece(
        &self,
        key: &Key,
        action: &UserAction,
        tally: &mut Tally,
    ) -> Result<Option<Piece>, Refused> {
        let Some((before, revision)) = self.read(key)? else {
            tally.refuse(missing(key));
            return Ok(None);
        };
        let Object::User(record) = &before else {
            return Ok(None);
        };
        let when = When::Revision(revision);
        let edit = match action {
            UserAction::Remove => Edit::Remove(key.clone(), when),
            action => Edit::Put(Object::User(changed(record.clone(), action)), when),
        };
        Ok(Some(Piece {
            edit,
            before: Some(before),
            line: None,
        }))
    }

    /// Whether somebody has cancelled it; says how far it is.
    pub(super) fn is_over(&self, tally: &mut Tally) -> bool {
        self.report
            .progress("saving", tally.done as u64, tally.total as u64);
        tally.cancelled |= self.report.is_cancelled();
        tally.cancelled
    }

    /// Saves those that can be saved, and tells why of the others.
    pub(super) fn save(
        &self,
        pieces: Vec<Piece>,
        how: How,
        tally: &mut Tally,
    ) -> Result<(), Refused> {
        let count = pieces.len();
        let pieces = tally.without_those_above(pieces);
        let pieces = if how.dry_run || how.force {
            pieces
        } else {
            self.without_objections(pieces, tally)?
        };
        self.save_good(pieces, how, tally)?;
        tally.done += count;
        Ok(())
    }

    /// Asks peers about new addresses.
    fn without_objections(
        &self,
        mut pieces: Vec<Piece>,
        tally: &mut Tally,
    ) -> Result<Vec<Piece>, Refused> {
        let saved = pieces.iter().filter_map(|piece| match &piece.edit {
            Edit::Put(object, _) => Some((object, piece.before.as_ref(), piece.line)),
            Edit::Remove(..) => None,
        });
        let new = self.new_addresses(saved)?;
        if new.is_empty() {
            return Ok(pieces);
        }
        let faults = self.objections(&new).into_iter();
        let faults: Vec<Fault> = faults.map(|objection| objection.fault()).collect();
        pieces.retain(|piece| {
            let name = piece.edit.key().to_string();
            !faults.iter().any(|fault| fault.object == name)
        });
        tally.refuse_all(faults);
        Ok(pieces)
    }

    fn save_good(
        &self,
        mut pieces: Vec<Piece>,
        how: How,
        tally: &mut Tally,
    ) -> Result<(), Refused> {
        let mut bad = Vec::new();
        while !pieces.is_empty() {
            let rejected = match self.attempt(&pieces, how) {
                Ok(changed) => {
                    tally.add(changed);
                    break;
                }
                Err(EditError::Rejected(rejected)) => rejected,
                Err(error) => return tally.stop(error),
            };
            let places: BTreeSet<usize> = rejected.problems.iter().filter_map(|p| p.edit).collect();
            if places.is_empty() && pieces.len() > 1 {
                // Something that nobody of them names is wrong: by halves, it is found whose
                // doing it is.
                let rest = pieces.split_off(pieces.len() / 2);
                self.save_good(pieces, how, tally)?;
                pieces = rest;
                continue;
            }
            if places.is_empty() || places.len() > RETRIED_MAX {
                tally.refuse_all(told(rejected, &pieces));
            }
            let all = std::mem::take(&mut pieces).into_iter().enumerate();
            let (wrong, good): (Vec<_>, Vec<_>) =
                all.partition(|(place, _)| places.is_empty() || places.contains(place));
            pieces = good.into_iter().map(|(_, piece)| piece).collect();
            if (1..=RETRIED_MAX).contains(&places.len()) {
                bad.extend(wrong.into_iter().map(|(_, piece)| piece));
            }
        }
        self.save_each(bad, how, tally)
    }

    /// Saves one after the other those that cannot all be saved: of two that want the same
    /// address, the first gets it.
    fn save_each(&self, bad: Vec<Piece>, how: How, tally: &mut Tally) -> Result<(), Refused> {
        let mut tried: Vec<Piece> = Vec::new();
        let mut rehearsed = Changed::default();
        for piece in bad {
            tried.push(piece);
            match self.attempt(&tried, how) {
                // Nothing is saved: the next must see these, too.
                Ok(changed) if how.dry_run => rehearsed = changed,
                Ok(changed) => {
                    tally.add(changed);
                    tried.clear();
                }
                Err(EditError::Rejected(mut rejected)) => {
                    let last = tried.len() - 1;
                    if rejected.problems.iter().any(|p| p.edit == Some(last)) {
                        rejected.problems.retain(|p| p.edit == Some(last));
                    }
                    tally.refuse_all(told(rejected, &tried));
                    tried.pop();
                }
                Err(error) => return tally.stop(error),
            }
        }
        tally.add(rehearsed);
        Ok(())
    }

    fn attempt(&self, pieces: &[Piece], how: How) -> Result<Changed, EditError> {
        let edits: Vec<Edit> = pieces.iter().map(|piece| piece.edit.clone()).collect();
        let actor = Actor {
            name: &self.caller.name,
            from: &self.caller.from,
            at: SystemClock.wall(),
        };
        let mut progress = |done: usize, total: usize| {
            if how.dry_run {
                self.report.progress("trying", done as u64, total as u64);
            }
            match self.report.is_cancelled() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        if how.dry_run {
            return self
                .directory
                .rehearse(&actor, &self.here, &edits, &mut progress);
        }
        let changed =
            self.directory
                .edit_with_progress(&actor, &self.here, &edits, &mut progress)?;
        let before = pieces.iter().filter_map(|piece| piece.before.clone());
        self.forget(&edits, &before.collect::<Vec<_>>());
        Ok(changed)
    }
}

/// What a user is after it.
fn changed(mut user: UserRecord, action: &UserAction) -> UserRecord {
    match action {
        UserAction::Mail(mail) => {
            user.mail = MailType::from(*mail);
            user.target = None;
            if user.mail != MailType::ThirdParty {
                user.relayed = None;
            }
        }
        UserAction::Target(target) => {
            user.mail = MailType::ThirdParty;
            user.target = (!target.is_empty()).then(|| target.clone());
        }
        UserAction::Suspend => user.suspended = true,
        UserAction::Resume => user.suspended = false,
        UserAction::Remove => {}
    }
    user
}

fn missing(key: &Key) -> Fault {
    Fault::new(&key.to_string(), "", words::USER_GONE)
}

/// What is wrong, with the lines that say it.
fn told(rejected: Rejected, pieces: &[Piece]) -> Vec<Fault> {
    let problems = rejected.problems.into_iter();
    problems
        .map(|problem| {
            let piece = problem.edit.and_then(|place| pieces.get(place));
            let piece = piece.or_else(|| pieces.last());
            super::fault(problem).on(piece.and_then(|piece| piece.line))
        })
        .collect()
}

impl Tally {
    pub(super) fn of(total: usize, above: Vec<String>) -> Self {
        Self {
            total,
            above: above.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Refuses what concerns those whom the caller may not touch.
    fn without_those_above(&mut self, mut pieces: Vec<Piece>) -> Vec<Piece> {
        if self.above.is_empty() {
            return pieces;
        }
        let above = |piece: &Piece| match piece.edit.key() {
            Key::User(domain, login) => self.above.contains(&format!("{login}@{domain}")),
            _ => false,
        };
        let refused: Vec<Piece> = pieces.extract_if(.., |piece| above(piece)).collect();
        for piece in refused {
            let object = piece.edit.key().to_string();
            self.refuse(Fault::new(&object, "", words::ADMIN_ABOVE).on(piece.line));
        }
        pieces
    }

    /// It goes no further: what cancelled it is told with the rest.
    fn stop(&mut self, error: EditError) -> Result<(), Refused> {
        if matches!(error, EditError::Cancelled) {
            self.cancelled = true;
            return Ok(());
        }
        Err(super::refused(error))
    }

    fn add(&mut self, changed: Changed) {
        self.created += changed.created;
        self.changed += changed.changed;
        self.removed += changed.removed;
        self.unchanged += changed.unchanged;
        for note in changed.notes {
            if self.notes.len() < NAMED_MAX && !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }

    /// One who was not saved, for this one reason.
    pub(super) fn refuse(&mut self, fault: Fault) {
        self.refuse_all(vec![fault]);
    }

    /// Those who were not saved, each with every reason.
    pub(super) fn refuse_all(&mut self, faults: Vec<Fault>) {
        let who = |fault: &Fault| (fault.line, fault.object.clone());
        self.refused += faults.iter().map(who).collect::<BTreeSet<_>>().len();
        let room = NAMED_MAX.saturating_sub(self.named.len());
        self.named.extend(faults.into_iter().take(room));
    }

    pub(super) fn told(mut self, how: How) -> Value {
        self.named.sort_by_key(|fault| fault.line);
        let summary = self.summary(how);
        json!({
            "dry_run": how.dry_run,
            "created": self.created,
            "changed": self.changed,
            "removed": self.removed,
            "unchanged": self.unchanged,
            "refused": self.refused,
            "named": self.named,
            "notes": self.notes,
            "cancelled": self.cancelled,
            "summary": summary,
        })
    }

    fn summary(&self, how: How) -> String {
        let when = if how.dry_run { "would be " } else { "" };
        let Self {
            created,
            changed,
            removed,
            unchanged,
            refused,
            ..
        } = self;
        let end = if self.cancelled { "; cancelled" } else { "" };
        format!(
            "{when}{created} created, {changed} changed, {removed} removed, {unchanged} as they \
             were, {refused} refused{end}"
        )
    }
}
