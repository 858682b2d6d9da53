//! A world: sites, servers and clients in a simulated network, from a seed to what was found.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::sync::mpsc;
use turmoil::Sim;
use waypost_mta::tls::{Certificate, Source};
use waypost_testkit::chance::Chance;
use waypost_testkit::lab::Found;

use crate::arrangement::{
    Addresses, BRANCH_PORT, Change, OLD_PORT, SHARED, STALL_PORT, domain, login,
};
use crate::clock::SiteClock;
use crate::judge::{Past, judge};
use crate::log::Log;
use crate::mood::Mood;
use crate::names::Names;
use crate::notes::Notes;
use crate::plan::{Action, From, Letter, Link, Plan, TROUBLED};
use crate::server::{Server, Takes, listen};
use crate::site::{Order, Site};
use crate::{client, forger, minger};

/// What the network is looked at in: nothing comes sooner over it.
const TICK: Duration = Duration::from_millis(50);
/// How slow a link is at most, when nothing is wrong with it.
const LATENCY: Duration = Duration::from_millis(200);
/// Nothing may go on for longer than this after everything is repaired.
const REST: Duration = Duration::from_mins(45);
/// So long nothing must happen before a world counts as at rest.
const QUIET: Duration = Duration::from_secs(3);
/// Between the steps in which a user moves.
const MOVING: Duration = Duration::from_secs(4);
/// The first port of mail stores.
const STORE_PORT: u16 = 2400;

/// What came of a seed.
#[derive(Debug)]
pub struct Run {
    /// What was tried and found.
    pub found: Found,
    /// Everything that was said, line by line.
    pub log: String,
    /// How long it was, in the time of the world.
    pub lasted: Duration,
}

/// Simulates the world of a seed, with its stores in a folder of its own below this one.
///
/// # Errors
///
/// When the folder cannot be made.
pub fn run(seed: u64, below: &Path) -> Result<Run> {
    let folder = tempfile::Builder::new()
        .prefix("world-")
        .tempdir_in(below)?;
    let certificate = Arc::new(Certificate::load(&Source::SelfSigned {
        directory: folder.path().to_owned(),
        hostname: domain("sites.test"),
    })?);
    let notes = Arc::new(Notes::default());
    let simulating = || {
        let plan = Plan::draw(seed);
        let mut world = World::new(plan, folder.path(), &certificate, &notes);
        let ended = world.live();
        if let Err(error) = ended {
            notes.broke(0, format!("{error:#}"));
        }
        let found = judge(&world.plan, &world.past, &notes);
        (found, world.sim.elapsed())
    };
    let log = Log::new(Arc::clone(&notes));
    let ended =
        tracing::subscriber::with_default(log, || catch_unwind(AssertUnwindSafe(simulating)));
    let (found, lasted) = ended.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        let mut found = Found::default();
        found.broke(0, format!("a panic: {}", text.unwrap_or("without words")));
        (found, Duration::ZERO)
    });
    Ok(Run {
        found,
        log: notes.log(),
        lasted,
    })
}

/// Letters on their way to who sends them, and how many are not done with.
struct Post {
    strangers: mpsc::UnboundedSender<Letter>,
    trusted: mpsc::UnboundedSender<Letter>,
    pending: Arc<AtomicUsize>,
}

struct World {
    plan: Plan,
    sim: Sim<'static>,
    hosts: Vec<String>,
    sites: Vec<Arc<Site>>,
    moods: Vec<Arc<Mood>>,
    post: Post,
    silent_names: Arc<AtomicBool>,
    notes: Arc<Notes>,
    past: Past,
    /// When sites come back.
    returning: Vec<(Duration, usize)>,
    /// Where each user is.
    homes: Vec<usize>,
    /// Steps of moves, in order: when, whose, what.
    moving: VecDeque<(Duration, usize, Change)>,
}

