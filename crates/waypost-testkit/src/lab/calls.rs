//! A blow at any system call that writes, in any scene of a message's life, to the real program.
//!
//! How many calls a scene makes is seen when it is played once with nobody struck. Then each of
//! them is struck by a kill, by EIO and by ENOSPC, in an order that the seed decides, and after that
//! by whatever else there is, as long as there is time; what is left untried is said. A number that
//! is not reached later is passed over.

mod scene;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::client::Told;
use super::strace::{Blow, Call, Strace, has_ended};
use super::world::{Shape, World, is_taken};
use super::{Found, Trial};
use crate::chance::Chance;
use crate::wait;
use scene::{Played, Scene, Stage};

/// What calls fail with: a broken disk, a full one, one that is read-only, too many files.
const ERRORS: [&str; 4] = ["EIO", "ENOSPC", "EROFS", "EMFILE"];
/// Messages that one blow can have in flight: the scene's, with two recipients, and its report.
const IN_FLIGHT: usize = 3;
/// After a blow, until what it did is seen.
const AFTERMATH: Duration = Duration::from_millis(300);
/// A scene is over when it is, and nothing was called for so long.
const QUIET: Duration = Duration::from_millis(40);
/// The longest that a scene is watched.
const WATCHED: Duration = Duration::from_secs(6);
/// Promised: mail is taken again after so long without errors.
const RECOVERED_MS: u64 = 5_000;
/// Blows that a short run tries; the seed decides which.
const SHORT_BLOWS: u64 = 60;
/// The scene that takes longest has one turn in so many of the others'.
const RARELY: u64 = 8;
/// A scene, a call and a kind of blow.
type Pair = (Scene, Call, Blow);
/// The same at the call with this number, from 1.
type Place = (Pair, usize);

/// Strikes until the time is over.
///
/// # Errors
///
/// When the program does not come back, or strace may not trace.
pub fn run(trial: &Trial<'_>) -> Result<Found> {
    let mut found = Found::default();
    let mut field = Field::new(trial)?;
    field.survey(trial.is_short)?;
    let mut blows = 0;
    let (mut places, mut others) = field.places();
    if trial.is_short {
        // A little of everything.
        places.append(&mut others);
        field.chance.shuffle(&mut places);
    }
    while blows == 0 || (trial.has_time() && (!trial.is_short || blows < SHORT_BLOWS)) {
        let Some((pair, number)) = places.pop().or_else(|| others.pop()) else {
            break;
        };
        let (scene, call, blow) = pair;
        if field
            .bounds
            .get(&(scene, call))
            .is_none_or(|bound| number > *bound)
        {
            continue;
        }
        blows += 1;
        let label = format!("{scene:?} {} {number} {blow:?}", call.name);
        let struck = field.strike(pair, number, &mut found).context(label)?;
        if !struck {
            field.bounds.insert((scene, call), number - 1);
        }
        field.struck += usize::from(struck);
        if struck {
            found.count(kind(blow), 1);
        }
    }
    if !trial.is_short {
        found.see(
            "calls left that no kill, EIO or ENOSPC struck",
            places.len() as u64,
        );
    }
    let bound = field.struck * IN_FLIGHT;
    field.stage.world.settle(bound, &mut found)?;
    field.stage.aging.settle(bound, &mut found)?;
    Ok(found)
}

fn kind(blow: Blow) -> &'static str {
    match blow {
        Blow::Kill => "kills at a system call",
        Blow::Once(_) => "system calls that failed once",
        Blow::Lasting(_) => "system calls that went on failing",
    }
}

/// The worlds, and what is known of their calls.
struct Field {
    stage: Stage,
    chance: Chance,
    /// How many such calls a thread makes in a scene, at most.
    bounds: BTreeMap<(Scene, Call), usize>,
    struck: usize,
    count: u64,
}

impl Field {
    fn new(trial: &Trial<'_>) -> Result<Self> {
        let usual = Shape {
            queue: "retry_first = \"1h\"\n",
            ..Shape::default()
        };
        let aging = Shape {
            queue: "retry_first = \"500ms\"\nretry_max = \"500ms\"\nlifetime = \"3s\"\n\
                    delay_notice = \"0s\"\n",
            ..Shape::default()
        };
        let mut aging = World::start(trial.program, trial.seed, &aging)?;
        // Whatever is kept from it for longer than that comes back.
        aging.may_fail.extend(["busy", "local", "steady"]);
        let stage = Stage {
            world: World::start(trial.program, trial.seed, &usual)?,
            aging,
        };
        Ok(Self {
            stage,
            chance: trial.chance(),
            bounds: BTreeMap::new(),
            struck: 0,
            count: 0,
        })
    }

    /// Plays every scene once with nobody struck, and counts its calls.
    fn survey(&mut self, is_short: bool) -> Result<()> {
        let rare = |scene: &Scene| *scene == Scene::Compact && is_short;
        for scene in Scene::ALL.into_iter().filter(|scene| !rare(scene)) {
            self.count += 1;
            let name = format!("s{}", self.count);
            let strace = match scene {
                Scene::Start => {
                    let site = &mut self.stage.world.site;
                    site.kill()?;
                    let (strace, words) = Strace::wrap_watching()?;
                    let words: Vec<&str> = words.iter().map(String::as_str).collect();
                    site.launch_under(&words)?;
                    strace
                }
                _ => {
                    let prepared = self.stage.prepare(scene, &name)?;
                    let pid = self.stage.site(scene).pid().context("not running")?;
                    let strace = Strace::watch(pid)?;
                    let played = self.stage.play(scene, &name, &prepared);
                    self.watch(scene, pid, &strace, &played);
                    strace
                }
            };
            for (call, bound) in strace.counts() {
                self.bounds.insert((scene, call), bound);
            }
            drop(strace);
            if scene == Scene::Start {
                let site = &mut self.stage.world.site;
                site.kill()?;
                site.launch()?;
            }
        }
        Ok(())
    }

