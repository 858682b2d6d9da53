//! One attempt to hand a message to a next hop.
//!
//! Nothing here decides where a message goes or when it is tried again: a [`Job`] comes in, one
//! [`Outcome`] per recipient comes out. Hosts of the next hop are tried in their order; what one
//! of them said about a recipient is final for this attempt, what could not be said is asked of
//! the next. Connections are kept for a while and used again.

mod ahead;
mod connect;
mod dane;
mod demand;
mod dialogue;
mod fetch;
mod health;
mod hosts;
mod job;
mod lmtp;
pub mod maildir;
mod policies;
mod pool;
mod report;
mod security;
#[cfg(test)]
mod tests;
mod tls;
pub mod trial;
mod trouble;

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use waypost_directory::Target;
use waypost_proto::mail::{Domain, Mailbox};
use waypost_proto::route::TargetId;
use waypost_proto::smtp::client::Rcpt;
use waypost_proto::smtp::params::{Body, MailParams, RcptParams};
use waypost_proto::smtp::reply::RemoteReply;

use crate::clock::Clock;
use crate::dns::{Dns, Listening};
pub use ahead::Opened;
use connect::{Connection, Connector};
use demand::Demands;
use dialogue::{Answer, Said, Sending};
use fetch::Fetch;
pub use health::Seen;
use health::{Health, Verdict};
pub use hosts::Remote;
use hosts::{Hosts, Place, Way};
pub use job::{Delivered, Job, JobRecipient, NextHop, Outcome};
pub use lmtp::Lmtp;
use policies::Policies;
pub use policies::{KeepPolicies, KeptPolicy};
use pool::Pool;
pub use security::{By, Level, Security, TlsVersion};
use tls::ClientTls;
pub use trouble::Trouble;

/// Hosts that one attempt speaks to at most.
const MAX_HOSTS: usize = 5;
/// The longest a callout may take: a client waits for it at RCPT.
const CALLOUT_TIMEOUT: Duration = Duration::from_secs(30);

/// How mail leaves this site.
#[derive(Debug, Clone)]
pub struct Settings {
    /// This host's name, for EHLO.
    pub hostname: Domain,
    /// The local address that connections leave from; none: the system's choice.
    pub source: Option<IpAddr>,
    /// The next hop for what has no other route; none: MX.
    pub smart_host: Option<Remote>,
    /// The local mail store, where it is behind LMTP.
    pub lmtp: Option<Lmtp>,
    /// Whether the MTA-STS policies of other domains are asked for.
    pub mta_sts: bool,
    /// How long connections are made, kept and used.
    pub limits: Limits,
}

/// How long connections are made, kept and used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// For a host to take a connection.
    pub connect_timeout: Duration,
    /// For a TLS handshake.
    pub handshake_timeout: Duration,
    /// How long a connection is kept without use.
    pub idle: Duration,
    /// Connections kept without use, per next hop.
    pub idle_connections: usize,
    /// Messages over one connection.
    pub messages_per_connection: u32,
    /// Callouts to one target at the same time.
    pub callouts: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(60),
            idle: Duration::from_secs(20),
            idle_connections: 20,
            messages_per_connection: 1000,
            callouts: 10,
        }
    }
}

/// Finds a target by its number in the directory as it is now.
pub type FindTarget = Box<dyn Fn(TargetId) -> Option<Target> + Send + Sync>;

/// What a deliverer works with.
pub struct Parts {
    /// The directory's targets.
    pub targets: FindTarget,
    /// Looks hosts up.
    pub dns: Dns,
    /// Where this server listens, so that nothing is handed back to it.
    pub listening: Listening,
    /// Tells how long a connection was idle.
    pub clock: Arc<dyn Clock>,
    /// Authorities for verified TLS; none: those of the system.
    pub roots: Option<RootCertStore>,
    /// Keeps MTA-STS policies over restarts.
    pub keep_policies: Option<Arc<dyn KeepPolicies>>,
}

/// Hands messages to next hops; cheap to clone.
#[derive(Clone)]
pub struct Deliverer(Arc<Inner>);

struct Inner {
    settings: Settings,
    targets: FindTarget,
    hosts: Hosts,
    connector: Connector,
    pool: Pool,
    health: Health,
}

