//! `waypost gateway`

use clap::Args;
use waypost_admin::request::Kind;

use super::object::{Changes, Fields};
use super::{Failure, password};

#[derive(Debug, Args)]
pub(super) struct GatewayFields {
    /// Where the domain lives: a target or peer, or host[:port].
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    /// How its recipients are verified; callout when nobody says.
    #[arg(long, value_parser = ["callout", "list", "minger", "none"])]
    verify: Option<String>,
    /// Host that is asked over Minger; empty: the target's.
    #[arg(long, value_name = "HOST")]
    minger_host: Option<String>,
    /// Port on which it answers Minger.
    #[arg(long, value_name = "PORT")]
    minger_port: Option<u16>,
    /// File with the Minger secret that it wants from us; empty: it is asked anonymously.
    #[arg(long, value_name = "FILE")]
    minger_secret_file: Option<String>,
    /// File on the server with the addresses of the domain, one per line.
    #[arg(long, value_name = "FILE")]
    list: Option<String>,
    /// "Minger verification also asks Domain Sharing": all peers of the site.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    sharing_too: Option<bool>,
    /// What happens to a recipient when who verifies him cannot be reached.
    #[arg(long, value_parser = ["later", "accept"])]
    unreachable: Option<String>,
}

impl Fields for GatewayFields {
    const KIND: Kind = Kind::Gateway;
    const COLUMNS: &[&str] = &["domain", "target", "verify", "sharing_too", "unreachable"];

    fn changes(&self) -> Result<Changes, Failure> {
        let secret = password::in_file(self.minger_secret_file.as_deref())?;
        Ok(Changes::default()
            .set("target", self.target.as_ref())
            .set("verify", self.verify.as_ref())
            .set("minger_host", self.minger_host.as_ref())
            .set("minger_port", self.minger_port.as_ref())
            .set("minger_secret", secret.as_ref())
            .set("list", self.list.as_ref())
            .set("sharing_too", self.sharing_too.as_ref())
            .set("unreachable", self.unreachable.as_ref()))
    }
}
