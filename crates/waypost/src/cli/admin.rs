//! `waypost admin`

use clap::{Args, Subcommand};
use waypost_admin::request::{Kind, Removal, Request};

use super::{Common, Failure, client, object, password};

/// Manage administrators.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(super) struct Admin {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List all.
    List,
    /// Set the password of an administrator, who is added if he is not there.
    Passwd {
        /// The name to log in with.
        login: String,
        /// Read the password from standard input instead of asking for it.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Remove one.
    Remove {
        /// The name to log in with.
        login: String,
    },
}

impl Admin {
    pub(super) fn run(self, common: &Common) -> Result<(), Failure> {
        let (request, done) = match self.verb {
            Verb::List => {
                return object::list(common, (Kind::Admin, None), None, &["login", "role"]);
            }
            Verb::Passwd {
                login,
                password_stdin,
            } => {
                let password = if password_stdin {
                    password::read_stdin()?
                } else {
                    password::ask()?
                };
                let done = format!("password of admin {login} set");
                (Request::AdminPassword { login, password }, done)
            }
            Verb::Remove { login } => {
                let done = format!("admin {login} removed");
                let kind = Kind::Admin;
                (
                    Request::Remove(Removal {
                        kind,
                        name: login,
                        revision: None,
                    }),
                    done,
                )
            }
        };
        let result = client::call(common, &request)?;
        Ok(common.output().result(&result, |_| done)?)
    }
}
