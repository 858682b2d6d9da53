//! Who in a roster is what a filter wants.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use memchr::memmem::Finder;

use super::query::{Cursor, OnTarget, UserCounts, UserFilter};
use super::roster::{Columns, Entry, Roster};
use super::{domains, folded, names};
use crate::lookup::{DomainRoute, Snapshot};
use crate::model::{DomainId, MailType};

/// The target that is asked for, by number; of names that there is no target of: 0.
#[derive(Debug, Clone, Copy)]
enum Target {
    Any,
    Lives(u32),
    Own(u32),
}

/// A filter, ready to be applied to a roster.
pub(super) struct Search<'a> {
    roster: &'a Roster,
    filter: &'a UserFilter,
    after: Option<&'a Cursor>,
    domains: Vec<&'a DomainRoute>,
    target: Target,
    text: Text<'a>,
}

/// What is looked for in the lines.
struct Text<'a> {
    finder: Finder<'a>,
    /// Up to the `@`, if there is one.
    head: usize,
    /// After the `@`.
    tail: String,
    whole: String,
}

/// How the text is looked for in one domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// There is none.
    None,
    /// In the lines, and everybody fits who has an address at all names.
    OrStar,
    /// In the lines; one with an `@` may end at an address at all names.
    InLine {
        /// What follows the `@` begins one of the domain's names.
        begins_name: bool,
    },
}

impl<'a> Search<'a> {
    pub(super) fn new(
        snapshot: &'a Snapshot,
        roster: &'a Roster,
        filter: &'a UserFilter,
        after: Option<&'a Cursor>,
    ) -> Self {
        let id = |name: &str| {
            let found = snapshot.targets().find(|target| target.name == name);
            found.map_or(0, |target| target.id.0)
        };
        Self {
            roster,
            filter,
            after,
            domains: domains(snapshot, &filter.scope, &filter.domains, after),
            target: match &filter.target {
                None => Target::Any,
                Some(OnTarget::Lives(name)) => Target::Lives(id(name)),
                Some(OnTarget::Own(name)) => Target::Own(id(name)),
            },
            text: Text::new(&filter.text),
        }
    }

    /// The numbers of the first: one more than wanted, if there is.
    pub(super) fn page(&self, limit: usize) -> Vec<u32> {
        let most = limit.saturating_add(1);
        let mut ids = Vec::new();
        for domain in &self.domains {
            self.each(domain, &mut |columns| {
                ids.push(columns.id);
                ids.len() < most
            });
            if ids.len() >= most {
                break;
            }
        }
        ids
    }

    /// How many there are in each domain.
    pub(super) fn counts(&self) -> HashMap<DomainId, UserCounts> {
        let mut all = HashMap::new();
        for domain in &self.domains {
            let mut counts = UserCounts::default();
            self.each(domain, &mut |columns| {
                counts.add(columns.mail(), columns.target != 0, columns.is_suspended());
                true
            });
            if counts.all() > 0 {
                all.insert(domain.id, counts);
            }
        }
        all
    }

    /// Gives those of a domain who fit, by login, for as long as they are wanted.
    fn each(&self, domain: &DomainRoute, give: &mut dyn FnMut(Columns) -> bool) {
        let base = &self.roster.base;
        let mut rows = base.of_domain(domain.id.0);
        let mut others = self.roster.extra.of_domain(domain.id.0);
        let after = self
            .after
            .filter(|after| after.domain() == domain.name.as_str());
        if let Some(after) = after {
            rows.start = base.row_after(rows.clone(), after.name());
            let first = others.partition_point(|other| other.login() <= after.name());
            others = others.get(first..).unwrap_or_default();
        }
        let way = self.text.way(domain);
        let mut row = self.next_row(domain, way, rows.clone());
        let mut other = self.next_other(domain, way, &mut others);
        loop {
            let (columns, is_row) = match (row, other) {
                (None, None) => return,
                (Some((row, columns)), Some(other)) => {
                    let first = base.login(row) <= other.login().as_bytes();
                    (if first { columns } else { other.columns }, first)
                }
                (Some((_, columns)), None) => (columns, true),
                (None, Some(other)) => (other.columns, false),
            };
            if !give(columns) {
                return;
            }
            match (is_row, row) {
                (true, Some((at, _))) => row = self.next_row(domain, way, at + 1..rows.end),
                _ => other = self.next_other(domain, way, &mut others),
            }
        }
    }

