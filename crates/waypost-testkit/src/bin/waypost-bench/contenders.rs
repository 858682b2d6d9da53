//! The servers that one table compares, running beside each other with one sink behind them all.

use std::any::Any;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use tokio_rustls::rustls::ClientConfig;
use waypost_testkit::abroad::{Abroad, Exim, OpenSmtpd, Wish};
use waypost_testkit::site::Site;
use waypost_testkit::tls::Authority;

use crate::haraka::Haraka;
use crate::load::{self, Load, Passage, Run};
use crate::servers::{self, Job, Way};
use crate::sink::Sink;
use crate::source::SERVER_NAME;
use crate::{open_to_all, sink_address};

/// Waypost, when everything is on disk before it is acknowledged.
pub(crate) const SPOOL: &str = "Waypost, spool";
/// Waypost, when mail is handed on while its sender waits.
pub(crate) const CUT_THROUGH: &str = "Waypost, cut-through";
/// What all are compared with.
pub(crate) const POSTFIX: &str = "Postfix";

/// A server that is measured; ended when dropped.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    smtp: SocketAddr,
    pid: u32,
    _running: Box<dyn Any>,
}

impl Contender {
    /// Whether it takes so much that a run needs more messages to be more than a moment.
    pub(crate) fn is_fast(&self) -> bool {
        [SPOOL, CUT_THROUGH].contains(&self.name)
    }

    fn waypost(name: &'static str, site: Site) -> Result<Self> {
        Ok(Self {
            name,
            smtp: site.smtp(),
            pid: site.pid().context("Waypost is not running")?,
            _running: Box::new(site),
        })
    }

    fn guest<A: Abroad + 'static>(hop: SocketAddr) -> Result<Self> {
        let server = A::start(&Wish::new(hop).fast())?;
        Ok(Self {
            name: A::NAME,
            smtp: server.smtp(),
            pid: server.pid(),
            _running: Box::new(server),
        })
    }

    fn haraka(hop: SocketAddr) -> Result<Self> {
        let server = Haraka::start(hop)?;
        Ok(Self {
            name: "Haraka",
            smtp: server.smtp(),
            pid: server.pid(),
            _running: Box::new(server),
        })
    }
}

/// What is the same for all servers of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    /// Users of each domain.
    pub(crate) known: u64,
    /// Next hops.
    pub(crate) hops: usize,
    /// Whether all is done under TLS.
    pub(crate) is_secured: bool,
}

/// All servers once, one after the other, and the source straight into the sink.
pub(crate) struct Turn {
    pub(crate) direct: Run,
    pub(crate) runs: BTreeMap<&'static str, Run>,
}

/// Servers and sink.
pub(crate) struct Field {
    // Servers end before their next hop does.
    pub(crate) contenders: Vec<Contender>,
    guests: Vec<Contender>,
    pub(crate) sink: Sink,
    job: Job,
    client: Option<Arc<ClientConfig>>,
    _dir: TempDir,
}

impl Field {
    /// Waypost, both ways, and Postfix.
    pub(crate) fn new(program: &Path, setting: Setting) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        open_to_all(dir.path())?;
        let hops = (0..setting.hops).map(|_| sink_address());
        let mut job = Job {
            known: setting.known,
            hops: hops.collect::<Result<_>>()?,
            identity: None,
        };
        let mut client = None;
        if setting.is_secured {
            let authority = Authority::new()?;
            job.identity = Some(authority.identity(SERVER_NAME)?);
            client = Some(authority.client()?);
        }
        let shown = job.identity.as_ref().map(|identity| identity.server());
        let sink = Sink::start(&job.hops, shown.as_ref())?;
        let by_spool = servers::waypost(program, &job, Way::Spool, dir.path())?;
        let by_cut = servers::waypost(program, &job, Way::CutThrough, dir.path())?;
        let postfix = servers::postfix(&job, dir.path())?;
        Ok(Self {
            contenders: vec![
                Contender::waypost(SPOOL, by_spool)?,
                Contender::waypost(CUT_THROUGH, by_cut)?,
                Contender {
                    name: POSTFIX,
                    smtp: postfix.smtp(),
                    pid: postfix.pid(),
                    _running: Box::new(postfix),
                },
            ],
            guests: Vec::new(),
            sink,
            job,
            client,
            _dir: dir,
        })
    }

    /// Other servers too, as far as they are there.
    pub(crate) fn invite(&mut self) -> Result<()> {
        let hop = *self.job.hops.first().context("no next hop")?;
        self.admit("OpenSMTPD", Contender::guest::<OpenSmtpd>(hop));
        self.admit("Exim", Contender::guest::<Exim>(hop));
        self.admit("Haraka", Contender::haraka(hop));
        Ok(())
    }

    fn admit(&mut self, name: &str, started: Result<Contender>) {
        match started {
            Ok(guest) => self.guests.push(guest),
            Err(error) => println!("Without {name}: {error:#}\n"),
        }
    }

    /// The names of all, in the order of a table.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        let all = self.contenders.iter().chain(&self.guests);
        all.map(|contender| contender.name).collect()
    }

    /// The names of the domains.
    pub(crate) fn domains(&self) -> Vec<String> {
        let domains = self.job.domains().into_iter();
        domains.map(|(domain, _)| domain).collect()
    }

    /// The way through one of them.
    pub(crate) fn passage(&self, contender: &Contender) -> Passage<'_> {
        Passage {
            server: contender.smtp,
            pid: Some(contender.pid),
            sink: &self.sink,
            tls: self.client.clone(),
        }
    }

    /// Sends each its load; a guest that fails is not asked again.
    pub(crate) fn turn(&mut self, load: &dyn Fn(Option<&Contender>) -> Load) -> Result<Turn> {
        let direct = Passage {
            server: *self.job.hops.first().context("no next hop")?,
            pid: None,
            sink: &self.sink,
            tls: self.client.clone(),
        };
        let direct = load::run(&load(None), &direct).context("straight into the sink")?;
        let mut runs = BTreeMap::new();
        for contender in &self.contenders {
            // One run that came to nothing is no reason to throw hours of others away.
            match load::run(&load(Some(contender)), &self.passage(contender)) {
                Ok(run) => {
                    runs.insert(contender.name, run);
                }
                Err(error) => println!("A run without {}: {error:#}\n", contender.name),
            }
        }
        let mut failed = Vec::new();
        for guest in &self.guests {
            match load::run(&load(Some(guest)), &self.passage(guest)) {
                Ok(run) => {
                    runs.insert(guest.name, run);
                }
                Err(error) => {
                    println!("Without {}: {error:#}\n", guest.name);
                    failed.push(guest.name);
                }
            }
        }
        self.guests.retain(|guest| !failed.contains(&guest.name));
        Ok(Turn { direct, runs })
    }
}

impl Turn {
    /// What it was for this server, if it took part.
    pub(crate) fn of(&self, name: &str) -> Option<&Run> {
        self.runs.get(name)
    }
}
