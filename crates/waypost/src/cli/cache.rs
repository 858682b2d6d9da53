//! `waypost cache`

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;
use waypost_admin::request::{CacheAnswer, CacheList, CacheRequest, Request};

use super::object::cell;
use super::output::{self, rows};
use super::{Common, Failure, client};

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
        /// Forget what this server said alone.
        #[arg(long, value_name = "NAME")]
        target: Option<String>,
    },
    /// List the answers that are remembered, in the order of their addresses.
    List {
        /// Only what this server said.
        #[arg(long, value_name = "NAME")]
        target: Option<String>,
        /// Only these answers.
        #[arg(long, value_name = "ANSWER")]
        answer: Option<Answer>,
        /// Print at most so many, 10000 at most.
        #[arg(long, value_name = "N", default_value_t = 1000)]
        limit: usize,
        /// Go on where a list ended.
        #[arg(long, value_name = "CURSOR")]
        after: Option<String>,
    },
    /// Show what was answered about an address, by whom, how long ago, and how long it counts.
    Show {
        /// The address.
        address: String,
    },
    /// Count answers, hits and misses, and show how each peer is doing.
    Stats,
}

/// Answers that a list can be limited to.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Answer {
    Active,
    Unknown,
}

impl Answer {
    fn asked(self) -> CacheAnswer {
        match self {
            Self::Active => CacheAnswer::Active,
            Self::Unknown => CacheAnswer::Unknown,
        }
    }
}

impl Cache {
    pub(super) fn run(self, common: &Common) -> Result<(), Failure> {
        let (request, text): (CacheRequest, fn(&Value) -> String) = match self.verb {
            Verb::Drop { address, target } => {
                let summary = |result: &Value| cell(result.get("summary"));
                (CacheRequest::Drop { address, target }, summary)
            }
            Verb::List {
                target,
                answer,
                limit,
                after,
            } => {
                let list = CacheList {
                    target,
                    answer: answer.map(Answer::asked),
                    text: None,
                    domains: None,
                    after,
                    limit,
                };
                (CacheRequest::List(list), page)
            }
            Verb::Show { address } => (CacheRequest::Show { address }, entries),
            Verb::Stats => (CacheRequest::Stats, stats),
        };
        let result = client::call(common, &Request::Cache(request))?;
        Ok(common.output().result(&result, text)?)
    }
}

fn page(result: &Value) -> String {
    let mut text = result.get("items").map(entries).unwrap_or_default();
    let next = cell(result.get("next"));
    if !next.is_empty() {
        text += &format!("\nthere is more: --after {next}");
    }
    text
}

fn entries(result: &Value) -> String {
    rows(
        result,
        &[
            "address",
            "target",
            "source",
            "answer",
            "age_s",
            "expires_s",
        ],
    )
}

fn stats(result: &Value) -> String {
    let mut fields = result.clone();
    let peers = fields.get_mut("peers").map(Value::take).unwrap_or_default();
    if let Value::Object(fields) = &mut fields {
        fields.remove("peers");
    }
    let peers = rows(&peers, &["peer", "state", "last_answer"]);
    format!("{}\n{peers}", output::fields(&fields))
}
