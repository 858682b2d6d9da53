//! A real Dovecot: LMTP in front, IMAP behind, its own folders, its own address.

use std::fs;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::place::unused_address;
use crate::wait;

const LMTP_PORT: u16 = 2424;
const IMAP_PORT: u16 = 2143;
/// What every user of a test logs in with.
const PASSWORD: &str = "secret";

/// A running Dovecot; ended when dropped.
pub struct Dovecot {
    address: IpAddr,
    dir: TempDir,
    master: Child,
}

impl Dovecot {
    /// Starts a Dovecot that knows these users (`login@domain`), with their mail in Maildirs below
    /// [`Dovecot::mail`]`/domain/login`.
    ///
    /// # Errors
    ///
    /// When Dovecot is not installed, not allowed (it needs root), or does not start; its log is in
    /// the error.
    pub fn start(users: &[&str]) -> Result<Self> {
        let address = unused_address()?;
        let dir = tempfile::Builder::new()
            .prefix("waypost-dovecot-")
            .tempdir()?;
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755))?;
        lay_out(dir.path(), address, users)?;
        let master = Command::new("/usr/sbin/dovecot")
            .arg("-F")
            .arg("-c")
            .arg(dir.path().join("dovecot.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("start dovecot (is the package installed?)")?;
        let dovecot = Self {
            address,
            dir,
            master,
        };
        wait::until("Dovecot to take connections", || {
            let ports = [LMTP_PORT, IMAP_PORT];
            ports
                .iter()
                .all(|port| TcpStream::connect((address, *port)).is_ok())
                .then_some(())
        })
        .with_context(|| dovecot.log())?;
        Ok(dovecot)
    }

    /// Where it takes mail over TCP.
    #[must_use]
    pub fn lmtp(&self) -> SocketAddr {
        SocketAddr::new(self.address, LMTP_PORT)
    }

    /// Where it takes mail over a Unix socket.
    #[must_use]
    pub fn lmtp_socket(&self) -> PathBuf {
        self.dir.path().join("lmtp")
    }

    /// Below which the Maildirs lie, as `domain/login`.
    #[must_use]
    pub fn mail(&self) -> PathBuf {
        self.dir.path().join("mail")
    }

    /// All that it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("dovecot.log")).unwrap_or_default()
    }

    /// Gives the Maildirs that another program wrote to the user that Dovecot reads mail as.
    ///
    /// # Errors
    ///
    /// When that is not allowed.
    pub fn take_over_mail(&self) -> Result<()> {
        let status = Command::new("chown")
            .args(["-R", "mail:mail"])
            .arg(self.mail())
            .status()?;
        anyhow::ensure!(status.success(), "chown failed");
        Ok(())
    }

    /// The contents of all messages in a user's INBOX, read over IMAP (RFC 9051).
    ///
    /// # Errors
    ///
    /// When the user cannot log in or the dialogue breaks.
    pub fn inbox(&self, user: &str) -> Result<Vec<String>> {
        let stream = TcpStream::connect((self.address, IMAP_PORT))?;
        stream.set_read_timeout(Some(wait::PATIENCE))?;
        let mut imap = BufReader::new(stream);
        read_line(&mut imap)?;
        command(&mut imap, &format!("LOGIN {user} {PASSWORD}"))?;
        let (selected, _) = command(&mut imap, "SELECT INBOX")?;
        if selected.iter().any(|line| line == "* 0 EXISTS") {
            return Ok(Vec::new());
        }
        let (_, messages) = command(&mut imap, "FETCH 1:* BODY.PEEK[]")?;
        Ok(messages)
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        let pid = i32::try_from(self.master.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.master.wait();
    }
}

/// Sends a command; the untagged lines and the literals that answer it.
fn command(imap: &mut BufReader<TcpStream>, text: &str) -> Result<(Vec<String>, Vec<String>)> {
    write!(imap.get_mut(), "t {text}\r\n")?;
    let (mut lines, mut literals) = (Vec::new(), Vec::new());
    loop {
        let line = read_line(imap)?;
        if let Some(status) = line.strip_prefix("t ") {
            anyhow::ensure!(status.starts_with("OK"), "{text:?} got {status}");
            return Ok((lines, literals));
        }
        if let Some(length) = literal_length(&line) {
            let mut bytes = vec![0; length];
            imap.read_exact(&mut bytes)?;
            literals.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        lines.push(line);
    }
}

/// The length in `... {123}` at the end of a line (RFC 9051 §4.3).
fn literal_length(line: &str) -> Option<usize> {
    line.strip_suffix('}')?.rsplit_once('{')?.1.parse().ok()
}

fn read_line(imap: &mut BufReader<TcpStream>) -> Result<String> {
    let mut line = String::new();
    anyhow::ensure!(
        imap.read_line(&mut line)? > 0,
        "the IMAP server closed the connection"
    );
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Writes the folders and files of an instance of its own.
fn lay_out(dir: &Path, address: IpAddr, users: &[&str]) -> Result<()> {
    for folder in ["run", "state", "mail"] {
        fs::create_dir(dir.join(folder))?;
    }
    let place = dir.display();
    let passwd: String = users
        .iter()
        .map(|user| format!("{user}:{{PLAIN}}{PASSWORD}:::::\n"))
        .collect();
    fs::write(dir.join("users"), passwd)?;
    let conf = format!(
        "base_dir = {place}/run
state_dir = {place}/state
log_path = {place}/dovecot.log
protocols = imap lmtp
ssl = no
disable_plaintext_auth = no
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:{place}/mail/%d/%n
passdb {{
  driver = passwd-file
  args = username_format=%u {place}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {place}/users
}}
namespace inbox {{
  inbox = yes
}}
service imap-login {{
  inet_listener imap {{
    address = {address}
    port = {IMAP_PORT}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = {address}
    port = {LMTP_PORT}
  }}
  unix_listener {place}/lmtp {{
    mode = 0666
  }}
}}
"
    );
    fs::write(dir.join("dovecot.conf"), conf)?;
    let status = Command::new("chown")
        .arg("mail:mail")
        .arg(dir.join("mail"))
        .status()?;
    anyhow::ensure!(
        status.success(),
        "chown of the mail folder failed (these tests need root)"
    );
    Ok(())
}
