//! `waypost domain`

use clap::Args;
use serde_json::{Value, json};
use waypost_admin::request::Kind;

use super::Failure;
use super::object::{Changes, Fields};

#[derive(Debug, Args)]
pub(super) struct DomainFields {
    /// Another name of the domain; give all, repeat as needed.
    #[arg(long = "alias", value_name = "DOMAIN")]
    aliases: Vec<String>,
    /// Add a name to the others.
    #[arg(long, value_name = "DOMAIN")]
    add_alias: Vec<String>,
    /// Remove a name from the others.
    #[arg(long, value_name = "DOMAIN")]
    remove_alias: Vec<String>,
    /// "Relay for split domains": a target, or host[:port].
    #[arg(long, value_name = "TARGET")]
    relay: Option<String>,
    /// "Forward unknown addresses to the relay".
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    forward_unknown: Option<bool>,
    /// "Domain Sharing": the peers that are asked, in this order, as PEER,PEER; empty: off.
    #[arg(long, value_name = "PEERS", value_delimiter = ',')]
    sharing: Vec<String>,
    /// Add a peer behind the others.
    #[arg(long, value_name = "PEER")]
    add_sharing: Vec<String>,
    /// Remove a peer from the others.
    #[arg(long, value_name = "PEER")]
    remove_sharing: Vec<String>,
    /// How a stranger's unknown recipient is checked before it is forwarded.
    #[arg(long, value_parser = ["callout", "none"])]
    verify_unknown: Option<String>,
    /// Refuse senders of the domain from outside that are not logged in.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    protect_senders: Option<bool>,
    /// Address that gets postmaster@ and abuse@ mail.
    #[arg(long, value_name = "ADDRESS")]
    postmaster: Option<String>,
    /// Most that a user may be given, such as "10 GiB"; 0: no limit.
    #[arg(long, value_name = "SIZE")]
    user_max: Option<String>,
    /// What a user gets who has no quota of his own; 0: no limit.
    #[arg(long, value_name = "SIZE")]
    user_default: Option<String>,
    /// Most that a shared mailbox may be given; 0: no limit.
    #[arg(long, value_name = "SIZE")]
    shared_max: Option<String>,
    /// What a shared mailbox gets that has no quota of its own; 0: no limit.
    #[arg(long, value_name = "SIZE")]
    shared_default: Option<String>,
}

impl Fields for DomainFields {
    const KIND: Kind = Kind::Domain;
    const COLUMNS: &[&str] = &["name", "aliases", "relay", "forward_unknown", "sharing"];

    fn changes(&self) -> Result<Changes, Failure> {
        let quota: serde_json::Map<String, Value> = [
            ("user_max", &self.user_max),
            ("user_default", &self.user_default),
            ("shared_max", &self.shared_max),
            ("shared_default", &self.shared_default),
        ]
        .into_iter()
        .filter_map(|(name, size)| Some((name.to_owned(), json!(size.as_ref()?))))
        .collect();
        let quota = (!quota.is_empty()).then_some(Value::Object(quota));
        Ok(Changes::default()
            .list("aliases", &self.aliases)
            .edit("aliases", &self.add_alias, &self.remove_alias)
            .set("relay", self.relay.as_ref())
            .set("forward_unknown", self.forward_unknown.as_ref())
            .list("sharing", &self.sharing)
            .edit("sharing", &self.add_sharing, &self.remove_sharing)
            .set("verify_unknown", self.verify_unknown.as_ref())
            .set("protect_senders", self.protect_senders.as_ref())
            .set("postmaster", self.postmaster.as_ref())
            .set("quota", quota.as_ref()))
    }
}
