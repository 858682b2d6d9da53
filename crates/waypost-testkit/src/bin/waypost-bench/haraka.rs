//! Haraka, from npm: it passes content on while its sender waits, and keeps nothing on disk.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use waypost_testkit::wait;

use crate::sink_address;

/// Where `make/bench.sh` lets npm put it.
const PLACE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../target/haraka/node_modules/Haraka"
);

/// A running Haraka; ended when dropped.
pub(crate) struct Haraka {
    process: Child,
    address: SocketAddr,
    dir: TempDir,
}

impl Haraka {
    /// Takes mail for example.com, whoever it is for, and passes it on to the next hop.
    pub(crate) fn start(hop: SocketAddr) -> Result<Self> {
        let place = Path::new(PLACE);
        let program = place.join("bin/haraka");
        ensure!(program.exists(), "no {}", program.display());
        let address = sink_address()?;
        let dir = tempfile::Builder::new()
            .prefix("waypost-haraka-")
            .tempdir()?;
        fs::create_dir(dir.path().join("config"))?;
        let forward = format!("host={}\nport={}\n", hop.ip(), hop.port());
        let files = [
            ("me", "haraka.test\n".to_owned()),
            ("host_list", "example.com\n".to_owned()),
            (
                "plugins",
                "rcpt_to.in_host_list\nqueue/smtp_forward\n".to_owned(),
            ),
            // One process for each core.
            ("smtp.ini", format!("listen={address}\nnodes=cpus\n")),
            ("smtp_forward.ini", forward),
            // Without its defaults it ends with the first connection.
            (
                "connection.ini",
                fs::read_to_string(place.join("config/connection.ini"))?,
            ),
            ("log.ini", "[main]\nlevel=warn\n".to_owned()),
        ];
        for (name, text) in files {
            fs::write(dir.path().join("config").join(name), text)?;
        }
        let said = fs::File::create(dir.path().join("said"))?;
        let process = Command::new("node")
            .arg(program)
            .arg("-c")
            .arg(dir.path())
            .stdin(Stdio::null())
            .stdout(said.try_clone()?)
            .stderr(said)
            .spawn()
            .context("start node")?;
        let mut haraka = Self {
            process,
            address,
            dir,
        };
        haraka.wait_until_up()?;
        Ok(haraka)
    }

    fn wait_until_up(&mut self) -> Result<()> {
        let (process, address) = (&mut self.process, self.address);
        let mut ended = false;
        let up = wait::until("Haraka to take connections", || {
            ended = matches!(process.try_wait(), Ok(Some(_)));
            (ended || TcpStream::connect(address).is_ok()).then_some(())
        });
        let said = fs::read_to_string(self.dir.path().join("said")).unwrap_or_default();
        ensure!(up.is_ok() && !ended, "Haraka does not run:\n{said}");
        Ok(())
    }

    /// Where it takes mail.
    pub(crate) fn smtp(&self) -> SocketAddr {
        self.address
    }

    /// The process above those that serve.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Haraka {
    fn drop(&mut self) {
        // Those that serve end with it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
