//! The parts of a running server, joined: from the listeners to the next hops.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use waypost_directory::{Directory, Here as _, Host, MingerHere};
use waypost_mta::asking::{self, Asking};
use waypost_mta::auth::{self, Logins};
use waypost_mta::clock::SystemClock;
use waypost_mta::deliver::Deliverer;
use waypost_mta::dns::{Dns, FromMemory, HereNow, Listening, MailHosts};
use waypost_mta::listener::Listeners;
use waypost_mta::net::Endpoint;
use waypost_mta::queue::{self, Queue, QueueHandle};
use waypost_mta::resolve::{self, Resolver};
use waypost_mta::session::{self, Callers, Shared};
use waypost_mta::sign::Signing;
use waypost_mta::tls::Certificate;
use waypost_mta::trace::Tracer;
use waypost_mta::{deliver, minger};
use waypost_proto::mail::{LocalPart, Mailbox};
use waypost_proto::minger::Secret;
use waypost_proto::route::Side;
use waypost_spool::Spool;

use crate::address_list::AddressLists;
use crate::answers::Answers;
use crate::config::{Config, Delivery};
use crate::console;
use crate::doors::Doors;
use crate::outgoing::Outgoing;
use crate::policies::PolicyFiles;
use crate::{descriptors, dkim, layout, sharing, site_key};

/// How long the queue may finish what is in flight when the server ends.
const QUEUE_GRACE: Duration = Duration::from_secs(20);
/// How old the addresses of targets' names may become.
const LOOK_UP_EVERY: Duration = Duration::from_secs(60);
/// How often the names of new targets are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How often it is looked whether administrators still search the directory.
const FORGET_EVERY: Duration = Duration::from_mins(10);

/// A server that runs.
pub(crate) struct Server {
    pub(crate) directory: Arc<Directory>,
    pub(crate) spool: Spool,
    pub(crate) resolver: Resolver,
    pub(crate) asking: Arc<Asking>,
    pub(crate) queue: QueueHandle,
    pub(crate) shared: Arc<Shared>,
    pub(crate) used: Option<Arc<session::Used>>,
    pub(crate) certificate: Arc<Certificate>,
    pub(crate) dns: Dns,
    pub(crate) here: HereNow,
    /// Where each service listens, in the order of the configuration.
    pub(crate) endpoints: Vec<(&'static str, Endpoint)>,
    deliverer: Deliverer,
    answers: Arc<Answers>,
    listeners: Listeners,
    pub(crate) minger: minger::Server,
    minger_sockets: minger::Sockets,
    /// Taken when it is served.
    pub(crate) console: Vec<console::Bound>,
    /// Aborted at the end.
    pub(crate) background: Vec<JoinHandle<()>>,
}

/// What is on disk, open.
pub(crate) struct Stores {
    pub(crate) directory: Directory,
    pub(crate) spool: Spool,
}

impl Stores {
    /// Opens spool and directory; says what was found.
    pub(crate) fn open(data_dir: &Path) -> anyhow::Result<Self> {
        let settings = waypost_spool::Settings::default();
        let (spool, recovered) =
            Spool::open(&layout::spool(data_dir), settings).context("cannot open the spool")?;
        if recovered.messages + recovered.orphans > 0 {
            tracing::info!(
                "{} messages in the spool, {} unfinished ones removed",
                recovered.messages,
                recovered.orphans
            );
        }
        for id in &recovered.damaged {
            tracing::error!("{id}: content is damaged; the message will be set aside");
        }
        for (id, reason) in &recovered.quarantined {
            tracing::error!("{id}: set aside: {reason}");
        }
        layout::keep_private(&layout::directory(data_dir))?;
        let directory = Directory::open(&layout::directory(data_dir))
            .context("cannot open the directory of users")?;
        Ok(Self { directory, spool })
    }
}

impl Server {
    /// Starts everything; when it returns, mail is taken.
    pub(crate) async fn start(config: &Config, stores: Stores) -> anyhow::Result<Self> {
        let data_dir = &config.top.data_dir;
        let (directory, spool) = (Arc::new(stores.directory), stores.spool);
        let tracer = tracer(config)?;
        let certificate = Arc::new(Certificate::load(&config.certificate_source())?);
        let doors = Doors::bind(config)?;
        let endpoints = doors.endpoints();
        let listening = Listening(doors.mail_addresses());
        let dns = dns(config)?;
        let here = here(config, &dns, &doors);
        sharing::warn_of_silence(&directory.snapshot(), &here.minger());
        let deliverer = deliverer(config, &directory, &dns, &listening);
        let outgoing = Arc::new(Outgoing::new(deliverer.clone(), config, data_dir)?);
        let asking = asking(config, &directory, &deliverer, &dns);
        let ask = (Arc::clone(&asking), listening);
        let (resolver, chores, answers) = resolver(config, &directory, ask)?;
        let queue = Queue::start(queue::Parts {
            spool: spool.clone(),
            routes: Arc::new(resolver.clone()),
            deliverer: Arc::clone(&outgoing) as Arc<dyn queue::Attempt>,
            clock: Arc::new(SystemClock),
            tracer: tracer.clone(),
            settings: queue_settings(config),
        });
        let callers = Arc::new(Callers::default());
        let parts = session::Parts {
            snapshots: snapshots(&directory),
            resolver: resolver.clone(),
            spool: spool.clone(),
            custody: Arc::new(queue.clone()),
            used: outgoing.used(),
            logins: logins(&directory),
            signing: signing(data_dir),
            certificate: Arc::clone(&certificate),
            tracer,
            callers: Arc::clone(&callers),
            clock: Arc::new(SystemClock),
        };
        let shared = Arc::new(Shared::new(parts, session_settings(config)));
        look_up(&directory, &callers, &dns).await;
        let minger = answering(config, &directory, &callers, outgoing.used());
        let background = background(chores, &directory, callers, dns.clone());
        let mail = doors.mail.into_iter().map(|(_, bound)| bound);
        Ok(Self {
            listeners: Listeners::open(&shared, mail.collect()),
            minger_sockets: minger.open(doors.minger),
            directory,
            spool,
            resolver,
            asking,
            queue,
            shared,
            used: outgoing.used(),
            certificate,
            here,
            dns,
            endpoints,
            deliverer,
            answers,
            minger,
            console: doors.console,
            background,
        })
    }

