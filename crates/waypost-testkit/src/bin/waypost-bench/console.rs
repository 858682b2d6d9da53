//! The console beside a large directory and a full queue: how long its pages take, how much they
//! carry, what paging costs in memory, and whether mail notices.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use waypost_testkit::http::{Client, PASSWORD};
use waypost_testkit::site::Site;

use crate::load::{self, Load, Passage};
use crate::report::{Pair, cell, median};
use crate::servers::{self, Job};
use crate::sink::Sink;
use crate::usage::resident_mib;
use crate::{PAIRS, sink_address};

/// Addresses known.
const KNOWN: u64 = 1_000_000;
/// Messages that wait, for a target that is held.
const QUEUED: u32 = 100_000;
/// How often each page is asked for.
const TIMES: usize = 15;
/// Pages walked through while memory is watched.
const PAGES: usize = 200;
/// Browsers that load one page after the other while mail flows.
const BROWSERS: usize = 4;
/// Between two pages of one browser: people read.
const READING: Duration = Duration::from_millis(250);

/// Screens, with the filters that people use.
const SCREENS: [(&str, &str); 13] = [
    ("overview", "/"),
    ("domains", "/domains"),
    ("domain, mail routing", "/domains/example.com?tab=routing"),
    ("directory", "/directory"),
    ("directory, a text", "/directory?text=user99999"),
    ("directory, a text nobody has", "/directory?text=zzzzzz"),
    ("directory, third-party", "/directory?mail=third-party"),
    ("user", "/users/user5000@example.com"),
    ("sharing", "/sharing"),
    ("targets", "/targets"),
    ("queue", "/queue"),
    ("queue, a sender nobody is", "/queue?sender=zzzzzz"),
    ("explain", "/explain?address=user5000@example.com"),
];

/// All of it.
pub(crate) fn run(program: &std::path::Path, quick: bool) -> Result<()> {
    let known = if quick { 10_000 } else { KNOWN };
    let queued = if quick { 1_000 } else { QUEUED };
    let (sink, waiting) = (sink_address()?, sink_address()?);
    let plan = servers::plan(program, &Job::new(known, sink))?;
    let site = plan.with_console().site(&second_domain(waiting)).start()?;
    let mut client = Client::first_admin(&site)?;
    fill(&site, queued)?;
    pages(&mut client)?;
    paging(&site, &mut client)?;
    beside_mail(&site, sink, quick)
}

/// A domain whose mail waits, since its target is held.
fn second_domain(at: SocketAddr) -> String {
    format!(
        "[[target]]\nname = \"waiting\"\nhost = \"{}\"\nport = {}\ntls = \"off\"\n\
         [[domain]]\nname = \"example.net\"\nrelay = \"waiting\"\n\
         [[user]]\ndomain = \"example.net\"\nlogin = \"user1\"\nmail = \"third-party\"\n\
         addresses = [\"user1@example.net\"]\n",
        at.ip(),
        at.port()
    )
}

fn fill(site: &Site, messages: u32) -> Result<()> {
    site.tell(&["queue", "hold", "--target", "waiting", "--reason", "bench"])?;
    let load = Load::new(2_000, 50, messages).to(vec![vec!["user1@example.net".to_owned()]]);
    load::send(load, site.smtp())
}

/// Each page several times: the middle and the slowest, and what a first visit carries.
fn pages(client: &mut Client) -> Result<()> {
    println!("\n| page | median ms | slowest ms | kB |");
    println!("| --- | --- | --- | --- |");
    for (name, path) in SCREENS {
        let mut times = Vec::new();
        let mut size = 0;
        for _ in 0..TIMES {
            let start = Instant::now();
            let answer = client.get(path)?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
            ensure!(answer.status == 200, "{path}: {}", answer.status);
            size = answer.body.len() + assets(client, &answer.text())?;
        }
        let slowest = times.iter().copied().fold(0.0, f64::max);
        let middle = median(times);
        println!("| {name} | {middle:.1} | {slowest:.1} | {} |", size / 1000);
    }
    Ok(())
}

