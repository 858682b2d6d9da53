//! The limits that a unit for systemd puts on its service, without systemd: each line of the unit
//! is translated into what the kernel is asked for, by `bwrap`, `setpriv` and libseccomp.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// What puts a program under the limits of system calls.
const LIMITS: &str = include_str!("unit/limits.py");
/// Runs a program where it sees no processes but its user's.
const HIDE_OTHERS: &str =
    "mount -t proc -o hidepid=invisible,nosuid,nodev,noexec proc /proc && exec \"$@\"";
/// Settings that say how the service is run, not what it may do.
const NOT_LIMITS: [&str; 9] = [
    "Type",
    "ExecStart",
    "ExecReload",
    "Restart",
    "RestartPreventExitStatus",
    "TimeoutStopSec",
    "StateDirectoryMode",
    "RemoveIPC",
    "KeyringMode",
];
/// Settings that `limits.py` reads.
const OF_CALLS: [&str; 12] = [
    "LimitNOFILE",
    "UMask",
    "ProtectHostname",
    "RestrictAddressFamilies",
    "RestrictNamespaces",
    "RestrictRealtime",
    "RestrictSUIDSGID",
    "LockPersonality",
    "MemoryDenyWriteExecute",
    "SystemCallArchitectures",
    "SystemCallFilter",
    "SystemCallErrorNumber",
];
/// Settings whose calls and files are out of reach for who has no capability but that of ports,
/// and a system that it can only read.
const OF_CAPABILITIES: [&str; 5] = [
    "ProtectClock",
    "ProtectControlGroups",
    "ProtectKernelLogs",
    "ProtectKernelModules",
    "ProtectKernelTunables",
];

/// A unit file.
pub struct Unit {
    path: PathBuf,
    /// The settings of its section Service, in order.
    settings: Vec<(String, String)>,
}

/// What a service under test has in the place of the folders of an installed one.
pub struct Stay<'a> {
    /// Files and folders that it may read.
    pub reads: &'a [&'a Path],
    /// Folders that it may write to, for `StateDirectory` and `ReadWritePaths`.
    pub writes: &'a [&'a Path],
    /// The id of its user and group, for `User` and `Group`.
    pub user: u32,
}

impl Unit {
    /// Reads a unit file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or a line of it is not understood here: then nothing could be said
    /// about it.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let service = text.split("[Service]").nth(1).context("no [Service]")?;
        let service = service.split("\n[").next().unwrap_or_default();
        let settings = service
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Ok(Self {
            path: path.to_owned(),
            settings,
        })
    }

    fn has(&self, name: &str, value: &str) -> bool {
        let mut settings = self.settings.iter();
        settings.any(|(known, set)| known == name && set == value)
    }

    /// The words in front of a program that put it under the limits of this unit.
    ///
    /// # Errors
    ///
    /// When a setting is not known here, or the folders cannot be given to the user.
    pub fn wrapper(&self, stay: &Stay<'_>, folder: &Path) -> Result<Vec<String>> {
        let script = folder.join("limits.py");
        fs::write(&script, LIMITS)?;
        let unit = folder.join("unit.service");
        fs::copy(&self.path, &unit)?;
        let mut words = Words::default();
        words.add(&["bwrap", "--die-with-parent", "--cap-add", "ALL"]);
        self.settings
            .iter()
            .try_for_each(|(name, value)| words.mount(name, value))?;
        for path in stay.reads {
            words.bind("--ro-bind", path);
        }
        for path in stay.writes {
            give(path, stay.user)?;
            words.bind("--bind", path);
        }
        words.add(&["--"]);
        if self.has("ProtectProc", "invisible") {
            words.add(&["sh", "-c", HIDE_OTHERS, "sh"]);
        }
        let user = stay.user.to_string();
        words.add(&["setpriv", "--reuid", &user, "--regid", &user]);
        words.add(&["--clear-groups"]);
        for (name, value) in &self.settings {
            words.drop_privilege(name, value);
        }
        let (script, unit) = (script.display().to_string(), unit.display().to_string());
        words.add(&["/usr/bin/python3", &script, &unit]);
        Ok(words.0)
    }
}

/// Gives a folder and all that is in it to a user.
fn give(path: &Path, user: u32) -> Result<()> {
    chown(path, Some(user), Some(user)).context("give a folder away (it needs root)")?;
    if !path.is_symlink() && path.is_dir() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), user)?;
        }
    }
    Ok(())
}

#[derive(Default)]
struct Words(Vec<String>);

impl Words {
    fn add(&mut self, words: &[&str]) {
        self.0.extend(words.iter().map(|word| (*word).to_owned()));
    }

    /// Shows a path where it is, also where nothing is left of what is around it.
    fn bind(&mut self, how: &str, path: &Path) {
        let mut around: Vec<&Path> = path.ancestors().skip(1).collect();
        around.reverse();
        for folder in around.iter().skip(2) {
            let folder = folder.display().to_string();
            self.add(&["--perms", "0755", "--dir", &folder]);
        }
        let path = path.display().to_string();
        self.add(&[how, &path, &path]);
    }

    fn mount(&mut self, name: &str, value: &str) -> Result<()> {
        match (name, value) {
            ("ProtectSystem", "strict") => self.add(&["--ro-bind", "/", "/", "--proc", "/proc"]),
            ("ProtectHome", "yes") => {
                self.add(&["--tmpfs", "/home", "--tmpfs", "/root", "--tmpfs", "/run"]);
            }
            ("PrivateTmp", "yes") => {
                for place in ["/tmp", "/var/tmp"] {
                    self.add(&["--perms", "1777", "--tmpfs", place]);
                }
            }
            // What is mounted for it is mounted for nobody else: `bwrap` cannot do otherwise.
            ("PrivateMounts" | "ProtectProc", _) => {}
            ("PrivateDevices", "yes") => self.add(&["--dev", "/dev"]),
            // The paths of the test stand for these.
            ("StateDirectory" | "RuntimeDirectory" | "ReadWritePaths", _) => {}
            ("User" | "Group" | "AmbientCapabilities", _) => {}
            ("CapabilityBoundingSet" | "NoNewPrivileges", _) => {}
            _ => {
                let lists: [&[&str]; 3] = [&NOT_LIMITS, &OF_CALLS, &OF_CAPABILITIES];
                let known = lists.iter().any(|list| list.contains(&name));
                anyhow::ensure!(known, "{name}={value} has no translation in {}", file!());
            }
        }
        Ok(())
    }

    fn drop_privilege(&mut self, name: &str, value: &str) {
        let only = |value: &str| {
            let names = value.split_whitespace();
            let names = names.map(|name| name.trim_start_matches("CAP_").to_lowercase());
            names.fold("-all".to_owned(), |all, name| format!("{all},+{name}"))
        };
        match name {
            "CapabilityBoundingSet" => {
                self.0.push(format!("--bounding-set={}", only(value)));
            }
            "AmbientCapabilities" => {
                self.0.push(format!("--inh-caps={}", only(value)));
                self.0.push(format!("--ambient-caps={}", only(value)));
            }
            "NoNewPrivileges" => self.add(&["--no-new-privs"]),
            _ => {}
        }
    }
}
