//! The command line: one file per sub-command.

mod admin;
mod apply;
mod backup;
mod cache;
mod check;
mod client;
mod dkim;
mod domain;
mod explain;
mod export;
mod failure;
mod gateway;
mod generate;
mod group;
mod mailbox;
mod metrics;
mod minger;
mod object;
mod output;
mod password;
mod peer;
mod queue;
mod restore;
mod serve;
mod target;
mod token;
mod trace;
mod user;

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};

pub(crate) use client::failure as refused;
pub(crate) use failure::Failure;
use object::Objects;
use output::Output;

use crate::remote::Place;
pub(crate) use output::print;

/// The environment's word for the token; as an argument everybody on the machine would see it.
const TOKEN: &str = "WAYPOST_TOKEN";
/// Where the configuration file is when nobody says so.
const CONFIG: &str = "/etc/waypost/waypost.toml";

/// Route mail for domains that live on many servers.
#[derive(Debug, Parser)]
#[command(name = "waypost", version, max_term_width = 100)]
#[command(disable_help_subcommand = true)]
#[command(
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 75 try again later (the \
                        server is not running or not reachable)."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Configuration file.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "WAYPOST_CONFIG",
        hide_env_values = true,
        default_value = CONFIG
    )]
    config: PathBuf,
    /// Ask the server at this address over its API, as https://HOST[:PORT].
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "WAYPOST_URL",
        hide_env_values = true
    )]
    url: Option<String>,
    /// File with the token for --url; else it is taken from the environment: WAYPOST_TOKEN.
    #[arg(long, global = true, value_name = "FILE", requires = "url")]
    token_file: Option<PathBuf>,
    /// Believe the certificates of this PEM file too, such as the server's own.
    #[arg(long, global = true, value_name = "FILE", requires = "url")]
    ca: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Admin(admin::Admin),
    Apply(apply::Apply),
    Backup(backup::Backup),
    Cache(cache::Cache),
    Check(check::Check),
    #[command(hide = true)]
    Completions(generate::Completions),
    Dkim(dkim::Dkim),
    /// Manage served domains.
    Domain(Objects<domain::DomainFields>),
    Explain(explain::Explain),
    Export(export::Export),
    /// Manage gateway domains: those that live wholly on a target.
    Gateway(Objects<gateway::GatewayFields>),
    /// Manage groups, named NAME@DOMAIN, with members here and elsewhere.
    Group(Objects<group::GroupFields>),
    /// Manage shared mailboxes, named NAME@DOMAIN, with the users who may send as them.
    Mailbox(Objects<mailbox::MailboxFields>),
    #[command(hide = true)]
    Man(generate::Man),
    Metrics(metrics::Metrics),
    Minger(minger::Minger),
    #[command(name = "openapi", hide = true)]
    OpenApi(generate::OpenApi),
    Peer(peer::Peer),
    Queue(queue::Queue),
    Restore(restore::Restore),
    Serve(serve::Serve),
    /// Manage targets: other mail servers that this site hands mail to.
    Target(target::Target),
    Token(token::Token),
    Trace(trace::Trace),
    /// Manage users, named LOGIN@DOMAIN.
    User(Objects<user::UserFields>),
}

/// The whole command line, for manual pages and completions.
pub(crate) fn command() -> clap::Command {
    Cli::command()
}

impl Cli {
    /// Does what was asked.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let common = self.common;
        if let (Some(word), true) = (self.command.is_of_this_machine(), common.url.is_some()) {
            let text = format!(
                "`waypost {word}` is about the machine it runs on: run it on the server itself, \
                 without --url and with WAYPOST_URL unset"
            );
            return Err(Failure::Usage(text));
        }
        match self.command {
            Command::Admin(admin) => admin.run(&common),
            Command::Apply(apply) => apply.run(&common),
            Command::Backup(backup) => backup.run(&common),
            Command::Cache(cache) => cache.run(&common),
            Command::Check(check) => check.run(&common),
            Command::Completions(completions) => completions.run(),
            Command::Dkim(dkim) => dkim.run(&common),
            Command::Domain(domain) => domain.run(&common),
            Command::Explain(explain) => explain.run(&common),
            Command::Export(export) => export.run(&common),
            Command::Gateway(gateway) => gateway.run(&common),
            Command::Group(group) => group.run(&common),
            Command::Mailbox(mailbox) => mailbox.run(&common),
            Command::Man(man) => man.run(),
            Command::Metrics(metrics) => metrics.run(&common),
            Command::Minger(minger) => minger.run(&common),
            Command::OpenApi(description) => description.run(),
            Command::Peer(peer) => peer.run(&common),
            Command::Queue(queue) => queue.run(&common),
            Command::Restore(restore) => restore.run(&common),
            Command::Serve(serve) => serve.run(&common),
            Command::Target(target) => target.run(&common),
            Command::Token(token) => token.run(&common),
            Command::Trace(trace) => trace.run(&common),
            Command::User(user) => user.run(&common),
        }
    }
}

impl Command {
    /// The word of a command that has nothing to ask a server far away.
    fn is_of_this_machine(&self) -> Option<&'static str> {
        match self {
            Self::Backup(_) => Some("backup"),
            Self::Check(_) => Some("check"),
            Self::Restore(_) => Some("restore"),
            Self::Serve(_) => Some("serve"),
            _ => None,
        }
    }
}

impl Common {
    /// The server far away that is asked; none: the one on this machine.
    fn place(&self) -> Result<Option<Place>, Failure> {
        let Some(url) = &self.url else {
            return Ok(None);
        };
        let file = self
            .token_file
            .as_ref()
            .map(|file| file.display().to_string());
        let token = match password::in_file(file.as_deref())? {
            Some(token) => token,
            None => std::env::var(TOKEN).map_err(|_| {
                let text = format!("--url needs a token: give --token-file, or set {TOKEN}");
                Failure::Usage(text)
            })?,
        };
        Ok(Some(Place {
            url: url.clone(),
            token: token.trim().to_owned(),
            ca: self.ca.clone(),
        }))
    }

    /// How the result is printed.
    fn output(&self) -> Output {
        Output::new(self.json)
    }
}
