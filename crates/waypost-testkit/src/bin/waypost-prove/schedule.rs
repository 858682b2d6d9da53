//! Shares the time out among the experiments, with a fresh seed for each run.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, Instant};

use anyhow::Result;
use waypost_testkit::lab::{EXPERIMENTS, Experiment, Fault, Found, Trial};

use crate::options::Options;
use crate::suite;

/// The longest that one run goes on before another experiment has its turn.
const SLICE: Duration = Duration::from_mins(2);
/// How long a run of a short form goes on for each share, the settling of its account apart.
const SHORT_SLICE: Duration = Duration::from_secs(5);

/// What each experiment found, over all its runs.
pub(crate) type Findings = BTreeMap<&'static str, Found>;

/// An experiment and what it has had so far.
struct Turn {
    experiment: Experiment,
    used: Duration,
    rounds: u32,
}

impl Turn {
    /// Of the time there is, against its share.
    fn fraction(&self) -> f64 {
        self.used.as_secs_f64() / f64::from(self.experiment.share)
    }

    fn is_open(&self) -> bool {
        self.experiment.rounds == 0 || self.rounds < self.experiment.rounds
    }
}

/// Runs until the time is over, everything once at least.
pub(crate) fn run(options: &Options) -> Result<Findings> {
    let end = Instant::now() + options.lasts;
    let mut findings = Findings::new();
    let mut turns = turns(options);
    anyhow::ensure!(!turns.is_empty(), "no such experiment");
    let mut runs = 0;
    loop {
        let is_over = options.is_short || Instant::now() >= end;
        let open = turns
            .iter_mut()
            .filter(|turn| turn.is_open() && (turn.rounds == 0 || !is_over));
        let Some(turn) = open.min_by(|a, b| a.fraction().total_cmp(&b.fraction())) else {
            return Ok(findings);
        };
        let begun = Instant::now();
        let seed = options.seed.map_or_else(fresh, |seed| seed + runs);
        runs += u64::from(!options.is_short);
        let slice = match options.is_short {
            true => SHORT_SLICE * turn.experiment.share,
            false => SLICE,
        };
        let trial = Trial {
            program: &options.program,
            seed,
            until: begun + slice,
            is_short: options.is_short,
        };
        let name = turn.experiment.name;
        let found = one(turn.experiment, &trial);
        eprintln!(
            "{name}, seed {seed}, {:.0?}: {}",
            begun.elapsed(),
            brief(&found)
        );
        if found.not_here.is_some() && found.tried.is_empty() {
            turn.experiment.rounds = 1;
        }
        turn.used += begun.elapsed();
        turn.rounds += 1;
        findings.entry(name).or_default().add(found);
    }
}

/// Those that were asked for; in a short form the tests are run elsewhere.
fn turns(options: &Options) -> Vec<Turn> {
    let again = suite::AGAIN.iter().filter(|_| !options.is_short);
    let wanted = |experiment: &&Experiment| {
        let only = options.only.as_deref();
        only.is_none_or(|only| only == experiment.name)
    };
    let all = EXPERIMENTS.iter().chain(again).filter(wanted);
    let turn = |experiment: &Experiment| Turn {
        experiment: *experiment,
        used: Duration::ZERO,
        rounds: 0,
    };
    all.map(turn).collect()
}

/// One run; trouble with it is a fault, and every fault tells how to have it again.
fn one(experiment: Experiment, trial: &Trial<'_>) -> Found {
    let mut found = (experiment.run)(trial).unwrap_or_else(|error| {
        let mut found = Found::default();
        found.broke(0, format!("{error:#}"));
        found
    });
    for Fault { what, .. } in &mut found.broke {
        let (name, seed) = (experiment.name, trial.seed);
        what.insert_str(0, &format!("[make prove ONLY={name} SEED={seed}] "));
    }
    found
}

fn brief(found: &Found) -> String {
    let counts = found.tried.iter().chain(&found.seen);
    let counts: Vec<String> = counts
        .map(|(what, count)| format!("{count} {what}"))
        .collect();
    let measured = found.measured.iter();
    let measured: Vec<String> = measured
        .map(|m| format!("{} {}", m.what, m.worst))
        .collect();
    let broke: Vec<&str> = found
        .broke
        .iter()
        .map(|fault| fault.what.as_str())
        .collect();
    let missing = found.not_here.iter().map(String::as_str);
    let parts = counts.iter().chain(&measured).map(String::as_str);
    parts
        .chain(broke)
        .chain(missing)
        .collect::<Vec<_>>()
        .join(", ")
}

fn fresh() -> u64 {
    RandomState::new().hash_one(0) >> 32
}
