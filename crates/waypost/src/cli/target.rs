//! `waypost target`

use clap::Args;
use waypost_admin::request::Kind;

use super::object::{Changes, Fields};
use super::{Failure, password};

#[derive(Debug, Args)]
pub(super) struct TargetFields {
    /// Host name, IP address, host:port, or mx:NAME.
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Port; 25 when neither this nor the host says.
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Network that its mail comes from, if not from its host; give all, repeat as needed.
    #[arg(long = "source", value_name = "NETWORK")]
    sources: Vec<String>,
    /// TLS towards it.
    #[arg(long, value_parser = ["off", "opportunistic", "required", "verified", "pinned"])]
    tls: Option<String>,
    /// SHA-256 of its public key, for pinned.
    #[arg(long, value_name = "HEX")]
    tls_pin: Option<String>,
    /// Name to log in with there; empty: no login.
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// Ask for the password to log in with there.
    #[arg(long, conflicts_with = "password_stdin")]
    password: bool,
    /// Read the password from standard input.
    #[arg(long)]
    password_stdin: bool,
    /// Most connections at once.
    #[arg(long, value_name = "N")]
    connections: Option<u32>,
    /// Recipient address that it gets: original, default, or "@DOMAIN".
    #[arg(long, value_name = "FORM")]
    recipient: Option<String>,
    /// Send over the smart host when delivery to it fails.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    smart_host_on_error: Option<bool>,
    /// SHA-256 of the public key it shows as a client, which it is then known by; empty: none.
    #[arg(long, value_name = "HEX")]
    client_pin: Option<String>,
    /// Name it logs in with here, which it is then known by; empty: none.
    #[arg(long, value_name = "NAME")]
    client_login: Option<String>,
    /// File with the password that it logs in with here; empty: none.
    #[arg(long, value_name = "FILE")]
    client_password_file: Option<String>,
}

impl Fields for TargetFields {
    const KIND: Kind = Kind::Target;
    const COLUMNS: &[&str] = &["name", "host", "port", "tls", "recipient"];

    fn changes(&self) -> Result<Changes, Failure> {
        let password = if self.password {
            Some(password::ask()?)
        } else if self.password_stdin {
            Some(password::read_stdin()?)
        } else {
            None
        };
        let client_password = password::in_file(self.client_password_file.as_deref())?;
        Ok(Changes::default()
            .set("host", self.host.as_ref())
            .set("port", self.port.as_ref())
            .list("sources", &self.sources)
            .set("tls", self.tls.as_ref())
            .set("tls_pin", self.tls_pin.as_ref())
            .set("username", self.username.as_ref())
            .set("password", password.as_ref())
            .set("connections", self.connections.as_ref())
            .set("recipient", self.recipient.as_ref())
            .set("smart_host_on_error", self.smart_host_on_error.as_ref())
            .set("client_pin", self.client_pin.as_ref())
            .set("client_login", self.client_login.as_ref())
            .set("client_password", client_password.as_ref()))
    }
}
