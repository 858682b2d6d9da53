//! Questions to other servers, each by its own way: RCPT, Minger, or a file.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;
use waypost_directory::{GatewayId, Host, HostPort, Secret};
use waypost_proto::mail::{Domain, Mailbox};
use waypost_proto::minger::Status;
use waypost_proto::route::TargetId;
use waypost_proto::smtp::reply::RemoteReply;

use crate::deliver::trial::Trial;
use crate::deliver::{Deliverer, Trouble};
use crate::dns::{Dns, MailHosts};
use crate::resolve::{Answer, Ask, Asked, Authority, Question, Said, Snapshots};
use crate::{blocking, minger};

/// Minger questions to one server at the same time: each has a socket of its own. Servers do not
/// share them, so that a silent one cannot make others look silent.
const OPEN_QUESTIONS: usize = 256;

/// Files of addresses, one per line.
pub trait Lists: Send + Sync {
    /// Whether the file names the address; none when it cannot be read. Blocks.
    fn names(&self, file: &Path, address: &Mailbox) -> Option<bool>;
}

/// What questions are asked with.
pub struct Parts {
    /// Asks with RCPT.
    pub deliverer: Deliverer,
    /// Who and where.
    pub snapshots: Arc<Snapshots>,
    /// Looks hosts up.
    pub dns: Dns,
    /// Reads files of addresses.
    pub lists: Arc<dyn Lists>,
    /// Longest time of a Minger question, the wait for its turn and for names counted in.
    pub minger: minger::client::Settings,
}

/// Who asks other servers.
pub struct Asking {
    deliverer: Deliverer,
    snapshots: Arc<Snapshots>,
    dns: Dns,
    client: minger::Client,
    limit: Duration,
    lists: Arc<dyn Lists>,
    turns: Turns,
}

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asking")
    }
}

