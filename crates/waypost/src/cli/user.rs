//! `waypost user`

use clap::Args;
use waypost_admin::request::Kind;

use super::object::{Addresses, Changes, Fields};
use super::{Failure, password};

#[derive(Debug, Args)]
pub(super) struct UserFields {
    /// The name for people, such as "Jane Doe".
    #[arg(long = "full-name", value_name = "TEXT")]
    full_name: Option<String>,
    /// Where the mailbox is: here, on another server, or nowhere.
    #[arg(long, value_parser = ["local", "third-party", "none"])]
    mail: Option<String>,
    #[command(flatten)]
    addresses: Addresses,
    /// Address that is relayed, for third-party users; give all, repeat as needed; none: all.
    #[arg(long, value_name = "ADDRESS")]
    relayed: Vec<String>,
    /// Target of a third-party user; empty: the domain's relay.
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    /// Most that the mailbox may hold, such as "2 GiB"; empty: the domain's default.
    #[arg(long, value_name = "SIZE")]
    quota: Option<String>,
    /// Take no mail for this user and let nobody log in.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    suspended: Option<bool>,
    /// Ask for a password on the terminal.
    #[arg(long, conflicts_with_all = ["password_stdin", "no_password"])]
    password: bool,
    /// Read the password from standard input.
    #[arg(long, conflicts_with = "no_password")]
    password_stdin: bool,
    /// Take the password away: nobody can log in.
    #[arg(long)]
    no_password: bool,
}

impl Fields for UserFields {
    const KIND: Kind = Kind::User;
    const COLUMNS: &[&str] = &["login", "domain", "mail", "addresses", "suspended"];

    fn changes(&self) -> Result<Changes, Failure> {
        let password = if self.password {
            Some(password::ask()?)
        } else if self.password_stdin {
            Some(password::read_stdin()?)
        } else {
            self.no_password.then(String::new)
        };
        Ok(Changes::default()
            .set("name", self.full_name.as_ref())
            .set("mail", self.mail.as_ref())
            .and(self.addresses.changes())
            .list("relayed", &self.relayed)
            .set("target", self.target.as_ref())
            .set("quota", self.quota.as_ref())
            .set("suspended", self.suspended.as_ref())
            .set("password", password.as_ref()))
    }
}
