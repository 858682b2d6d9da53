//! A site with everything that experiments need around it: a mailbox, servers that take mail, that
//! take it now and then, not now, and never, and the sender's mailbox, where reports come back.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::Found;
use super::account::{Entry, copies, failures, judge, judge_bounces};
use super::client::{Letter, Told, Way, send};
use crate::chance::Chance;
use crate::ledger::Ledger;
use crate::maildir;
use crate::peer::{Moment, Peer, Reaction};
use crate::place::unused_address;
use crate::site::{Plan, Site};
use crate::wait;

/// Connections to each target: with Maildir deliveries, what can be in flight at a kill.
pub const CONNECTIONS: usize = 4;
/// Deliveries into Maildirs at the same time.
pub const MAILDIR_DELIVERIES: usize = 16;
/// Deliveries that are in flight at one moment, at most: all targets and the Maildirs.
pub const IN_FLIGHT: usize = 4 * CONNECTIONS + MAILDIR_DELIVERIES;
/// Who sends, and gets what comes back.
pub const SENDER: &str = "sender@example.com";
/// The shaky server dies amid content after so many lines, about.
const LINES: u64 = 10_000;
/// How long a queue takes to become empty, when all is well.
const EMPTIED: Duration = Duration::from_secs(120);

/// How a world differs from the usual one.
#[derive(Debug, Clone, Default)]
pub struct Shape<'a> {
    /// The section `[queue]`; empty: attempts follow each other quickly.
    pub queue: &'a str,
    /// The section `[limits]`.
    pub limits: &'a str,
    /// Where data and mailboxes lie; none: in the site's folder.
    pub place: Option<&'a Path>,
    /// Variables for the program that serves.
    pub environment: &'a [(&'a str, &'a str)],
}

/// A running world.
pub struct World {
    /// The site under test.
    pub site: Site,
    /// Takes everything.
    pub steady: Peer,
    /// Takes most, and refuses for now, hangs up, amid content too, answers garbage or loses its
    /// final reply.
    pub shaky: Peer,
    /// Says that it has no time, until it is told to take everything.
    pub busy: Peer,
    /// Refuses for ever.
    pub never: Peer,
    /// Whether the busy one is busy.
    pub is_busy: Arc<AtomicBool>,
    /// What clients were told.
    pub ledger: Ledger,
    /// Whose mail may come back.
    pub may_fail: BTreeSet<&'static str>,
    /// The site file.
    pub file: String,
    unanswered: Arc<Mutex<Vec<Entry>>>,
    mail: PathBuf,
}

/// Everybody of the domain, one at each place.
const LOGINS: [&str; 4] = ["steady", "shaky", "busy", "never"];

impl World {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// When a part of it does not start.
    pub fn start(program: &Path, seed: u64, shape: &Shape<'_>) -> Result<Self> {
        let is_busy = Arc::new(AtomicBool::new(true));
        let unanswered = Arc::default();
        let steady = Peer::start(unused_address()?)?;
        let shaky = shaky(seed, &unanswered)?;
        let busy = refusing("451 4.3.2 No time", Arc::clone(&is_busy))?;
        let never = refusing("550 5.7.1 Not from you", Arc::new(AtomicBool::new(true)))?;
        let mut plan = Plan::new(program)?.section("limits", shape.limits);
        if !shape.queue.is_empty() {
            plan = plan.section("queue", shape.queue);
        }
        for (name, value) in shape.environment {
            plan = plan.environment(name, value);
        }
        let mut own_mail = None;
        if let Some(place) = shape.place {
            let mail = place.join("mail");
            let delivery = format!("\"maildir:{}/{{domain}}/{{login}}\"", mail.display());
            plan = plan
                .data(&place.join("data"))
                .section("local", &format!("delivery = {delivery}\n"));
            own_mail = Some(mail);
        }
        let file = site_file(&[&steady, &shaky, &busy, &never]);
        let site = plan.site(&file).start()?;
        let mail = own_mail.unwrap_or_else(|| site.dir().join("mail"));
        Ok(Self {
            site,
            steady,
            shaky,
            busy,
            never,
            is_busy,
            ledger: Ledger::default(),
            may_fail: BTreeSet::from(["never"]),
            file,
            unanswered,
            mail,
        })
    }

    fn peers(&self) -> [&Peer; 4] {
        [&self.steady, &self.shaky, &self.busy, &self.never]
    }

