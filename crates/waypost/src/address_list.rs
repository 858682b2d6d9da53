//! Files of addresses, one per line: who exists in a gateway domain that is verified by list.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use waypost_mta::asking::Lists;
use waypost_mta::clock::{Clock as _, SystemClock};
use waypost_proto::mail::Mailbox;

/// A file is looked at for changes this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Lines that cannot be read are named in the log up to this many.
const NAMED: usize = 10;

/// The files read so far.
#[derive(Debug, Default)]
pub(crate) struct AddressLists(Mutex<HashMap<PathBuf, Known>>);

/// What is known of a file.
#[derive(Debug, Clone)]
struct Known {
    looked: tokio::time::Instant,
    /// Size and time of change: when both are the same, so are the addresses.
    stamp: Option<(u64, SystemTime)>,
    /// None: it could not be read.
    addresses: Option<Arc<HashSet<Box<str>>>>,
}

impl Lists for AddressLists {
    fn names(&self, file: &Path, address: &Mailbox) -> Option<bool> {
        let addresses = self.addresses(file)?;
        Some(addresses.contains(&*folded(address)))
    }
}

impl AddressLists {
    fn addresses(&self, file: &Path) -> Option<Arc<HashSet<Box<str>>>> {
        let now = SystemClock.now();
        let known = self.lock().get(file).cloned();
        if let Some(known) = &known
            && now.saturating_duration_since(known.looked) < LOOK_EVERY
        {
            return known.addresses.clone();
        }
        let stamp = stamp(file);
        let known = match known {
            Some(known) if known.stamp == stamp && stamp.is_some() => Known {
                looked: now,
                ..known
            },
            before => {
                let was_read = before.is_none_or(|known| known.addresses.is_some());
                Known {
                    looked: now,
                    stamp,
                    addresses: read(file, was_read),
                }
            }
        };
        let addresses = known.addresses.clone();
        self.lock().insert(file.to_owned(), known);
        addresses
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As addresses compare: without letter case.
fn folded(address: &Mailbox) -> String {
    format!("{}@{}", address.local.folded(), address.domain)
}

fn stamp(file: &Path) -> Option<(u64, SystemTime)> {
    let found = fs::metadata(file).ok()?;
    Some((found.len(), found.modified().ok()?))
}

/// Reads a file, and says in the log what is wrong with it, once.
fn read(file: &Path, was_read: bool) -> Option<Arc<HashSet<Box<str>>>> {
    match lines(file) {
        Ok(addresses) => {
            let count = addresses.len();
            tracing::info!(target: "waypost::verify", "{}: {count} addresses", file.display());
            Some(Arc::new(addresses))
        }
        Err(error) => {
            if was_read {
                tracing::warn!(
                    target: "waypost::verify",
                    "{}: {error}: its gateway domain cannot be verified until it can be read",
                    file.display()
                );
            }
            None
        }
    }
}

fn lines(file: &Path) -> io::Result<HashSet<Box<str>>> {
    let mut addresses = HashSet::new();
    let mut wrong = 0;
    for (number, line) in BufReader::new(File::open(file)?).lines().enumerate() {
        let line = line?;
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match Mailbox::parse(line) {
            Ok(address) => {
                addresses.insert(folded(&address).into());
            }
            Err(error) => {
                wrong += 1;
                if wrong <= NAMED {
                    tracing::warn!(
                        target: "waypost::verify",
                        "{}:{}: {line:?} is not an address: {error}; write one address per line",
                        file.display(),
                        number + 1
                    );
                }
            }
        }
    }
    Ok(addresses)
}
