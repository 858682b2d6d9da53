//! A site, made of the parts of the program.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use tokio::sync::mpsc;
use waypost_directory::{Actor, Directory, Edit, Key, Nowhere};
use waypost_mta::asking::{self, Asking, Lists};
use waypost_mta::auth::{LoginError, Logins};
use waypost_mta::clock::Clock;
use waypost_mta::custody::{Begun, Custody, Take, Taking};
use waypost_mta::deliver::{self, Delivered, Deliverer, Job, Lmtp, NextHop, Opened, Outcome, Seen};
use waypost_mta::dns::{Dns, FromMemory, Listening};
use waypost_mta::limits::Limits;
use waypost_mta::listener::{Bound, Listeners};
use waypost_mta::minger;
use waypost_mta::net::Endpoint;
use waypost_mta::policy::Service;
use waypost_mta::queue::schedule::Schedule;
use waypost_mta::queue::{self, Attempt, Attempting, Opening, Queue, QueueHandle};
use waypost_mta::resolve::{self, CacheSettings, KeepNothing, Resolver, Snapshots};
use waypost_mta::session::{self, Callers, Door, Shared, Wrapping};
use waypost_mta::tls::Certificate;
use waypost_mta::trace::Tracer;
use waypost_proto::mail::{Domain, LocalPart, Mailbox, ReversePath};
use waypost_proto::minger::Secret;
use waypost_proto::net::Network;
use waypost_spool::{
    Committed, Content, Envelope, Message, QueueId, Recipient, Spool, Staged, State,
};
use waypost_testkit::lab::account::failures;
use waypost_testkit::ledger::subject;

use crate::arrangement::{SECRET, SHARED, domain};
use crate::client::SENDER;
use crate::clock::SiteClock;
use crate::names::Names;
use crate::notes::Notes;

/// How long a message is tried.
pub(crate) const LIFETIME: Duration = Duration::from_hours(48);
/// So much of a message is looked at.
const BEGINNING: usize = 16 * 1024;
/// How long a sender waits for the next hop's own answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a site that is told to end may take.
const GRACE: Duration = Duration::from_secs(20);

/// What a site is told while it runs.
pub(crate) enum Order {
    Edit(Vec<Edit>),
    Stop,
}

/// A site that runs, as others see it.
pub(crate) struct Running {
    pub(crate) queue: QueueHandle,
    pub(crate) orders: mpsc::UnboundedSender<Order>,
}

/// A site, over all its restarts.
pub(crate) struct Site {
    pub(crate) number: usize,
    pub(crate) address: IpAddr,
    /// Its mail store, over LMTP.
    pub(crate) store: SocketAddr,
    /// Clients that may send outward.
    pub(crate) trusted: IpAddr,
    pub(crate) folder: PathBuf,
    /// What its directory holds at its first start.
    pub(crate) first: Vec<Edit>,
    pub(crate) names: Names,
    pub(crate) certificate: Arc<Certificate>,
    pub(crate) clock: Arc<SiteClock>,
    pub(crate) notes: Arc<Notes>,
    pub(crate) running: Mutex<Option<Running>>,
    /// Messages whose senders wait.
    pub(crate) passing: Mutex<HashSet<QueueId>>,
}

/// No files of addresses here.
struct NoLists;

impl Lists for NoLists {
    fn names(&self, _file: &Path, _address: &Mailbox) -> Option<bool> {
        None
    }
}

impl Site {
    fn passing(&self) -> MutexGuard<'_, HashSet<QueueId>> {
        self.passing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn name(&self) -> String {
        format!("s{}", self.number)
    }

    fn hostname(&self) -> Domain {
        domain(&format!("s{}.test", self.number))
    }

