//! What became of every message of a world, held against its ledger.

use std::collections::BTreeSet;

use super::Found;
use crate::ledger::{Account, subject};

/// A message by the word in its subject, and one of its recipients.
pub type Entry = (String, String);

/// What a report in a mailbox says has failed: the message it returns, and its recipients.
#[must_use]
pub fn failures(report: &str) -> Vec<Entry> {
    if !report.contains("multipart/report") {
        return Vec::new();
    }
    let named = report.lines().rev().find_map(|line| {
        let rest = line.strip_prefix("Subject: ")?;
        rest.split_whitespace().next()
    });
    let Some(name) = named else {
        return Vec::new();
    };
    let mut recipient = None;
    let mut failed = Vec::new();
    for line in report.lines() {
        if let Some((_, address)) = line.split_once("Final-Recipient: rfc822;") {
            recipient = Some(address.trim().to_owned());
        }
        if line.trim() == "Action: failed" {
            failed.extend(recipient.take().map(|to| (name.to_owned(), to)));
        }
    }
    failed
}

/// The message of this content for each of the arguments of RCPT.
pub fn copies<'a>(content: &str, rcpts: impl IntoIterator<Item = &'a str>) -> Vec<Entry> {
    let Some(name) = subject(content) else {
        return Vec::new();
    };
    let address = |rcpt: &str| {
        let path = rcpt.split(' ').next().unwrap_or_default();
        path.trim_matches(['<', '>']).to_owned()
    };
    let rcpts = rcpts.into_iter();
    rcpts.map(|rcpt| (name.to_owned(), address(rcpt))).collect()
}

/// What is promised of an account: nothing lost, no ghosts, no removed message delivered, and
/// duplicates only of what was in flight.
pub fn judge(account: &Account, in_flight: usize, found: &mut Found) {
    found.see("acknowledged", as_count(account.acknowledged));
    found.see("lost", as_count(account.lost.len()));
    found.see("duplicates", as_count(account.duplicates));
    found.see(
        "above in flight",
        as_count(account.duplicates.saturating_sub(in_flight)),
    );
    found.see("ghosts", as_count(account.ghosts.len()));
    if !account.lost.is_empty() {
        found.broke(1, account.to_string());
        found.broke(3, account.to_string());
    }
    if !account.ghosts.is_empty() || !account.revived.is_empty() {
        found.broke(3, account.to_string());
    }
    if !account.half_queued.is_empty() {
        found.broke(2, account.to_string());
    }
    if account.duplicates > in_flight {
        found.broke(4, format!("{account}; {in_flight} in flight"));
    }
}

/// Reports about messages that nothing permanent has happened to.
pub fn judge_bounces(bounced: &[Entry], may_fail: &BTreeSet<&str>, found: &mut Found) {
    for (message, recipient) in bounced {
        let login = recipient.split('@').next().unwrap_or_default();
        if !may_fail.contains(login) {
            found.broke(
                5,
                format!("a report of failure of {message} for {recipient}"),
            );
        }
    }
}

fn as_count(number: usize) -> u64 {
    number.try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_the_message_and_who_did_not_get_it() {
        let report = "Subject: Undelivered mail\nContent-Type: multipart/report\n\n\
            Final-Recipient: rfc822;never@example.com\nAction: failed\n\
            Final-Recipient: rfc822;slow@example.com\nAction: delayed\n\n\
            Subject: m7 and more\n";
        let expected = ("m7".to_owned(), "never@example.com".to_owned());
        assert_eq!(failures(report), [expected]);
        assert!(failures("Subject: m7\n\nHello.\n").is_empty());
    }
}
