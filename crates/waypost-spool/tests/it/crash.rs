//! What was acknowledged survives the process, wherever it is killed.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use waypost_spool::{Content, QueueId, Settings, Spool};

use crate::support::{commit, content, open};

/// Where the child finds its spool; set, the child works, unset, its test does nothing.
const CHILD: &str = "WAYPOST_SPOOL_CRASH_CHILD";
const THREADS: u64 = 8;
const KILLS: u64 = 12;

fn size(number: u64) -> usize {
    match number % 8 {
        7 => 150_000,
        n => 500 + 3000 * usize::try_from(n).unwrap(),
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
        let sent = commit(spool, &content(number, size(number))).unwrap();
        let id = sent.message().id;
        say(&format!("kept {id} {number}"));
        if !number.is_multiple_of(3) {
            say(&format!("removing {id} {number}"));
            spool.remove(id).wait().unwrap();
        }
    }
}

fn start(dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "crash::works_under_load_until_it_is_killed",
            "--nocapture",
        ])
        .env(CHILD, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What the killed processes said: messages that must be there, and those that may be.
#[derive(Default)]
struct Ledger {
    kept: HashMap<QueueId, u64>,
    leaving: HashMap<QueueId, u64>,
}

impl Ledger {
    fn note(&mut self, line: &str) {
        let mut words = line.split(' ');
        let verb = words.next();
        let (Some(id), Some(number)) = (words.next(), words.next()) else {
            return;
        };
        let (Ok(id), Ok(number)) = (id.parse(), number.parse()) else {
            return;
        };
        match verb {
            Some("kept") => self.kept.insert(id, number),
            Some("removing") => {
                self.kept.remove(&id);
                self.leaving.insert(id, number)
            }
            _ => None,
        };
    }

    fn check(&self, spool: &Spool) {
        for (id, number) in &self.kept {
            let (_, stored) = spool.load(*id).unwrap().unwrap_or_else(|| {
                panic!("message {id} ({number}) was acknowledged and is lost");
            });
            check(&stored, *number);
        }
        for (id, _) in spool.index().unwrap() {
            let known = self.kept.get(&id).or_else(|| self.leaving.get(&id));
            let (_, stored) = spool.load(id).unwrap().unwrap();
            if let Some(number) = known {
                check(&stored, *number);
            }
        }
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
        let mut child = start(dir.path());
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = 0;
        for line in lines {
            let Ok(line) = line else {
                break;
            };
            ledger.note(&line);
            said += 1;
            if said == 40 + 37 * round {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(said >= 40, "the child ended early");
        let (spool, recovered) = Spool::open(dir.path(), Settings::default()).unwrap();
        assert_eq!(
            (recovered.damaged.len(), recovered.quarantined.len()),
            (0, 0)
        );
        ledger.check(&spool);
    }
    assert!(ledger.kept.len() > 100);
}
