//! What was acknowledged survives the process, wherever it is killed.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use waypost_spool::{Content, QueueId, Settings, Spool};

use crate::support::{commit, content, open};

/// Where the child finds its spool; set, the child works, unset, its test does nothing.
const CHILD: &str = "WAYPOST_SPOOL_CRASH_CHILD";
const THREADS: u64 = 8;
const KILLS: usize = 12;

fn size(number: u64) -> usize {
    match number % 8 {
        7 => 150_000,
        n => 500 + 12_000 * usize::try_from(n).unwrap(),
    }
}

/// One line at a time, each in one write, so that the parent never reads half of one.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// Not a test of its own: what the tests below start as a process and kill.
#[test]
fn works_under_load_until_it_is_killed() {
    let Some(dir) = std::env::var_os(CHILD) else {
        return;
    };
    let spool = open(Path::new(&dir));
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| work(&spool, &next));
        }
    });
}

fn work(spool: &Spool, next: &AtomicU64) {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Ok(sent) = commit(spool, &content(number, size(number))) else {
            say(&format!("refused {number}"));
            std::thread::park_timeout(Duration::from_millis(20));
            continue;
        };
        let id = sent.message().id;
        say(&format!("kept {id} {number}"));
        if !number.is_multiple_of(3) {
            say(&format!("removing {id} {number}"));
            // What cannot be removed now stays, and would be tried again.
            let _ = spool.remove(id).wait();
        }
    }
}

/// More lines than any child says before it is killed.
const LINES_MAX: usize = 1_000_000;

/// Starts a child, hands over what it says, and kills it after so many lines that counted.
pub(crate) fn run_and_kill(
    dir: &Path,
    environment: &[(&str, &OsStr)],
    lines: usize,
    mut counts: impl FnMut(&str) -> bool,
) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "crash::works_under_load_until_it_is_killed",
            "--nocapture",
        ])
        .env(CHILD, dir)
        .envs(environment.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut said, mut counted) = (0, 0);
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        said += 1;
        counted += usize::from(counts(&line.unwrap()));
        if counted >= lines || said == LINES_MAX {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(counted >= lines, "{counted} of {said} lines counted");
}

/// What the killed processes said: messages that must be there, and those that may be.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) kept: HashMap<QueueId, u64>,
    leaving: HashMap<QueueId, u64>,
    /// With how many had been kept by then.
    refused: HashMap<u64, u64>,
    kept_so_far: u64,
}

impl Ledger {
    pub(crate) fn note(&mut self, line: &str) {
        let mut words = line.split(' ');
        let verb = words.next();
        if verb == Some("refused") {
            let number = words.next().and_then(|n| n.parse::<u64>().ok());
            self.refused.extend(number.map(|n| (n, self.kept_so_far)));
            return;
        }
        let (Some(id), Some(number)) = (words.next(), words.next()) else {
            return;
        };
        let (Ok(id), Ok(number)) = (id.parse(), number.parse()) else {
            return;
        };
        match verb {
            Some("kept") => {
                self.kept_so_far += 1;
                self.kept.insert(id, number)
            }
            Some("removing") => {
                self.kept.remove(&id);
                self.leaving.insert(id, number)
            }
            _ => None,
        };
    }

    pub(crate) fn check(&self, spool: &Spool) {
        for (id, number) in &self.kept {
            let (_, stored) = spool.load(*id).unwrap().unwrap_or_else(|| {
                panic!("message {id} ({number}) was acknowledged and is lost");
            });
            check(&stored, *number);
        }
        for (id, _) in spool.index().unwrap() {
            // A message that leaves may have lost its file; one that is unknown was not
            // acknowledged, but is whole all the same.
            match (spool.load(id), self.leaving.get(&id)) {
                (Ok(Some((_, stored))), Some(number)) => check(&stored, *number),
                (Ok(Some(_)), None) | (Err(_), Some(_)) => {}
                (found, _) => panic!("message {id}: {found:?}"),
            }
        }
    }
}

impl Ledger {
    /// Nothing that was refused is there, when the process lived to take mail again: each thread
    /// may still say "kept" of what went before. How much was refused.
    pub(crate) fn check_refusals(&self, spool: &Spool) -> usize {
        let seen_to = |number: &u64| {
            let kept_then = self.refused.get(number);
            kept_then.is_some_and(|kept| self.kept_so_far - kept > THREADS)
        };
        for (id, _) in spool.index().unwrap() {
            let (_, stored) = spool.load(id).unwrap().unwrap();
            let mut start = [0; 40];
            stored.read_at(0, &mut start).unwrap();
            let subject = String::from_utf8_lossy(&start);
            let number = subject.split(&[' ', '\r'][..]).nth(1).unwrap();
            assert!(!seen_to(&number.parse().unwrap()), "{number} was refused");
        }
        self.refused.len()
    }
}

fn check(stored: &Content, number: u64) {
    let mut found = vec![0; size(number)];
    assert_eq!(stored.len(), found.len() as u64);
    let mut from = 0;
    while from < found.len() {
        from += stored.read_at(from as u64, &mut found[from..]).unwrap();
    }
    assert_eq!(found, content(number, size(number)));
}

#[test]
fn every_acknowledged_message_survives_kill_9_under_load() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::default();
    for round in 0..KILLS {
        run_and_kill(dir.path(), &[], 40 + 37 * round, |line| {
            ledger.note(line);
            true
        });
        let (spool, recovered) = Spool::open(dir.path(), Settings::default()).unwrap();
        assert_eq!(
            (recovered.damaged.len(), recovered.quarantined.len()),
            (0, 0)
        );
        ledger.check(&spool);
    }
    assert!(ledger.kept.len() > 100);
}