    /// All places for a blow, the last first: those that must be tried, and the others.
    fn places(&mut self) -> (Vec<Place>, Vec<Place>) {
        let mut places = Vec::new();
        for ((scene, call), bound) in &self.bounds {
            for number in 1..=*bound {
                let blows = blows(*call).into_iter();
                places.extend(blows.map(|blow| ((*scene, *call, blow), number)));
            }
        }
        self.chance.shuffle(&mut places);
        // Scenes take turns, or the one with the most calls would take nearly all of the time.
        let mut played: BTreeMap<Scene, u64> = BTreeMap::new();
        places.sort_by_cached_key(|((scene, ..), _)| {
            let turn = played.entry(*scene).or_default();
            *turn += if *scene == Scene::Compact { RARELY } else { 1 };
            std::cmp::Reverse(*turn)
        });
        let is_due =
            |((_, _, blow), _): &Place| matches!(blow, Blow::Kill | Blow::Once("EIO" | "ENOSPC"));
        places.into_iter().partition(is_due)
    }

    /// Waits for the end of a scene or of the program, or until nothing more happens.
    fn watch(&self, scene: Scene, pid: u32, strace: &Strace, played: &Played) {
        let mut length = 0;
        let mut quiet_since = Instant::now();
        let mut struck_since = None;
        let _ = wait::until_within(WATCHED, "the scene to end", || {
            if has_ended(pid) {
                return Some(());
            }
            if strace.length() != length {
                length = strace.length();
                quiet_since = Instant::now();
            }
            if strace.has_struck() {
                struck_since.get_or_insert_with(Instant::now);
            }
            let is_quiet = quiet_since.elapsed() > QUIET;
            let is_over = is_quiet && self.stage.is_over(scene, played);
            let aftermath = struck_since.is_some_and(|since| since.elapsed() > AFTERMATH);
            (is_over || aftermath).then_some(())
        });
    }

    /// Plays a scene with a blow in it; whether the blow fell.
    fn strike(&mut self, pair: Pair, number: usize, found: &mut Found) -> Result<bool> {
        let (scene, call, blow) = pair;
        self.count += 1;
        let name = format!("b{}", self.count);
        if scene == Scene::Start {
            return self.start(pair, number, found);
        }
        let prepared = self.stage.prepare(scene, &name)?;
        let site = self.stage.site(scene);
        let pid = site.pid().context("the site is not running")?;
        let strace = Strace::attach(pid, call, number, blow)?;
        let played = self.stage.play(scene, &name, &prepared);
        self.watch(scene, pid, &strace, &played);
        let is_dead = has_ended(pid);
        let struck = is_dead || strace.has_struck();
        drop(strace);
        let site = self.stage.site_mut(scene);
        if is_dead {
            site.wait_until_ended()?;
            site.launch()?;
            if blow != Blow::Kill {
                found.broke(2, format!("{call:?} {number} {blow:?} ended the program"));
            }
        }
        if let Some(told) = played.told.as_ref().filter(|told| told.is_permanent()) {
            found.broke(
                2,
                format!("{call:?} {number} {blow:?} in {scene:?}: {told:?}"),
            );
        }
        if struck && blow != Blow::Kill {
            self.recovers(scene, found)?;
        }
        if scene == Scene::Change {
            self.stage.check_change(&played, found)?;
        }
        Ok(struck)
    }

    /// The program is struck while it starts, and starts again without.
    fn start(&mut self, pair: Pair, number: usize, found: &mut Found) -> Result<bool> {
        let (scene, call, blow) = pair;
        let site = &mut self.stage.world.site;
        site.kill()?;
        let (strace, words) = Strace::wrap(call, number, blow)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let launched = site.launch_under(&words);
        let struck = strace.has_struck() || (launched.is_err() && blow == Blow::Kill);
        match launched {
            Ok(()) => site.kill()?,
            Err(_) => site.wait_until_ended()?,
        }
        site.launch()?;
        if struck {
            self.recovers(scene, found)?;
        }
        Ok(struck)
    }

    /// Mail is taken again soon after the errors are over.
    fn recovers(&mut self, scene: Scene, found: &mut Found) -> Result<()> {
        let begun = Instant::now();
        self.count += 1;
        let count = self.count;
        let world = self.stage.world_of(scene);
        let mut tries = 0;
        let mut last = Told::Nothing;
        wait::until("mail to be taken again", || {
            tries += 1;
            let name = format!("p{count}-{tries}");
            is_taken(world, &name, &mut last).then_some(())
        })
        .with_context(|| format!("{last:?}\n{}", world.tail()))?;
        let waited = u64::try_from(begun.elapsed().as_millis())?;
        found.within(2, "mail taken again after, ms", waited, RECOVERED_MS);
        Ok(())
    }
}

/// What can be done at a call.
fn blows(call: Call) -> Vec<Blow> {
    let errors = ERRORS.into_iter().filter(|_| call.fails);
    let failing = errors.flat_map(|error| [Blow::Once(error), Blow::Lasting(error)]);
    failing.chain([Blow::Kill]).collect()
}
