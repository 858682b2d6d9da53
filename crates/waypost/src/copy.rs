//! Copies directories, with what they hold safe on disk before anybody relies on it.

use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::path::Path;

use anyhow::Context as _;

/// Copies a directory with everything below it; the copy must not be there yet.
pub(crate) fn tree(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir(to).with_context(|| format!("cannot make {}", to.display()))?;
    let permissions = fs::metadata(from)?.permissions();
    fs::set_permissions(to, permissions)?;
    let entries = fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
    for entry in entries {
        let entry = entry?;
        let kind = entry.file_type()?;
        let target = to.join(entry.file_name());
        if kind.is_dir() {
            tree(&entry.path(), &target)?;
        } else if kind.is_file() {
            file(&entry.path(), &target)?;
        }
    }
    File::open(to)?.sync_all()?;
    Ok(())
}

/// Copies one file with its permissions.
pub(crate) fn file(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::copy(from, to)
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    File::open(to)?.sync_all()?;
    Ok(())
}

/// Gives a directory with everything below it to a user and a group.
pub(crate) fn give(path: &Path, user: u32, group: u32) -> anyhow::Result<()> {
    chown(path, Some(user), Some(group))
        .with_context(|| format!("cannot give {} to user {user}", path.display()))?;
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), user, group)?;
        }
    }
    Ok(())
}