/// The bytes of the files that a page names.
fn assets(client: &mut Client, page: &str) -> Result<usize> {
    let mut sum = 0;
    for piece in page.split("\"/static/").skip(1) {
        let path = piece.split('"').next().unwrap_or_default();
        sum += client.get(&format!("/static/{path}"))?.body.len();
    }
    Ok(sum)
}

/// Walks through the users, page by page.
fn paging(site: &Site, client: &mut Client) -> Result<()> {
    let pid = site.pid().context("Waypost is not running")?;
    let mut next = String::new();
    let mut before = 0.0;
    for page in 0..PAGES {
        let answer = client
            .get(&format!("/api/v1/users?limit=100{next}"))?
            .json()?;
        if page == PAGES / 10 {
            before = resident_mib(pid);
        }
        let Some(cursor) = answer.get("next").and_then(|next| next.as_str()) else {
            break;
        };
        next = format!("&after={cursor}");
    }
    let after = resident_mib(pid);
    println!("\nMemory after a tenth of {PAGES} pages {before:.0} MiB, after all {after:.0} MiB.");
    Ok(())
}

/// Messages per second with nobody at the console, and with several.
fn beside_mail(site: &Site, sink_at: SocketAddr, quick: bool) -> Result<()> {
    let pid = site.pid().context("Waypost is not running")?;
    let sink = Sink::start(&[sink_at], None)?;
    let load = Load::new(10_000, 50, if quick { 1_500 } else { 10_000 });
    let passage = Passage {
        server: site.smtp(),
        pid: Some(pid),
        sink: &sink,
        tls: None,
    };
    let mut runs = Vec::new();
    let mut loaded = Vec::new();
    for _ in 0..PAIRS {
        let alone = load::run(&load, &passage)?;
        let browsers = Browsers::open(site.console())?;
        let beside = load::run(&load, &passage)?;
        loaded.push(browsers.close()?);
        runs.push(Pair {
            waypost: beside.delivered_rate,
            postfix: alone.delivered_rate,
        });
    }
    println!(
        "\nDelivered per second with {BROWSERS} people at the console / with nobody: {}; \
         pages per second: {:.0}.",
        cell(&runs, 0),
        median(loaded)
    );
    Ok(())
}

/// Looks at one page after the other until the end.
fn read(client: &mut Client, end: &AtomicBool, pages: &AtomicU64) -> Result<()> {
    for (_, path) in SCREENS.iter().cycle() {
        if end.load(Ordering::Relaxed) {
            break;
        }
        client.get(path)?;
        pages.fetch_add(1, Ordering::Relaxed);
        thread::park_timeout(READING);
    }
    Ok(())
}

/// People who look at one page after the other.
struct Browsers {
    end: Arc<AtomicBool>,
    pages: Arc<AtomicU64>,
    since: Instant,
    threads: Vec<thread::JoinHandle<Result<()>>>,
}

impl Browsers {
    fn open(console: SocketAddr) -> Result<Self> {
        let end = Arc::new(AtomicBool::new(false));
        let pages = Arc::new(AtomicU64::new(0));
        let mut threads = Vec::new();
        for _ in 0..BROWSERS {
            let mut client = Client::log_in(console, "admin0", PASSWORD)?;
            let (end, pages) = (Arc::clone(&end), Arc::clone(&pages));
            threads.push(thread::spawn(move || read(&mut client, &end, &pages)));
        }
        Ok(Self {
            end,
            pages,
            since: Instant::now(),
            threads,
        })
    }

    /// Pages per second.
    fn close(self) -> Result<f64> {
        let took = self.since.elapsed().as_secs_f64();
        let pages = self.pages.load(Ordering::Relaxed);
        self.end.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.thread().unpark();
            let ended = thread.join();
            ended.map_err(|_| anyhow::anyhow!("a browser panicked"))??;
        }
        Ok(pages as f64 / took)
    }
}
