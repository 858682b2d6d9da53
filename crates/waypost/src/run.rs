//! Runs the server in the foreground: start, signals, reload, end.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use anyhow::Context as _;
use sd_notify::NotifyState;
use serde_json::{Value, json};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use waypost_directory::{Here as _, MingerHere};
use waypost_mta::clock::{Clock as _, SystemClock};
use waypost_mta::deliver::trial;
use waypost_mta::dns::HereNow;
use waypost_mta::minger;
use waypost_mta::net::Endpoint;
use waypost_mta::queue::QueueHandle;
use waypost_mta::resolve::Resolver;
use waypost_mta::session::Shared;
use waypost_mta::tls::Certificate;
use waypost_mta::trace::SECRET_LEN;

use crate::acme::{self, Orders, Renewal};
use crate::bridge::Bridge;
use crate::cli::{self, Failure};
use crate::config::{self, Config, Loaded};
use crate::console;
use crate::control::Socket;
use crate::history::{self, History, Tap};
use crate::server::{
    Server, Stores, cache_settings, minger_here, minger_settings, session_settings,
};
use crate::statistics::Statistics;
use crate::{descriptors, dkim, layout, logging, sharing, site_key};

/// Runs the server until it is told to end.
pub(crate) fn serve(file: &Path, loaded: Loaded) -> Result<(), Failure> {
    let config = &loaded.config;
    let tap = Tap::new();
    let filter = logging::start(&config.log, config.top.hostname.as_str(), tap.clone())?;
    for warning in loaded.warnings() {
        tracing::warn!("{}: {warning}", file.display());
    }
    descriptors::raise();
    let data_dir = &config.top.data_dir;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .with_context(|| format!("cannot make {}", data_dir.display()))?;
    let stores = Stores::open(data_dir)?;
    let history = history(config, &stores, tap)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let parts = Parts {
        stores,
        filter,
        history: Arc::clone(&history),
    };
    let ended = runtime.block_on(run(file, loaded, parts));
    history.close();
    // Blocking work that is still under way, such as a look-up, is not waited for.
    runtime.shutdown_background();
    ended
}

/// What is there before the server runs.
struct Parts {
    stores: Stores,
    filter: logging::Filter,
    history: Arc<History>,
}

/// Begins to keep what happens, while the spool has room to spare.
fn history(config: &Config, stores: &Stores, tap: Tap) -> anyhow::Result<Arc<History>> {
    let file = layout::history(&config.top.data_dir);
    layout::keep_private(&file)?;
    let spool = stores.spool.clone();
    let settings = history::Settings {
        file: &file,
        keep: config.console.history,
        has_room: Box::new(move || spool.room_for(history::ROOM).is_ok()),
    };
    Ok(Arc::new(History::start(tap, settings)?))
}

