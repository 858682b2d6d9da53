//! What was promised, held against what happened.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use waypost_testkit::lab::Found;
use waypost_testkit::lab::account;

use crate::arrangement::SHARED;
use crate::notes::{Entry, Notes, Seen};
use crate::plan::{From, Plan};

/// How long a message may take where nothing breaks.
const PROMPT: Duration = Duration::from_secs(45);
/// How often a message may come by for one recipient, when users move: twice more.
const VISITS_OF_MOVED: usize = 3;
/// RFC 3463 §3.5: delivery time expired.
const EXPIRED: &str = "4.4.7";
/// RFC 3463 §3.5: routing loop detected.
const LOOP: &str = "5.4.6";

/// What happened besides that.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// Users who have moved, and where to.
    pub(crate) moved: BTreeMap<String, Vec<usize>>,
    /// Sites that have begun again with a clock that was set forward: what they hold may be old.
    pub(crate) aged: Vec<usize>,
}

/// Holds everything against the promises.
pub(crate) fn judge(plan: &Plan, past: &Past, notes: &Notes) -> Found {
    let mut found = Found::default();
    let seen = notes.seen();
    counts(plan, &seen, &mut found);
    duplicates(&seen, &mut found);
    let account = notes.ledger.settle(ends(&seen).into_iter().cloned());
    let in_flight: u64 = seen
        .taken
        .keys()
        .map(|entry| lost_replies(&seen, entry))
        .sum();
    account::judge(
        &account,
        usize::try_from(in_flight).unwrap_or(usize::MAX),
        &mut found,
    );
    bounces(plan, past, &seen, &mut found);
    replies(plan, &seen, &mut found);
    visits(past, &seen, &mut found);
    if plan.is_still {
        prompt(plan, &seen, &mut found);
    }
    for (promise, what) in &seen.broken {
        found.broke(*promise, what);
    }
    for what in &seen.errors {
        found.broke(0, format!("a site logs: {what}"));
    }
    found
}

fn counts(plan: &Plan, seen: &Seen, found: &mut Found) {
    found.count("simulated worlds", 1);
    found.count("faults in simulated worlds", plan.script.len() as u64);
    for (what, times) in &seen.counts {
        found.count(what, *times);
    }
}

/// Final replies that did not come to who sent this.
fn lost_replies(seen: &Seen, entry: &Entry) -> u64 {
    let of = |counts: &BTreeMap<Entry, u64>| counts.get(entry).copied().unwrap_or(0);
    of(&seen.taken).saturating_sub(of(&seen.told))
}

/// Every end that was seen: one for each arrival, and one for each report, with its sender or with
/// the postmaster. A report that came twice is one: its final reply was lost.
fn ends(seen: &Seen) -> Vec<&Entry> {
    let id = |report: &str| -> String {
        let id = report.lines().find(|line| line.starts_with("Message-ID:"));
        id.unwrap_or_default().to_owned()
    };
    let reports: BTreeSet<(&Entry, String)> = seen
        .bounced
        .iter()
        .map(|(entry, report)| (entry, id(report)))
        .collect();
    let told: Vec<&Entry> = reports.into_iter().map(|(entry, _)| entry).collect();
    let shown = seen.shown.iter().filter(|shown| !told.contains(shown));
    let arrived = seen.arrived.iter().map(|(entry, _)| entry);
    arrived.chain(shown).chain(told.iter().copied()).collect()
}

fn duplicates(seen: &Seen, found: &mut Found) {
    let mut copies: BTreeMap<&Entry, u64> = BTreeMap::new();
    for entry in ends(seen) {
        *copies.entry(entry).or_default() += 1;
    }
    for (entry, count) in copies {
        let lost = lost_replies(seen, entry);
        if count > 1 + lost {
            let (message, to) = entry;
            let what = format!("{message} for {to} came {count} times, {lost} replies were lost");
            found.broke(4, what);
        }
    }
}

fn is_user(to: &str) -> bool {
    to.starts_with('u') && to.ends_with(SHARED)
}

