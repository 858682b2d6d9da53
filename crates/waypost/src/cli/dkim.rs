//! `waypost dkim`

use clap::{Args, Subcommand};
use serde_json::Value;
use waypost_admin::request::{DkimRequest, Request};

use super::object::cell;
use super::{Common, Failure, client, output};
use crate::dkim;

/// Longest string in a TXT record (RFC 1035 §3.3).
const STRING_OCTETS: usize = 255;

/// Manage the keys that sign what users send (DKIM): one or more for each name of a domain.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(super) struct Dkim {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a key and print its DNS record; mail with this domain in From is signed from then on.
    Add {
        /// A served domain, or an alias of one.
        domain: String,
        /// The key's name; else wp with year and month.
        #[arg(long)]
        selector: Option<String>,
        /// rsa, which every verifier knows, or ed25519.
        #[arg(long, value_parser = ["rsa", "ed25519"], default_value = "rsa")]
        algorithm: String,
    },
    /// List keys, and whether DNS has their records.
    List {
        /// Only those of this domain and its aliases.
        domain: Option<String>,
    },
    /// Remove a key; nothing is signed with it from then on.
    Remove {
        /// Whose.
        domain: String,
        /// Which.
        selector: String,
    },
    /// Print the DNS records of a domain's keys, as a zone file has them.
    Show {
        /// A served domain, or an alias of one.
        domain: String,
    },
}

impl Dkim {
    pub(super) fn run(self, common: &Common) -> Result<(), Failure> {
        let call = |request| client::call(common, &Request::Dkim(request));
        let output = common.output();
        match self.verb {
            Verb::Add {
                domain,
                selector,
                algorithm,
            } => {
                let key = call(DkimRequest::Add {
                    domain,
                    selector,
                    algorithm: Some(algorithm),
                })?;
                Ok(output.result(&key, in_zone)?)
            }
            Verb::List { domain } => {
                let keys = keys(call(DkimRequest::List { domain })?);
                let columns = ["domain", "selector", "algorithm", "published"];
                Ok(output.result(&keys, |keys| output::rows(keys, &columns))?)
            }
            Verb::Remove { domain, selector } => {
                let done = format!("key {selector} of {domain} removed");
                let result = call(DkimRequest::Remove { domain, selector })?;
                Ok(output.result(&result, |result| format!("{done}; {}", notes(result)))?)
            }
            Verb::Show { domain } => {
                let domain = Some(domain);
                let keys = keys(call(DkimRequest::List { domain })?);
                let all = |keys: &Value| {
                    let keys = keys.as_array().into_iter().flatten();
                    keys.map(in_zone).collect::<String>()
                };
                Ok(output.result(&keys, all)?)
            }
        }
    }
}

fn keys(mut result: Value) -> Value {
    result.get_mut("keys").map(Value::take).unwrap_or_default()
}

fn notes(result: &Value) -> String {
    let notes = result.get("notes").and_then(Value::as_array);
    let texts = notes.into_iter().flatten().filter_map(Value::as_str);
    texts.collect::<Vec<_>>().join("; ")
}

/// A key's record in a zone file, in strings of the length that DNS allows; and what to do.
fn in_zone(key: &Value) -> String {
    let record = cell(key.get("record"));
    let name = cell(key.get("record_name"));
    let strings: Vec<String> = record
        .as_bytes()
        .chunks(STRING_OCTETS)
        .map(|piece| format!("\"{}\"", String::from_utf8_lossy(piece)))
        .collect();
    let comment = match dkim::advice(key) {
        None => "; DNS has it\n".to_owned(),
        Some(advice) => format!("; {}\n", advice.split("; ").next().unwrap_or_default()),
    };
    format!("{comment}{name}. IN TXT {}\n", strings.join(" "))
}
