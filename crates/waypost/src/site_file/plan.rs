//! What must change for the directory to be what a site file says, and changing it.

use std::collections::{HashMap, HashSet};
use std::fmt;

use waypost_admin::request::Fault;
use waypost_directory::{
    Actor, Changed, Directory, Edit, EditError, Here, Key, Kind, LOCAL, Object, Progress, Stored,
    Unavailable, When,
};

use super::export::each;
use super::fields;
use super::read::{Place, SiteFile, Written};
use crate::bridge;

/// What happens to one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    key: Key,
    change: Change,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Change {
    Create,
    /// Key, value before, value after.
    Fields(Vec<(&'static str, String, String)>),
    Remove,
}

/// The edits that make the steps.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    edits: Vec<Edit>,
    /// What each edit finds.
    before: Vec<Option<Object>>,
    /// Where it is written what each edit saves.
    written: Vec<Option<Place>>,
}

/// Why a plan was not carried out.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Rules of the directory, with the lines of the site file.
    Rejected(Vec<Fault>),
    /// Whoever watched the progress wanted no more of it.
    Cancelled,
    /// Nothing can be saved now.
    Unavailable(Unavailable),
}

impl From<Unavailable> for Failure {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error)
    }
}

/// What a site file writes, until the plan has it.
struct Wanted {
    written: Vec<Option<Written>>,
    by_key: HashMap<Key, usize>,
    is_there: Vec<bool>,
}

impl Wanted {
    fn of(site: SiteFile) -> Self {
        let written: Vec<_> = site.objects.into_iter().map(Some).collect();
        let keys = written.iter().flatten().map(|written| written.object.key());
        Self {
            by_key: keys.enumerate().map(|(place, key)| (key, place)).collect(),
            is_there: vec![false; written.len()],
            written,
        }
    }

    /// What is written of an object of the directory, the first time that it is asked for.
    fn take(&mut self, key: &Key) -> Option<Option<Written>> {
        let place = self.by_key.get(key).copied();
        let other = || self.by_key.get(&renamed(key)?).copied();
        let place = place.or_else(other)?;
        *self.is_there.get_mut(place)? = true;
        Some(self.written.get_mut(place)?.take())
    }
}