    fn postmaster(&self) -> Mailbox {
        let local = LocalPart::parse("postmaster").expect("postmaster is a local part");
        Mailbox::new(local, self.hostname())
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock) as Arc<dyn Clock>
    }

    /// Runs until it is told to end.
    pub(crate) async fn run(self: Arc<Self>) -> turmoil::Result {
        self.serve()
            .await
            .map_err(|error| format!("{error:#}").into())
    }

    fn open(&self) -> Result<(Arc<Directory>, Spool)> {
        let is_new = !self.folder.exists();
        fs::create_dir_all(&self.folder)?;
        let directory = Directory::open(&self.folder.join("directory.db"))?;
        if is_new {
            self.edit(&directory, &self.first)?;
        }
        let settings = waypost_spool::Settings {
            node: u8::try_from(self.number)?,
            reserve_bytes: 0,
            wait_for_writer: true,
            ..waypost_spool::Settings::default()
        };
        let (spool, recovered) = Spool::open(&self.folder.join("spool"), settings)?;
        self.notes.say(
            &self.name(),
            &format!("begins with {} messages", recovered.messages),
        );
        if !recovered.damaged.is_empty() || !recovered.quarantined.is_empty() {
            self.notes
                .broke(1, format!("{}: {recovered:?}", self.name()));
        }
        Ok((Arc::new(directory), spool))
    }

    fn edit(&self, directory: &Directory, edits: &[Edit]) -> Result<()> {
        let actor = Actor {
            name: "simulation",
            from: "simulation",
            at: SystemTime::UNIX_EPOCH,
        };
        let edited = directory.edit(&actor, &Nowhere, edits);
        edited
            .map(|_| ())
            .map_err(|error| anyhow::anyhow!("{error:?}"))
    }

    async fn serve(self: &Arc<Self>) -> Result<()> {
        let (directory, spool) = self.open()?;
        let snapshots: Arc<Snapshots> = {
            let directory = Arc::clone(&directory);
            Arc::new(move || directory.snapshot())
        };
        let listening = Listening(vec![SocketAddr::new(self.address, 25)]);
        let smtp = Endpoint::Inet(SocketAddr::from(([0, 0, 0, 0], 25)));
        let bound = Bound::new(DOOR, &smtp)?;
        let minger_bound =
            minger::Bound::new(SocketAddr::from(([0; 4], waypost_proto::minger::PORT)))?;
        let dns = Dns::asking(self.names.clone());
        let deliverer = self.deliverer(&directory, &dns, &listening);
        let (resolver, background) = self.resolver(&snapshots, &deliverer, dns, listening);
        tokio::spawn(async move { background.run().await });
        let tracer = Tracer::new(self.hostname().as_str(), &[self.number as u8 + 1; 32]);
        let queue = Queue::start(queue::Parts {
            spool: spool.clone(),
            routes: Arc::new(resolver.clone()),
            deliverer: Arc::new(Outgoing {
                deliverer: deliverer.clone(),
                site: Arc::clone(self),
            }),
            clock: self.clock(),
            tracer: tracer.clone(),
            settings: self.queue_settings(),
        });
        let callers = Arc::new(Callers::default());
        let shared = Arc::new(Shared::new(
            session::Parts {
                snapshots: Arc::clone(&snapshots),
                resolver: resolver.clone(),
                spool,
                custody: Arc::new(Watched {
                    queue: queue.clone(),
                    site: Arc::clone(self),
                }),
                used: None,
                logins: Logins::new(Arc::new(|_, _| Err(LoginError::Refused)), self.clock()),
                signing: Arc::default(),
                certificate: Arc::clone(&self.certificate),
                tracer,
                callers: Arc::clone(&callers),
                clock: self.clock(),
            },
            self.session_settings()?,
        ));
        let answering = minger::Server::new(
            minger::Parts {
                snapshots,
                callers,
                used: None,
                clock: self.clock(),
            },
            minger_settings()?,
        );
        let sockets = answering.open(vec![minger_bound]);
        let listeners = Listeners::open(&shared, vec![bound]);
        self.obey(&queue, &directory, &resolver).await?;
        tokio::join!(listeners.close(), sockets.close(), queue.stop(GRACE));
        deliverer.close();
        Ok(())
    }

    /// Changes its directory as it is told, until it is told to end.
    async fn obey(
        &self,
        queue: &QueueHandle,
        directory: &Directory,
        resolver: &Resolver,
    ) -> Result<()> {
        let (orders, mut ordered) = mpsc::unbounded_channel();
        let running = Running {
            queue: queue.clone(),
            orders,
        };
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
        while let Some(Order::Edit(edits)) = ordered.recv().await {
            self.edit(directory, &edits)?;
            for edit in &edits {
                self.notes
                    .say(&self.name(), &format!("edits {:?}", edit.key()));
                if let Key::User(_, login) = edit.key() {
                    let address = Mailbox::parse(&format!("{login}@{SHARED}"));
                    resolver.forget(&address.context("an address of the simulation")?);
                }
            }
        }
        self.notes.say(&self.name(), "ends");
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        Ok(())
    }

    fn deliverer(&self, directory: &Arc<Directory>, dns: &Dns, listening: &Listening) -> Deliverer {
        let directory = Arc::clone(directory);
        let settings = deliver::Settings {
            hostname: self.hostname(),
            source: None,
            smart_host: None,
            lmtp: Some(Lmtp {
                endpoint: Endpoint::Inet(self.store),
                delimiter: Some('+'),
            }),
            mta_sts: false,
            limits: deliver::Limits::default(),
        };
        let parts = deliver::Parts {
            targets: Box::new(move |id| directory.snapshot().target(id).cloned()),
            dns: dns.clone(),
            listening: listening.clone(),
            clock: self.clock(),
            roots: None,
            keep_policies: None,
        };
        Deliverer::new(settings, parts)
    }

    fn resolver(
        &self,
        snapshots: &Arc<Snapshots>,
        deliverer: &Deliverer,
        dns: Dns,
        listening: Listening,
    ) -> (Resolver, resolve::Background) {
        let asking = Asking::new(asking::Parts {
            deliverer: deliverer.clone(),
            snapshots: Arc::clone(snapshots),
            dns,
            lists: Arc::new(NoLists),
            minger: minger::client::Settings::default(),
        });
        Resolver::new(resolve::Parts {
            snapshots: Arc::clone(snapshots),
            here: Arc::new(FromMemory(listening)),
            ask: Arc::new(asking),
            keep: Arc::new(KeepNothing),
            clock: self.clock(),
            settings: resolve::Settings {
                postmaster: self.postmaster(),
                delimiter: Some('+'),
                smart_host: false,
            },
            cache: CacheSettings {
                positive: Duration::from_hours(5 * 24),
                refresh: Duration::from_secs(60),
                negative: Duration::from_secs(60),
                entries: 1000,
                wait: Duration::from_secs(30),
            },
        })
    }

    fn queue_settings(&self) -> queue::Settings {
        queue::Settings {
            hostname: self.hostname(),
            postmaster: self.postmaster(),
            schedule: Schedule {
                retry_first: Duration::from_secs(8),
                retry_max: Duration::from_secs(60),
                lifetime: LIFETIME,
                ..Schedule::default()
            },
            local: NextHop::Lmtp,
            smart_host: false,
            concurrency: queue::Concurrency::default(),
            cut_through: PATIENCE,
        }
    }

    fn session_settings(&self) -> Result<session::Settings> {
        Ok(session::Settings {
            hostname: self.hostname(),
            trusted: vec![Network::parse(&self.trusted.to_string())?],
            xclient: Vec::new(),
            proxy: Vec::new(),
            limits: Limits::default(),
            lifetime: LIFETIME,
        })
    }

    /// Notes what it took charge of; what next hops have taken before was noted then.
    fn took(&self, committed: &Committed) {
        let message = committed.message();
        let Some(content) = committed.content() else {
            return self
                .notes
                .broke(1, "content of a fresh message is not at hand");
        };
        let text = beginning(content);
        let left = message.envelope.recipients.iter();
        let left = left.filter(|recipient| recipient.state == State::Queued);
        self.took_for(&text, &message.envelope, left);
    }

    /// Notes that somebody took charge for these recipients, and where they have been.
    fn took_for<'a>(
        &self,
        text: &str,
        envelope: &Envelope,
        recipients: impl Iterator<Item = &'a Recipient>,
    ) {
        let Some(name) = subject(text).filter(|_| envelope.reverse_path != ReversePath::Null)
        else {
            return;
        };
        let unfolded = text.replace("\r\n\t", " ").replace("\r\n ", " ");
        let here = format!("by {} (Waypost)", self.hostname());
        // This visit is one of them.
        let visits = unfolded.matches(&here).count();
        for recipient in recipients {
            let to = recipient.address.to_string();
            self.notes.taken(name, &to);
            self.notes.say(
                &self.name(),
                &format!("takes {name} for {to}, visit {visits}"),
            );
            let mut seen = self.notes.seen();
            let most = seen
                .visits
                .entry((self.number, name.to_owned(), to))
                .or_default();
            *most = visits.max(*most);
        }
    }
}

