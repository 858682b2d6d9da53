//! `waypost minger`

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand};
use serde_json::json;
use waypost_directory::Host;
use waypost_mta::dns::{Dns, TrustAd};
use waypost_mta::minger::client::Settings;
use waypost_mta::minger::{Asked, Client, Trouble};
use waypost_proto::mail::Mailbox;
use waypost_proto::minger::{PORT, Secret, Status, TEST_MAILBOX};

use super::{Common, Failure};
use crate::config::parse_duration;

/// Ask other servers about addresses over Minger.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(super) struct Minger {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Query(Query),
}

/// Ask a server whether an address exists there; no server has to run here.
///
/// The exit code is 0 for an address that is active, 1 for any other answer, and 75 when no answer
/// came.
#[derive(Debug, Args)]
struct Query {
    /// The address; * only tests the secret, where the server knows that.
    address: String,
    /// The server: a name or an IP address.
    #[arg(long)]
    host: String,
    /// Its Minger port.
    #[arg(long, default_value_t = PORT)]
    port: u16,
    /// A file that holds the secret that the server wants; without it, the query is anonymous.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// How long an answer is waited for, such as "5s".
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = limit)]
    timeout: Duration,
    /// The local address that the query leaves from.
    #[arg(long, value_name = "IP")]
    source: Option<IpAddr>,
}

fn limit(text: &str) -> Result<Duration, String> {
    parse_duration(text)
        .filter(|limit| !limit.is_zero())
        .ok_or_else(|| "write a duration such as \"5s\"".to_owned())
}

impl Minger {
    pub(super) fn run(self, common: &Common) -> Result<(), Failure> {
        let Verb::Query(query) = self.verb;
        query.run(common)
    }
}

impl Query {
    fn run(self, common: &Common) -> Result<(), Failure> {
        let secret = self.secret_file.as_deref().map(secret).transpose()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let status = runtime.block_on(self.ask(secret))?;
        let result = json!({
            "address": self.address,
            "host": self.host,
            "port": self.port,
            "status": status.digit(),
            "meaning": status.to_string(),
        });
        common.output().result(&result, |_| self.in_words(status))?;
        match status {
            Status::Active => Ok(()),
            _ => Err(Failure::Answered),
        }
    }

    async fn ask(&self, secret: Option<Secret>) -> Result<Status, Failure> {
        let asked = Asked {
            addresses: self.addresses().await?,
            secret,
        };
        let client = Client::new(Settings {
            source: self.source,
            limit: self.timeout,
        });
        let said = if self.address == TEST_MAILBOX {
            client.test(&asked).await
        } else {
            let mailbox = Mailbox::parse(&self.address)
                .map_err(|error| Failure::Usage(format!("{}: {error}", self.address)))?;
            client.ask(&asked, &mailbox).await
        };
        said.map_err(|trouble| match trouble {
            Trouble::NotAscii(error) => Failure::failed(format!("{}: {error}", self.address)),
            trouble => Failure::Later(trouble.to_string()),
        })
    }

    async fn addresses(&self) -> Result<Vec<SocketAddr>, Failure> {
        let host = Host::parse(&self.host)
            .map_err(|error| Failure::Usage(format!("--host: {} {error}", self.host)))?;
        let ips = match host {
            Host::Address(ip) => vec![ip],
            Host::Mx(_) => {
                let text = "--host: name the server itself; mx: is for mail".to_owned();
                return Err(Failure::Usage(text));
            }
            Host::Name(name) => {
                let dns =
                    Dns::system(TrustAd::Never).context("cannot read the system's DNS settings")?;
                let found = dns.addresses(&name).await;
                found.map_err(|error| Failure::Later(format!("{name}: {error}")))?
            }
        };
        let at = |ip| SocketAddr::new(ip, self.port);
        Ok(ips.into_iter().map(at).collect())
    }

    fn in_words(&self, status: Status) -> String {
        let mend = match status {
            Status::Malformed | Status::Unknown | Status::Unavailable | Status::Active => "",
            Status::Denied => "; allow this host there",
            Status::BadCredentials if self.secret_file.is_some() => "; it wants another secret",
            Status::BadCredentials => "; give its secret with --secret-file",
        };
        format!("{}: {status} ({}){mend}", self.address, status.digit())
    }
}

fn secret(path: &Path) -> anyhow::Result<Secret> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = text.trim_end_matches(['\r', '\n']);
    Secret::parse(text).map_err(|error| anyhow!("{}: {error}", path.display()))
}
