//! What every handler can reach.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::Value;
use waypost_directory::Directory;
use waypost_proto::net::Network;

use crate::auth::{Actor, Logins, Sessions, Sights};
use crate::control::Control;
use crate::jobs::Jobs;
use crate::looks::Looks;
use crate::problem::Problem;
use crate::request::{Report, Request};

/// What the console is built of.
pub struct Parts {
    /// The running server.
    pub control: Arc<dyn Control>,
    /// Who may log in.
    pub directory: Arc<Directory>,
    /// The name of this server.
    pub hostname: String,
    /// Proxies that are believed whom they speak for.
    pub trusted_proxies: Vec<Network>,
    /// The secret of this site: known browsers are signed with it.
    pub key: [u8; 32],
    /// The wall clock.
    pub now: fn() -> SystemTime,
}

/// Where a request comes from: the listener adds it to each.
#[derive(Debug, Clone, Copy)]
pub struct Origin {
    /// The client; a proxy, until its headers are read.
    pub address: SocketAddr,
    /// It came over TLS.
    pub is_secure: bool,
}

/// The console, shared by all its handlers.
#[derive(Clone)]
pub(crate) struct Console(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) parts: Parts,
    pub(crate) sessions: Sessions,
    pub(crate) logins: Logins,
    pub(crate) jobs: Jobs,
    pub(crate) looks: Looks,
    pub(crate) sights: Sights,
}

impl Deref for Console {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Console {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(Shared {
            parts,
            sessions: Sessions::default(),
            logins: Logins::default(),
            jobs: Jobs::default(),
            looks: Looks::default(),
            sights: Sights::default(),
        }))
    }

    pub(crate) fn now(&self) -> SystemTime {
        (self.parts.now)()
    }

    /// Asks the running server for something that is soon done.
    pub(crate) async fn ask(&self, actor: &Actor, request: Request) -> Result<Value, Problem> {
        // Nobody follows: what is asked here is short.
        let (report, _) = Report::new();
        let control = Arc::clone(&self.parts.control);
        let answer = control.answer(actor.caller(), request, report).await;
        answer.map_err(Problem::from)
    }

    /// Runs what asks the directory, where it may block.
    pub(crate) async fn directory<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Directory) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let directory = Arc::clone(&self.parts.directory);
        let done = tokio::task::spawn_blocking(move || work(&directory)).await;
        done.map_err(|_| Problem::internal())
    }
}