const DOOR: Door = Door {
    service: Service::Smtp,
    wrapping: Wrapping::None,
};

fn minger_settings() -> Result<minger::Settings> {
    Ok(minger::Settings {
        secrets: vec![Secret::parse(SECRET)?],
        anonymous: false,
        allow: vec![Network::parse("0.0.0.0/0")?],
        outside_aliases_active: true,
        test_mailbox: false,
        delimiter: Some('+'),
        rates: minger::Rates::default(),
    })
}

/// The beginning of a message's content, as text.
fn beginning(content: &Content) -> String {
    let mut bytes = vec![0; BEGINNING];
    let length = content.read_at(0, &mut bytes).unwrap_or(0);
    bytes.truncate(length);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Makes attempts, and notes what came of them.
struct Outgoing {
    deliverer: Deliverer,
    site: Arc<Site>,
}

/// The queue, with somebody who notes what it takes charge of.
struct Watched {
    queue: QueueHandle,
    site: Arc<Site>,
}

impl Take for Watched {
    fn dated(&self, id: QueueId) {
        self.queue.dated(id);
    }

    fn begin(&self, message: Message) -> Option<Begun> {
        self.queue.begin(message)
    }

    fn take(&self, staged: Staged, envelope: Envelope, begun: Option<Begun>) -> Taking<'_> {
        Box::pin(async move {
            let id = staged.id();
            self.site.passing().insert(id);
            let custody = self.queue.take(staged, envelope, begun).await;
            self.site.passing().remove(&id);
            if let Ok(Custody::Ours(committed)) = &custody {
                self.site.took(committed);
            }
            custody
        })
    }
}

