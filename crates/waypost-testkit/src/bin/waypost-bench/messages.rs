//! Messages from a source through each server into a sink, in turn with the source straight into
//! the sink.

use std::path::Path;

use anyhow::Result;

use crate::contenders::{Contender, Field, Setting, Turn};
use crate::load::Load;
use crate::results::Results;
use crate::rows::Table;
use crate::targets;

/// Addresses known while messages are relayed.
const KNOWN: u64 = 1_000;

/// How much is sent of one size.
struct Size {
    bytes: u32,
    /// Messages over several sessions, for a fast server.
    many: u32,
    /// For a slow one.
    few: u32,
    /// The most sessions: more would hold more than memory has.
    sessions: u32,
}

/// From a line or two to a film.
const SIZES: [Size; 5] = [
    size(1_000, 6_000, 1_000, 1_000),
    size(10_000, 6_000, 1_000, 1_000),
    size(100_000, 1_500, 400, 1_000),
    size(1_000_000, 150, 80, 200),
    size(10_000_000, 24, 12, 50),
];
/// Connections at the same time.
const SESSIONS: [u32; 5] = [1, 10, 50, 200, 1_000];
/// Size and sessions that every server is measured with.
const FOR_GUESTS: [(u32, u32); 2] = [(10_000, 50), (1_000, 200)];
/// Recipients of one message, with the messages of a run.
const RECIPIENTS: [(u32, u32); 4] = [(1, 3_000), (10, 1_000), (100, 200), (1_000, 40)];
/// Messages per second where the time to a reply is what matters.
const PACE: u32 = 200;
/// Seconds of that.
const PACED: u32 = 10;

const fn size(bytes: u32, many: u32, few: u32, sessions: u32) -> Size {
    Size {
        bytes,
        many,
        few,
        sessions,
    }
}

impl Size {
    fn load(&self, sessions: u32, is_fast: bool) -> Load {
        let most = if is_fast { self.many } else { self.few };
        // A single session waits for each sync in turn; many should do more than begin.
        let messages = match sessions {
            1 => most / 4,
            several => most.max(2 * several),
        };
        Load::new(self.bytes, sessions, messages)
    }
}

/// Which tables are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) sizes: bool,
    pub(crate) recipients: bool,
    pub(crate) pace: bool,
    pub(crate) tls: bool,
    pub(crate) targets: bool,
    /// One row of each.
    pub(crate) quick: bool,
    /// Turns behind every figure.
    pub(crate) turns: usize,
}

/// Whether this one, or no server at all, is sent more.
fn is_fast(contender: Option<&Contender>) -> bool {
    contender.is_none_or(Contender::is_fast)
}

/// All tables that are wanted.
pub(crate) fn run(program: &Path, wanted: Wanted, results: &mut Results) -> Result<()> {
    let parts: [(bool, Part); 4] = [
        (wanted.sizes, sizes),
        (wanted.pace, pace),
        (wanted.recipients, recipients),
        (wanted.tls, secured),
    ];
    for (_, part) in parts.into_iter().filter(|(is_wanted, _)| *is_wanted) {
        part(program, wanted, results)?;
    }
    if wanted.targets {
        targets::run(program, wanted.turns, results)?;
    }
    Ok(())
}

/// One table.
type Part = fn(&Path, Wanted, &mut Results) -> Result<()>;

/// Servers that have done nothing yet: what they need in a row is not what they kept of another.
fn field(program: &Path, is_secured: bool) -> Result<Field> {
    Field::new(
        program,
        Setting {
            known: KNOWN,
            hops: 1,
            is_secured,
        },
    )
}

/// All sizes over all numbers of sessions.
fn sizes(program: &Path, wanted: Wanted, results: &mut Results) -> Result<()> {
    let mut table = Table {
        name: "sizes",
        results,
    };
    table.head(&["size", "sessions"]);
    for size in SIZES {
        for sessions in SESSIONS.into_iter().filter(|count| *count <= size.sessions) {
            let cell = (size.bytes, sessions);
            if wanted.quick && cell != FOR_GUESTS[0] {
                continue;
            }
            let mut field = field(program, false)?;
            if FOR_GUESTS.contains(&cell) {
                field.invite()?;
            }
            let load = |contender: Option<&Contender>| size.load(sessions, is_fast(contender));
            let turns = turns(&mut field, &load, wanted)?;
            let place = [("size", size.bytes.into()), ("sessions", sessions.into())];
            table.rows(&place, &field, &turns)?;
        }
    }
    Ok(())
}

/// So many messages a second, whatever the server does: how long its sender waits.
fn pace(program: &Path, wanted: Wanted, results: &mut Results) -> Result<()> {
    let mut table = Table {
        name: "pace",
        results,
    };
    table.head(&["messages sent per second"]);
    let mut field = field(program, false)?;
    let seconds = if wanted.quick { 3 } else { PACED };
    let load = |_: Option<&Contender>| Load::new(10_000, 50, PACE * seconds).at_rate(PACE);
    let turns = turns(&mut field, &load, wanted)?;
    table.rows(&[("rate", PACE.into())], &field, &turns)
}

/// More and more recipients of one message.
fn recipients(program: &Path, wanted: Wanted, results: &mut Results) -> Result<()> {
    let mut table = Table {
        name: "recipients",
        results,
    };
    table.head(&["recipients of each message"]);
    for (count, messages) in RECIPIENTS {
        if wanted.quick && count != 10 {
            continue;
        }
        let mut field = field(program, false)?;
        let all = (1..=count).map(|number| format!("user{number}@example.com"));
        let all: Vec<String> = all.collect();
        let load = |contender: Option<&Contender>| {
            let less = if is_fast(contender) { 1 } else { 2 };
            Load::new(10_000, 10, messages / less).to(vec![all.clone()])
        };
        let turns = turns(&mut field, &load, wanted)?;
        table.rows(&[("recipients", count.into())], &field, &turns)?;
    }
    Ok(())
}

/// The same under TLS from the source and to the sink.
fn secured(program: &Path, wanted: Wanted, results: &mut Results) -> Result<()> {
    let mut table = Table {
        name: "tls",
        results,
    };
    table.head(&["size under TLS", "sessions"]);
    for (size, sessions) in [(&SIZES[1], 50), (&SIZES[3], 10)] {
        if wanted.quick && size.bytes != 10_000 {
            continue;
        }
        let mut field = field(program, true)?;
        let load = |contender: Option<&Contender>| size.load(sessions, is_fast(contender));
        let turns = turns(&mut field, &load, wanted)?;
        let place = [("size", size.bytes.into()), ("sessions", sessions.into())];
        table.rows(&place, &field, &turns)?;
    }
    Ok(())
}

fn turns(
    field: &mut Field,
    load: &dyn Fn(Option<&Contender>) -> Load,
    wanted: Wanted,
) -> Result<Vec<Turn>> {
    let turns = (0..wanted.turns).map(|_| field.turn(load));
    turns.collect()
}
