//! A real Waypost: the built program with a folder and a loopback address of its own.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context as _, Result};
pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::place::unused_address;
use crate::wait;

/// Where mail from other servers is taken.
pub const SMTP_PORT: u16 = 2525;
/// Where users submit with STARTTLS.
pub const SUBMISSION_PORT: u16 = 2587;
/// Where users submit with implicit TLS.
pub const SUBMISSIONS_PORT: u16 = 2465;
/// Where questions about addresses are answered.
pub const MINGER_PORT: u16 = 4069;
/// Where the console is.
pub const CONSOLE_PORT: u16 = 8025;
/// Where mail is taken over LMTP.
pub const LMTP_PORT: u16 = 2424;

/// The sections of a site's configuration, which a test may replace one by one.
///
/// `%ADDRESS%` and `%DIR%` stand for the site's address and folder.
const SECTIONS: [(&str, &str); 6] = [
    (
        "listen",
        "smtp = [\"%ADDRESS%:2525\"]\nsubmission = [\"%ADDRESS%:2587\"]\n\
         submissions = [\"%ADDRESS%:2465\"]\nlmtp = [\"%ADDRESS%:2424\"]\n\
         minger = [\"%ADDRESS%:4069\"]\n",
    ),
    ("trust", "networks = []\n"),
    (
        "local",
        "delivery = \"maildir:%DIR%/mail/{domain}/{login}\"\n",
    ),
    ("outbound", "source = \"%ADDRESS%\"\n"),
    ("queue", "retry_first = \"1s\"\nretry_max = \"2s\"\n"),
    ("limits", ""),
];

/// A site that is not yet running.
pub struct Plan {
    program: PathBuf,
    address: IpAddr,
    sections: Vec<(String, String)>,
    environment: Vec<(String, String)>,
    hostname: String,
    data: Option<PathBuf>,
    site: String,
}

impl Plan {
    /// A site of the program at `program`, on an unused address, with an empty directory.
    ///
    /// # Errors
    ///
    /// When no loopback address can be had.
    pub fn new(program: impl Into<PathBuf>) -> Result<Self> {
        let sections = SECTIONS.map(|(name, body)| (name.to_owned(), body.to_owned()));
        Ok(Self {
            program: program.into(),
            address: unused_address()?,
            sections: sections.into(),
            environment: Vec::new(),
            hostname: "site.test".to_owned(),
            data: None,
            site: String::new(),
        })
    }

    /// The address that the site will have.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Replaces a section of the configuration, or adds one.
    #[must_use]
    pub fn section(mut self, name: &str, body: &str) -> Self {
        self.sections.retain(|(known, _)| known != name);
        self.sections.push((name.to_owned(), body.to_owned()));
        self
    }

    /// Opens the console too; the first administrator is made.
    #[must_use]
    pub fn with_console(mut self) -> Self {
        for (name, body) in &mut self.sections {
            if name == "listen" {
                body.push_str(&format!("console = [\"%ADDRESS%:{CONSOLE_PORT}\"]\n"));
            }
        }
        self
    }

    /// Sets a variable in the environment of the program that serves.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The name that the site gives itself.
    #[must_use]
    pub fn hostname(mut self, name: &str) -> Self {
        name.clone_into(&mut self.hostname);
        self
    }

    /// Keeps the site's data in a folder of the test's.
    #[must_use]
    pub fn data(mut self, folder: &Path) -> Self {
        self.data = Some(folder.to_owned());
        self
    }

    /// What the directory holds from the start: a site file.
    #[must_use]
    pub fn site(mut self, file: &str) -> Self {
        self.site.push_str(file);
        self
    }

    /// Starts the site and applies its site file.
    ///
    /// # Errors
    ///
    /// When it does not start or the file is refused; what the program said is in the error.
    pub fn start(self) -> Result<Site> {
        let dir = tempfile::Builder::new().prefix("waypost-site-").tempdir()?;
        let place = dir.path().display().to_string();
        let fill = |text: &str| {
            text.replace("%ADDRESS%", &self.address.to_string())
                .replace("%DIR%", &place)
        };
        let data = self.data.unwrap_or_else(|| dir.path().join("data"));
        let mut config = format!(
            "hostname = \"{}\"\ndata_dir = \"{}\"\n",
            self.hostname,
            data.display()
        );
        for (name, body) in &self.sections {
            config.push_str(&format!("\n[{name}]\n{}", fill(body)));
        }
        fs::write(dir.path().join("waypost.toml"), config)?;
        let mut site = Site {
            address: self.address,
            program: self.program,
            environment: self.environment,
            dir,
            process: None,
        };
        site.launch()?;
        if !self.site.is_empty() {
            site.apply(&fill(&self.site))?;
        }
        Ok(site)
    }
}

