//! What was acknowledged against what became of it.
//!
//! Clients note every (message, recipient) that a server has acknowledged; at the end each must
//! have been delivered, bounced, or be in the queue. Copies beyond the first are duplicates;
//! deliveries of what was never sent are ghosts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// A message of the ledger, by the word in its subject, and one of its recipients.
type Entry = (String, String);

/// Notes from many clients.
#[derive(Debug, Default)]
pub struct Ledger {
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    acknowledged: BTreeSet<Entry>,
    /// Sent, but the final reply never came: may or may not arrive.
    uncertain: BTreeSet<Entry>,
}

/// How the account stands.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Acknowledged (message, recipient) pairs.
    pub acknowledged: usize,
    /// Acknowledged, and nowhere to be found.
    pub lost: Vec<Entry>,
    /// Copies beyond the first of one (message, recipient).
    pub duplicates: usize,
    /// Found, but never sent.
    pub ghosts: Vec<Entry>,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            acknowledged,
            lost,
            duplicates,
            ghosts,
        } = self;
        write!(
            f,
            "{acknowledged} acknowledged, {} lost, {duplicates} duplicates, {} ghosts",
            lost.len(),
            ghosts.len()
        )?;
        for (message, recipient) in lost.iter().take(10) {
            write!(f, "\n  lost: {message} for {recipient}")?;
        }
        for (message, recipient) in ghosts.iter().take(10) {
            write!(f, "\n  ghost: {message} for {recipient}")?;
        }
        Ok(())
    }
}

impl Ledger {
    /// Notes that the server took responsibility for a message and these recipients.
    pub fn acknowledged(&self, message: &str, recipients: &[String]) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        for recipient in recipients {
            notes
                .acknowledged
                .insert((message.to_owned(), recipient.clone()));
        }
    }

    /// Notes that a message was sent whose final reply never came.
    pub fn uncertain(&self, message: &str, recipients: &[String]) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        for recipient in recipients {
            notes
                .uncertain
                .insert((message.to_owned(), recipient.clone()));
        }
    }

    /// How many (message, recipient) pairs are acknowledged so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.notes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .acknowledged
            .len()
    }

    /// Whether nothing is acknowledged yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Holds the notes against what was found: one (message, recipient) for each copy.
    #[must_use]
    pub fn settle(&self, found: impl IntoIterator<Item = Entry>) -> Account {
        let mut copies: BTreeMap<Entry, usize> = BTreeMap::new();
        for entry in found {
            *copies.entry(entry).or_default() += 1;
        }
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        let known =
            |entry: &Entry| notes.acknowledged.contains(entry) || notes.uncertain.contains(entry);
        Account {
            acknowledged: notes.acknowledged.len(),
            lost: notes
                .acknowledged
                .iter()
                .filter(|entry| !copies.contains_key(*entry))
                .cloned()
                .collect(),
            duplicates: copies.values().map(|count| count - 1).sum(),
            ghosts: copies
                .keys()
                .filter(|entry| !known(entry))
                .cloned()
                .collect(),
        }
    }
}

/// The word behind `Subject: ` of a message.
#[must_use]
pub fn subject(content: &str) -> Option<&str> {
    let line = content
        .lines()
        .find_map(|line| line.strip_prefix("Subject: "))?;
    line.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(message: &str) -> Entry {
        (message.to_owned(), "a@example.com".to_owned())
    }

    #[test]
    fn finds_what_is_lost_doubled_and_never_sent() {
        let ledger = Ledger::default();
        let recipients = ["a@example.com".to_owned()];
        ledger.acknowledged("m1", &recipients);
        ledger.acknowledged("m2", &recipients);
        ledger.uncertain("m3", &recipients);
        let account = ledger.settle([entry("m1"), entry("m1"), entry("m3"), entry("m4")]);
        assert_eq!(
            account,
            Account {
                acknowledged: 2,
                lost: vec![entry("m2")],
                duplicates: 1,
                ghosts: vec![entry("m4")],
            }
        );
    }
}
