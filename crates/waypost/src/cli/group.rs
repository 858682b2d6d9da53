//! `waypost group`

use clap::Args;
use waypost_admin::request::Kind;

use super::Failure;
use super::object::{Addresses, Changes, Fields, Members};

#[derive(Debug, Args)]
pub(super) struct GroupFields {
    #[command(flatten)]
    addresses: Addresses,
    #[command(flatten)]
    members: Members,
    /// Replaces the sender of expanded mail; empty: the sender stays.
    #[arg(long, value_name = "ADDRESS")]
    owner: Option<String>,
}

impl Fields for GroupFields {
    const KIND: Kind = Kind::Group;
    const COLUMNS: &[&str] = &["name", "domain", "addresses", "members", "owner"];

    fn changes(&self) -> Result<Changes, Failure> {
        Ok(Changes::default()
            .and(self.addresses.changes())
            .and(self.members.changes())
            .set("owner", self.owner.as_ref()))
    }
}