    /// Ends: no new mail, what is in flight finishes, then the spool is closed.
    pub(crate) async fn stop(self) {
        tokio::join!(
            self.listeners.close(),
            self.minger_sockets.close(),
            self.queue.stop(QUEUE_GRACE)
        );
        for task in &self.background {
            task.abort();
        }
        self.deliverer.close();
        self.answers.close();
    }
}

/// What goes on beside the mail.
fn background(
    chores: resolve::Background,
    directory: &Arc<Directory>,
    callers: Arc<Callers>,
    dns: Dns,
) -> Vec<JoinHandle<()>> {
    vec![
        tokio::spawn(async move { chores.run().await }),
        tokio::spawn(keep_looking_up(Arc::clone(directory), callers, dns)),
        tokio::spawn(forget_unused(Arc::clone(directory))),
    ]
}

/// Who is asked about names.
pub(crate) fn dns(config: &Config) -> anyhow::Result<Dns> {
    let trust = config.outbound.dane;
    match config.outbound.resolvers.as_slice() {
        [] => Dns::system(trust).context("cannot read the system's DNS settings"),
        servers => {
            Dns::servers(servers, trust).context("cannot ask the servers in outbound.resolvers")
        }
    }
}

/// What leads to this server itself.
fn here(config: &Config, dns: &Dns, doors: &Doors) -> HereNow {
    let listening = Listening(doors.mail_addresses());
    HereNow::new(dns.clone(), listening, Handle::current())
        .called(config.top.hostname.clone())
        .answering(Listening(doors.minger_addresses()), minger_here(config))
}

/// The keys that sign what users send.
fn signing(data_dir: &Path) -> Arc<Signing> {
    let signing = Signing::default();
    dkim::exchange(&layout::dkim(data_dir), &signing);
    Arc::new(signing)
}

fn tracer(config: &Config) -> anyhow::Result<Tracer> {
    let key = site_key::load(&layout::site_key(&config.top.data_dir))?;
    // A name of the site and not of the host: a host that is renamed still knows its traces.
    let site: String = key
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(Tracer::new(site, &key))
}

fn snapshots(directory: &Arc<Directory>) -> Arc<resolve::Snapshots> {
    let directory = Arc::clone(directory);
    Arc::new(move || directory.snapshot())
}

fn logins(directory: &Arc<Directory>) -> Logins {
    let directory = Arc::clone(directory);
    let check = move |login: &str, password: &str| {
        // Only the logins of users have a domain.
        let checked = if login.contains('@') {
            let found = directory.check_password(login, password);
            found.map(|found| Side::Authenticated(found.user))
        } else {
            directory.check_target(login, password).map(Side::Target)
        };
        checked
            .map(|side| auth::Login {
                side,
                name: login.to_owned(),
            })
            .map_err(|error| match error {
                waypost_directory::LoginError::Refused => auth::LoginError::Refused,
                waypost_directory::LoginError::Unavailable(error) => {
                    tracing::error!("logins cannot be checked: {error}");
                    auth::LoginError::Unavailable
                }
            })
    };
    Logins::new(Arc::new(check), Arc::new(SystemClock))
}

fn deliverer(
    config: &Config,
    directory: &Arc<Directory>,
    dns: &Dns,
    listening: &Listening,
) -> Deliverer {
    let directory = Arc::clone(directory);
    let smart_host = config.outbound.smart_host.clone();
    let settings = deliver::Settings {
        hostname: config.top.hostname.clone(),
        source: config.outbound.source,
        smart_host: smart_host.map(|at| deliver::Remote::new(at.host, at.port)),
        lmtp: match &config.local.delivery {
            Delivery::Lmtp(endpoint) => Some(deliver::Lmtp {
                endpoint: endpoint.clone(),
                delimiter: config.local.recipient_delimiter,
            }),
            Delivery::Maildir(_) => None,
        },
        mta_sts: config.outbound.mta_sts,
        limits: config.outbound.limits.clone(),
    };
    let policies = PolicyFiles::new(layout::policies(&config.top.data_dir));
    let parts = deliver::Parts {
        targets: Box::new(move |id| directory.snapshot().target(id).cloned()),
        dns: dns.clone(),
        listening: listening.clone(),
        clock: Arc::new(SystemClock),
        roots: None,
        keep_policies: Some(Arc::new(policies)),
    };
    Deliverer::new(settings, parts)
}

/// Who asks other servers.
fn asking(
    config: &Config,
    directory: &Arc<Directory>,
    deliverer: &Deliverer,
    dns: &Dns,
) -> Arc<Asking> {
    Arc::new(Asking::new(asking::Parts {
        deliverer: deliverer.clone(),
        snapshots: snapshots(directory),
        dns: dns.clone(),
        lists: Arc::new(AddressLists::default()),
        minger: minger::client::Settings {
            source: config.outbound.source,
            limit: config.minger.timeout,
        },
    }))
}

fn resolver(
    config: &Config,
    directory: &Arc<Directory>,
    (ask, listening): (Arc<Asking>, Listening),
) -> anyhow::Result<(Resolver, resolve::Background, Arc<Answers>)> {
    let file = layout::answers(&config.top.data_dir);
    layout::keep_private(&file)?;
    let (answers, kept) = Answers::open(&file, config.cache.entries as usize)?;
    let answers = Arc::new(answers);
    let (resolver, background) = Resolver::new(resolve::Parts {
        snapshots: snapshots(directory),
        here: Arc::new(FromMemory(listening)),
        ask,
        keep: Arc::clone(&answers) as Arc<dyn resolve::Keep>,
        clock: Arc::new(SystemClock),
        settings: resolve::Settings {
            postmaster: postmaster(config),
            delimiter: config.local.recipient_delimiter,
            smart_host: config.outbound.smart_host.is_some(),
        },
        cache: cache_settings(config),
    });
    let restoring = resolver.clone();
    tokio::task::spawn_blocking(move || {
        for piece in kept {
            restoring.restore(piece);
        }
    });
    Ok((resolver, background, answers))
}

/// How other servers' answers are believed; SIGHUP replaces the times.
pub(crate) fn cache_settings(config: &Config) -> resolve::CacheSettings {
    resolve::CacheSettings {
        positive: config.cache.positive,
        refresh: config.cache.refresh,
        negative: config.cache.negative,
        entries: config.cache.entries as usize,
        wait: config.cache.wait,
    }
}

fn queue_settings(config: &Config) -> queue::Settings {
    queue::Settings {
        hostname: config.top.hostname.clone(),
        postmaster: postmaster(config),
        schedule: config.queue,
        local: match config.local.delivery {
            Delivery::Lmtp(_) => deliver::NextHop::Lmtp,
            Delivery::Maildir(_) => deliver::NextHop::Maildir,
        },
        smart_host: config.outbound.smart_host.is_some(),
        concurrency: queue::Concurrency {
            lmtp: config.local.connections,
            maildir: config.local.connections,
            mx: config.outbound.connections,
            smart_host: config.outbound.connections,
        },
        cut_through: config.outbound.cut_through,
    }
}

/// What sessions need of the configuration; SIGHUP replaces it.
pub(crate) fn session_settings(config: &Config) -> session::Settings {
    let mut limits = config.limits.clone();
    limits.connections = descriptors::for_sessions(limits.connections);
    if limits.connections < config.limits.connections {
        tracing::warn!(
            "limits.connections is {}, and {} with the open files that the system allows; \
             raise LimitNOFILE",
            config.limits.connections,
            limits.connections
        );
    }
    session::Settings {
        hostname: config.top.hostname.clone(),
        trusted: config.trust.networks.clone(),
        xclient: config.trust.xclient.clone(),
        proxy: config.trust.proxy.clone(),
        limits,
        lifetime: config.queue.lifetime,
    }
}

/// Who answers questions about addresses.
fn answering(
    config: &Config,
    directory: &Arc<Directory>,
    callers: &Arc<Callers>,
    used: Option<Arc<session::Used>>,
) -> minger::Server {
    let parts = minger::Parts {
        snapshots: snapshots(directory),
        callers: Arc::clone(callers),
        used,
        clock: Arc::new(SystemClock),
    };
    minger::Server::new(parts, minger_settings(config))
}

/// Who may ask about addresses, and how; SIGHUP replaces it.
pub(crate) fn minger_settings(config: &Config) -> minger::Settings {
    let secrets = config.minger.secrets.iter();
    minger::Settings {
        // The configuration has refused what is no secret there.
        secrets: secrets
            .filter_map(|secret| Secret::parse(secret.expose()).ok())
            .collect(),
        anonymous: config.minger.anonymous,
        allow: config.minger.allow.clone(),
        outside_aliases_active: config.minger.outside_aliases_active,
        test_mailbox: config.minger.test_address,
        delimiter: config.local.recipient_delimiter,
        rates: config.minger.rates,
    }
}

/// What the directory must know of Minger here; SIGHUP replaces it.
pub(crate) fn minger_here(config: &Config) -> MingerHere {
    MingerHere {
        listens: !config.listen.minger.is_empty(),
        anonymous: config.minger.anonymous,
        secrets: config.minger.secrets.clone(),
    }
}

/// The site's own mailbox, under this server's name.
fn postmaster(config: &Config) -> Mailbox {
    let Ok(local) = LocalPart::parse("postmaster") else {
        unreachable!("postmaster is a local part");
    };
    Mailbox::new(local, config.top.hostname.clone())
}

/// Looks up the names of targets, so that a connection from them is recognised.
async fn keep_looking_up(directory: Arc<Directory>, callers: Arc<Callers>, dns: Dns) {
    let mut known = directory.snapshot().change();
    loop {
        let mut waited = Duration::ZERO;
        while waited < LOOK_UP_EVERY && directory.snapshot().change() == known {
            tokio::time::sleep(LOOK_EVERY).await;
            waited += LOOK_EVERY;
        }
        known = directory.snapshot().change();
        look_up(&directory, &callers, &dns).await;
    }
}

/// Drops what searches of administrators needed, when nobody searches any more.
async fn forget_unused(directory: Arc<Directory>) {
    loop {
        tokio::time::sleep(FORGET_EVERY).await;
        let directory = Arc::clone(&directory);
        // A search that makes it keeps this waiting.
        if let Err(error) = tokio::task::spawn_blocking(move || directory.drop_unused()).await {
            tracing::error!("bug: dropping what searches need failed: {error}");
        }
    }
}

async fn look_up(directory: &Directory, callers: &Callers, dns: &Dns) {
    let wanted = Callers::wanted(&directory.snapshot());
    let mut found = HashMap::with_capacity(wanted.len());
    for host in wanted {
        let mut names = Vec::new();
        match &host {
            Host::Name(name) => names.push(name.clone()),
            Host::Mx(domain) => {
                if let Ok(MailHosts::Hosts(hosts, _)) = dns.mail_hosts(domain, || 0).await {
                    names.extend(hosts.into_iter().filter_map(|mx| mx.host));
                }
            }
            Host::Address(_) => {}
        }
        let mut all = Vec::new();
        for name in &names {
            all.extend(dns.addresses(name).await.unwrap_or_default());
        }
        found.insert(host, (!all.is_empty()).then_some(all));
    }
    callers.learn(found);
}
