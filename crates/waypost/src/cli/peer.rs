//! `waypost peer`

use clap::{Args, Subcommand};
use serde_json::Value;
use waypost_admin::request::{Kind, PeerRequest, Request};

use super::object::{self, Changes, Fields, cell};
use super::output::rows;
use super::target::TargetFields;
use super::{Common, Failure, client, password};

/// Manage peers: targets that share domains and are asked over Minger.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(super) struct Peer {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    #[command(flatten)]
    Objects(Box<object::Verb<PeerFields>>),
    /// Compare all addresses of a domain that are here with all its peers.
    ///
    /// The exit code is 1 when addresses live on two servers, and 75 when some could not be
    /// checked.
    Audit {
        /// The domain.
        domain: String,
    },
    /// List addresses that two servers were seen to have.
    Conflicts {
        /// Forget those about an address, which come again when they are seen again.
        #[arg(long, value_name = "ADDRESS", conflicts_with = "forget_all")]
        forget: Option<String>,
        /// Forget all of them.
        #[arg(long)]
        forget_all: bool,
    },
    /// Ask a peer, and connect to it, and say what is wrong.
    ///
    /// The exit code is 1 when something must be mended, and 75 when the peer cannot be reached.
    Test {
        /// The peer.
        name: String,
        /// An address that it is asked about too.
        address: Option<String>,
    },
}

impl Peer {
    pub(super) fn run(self, common: &Common) -> Result<(), Failure> {
        match self.verb {
            Verb::Objects(verb) => (*verb).run(common),
            Verb::Audit { domain } => audit(common, domain),
            Verb::Conflicts { forget, forget_all } => conflicts(common, forget, forget_all),
            Verb::Test { name, address } => test(common, name, address),
        }
    }
}

fn audit(common: &Common, domain: String) -> Result<(), Failure> {
    let result = client::call(common, &Request::Peer(PeerRequest::Audit { domain }))?;
    common.output().result(&result, |result| {
        let mut text = String::new();
        for list in ["conflicts", "unchecked"] {
            let found = result.get(list).cloned().unwrap_or_default();
            if found.as_array().is_some_and(|found| !found.is_empty()) {
                let columns = ["address", "here", "peer", "says"];
                text += &format!("{list}\n{}\n\n", rows(&found, &columns));
            }
        }
        text + &cell(result.get("summary"))
    })?;
    let count = |name: &str| result.get(name).and_then(Value::as_u64).unwrap_or(0);
    match (count("conflict_count"), count("unchecked_count")) {
        (0, 0) => Ok(()),
        (0, unchecked) => Err(Failure::Later(format!(
            "{unchecked} could not be checked; see `waypost peer test`, then try again"
        ))),
        _ => Err(Failure::Answered),
    }
}

fn conflicts(common: &Common, forget: Option<String>, all: bool) -> Result<(), Failure> {
    if forget.is_none() && !all {
        let result = client::call(common, &Request::Peer(PeerRequest::Conflicts))?;
        let columns = ["address", "mail_goes_to", "also_on", "seen"];
        return Ok(common
            .output()
            .result(&result, |list| rows(list, &columns))?);
    }
    let request = PeerRequest::Forget { address: forget };
    let result = client::call(common, &Request::Peer(request))?;
    let summary = |result: &Value| cell(result.get("summary"));
    Ok(common.output().result(&result, summary)?)
}

fn test(common: &Common, name: String, address: Option<String>) -> Result<(), Failure> {
    let unreachable = format!("{name} cannot be reached");
    let request = Request::Peer(PeerRequest::Test { name, address });
    let result = client::call(common, &request)?;
    common.output().result(&result, |result| {
        let checks = result.get("checks").and_then(Value::as_array);
        let lines = checks.into_iter().flatten().map(|check| {
            let ok = check.get("ok").and_then(Value::as_bool) == Some(true);
            let mark = if ok { "ok" } else { "wrong" };
            let what = cell(check.get("check"));
            format!("{mark:<7}{what:<9}{}\n", cell(check.get("says")))
        });
        lines.collect()
    })?;
    let is = |name: &str| result.get(name).and_then(Value::as_bool) == Some(true);
    if is("ok") {
        Ok(())
    } else if is("unreachable") {
        Err(Failure::Later(unreachable))
    } else {
        Err(Failure::Answered)
    }
}

#[derive(Debug, Args)]
pub(super) struct PeerFields {
    #[command(flatten)]
    target: TargetFields,
    /// Port on which it answers Minger.
    #[arg(long, value_name = "PORT")]
    minger_port: Option<u16>,
    /// File with the Minger secret that its server wants from us; empty: it is asked anonymously.
    #[arg(long, value_name = "FILE")]
    minger_secret_file: Option<String>,
    /// File with a Minger secret that this peer alone may use towards us; empty: none.
    #[arg(long, value_name = "FILE")]
    minger_accept_file: Option<String>,
    /// Domains that it may ask about over Minger, separated by commas; empty: all.
    #[arg(long, value_name = "DOMAINS", value_delimiter = ',')]
    minger_domains: Vec<String>,
}

impl Fields for PeerFields {
    const KIND: Kind = Kind::Peer;
    const COLUMNS: &[&str] = &["name", "host", "port", "minger_port", "tls", "state"];

    fn changes(&self) -> Result<Changes, Failure> {
        let secret = password::in_file(self.minger_secret_file.as_deref())?;
        let accept = password::in_file(self.minger_accept_file.as_deref())?;
        let target = self.target.changes()?;
        Ok(target
            .set("minger_port", self.minger_port.as_ref())
            .set("minger_secret", secret.as_ref())
            .set("minger_accept", accept.as_ref())
            .list("minger_domains", &self.minger_domains))
    }
}