/// A running site; ended when dropped.
pub struct Site {
    /// Its address; it also connects from here.
    pub address: IpAddr,
    program: PathBuf,
    environment: Vec<(String, String)>,
    dir: TempDir,
    process: Option<Child>,
}

impl Site {
    /// Where it takes mail from other servers.
    #[must_use]
    pub fn smtp(&self) -> SocketAddr {
        SocketAddr::new(self.address, SMTP_PORT)
    }

    /// Where it answers questions about its addresses.
    #[must_use]
    pub fn minger(&self) -> SocketAddr {
        SocketAddr::new(self.address, MINGER_PORT)
    }

    /// Where its console is.
    #[must_use]
    pub fn console(&self) -> SocketAddr {
        SocketAddr::new(self.address, CONSOLE_PORT)
    }

    /// Where it takes mail from its users, with STARTTLS.
    #[must_use]
    pub fn submission(&self) -> SocketAddr {
        SocketAddr::new(self.address, SUBMISSION_PORT)
    }

    /// Its folder: `waypost.toml`, `data`, `mail`, `log`.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The process that serves, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Starts the program; returns when it says that it is ready.
    ///
    /// # Errors
    ///
    /// When it ends or is not ready in time; its log is in the error.
    pub fn launch(&mut self) -> Result<()> {
        self.launch_under(&[])
    }

