//! `waypost peer`

use clap::Args;

use super::object::{Changes, Fields};
use super::target::TargetFields;
use super::{Failure, password};
use crate::control::protocol::Kind;

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
    const COLUMNS: &[&str] = &["name", "host", "port", "minger_port", "tls"];

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