impl fmt::Debug for Deliverer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Deliverer").field(&self.0.settings).finish()
    }
}

/// One recipient that has no outcome yet.
type Open<'a> = (&'a JobRecipient, Mailbox, RcptParams);

impl Deliverer {
    /// Makes a deliverer; needs a tokio runtime, on which idle connections are closed in time.
    #[must_use]
    pub fn new(settings: Settings, parts: Parts) -> Self {
        let health = Health::new(Arc::clone(&parts.clock));
        let tls = Arc::new(ClientTls::new(parts.roots));
        let policies = settings.mta_sts.then(|| {
            let (dns, clock) = (parts.dns.clone(), Arc::clone(&parts.clock));
            let fetch = Fetch {
                dns: dns.clone(),
                source: settings.source,
                tls: Arc::clone(&tls),
            };
            Policies::new(dns, fetch, clock, parts.keep_policies)
        });
        let demands = Demands::new(parts.dns.clone(), policies);
        let pool = Pool::start(&settings.limits, parts.clock);
        Self(Arc::new(Inner {
            hosts: Hosts::new(parts.dns, demands, parts.listening, &settings),
            connector: Connector::new(&settings, tls),
            targets: parts.targets,
            pool,
            health,
            settings,
        }))
    }

    /// Hands one copy to its next hop; one outcome per recipient, in the order of the job.
    ///
    /// Over the network only: copies for mailboxes on this machine are deferred here.
    pub async fn attempt(&self, job: &Job) -> Vec<Outcome> {
        self.attempt_over(job, None).await
    }

    /// The same, over the connection on which its envelope was told already, if it is this one.
    pub async fn attempt_over(&self, job: &Job, opened: Option<Opened>) -> Vec<Outcome> {
        let way = match self.way(&job.next_hop) {
            Ok(way) => way,
            Err(trouble) => return all(&job.recipients, &trouble),
        };
        let using = self.0.health.begin(&job.next_hop);
        let mut attempt = Attempt::new(job, &way, &self.0);
        attempt.run(opened).await;
        let outcomes = attempt.outcomes();
        if let Some(using) = using {
            using.end(Verdict::of(&outcomes));
        }
        outcomes
    }

    /// Asks a target by RCPT with a null reverse-path whether it takes mail for a recipient.
    ///
    /// # Errors
    ///
    /// [`Trouble`] when it could not be asked or said something else than yes or no to RCPT.
    pub async fn callout(
        &self,
        target: TargetId,
        recipient: &Mailbox,
    ) -> Result<RemoteReply, Trouble> {
        let next_hop = NextHop::Target(target);
        let way = self.way(&next_hop)?;
        let using = self.0.health.begin(&next_hop);
        let asking = self.0.ask(&next_hop, &way, recipient);
        let answer = match tokio::time::timeout(CALLOUT_TIMEOUT, asking).await {
            Ok(result) => result,
            Err(_) => Err(Trouble::transient(
                4,
                1,
                "the target did not answer in time",
            )),
        };
        if let Some(using) = using {
            using.end(Verdict::of_question(&answer));
        }
        answer
    }

    /// What was seen of next hops since the start; none of MX hosts.
    #[must_use]
    pub fn seen(&self) -> HashMap<NextHop, Seen> {
        let is_there = |next_hop: &NextHop| match next_hop {
            NextHop::Target(id) => (self.0.targets)(*id).is_some(),
            _ => true,
        };
        self.0.health.retain(is_there);
        let mut seen = self.0.health.all();
        for (next_hop, kept) in self.0.pool.kept() {
            if let Some(seen) = seen.get_mut(&next_hop) {
                seen.kept = kept;
            }
        }
        seen
    }

    /// Closes all idle connections; those in use are closed when they are done.
    pub fn close(&self) {
        self.0.pool.close();
    }