impl Drop for World {
    /// A site holds its queue, and the queue what notes its attempts at the site: one of them must
    /// let go, or the files of all worlds stay open.
    fn drop(&mut self) {
        for site in &self.sites {
            let mut running = site.running.lock().unwrap_or_else(PoisonError::into_inner);
            drop(running.take());
        }
    }
}

impl World {
    fn new(plan: Plan, folder: &Path, certificate: &Arc<Certificate>, notes: &Arc<Notes>) -> Self {
        let mut sim = turmoil::Builder::new()
            .tick_duration(TICK)
            .simulation_duration(Duration::from_hours(1_000_000))
            .rng_seed(plan.seed)
            .max_message_latency(LATENCY)
            .tcp_capacity(1024)
            .udp_capacity(1024)
            .build();
        let count = plan.arrangement.sites;
        let mut hosts: Vec<String> = (0..count).map(|number| format!("s{number}")).collect();
        hosts.extend(["stores", "foreign", "outside", "inside"].map(str::to_owned));
        let at = Addresses {
            sites: (0..count)
                .map(|number| sim.lookup(format!("s{number}")))
                .collect(),
            stores: sim.lookup("stores"),
            foreign: sim.lookup("foreign"),
            outside: sim.lookup("outside"),
            inside: sim.lookup("inside"),
        };
        let silent_names = Arc::new(AtomicBool::new(false));
        let names = Names {
            outside: at.outside,
            is_silent: Arc::clone(&silent_names),
        };
        let sites: Vec<Arc<Site>> = (0..count)
            .map(|number| {
                let store = STORE_PORT + u16::try_from(number).unwrap_or(0);
                Arc::new(Site {
                    number,
                    address: at.sites[number],
                    store: SocketAddr::new(at.stores, store),
                    trusted: at.inside,
                    folder: folder.join(format!("s{number}")),
                    first: plan.arrangement.directory(number, &at),
                    names: names.clone(),
                    certificate: Arc::clone(certificate),
                    clock: Arc::new(SiteClock::default()),
                    notes: Arc::clone(notes),
                    running: Mutex::default(),
                    passing: Mutex::default(),
                })
            })
            .collect();
        for site in &sites {
            let site = Arc::clone(site);
            sim.host(site.name(), move || Arc::clone(&site).run());
        }
        let mut moods = serve(&mut sim, &plan, &at, notes);
        let (post, mood) = send(&mut sim, &plan, &at, notes);
        moods.push(mood);
        let homes = (0..plan.arrangement.users()).map(|user| plan.arrangement.home(user));
        Self {
            homes: homes.collect(),
            sim,
            hosts,
            sites,
            moods,
            post,
            silent_names,
            notes: Arc::clone(notes),
            past: Past::default(),
            returning: Vec::new(),
            moving: VecDeque::new(),
            plan,
        }
    }

    /// Lives through everything, comes to rest, and shows that it works.
    fn live(&mut self) -> Result<()> {
        let mut letters: VecDeque<Letter> = self.plan.letters.clone().into();
        let mut script: VecDeque<(Duration, Action)> = self.plan.script.clone().into();
        self.notes
            .say("world", &format!("{:?}", self.plan.arrangement));
        while self.sim.elapsed() < TROUBLED {
            let now = self.sim.elapsed();
            while let Some(letter) = letters.pop_front_if(|letter| letter.at <= now) {
                self.send(letter);
            }
            while let Some((_, action)) = script.pop_front_if(|(at, _)| *at <= now) {
                self.act(action)?;
            }
            self.step()?;
        }
        self.mend();
        self.rest("after everything was repaired")?;
        for letter in self.last_letters() {
            self.send(letter);
        }
        self.rest("at the end")?;
        self.look_at_last();
        Ok(())
    }

    fn send(&self, letter: Letter) {
        self.post.pending.fetch_add(1, Ordering::SeqCst);
        let post = match letter.from {
            From::Stranger => &self.post.strangers,
            From::Trusted => &self.post.trusted,
        };
        if post.send(letter).is_err() {
            self.notes.broke(0, "nobody sends letters any more");
        }
    }