impl Plan {
    /// Compares; with `prune`, what is not in the file is removed if it was made here.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub(crate) fn make(
        directory: &Directory,
        site: SiteFile,
        prune: bool,
    ) -> Result<Self, Unavailable> {
        let mut plan = Self::default();
        if prune || directory.snapshot().user_count() <= site.objects.len() as u64 {
            plan.compare_all(directory, Wanted::of(site), prune)?;
        } else {
            plan.compare_written(directory, site)?;
        }
        Ok(plan)
    }

    /// Goes through the directory.
    fn compare_all(
        &mut self,
        directory: &Directory,
        mut wanted: Wanted,
        prune: bool,
    ) -> Result<(), Unavailable> {
        each(directory, |stored| {
            match wanted.take(&stored.record.key()) {
                Some(Some(written)) => self.change(stored, written),
                Some(None) => {}
                None if prune && stored.origin == LOCAL => self.remove(stored),
                None => {}
            }
        })?;
        let written = wanted.written.into_iter().zip(wanted.is_there);
        let new = written.filter(|(_, is_there)| !is_there);
        new.filter_map(|(written, _)| written)
            .for_each(|written| self.create(written));
        Ok(())
    }

    /// Goes through the site file, and looks for each object in the directory, which has more.
    fn compare_written(
        &mut self,
        directory: &Directory,
        site: SiteFile,
    ) -> Result<(), Unavailable> {
        let (mut new, mut known) = (Vec::new(), Vec::new());
        for written in site.objects {
            let key = written.object.key();
            let mut stored = directory.readable(&key)?;
            if let (None, Some(other)) = (&stored, renamed(&key)) {
                stored = directory.readable(&other)?;
            }
            match stored {
                None => new.push(written),
                Some(stored) if stored.record == written.object => {}
                Some(stored) => known.push((stored, written)),
            }
        }
        // In the order in which going through the directory finds them.
        known.sort_by_key(|(stored, _)| (rank(&stored.record), stored.id));
        known
            .into_iter()
            .for_each(|(stored, written)| self.change(stored, written));
        new.into_iter().for_each(|written| self.create(written));
        Ok(())
    }

    fn create(&mut self, written: Written) {
        // Whatever is there under this name cannot be read: it is replaced.
        self.edits.push(Edit::Put(written.object, When::Any));
        self.before.push(None);
        self.written.push(Some(written.place));
    }

    fn change(&mut self, stored: Stored<Object>, written: Written) {
        if stored.record == written.object {
            return;
        }
        let when = When::Revision(stored.revision);
        self.edits.push(Edit::Put(written.object, when));
        self.before.push(Some(stored.record));
        self.written.push(Some(written.place));
    }

    fn remove(&mut self, stored: Stored<Object>) {
        let key = stored.record.key();
        self.edits
            .push(Edit::Remove(key, When::Revision(stored.revision)));
        self.before.push(Some(stored.record));
        self.written.push(None);
    }

    /// How many steps there are.
    pub(crate) fn len(&self) -> usize {
        self.edits.len()
    }

    /// What would happen, object by object; each prints as one or more lines.
    pub(crate) fn steps(&self) -> impl Iterator<Item = Step> {
        let edits = self.edits.iter().zip(&self.before);
        edits.map(|(edit, before)| Step {
            key: edit.key(),
            change: match (edit, before) {
                (Edit::Remove(..), _) => Change::Remove,
                (Edit::Put(..), None) => Change::Create,
                (Edit::Put(after, _), Some(before)) => Change::Fields(differences(before, after)),
            },
        })
    }

    /// Every object that is saved, with what it was before and the line of its addresses.
    pub(crate) fn saved(
        &self,
    ) -> impl Iterator<Item = (&Object, Option<&Object>, Option<usize>)> + Clone {
        let written = self.written.iter().zip(&self.before);
        self.edits
            .iter()
            .zip(written)
            .filter_map(|(edit, (written, before))| match edit {
                Edit::Put(object, _) => {
                    let line = written.as_ref().map(|written| written.line_of("addresses"));
                    Some((object, before.as_ref(), line))
                }
                Edit::Remove(..) => None,
            })
    }

    /// Every object that is saved or removed, as it was and as it will be.
    pub(crate) fn touched(&self) -> impl Iterator<Item = &Object> {
        let after = self.edits.iter().filter_map(|edit| match edit {
            Edit::Put(object, _) => Some(object),
            Edit::Remove(..) => None,
        });
        self.before.iter().flatten().chain(after)
    }

    /// Makes the changes, all or none.
    ///
    /// # Errors
    ///
    /// [`Failure`]; then nothing has changed.
    pub(crate) fn apply(
        &self,
        directory: &Directory,
        (actor, here): (&Actor<'_>, &dyn Here),
        progress: &mut Progress<'_>,
    ) -> Result<Changed, Failure> {
        directory
            .edit_with_progress(actor, here, &self.edits, progress)
            .map_err(|error| self.failure(error))
    }

    /// Checks the rules and says what would change; changes nothing.
    ///
    /// # Errors
    ///
    /// As [`Plan::apply`].
    pub(crate) fn rehearse(
        &self,
        directory: &Directory,
        (actor, here): (&Actor<'_>, &dyn Here),
        progress: &mut Progress<'_>,
    ) -> Result<Changed, Failure> {
        directory
            .rehearse(actor, here, &self.edits, progress)
            .map_err(|error| self.failure(error))
    }

    fn failure(&self, error: EditError) -> Failure {
        let rejected = match error {
            EditError::Rejected(rejected) => rejected,
            EditError::Cancelled => return Failure::Cancelled,
            EditError::Unavailable(error) => return Failure::Unavailable(error),
        };
        let faults = rejected.problems.into_iter().map(|problem| {
            let written = problem.edit.and_then(|edit| self.written.get(edit));
            let written = written.and_then(Option::as_ref);
            let line = written.map(|written| written.line_of(problem.field));
            bridge::fault(problem).on(line)
        });
        let mut faults: Vec<Fault> = faults.collect();
        faults.sort_by_key(|fault| fault.line);
        Failure::Rejected(faults)
    }
}

/// The order in which [`each`] takes the kinds.
fn rank(object: &Object) -> usize {
    let kinds = [
        Kind::Target,
        Kind::Peer,
        Kind::Domain,
        Kind::Gateway,
        Kind::User,
        Kind::Mailbox,
        Kind::Group,
    ];
    let found = kinds.iter().position(|kind| *kind == object.kind());
    found.unwrap_or(kinds.len())
}

/// A target can become a peer, and a peer a target: one name means one server.
fn renamed(key: &Key) -> Option<Key> {
    match key {
        Key::Peer(name) => Some(Key::Target(name.clone())),
        Key::Target(name) => Some(Key::Peer(name.clone())),
        _ => None,
    }
}

/// The fields that are not the same, secrets without their values.
fn differences(before: &Object, after: &Object) -> Vec<(&'static str, String, String)> {
    let (before, after) = (fields::of(before), fields::of(after));
    let value = |fields: &[fields::Field], key: &str| {
        let found = fields.iter().find(|(name, _)| *name == key);
        found.map(|(_, value)| value.clone())
    };
    let mut keys: Vec<&'static str> = before.iter().map(|(key, _)| *key).collect();
    keys.extend(after.iter().map(|(key, _)| *key));
    let mut seen = HashSet::new();
    let shown = |key: &str, value: Option<String>| match value {
        None => "not set".to_owned(),
        Some(value) if fields::SECRETS.contains(&key) && value != "\"\"" => "***".to_owned(),
        Some(value) => value,
    };
    keys.into_iter()
        .filter(|key| seen.insert(*key))
        .map(|key| (key, value(&before, key), value(&after, key)))
        .filter(|(_, before, after)| before != after)
        .map(|(key, before, after)| (key, shown(key, before), shown(key, after)))
        .collect()
}

impl fmt::Display for Step {
    /// `create user jdoe@example.com`, or a change with its fields on lines of their own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match &self.change {
            Change::Create => write!(f, "create {key}"),
            Change::Remove => write!(f, "remove {key}"),
            Change::Fields(fields) => {
                write!(f, "change {key}")?;
                for (field, before, after) in fields {
                    write!(f, "\n  {field}: {before} → {after}")?;
                }
                Ok(())
            }
        }
    }
}
