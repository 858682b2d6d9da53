//! Callouts: who is asked, how often, and what is remembered.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::said;
use super::site::{Site, mailbox};
use crate::clock::ManualClock;
use crate::resolve::*;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// A relay that answers from a list: `550-5.1.1` as in the tables, `silence`, or `never`.
#[derive(Default)]
pub(super) struct Scripted {
    says: Mutex<HashMap<String, &'static str>>,
    /// What it says of every other address.
    otherwise: Mutex<&'static str>,
    /// What an authority says of every address, and how long it takes for that.
    of: Mutex<HashMap<Authority, (&'static str, Duration)>>,
    asked: Mutex<Vec<String>>,
    asked_of: Mutex<Vec<Authority>>,
    calls: watch::Sender<usize>,
    answers: watch::Sender<usize>,
    together: AtomicUsize,
}

impl Scripted {
    pub(super) fn new(otherwise: &'static str) -> Arc<Self> {
        let script = Self::default();
        *script.otherwise.lock().unwrap() = otherwise;
        Arc::new(script)
    }

    pub(super) fn says(&self, address: &str, reply: &'static str) {
        self.says.lock().unwrap().insert(address.to_owned(), reply);
    }

    pub(super) fn of(&self, authority: Authority, answer: &'static str, after: Duration) {
        self.of.lock().unwrap().insert(authority, (answer, after));
    }

    /// How often an authority was asked.
    pub(super) fn asked_of(&self, authority: Authority) -> usize {
        let asked = self.asked_of.lock().unwrap();
        asked.iter().filter(|asked| **asked == authority).count()
    }

    /// So many questions must be open before any is answered.
    pub(super) fn together(&self, questions: usize) {
        self.together.store(questions, Ordering::Relaxed);
    }

    /// The addresses asked for so far; those that nobody has as `probe`.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    async fn answer(&self, recipient: &Mailbox) -> Said {
        let address = recipient.to_string();
        let probe = address.starts_with("waypost-probe-");
        let noted = if probe {
            "probe".to_owned()
        } else {
            address.clone()
        };
        self.asked.lock().unwrap().push(noted);
        self.calls.send_modify(|calls| *calls += 1);
        let together = self.together.load(Ordering::Relaxed);
        let mut calls = self.calls.subscribe();
        calls.wait_for(|calls| *calls >= together).await.unwrap();
        // As over a network: others get their turn before the answer is there.
        tokio::task::yield_now().await;
        let says = self.says.lock().unwrap().get(&address).copied();
        let says = says.unwrap_or_else(|| *self.otherwise.lock().unwrap());
        if says == "never" {
            std::future::pending::<()>().await;
        }
        self.answers.send_modify(|answers| *answers += 1);
        said(says)
    }
}

impl Ask for Scripted {
    fn ask<'a>(&'a self, question: &'a Question) -> Asked<'a> {
        Box::pin(async move {
            let authority = question.authority;
            self.asked_of.lock().unwrap().push(authority);
            let of = self.of.lock().unwrap().get(&authority).copied();
            match of {
                Some((answer, after)) => {
                    tokio::time::sleep(after).await;
                    said(answer)
                }
                None => self.answer(&question.address).await,
            }
        })
    }
}

pub(super) struct Asking {
    pub(super) site: Site,
    pub(super) relay: Arc<Scripted>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) resolver: Resolver,
    pub(super) background: Background,
}

impl Asking {
    pub(super) fn new(site: Site, relay: &Arc<Scripted>) -> Self {
        Self::waiting(site, relay, MINUTE)
    }

    fn waiting(site: Site, relay: &Arc<Scripted>, wait: Duration) -> Self {
        let clock = Arc::new(ManualClock::new(SystemTime::UNIX_EPOCH));
        let directory = Arc::clone(&site.directory);
        let (resolver, background) = Resolver::new(Parts {
            snapshots: Arc::new(move || directory.snapshot()),
            here: Arc::new(site.here.clone()),
            ask: Arc::clone(relay) as Arc<dyn Ask>,
            keep: Arc::new(KeepNothing),
            clock: Arc::clone(&clock) as Arc<dyn crate::clock::Clock>,
            settings: site.settings.clone(),
            cache: CacheSettings {
                positive: 5 * DAY,
                refresh: MINUTE,
                negative: MINUTE,
                entries: 1000,
                wait,
            },
        });
        Self {
            site,
            relay: Arc::clone(relay),
            clock,
            resolver,
            background,
        }
    }

