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
    /// Refused in so many words: must not arrive.
    refused: BTreeSet<Entry>,
    /// Put off: may arrive where a next hop that took it lost the reply that says so.
    put_off: BTreeSet<Entry>,
    /// Taken by a next hop that lost the reply that says so.
    unanswered: BTreeSet<Entry>,
    /// Removed by an administrator, who was told so: must not arrive after all.
    removed: BTreeSet<Entry>,
    /// Somebody tried to remove it, and was told nothing: may or may not arrive.
    removing: BTreeSet<Entry>,
}

/// How the account stands.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Acknowledged (message, recipient) pairs.
    pub acknowledged: usize,
    /// Acknowledged, and nowhere to be found.
    pub lost: Vec<Entry>,
    /// Copies beyond the first of one (message, recipient), and the first of what was put off and
    /// whose sender comes back.
    pub duplicates: usize,
    /// Found, but never sent.
    pub ghosts: Vec<Entry>,
    /// Found, though the sender was told that it was not taken.
    pub half_queued: Vec<Entry>,
    /// Found, though an administrator was told that it was removed.
    pub revived: Vec<Entry>,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            acknowledged,
            lost,
            duplicates,
            ghosts,
            half_queued,
            revived,
        } = self;
        write!(
            f,
            "{acknowledged} acknowledged, {} lost, {duplicates} duplicates, {} ghosts",
            lost.len(),
            ghosts.len()
        )?;
        let named = [
            ("lost", lost),
            ("ghost", ghosts),
            ("refused, and yet delivered", half_queued),
            ("removed, and yet delivered", revived),
        ];
        for (what, entries) in named {
            for (message, recipient) in entries.iter().take(10) {
                write!(f, "\n  {what}: {message} for {recipient}")?;
            }
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

    /// Notes that the server said in so many words that it does not take a message.
    pub fn refused(&self, message: &str, recipients: &[String]) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        for recipient in recipients {
            notes
                .refused
                .insert((message.to_owned(), recipient.clone()));
        }
    }

    /// Notes that a next hop has taken a message, and lost the reply that says so.
    pub fn unanswered(&self, message: &str, recipients: &[String]) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        for recipient in recipients {
            notes
                .unanswered
                .insert((message.to_owned(), recipient.clone()));
        }
    }

    /// Notes that the server said in so many words that it does not take a message now.
    pub fn put_off(&self, message: &str, recipients: &[String]) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        for recipient in recipients {
            notes
                .put_off
                .insert((message.to_owned(), recipient.clone()));
        }
    }

    /// Notes that an administrator removes a message, and whether he was told that it is done.
    pub fn removed(&self, message: &str, recipients: &[String], is_done: bool) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        for recipient in recipients {
            let entry = (message.to_owned(), recipient.clone());
            match is_done {
                true => notes.removed.insert(entry),
                false => notes.removing.insert(entry),
            };
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
        let is_gone = |entry: &Entry| {
            let by_hand = notes.removed.contains(entry) || notes.removing.contains(entry);
            !by_hand && !copies.contains_key(entry)
        };
        let among = |those: &BTreeSet<Entry>| {
            let found = copies.keys().filter(|entry| those.contains(*entry));
            found.cloned().collect()
        };
        Account {
            acknowledged: notes.acknowledged.len(),
            lost: {
                let lost = notes.acknowledged.iter().filter(|entry| is_gone(entry));
                lost.cloned().collect()
            },
            duplicates: {
                let wanted = |entry| usize::from(!notes.put_off.contains(entry));
                copies
                    .iter()
                    .map(|(entry, count)| count - wanted(entry))
                    .sum()
            },
            ghosts: copies
                .keys()
                .filter(|entry| !known(entry))
                .cloned()
                .collect(),
            half_queued: {
                let unanswered = notes.put_off.difference(&notes.unanswered);
                among(&notes.refused.iter().chain(unanswered).cloned().collect())
            },
            revived: among(&notes.removed),
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
                ..Account::default()
            }
        );
    }

    #[test]
    fn what_was_put_off_may_only_arrive_where_a_reply_was_lost() {
        let ledger = Ledger::default();
        let recipients = ["a@example.com".to_owned()];
        for name in ["m1", "m2", "m3"] {
            ledger.uncertain(name, &recipients);
            ledger.put_off(name, &recipients);
        }
        ledger.unanswered("m1", &recipients);
        let account = ledger.settle([entry("m1"), entry("m2")]);
        let expected = Account {
            duplicates: 2,
            half_queued: vec![entry("m2")],
            ..Account::default()
        };
        assert_eq!(account, expected);
    }

    #[test]
    fn finds_what_was_refused_or_removed_and_yet_arrived() {
        let ledger = Ledger::default();
        let recipients = ["a@example.com".to_owned()];
        for name in ["m1", "m2", "m3", "m4"] {
            ledger.uncertain(name, &recipients);
        }
        ledger.refused("m1", &recipients);
        for name in ["m2", "m3", "m4"] {
            ledger.acknowledged(name, &recipients);
            ledger.removed(name, &recipients, name != "m4");
        }
        let account = ledger.settle([entry("m1"), entry("m2"), entry("m4")]);
        assert_eq!(account.half_queued, [entry("m1")]);
        assert_eq!(account.revived, [entry("m2")]);
        assert!(account.lost.is_empty(), "{account}");
    }
}
