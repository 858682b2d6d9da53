//! Hidden commands that make what packages ship: manual pages, sample file, completions.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use clap_complete::Shell;

use super::Failure;
use crate::manual;

/// Print shell completions.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut command = super::command();
        clap_complete::generate(self.shell, &mut command, "waypost", &mut std::io::stdout());
        Ok(())
    }
}

/// Print the description of the HTTP API.
#[derive(Debug, Args)]
pub(super) struct OpenApi {}

impl OpenApi {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self {} = self;
        let description = serde_json::to_string_pretty(&waypost_admin::description());
        Ok(super::print(&description.map_err(anyhow::Error::from)?)?)
    }
}

/// Write the manual pages and the sample configuration file.
#[derive(Debug, Args)]
pub(super) struct Man {
    /// Root of the source tree: files go to man/ and etc/ below it.
    directory: PathBuf,
}

impl Man {
    pub(super) fn run(self) -> Result<(), Failure> {
        for (path, text) in manual::files()? {
            let path = self.directory.join(path);
            std::fs::write(&path, text)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}
