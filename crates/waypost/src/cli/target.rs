//! `waypost target`

use clap::{Args, Subcommand};
use serde_json::Value;
use waypost_admin::request::{Kind, Request, TargetRequest};

use super::object::{self, Changes, Fields, cell};
use super::output::rows;
use super::{Common, Failure, client, password};

/// Manage targets: other mail servers that this site hands mail to.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(super) struct Target {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    #[command(flatten)]
    Objects(Box<object::Verb<TargetFields>>),
    /// Show how targets and peers are, from what deliveries last saw of them.
    Health,
    /// Connect to a target or peer as a delivery would, send nothing, and say what is wrong.
    ///
    /// The exit code is 1 when something must be mended, and 75 when the target cannot be reached.
    Test {
        /// The target.
        name: String,
        /// A recipient that it is asked about; else the postmaster of a domain that goes there.
        address: Option<String>,
    },
}

impl Target {
    pub(super) fn run(self, common: &Common) -> Result<(), Failure> {
        match self.verb {
            Verb::Objects(verb) => (*verb).run(common),
            Verb::Health => health(common),
            Verb::Test { name, address } => test(common, name, address),
        }
    }
}

fn health(common: &Common) -> Result<(), Failure> {
    let result = client::call(common, &Request::Target(TargetRequest::Health))?;
    let columns = [
        "name",
        "state",
        "last_success",
        "last_error_at",
        "connections_in_use",
        "connections_max",
        "parked",
        "last_error",
    ];
    let items = result.get("items").cloned().unwrap_or_default();
    Ok(common
        .output()
        .result(&items, |items| rows(items, &columns))?)
}

fn test(common: &Common, name: String, address: Option<String>) -> Result<(), Failure> {
    let unreachable = format!("{name} cannot be reached");
    let request = Request::Target(TargetRequest::Test { name, address });
    let result = client::call(common, &request)?;
    common.output().result(&result, tried)?;
    let is = |name: &str| result.get(name).and_then(Value::as_bool) == Some(true);
    if is("ok") {
        Ok(())
    } else if is("unreachable") {
        Err(Failure::Later(unreachable))
    } else {
        Err(Failure::Answered)
    }
}

/// The dialogue, the certificate, and what it comes to.
fn tried(result: &Value) -> String {
    let list = |name: &str| {
        let list = result.get(name).and_then(Value::as_array).cloned();
        list.unwrap_or_default()
    };
    let mut text = String::new();
    for place in list("tried") {
        let error = cell(place.get("error"));
        let error = if error.is_empty() {
            "connected"
        } else {
            &error
        };
        text += &format!("{}: {error}\n", cell(place.get("address")));
    }
    for line in list("dialogue") {
        let who = if cell(line.get("who")) == "client" {
            ">"
        } else {
            "<"
        };
        text += &format!("{who} {}\n", cell(line.get("text")));
    }
    if let Some(certificate) = result.pointer("/tls/certificate").filter(|c| !c.is_null()) {
        text += &format!(
            "certificate of {}, by {}, {} days left, key {}\n",
            cell(certificate.get("subject")),
            cell(certificate.get("issuer")),
            cell(certificate.get("days_left")),
            cell(certificate.get("pin")),
        );
    }
    for warning in list("warnings") {
        let detail = cell(warning.get("detail"));
        text += &format!("warning: {} {detail}", cell(warning.get("code")));
        text = text.trim_end().to_owned() + "\n";
    }
    let of = |name: &str| cell(result.pointer(&format!("/verdict/{name}")));
    text += &format!("{}: {}\n", of("code"), of("says"));
    for more in [of("detail"), of("mend")] {
        if !more.is_empty() {
            text += &format!("{more}\n");
        }
    }
    text
}

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
    /// Pass mail through while its sender waits, so that he gets its own answer.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    cut_through: Option<bool>,
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
            .set("cut_through", self.cut_through.as_ref())
            .set("client_pin", self.client_pin.as_ref())
            .set("client_login", self.client_login.as_ref())
            .set("client_password", client_password.as_ref()))
    }
}
