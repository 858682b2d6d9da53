//! strace that is attached to a running program and does something to it at a system call.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::wait;

/// How long strace may take to let go of a program.
const LETS_GO: Duration = Duration::from_secs(5);

/// What happens at the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blow {
    /// The program is killed, as by `kill -9`.
    Kill,
    /// The call fails with this error, once in each thread.
    Once(&'static str),
    /// This call and all that follow fail, until strace lets go.
    Lasting(&'static str),
}

impl Blow {
    /// In strace's words, at the call with this number.
    fn at(self, number: usize) -> String {
        match self {
            Self::Kill => format!("signal=KILL:when={number}"),
            Self::Once(error) => format!("error={error}:when={number}"),
            Self::Lasting(error) => format!("error={error}:when={number}+"),
        }
    }
}

/// A call, or several that do the same: as strace names them, without those that there are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// How it is called in reports.
    pub name: &'static str,
    /// For strace.
    pub set: &'static str,
    /// Whether it also fails; those that only tell a peer something do so in other tests.
    pub fails: bool,
}

/// Every system call that changes a file or tells a peer something.
pub const CALLS: [Call; 14] = [
    call("write", "write", false),
    call("writev", "writev", false),
    call("pwrite64", "pwrite64,?pwritev,?pwritev2", true),
    call("sendto", "sendto", false),
    call("sendmsg", "sendmsg", false),
    call("fsync", "fsync", true),
    call("fdatasync", "fdatasync", true),
    call("ftruncate", "ftruncate,fallocate", true),
    call("rename", "?rename,renameat,?renameat2", true),
    call("link", "?link,linkat", true),
    call("unlink", "?unlink,unlinkat", true),
    call("mkdir", "?mkdir,mkdirat", true),
    call("openat", "openat", true),
    call("close", "close", false),
];

const fn call(name: &'static str, set: &'static str, fails: bool) -> Call {
    Call { name, set, fails }
}

/// A running strace; lets go when dropped.
pub struct Strace {
    process: Option<Child>,
    dir: TempDir,
}

impl Strace {
    /// Attaches to all threads of a program: the blow falls at the call with that number, counted
    /// in each thread from now on.
    ///
    /// # Errors
    ///
    /// When strace is not there or may not trace.
    pub fn attach(pid: u32, call: Call, number: usize, blow: Blow) -> Result<Self> {
        Self::attach_with(
            pid,
            call.set,
            &format!("inject={}:{}", call.set, blow.at(number)),
        )
    }

    /// Attaches to all threads of a program, and only counts its calls.
    ///
    /// # Errors
    ///
    /// As [`Strace::attach`].
    pub fn watch(pid: u32) -> Result<Self> {
        Self::attach_with(pid, &all(), "status=all")
    }

    fn attach_with(pid: u32, trace: &str, expression: &str) -> Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix("waypost-strace-")
            .tempdir()?;
        let mut process = Command::new("strace")
            .args(arguments(trace, expression, &dir.path().join("calls")))
            .args(["-p", &pid.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(dir.path().join("said"))?)
            .spawn()
            .context("start strace (Debian package strace)")?;
        let attached = wait::until("strace to attach to all threads", || {
            // What the program does by itself may already be the call that kills it.
            let is_there = has_ended(pid) || traced(pid).unwrap_or(false);
            (is_there || process.try_wait().ok().flatten().is_some()).then_some(())
        });
        let strace = Self {
            process: Some(process),
            dir,
        };
        attached.with_context(|| strace.said())?;
        Ok(strace)
    }

    /// What strace prefixes to a command that is to be struck from its first call on; the program
    /// has the process id of the command.
    ///
    /// # Errors
    ///
    /// When no folder for its notes can be made.
    pub fn wrap(call: Call, number: usize, blow: Blow) -> Result<(Self, Vec<String>)> {
        Self::wrap_with(
            call.set,
            &format!("inject={}:{}", call.set, blow.at(number)),
        )
    }

    /// The same, and nothing is struck: its calls are only counted.
    ///
    /// # Errors
    ///
    /// As [`Strace::wrap`].
    pub fn wrap_watching() -> Result<(Self, Vec<String>)> {
        Self::wrap_with(&all(), "status=all")
    }

