//! Ten next hops, of which one takes content and then says nothing.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::contenders::{Contender, Field, Setting};
use crate::load::{self, LIMIT, Load, Run};
use crate::report::median;
use crate::results::Results;

/// Next hops.
const HOPS: usize = 10;
/// The one that stalls.
const STALLED: usize = 3;
/// Users behind each.
const KNOWN: u64 = 100;
/// Connections at the same time.
const SESSIONS: u32 = 50;
/// Octets of a message.
const SIZE: u32 = 10_000;

/// What one server did.
struct Runs<'a> {
    contender: &'a Contender,
    flowing: Vec<Run>,
    stalled: Vec<Run>,
}

/// Mail to the nine others, while all take mail and while one does not. First all runs of the one
/// kind: servers remember who has stalled.
pub(crate) fn run(program: &Path, times: usize, results: &mut Results) -> Result<()> {
    let setting = Setting {
        known: KNOWN,
        hops: HOPS,
        is_secured: false,
    };
    let field = Field::new(program, setting)?;
    println!(
        "\n| server, ten targets | to nine of them/s | while the tenth stalls | slowest such run \
         | of all taking | accepted/s then | reply p50, p99 ms then |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let mut all: Vec<Runs<'_>> = (field.contenders.iter())
        .map(|contender| Runs {
            contender,
            flowing: Vec::new(),
            stalled: Vec::new(),
        })
        .collect();
    for _ in 0..times {
        for runs in &mut all {
            let load = load(&field, runs.contender);
            let passage = field.passage(runs.contender);
            let run = load::run_but(&load, &passage, Some(STALLED));
            runs.flowing.push(run.context(runs.contender.name)?);
            field.sink.arrivals().wait(LIMIT, &|_| true)?;
        }
    }
    for _ in 0..times {
        for runs in &mut all {
            let load = load(&field, runs.contender);
            let passage = field.passage(runs.contender);
            field.sink.stall(STALLED);
            let run = load::run_but(&load, &passage, Some(STALLED));
            field.sink.go_on();
            runs.stalled.push(run.context(runs.contender.name)?);
            let rest = field.sink.arrivals().wait(LIMIT, &|_| true);
            rest.with_context(|| format!("{}: what had stalled", runs.contender.name))?;
        }
    }
    all.iter().try_for_each(|runs| row(runs, results))
}

fn load(field: &Field, contender: &Contender) -> Load {
    let messages = if contender.is_fast() { 4_000 } else { 1_500 };
    let users = field.domains().into_iter();
    let users = users.map(|domain| vec![format!("user1@{domain}")]);
    Load::new(SIZE, SESSIONS, messages).to(users.collect())
}

fn row(runs: &Runs<'_>, results: &mut Results) -> Result<()> {
    let middle = |of: &[Run], figure: fn(&Run) -> f64| median(of.iter().map(figure));
    let flowing = middle(&runs.flowing, |run| run.delivered_rate);
    let stalled = middle(&runs.stalled, |run| run.delivered_rate);
    let slowest = (runs.stalled.iter())
        .map(|run| run.delivered_rate)
        .fold(f64::INFINITY, f64::min);
    let accepted = middle(&runs.stalled, |run| run.accepted_rate);
    let (reply, late) = (
        middle(&runs.stalled, |run| run.reply.p50),
        middle(&runs.stalled, |run| run.reply.p99),
    );
    let kept = stalled / flowing;
    println!(
        "| {} | {flowing:.0} | {stalled:.0} | {slowest:.0} | {:.0} % | {accepted:.0} \
         | {reply:.1}, {late:.1} |",
        runs.contender.name,
        kept * 100.0
    );
    let figures = [
        ("flowing", flowing),
        ("stalled", stalled),
        ("slowest", slowest),
        ("kept", kept),
        ("accepted", accepted),
        ("reply_p50", reply),
        ("reply_p99", late),
    ];
    results.keep("targets", &[], runs.contender.name, &figures)
}
