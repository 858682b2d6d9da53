//! What a backup is made of: a data directory that a server can be started on.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use waypost_admin::request::Report;
use waypost_directory::Directory;
use waypost_mta::clock::{Clock as _, SystemClock};
use waypost_spool::Spool;

use crate::{copy, layout, time};

/// The file that a backup gets last: without it, it is not whole.
pub(crate) const MARK: &str = "waypost-backup";

/// What is copied.
pub(crate) struct Parts<'a> {
    pub(crate) data_dir: &'a Path,
    pub(crate) directory: &'a Directory,
    pub(crate) spool: &'a Spool,
}

impl Parts<'_> {
    /// Copies everything into a directory that is not there yet, or empty.
    ///
    /// The spool comes first: mail for a user who is removed in between is still routed by the
    /// directory, and no mail waits for a user whom the directory does not yet have.
    pub(crate) fn write(&self, to: &Path, report: &Report) -> anyhow::Result<Value> {
        prepare(to)?;
        report.progress("spool", 0, 3);
        let spool = layout::spool(to);
        private_directory(&spool)?;
        let files = self.spool.backup(&spool)?;
        report.progress("directory", 1, 3);
        self.directory
            .backup(&layout::directory(to))
            .context("cannot copy the directory")?;
        report.progress("keys and postmaster mail", 2, 3);
        for name in layout::BESIDES {
            let from = self.data_dir.join(name);
            if from.is_dir() {
                copy::tree(&from, &to.join(name))?;
            } else if from.is_file() {
                copy::file(&from, &to.join(name))?;
            }
        }
        let made = time::show(SystemClock.wall());
        fs::write(to.join(MARK), format!("{made}\n"))?;
        fs::File::open(to.join(MARK))?.sync_all()?;
        fs::File::open(to)?.sync_all()?;
        let summary = format!(
            "backup of {} written to {}",
            self.data_dir.display(),
            to.display()
        );
        Ok(json!({ "summary": summary, "made": made, "content_files": files }))
    }
}

fn prepare(to: &Path) -> anyhow::Result<()> {
    match fs::read_dir(to) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                bail!("{} is not empty; name a new directory", to.display());
            }
            Ok(())
        }
        Err(_) => private_directory(to),
    }
}

fn private_directory(path: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .mode(0o700)
        .create(path)
        .map_err(|error| {
            let mend = match error.kind() {
                ErrorKind::ReadOnlyFilesystem => {
                    "; the server may not write there: under systemd, add the folder above it to \
                     ReadWritePaths= with `systemctl edit waypost`, and restart"
                }
                _ => "",
            };
            anyhow::Error::new(error).context(format!("cannot make {}{mend}", path.display()))
        })
}
