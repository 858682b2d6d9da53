//! What a server's processes cost: CPU seconds and memory, read from /proc.

use std::collections::HashMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Kernel ticks per second in /proc/PID/stat, fixed on Linux.
const TICKS_PER_SECOND: f64 = 100.0;
/// Between two looks at the memory.
const SAMPLE_EVERY: Duration = Duration::from_millis(200);
/// Times as long as a look it is rested: hundreds of processes take long to look at.
const REST: u32 = 25;

/// User and system time of a process, all its living descendants, and their ended children.
pub(crate) fn cpu_seconds(root: u32) -> f64 {
    let ticks: u64 = tree(root)
        .iter()
        .filter_map(|pid| stat(*pid))
        .map(|s| s.ticks)
        .sum();
    // Ticks of a bench fit a double exactly.
    f64::from(u32::try_from(ticks).unwrap_or(u32::MAX)) / TICKS_PER_SECOND
}

/// Watches the proportional set size of a process tree until stopped.
pub(crate) struct PeakMemory {
    peak_kib: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    watcher: Option<JoinHandle<()>>,
}

impl PeakMemory {
    pub(crate) fn watch(root: u32) -> Self {
        let (peak_kib, stop) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let (peak, stopped) = (Arc::clone(&peak_kib), Arc::clone(&stop));
        let watcher = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let begun = Instant::now();
                let now: u64 = tree(root).iter().filter_map(|pid| pss_kib(*pid)).sum();
                peak.fetch_max(now, Ordering::Relaxed);
                std::thread::park_timeout(SAMPLE_EVERY.max(begun.elapsed() * REST));
            }
        });
        Self {
            peak_kib,
            stop,
            watcher: Some(watcher),
        }
    }

    /// The highest sum seen, in MiB.
    pub(crate) fn stop(mut self) -> f64 {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(watcher) = self.watcher.take() {
            watcher.thread().unpark();
            let _ = watcher.join();
        }
        let kib = u32::try_from(self.peak_kib.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        f64::from(kib) / 1024.0
    }
}

struct Stat {
    parent: u32,
    ticks: u64,
}

/// The process and all its living descendants.
fn tree(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    let pids = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    for pid in pids {
        if let Some(stat) = stat(pid) {
            children.entry(stat.parent).or_default().push(pid);
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        found.extend(children.remove(pid).unwrap_or_default());
        next += 1;
    }
    found
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold anything; the fields are counted behind it.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let parent = fields.get(1)?.parse().ok()?;
    let times = fields.get(11..15)?;
    let ticks = times
        .iter()
        .filter_map(|time| time.parse::<u64>().ok())
        .sum();
    Some(Stat { parent, ticks })
}

/// The proportional set size of a process now, in MiB.
pub(crate) fn resident_mib(pid: u32) -> f64 {
    let kib = u32::try_from(pss_kib(pid).unwrap_or(0)).unwrap_or(u32::MAX);
    f64::from(kib) / 1024.0
}

fn pss_kib(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.split_whitespace().next()?.parse().ok()
}
