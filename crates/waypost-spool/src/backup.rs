//! A copy of the spool as it is at one moment, made while it works.

use std::path::Path;

use crate::ReadError;
use crate::disk::Disk;
use crate::shared::{Layout, Shared};
use crate::sqlite::{copy_into, filed_in};
use crate::writer::Chore;

/// Keeps content files from being removed while it lives.
struct Holding<'a>(&'a Shared);

impl<'a> Holding<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.bin.hold();
        Self(shared)
    }
}

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        for path in self.0.bin.release() {
            // When the spool is being closed the next start sweeps it.
            let _ = self.0.chores.push(Chore::Remove(path));
        }
    }
}

/// Copies the store and the content files it names into `to`, which is then a spool itself.
pub(crate) fn backup(shared: &Shared, to: &Path) -> Result<u64, ReadError> {
    let copy = Layout::new(to);
    let disk = &shared.disk;
    let failed = |error: std::io::Error| {
        ReadError::Unavailable(format!("backup into {}: {error}", to.display()))
    };
    if Disk::exists(&copy.store) {
        return Err(failed(std::io::ErrorKind::AlreadyExists.into()));
    }
    disk.create_directory(&copy.content).map_err(failed)?;
    let _holding = Holding::new(shared);
    shared
        .readers
        .with(|reader| copy_into(reader, &copy.store))
        .map_err(ReadError::from)?;
    disk.sync_file(&copy.store).map_err(failed)?;
    let filed = filed_in(&copy.store).map_err(ReadError::from)?;
    for id in &filed {
        let from = shared.layout.content_of(*id);
        if Disk::exists(&from) {
            disk.link_or_copy(&from, &copy.content_of(*id))
                .map_err(failed)?;
        } else {
            tracing::warn!(queue_id = %id, "content file is missing in the backup too");
        }
    }
    disk.sync_directory(&copy.content).map_err(failed)?;
    disk.sync_directory(to).map_err(failed)?;
    Ok(filed.len() as u64)
}