    fn step(&mut self) -> Result<()> {
        let now = self.sim.elapsed();
        self.notes.set_now(now);
        let due: Vec<usize> = self
            .returning
            .extract_if(.., |(at, _)| *at <= now)
            .map(|(_, site)| site)
            .collect();
        for site in due {
            self.start(site);
        }
        self.go_on_moving(now);
        self.sim
            .step()
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(())
    }

    fn start(&mut self, site: usize) {
        if self.sites[site].clock.has_been_set_forward() && !self.past.aged.contains(&site) {
            // What it holds may be old now, but is to be tried before it is given up.
            self.notes.seen().tried.remove(&site);
            self.past.aged.push(site);
        }
        self.notes.say("world", &format!("s{site} comes back"));
        self.sim.bounce(format!("s{site}"));
    }

    /// Takes the next step of a move, once the site that it is at runs.
    fn go_on_moving(&mut self, now: Duration) {
        let Some((_, _, (site, _))) = self.moving.front().filter(|(at, ..)| *at <= now) else {
            return;
        };
        let running = self.sites[*site]
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(running) = running.as_ref() else {
            return;
        };
        if let Some((_, _, (_, edits))) = self.moving.pop_front() {
            // A site that ends meanwhile reads nothing: the move is then half done, as it may be.
            let _ = running.orders.send(Order::Edit(edits));
        }
        if let Some((at, ..)) = self.moving.front_mut() {
            *at = (*at).max(now + MOVING);
        }
    }

    fn act(&mut self, action: Action) -> Result<()> {
        self.notes.say("world", &format!("{action:?}"));
        let now = self.sim.elapsed();
        match action {
            Action::Crash(site, down) => {
                let was_running = self.sites[site].running.lock();
                if was_running
                    .unwrap_or_else(PoisonError::into_inner)
                    .take()
                    .is_some()
                {
                    self.sim.crash(format!("s{site}"));
                    self.returning.push((now + down, site));
                }
            }
            Action::Stop(site, down) => {
                let was_running = self.sites[site].running.lock();
                let running = was_running.unwrap_or_else(PoisonError::into_inner).take();
                if let Some(running) = running {
                    running
                        .orders
                        .send(Order::Stop)
                        .ok()
                        .context("a site cannot be stopped")?;
                    self.returning
                        .push((now + down + Duration::from_secs(25), site));
                }
            }
            Action::Cut((a, b)) => self.sim.partition(a, b),
            Action::CutOneWay((a, b)) => self.sim.partition_oneway(a, b),
            Action::Hold((a, b)) => self.sim.hold(a, b),
            Action::Mend(link) => self.mend_link(&link),
            Action::Slow((a, b), most) => {
                self.sim
                    .set_link_max_message_latency(a, b, most.max(LATENCY));
            }
            Action::Lossy((a, b), rate) => self.sim.set_link_fail_rate(a, b, rate),
            Action::Jump(site, seconds) => self.sites[site].clock.jump(seconds),
            Action::Move(user, to) => self.begin_moving(user, to),
            Action::NoNames => self.silent_names.store(true, Ordering::Relaxed),
            Action::Names => self.silent_names.store(false, Ordering::Relaxed),
        }
        Ok(())
    }

    fn begin_moving(&mut self, user: usize, to: usize) {
        let from = self.homes[user];
        let changes = self.plan.arrangement.moved(user, from, to);
        if from == to || changes.is_empty() {
            return;
        }
        let address = format!("{}@{SHARED}", login(user));
        self.past.moved.entry(address).or_default().push(to);
        self.homes[user] = to;
        let now = self.sim.elapsed();
        let steps = changes.into_iter().map(|change| (now, user, change));
        self.moving.extend(steps);
    }

