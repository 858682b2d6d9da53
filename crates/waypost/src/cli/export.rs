//! `waypost export`

use clap::Args;
use waypost_admin::request::Request;

use super::object::cell;
use super::{Common, Failure, client};

/// Print the directory as a site file; applying it changes nothing.
#[derive(Debug, Args)]
pub(super) struct Export {}

impl Export {
    pub(super) fn run(self, common: &Common) -> Result<(), Failure> {
        let result = client::call(common, &Request::Export)?;
        let text = |result: &serde_json::Value| cell(result.get("site_file"));
        Ok(common.output().result(&result, text)?)
    }
}
