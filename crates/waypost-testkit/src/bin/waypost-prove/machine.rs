//! What the measurements were made on: no name, what it is.

use std::fs;
use std::process::Command;

/// Date, kernel, cores, memory and file system in one sentence.
pub(crate) fn describe() -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let build = if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    };
    format!(
        "{}, Linux {}, {cores} cores, {} GiB of memory, {} for temporary files, {build} build.",
        said("date", &["-u", "+%F"]),
        kernel.split('-').next().unwrap_or_default().trim(),
        memory_gib(),
        said("findmnt", &["-n", "-o", "FSTYPE", "--target", "/tmp"]),
    )
}

fn memory_gib() -> u64 {
    let facts = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = facts
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"));
    let kib: u64 = total
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0);
    kib.div_ceil(1 << 20)
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_else(|_| "?".to_owned())
}
