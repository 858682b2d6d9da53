//! kill -9 in the middle: what was acknowledged is delivered, bounced or queued.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use waypost_testkit::chance::Chance;
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::ledger::{Ledger, subject};
use waypost_testkit::peer::{Moment, Peer, Reaction};
use waypost_testkit::place::unused_address;
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::wait;

use crate::PROGRAM;

/// Clients that send at the same time.
const CLIENTS: u64 = 4;
/// How often the program is killed under load.
const KILLS: usize = 100;
/// Connections to each target: with Maildir deliveries, what can be in flight at a kill.
const CONNECTIONS: usize = 4;
/// Deliveries into Maildirs at the same time.
const MAILDIR_DELIVERIES: usize = 16;
/// Above this many bytes content lies in a file of its own.
const LARGE: usize = 300_000;

/// A site with a local user and users on two targets.
fn site(steady: &Peer, shaky: &Peer) -> Result<Site> {
    let target = |name: &str, peer: &Peer| {
        format!(
            "[[target]]\nname = \"{name}\"\nhost = \"{}\"\nport = 2525\ntls = \"off\"\n\
             connections = {CONNECTIONS}\n",
            peer.smtp().ip()
        )
    };
    let user = |login: &str, target: &str| {
        format!(
            "[[user]]\ndomain = \"example.com\"\nlogin = \"{login}\"\nmail = \"third-party\"\n\
             addresses = [\"{login}@example.com\"]\ntarget = \"{target}\"\n"
        )
    };
    let local = "[[user]]\ndomain = \"example.com\"\nlogin = \"local\"\nmail = \"local\"\n\
                 addresses = [\"local@example.com\"]\n";
    Plan::new(PROGRAM)?
        .site(
            &[
                target("steady", steady),
                target("shaky", shaky),
                "[[domain]]\nname = \"example.com\"\n".to_owned(),
                user("steady", "steady"),
                user("shaky", "shaky"),
                local.to_owned(),
            ]
            .join("\n"),
        )
        .start()
}

/// Refuses for now, drops connections and loses final replies, now and then.
fn shaky_peer() -> Result<Peer> {
    let chance = std::sync::Mutex::new(Chance::new(7));
    Peer::start_scripted(unused_address()?, move |moment| {
        let drawn = chance.lock().ok()?.below(20);
        match (moment, drawn) {
            (Moment::Command(line), 0) if line.starts_with("RCPT") => {
                Some(Reaction::Say("451 4.3.0 Not now".to_owned()))
            }
            (Moment::End(_), 1) => Some(Reaction::Say("452 4.3.1 No room".to_owned())),
            (Moment::Connect, 2) => Some(Reaction::Close),
            _ => None,
        }
    })
}

/// Sends one message; what became of it goes into the ledger.
fn send(server: SocketAddr, name: &str, size: usize, recipients: &[String], ledger: &Ledger) {
    let sent = || -> Result<bool> {
        let mut client = Dialogue::open(server)?;
        client.expect("MAIL FROM:<>", 250)?;
        for recipient in recipients {
            client.expect(&format!("RCPT TO:<{recipient}>"), 250)?;
        }
        client.expect("DATA", 354)?;
        let line = format!("{}\r\n", "x".repeat(76));
        let body = line.repeat(size / line.len() + 1);
        // From here on the server may have it, whatever is heard.
        ledger.uncertain(name, recipients);
        client.send(format!("Subject: {name}\r\n\r\n{body}.\r\n").as_bytes())?;
        Ok(client.hear()?.code == 250)
    };
    if sent().unwrap_or(false) {
        ledger.acknowledged(name, recipients);
    }
}

/// Sends messages of all sizes to changing recipients until told to stop.
fn load(server: SocketAddr, number: u64, stop: &AtomicBool, ledger: &Ledger) {
    let mut chance = Chance::new(number);
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        let all = ["local", "steady", "shaky"];
        let first = usize::try_from(chance.below(3)).unwrap_or(0);
        let recipients: Vec<String> = all[first..]
            .iter()
            .map(|l| format!("{l}@example.com"))
            .collect();
        let size = match chance.below(20) {
            0 => LARGE,
            1..5 => 20_000,
            _ => 1_000,
        };
        send(
            server,
            &format!("m{number}-{count}"),
            size,
            &recipients,
            ledger,
        );
        count += 1;
    }
}

/// Every copy that arrived anywhere.
fn arrived(site: &Site, peers: &[&Peer]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for text in site.messages("example.com", "local") {
        if let Some(name) = subject(&text) {
            found.push((name.to_owned(), "local@example.com".to_owned()));
        }
    }
    for taken in peers.iter().flat_map(|peer| peer.taken()) {
        let text = taken.text();
        for recipient in &taken.recipients {
            let address = recipient.split(' ').next().unwrap_or_default();
            let address = address.trim_matches(['<', '>']).to_owned();
            if let Some(name) = subject(&text) {
                found.push((name.to_owned(), address));
            }
        }
    }
    found
}

fn wait_for_empty_queue(site: &Site) {
    let emptied = wait::until_within(Duration::from_secs(90), "the queue to be empty", || {
        site.tell(&["queue", "flush"]).ok()?;
        let list = site.ask(&["queue", "list"]).ok()?;
        let left = list
            .as_array()
            .or_else(|| list.get("messages")?.as_array())?
            .len();
        (left == 0).then_some(())
    });
    emptied.unwrap_or_else(|error| panic!("{error}\n{}", tail(&site.log())));
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}