/// Whether a recipient is certain to be somebody's, whoever is asked.
fn is_certain(plan: &Plan, to: &str) -> bool {
    // Of a lie that can be believed, anything may come.
    let is_foreign = to.starts_with('f') || to.starts_with('b') && !plan.lies;
    is_user(to) && plan.arrangement.is_sane() || is_foreign
}

fn bounces(plan: &Plan, past: &Past, seen: &Seen, found: &mut Found) {
    for (entry, report) in &seen.bounced {
        let (message, to) = entry;
        let said = of_recipient(report, to);
        let is_expired = said.contains(EXPIRED);
        let was_tried = |site: &usize| {
            let tried = seen.tried.get(site);
            tried.is_some_and(|tried| tried.contains(entry))
        };
        if is_expired && !past.aged.iter().any(was_tried) {
            found.broke(5, format!("{message} for {to} has expired"));
        }
        let is_outside = to.ends_with("@outside.test") || to.ends_with("@stall.test");
        let is_right = is_expired || has_gone_back(past, seen, entry, said);
        if !is_right && (is_certain(plan, to) || is_outside) {
            let why = said
                .lines()
                .find(|line| line.starts_with("Diagnostic-Code"));
            let why = why.unwrap_or_default();
            found.broke(
                5,
                format!("a report of failure of {message} for {to}: {why}"),
            );
        }
    }
}

/// What a report says of one recipient.
fn of_recipient<'a>(report: &'a str, to: &str) -> &'a str {
    let named = format!("Final-Recipient: rfc822;{to}");
    let (_, said) = report.split_once(&named).unwrap_or(("", report));
    said.split("\r\n\r\n").next().unwrap_or(said)
}

/// Whether the way to a user who has moved leads back to where his mail, which waited, came from:
/// it is not handed back (see docs/known-issues.md). Either he is there, or it would go on from
/// there, which a loop is only to mail that two sites have had.
fn has_gone_back(past: &Past, seen: &Seen, (message, to): &Entry, said: &str) -> bool {
    let visited = |(_, it, for_whom): &&(usize, String, String)| it == message && for_whom == to;
    let sites: Vec<usize> = seen.visits.keys().filter(visited).map(|at| at.0).collect();
    let is_loop = said.contains(LOOP) && sites.len() > 1;
    let moved = past.moved.get(to);
    moved.is_some_and(|homes| is_loop || homes.iter().any(|home| sites.contains(home)))
}

fn replies(plan: &Plan, seen: &Seen, found: &mut Found) {
    for (from, to, code) in &seen.replies {
        let is_stranger = *from == From::Stranger;
        let nobody = format!("nobody@{SHARED}");
        let ghost = *to == "ghost@branch.test" && !plan.lies;
        if is_stranger && ghost && code / 100 == 2 {
            found.broke(12, format!("{to} is taken from a stranger"));
        }
        if is_stranger && *to == nobody && plan.arrangement.is_sane() && code / 100 == 2 {
            found.broke(10, format!("{to} is taken from a stranger"));
        }
        if is_certain(plan, to) && code / 100 == 5 {
            found.broke(12, format!("{to} is refused with {code}"));
        }
    }
}

fn visits(past: &Past, seen: &Seen, found: &mut Found) {
    let most = |to: &String| {
        if past.moved.contains_key(to) {
            VISITS_OF_MOVED
        } else {
            1
        }
    };
    for ((site, message, to), visits) in &seen.visits {
        if *visits > most(to) {
            found.broke(
                11,
                format!("{message} for {to} came to s{site} {visits} times"),
            );
        }
    }
}

/// Where nothing breaks but one server that stalls, nobody else waits.
fn prompt(plan: &Plan, seen: &Seen, found: &mut Found) {
    for (entry, at) in &seen.arrived {
        let Some(since) = seen.acknowledged.get(entry) else {
            continue;
        };
        if is_certain(plan, &entry.1) {
            let took = at.saturating_sub(*since);
            let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            found.within(
                6,
                "delivered beside a server that stalls, ms",
                ms(took),
                ms(PROMPT),
            );
        }
    }
}