    fn way(&self, next_hop: &NextHop) -> Result<Way, Trouble> {
        let settings = &self.0.settings;
        let missing = |text: &str| Trouble::transient(3, 5, text);
        match next_hop {
            NextHop::Lmtp => settings.lmtp.as_ref().map_or_else(
                || Err(missing("no LMTP server is configured")),
                |lmtp| Ok(Way::lmtp(lmtp)),
            ),
            NextHop::Maildir => Err(missing("mailboxes here are not reached over SMTP")),
            NextHop::Mx(domain) => Ok(Way::mx(domain)),
            NextHop::SmartHost => settings.smart_host.as_ref().map_or_else(
                || Err(missing("no smart host is configured")),
                |remote| Ok(Way::remote(remote.clone())),
            ),
            NextHop::Target(id) => (self.0.targets)(*id).map_or_else(
                || Err(missing("the target is gone from the directory")),
                |target| Ok(Way::remote(Remote::from(target))),
            ),
        }
    }
}

/// The same failure for everybody.
fn all(recipients: &[JobRecipient], trouble: &Trouble) -> Vec<Outcome> {
    let each = recipients.iter().map(|recipient| Outcome {
        index: recipient.index,
        result: Err(trouble.clone()),
    });
    each.collect()
}

impl Inner {
    async fn ask(
        &self,
        next_hop: &NextHop,
        way: &Way,
        recipient: &Mailbox,
    ) -> Result<RemoteReply, Trouble> {
        let _turn = self.pool.callout_turn(next_hop).await;
        while let Some(mut kept) = self.pool.take(next_hop, way) {
            match kept.probe(recipient).await {
                Said::Stale => {}
                Said::Answers(mut answers) => {
                    self.pool.put(next_hop, way, kept);
                    return probed(answers.pop());
                }
            }
        }
        let mut trouble = None;
        for place in self.hosts.of(way).await?.into_iter().take(MAX_HOSTS) {
            let mut connection = match self.connector.open(&place, way).await {
                Ok(connection) => connection,
                Err(failed) => {
                    trouble = Some(failed);
                    continue;
                }
            };
            if let Said::Answers(mut answers) = connection.probe(recipient).await {
                self.pool.put(next_hop, way, connection);
                return probed(answers.pop());
            }
        }
        Err(trouble.unwrap_or_else(no_host))
    }
}

/// The answer to RCPT, yes or no; any other trouble stays one.
fn probed(answer: Option<Answer>) -> Result<RemoteReply, Trouble> {
    match answer {
        Some(Answer::Taken(Delivered {
            reply: Some(reply), ..
        })) => Ok(reply),
        Some(Answer::Refused(Trouble {
            at_rcpt: true,
            reply: Some(reply),
            ..
        })) => Ok(reply),
        Some(Answer::Refused(trouble) | Answer::Unsaid(trouble)) => Err(trouble),
        Some(Answer::Taken(_)) | None => Err(no_host()),
    }
}

fn no_host() -> Trouble {
    Trouble::transient(4, 1, "no host could be reached").unopened()
}

/// One attempt while it goes on.
struct Attempt<'a> {
    job: &'a Job,
    way: &'a Way,
    inner: &'a Inner,
    /// What is known so far, by the place in the job; troubles may still be improved.
    results: Vec<Option<Answer>>,
}

impl<'a> Attempt<'a> {
    fn new(job: &'a Job, way: &'a Way, inner: &'a Inner) -> Self {
        Self {
            job,
            way,
            inner,
            results: vec![None; job.recipients.len()],
        }
    }

    async fn run(&mut self, opened: Option<Opened>) {
        if let Some(opened) = opened
            && self.over_opened(opened).await
        {
            return;
        }
        if self.over_kept_connections().await {
            return;
        }
        let places = match self.inner.hosts.of(self.way).await {
            Ok(places) => places,
            Err(trouble) => return self.fail_open(&trouble.unopened()),
        };
        for place in places.into_iter().take(MAX_HOSTS) {
            if self.over_new_connection(&place).await {
                return;
            }
        }
    }

    /// Over connections that were kept; true when every recipient has its result.
    async fn over_kept_connections(&mut self) -> bool {
        while let Some(mut connection) = self.inner.pool.take(&self.job.next_hop, self.way) {
            match self.hand_over(&mut connection).await {
                Said::Stale => {}
                Said::Answers(answers) => {
                    self.note(answers);
                    let next_hop = &self.job.next_hop;
                    self.inner.pool.put(next_hop, self.way, connection);
                    return self.is_done();
                }
            }
        }
        false
    }

