//! What must change for the directory to be what a site file says, and changing it.

use std::collections::{HashMap, HashSet};
use std::fmt;

use waypost_admin::request::Fault;
use waypost_directory::{
    Actor, Changed, Directory, Edit, EditError, Here, Key, LOCAL, Object, Progress, Stored,
    Unavailable, When,
};

use super::export::each;
use super::fields;
use super::read::{SiteFile, Written};
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

/// The steps, and the edits that make them.
#[derive(Debug)]
pub(crate) struct Plan<'s> {
    steps: Vec<Step>,
    edits: Vec<Edit>,
    /// What each edit finds.
    before: Vec<Option<Object>>,
    written: Vec<Option<&'s Written>>,
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

impl<'s> Plan<'s> {
    /// Compares; with `prune`, what is not in the file is removed if it was made here.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    pub(crate) fn make(
        directory: &Directory,
        site: &'s SiteFile,
        prune: bool,
    ) -> Result<Self, Unavailable> {
        let wanted: HashMap<Key, &Written> = site
            .objects
            .iter()
            .map(|written| (written.object.key(), written))
            .collect();
        let mut plan = Self {
            steps: Vec::new(),
            edits: Vec::new(),
            before: Vec::new(),
            written: Vec::new(),
        };
        let mut present = HashSet::new();
        each(directory, |stored| {
            let key = stored.record.key();
            match wanted.get(&key).or_else(|| wanted.get(&renamed(&key)?)) {
                Some(written) => plan.change(stored, written),
                None if prune && stored.origin == LOCAL => plan.remove(stored),
                None => {}
            }
            present.extend(renamed(&key));
            present.insert(key);
        })?;
        for written in &site.objects {
            let key = written.object.key();
            if !present.contains(&key) {
                plan.create(key, written);
            }
        }
        Ok(plan)
    }

    fn create(&mut self, key: Key, written: &'s Written) {
        let change = Change::Create;
        self.steps.push(Step { key, change });
        // Whatever is there under this name cannot be read: it is replaced.
        self.edits
            .push(Edit::Put(written.object.clone(), When::Any));
        self.before.push(None);
        self.written.push(Some(written));
    }

    fn change(&mut self, stored: Stored<Object>, written: &'s Written) {
        if stored.record == written.object {
            return;
        }
        let change = Change::Fields(differences(&stored.record, &written.object));
        let key = written.object.key();
        self.steps.push(Step { key, change });
        let when = When::Revision(stored.revision);
        self.edits.push(Edit::Put(written.object.clone(), when));
        self.before.push(Some(stored.record));
        self.written.push(Some(written));
    }

    fn remove(&mut self, stored: Stored<Object>) {
        let (key, change) = (stored.record.key(), Change::Remove);
        self.edits
            .push(Edit::Remove(key.clone(), When::Revision(stored.revision)));
        self.steps.push(Step { key, change });
        self.before.push(Some(stored.record));
        self.written.push(None);
    }

    /// What would happen, object by object; each prints as one or more lines.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
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
                    let line = written.map(|written| written.line_of("addresses"));
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
            let written = problem
                .edit
                .and_then(|edit| self.written.get(edit))
                .copied();
            let line = written
                .flatten()
                .map(|written| written.line_of(problem.field));
            bridge::fault(problem).on(line)
        });
        let mut faults: Vec<Fault> = faults.collect();
        faults.sort_by_key(|fault| fault.line);
        Failure::Rejected(faults)
    }
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