    fn mend_link(&mut self, (a, b): &Link) {
        let (a, b) = (a.as_str(), b.as_str());
        self.sim.repair(a, b);
        self.sim.release(a, b);
        self.sim.set_link_fail_rate(a, b, 0.0);
        self.sim.set_link_max_message_latency(a, b, LATENCY);
    }

    /// Everything is as it should be, from now on.
    fn mend(&mut self) {
        self.notes.say("world", "everything is repaired");
        let hosts = self.hosts.clone();
        for (at, a) in hosts.iter().enumerate() {
            for b in hosts.iter().skip(at + 1) {
                self.mend_link(&(a.clone(), b.clone()));
            }
        }
        self.moods.iter().for_each(|mood| mood.calm());
        self.silent_names.store(false, Ordering::Relaxed);
    }

    /// Waits until nothing moves any more.
    fn rest(&mut self, when: &str) -> Result<()> {
        let (begun, mut quiet) = (self.sim.elapsed(), Duration::ZERO);
        while quiet < QUIET {
            self.step()?;
            quiet = match self.is_at_rest() {
                true => quiet + TICK,
                false => Duration::ZERO,
            };
            if self.sim.elapsed() > begun + REST {
                let left = self.sites.iter().map(|site| (site.name(), length(site)));
                let left: Vec<_> = left.collect();
                self.notes.broke(3, format!("no rest {when}: {left:?}"));
                return Ok(());
            }
        }
        Ok(())
    }

    fn is_at_rest(&self) -> bool {
        self.post.pending.load(Ordering::SeqCst) == 0
            && self.returning.is_empty()
            && self.moving.is_empty()
            && self.sites.iter().all(|site| length(site) == Some((0, 0)))
    }

    /// One letter to everybody whom somebody has, and one to nobody.
    fn last_letters(&self) -> Vec<Letter> {
        if !self.plan.arrangement.is_sane() {
            return Vec::new();
        }
        let mut chance = Chance::new(self.plan.seed);
        let users = (0..self.plan.arrangement.users()).map(login);
        let letter = |name: String| Letter {
            at: Duration::ZERO,
            name: format!("last-{name}"),
            from: From::Stranger,
            site: usize::try_from(chance.below(self.sites.len() as u64)).unwrap_or(0),
            to: vec![format!("{name}@{SHARED}")],
            size: 200,
            chunked: false,
        };
        users.chain(["nobody".to_owned()]).map(letter).collect()
    }

    /// When all is well, everybody is reached.
    fn look_at_last(&self) {
        if !self.plan.arrangement.is_sane() {
            return;
        }
        for user in 0..self.plan.arrangement.users() {
            let address = format!("{}@{SHARED}", login(user));
            let store = format!("store{}", self.homes[user]);
            let log = self.notes.log();
            let arrival = format!("{store}: last-{}", login(user));
            if !log.contains(&arrival) {
                let what = format!("{address} is not reached when all is well, at {store}");
                self.notes.broke(3, what);
            }
        }
    }
}

/// Messages on their way, and messages that wait, at a site that runs.
fn length(site: &Site) -> Option<(usize, usize)> {
    let running = site.running.lock().unwrap_or_else(PoisonError::into_inner);
    running.as_ref().map(|running| running.queue.len())
}

fn server(name: &str, port: u16, takes: Takes, mood: &Arc<Mood>, notes: &Arc<Notes>) -> Server {
    Server {
        name: name.to_owned(),
        port,
        is_lmtp: false,
        takes,
        says_yes: false,
        mood: Arc::clone(mood),
        notes: Arc::clone(notes),
    }
}

