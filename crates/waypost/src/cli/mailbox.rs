//! `waypost mailbox`

use clap::Args;
use waypost_admin::request::Kind;

use super::Failure;
use super::object::{Addresses, Changes, Fields, Members};

#[derive(Debug, Args)]
pub(super) struct MailboxFields {
    #[command(flatten)]
    addresses: Addresses,
    #[command(flatten)]
    members: Members,
    /// Most that the mailbox may hold, such as "2 GiB"; empty: the domain's default.
    #[arg(long, value_name = "SIZE")]
    quota: Option<String>,
}

impl Fields for MailboxFields {
    const KIND: Kind = Kind::Mailbox;
    const COLUMNS: &[&str] = &["name", "domain", "addresses", "members"];

    fn changes(&self) -> Result<Changes, Failure> {
        Ok(Changes::default()
            .and(self.addresses.changes())
            .and(self.members.changes())
            .set("quota", self.quota.as_ref()))
    }
}
