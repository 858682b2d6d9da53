//! Reading the Maildirs that servers write.

use std::fs;
use std::path::Path;

/// The contents of all messages in `new` and `cur`, sorted; none when there is no such Maildir.
#[must_use]
pub fn messages(maildir: &Path) -> Vec<String> {
    let mut messages: Vec<String> = ["new", "cur"]
        .iter()
        .filter_map(|folder| fs::read_dir(maildir.join(folder)).ok())
        .flatten()
        .filter_map(|entry| fs::read(entry.ok()?.path()).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect();
    messages.sort();
    messages
}
