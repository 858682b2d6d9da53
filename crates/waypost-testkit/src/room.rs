//! A room for a program whose Debian package cannot be installed beside another: the unpacked
//! program sees its own folders where it was built to look for them, and users that only it knows.
//!
//! `bwrap` (Debian package bubblewrap) builds the room from mounts that nobody else sees, with
//! processes of its own, which all end with the first of them. The network is everybody's.

use std::ffi::OsString;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::wait;

/// Where `make/setup.sh` unpacks packages.
const UNPACKED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/unpacked");
/// The first of the ids of a room's users.
const FIRST_ID: u32 = 9001;

/// A file system of one program's own.
pub struct Room {
    dir: TempDir,
    arguments: Vec<OsString>,
}

impl Room {
    /// A room in which these users are known besides root and nobody; nothing is writable that
    /// was not made so.
    ///
    /// # Errors
    ///
    /// When its folder cannot be made.
    pub fn new(users: &[&str]) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("waypost-room-").tempdir()?;
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755))?;
        let mut passwd =
            String::from("root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n");
        let mut group = String::from("root:x:0:\nnogroup:x:65534:\n");
        for (id, user) in (FIRST_ID..).zip(users) {
            passwd.push_str(&format!("{user}:x:{id}:{id}::/:/bin/sh\n"));
            group.push_str(&format!("{user}:x:{id}:\n"));
        }
        let mut room = Self {
            dir,
            arguments: Vec::new(),
        };
        room.add(&["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]);
        room.add(&["--perms", "1777", "--tmpfs", "/tmp"]);
        room.add(&["--unshare-pid", "--die-with-parent", "--cap-add", "ALL"]);
        for (name, text) in [("passwd", passwd), ("group", group)] {
            let file = room.file(name);
            fs::write(&file, text)?;
            room.show(&file, &format!("/etc/{name}"));
        }
        Ok(room)
    }

    /// The id of the user who was named at this place.
    #[must_use]
    pub fn id(number: u32) -> u32 {
        FIRST_ID + number
    }

    fn add(&mut self, arguments: &[&str]) {
        self.arguments.extend(arguments.iter().map(OsString::from));
    }

    /// A path in the room's folder, seen from outside.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Shows a file or folder at this place.
    pub fn show(&mut self, path: &Path, at: &str) {
        self.arguments.push("--ro-bind".into());
        self.arguments.push(path.into());
        self.arguments.push(at.into());
    }

    /// Leaves nothing at this place but these programs of an unpacked package.
    ///
    /// # Errors
    ///
    /// When they were not unpacked.
    pub fn show_unpacked(&mut self, place: &str, names: &[&str]) -> Result<()> {
        self.add(&["--tmpfs", place]);
        for name in names {
            let at = format!("{place}/{name}");
            let path = PathBuf::from(format!("{UNPACKED}{at}"));
            anyhow::ensure!(path.exists(), "no {}: run make test", path.display());
            self.show(&path, &at);
        }
        Ok(())
    }

    /// Makes a folder of the room's that is seen at this place, writable for this user.
    ///
    /// # Errors
    ///
    /// When it may not be given to the user.
    pub fn folder(&mut self, name: &str, at: &str, owner: u32) -> Result<()> {
        let path = self.file(name);
        fs::create_dir(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        chown(&path, Some(owner), Some(owner)).context("give a folder away (it needs root)")?;
        self.arguments.push("--bind".into());
        self.arguments.push(path.into());
        self.arguments.push(at.into());
        Ok(())
    }

    /// A command that runs in the room.
    #[must_use]
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("bwrap");
        command.args(&self.arguments).arg("--").args(words);
        command.stdin(Stdio::null());
        command
    }

    /// What a command says that runs in the room until it ends.
    ///
    /// # Errors
    ///
    /// When it fails; what it said is in the error.
    pub fn tell(&self, words: &[&str]) -> Result<String> {
        let output = self.command(words).output().context("start bwrap")?;
        let said = both(&output);
        anyhow::ensure!(output.status.success(), "{words:?}: {said}");
        Ok(said)
    }

    /// Starts the server of the room, and waits until it takes connections there. What it says is
    /// in the file `said`.
    ///
    /// # Errors
    ///
    /// When it does not; what it said is in the error.
    pub fn serve(self, words: &[&str], at: SocketAddr) -> Result<Lodger> {
        let said = fs::File::create(self.file("said"))?;
        let process = self
            .command(words)
            .stdout(said.try_clone()?)
            .stderr(said)
            .spawn()
            .context("start bwrap (Debian package bubblewrap)")?;
        let mut lodger = Lodger {
            room: self,
            process,
            at,
        };
        let process = &mut lodger.process;
        let mut ended = false;
        let up = wait::until("the server in its room to take connections", || {
            ended = matches!(process.try_wait(), Ok(Some(_)));
            (ended || TcpStream::connect(at).is_ok()).then_some(())
        });
        anyhow::ensure!(
            up.is_ok() && !ended,
            "{words:?} does not run:\n{}",
            lodger.said()
        );
        Ok(lodger)
    }
}

/// All that a program has said.
#[must_use]
pub fn both(output: &Output) -> String {
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    said
}

/// A server that runs in a room; ended when dropped.
pub struct Lodger {
    /// Where it lives.
    pub room: Room,
    process: Child,
    at: SocketAddr,
}

impl Lodger {
    /// The process above all others of the room.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// What it has said.
    #[must_use]
    pub fn said(&self) -> String {
        let bytes = fs::read(self.room.file("said")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Lodger {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        // All others of the room are gone when nobody listens any more.
        let at = self.at;
        let _ = wait::until("the server to end", || TcpListener::bind(at).ok());
    }
}
