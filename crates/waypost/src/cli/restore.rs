//! `waypost restore`

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::json;

use super::{Common, Failure};
use crate::config;
use crate::copy;

/// Put a backup in place of data_dir; no server may be running.
#[derive(Debug, Args)]
pub(super) struct Restore {
    /// What `waypost backup` wrote.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Move what data_dir holds aside instead of refusing; nothing is deleted.
    #[arg(long)]
    replace: bool,
}

impl Restore {
    pub(super) fn run(self, common: &Common) -> Result<(), Failure> {
        let loaded = config::load(&common.config).map_err(anyhow::Error::from)?;
        let data_dir = &loaded.config.top.data_dir;
        if std::os::unix::net::UnixStream::connect(loaded.config.control_socket()).is_ok() {
            let text = format!(
                "a server is running on {}; end it, then restore again",
                data_dir.display()
            );
            return Err(Failure::failed(text));
        }
        let aside = self.put(data_dir)?;
        let result = json!({ "data_dir": data_dir, "aside": aside });
        Ok(common.output().result(&result, |_| {
            let mut text = format!("restored into {}", data_dir.display());
            if let Some(aside) = &aside {
                text += &format!("; what was there is in {}", aside.display());
            }
            text
        })?)
    }

    /// Copies beside the data directory first, so that a failure leaves everything as it was.
    fn put(&self, data_dir: &Path) -> anyhow::Result<Option<PathBuf>> {
        if !self.directory.join(crate::backup::MARK).is_file() {
            bail!(
                "{} is no whole backup: it has no {}; name a directory that `waypost backup` wrote",
                self.directory.display(),
                crate::backup::MARK
            );
        }
        let occupied = fs::read_dir(data_dir).is_ok_and(|mut entries| entries.next().is_some());
        if occupied && !self.replace {
            bail!(
                "{} is not empty; use --replace to move what it holds aside",
                data_dir.display()
            );
        }
        let fresh = beside(data_dir, "restored")?;
        copy::tree(&self.directory, &fresh)?;
        fs::remove_file(fresh.join(crate::backup::MARK))?;
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o700))?;
        // Root restores, and the server's own user goes on using it.
        if let Ok(before) = fs::metadata(data_dir) {
            copy::give(&fresh, before.uid(), before.gid())?;
        }
        let aside = if occupied {
            let aside = beside(data_dir, "before-restore")?;
            fs::rename(data_dir, &aside)
                .with_context(|| format!("cannot move {} aside", data_dir.display()))?;
            Some(aside)
        } else {
            None
        };
        fs::rename(&fresh, data_dir)
            .with_context(|| format!("cannot put {} in place", data_dir.display()))?;
        Ok(aside)
    }
}

/// A name beside a directory that nothing has yet.
fn beside(directory: &Path, word: &str) -> anyhow::Result<PathBuf> {
    let name = directory
        .file_name()
        .context("data_dir has no name")?
        .to_string_lossy()
        .into_owned();
    for n in 1..1_000 {
        let path = directory.with_file_name(format!("{name}.{word}-{n}"));
        if !path.exists() {
            return Ok(path);
        }
    }
    bail!("too many directories beside {}", directory.display())
}
