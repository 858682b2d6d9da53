//! A real ACME authority for tests, Pebble: certificates from a root of its own.

use std::fs;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde_json::json;
use tempfile::TempDir;
use tokio_rustls::rustls::ClientConfig;

use crate::http::Client;
use crate::name_server::{NameServer, Zone};
use crate::place::unused_address;
use crate::tls::{Authority, client_of_pem};
use crate::wait;

const PORT: u16 = 14_000;
const MANAGEMENT_PORT: u16 = 15_000;

/// A running Pebble; ended when dropped.
pub struct Pebble {
    address: IpAddr,
    dir: TempDir,
    /// Signs what Pebble itself shows.
    authority: Authority,
    names: NameServer,
    process: Child,
}

impl Pebble {
    /// Starts a Pebble that finds names by this zone, asks for their proof at this port, and gives
    /// certificates for so many seconds.
    ///
    /// # Errors
    ///
    /// When Pebble is not installed or does not start; its log is in the error.
    pub fn start(zone: Zone, http_port: u16, life: u32) -> Result<Self> {
        let address = unused_address()?;
        let dir = tempfile::Builder::new()
            .prefix("waypost-pebble-")
            .tempdir()?;
        let authority = Authority::new()?;
        let identity = authority.identity(&address.to_string())?;
        let names = NameServer::start(zone)?;
        let file = |name: &str| dir.path().join(name);
        fs::write(file("cert.pem"), identity.certificate_pem)?;
        fs::write(file("key.pem"), identity.key_pem)?;
        authority.write(dir.path())?;
        let config = json!({ "pebble": {
            "listenAddress": format!("{address}:{PORT}"),
            "managementListenAddress": format!("{address}:{MANAGEMENT_PORT}"),
            "certificate": file("cert.pem"),
            "privateKey": file("key.pem"),
            "httpPort": http_port,
            "tlsPort": 1,
            "certificateValidityPeriod": life,
        }});
        fs::write(file("pebble.json"), config.to_string())?;
        let log = fs::File::create(file("log"))?;
        let process = Command::new("/usr/bin/pebble")
            .arg("-config")
            .arg(file("pebble.json"))
            .arg("-dnsserver")
            .arg(names.address().to_string())
            .env("PEBBLE_VA_NOSLEEP", "1")
            .env("PEBBLE_WFE_NONCEREJECT", "0")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("start pebble (is the package installed?)")?;
        let pebble = Self {
            address,
            dir,
            authority,
            names,
            process,
        };
        wait::until("Pebble to take connections", || {
            [PORT, MANAGEMENT_PORT]
                .iter()
                .all(|port| TcpStream::connect((address, *port)).is_ok())
                .then_some(())
        })
        .with_context(|| pebble.log())?;
        Ok(pebble)
    }

    /// The URL of its directory.
    #[must_use]
    pub fn directory(&self) -> String {
        format!("https://{}:{PORT}/dir", self.address)
    }

    /// The certificate that whoever talks to it has to believe.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.dir.path().join("authority.pem")
    }

    /// Replaces what it finds of names.
    pub fn find(&self, zone: Zone) {
        self.names.change(zone);
    }

    /// What a client needs to believe the certificates that it gives, and no others.
    ///
    /// # Errors
    ///
    /// When it does not say.
    pub fn client(&self) -> Result<Arc<ClientConfig>> {
        let place = SocketAddr::new(self.address, MANAGEMENT_PORT);
        let name = self.address.to_string();
        let mut client = Client::secured(place, &name, self.authority.client()?)?;
        client_of_pem(&client.get("/roots/0")?.body)
    }

    /// What it has said.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