    async fn told(&self, address: &str) -> String {
        let recipient = mailbox(address);
        let request = Request::at_rcpt(&recipient, &Side::Stranger);
        self.site
            .words(&self.resolver.decide(&request).await.verdict)
    }

    pub(super) fn wall(&self) -> SystemTime {
        crate::clock::Clock::wall(&*self.clock)
    }

    /// Runs the background questions for a while.
    pub(super) async fn in_background(&self, time: Duration) {
        let ended = tokio::time::timeout(time, self.background.run()).await;
        assert!(ended.is_err(), "the background ended");
    }

    /// Runs the background questions until so many more have been answered.
    async fn refresh(&self, more: usize) {
        let mut answers = self.relay.answers.subscribe();
        let until = *answers.borrow() + more;
        tokio::select! {
            biased;
            () = self.background.run() => panic!("the background ended"),
            _ = answers.wait_for(|answers| *answers >= until) => {}
        }
    }
}

fn slave(relay: &Arc<Scripted>) -> Asking {
    Asking::new(Site::new(SLAVE), relay)
}

const SLAVE: &str = "\
    target old host=10.0.0.7\n\
    domain example.com aliases=example.org relay=old forward-unknown\n\
    user alice@example.com local addresses=alice@*";

const UNKNOWN: &str = "550 5.1.1 <ann@example.com>: Recipient address rejected: User unknown";
const UNSURE: &str = "451 4.4.3 <ann@example.com>: Recipient address verification is temporarily \
                      unavailable, try again";
const ACCEPTED: &str = "relay old ann@example.com";

#[tokio::test]
async fn a_yes_counts_for_five_days_and_a_no_for_a_minute() {
    let relay = Scripted::new("550-5.1.1");
    let asking = slave(&relay);
    relay.says("ann@example.com", "250");
    assert_eq!(asking.told("ann@example.com").await, ACCEPTED);
    assert_eq!(
        asking.told("Ann@Example.COM").await,
        "relay old Ann@example.com"
    );
    assert_eq!(relay.asked(), ["ann@example.com", "probe"]);
    asking.clock.advance(5 * DAY - MINUTE);
    assert_eq!(asking.told("ann@example.com").await, ACCEPTED);
    assert_eq!(relay.asked(), [""; 0]);
    asking.clock.advance(MINUTE);
    relay.says("ann@example.com", "550-5.1.1");
    assert_eq!(asking.told("ann@example.com").await, UNKNOWN);
    relay.says("ann@example.com", "250");
    asking.clock.advance(MINUTE - Duration::from_secs(1));
    assert_eq!(asking.told("ann@example.com").await, UNKNOWN);
    asking.clock.advance(Duration::from_secs(1));
    assert_eq!(asking.told("ann@example.com").await, ACCEPTED);
}

