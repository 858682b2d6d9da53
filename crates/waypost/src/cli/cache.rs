//! `waypost cache`

use clap::{Args, Subcommand};
use serde_json::Value;

use super::object::cell;
use super::output::{self, table};
use super::{Common, Failure, client};
use crate::control::protocol::{CacheRequest, Request};

/// Look at what other servers answered about addresses.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(super) struct Cache {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Forget what was answered about an address; it is asked about again when it is used.
    Drop {
        /// The address.
        address: String,
    },
    /// List all answers that are remembered.
    List,
    /// Show what was answered about an address, by whom and how long ago.
    Show {
        /// The address.
        address: String,
    },
    /// Count answers.
    Stats,
}

impl Cache {
    pub(super) fn run(self, common: &Common) -> Result<(), Failure> {
        let (request, text): (CacheRequest, fn(&Value) -> String) = match self.verb {
            Verb::Drop { address } => {
                let summary = |result: &Value| cell(result.get("summary"));
                (CacheRequest::Drop { address }, summary)
            }
            Verb::List => (CacheRequest::List, entries),
            Verb::Show { address } => (CacheRequest::Show { address }, entries),
            Verb::Stats => (CacheRequest::Stats, output::fields),
        };
        let result = client::call(common, &Request::Cache(request))?;
        Ok(common.output().result(&result, text)?)
    }
}

fn entries(result: &Value) -> String {
    let columns = ["address", "target", "source", "answer", "age_s"];
    let rows = result.as_array().into_iter().flatten().map(|entry| {
        let cells = columns.iter().map(|column| cell(entry.get(*column)));
        cells.collect()
    });
    table(&columns, rows.collect())
}
