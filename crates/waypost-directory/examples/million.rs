//! Measures the directory with a million addresses: `cargo run --release --example million`; with
//! others by `-- FOLDER BATCHES`, of 100,000 addresses each.
//!
//! Prints how long it takes to import users, to open the file, to look addresses up and to make
//! edits, and how many bytes of memory each known address costs. The file is kept in the folder
//! given as argument, or in a temporary one that is removed.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, UNIX_EPOCH};

use waypost_directory::{
    Actor, Address, Directory, DomainRecord, Edit, Nowhere, Object, UserRecord, When,
};
use waypost_proto::mail::{Domain, Mailbox};

/// Batches of users, unless said otherwise.
const BATCHES: usize = 10;
const USERS_PER_BATCH: usize = 50_000;
const ADDRESSES_PER_USER: usize = 2;
const LOOKUPS: usize = 4_000_000;
const EDITS: usize = 200;
/// Users of one edit that adds some, as an import does it.
const USERS_PER_EDIT: usize = 500;

const ACTOR: Actor<'static> = Actor {
    name: "million",
    from: "example",
    at: UNIX_EPOCH,
};

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next();
    let path = match first.as_deref() {
        Some("measure") => arguments.next(),
        _ => None,
    };
    let batches = arguments
        .next()
        .map_or(Ok(BATCHES), |count| count.parse())?;
    match (path, first) {
        (Some(path), _) => measure(Path::new(&path), batches * USERS_PER_BATCH),
        (None, Some(folder)) => run(&PathBuf::from(folder), batches),
        (None, None) => {
            let folder = tempfile::tempdir()?;
            run(folder.path(), batches)
        }
    }
}

/// Imports here, measures in another process whose memory nothing else has used.
fn run(folder: &Path, batches: usize) -> Outcome {
    let path = folder.join("million.db");
    if !path.exists() {
        import(&path, batches)?;
    }
    let status = Command::new(std::env::current_exe()?)
        .arg("measure")
        .arg(&path)
        .arg(batches.to_string())
        .status()?;
    status
        .success()
        .then_some(())
        .ok_or_else(|| status.to_string().into())
}

fn domain() -> Result<Domain, Box<dyn Error>> {
    Ok(Domain::parse("example.com")?)
}

fn user(number: usize) -> Result<UserRecord, Box<dyn Error>> {
    let mut record = UserRecord::new(domain()?, format!("user{number}"));
    record.addresses = vec![
        Address::parse(&format!("user{number}@*"))?,
        Address::parse(&format!("first.last{number}@example.com"))?,
    ];
    Ok(record)
}

fn import(path: &Path, batches: usize) -> Outcome {
    let directory = Directory::open(path)?;
    let domain = Object::Domain(DomainRecord::new(domain()?));
    directory.edit(&ACTOR, &Nowhere, &[Edit::Put(domain, When::Any)])?;
    for batch in 0..batches {
        let first = batch * USERS_PER_BATCH;
        let edits = new_users(first, USERS_PER_BATCH)?;
        let start = Instant::now();
        directory.edit(&ACTOR, &Nowhere, &edits)?;
        println!("import of {USERS_PER_BATCH} users: {:?}", start.elapsed());
    }
    Ok(())
}

fn new_users(first: usize, count: usize) -> Result<Vec<Edit>, Box<dyn Error>> {
    (first..first + count)
        .map(|number| Ok(Edit::Put(Object::User(user(number)?), When::Absent)))
        .collect()
}

fn measure(path: &Path, users: usize) -> Outcome {
    let before = kib("VmRSS:")?;
    let start = Instant::now();
    let directory = Directory::open(path)?;
    let opened = start.elapsed();
    let addresses = users * ADDRESSES_PER_USER;
    let bytes = (kib("VmRSS:")? - before) * 1024;
    println!("open with {addresses} addresses: {opened:?}");
    println!(
        "memory: {:.1} bytes per address",
        bytes as f64 / addresses as f64
    );
    println!("peak until then: {} MiB", kib("VmHWM:")? / 1024);
    lookups(&directory, users)?;
    edits(&directory)?;
    additions(&directory, users)?;
    println!("peak until then: {} MiB", kib("VmHWM:")? / 1024);
    Ok(())
}

/// Users that are added by many small edits and one large one, and removed again.
fn additions(directory: &Directory, users: usize) -> Outcome {
    for count in [USERS_PER_EDIT, USERS_PER_BATCH] {
        let start = Instant::now();
        for first in (users..users + USERS_PER_BATCH).step_by(count) {
            directory.edit(&ACTOR, &Nowhere, &new_users(first, count)?)?;
        }
        println!(
            "{USERS_PER_BATCH} users by edits of {count}: {:?}",
            start.elapsed()
        );
        let keys = new_users(users, USERS_PER_BATCH)?.into_iter();
        let removals: Vec<Edit> = keys
            .map(|edit| Edit::Remove(edit.key(), When::Present))
            .collect();
        directory.edit(&ACTOR, &Nowhere, &removals)?;
    }
    Ok(())
}

fn lookups(directory: &Directory, users: usize) -> Outcome {
    let snapshot = directory.snapshot();
    let domain = domain()?;
    let name = snapshot.domain(&domain).ok_or("example.com is not there")?;
    for (what, prefix) in [("hits", "first.last"), ("misses", "nobody")] {
        let names: Vec<String> = (0..100_000)
            .map(|i| format!("{prefix}{}", i * 7919 % users))
            .collect();
        let start = Instant::now();
        let mut found = 0_usize;
        for local in names.iter().cycle().take(LOOKUPS) {
            found += usize::from(snapshot.lookup(&name, local).is_some());
        }
        let rate = LOOKUPS as f64 / start.elapsed().as_secs_f64();
        println!(
            "{what}: {:.1} million per second ({found} found)",
            rate / 1e6
        );
    }
    Ok(())
}

fn edits(directory: &Directory) -> Outcome {
    let mut times: Vec<Duration> = Vec::new();
    for number in 0..EDITS {
        let mut record = user(number * 31)?;
        record.suspended = true;
        record.name = format!("edit {}", directory.snapshot().change());
        let start = Instant::now();
        let edit = Edit::Put(Object::User(record), When::Present);
        directory.edit(&ACTOR, &Nowhere, &[edit])?;
        times.push(start.elapsed());
        let mailbox = Mailbox::parse(&format!("user{}@example.com", number * 31))?;
        directory
            .snapshot()
            .lookup_mailbox(&mailbox)
            .ok_or("the user is gone")?;
    }
    times.sort_unstable();
    println!(
        "one edit: median {:?}, worst {:?}",
        times[EDITS / 2],
        times[EDITS - 1]
    );
    Ok(())
}

/// A figure of /proc/self/status.
fn kib(name: &str) -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(name));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(number
        .ok_or_else(|| format!("no {name} in /proc/self/status"))?
        .parse()?)
}