#[tokio::test]
async fn errors_are_never_remembered() {
    let relay = Scripted::new("550-5.1.1");
    let asking = slave(&relay);
    for says in ["silence", "450-4.2.1", "554-5.7.1"] {
        relay.says("ann@example.com", says);
        assert_eq!(asking.told("ann@example.com").await, UNSURE, "{says}");
        assert_eq!(relay.asked(), ["ann@example.com"], "{says}");
    }
    relay.says("ann@example.com", "250");
    assert_eq!(asking.told("ann@example.com").await, ACCEPTED);
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_not_waited_for() {
    let relay = Scripted::new("never");
    let asking = Asking::waiting(Site::new(SLAVE), &relay, Duration::from_millis(1));
    assert_eq!(asking.told("ann@example.com").await, UNSURE);
    assert!(asking.resolver.remembered().is_empty());
}

#[tokio::test]
async fn an_old_yes_is_used_and_asked_again_in_the_background() {
    let relay = Scripted::new("550-5.1.1");
    let asking = slave(&relay);
    relay.says("ann@example.com", "250");
    asking.told("ann@example.com").await;
    asking.clock.advance(2 * MINUTE);
    // Silence keeps it.
    relay.says("ann@example.com", "silence");
    relay.asked();
    assert_eq!(asking.told("ann@example.com").await, ACCEPTED);
    assert_eq!(relay.asked(), [""; 0], "the answer did not wait");
    asking.refresh(1).await;
    assert_eq!(relay.asked(), ["ann@example.com"]);
    assert_eq!(asking.told("ann@example.com").await, ACCEPTED);
    // A no drops it.
    relay.says("ann@example.com", "550-5.1.1");
    asking.refresh(1).await;
    assert_eq!(asking.told("ann@example.com").await, UNKNOWN);
}

#[tokio::test]
async fn equal_questions_at_the_same_moment_are_asked_once() {
    for (says, expected) in [("550-5.1.1", UNKNOWN), ("silence", UNSURE)] {
        let relay = Scripted::new(says);
        let asking = slave(&relay);
        let recipients = vec![mailbox("ann@example.com"); 20];
        let requests: Vec<_> = recipients
            .iter()
            .map(|recipient| Request::at_rcpt(recipient, &Side::Stranger))
            .collect();
        for decided in asking.resolver.decide_all(&requests).await {
            assert_eq!(asking.site.words(&decided.verdict), expected);
        }
        assert_eq!(relay.asked(), ["ann@example.com"], "{says}");
    }
}

#[tokio::test]
async fn different_questions_are_asked_together() {
    let relay = Scripted::new("550-5.1.1");
    relay.together(20);
    let asking = slave(&relay);
    let recipients: Vec<_> = (0..20)
        .map(|n| mailbox(&format!("n{n}@example.com")))
        .collect();
    let requests: Vec<_> = recipients
        .iter()
        .map(|recipient| Request::at_rcpt(recipient, &Side::Stranger))
        .collect();
    let decided = asking.resolver.decide_all(&requests).await;
    assert!(decided.iter().all(|decided| decided.reply().code() == 550));
}

#[tokio::test]
async fn one_who_gives_up_does_not_take_the_answer_from_the_others() {
    let relay = Scripted::new("550-5.1.1");
    relay.together(2);
    let asking = slave(&relay);
    {
        let mut gives_up = Box::pin(asking.told("ann@example.com"));
        let pending = std::future::poll_fn(|cx| {
            std::task::Poll::Ready(gives_up.as_mut().poll(cx).is_pending())
        });
        assert!(pending.await);
    }
    assert_eq!(asking.told("ann@example.com").await, UNKNOWN);
    assert_eq!(relay.asked(), ["ann@example.com", "ann@example.com"]);
}

#[tokio::test]
async fn a_relay_that_accepts_everything_is_trusted_blindly() {
    let relay = Scripted::new("250");
    let asking = slave(&relay);
    assert_eq!(asking.told("ann@example.com").await, ACCEPTED);
    assert_eq!(relay.asked(), ["ann@example.com", "probe"]);
    assert_eq!(
        asking.told("bob@example.com").await,
        "relay old bob@example.com"
    );
    assert_eq!(relay.asked(), [""; 0]);
    assert!(
        asking.resolver.remembered().is_empty(),
        "its yes means nothing"
    );
    // After an hour it gets another chance to mean it.
    asking.clock.advance(60 * MINUTE);
    *relay.otherwise.lock().unwrap() = "550-5.1.1";
    assert_eq!(asking.told("ann@example.com").await, UNKNOWN);
}

#[tokio::test]
async fn a_relay_that_refuses_what_it_has_said_yes_to_is_asked_again() {
    let relay = Scripted::new("250");
    let asking = slave(&relay);
    let ann = mailbox("ann@example.com");
    assert_eq!(asking.told("ann@example.com").await, ACCEPTED);
    assert_eq!(relay.asked(), ["ann@example.com", "probe"]);
    *relay.otherwise.lock().unwrap() = "550-5.1.1";
    assert_eq!(asking.told("ann@example.com").await, ACCEPTED);
    assert_eq!(relay.asked(), [""; 0]);
    let target = asking.site.target("old");
    asking.resolver.contradicted(target, &ann, &ann);
    assert_eq!(asking.told("ann@example.com").await, UNKNOWN);
    assert_eq!(relay.asked(), ["ann@example.com"]);
}

#[tokio::test]
async fn a_relay_that_has_said_no_is_not_probed_for_every_address() {
    let relay = Scripted::new("550-5.1.1");
    let asking = slave(&relay);
    for name in ["ann@example.com", "bob@example.com"] {
        relay.says(name, "250");
        asking.told(name).await;
    }
    assert_eq!(
        relay.asked(),
        ["ann@example.com", "probe", "bob@example.com"]
    );
}

#[tokio::test]
async fn answers_can_be_listed_and_dropped() {
    let relay = Scripted::new("550-5.1.1");
    let asking = slave(&relay);
    relay.says("ann@example.com", "250");
    asking.told("ann@example.com").await;
    asking.clock.advance(MINUTE / 2);
    let listed = asking.resolver.remembered();
    assert_eq!(listed.len(), 1);
    assert_eq!(&*listed[0].address, "ann@example.com");
    assert_eq!(
        (listed[0].answer, listed[0].age),
        (Answer::Active, MINUTE / 2)
    );
    assert_eq!(asking.resolver.forget(&mailbox("Ann@example.com")), 1);
    assert_eq!(asking.resolver.forget(&mailbox("ann@example.com")), 0);
    assert!(asking.resolver.remembered().is_empty());
    asking.told("ann@example.com").await;
    let target = asking.site.target("old");
    asking.resolver.contradicted(
        target,
        &mailbox("ann@example.com"),
        &mailbox("ann@example.com"),
    );
    assert!(asking.resolver.remembered().is_empty());
}

#[tokio::test]
async fn what_the_directory_knows_is_never_asked() {
    let relay = Scripted::new("250");
    let asking = slave(&relay);
    for address in ["alice@example.com", "alice+tag@example.org"] {
        assert!(asking.told(address).await.starts_with("deliver alice"));
    }
    assert!(
        asking
            .told("x@elsewhere.net")
            .await
            .starts_with("554 5.7.1")
    );
    assert_eq!(relay.asked(), [""; 0]);
}

#[tokio::test]
async fn the_queue_asks_nobody_but_believes_a_no_that_is_remembered() {
    let relay = Scripted::new("550-5.1.1");
    let asking = slave(&relay);
    let ann = mailbox("ann@example.com");
    let request = Request::in_queue(&ann, &Side::Stranger);
    let decide = || asking.resolver.decide(&request);
    assert_eq!(asking.site.words(&decide().await.verdict), ACCEPTED);
    assert_eq!(relay.asked(), [""; 0]);
    asking.told("ann@example.com").await;
    assert_eq!(asking.site.words(&decide().await.verdict), UNKNOWN);
}

#[tokio::test]
async fn explaining_asks_and_remembers_nothing() {
    let relay = Scripted::new("550-5.1.1");
    let asking = slave(&relay);
    relay.says("ann@example.com", "250-2.1.5");
    let ann = mailbox("ann@example.com");
    let subject = Subject {
        sender: None,
        refusal: None,
        side: &Side::Stranger,
        recipient: &ann,
    };
    let explanation = asking.resolver.explain(&subject).await;
    let verdict = explanation.verdict.to_string();
    assert_eq!(verdict, "relay to old as ann@example.com");
    assert_eq!(explanation.rule.to_string(), "forward-unknown");
    assert_eq!(explanation.reply.to_string(), "250 2.1.5 Ok");
    let proof = explanation.proof.as_deref();
    let expected = "old says active (asked, in 0 ms): 250 2.1.5 some words";
    assert_eq!(proof, Some(expected));
    let steps = explanation.steps.iter();
    let steps: Vec<_> = steps
        .map(|step| format!("{}: {}", step.tried, step.found))
        .collect();
    let expected = [
        "domain: example.com is served here",
        "directory: ann@example.com is not an address here",
        "forward-unknown: on: the relay decides",
        "target: on to old",
        "callout: old says active",
    ];
    assert_eq!(steps, expected);
    assert!(asking.resolver.remembered().is_empty());
    assert_eq!(relay.asked(), ["ann@example.com"]);
}

#[tokio::test]
async fn the_relay_that_is_gone_while_it_is_asked_is_no_bounce() {
    let relay = Scripted::new("250");
    let mut asking = slave(&relay);
    asking
        .site
        .change("domain example.com aliases=example.org relay=gone.example.com forward-unknown");
    let words = asking.told("ann@example.com").await;
    assert_eq!(words, "relay gone.example.com:25 ann@example.com");
}
