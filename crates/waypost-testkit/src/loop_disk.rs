//! A file system in a file, mounted by root, whose power can be cut.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::wait;

/// EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH: from this moment nothing reaches the file
/// any more, neither what was not synced nor the journal.
const SHUTDOWN: &str = "import fcntl, os, struct, sys\n\
    fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))";

/// An ext4 in a file; unmounted when dropped.
pub struct LoopDisk {
    dir: TempDir,
}

impl LoopDisk {
    /// Makes and mounts a file system of so many MiB.
    ///
    /// # Errors
    ///
    /// Without root, loop devices or mkfs.ext4; says which.
    pub fn mount(mebibytes: u32) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("waypost-loop-").tempdir()?;
        let disk = Self { dir };
        std::fs::File::create(disk.image())?.set_len(u64::from(mebibytes) << 20)?;
        std::fs::create_dir(disk.path())?;
        // What a power failure cuts off is shorter when the journal is not flushed every second.
        let image = disk.image().display().to_string();
        succeed(
            "mkfs.ext4",
            &["-q", "-F", "-E", "lazy_itable_init=0", &image],
        )?;
        disk.attach()?;
        Ok(disk)
    }

    fn attach(&self) -> Result<()> {
        let (image, path) = (self.image(), self.path());
        let (image, path) = (image.display().to_string(), path.display().to_string());
        succeed("mount", &["-o", "loop", "-t", "ext4", &image, &path])
    }

    fn image(&self) -> PathBuf {
        self.dir.path().join("image")
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("mounted")
    }

    /// From now on nothing is written any more, and reading fails too.
    ///
    /// # Errors
    ///
    /// When the file system does not know how.
    pub fn cut(&self) -> Result<()> {
        let path = self.path().display().to_string();
        succeed("python3", &["-c", SHUTDOWN, &path])
    }

    /// Mounts again what is in the file, as after a power failure; nobody may have it open.
    ///
    /// # Errors
    ///
    /// When it cannot be unmounted or mounted.
    pub fn remount(&self) -> Result<()> {
        let path = self.path().display().to_string();
        let mut said = String::new();
        wait::until("the file system to be unmounted", || {
            let tried = succeed("umount", &[&path]);
            said = tried
                .as_ref()
                .map_or_else(ToString::to_string, |()| String::new());
            tried.ok()
        })
        .with_context(|| said.clone())?;
        self.attach()
    }
}

impl Drop for LoopDisk {
    fn drop(&mut self) {
        let unmount = |path: &Path| {
            // Lazily: a process that has just been ended may still hold it for a moment.
            let _ = Command::new("umount").arg("--lazy").arg(path).output();
        };
        unmount(&self.path());
    }
}

fn succeed(program: &str, arguments: &[&str]) -> Result<()> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("run {program}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim();
    anyhow::ensure!(output.status.success(), "{program}: {said}");
    Ok(())
}
