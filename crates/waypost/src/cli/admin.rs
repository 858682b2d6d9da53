//! `waypost admin`

use clap::{Args, Subcommand};

use super::{Common, Failure, client, password};
use crate::control::protocol::Request;

/// Manage administrators.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(super) struct Admin {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Set the password of an administrator, who is added if he is not there.
    Passwd {
        /// The name to log in with.
        login: String,
        /// Read the password from standard input instead of asking for it.
        #[arg(long)]
        password_stdin: bool,
    },
}

impl Admin {
    pub(super) fn run(self, common: &Common) -> Result<(), Failure> {
        let Verb::Passwd {
            login,
            password_stdin,
        } = self.verb;
        let password = if password_stdin {
            password::read_stdin()?
        } else {
            password::ask()?
        };
        let done = format!("password of admin {login} set");
        let result = client::call(common, &Request::AdminPassword { login, password })?;
        Ok(common.output().result(&result, |_| done)?)
    }
}