async fn run(file: &Path, loaded: Loaded, parts: Parts) -> Result<(), Failure> {
    let since = SystemClock.wall();
    let hostname = loaded.config.top.hostname.clone();
    let control_socket = loaded.config.control_socket();
    let mut signals = Signals::listen()?;
    let data_dir = loaded.config.top.data_dir.clone();
    if !loaded.config.listen.console.is_empty() {
        console::first_admin(&parts.stores.directory, &data_dir)?;
    }
    let settings = loaded.config.console.clone();
    let key = site_key::load(&layout::site_key(&data_dir))?;
    let mut server = Server::start(&loaded.config, parts.stores).await?;
    let reloader = Arc::new(Reloader {
        file: file.to_owned(),
        loaded: Mutex::new(loaded),
        shared: Arc::clone(&server.shared),
        certificate: Arc::clone(&server.certificate),
        keys: layout::dkim(&data_dir),
        here: server.here.clone(),
        minger: server.minger.clone(),
        queue: server.queue.clone(),
        resolver: server.resolver.clone(),
        filter: parts.filter,
        orders: Arc::default(),
    });
    server.background.extend(renewal(&reloader)?);
    let statistics = Arc::new(statistics(&parts.history, &server));
    let looking = tokio::spawn(Arc::clone(&statistics).run());
    let socket = Socket::bind(&control_socket)
        .with_context(|| format!("cannot listen on {}", control_socket.display()))?;
    let bridge = Bridge {
        directory: Arc::clone(&server.directory),
        spool: server.spool.clone(),
        resolver: server.resolver.clone(),
        asking: Arc::clone(&server.asking),
        queue: server.queue.clone(),
        minger: server.minger.clone(),
        shared: Arc::clone(&server.shared),
        used: server.used.clone(),
        here: server.here.clone(),
        dns: server.dns.clone(),
        history: parts.history,
        statistics: Arc::clone(&statistics),
        since,
        hostname,
        endpoints: server.endpoints.clone(),
        data_dir,
        reloader: Arc::clone(&reloader),
    };
    let bridge = Arc::new(bridge);
    let console = serve_console(&mut server, Arc::clone(&bridge), settings, key);
    let console = tokio::spawn(console);
    let control = tokio::spawn(socket.serve(bridge));
    announce(&server.endpoints)?;
    signals.until_end(&reloader).await;
    tracing::info!("ending");
    notify(&[NotifyState::Stopping]);
    looking.abort();
    console.abort();
    server.stop().await;
    statistics.close();
    control.abort();
    // The socket is gone when its task is.
    let _ = control.await;
    tracing::info!("ended");
    Ok(())
}

/// Looks after the certificate, if an authority is to give it.
fn renewal(reloader: &Reloader) -> anyhow::Result<Option<JoinHandle<()>>> {
    let config = reloader.in_force().config.clone();
    let certificate = Arc::clone(&reloader.certificate);
    let renewal = Renewal::new(&config, certificate, Arc::clone(&reloader.orders))?;
    Ok(renewal.map(|renewal| tokio::spawn(renewal.run())))
}

fn statistics(history: &Arc<History>, server: &Server) -> Statistics {
    Statistics::new(
        Arc::clone(history),
        server.queue.clone(),
        server.resolver.clone(),
        server.minger.clone(),
    )
}

/// What the server is told from outside.
struct Signals {
    end: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            end: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Reloads whenever it is told to, until it is told to end.
    async fn until_end(&mut self, reloader: &Reloader) {
        loop {
            tokio::select! {
                _ = self.end.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => {
                    if let Ok(now) = NotifyState::monotonic_usec_now() {
                        notify(&[NotifyState::Reloading, now]);
                    }
                    if let Err(error) = reloader.reload() {
                        tracing::error!("not reloaded, everything stays as it was: {error}");
                    }
                    notify(&[NotifyState::Ready]);
                }
            }
        }
    }
}

/// The console, ready to be served; it ends when it is aborted.
fn serve_console(
    server: &mut Server,
    bridge: Arc<Bridge>,
    settings: config::Console,
    key: [u8; SECRET_LEN],
) -> impl Future<Output = ()> + use<> {
    let router = waypost_admin::router(waypost_admin::Parts {
        hostname: bridge.hostname.to_string(),
        control: bridge,
        directory: Arc::clone(&server.directory),
        trusted_proxies: settings.trusted_proxies,
        key,
        now: || SystemClock.wall(),
    });
    let bound = std::mem::take(&mut server.console);
    let security = console::Security {
        certificate: Arc::clone(&server.certificate),
        on_loopback: settings.loopback_https,
    };
    console::serve(bound, router, security)
}