    /// The first of some rows of the base that fits.
    fn next_row(
        &self,
        domain: &DomainRoute,
        way: Way,
        mut rows: Range<usize>,
    ) -> Option<(usize, Columns)> {
        let base = &self.roster.base;
        let replaced = &self.roster.extra.replaced;
        while rows.start < rows.end {
            // The columns are cheaper than the text: who does not fit by them is not read.
            let fits = |row: &usize| base.columns(*row).is_some_and(|c| self.fits(c, domain));
            rows.start = rows.clone().find(fits)?;
            if let Way::InLine { begins_name } = way {
                let text = base.text(rows.clone());
                let hit = base.start(rows.start) + self.text.find(text, begins_name)?;
                rows.start = base.row_at(rows.start, hit);
            }
            let columns = base.columns(rows.start)?;
            let fits = self.fits(columns, domain)
                && (replaced.is_empty() || !replaced.contains(&columns.id))
                && (way != Way::OrStar
                    || columns.has_star()
                    || self.text.find(base.line(rows.start), false).is_some());
            if fits {
                return Some((rows.start, columns));
            }
            rows.start += 1;
        }
        None
    }

    /// The first of those above the base who fits; takes him and those before him away.
    fn next_other(
        &self,
        domain: &DomainRoute,
        way: Way,
        others: &mut &'a [Arc<Entry>],
    ) -> Option<&'a Entry> {
        while let Some((first, rest)) = others.split_first() {
            *others = rest;
            let line = first.line.as_bytes();
            let has_text = match way {
                Way::None => true,
                Way::OrStar => first.columns.has_star() || self.text.find(line, false).is_some(),
                Way::InLine { begins_name } => self.text.find(line, begins_name).is_some(),
            };
            if has_text && self.fits(first.columns, domain) {
                return Some(first);
            }
        }
        None
    }

    fn fits(&self, columns: Columns, domain: &DomainRoute) -> bool {
        let filter = self.filter;
        filter.mail.is_none_or(|mail| columns.mail() == mail)
            && filter
                .suspended
                .is_none_or(|suspended| columns.is_suspended() == suspended)
            && match self.target {
                Target::Any => true,
                Target::Own(id) => id != 0 && columns.target == id,
                Target::Lives(id) => {
                    let by_relay = domain.relay.is_some_and(|relay| relay.0 == id);
                    id != 0
                        && columns.mail() == MailType::ThirdParty
                        && (columns.target == id || columns.target == 0 && by_relay)
                }
            }
    }
}

impl Text<'_> {
    fn new(text: &str) -> Self {
        let whole = folded(text);
        let head = whole.rfind('@').map_or(whole.len(), |at| at + 1);
        let tail = whole.get(head..).unwrap_or_default().to_owned();
        let needle = whole.get(..head).unwrap_or_default();
        Self {
            finder: Finder::new(needle.as_bytes()).into_owned(),
            head,
            tail,
            whole,
        }
    }

    fn way(&self, domain: &DomainRoute) -> Way {
        if self.whole.is_empty() {
            return Way::None;
        }
        if !self.whole.contains('@') {
            let in_name = names(domain).any(|name| name.as_str().contains(&self.whole));
            return match in_name {
                true => Way::OrStar,
                false => Way::InLine { begins_name: false },
            };
        }
        Way::InLine {
            begins_name: names(domain).any(|name| name.as_str().starts_with(&self.tail)),
        }
    }

    /// Where the text is, if it is there.
    fn find(&self, lines: &[u8], begins_name: bool) -> Option<usize> {
        // A line feed would not be within one field.
        if self.whole.contains('\n') {
            return None;
        }
        let mut from = 0;
        loop {
            let hit = from + self.finder.find(lines.get(from..)?)?;
            let rest = lines.get(hit + self.head..).unwrap_or_default();
            let is_there = rest.starts_with(self.tail.as_bytes())
                || begins_name && rest.first() == Some(&b'\n');
            if is_there {
                return Some(hit);
            }
            from = hit + 1;
        }
    }
}