impl Asking {
    /// Joins the parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            deliverer: parts.deliverer,
            snapshots: parts.snapshots,
            dns: parts.dns,
            limit: parts.minger.limit,
            client: minger::Client::new(parts.minger),
            lists: parts.lists,
            turns: Turns::default(),
        }
    }

    /// What a target says to RCPT with a null reverse-path.
    ///
    /// # Errors
    ///
    /// Why it could not be asked.
    pub async fn rcpt(
        &self,
        target: TargetId,
        recipient: &Mailbox,
    ) -> Result<RemoteReply, Trouble> {
        self.deliverer.callout(target, recipient).await
    }

    async fn callout(&self, target: TargetId, recipient: &Mailbox) -> Said {
        match self.rcpt(target, recipient).await {
            Ok(reply) => Said::in_reply(reply),
            Err(trouble) => {
                tracing::info!(
                    target: "waypost::verify",
                    "callout for <{recipient}> failed: {trouble}"
                );
                Said::nothing()
            }
        }
    }

    async fn peer(&self, peer: TargetId, address: &Mailbox) -> Said {
        let snapshot = (self.snapshots)();
        let target = snapshot.target(peer);
        match target.and_then(|target| Some((target, target.minger.as_ref()?))) {
            Some((target, minger)) => {
                self.minger((&target.host, minger.port), &minger.secret, address)
                    .await
            }
            // It was a peer a moment ago.
            None => Said::nothing(),
        }
    }

    async fn gateway(&self, gateway: GatewayId, address: &Mailbox) -> Said {
        let snapshot = (self.snapshots)();
        let mut gateways = snapshot.gateways();
        match gateways.find(|known| known.id == gateway) {
            Some(known) => {
                let minger = &known.minger;
                self.minger((&minger.host, minger.port), &minger.secret, address)
                    .await
            }
            None => Said::nothing(),
        }
    }

    async fn minger(&self, at: (&Host, u16), secret: &Secret, address: &Mailbox) -> Said {
        match self.status(at, secret, address).await {
            Ok(status) => Said::in_status(status),
            // The protocol has no word for such an address, so that nobody has it there.
            Err(minger::Trouble::NotAscii(_)) => Said {
                answer: Answer::Unknown,
                words: None,
            },
            Err(trouble) => {
                tracing::info!(
                    target: "waypost::verify",
                    "question about <{address}> was not answered: {trouble}"
                );
                Said::nothing()
            }
        }
    }

    /// Tries a target, without sending anything.
    pub async fn trial(
        &self,
        target: TargetId,
        recipient: Option<&Mailbox>,
        nobody: Option<&Mailbox>,
    ) -> Trial {
        self.deliverer.trial(target, recipient, nobody).await
    }

    /// The same with a host that is no target yet.
    pub async fn trial_at(
        &self,
        host: HostPort,
        recipient: Option<&Mailbox>,
        nobody: Option<&Mailbox>,
    ) -> Trial {
        self.deliverer.trial_at(host, recipient, nobody).await
    }

    /// What a server says of an address over Minger: asked now, nothing is remembered of it.
    ///
    /// # Errors
    ///
    /// Why there is no answer.
    pub async fn status(
        &self,
        at: (&Host, u16),
        secret: &Secret,
        address: &Mailbox,
    ) -> Result<Status, minger::Trouble> {
        let asking = async {
            let turns = self.turns.at(at);
            let _turn = turns.acquire().await.ok();
            let asked = minger::Asked {
                addresses: self.addresses(at).await,
                secret: minger_secret(secret),
            };
            self.client.ask(&asked, address).await
        };
        match timeout(self.limit, asking).await {
            Ok(said) => said,
            Err(_) => Err(minger::Trouble::Late { limit: self.limit }),
        }
    }

    /// Where a host answers; nowhere when its name cannot be looked up.
    pub async fn addresses(&self, (host, port): (&Host, u16)) -> Vec<SocketAddr> {
        let of_names = |names: Vec<Domain>| async move {
            let mut found = Vec::new();
            for name in names {
                found.extend(self.dns.addresses(&name).await.unwrap_or_default());
            }
            found
        };
        let addresses = match host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => of_names(vec![name.clone()]).await,
            Host::Mx(domain) => match self.dns.mail_hosts(domain, || 0).await {
                Ok(MailHosts::Hosts(hosts, _)) => {
                    of_names(hosts.into_iter().filter_map(|mx| mx.host).collect()).await
                }
                _ => Vec::new(),
            },
        };
        let addresses = addresses.into_iter();
        addresses
            .map(|address| SocketAddr::new(address, port))
            .collect()
    }

    /// Files block: on a thread of their own.
    async fn list(&self, gateway: GatewayId, address: &Mailbox) -> Said {
        let snapshot = (self.snapshots)();
        let known = snapshot.gateways().find(|known| known.id == gateway);
        let Some(file) = known.and_then(|known| known.list.clone()) else {
            return Said::nothing();
        };
        let (lists, address) = (Arc::clone(&self.lists), address.clone());
        let looking = blocking::spawn_blocking(move || lists.names(&file, &address));
        let answer = match looking.await.ok().flatten() {
            Some(true) => Answer::Active,
            Some(false) => Answer::Unknown,
            None => Answer::Unavailable,
        };
        Said {
            answer,
            words: None,
        }
    }
}

/// How many may ask each server now. Servers that are no longer asked are few, and forgotten with
/// the process.
#[derive(Default)]
struct Turns(Mutex<HashMap<(Host, u16), Arc<Semaphore>>>);

impl Turns {
    fn at(&self, (host, port): (&Host, u16)) -> Arc<Semaphore> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let turns = turns.entry((host.clone(), port));
        Arc::clone(turns.or_insert_with(|| Arc::new(Semaphore::new(OPEN_QUESTIONS))))
    }
}

impl Ask for Asking {
    fn ask<'a>(&'a self, question: &'a Question) -> Asked<'a> {
        Box::pin(async move {
            let address = &question.address;
            match question.authority {
                Authority::Callout(target) => self.callout(target, address).await,
                Authority::Gateway(gateway) => self.gateway(gateway, address).await,
                Authority::List(gateway) => self.list(gateway, address).await,
                Authority::Peer(peer) => self.peer(peer, address).await,
                // Deliveries tell, and nobody else.
                Authority::Delivery(_) => Said::nothing(),
            }
        })
    }
}

/// The directory has checked it when it was saved; an empty one asks anonymously.
fn minger_secret(secret: &Secret) -> Option<waypost_proto::minger::Secret> {
    waypost_proto::minger::Secret::parse(secret.expose()).ok()
}
