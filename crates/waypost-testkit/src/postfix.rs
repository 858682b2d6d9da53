//! A real Postfix as the other mail server: Debian's programs, its own folders, its own address.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::place::unused_address;
use crate::wait;

/// The port on which a started Postfix takes mail, on an address of its own.
const SMTP_PORT: u16 = 2525;

const MASTER_CF: &str = "\
pickup    unix  n  -  n  60     1  pickup
cleanup   unix  n  -  n  -      0  cleanup
qmgr      unix  n  -  n  300    1  qmgr
rewrite   unix  -  -  n  -      -  trivial-rewrite
bounce    unix  -  -  n  -      0  bounce
defer     unix  -  -  n  -      0  bounce
trace     unix  -  -  n  -      0  bounce
verify    unix  -  -  n  -      1  verify
tlsmgr    unix  -  -  n  1000?  1  tlsmgr
tlsproxy  unix  -  -  n  -      0  tlsproxy
flush     unix  n  -  n  1000?  0  flush
proxymap  unix  -  -  n  -      -  proxymap
proxywrite unix -  -  n  -      1  proxymap
smtp      unix  -  -  n  -      -  smtp
relay     unix  -  -  n  -      -  smtp
showq     unix  n  -  n  -      -  showq
error     unix  -  -  n  -      -  error
retry     unix  -  -  n  -      -  error
discard   unix  -  -  n  -      -  discard
virtual   unix  -  n  n  -      -  virtual
lmtp      unix  -  -  n  -      -  lmtp
anvil     unix  -  -  n  -      1  anvil
scache    unix  -  -  n  -      1  scache
postlog   unix-dgram n - n -    1  postlogd
";

/// A running Postfix; ended when dropped.
pub struct Postfix {
    /// Its address; it also connects from here.
    pub address: IpAddr,
    dir: TempDir,
    master: Child,
}

impl Postfix {
    /// Starts a Postfix on an unused address.
    ///
    /// `main_cf` is added to a configuration that serves nothing and trusts nobody; `%ADDRESS%` in
    /// it is replaced by the address.
    ///
    /// # Errors
    ///
    /// When Postfix is not installed, not allowed (it needs root), or does not start; its log is in
    /// the error.
    pub fn start(main_cf: &str) -> Result<Self> {
        Self::start_on(unused_address()?, main_cf)
    }

    /// As [`Postfix::start`], on this address.
    ///
    /// # Errors
    ///
    /// As [`Postfix::start`].
    pub fn start_on(address: IpAddr, main_cf: &str) -> Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix("waypost-postfix-")
            .tempdir()?;
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755))?;
        lay_out(dir.path(), address, main_cf)?;
        let master = Command::new("/usr/sbin/postfix")
            .arg("-c")
            .arg(dir.path().join("etc"))
            .arg("start-fg")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("start postfix (is the package installed?)")?;
        let mut postfix = Self {
            address,
            dir,
            master,
        };
        postfix.wait_until_up()?;
        Ok(postfix)
    }

    /// Replaces a line of `main.cf`; it holds for sessions from now on.
    ///
    /// # Errors
    ///
    /// When it is not taken.
    pub fn reload_with(&self, line: &str) -> Result<()> {
        let etc = self.dir.path().join("etc");
        for (program, words) in [("postconf", vec!["-e", line]), ("postfix", vec!["reload"])] {
            let output = Command::new(format!("/usr/sbin/{program}"))
                .arg("-c")
                .arg(&etc)
                .args(words)
                .output()?;
            let said = String::from_utf8_lossy(&output.stderr);
            anyhow::ensure!(output.status.success(), "{program} {line}: {said}");
        }
        self.end_sessions();
        Ok(())
    }

    /// Ends the processes that serve clients: a session that is kept goes on as it began.
    fn end_sessions(&self) {
        let master = format!("PPid:\t{}\n", self.pid());
        let log = self.log();
        for piece in log.split("/smtpd[").skip(1) {
            let number = piece.split(']').next().unwrap_or_default();
            let status = fs::read_to_string(format!("/proc/{number}/status"));
            if !status.is_ok_and(|status| status.contains(&master)) {
                continue;
            }
            let pid = number.parse().ok().and_then(rustix::process::Pid::from_raw);
            if let Some(pid) = pid {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            }
        }
    }

    fn wait_until_up(&mut self) -> Result<()> {
        let server = self.smtp();
        let master = &mut self.master;
        let mut ended = false;
        let up = wait::until("Postfix to take connections", || {
            ended = matches!(master.try_wait(), Ok(Some(_)));
            (ended || TcpStream::connect(server).is_ok()).then_some(())
        });
        anyhow::ensure!(
            up.is_ok() && !ended,
            "Postfix did not start:\n{}",
            self.log()
        );
        Ok(())
    }

    /// The process above all others of it.
    #[must_use]
    pub fn pid(&self) -> u32 {
        let pid_file = self.dir.path().join("spool/pid/master.pid");
        let pid = fs::read_to_string(pid_file)
            .ok()
            .and_then(|text| text.trim().parse().ok());
        pid.unwrap_or_else(|| self.master.id())
    }

    /// Where it takes mail.
    #[must_use]
    pub fn smtp(&self) -> SocketAddr {
        SocketAddr::new(self.address, SMTP_PORT)
    }

    /// All that it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("mail.log")).unwrap_or_default()
    }

    /// Waits until a log line holds all the words.
    ///
    /// # Errors
    ///
    /// The whole log, when no line does in time.
    pub fn wait_for_log(&self, words: &[&str]) -> Result<String> {
        wait::until(&format!("Postfix to log {words:?}"), || {
            let log = self.log();
            let mut lines = log.lines();
            lines
                .find(|line| words.iter().all(|word| line.contains(word)))
                .map(String::from)
        })
        .with_context(|| self.log())
    }

    /// How many messages are queued.
    ///
    /// # Errors
    ///
    /// When the queue cannot be listed.
    pub fn queue_length(&self) -> Result<usize> {
        let output = Command::new("/usr/sbin/postqueue")
            .arg("-c")
            .arg(self.dir.path().join("etc"))
            .arg("-j")
            .output()?;
        Ok(String::from_utf8_lossy(&output.stdout).lines().count())
    }

    /// Where a mailbox of its `virtual_mailbox_base` lies.
    #[must_use]
    pub fn maildir(&self, domain: &str, login: &str) -> PathBuf {
        self.dir.path().join("mail").join(domain).join(login)
    }

    /// The contents of all messages in a mailbox.
    #[must_use]
    pub fn messages(&self, domain: &str, login: &str) -> Vec<String> {
        crate::maildir::messages(&self.maildir(domain, login))
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let pid_file = self.dir.path().join("spool/pid/master.pid");
        let pid = fs::read_to_string(pid_file)
            .ok()
            .and_then(|text| text.trim().parse().ok());
        if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.master.wait();
    }
}

