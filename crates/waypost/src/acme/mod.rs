//! The certificate of this server, got and renewed by itself (RFC 8555).
//!
//! One task looks whether the kept certificate is due, orders another, and lets it be loaded; no
//! session is dropped. Whatever fails is said in the log with what to do, and tried again later:
//! mail flows on with the certificate in use.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use waypost_mta::clock::{Clock as _, SystemClock};
use waypost_mta::net;
use waypost_mta::tls::{Certificate, Source};

use self::kept::Folder;
use self::order::{Desk, Failed};
use crate::config::{Acme, Config};
use crate::time;

mod challenge;
mod client;
mod kept;
mod order;

/// The wall clock may jump: it is looked at again after this at the latest.
const LOOK_AGAIN: Duration = Duration::from_secs(3_600);
/// An order that takes longer has failed.
const ORDER_MAX: Duration = Duration::from_secs(600);
/// The pause after the first failure; each other is twice as long.
const PAUSE_FIRST: Duration = Duration::from_secs(300);
/// The longest pause: authorities count failures by the hour and the day.
const PAUSE_MAX: Duration = Duration::from_secs(12 * 3_600);

/// What is wrong with the orders now.
#[derive(Debug, Clone)]
pub(crate) struct Trouble {
    pub(crate) error: String,
    pub(crate) since: SystemTime,
    pub(crate) tried_again: SystemTime,
}

/// What others see of the task, and how it is told to try at once.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    trouble: Mutex<Option<Trouble>>,
    now: Notify,
}

impl Orders {
    /// What is wrong, if something is.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        let trouble = self.trouble.lock();
        trouble.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tries at once what failed.
    pub(crate) fn try_now(&self) {
        self.now.notify_one();
    }

    fn set(&self, trouble: Option<Trouble>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

/// Looks after the certificate.
pub(crate) struct Renewal {
    desk: Desk,
    certificate: Arc<Certificate>,
    orders: Arc<Orders>,
    /// This server's place among those that were set up together, 0 to 1.
    share: f64,
    failures: u32,
}

impl Renewal {
    /// None: the configuration names no authority.
    pub(crate) fn new(
        config: &Config,
        certificate: Arc<Certificate>,
        orders: Arc<Orders>,
    ) -> anyhow::Result<Option<Self>> {
        if !config.acme.is_on() {
            return Ok(None);
        }
        let desk = Desk {
            acme: config.acme.clone(),
            folder: Folder::open(&config.top.data_dir)?,
        };
        let mut random = [0];
        getrandom::fill(&mut random).context("no random byte")?;
        Ok(Some(Self {
            desk,
            certificate,
            orders,
            share: f64::from(u8::from_ne_bytes(random)) / 256.0,
            failures: 0,
        }))
    }

    /// Until it is aborted.
    pub(crate) async fn run(mut self) {
        if let Some(wait) = self.due_in() {
            let due = time::show(SystemClock.wall() + wait);
            tracing::info!("acme: the certificate is renewed from {due} on");
        }
        loop {
            let wait = match self.due_in() {
                Some(wait) => wait.min(LOOK_AGAIN),
                None => self.attempt().await,
            };
            tokio::select! {
                () = sleep(wait) => {}
                () = self.orders.now.notified() => {}
            }
        }
    }

    /// None: now.
    fn due_in(&self) -> Option<Duration> {
        let shown = self.desk.folder.certificate(&self.desk.acme)?;
        let due = kept::due(&shown, self.desk.acme.renew_before, self.share);
        let left = due.duration_since(SystemClock.wall()).ok()?;
        (!left.is_zero()).then_some(left)
    }

    /// Orders and loads; how long to wait then.
    async fn attempt(&mut self) -> Duration {
        match self.renew().await {
            Ok(()) => {
                self.failures = 0;
                self.orders.set(None);
                Duration::ZERO
            }
            Err(failed) => self.failed(&failed),
        }
    }

    async fn renew(&self) -> Result<(), Failed> {
        let ordered = timeout(ORDER_MAX, self.desk.order()).await;
        let file = ordered
            .map_err(|_| Failed::Here(anyhow::anyhow!("no certificate in {ORDER_MAX:?}")))??;
        let source = Source::Files {
            certificate: file.clone(),
            key: file,
        };
        self.certificate
            .reload(&source)
            .map_err(|error| Failed::Here(error.into()))?;
        let shown = self.desk.folder.certificate(&self.desk.acme);
        let shown = shown.context("the new certificate cannot be read")?;
        let (issuer, end) = (&shown.issuer, time::show(shown.not_after));
        let names = shown.names.join(", ");
        tracing::info!("acme: new certificate for {names} by {issuer}, until {end}");
        if self.due_in().is_none() {
            let begin = time::show(shown.not_before);
            let text = format!(
                "the new certificate, from {begin} until {end}, is due already; look at the clock \
                 of this machine"
            );
            return Err(Failed::Here(anyhow::anyhow!(text)));
        }
        Ok(())
    }

    fn failed(&mut self, failed: &Failed) -> Duration {
        let pause = pause(self.failures, self.share);
        self.failures = self.failures.saturating_add(1);
        let now = SystemClock.wall();
        let since = self.orders.trouble().map_or(now, |trouble| trouble.since);
        let tried_again = now + pause;
        tracing::error!(
            "acme: no certificate from {}: {failed}; tried again at {} and after a reload",
            self.desk.acme.directory,
            time::show(tried_again)
        );
        self.orders.set(Some(Trouble {
            error: failed.to_string(),
            since,
            tried_again,
        }));
        pause
    }
}

/// The pause after so many failures before this one; up to a quarter longer for some servers.
fn pause(failures: u32, share: f64) -> Duration {
    let doubled = PAUSE_FIRST.saturating_mul(1 << failures.min(16));
    doubled.min(PAUSE_MAX).mul_f64(1.0 + share / 4.0)
}

/// What can be known to be wrong before anything is ordered.
pub(crate) fn warnings(acme: &Acme) -> Vec<String> {
    if !acme.is_on() {
        return Vec::new();
    }
    let short = acme
        .names
        .iter()
        .filter(|name| !name.as_str().contains('.'));
    let short = short.map(|name| {
        format!(
            "acme.names: {name:?} is no full host name: public authorities give no certificate \
             for it; set acme.names or hostname",
            name = name.as_str()
        )
    });
    let mut warnings: Vec<String> = short.collect();
    warnings.extend(acme.http.iter().filter_map(|at| unbindable(*at)));
    warnings
}

/// Why the authority's questions could not be answered there by the user who runs this.
fn unbindable(at: SocketAddr) -> Option<String> {
    let error = net::try_tcp(at).err()?;
    Some(format!(
        "acme.http: this user cannot listen on {at}: {error}; let nothing else listen there, or \
         forward port 80 to another port and name that"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_half_a_day_and_are_not_the_same_everywhere() {
        let minutes = |failures, share| pause(failures, share).as_secs() / 60;
        assert_eq!(minutes(0, 0.0), 5);
        assert_eq!(minutes(1, 0.0), 10);
        assert_eq!(minutes(1, 0.8), 12);
        assert_eq!(minutes(40, 0.0), 720);
    }
}
