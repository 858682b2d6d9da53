//! The secret of this site, made at the first start: what trace fields are signed with.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use waypost_mta::trace::SECRET_LEN;

/// Reads the key, or makes it: written under another name first, so that it is whole or absent.
pub(crate) fn load(path: &Path) -> anyhow::Result<[u8; SECRET_LEN]> {
    match fs::read(path) {
        Ok(bytes) => bytes.try_into().map_err(|bytes: Vec<u8>| {
            anyhow::anyhow!(
                "{} holds {} bytes instead of {SECRET_LEN}; restore it from a backup, or remove \
                 it: then messages under way are no longer recognised when they return",
                path.display(),
                bytes.len()
            )
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make(path).with_context(|| format!("cannot make {}", path.display()))
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn make(path: &Path) -> anyhow::Result<[u8; SECRET_LEN]> {
    let mut key = [0; SECRET_LEN];
    getrandom::fill(&mut key).context("no random bytes")?;
    let fresh = path.with_extension("new");
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)?;
    file.write_all(&key)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    if let Some(directory) = path.parent() {
        File::open(directory)?.sync_all()?;
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_the_key_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("site.key");
        let key = load(&path).unwrap();
        assert_eq!(load(&path).unwrap(), key);
        fs::write(&path, "short").unwrap();
        assert!(load(&path).unwrap_err().to_string().contains("5 bytes"));
    }
}