    async fn over_new_connection(&mut self, place: &Place) -> bool {
        let mut connection = match self.inner.connector.open(place, self.way).await {
            Ok(connection) => connection,
            Err(trouble) => {
                self.fail_open(&trouble);
                return false;
            }
        };
        match self.hand_over(&mut connection).await {
            Said::Stale => self.fail_open(&no_host()),
            Said::Answers(answers) => self.note(answers),
        }
        let next_hop = &self.job.next_hop;
        self.inner.pool.put(next_hop, self.way, connection);
        self.is_done()
    }

    async fn hand_over(&self, connection: &mut Connection) -> Said {
        let open = self.open();
        let mut params = self.mail_params();
        let short = report::shortened(self.job, connection.offered()).await;
        // What cannot be read here cannot be read below either, where it is told.
        let short = short.ok().flatten();
        if short.is_some() && !params.smtputf8 {
            params.body = Body::SevenBit;
        }
        let recipients = open
            .iter()
            .map(|(_, address, params)| Rcpt { address, params });
        let sending = Sending {
            reverse_path: &self.job.reverse_path,
            params: &params,
            recipients: recipients.collect(),
        };
        let content = short.as_ref().unwrap_or(&self.job.content);
        connection.send(sending, &self.job.front, content).await
    }

    /// To the members of a list goes a message of its owner: nothing of what the sender asked for
    /// goes on (RFC 3461 §5.2.7.1 b).
    fn mail_params(&self) -> MailParams {
        let envelope = &self.job.message.envelope;
        let mut params = envelope.params.clone();
        if self.job.reverse_path != envelope.reverse_path {
            params.ret = None;
            params.envid = None;
        }
        params
    }

    /// Recipients that another host may still take, with what RCPT says.
    fn open(&self) -> Vec<Open<'_>> {
        let both = self.job.recipients.iter().zip(&self.results);
        let open = both.filter(|(_, result)| is_open(result.as_ref()));
        let open = open.map(|(recipient, _)| (recipient, self.address(recipient)));
        open.map(|(recipient, address)| {
            let params = self.rcpt_params(recipient);
            (recipient, address, params)
        })
        .collect()
    }

    fn address(&self, recipient: &JobRecipient) -> Mailbox {
        match &self.inner.settings.lmtp {
            Some(lmtp) if self.job.next_hop == NextHop::Lmtp => lmtp.address(recipient),
            _ => recipient.address.clone(),
        }
    }

    /// ORCPT is added where it is absent (RFC 3461 §5.2.1): the address as it was accepted.
    fn rcpt_params(&self, recipient: &JobRecipient) -> RcptParams {
        let mut params = recipient.params.clone();
        if params.orcpt.is_none() {
            let recipients = &self.job.message.envelope.recipients;
            let accepted = recipients.get(recipient.index);
            params.orcpt = accepted.and_then(|accepted| job::orcpt(&accepted.address));
        }
        params
    }

    /// Takes the results of the open recipients, in their order.
    fn note(&mut self, answers: Vec<Answer>) {
        let open = self.results.iter_mut();
        let open = open.filter(|result| is_open(result.as_ref()));
        for (slot, answer) in open.zip(answers) {
            *slot = Some(answer);
        }
    }

    fn fail_open(&mut self, trouble: &Trouble) {
        let open = self.results.iter_mut();
        for slot in open.filter(|result| is_open(result.as_ref())) {
            *slot = Some(Answer::Unsaid(trouble.clone()));
        }
    }

    fn is_done(&self) -> bool {
        !self.results.iter().any(|result| is_open(result.as_ref()))
    }

    fn outcomes(self) -> Vec<Outcome> {
        let results = self.results.into_iter();
        let both = self.job.recipients.iter().zip(results);
        both.map(|(recipient, result)| Outcome {
            index: recipient.index,
            result: match result {
                Some(Answer::Taken(delivered)) => Ok(delivered),
                Some(Answer::Refused(trouble) | Answer::Unsaid(trouble)) => Err(trouble),
                None => Err(no_host()),
            },
        })
        .collect()
    }
}

/// Whether another host may still be asked.
fn is_open(result: Option<&Answer>) -> bool {
    matches!(result, None | Some(Answer::Unsaid(_)))
}
