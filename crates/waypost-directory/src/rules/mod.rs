//! What may be saved: every rule of the directory, each with the field at fault and the mend.
//!
//! `record` looks at one record by itself. `store` looks at what would be in the store after all
//! edits of a batch, so that edits made together may need each other in any order. `words` has what
//! they say.

pub(crate) mod admins;
mod peers;
pub(crate) mod record;
pub(crate) mod self_reference;
pub(crate) mod store;
pub(crate) mod words;

use crate::error::{Breach, Problem};
use crate::model::Key;
use crate::wording::Words;

/// The problems found so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) problems: Vec<Problem>,
}

/// Problems reported at most: more help nobody, and a bulk edit could have millions.
const MAX_PROBLEMS: usize = 1000;

impl Report {
    /// Where problems with the object of an edit go.
    pub(crate) fn about<'a>(&'a mut self, edit: usize, key: &'a Key) -> About<'a> {
        About {
            report: self,
            edit,
            key,
        }
    }
}

/// Problems with one object.
#[derive(Debug)]
pub(crate) struct About<'a> {
    report: &'a mut Report,
    edit: usize,
    key: &'a Key,
}

impl About<'_> {
    /// Adds a problem with what the edit says.
    pub(crate) fn add(&mut self, field: &'static str, words: impl Into<Words>) {
        self.add_as(Breach::Rule, field, words);
    }

    /// Adds a problem.
    pub(crate) fn add_as(&mut self, breach: Breach, field: &'static str, words: impl Into<Words>) {
        if self.report.problems.len() < MAX_PROBLEMS {
            let object = self.key.to_string();
            let problem = Problem::new(self.edit, object, field, words.into());
            self.report.problems.push(Problem { breach, ..problem });
        }
    }
}
