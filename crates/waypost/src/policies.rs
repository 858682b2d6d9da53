//! MTA-STS policies over restarts: a small file for each domain in `data_dir/mta-sts`.
//!
//! What is lost is fetched again; a file that cannot be read is removed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use waypost_mta::clock::{Clock as _, SystemClock};
use waypost_mta::deliver::{KeepPolicies, KeptPolicy};
use waypost_proto::mail::Domain;
use waypost_proto::mta_sts::{Kept, POLICY_MAX, Policy};

/// Policies that are read at a start.
const POLICIES_MAX: usize = 10_000;
/// A file that is being written.
const FRESH: &str = ".new";
/// Id and time in front of a policy.
const HEADING_MAX: u64 = 100;

/// The files.
pub(crate) struct PolicyFiles(PathBuf);

impl PolicyFiles {
    /// Those in this folder, which is made when there is something to keep.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }
}

impl KeepPolicies for PolicyFiles {
    fn all(&self) -> Vec<KeptPolicy> {
        let Ok(files) = fs::read_dir(&self.0) else {
            return Vec::new();
        };
        let now = SystemClock.wall();
        let read = |file: fs::DirEntry| {
            let policy = read(&file.path()).filter(|policy| policy.kept.holds(now));
            if policy.is_none() {
                // It is over, or no policy: another one is fetched when it is needed.
                let _ = fs::remove_file(file.path());
            }
            policy
        };
        let files = files.filter_map(Result::ok).take(POLICIES_MAX);
        files.filter_map(read).collect()
    }

    fn keep(&self, policy: KeptPolicy) {
        let folder = self.0.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = write(&folder, &policy) {
                let domain = &policy.domain;
                tracing::warn!("the MTA-STS policy of {domain} is not kept: {error}");
            }
        });
    }
}

fn write(folder: &Path, policy: &KeptPolicy) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let Kept { id, fetched, .. } = &policy.kept;
    let seconds = fetched.duration_since(UNIX_EPOCH).unwrap_or_default();
    let text = format!("{id} {}\n{}", seconds.as_secs(), policy.text);
    let path = folder.join(policy.domain.as_str());
    let fresh = folder.join(format!("{}{FRESH}", policy.domain));
    fs::write(&fresh, text)?;
    fs::rename(&fresh, path)
}

fn read(path: &Path) -> Option<KeptPolicy> {
    let domain = Domain::parse(path.file_name()?.to_str()?).ok()?;
    if fs::metadata(path).ok()?.len() > POLICY_MAX as u64 + HEADING_MAX {
        return None;
    }
    let file = fs::read_to_string(path).ok()?;
    let (heading, text) = file.split_once('\n')?;
    let (id, seconds) = heading.split_once(' ')?;
    let fetched = Duration::from_secs(seconds.parse().ok()?);
    let fetched: SystemTime = UNIX_EPOCH.checked_add(fetched)?;
    Some(KeptPolicy {
        domain,
        kept: Kept {
            id: id.to_owned(),
            fetched,
            policy: Policy::parse(text).ok()?,
        },
        text: text.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(age: Duration) -> KeptPolicy {
        let text = "version: STSv1\nmode: enforce\nmx: mx.example.net\nmax_age: 600\n";
        let now = SystemClock.wall().duration_since(UNIX_EPOCH).unwrap();
        let fetched = Duration::from_secs(now.as_secs()) - age;
        KeptPolicy {
            domain: Domain::parse("example.net").unwrap(),
            kept: Kept {
                id: "1".into(),
                fetched: UNIX_EPOCH + fetched,
                policy: Policy::parse(text).unwrap(),
            },
            text: text.into(),
        }
    }

    #[test]
    fn keeps_a_policy_until_it_is_over() {
        let dir = tempfile::tempdir().unwrap();
        let files = PolicyFiles::new(dir.path().join("mta-sts"));
        assert_eq!(files.all(), []);
        let fresh = policy(Duration::ZERO);
        write(&files.0, &fresh).unwrap();
        assert_eq!(files.all(), [fresh]);
        write(&files.0, &policy(Duration::from_secs(601))).unwrap();
        assert_eq!(files.all(), []);
        assert_eq!(fs::read_dir(&files.0).unwrap().count(), 0);
    }

    #[test]
    fn removes_what_is_no_policy() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("example.net", ""),
            ("example.org", "1 x\n"),
            ("no name", ""),
        ] {
            fs::write(dir.path().join(name), text).unwrap();
        }
        assert_eq!(PolicyFiles::new(dir.path().to_owned()).all(), []);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