/// Writes the folders and files of an instance of its own.
fn lay_out(dir: &Path, address: IpAddr, main_cf: &str) -> Result<()> {
    for folder in ["etc", "spool", "data", "mail"] {
        fs::create_dir(dir.join(folder))?;
    }
    for folder in ["data", "mail"] {
        give_to_postfix(&dir.join(folder))?;
    }
    let (id, place) = (user_id("postfix")?, dir.display());
    let usual = format!(
        "compatibility_level = 3.6
queue_directory = {place}/spool
data_directory = {place}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = {place}/mail.log
maillog_file_prefixes = {place}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtp_bind_address = {address}
mynetworks = 127.255.255.255/32
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
smtp_tls_security_level = none
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
virtual_mailbox_base = {place}/mail
virtual_uid_maps = static:{id}
virtual_gid_maps = static:{id}
virtual_minimum_uid = 1
"
    );
    let own = main_cf.replace("%ADDRESS%", &address.to_string());
    fs::write(dir.join("etc/main.cf"), together(&usual, &own))?;
    let smtpd = format!("{address}:{SMTP_PORT} inet n - n - - smtpd\n");
    fs::write(dir.join("etc/master.cf"), smtpd + MASTER_CF)?;
    Ok(())
}

/// The lines of `usual` that `own` does not set itself, and all of `own`. No parameter may be set
/// twice: every program of Postfix warns of that when it starts, and postlogd, which would write
/// that down, waits for itself when others were faster (3.7.11).
fn together(usual: &str, own: &str) -> String {
    let name = |line: &str| line.split('=').next().unwrap_or_default().trim().to_owned();
    let own_names: BTreeSet<String> = own.lines().map(name).collect();
    let usual = usual
        .lines()
        .filter(|line| !own_names.contains(&name(line)));
    let lines: Vec<&str> = usual.chain(own.lines()).collect();
    lines.join("\n") + "\n"
}

fn give_to_postfix(path: &Path) -> Result<()> {
    let id = user_id("postfix")?;
    std::os::unix::fs::chown(path, Some(id), None)
        .context("give a folder to Postfix's user (these tests need root)")
}

fn user_id(name: &str) -> Result<u32> {
    let passwd = fs::read_to_string("/etc/passwd")?;
    let line = passwd
        .lines()
        .find(|line| line.split(':').next() == Some(name));
    let id = line.and_then(|line| line.split(':').nth(2)?.parse().ok());
    id.with_context(|| format!("no user {name}: is its Debian package installed?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_parameter_is_set_twice() {
        let lines = together("a = 1\nb = 2\n", "c = 3\na = 4,\n 5\n");
        assert_eq!(lines, "b = 2\nc = 3\na = 4,\n 5\n");
    }
}