/// Starts the mail stores and everybody foreign; gives back how they behave.
fn serve(
    sim: &mut Sim<'static>,
    plan: &Plan,
    at: &Addresses,
    notes: &Arc<Notes>,
) -> Vec<Arc<Mood>> {
    let mut chance = Chance::new(plan.seed ^ 1);
    let mut moods = Vec::new();
    let mut mood = |wrong_in| {
        let mood = Arc::new(Mood::new(chance.draw(), wrong_in));
        moods.push(Arc::clone(&mood));
        mood
    };
    let stores: Vec<_> = (0..plan.arrangement.sites)
        .map(|_| mood(plan.wrong_in))
        .collect();
    let (old, branch) = (mood(plan.wrong_in), mood(plan.wrong_in));
    let (liar, forging) = (mood(0), mood(0));
    let stall = Arc::new(Mood::stalling(chance.draw()));
    moods.push(Arc::clone(&stall));
    let of_stores = Arc::clone(notes);
    sim.host("stores", move || {
        for (number, mood) in stores.iter().enumerate() {
            let port = STORE_PORT + u16::try_from(number).unwrap_or(0);
            let name = format!("store{number}");
            let store = server(&name, port, Takes::All, mood, &of_stores);
            tokio::spawn(listen(Server {
                is_lmtp: true,
                ..store
            }));
        }
        std::future::pending()
    });
    let (lies, sites, of_foreign) = (plan.lies, at.sites.clone(), Arc::clone(notes));
    sim.host("foreign", move || {
        let notes = &of_foreign;
        let users = Takes::Only(&["f0", "f1", "f2"]);
        tokio::spawn(listen(Server {
            says_yes: lies,
            ..server("old", OLD_PORT, users, &old, notes)
        }));
        tokio::spawn(listen(server(
            "stall",
            STALL_PORT,
            Takes::All,
            &stall,
            notes,
        )));
        let users = Takes::Only(&["b0", "b1"]);
        tokio::spawn(listen(server("branch", BRANCH_PORT, users, &branch, notes)));
        tokio::spawn(minger::listen(Arc::clone(&liar), lies, Arc::clone(notes)));
        tokio::spawn(forger::forge(Arc::clone(&forging), sites.clone()));
        let prying = forger::pry(Arc::clone(&forging), sites.clone(), Arc::clone(notes));
        tokio::spawn(prying);
        std::future::pending()
    });
    moods
}

/// Starts the clients, who wait for letters, and beside strangers the server that gets reports.
fn send(
    sim: &mut Sim<'static>,
    plan: &Plan,
    at: &Addresses,
    notes: &Arc<Notes>,
) -> (Post, Arc<Mood>) {
    let pending = Arc::new(AtomicUsize::new(0));
    let mood = Arc::new(Mood::new(plan.seed ^ 2, plan.wrong_in));
    let mut start = |host: &str, mood: Option<Arc<Mood>>| {
        let (letters, given) = mpsc::unbounded_channel();
        let given = Mutex::new(Some(given));
        let (notes, sites, pending) = (Arc::clone(notes), at.sites.clone(), Arc::clone(&pending));
        sim.host(host, move || {
            if let Some(mood) = &mood {
                tokio::spawn(listen(server("outside", 25, Takes::All, mood, &notes)));
            }
            let given = given.lock().unwrap_or_else(PoisonError::into_inner).take();
            carry(
                given,
                Arc::clone(&notes),
                sites.clone(),
                Arc::clone(&pending),
            )
        });
        letters
    };
    let post = Post {
        strangers: start("outside", Some(Arc::clone(&mood))),
        trusted: start("inside", None),
        pending: Arc::clone(&pending),
    };
    (post, mood)
}

/// Sends every letter that is given.
async fn carry(
    given: Option<mpsc::UnboundedReceiver<Letter>>,
    notes: Arc<Notes>,
    sites: Vec<IpAddr>,
    pending: Arc<AtomicUsize>,
) -> turmoil::Result {
    let mut given = given.ok_or("clients start once")?;
    while let Some(letter) = given.recv().await {
        let at = sites[letter.site];
        let (notes, pending) = (Arc::clone(&notes), Arc::clone(&pending));
        tokio::spawn(async move {
            client::send(notes, letter, at).await;
            pending.fetch_sub(1, Ordering::SeqCst);
        });
    }
    Ok(())
}