    /// As [`Site::launch`], under another program such as `strace` with its arguments.
    ///
    /// # Errors
    ///
    /// As [`Site::launch`].
    pub fn launch_under(&mut self, wrapper: &[&str]) -> Result<()> {
        let ready = self.dir.path().join("ready");
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.dir.path().join("log"))?;
        let mut command = match wrapper {
            [] => Command::new(&self.program),
            [wrapper, arguments @ ..] => {
                let mut command = Command::new(wrapper);
                command.args(arguments).arg(&self.program);
                command
            }
        };
        let environment = self.environment.iter();
        let mut process = command
            .envs(environment.map(|(name, value)| (name, value)))
            .args(["serve", "--config"])
            .arg(self.config())
            .stdin(Stdio::null())
            .stdout(fs::File::create(&ready)?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("start {}", self.program.display()))?;
        let mut ended = None;
        let up = wait::until("the site to be ready", || {
            ended = process.try_wait().ok().flatten();
            let said = fs::read_to_string(&ready).unwrap_or_default();
            (ended.is_some() || said.starts_with("ready ")).then_some(())
        });
        self.process = Some(process);
        anyhow::ensure!(
            up.is_ok() && ended.is_none(),
            "not ready ({ended:?}):\n{}",
            self.log()
        );
        Ok(())
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("waypost.toml")
    }

    /// Ends the program at once, as `kill -9` does.
    ///
    /// # Errors
    ///
    /// When it is not running.
    pub fn kill(&mut self) -> Result<()> {
        let mut process = self.process.take().context("the site is not running")?;
        process.kill()?;
        process.wait()?;
        Ok(())
    }

    /// Ends the program with SIGTERM and waits for it.
    ///
    /// # Errors
    ///
    /// When it is not running or does not end with success.
    pub fn stop(&mut self) -> Result<()> {
        self.signal(Signal::TERM)?;
        let mut process = self.process.take().context("the site is not running")?;
        let status = wait::until("the site to end", || process.try_wait().ok().flatten())?;
        anyhow::ensure!(status.success(), "ended with {status}:\n{}", self.log());
        Ok(())
    }

    /// Sends the running program a signal.
    ///
    /// # Errors
    ///
    /// When it is not running.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self
            .pid()
            .and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        kill_process(pid.context("the site is not running")?, signal)?;
        Ok(())
    }

    /// Waits until the program has ended by itself.
    ///
    /// # Errors
    ///
    /// When it does not end in time.
    pub fn wait_until_ended(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            wait::until("the site to end", || process.try_wait().ok().flatten())?;
        }
        Ok(())
    }

    /// Runs a command of the program against this site.
    ///
    /// # Errors
    ///
    /// When it cannot be started; what it answered is for the caller to judge.
    pub fn run(&self, arguments: &[&str]) -> Result<Output> {
        self.run_with_input(arguments, "")
    }

    /// As [`Site::run`], with text on standard input.
    ///
    /// # Errors
    ///
    /// As [`Site::run`].
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Result<Output> {
        let mut process = Command::new(&self.program)
            .args(arguments)
            .arg("--config")
            .arg(self.config())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = process.stdin.take() {
            // A command that does not read its input may have ended already.
            let _ = stdin.write_all(input.as_bytes());
        }
        Ok(process.wait_with_output()?)
    }

    /// Runs a command that must succeed; what it printed.
    ///
    /// # Errors
    ///
    /// When it fails; what it said is in the error.
    pub fn tell(&self, arguments: &[&str]) -> Result<String> {
        let output = self.run(arguments)?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "{arguments:?} failed: {said}");
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs a command with `--json`; its result.
    ///
    /// # Errors
    ///
    /// When it fails or does not print JSON.
    pub fn ask(&self, arguments: &[&str]) -> Result<Value> {
        let mut all = arguments.to_vec();
        all.push("--json");
        let printed = self.tell(&all)?;
        serde_json::from_str(&printed).with_context(|| format!("not JSON: {printed}"))
    }

    /// Lets waiting mail be tried again: an id, or all for no words. An attempt that has failed, as
    /// the log says, may still be about to be put away, and cannot be hastened until it is.
    ///
    /// # Errors
    ///
    /// When nothing is found that waits.
    pub fn flush(&self, words: &[&str]) -> Result<()> {
        let all = [&["queue", "flush"], words].concat();
        wait::until("mail that waits", || {
            let told = self.ask(&all).ok()?;
            (told["messages"].as_u64()? > 0).then_some(())
        })
    }

    /// Makes the directory what the site file says, whatever peers say of its addresses.
    ///
    /// # Errors
    ///
    /// When the file is refused; why is in the error.
    pub fn apply(&self, file: &str) -> Result<()> {
        let path = self.dir.path().join("site.toml");
        fs::write(&path, file)?;
        self.tell(&["apply", &path.display().to_string(), "--prune", "--force"])?;
        Ok(())
    }

    /// All that it has logged, over all its lives.
    #[must_use]
    pub fn log(&self) -> String {
        let bytes = fs::read(self.dir.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Octets of its log.
    #[must_use]
    pub fn log_length(&self) -> u64 {
        fs::metadata(self.dir.path().join("log")).map_or(0, |facts| facts.len())
    }

    /// What it has logged from this octet on.
    #[must_use]
    pub fn log_since(&self, from: u64) -> String {
        let mut bytes = Vec::new();
        // A log that cannot be read is an empty one, as for `log`.
        let _ = fs::File::open(self.dir.path().join("log")).and_then(|mut log| {
            log.seek(SeekFrom::Start(from))?;
            log.read_to_end(&mut bytes)
        });
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until a log line holds all the words.
    ///
    /// # Errors
    ///
    /// The whole log, when no line does in time.
    pub fn wait_for_log(&self, words: &[&str]) -> Result<String> {
        wait::until(&format!("the site to log {words:?}"), || {
            let log = self.log();
            let mut lines = log.lines();
            lines
                .find(|line| words.iter().all(|word| line.contains(word)))
                .map(String::from)
        })
        .with_context(|| self.log())
    }

    /// The contents of all messages in a mailbox here.
    #[must_use]
    pub fn messages(&self, domain: &str, login: &str) -> Vec<String> {
        crate::maildir::messages(&self.dir.path().join("mail").join(domain).join(login))
    }

    /// Waits until a mailbox here holds so many messages, and returns them.
    ///
    /// # Errors
    ///
    /// The site's log, when they do not come.
    pub fn wait_for_messages(
        &self,
        domain: &str,
        login: &str,
        count: usize,
    ) -> Result<Vec<String>> {
        wait::until(&format!("{count} messages for {login}@{domain}"), || {
            Some(self.messages(domain, login)).filter(|messages| messages.len() >= count)
        })
        .with_context(|| self.log())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
