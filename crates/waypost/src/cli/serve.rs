//! `waypost serve`

use clap::Args;

use super::{Common, Failure};
use crate::{config, run};

/// Run the server in the foreground; SIGTERM ends it cleanly, SIGHUP reloads.
#[derive(Debug, Args)]
pub(super) struct Serve {}

impl Serve {
    pub(super) fn run(self, common: &Common) -> Result<(), Failure> {
        let loaded = config::load(&common.config).map_err(anyhow::Error::from)?;
        run::serve(&common.config, loaded)
    }
}