    /// What a peer has taken, and lost the reply that says so.
    fn unanswered(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.unanswered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The contents of a mailbox here.
    #[must_use]
    pub fn mailbox(&self, login: &str) -> Vec<String> {
        maildir::messages(&self.mail.join("example.com").join(login))
    }

    /// Every copy that arrived anywhere, as itself.
    #[must_use]
    pub fn arrived(&self) -> Vec<Entry> {
        let mut found = Vec::new();
        for text in self.mailbox("local") {
            found.extend(copies(&text, ["local@example.com"]));
        }
        for peer in self.peers() {
            peer.look(|taken| {
                for one in taken {
                    let recipients = one.recipients.iter().map(String::as_str);
                    found.extend(copies(&one.text(), recipients));
                }
            });
        }
        found
    }

    /// What came back to its sender.
    #[must_use]
    pub fn bounced(&self) -> Vec<Entry> {
        let reports = self.mailbox("sender");
        reports.iter().flat_map(|report| failures(report)).collect()
    }

    /// Lets everybody take what waits, until nothing does.
    ///
    /// # Errors
    ///
    /// The end of the log, when something is left.
    pub fn empty(&self) -> Result<()> {
        self.is_busy.store(false, Ordering::SeqCst);
        let emptied = wait::until_within(EMPTIED, "the queue to be empty", || {
            self.site.tell(&["queue", "flush"]).ok()?;
            let list = self.site.ask(&["queue", "list"]).ok()?;
            (queued(&list)? == 0).then_some(())
        });
        emptied.with_context(|| self.tail())
    }

    /// The end of the log.
    #[must_use]
    pub fn tail(&self) -> String {
        let log = self.site.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }

    /// Empties the queue and holds everything that became of the messages against the ledger;
    /// `duplicates` may be found, beyond those of lost replies.
    ///
    /// # Errors
    ///
    /// When the queue does not become empty: a message that cannot leave is not accounted for.
    pub fn settle(&self, duplicates: usize, found: &mut Found) -> Result<()> {
        if let Err(error) = self.empty() {
            found.broke(3, format!("{error:#}"));
        }
        let bounced = self.bounced();
        let mut all = self.arrived();
        all.extend(bounced.iter().cloned());
        for (name, recipient) in self.unanswered().iter() {
            self.ledger
                .unanswered(name, std::slice::from_ref(recipient));
        }
        let account = self.ledger.settle(all);
        judge(&account, duplicates + self.unanswered().len(), found);
        judge_bounces(&bounced, &self.may_fail, found);
        panics(&self.site, found);
        Ok(())
    }
}

/// Sends a small message to the mailbox here; whether it is taken, and what was said.
pub fn is_taken(world: &World, name: &str, last: &mut Told) -> bool {
    let recipients = ["local@example.com".to_owned()];
    let letter = Letter {
        name,
        sender: SENDER,
        recipients: &recipients,
        size: 500,
        way: Way::Data,
    };
    *last = send(world.site.smtp(), &letter, &world.ledger);
    matches!(last, Told::Taken(_))
}

/// How many messages a list of the queue holds.
#[must_use]
pub fn queued(list: &serde_json::Value) -> Option<usize> {
    let messages = list.as_array().or_else(|| list.get("messages")?.as_array());
    messages.map(Vec::len)
}

/// A bug that ended a part of the program.
pub fn panics(site: &Site, found: &mut Found) {
    let log = site.log();
    for line in log
        .lines()
        .filter(|line| line.contains("panicked at"))
        .take(3)
    {
        found.broke(6, format!("a panic: {line}"));
    }
}

fn site_file(peers: &[&Peer; 4]) -> String {
    let mut file = String::new();
    for (name, peer) in LOGINS.iter().zip(peers) {
        file.push_str(&format!(
            "[[target]]\nname = \"{name}\"\nhost = \"{}\"\nport = 2525\ntls = \"off\"\n\
             connections = {CONNECTIONS}\n",
            peer.smtp().ip()
        ));
    }
    file.push_str("[[domain]]\nname = \"example.com\"\n");
    for login in LOGINS {
        file.push_str(&format!(
            "[[user]]\ndomain = \"example.com\"\nlogin = \"{login}\"\nmail = \"third-party\"\n\
             addresses = [\"{login}@example.com\"]\ntarget = \"{login}\"\n"
        ));
    }
    for login in ["local", "sender"] {
        file.push_str(&format!(
            "[[user]]\ndomain = \"example.com\"\nlogin = \"{login}\"\nmail = \"local\"\n\
             addresses = [\"{login}@example.com\"]\n"
        ));
    }
    file
}

/// Says this to every RCPT while the flag is set.
fn refusing(reply: &'static str, flag: Arc<AtomicBool>) -> Result<Peer> {
    Peer::start_scripted(unused_address()?, move |moment| match moment {
        Moment::Command(line) if line.starts_with("RCPT") && flag.load(Ordering::SeqCst) => {
            Some(Reaction::Say(reply.to_owned()))
        }
        _ => None,
    })
}

/// Refuses for now, hangs up, talks nonsense and loses final replies, now and then.
fn shaky(seed: u64, unanswered: &Arc<Mutex<Vec<Entry>>>) -> Result<Peer> {
    let chance = Mutex::new(Chance::new(seed));
    let unanswered = Arc::clone(unanswered);
    Peer::start_scripted(unused_address()?, move |moment| {
        let rarity = match moment {
            Moment::Content(_) => LINES,
            _ => 30,
        };
        let drawn = chance
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .below(rarity);
        match (moment, drawn) {
            (Moment::Command(line), 0) if line.starts_with("RCPT") => {
                Some(Reaction::Say("451 4.3.0 Not now".to_owned()))
            }
            (Moment::Command(line), 1) if line.starts_with("MAIL") => {
                Some(Reaction::Say("\u{1b}[31m garbage".to_owned()))
            }
            (Moment::End(_), 2) => Some(Reaction::Say("452 4.3.1 No room".to_owned())),
            (Moment::End(taken), 3) => {
                let recipients = taken.recipients.iter().map(String::as_str);
                let mut unanswered = unanswered.lock().unwrap_or_else(PoisonError::into_inner);
                unanswered.extend(copies(&taken.text(), recipients));
                Some(Reaction::LoseReply)
            }
            (Moment::Connect, 4) | (Moment::Content(_), 0) => Some(Reaction::Close),
            _ => None,
        }
    })
}
