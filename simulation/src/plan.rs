//! What a seed draws: who sends what, who misbehaves, what breaks when.

use std::time::Duration;

use waypost_testkit::chance::Chance;

use crate::arrangement::{Arrangement, SHARED, login};

/// How long mail is sent and things break.
pub(crate) const TROUBLED: Duration = Duration::from_secs(90);
/// Senders begin when the sites are there.
const FIRST_MAIL: u64 = 500;

/// Which links a fault is on, by the names of hosts.
pub(crate) type Link = (String, String);

/// Something that happens to the world.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    /// The site ends at once and comes back after this time.
    Crash(usize, Duration),
    /// The site is told to end, and comes back after this time.
    Stop(usize, Duration),
    /// What is sent over the link is lost, until it is mended.
    Cut(Link),
    /// What is sent in this direction is lost.
    CutOneWay(Link),
    /// What is sent over the link waits.
    Hold(Link),
    /// The link is as good as new.
    Mend(Link),
    /// The link is so slow at times.
    Slow(Link, Duration),
    /// One datagram or segment of so many breaks the link for a moment.
    Lossy(Link, f64),
    /// Somebody sets the site's wall clock, by seconds.
    Jump(usize, i64),
    /// A user moves to another site.
    Move(usize, usize),
    /// Nobody can look up names.
    NoNames,
    /// Names can be looked up again.
    Names,
}

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    Stranger,
    Trusted,
}

/// One message that is to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    pub(crate) at: Duration,
    pub(crate) name: String,
    pub(crate) from: From,
    pub(crate) site: usize,
    pub(crate) to: Vec<String>,
    pub(crate) size: usize,
    /// In chunks (RFC 3030).
    pub(crate) chunked: bool,
}

/// One world.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) arrangement: Arrangement,
    /// Nothing breaks; one server stalls, others lie.
    pub(crate) is_still: bool,
    /// Whether the foreign servers lie about addresses.
    pub(crate) lies: bool,
    /// One session of so many goes wrong at the mail stores and foreign servers; 0: none.
    pub(crate) wrong_in: u64,
    pub(crate) letters: Vec<Letter>,
    pub(crate) script: Vec<(Duration, Action)>,
    /// For who draws later.
    pub(crate) seed: u64,
}

impl Plan {
    pub(crate) fn draw(seed: u64) -> Self {
        let mut chance = Chance::new(seed.wrapping_mul(0xd134_2543_de82_ef95));
        // The first draws of seeds that are close to each other are close, too.
        for _ in 0..8 {
            chance.draw();
        }
        let arrangement = Arrangement::draw(&mut chance);
        let is_still = chance.below(4) == 0;
        let lies = chance.below(2) == 0;
        let letters = letters(&arrangement, &mut chance);
        let script = match is_still {
            true => Vec::new(),
            false => script(&arrangement, &mut chance),
        };
        Self {
            arrangement,
            is_still,
            lies,
            wrong_in: if is_still { 0 } else { 2 + chance.below(10) },
            letters,
            script,
            seed: chance.draw(),
        }
    }
}

fn below(chance: &mut Chance, bound: usize) -> usize {
    usize::try_from(chance.below(bound.max(1) as u64)).unwrap_or(0)
}

fn moment(chance: &mut Chance) -> Duration {
    let last = u64::try_from(TROUBLED.as_millis()).unwrap_or(0);
    Duration::from_millis(FIRST_MAIL + chance.below(last - 2 * FIRST_MAIL))
}

fn letters(arrangement: &Arrangement, chance: &mut Chance) -> Vec<Letter> {
    let count = 12 + chance.below(30);
    let mut letters: Vec<Letter> = (0..count)
        .map(|number| {
            let from = match chance.below(3) {
                0 => From::Trusted,
                _ => From::Stranger,
            };
            let recipients = 1 + chance.below(3);
            let mut to: Vec<String> = (0..recipients)
                .map(|_| recipient(arrangement, from, chance))
                .collect();
            to.sort();
            to.dedup();
            Letter {
                at: moment(chance),
                name: format!("m{number}"),
                from,
                site: below(chance, arrangement.sites),
                to,
                size: match chance.below(40) {
                    0 => 300_000,
                    1..=5 => 20_000 + below(chance, 50_000),
                    _ => 100 + below(chance, 3000),
                },
                chunked: chance.below(3) == 0,
            }
        })
        .collect();
    letters.sort_by_key(|letter| letter.at);
    letters
}

fn recipient(arrangement: &Arrangement, from: From, chance: &mut Chance) -> String {
    match chance.below(20) {
        0..=10 => {
            let user = below(chance, arrangement.users());
            format!("{}@{SHARED}", login(user))
        }
        11 | 12 => format!("nobody@{SHARED}"),
        13 | 14 => format!("f{}@old.test", chance.below(3)),
        15 => "ghost@old.test".to_owned(),
        16 => format!("b{}@branch.test", chance.below(2)),
        17 => "ghost@branch.test".to_owned(),
        18 if from == From::Trusted => "somebody@outside.test".to_owned(),
        _ => "x@stall.test".to_owned(),
    }
}

fn script(arrangement: &Arrangement, chance: &mut Chance) -> Vec<(Duration, Action)> {
    let mut script = Vec::new();
    let parity = below(chance, 2);
    for _ in 0..2 + chance.below(8) {
        let at = moment(chance);
        let lasts = Duration::from_millis(200 + chance.below(30_000));
        let site = below(chance, arrangement.sites);
        let link = link(arrangement, chance);
        match chance.below(16) {
            0..=2 => script.push((at, Action::Crash(site, lasts))),
            3 => script.push((at, Action::Stop(site, lasts))),
            4..=9 => {
                let fault = match chance.below(6) {
                    0 => Action::Cut(link.clone()),
                    1 => Action::CutOneWay(link.clone()),
                    2 | 3 => Action::Hold(link.clone()),
                    4 => Action::Lossy(link.clone(), 0.02),
                    _ => Action::Slow(link.clone(), Duration::from_millis(chance.below(4000))),
                };
                script.push((at, fault));
                script.push((at + lasts, Action::Mend(link)));
            }
            10..=12 => {
                let hours = 1 + i64::try_from(chance.below(240)).unwrap_or(0);
                // One way for each site: a clock that is set back, right again, and then a restart, make
                // mail old that is not (see docs/known-issues.md).
                let sign = if site % 2 == parity { 1 } else { -1 };
                script.push((at, Action::Jump(site, sign * hours * 3600)));
            }
            13 | 14 => {
                let user = below(chance, arrangement.users());
                script.push((at, Action::Move(user, site)));
            }
            _ => {
                script.push((at, Action::NoNames));
                script.push((at + lasts, Action::Names));
            }
        }
    }
    script.sort_by_key(|(at, _)| *at);
    script
}

/// A link between a site and somebody else.
fn link(arrangement: &Arrangement, chance: &mut Chance) -> Link {
    let site = below(chance, arrangement.sites);
    let other = match chance.below(6) {
        0 => "foreign".to_owned(),
        1 => "stores".to_owned(),
        2 => "outside".to_owned(),
        _ => format!(
            "s{}",
            (site + 1 + below(chance, arrangement.sites - 1)) % arrangement.sites
        ),
    };
    (format!("s{site}"), other)
}
