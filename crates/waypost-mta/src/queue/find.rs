//! Pages of the queue: which messages a filter means, and how many.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use waypost_spool::QueueId;

use super::conclude::since_then;
use super::control::{ControlError, Listed, NOWHERE, Summary, blocking};
use super::index::wanted::{Doing, Filter, Wanted};
use super::index::{Table, Walk};
use super::{Inner, QueueHandle};

/// Matches are counted up to here.
pub const COUNT_MAX: usize = 1000;

/// Which messages come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The newest.
    Newest,
    /// The oldest.
    #[default]
    Oldest,
}

/// Which page is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// The last message of the page before.
    pub after: Option<QueueId>,
    /// What comes first.
    pub order: Order,
    /// Messages of a page.
    pub limit: usize,
    /// Whether matches are counted.
    pub counted: bool,
}

/// How many messages a filter means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Those that were counted.
    pub matching: usize,
    /// Whether there are more.
    pub or_more: bool,
    /// Messages in the queue.
    pub of: usize,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Messages, in the order that was asked for.
    pub messages: Vec<Listed>,
    /// Where the next page begins; none behind the last.
    pub next: Option<QueueId>,
    /// How many there are in all, when that was asked for.
    pub count: Option<Count>,
}

/// What a walk through the index found.
struct Found {
    ids: Vec<QueueId>,
    next: Option<QueueId>,
    count: Option<Count>,
}

impl QueueHandle {
    /// A page of the messages that a filter means.
    ///
    /// The first question builds an index of the queue, which is kept for two minutes after the
    /// last one. What was accepted or changed less than a moment ago is in it.
    ///
    /// # Errors
    ///
    /// When the spool cannot be read.
    pub async fn list(&self, filter: Filter, ask: Ask) -> Result<Page, ControlError> {
        let queue = &self.0;
        let doing = queue.doing(&filter);
        let wall = queue.clock.wall();
        let found = queue
            .with_index(move |table| {
                let wanted = || Wanted::new(&filter, table, wall, &doing);
                page(table, &wanted, ask)
            })
            .await;
        let found = found.map_err(|error| ControlError::Spool(error.to_string()))?;
        let reading = Arc::clone(queue);
        blocking(move || {
            let mut messages = Vec::with_capacity(found.ids.len());
            for id in found.ids {
                // What went meanwhile, or is damaged, is left out.
                match reading.spool.message(id) {
                    Ok(Some(message)) => messages.push(reading.listed(message)),
                    Ok(None) | Err(waypost_spool::ReadError::Damaged { .. }) => {
                        reading.keeper.went(id);
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(Page {
                messages,
                next: found.next,
                count: found.count,
            })
        })
        .await
    }

    /// What waits of the messages that a filter means, for which next hop, and for how long; with
    /// a scope, recipients outside of it count only when the sender is in it.
    ///
    /// # Errors
    ///
    /// When the spool cannot be read.
    pub async fn shape(&self, filter: Filter) -> Result<Vec<Summary>, ControlError> {
        let doing = self.0.doing(&filter);
        let wall = self.0.clock.wall();
        let shape = self.0.with_index(move |table| {
            Wanted::new(&filter, table, wall, &doing)
                .map_or_else(HashMap::new, |wanted| lines(table, &wanted, wall))
        });
        let shape = shape.await;
        let shape = shape.map_err(|error| ControlError::Spool(error.to_string()))?;
        let mut shape: Vec<Summary> = shape.into_values().collect();
        shape.sort_unstable_by(|a, b| a.next_hop.cmp(&b.next_hop));
        Ok(shape)
    }

    /// All messages that a filter means, the oldest first.
    ///
    /// # Errors
    ///
    /// When the spool cannot be read.
    pub async fn find(&self, filter: Filter) -> Result<Vec<QueueId>, ControlError> {
        let doing = self.0.doing(&filter);
        let wall = self.0.clock.wall();
        let found = self.0.with_index(move |table| {
            let mut ids = Vec::new();
            if let Some(wanted) = Wanted::new(&filter, table, wall, &doing) {
                table.walk(&wanted, false, |entry| {
                    ids.push(entry.id);
                    Walk::On
                });
            }
            ids
        });
        let found = found.await;
        found.map_err(|error| ControlError::Spool(error.to_string()))
    }
}

/// What waits of the messages that are wanted, by next hop.
fn lines(table: &Table, wanted: &Wanted<'_>, wall: SystemTime) -> HashMap<String, Summary> {
    let mut lines = HashMap::new();
    table.walk(wanted, false, |entry| {
        let age = since_then(wall, entry.id.time());
        for line in entry.lines().filter(|line| wanted.shows(entry, line)) {
            let name = table.hop_name(&line).unwrap_or(Cow::Borrowed(NOWHERE));
            count(&mut lines, &name, age);
        }
        Walk::On
    });
    lines
}

fn count(lines: &mut HashMap<String, Summary>, next_hop: &str, age: Duration) {
    if !lines.contains_key(next_hop) {
        lines.insert(next_hop.to_owned(), Summary::of(next_hop));
    }
    if let Some(line) = lines.get_mut(next_hop) {
        line.count(age);
    }
}

impl Inner {
    /// What messages are doing, when the filter wants to know.
    fn doing(&self, filter: &Filter) -> Doing {
        if filter.standing.is_none() {
            return Doing::default();
        }
        Doing {
            active: self.state().active.keys().copied().collect(),
            holding: self.routes.holding(self.clock.wall()),
        }
    }
}

fn page<'a>(table: &Table, wanted: &dyn Fn() -> Option<Wanted<'a>>, ask: Ask) -> Found {
    let newest = ask.order == Order::Newest;
    let mut found = Found {
        ids: Vec::new(),
        next: None,
        count: None,
    };
    let mut more = false;
    if let Some(wanted) = wanted() {
        table.walk(&wanted.behind(ask.after, newest), newest, |entry| {
            if found.ids.len() == ask.limit {
                more = true;
                return Walk::Enough;
            }
            found.ids.push(entry.id);
            Walk::On
        });
    }
    found.next = found.ids.last().copied().filter(|_| more);
    if ask.counted {
        let mut matching = if ask.after.is_none() && !more {
            found.ids.len()
        } else {
            0
        };
        let known = matching > 0 || (ask.after.is_none() && found.ids.is_empty());
        if let Some(wanted) = wanted().filter(|_| !known) {
            table.walk(&wanted, newest, |_| {
                matching += 1;
                if matching > COUNT_MAX {
                    Walk::Enough
                } else {
                    Walk::On
                }
            });
        }
        found.count = Some(Count {
            matching: matching.min(COUNT_MAX),
            or_more: matching > COUNT_MAX,
            of: table.len(),
        });
    }
    found
}
