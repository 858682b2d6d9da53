//! Deliveries by their kind of next hop: into mailboxes here, or over the network.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use waypost_mta::clock::SystemClock;
use waypost_mta::deliver::maildir::Maildirs;
use waypost_mta::deliver::{Deliverer, Job, NextHop, Opened, Outcome, Seen, Trouble};
use waypost_mta::queue::{Attempt, Attempting, Opening};
use waypost_mta::session;

use crate::config::{Config, Delivery};
use crate::layout;

/// Who makes attempts.
pub(crate) struct Outgoing {
    deliverer: Deliverer,
    maildirs: Arc<Maildirs>,
    /// Whether mailboxes of users are among them.
    users_here: bool,
}

impl Outgoing {
    /// Makes the postmaster's Maildir too, which is there from the first start.
    pub(crate) fn new(
        deliverer: Deliverer,
        config: &Config,
        data_dir: &Path,
    ) -> anyhow::Result<Self> {
        let template = match &config.local.delivery {
            Delivery::Lmtp(_) => None,
            Delivery::Maildir(template) => Some(template.as_str()),
        };
        let hostname = config.top.hostname.as_str();
        let postmaster = layout::postmaster(data_dir);
        let maildirs = Maildirs::new(template, &postmaster, hostname, Arc::new(SystemClock));
        maildirs
            .create_postmaster()
            .context("cannot make the postmaster's mailbox")?;
        Ok(Self {
            deliverer,
            maildirs: Arc::new(maildirs),
            users_here: template.is_some(),
        })
    }

    /// How full mailboxes are, where this server keeps them itself.
    pub(crate) fn used(self: &Arc<Self>) -> Option<Arc<session::Used>> {
        let maildirs = Arc::clone(&self.maildirs);
        let used: Arc<session::Used> = Arc::new(move |destination| maildirs.used(destination));
        self.users_here.then_some(used)
    }

    /// File systems block: on a thread of its own.
    async fn to_maildirs(&self, job: Job) -> Vec<Outcome> {
        let maildirs = Arc::clone(&self.maildirs);
        let indexes: Vec<_> = job.recipients.iter().map(|r| r.index).collect();
        let delivering = tokio::task::spawn_blocking(move || maildirs.deliver(&job));
        delivering.await.unwrap_or_else(|bug| {
            tracing::error!("delivery into a Maildir ended with a bug: {bug}");
            let trouble = Trouble::transient(3, 0, "the delivery ended with a bug");
            let failed = |index| Outcome {
                index,
                result: Err(trouble.clone()),
            };
            indexes.into_iter().map(failed).collect()
        })
    }
}

impl Attempt for Outgoing {
    fn attempt(&self, job: Job) -> Attempting<'_> {
        Box::pin(async move {
            if job.next_hop == NextHop::Maildir {
                self.to_maildirs(job).await
            } else {
                self.deliverer.attempt(&job).await
            }
        })
    }

    fn open(&self, job: Job) -> Opening<'_> {
        Box::pin(async move { self.deliverer.open(&job).await })
    }

    fn attempt_over(&self, job: Job, opened: Opened) -> Attempting<'_> {
        Box::pin(async move { self.deliverer.attempt_over(&job, Some(opened)).await })
    }

    fn seen(&self) -> HashMap<NextHop, Seen> {
        self.deliverer.seen()
    }
}
