//! `waypost backup`

use std::path::{self, PathBuf};

use clap::Args;
use waypost_admin::request::Request;

use super::object::cell;
use super::{Common, Failure, client};

/// Copy directory, spool, keys and certificates while the server runs.
#[derive(Debug, Args)]
pub(super) struct Backup {
    /// A directory that is not there yet, or empty; the server writes it.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

impl Backup {
    pub(super) fn run(self, common: &Common) -> Result<(), Failure> {
        let directory = path::absolute(&self.directory)?.display().to_string();
        let result = client::call(common, &Request::Backup { directory })?;
        let text = |result: &serde_json::Value| cell(result.get("summary"));
        Ok(common.output().result(&result, text)?)
    }
}