/// Says to all who listen that mail is taken.
fn announce(endpoints: &[(&'static str, Endpoint)]) -> anyhow::Result<()> {
    let ready = ready(endpoints);
    tracing::info!("{ready}");
    cli::print(&ready)?;
    notify(&[NotifyState::Ready]);
    Ok(())
}

/// The first line of output: `ready smtp=127.0.0.1:2525 submission=…`.
fn ready(endpoints: &[(&'static str, Endpoint)]) -> String {
    let mut line = String::from("ready");
    let mut last = "";
    for (name, endpoint) in endpoints {
        if *name == last {
            line += &format!(",{endpoint}");
        } else {
            line += &format!(" {name}={endpoint}");
        }
        last = name;
    }
    line
}

/// Tells systemd, if it runs this process.
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!("cannot notify systemd: {error}");
    }
}

/// Reads the configuration file again and applies what can change while running.
pub(crate) struct Reloader {
    file: PathBuf,
    loaded: Mutex<Loaded>,
    shared: Arc<Shared>,
    certificate: Arc<Certificate>,
    /// The folder of the keys that sign mail.
    keys: PathBuf,
    here: HereNow,
    minger: minger::Server,
    queue: QueueHandle,
    resolver: Resolver,
    filter: logging::Filter,
    orders: Arc<Orders>,
}

impl Reloader {
    fn in_force(&self) -> MutexGuard<'_, Loaded> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is wrong with the orders of certificates, if something is.
    pub(crate) fn order_trouble(&self) -> Option<acme::Trouble> {
        self.orders.trouble()
    }

    /// Until when the certificate in use holds.
    pub(crate) fn certificate_end(&self) -> Option<SystemTime> {
        self.certificate.not_after()
    }

    /// The certificate in use.
    pub(crate) fn certificate(&self) -> Option<trial::Shown> {
        trial::certificate(&self.certificate.own()?)
    }

    /// The configuration as it is in force: what needs a restart is as it was at the start.
    pub(crate) fn configuration(&self) -> Value {
        let loaded = self.in_force();
        let settings = loaded.settings.iter().map(|setting| {
            json!({
                "section": setting.section,
                "name": setting.name,
                "value": setting.value,
                "is_default": setting.value == setting.default,
            })
        });
        let settings: Vec<Value> = settings.collect();
        json!({ "file": self.file.display().to_string(), "settings": settings })
    }

    /// Signs with the keys that are there now.
    pub(crate) fn load_keys(&self) {
        dkim::exchange(&self.keys, self.shared.signing());
    }

    /// What was changed, and what waits for a restart; on an error nothing was changed.
    pub(crate) fn reload(&self) -> Result<Vec<String>, String> {
        let fresh = config::load(&self.file).map_err(|error| error.to_string())?;
        let mut loaded = self.in_force();
        let mut notes = Vec::new();
        // Another authority is asked after a restart: until then its certificate is not there.
        if fresh.config.acme == loaded.config.acme {
            self.certificate
                .reload(&fresh.config.certificate_source())
                .map_err(|error| error.to_string())?;
            notes.push("certificate loaded".to_owned());
            self.orders.try_now();
        }
        for (before, now) in loaded.settings.iter().zip(&fresh.settings) {
            if before.value != now.value {
                let path = now.path();
                let how = if now.live { "now" } else { "after a restart" };
                notes.push(format!("{path} = {} {how}", now.value));
            }
        }
        self.load_keys();
        self.shared.reload(session_settings(&fresh.config));
        self.minger.reload(minger_settings(&fresh.config));
        self.queue.reschedule(fresh.config.queue);
        self.resolver.reload_cache(cache_settings(&fresh.config));
        let minger = minger_here(&fresh.config);
        self.here.answer_as(MingerHere {
            // The sockets are those of the start.
            listens: self.here.minger().listens,
            ..minger
        });
        sharing::warn_of_silence(&self.shared.snapshot(), &self.here.minger());
        tracing::info!("reloaded: {}", notes.join(", "));
        // The line above is still logged as the filter before said.
        if let Err(error) = self.filter.replace(&fresh.config.log) {
            tracing::error!("log.filter stays as it was: {error:#}");
        }
        *loaded = fresh;
        Ok(notes)
    }
}
