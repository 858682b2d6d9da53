//! `waypost token`

use clap::{Args, Subcommand};
use serde_json::Value;
use waypost_admin::request::{NewToken, Request, TokenRequest};

use super::admin::Rights;
use super::object::cell;
use super::{Common, Failure, client, output};
use crate::config::parse_duration;

/// Tokens fetched with one request.
const PAGE: usize = 500;

/// Manage tokens: what scripts log in with over the API, on behalf of an administrator.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(super) struct Token {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make one and print it, this once; it may no more than the administrator may.
    Add {
        /// The administrator's login.
        admin: String,
        /// What it is for.
        #[arg(long)]
        name: String,
        #[command(flatten)]
        rights: Rights,
        /// How long it is good for.
        #[arg(long, value_name = "TIME", default_value = "90d")]
        expires: String,
    },
    /// List all, or those of one administrator.
    List {
        /// Only those of this administrator.
        admin: Option<String>,
    },
    /// Make one worthless, for ever.
    Revoke {
        /// Its public name: the eight letters behind waypost_.
        id: String,
    },
}

impl Token {
    pub(super) fn run(self, common: &Common) -> Result<(), Failure> {
        match self.verb {
            Verb::Add {
                admin,
                name,
                rights,
                expires,
            } => add(common, admin, name, &rights, &expires),
            Verb::List { admin } => list(common, admin.as_ref()),
            Verb::Revoke { id } => {
                let done = format!("token {id} revoked");
                let request = Request::Token(TokenRequest::Revoke { id });
                let result = client::call(common, &request)?;
                Ok(common.output().result(&result, |_| done)?)
            }
        }
    }
}

fn add(
    common: &Common,
    admin: String,
    name: String,
    rights: &Rights,
    expires: &str,
) -> Result<(), Failure> {
    let span = parse_duration(expires).ok_or_else(|| {
        Failure::Usage(format!(
            "--expires: {expires} is no span of time; write 90d or 12h"
        ))
    })?;
    let grants = rights.granted();
    let new = NewToken {
        admin,
        name,
        role: rights.role.clone(),
        domains: rights.domains.clone(),
        grants: grants.map(|grants| grants.into_iter().cloned().collect()),
        expires_s: span.as_secs(),
    };
    let result = client::call(common, &Request::Token(TokenRequest::Add(new)))?;
    let text = |of: &str| cell(result.get(of));
    // The token stands alone on standard output, so that a script can take it.
    let told = format!(
        "token {} is good until {}; it is shown this once:",
        text("id"),
        text("expires_at")
    );
    if !common.json {
        output::tell(&told);
    }
    Ok(common.output().result(&result, |_| text("secret"))?)
}

fn list(common: &Common, admin: Option<&String>) -> Result<(), Failure> {
    let mut all = Vec::new();
    let mut after = 0;
    loop {
        let request = TokenRequest::List {
            admin: admin.cloned(),
            after,
            limit: PAGE,
        };
        let mut page = client::call(common, &Request::Token(request))?;
        if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
            all.extend(items);
        }
        match page.get("next").and_then(Value::as_u64) {
            Some(next) => after = u32::try_from(next).unwrap_or(u32::MAX),
            None => break,
        }
    }
    let columns = [
        "id",
        "admin",
        "name",
        "role",
        "domains",
        "expires_at",
        "last_used_at",
    ];
    let text = |all: &Value| output::rows(all, &columns);
    Ok(common.output().result(&Value::Array(all), text)?)
}