impl Attempt for Outgoing {
    fn attempt(&self, job: Job) -> Attempting<'_> {
        Box::pin(self.try_to(job, None))
    }

    fn open(&self, job: Job) -> Opening<'_> {
        Box::pin(async move { self.deliverer.open(&job).await })
    }

    fn attempt_over(&self, job: Job, opened: Opened) -> Attempting<'_> {
        Box::pin(self.try_to(job, Some(opened)))
    }

    fn seen(&self) -> HashMap<NextHop, Seen> {
        self.deliverer.seen()
    }
}

impl Outgoing {
    async fn try_to(&self, job: Job, opened: Option<Opened>) -> Vec<Outcome> {
        let text = beginning(&job.content);
        let is_report = job.reverse_path == ReversePath::Null;
        let name = subject(&text).filter(|_| !is_report).unwrap_or("report");
        if job.next_hop == NextHop::Maildir {
            if is_report {
                self.show(&text);
            }
            return self.keep(&job, name);
        }
        let outcomes = self.deliverer.attempt_over(&job, opened).await;
        for (outcome, to) in outcomes.iter().zip(&job.recipients) {
            self.note(name, &to.address.to_string(), outcome, is_report);
        }
        self.note_passed(&text, &job, &outcomes);
        outcomes
    }

    /// The site's own postmaster gets everything.
    fn keep(&self, job: &Job, name: &str) -> Vec<Outcome> {
        let notes = &self.site.notes;
        let kept = job.recipients.iter().map(|to| {
            notes.say(&self.site.name(), &format!("postmaster gets {name}"));
            Outcome {
                index: to.index,
                result: Ok(Delivered {
                    host: "maildir".to_owned(),
                    reply: None,
                    offers_dsn: false,
                    security: None,
                }),
            }
        });
        kept.collect()
    }

    /// What a report that did not reach its sender told him is shown to the postmaster.
    fn show(&self, report: &str) {
        let told = failures(report).into_iter().filter(|(_, to)| to != SENDER);
        self.site.notes.seen().shown.extend(told);
    }

    /// What a next hop takes while the sender waits is in nobody's charge here.
    fn note_passed(&self, text: &str, job: &Job, outcomes: &[Outcome]) {
        if self.site.passing().contains(&job.message.id) {
            let envelope = &job.message.envelope;
            let taken = outcomes.iter().filter(|outcome| outcome.result.is_ok());
            let taken = taken.filter_map(|outcome| envelope.recipients.get(outcome.index));
            self.site.took_for(text, envelope, taken);
        }
    }

    fn note(&self, name: &str, to: &str, outcome: &Outcome, is_report: bool) {
        let notes = &self.site.notes;
        if is_report {
            return;
        }
        if outcome.result.is_ok() {
            notes.told(name, to);
        }
        let mut seen = notes.seen();
        let tried = seen.tried.entry(self.site.number).or_default();
        tried.insert((name.to_owned(), to.to_owned()));
    }
}
