//! `waypost group`

use clap::Args;

use super::object::{Changes, Fields, Verb};
use super::{Common, Failure};
use crate::control::protocol::Kind;

/// Manage groups, named NAME@DOMAIN.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(super) struct Group {
    #[command(subcommand)]
    verb: Verb<GroupFields>,
}

#[derive(Debug, Args)]
struct GroupFields {
    /// Address, "@*" for all names of the domain; give all, repeat as needed.
    #[arg(long = "address", value_name = "ADDRESS")]
    addresses: Vec<String>,
    /// Add an address to the others.
    #[arg(long, value_name = "ADDRESS")]
    add_address: Vec<String>,
    /// Remove an address from the others.
    #[arg(long, value_name = "ADDRESS")]
    remove_address: Vec<String>,
    /// Member, here or elsewhere; give all, repeat as needed.
    #[arg(long = "member", value_name = "ADDRESS")]
    members: Vec<String>,
    /// Add a member to the others.
    #[arg(long, value_name = "ADDRESS")]
    add_member: Vec<String>,
    /// Remove a member from the others.
    #[arg(long, value_name = "ADDRESS")]
    remove_member: Vec<String>,
    /// Replaces the sender of expanded mail; empty: the sender stays.
    #[arg(long, value_name = "ADDRESS")]
    owner: Option<String>,
}

impl Fields for GroupFields {
    fn changes(&self) -> Result<Changes, Failure> {
        Ok(Changes::default()
            .list("addresses", &self.addresses)
            .edit("addresses", &self.add_address, &self.remove_address)
            .list("members", &self.members)
            .edit("members", &self.add_member, &self.remove_member)
            .set("owner", self.owner.as_ref()))
    }
}

impl Group {
    pub(super) fn run(self, common: &Common) -> Result<(), Failure> {
        let columns = ["name", "domain", "addresses", "members", "owner"];
        self.verb.run(common, Kind::Group, &columns)
    }
}