#[test]
fn a_hundred_kills_under_load_lose_nothing() {
    let (steady, shaky) = (
        Peer::start(unused_address().unwrap()).unwrap(),
        shaky_peer().unwrap(),
    );
    let mut site = site(&steady, &shaky).unwrap();
    let (ledger, stop) = (Ledger::default(), AtomicBool::new(false));
    let server = site.smtp();
    let (mut chance, seed) = Chance::from_environment();
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (ledger, stop) = (&ledger, &stop);
            scope.spawn(move || load(server, number, stop, ledger));
        }
        for _ in 0..KILLS {
            let enough = ledger.len() + 1 + usize::try_from(chance.below(60)).unwrap_or(0);
            let moved = wait::until("more acknowledged mail", || {
                (ledger.len() >= enough).then_some(())
            });
            if moved.is_err() || site.kill().is_err() || site.launch().is_err() {
                stop.store(true, Ordering::Relaxed);
                panic!("{}", tail(&site.log()));
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    wait_for_empty_queue(&site);
    let account = ledger.settle(arrived(&site, &[&steady, &shaky]));
    eprintln!("{KILLS} kills, WAYPOST_SEED={seed}: {account}");
    assert!(
        account.lost.is_empty() && account.ghosts.is_empty(),
        "{account}"
    );
    assert!(account.acknowledged > KILLS, "{account}");
    let in_flight = KILLS * (2 * CONNECTIONS + MAILDIR_DELIVERIES);
    assert!(account.duplicates <= in_flight, "{account}");
}

/// A strace that is attached to a running program and does something at a system call.
struct Strace {
    process: Child,
}

impl Strace {
    fn attach(pid: u32, call: &str, number: usize) -> Result<Self> {
        let kill = format!("inject={call}:signal=KILL:when={number}");
        let mut process = Command::new("strace")
            .args([
                "-f",
                "-qq",
                "-o",
                "/dev/null",
                "-e",
                &format!("trace={call}"),
                "-e",
                &kill,
            ])
            .args(["-p", &pid.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("start strace (is the package installed?)")?;
        let stderr = process.stderr.take().context("strace has no output")?;
        // What the program does by itself may already be the call that kills it.
        wait::until("strace to attach to all threads", || {
            (has_ended(pid) || traced(pid).unwrap_or(false)).then_some(())
        })?;
        // What it goes on saying must not fill the pipe.
        thread::spawn(move || {
            BufReader::new(stderr)
                .lines()
                .map_while(Result::ok)
                .for_each(drop)
        });
        Ok(Self { process })
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether the process is gone, or nothing but its exit status is left of it.
fn has_ended(pid: u32) -> bool {
    !std::path::Path::new(&format!("/proc/{pid}/fd/0")).exists()
}

/// Whether every thread of the process has a tracer.
fn traced(pid: u32) -> Result<bool> {
    for thread in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let status = std::fs::read_to_string(thread?.path().join("status"))?;
        if status
            .lines()
            .any(|line| line.split_whitespace().eq(["TracerPid:", "0"]))
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Every system call that changes a file or tells a peer something.
const WRITES: [&str; 14] = [
    "write",
    "writev",
    "pwrite64",
    "sendto",
    "sendmsg",
    "fsync",
    "fdatasync",
    "ftruncate",
    "rename",
    "link",
    "unlink",
    "mkdir",
    "openat",
    "close",
];
/// More calls of one kind than one accept and two deliveries make in any thread.
const MOST_CALLS: usize = 60;

#[test]
fn a_kill_at_any_write_of_an_accept_and_its_deliveries_loses_nothing() {
    let steady = Peer::start(unused_address().unwrap()).unwrap();
    let shaky = Peer::start(unused_address().unwrap()).unwrap();
    let mut site = site(&steady, &shaky).unwrap();
    let ledger = Ledger::default();
    let recipients = ["local@example.com", "steady@example.com"].map(str::to_owned);
    let mut hit = BTreeSet::new();
    for call in WRITES {
        for number in 1..MOST_CALLS {
            let name = format!("{call}-{number}");
            let size = if number % 2 == 0 { LARGE } else { 1_000 };
            let pid = site.pid().unwrap();
            let strace = Strace::attach(pid, call, number).unwrap();
            send(site.smtp(), &name, size, &recipients, &ledger);
            let killed = wait::until("the end of the message or of the program", || {
                if has_ended(pid) {
                    return Some(true);
                }
                let there = arrived(&site, &[&steady]);
                let done = recipients
                    .iter()
                    .all(|to| there.contains(&(name.clone(), to.clone())));
                done.then_some(false)
            })
            .unwrap();
            drop(strace);
            if !killed {
                break;
            }
            hit.insert(name);
            site.wait_until_ended().unwrap();
            site.launch().unwrap();
        }
    }
    wait_for_empty_queue(&site);
    let account = ledger.settle(arrived(&site, &[&steady]));
    eprintln!("{} calls hit: {account}", hit.len());
    assert!(
        account.lost.is_empty() && account.ghosts.is_empty(),
        "{account}"
    );
    assert!(
        account.duplicates <= hit.len() * recipients.len(),
        "{account}"
    );
    assert!(
        hit.iter().any(|name| name.starts_with("fdatasync")),
        "{hit:?}"
    );
}