    fn wrap_with(trace: &str, expression: &str) -> Result<(Self, Vec<String>)> {
        let dir = tempfile::Builder::new()
            .prefix("waypost-strace-")
            .tempdir()?;
        let mut words = vec!["strace".to_owned(), "-D".to_owned()];
        words.extend(arguments(trace, expression, &dir.path().join("calls")));
        let strace = Self { process: None, dir };
        Ok((strace, words))
    }

    /// What strace had to say about itself.
    fn said(&self) -> String {
        fs::read_to_string(self.dir.path().join("said")).unwrap_or_default()
    }

    fn notes(&self) -> PathBuf {
        self.dir.path().join("calls")
    }

    /// How often each call was made so far, by the thread that made it most often.
    #[must_use]
    pub fn counts(&self) -> Vec<(Call, usize)> {
        let notes = fs::read(self.notes()).unwrap_or_default();
        let notes = String::from_utf8_lossy(&notes).into_owned();
        let counted = CALLS.map(|call| (call, count(&notes, call)));
        counted.into()
    }

    /// Whether a call has failed because of it.
    #[must_use]
    pub fn has_struck(&self) -> bool {
        let notes = fs::read(self.notes()).unwrap_or_default();
        String::from_utf8_lossy(&notes).contains("(INJECTED")
    }

    /// Octets of its notes, which grow with every call.
    #[must_use]
    pub fn length(&self) -> u64 {
        fs::metadata(self.notes()).map_or(0, |facts| facts.len())
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        let Some(mut process) = self.process.take() else {
            return;
        };
        let pid = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
        // Asked, it lets every thread finish the call it is in.
        let asked = pid.is_some_and(|pid| kill_process(pid, Signal::TERM).is_ok());
        let ended = asked
            && wait::until_within(LETS_GO, "strace to end", || {
                process.try_wait().ok().flatten()
            })
            .is_ok();
        if !ended {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn arguments(trace: &str, expression: &str, notes: &Path) -> Vec<String> {
    let trace = format!("trace={trace}");
    let notes = notes.display().to_string();
    let words = [
        "-f", "-qq", "-s", "0", "-o", &notes, "-e", &trace, "-e", expression,
    ];
    words.map(str::to_owned).into()
}

/// All calls there are.
fn all() -> String {
    CALLS.map(|call| call.set).join(",")
}

/// Lines of strace's notes that begin such a call: `1234 openat(...`, the most of one thread.
fn count(notes: &str, call: Call) -> usize {
    let names: Vec<&str> = call
        .set
        .split(',')
        .map(|name| name.trim_start_matches('?'))
        .collect();
    let mut by_thread: BTreeMap<&str, usize> = BTreeMap::new();
    for line in notes.lines() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let name = rest.trim_start().split('(').next().unwrap_or_default();
        if names.contains(&name) {
            *by_thread.entry(thread).or_default() += 1;
        }
    }
    by_thread.into_values().max().unwrap_or(0)
}

/// Whether the process is gone, or nothing but its exit status is left of it.
#[must_use]
pub fn has_ended(pid: u32) -> bool {
    !Path::new(&format!("/proc/{pid}/fd/0")).exists()
}

/// Whether every thread of the process has a tracer.
fn traced(pid: u32) -> Result<bool> {
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let status = fs::read_to_string(thread?.path().join("status"))?;
        if status
            .lines()
            .any(|line| line.split_whitespace().eq(["TracerPid:", "0"]))
        {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_in_each_thread() {
        let notes = "12 write(3, \"\"..., 5) = 5\n13 write(3, \"\"..., 5) = 5\n\
            12 write(3 <unfinished ...>\n12 <... write resumed>) = 5\n12 renameat2(1) = 0\n";
        let counted = |name: &str| {
            let call = CALLS.into_iter().find(|call| call.name == name);
            count(notes, call.unwrap())
        };
        assert_eq!(
            (counted("write"), counted("rename"), counted("fsync")),
            (2, 1, 0)
        );
    }
}
