//! A file system of its own, small enough to be filled: memory, mounted by root.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

/// Written at once.
const PIECE_OCTETS: usize = 256 * 1024;

/// A mounted file system; unmounted when dropped.
pub struct SmallDisk {
    dir: TempDir,
}

impl SmallDisk {
    /// Mounts a file system of so many MiB.
    ///
    /// # Errors
    ///
    /// Without root, or where nothing may be mounted.
    pub fn mount(mebibytes: u32) -> Result<Self> {
        Self::mount_with(mebibytes, 0)
    }

    /// As [`SmallDisk::mount`], with so many inodes; 0: as many as there is room for.
    ///
    /// # Errors
    ///
    /// As [`SmallDisk::mount`].
    pub fn mount_with(mebibytes: u32, inodes: u32) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("waypost-disk-").tempdir()?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o"])
            .args([&format!("size={mebibytes}m,nr_inodes={inodes}"), "tmpfs"])
            .arg(dir.path())
            .output()
            .context("run mount")?;
        let said = String::from_utf8_lossy(&mounted.stderr);
        anyhow::ensure!(mounted.status.success(), "mount a tmpfs as root: {said}");
        Ok(Self { dir })
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Octets that are free.
    ///
    /// # Errors
    ///
    /// When the file system does not say.
    pub fn free(&self) -> Result<u64> {
        let facts = rustix::fs::statvfs(self.path())?;
        Ok(facts.f_bavail * facts.f_frsize)
    }

    /// Fills it until only so many octets are free.
    ///
    /// # Errors
    ///
    /// When writing fails for another reason than that it is full.
    pub fn fill(&self, leave: u64) -> Result<()> {
        let mut filling = File::options()
            .create(true)
            .append(true)
            .open(self.filling())?;
        loop {
            let more = self.free()?.saturating_sub(leave);
            let more = usize::try_from(more)?.min(PIECE_OCTETS);
            if more == 0 {
                return Ok(());
            }
            match filling.write_all(&vec![1; more]) {
                Err(error) if error.kind() != std::io::ErrorKind::StorageFull => {
                    return Err(error.into());
                }
                Err(_) => return Ok(()),
                Ok(()) => {}
            }
        }
    }

    /// Gives back what [`SmallDisk::fill`] took.
    ///
    /// # Errors
    ///
    /// When nothing was filled.
    pub fn clear(&self) -> Result<()> {
        fs::remove_file(self.filling())?;
        Ok(())
    }

    /// Makes empty files until no more can be made.
    ///
    /// # Errors
    ///
    /// When making one fails for another reason.
    pub fn use_up_names(&self) -> Result<()> {
        let dir = self.names();
        fs::create_dir(&dir)?;
        for number in 0_u64.. {
            match File::create(dir.join(number.to_string())) {
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => break,
                made => drop(made?),
            }
        }
        Ok(())
    }

    /// Removes what [`SmallDisk::use_up_names`] made.
    ///
    /// # Errors
    ///
    /// When nothing was made.
    pub fn give_names_back(&self) -> Result<()> {
        fs::remove_dir_all(self.names())?;
        Ok(())
    }

    fn names(&self) -> PathBuf {
        self.path().join("names")
    }

    fn filling(&self) -> PathBuf {
        self.path().join("filling")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process that has just been ended may still hold it for a moment.
        let _ = Command::new("umount")
            .arg("--lazy")
            .arg(self.path())
            .status();
    }
}
