//! `waypost metrics`

use clap::Args;
use waypost_admin::request::Request;

use super::object::cell;
use super::{Common, Failure, client};

/// Print counts for Prometheus, as OpenMetrics text.
#[derive(Debug, Args)]
pub(super) struct Metrics {}

impl Metrics {
    pub(super) fn run(self, common: &Common) -> Result<(), Failure> {
        let Self {} = self;
        let result = client::call(common, &Request::Metrics)?;
        let text = |result: &serde_json::Value| cell(result.get("text"));
        Ok(common.output().result(&result, text)?)
    }
}
